// TTLs of ordinary answers (RFC 8766 §5.5.1, RFC 2181 §5.2): what is left of a
// record's life, never more than the cap, and one value per RRset. Push and
// LLQ send the device's TTL and have no use for this file.

import { elapsed, type Instant } from "../time.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { VisibleRR } from "./view.js";

/**
 * The RRs as they leave, in the same order.
 *
 * @param ttlSecondsMax  the link's `ttlSeconds`
 */
export function capped(
  now: Instant,
  rrs: readonly VisibleRR[],
  ttlSecondsMax: number,
): readonly RR[] {
  return evened(
    rrs.map(({ rr }) => rr),
    (_, index) => {
      // Rounded down: a record is never told to live longer than it does here.
      const left = Math.floor(elapsed(now, rrs[index]!.expiresAt) / 1000);
      return Math.min(Math.max(0, left), ttlSecondsMax);
    },
  );
}

/**
 * The RRs in the same order, with the smallest TTL of each RRset on all of its members.
 *
 * @param ttlSecondsMax  the most that one RR may have
 */
export function evened(
  rrs: readonly RR[],
  ttlSecondsMax: (rr: RR, index: number) => number,
): readonly RR[] {
  const smallest = new Map<string, number>();
  rrs.forEach((rr, index) => {
    const ttl = Math.min(rr.ttlSeconds, ttlSecondsMax(rr, index));
    const set = setKey(rr.type, rr.name);
    smallest.set(set, Math.min(ttl, smallest.get(set) ?? ttl));
  });
  return rrs.map((rr) => ({ ...rr, ttlSeconds: smallest.get(setKey(rr.type, rr.name)) ?? 0 }));
}

/** Equal for the members of one RRset; class IN is all there is. */
export function setKey(type: number, owner: Name): string {
  return `${type} ${owner.key}`;
}
