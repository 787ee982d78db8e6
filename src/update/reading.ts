// What has to be read of a zone before anything is said to it: all of it at the
// start, single names that are in doubt, and its serial now and then. XFR-4: a
// zone is transferred again when it has changed by more than our own updates, and
// a quarter of an hour after they changed it: who says yes may not have done it.

import { after, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import { auditSpan, singleReadsMax } from "./limits.js";

export type ReadingJob =
  | { readonly kind: "copy" }
  | { readonly kind: "serial" }
  | { readonly kind: "read"; readonly name: Name };

export class Reading {
  readonly #names = new Map<string, Name>();
  #needsCopy = true;
  #needsSerial = false;
  #mayCopy = true;
  #serial: number | undefined;
  /** When the zone was transferred last, and which serial it had. */
  #copy: { readonly at: Instant; readonly serial: number } | undefined;
  #isRewound = false;
  /** Updates acknowledged since the serial was read: each is one step, or none. */
  #steps = 0;

  /** Whether the zone has to be transferred, and may be. */
  get needsCopy(): boolean {
    return this.#needsCopy;
  }

  /** As it was read last. */
  get serial(): number | undefined {
    return this.#serial;
  }

  /** What to read next; undefined when all that matters is known. */
  next(): ReadingJob | undefined {
    if (this.#needsCopy) return { kind: "copy" };
    const [name] = this.#names.values();
    if (name !== undefined) return { kind: "read", name };
    if (!this.#needsSerial) return undefined;
    this.#needsSerial = false;
    return { kind: "serial" };
  }

  /** Names may be other than they are taken for. */
  doubt(names: Iterable<Name>): void {
    for (const name of names) this.#names.set(name.key, name);
    if (!this.#mayCopy || this.#names.size <= singleReadsMax) return;
    this.#names.clear();
    this.#needsCopy = true;
  }

  /** It is time to compare the serial. */
  survey(): void {
    this.#needsSerial = true;
  }

  /** @returns whether the zone was played in from a backup, as far as its serial tells */
  copied(now: Instant, serial: number): boolean {
    this.#copy = { at: now, serial };
    const isRewound = this.#isRewound || this.#isBefore(serial);
    this.#isRewound = false;
    this.#needsCopy = false;
    this.#names.clear();
    this.#serial = serial;
    this.#steps = 0;
    return isRewound;
  }

  /** No transfer is to be had: names are read one by one then. */
  denied(): void {
    this.#mayCopy = false;
    this.#needsCopy = false;
  }

  /** Transfers may be had again, if they could not before. */
  allowed(): void {
    this.#needsCopy ||= !this.#mayCopy;
    this.#mayCopy = true;
  }

  wasRead(name: Name): void {
    this.#names.delete(name.key);
  }

  serialRead(now: Instant, serial: number): void {
    this.#isRewound ||= this.#isBefore(serial);
    const isStale =
      this.#copy !== undefined &&
      serial !== this.#copy.serial &&
      now >= after(this.#copy.at, auditSpan);
    this.#needsCopy = this.#mayCopy && (serial !== this.#expected || isStale);
    this.#serial = serial;
    this.#steps = 0;
  }

  /** An update of ours was carried out. */
  acknowledged(): void {
    this.#steps += 1;
  }

  get #expected(): number | undefined {
    return this.#serial === undefined ? undefined : (this.#serial + this.#steps) >>> 0;
  }

  /** RFC 1982. An update that changed nothing is no step: then nothing worse is done than once. */
  #isBefore(serial: number): boolean {
    return this.#expected !== undefined && ((serial - this.#expected) | 0) < 0;
  }
}

/** What to ask for; of the zone's own name only who serves it matters. */
export function questionType(job: ReadingJob, zone: Name): number {
  if (job.kind !== "read") return job.kind === "copy" ? RRType.AXFR : RRType.SOA;
  return job.name.key === zone.key ? RRType.NS : RRType.ANY;
}
