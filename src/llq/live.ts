// LLQs that are set up (RFC 8764 §6, §7; RFC 8766 §5.6): the first answers and
// the wait for them, events, their acknowledgement and resending, the end.
// Whether and with which ID one is set up is decided in server.ts.

import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Change, Link } from "../mdns/link.js";
import { additional } from "../proxy/additional.js";
import type { Tables } from "../proxy/tables.js";
import { capped } from "../proxy/ttl.js";
import { linkQuestions } from "../proxy/visible.js";
import type { Random } from "../random.js";
import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import type { Asker, Reply } from "./asker.js";
import { endOfWait, followAliases, release, rewatch, watchAll } from "./interest.js";
import { fullRetrySeconds, leaseEnd, leaseLeft } from "./lease.js";
import {
  difference,
  keyOf,
  type Llq,
  patience,
  type RRMap,
  rrMap,
  sendingsMax,
  settle,
} from "./llq.js";
import { blind, type Look, lookAt, lookKey, vantageOf } from "./look.js";
import { type Answers, encodeAnswers, encodeEvent, failure, success } from "./messages.js";
import type { Opened, Opening } from "./opening.js";
import { LlqError, LlqOpcode } from "./option.js";
import type { Acknowledgement, Request } from "./receive.js";
import { LlqTable } from "./table.js";

/** Finds a link; undefined when it is not used. Marks it as touched for the engine. */
export type FindLink = (id: string) => Link | undefined;

/** How long an ID that has ended is remembered: late copies of its set-up must not revive it. */
const endedLife: Duration = seconds(60);
const endedMax = 1000;

type Beginning = Pick<
  Llq,
  "id" | "asker" | "client" | "question" | "issuedLeaseSeconds" | "messageMax" | "class" | "zone"
>;

/** What an answer is made of; `seen` where it is all that the client sees. */
interface Made extends Answers {
  readonly seen?: RRMap;
}

const none: ReadonlySet<string> = new Set();

export class LiveLlqs {
  readonly table = new LlqTable();
  readonly #findLink: FindLink;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #deadlines = new Deadlines<Llq>();
  readonly #openings = new Deadlines<Opening>();
  readonly #ended = new Map<bigint, Instant>();
  /** Records and names looked at so far. */
  judged = 0;
  #tables: Tables;
  #replies: Reply[] = [];
  /** Streams that take nothing at present. */
  readonly #blocked = new Set<number>();
  /** Streams whose last LLQ has ended. */
  #released: number[] = [];
  /** Looks of one round of changes: LLQs of many clients see the same. */
  #looks: Map<string, Look> | undefined;

  constructor(tables: Tables, findLink: FindLink, random: Random, counts: Counts) {
    this.#tables = tables;
    this.#findLink = findLink;
    this.#random = random;
    this.#counts = counts;
  }

  /** @returns undefined when the link takes no more questions */
  begin(now: Instant, beginning: Beginning, grantedAt: Instant): Llq | undefined {
    const { zone, question, client, issuedLeaseSeconds } = beginning;
    const link = this.#findLink(zone.link.link);
    const watches = link && watchAll(now, link, linkQuestions(zone, question), client);
    if (watches === undefined) return undefined;
    const llq: Llq = {
      ...beginning,
      begunAt: now,
      expiresAt: leaseEnd(grantedAt, issuedLeaseSeconds),
      watches,
      aliasWatches: [],
      names: [],
      told: new Map(),
      owed: none,
      isStale: false,
    };
    this.table.add(llq);
    this.#schedule(llq);
    this.#counts.add("llq", "begun");
    return llq;
  }

