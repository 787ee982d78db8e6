// The two timers of a session (RFC 8490 §6): inactivity, which stands still
// while an operation lasts, and keepalive, which any message restarts. Both
// ends keep them; what is done when one runs out differs and is told here as
// instants only.

import { after, type Duration, earliest, type Instant, instant, ms, seconds } from "../time.js";
import { initialTimeouts, type Timeouts } from "./messages.js";

/** A server waits at least this long for an idle client to go (RFC 8490 §6.4.1). */
const inactivityPatience: Duration = seconds(5);

/** An instant that is infinitely far away is none. */
const finite = (at: Instant): Instant | undefined => (Number.isFinite(at) ? at : undefined);

export class Timers {
  #timeouts: Timeouts = initialTimeouts;
  /** The last message that was not led by Keepalive, or the end of the last operation. */
  #activeAt: Instant;
  /** The last message of any kind. */
  #heardAt: Instant;
  /** A client that new values made overdue is given until then (DSO-35). */
  #graceUntil: Instant = instant(Number.NEGATIVE_INFINITY);
  #operations = 0;

  constructor(now: Instant) {
    this.#activeAt = now;
    this.#heardAt = now;
  }

  get timeouts(): Timeouts {
    return this.#timeouts;
  }

  /** Everything begins anew: the session exists from now on. */
  restart(now: Instant): void {
    this.#activeAt = now;
    this.#heardAt = now;
  }

  /** A whole message was sent or received (DSO-28). */
  message(now: Instant, isKeepalive: boolean): void {
    this.#heardAt = now;
    if (!isKeepalive) this.#activeAt = now;
  }

  /** A query waits for its answer, or a subscription lasts (DSO-29). */
  operationBegan(): void {
    this.#operations += 1;
  }

  operationEnded(now: Instant): void {
    this.#operations -= 1;
    this.#activeAt = now;
  }

  /**
   * New values hold for the timers that are running; they are not restarted (DSO-35). The
   * grace is for a timeout that was cut: else a client could renew it by Keepalives for ever.
   */
  change(now: Instant, timeouts: Timeouts): void {
    const isCut = timeouts.inactivity < this.#timeouts.inactivity;
    this.#timeouts = timeouts;
    const isOverdue = now >= after(this.#activeAt, timeouts.inactivity);
    if (!isCut || !isOverdue || this.#operations > 0) return;
    const grace = Math.max(inactivityPatience, timeouts.inactivity / 4);
    this.#graceUntil = after(now, ms(grace));
  }

  /** When a server aborts a session that is idle for too long (DSO-30). */
  get inactivityAbort(): Instant | undefined {
    if (this.#operations > 0) return undefined;
    const span = Math.max(inactivityPatience, 2 * this.#timeouts.inactivity);
    const end = after(this.#activeAt, ms(span));
    return finite(instant(Math.max(end, this.#graceUntil)));
  }

  /** When a server aborts a session on which nothing was heard or said (DSO-31). */
  get keepaliveAbort(): Instant | undefined {
    return finite(after(this.#heardAt, ms(2 * this.#timeouts.keepalive)));
  }

  /** When a client closes an idle session. */
  get inactivityClose(): Instant | undefined {
    if (this.#operations > 0) return undefined;
    return finite(after(this.#activeAt, this.#timeouts.inactivity));
  }

  /** When a client has to say something, if only a Keepalive. */
  get keepaliveDue(): Instant | undefined {
    return finite(after(this.#heardAt, this.#timeouts.keepalive));
  }

  /** The earlier of a server's two ends. */
  get abort(): Instant | undefined {
    return earliest(this.inactivityAbort, this.keepaliveAbort);
  }
}
