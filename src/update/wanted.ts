// What is wanted in one zone: all that is offered, each record once, however
// many services and links offer it. Addresses of a host are united; where two
// links disagree about a unique name, the first one stays (UP-56).

import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import { RRType } from "../wire/codes.js";
import { displayName, type Name } from "../wire/name.js";
import { type LifeKey, ownLifeKey } from "./lifetime.js";
import {
  type Offer,
  type OfferedRR,
  type RecordKey,
  recordKey,
  type SetKey,
  setKey,
} from "./offer.js";

export interface WantedRR extends OfferedRR {
  /** Keys of the offers that it belongs to; one set for all records of one offer alone. */
  readonly offers: ReadonlySet<string>;
  /** Under which TIMEOUT of ours it lives; kept, since it is a hash. */
  readonly lifeKey: LifeKey;
}

/** What one change of an offer is about: whole names, or single records at shared ones. */
export interface Extent {
  readonly names: ReadonlyMap<string, Name>;
  readonly shared: ReadonlyMap<RecordKey, OfferedRR>;
}

/** Services that wait for room are tried again so many at a time: each change makes some room. */
const retriesMax = 16;

/** Conflicts that are told while any of them lasts. */
const toldMax = 100;

interface Claim {
  readonly source: string;
  /** Records of offers that rest on it. */
  count: number;
}

export class Wanted {
  #recordsMax: number;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #offers = new Map<string, Offer>();
  /** For each offer, the set of its own key: what it wants alone, it wants under this one. */
  readonly #alone = new Map<string, ReadonlySet<string>>();
  readonly #records = new Map<RecordKey, WantedRR>();
  readonly #byName = new Map<string, Map<RecordKey, WantedRR>>();
  /** Which link speaks for a unique SRV or TXT. */
  readonly #claims = new Map<SetKey, Claim>();
  /** Offers that a conflict or the limit keeps out; tried again when something goes. */
  readonly #waiting = new Map<string, Offer>();
  /** Of those, what the log has said; until nothing waits any more. */
  readonly #told = new Set<string>();

  constructor(recordsMax: number, counts: Counts, log: Log) {
    this.#recordsMax = recordsMax;
    this.#counts = counts;
    this.#log = log;
  }

  /** Another limit: for what is offered from now on. */
  setMax(recordsMax: number): void {
    this.#recordsMax = recordsMax;
  }

  get size(): number {
    return this.#records.size;
  }

