// Connections that carry DNS messages (RFC 7766): framing, many queries at once
// answered out of order, in turns, the idle limit, the limits on how many there
// are. What a message means is decided in query/; bytes waiting for a slow reader
// are counted by the driver, which aborts a connection that leaves too many.

import { clientKey, parseAddress } from "../address.js";
import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import { type Limits, pipelinedMax } from "../limits.js";
import type { Queries } from "../query/queries.js";
import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import { headerBytes } from "../wire/message.js";
import type { Effect, Peer, StreamId, StreamTransport } from "./io.js";

/** How long a client may take to close its side after we have closed ours. */
const closingPatience: Duration = seconds(5);

/**
 * What one connection may cost before others have their turn: bytes of answers, and each
 * query besides. One piece of bytes can hold thousands of queries, each for 64 KiB.
 */
const turnCostMax = 256 * 1024;
const queryCost = 1024;

interface Stream {
  readonly id: StreamId;
  readonly transport: StreamTransport;
  readonly peer: Peer;
  readonly client: string;
  readonly frames: FrameReader;
  /** Queries read and not yet answered. */
  due: number;
  /** Spent in this turn. */
  cost: number;
  isPaused: boolean;
  /** The client has shut down its side and reads on (TCP-09). */
  hasEnded: boolean;
  /** We have closed; the connection is aborted when the client does not follow. */
  isClosing: boolean;
}

export class Streams {
  readonly #streams = new Map<StreamId, Stream>();
  readonly #perClient = new Map<string, number>();
  readonly #deadlines = new Deadlines<StreamId>();
  readonly #touched = new Set<Stream>();
  /** Those whose turn is over; the next one comes as soon as the engine is asked again. */
  readonly #waiting = new Set<Stream>();
  #waitingSince: Instant | undefined;
  readonly #queries: Queries;
  readonly #counts: Counts;
  #limits: Limits;
  #effects: Effect[] = [];
  #isStopped = false;

  constructor(limits: Limits, queries: Queries, counts: Counts) {
    this.#limits = limits;
    this.#queries = queries;
    this.#counts = counts;
  }

  get size(): number {
    return this.#streams.size;
  }

  configure(limits: Limits): void {
    this.#limits = limits;
  }

  open(now: Instant, id: StreamId, transport: StreamTransport, peer: Peer): void {
    const address = parseAddress(peer.address);
    const client = address === undefined ? "" : clientKey(address);
    const stream: Stream = {
      id,
      transport,
      peer,
      client,
      frames: new FrameReader(),
      due: 0,
      cost: 0,
      isPaused: false,
      hasEnded: false,
      isClosing: false,
    };
    const isFull =
      this.#streams.size >= this.#limits.connections ||
      (this.#perClient.get(client) ?? 0) >= this.#limits.connectionsPerClient;
    this.#streams.set(id, stream);
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    this.#counts.add("streams", "opened");
    if (isFull) {
      this.#counts.add("limits", "connections");
      this.#close(now, stream);
      return;
    }
    this.#deadlines.set(id, after(now, this.#limits.tcpIdle));
  }

  receive(now: Instant, id: StreamId, bytes: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing || stream.hasEnded) return;
    stream.frames.push(bytes);
    this.#read(now, stream);
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
    this.#forget(stream);
    this.#queries.streamClosed(now, id);
  }

  /** Sends one answer, out of order as it comes (RFC 7766 §6.2.1.1). */
  answer(now: Instant, id: StreamId, message: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isClosing) return;
    this.#effects.push({ kind: "write", stream: id, bytes: encodeFrame(message) });
    stream.due -= 1;
    this.#readOn(now, stream);
  }

  expire(now: Instant): void {
    const turns = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingSince = undefined;
    for (const stream of turns) {
      stream.cost = 0;
      this.#readOn(now, stream);
    }
    for (;;) {
      const id = this.#deadlines.takeDue(now);
      if (id === undefined) return;
      const stream = this.#streams.get(id);
      if (stream === undefined) continue;
      if (stream.isClosing) {
        this.#effects.push({ kind: "abort", stream: id });
        this.#forget(stream);
      } else {
        this.#counts.add("streams", "idle");
        this.#close(now, stream);
      }
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#waitingSince, this.#deadlines.next());
  }

  /** Closes every connection as soon as what is due there is answered; reads no more. */
  stop(now: Instant): void {
    this.#isStopped = true;
    this.#waiting.clear();
    for (const { id } of [...this.#streams.values()]) this.ended(now, id);
  }

  takeEffects(): readonly Effect[] {
    for (const stream of this.#touched) {
      const isFull = stream.due >= pipelinedMax || this.#waiting.has(stream);
      if (isFull === stream.isPaused || stream.isClosing) continue;
      stream.isPaused = isFull;
      this.#effects.push({ kind: isFull ? "pause" : "resume", stream: stream.id });
    }
    this.#touched.clear();
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** Whether there is something to do before an idle time or an end may begin. */
  #isBusy(stream: Stream): boolean {
    return stream.due > 0 || this.#waiting.has(stream);
  }

  #readOn(now: Instant, stream: Stream): void {
    this.#read(now, stream);
    if (this.#isBusy(stream) || stream.isClosing) return;
    if (stream.hasEnded) this.#close(now, stream);
    else this.#deadlines.set(stream.id, after(now, this.#limits.tcpIdle));
  }

  #read(now: Instant, stream: Stream): void {
    this.#touched.add(stream);
    while (stream.due < pipelinedMax && !this.#isStopped) {
      if (stream.cost >= turnCostMax && stream.frames.size > 0) {
        this.#waiting.add(stream);
        this.#waitingSince ??= now;
        return;
      }
      const message = stream.frames.take();
      if (message === undefined) return;
      if (message.length < headerBytes) {
        this.#counts.add("drops", "stream-short");
        this.#close(now, stream);
        return;
      }
      const { id, transport, peer } = stream;
      const before = this.#queries.bytesPushed;
      if (this.#queries.receive(now, { transport, stream: id, peer }, message)) {
        stream.due += 1;
        this.#deadlines.clear(id);
      } else if (stream.due === 0) {
        this.#deadlines.set(id, after(now, this.#limits.tcpIdle));
      }
      stream.cost += queryCost + this.#queries.bytesPushed - before;
    }
  }

  #close(now: Instant, stream: Stream): void {
    stream.isClosing = true;
    this.#waiting.delete(stream);
    this.#effects.push({ kind: "close", stream: stream.id });
    this.#deadlines.set(stream.id, after(now, closingPatience));
    this.#queries.streamClosed(now, stream.id);
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#deadlines.clear(stream.id);
    this.#touched.delete(stream);
    this.#waiting.delete(stream);
    const others = (this.#perClient.get(stream.client) ?? 1) - 1;
    if (others === 0) this.#perClient.delete(stream.client);
    else this.#perClient.set(stream.client, others);
  }
}
