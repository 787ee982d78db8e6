// What is known to stand in a zone (UP-57): what we wrote and the server has
// acknowledged, what others wrote under the same names, and until when all of it
// is meant to live. Changed by acknowledged updates, by reading a name, and by a
// copy of the zone; never by a wish.

import { RRClass, RRType } from "../wire/codes.js";
import { isWithin, type Name } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";
import { decodeTimeout } from "../wire/timeout.js";
import type { Note } from "./journal.js";
import { type LifeKey, lifeKeysFor, lifeKeysOf } from "./lifetime.js";
import { formerRecordsMax, serversMax, unkeptMax } from "./limits.js";
import { type RecordKey, recordKey } from "./offer.js";
import type { ZoneCopy } from "./transfer.js";

/** Types that an inventory publishes; all others are somebody else's. */
const ourTypes: ReadonlySet<number> = new Set([
  RRType.A,
  RRType.AAAA,
  RRType.PTR,
  RRType.SRV,
  RRType.TXT,
]);

/** Types that no server lets nobody add, and that say nothing of who owns a name. */
const signatures: ReadonlySet<number> = new Set([RRType.RRSIG, RRType.NSEC, RRType.NSEC3]);

export interface HeldRR {
  readonly rr: RR;
  /** We wrote it, and it has not been left to others since. */
  isOwn: boolean;
  /** We wrote it once. */
  wasOwn: boolean;
  /** A TIMEOUT that is not ours was seen to speak for it: some other proxy's record. */
  wasVouched: boolean;
  /** Before a restart, and nobody has offered it since. */
  isInherited: boolean;
}

/** One TIMEOUT record. */
export interface Life {
  readonly rr: RR;
  /** Seconds since 1970; 0 where it cannot be read. */
  readonly expiry: number;
  /** None where it cannot be read: such a record is left alone (TO-2). */
  readonly keys: readonly LifeKey[];
  isOwn: boolean;
}

/** What stands at one name. */
export interface Place {
  readonly name: Name;
  readonly records: Map<RecordKey, HeldRR>;
  /** By their rdata. */
  readonly lives: Map<string, Life>;
  /** Of many: at most names there are too few of them for an index to be worth its memory. */
  byLifeKey: Map<LifeKey, Life[]> | undefined;
  /** Something stands here that is neither ours nor given a lifetime by anybody. */
  isForeign: boolean;
  /** A KEY, an alias or a delegation: the name is not to be touched. */
  isClosed: boolean;
}

/** So many lives are looked through; for more there is an index. */
const indexFrom = 8;

/** TIMEOUTs that speak for what one key stands for. */
export function livesUnder(place: Place, key: LifeKey): readonly Life[] {
  if (place.byLifeKey !== undefined) return place.byLifeKey.get(key) ?? [];
  return [...place.lives.values()].filter(({ keys }) => keys.includes(key));
}

function enterIndex(index: Map<LifeKey, Life[]>, life: Life): void {
  for (const key of life.keys) {
    const others = index.get(key);
    if (others === undefined) index.set(key, [life]);
    else others.push(life);
  }
}

const closing: ReadonlySet<number> = new Set([
  RRType.KEY,
  RRType.CNAME,
  RRType.DNAME,
  RRType.NS,
  RRType.SOA,
]);

export class Ledger {
  readonly #timeoutType: number;
  readonly #places = new Map<string, Place>();
  /** Sent and not answered yet: found in the zone, they are ours. */
  readonly #claimed = new Map<string, RR>();
  /** Records that we wrote in this run, the latest last; and whether somebody said them again. */
  readonly #former = new Map<RecordKey, "ours" | "yielded">();
  /** Records that were acknowledged and not there when the zone was read next: how often. */
  readonly #unkept = new Map<RecordKey, number>();
  /** Keys of names that the zone's SOA and NS records lead to. */
  readonly #servers = new Set<string>();
  #notes: Note[] = [];
  #hasLoweredCase = false;

  constructor(timeoutType: number) {
    this.#timeoutType = timeoutType;
  }

  find(name: Name): Place | undefined {
    return this.#places.get(name.key);
  }

  /** UP-51: whether it is a server's name, which no device of a link may take. */
  isServer(name: Name): boolean {
    return this.#servers.has(name.key);
  }