  /** Offers kept out for a conflict or the limit. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Takes an offer over; one without records is withdrawn. @returns what may have to change */
  apply(offer: Offer): ReadonlyMap<string, Extent> {
    const extents = new Map<string, Extent>();
    const before = this.#offers.get(offer.key);
    this.#waiting.delete(offer.key);
    if (this.#waiting.size === 0) this.#told.clear();
    if (before !== undefined) this.#drop(before);
    const isIn = offer.rrs.length > 0 && this.#enter(offer);
    const after = isIn ? offer.rrs : [];
    if (before !== undefined || isIn) {
      extents.set(offer.key, extentOf([...(before?.rrs ?? []), ...after]));
    }
    if (before !== undefined && this.#waiting.size > 0) this.#retry(extents);
    return extents;
  }

  find(key: RecordKey): WantedRR | undefined {
    return this.#records.get(key);
  }

  /** Whether there is an offer of this key. */
  isOffered(key: string): boolean {
    return this.#offers.has(key);
  }

  /** Whether anything is wanted at a name. */
  has(name: Name): boolean {
    return this.#byName.has(name.key);
  }

  /** Every wanted record of a name. */
  at(name: Name): readonly WantedRR[] {
    return [...(this.#byName.get(name.key)?.values() ?? [])];
  }

  /** All that is wanted, as if all of it had just been offered. */
  *extents(): Generator<readonly [key: string, extent: Extent]> {
    for (const [key, offer] of this.#offers) yield [key, extentOf(offer.rrs)];
  }

  #retry(extents: Map<string, Extent>): void {
    let tries = retriesMax;
    for (const offer of [...this.#waiting.values()]) {
      const reason = this.#obstacle(offer);
      if (reason === "conflict") continue;
      // Last in the row: the next time it is another one's turn.
      this.#waiting.delete(offer.key);
      if (reason === "limit") {
        this.#waiting.set(offer.key, offer);
        tries -= 1;
        if (tries === 0) return;
      } else if (this.#enter(offer)) extents.set(offer.key, extentOf(offer.rrs));
    }
  }

  #enter(offer: Offer): boolean {
    const reason = this.#obstacle(offer);
    if (reason !== undefined) {
      this.#waiting.set(offer.key, offer);
      this.#counts.add("update-waiting", reason);
      this.#tell(offer, reason);
      return false;
    }
    this.#offers.set(offer.key, offer);
    this.#alone.set(offer.key, new Set([offer.key]));
    for (const one of offer.rrs) this.#add(offer, one);
    return true;
  }

  /** A full zone is told once, and a conflict once for each service, of some. */
  #tell(offer: Offer, reason: "limit" | "conflict"): void {
    const what = reason === "limit" ? reason : offer.key;
    if (this.#told.has(what)) return;
    if (this.#told.size >= toldMax) {
      this.#counts.add("limits", "update-lines");
      return;
    }
    this.#told.add(what);
    const isFull = reason === "limit";
    this.#log.event("warn", "service-not-published", {
      name: displayName(offer.title),
      link: offer.source,
      reason: isFull ? "the zone is full" : "another link says otherwise",
      ...(isFull ? { remedy: "raise limits.update_records, or leave services out" } : {}),
    });
  }

  #obstacle(offer: Offer): "limit" | "conflict" | undefined {
    const fresh = offer.rrs.filter(({ rr }) => !this.#records.has(recordKey(rr))).length;
    if (this.#records.size + fresh > this.#recordsMax) return "limit";
    const isDisputed = offer.rrs.some(({ rr }) => {
      const claim = isClaimed(rr.type) ? this.#claims.get(setKey(rr)) : undefined;
      const isOther = claim !== undefined && claim.source !== offer.source;
      return isOther && !this.#records.has(recordKey(rr));
    });
    return isDisputed ? "conflict" : undefined;
  }

  #add(offer: Offer, one: OfferedRR): void {
    const { rr } = one;
    const key = recordKey(rr);
    const known = this.#records.get(key);
    const offers = this.#joined(known?.offers, offer.key);
    // The last word on the TTL of a unique record is its device's; a shared one keeps its first.
    const latest = known !== undefined && one.isShared ? known : one;
    const wanted = { ...latest, offers, lifeKey: known?.lifeKey ?? ownLifeKey(rr) };
    this.#records.set(key, wanted);
    let atName = this.#byName.get(rr.name.key);
    if (atName === undefined) {
      atName = new Map();
      this.#byName.set(rr.name.key, atName);
    }
    atName.set(key, wanted);
    if (!isClaimed(rr.type)) return;
    const claim = this.#claims.get(setKey(rr));
    if (claim !== undefined) claim.count += 1;
    else this.#claims.set(setKey(rr), { source: offer.source, count: 1 });
  }

  /** Sets of several are ours to change; those of one are others' too. */
  #joined(known: ReadonlySet<string> | undefined, key: string): ReadonlySet<string> {
    if (known === undefined) return this.#alone.get(key) as ReadonlySet<string>;
    const [first] = known;
    const isAlone = first !== undefined && this.#alone.get(first) === known;
    return (isAlone ? new Set(known) : (known as Set<string>)).add(key);
  }

  /** Takes an offer out. @returns whether others are left */
  #isLeft(offers: ReadonlySet<string>, key: string): boolean {
    if (this.#alone.get(key) === offers) return false;
    (offers as Set<string>).delete(key);
    return offers.size > 0;
  }

  #drop(offer: Offer): void {
    this.#offers.delete(offer.key);
    for (const { rr } of offer.rrs) {
      const key = recordKey(rr);
      const claim = this.#claims.get(setKey(rr));
      if (claim !== undefined && isClaimed(rr.type)) claim.count -= 1;
      if (claim?.count === 0) this.#claims.delete(setKey(rr));
      const known = this.#records.get(key);
      if (known === undefined || this.#isLeft(known.offers, offer.key)) continue;
      this.#records.delete(key);
      const atName = this.#byName.get(rr.name.key);
      atName?.delete(key);
      if (atName?.size === 0) this.#byName.delete(rr.name.key);
    }
    this.#alone.delete(offer.key);
  }
}

const isClaimed = (type: number) => type === RRType.SRV || type === RRType.TXT;

function extentOf(rrs: readonly OfferedRR[]): Extent {
  const names = new Map<string, Name>();
  const shared = new Map<RecordKey, OfferedRR>();
  for (const one of rrs) {
    if (one.isShared) shared.set(recordKey(one.rr), one);
    else names.set(one.rr.name.key, one.rr.name);
  }
  return { names, shared };
}
