// The clock of the daemon: monotonic, so that a stepped system time moves no
// deadline. Its origin is the start of the program. What others have to agree on,
// the wall clock, is told as the time of that origin.

import { type Instant, instant } from "../time.js";

export const now = (): Instant => instant(performance.now());

/** What `instant` 0 is on the wall clock as it is set now, in milliseconds since 1970. */
export const wallClockOrigin = (): number => Date.now() - performance.now();

/** Made by scripts/build.mjs: seconds since 1970. */
declare const discdBuilt: number | undefined;

/** When the program was built, or before that, in milliseconds since 1970. */
export const builtAt = typeof discdBuilt === "number" ? discdBuilt * 1000 : Date.UTC(2026, 0, 1);

/**
 * Why the wall clock may not be trusted with absolute times (TO-8); undefined: it may.
 *
 * @param isKept  whether the kernel knows of somebody who keeps the clock; undefined: it is not
 *                known
 */
export function clockFault(isKept: boolean | undefined, wall = Date.now()): string | undefined {
  if (wall < builtAt) {
    const built = new Date(builtAt).toISOString().slice(0, 10);
    return `the clock is before ${built}, when this program was built`;
  }
  if (isKept === undefined) return "whether somebody keeps the clock cannot be found out";
  return isKept ? undefined : "nobody keeps the clock (no NTP has set it)";
}

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
