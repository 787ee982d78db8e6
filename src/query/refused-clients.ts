// Who was refused, told to the operator (DP-124): the first thing to look for
// when a client gets no answer. Whoever sends packets can be refused, and can
// forge any address, so that the lines and the memory are both bounded.

import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import { after, type Duration, type Instant, seconds } from "../time.js";
import { displayName, type Name } from "../wire/name.js";

/** A client that goes on asking is named again after this, so that each day's log tells of it. */
const repeatAfter: Duration = seconds(600);

/**
 * Lines in one span: enough for a wrong address list to show, little enough to read past. Only
 * who is named is remembered, so that this bounds the memory as well, to some 200 clients.
 */
const linesMax = 20;
const linesSpan: Duration = seconds(60);

export class RefusedClients {
  readonly #log: Log;
  readonly #counts: Counts;
  /** When each client may be named again; the time is one for all, so the first is the next. */
  readonly #quietUntil = new Map<string, Instant>();
  #lines = 0;
  #spanEnd: Instant | undefined;

  constructor(log: Log, counts: Counts) {
    this.#log = log;
    this.#counts = counts;
  }

  /** Clients remembered. */
  get size(): number {
    return this.#quietUntil.size;
  }

  /**
   * A query was refused because of who asked.
   *
   * @param name  what was asked for; undefined when that could not be read
   */
  note(now: Instant, client: string, name: Name | undefined): void {
    const quietUntil = this.#quietUntil.get(client);
    if (quietUntil !== undefined && quietUntil > now) return;
    if (this.#spanEnd === undefined || this.#spanEnd <= now) {
      this.#spanEnd = after(now, linesSpan);
      this.#lines = 0;
    }
    if (this.#lines >= linesMax) {
      this.#counts.add("limits", "refused-lines");
      return;
    }
    this.#lines += 1;
    this.#quietUntil.delete(client);
    this.#quietUntil.set(client, after(now, repeatAfter));
    for (const [oldest, until] of this.#quietUntil) {
      if (until > now) break;
      this.#quietUntil.delete(oldest);
    }
    const asked = name === undefined ? {} : { name: displayName(name) };
    this.#log.event("info", "refused", { client, ...asked });
  }
}
