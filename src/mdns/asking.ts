// What a link asks, and when (RFC 6762 §5.2, §5.3, §7.3; RFC 8766 §9.3): lets
// each question's plan fall due, packs due questions, holds to the rate limit
// with a fair turn for every client, yields to other hosts' queries. A delayed
// packet shifts its questions; none is dropped.

import type { Family } from "../address.js";
import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Random } from "../random.js";
import { after, type Instant, instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { MdnsDatagram } from "./accept.js";
import type { Cache, Departure } from "./cache.js";
import { FairQueue } from "./fair-queue.js";
import { type Asked, encodeQuery, PacketSize } from "./query-packets.js";
import type { ActiveQuestion } from "./question.js";
import type { QuestionTable } from "./question-table.js";
import { type CachedRR, identityOf } from "./record.js";
import { SendWindow } from "./send-window.js";
import { mdnsPort, rateSpan, topBit, unicastSpan } from "./timing.js";
import type { Interest } from "./watch.js";

/** A packet for the group. */
export interface GroupPacket {
  readonly family: Family;
  readonly bytes: Uint8Array;
}

export class Asking {
  readonly #table: QuestionTable;
  readonly #cache: Cache;
  readonly #isDisputed: (record: CachedRR) => boolean;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #window: SendWindow;
  /** When each question has to be sent, and from when on it may join a packet. */
  readonly #due = new Deadlines<ActiveQuestion>();
  readonly #open = new Deadlines<ActiveQuestion>();
  readonly #queue = new FairQueue<ActiveQuestion>();
  /** Taken from the queue for a packet that the rate limit holds back. */
  #held: ActiveQuestion[] = [];
  /** When the rate limit lets the next packet through; past while it holds nothing back. */
  #freeAt = instant(0);
  /** Until when answers by unicast are awaited, by question; the span is one for all. */
  readonly #awaited = new Map<string, Instant>();
  #mayAskUnicast = false;
  #families: readonly Family[] = [];
  #payload = 0;
  #packets: GroupPacket[] = [];

  constructor(
    table: QuestionTable,
    cache: Cache,
    isDisputed: (record: CachedRR) => boolean,
    packetsPerSecond: number,
    random: Random,
    counts: Counts,
  ) {
    this.#table = table;
    this.#cache = cache;
    this.#isDisputed = isDisputed;
    this.#random = random;
    this.#counts = counts;
    this.#window = new SendWindow(packetsPerSecond, rateSpan);
  }

  limit(packetsPerSecond: number): void {
    this.#window.limit(packetsPerSecond);
    this.#freeAt = instant(0);
  }

  /**
   * @param families  those that the link has now; none while it is down
   * @param payload   bytes of message that fit into a packet of each of them
   */
  reach(families: readonly Family[], payload: number): void {
    this.#families = families;
    this.#payload = payload;
  }

  /** Whether answers by unicast would reach us. */
  allowUnicast(isAllowed: boolean): void {
    this.#mayAskUnicast = isAllowed;
  }

  /** Whether a QU question of ours left so lately that answers may come by unicast (§6). */
  awaitsUnicast(now: Instant): boolean {
    for (const [oldest, until] of this.#awaited) {
      if (until > now) return true;
      this.#awaited.delete(oldest);
    }
    return false;
  }

  /** Whether a unicast response answers such a question, with any of its records. */
  isAwaited(now: Instant, { answers }: Message): boolean {
    return answers.some(({ name, type }) =>
      [type, RRType.ANY].some((asked) => (this.#awaited.get(awaitedKey(name, asked)) ?? 0) > now),
    );
  }

  /** A first watch of its kind: begins the series, if what is held is not enough. */
  begin(now: Instant, question: ActiveQuestion, interest: Interest): void {
    const isContent = interest.kind === "standing" && interest.takesHeld === true;
    const isAnswered = isContent && this.#answers(now, question).some(({ isUnique }) => isUnique);
    if (isAnswered) this.replan(now, question);
    else this.start(now, question);
  }

  /** Begins the question's series. */
  start(now: Instant, question: ActiveQuestion): void {
    question.start(now, this.#random);
    this.replan(now, question);
  }

  /** Every question begins anew: the link came up, or is another one now. */
  restart(now: Instant): void {
    for (const question of this.#table.all()) {
      if (question.isWatched) question.restart(now, this.#random);
      this.replan(now, question);
    }
  }

  /** What is held for a running question is to be kept fresh from now on. */
  replan(now: Instant, question: ActiveQuestion): void {
    question.planRefresh(this.#answers(now, question), this.#random);
    this.#schedule(question);
  }

  /** Another client waits for a question that waits for its turn: it comes with either's. */
  join(question: ActiveQuestion, client: string): void {
    if (this.#queue.has(question)) this.#queue.add(question, client);
  }

  /** A watch left: less is to be asked, or nothing. */
  left(question: ActiveQuestion): void {
    this.#schedule(question);
  }

  /** Asks about a disputed record, beside whatever series there is. */
  confirm(now: Instant, question: ActiveQuestion): void {
    question.confirm(now, this.#random);
    this.#schedule(question);
  }

  /** The link is down: nothing is asked until `start`. */
  halt(): void {
    for (const question of this.#table.all()) {
      question.halt();
      this.#unschedule(question);
    }
    this.#queue.clear();
    this.#held = [];
  }

  /** A record was heard, for the first time or again. */
  heard(record: CachedRR): void {
    for (const question of this.#table.answeredBy(record.owner.name, record.type)) {
      const isAnswered = record.isUnique && question.hasSeries;
      if (isAnswered) question.stopSeries();
      if (question.include(record, this.#random) || isAnswered) this.#schedule(question);
    }
  }

  /** A record is gone: where it was the answer that ended a standing series, ask anew. */
  lost(now: Instant, record: CachedRR, why: Departure): void {
    if (why === "evicted" || why === "down") return;
    for (const question of this.#table.answeredBy(record.owner.name, record.type)) {
      if (!question.isStanding || question.hasSeries) continue;
      if (this.#answers(now, question).length === 0) this.start(now, question);
    }
  }

  /**
   * Another host asked a question of ours by multicast (RFC 6762 §7.3): ours counts as sent
   * on that family, if no answer to us is suppressed by what the other host knows already.
   */
  yieldTo(now: Instant, datagram: MdnsDatagram, message: Message): void {
    const { family, source, isMulticast } = datagram;
    // Asked in another way, the answers go to the other host alone; cut off, it is not known to
    // which answers it objects.
    if (!isMulticast || source.port !== mdnsPort || message.tc) return;
    for (const { name, type, class: rawClass } of message.questions) {
      if (rawClass !== 1) continue;
      const question = this.#table.find(name, type);
      if (question === undefined || !question.mayYield(now)) continue;
      const known = message.answers.filter(
        (rr) => rr.name.key === name.key && question.isAnsweredBy(rr.type),
      );
      const ours = known.length === 0 ? undefined : this.#knownAnswers(now, question);
      if (ours !== undefined && !isSubset(known, ours)) continue;
      this.#counts.add("mdns-questions", "yielded");
      question.done.add(family);
      this.#completeIfDone(now, question, true);
    }
  }

  /** Sends what is due, as far as the rate limit allows. */
  expire(now: Instant): void {
    if (this.#families.length === 0) return;
    this.#collect(now, this.#due);
    if (this.#queue.size + this.#held.length === 0) return;
    if (this.#freeAt > now) return;
    // What may be sent soon joins now: one packet instead of two.
    this.#collect(now, this.#open);
    while (this.#sendNext(now));
  }

  nextDeadline(): Instant | undefined {
    if (this.#families.length === 0) return undefined;
    if (this.#queue.size + this.#held.length > 0) return this.#freeAt;
    return this.#due.next();
  }

  takePackets(): readonly GroupPacket[] {
    if (this.#packets.length === 0) return [];
    const packets = this.#packets;
    this.#packets = [];
    return packets;
  }

  #collect(now: Instant, deadlines: Deadlines<ActiveQuestion>): void {
    for (;;) {
      const question = deadlines.takeDue(now);
      if (question === undefined) return;
      this.#due.clear(question);
      this.#open.clear(question);
      if (!this.#isReady(now, question)) continue;
      for (const { client } of question.watches.values()) this.#queue.add(question, client);
    }
  }

  /** Whether the question is still to be sent: what it was planned for may have come meanwhile. */
  #isReady(now: Instant, question: ActiveQuestion): boolean {
    question.planRefresh(this.#answers(now, question), this.#random);
    const deniedUntil = this.#cache.deniedUntil(now, question.name, question.type);
    if (deniedUntil !== undefined) question.postpone(deniedUntil, this.#random);
    const openAt = question.plan()?.openAt;
    if (openAt !== undefined && openAt <= now) return true;
    this.#schedule(question);
    return false;
  }

  /** @returns whether a packet left, so that another may. */
  #sendNext(now: Instant): boolean {
    if (this.#queue.size + this.#held.length === 0) return false;
    // Nobody is taken out of turn before a packet may leave: who comes meanwhile has a turn too.
    if (!this.#mayLeave(now, 1)) return false;
    const batch = this.#takeBatch(now);
    const { packets, omitted } = encodeQuery(batch, this.#payload, this.#window.max);
    if (omitted > 0) this.#counts.add("mdns-known-answers", "omitted", omitted);
    const questions = batch.map(({ active }) => active);
    for (const family of this.#families) {
      if (questions[0]?.done.has(family)) continue;
      if (!this.#mayLeave(now, packets.length)) {
        this.#held = [...questions, ...this.#held];
        return false;
      }
      this.#window.take(now, packets.length);
      for (const bytes of packets) this.#packets.push({ family, bytes });
      for (const question of questions) question.done.add(family);
    }
    for (const { question } of batch) this.#expectUnicast(now, question);
    for (const question of questions) this.#completeIfDone(now, question, false);
    return true;
  }

  #expectUnicast(now: Instant, { name, type, class: rawClass }: Question): void {
    if ((rawClass & topBit) === 0) return;
    const key = awaitedKey(name, type);
    this.#awaited.delete(key);
    this.#awaited.set(key, after(now, unicastSpan));
  }

  #mayLeave(now: Instant, count: number): boolean {
    this.#freeAt = this.#window.freeAt(now, count);
    if (this.#freeAt <= now) return true;
    this.#counts.add("mdns-packets", "delayed");
    return false;
  }

  /** Questions for one packet: all to the same families, as many as fit. */
  #takeBatch(now: Instant): (Asked & { readonly active: ActiveQuestion })[] {
    const size = new PacketSize(this.#payload);
    const batch: (Asked & { readonly active: ActiveQuestion })[] = [];
    for (;;) {
      const active = this.#held.shift() ?? this.#queue.take();
      if (active === undefined) return batch;
      const asked = this.#asked(now, active);
      const first = batch[0]?.active ?? active;
      if (!isSame(first.done, active.done) || !size.add(asked)) {
        this.#held.unshift(active);
        return batch;
      }
      batch.push({ ...asked, active });
    }
  }

  #asked(now: Instant, question: ActiveQuestion): Asked {
    const { name, type } = question;
    const isUnicast = this.#mayAskUnicast && question.asksUnicast(now);
    const asked = { name, type, class: isUnicast ? 1 | topBit : 1 };
    return { question: asked, knownAnswers: this.#knownAnswers(now, question) };
  }

  /** RFC 6762 §7.1: shared records with half their life left, by what is left of it. */
  #knownAnswers(now: Instant, question: ActiveQuestion): RR[] {
    const known: RR[] = [];
    for (const record of this.#cache.live(now, question.name, question.type)) {
      if (record.isUnique || this.#isDisputed(record)) continue;
      const leftSeconds = Math.floor((record.expiresAt - now) / 1000);
      if (2 * leftSeconds >= record.ttlSeconds) known.push(record.toRR(leftSeconds));
    }
    return known;
  }

  #answers(now: Instant, question: ActiveQuestion): CachedRR[] {
    return this.#cache.answers(now, question.name, question.type);
  }

  #completeIfDone(now: Instant, question: ActiveQuestion, isYielded: boolean): void {
    if (!this.#families.every((family) => question.done.has(family))) return;
    question.complete(now, this.#answers(now, question), this.#random, isYielded);
    this.#schedule(question);
  }

  /** Sets the deadlines of a question by its plan; out of the queue it comes by them alone. */
  #schedule(question: ActiveQuestion): void {
    this.#unschedule(question);
    if (this.#families.length === 0 || question.watches.size === 0) return;
    const plan = question.plan();
    if (plan === undefined) return;
    this.#due.set(question, plan.dueAt);
    this.#open.set(question, plan.openAt);
  }

  #unschedule(question: ActiveQuestion): void {
    this.#due.clear(question);
    this.#open.clear(question);
    this.#queue.remove(question);
    const index = this.#held.indexOf(question);
    if (index >= 0) this.#held.splice(index, 1);
  }
}

function isSame(a: ReadonlySet<Family>, b: ReadonlySet<Family>): boolean {
  return a.size === b.size && [...a].every((family) => b.has(family));
}

/** Whether every one of `known` is also one that we would list. */
function isSubset(known: readonly RR[], ours: readonly RR[]): boolean {
  const listed = new Set(ours.map(recordKey));
  return known.every((rr) => listed.has(recordKey(rr)));
}

const awaitedKey = (name: Name, type: number): string => `${type} ${name.key}`;

const recordKey = (rr: RR): string => `${rr.type} ${identityOf(rr.type, rr.rdata)}`;
