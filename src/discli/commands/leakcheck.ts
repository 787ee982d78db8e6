// `leakcheck`: whether names of a zone leave this host by one interface alone.
// The interface that is meant is --if; every other one is watched, and that one
// for servers that are not meant. Packets are the proof, and are kept in a file.

import { randomBytes } from "node:crypto";
import { type Address, parseAddress } from "../../address.js";
import type { Policy } from "../../config/policy-file.js";
import { type PresentInterface, readInterfaces } from "../../os/interfaces.js";
import { findInterfaceInFiles, loadNative } from "../../os/native.js";
import { displayName, type Name } from "../../wire/name.js";
import { ExitStatus, Failure, type Request, UsageError } from "../command.js";
import { namesToAsk, wordOf } from "../leaks/labels.js";
import { type Proof, ProofFile } from "../leaks/proof.js";
import { leaksAsJson, renderLeaks } from "../leaks/report.js";
import { judgeLeaks, type LeakEvidence } from "../leaks/verdict.js";
import { watchLookups } from "../leaks/watching.js";
import { typedName } from "../names.js";
import type { leakcheckOptions } from "../options.js";
import { policyFrom } from "../policy.js";
import { plainWord } from "../shell-words.js";

/**
 * Milliseconds that the system has for its lookups: time for two servers that do not answer,
 * with the five seconds that the C library gives each.
 */
const usualPatience = 12_000;

const statuses = {
  PASS: ExitStatus.done,
  FAIL: ExitStatus.failed,
  SKIP: ExitStatus.untested,
} as const;

export async function run(request: Request<typeof leakcheckOptions>): Promise<ExitStatus> {
  const { options, style, output, timeout = usualPatience } = request;
  const { intended, zone } = wantedOf(request);
  const policy = await policyFrom(options.policy);
  const servers = [...options.to.map(serverOf), ...policy.servers];
  const interfaces = await presentInterfaces(intended);
  const word = wordOf(randomBytes(16));
  const outside = asksOutside(policy, servers) ? policy.outside : undefined;
  const others = outside === undefined ? [] : namesToAsk(word, "outside", outside);
  const asked = [...namesToAsk(word, "zone", zone), ...others];
  const file = await ProofFile.open(options.pcap, word);
  const what = `watching every interface while names of ${displayName(zone)} are asked`;
  const watching = watchLookups(asked, word, interfaces, timeout, again(process.argv.slice(2)));
  const { sightings, packets, lost } = await output.waiting(what, watching);
  const evidence: LeakEvidence = {
    zone: displayName(zone),
    intended,
    policy: policy.leak,
    servers,
    asked,
    sightings,
    lost,
  };
  const verdict = judgeLeaks(evidence);
  let proof: Proof | undefined;
  try {
    proof = await file.keep(packets);
  } catch (error) {
    // What was found is said all the same.
    if (!(error instanceof Failure)) throw error;
    output.complain(error.message);
  }
  if (style.json) output.print(leaksAsJson(evidence, verdict, proof));
  else {
    const around = outside === undefined ? undefined : displayName(outside);
    output.print(renderLeaks(evidence, verdict, around, proof));
  }
  return statuses[verdict.state];
}

function wantedOf(request: Request<typeof leakcheckOptions>): { intended: string; zone: Name } {
  const { options, server } = request;
  if (server !== undefined) {
    throw new UsageError("leakcheck asks as the system does; --to names who may be asked");
  }
  const { if: intended, zone } = options;
  if (intended === undefined) {
    throw new UsageError("leakcheck: name the interface that is meant for the zone with --if IF");
  }
  if (zone === undefined) throw new UsageError("leakcheck: name the zone with --zone ZONE");
  return { intended, zone: typedName(zone) };
}

function serverOf(text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new UsageError(`--to ${text}: write an address, 192.0.2.53 for instance`);
}

/** Whether it matters where other names go. */
const asksOutside = (policy: Policy, servers: readonly Address[]): boolean =>
  policy.leak === "all" || servers.length > 0;

/** @throws UsageError when there is no such interface */
async function presentInterfaces(intended: string): Promise<readonly PresentInterface[]> {
  const native = await loadNative();
  const found = readInterfaces(
    "reason" in native ? findInterfaceInFiles : native.findInterface.bind(native),
  );
  if (found.some(({ name }) => name === intended)) return found;
  const names = found.map(({ name }) => name).join(", ");
  throw new UsageError(`--if ${intended}: there is no such interface; there are ${names}`);
}

/** The command line as a shell takes it. */
function again(words: readonly string[]): string {
  return ["discli", ...words.map(plainWord)].join(" ");
}
