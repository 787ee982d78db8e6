// What is wanted in a zone, in the words of the zone: services, each with every
// record that somebody needs to use it. Made by inventory.ts, kept together by
// wanted.ts.

import type { Name } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";

/** Identity of a record within its zone: owner, type and rdata, capitals not counted. */
export type RecordKey = string;
/** Identity of an RRset: type and owner. */
export type SetKey = string;

export interface OfferedRR {
  /** Under the zone's names, class IN, the TTL already capped. */
  readonly rr: RR;
  /** Others may own records of this RRset too: a PTR as a rule. */
  readonly isShared: boolean;
  /** Longest TTL that the device gave its service: its lifetime follows from it (TO-17). */
  readonly deviceTtlSeconds: number;
  /** What stands there already, and will stand there for ever, is its owner's, not ours. */
  readonly isSpared?: true;
}

/** One service, published whole or not at all (UP-43). */
export interface Offer {
  /** Of this service on this link, and of nothing else. */
  readonly key: string;
  /** The link: what one link says of a name, another may contradict (UP-56). */
  readonly source: string;
  /** The instance, for people. */
  readonly title: Name;
  readonly rrs: readonly OfferedRR[];
}

/** A service came, changed, or went: then it has no records. */
export type OfferChange = Offer;

export const recordKey = (rr: RR): RecordKey => `${setKey(rr)} ${rdataKey(rr.type, rr.rdata)}`;

export const setKey = (rr: { readonly name: Name; readonly type: number }): SetKey =>
  `${rr.type} ${rr.name.key}`;
