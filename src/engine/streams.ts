// Connections that carry DNS messages (RFC 7766): framing, many queries at once
// answered out of order, in turns, the idle limit, the limits on how many there
// are. A message is for push/, llq/ or query/, which are asked in this order;
// what it means is decided there. Bytes waiting for a slow reader are counted by
// the driver, which aborts a connection that leaves too many.

import { clientKey, parseAddress } from "../address.js";
import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import { type Limits, pipelinedMax, turnedAwayMax } from "../limits.js";
import type { LlqServer } from "../llq/server.js";
import type { PushServer } from "../push/server.js";
import type { Queries } from "../query/queries.js";
import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import type { Effect, Input, Peer, StreamId, StreamTransport } from "./io.js";

/** How long a client may take to close its side after we have closed ours. */
const closingPatience: Duration = seconds(5);

/** The same when the daemon ends. */
const stoppingPatience: Duration = seconds(1);

/**
 * How long a client may take to read what it was sent: a few hundred kilobytes, which even the
 * slowest radio link carries in this time.
 */
const readingPatience: Duration = seconds(60);

/**
 * What one connection may cost before others have their turn: bytes of answers, and each
 * query besides. One piece of bytes can hold thousands of queries, each for 64 KiB.
 */
const turnCostMax = 256 * 1024;
const queryCost = 1024;

interface Stream {
  readonly id: StreamId;
  /** Whose queries these are; `isSession` follows the session. */
  readonly asker: {
    readonly transport: StreamTransport;
    readonly stream: StreamId;
    readonly peer: Peer;
    readonly isProbe?: boolean;
    isSession: boolean;
  };
  readonly client: string;
  /** One too many: kept for its first DSO request, and for nothing else (DSO-43). */
  readonly isTurnedAway: boolean;
  readonly frames: FrameReader;
  /** Queries read and not yet answered. */
  due: number;
  /** Spent in this turn. */
  cost: number;
  isPaused: boolean;
  /** The client does not read as fast as it is written to. */
  isBlocked: boolean;
  /** An LLQ lives here. */
  hasLlqs: boolean;
  /** The client has shut down its side and reads on (TCP-09). */
  hasEnded: boolean;
  /** We have closed; the connection is aborted when the client does not follow. */
  isClosing: boolean;
}

/** Who looks at the messages of a stream. */
export interface Readers {
  readonly push: PushServer;
  readonly llq: LlqServer;
  readonly queries: Queries;
}

type Opening = Extract<Input, { kind: "stream-open" }>;

export class Streams {
  readonly #streams = new Map<StreamId, Stream>();
  readonly #perClient = new Map<string, number>();
  /** How many are too many. */
  #turnedAway = 0;
  readonly #deadlines = new Deadlines<StreamId>();
  /** When those that are blocked are given up. */
  readonly #blocked = new Deadlines<StreamId>();
  readonly #touched = new Set<Stream>();
  /** Those whose turn is over; the next one comes as soon as the engine is asked again. */
  readonly #waiting = new Set<Stream>();
  #waitingSince: Instant | undefined;
  readonly #readers: Readers;
  readonly #counts: Counts;
  #limits: Limits;
  #effects: Effect[] = [];
  /** What was told last, and its frame: a thousand subscribers are told the same (PUSH-26). */
  #told: { readonly message: Uint8Array; readonly frame: Uint8Array } | undefined;
  #isStopped = false;

  constructor(limits: Limits, readers: Readers, counts: Counts) {
    this.#limits = limits;
    this.#readers = readers;
    this.#counts = counts;
  }

  get size(): number {
    return this.#streams.size;
  }

  configure(limits: Limits): void {
    this.#limits = limits;
  }

  open(now: Instant, opening: Opening): void {
    const { stream: id, transport, source: peer, takesPush, isProbe = false } = opening;
    const address = parseAddress(peer.address);
    const client = address === undefined ? "" : clientKey(address);
    const isTooMuch =
      this.#streams.size - this.#turnedAway >= this.#limits.connections ||
      (this.#perClient.get(client) ?? 0) >= this.#limits.connectionsPerClient;
    // A session has a word for "come back later", as long as there is room to wait for it.
    const isTurnedAway = isTooMuch && transport === "tls" && this.#turnedAway < turnedAwayMax;
    const stream: Stream = {
      id,
      asker: { transport, stream: id, peer, isProbe, isSession: false },
      client,
      isTurnedAway,
      frames: new FrameReader(),
      due: 0,
      cost: 0,
      isPaused: false,
      isBlocked: false,
      hasLlqs: false,
      hasEnded: false,
      isClosing: false,
    };
    this.#streams.set(id, stream);
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    if (!isProbe) this.#counts.add("streams", "opened");
    if (isTooMuch) this.#counts.add("limits", "connections");
    if (isTurnedAway) this.#turnedAway += 1;
    else if (isTooMuch) {
      this.#close(now, stream);
      return;
    }
    const { address: from } = peer;
    const isSecure = transport === "tls";
    this.#readers.push.open(now, id, { address: from, isSecure, takesPush, isTooMuch });
    this.#deadlines.set(id, after(now, this.#limits.tcpIdle));
  }

  receive(now: Instant, id: StreamId, bytes: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing || stream.hasEnded) return;
    stream.frames.push(bytes);
    this.#read(now, stream);
  }

