// Everything that must hold in a simulated world, looked at after every step:
// what is sent on links, what clients are told and when, what happens on
// streams, how large things are. Each rule throws a Violation.

import type { Counts } from "../../src/counts.js";
import type { Effect, StreamId } from "../../src/engine/io.js";
import type { Limits } from "../../src/limits.js";
import { type Duration, elapsed, type Instant, seconds } from "../../src/time.js";
import { RRType, typeName } from "../../src/wire/codes.js";
import { displayName } from "../../src/wire/name.js";
import { AnswerChecker, type AnswerRules } from "./checkers/answers.js";
import { AskingChecker, type AskingRules } from "./checkers/asking.js";
import { CopyChecker } from "./checkers/copies.js";
import type { Ask, Exchanges } from "./exchanges.js";
import { Ledger } from "./ledger.js";
import { Truth } from "./truth.js";
import { demand, Violation } from "./violation.js";
import type { ZoneMap } from "./zones.js";

export interface Rules {
  readonly links: readonly AskingRules[];
  readonly answers: AnswerRules;
  /**
   * Milliseconds: the longest wait, and what browse questions add after the first answer; both
   * with what the timer may be late.
   */
  readonly wait: number;
  readonly gather: number;
  /** By how much the engine's timer may be late. */
  readonly lag: Duration;
  readonly limits: Limits;
  /** A full cache forgets; then nothing can be said about what must be known. */
  readonly isFlooded: boolean;
}

/** Copies are compared after every step in which they can change, and after these anyway. */
const everySoOften = 16;

type StreamState = "open" | "closing" | "closed";

export class Checkers {
  readonly ledgers: ReadonlyMap<string, Ledger>;
  readonly copies: CopyChecker;
  readonly #asking: ReadonlyMap<string, AskingChecker>;
  readonly #answers: AnswerChecker;
  readonly #exchanges: Exchanges;
  readonly #rules: Rules;
  readonly #counts: Counts;
  readonly #streams = new Map<StreamId, StreamState>();
  readonly #downAt = new Map<string, Instant>();
  readonly #isUp = new Map<string, boolean>();
  #limitCount = 0;
  #steps = 0;
  #limitAt: Instant | undefined;
  #isStopped = false;

