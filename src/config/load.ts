// Loads a configuration: runs discd.lua in its thread, checks all of what it
// left behind, and puts the settings together; what comes out is plain data.
// When the interfaces of the host change, the texts of the last accepted load
// are judged anew: an edit counts once the operator says so.

import { readFile, stat } from "node:fs/promises";
import { defaultLimits } from "../limits.js";
import { fileSizeMax, reasonOf } from "./files.js";
import { planAll } from "./links.js";
import { type LuaBounds, runInThread, workerProgram } from "./lua-thread.js";
import type { Outcome, Script, Table, Value } from "./lua-value.js";
import { askedAbout, type PresentInterface } from "./match.js";
import { clearOf, ownNames } from "./own-names.js";
import { spotOf } from "./place.js";
import { printableOf } from "./printable.js";
import { type Problem, Report, type Where } from "./report.js";
import { checkFile, luaMemory, luaTime, nothingWritten } from "./schema.js";
import { openSecrets } from "./secrets.js";
import { type Settings, settingsOf } from "./settings.js";
import { firstSpot } from "./spots.js";

export type { PresentInterface } from "./match.js";
export type { Problem } from "./report.js";
export type { Settings } from "./settings.js";

export interface Source {
  /** As the operator wrote it; absent: no file. */
  readonly file?: string;
  /** Add the demo link. */
  readonly demo: boolean;
}

/** What of the host a configuration depends on. */
export interface Host {
  readonly fqdn: string;
  readonly interfaces: readonly PresentInterface[];
}

/** What a configuration was made of. */
export interface Origin {
  readonly source: Source;
  /** Absent without a file. */
  readonly script?: Script;
}

interface Refused {
  readonly problems: readonly Problem[];
}

interface Accepted {
  readonly settings: Settings;
  readonly warnings: readonly Problem[];
  /** For `--print-json`. */
  readonly printable: object;
}

export type Judged = Accepted | Refused;
export type Loaded = (Accepted & { readonly origin: Origin }) | Refused;

const noTable: Table = { kind: "table", entries: [], spot: firstSpot };

/**
 * Reads, runs and checks. Never rejects for what a file holds; `problems` has
 * all of it, warnings included.
 *
 * @param environment what `env(name)` reads
 * @param program the thread's program, where it is not beside this one
 */
export async function loadSettings(
  source: Source,
  host: Host,
  environment: Readonly<Record<string, string | undefined>>,
  program: URL = workerProgram,
): Promise<Loaded> {
  if (source.file === undefined) return loadAgain({ source }, host);
  const { file } = source;
  const bytes = await read(file);
  if (!(bytes instanceof Uint8Array)) {
    const report = new Report([file]);
    report.failure({ text: `the file cannot be read: ${bytes.reason}`, spot: firstSpot });
    return { problems: report.problems };
  }
  const script = { file, bytes, included: new Map(), environment: { ...environment } };
  return loadAgain({ source, script }, host, program);
}

/**
 * Judges the same texts for other interfaces. Only a file that was never asked for
 * before is read: the function of a new interface may include one.
 */
export async function loadAgain(
  origin: Origin,
  host: Host,
  program: URL = workerProgram,
): Promise<Loaded> {
  const { source, script } = origin;
  if (script === undefined) {
    const judged = settle(source, host, noTable, new Report([]));
    return "problems" in judged ? judged : { ...judged, origin };
  }
  const job = { ...script, interfaces: askedAbout(host.interfaces) };
  const outcome = await runInThread(job, boundsIn(script.bytes), program);
  const judged = judge(source, host, outcome);
  if ("problems" in judged) return judged;
  const included = outcome.kind === "done" ? outcome.included : script.included;
  const used = { ...script, included };
  const warnings = [...judged.warnings, ...(await openSecrets(judged.settings, used))];
  return { ...judged, warnings, origin: { source, script: used } };
}

/** Checks what a run left behind. */
export function judge(source: Source, host: Host, outcome: Outcome): Judged {
  const report = new Report(outcome.files);
  if (outcome.kind === "failed") {
    report.failure(outcome.failure);
    return { problems: report.problems };
  }
  for (const { text, spot } of outcome.printed) {
    report.warning({ path: "print", spot, report }, text);
  }
  return settle(source, host, outcome.globals, report);
}

function settle(source: Source, host: Host, globals: Table, report: Report): Judged {
  const hasFile = source.file !== undefined;
  const at = (path: string): Where => ({
    path,
    spot: spotOf(globals, path),
    report,
    isDerived: true,
  });
  const written = hasFile
    ? checkFile(globals, { path: "", spot: globals.spot, report })
    : nothingWritten;
  if (written === undefined) return { problems: report.problems };
  const names = ownNames(written, host.fqdn);
  const { interfaces } = host;
  const planned = planAll({ written, domain: names.domain, interfaces, at }, hasFile);
  const zones = planned.flatMap(({ subdomain }) => (subdomain ? [subdomain] : []));
  const material = {
    written,
    names: hasFile ? names : clearOf(names, [...zones, names.demo]),
    interfaces,
    file: source.file,
    hasDemo: source.demo,
    at,
  };
  const settings = settingsOf(material, planned);
  if (report.hasErrors) return { problems: report.problems };
  const printable = printableOf(material, planned, settings);
  return { settings, warnings: report.problems, printable };
}

async function read(file: string): Promise<Uint8Array | { reason: string }> {
  try {
    const facts = await stat(file);
    if (facts.isDirectory()) return { reason: "it is a folder" };
    if (!facts.isFile()) return { reason: "it is not a regular file" };
    if (facts.size > fileSizeMax) return { reason: `it is larger than ${fileSizeMax} bytes` };
    return Uint8Array.from(await readFile(file));
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/**
 * The bounds for running a file are keys of that file. They are looked for in its
 * text, since they have to hold before it runs; the checker judges them later.
 */
function boundsIn(bytes: Uint8Array): LuaBounds {
  const text = new TextDecoder().decode(bytes).replace(/--.*$/gm, "");
  const where = { path: "", spot: firstSpot, report: new Report([]) };
  const find = (key: string): Value => {
    const found = new RegExp(`\\b${key}\\s*=\\s*(?:['"]([^'"\n]*)['"]|(\\d+(?:\\.\\d+)?))`).exec(
      text,
    );
    if (found?.[1] !== undefined) return { kind: "string", text: found[1], isUtf8: true };
    return { kind: "number", value: Number(found?.[2] ?? Number.NaN) };
  };
  return {
    time: luaTime(find("lua_time"), where) ?? defaultLimits.luaTime,
    memory: luaMemory(find("lua_memory"), where) ?? defaultLimits.luaMemory,
  };
}
