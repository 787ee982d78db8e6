// Clients of the simulated world: they ask over UDP, send again when they are
// impatient, ask several things on one connection, cut their bytes anywhere,
// close early or never. What they are told is kept for the story that wants it.

import type { Input } from "../../src/engine/io.js";
import { type Duration, type Instant, ms } from "../../src/time.js";
import { RRClass } from "../../src/wire/codes.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type Question,
} from "../../src/wire/message.js";
import { type Name, parseName } from "../../src/wire/name.js";
import type { World } from "./world.js";

export const listener = "192.0.2.53:53";

/** One question on its way, and what came back. */
export interface Asking {
  readonly question: Question;
  readonly askedAt: Instant;
  answeredAt?: Instant;
  reply?: Message;
}

export interface AskOptions {
  /** Sent again after these spans, with the same port and ID. */
  readonly again?: readonly Duration[];
  /** EDNS payload size; absent: no EDNS, 512 bytes. */
  readonly udpSize?: number;
  readonly class?: number;
}

const questionOf = (name: Name | string, type: number, qclass: number): Question => ({
  name: typeof name === "string" ? parseName(name) : name,
  type,
  class: qclass,
});

function queryBytes(id: number, question: Question, udpSize: number | undefined): Uint8Array {
  const edns = {
    udpSize: udpSize ?? 0,
    version: 0,
    extendedRcode: 0,
    dnssecOk: false,
    options: [],
  };
  return encodeMessage({
    id,
    rd: true,
    questions: [question],
    ...(udpSize === undefined ? {} : { edns }),
  });
}

export class Client {
  readonly address: string;
  readonly #world: World;
  #nextPort = 10_000;

  constructor(world: World, address: string) {
    this.#world = world;
    this.address = address;
  }

  /** Asks over UDP, from a port of its own. */
  ask(name: Name | string, type: number, options: AskOptions = {}): Asking {
    const world = this.#world;
    const question = questionOf(name, type, options.class ?? RRClass.IN);
    const asking: Asking = { question, askedAt: world.now };
    this.#nextPort = 10_000 + ((this.#nextPort - 9_999) % 50_000);
    const port = this.#nextPort;
    const id = world.chance.below(65_536);
    const bytes = queryBytes(id, question, options.udpSize);
    const source = { address: this.address, port };
    const send = () => {
      if (asking.reply !== undefined) return;
      world.exchanges.arrive(world.now, {
        key: `${this.address}#${port}#${id}`,
        question,
        recursionDesired: true,
        sizeMax: Math.max(512, options.udpSize ?? 512),
        told: (reply) => {
          asking.reply ??= decodeMessage(reply);
          asking.answeredAt ??= world.now;
        },
      });
      world.enter({ kind: "datagram", listener, source, bytes });
    };
    world.later(ms(0), send);
    for (const span of options.again ?? []) world.later(span, send);
    return asking;
  }

  /** Opens a connection. */
  connect(): Connection {
    return new Connection(this.#world, this.address);
  }
}

type StreamInput = Extract<Input, { readonly stream: number }>;

/** How a stream ends for those who live on it. */
export type End = "close" | "abort" | "gone";

export interface Opening {
  readonly transport?: "tcp" | "tls";
  readonly takesPush?: boolean;
  /** Sees each message first. @returns false for an ordinary answer */
  readonly take?: (message: Uint8Array) => boolean;
  /** The engine is about to be told whether what it writes is read. */
  readonly blocked?: (isBlocked: boolean) => void;
  /** Nothing is said to the engine or by it any more. Told once. */
  readonly over?: (end: End) => void;
}

/** One message on its way. */
export interface Outgoing {
  readonly bytes: Uint8Array;
  /** Told just before the engine reads its last byte. */
  readonly arrives: () => void;
}

export class Connection {
  readonly id: number;
  readonly #world: World;
  readonly #opening: Opening;
  readonly #frames = new FrameReader();
  readonly #askings = new Map<number, Asking>();
  #nextId = 1;
  #isOpen = true;
  #hasEnded = false;
  #isOver = false;
  /** Bytes that the sending side takes while the client does not read; undefined: it reads. */
  #room: number | undefined;
  #unread = 0;
  #isBlocked = false;
  /** A client that never closes its side. */
  lingers = false;
  /** There were too many: nothing is answered here but the first DSO request (DSO-43). */
  isTooMuch = false;

