// DNS Push Notifications (RFC 8765), the server's side: every stream with its
// session, subscriptions as watches on links, and one PUSH for each session and
// batch of changes. A neighbour of the ordinary queries: messages that are not
// DSO pass by it, and are told to it, since they keep a session alive.

import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Timeouts } from "../dso/messages.js";
import { type Outcome, type Request, ServerSession } from "../dso/server-session.js";
import type { Limits } from "../limits.js";
import type { Change } from "../mdns/link.js";
import type { ProxyOptions } from "../proxy/options.js";
import { type Tables, tablesOf } from "../proxy/tables.js";
import { type Duration, earliest, type Instant, ms, seconds } from "../time.js";
import { Rcode } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { Batches } from "./batches.js";
import { addsMaxOf, catchUp } from "./catch-up.js";
import { Desk } from "./desk.js";
import { encodePushes } from "./encode.js";
import { Seat } from "./seat.js";
import type { FindLink } from "./topic.js";

/** Bounds of sessions and subscriptions. */
export type PushLimits = Pick<
  Limits,
  "dsoInactivity" | "dsoKeepalive" | "subscriptions" | "subscriptionsPerSession" | "writeQueue"
>;

export interface PushOptions {
  /** Whether Push is switched on; DSO sessions are taken all the same. */
  readonly isOn: boolean;
  readonly proxy: ProxyOptions;
  readonly limits: PushLimits;
}

/** A stream that was accepted. */
export interface StreamOpening {
  readonly address: string;
  readonly isSecure: boolean;
  /** Whether SUBSCRIBE is taken here; never where the stream is not secure (PUSH-01). */
  readonly takesPush: boolean;
  /** There are too many: the client is turned away after its first DSO request (DSO-43). */
  readonly isTooMuch?: boolean;
}

/** One subscription, for listings. */
export interface SubscriptionState {
  readonly stream: number;
  /** Of its SUBSCRIBE; with the stream it tells one from all others. */
  readonly id: number;
  readonly address: string;
  readonly question: Question;
  /** Records that its client has been told of and that hold. */
  readonly records: number;
  readonly since: Instant;
}

/** What is to be done with a stream. */
export type StreamOutput =
  /** Still lacks its length prefix. */
  | { readonly kind: "message"; readonly stream: number; readonly bytes: Uint8Array }
  /** A TCP reset. The stream is forgotten here. */
  | { readonly kind: "abort"; readonly stream: number };

/**
 * Sessions that are written to in one go: each costs some 20 µs under TLS, and those who ask
 * otherwise have to wait meanwhile.
 */
const sliceMax = 250;

/** Sessions that are told a portion of a large set in one go: each may cost a millisecond. */
const portionsMax = 8;

/** One record looked at costs about as much as so many bytes that are sent. */
const lookCost = 32;

/** Clients that we send away on a restart return this far apart (DSO-44). */
const returnGap: Duration = ms(100);

/** When a client may return that there was no room for. */
const crowdedDelay: Duration = seconds(60);

export class PushServer {
  readonly #findLink: FindLink;
  readonly #counts: Counts;
  readonly #seats = new Map<number, Seat>();
  readonly #deadlines = new Deadlines<Seat>();
  readonly #touched = new Set<Seat>();
  /** Those who are to hear of changes and have not had their turn. */
  readonly #queue = new Set<Seat>();
  #queuedSince: Instant | undefined;
  /** Those who read, and have something to catch up with. */
  readonly #late = new Set<Seat>();
  #lateSince: Instant | undefined;
  #isOn: boolean;
  #tables: Tables;
  #limits: PushLimits;
  #desk: Desk;
  #turnedAway = 0;
  #cost = 0;
  #outputs: StreamOutput[] = [];

  constructor(options: PushOptions, findLink: FindLink, counts: Counts) {
    this.#findLink = findLink;
    this.#counts = counts;
    this.#isOn = options.isOn;
    this.#tables = tablesOf(options.proxy);
    this.#limits = options.limits;
    this.#desk = this.#deskOf();
  }

