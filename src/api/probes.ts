// What came of real questions through our own sockets: when each was last asked,
// when it last answered, and what went wrong. Health (health.ts) judges by it.

import { elapsed, type Instant, secondsOf } from "../time.js";
import type { Probe } from "./health.js";

interface Entry {
  askedAt: Instant | undefined;
  answeredAt: Instant | undefined;
  reason: string | undefined;
}

export class ProbeBook {
  readonly #entries = new Map<string, Entry>();

  /** Keeps those names and forgets all others: sockets come and go. */
  keep(names: Iterable<string>): void {
    const kept = new Set(names);
    for (const name of this.#entries.keys()) if (!kept.has(name)) this.#entries.delete(name);
    for (const name of kept) {
      if (this.#entries.has(name)) continue;
      this.#entries.set(name, { askedAt: undefined, answeredAt: undefined, reason: undefined });
    }
  }

  asked(now: Instant, name: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined) entry.askedAt = now;
  }

  answered(now: Instant, name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.answeredAt = now;
    entry.reason = undefined;
  }

  /** It was told that it cannot, which is known sooner than that nobody answers. */
  failed(name: string, reason: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined) entry.reason = reason;
  }

  states(now: Instant): readonly Probe[] {
    return [...this.#entries].map(([name, { askedAt, answeredAt, reason }]) => ({
      name,
      askedSecondsAgo: askedAt === undefined ? null : secondsOf(elapsed(askedAt, now)),
      answeredSecondsAgo: answeredAt === undefined ? null : secondsOf(elapsed(answeredAt, now)),
      ...(reason === undefined ? {} : { reason }),
    }));
  }
}
