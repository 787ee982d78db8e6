// What a link was heard to say (RFC 6762 §10, §18.1; steps 2.5 of the plan):
// records by name, type and rdata, denials by name, each until its end. Applies
// one packet in two passes, so that a set sent in one packet never flushes
// itself. Which packets are believed is accept.ts's; asking again is asking.ts's.

import type { Counts } from "../counts.js";
import { after, type Duration, elapsed, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { AgeList } from "./age-list.js";
import { ExpiryHeap } from "./expiry.js";
import { Interning } from "./interning.js";
import { CachedRR, HeardName, identityOf, pack, weightOf } from "./record.js";
import { flushProtected, goodbyeGrace, nsecTypesMax, topBit, ttlSecondsMax } from "./timing.js";

/** Who wants what, as the cache needs to know it. */
export interface Interests {
  /** Whether the question is being asked, or ANY of the name. */
  isActive(name: Name, type: number): boolean;
  /** The same, or the name was asked for within the last seconds (T-20). */
  isRecent(now: Instant, name: Name, type: number): boolean;
}

/** Why a record left. */
export type Departure = "ended" | "failed" | "evicted" | "down";

/** What became of a record; of an NSEC, what became of the denial it stands for. */
export type Happening =
  | { readonly kind: "add" | "renew"; readonly record: CachedRR }
  | { readonly kind: "remove"; readonly record: CachedRR; readonly why: Departure };

export class Cache {
  readonly #interests: Interests;
  readonly #counts: Counts;
  readonly #names = new Map<string, HeardName>();
  readonly #expiry = new ExpiryHeap();
  /** Records nobody asks for, and records of questions that are being asked. */
  readonly #idle = new AgeList();
  readonly #wanted = new AgeList();
  #weightMax: number;
  #weight = 0;
  #happened: Happening[] = [];

  constructor(recordsMax: number, interests: Interests, counts: Counts) {
    this.#weightMax = recordsMax;
    this.#interests = interests;
    this.#counts = counts;
  }

  /** Records held, denials among them. */
  get size(): number {
    return this.#expiry.size;
  }

  /** Everything that happened since this was last called, in order. */
  takeHappenings(): readonly Happening[] {
    if (this.#happened.length === 0) return [];
    const happened = this.#happened;
    this.#happened = [];
    return happened;
  }

  /** Moves the limit; at once, what is above it leaves. */
  limit(recordsMax: number): void {
    this.#weightMax = recordsMax;
    while (this.#weight > this.#weightMax) this.#evict(true);
  }

  /** Takes in the records of one response, in the order of the packet. */
  apply(now: Instant, rrs: readonly RR[]): void {
    this.expire(now);
    const interning = new Interning((key) => this.#names.get(key)?.name);
    // Denials first: what the same packet affirms must stand.
    for (const rr of rrs) if (rr.type === RRType.NSEC) this.#deny(now, rr, interning);
    const flushing = new Map<string, Set<number>>();
    for (const rr of rrs) {
      if (rr.type === RRType.NSEC || isPseudo(rr)) continue;
      const isAffirmed = this.#affirm(now, rr, interning);
      if (!isAffirmed || (rr.class & topBit) === 0) continue;
      const types = flushing.get(rr.name.key);
      if (types === undefined) flushing.set(rr.name.key, new Set([rr.type]));
      else types.add(rr.type);
    }
    for (const [key, types] of flushing) {
      for (const type of types) this.#flush(now, this.#names.get(key)?.list(type) ?? []);
    }
  }

  /** Ends what has run out. */
  expire(now: Instant): void {
    for (;;) {
      const record = this.#expiry.findDue(now);
      if (record === undefined) return;
      this.#remove(record, "ended");
    }
  }

  nextDeadline(): Instant | undefined {
    return this.#expiry.next();
  }

  /** Drops a record that a device no longer answers for. */
  fail(record: CachedRR): void {
    if (record.heapIndex >= 0) this.#remove(record, "failed");
  }

  /** Drops everything. */
  clear(): void {
    for (const list of [this.#idle, this.#wanted]) {
      for (let record = list.oldest; record !== undefined; record = list.oldest) {
        this.#remove(record, "down");
      }
    }
  }

  /** Nothing lives longer than `span` from now unless it is heard again. */
  shorten(now: Instant, span: Duration): void {
    for (const name of this.#names.values()) {
      const denial = name.denial;
      if (denial !== undefined) this.#endBy(denial, after(now, span));
      for (const record of name.list(RRType.ANY)) this.#endBy(record, after(now, span));
    }
  }

  /** Every record held, denials not among them. */
  *all(): Generator<CachedRR> {
    for (const name of this.#names.values()) yield* name.list(RRType.ANY);
  }

  /** Live records of a question; type ANY: all at the name. Never an NSEC. */
  live(now: Instant, name: Name, type: number): CachedRR[] {
    if (type === RRType.NSEC) return [];
    const records = this.#names.get(name.key)?.list(type) ?? [];
    return records.filter((record) => record.expiresAt > now);
  }

  /** Live records that answer a question, a CNAME among them. */
  answers(now: Instant, name: Name, type: number): CachedRR[] {
    const found = this.live(now, name, type);
    const isCovered = type === RRType.CNAME || type === RRType.ANY;
    return isCovered ? found : [...found, ...this.live(now, name, RRType.CNAME)];
  }

  /** The record equal to `rr`, if it is held and live. */
  find(now: Instant, rr: RR): CachedRR | undefined {
    const record = this.#names.get(rr.name.key)?.find(rr.type, identityOf(rr.type, rr.rdata));
    return record !== undefined && record.expiresAt > now ? record : undefined;
  }

  /** The types that a live NSEC of this name leaves open: it denies all others. */
  openTypes(now: Instant, name: Name): readonly number[] | undefined {
    const denial = this.#names.get(name.key)?.denial;
    if (denial === undefined || denial.expiresAt <= now) return undefined;
    return Array.from(denial.kept as string, (type) => type.charCodeAt(0));
  }

  /** Until when the type is denied; undefined when it is not, or when a record of it lives. */
  deniedUntil(now: Instant, name: Name, type: number): Instant | undefined {
    if (type === RRType.ANY) return undefined;
    const denial = this.#names.get(name.key)?.denial;
    if (denial === undefined || denial.expiresAt <= now || isOpen(denial, type)) return undefined;
    return this.live(now, name, type).length > 0 ? undefined : denial.expiresAt;
  }

  /** Sorts the records of a question anew by whether somebody asks for them. */
  reconsider(name: Name, type: number): void {
    for (const record of this.#names.get(name.key)?.list(type) ?? []) {
      const isWanted = this.#interests.isActive(name, record.type);
      if (isWanted === record.isWanted) continue;
      this.#listOf(record).remove(record);
      record.isWanted = isWanted;
      this.#listOf(record).append(record);
    }
  }

  /** @returns whether the record is now held with this rdata and a life of its own. */
  #affirm(now: Instant, rr: RR, interning: Interning): boolean {
    const ttlSeconds = rr.ttlSeconds > ttlSecondsMax ? 0 : rr.ttlSeconds;
    const owner = this.#names.get(rr.name.key);
    const held = owner?.find(rr.type, identityOf(rr.type, rr.rdata));
    if (ttlSeconds === 0) {
      // A goodbye speaks for its own record only: with the cache-flush bit, it flushes no other.
      if (held !== undefined) this.#endBy(held, after(now, goodbyeGrace));
      return false;
    }
    const isUnique = (rr.class & topBit) !== 0;
    if (held !== undefined) this.#renew(now, held, ttlSeconds, isUnique);
    else {
      const isTaken =
        isUnique || owner?.isPositive || this.#interests.isRecent(now, rr.name, rr.type);
      if (!isTaken) {
        this.#counts.add("cache", "unasked");
        return false;
      }
      const record = this.#insert(now, rr, ttlSeconds, interning);
      if (record === undefined) return false;
      record.isUnique = isUnique;
    }
    this.#allow(rr.name, rr.type);
    return true;
  }

  #renew(now: Instant, record: CachedRR, ttlSeconds: number, isUnique: boolean): void {
    const isChanged = record.ttlSeconds !== ttlSeconds;
    record.ttlSeconds = ttlSeconds;
    record.receivedAt = Math.floor(now) as Instant;
    record.expiresAt = after(record.receivedAt, record.lifetime);
    record.isUnique = isUnique;
    record.stage = 0;
    this.#expiry.place(record);
    this.#listOf(record).remove(record);
    this.#listOf(record).append(record);
    this.#happened.push({ kind: isChanged ? "add" : "renew", record });
  }

  #insert(now: Instant, rr: RR, ttlSeconds: number, interning: Interning): CachedRR | undefined {
    const kept = pack(rr.type, interning.rdata(rr.type, rr.rdata));
    const isWanted = this.#interests.isActive(rr.name, rr.type);
    const weight = weightOf(kept);
    while (this.#weight + weight > this.#weightMax) {
      if (weight <= this.#weightMax && this.#evict(isWanted)) continue;
      this.#counts.add("cache", "refused");
      return undefined;
    }
    let owner = this.#names.get(rr.name.key);
    if (owner === undefined) {
      owner = new HeardName(interning.name(rr.name));
      this.#names.set(owner.name.key, owner);
    }
    // Whole milliseconds are kept as small integers, fractions as objects.
    const record = new CachedRR(owner, rr.type, kept, ttlSeconds, Math.floor(now) as Instant);
    record.expiresAt = after(record.receivedAt, record.lifetime);
    record.isWanted = isWanted;
    owner.add(record);
    this.#weight += weight;
    this.#expiry.place(record);
    this.#listOf(record).append(record);
    this.#happened.push({ kind: "add", record });
    return record;
  }

  /** RFC 6762 §6.1: one NSEC of a name tells all its types. */
  #deny(now: Instant, rr: RR, interning: Interning): void {
    if (rr.rdata.kind !== "nsec" || (rr.class & ~topBit) !== 1) return;
    const held = this.#names.get(rr.name.key)?.denial;
    const ttlSeconds = rr.ttlSeconds > ttlSecondsMax ? 0 : rr.ttlSeconds;
    const { types } = rr.rdata;
    const isUsable = types.length <= nsecTypesMax && types.some((type) => type < 256);
    if (
      held !== undefined &&
      (!isUsable || ttlSeconds === 0 || pack(rr.type, rr.rdata) !== held.kept)
    ) {
      this.#remove(held, "ended");
    } else if (held !== undefined) {
      this.#renew(now, held, ttlSeconds, true);
      return;
    }
    if (ttlSeconds === 0 || !isUsable) return;
    const record = this.#insert(now, rr, ttlSeconds, interning);
    if (record !== undefined) record.isUnique = true;
  }

  /** Whatever a denial says of a type, a record of it heard later knows better. */
  #allow(name: Name, type: number): void {
    const denial = this.#names.get(name.key)?.denial;
    if (denial === undefined || isOpen(denial, type)) return;
    const types = `${denial.kept as string}${String.fromCharCode(type)}`;
    if (types.length > nsecTypesMax) this.#remove(denial, "ended");
    else denial.kept = types;
  }

  /** Older members of a set that was just sent in full go, unless they are said again. */
  #flush(now: Instant, set: readonly CachedRR[]): void {
    for (const record of set) {
      if (elapsed(record.receivedAt, Math.floor(now) as Instant) > flushProtected) {
        this.#endBy(record, after(now, goodbyeGrace));
      }
    }
  }

  #endBy(record: CachedRR, at: Instant): void {
    if (record.expiresAt <= at) return;
    record.expiresAt = Math.floor(at) as Instant;
    this.#expiry.place(record);
  }

  /** @returns false when nothing is left that may go for the sake of the newcomer. */
  #evict(isWanted: boolean): boolean {
    const oldest = this.#idle.oldest ?? (isWanted ? this.#wanted.oldest : undefined);
    if (oldest === undefined) return false;
    this.#counts.add("cache", "evicted");
    this.#remove(oldest, "evicted");
    return true;
  }

  #remove(record: CachedRR, why: Departure): void {
    const { owner } = record;
    this.#expiry.remove(record);
    this.#listOf(record).remove(record);
    owner.remove(record);
    if (owner.isEmpty) this.#names.delete(owner.name.key);
    this.#weight -= weightOf(record.kept);
    this.#happened.push({ kind: "remove", record, why });
  }

  #listOf(record: CachedRR): AgeList {
    return record.isWanted ? this.#wanted : this.#idle;
  }
}

/** Whether an NSEC lists the type, so that it does not deny it. */
function isOpen(denial: CachedRR, type: number): boolean {
  return (denial.kept as string).includes(String.fromCharCode(type));
}

/** Records that are about the message, or that exist in questions only (DP-145). */
const pseudoTypes: ReadonlySet<number> = new Set([
  0,
  RRType.OPT,
  RRType.SIG,
  RRType.TKEY,
  RRType.TSIG,
  RRType.IXFR,
  RRType.AXFR,
  253,
  254,
  RRType.ANY,
]);

function isPseudo(rr: RR): boolean {
  return pseudoTypes.has(rr.type) || (rr.class & ~topBit) !== 1;
}
