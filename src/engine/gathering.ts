// What changed on one link, on its way to those who follow questions there
// (push/, llq/). As a rule it passes at once. Where each change makes thousands
// of records be judged anew, changes gather for a while, so that ten thousand
// devices that come back after a power cut cost one pass, not ten thousand.

import type { Change } from "../mdns/link.js";
import { after, type Duration, type Instant, instant, ms } from "../time.js";

/** Judged without a rest afterwards: 2 ms, and 200 devices of one type with three names each. */
const judgedFree = 600;

/** Ten times what it takes to judge one: following questions has a tenth of the processor. */
const restForEach: Duration = ms(0.03);

export class Gathering {
  /** One for each name: who is told looks there, whatever it was. */
  readonly #changes = new Map<string, Change>();
  #restsUntil: Instant = instant(Number.NEGATIVE_INFINITY);

  add(changes: readonly Change[]): void {
    for (const change of changes) {
      const { key } = change.kind === "deny" ? change.name : change.rr.name;
      this.#changes.set(key, change);
    }
  }

  /** What is to be told now; drains it. Nothing before the rest is over. */
  take(now: Instant): readonly Change[] {
    if (this.#changes.size === 0 || now < this.#restsUntil) return [];
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    return changes;
  }

  /** @param judged  how many records and names were looked at to tell them */
  rest(now: Instant, judged: number): void {
    if (judged > judgedFree) this.#restsUntil = after(now, ms(Math.ceil(judged * restForEach)));
  }

  /** When there is something to be told. */
  nextDeadline(): Instant | undefined {
    return this.#changes.size === 0 ? undefined : this.#restsUntil;
  }
}
