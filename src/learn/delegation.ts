// To whom a zone is delegated, as its parent has it. The parent's own servers are
// asked: a resolver would ask the zone's server instead, which is this host, does
// not serve the zone before it knows that it should, and would be remembered as lame.

import type { Address } from "../address.js";
import { contains, parsePrefix } from "../address.js";
import { RRType } from "../wire/codes.js";
import { equalNames, isWithin, type Name, parentName } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { namesMax, parentServersMax, walkStepsMax } from "./limits.js";
import { type LearnAnswer, type Look, recordsAt } from "./look.js";

/**
 * "ours": a name of this host is in the NS set; "others": there is one without; "none": the
 * parent knows of no delegation; "unknown": nobody could be asked.
 */
export type Delegation = "ours" | "others" | "none" | "unknown";

/** How this host is known when it is named. */
export interface Self {
  readonly names: readonly Name[];
  readonly addresses: readonly Address[];
}

/** Not for servers of a parent zone: what is no host's, or only ever this host's. */
const impossible = ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "0.0.0.0/8", "::/127"]
  .concat("fe80::/10", "ff00::/8")
  .flatMap((text) => parsePrefix(text) ?? []);

/** @returns undefined while answers are awaited */
export function findDelegation(look: Look, zone: Name, self: Self): Delegation | undefined {
  const servers = nameServers(look, zone);
  if (servers === undefined || servers === "unknown") return servers;
  if (servers.length === 0) return "none";
  if (servers.some((name) => self.names.some((own) => equalNames(own, name)))) return "ours";
  // A host may be known by several names; its addresses tell.
  const addresses = addressesOf(look, servers.slice(0, namesMax));
  if (addresses === undefined) return undefined;
  return addresses.some((one) => self.addresses.some((own) => isSame(own, one)))
    ? "ours"
    : "others";
}

/** The NS set that the parent has for the zone. */
function nameServers(look: Look, zone: Name): readonly Name[] | "unknown" | undefined {
  const parent = findParent(look, zone);
  if (parent === undefined || parent === "unknown") return parent;
  const reply = look.find({ name: parent, type: RRType.NS });
  if (reply === undefined) return undefined;
  if (reply === "failed") return "unknown";
  const addresses = addressesOf(look, targetsOf(reply, parent).slice(0, namesMax));
  if (addresses === undefined) return undefined;
  const askable = addresses.filter((one) => !impossible.some((range) => contains(range, one)));
  for (const server of askable.slice(0, parentServersMax)) {
    const told = look.find({ name: zone, type: RRType.NS, server });
    if (told === undefined) return undefined;
    if (told === "failed") continue;
    const targets = targetsOf(told, zone);
    // Without an SOA "nothing" is said by somebody who does not serve the parent either.
    if (targets.length > 0 || told.authorities.some(isSoa)) return targets;
  }
  return "unknown";
}

const isSoa = ({ type }: RR): boolean => type === RRType.SOA;

/** The zone around a name: who has an SOA at or above its parent. */
function findParent(look: Look, zone: Name): Name | "unknown" | undefined {
  let name = parentName(zone);
  for (let steps = 0; name.labels.length > 0 && steps < walkStepsMax; steps++) {
    const reply = look.find({ name, type: RRType.SOA });
    if (reply === undefined) return undefined;
    if (reply === "failed") return "unknown";
    const told = [...reply.answers, ...reply.authorities];
    const soa = told.find((rr) => isSoa(rr) && isWithin(name, rr.name));
    if (soa !== undefined) return soa.name;
    name = parentName(name);
  }
  return "unknown";
}

/** NS records at a name, wherever the answer has them: a referral has them under Authority. */
function targetsOf({ answers, authorities }: LearnAnswer, name: Name): readonly Name[] {
  const found = [...answers, ...authorities].flatMap(({ name: owner, rdata }) =>
    rdata.kind === "ns" && equalNames(owner, name) ? [rdata.target] : [],
  );
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Those that could be found; undefined while answers are awaited. */
function addressesOf(look: Look, hosts: readonly Name[]): readonly Address[] | undefined {
  const found: Address[] = [];
  let isAwaited = false;
  for (const name of hosts) {
    for (const type of [RRType.A, RRType.AAAA]) {
      const reply = look.find({ name, type });
      if (reply === undefined) isAwaited = true;
      else if (reply !== "failed") {
        for (const { rdata } of recordsAt(reply, name, type)) {
          if (rdata.kind === "a") found.push({ family: "ipv4", bytes: rdata.address });
          if (rdata.kind === "aaaa") found.push({ family: "ipv6", bytes: rdata.address });
        }
      }
    }
  }
  return isAwaited ? undefined : found;
}

const isSame = (a: Address, b: Address): boolean =>
  a.family === b.family && a.bytes.every((byte, at) => byte === b.bytes[at]);
