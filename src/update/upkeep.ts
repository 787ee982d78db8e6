// What a zone needs while nothing changes on its links: lives renewed in groups
// (TO-17, TO-25), what has died removed (TO-19), leases refreshed, and what a
// former run left behind taken back (UP-65). Each as messages of bounded size.

import { below, type Random } from "../random.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { isRenewable, usedShare } from "./lifetime.js";
import { refreshShare, refreshSpread } from "./limits.js";
import { bytesOf, change } from "./messages.js";
import { type OfferedRR, recordKey } from "./offer.js";
import {
  type Ground,
  longestLives,
  planExpired,
  planRenewal,
  wantedAt,
  wantedNow,
} from "./plan.js";
import type { Extent } from "./wanted.js";

/** One message that no change on a link has caused. */
export interface Upkeep {
  readonly prerequisites: readonly RR[];
  readonly updates: readonly RR[];
  /** To be read when a prerequisite fails. */
  readonly names: readonly Name[];
  readonly isLease: boolean;
}

/**
 * Bytes of one message of renewals: what a message may have at all (65,535), less header, TSIG
 * and a margin. Every message is a serial, so that few large ones cost less than many.
 */
const renewalBytesMax = 60_000;

/** Renewals, when at least one life is due: of all that have used most of theirs. */
export function dueRenewals(ground: Ground, random: Random): readonly Upkeep[] {
  if (ground.lifetime !== "timeout") return [];
  const threshold = refreshShare + (below(random, 1001) / 1000) * refreshSpread;
  const updates: RR[][] = [];
  let isDue = false;
  for (const place of ground.ledger.places()) {
    const longest = longestLives(wantedAt(ground, place.name));
    for (const life of place.lives.values()) {
      const [key] = life.keys;
      const one = life.keys.length === 1 && key !== undefined ? longest.get(key) : undefined;
      if (!life.isOwn || one === undefined) continue;
      const share = usedShare(life.expiry, ground.nowSeconds, one.deviceTtlSeconds);
      isDue ||= share >= threshold;
      if (isRenewable(share)) updates.push([...planRenewal(ground, life, one)]);
    }
  }
  return isDue ? messagesOf(ground, updates, false) : [];
}

/** What has expired and nobody wants: a message for each name, since one refusal ends them all. */
export function expiredContent(ground: Ground): readonly Upkeep[] {
  const messages: Upkeep[] = [];
  for (const place of ground.ledger.places()) {
    const content = planExpired(ground, place);
    if (content !== undefined) {
      messages.push({ ...content, names: [place.name], isLease: false });
    }
  }
  return messages;
}

/** RFC 9664 §5: everything is added again, without a prerequisite, before the lease is over. */
export function leaseRefresh(ground: Ground): readonly Upkeep[] {
  const updates: RR[][] = [];
  for (const place of ground.ledger.places()) {
    for (const { rr, isOwn } of place.records.values()) {
      if (isOwn && wantedNow(ground, recordKey(rr)) !== undefined) updates.push([change.add(rr)]);
    }
  }
  return messagesOf(ground, updates, true);
}

/** A refused message in two: one record that is not allowed any more must not end all others. */
export function halvesOf(upkeep: Upkeep): readonly Upkeep[] {
  const { updates, prerequisites } = upkeep;
  // What expired at one name goes together; a renewal is a pair of a delete and an add.
  if (prerequisites.length > 0) return [];
  const middle = Math.ceil(updates.length / 4) * 2;
  return [updates.slice(0, middle), updates.slice(middle)].map((half) => ({
    ...upkeep,
    updates: half,
  }));
}

/** Names and records of ours that nobody wants: what a former run published. */
export function* leftovers(ground: Ground): Generator<readonly [key: string, extent: Extent]> {
  for (const place of ground.ledger.places()) {
    const shared = new Map<string, OfferedRR>();
    let hasOwn = false;
    for (const [key, { rr, isOwn }] of place.records) {
      if (!isOwn || wantedNow(ground, key) !== undefined) continue;
      if (rr.type === RRType.PTR) shared.set(key, { rr, isShared: true, deviceTtlSeconds: 0 });
      else hasOwn = true;
    }
    const names = new Map(hasOwn ? [[place.name.key, place.name]] : []);
    if (hasOwn || shared.size > 0) yield [`left ${place.name.key}`, { names, shared }];
  }
}

function messagesOf(
  { zone }: Ground,
  parts: readonly (readonly RR[])[],
  isLease: boolean,
): readonly Upkeep[] {
  const messages: Upkeep[] = [];
  let updates: RR[] = [];
  let bytes = 0;
  const finish = () => {
    if (updates.length > 0) messages.push({ prerequisites: [], updates, names: [], isLease });
    updates = [];
    bytes = 0;
  };
  for (const part of parts) {
    const size = bytesOf(part, zone);
    if (bytes + size > renewalBytesMax) finish();
    bytes += size;
    updates.push(...part);
  }
  finish();
  return messages;
}
