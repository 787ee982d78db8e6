// What has changed and is not in the zone yet, in units that are never split
// (UP-62, UP-63): one message at a time is made of them. A message that is
// refused is halved until the guilty unit stands alone; that one is set aside.

import type { Duration, Instant } from "../time.js";
import { after } from "../time.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { Ledger } from "./ledger.js";
import { messageBytesMax, messageRecordsMax, quarantineSpan } from "./limits.js";
import { bytesOf } from "./messages.js";
import type { OfferedRR, RecordKey } from "./offer.js";
import { type Ground, type Plan, planExtent } from "./plan.js";
import type { Extent, Wanted } from "./wanted.js";

export interface Unit {
  readonly key: string;
  readonly extent: Extent;
  readonly plan: Plan;
}

/** What a message says, and for which units. */
export interface Batch {
  readonly units: readonly Unit[];
  readonly prerequisites: readonly RR[];
  readonly updates: readonly RR[];
  readonly disowned: readonly RR[];
}

/** The unit of what a unit that is set aside may leave behind. */
const leftBy = (key: string) => `${leftMark}${key}`;
const leftMark = "aside ";

/** Additions between two looks at what needs no message: a few milliseconds' work. */
const additionsMin = 1000;

export class UpdateQueue {
  readonly #pending = new Map<string, Extent>();
  /** Parts of a refused message, the next one last. */
  #parts: (readonly string[])[] = [];
  readonly #aside = new Map<string, { readonly extent: Extent; readonly until: Instant }>();
  readonly #misses = new Map<string, number>();
  /** Of the message that was given last. */
  #underWay: ReadonlySet<string> = new Set();
  /** Keys that changed while a message with them was under way. */
  readonly #changed = new Set<string>();
  /** Since the last `shrink`. */
  #additions = 0;