  constructor(rules: Rules, zones: ZoneMap, exchanges: Exchanges, counts: Counts) {
    this.#rules = rules;
    this.#exchanges = exchanges;
    this.#counts = counts;
    this.ledgers = new Map(rules.links.map(({ link }) => [link, new Ledger()]));
    this.#asking = new Map(
      rules.links.map((one) => [
        one.link,
        new AskingChecker(one, this.ledgers.get(one.link)!, exchanges),
      ]),
    );
    this.#answers = new AnswerChecker(zones, this.ledgers, rules.answers);
    this.copies = new CopyChecker(zones, new Truth(zones, this.ledgers, rules), rules);
  }

  /** Query packets sent on a link so far. */
  packetsOn(link: string): number {
    return this.#asking.get(link)?.packets ?? 0;
  }

  linkUp(link: string): void {
    this.#isUp.set(link, true);
    this.#asking.get(link)?.restart();
  }

  /** RFC 6762 §10.3: asked and heard anew, or forgotten within ten seconds. */
  linkMoved(now: Instant, link: string): void {
    // What was asked before says nothing about the place where the link is now.
    this.#downAt.set(link, now);
    this.ledgers.get(link)?.shorten(now, seconds(10));
    this.#asking.get(link)?.restart();
  }

  linkDown(now: Instant, link: string): void {
    this.#isUp.set(link, false);
    this.#downAt.set(link, now);
    this.ledgers.get(link)?.forget();
  }

  /** The configuration has no such link any more. */
  linkGone(now: Instant, link: string): void {
    this.linkDown(now, link);
    this.#asking.get(link)?.forget();
  }

  stopped(): void {
    this.#isStopped = true;
    this.copies.stopped();
  }

  streamOpened(stream: StreamId): void {
    this.#streams.set(stream, "open");
  }

  streamClosed(stream: StreamId): void {
    this.#streams.set(stream, "closed");
    this.#exchanges.release((ask) => ask.key.startsWith(`${stream}~`));
  }

  /** Whether a limit was reached in this step. */
  isLimited(now: Instant): boolean {
    return this.#limitAt === now;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  isStreamOpen(stream: StreamId): boolean {
    return this.#streams.get(stream) === "open";
  }

  /** Before the effects of one input are carried out. */
  effects(now: Instant, effects: readonly Effect[]): void {
    this.#noteLimits(now);
    // Questions first: a reply of the same step ends the wait that justifies one.
    for (const effect of effects) {
      if (effect.kind !== "multicast") continue;
      demand(!this.#isStopped, () => `a packet on ${effect.link} after the end`);
      const asking = this.#asking.get(effect.link);
      demand(asking !== undefined, () => `a packet on link ${effect.link}, which is not used`);
      asking.sent(now, effect.family, effect.to, effect.bytes);
    }
    for (const effect of effects) if ("stream" in effect) this.#checkStream(effect);
  }

  /** A reply over UDP, or one taken off a stream. */
  reply(now: Instant, key: string, bytes: Uint8Array): void {
    const ask = this.#exchanges.reply(key);
    try {
      const isDown = ask.onLink !== undefined && this.#isUp.get(ask.onLink.link) !== true;
      demand(!isDown || rcodeOf(bytes) !== 0, () => "an answer for a link that is down");
      this.#answers.check(now, ask, bytes, () => this.#isExcused(now, ask));
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      throw new Violation(`${error.message} (asked for ${shown(ask)} by ${key})`);
    }
    ask.told?.(bytes);
  }

  /**
   * After a step: what is owed, and since when.
   *
   * @param isQuiet  nothing was told on a link, or by a subscriber, and nothing fell due
   * @param isDue    the engine has more to do at this instant
   */
  settled(now: Instant, isQuiet = false, isDue = false): void {
    if (this.#isStopped) return;
    this.#steps += 1;
    this.copies.stepped();
    if (!isQuiet || this.#steps % everySoOften === 0) this.copies.settled(now, isDue);
    for (const ask of this.#exchanges.owed()) this.#checkOwed(now, ask);
  }

  #checkOwed(now: Instant, ask: Ask): void {
    const { wait, gather, isFlooded } = this.#rules;
    const waited = elapsed(ask.since, now);
    const { onLink } = ask;
    demand(onLink !== undefined, () => `not answered at once: ${shown(ask)}`);
    demand(waited <= wait, () => `no answer after ${waited} ms: ${shown(ask)}`);
    if (isFlooded) return;
    const { link, name, type } = onLink;
    demand(this.#isUp.get(link) === true, () => `waits for a link that is down: ${shown(ask)}`);
    const ledger = this.ledgers.get(link)!;
    const told = ledger.find(now, name, type).filter((one) => !ledger.isDoubtful(now, one));
    // A shared RR that came before anybody asked need not have been kept (decision Q-4).
    const isKnown = told.some((one) => one.isUnique || one.receivedAt > ask.since);
    if (ask.knownSince === undefined && isKnown) ask.knownSince = now;
    // What an alias leads to is asked for first (DP-44).
    const isAlias = ledger.findSince(ask.since, name, RRType.CNAME).length > 0;
    if (told.length === 0 && type !== RRType.ANY && !isAlias) {
      demand(!ledger.denies(now, name, type), () => `denied, not answered: ${shown(ask)}`);
    }
    if (ask.knownSince === undefined) return;
    const isBrowse = type === RRType.PTR && ask.zone?.kind !== "reverse";
    const late = elapsed(ask.knownSince, now);
    const isLate = isBrowse ? late > gather : true;
    demand(!isLate, () => `told on the link ${late} ms ago, not answered: ${shown(ask)}`);
  }

  #checkStream(effect: Extract<Effect, { readonly stream: StreamId }>): void {
    const { kind, stream } = effect;
    const state = this.#streams.get(stream);
    const isAllowed = state === "open" || (state === "closing" && kind === "abort");
    demand(isAllowed, () => `${kind} on stream ${stream}, which is ${state ?? "unknown"}`);
    if (kind === "close") this.#streams.set(stream, "closing");
    if (kind === "abort") this.#streams.set(stream, "closed");
  }

  /** All replies of a stream's last step have been read: nothing may be owed there any more. */
  streamClosing(stream: StreamId): void {
    const due = [...this.#exchanges.owed()].filter((ask) => ask.key.startsWith(`${stream}~`));
    const [first] = due;
    demand(
      first === undefined || this.#isStopped,
      () => `stream ${stream} is closed while ${due.length} answers are due: ${shown(first!)}`,
    );
    this.#exchanges.release((ask) => ask.key.startsWith(`${stream}~`));
  }

  /** Sizes that the engine states of itself. */
  sizes(dump: Readonly<Record<string, unknown>>): void {
    const { limits } = this.#rules;
    const queries = dump.queries as Readonly<Record<string, number>>;
    const atMost = (what: string, size: number | undefined, limit: number) =>
      demand((size ?? 0) <= limit, () => `${what}: ${size}, the limit is ${limit}`);
    atMost("waiting queries", queries.waiting, limits.queriesWaiting);
    atMost("bytes of ready answers", queries.readyBytes, limits.answerCache);
    const push = dump.push as Readonly<Record<string, number>>;
    atMost("subscriptions", push.subscriptions, limits.subscriptions);
    const { llqs } = dump.llq as Readonly<Record<string, number>>;
    atMost("LLQs", llqs, limits.llq);
    const expected = this.copies.subscriptions;
    demand(
      push.subscriptions === expected || this.#isStopped,
      () => `${push.subscriptions} subscriptions, the clients have ${expected}`,
    );
    // A connection over the limit is closed at once, but its far side may take its time.
    for (const { id, records, questionCount } of dump.links as readonly LinkDump[]) {
      atMost(`RRs of ${id}`, records, limits.cacheRecords);
      atMost(`questions of ${id}`, questionCount, limits.questions);
    }
  }

  /** DP-123, Q-11: a reason not to know. */
  #isExcused(now: Instant, { onLink, since }: Ask): boolean {
    if (onLink === undefined) return false;
    if (this.#isStopped || this.#isUp.get(onLink.link) !== true) return true;
    const downAt = this.#downAt.get(onLink.link);
    if (downAt !== undefined && downAt >= since) return true;
    const fullAt = this.#asking.get(onLink.link)?.lastFullAt;
    if (fullAt !== undefined && fullAt >= since - 1000 && now - since >= 1000) return true;
    return this.#limitAt !== undefined && this.#limitAt >= since;
  }

  #noteLimits(now: Instant): void {
    let count = 0;
    for (const [name, times] of this.#counts.all()) {
      if (name.startsWith("limits/")) count += times;
    }
    if (count !== this.#limitCount) this.#limitAt = now;
    this.#limitCount = count;
  }
}

interface LinkDump {
  readonly id: string;
  readonly records: number;
  readonly questionCount: number;
}

const rcodeOf = (message: Uint8Array): number => message[3]! & 0x0f;

function shown({ question, onLink }: Ask): string {
  const where = onLink === undefined ? "" : ` on ${onLink.link}`;
  return `${displayName(question.name)} ${typeName(question.type)}${where}`;
}
