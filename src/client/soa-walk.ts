// From a name to the servers of its zone (RFC 8765 §6.1, RFC 8764 §4): up to the
// zone by SOA queries, then the zone's SRV records, then addresses. Each step
// looks at what is known already and says what has to be asked next.

import { formatAddress } from "../address.js";
import { below, type Random } from "../random.js";
import { RRType } from "../wire/codes.js";
import { displayName, labelText, type Name, parentName, under } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { addressesMax, serversMax, walkStepsMax } from "./limits.js";
import type { Found, Lookup } from "./lookup.js";

/** A question to be put to the resolver before the step can be taken. */
export interface Ask {
  readonly kind: "ask";
  readonly name: Name;
  readonly type: number;
}

/** The labels in front of the zone, in the order in which servers are preferred. */
export const serverLabels = {
  push: ["_dns-push-tls", "_tcp"],
  "llq-tls": ["_dns-llq-tls", "_tcp"],
  "llq-tcp": ["_dns-llq", "_tcp"],
  "llq-udp": ["_dns-llq", "_udp"],
} as const;

export type ServerKind = keyof typeof serverLabels;

export interface Target {
  readonly host: Name;
  readonly port: number;
}

type FoundOrAsk = Ask | { readonly kind: "found"; readonly found: Found };

function look(lookup: Lookup, name: Name, type: number): FoundOrAsk {
  const found = lookup.find(name, type);
  return found === undefined ? { kind: "ask", name, type } : { kind: "found", found };
}

/**
 * The zone of a name: who has an SOA in the answer or in the authority section; else the first
 * label goes, down to a single one (RFC 8765 §6.1).
 */
export function findZone(
  lookup: Lookup,
  name: Name,
): Ask | { readonly kind: "zone"; readonly zone: Name } | NotFound {
  let at = name;
  for (let steps = 0; at.labels.length > 1 && steps < walkStepsMax; steps++) {
    const step = look(lookup, at, RRType.SOA);
    if (step.kind === "ask") return step;
    const { soa, failure } = step.found;
    // Who does not answer for one name will not for the next.
    if (failure !== undefined) return { kind: "none", reason: failure };
    // The root tells that the name does not exist, not whose it is.
    if (soa !== undefined && soa.name.labels.length > 0) return { kind: "zone", zone: soa.name };
    at = parentName(at);
  }
  return { kind: "none", reason: `nobody says which zone ${displayName(name)} is in` };
}

interface NotFound {
  readonly kind: "none";
  readonly reason: string;
}

/** Who takes what `kind` says for the zone, in the order in which they are to be tried. */
export function findServers(
  lookup: Lookup,
  random: Random,
  zone: Name,
  kind: ServerKind,
): Ask | { readonly kind: "servers"; readonly targets: readonly Target[]; readonly found: Found } {
  // The labels in front make a name too long that was nearly too long before.
  const length = zone.key.length + serverLabels[kind].join("..").length + 1;
  if (length > 255) return { kind: "servers", targets: [], found: { rrs: [], additionals: [] } };
  const name = under(serverLabels[kind].map(labelText), zone);
  const step = look(lookup, name, RRType.SRV);
  if (step.kind === "ask") return step;
  const targets = inOrder(random, step.found.rrs).slice(0, serversMax);
  return { kind: "servers", targets, found: step.found };
}

interface Weighed extends Target {
  readonly priority: number;
  readonly weight: number;
}

/** By priority, and among equals by chance as weights say (RFC 2782). */
export function inOrder(random: Random, rrs: readonly RR[]): Target[] {
  const left = rrs.flatMap(({ rdata }): Weighed[] => {
    // The root means that the server decidedly does not exist.
    if (rdata.kind !== "srv" || rdata.target.labels.length === 0) return [];
    const { priority, weight, port, target: host } = rdata;
    return port === 0 ? [] : [{ priority, weight, port, host }];
  });
  // Those without weight go first, so that they have a small chance of being chosen.
  left.sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: Target[] = [];
  while (left.length > 0 && ordered.length < serversMax) {
    const { priority } = left[0] as Weighed;
    const equals = left.filter((one) => one.priority === priority);
    let chance = below(random, equals.reduce((sum, { weight }) => sum + weight, 0) + 1);
    const chosen = equals.find(({ weight }) => {
      chance -= weight;
      return chance <= 0;
    }) as Weighed;
    left.splice(left.indexOf(chosen), 1);
    ordered.push({ host: chosen.host, port: chosen.port });
  }
  return ordered;
}

/**
 * Where a host is. When its name has no address, and it was the zone's own server that named
 * it, then that is who answered: a Discovery Proxy asked directly knows no other zone.
 *
 * @param told  the answer that named the host
 */
export function findAddresses(
  lookup: Lookup,
  host: Name,
  told: Found,
): Ask | { readonly kind: "addresses"; readonly addresses: readonly string[] } {
  let addresses = addressesOf(host, told.additionals);
  if (addresses.length === 0) {
    for (const type of [RRType.AAAA, RRType.A]) {
      const step = look(lookup, host, type);
      if (step.kind === "ask") return step;
      addresses.push(...addressesOf(undefined, step.found.rrs));
    }
  }
  if (addresses.length === 0 && told.authority !== undefined) addresses = [told.authority];
  return { kind: "addresses", addresses: [...new Set(addresses)].slice(0, addressesMax) };
}

/** @param host  undefined: whoever owns them, since the answer is an alias's */
function addressesOf(host: Name | undefined, rrs: readonly RR[]): string[] {
  return rrs.flatMap(({ name, rdata }) => {
    if (host !== undefined && name.key !== host.key) return [];
    if (rdata.kind === "a") return [formatAddress({ family: "ipv4", bytes: rdata.address })];
    if (rdata.kind === "aaaa") return [formatAddress({ family: "ipv6", bytes: rdata.address })];
    return [];
  });
}

/** A name as TLS spells hosts; undefined for one that no certificate can hold. */
export function hostText(name: Name): string | undefined {
  const isHost = name.labels.every((label) => /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i.test(label));
  return isHost && name.labels.length > 0 ? name.labels.join(".").toLowerCase() : undefined;
}
