// On discd's own host: does everything work that it needs itself? What it answers
// with, what it hears with, and whom it writes to.

import { RRType } from "../../wire/codes.js";
import { displayName, parentName } from "../../wire/name.js";
import { plainWord } from "../shell-words.js";
import { apiFacts, type Told } from "./api-facts.js";
import { probe } from "./probe.js";
import { type Reply, replyOf, replyText } from "./reply.js";
import type { Scene } from "./scene.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

export interface UpstreamEvidence {
  readonly told: Told;
  /** The zone above, by the system's resolver. */
  readonly parent: { readonly zone: string; readonly soa: Reply } | undefined;
}

const askedText = (seconds: number | null): string =>
  seconds === null ? "not asked yet" : `asked ${Math.round(seconds)} s ago`;

export function judgeUpstream({ told, parent }: UpstreamEvidence): Verdict {
  if ("reason" in told) {
    const remedy = ["run the doctor on discd's host, or say by --api where it can be asked"];
    return skip(`discd's API is not reached: ${told.reason}`, remedy);
  }
  const { health, updates } = told;
  const evidence = [
    ...health.listeners.map((one) => {
      return `listener ${one.name}: ${one.ok ? "answers" : "fails"}, ${askedText(one.askedSecondsAgo)}`;
    }),
    ...health.links.map((one) => {
      return `link ${one.name}: ${one.ok ? "own question heard" : "fails"}, ${askedText(one.askedSecondsAgo)}`;
    }),
    ...updates.map(({ subdomain, server, trouble }) => {
      return `updates of ${subdomain}: ${server ?? "no server"}${trouble === null ? "" : `, ${trouble}`}`;
    }),
    ...health.warnings,
  ];
  if (parent !== undefined) evidence.push(`${parent.zone} SOA: ${replyText(parent.soa)}`);
  const listener = health.listeners.find(({ ok }) => !ok);
  if (listener !== undefined) {
    const text = `discd does not answer itself at ${listener.name}`;
    const remedy = ["journalctl -u discd; ss -lnptu 'sport = 53': does another program answer?"];
    return fail("LISTENER-FAILS", text, remedy, evidence);
  }
  const link = health.links.find(({ ok }) => !ok);
  if (link !== undefined) {
    const text = `the link ${link.name} does not carry discd's own question back to it`;
    const remedy = [
      `ip link show ${link.name}; ip maddr show ${link.name}: is it up, and in 224.0.0.251?`,
      "a firewall on this host may drop UDP port 5353; see firewall",
    ];
    return fail("LINK-FAILS", text, remedy, evidence);
  }
  const update = updates.find(({ trouble }) => trouble !== null);
  if (update !== undefined) {
    const text = `${update.subdomain} cannot be published: ${update.trouble}`;
    const remedy = ["discli show updates; discli tsig-policy: what the server has to allow"];
    return fail("UPDATE-FAILS", text, remedy, evidence);
  }
  if (parent !== undefined && isLost(parent.soa)) {
    const text = `this host's resolver does not reach ${parent.zone}, the zone above`;
    return warn(
      "PARENT-SILENT",
      text,
      [`dig ${plainWord(parent.zone)} SOA`, "dig +trace"],
      evidence,
    );
  }
  return pass("discd's listeners, links and servers work", evidence);
}

const isLost = (soa: Reply): boolean => soa.kind !== "answer" || soa.rcode === "SERVFAIL";

export async function gatherUpstream(scene: Scene): Promise<UpstreamEvidence> {
  const { zone, resolver } = scene.parts;
  const [server] = resolver.servers;
  const [told, soa] = await Promise.all([
    apiFacts(scene),
    zone === undefined || server === undefined || zone.labels.length < 2
      ? undefined
      : probe({ server, name: parentName(zone), type: RRType.SOA, isRecursive: true }),
  ]);
  const parent =
    zone === undefined || soa === undefined
      ? undefined
      : { zone: displayName(parentName(zone)), soa: replyOf(soa) };
  return { told, parent };
}
