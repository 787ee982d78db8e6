// The policy of a site for its names, in a file of its own: what counts as a
// leak, and whether DNS over HTTPS is allowed. Read by discli as discd.lua is
// read by discd: in a sandbox, with limits, every problem with its line.

import { readFile, stat } from "node:fs/promises";
import type { Address } from "../address.js";
import { defaultLimits } from "../limits.js";
import { type Name, parseName } from "../wire/name.js";
import { problemsText } from "./check-text.js";
import { fileSizeMax, reasonOf } from "./files.js";
import { runInThread, workerProgram } from "./lua-thread.js";
import { beside, filePath } from "./paths.js";
import { Report } from "./report.js";
import { type Checked, oneOrMore, optional, preset, required, table } from "./shapes.js";
import { choice, listenAddress, name } from "./words.js";

export interface Policy {
  /** What counts as a leak: names of the zone alone, or every name. */
  readonly leak: "internal" | "all";
  readonly doh: "allow" | "deny";
  /** Who may be asked for names of the zone, and for no others; empty: not said. */
  readonly servers: readonly Address[];
  /** Below this a name outside of the zone is asked. */
  readonly outside: Name;
  /** Path of the file with the endpoints of DNS over HTTPS that are tried. */
  readonly dohList?: string;
}

/** Reserved for examples (RFC 6761 §6.5), and there. */
const example = parseName("example.org");

export const usualPolicy: Policy = {
  leak: "internal",
  doh: "allow",
  servers: [],
  outside: example,
};

const policyKeys = {
  leak: preset(choice("internal", "all"), usualPolicy.leak, "what counts as a leak"),
  doh: preset(choice("allow", "deny"), usualPolicy.doh, "whether DNS over HTTPS is allowed"),
  servers: preset(oneOrMore(listenAddress), [], "the zone's servers, for nothing else"),
  outside: preset(name, example, "a domain outside of the zone"),
  doh_list: optional(filePath, "file with endpoints of DNS over HTTPS"),
};

const nothingWritten: Checked<typeof policyKeys> = {
  ...usualPolicy,
  doh_list: undefined,
};

const topKeys = { policy: required(table(policyKeys), nothingWritten, "the policy, a table") };

/**
 * Reads `policy = { leak = 'internal', doh = 'deny', … }`.
 *
 * @returns or what is wrong with it, a line each
 */
export async function readPolicy(
  file: string,
  program: URL = workerProgram,
): Promise<Policy | { readonly problems: string }> {
  const bytes = await read(file);
  if (typeof bytes === "string") return { problems: `${file}: ${bytes}` };
  const job = { file, bytes, included: new Map(), environment: { ...process.env }, interfaces: [] };
  const bounds = { time: defaultLimits.luaTime, memory: defaultLimits.luaMemory };
  const outcome = await runInThread(job, bounds, program);
  const report = new Report(outcome.files);
  let written: Checked<typeof topKeys> | undefined;
  if (outcome.kind === "failed") report.failure(outcome.failure);
  else {
    const { globals } = outcome;
    written = table(topKeys)(globals, { path: "", spot: globals.spot, report });
  }
  if (report.hasErrors || written === undefined) {
    return { problems: problemsText(report.problems).trimEnd() };
  }
  const { doh_list, ...rest } = written.policy;
  return { ...rest, ...(doh_list === undefined ? {} : { dohList: beside(file, doh_list) }) };
}

/** @returns the reason why it cannot be read */
async function read(file: string): Promise<Uint8Array | string> {
  try {
    const facts = await stat(file);
    if (!facts.isFile()) return "it is not a regular file";
    if (facts.size > fileSizeMax) return `it is larger than ${fileSizeMax} bytes`;
    return Uint8Array.from(await readFile(file));
  } catch (error) {
    return reasonOf(error);
  }
}