  /** Replies to a request now or, while nothing is known, by the end of the wait (PRX-03). */
  open(now: Instant, asker: Asker, request: Request, max: number, opened: readonly Opened[]): void {
    const { id, recursionDesired, paddedMax } = request;
    const padded = paddedMax === undefined ? {} : { paddedMax };
    const head = { asker, id, recursionDesired, ...padded, messageMax: max, opened };
    const opening: Opening = { ...head, deadline: now };
    const fresh = opened.flatMap(({ llq, isNew }) => (llq !== undefined && isNew ? [llq] : []));
    for (const llq of fresh) llq.opening = opening;
    const isAnswered = fresh.map((llq) => this.#look(now, llq).isAnswered).includes(true);
    const isRepeated = opened.some(({ llq, isNew }) => llq !== undefined && !isNew);
    if (isAnswered || isRepeated || fresh.length === 0) {
      this.#finish(now, opening);
      return;
    }
    for (const llq of fresh) {
      const link = this.#findLink(llq.zone.link.link);
      const end = link === undefined ? now : endOfWait(now, link, llq);
      if (end > opening.deadline) opening.deadline = end;
    }
    if (opening.deadline <= now) this.#finish(now, opening);
    else this.#openings.set(opening, opening.deadline);
  }

  /** Whether a late copy of a set-up would revive what has ended. */
  hasEnded(now: Instant, id: bigint): boolean {
    const until = this.#ended.get(id);
    return until !== undefined && until > now;
  }

  /** The client asks anew: the same ID may live again. */
  forgive(id: bigint): void {
    this.#ended.delete(id);
  }

  renew(llq: Llq, now: Instant, leaseSeconds: number): void {
    llq.expiresAt = leaseEnd(now, leaseSeconds);
    this.#schedule(llq);
  }

  acknowledge(now: Instant, asker: Asker, { id, options }: Acknowledgement): void {
    for (const option of options) {
      const llq = this.table.find(asker, option.id);
      const { outstanding } = llq ?? {};
      const isRight = option.opcode === LlqOpcode.EVENT && outstanding?.id === id;
      if (llq === undefined || outstanding === undefined || !isRight) {
        // On a stream nothing waits for it (LLQ-24).
        if (asker.transport === "udp") this.#counts.add("drops", "llq-acknowledgement");
        continue;
      }
      delete llq.outstanding;
      settle(llq, outstanding.told, outstanding.result);
      if (llq.isStale) this.#tell(now, llq);
      this.#schedule(llq);
    }
  }

  linkChanged(now: Instant, link: string, changes: readonly Change[]): void {
    const touched = new Set<Llq>();
    for (const change of changes) {
      const { key } = change.kind === "deny" ? change.name : change.rr.name;
      for (const llq of this.table.at(link, key)) touched.add(llq);
    }
    this.#lookAgain(now, touched);
  }

  linkDown(now: Instant, link: string): void {
    this.#lookAgain(
      now,
      this.table.all().filter(({ zone }) => zone.link.link === link),
    );
  }

  /** An LLQ ends with its connection (LLQ-24). */
  streamClosed(now: Instant, stream: number): void {
    for (const llq of this.table.onStream(stream)) {
      if (llq.opening !== undefined) this.#openings.clear(llq.opening);
      delete llq.opening;
      this.end(now, llq, "stream-closed");
    }
    this.#blocked.delete(stream);
  }

