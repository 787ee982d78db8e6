// Zones in which a former run left something, and that nothing leads to any more:
// their links are published elsewhere now, or not at all. Their servers are looked
// for too, so that what is dead does not stand there for ever.

import type { Log } from "../log.js";
import type { Random } from "../random.js";
import { after, earliest, type Instant } from "../time.js";
import { isWithin, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { retirementMax } from "./limits.js";
import type { UpdateTarget } from "./options.js";
import {
  mayUpdate,
  type Primary,
  type PrimaryAnswer,
  type PrimaryQuestion,
  PrimarySearch,
} from "./primary.js";

/** A zone to be emptied, and where. */
export interface Found {
  readonly key: string;
  readonly target: UpdateTarget;
  readonly primary: Primary;
}

interface Sought {
  readonly key: string;
  readonly target: UpdateTarget;
  readonly search: PrimarySearch;
}

export class Orphans {
  readonly #random: Random;
  readonly #log: Log;
  /** What was ours in zones that are not kept, or not yet. */
  readonly #remembered = new Map<string, { readonly zone: Name; readonly own: readonly RR[] }>();
  #sought: Sought[] = [];
  /** When the next step is due: the search for all of them, or its end. */
  #due: Instant | undefined;
  #isStarted = false;

  constructor(random: Random, log: Log) {
    this.#random = random;
    this.#log = log;
  }

  remember(zone: Name, own: readonly RR[]): void {
    if (own.length > 0) this.#remembered.set(zone.key, { zone, own });
    else this.#remembered.delete(zone.key);
  }

  /** What was remembered of a zone that is kept from now on. */
  take(zone: Name): readonly RR[] {
    const own = this.#remembered.get(zone.key)?.own ?? [];
    this.#remembered.delete(zone.key);
    return own;
  }

  /** Whoever is not taken for ten minutes from now on is an orphan. */
  start(now: Instant): void {
    this.#isStarted = true;
    this.#due = after(now, retirementMax);
  }

  /** Other targets may say how to reach zones that nobody could: they are looked for once more. */
  reconfigured(now: Instant): void {
    if (!this.#isStarted || this.#due !== undefined || this.#remembered.size === 0) return;
    this.#due = after(now, retirementMax);
  }

  /** @param targets  tell which zones may be updated, and how */
  expire(now: Instant, targets: Iterable<UpdateTarget>): void {
    for (const { search } of this.#sought) search.expire(now);
    if (this.#due === undefined || now < this.#due) return;
    const isEnd = this.#sought.length > 0;
    this.#due = undefined;
    this.#sought = isEnd ? [] : this.#seek(now, [...targets]);
    if (this.#sought.length > 0) this.#due = after(now, retirementMax);
  }

  nextDeadline(): Instant | undefined {
    let next = this.#due;
    for (const { search } of this.#sought) next = earliest(next, search.nextDeadline());
    return next;
  }

  takeQuestions(): readonly PrimaryQuestion[] {
    return this.#sought.flatMap(({ search }) => search.takeQuestions());
  }

  answered(now: Instant, question: PrimaryQuestion, answer: PrimaryAnswer | undefined): void {
    for (const { search } of this.#sought) search.answered(now, question, answer);
  }

  /** Those whose servers are known now. */
  takeFound(): readonly Found[] {
    const found = this.#sought.flatMap(({ key, target, search }) => {
      const primary = search.takeNews();
      return primary === undefined ? [] : [{ key, target, primary }];
    });
    const keys = new Set(found.map(({ key }) => key));
    this.#sought = this.#sought.filter(({ key }) => !keys.has(key));
    return found;
  }

  #seek(now: Instant, targets: readonly UpdateTarget[]): Sought[] {
    return [...this.#remembered.values()].flatMap(({ zone }) => {
      const like = targets.find(({ primary }) => mayUpdate(zone, primary.within));
      const above = like ?? targets.find(({ subdomain }) => isWithin(subdomain, zone));
      if (above === undefined) return [];
      const subdomain = like === undefined ? above.subdomain : zone;
      const primary = { ...above.primary, subdomain, domain: undefined, zone };
      const search = new PrimarySearch(primary, this.#random, this.#log);
      search.start(now);
      return [{ key: `orphan ${zone.key}`, target: { ...above, subdomain, primary }, search }];
    });
  }
}
