// Loads a configuration: runs discd.lua in its thread, checks all of what it
// left behind, and puts the settings together; what comes out is plain data.
// When the interfaces of the host change, the texts of the last accepted load
// are judged anew: an edit counts once the operator says so.

import { readFile, stat } from "node:fs/promises";
import type { LearnedLink } from "../learn/learned.js";
import { defaultLimits } from "../limits.js";
import { fileSizeMax, reasonOf } from "./files.js";
import { learnedZones } from "./learned-zones.js";
import { planAll } from "./links.js";
import { type LuaBounds, runInThread, workerProgram } from "./lua-thread.js";
import type { Outcome, Script, Table, Value } from "./lua-value.js";
import { askedAbout, type PresentInterface } from "./match.js";
import { type NamedFiles, noFiles, readNamed } from "./named-files.js";
import { clearOf, ownNames } from "./own-names.js";
import { spotOf } from "./place.js";
import { printableOf } from "./printable.js";
import { type Problem, Report, type Where } from "./report.js";
import { checkFile, luaMemory, luaTime, nothingWritten, type Written } from "./schema.js";
import { openSecrets, secretsIn, unsetTokens } from "./secrets.js";
import { type Settings, settingsOf } from "./settings.js";
import { firstSpot } from "./spots.js";
import { filesNamedIn } from "./update-files.js";

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
  /** What the DNS says of its links; absent: it was not asked. */
  readonly learned?: readonly LearnedLink[];
}

/** What a configuration was made of. */
export interface Origin {
  readonly source: Source;
  /** Absent without a file. */
  readonly script?: Script;
  /** Files that are not to be read again: keys, authorities. */
  readonly named?: NamedFiles;
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

/** A file's keys, each of them checked alone. */
interface Checked {
  readonly source: Source;
  readonly report: Report;
  readonly globals: Table;
  readonly written: Written;
}

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
  return loadFrom({ source, script }, host, program, "first");
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
  return loadFrom(origin, host, program, "again");
}

async function loadFrom(
  origin: Origin,
  host: Host,
  program: URL,
  turn: "first" | "again",
): Promise<Loaded> {
  const { source, script } = origin;
  if (script === undefined) {
    const anew = () => withoutFile(source);
    const judged = settleFitting(anew(), anew, host, noFiles);
    return "problems" in judged ? judged : { ...judged, origin };
  }
  const job = { ...script, interfaces: askedAbout(host.interfaces) };
  const outcome = await runInThread(job, boundsIn(script.bytes), program);
  const checked = check(source, outcome);
  if ("problems" in checked) return checked;
  const named = await readNamed(filesNamedIn(checked.written, script.file), origin.named);
  const judged = settleFitting(checked, () => check(source, outcome), host, named);
  if ("problems" in judged) return judged;
  const included = outcome.kind === "done" ? outcome.included : script.included;
  const used = { ...script, included };
  const open = await openSecrets(secretsIn(checked.written), used, turn === "first");
  const problems = [...judged.warnings, ...unsetTokens(checked.written, used), ...open];
  if (open.some(({ isWarning }) => !isWarning)) return { problems };
  return { ...judged, warnings: problems, origin: { source, script: used, named } };
}

/** Judges what a run left behind, and the files that it names. */
export function judge(
  source: Source,
  host: Host,
  outcome: Outcome,
  named: NamedFiles = noFiles,
): Judged {
  const anew = () => check(source, outcome);
  const checked = anew();
  return "problems" in checked ? checked : settleFitting(checked, anew, host, named);
}

/**
 * The DNS can name a zone that does not fit what the file says beside it: then the file
 * counts, and the operator is told.
 */
function settleFitting(
  checked: Checked,
  checkAnew: () => Checked | Refused,
  host: Host,
  named: NamedFiles,
): Judged {
  const judged = settle(checked, host, named);
  const { learned = [] } = host;
  if (!("problems" in judged) || !learned.some(({ name }) => name !== undefined)) return judged;
  const again = checkAnew();
  if ("problems" in again) return again;
  const reason = judged.problems.find(({ isWarning }) => !isWarning)?.text ?? "";
  const where = { path: "", spot: firstSpot, report: again.report };
  again.report.warning(where, `zones that the DNS names are left out, since with them: ${reason}`);
  const unknown = learned.map(({ link }) => ({ link, hasEnded: false, networks: [] }));
  return settle(again, { ...host, learned: unknown }, named);
}

function check(source: Source, outcome: Outcome): Checked | Refused {
  const report = new Report(outcome.files);
  if (outcome.kind === "failed") {
    report.failure(outcome.failure);
    return { problems: report.problems };
  }
  const { globals } = outcome;
  for (const { text, spot } of outcome.printed) {
    report.warning({ path: "print", spot, report }, text);
  }
  const written = checkFile(globals, { path: "", spot: globals.spot, report });
  return written === undefined
    ? { problems: report.problems }
    : { source, report, globals, written };
}

const withoutFile = (source: Source): Checked => ({
  source,
  report: new Report([]),
  globals: noTable,
  written: nothingWritten,
});

function settle(
  { source, report, globals, written }: Checked,
  host: Host,
  named: NamedFiles,
): Judged {
  const hasFile = source.file !== undefined;
  const at = (path: string): Where => ({
    path,
    spot: spotOf(globals, path),
    report,
    isDerived: true,
  });
  const names = ownNames(written, host.fqdn);
  const { interfaces, learned } = host;
  const { domain, publishedDomain } = names;
  const zonesLearned = learnedZones({ written, names, hasDemo: source.demo, learned, at });
  const plan = { written, domain, publishedDomain, interfaces, learned: zonesLearned, at };
  const planned = planAll(plan, hasFile);
  const zones = planned.flatMap(({ subdomain }) => (subdomain ? [subdomain] : []));
  const material = {
    written,
    names: hasFile ? names : clearOf(names, [...zones, names.demo]),
    interfaces,
    file: source.file,
    named,
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
