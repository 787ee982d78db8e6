// Leases (RFC 8764 §5.2.2, §7): how long an LLQ is granted, how much of that is
// left, and how many LLQs there may be. Ends are instants, the wire has seconds.

import { after, type Duration, elapsed, type Instant, seconds } from "../time.js";

/** Bounds of LLQs, as in the `limits` table of discd.lua. */
export interface LlqLimits {
  /** Largest UDP message. */
  readonly udpSize: number;
  /** LLQs alive, in all and per client. */
  readonly llq: number;
  readonly llqPerClient: number;
  /** Set-ups of one client that were challenged and not answered. */
  readonly llqUnconfirmedPerClient: number;
  /** What a client wishes is moved between these. */
  readonly llqLeaseMin: Duration;
  readonly llqLeaseMax: Duration;
}

export const defaultLlqLimits: LlqLimits = {
  // Fits every path without fragments (DNS flag day 2020).
  udpSize: 1232,
  // Some 1.5 KB each; the table of a large campus.
  llq: 10_000,
  // An address may be that of a whole office behind a NAT.
  llqPerClient: 1_000,
  // A client opens a handful at once; more at a time is a flood, or a forged address.
  llqUnconfirmedPerClient: 50,
  // The bounds of the public server that clients were written against (LLQ-22).
  llqLeaseMin: seconds(900),
  llqLeaseMax: seconds(7200),
};

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