  /**
   * The client does not read as fast as it is written to. It gets the rest of its turn; what it
   * asks beyond that waits until it has caught up, so that one who reads steadily is not reset
   * for what it asked ahead. One who reads nothing at all is (PUSH-38).
   */
  blocked(now: Instant, id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.isBlocked = true;
    stream.cost = 0;
    this.#blocked.set(id, after(now, readingPatience));
  }

  drained(now: Instant, id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const wasStalled = this.#isStalled(stream);
    stream.isBlocked = false;
    this.#blocked.clear(id);
    if (!wasStalled || stream.isClosing) return;
    stream.cost = 0;
    if (stream.due > 0) this.#deadlines.clear(id);
    this.#readOn(now, stream);
  }

  /** The client shut down its side: what is due is still sent, then we close. */
  ended(now: Instant, id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing) return;
    stream.hasEnded = true;
    if (!this.#isBusy(stream)) this.#close(now, stream);
  }

  closed(now: Instant, id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#leave(now, stream);
    this.#forget(stream);
  }

  /** Sends one answer, out of order as it comes (RFC 7766 §6.2.1.1). */
  answer(now: Instant, id: StreamId, message: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing) return;
    // A session that was told to go hears nothing any more (DSO-41).
    if (this.#readers.push.answered(now, id)) this.#write(id, message);
    stream.due -= 1;
    this.#readOn(now, stream);
  }

