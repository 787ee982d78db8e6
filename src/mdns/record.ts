// One record as it is kept: RFC 6762 §10 wants name, rdata, TTL, time and the
// cache-flush bit of each. A link may hold 100,000, so what can be is packed:
// addresses, TXT and unknown rdata as strings of bytes (a Uint8Array of four
// bytes costs two hundred), flags in one number, small sets as exact arrays.

import type { Duration, Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import { type RR, rdataKey } from "../wire/rr.js";
import { recordUnit, refreshPoints } from "./timing.js";

/**
 * Rdata as kept: bytes, one char each, for the kinds that hold no names; of an NSEC the types,
 * one char each; else the value.
 */
type Kept = Rdata | string;

/** Where in the one number of flags each stands; the type has the lowest 16 bits. */
const uniqueBit = 1 << 16;
const wantedBit = 1 << 17;
const stageShift = 18;

/** One record in the cache. Only cache.ts changes it; others may read, and count its stage. */
export class CachedRR {
  readonly owner: HeardName;
  kept: Kept;
  ttlSeconds: number;
  receivedAt: Instant;
  expiresAt: Instant;
  /** Place in the expiry heap; -1 while it is in none. */
  heapIndex = -1;
  /** Neighbours in the list by age. */
  older: CachedRR | undefined = undefined;
  newer: CachedRR | undefined = undefined;
  /** The next record of the same owner, while that has few. */
  sibling: CachedRR | undefined = undefined;
  #bits: number;

  constructor(owner: HeardName, type: number, kept: Kept, ttlSeconds: number, now: Instant) {
    this.owner = owner;
    this.kept = kept;
    this.ttlSeconds = ttlSeconds;
    this.receivedAt = now;
    this.expiresAt = now;
    this.#bits = type;
  }

  get type(): number {
    return this.#bits & 0xffff;
  }

  /** Whether it came with the cache-flush bit. */
  get isUnique(): boolean {
    return (this.#bits & uniqueBit) !== 0;
  }

  set isUnique(isUnique: boolean) {
    this.#bits = isUnique ? this.#bits | uniqueBit : this.#bits & ~uniqueBit;
  }

  /** Whether some question that is being asked wants it: which of the two lists holds it. */
  get isWanted(): boolean {
    return (this.#bits & wantedBit) !== 0;
  }

  set isWanted(isWanted: boolean) {
    this.#bits = isWanted ? this.#bits | wantedBit : this.#bits & ~wantedBit;
  }

  /** How many of its refresh points have been asked at. */
  get stage(): number {
    return this.#bits >> stageShift;
  }

  set stage(stage: number) {
    this.#bits = (this.#bits & ((1 << stageShift) - 1)) | (stage << stageShift);
  }

  /** When its next refresh point begins; undefined when none is left, or its end is settled. */
  get refreshAt(): Instant | undefined {
    const share = refreshPoints[this.stage];
    const isEnding = this.expiresAt < this.receivedAt + this.lifetime;
    if (share === undefined || isEnding) return undefined;
    return Math.round(this.receivedAt + this.lifetime * share) as Instant;
  }

  get lifetime(): Duration {
    return (this.ttlSeconds * 1000) as Duration;
  }

  /** As a value: class 1, the device's own TTL. */
  toRR(ttlSeconds = this.ttlSeconds): RR {
    const rdata = unpack(this.type, this.kept);
    return { name: this.owner.name, type: this.type, class: 1, ttlSeconds, rdata };
  }

  /** What tells it from other records of its name and type; it never changes. */
  get identity(): string {
    // One of a name is kept, and its types may change.
    if (this.type === RRType.NSEC) return "";
    return typeof this.kept === "string" ? this.kept : identityOf(this.type, this.kept);
  }
}

/** Above this, records of one name are found by identity instead of by looking at each. */
const fewMax = 16;

/** A name with the records heard for it, whatever their type; an NSEC stands for its denial. */
export class HeardName {
  readonly name: Name;
  /** The first of a chain of siblings, in the order of coming; unused once there were many. */
  #first: CachedRR | undefined = undefined;
  /** By type and identity. */
  #many: Map<number, Map<string, CachedRR>> | undefined = undefined;

  constructor(name: Name) {
    this.name = name;
  }

  find(type: number, identity: string): CachedRR | undefined {
    if (this.#many !== undefined) return this.#many.get(type)?.get(identity);
    let record = this.#first;
    while (record !== undefined && (record.type !== type || record.identity !== identity)) {
      record = record.sibling;
    }
    return record;
  }

  /** The NSEC of this name: at most one is kept. */
  get denial(): CachedRR | undefined {
    return this.find(RRType.NSEC, "");
  }

  /** The records of a type; ANY: all but the NSEC. */
  list(type: number): CachedRR[] {
    const found: CachedRR[] = [];
    if (this.#many === undefined) {
      for (let record = this.#first; record !== undefined; record = record.sibling) {
        const isAsked = type === RRType.ANY ? record.type !== RRType.NSEC : record.type === type;
        if (isAsked) found.push(record);
      }
      return found;
    }
    if (type !== RRType.ANY) return [...(this.#many.get(type)?.values() ?? [])];
    for (const [each, set] of this.#many) {
      if (each !== RRType.NSEC) for (const record of set.values()) found.push(record);
    }
    return found;
  }

  get isEmpty(): boolean {
    return this.#many === undefined ? this.#first === undefined : this.#many.size === 0;
  }

  /** Whether anything but a denial is held. */
  get isPositive(): boolean {
    if (this.#many !== undefined) return this.#many.size > (this.#many.has(RRType.NSEC) ? 1 : 0);
    const first = this.#first;
    return first !== undefined && (first.type !== RRType.NSEC || first.sibling !== undefined);
  }

  add(record: CachedRR): void {
    let count = 0;
    let last: CachedRR | undefined;
    for (let each = this.#first; each !== undefined; each = each.sibling) {
      last = each;
      count += 1;
    }
    if (count >= fewMax) {
      this.#many = sorted(this.#first);
      this.#first = undefined;
    }
    if (this.#many !== undefined) addTo(this.#many, record);
    else if (last === undefined) this.#first = record;
    else last.sibling = record;
  }

  remove(record: CachedRR): void {
    if (this.#many !== undefined) {
      const set = this.#many.get(record.type);
      set?.delete(record.identity);
      if (set?.size === 0) this.#many.delete(record.type);
      return;
    }
    let before: CachedRR | undefined;
    let each = this.#first;
    while (each !== undefined && each !== record) {
      before = each;
      each = each.sibling;
    }
    if (before === undefined) this.#first = record.sibling;
    else before.sibling = record.sibling;
    record.sibling = undefined;
  }
}

/** Takes a chain of siblings apart, for a name that has many from now on. */
function sorted(first: CachedRR | undefined): Map<number, Map<string, CachedRR>> {
  const many = new Map<number, Map<string, CachedRR>>();
  for (let each = first; each !== undefined; ) {
    const next: CachedRR | undefined = each.sibling;
    each.sibling = undefined;
    addTo(many, each);
    each = next;
  }
  return many;
}

function addTo(many: Map<number, Map<string, CachedRR>>, record: CachedRR): void {
  const set = many.get(record.type);
  if (set === undefined) many.set(record.type, new Map([[record.identity, record]]));
  else set.set(record.identity, record);
}

/** What tells rdata of one type apart: equal for equal rdata, names folded. */
export function identityOf(type: number, rdata: Rdata): string {
  return rdata.kind === "txt" ? packStrings(rdata.strings) : rdataKey(type, rdata);
}

/** The form in which rdata is kept. */
export function pack(type: number, rdata: Rdata): Kept {
  switch (rdata.kind) {
    case "a":
    case "aaaa":
    case "opaque":
      return rdataKey(type, rdata);
    case "txt":
      return packStrings(rdata.strings);
    case "nsec":
      // Its next name means nothing here (§6.1).
      return String.fromCharCode(...rdata.types);
    default:
      return rdata;
  }
}

function unpack(type: number, kept: Kept): Rdata {
  if (typeof kept !== "string") return kept;
  switch (type) {
    case RRType.A:
      return { kind: "a", address: bytesOf(kept) };
    case RRType.AAAA:
      return { kind: "aaaa", address: bytesOf(kept) };
    case RRType.TXT:
      return { kind: "txt", strings: unpackStrings(kept) };
    default:
      return { kind: "opaque", bytes: bytesOf(kept) };
  }
}

/** No string and one empty string mean the same (RFC 6763 §6.1); the latter can be sent. */
function packStrings(strings: readonly Uint8Array[]): string {
  if (strings.length === 0) return "\0";
  const packed = strings.flatMap((string) => [Uint8Array.of(string.length), string]);
  return Buffer.concat(packed).toString("latin1");
}

function unpackStrings(packed: string): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let at = 0; at < packed.length; ) {
    const end = at + 1 + packed.charCodeAt(at);
    strings.push(bytesOf(packed.slice(at + 1, end)));
    at = end;
  }
  return strings;
}

function bytesOf(chars: string): Uint8Array {
  const bytes = new Uint8Array(chars.length);
  for (let at = 0; at < chars.length; at++) bytes[at] = chars.charCodeAt(at);
  return bytes;
}

/** How many records of usual size it counts as in the cache limit: large rdata counts more. */
export function weightOf(kept: Kept): number {
  return 1 + Math.floor((typeof kept === "string" ? kept.length : sizeOf(kept)) / recordUnit);
}

function sizeOf(rdata: Rdata): number {
  let size = 0;
  for (const value of Object.values(rdata)) {
    if (value instanceof Uint8Array || Array.isArray(value)) size += value.length;
  }
  return size;
}