  /** A server of the zone, or of one below it, that was heard of. */
  addServer(name: Name): void {
    if (this.#servers.size < serversMax) this.#servers.add(name.key);
  }

  places(): IterableIterator<Place> {
    return this.#places.values();
  }

  /** Whether the server was seen to give names back with other capitals than it got. */
  get hasLoweredCase(): boolean {
    return this.#hasLoweredCase;
  }

  /** TIMEOUT records that cannot be read. */
  get unreadableCount(): number {
    let count = 0;
    for (const { lives } of this.#places.values()) {
      for (const { keys } of lives.values()) if (keys.length === 0) count += 1;
    }
    return count;
  }

  /** Records of ours, TIMEOUTs not counted. */
  get ownCount(): number {
    let count = 0;
    for (const place of this.#places.values()) {
      for (const held of place.records.values()) if (held.isOwn) count += 1;
    }
    return count;
  }

  /** Everything of ours, TIMEOUTs too: what has to be remembered over a restart. */
  *own(): Generator<RR> {
    for (const place of this.#places.values()) {
      for (const { rr, isOwn } of place.records.values()) if (isOwn) yield rr;
      for (const { rr, isOwn } of place.lives.values()) if (isOwn) yield rr;
    }
    yield* this.#claimed.values();
  }

  /** What became ours since this was last called, and what ceased to be; drains it. */
  takeNotes(): readonly Note[] {
    return this.#notes.splice(0);
  }

  /** What is being added is ours, whatever becomes of the message. */
  claim(updates: readonly RR[]): void {
    for (const rr of updates) {
      if (rr.class !== RRClass.IN) continue;
      this.#claimed.set(recordKey(rr), rr);
      this.#notes.push({ sign: "+", rr });
    }
  }

  /** Whether a record was sent and not answered yet. */
  isClaimed(key: RecordKey): boolean {
    return this.#claimed.has(key);
  }

  /** Keys of the names at which something was sent and not answered yet. */
  claimedNames(): ReadonlySet<string> {
    return new Set(Array.from(this.#claimed.values(), ({ name }) => name.key));
  }

  /** It is known what became of it. */
  unclaim(updates: readonly RR[]): void {
    for (const rr of updates) this.#claimed.delete(recordKey(rr));
  }

  /** What was ours before a restart. What we never write is not, whatever a state file says. */
  restore(rrs: readonly RR[], zone: Name): void {
    for (const rr of rrs) {
      const isOurs = ourTypes.has(rr.type) || rr.type === this.#timeoutType;
      if (isOurs && isWithin(rr.name, zone)) this.#add({ ...rr, class: RRClass.IN }, true);
    }
    for (const { records } of this.#places.values()) {
      for (const held of records.values()) held.isInherited = true;
    }
  }

  /** A link offers it now: it is as if it had been published in this run. */
  offered(rr: RR): void {
    const held = this.#places.get(rr.name.key)?.records.get(recordKey(rr));
    if (held !== undefined) held.isInherited = false;
  }

  /** An update was carried out: its records by class, as they were sent. */
  applied(updates: readonly RR[], disowned: readonly RR[]): void {
    for (const rr of updates) {
      if (rr.class === RRClass.IN) this.#add(rr, true);
      else if (rr.class === RRClass.NONE) {
        const held = this.#places.get(rr.name.key)?.records.get(recordKey(rr));
        // Said again by somebody else, it is theirs: nobody's turn comes twice.
        if (held?.isOwn === false) this.#former.set(recordKey(rr), "yielded");
        this.#remove(rr);
        this.#notes.push({ sign: "-", rr: { ...rr, class: RRClass.IN } });
      }
    }
    // A record that is deleted and added again is ours afterwards.
    const removed = new Set(updates.filter((rr) => rr.class === RRClass.NONE).map(recordKey));
    for (const rr of updates) {
      if (rr.class === RRClass.IN && removed.has(recordKey(rr)))
        this.#notes.push({ sign: "+", rr });
    }
    for (const rr of disowned) {
      this.#notes.push({ sign: "-", rr });
      const held = this.#places.get(rr.name.key)?.records.get(recordKey(rr));
      if (held !== undefined) held.isOwn = false;
    }
  }

  /** The zone is as it was once: what has come back was not said again by anybody. */
  rewound(): void {
    for (const key of this.#former.keys()) this.#former.set(key, "ours");
  }

  /** A name was read: what is not there any more is not ours any more. */
  read(name: Name, rrs: readonly RR[]): void {
    const before = this.#places.get(name.key);
    this.#places.delete(name.key);
    const here = rrs.filter(({ name: owner }) => owner.key === name.key);
    for (const rr of here) this.#take(rr, before);
    for (const [key, rr] of this.#claimed) if (rr.name.key === name.key) this.#claimed.delete(key);
    this.#judge(name);
  }

  /** The whole zone was read. */
  replace(copy: ZoneCopy): void {
    const before = new Map(this.#places);
    this.#places.clear();
    this.#servers.clear();
    this.addServer(copy.primary);
    for (const rr of copy.rrs) this.#take(rr, before.get(rr.name.key));
    this.#compare(before);
    this.#claimed.clear();
    for (const { name } of [...this.#places.values()]) this.#judge(name);
  }

  /** Records that the server says yes to and does not keep: so many times in a row. */
  unkept(times: number): readonly RecordKey[] {
    return [...this.#unkept].flatMap(([key, count]) => (count >= times ? [key] : []));
  }

  /** UP-28: what was said to be done and is not, for the first time or again. */
  #compare(before: ReadonlyMap<string, Place>): void {
    for (const [name, { records }] of before) {
      const there = this.#places.get(name)?.records;
      for (const [key, { isOwn, isInherited }] of records) {
        if (there?.has(key) === true) this.#unkept.delete(key);
        else if (isOwn && !isInherited && this.#unkept.size < unkeptMax) {
          this.#unkept.set(key, (this.#unkept.get(key) ?? 0) + 1);
        }
      }
    }
  }

  /** TIMEOUTs that speak for a record. */
  livesOf(rr: RR): readonly Life[] {
    const place = this.#places.get(rr.name.key);
    if (place === undefined || place.lives.size === 0) return [];
    return lifeKeysFor(rr.type, rr.rdata).flatMap((key) => livesUnder(place, key));
  }

  #take(rr: RR, before: Place | undefined): void {
    if (signatures.has(rr.type)) return;
    if (rr.rdata.kind === "ns") this.addServer(rr.rdata.target);
    if (closing.has(rr.type)) {
      const place = this.#place(rr.name);
      place.isForeign = true;
      place.isClosed = true;
      return;
    }
    const isClaimed = this.#claimed.has(recordKey(rr));
    const life = before?.lives.get(rdataKey(rr.type, rr.rdata));
    const held = before?.records.get(recordKey(rr));
    if (rr.type === this.#timeoutType) this.#add(rr, isClaimed || life?.isOwn === true);
    else if (!ourTypes.has(rr.type)) this.#place(rr.name).isForeign = true;
    else {
      if (held !== undefined && !hasSameOctets(held.rr, rr)) this.#hasLoweredCase = true;
      // The very octets and the TTL that were sent are kept: servers change both (UP-29, UP-54).
      const isOwn = isClaimed || held?.isOwn === true;
      this.#add(held?.isOwn ? held.rr : rr, isOwn, held);
    }
  }

  /** Who a name belongs to, once all of it is known. */
  #judge(name: Name): void {
    const place = this.#places.get(name.key);
    if (place === undefined) return;
    for (const held of place.records.values()) {
      const lives = held.isOwn ? [] : this.livesOf(held.rr);
      if (!held.isOwn && lives.length === 0) place.isForeign = true;
      held.wasVouched ||= lives.some(({ isOwn }) => !isOwn);
    }
  }

  /** What comes back from a backup is known again, whoever deleted it. */
  #remember(key: RecordKey): void {
    this.#former.delete(key);
    this.#former.set(key, "ours");
    const [oldest] = this.#former.keys();
    if (this.#former.size > formerRecordsMax && oldest !== undefined) this.#former.delete(oldest);
  }

  #place(name: Name): Place {
    let place = this.#places.get(name.key);
    if (place === undefined) {
      place = {
        name,
        records: new Map(),
        lives: new Map(),
        byLifeKey: undefined,
        isForeign: false,
        isClosed: false,
      };
      this.#places.set(name.key, place);
    }
    return place;
  }

  #add(rr: RR, isOwn: boolean, before?: HeldRR): void {
    const place = this.#place(rr.name);
    if (rr.type !== this.#timeoutType) {
      const key = recordKey(rr);
      const known = place.records.get(key);
      const isFormer = this.#former.get(key) === "ours";
      const wasOwn = isOwn || isFormer || before?.wasOwn === true || known?.wasOwn === true;
      const isInherited = before?.isInherited === true;
      const wasVouched = before?.wasVouched === true;
      place.records.set(key, { rr, isOwn, wasOwn, wasVouched, isInherited });
      if (isOwn) this.#remember(key);
      return;
    }
    const timeout = rr.rdata.kind === "opaque" ? decodeTimeout(rr.rdata.bytes) : undefined;
    const key = rdataKey(rr.type, rr.rdata);
    const known = place.lives.get(key);
    if (known !== undefined) known.isOwn ||= isOwn;
    if (known !== undefined) return;
    const keys = timeout === undefined ? [] : lifeKeysOf(timeout);
    const life = { rr, expiry: timeout?.expiry ?? 0, keys, isOwn };
    place.lives.set(key, life);
    if (place.byLifeKey !== undefined) enterIndex(place.byLifeKey, life);
    else if (place.lives.size > indexFrom) {
      place.byLifeKey = new Map();
      for (const each of place.lives.values()) enterIndex(place.byLifeKey, each);
    }
  }

  #remove(rr: RR): void {
    const place = this.#places.get(rr.name.key);
    if (place === undefined) return;
    if (rr.type !== this.#timeoutType) place.records.delete(recordKey(rr));
    else {
      const key = rdataKey(rr.type, rr.rdata);
      const life = place.lives.get(key);
      place.lives.delete(key);
      for (const one of place.byLifeKey === undefined ? [] : (life?.keys ?? [])) {
        const left = livesUnder(place, one).filter((other) => other !== life);
        if (left.length === 0) place.byLifeKey?.delete(one);
        else place.byLifeKey?.set(one, left);
      }
    }
    const isEmpty = place.records.size === 0 && place.lives.size === 0;
    if (isEmpty && !place.isForeign) this.#places.delete(rr.name.key);
  }
}

/** PTR targets alone: they are the names that people read. */
function hasSameOctets(a: RR, b: RR): boolean {
  if (a.rdata.kind !== "ptr" || b.rdata.kind !== "ptr") return true;
  return a.rdata.target.labels.join() === b.rdata.target.labels.join();
}
