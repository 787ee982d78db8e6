// Answers made from a link's cache a moment ago, for others who ask the same: all
// who waited for one answer, and those who spell its question differently. What
// differs between them is said while encoding. Without it, a thousand clients that
// wait for a list of a thousand instances would have each of a million RRs judged.

import type { Instant } from "../time.js";
import type { Ask } from "./ask.js";
import type { Epoch, Epochs } from "./epochs.js";
import type { LinkAnswer } from "./link-answer.js";

/** RRs kept in all, some 500 bytes each: the list of all instances of a very large link. */
const rrsMax = 20_000;

/** Counted for the answer itself, so that empty ones have an end too. */
const answerCost = 10;

interface Kept {
  readonly answer: LinkAnswer;
  readonly epoch: Epoch;
  readonly count: number;
  readonly cost: number;
}

export class SharedAnswers {
  readonly #epochs: Epochs;
  /** By what was asked and what the asker may see; the latest is the last. */
  readonly #kept = new Map<string, Kept>();
  #cost = 0;

  constructor(epochs: Epochs) {
    this.#epochs = epochs;
  }

  find(now: Instant, ask: Ask): LinkAnswer | undefined {
    const kept = this.#kept.get(keyOf(ask));
    if (kept === undefined || kept.count !== kept.epoch.count) return undefined;
    // At that very instant the TTLs are still right, however short they are.
    return kept.answer.staleAt < now ? undefined : kept.answer;
  }

  keep(ask: Ask, answer: LinkAnswer): void {
    const key = keyOf(ask);
    this.#forget(key);
    const { answers, additionals } = answer.sections;
    const cost = additionals.reduce((sum, set) => sum + set.length, answers.length + answerCost);
    const epoch = this.#epochs.of(ask.zone.link.link);
    this.#kept.set(key, { answer, epoch, count: epoch.count, cost });
    this.#cost += cost;
    for (const oldest of this.#kept.keys()) {
      if (this.#cost <= rrsMax) return;
      this.#forget(oldest);
    }
  }

  /** The configuration is another one. */
  clear(): void {
    this.#kept.clear();
    this.#cost = 0;
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#cost -= kept.cost;
  }
}

/** The name tells the zone, and with it the link. */
function keyOf({ query, client }: Ask): string {
  const { question, isStream } = query;
  return `${question.type} ${client.classNumber} ${isStream ? 1 : 0} ${question.name.key}`;
}
