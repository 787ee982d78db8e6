// Whether each subscriber's copy equals the link's truth (RFC 8765 §6.3, RFC
// 8764 §6, RFC 8766 §5.6), after every step: what may be seen and nothing else,
// what has to be seen and all of it. Those who do not read are left in peace
// until they do.

import type { Limits } from "../../../src/limits.js";
import type { Instant } from "../../../src/time.js";
import { typeName } from "../../../src/wire/codes.js";
import type { Question } from "../../../src/wire/message.js";
import { displayName } from "../../../src/wire/name.js";
import type { RR } from "../../../src/wire/rr.js";
import { formatRR } from "../../../src/wire/text.js";
import { type Copy, keyOf } from "../copy.js";
import type { LlqModel } from "../llq-model.js";
import type { Session, Wanted } from "../session.js";
import type { Expected, Truth } from "../truth.js";
import { demand } from "../violation.js";
import { isAnsweredLocally, type ZoneMap } from "../zones.js";

export interface CopyRules {
  /** Longest wait for the first answers of an LLQ, with what the timer may be late. */
  readonly wait: number;
  readonly limits: Pick<Limits, "writeQueue">;
}

/** Write queues with room for every set of a simulated link. */
const portionedBelow = 100_000;

export class CopyChecker {
  readonly #zones: ZoneMap;
  readonly #truth: Truth;
  readonly #rules: CopyRules;
  readonly sessions = new Set<Session>();
  readonly llqs = new Set<LlqModel>();
  /** Copies compared so far. */
  compared = 0;

  constructor(zones: ZoneMap, truth: Truth, rules: CopyRules) {
    this.#zones = zones;
    this.#truth = truth;
    this.#rules = rules;
  }

  /** Subscriptions that the server has accepted, all sessions together. */
  get subscriptions(): number {
    let count = 0;
    for (const { wanted } of this.sessions) count += wanted.size;
    return count;
  }

  /** A new configuration: LLQs that it does not grant end without a word. */
  reconfigured(takesLlq: boolean): void {
    this.#endLlqs(({ question: { name, type } }) => {
      const zone = this.#zones.find(name);
      return !takesLlq || zone === undefined || isAnsweredLocally(zone, name, type);
    });
  }

  /** The daemon stops, and with it every LLQ. */
  stopped(): void {
    this.#endLlqs(() => true);
  }

  /** After a step: nothing is owed, and every fatal fault has had its end. */
  stepped(): void {
    for (const session of this.sessions) session.settled();
  }

  /**
   * After a step in which something can have changed.
   *
   * @param isDue  the engine has more to do at this instant: large sets are told in portions
   */
  settled(now: Instant, isDue: boolean): void {
    const isLate = isDue && this.#rules.limits.writeQueue < portionedBelow;
    for (const session of this.sessions) this.#checkSession(now, session, isLate);
    for (const llq of this.llqs) this.#checkLlq(now, llq);
  }

  #endLlqs(isOver: (llq: LlqModel) => boolean): void {
    for (const llq of this.llqs) {
      const isThere = llq.state === "waiting" || llq.state === "live";
      if (isThere && isOver(llq)) llq.isEnding = true;
    }
  }

  #checkSession(now: Instant, session: Session, isLate: boolean): void {
    if (session.state !== "established") return;
    const byName = new Map<string, Wanted[]>();
    for (const wanted of session.wanted.values()) {
      const { name } = wanted.question;
      demand(
        this.#zones.find(name) !== undefined,
        () => `still subscribed to ${shown(wanted.question)}, whose zone is gone`,
      );
      byName.set(name.key, [...(byName.get(name.key) ?? []), wanted]);
    }
    if (session.isBlocked || isLate) return;
    for (const all of byName.values()) this.#checkName(now, session.copy, all);
  }

  #checkName(now: Instant, copy: Copy, all: readonly Wanted[]): void {
    const expected: Expected = { must: new Map(), may: new Map() };
    for (const { question, since } of all) {
      if (question.class !== 1 && question.class !== 255) continue;
      const { name, type } = question;
      const zone = this.#zones.find(name)!;
      // What the configuration says of a name is no affair of the link.
      if (isAnsweredLocally(zone, name, type)) return;
      const { must, may } = this.#truth.of(now, { zone, name, type, since }, false);
      for (const [key, rr] of must) if (rr.name.key === name.key) expected.must.set(key, rr);
      for (const [key, rr] of may) if (rr.name.key === name.key) expected.may.set(key, rr);
    }
    const [first] = all;
    const held = copy.at(first!.question.name);
    compare(held, expected, () => `subscribed to ${all.map((one) => shown(one.question)).join()}`);
    for (const rr of held) {
      const ttl = expected.may.get(keyOf(rr))?.ttlSeconds;
      demand(ttl === rr.ttlSeconds, () => `TTL, on the link ${ttl}: ${formatRR(rr)}`);
    }
    this.compared += 1;
  }

  #checkLlq(now: Instant, llq: LlqModel): void {
    if (llq.isEnding) llq.end();
    llq.expire(now);
    const { question, state, since } = llq;
    if (state !== "waiting" && state !== "live") return;
    const { name, type } = question;
    const zone = this.#zones.find(name);
    demand(zone !== undefined, () => `an LLQ for ${shown(question)}, whose zone is gone`);
    const expected = this.#truth.of(now, { zone, name, type, since }, true);
    if (state === "waiting") {
      const waited = now - since;
      demand(waited <= this.#rules.wait, () => `no first answers to the LLQ ${shown(question)}`);
      // An alias alone is not enough: what it leads to is waited for.
      const isKnown = [...expected.must.values()].some((rr) => rr.type === type);
      demand(!isKnown, () => `known, not answered: the LLQ ${shown(question)}`);
      return;
    }
    if (llq.outstanding !== undefined || llq.isBlocked || !llq.isSurelyLive(now)) return;
    compare([...llq.held.all()], expected, () => `the LLQ ${shown(question)}`);
    this.compared += 1;
  }
}

function compare(held: readonly RR[], { must, may }: Expected, whose: () => string): void {
  const keys = new Set(held.map(keyOf));
  for (const rr of held) {
    demand(may.has(keyOf(rr)), () => `${whose()} holds what the link has not: ${formatRR(rr)}`);
  }
  for (const [key, rr] of must) {
    demand(keys.has(key), () => `${whose()} was not told: ${formatRR(rr)}`);
  }
}

const shown = ({ name, type }: Question) => `${displayName(name)} ${typeName(type)}`;
