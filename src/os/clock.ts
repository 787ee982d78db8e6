// The clock of the daemon: monotonic, so that a stepped system time moves no
// deadline. Its origin is the start of the program. What others have to agree on,
// the wall clock, is told as the time of that origin.

import { type Instant, instant } from "../time.js";

export const now = (): Instant => instant(performance.now());

/** What `instant` 0 is on the wall clock as it is set now, in milliseconds since 1970. */
export const wallClockOrigin = (): number => Date.now() - performance.now();

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
