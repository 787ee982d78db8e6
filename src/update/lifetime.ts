// How long what is written may live (TO-8, TO-15, TO-17, TO-25): TIMEOUT records
// as they are added beside the data, when they are renewed, and what they say
// about records that somebody else wrote.

import { RRClass, RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import type { RR } from "../wire/rr.js";
import { encodeTimeout, type Timeout, timeoutHash } from "../wire/timeout.js";
import { lifeSecondsMax, lifeSecondsMin, refreshTogetherShare } from "./limits.js";

/** How records end when nobody removes them. */
export type Lifetime = "timeout" | "lease" | "none";

/** What a TIMEOUT represents at its owner: a type, or one record of it by its hash. */
export type LifeKey = string;

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Under which keys a TIMEOUT speaks for records. */
export function lifeKeysOf(timeout: Timeout): readonly LifeKey[] {
  const { represented, hashes } = timeout;
  if (hashes.length === 0) return [`${represented}`];
  return hashes.map((hash) => `${represented} ${toHex(hash)}`);
}

/** Every key under which a TIMEOUT may speak for this record. */
export function lifeKeysFor(type: number, rdata: Rdata): readonly LifeKey[] {
  return [`${type}`, `${type} ${toHex(timeoutHash(type, rdata))}`];
}

/** The key of the TIMEOUT that we write: PTRs have one each, other types one for the set. */
export function ownLifeKey(rr: RR): LifeKey {
  return lifeKeysFor(rr.type, rr.rdata)[rr.type === RRType.PTR ? 1 : 0] as LifeKey;
}

/** Seconds for which a record is written. */
export function lifeSeconds(deviceTtlSeconds: number): number {
  return Math.min(Math.max(lifeSecondsMin, 2 * deviceTtlSeconds), lifeSecondsMax);
}

/** When it ends, seconds since 1970: in full minutes, so that renewals come in groups. */
export function expiryOf(nowSeconds: number, deviceTtlSeconds: number): number {
  return Math.ceil((nowSeconds + lifeSeconds(deviceTtlSeconds)) / 60) * 60;
}

/** The TIMEOUT record that goes with a record. */
export function timeoutFor(rr: RR, expiry: number, timeoutType: number): RR {
  const hashes = rr.type === RRType.PTR ? [timeoutHash(rr.type, rr.rdata)] : [];
  const bytes = encodeTimeout({ represented: rr.type, expiry, hashes });
  return timeoutRR(rr.name, rr.ttlSeconds, timeoutType, bytes);
}

function timeoutRR(name: Name, ttlSeconds: number, type: number, bytes: Uint8Array): RR {
  return { name, type, class: RRClass.IN, ttlSeconds, rdata: { kind: "opaque", bytes } };
}

/** How much of a life is used up: 0 when it was just written, 1 at its end. */
export function usedShare(expiry: number, nowSeconds: number, deviceTtlSeconds: number): number {
  return 1 - (expiry - nowSeconds) / lifeSeconds(deviceTtlSeconds);
}

/** Whether a life may be renewed along with others that are due. */
export const isRenewable = (share: number): boolean => share >= refreshTogetherShare;
