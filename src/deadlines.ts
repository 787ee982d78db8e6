// Named deadlines in one binary heap. Two deadlines of the same instant fall
// due in the order in which they were set, so that a run can be repeated.

import type { Instant } from "./time.js";

interface Slot<Key> {
  readonly key: Key;
  at: Instant;
  order: number;
  index: number;
}

/** One deadline a key; setting a key again moves it. Set, clear: O(log n). */
export class Deadlines<Key> {
  readonly #heap: Slot<Key>[] = [];
  readonly #slots = new Map<Key, Slot<Key>>();
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  set(key: Key, at: Instant): void {
    const known = this.#slots.get(key);
    if (known !== undefined) {
      if (known.at === at) return;
      known.at = at;
      known.order = this.#order++;
      this.#sink(this.#rise(known.index));
      return;
    }
    const slot = { key, at, order: this.#order++, index: this.#heap.length };
    this.#heap.push(slot);
    this.#slots.set(key, slot);
    this.#rise(slot.index);
  }

  clear(key: Key): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    const last = this.#heap.pop() as Slot<Key>;
    if (last === slot) return;
    this.#put(last, slot.index);
    this.#sink(this.#rise(last.index));
  }

  /** When the deadline of `key` falls due, if it has one. */
  find(key: Key): Instant | undefined {
    return this.#slots.get(key)?.at;
  }

  next(): Instant | undefined {
    return this.#heap[0]?.at;
  }

  /** Removes and returns the first key due at `now`, or undefined. */
  takeDue(now: Instant): Key | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.clear(first.key);
    return first.key;
  }

  #before(a: Slot<Key>, b: Slot<Key>): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #put(slot: Slot<Key>, index: number): void {
    this.#heap[index] = slot;
    slot.index = index;
  }

  #rise(start: number): number {
    const slot = this.#heap[start] as Slot<Key>;
    let index = start;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#heap[above] as Slot<Key>;
      if (!this.#before(slot, parent)) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(slot, index);
    return index;
  }

  #sink(start: number): void {
    const slot = this.#heap[start] as Slot<Key>;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      const right = this.#heap[child + 1];
      if (right !== undefined && this.#before(right, this.#heap[child] as Slot<Key>)) child += 1;
      const lower = this.#heap[child];
      if (lower === undefined || !this.#before(lower, slot)) break;
      this.#put(lower, index);
      index = child;
    }
    this.#put(slot, index);
  }
}