  constructor(world: World, address: string, opening: Opening = {}) {
    this.#world = world;
    this.#opening = opening;
    const source = { address, port: 30_000 + world.chance.below(30_000) };
    this.id = world.openStream(this, source, opening);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isStalled(): boolean {
    return this.#room !== undefined;
  }

  /** The engine was told that nobody reads. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  takeId(): number {
    return this.#nextId++;
  }

  /** Asks several things in one go, in pieces of this many bytes. */
  ask(questions: readonly (readonly [Name | string, number])[], pieceSize = 65_535): Asking[] {
    const world = this.#world;
    const outgoing: Outgoing[] = [];
    const askings = questions.map(([name, type]) => {
      const question = questionOf(name, type, RRClass.IN);
      const asking: Asking = { question, askedAt: world.now };
      const id = this.takeId();
      this.#askings.set(id, asking);
      const bytes = queryBytes(id, question, undefined);
      outgoing.push({ bytes, arrives: () => this.owe(id, question) });
      return asking;
    });
    this.send(outgoing, pieceSize);
    return askings;
  }

  /** Sends messages in pieces of this many bytes. */
  send(messages: readonly Outgoing[], pieceSize = 65_535): void {
    const frames = messages.map(({ bytes }) => encodeFrame(bytes));
    const bytes = Buffer.concat(frames);
    // The engine may be waiting for the rest of a message: it owes nothing before the last piece.
    for (let at = 0; at < bytes.length; at += pieceSize) {
      const piece = bytes.subarray(at, at + pieceSize);
      const end = at + piece.length;
      this.#enter({ kind: "stream-bytes", stream: this.id, bytes: piece }, () => {
        let size = 0;
        frames.forEach((frame, index) => {
          size += frame.length;
          if (size > at && size <= end) messages[index]!.arrives();
        });
      });
    }
  }

  /** An ordinary query arrives. */
  owe(id: number, question: Question): void {
    // Bytes that cross with the engine's own close are read by nobody.
    if (!this.#world.isStreamOpen(this.id) || this.isTooMuch) return;
    this.#world.exchanges.arrive(this.#world.now, {
      key: `${this.id}~${id}`,
      question,
      recursionDesired: true,
      sizeMax: 65_535,
    });
  }

  /** Sends no more, but reads on. */
  end(): void {
    this.#world.later(ms(0), () => {
      if (!this.#isOpen || this.#hasEnded) return;
      this.#hasEnded = true;
      this.#world.enter({ kind: "stream-ended", stream: this.id });
    });
  }

  /** Reads no more; this many bytes find room before the engine notices. */
  stall(room: number): void {
    this.#room = room;
  }

  /** Reads again, all that waits. */
  readOn(): void {
    this.#room = undefined;
    this.#unread = 0;
    if (!this.#isBlocked) return;
    this.#world.later(ms(0), () => {
      if (this.#room !== undefined || !this.#isBlocked) return;
      this.#isBlocked = false;
      this.#opening.blocked?.(false);
      if (this.#isOpen) this.#world.enter({ kind: "stream-drained", stream: this.id });
    });
  }

  /** Is gone. */
  vanish(): void {
    this.#world.later(ms(0), () => this.closed());
  }

  /** The engine has written. */
  read(bytes: Uint8Array): void {
    if (this.#room !== undefined) this.#queue(bytes.length, this.#room);
    this.#frames.push(bytes);
    for (let frame = this.#frames.take(); frame !== undefined; frame = this.#frames.take()) {
      if (this.#opening.take?.(frame) === true) continue;
      const reply = decodeMessage(frame);
      this.#world.checkers.reply(this.#world.now, `${this.id}~${reply.id}`, frame);
      const asking = this.#askings.get(reply.id);
      if (asking === undefined) continue;
      asking.reply = reply;
      asking.answeredAt = this.#world.now;
    }
  }

  /** The engine has closed its side; the client follows, unless it lingers. */
  farSideClosed(): void {
    this.over("close");
    if (!this.lingers) this.#world.later(ms(1), () => this.closed());
  }

  over(end: End): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#opening.over?.(end);
  }

  /** Both sides are gone: the driver says so to the engine, once. */
  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.over("gone");
    this.#world.streamGone(this.id);
  }

  /** What is written waits to be read: in the kernel first, then in the daemon, up to a limit. */
  #queue(size: number, room: number): void {
    const world = this.#world;
    this.#unread += size;
    if (this.#unread > room + world.plan.limits.writeQueue) {
      world.overflow(this);
      return;
    }
    if (this.#isBlocked || this.#unread <= room) return;
    world.later(ms(0), () => {
      if (this.#room === undefined || this.#isBlocked || !this.#isOpen) return;
      this.#isBlocked = true;
      this.#opening.blocked?.(true);
      world.enter({ kind: "stream-blocked", stream: this.id });
    });
  }

  #enter(input: StreamInput, before: () => void): void {
    this.#world.later(ms(0), () => {
      if (!this.#isOpen || this.#hasEnded) return;
      before();
      this.#world.enter(input);
    });
  }
}
