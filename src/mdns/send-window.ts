// The rate limit of one link (RFC 8766 §9.3, DP-122): no window of a second
// holds more packets than allowed. A sliding window, not a bucket that fills:
// a bucket lets twice the rate through around a second's end.

import { after, type Duration, type Instant } from "../time.js";

export class SendWindow {
  readonly #span: Duration;
  #max: number;
  /** When the packets of the last span left, oldest first. */
  #sent: Instant[] = [];

  constructor(max: number, span: Duration) {
    this.#max = Math.max(1, Math.floor(max));
    this.#span = span;
  }

  /** Packets that one span holds; also the longest burst. */
  get max(): number {
    return this.#max;
  }

  limit(max: number): void {
    this.#max = Math.max(1, Math.floor(max));
  }

  /** When `count` packets may leave in one go, at the earliest; `count` is at most `max`. */
  freeAt(now: Instant, count: number): Instant {
    this.#sent = this.#sent.filter((at) => after(at, this.#span) > now);
    const surplus = this.#sent.length + count - this.#max;
    const blocking = this.#sent[surplus - 1];
    return blocking === undefined ? now : after(blocking, this.#span);
  }

  take(now: Instant, count: number): void {
    for (let packet = 0; packet < count; packet++) this.#sent.push(now);
  }
}
