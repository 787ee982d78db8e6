// What has been learned of the server that a zone is kept at, and of what our key
// may do there (UP-64, TO-20): nothing of it is assumed, and all of it is forgotten
// when the key changes, since rules hang on keys.

import type { Duration } from "../time.js";
import { findLease } from "../wire/update-lease.js";
import type { Outcome } from "./exchange.js";
import type { Lifetime } from "./lifetime.js";
import { leaseSeconds, leaseSecondsMin, refreshShare } from "./limits.js";
import { LeaseProbe } from "./probe.js";
import type { PublisherSettings } from "./settings.js";

export class ServerFacts {
  /** There is no UPDATE here; it is tried again when the pause is over (UP-14). */
  isElsewhere = false;
  /** An update of ours was carried out: the key is good, and so is the server. */
  hasSucceeded = false;
  /** Refusals of single units in a row, no success between. */
  refusals = 0;
  /** Nothing has got through at all: then single units are tried, far between (TO-28). */
  isRefusing = false;
  /** Seconds of the lease that was granted last. */
  grantedSeconds = leaseSeconds;
  /** Server's clock less ours, seconds, when it was told last. */
  clockOffset: number | undefined;
  /** Whether it keeps leases; tried when nobody has said how records shall end. */
  readonly probe = new LeaseProbe();
  #takesLives = true;
  #hasWrittenLives = false;

  /** Whether there is nothing to be hoped for at the moment: it never took anything (UP-13). */
  get isTurnedDown(): boolean {
    return this.isElsewhere || (this.isRefusing && !this.hasSucceeded);
  }

  /** An update was carried out; `hasLives`: with TIMEOUTs in it. */
  succeeded(hasLives: boolean, outcome: Outcome): void {
    const options = outcome.kind === "answer" ? outcome.message.edns?.options : undefined;
    const granted = findLease(options ?? [])?.leaseSeconds;
    if (granted !== undefined) this.grantedSeconds = Math.max(granted, leaseSecondsMin);
    this.hasSucceeded = true;
    this.refusals = 0;
    this.isRefusing = false;
    this.#hasWrittenLives ||= hasLives;
  }

  /** A message with TIMEOUTs is malformed, it says. @returns whether they are the reason */
  refusedLives(): boolean {
    if (this.#hasWrittenLives) return false;
    this.#takesLives = false;
    return true;
  }

  /** RFC 9664 §5.2: nine more tries, spread over what is left of a lease that is to be renewed. */
  get leaseRetry(): Duration {
    return Math.max(
      1000,
      Math.round((this.grantedSeconds * 1000 * (1 - refreshShare)) / 9),
    ) as Duration;
  }

  /** How what is written ends here. */
  lifetime({ lifetime, clock }: PublisherSettings): Lifetime {
    if (lifetime !== undefined && lifetime !== "timeout") return lifetime;
    // TO-8: a clock that is wrong would end everything at once, or never.
    if (!clock.isTrusted()) return "lease";
    if (lifetime === undefined && this.probe.hasPassed) return "lease";
    return this.#takesLives ? "timeout" : "none";
  }
}
