// One LLQ (RFC 8764 §6): what its client has been told, what it would have to
// be told now, and the one event that waits for its acknowledgement. Never two
// at a time: a late copy of an old event would undo a newer one, so what
// happens meanwhile is told together afterwards (LLQ-18).

import type { WatchId } from "../mdns/link.js";
import type { ClientClass } from "../proxy/client.js";
import type { LinkQuestion } from "../proxy/view.js";
import type { LinkZone } from "../proxy/zones.js";
import { type Duration, type Instant, seconds } from "../time.js";
import type { Question } from "../wire/message.js";
import { type RR, rdataKey } from "../wire/rr.js";
import type { Asker } from "./asker.js";
import type { Opening } from "./opening.js";

/** RRs by identity: name, type and rdata. */
export type RRMap = ReadonlyMap<string, RR>;

/** What a client's copy lacks, and what it has too much. */
export interface Difference {
  readonly removed: readonly RR[];
  readonly added: readonly RR[];
}

/** An event on its way, until it is acknowledged or given up. */
export interface Outstanding {
  readonly id: number;
  /** LLQ-19: every copy is the same. */
  readonly bytes: Uint8Array;
  readonly told: Difference;
  /** All that the client has after it, where that is the same as what was seen. */
  result?: RRMap;
  /** How often it was sent. */
  sent: number;
  dueAt: Instant;
}

export interface Watched {
  readonly question: LinkQuestion;
  readonly watch: WatchId;
}

export interface Llq {
  readonly id: bigint;
  readonly asker: Asker;
  /** What counts as one client in limits. */
  readonly client: string;
  readonly question: Question;
  /** As issued with the ID; a repeated Challenge Response says it again. */
  readonly issuedLeaseSeconds: number;
  /** Largest message to this client. */
  readonly messageMax: number;
  readonly begunAt: Instant;
  class: ClientClass;
  zone: LinkZone;
  expiresAt: Instant;
  /** Its interest in the link: the question itself, and the end of its CNAMEs. */
  watches: readonly Watched[];
  aliasWatches: readonly Watched[];
  /** Names on the link at which a change may change what is seen. */
  names: readonly string[];
  /** What the client holds for sure. */
  told: RRMap;
  /** Told once and to be told again, since the last reply had no room for it. */
  owed: ReadonlySet<string>;
  /** The first answers are waited for (PRX-03); no events until they are sent. */
  opening?: Opening;
  outstanding?: Outstanding;
  /** Something changed since the outstanding event was made, or it had no room for all. */
  isStale: boolean;
}

/** RFC 8764 §6: how long after each of its sendings an event is sent again, or given up. */
const resendAfter: readonly Duration[] = [seconds(2), seconds(4), seconds(8)];

/** Sendings of one event. */
export const sendingsMax = resendAfter.length;

/** What is to be waited for after the given sending, counted from 1. */
export function patience(sending: number): Duration {
  return resendAfter[sending - 1] as Duration;
}

/** Identity of an RR; the TTL does not count: one that only changes it is no news (LLQ-17). */
export function keyOf({ name, type, rdata }: RR): string {
  return `${type} ${name.key}\0${rdataKey(type, rdata)}`;
}

export function rrMap(rrs: readonly RR[]): RRMap {
  return new Map(rrs.map((rr) => [keyOf(rr), rr]));
}

/** From what was told to what is seen. A removed RR is one that was told (LLQ-17). */
export function difference({ told, owed }: Pick<Llq, "told" | "owed">, seen: RRMap): Difference {
  const removed: RR[] = [];
  const added: RR[] = [];
  if (told === seen && owed.size === 0) return { removed, added };
  for (const [key, rr] of told) if (!seen.has(key)) removed.push(rr);
  for (const [key, rr] of seen) if (!told.has(key) || owed.has(key)) added.push(rr);
  return { removed, added };
}

/** The client has these changes now, and with them the whole `result` where there is one. */
export function settle(llq: Llq, change: Difference, result?: RRMap): void {
  if (result !== undefined) {
    // Shared by all that see the same.
    llq.told = result;
    llq.owed = nothing;
    return;
  }
  const told = new Map(llq.told);
  const owed = new Set(llq.owed);
  for (const rr of change.removed) {
    told.delete(keyOf(rr));
    owed.delete(keyOf(rr));
  }
  for (const rr of change.added) {
    told.set(keyOf(rr), rr);
    owed.delete(keyOf(rr));
  }
  llq.told = told;
  llq.owed = owed;
}

const nothing: ReadonlySet<string> = new Set();
