// What a negative answer is made of (RFC 8766 §5.5.3, §5.6, §6.1): the zone's
// SOA, and the NSEC that is built when a client asks for one. Whether an answer
// is negative is decided elsewhere; inside a link's zone it is never NXDOMAIN.

import { RRClass, RRType } from "../wire/codes.js";
import { foldLabel, type Name, nameBytesMax, nameOf, wireLength } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { ProxyOptions } from "./options.js";
import type { Zone } from "./zones.js";

/** RFC 8766 §6.1: nothing is transferred, so the numbers only have to be sensible. */
const soaTimes = { serial: 0, refresh: 7200, retry: 3600, expire: 86_400, minimum: 10 } as const;

/** Cap of administrative records in every zone (DP-50, Q-5). */
const adminTtlSeconds = 10;

/** TTL of a zone's SOA, NS, metadata and enumeration records. */
export function adminTtl(zone: Zone): number {
  return Math.min(adminTtlSeconds, zone.link?.ttlSeconds ?? adminTtlSeconds);
}

/** The zone's SOA; its TTL and MINIMUM are how long a negative answer lives. */
export function soaOf(zone: Zone, options: ProxyOptions): RR {
  const { hostname: mname, contact: rname } = options;
  return {
    name: zone.apex,
    type: RRType.SOA,
    class: RRClass.IN,
    ttlSeconds: adminTtl(zone),
    rdata: { kind: "soa", mname, rname, ...soaTimes },
  };
}

/** The zone's NS set: this daemon and its fellows (DP-98). */
export function nsOf(zone: Zone, options: ProxyOptions): readonly RR[] {
  const targets = new Map([options.hostname, ...options.nameservers].map((one) => [one.key, one]));
  return [...targets.values()].map((target) => ({
    name: zone.apex,
    type: RRType.NS,
    class: RRClass.IN,
    ttlSeconds: adminTtl(zone),
    rdata: { kind: "ns", target },
  }));
}

/**
 * The NSEC of one name of an unsigned zone: it covers that name and no other
 * (DP-58 to DP-60).
 *
 * @returns undefined when the owner is so long that its successor is no name
 */
export function nsecFor(owner: Name, types: readonly number[], ttlSeconds: number): RR | undefined {
  if (wireLength(owner) + 2 > nameBytesMax) return undefined;
  const held = [...new Set([...types, RRType.NSEC])].sort((a, b) => a - b);
  // Folded (RFC 4034 §6.2): one client's capitals are no other's affair.
  const next = nameOf(["\0", ...owner.labels.map(foldLabel)]);
  return {
    name: owner,
    type: RRType.NSEC,
    class: RRClass.IN,
    ttlSeconds,
    rdata: { kind: "nsec", next, types: held },
  };
}