  /** Units that wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** Whether no unit is left that might still be accepted. */
  get isExhausted(): boolean {
    for (const key of this.#pending.keys()) if (!key.startsWith(leftMark)) return false;
    return true;
  }

  get asideCount(): number {
    return this.#aside.size;
  }

  isAside(key: string): boolean {
    return this.#aside.has(key);
  }

  /** Whether a refused message is being taken apart. */
  get isBisecting(): boolean {
    return this.#parts.length > 0;
  }

  /** Something may have to change at the names of an extent. */
  add(key: string, extent: Extent): void {
    const known = this.#pending.get(key) ?? this.#aside.get(key)?.extent;
    // A changed service is another one: it may be accepted.
    this.#aside.delete(key);
    this.#pending.delete(leftBy(key));
    this.#pending.set(key, known === undefined ? extent : united(known, extent));
    if (this.#underWay.has(key)) this.#changed.add(key);
    this.#additions += 1;
  }

  /**
   * Forgets what needs no message, now and then: while none can be sent, devices may come and go
   * under names without end. Of what nobody offers any more, only what stands in the zone, or is
   * on its way there, is something to say; and once is enough.
   */
  shrink(wanted: Wanted, ledger: Ledger): void {
    if (this.#additions <= Math.max(additionsMin, 2 * wanted.size)) return;
    this.#additions = 0;
    const claimed = ledger.claimedNames();
    const gone = new Set<string>();
    const isNew = (key: string) => !gone.has(key) && gone.add(key) !== undefined;
    for (const [key, { names, shared }] of this.#pending) {
      if (this.#underWay.has(key)) continue;
      const isOffered = wanted.isOffered(key);
      const isNameOpen = (name: Name) =>
        claimed.has(name.key) || ledger.find(name) !== undefined
          ? isOffered || isNew(name.key)
          : isOffered && wanted.has(name);
      const isSharedOpen = (record: RecordKey, { rr }: OfferedRR) =>
        ledger.isClaimed(record) || ledger.find(rr.name)?.records.has(record) === true
          ? isOffered || isNew(record)
          : isOffered && wanted.find(record) !== undefined;
      const left = {
        names: new Map([...names].filter(([, name]) => isNameOpen(name))),
        shared: new Map([...shared].filter(([record, one]) => isSharedOpen(record, one))),
      };
      if (left.names.size + left.shared.size > 0) this.#pending.set(key, left);
      else {
        this.#pending.delete(key);
        this.#misses.delete(key);
      }
    }
  }

  /** As `add`, but nothing has changed: what is set aside stays aside. */
  revisit(key: string, extent: Extent): void {
    if (!this.#aside.has(key)) this.add(key, extent);
  }

  /**
   * The next message; undefined when nothing has to be said.
   *
   * @param unitsMax  that it may have
   */
  next(
    ground: Ground,
    onConflict: (key: string, name: Name) => void,
    now: Instant,
    unitsMax: number = Number.POSITIVE_INFINITY,
  ): Batch | undefined {
    for (;;) {
      const part = this.#parts.pop();
      const keys = part ?? [...this.#pending.keys()];
      const how = { isPart: part !== undefined, unitsMax };
      const batch = this.#gather(ground, keys, onConflict, now, how);
      if (batch.units.length > 0) {
        this.#underWay = new Set(batch.units.map(({ key }) => key));
        this.#changed.clear();
        return batch;
      }
      if (part === undefined) return undefined;
    }
  }

  /** The units are in the zone. */
  done(units: readonly Unit[]): void {
    for (const { key } of units) {
      this.#misses.delete(key);
      if (!this.#changed.has(key)) this.#pending.delete(key);
    }
    this.#underWay = new Set();
  }

  /** A message was refused. @returns the unit that stands alone now, if there is one */
  refused(units: readonly Unit[], now: Instant, span: Duration = quarantineSpan): Unit | undefined {
    const [first] = units;
    if (units.length === 1 && first !== undefined) {
      this.setAside(first.key, now, span);
      return first;
    }
    this.split(units);
    return undefined;
  }

  /** Others have their turn before these. */
  postpone(units: readonly Unit[]): void {
    this.#parts = [];
    for (const { key } of units) {
      const extent = this.#pending.get(key);
      if (extent === undefined) continue;
      this.#pending.delete(key);
      this.#pending.set(key, extent);
    }
  }

  /** Halves a message: one of its units is at fault. */
  split(units: readonly Unit[]): void {
    const keys = units.map(({ key }) => key);
    const middle = Math.ceil(keys.length / 2);
    this.#parts.push(keys.slice(middle), keys.slice(0, middle));
  }

  /** A prerequisite of the unit has failed once more. @returns how often in a row */
  missed(key: string): number {
    const count = (this.#misses.get(key) ?? 0) + 1;
    this.#misses.set(key, count);
    return count;
  }

  /** Keeps a unit out of messages for a while. */
  setAside(key: string, now: Instant, span: Duration): void {
    const extent = this.#pending.get(key);
    if (extent === undefined) return;
    this.#pending.delete(key);
    this.#misses.delete(key);
    this.#aside.set(key, { extent, until: after(now, span) });
    // What only it wants is not wanted now, though another unit may just have said it.
    this.#pending.set(leftBy(key), { names: new Map(), shared: extent.shared });
  }

  /** Lets those try again whose time has come, or all. */
  readmit(now: Instant, isAll = false): void {
    for (const [key, { extent, until }] of [...this.#aside]) {
      if (isAll || until <= now) this.add(key, extent);
    }
  }

  #gather(
    ground: Ground,
    keys: readonly string[],
    onConflict: (key: string, name: Name) => void,
    now: Instant,
    { isPart, unitsMax }: { isPart: boolean; unitsMax: number },
  ): Batch {
    const planned = new Set<string>();
    const units: Unit[] = [];
    let records = 0;
    let bytes = 0;
    for (const [index, key] of keys.entries()) {
      const extent = this.#pending.get(key);
      if (extent === undefined) continue;
      const plan = planExtent(ground, extent, planned);
      if (plan?.conflict !== undefined) {
        this.setAside(key, now, quarantineSpan);
        onConflict(key, plan.conflict);
        continue;
      }
      if (plan === undefined) {
        this.#pending.delete(key);
        this.#misses.delete(key);
        continue;
      }
      // TIMEOUTs come with their records, and are not counted again.
      records += plan.updates.filter(({ type }) => type !== ground.timeoutType).length;
      bytes += bytesOf([...plan.prerequisites, ...plan.updates], ground.zone);
      const isTooLarge = records > messageRecordsMax || bytes > messageBytesMax;
      if (units.length > 0 && (isTooLarge || units.length >= unitsMax)) {
        if (isPart) this.#parts.push(keys.slice(index));
        break;
      }
      units.push({ key, extent, plan });
    }
    return batchOf(units);
  }
}

export function batchOf(units: readonly Unit[]): Batch {
  return {
    units,
    prerequisites: units.flatMap(({ plan }) => plan.prerequisites),
    updates: units.flatMap(({ plan }) => plan.updates),
    disowned: units.flatMap(({ plan }) => plan.disowned),
  };
}

function united(a: Extent, b: Extent): Extent {
  return {
    names: new Map([...a.names, ...b.names]),
    shared: new Map([...a.shared, ...b.shared]),
  };
}
