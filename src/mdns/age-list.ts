// Records from the one heard longest ago to the one heard last, as a list
// through the records themselves: at the limit the oldest leaves first, and
// finding it must not cost more than looking at the head.

import type { CachedRR } from "./record.js";

export class AgeList {
  #oldest: CachedRR | undefined = undefined;
  #newest: CachedRR | undefined = undefined;

  get oldest(): CachedRR | undefined {
    return this.#oldest;
  }

  /** Adds a record that is in no list, as the newest. */
  append(record: CachedRR): void {
    record.older = this.#newest;
    record.newer = undefined;
    if (this.#newest === undefined) this.#oldest = record;
    else this.#newest.newer = record;
    this.#newest = record;
  }

  /** Takes a record out of this list, which must be the one that holds it. */
  remove(record: CachedRR): void {
    if (record.older === undefined) this.#oldest = record.newer;
    else record.older.newer = record.newer;
    if (record.newer === undefined) this.#newest = record.older;
    else record.newer.older = record.older;
    record.older = undefined;
    record.newer = undefined;
  }
}
