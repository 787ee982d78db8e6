// Records in doubt (RFC 6762 §10.4; 2.9 of the plan): somebody could not reach
// what a record promises. It is asked for twice without being listed as known,
// and is gone ten seconds after the hint unless a device says it again. Several
// hints share one run. The asking itself is asking.ts's.

import { Deadlines } from "../deadlines.js";
import { after, type Instant } from "../time.js";
import type { CachedRR } from "./record.js";
import { confirmationsMax, failureWait } from "./timing.js";
import type { WatchId } from "./watch.js";

export class Reconfirmations {
  /** Each with the watch that keeps its question alive. */
  readonly #disputed = new Map<CachedRR, WatchId>();
  readonly #ending = new Deadlines<CachedRR>();

  get isFull(): boolean {
    return this.#disputed.size >= confirmationsMax;
  }

  isDisputed(record: CachedRR): boolean {
    return this.#disputed.has(record);
  }

  begin(now: Instant, record: CachedRR, watch: WatchId): void {
    this.#disputed.set(record, watch);
    this.#ending.set(record, after(now, failureWait));
  }

  /** The queries have not all been sent in time: the device gets its ten seconds all the same. */
  extend(now: Instant, record: CachedRR): void {
    this.#ending.set(record, after(now, failureWait));
  }

  /** The record was heard again, or is gone. @returns the watch that is needed no more */
  end(record: CachedRR): WatchId | undefined {
    const watch = this.#disputed.get(record);
    this.#disputed.delete(record);
    if (watch !== undefined) this.#ending.clear(record);
    return watch;
  }

  /** The next record that nobody confirmed in time; it stays disputed until `end`. */
  takeDue(now: Instant): CachedRR | undefined {
    return this.#ending.takeDue(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#ending.next();
  }
}
