// What a PUSH says (RFC 8765 §6.3.1): records that came, records that went, and
// the shortest way to say that a whole set went. Removals stand before adds,
// and the receiver takes them in that order (OWN: the RFC leaves it open).

import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";

export type PushChange =
  /** Also said of a record whose TTL has another value than before (PUSH-30). */
  | { readonly kind: "add"; readonly rr: RR }
  | { readonly kind: "remove"; readonly rr: RR }
  /** All records of one type and class; type ANY: of all types (PUSH-23). */
  | {
      readonly kind: "remove-all";
      readonly name: Name;
      readonly type: number;
      readonly class: number;
    };

/** RRs of one name, by what tells them apart there. */
export type RRsAtName = ReadonlyMap<string, RR>;

/** Equal for equal records of one name. */
export const identityOf = (rr: RR): string => `${rr.type} ${rdataKey(rr.type, rr.rdata)}`;

/** What has to be said to turn one set of records into another. */
export interface Difference {
  readonly gone: RRsAtName;
  readonly came: RRsAtName;
}

export const noRRs: RRsAtName = new Map();

/** Undefined when there is none: a mere refresh is nothing (PUSH-30). */
export function difference(told: RRsAtName, seen: RRsAtName): Difference | undefined {
  const gone = new Map<string, RR>();
  const came = new Map<string, RR>();
  for (const [identity, rr] of told) if (!seen.has(identity)) gone.set(identity, rr);
  for (const [identity, rr] of seen) {
    if (told.get(identity)?.ttlSeconds !== rr.ttlSeconds) came.set(identity, rr);
  }
  return gone.size === 0 && came.size === 0 ? undefined : { gone, came };
}

/** A part of a difference, and what the client holds once it was told that. */
export interface Portion extends Difference {
  readonly after: RRsAtName;
}

/**
 * As much of a difference as has room: all that went, which is said in a few words where a whole
 * set went, and at most `addsMax` of what came. Undefined when there is no difference.
 */
export function portionOf(told: RRsAtName, seen: RRsAtName, addsMax: number): Portion | undefined {
  const missed = difference(told, seen);
  if (missed === undefined) return undefined;
  if (missed.came.size <= addsMax) return { ...missed, after: seen };
  const came = new Map([...missed.came].slice(0, addsMax));
  const after = new Map([...told, ...came]);
  for (const identity of missed.gone.keys()) after.delete(identity);
  return { gone: missed.gone, came, after };
}

/** What one client holds at one name, by what it subscribed to there. */
export interface Holding {
  readonly name: Name;
  /** Everything it was told and may keep. */
  readonly held: RRsAtName;
  /**
   * It subscribed to nothing but type ANY there: others may not understand the removal of all
   * types (a client in wide use ignores it).
   */
  readonly isAny: boolean;
}

/** The removals of a difference, in the shortest form that leaves what is held (PUSH-26). */
export function removals({ name, held, isAny }: Holding, gone: RRsAtName): readonly PushChange[] {
  const types = new Map<number, RR>();
  for (const rr of gone.values()) types.set(rr.type, rr);
  const [first] = types.values();
  if (first === undefined) return [];
  if (isAny && types.size > 1 && held.size === 0) {
    return [{ kind: "remove-all", name, type: RRType.ANY, class: first.class }];
  }
  const kept = new Set([...held.values()].map(({ type }) => type));
  const changes: PushChange[] = [];
  for (const rr of types.values()) {
    if (kept.has(rr.type)) continue;
    changes.push({ kind: "remove-all", name, type: rr.type, class: rr.class });
  }
  for (const rr of gone.values()) if (kept.has(rr.type)) changes.push({ kind: "remove", rr });
  return changes;
}

/** Adds, in the order in which the records are held. */
export function adds(came: RRsAtName): readonly PushChange[] {
  return [...came.values()].map((rr) => ({ kind: "add", rr }));
}
