// Questions that a link left unanswered for the whole wait (DP-87, Q-10): a
// retry that crosses our reply is answered from here instead of costing the
// link another series. Forgotten after some seconds, or as soon as any record
// of the name is heard.

import type { Instant } from "../time.js";
import type { LinkQuestion } from "./ask.js";

/** Unanswered questions remembered. One costs some 200 bytes, and lives 10 s at most. */
const rememberedMax = 20_000;

export class NegativeMemory {
  /** By link and name, in the order of the latest memory; then by type. */
  readonly #names = new Map<string, Map<number, Instant>>();
  #size = 0;

  /** Questions remembered, those among them that are over and not yet dropped. */
  get size(): number {
    return this.#size;
  }

  remember(now: Instant, link: string, question: LinkQuestion, until: Instant): void {
    const key = nameKey(link, question.name.key);
    const types = this.#take(key) ?? new Map<number, Instant>();
    for (const [type, end] of types) if (end <= now) types.delete(type);
    types.set(question.type, until);
    this.#names.set(key, types);
    this.#size += types.size;
    for (const [oldest, ends] of this.#names) {
      const isOver = [...ends.values()].every((end) => end <= now);
      if (!isOver && this.#size <= rememberedMax) break;
      this.#take(oldest);
    }
  }

  holds(now: Instant, link: string, question: LinkQuestion): boolean {
    const until = this.#names.get(nameKey(link, question.name.key))?.get(question.type);
    return until !== undefined && until > now;
  }

  /** A record of the name was heard. */
  forget(link: string, name: string): void {
    this.#take(nameKey(link, name));
  }

  clear(): void {
    this.#names.clear();
    this.#size = 0;
  }

  #take(key: string): Map<number, Instant> | undefined {
    const types = this.#names.get(key);
    if (types === undefined) return undefined;
    this.#names.delete(key);
    this.#size -= types.size;
    return types;
  }
}

const nameKey = (link: string, name: string) => `${link}\0${name}`;