  expire(now: Instant): void {
    for (let due = this.#openings.takeDue(now); due !== undefined; ) {
      this.#finish(now, due);
      due = this.#openings.takeDue(now);
    }
    for (let llq = this.#deadlines.takeDue(now); llq !== undefined; ) {
      this.#expireOne(now, llq);
      llq = this.#deadlines.takeDue(now);
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#deadlines.next(), this.#openings.next());
  }

  /** @param rebind  gives zone and class anew; false when such an LLQ is granted no more */
  configure(now: Instant, tables: Tables, rebind: (llq: Llq) => boolean): void {
    this.#tables = tables;
    for (const llq of this.table.all()) {
      const link = llq.zone.link.link;
      if (rebind(llq) && llq.zone.link.link === link && this.#rewatch(now, llq)) continue;
      this.end(now, llq, "unconfigured");
    }
    this.#lookAgain(now, this.table.all());
  }

  /** Nothing in the protocol says goodbye to clients; who waits gets a reply. */
  stop(now: Instant): void {
    for (const llq of this.table.all()) this.end(now, llq, "stopped");
  }

  /** @param why  one of a few words, for the counts */
  end(now: Instant, llq: Llq, why: string): void {
    if (!this.table.has(llq)) return;
    this.table.remove(llq);
    this.#deadlines.clear(llq);
    const link = this.#findLink(llq.zone.link.link);
    if (link !== undefined) release(now, link, [...llq.watches, ...llq.aliasWatches]);
    this.#counts.add("llq", why);
    this.#remember(now, llq);
    this.#release(llq);
    const { opening } = llq;
    delete llq.opening;
    const isOver = opening?.opened.every((one) => !one.llq || !this.table.has(one.llq));
    if (opening !== undefined && isOver) this.#finish(now, opening);
  }

  /** The client reads too slowly: what changes is told together when it reads again. */
  blocked(stream: number): void {
    this.#blocked.add(stream);
  }

  drained(now: Instant, stream: number): void {
    if (!this.#blocked.delete(stream)) return;
    for (const llq of this.table.onStream(stream)) if (llq.isStale) this.#tell(now, llq);
  }

  /** Streams whose last LLQ has ended since this was called last. */
  takeReleased(): readonly number[] {
    const released = this.#released;
    if (released.length > 0) this.#released = [];
    return released;
  }

  push(to: Asker, bytes: Uint8Array, isEvent = false): void {
    this.#replies.push({ to, bytes, isEvent });
  }

  takeReplies(): readonly Reply[] {
    const replies = this.#replies;
    if (replies.length > 0) this.#replies = [];
    return replies;
  }

  #finish(now: Instant, opening: Opening): void {
    this.#openings.clear(opening);
    const answers = opening.opened.map((one) => this.#answersOf(now, opening, one));
    const { bytes, told } = encodeAnswers(opening.messageMax, opening, answers);
    this.push(opening.asker, bytes);
    for (const [at, { llq }] of opening.opened.entries()) {
      if (llq === undefined || !this.table.has(llq)) continue;
      const { rrs, seen } = answers[at] as Made;
      const count = told[at] as number;
      if (llq.opening === opening) {
        delete llq.opening;
        llq.told = seen !== undefined && count === seen.size ? seen : rrMap(rrs.slice(0, count));
      } else {
        // The client may have lost what it had: it is told again what had no room.
        llq.owed = new Set([...llq.owed, ...rrs.slice(count).map(keyOf)]);
        // With the event on its way, that is no longer all of it.
        delete llq.outstanding?.result;
      }
      this.#tell(now, llq);
      this.#schedule(llq);
    }
  }

  #answersOf(now: Instant, opening: Opening, { question, llq, error }: Opened): Made {
    const bare = { question, rrs: [], additionals: [] };
    if (llq === undefined) {
      const retry = error === LlqError.SERV_FULL ? fullRetrySeconds : 0;
      return { ...bare, option: failure(LlqOpcode.SETUP, error, retry) };
    }
    if (!this.table.has(llq)) return { ...bare, option: success(LlqOpcode.SETUP, llq.id, 0) };
    const option = success(LlqOpcode.SETUP, llq.id, leaseLeft(now, llq.expiresAt));
    // A repeated reply is what the client would have without the events that are still to come.
    if (llq.opening !== opening) return { ...bare, option, rrs: [...llq.told.values()] };
    const look = this.#look(now, llq);
    const link = this.#findLink(llq.zone.link.link);
    if (link === undefined) return { ...bare, option };
    const at = vantageOf(now, this.#tables, link, llq, this.#counts);
    // No event ever takes an additional record back, so it lives as long as in other answers.
    const extra = additional(at, look.visible).map((set) =>
      capped(now, set, llq.zone.link.ttlSeconds),
    );
    const rrs = [...look.rrs.values()];
    return { question, option, rrs, additionals: extra, seen: look.rrs };
  }

  #lookAgain(now: Instant, touched: Iterable<Llq>): void {
    this.#looks = new Map();
    for (const llq of touched) {
      if (!this.table.has(llq)) continue;
      if (llq.opening !== undefined) {
        if (this.#look(now, llq).isAnswered) this.#finish(now, llq.opening);
        continue;
      }
      this.#tell(now, llq);
      this.#schedule(llq);
    }
    this.#looks = undefined;
  }

  /** Sends what the client's copy lacks, unless an event is on its way already. */
  #tell(now: Instant, llq: Llq): void {
    if (llq.opening !== undefined) return;
    if (llq.outstanding !== undefined || this.#isBlocked(llq)) {
      llq.isStale = true;
      return;
    }
    for (;;) {
      const look = this.#look(now, llq);
      const change = difference(llq, look.rrs);
      llq.isStale = false;
      if (change.removed.length + change.added.length === 0) return;
      const id = this.#random.uint32() & 0xffff;
      const event = encodeEvent(llq.messageMax, id, llq.question, llq.id, change);
      if (event === undefined) {
        this.#counts.add("records-dropped", "llq-too-large");
        return;
      }
      this.#counts.add("llq", "events");
      this.push(llq.asker, event.bytes, true);
      const { bytes, told } = event;
      const result = event.isComplete ? { result: look.rrs } : {};
      if (llq.asker.transport === "udp") {
        llq.outstanding = { id, bytes, told, ...result, sent: 1, dueAt: after(now, patience(1)) };
        llq.isStale = !event.isWhole;
        return;
      }
      settle(llq, told, result.result);
      if (event.isWhole) return;
    }
  }

  #expireOne(now: Instant, llq: Llq): void {
    const { outstanding } = llq;
    if (llq.expiresAt <= now) {
      this.end(now, llq, "expired");
      return;
    }
    if (outstanding !== undefined && outstanding.dueAt <= now) {
      if (outstanding.sent === sendingsMax) {
        this.end(now, llq, "unacknowledged");
        return;
      }
      outstanding.sent += 1;
      outstanding.dueAt = after(now, patience(outstanding.sent));
      this.#counts.add("llq", "events-resent");
      this.push(llq.asker, outstanding.bytes, true);
    }
    this.#schedule(llq);
  }

  #look(now: Instant, llq: Llq): Look {
    const link = this.#findLink(llq.zone.link.link);
    if (link === undefined) return blind;
    const key = this.#looks === undefined ? "" : lookKey(llq);
    const known = this.#looks?.get(key);
    const look = known ?? lookAt(vantageOf(now, this.#tables, link, llq, this.#counts), llq);
    if (known === undefined) this.judged += look.visible.length + look.names.length;
    this.#looks?.set(key, look);
    this.table.rename(llq, look.names);
    followAliases(now, link, llq, look);
    return look;
  }

  #rewatch(now: Instant, llq: Llq): boolean {
    const link = this.#findLink(llq.zone.link.link);
    return link !== undefined && rewatch(now, link, llq);
  }

  #schedule(llq: Llq): void {
    const due = earliest(llq.expiresAt, llq.outstanding?.dueAt);
    if (due !== undefined && this.table.has(llq)) this.#deadlines.set(llq, due);
  }

  #isBlocked({ asker }: Llq): boolean {
    return asker.transport !== "udp" && this.#blocked.has(asker.stream);
  }

  #release({ asker }: Llq): void {
    if (asker.transport === "udp" || this.table.onStream(asker.stream).length > 0) return;
    this.#released.push(asker.stream);
  }

  #remember(now: Instant, { id, asker }: Llq): void {
    if (asker.transport !== "udp") return;
    for (const [oldest, until] of this.#ended) {
      if (until > now && this.#ended.size < endedMax) break;
      this.#ended.delete(oldest);
    }
    this.#ended.set(id, after(now, endedLife));
  }
}
