// Runs the search for zones (src/learn/): its questions go to the system's resolver
// and to the servers of parent zones, its deadlines have a timer of their own, and
// whoever runs it is told when something else is believed than before.

import type { Counts } from "../counts.js";
import type { LearnedLink, Surroundings } from "../learn/learned.js";
import { Learner, type LearnerView, type PutQuestion } from "../learn/learner.js";
import type { Log } from "../log.js";
import { now, timeoutUntil } from "../os/clock.js";
import { ResolverError } from "../os/resolver.js";
import type { SystemResolver } from "../os/system-resolver.js";
import type { Random } from "../random.js";
import { displayName } from "../wire/name.js";

export interface LearningParts {
  readonly resolver: SystemResolver;
  readonly random: Random;
  readonly log: Log;
  readonly counts: Counts;
}

/** What is believed, as text: equal when nothing changed that a configuration sees. */
function textOf(learned: readonly LearnedLink[]): string {
  const nameOf = (one: LearnedLink | LearnedLink["networks"][number]) =>
    one.name === undefined ? undefined : [displayName(one.name.zone), displayName(one.name.record)];
  const texts = learned.map((link) => [
    link.link,
    link.hasEnded,
    nameOf(link),
    link.networks.map((network) => [network.hasEnded, nameOf(network)]),
  ]);
  return JSON.stringify(texts);
}

export class Learning {
  readonly #learner: Learner;
  readonly #resolver: SystemResolver;
  /** What was believed when `learned` was read last. */
  #read = textOf([]);
  #timer: NodeJS.Timeout | undefined;
  #changed: (() => void) | undefined;
  #ended: (() => void) | undefined;
  #isOver = false;

  constructor({ resolver, random, log, counts }: LearningParts) {
    this.#resolver = resolver;
    this.#learner = new Learner(random, log, counts);
  }

  /** What is believed now. */
  get learned(): readonly LearnedLink[] {
    const { learned } = this.#learner;
    this.#read = textOf(learned);
    return learned;
  }

  /** Whether something else is believed than was read last. */
  get hasNews(): boolean {
    return textOf(this.#learner.learned) !== this.#read;
  }

  /** From now on calls `changed` when something else is believed than was read last. */
  listen(changed: () => void): void {
    this.#changed = changed;
    this.#tell();
  }

  /** Searches for these links from now on. */
  follow(around: Surroundings): void {
    this.#act(() => this.#learner.configure(now(), around));
  }

  /** Searches all of them now. */
  refresh(): void {
    this.#act(() => this.#learner.refresh(now()));
  }

  /**
   * Resolved when the links that are served in any case have been searched once.
   *
   * @param patience  milliseconds to wait for it at most
   */
  async firstRound(patience: number): Promise<void> {
    if (!this.#learner.isFirstRound) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#ended = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#ended = undefined;
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** For listings. */
  view(): LearnerView {
    return this.#learner.view(now());
  }

  #act(act: () => void): void {
    if (this.#isOver) return;
    this.#learner.setSearch(this.#resolver.search);
    act();
    for (const question of this.#learner.takeQuestions()) void this.#put(question);
    this.#arm();
    if (!this.#learner.isFirstRound) this.#ended?.();
    this.#tell();
  }

  #tell(): void {
    if (this.#changed !== undefined && this.hasNews) this.#changed();
  }

  async #put({ id, name, type, server }: PutQuestion): Promise<void> {
    const message = await this.#resolver.ask(name, type, server).catch((error) => {
      if (!(error instanceof ResolverError)) throw error;
      return undefined;
    });
    this.#act(() => this.#learner.answered(now(), id, message));
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#learner.nextDeadline();
    if (next === undefined) return;
    const ring = () => this.#act(() => this.#learner.expire(now()));
    this.#timer = setTimeout(ring, timeoutUntil(now(), next));
  }
}
