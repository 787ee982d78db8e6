// UPDATE messages (RFC 2136 §2): the five forms of prerequisites and the four of
// updates as records, and the message around them. What to demand and what to
// change is decided in plan.ts; signing is wire/tsig.ts's.

import { Opcode, RRClass, RRType } from "../wire/codes.js";
import type { Edns } from "../wire/edns.js";
import { encodeMessage } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import { rdataBytes } from "../wire/rdata/text.js";
import type { RR } from "../wire/rr.js";
import { encodeLease, type UpdateLease } from "../wire/update-lease.js";

/** What a message demands first, and changes then, in this order. */
export interface UpdateContent {
  readonly prerequisites: readonly RR[];
  readonly updates: readonly RR[];
}

const nothing: Rdata = { kind: "opaque", bytes: new Uint8Array(0) };

const bare = (name: Name, type: number, rrClass: number): RR => ({
  name,
  type,
  class: rrClass,
  ttlSeconds: 0,
  rdata: nothing,
});

/** RFC 2136 §2.4. */
export const demand = {
  nameInUse: (name: Name): RR => bare(name, RRType.ANY, RRClass.ANY),
  nameFree: (name: Name): RR => bare(name, RRType.ANY, RRClass.NONE),
  setExists: (name: Name, type: number): RR => bare(name, type, RRClass.ANY),
  setMissing: (name: Name, type: number): RR => bare(name, type, RRClass.NONE),
  /** The whole RRset has to be named: one record less, and the demand fails. */
  setIs: (rrs: readonly RR[]): RR[] =>
    rrs.map((rr) => ({ ...rr, class: RRClass.IN, ttlSeconds: 0 })),
} as const;

/** RFC 2136 §2.5. Deleting a whole name has no form here: nothing of ours ever needs it. */
export const change = {
  add: (rr: RR): RR => (rr.class === RRClass.IN ? rr : { ...rr, class: RRClass.IN }),
  removeSet: (name: Name, type: number): RR => bare(name, type, RRClass.ANY),
  /** With the very octets that were added: PowerDNS tells capitals apart. */
  removeOne: (rr: RR): RR => ({ ...rr, class: RRClass.NONE, ttlSeconds: 0 }),
} as const;

/** A pointer for the owner, and the fixed part of a record. */
const recordHeadBytes = 12;

/**
 * Bytes that records take in a message for a zone, at most: the zone's name is a pointer, and so
 * is an owner that is the same as before.
 */
export function bytesOf(rrs: readonly RR[], zone: Name): number {
  let bytes = 0;
  let owner = "";
  for (const { name, type, rdata } of rrs) {
    if (name.key !== owner) bytes += name.key.length - zone.key.length;
    owner = name.key;
    bytes += recordHeadBytes + rdataBytes(type, rdata).length;
  }
  return bytes;
}

/** Size that our OPT states; answers come over streams, where it means nothing. */
const udpSize = 1232;

/**
 * A message for one zone, without ID and without TSIG.
 *
 * @param lease  for the records that are added, where leases are used
 */
export function encodeUpdate(zone: Name, content: UpdateContent, lease?: UpdateLease): Uint8Array {
  const edns: Edns | undefined =
    lease === undefined
      ? undefined
      : { udpSize, version: 0, extendedRcode: 0, dnssecOk: false, options: [encodeLease(lease)] };
  return encodeMessage({
    opcode: Opcode.UPDATE,
    questions: [{ name: zone, type: RRType.SOA, class: RRClass.IN }],
    answers: content.prerequisites,
    authorities: content.updates,
    ...(edns === undefined ? {} : { edns }),
  });
}

/** A question to the primary itself: no recursion, no ID yet. */
export function encodeQuestion(name: Name, type: number): Uint8Array {
  return encodeMessage({ questions: [{ name, type, class: RRClass.IN }] });
}
