// Which questions are alive on a link, by name and type and by watch, and which
// names were asked for a short while ago (T-20): late answers of other devices
// must still enter the cache, or the next answer is as incomplete as the first.

import type { Counts } from "../counts.js";
import { after, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { Interests } from "./cache.js";
import { isServiceList } from "./heeding.js";
import { compactName } from "./interning.js";
import { ActiveQuestion, type AnyInterest } from "./question.js";
import { recentNamesMax, recentSpan } from "./timing.js";
import type { WatchId } from "./watch.js";

export class QuestionTable implements Interests {
  readonly #counts: Counts;
  readonly #byName = new Map<string, Map<number, ActiveQuestion>>();
  readonly #byWatch = new Map<WatchId, ActiveQuestion>();
  /** Until when, by name; the span is one for all, so the first is the next to go. */
  readonly #recent = new Map<string, Instant>();
  /** Standing watches of each client. */
  readonly #standing = new Map<string, number>();
  /** Whether lists of services are taken in although nobody asks for them (heeding.ts). */
  takesLists = false;
  #size = 0;
  #lastWatch = 0;

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  get size(): number {
    return this.#size;
  }

  find(name: Name, type: number): ActiveQuestion | undefined {
    return this.#byName.get(name.key)?.get(type);
  }

  /** The questions that a record of this name and type answers. */
  answeredBy(name: Name, type: number): ActiveQuestion[] {
    const types = this.#byName.get(name.key);
    if (types === undefined) return [];
    if (type === RRType.CNAME) return [...types.values()];
    const own = types.get(type);
    const any = type === RRType.ANY ? undefined : types.get(RRType.ANY);
    if (own === undefined) return any === undefined ? [] : [any];
    return any === undefined ? [own] : [own, any];
  }

  *all(): Generator<ActiveQuestion> {
    for (const types of this.#byName.values()) yield* types.values();
  }

  /** Finds the question or makes it; it has no watch yet. */
  open(name: Name, type: number): ActiveQuestion {
    let types = this.#byName.get(name.key);
    if (types === undefined) {
      types = new Map();
      this.#byName.set(name.key, types);
    }
    let question = types.get(type);
    if (question === undefined) {
      question = new ActiveQuestion(compactName(name), type);
      types.set(type, question);
      this.#size += 1;
    }
    return question;
  }

  attach(question: ActiveQuestion, interest: AnyInterest): WatchId {
    this.#lastWatch += 1;
    question.attach(this.#lastWatch, interest);
    this.#byWatch.set(this.#lastWatch, question);
    if (interest.kind === "standing") this.#count(interest.client, 1);
    return this.#lastWatch;
  }

  /** Standing watches of a client. */
  standingOf(client: string): number {
    return this.#standing.get(client) ?? 0;
  }

  /** @returns the question that the watch was of; with its last watch it is forgotten. */
  detach(now: Instant, id: WatchId): ActiveQuestion | undefined {
    const question = this.#byWatch.get(id);
    if (question === undefined) return undefined;
    this.#byWatch.delete(id);
    const interest = question.watches.get(id);
    if (interest?.kind === "standing") this.#count(interest.client, -1);
    question.detach(id);
    if (question.watches.size === 0) this.#close(now, question);
    return question;
  }

  isActive(name: Name, type: number): boolean {
    const types = this.#byName.get(name.key);
    return types !== undefined && (types.has(type) || types.has(RRType.ANY));
  }

  isRecent(now: Instant, name: Name, type: number): boolean {
    if (this.isActive(name, type)) return true;
    if (this.takesLists && type === RRType.PTR && isServiceList(name)) return true;
    const until = this.#recent.get(name.key);
    return until !== undefined && until > now;
  }

  #count(client: string, by: number): void {
    const count = this.standingOf(client) + by;
    if (count === 0) this.#standing.delete(client);
    else this.#standing.set(client, count);
  }

  #close(now: Instant, question: ActiveQuestion): void {
    const { key } = question.name;
    const types = this.#byName.get(key);
    types?.delete(question.type);
    if (types?.size === 0) this.#byName.delete(key);
    this.#size -= 1;
    this.#recent.delete(key);
    this.#recent.set(key, after(now, recentSpan));
    for (const [oldest, until] of this.#recent) {
      if (until > now) {
        if (this.#recent.size <= recentNamesMax) return;
        this.#counts.add("limits", "recent-names");
      }
      this.#recent.delete(oldest);
    }
  }
}
