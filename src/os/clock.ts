// The clock of the daemon: monotonic, so that a stepped system time moves no
// deadline. Its origin is the start of the program.

import { type Instant, instant } from "../time.js";

export const now = (): Instant => instant(performance.now());

/** The longest wait that `setTimeout` takes; beyond it the timer fires at once [T-55]. */
const timeoutMax = 2 ** 31 - 1;

/**
 * What to hand to `setTimeout` so that it fires at or after `deadline`.
 *
 * @returns whole milliseconds, at least 1; less than asked for when the deadline is weeks away
 */
export function timeoutUntil(start: Instant, deadline: Instant): number {
  return Math.min(Math.max(Math.ceil(deadline - start), 1), timeoutMax);
}
