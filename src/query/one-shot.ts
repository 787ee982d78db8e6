// Questions to a link on behalf of ordinary queries (RFC 8766 §5.6): answered
// from its cache, or asked and waited for. The first answer ends the wait,
// browse answers gather a little longer, a CNAME moves it on to its
// target (DP-44), silence ends in NODATA that is remembered (DP-87), and in
// SERVFAIL when not even one packet could be sent (DP-123).

import type { Counts } from "../counts.js";
import { type Limits, streamMessageMax } from "../limits.js";
import type { Change, Link } from "../mdns/link.js";
import type { Tables, Vantage } from "../proxy/tables.js";
import type { LinkView, Visible } from "../proxy/view.js";
import { linkQuestions, visible } from "../proxy/visible.js";
import { after, type Duration, elapsed, type Instant, instant, ms, seconds } from "../time.js";
import { Rcode, RRType } from "../wire/codes.js";
import { bare } from "./answer.js";
import type { Ask, LinkQuestion } from "./ask.js";
import type { Epochs } from "./epochs.js";
import { type LinkAnswer, linkAnswer } from "./link-answer.js";
import { NegativeMemory } from "./negative-memory.js";
import { PendingQueries, type Waiter } from "./pending.js";
import type { Circumstances, Replies } from "./replies.js";
import { SharedAnswers } from "./shared-answers.js";

/** How long silence is remembered, where the link's `ttl` is not lower. */
const memoryMax: Duration = seconds(10);

/** Finds a link; undefined when it is not used. Marks it as touched for the engine. */
export type FindLink = (id: string) => Link | undefined;

/** What became of a query: an answer, or a wait that ends in one. */
export type Outcome = LinkAnswer | "waiting" | "failed";

/** What a link's cache has to say: an answer, or what there is of one. */
type Consulted =
  | { readonly answer: LinkAnswer; readonly seen?: undefined }
  | { readonly answer?: undefined; readonly seen: Visible };

export class OneShots {
  readonly #findLink: FindLink;
  readonly #replies: Replies;
  readonly #counts: Counts;
  readonly #pending: PendingQueries;
  readonly #memory = new NegativeMemory();
  readonly #shared: SharedAnswers;
  #tables: Tables;
  #limits: Limits;

  constructor(
    tables: Tables,
    limits: Limits,
    findLink: FindLink,
    replies: Replies,
    epochs: Epochs,
    counts: Counts,
  ) {
    this.#tables = tables;
    this.#limits = limits;
    this.#findLink = findLink;
    this.#replies = replies;
    this.#counts = counts;
    this.#pending = new PendingQueries(limits, counts);
    this.#shared = new SharedAnswers(epochs);
  }

  get waiting(): number {
    return this.#pending.size;
  }

  /** Whether the client has sent this query again while the first one still waits. */
  hasTwin(ask: Ask): boolean {
    return this.#pending.hasTwin(ask);
  }

