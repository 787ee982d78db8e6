// `complete SHELL -- …`: what may come next, a line each, for the scripts of
// `completion`. `:files` leaves it to the shell. What cannot be found out at once is
// not offered: somebody waits at the keyboard.

import { readResolverFile } from "../../os/resolv-conf.js";
import { displayName } from "../../wire/name.js";
import { Api } from "../api.js";
import { ExitStatus, type Request } from "../command.js";
import { type Asked, apiWords, type Offered, offersFor } from "../complete.js";
import { harmless } from "../harmless.js";
import { quoted, readLine } from "../shell-words.js";

/** Milliseconds for discd's answer. */
const patience = 1000;
/** What nobody looks through any more. */
const offersMax = 500;

/** Offered without discd, too. */
const usualTypes = [
  "_airplay._tcp",
  "_googlecast._tcp",
  "_hap._tcp",
  "_http._tcp",
  "_ipp._tcp",
  "_ipps._tcp",
  "_matter._tcp",
  "_pdl-datastream._tcp",
  "_printer._tcp",
  "_raop._tcp",
  "_scanner._tcp",
  "_sftp-ssh._tcp",
  "_smb._tcp",
  "_ssh._tcp",
  "_uscan._tcp",
  "_uscans._tcp",
];

export async function run(request: Request): Promise<ExitStatus> {
  const [shell, ...rest] = request.words;
  if (shell !== "bash") {
    const current = rest.at(-1) ?? "";
    const found = await wordsFor(rest.slice(0, -1), current);
    request.output.print(found.map((word) => `${word}\n`).join(""));
    return ExitStatus.done;
  }
  const { words, quote } = readLine(rest[0] ?? "");
  const current = words.at(-1) ?? "";
  const found = await wordsFor(words.slice(1, -1), current);
  // bash begins a word anew behind these, and puts in what is offered there.
  const done = /^.*[=:]/s.exec(current)?.[0].length ?? 0;
  const lines = found.map((word) => {
    if (word === ":files") return word;
    const left = word.slice(done);
    if (quote !== undefined) return left;
    return `${quoted(left)}${word.endsWith("=") ? "" : " "}`;
  });
  request.output.print(lines.map((line) => `${line}\n`).join(""));
  return ExitStatus.done;
}

async function wordsFor(before: readonly string[], current: string): Promise<readonly string[]> {
  const offered = offersFor(before, current);
  if (offered.kind === "files") return [":files"];
  const found = offered.kind === "words" ? offered.words : await asked(offered, before);
  const whole = [...new Set(found)].filter((word) => word.startsWith(current));
  return whole.filter((word) => harmless(word) === word).slice(0, offersMax);
}

async function asked(
  { what, prefix }: Extract<Offered, { kind: "ask" }>,
  before: readonly string[],
): Promise<string[]> {
  const { api } = apiWords(before);
  const own = what === "type" ? usualTypes : what === "zone" ? searchDomains() : [];
  let told: readonly string[] = [];
  try {
    const place = typeof api === "string" ? api : undefined;
    told = await toldBy(
      new Api({ api: place, timeout: patience, options: { ca: undefined, pin: [] } }),
      what,
    );
  } catch {
    // Nobody wants to read about it while typing.
  }
  return [...told, ...own].sort().map((word) => `${prefix}${word}`);
}

async function toldBy(api: Api, what: Asked): Promise<readonly string[]> {
  switch (what) {
    case "zone":
      return (await api.get("/v1/zones")).zones.map(({ zone }) => zone);
    case "interface":
      return (await api.get("/v1/interfaces")).interfaces.map(({ name }) => name);
    case "type":
      return (await api.get("/v1/services")).types.map(({ type }) => type);
    case "instance":
      return (await api.get("/v1/services")).services.map(({ name }) => name);
  }
}

const searchDomains = (): string[] => readResolverFile().search.map(displayName);
