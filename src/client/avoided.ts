// Servers that are left alone for a while, each for its own reason: they asked
// for it (RFC 8490 §6.6, RFC 8765 §6.2.2), do not answer (RFC 8490 §6.6.3), or
// did not take an LLQ (RFC 8764 §5.2.3).

import { Deadlines } from "../deadlines.js";
import type { Instant } from "../time.js";
import { avoidedMax } from "./limits.js";

export class Avoided {
  readonly #until = new Deadlines<string>();

  /** @param key  a server, or a server and what it is not to be asked for */
  avoid(key: string, until: Instant): void {
    const known = this.#until.find(key);
    if (known !== undefined && known >= until) return;
    this.#until.set(key, until);
    if (this.#until.size > avoidedMax) this.#until.takeDue(this.#until.next() as Instant);
  }

  /** Until when; undefined when the server may be asked. */
  find(now: Instant, key: string): Instant | undefined {
    while (this.#until.takeDue(now) !== undefined);
    return this.#until.find(key);
  }
}
