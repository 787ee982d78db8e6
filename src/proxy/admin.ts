// Administrative records (RFC 8766 §6.1 to §6.4): everything at a zone's apex,
// delegation types below it, and the seven metadata names. All of it is
// answered without asking the link.

import { RRClass, RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { foldLabel, type Label } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { adminTtl, nsOf, soaOf } from "./negative.js";
import { offerNames } from "./offers.js";
import type { ProxyOptions } from "./options.js";
import type { Zone } from "./zones.js";

/** Types that belong to a zone cut: negative below our apex (DP-101). */
const delegationTypes: readonly number[] = [RRType.SOA, RRType.NS, RRType.DS];

/** RFC 8766 §6.4, directly below the apex. */
const metadataNames: ReadonlySet<string> = new Set([
  ...offerNames,
  "_dns-update._udp",
  "_dns-update._tcp",
  "_dns-update-tls._tcp",
]);

/** SOA and NS, as far as the type asks for them (DP-100, DP-102). */
export function atApex(zone: Zone, type: number, options: ProxyOptions): readonly RR[] {
  const isAny = type === RRType.ANY;
  return [
    ...(isAny || type === RRType.SOA ? [soaOf(zone, options)] : []),
    ...(isAny || type === RRType.NS ? nsOf(zone, options) : []),
  ];
}

/** Whether a type is negative at every name below an apex. */
export function isDelegationType(type: number): boolean {
  return delegationTypes.includes(type);
}

/** Whether the labels, those below an apex, are one of the metadata names. */
export function isMetadataName(below: readonly Label[]): boolean {
  return below.length === 2 && metadataNames.has(metadataKey(below));
}

/**
 * The records of a metadata name (DP-103 to DP-106).
 *
 * @param below  the question's labels below the apex
 * @returns an SRV if the protocol is offered; empty is NODATA
 */
export function atMetadataName(
  zone: Zone,
  below: readonly Label[],
  question: Question,
  options: ProxyOptions,
): readonly RR[] {
  const key = metadataKey(below);
  // An update server is what this zone does not have (DP-105).
  const port = key.startsWith("_dns-update") ? undefined : options.offers?.get(key);
  const isAsked = question.type === RRType.SRV || question.type === RRType.ANY;
  if (port === undefined || !isAsked) return [];
  return [
    {
      name: question.name,
      type: RRType.SRV,
      class: RRClass.IN,
      ttlSeconds: adminTtl(zone),
      rdata: { kind: "srv", priority: 0, weight: 0, port, target: options.hostname },
    },
  ];
}

function metadataKey(below: readonly Label[]): string {
  return below.map(foldLabel).join(".");
}
