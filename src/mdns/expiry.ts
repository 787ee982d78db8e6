// The end of every record's life, in one heap. It does what deadlines.ts does,
// but keeps the place in the heap in the record itself: a slot and a map entry
// for each of 100,000 records would cost as much as the records.

import type { Instant } from "../time.js";
import type { CachedRR } from "./record.js";

export class ExpiryHeap {
  readonly #heap: CachedRR[] = [];

  get size(): number {
    return this.#heap.length;
  }

  next(): Instant | undefined {
    return this.#heap[0]?.expiresAt;
  }

  /** The record that ends first, if its end has come; it stays in the heap. */
  findDue(now: Instant): CachedRR | undefined {
    const first = this.#heap[0];
    return first !== undefined && first.expiresAt <= now ? first : undefined;
  }

  /** Takes a record in, or finds its place anew after its end has moved. */
  place(record: CachedRR): void {
    if (record.heapIndex < 0) {
      record.heapIndex = this.#heap.length;
      this.#heap.push(record);
    }
    this.#sink(this.#rise(record.heapIndex));
  }

  remove(record: CachedRR): void {
    const index = record.heapIndex;
    if (index < 0) return;
    record.heapIndex = -1;
    const last = this.#heap.pop() as CachedRR;
    if (last === record) return;
    this.#put(last, index);
    this.#sink(this.#rise(index));
  }

  #put(record: CachedRR, index: number): void {
    this.#heap[index] = record;
    record.heapIndex = index;
  }

  #rise(start: number): number {
    const record = this.#heap[start] as CachedRR;
    let index = start;
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1] as CachedRR;
      if (parent.expiresAt <= record.expiresAt) break;
      this.#put(parent, index);
      index = (index - 1) >> 1;
    }
    this.#put(record, index);
    return index;
  }

  #sink(start: number): void {
    const record = this.#heap[start] as CachedRR;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      const left = this.#heap[child];
      if (left === undefined) break;
      let lower = left;
      const right = this.#heap[child + 1];
      if (right !== undefined && right.expiresAt < left.expiresAt) {
        lower = right;
        child += 1;
      }
      if (lower.expiresAt >= record.expiresAt) break;
      this.#put(lower, index);
      index = child;
    }
    this.#put(record, index);
  }
}
