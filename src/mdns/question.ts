// One question kept alive on a link, and when it is to be sent next: the series
// with growing gaps, the refresh points of what was heard, the queries that
// confirm a disputed record (RFC 6762 §5.2, §10.4). Knows no packets; asking.ts
// decides what really leaves, and tells it.

import type { Family } from "../address.js";
import { below, between, type Random } from "../random.js";
import { after, type Duration, elapsed, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { CachedRR } from "./record.js";
import {
  confirmQueries,
  firstGap,
  gapMax,
  politeDelay,
  refreshPoints,
  refreshSpread,
} from "./timing.js";
import type { Interest, WatchId } from "./watch.js";

/** Our own interest beside that of others: some record of the question is in doubt. */
export type AnyInterest = Interest | { readonly kind: "confirm"; readonly client: string };

/** A query to come: not before `openAt`, so that it may join a packet, and at `dueAt` by itself. */
export interface Planned {
  readonly openAt: Instant;
  readonly dueAt: Instant;
}

export class ActiveQuestion {
  readonly name: Name;
  readonly type: number;
  readonly watches = new Map<WatchId, AnyInterest>();
  /** Families that the coming query needs no more: sent there already, or asked by another host. */
  readonly done = new Set<Family>();
  /** How many of the watches are of these two kinds. */
  #standing = 0;
  #confirming = 0;
  /** How many of the standing ones take answers by unicast. */
  #takingUnicast = 0;
  #startedAt: Instant | undefined;
  #sentAt: Instant | undefined;
  /** Queries of the running series that left, or were asked by another host. */
  #rounds = 0;
  /** The series began anew in another place, and it had asked in the one before. */
  #wasAskedBefore = false;
  #gap: Duration = firstGap;
  #series: Planned | undefined;
  #refresh: Planned | undefined;
  #confirm: Planned | undefined;
  #confirmsLeft = 0;

  constructor(name: Name, type: number) {
    this.name = name;
    this.type = type;
  }

  /** When the series began; it stays known after an answer ended the series. */
  get startedAt(): Instant | undefined {
    return this.#startedAt;
  }

  get hasSeries(): boolean {
    return this.#series !== undefined;
  }

  /** Whether somebody waits for it, not only we who doubt a record. */
  get isWatched(): boolean {
    return this.watches.size > this.#confirming;
  }

  get isStanding(): boolean {
    return this.#standing > 0;
  }

  get wasAsked(): boolean {
    return this.#wasAskedBefore || this.#rounds > 0 || this.done.size > 0;
  }

  /** Queries still owed to a disputed record. */
  get confirmsLeft(): number {
    return this.#confirmsLeft;
  }

  /** Whether records of this type answer it: its own, all for ANY, and a CNAME always. */
  isAnsweredBy(type: number): boolean {
    return type === this.type || this.type === RRType.ANY || type === RRType.CNAME;
  }

  attach(id: WatchId, interest: AnyInterest): void {
    this.watches.set(id, interest);
    if (interest.kind === "standing") this.#standing += 1;
    if (takesUnicast(interest)) this.#takingUnicast += 1;
    if (interest.kind === "confirm") this.#confirming += 1;
  }

  /** What nobody wants any more is planned no more. */
  detach(id: WatchId): void {
    const interest = this.watches.get(id);
    const kind = interest?.kind;
    this.watches.delete(id);
    if (interest !== undefined && takesUnicast(interest)) this.#takingUnicast -= 1;
    if (kind === "standing") this.#standing -= 1;
    if (kind === "confirm") this.#confirming -= 1;
    if (this.#standing === 0) this.#refresh = undefined;
    if (this.#confirming === 0) this.#endConfirm();
    if (!this.isWatched) this.#forgetSeries();
  }

  /**
   * Whether the query that leaves now may ask for answers by unicast (§5.4): the first one of a
   * series, and refreshes. The others are for devices that did not hear it, or do not do unicast.
   */
  asksUnicast(now: Instant): boolean {
    if (this.#takingUnicast === 0 || isOpen(this.#confirm, now)) return false;
    if (this.#series !== undefined && this.#rounds === 0) return true;
    return isOpen(this.#refresh, now) && !isOpen(this.#series, now);
  }

  /** Begins the series. */
  start(now: Instant, random: Random): void {
    this.#wasAskedBefore = false;
    this.#begin(now, random);
  }

  /** Begins the series anew, the link being in another place: whoever waits goes on waiting. */
  restart(now: Instant, random: Random): void {
    this.#wasAskedBefore = this.wasAsked;
    this.#begin(now, random);
  }

  #begin(now: Instant, random: Random): void {
    this.#startedAt = now;
    this.#rounds = 0;
    this.#gap = firstGap;
    this.done.clear();
    this.#series = politely(now, random);
  }

  /** A complete answer came: nothing more is to be asked before it grows old (§5.2). */
  stopSeries(): void {
    this.#series = undefined;
    if (this.done.size > 0) this.#rounds += 1;
    this.done.clear();
  }

  /** The next query of a series that has asked is not needed before `at`: denied until then. */
  postpone(at: Instant, random: Random): void {
    if (this.#series !== undefined && this.#rounds > 0) this.#series = politely(at, random);
  }

  /** The link is down: there is nothing to be sent, and nothing was. */
  halt(): void {
    this.#refresh = undefined;
    this.#sentAt = undefined;
    this.#endConfirm();
    this.#forgetSeries();
  }

  #forgetSeries(): void {
    this.#series = undefined;
    this.#startedAt = undefined;
    this.#wasAskedBefore = false;
    this.#rounds = 0;
    this.done.clear();
  }

  /** A record of the question is in doubt: ask, whatever the state of the series. */
  confirm(now: Instant, random: Random): void {
    this.#confirmsLeft = confirmQueries;
    this.#confirm = politely(now, random);
  }

  #endConfirm(): void {
    this.#confirmsLeft = 0;
    this.#confirm = undefined;
  }

  /** Plans the refresh points of all that was heard, from scratch. */
  planRefresh(records: readonly CachedRR[], random: Random): void {
    this.#refresh = undefined;
    if (this.#standing === 0) return;
    const share = refreshShare(random);
    for (const record of records) this.#include(record, share);
  }

  /**
   * Plans the refresh points of one record that was just heard.
   *
   * @returns whether the plan has moved; points that lie further off than before show late
   */
  include(record: CachedRR, random: Random): boolean {
    return this.#standing > 0 && this.#include(record, refreshShare(random));
  }

  #include(record: CachedRR, share: number): boolean {
    const openAt = record.refreshAt;
    if (openAt === undefined) return false;
    const dueAt = after(openAt, Math.round(record.lifetime * share) as Duration);
    const before = this.#refresh;
    this.#refresh = sooner(before, { openAt, dueAt });
    return before?.openAt !== this.#refresh?.openAt || before?.dueAt !== this.#refresh?.dueAt;
  }

  /** The next query, of whichever reason; at least a second after the last one. */
  plan(): Planned | undefined {
    let plan = sooner(this.#series, this.#confirm);
    // Before a series has asked once, its own delay is the one that counts.
    if (this.#series === undefined || this.#rounds > 0) plan = sooner(plan, this.#refresh);
    if (plan === undefined || this.#sentAt === undefined) return plan;
    const earliest = after(this.#sentAt, firstGap);
    return { openAt: later(plan.openAt, earliest), dueAt: later(plan.dueAt, earliest) };
  }

  /**
   * The query has been sent on every family it was needed on.
   *
   * @param records    what answers the question by now: refresh points reached are done with
   * @param isYielded  it was another host that sent it, maybe before our own time had come
   */
  complete(now: Instant, records: readonly CachedRR[], random: Random, isYielded: boolean): void {
    this.done.clear();
    const isEarly = isYielded && this.#yieldsSeries(now);
    if (this.#series !== undefined && (this.#series.openAt <= now || isEarly)) {
      const next = after(now, this.#gap);
      this.#series = { openAt: next, dueAt: next };
      this.#gap = Math.min(2 * this.#gap, gapMax) as Duration;
      this.#rounds += 1;
    }
    if (this.#confirm !== undefined && this.#confirm.openAt <= now) {
      this.#confirmsLeft -= 1;
      const next = after(now, firstGap);
      this.#confirm = this.#confirmsLeft > 0 ? { openAt: next, dueAt: next } : undefined;
    }
    this.#sentAt = now;
    for (const record of records) passPoints(record, now);
    this.planRefresh(records, random);
  }

  /** Whether another host's query may stand for the one we plan (§7.3). */
  mayYield(now: Instant): boolean {
    if (this.#confirm !== undefined) return false;
    const isRefreshing = this.#refresh !== undefined && this.#refresh.openAt <= now;
    return isRefreshing || this.#yieldsSeries(now);
  }

  /**
   * A query seen soon after one of ours stands for that one, not for the next: else a
   * chatty neighbour would stretch our gaps to an hour within seconds.
   */
  #yieldsSeries(now: Instant): boolean {
    if (this.#series === undefined) return false;
    if (this.#rounds === 0 || this.#sentAt === undefined) return true;
    return elapsed(this.#sentAt, now) >= elapsed(this.#sentAt, this.#series.dueAt) / 2;
  }
}

const takesUnicast = (interest: AnyInterest) =>
  interest.kind === "standing" && interest.takesUnicast === true;

const isOpen = (plan: Planned | undefined, now: Instant) =>
  plan !== undefined && plan.openAt <= now;

function politely(from: Instant, random: Random): Planned {
  return {
    openAt: after(from, politeDelay.min),
    dueAt: after(from, between(random, politeDelay.min, politeDelay.max)),
  };
}

/** Where in the spread after each refresh point this question asks. */
function refreshShare(random: Random): number {
  return (below(random, 1_000_001) / 1_000_000) * refreshSpread;
}

function passPoints(record: CachedRR, now: Instant): void {
  while (record.stage < refreshPoints.length) {
    const at = record.refreshAt;
    if (at === undefined || at > now) return;
    record.stage += 1;
  }
}

function sooner(a: Planned | undefined, b: Planned | undefined): Planned | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return {
    openAt: Math.min(a.openAt, b.openAt) as Instant,
    dueAt: Math.min(a.dueAt, b.dueAt) as Instant,
  };
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
