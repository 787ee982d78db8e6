// How fast a number grows, from looks at it every now and then: what the summary
// says per second, and a link per minute.

import { type Duration, elapsed, type Instant } from "../time.js";

interface Look {
  readonly at: Instant;
  readonly total: number;
}

export class Trend {
  readonly #span: Duration;
  /** Oldest first; the first one is as old as the span, or the oldest there is. */
  #looks: Look[] = [];

  /** @param span  over which growth is told */
  constructor(span: Duration) {
    this.#span = span;
  }

  /** Looks at the number; at most once a second, so that a minute is sixty looks. */
  look(now: Instant, total: number): void {
    const last = this.#looks.at(-1);
    if (last !== undefined && elapsed(last.at, now) < lookEvery) return;
    this.#looks.push({ at: now, total });
    while (this.#looks.length > 2 && elapsed((this.#looks[1] as Look).at, now) >= this.#span) {
      this.#looks.shift();
    }
  }

  /** What has come in since the first look within the span; `total` is the number now. */
  grown(total: number): number {
    return Math.max(0, total - (this.#looks[0]?.total ?? total));
  }

  /** Growth over the span in so many milliseconds, as far as it was looked at; never negative. */
  per(unit: Duration): number {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (first === undefined || last === undefined || first === last) return 0;
    const grown = Math.max(0, last.total - first.total);
    return Math.round((grown / elapsed(first.at, last.at)) * unit * 100) / 100;
  }
}

/** The least time between two looks that count, in milliseconds. */
const lookEvery = 1000;
