// Leases (RFC 8764 §5.2.2, §7): how long an LLQ is granted, how much of that is
// left, and how many LLQs there may be. Ends are instants, the wire has seconds.

import type { Limits } from "../limits.js";
import { after, elapsed, type Instant, seconds } from "../time.js";

/** Bounds of LLQs, and of the UDP messages that carry them. */
export type LlqLimits = Pick<
  Limits,
  "udpSize" | "llq" | "llqPerClient" | "llqUnconfirmedPerClient" | "llqLeaseMin" | "llqLeaseMax"
>;

/** When a client that was told SERV-FULL may try again (LLQ-08). */
export const fullRetrySeconds = 300;

/** What is granted on a wish, in whole seconds (LLQ-22). */
export function grant(wishSeconds: number, limits: LlqLimits): number {
  const low = Math.ceil(limits.llqLeaseMin / 1000);
  const high = Math.max(low, Math.floor(limits.llqLeaseMax / 1000));
  return Math.min(Math.max(wishSeconds, low), high);
}

export const leaseEnd = (start: Instant, leaseSeconds: number): Instant =>
  after(start, seconds(leaseSeconds));

/** Whole seconds that are left, never more than there are. */
export function leaseLeft(now: Instant, end: Instant): number {
  return Math.max(0, Math.floor(elapsed(now, end) / 1000));
}