  /** Begins with a stream. Until its first DSO request it is like any other. */
  open(now: Instant, stream: number, opening: StreamOpening): void {
    const { address, isSecure, takesPush, isTooMuch } = opening;
    const session = new ServerSession(now, {
      isSecure,
      granted: timeoutsOf(this.#limits),
      ...(isTooMuch ? { turnAway: this.#turnAway() } : {}),
    });
    this.#seats.set(
      stream,
      new Seat(stream, session, isSecure && takesPush, address, this.#tables),
    );
  }

  /**
   * Takes one message of a stream.
   *
   * @returns whether it is an ordinary one, to be handed to the queries; `answered` or
   *          `dropped` has to follow then
   */
  receive(now: Instant, stream: number, bytes: Uint8Array): boolean {
    const seat = this.#touch(stream);
    if (seat === undefined) return false;
    const { session } = seat;
    const before = session.bytesPushed;
    const judgedBefore = this.judged;
    const outcome = session.receive(now, bytes);
    if (outcome.kind === "ordinary") return true;
    this.#follow(now, seat, outcome);
    const looks = Math.max(0, this.judged - judgedBefore);
    this.#cost += session.bytesPushed - before + looks * lookCost;
    return false;
  }

  /**
   * Bytes of all replies to DSO messages so far, first PUSHes among them, and what it took to
   * look at records that are withheld.
   */
  get cost(): number {
    return this.#cost;
  }

  /** An ordinary message has its answer. @returns false when that may not be sent any more */
  answered(now: Instant, stream: number): boolean {
    return this.#touch(stream)?.session.answered(now) ?? false;
  }

  /** An ordinary message gets no answer. */
  dropped(now: Instant, stream: number): void {
    this.#touch(stream)?.session.dropped(now);
  }

  /** An LLQ lives on the stream: a session there is not inactive, until `release`. */
  hold(stream: number): void {
    this.#touch(stream)?.session.hold();
  }

  release(now: Instant, stream: number): void {
    this.#touch(stream)?.session.release(now);
  }

  /** An event of an LLQ was sent there. */
  said(now: Instant, stream: number): void {
    this.#touch(stream)?.session.said(now);
  }

  /** The client reads too slowly: changes wait, and are told together when it reads again. */
  blocked(stream: number): void {
    const seat = this.#seats.get(stream);
    if (seat === undefined) return;
    seat.isBlocked = true;
    this.#late.delete(seat);
  }

  drained(now: Instant, stream: number): void {
    const seat = this.#seats.get(stream);
    if (seat === undefined || !seat.isBlocked) return;
    seat.isBlocked = false;
    this.#catchUp(now, seat);
  }

  /** Whether the session's timers hold instead of the stream's idle limit (DSO-07). */
  isSession(stream: number): boolean {
    const kind = this.#seats.get(stream)?.session.state.kind;
    return kind === "established" || kind === "leaving";
  }

  /** Tells the subscribers what follows from one batch of changes. */
  linkChanged(now: Instant, link: string, changes: readonly Change[]): void {
    const batches = new Batches(this.#addsMax);
    batches.addAll(this.#desk.topics.changed(now, link, changes));
    this.#send(now, batches);
  }

  /** Nothing more will come from this link, and nothing that it said holds. */
  linkDown(now: Instant, link: string): void {
    const batches = new Batches(this.#addsMax);
    batches.addAll(this.#desk.topics.lookAtLink(now, link));
    this.#send(now, batches);
  }

  /**
   * Takes up a new configuration. Subscriptions whose zone is gone, or forbidden to the
   * client now, end with a second response (DSO-25); the others hear what is different.
   */
  configure(now: Instant, options: PushOptions): void {
    this.#isOn = options.isOn;
    this.#tables = tablesOf(options.proxy);
    this.#limits = options.limits;
    const before = this.#desk;
    const batches = new Batches(this.#addsMax);
    this.#desk = this.#deskOf();
    for (const seat of this.#seats.values()) {
      seat.classify(this.#tables);
      seat.session.configure(now, timeoutsOf(this.#limits));
      this.#desk.moveIn(now, seat, before, batches);
      this.#touched.add(seat);
    }
    this.#send(now, batches);
  }

  /** Records and names looked at under this configuration: what a change has cost. */
  get judged(): number {
    return this.#desk.topics.judged;
  }

  /** Does what has fallen due: sessions end. */
  expire(now: Instant): void {
    if (this.#queuedSince !== undefined && this.#queuedSince <= now) this.#nextSlice();
    if (this.#lateSince !== undefined && this.#lateSince <= now) this.#nextPortions(now);
    for (;;) {
      const seat = this.#deadlines.takeDue(now);
      if (seat === undefined) return;
      this.#touched.add(seat);
      this.#follow(now, seat, seat.session.expire(now));
    }
  }

  nextDeadline(): Instant | undefined {
    for (const seat of this.#touched) this.#schedule(seat);
    const waiting = earliest(this.#queuedSince, this.#lateSince);
    return earliest(waiting, this.#deadlines.next());
  }

  /** The stream is gone, whoever closed it: so is all that was subscribed to there. */
  streamClosed(now: Instant, stream: number): void {
    const seat = this.#seats.get(stream);
    if (seat !== undefined) this.#forget(now, seat);
  }

  /** Asks every session to come back later, no two at the same time. */
  stop(now: Instant): void {
    let turn = 0;
    for (const seat of this.#seats.values()) {
      const retryDelay = ms(returnGap * (turn + 1));
      if (!seat.session.leave(now, { rcode: Rcode.NOERROR, retryDelay })) continue;
      turn += 1;
      this.#desk.clear(now, seat);
      this.#touched.add(seat);
    }
  }

  /** What is to be done with streams, in order; drains it. */
  takeOutputs(): readonly StreamOutput[] {
    for (const seat of this.#touched) this.#flush(seat);
    this.#touched.clear();
    if (this.#outputs.length === 0) return [];
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** Every subscription, for listings; sessions that come or go meanwhile do no harm. */
  *subscriptions(): Generator<SubscriptionState> {
    for (const seat of [...this.#seats.values()]) {
      const { stream, address } = seat;
      for (const { id, question, since, topic } of seat.subscriptions) {
        const records = topic === undefined ? 0 : seat.toldBy(topic).size;
        yield { stream, id, address, question, records, since };
      }
    }
  }

  /** Numbers for the state dump. */
  dump(): Readonly<Record<string, number>> {
    const sessions = [...this.#seats.values()].filter(({ session }) => session.isEstablished);
    return {
      sessions: sessions.length,
      subscriptions: this.#desk.size,
      topics: this.#desk.topics.size,
    };
  }

  #follow(now: Instant, seat: Seat, outcome: Outcome): void {
    switch (outcome.kind) {
      case "request":
        this.#subscribe(now, seat, outcome.request);
        break;
      case "one-way":
        this.#desk.oneWay(now, seat, outcome);
        break;
      case "abort":
        this.#counts.add("dso-aborts", outcome.reason);
        this.#outputs.push({ kind: "abort", stream: seat.stream });
        this.#forget(now, seat);
        break;
      default:
        break;
    }
    // A session that has just been turned away keeps nothing.
    if (seat.session.state.kind === "leaving") this.#desk.clear(now, seat);
  }

  #subscribe(now: Instant, seat: Seat, request: Request): void {
    if (!this.#desk.subscribe(now, seat, request)) {
      this.#follow(now, seat, seat.session.abort("subscribed-twice"));
    } else if (seat.isBehind && !this.#late.has(seat)) this.#catchUp(now, seat);
  }

  #send(now: Instant, batches: Batches): void {
    for (const [seat, messages] of batches.encode(this.#counts)) {
      for (const message of messages) seat.session.send(now, message);
      if (messages.length > 0) this.#queue.add(seat);
      else this.#fallBehind(now, seat);
    }
    if (this.#queue.size > 0) this.#queuedSince ??= now;
    this.#nextSlice();
  }

  /** Gives their turn to as many as may have it at once. */
  #nextSlice(): void {
    let room = sliceMax;
    for (const seat of this.#queue) {
      if (room === 0) return;
      room -= 1;
      this.#touched.add(seat);
      this.#queue.delete(seat);
    }
    this.#queuedSince = undefined;
  }

  /** Tells a session a portion of what it lacks; the next one follows when others had theirs. */
  #catchUp(now: Instant, seat: Seat): void {
    this.#late.delete(seat);
    if (seat.isBlocked) return;
    const skipped = () => this.#counts.add("records-dropped", "push-too-large");
    const changes = seat.changes(catchUp(seat, this.#addsMax));
    for (const message of encodePushes(changes, skipped)) seat.session.send(now, message);
    this.#touched.add(seat);
    if (seat.isBehind) this.#fallBehind(now, seat);
  }

  #fallBehind(now: Instant, seat: Seat): void {
    if (seat.isBlocked) return;
    this.#late.add(seat);
    this.#lateSince ??= now;
  }

  #nextPortions(now: Instant): void {
    this.#lateSince = undefined;
    let room = portionsMax;
    for (const seat of [...this.#late]) {
      if (room === 0) break;
      room -= 1;
      this.#catchUp(now, seat);
    }
    if (this.#late.size > 0) this.#lateSince = now;
  }

  get #addsMax(): number {
    return addsMaxOf(this.#limits.writeQueue);
  }

  #flush(seat: Seat): void {
    for (const bytes of seat.session.takeMessages()) {
      this.#outputs.push({ kind: "message", stream: seat.stream, bytes });
    }
    this.#queue.delete(seat);
    this.#schedule(seat);
  }

  #touch(stream: number): Seat | undefined {
    const seat = this.#seats.get(stream);
    if (seat !== undefined) this.#touched.add(seat);
    return seat;
  }

  #schedule(seat: Seat): void {
    const next = seat.session.nextDeadline();
    if (next === undefined) this.#deadlines.clear(seat);
    else this.#deadlines.set(seat, next);
  }

  #forget(now: Instant, seat: Seat): void {
    this.#desk.clear(now, seat);
    this.#seats.delete(seat.stream);
    this.#deadlines.clear(seat);
    this.#touched.delete(seat);
    this.#queue.delete(seat);
    this.#late.delete(seat);
    if (this.#queue.size === 0) this.#queuedSince = undefined;
    if (this.#late.size === 0) this.#lateSince = undefined;
  }

  #turnAway() {
    this.#turnedAway = (this.#turnedAway + 1) % 1000;
    const retryDelay = ms(crowdedDelay + returnGap * this.#turnedAway);
    return { rcode: Rcode.SERVFAIL, retryDelay };
  }

  #deskOf(): Desk {
    return new Desk({
      isOn: this.#isOn,
      ground: { tables: this.#tables, findLink: this.#findLink, counts: this.#counts },
      subscriptionsMax: this.#limits.subscriptions,
      perSessionMax: this.#limits.subscriptionsPerSession,
      addsMax: this.#addsMax,
    });
  }
}

function timeoutsOf({ dsoInactivity, dsoKeepalive }: PushLimits): Timeouts {
  return { inactivity: dsoInactivity, keepalive: dsoKeepalive };
}
