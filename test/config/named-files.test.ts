// Files that discd.lua names: keys and authorities, who may read them, and when they
// are read again.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { problemText } from "../../src/config/check-text.js";
import { type Loaded, loadAgain, loadSettings } from "../../src/config/load.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { host } from "./lua.js";
import { file as fileOf, secret } from "./update-files.js";
import { bundleWorker } from "./worker.js";

let program: URL;
let folder: string;

beforeAll(async () => {
  program = await bundleWorker();
  folder = mkdtempSync(join(tmpdir(), "discd-named-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keyFile = (text = secret, name = "discd") =>
  `key "${name}" {\n  algorithm hmac-sha256;\n  secret "${text}";\n};\n`;

type Files = Readonly<Record<string, string | readonly [mode: number, text: string]>>;

/** Writes files, private ones unless they say otherwise, and loads the one called discd.lua. */
function write(files: Files): string {
  const own = mkdtempSync(join(folder, "files-"));
  for (const [name, given] of Object.entries(files)) {
    const [mode, text] = typeof given === "string" ? [0o600, given] : given;
    if (name.includes("/")) mkdirSync(join(own, name, ".."), { recursive: true });
    writeFileSync(join(own, name), text);
    chmodSync(join(own, name), mode);
  }
  return own;
}

const loadIn = (own: string, environment: Record<string, string> = {}) =>
  loadSettings({ file: join(own, "discd.lua"), demo: false }, host, environment, program);

const linesIn = (loaded: Loaded, own: string) =>
  ("problems" in loaded ? loaded.problems : loaded.warnings).map((one) =>
    problemText(one).replaceAll(`${own}/`, ""),
  );

async function linesOf(files: Files): Promise<readonly string[]> {
  const own = write(files);
  return linesIn(await loadIn(own), own);
}

/** The secrets of a configuration that has to be sound. */
function secretsIn(loaded: Loaded): readonly string[] {
  if ("problems" in loaded) throw new Error(loaded.problems.map(problemText).join("\n"));
  return loaded.settings.engine.links.flatMap(({ published = [] }) =>
    published.flatMap(({ target: { key, keys } }) =>
      [key, ...keys.map((one) => one.key)].flatMap((one) =>
        one === undefined ? [] : [Buffer.from(one.secret).toString("base64")],
      ),
    ),
  );
}

const withKey = fileOf("key = { file = 'discd.key' }");

test("a key in a file, and others by name, beside the configuration", async () => {
  const other = "/".repeat(42).concat("8=");
  const update = `key = { file = 'discd.key' },
    keys = { ['a.example'] = { file = 'keys/all.key', name = 'Second' } }`;
  const own = write({
    "discd.lua": fileOf(update),
    "discd.key": keyFile(),
    "keys/all.key": `${keyFile(secret, "first")}${keyFile(other, "second")}`,
  });
  const loaded = await loadIn(own);
  expect(secretsIn(loaded)).toEqual([secret, other]);
  expect(linesIn(loaded, own)).toEqual([]);
  if ("problems" in loaded) return;
  const printed = JSON.stringify(loaded.printable);
  expect(printed).toContain('"key":{"file":"discd.key"}');
  expect(printed).not.toContain(secret.slice(0, 12));
});

test.each([
  ["not there", {}, "discd.key: no such file"],
  [
    "readable by everybody [TSIG-7]",
    { "discd.key": [0o644, keyFile()] },
    "discd.key holds a secret and may be read by every user of this host; take that right away with: chmod o-r discd.key",
  ],
  ["not a key", { "discd.key": `\n${secret}` }, 'discd.key:2: something else than key "NAME"'],
  ["without a key", { "discd.key": "# none" }, "discd.key: it holds no key"],
  [
    "with two keys",
    { "discd.key": keyFile() + keyFile() },
    "discd.key: it holds 2 keys; say which: { file = 'FILE', name = 'NAME' }",
  ],
  [
    "too large",
    { "discd.key": "#".repeat(1024 * 1024 + 1) },
    "discd.key: it is larger than 1048576 bytes",
  ],
  ["a folder", { "discd.key/x": "" }, "discd.key: it is a folder"],
] as [string, Files, string][])("a key file that is %s", async (_, files, want) => {
  const lines = await linesOf({ "discd.lua": withKey, ...files });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`discd.lua:2: update.key.file: ${want}`);
  expect(lines[0]).not.toContain(secret.slice(0, 12));
});

test("a pipe is not waited for, a link that leads nowhere is told", async () => {
  const own = write({ "discd.lua": withKey });
  execFileSync("mkfifo", [join(own, "discd.key")]);
  expect(linesIn(await loadIn(own), own)[0]).toContain("discd.key: it is not a regular file");
  rmSync(join(own, "discd.key"));
  symlinkSync("/nowhere/discd.key", join(own, "discd.key"));
  expect(linesIn(await loadIn(own), own)[0]).toContain(
    "discd.key: a symbolic link to /nowhere/discd.key, which is not there",
  );
});

test("a short secret in a file is a warning [TSIG-7]", async () => {
  const lines = await linesOf({ "discd.lua": withKey, "discd.key": keyFile("AAECAwQFBgc=") });
  expect(lines).toEqual([
    "discd.lua:2: warning: update.key.file: discd.key: the secret has 8 bytes, fewer than the 32 of hmac-sha256 (RFC 8945 §8); make a key with: tsig-keygen -a hmac-sha256 NAME",
  ]);
});

test("group rights are the operator's own affair", async () => {
  const files = { "discd.lua": withKey, "discd.key": [0o640, keyFile()] } as const;
  expect(await linesOf(files)).toEqual([]);
});

test("a key is swapped by a reload, and by nothing else [TSIG-16]", async () => {
  const own = write({ "discd.lua": withKey, "discd.key": keyFile() });
  const first = await loadIn(own);
  if ("problems" in first) throw new Error("refused");
  const other = secret.replace("AAEC", "BBBB");
  writeFileSync(join(own, "discd.key"), keyFile(other));
  // Interfaces have changed: the operator may be in the middle of an edit.
  const again = await loadAgain(first.origin, host, program);
  expect(secretsIn(again)).toEqual([secret]);
  rmSync(join(own, "discd.key"));
  expect(secretsIn(await loadAgain(first.origin, host, program))).toEqual([secret]);
  expect("problems" in (await loadIn(own))).toBe(true);
  writeFileSync(join(own, "discd.key"), keyFile(other), { mode: 0o600 });
  expect(secretsIn(await loadIn(own))).toEqual([other]);
});

const open = (path: string) =>
  `${path}: this file holds it and may be read by every user of this host; take that right away with: chmod o-r discd.lua`;

test("discd.lua with a secret that everybody may read is refused [TSIG-7]", async () => {
  const update = `key = { name = 'k', secret = '${secret}' },
    keys = { ['a.example'] = { name = 'l', secret = '${secret.replace("AAEC", "BBBB")}' } }`;
  const text = `cookies = { secret = 'e5e973e5a6b2a43f48e7dc849e37bfcf' }\n${fileOf(update)}`;
  const own = write({ "discd.lua": [0o644, text] });
  const wanted = [
    `discd.lua:1: warning: ${open("cookies.secret")}`,
    `discd.lua:3: ${open("update.key.secret")}`,
    `discd.lua:4: ${open("update.keys['a.example'].secret")}`,
  ];
  const loaded = await loadIn(own);
  expect("problems" in loaded).toBe(true);
  expect(linesIn(loaded, own)).toEqual(wanted);
  chmodSync(join(own, "discd.lua"), 0o600);
  const closed = await loadIn(own);
  expect(linesIn(closed, own)).toEqual([]);
  if ("problems" in closed) return;
  // A daemon that runs follows its interfaces all the same.
  chmodSync(join(own, "discd.lua"), 0o644);
  const again = await loadAgain(closed.origin, host, program);
  expect("problems" in again).toBe(false);
  expect(linesIn(again, own)).toEqual(
    wanted.map((line) => line.replace(/:(\d): (?!warning)/, ":$1: warning: ")),
  );
});

test("a secret of the environment stands in no file", async () => {
  const text = fileOf("key = { name = 'k', secret = env('KEY') }");
  const own = write({ "discd.lua": [0o644, text] });
  const loaded = await loadIn(own, { KEY: secret });
  expect(linesIn(loaded, own)).toEqual([]);
  expect(secretsIn(loaded)).toEqual([secret]);
});

test("authorities are read, whatever stands around them", async () => {
  const cert = makeSelfSigned(["ns1.example"], Date.now()).credentials.cert;
  const update =
    "server = 'ns1.example', transport = 'tls', tls = { ca = 'ca.pem' }, key = { file = 'discd.key' }";
  const files = (pem: string): Files => ({
    "discd.lua": fileOf(update),
    "discd.key": keyFile(),
    // Certificates are nobody's secret.
    "ca.pem": [0o644, pem],
  });
  const own = write(files(`# ours\n${cert}${cert}`));
  const loaded = await loadIn(own);
  expect(linesIn(loaded, own)).toEqual([]);
  if ("problems" in loaded) return;
  const [link] = loaded.settings.engine.links;
  expect(link?.published?.[0]?.target.tls.ca).toContain(cert);
  expect(await linesOf(files("none"))).toEqual([
    "discd.lua:2: update.tls.ca: ca.pem: it holds no certificate in PEM form",
  ]);
  expect(await linesOf(files(cert.replace(/\n[A-Za-z0-9+/]{20}/, "\n")))).toEqual([
    "discd.lua:2: update.tls.ca: ca.pem: certificate 1 of 1 cannot be read",
  ]);
  const pinned = write({
    ...files(cert),
    "discd.lua": fileOf(update.replace("ca =", `pin = 'sha256/${"A".repeat(43)}=', ca =`)),
  });
  expect(linesIn(await loadIn(pinned), pinned)).toEqual([
    "discd.lua:2: warning: update.tls.ca: is not used: where there is a pin, nothing else counts",
  ]);
  expect(
    await linesOf({ ...files(""), "discd.lua": fileOf(update.replace("ca.pem", "no.pem")) }),
  ).toEqual(["discd.lua:2: update.tls.ca: no.pem: no such file"]);
});
