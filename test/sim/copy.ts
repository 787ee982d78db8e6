// A client's copy of what it was told: records by name, type and rdata.

import type { Name } from "../../src/wire/name.js";
import { type RR, rdataKey } from "../../src/wire/rr.js";

const keys = new WeakMap<RR, string>();

/** Equal for equal records; the TTL does not count. */
export function keyOf(rr: RR): string {
  const known = keys.get(rr);
  if (known !== undefined) return known;
  const key = `${rr.name.key}\0${rr.type}\0${rdataKey(rr.type, rr.rdata)}`;
  keys.set(rr, key);
  return key;
}

export class Copy {
  readonly #rrs = new Map<string, RR>();

  get size(): number {
    return this.#rrs.size;
  }

  all(): IterableIterator<RR> {
    return this.#rrs.values();
  }

  find(rr: RR): RR | undefined {
    return this.#rrs.get(keyOf(rr));
  }

  has(key: string): boolean {
    return this.#rrs.has(key);
  }

  add(rr: RR): void {
    this.#rrs.set(keyOf(rr), rr);
  }

  /** @returns whether it was there */
  remove(rr: RR): boolean {
    return this.#rrs.delete(keyOf(rr));
  }

  /** @returns how many there were */
  removeAll(matches: (rr: RR) => boolean): number {
    const before = this.#rrs.size;
    for (const [key, rr] of this.#rrs) if (matches(rr)) this.#rrs.delete(key);
    return before - this.#rrs.size;
  }

  at(name: Name): readonly RR[] {
    return [...this.#rrs.values()].filter((rr) => rr.name.key === name.key);
  }

  clone(): Copy {
    const copy = new Copy();
    for (const rr of this.#rrs.values()) copy.add(rr);
    return copy;
  }

  clear(): void {
    this.#rrs.clear();
  }
}