  /** Sends a message that no query on this stream asked for; it is not changed afterwards. */
  tell(now: Instant, id: StreamId, message: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing) return;
    if (this.#told?.message !== message) this.#told = { message, frame: encodeFrame(message) };
    this.#effects.push({ kind: "write", stream: id, bytes: this.#told.frame });
    if (!this.#isBusy(stream)) this.#rest(now, stream);
  }

  /** Resets the connection. */
  abort(now: Instant, id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#effects.push({ kind: "abort", stream: id });
    this.#leave(now, stream);
    this.#forget(stream);
  }

  expire(now: Instant): void {
    const turns = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingSince = undefined;
    for (const stream of turns) {
      stream.cost = 0;
      this.#readOn(now, stream);
    }
    for (let id = this.#blocked.takeDue(now); id !== undefined; ) {
      this.#counts.add("streams", "unread");
      this.abort(now, id);
      id = this.#blocked.takeDue(now);
    }
    for (;;) {
      const id = this.#deadlines.takeDue(now);
      if (id === undefined) return;
      const stream = this.#streams.get(id);
      if (stream === undefined) continue;
      if (stream.isClosing) this.abort(now, id);
      else if (!this.#isHeld(id)) {
        this.#counts.add("streams", "idle");
        this.#close(now, stream);
      }
    }
  }

  nextDeadline(): Instant | undefined {
    const next = earliest(this.#blocked.next(), this.#deadlines.next());
    return earliest(this.#waitingSince, next);
  }

  /**
   * Closes every connection as soon as what is due there is answered; reads no more. Sessions
   * have been asked to leave, and are reset when they do not.
   */
  stop(now: Instant): void {
    this.#isStopped = true;
    this.#waiting.clear();
    this.#waitingSince = undefined;
    for (const { id } of [...this.#streams.values()]) {
      if (!this.#readers.push.isSession(id)) this.ended(now, id);
    }
  }

  /** No LLQ lives there any more: the idle limit runs again (LLQ-24). */
  released(now: Instant, id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing) return;
    if (stream.hasLlqs) this.#readers.push.release(now, id);
    stream.hasLlqs = false;
    if (!this.#isBusy(stream)) this.#rest(now, stream);
  }

  takeEffects(): readonly Effect[] {
    for (const stream of this.#touched) {
      const isFull =
        stream.due >= pipelinedMax || this.#isStalled(stream) || this.#waiting.has(stream);
      if (isFull === stream.isPaused || stream.isClosing) continue;
      stream.isPaused = isFull;
      this.#effects.push({ kind: isFull ? "pause" : "resume", stream: stream.id });
    }
    this.#touched.clear();
    this.#told = undefined;
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** Whether there is something to do before an idle time or an end may begin. */
  #isBusy(stream: Stream): boolean {
    const hasUnread = this.#isStalled(stream) && stream.frames.size > 0;
    return stream.due > 0 || hasUnread || this.#waiting.has(stream);
  }

  #isStalled({ isBlocked, cost }: Stream): boolean {
    return isBlocked && cost >= turnCostMax;
  }

  #readOn(now: Instant, stream: Stream): void {
    this.#read(now, stream);
    if (this.#isBusy(stream) || stream.isClosing) return;
    if (stream.hasEnded) this.#close(now, stream);
    else this.#rest(now, stream);
  }

  /** Whether something other than a query keeps the stream open (DSO-07, LLQ-24). */
  #isHeld(id: StreamId): boolean {
    return this.#readers.push.isSession(id) || this.#readers.llq.hasLlqs(id);
  }

  /**
   * Nothing is due: the idle limit runs, unless it does not hold here. One too many has no
   * more time than it had at first, whatever it says.
   */
  #rest(now: Instant, { id, isTurnedAway }: Stream): void {
    if (this.#isHeld(id)) this.#deadlines.clear(id);
    else if (!isTurnedAway) this.#deadlines.set(id, after(now, this.#limits.tcpIdle));
  }

  #read(now: Instant, stream: Stream): void {
    this.#touched.add(stream);
    while (stream.due < pipelinedMax && !this.#isStopped) {
      if (stream.cost >= turnCostMax && stream.frames.size > 0) {
        if (stream.isBlocked) {
          // Whoever does not catch up in time is idle, whatever else it sends meanwhile.
          const isTimed = this.#deadlines.find(stream.id) !== undefined;
          if (stream.due === 0 && !isTimed) this.#rest(now, stream);
          return;
        }
        this.#waiting.add(stream);
        this.#waitingSince ??= now;
        return;
      }
      const message = stream.frames.take();
      if (message === undefined) return;
      const before = this.#spent;
      if (this.#take(now, stream, message)) {
        stream.due += 1;
        this.#deadlines.clear(stream.id);
      } else if (stream.isClosing) {
        return;
      } else if (stream.due === 0) {
        this.#rest(now, stream);
      }
      stream.cost += queryCost + this.#spent - before;
    }
  }

  get #spent(): number {
    return this.#readers.queries.bytesPushed + this.#readers.push.cost;
  }

  /** @returns whether one answer to this message follows, now or later */
  #take(now: Instant, stream: Stream, message: Uint8Array): boolean {
    const { id, asker } = stream;
    const { push, llq, queries } = this.#readers;
    const isOrdinary = push.receive(now, id, message);
    asker.isSession = push.isSession(id);
    if (!isOrdinary) return false;
    if (stream.isTurnedAway) {
      // Who does not come for a session is not told when to come back.
      this.#close(now, stream);
      return false;
    }
    const taken = llq.receive(now, asker, message);
    if (!stream.hasLlqs && llq.hasLlqs(id)) {
      stream.hasLlqs = true;
      push.hold(id);
    }
    const isAnswered =
      taken === "other" ? queries.receive(now, asker, message) : taken === "answered";
    if (!isAnswered) push.dropped(now, id);
    return isAnswered;
  }

  #write(id: StreamId, message: Uint8Array): void {
    this.#effects.push({ kind: "write", stream: id, bytes: encodeFrame(message) });
  }

  /** Nobody has to answer, or to tell anything, there any more. */
  #leave(now: Instant, { id }: Stream): void {
    const { push, llq, queries } = this.#readers;
    push.streamClosed(now, id);
    llq.streamClosed(now, id);
    queries.streamClosed(now, id);
  }

  #close(now: Instant, stream: Stream): void {
    stream.isClosing = true;
    this.#waiting.delete(stream);
    this.#effects.push({ kind: "close", stream: stream.id });
    const patience = this.#isStopped ? stoppingPatience : closingPatience;
    this.#deadlines.set(stream.id, after(now, patience));
    this.#leave(now, stream);
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#deadlines.clear(stream.id);
    this.#blocked.clear(stream.id);
    this.#touched.delete(stream);
    this.#waiting.delete(stream);
    if (stream.isTurnedAway) this.#turnedAway -= 1;
    const others = (this.#perClient.get(stream.client) ?? 1) - 1;
    if (others === 0) this.#perClient.delete(stream.client);
    else this.#perClient.set(stream.client, others);
  }
}
