// `.local` ⇄ delegated names (RFC 8766 §5.1, §5.4, §5.5), in owners and in
// rdata. Only a whole last label `local` is replaced, exactly once, ASCII case
// folded; all other names and all other bytes pass unchanged. Which records a
// client may see is decided before, on the link's own names.

import type { Counts } from "../counts.js";
import { RRClass, RRType } from "../wire/codes.js";
import {
  foldLabel,
  labelsBelow,
  mdnsNameBytesMax,
  type Name,
  nameBytesMax,
  nameOf,
  wireLength,
} from "../wire/name.js";
import { mapRdataNames, type RR } from "../wire/rr.js";
import type { LinkZone } from "./zones.js";

/** Bytes of the label `local` on the wire. */
const localLength = 6;

/** Whether a name's last label is `local`. */
export function isLocalName(name: Name): boolean {
  const last = name.labels.at(-1);
  return last !== undefined && last.length === 5 && foldLabel(last) === "local";
}

/**
 * The name to ask the link for (DP-6, DP-15).
 *
 * @returns undefined when it would be too long for a link, so that no device can own it
 */
export function toLink(zone: LinkZone, name: Name): Name | undefined {
  if (zone.kind === "reverse") return name;
  const below = labelsBelow(name, zone.apex);
  if (below === undefined) return undefined;
  const length = wireLength(name) - wireLength(zone.apex) + 1 + localLength;
  return length > mdnsNameBytesMax ? undefined : nameOf([...below, "local"]);
}

/** What a name is taken for: the owner of addresses, or anything else (DP-38, DP-39). */
export type Role = "host" | "other";

/** The zone that names of a role are moved to when they are met in answers of `zone`. */
export function apexFor(zone: LinkZone, role: Role): Name {
  if (zone.kind === "host" || zone.kind === "alias") return zone.apex;
  return role === "host" ? zone.link.host : zone.link.service;
}

/**
 * A name of the link as a client of `zone` knows it.
 *
 * @returns undefined when it is too long for unicast DNS (DP-42)
 */
export function fromLink(zone: LinkZone, name: Name, role: Role): Name | undefined {
  const isLocal = isLocalName(name);
  const apex = apexFor(zone, role);
  const length = isLocal ? wireLength(name) - localLength - 1 + wireLength(apex) : wireLength(name);
  if (length > nameBytesMax) return undefined;
  return isLocal ? nameOf([...name.labels.slice(0, -1), ...apex.labels]) : name;
}

/**
 * One RR of the link in unicast form.
 *
 * @param owner     the owner's unicast form: the question's own bytes, or the rdata
 *                  of another record that led here
 * @param askedType type of the question; an address question makes a CNAME target a host
 * @returns undefined when a name in it is too long, which is counted (DP-42)
 */
export function rewriteRR(
  zone: LinkZone,
  rr: RR,
  owner: Name,
  askedType: number,
  counts: Counts,
): RR | undefined {
  const role = roleOfRdata(zone, rr.type, askedType);
  let isTooLong = false;
  const rdata = mapRdataNames(rr.type, rr.rdata, (name) => {
    const moved = fromLink(zone, name, role);
    isTooLong ||= moved === undefined;
    return moved ?? name;
  });
  if (isTooLong) {
    counts.add("records-dropped", "name-too-long");
    return undefined;
  }
  return { name: owner, type: rr.type, class: RRClass.IN, ttlSeconds: rr.ttlSeconds, rdata };
}

/** DP-39: SRV, MX and reverse PTR name hosts; CNAME and DNAME do when addresses were asked for. */
export function roleOfRdata(zone: LinkZone, type: number, askedType: number): Role {
  switch (type) {
    case RRType.SRV:
    case RRType.MX:
      return "host";
    case RRType.PTR:
      return zone.kind === "reverse" ? "host" : "other";
    case RRType.CNAME:
    case RRType.DNAME:
      return askedType === RRType.A || askedType === RRType.AAAA ? "host" : "other";
    default:
      return "other";
  }
}
