// How many lines of the log devices can cause: each says what it likes, as often
// as it likes, and some of it deserves a line.

import type { Counts } from "../counts.js";
import { after, type Duration, type Instant, seconds } from "../time.js";

/** Enough for a fault of the configuration to show, little enough to read past. */
export const linesMax = 20;
export const linesSpan: Duration = seconds(60);

export class Lines {
  readonly #counts: Counts;
  #left = linesMax;
  #spanEnd: Instant | undefined;

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  /** Whether one more may be written; one that may not is counted. */
  take(now: Instant): boolean {
    if (this.#spanEnd === undefined || this.#spanEnd <= now) {
      this.#spanEnd = after(now, linesSpan);
      this.#left = linesMax;
    }
    if (this.#left === 0) {
      this.#counts.add("limits", "update-lines");
      return false;
    }
    this.#left -= 1;
    return true;
  }
}
