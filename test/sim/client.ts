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

export class Connection {
  readonly id: number;
  readonly #world: World;
  readonly #frames = new FrameReader();
  readonly #askings = new Map<number, Asking>();
  #nextId = 1;
  #isOpen = true;
  #hasEnded = false;
  /** A client that never closes its side. */
  lingers = false;

  constructor(world: World, address: string) {
    this.#world = world;
    this.id = world.openStream(this, { address, port: 30_000 + world.chance.below(30_000) });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Asks several things in one go, in pieces of this many bytes. */
  ask(questions: readonly (readonly [Name | string, number])[], pieceSize = 65_535): Asking[] {
    const world = this.#world;
    const frames: Uint8Array[] = [];
    const askings = questions.map(([name, type]) => {
      const question = questionOf(name, type, RRClass.IN);
      const asking: Asking = { question, askedAt: world.now };
      const id = this.#nextId++;
      this.#askings.set(id, asking);
      frames.push(encodeFrame(queryBytes(id, question, undefined)));
      return asking;
    });
    const bytes = Buffer.concat(frames);
    // The engine may be waiting for the rest of a message: it owes nothing before the last piece.
    const keys = askings.map(({ question }, at) => ({
      key: `${this.id}~${this.#nextId - askings.length + at}`,
      question,
    }));
    for (let at = 0; at < bytes.length; at += pieceSize) {
      const piece = bytes.subarray(at, at + pieceSize);
      const end = at + piece.length;
      this.#enter({ kind: "stream-bytes", stream: this.id, bytes: piece }, () => {
        let size = 0;
        frames.forEach((frame, index) => {
          size += frame.length;
          if (size > at && size <= end) this.#owe(keys[index]!);
        });
      });
    }
    return askings;
  }

  /** Sends no more, but reads on. */
  end(): void {
    this.#world.later(ms(0), () => {
      if (!this.#isOpen || this.#hasEnded) return;
      this.#hasEnded = true;
      this.#world.enter({ kind: "stream-ended", stream: this.id });
    });
  }

  /** Is gone. */
  vanish(): void {
    this.#world.later(ms(0), () => this.closed());
  }

  /** The engine has written. */
  read(bytes: Uint8Array): void {
    this.#frames.push(bytes);
    for (let frame = this.#frames.take(); frame !== undefined; frame = this.#frames.take()) {
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
    if (!this.lingers) this.#world.later(ms(1), () => this.closed());
  }

  /** Both sides are gone: the driver says so to the engine, once. */
  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#world.streamGone(this.id);
  }

  #owe({ key, question }: { key: string; question: Question }): void {
    // Bytes that cross with the engine's own close are read by nobody.
    if (!this.#world.isStreamOpen(this.id)) return;
    this.#world.exchanges.arrive(this.#world.now, {
      key,
      question,
      recursionDesired: true,
      sizeMax: 65_535,
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