  /** Answers from the cache, or begins to wait. */
  begin(now: Instant, ask: Ask): Outcome {
    const id = ask.zone.link.link;
    const link = this.#findLink(id);
    if (link === undefined || !link.isUp) return "failed";
    const { answer, seen } = this.#consult(now, ask, link);
    if (answer !== undefined) return this.#joinGathering(ask, id) ? "waiting" : answer;
    const questions = openQuestions(ask, seen);
    if (this.#isKnownSilent(now, ask, link, questions)) {
      // Not to be kept: silence is remembered here, and for as long as it lasts.
      return { ...this.#answer(now, ask, link, seen), staleAt: now };
    }
    if (!this.#pending.hasRoom(ask.client.key)) return "failed";
    const watches = watchAll(now, link, questions, ask.client.key);
    if (watches === undefined) return "failed";
    const deadline = endOfWait(now, ask, link, questions);
    this.#pending.add({ ask, link: id, questions, watches, deadline });
    return "waiting";
  }

  /** Looks again at every query that waits for one of the names that changed. */
  linkChanged(now: Instant, id: string, changes: readonly Change[]): void {
    const touched = new Set<Waiter>();
    for (const change of changes) {
      if (change.kind === "remove") continue;
      const { key } = change.kind === "add" ? change.rr.name : change.name;
      if (change.kind === "add") this.#memory.forget(id, key);
      for (const waiter of this.#pending.at(id, key)) {
        if (change.kind === "deny" || isAwaited(waiter, change.rr.type)) touched.add(waiter);
      }
    }
    const link = touched.size === 0 ? undefined : this.#findLink(id);
    if (link === undefined) return;
    for (const waiter of touched) this.#wake(now, waiter, link);
  }

  /** Nothing more will come from this link (OWN: SERVFAIL, since nothing is known). */
  linkDown(now: Instant, id: string): void {
    this.#memory.clear();
    for (const waiter of this.#pending.all()) {
      if (waiter.link === id) this.#fail(now, waiter, Rcode.SERVFAIL);
    }
  }

  streamClosed(now: Instant, stream: number): void {
    for (const waiter of this.#pending.onStream(stream)) {
      this.#counts.add("queries-abandoned");
      this.#leave(now, waiter);
    }
  }

  expire(now: Instant): void {
    for (;;) {
      const waiter = this.#pending.takeDue(now);
      if (waiter === undefined) return;
      const link = this.#findLink(waiter.link);
      if (link === undefined) this.#fail(now, waiter, Rcode.SERVFAIL);
      else if (waiter.deadline <= now) this.#giveUp(now, waiter, link);
      else this.#endGathering(now, waiter, link);
    }
  }

  nextDeadline(): Instant | undefined {
    return this.#pending.nextDeadline();
  }

  /**
   * Takes up a new configuration. Queries for zones that stay keep waiting.
   *
   * @param rebind  gives the zone and the client of a query anew; false when it is refused now
   */
  configure(now: Instant, tables: Tables, limits: Limits, rebind: (ask: Ask) => boolean): void {
    this.#tables = tables;
    this.#limits = limits;
    this.#pending.configure(limits);
    this.#shared.clear();
    for (const waiter of this.#pending.all()) {
      const stays = rebind(waiter.ask) && waiter.ask.zone.link.link === waiter.link;
      if (!stays) this.#fail(now, waiter, Rcode.REFUSED);
    }
  }

  stop(now: Instant): void {
    for (const waiter of this.#pending.all()) this.#fail(now, waiter, Rcode.SERVFAIL);
  }

  #wake(now: Instant, waiter: Waiter, link: Link): void {
    const { ask } = waiter;
    // What else comes is looked at when the gathering ends.
    if (waiter.gatherUntil !== undefined) return;
    const { answer, seen } = this.#consult(now, ask, link);
    if (answer !== undefined) {
      const { gather } = ask.zone.link;
      if (gather === 0 || !isBrowse(ask) || !answer.isKnown) this.#finish(now, waiter, answer);
      else {
        waiter.gatherUntil = after(now, gather);
        this.#pending.schedule(waiter);
      }
      return;
    }
    const questions = openQuestions(ask, seen);
    if (!areEqual(questions, waiter.questions)) this.#moveOn(now, waiter, link, questions, seen);
  }

  /** A CNAME was heard: its target is asked for, within what is left of the wait. */
  #moveOn(
    now: Instant,
    waiter: Waiter,
    link: Link,
    questions: readonly LinkQuestion[],
    seen: Visible,
  ): void {
    const { ask } = waiter;
    const isSilent = this.#isKnownSilent(now, ask, link, questions);
    const watches = isSilent ? undefined : watchAll(now, link, questions, ask.client.key);
    if (watches === undefined) {
      this.#finish(now, waiter, this.#answer(now, ask, link, seen));
      return;
    }
    for (const watch of waiter.watches) link.unwatch(now, watch);
    this.#pending.move(waiter, questions, watches);
  }

  #endGathering(now: Instant, waiter: Waiter, link: Link): void {
    const { answer } = this.#consult(now, waiter.ask, link);
    if (answer !== undefined) {
      this.#finish(now, waiter, answer);
      return;
    }
    // What had come was taken back in the meantime: a goodbye is no answer (DP-85).
    delete waiter.gatherUntil;
    this.#pending.schedule(waiter);
  }

