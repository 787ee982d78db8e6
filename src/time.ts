// Time as the cores see it: a point on a monotonic clock and a span, both in
// milliseconds, both branded so that one is never taken for the other or for a
// TTL in seconds. Nothing here reads a clock; `now` is always handed in.

declare const instantBrand: unique symbol;
declare const durationBrand: unique symbol;

/** A point in time: milliseconds on a monotonic clock with an arbitrary origin. */
export type Instant = number & { readonly [instantBrand]: true };

/** A span of time in milliseconds. */
export type Duration = number & { readonly [durationBrand]: true };

export const instant = (milliseconds: number): Instant => milliseconds as Instant;
export const ms = (milliseconds: number): Duration => milliseconds as Duration;
export const seconds = (count: number): Duration => (count * 1000) as Duration;

/** The instant that lies `span` after `start`. */
export const after = (start: Instant, span: Duration): Instant => (start + span) as Instant;

/** The instant that lies `span` before `end`. */
export const before = (end: Instant, span: Duration): Instant => (end - span) as Instant;

/** How long it is from `start` to `end`; negative when `end` is the earlier one. */
export const elapsed = (start: Instant, end: Instant): Duration => (end - start) as Duration;

/** In seconds, to the millisecond, as people read it. */
export const secondsOf = (span: Duration): number => Math.round(span) / 1000;

/** The later of two points. */
export const latest = (a: Instant, b: Instant): Instant => (a > b ? a : b);

/** The earlier of two points that may not exist. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}