  #giveUp(now: Instant, waiter: Waiter, link: Link): void {
    const { ask, questions } = waiter;
    const { answer, seen } = this.#consult(now, ask, link);
    if (answer !== undefined) {
      this.#finish(now, waiter, answer);
      return;
    }
    const asked = questions.filter((question) => link.wasAsked(question));
    if (asked.length === 0 && !seen.known) {
      this.#counts.add("queries-unsent");
      this.#fail(now, waiter, Rcode.SERVFAIL);
      return;
    }
    for (const question of asked) this.#remember(now, waiter, link, question);
    this.#finish(now, waiter, this.#answer(now, ask, link, seen));
  }

  /** Only a series that ran for the whole wait says that nobody answers. */
  #remember(now: Instant, waiter: Waiter, link: Link, question: LinkQuestion): void {
    const { wait, ttlSeconds } = waiter.ask.zone.link;
    const startedAt = link.startedAt(question);
    if (startedAt === undefined || elapsed(startedAt, now) < wait) return;
    const span = Math.min(memoryMax, seconds(ttlSeconds));
    this.#memory.remember(now, waiter.link, question, after(now, ms(span)));
  }

  /** Whether asking is known to lead to nothing: remembered silence, or a standing question's. */
  #isKnownSilent(now: Instant, ask: Ask, link: Link, questions: readonly LinkQuestion[]): boolean {
    const { wait, link: id } = ask.zone.link;
    return questions.every((question) => {
      if (this.#memory.holds(now, id, question)) return true;
      const startedAt = link.startedAt(question);
      if (startedAt === undefined || elapsed(startedAt, now) <= wait) return false;
      return link.wasAsked(question);
    });
  }

  /** A query that comes while others gather the same answers gets them when they do. */
  #joinGathering(ask: Ask, id: string): boolean {
    if (!isBrowse(ask)) return false;
    const questions = linkQuestions(ask.zone, ask.query.question);
    const until = this.#pending.gathering(id, questions);
    if (until === undefined || !this.#pending.hasRoom(ask.client.key)) return false;
    const end = { deadline: until, gatherUntil: until };
    this.#pending.add({ ask, link: id, questions, watches: [], ...end });
    return true;
  }

  #finish(now: Instant, waiter: Waiter, { sections }: LinkAnswer): void {
    const { asker, query } = waiter.ask;
    this.#leave(now, waiter);
    this.#replies.answer(asker, query, sections, circumstancesOf(now, waiter));
  }

  #fail(now: Instant, waiter: Waiter, rcode: number): void {
    const { asker, query } = waiter.ask;
    this.#leave(now, waiter);
    this.#replies.answer(asker, query, bare(rcode), circumstancesOf(now, waiter));
  }

  #leave(now: Instant, waiter: Waiter): void {
    this.#pending.remove(waiter);
    const link = this.#findLink(waiter.link);
    for (const watch of waiter.watches) link?.unwatch(now, watch);
  }

  /** The answer that the link's cache gives, made for this query or for one like it. */
  #consult(now: Instant, ask: Ask, link: Link): Consulted {
    const shared = this.#shared.find(now, ask);
    if (shared !== undefined) return { answer: shared };
    const seen = visible(this.#vantage(now, ask, link), ask.query.question);
    if (!isAnswered(seen)) return { seen };
    const answer = this.#answer(now, ask, link, seen);
    this.#shared.keep(ask, answer);
    return { answer };
  }

  #answer(now: Instant, ask: Ask, link: Link, seen: Visible): LinkAnswer {
    const bytesMax = ask.query.isStream ? streamMessageMax : this.#limits.udpSize;
    return linkAnswer(now, this.#vantage(now, ask, link), seen, bytesMax);
  }

  #vantage(now: Instant, ask: Ask, link: Link): Vantage {
    const view: LinkView = {
      find: (name, type) => link.find(now, name, type),
      denies: (name, type) => link.denies(now, name, type),
    };
    const { zone, client } = ask;
    return { tables: this.#tables, view, zone, client: client.class, counts: this.#counts };
  }
}

function circumstancesOf(now: Instant, { ask: { zone, askedAt } }: Waiter): Circumstances {
  return { zone, waited: elapsed(askedAt, now) };
}

/** Whether a record of this type may be what a query waits for. */
function isAwaited({ questions }: Waiter, type: number): boolean {
  if (type === RRType.CNAME) return true;
  return questions.some((asked) => asked.type === type || asked.type === RRType.ANY);
}

/** Nothing is left to be asked for. */
function isAnswered(seen: Visible): boolean {
  return seen.unresolved === undefined && (seen.known || seen.denied);
}

/** Types, subtypes and the list of types: the questions that many devices answer. */
function isBrowse(ask: Ask): boolean {
  return ask.query.question.type === RRType.PTR && ask.zone.kind !== "reverse";
}

/** What the link still has to be asked: the end of a CNAME chain, or the question itself. */
function openQuestions(ask: Ask, seen: Visible): readonly LinkQuestion[] {
  return seen.unresolved === undefined
    ? linkQuestions(ask.zone, ask.query.question)
    : [seen.unresolved];
}

/** Six seconds from the start of the series, which may have been started by somebody else. */
function endOfWait(
  now: Instant,
  ask: Ask,
  link: Link,
  questions: readonly LinkQuestion[],
): Instant {
  const { wait } = ask.zone.link;
  const ends = questions.map((question) => after(link.startedAt(question) ?? now, wait));
  return instant(Math.max(now, ...ends));
}

/** @returns undefined when the link takes no more questions; then none of these is watched */
function watchAll(
  now: Instant,
  link: Link,
  questions: readonly LinkQuestion[],
  client: string,
): readonly number[] | undefined {
  const watches: number[] = [];
  for (const question of questions) {
    const watch = link.watch(now, question, { kind: "one-shot", client });
    if (watch === undefined) {
      for (const taken of watches) link.unwatch(now, taken);
      return undefined;
    }
    watches.push(watch);
  }
  return watches;
}

function areEqual(some: readonly LinkQuestion[], others: readonly LinkQuestion[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ name, type }, at) => {
      const other = others[at];
      return other !== undefined && other.type === type && other.name.key === name.key;
    })
  );
}
