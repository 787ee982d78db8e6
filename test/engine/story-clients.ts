// The clients of a story: a query over UDP, a connection over TCP, and what
// comes back, both as bytes and as zone-file text.

import type { Effect, Peer } from "../../src/engine/io.js";
import { elapsed, type Instant, ms } from "../../src/time.js";
import { Opcode, parseType, RRClass, rcodeName } from "../../src/wire/codes.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR } from "../../src/wire/text.js";
import type { World } from "./story.js";

export interface AskEdns {
  readonly udpSize?: number;
  readonly version?: number;
  readonly dnssecOk?: boolean;
  readonly options?: readonly { readonly code: number; readonly bytes: Uint8Array }[];
}

export interface AskOptions {
  readonly client?: string;
  readonly port?: number;
  readonly id?: number;
  /** RD; dig +norecurse by default. */
  readonly rd?: boolean;
  readonly class?: number;
  readonly opcode?: number;
  /** An OPT, as large as dig's by default when it is `{}`. */
  readonly edns?: AskEdns;
  /** The whole message, instead of the text. */
  readonly bytes?: Uint8Array;
}

/** `Dr\.\032Who._ipp._tcp.example.com SRV` as a query. */
export function queryBytes(text: string, options: AskOptions = {}): Uint8Array {
  const border = text.lastIndexOf(" ");
  const type = parseType(text.slice(border + 1));
  if (type === undefined) throw new Error(`no type in ${text}`);
  const name = parseName(text.slice(0, border));
  const { edns } = options;
  return encodeMessage({
    id: options.id ?? 1,
    opcode: options.opcode ?? 0,
    rd: options.rd ?? false,
    questions: [{ name, type, class: options.class ?? RRClass.IN }],
    ...(edns === undefined
      ? {}
      : {
          edns: {
            udpSize: edns.udpSize ?? 1232,
            version: edns.version ?? 0,
            extendedRcode: 0,
            dnssecOk: edns.dnssecOk ?? false,
            options: edns.options ?? [],
          },
        }),
  });
}

/** A query on its way, and its answer. */
export class Asked {
  readonly bytes: Uint8Array;
  readonly peer: Peer;
  readonly at: Instant;
  reply: Uint8Array | undefined;
  answeredAt: Instant | undefined;
  /** How many replies came. */
  replies = 0;

  constructor(bytes: Uint8Array, peer: Peer, at: Instant) {
    this.bytes = bytes;
    this.peer = peer;
    this.at = at;
  }

  receive(now: Instant, bytes: Uint8Array): void {
    this.replies += 1;
    this.reply = bytes;
    this.answeredAt = now;
  }

  /** Whether a reply is for another query of the same port. */
  isOver(reply: Uint8Array): boolean {
    return this.bytes[0] !== reply[0] || this.bytes[1] !== reply[1];
  }

  get isAnswered(): boolean {
    return this.reply !== undefined;
  }

  /** Milliseconds from the query to its answer. */
  get took(): number {
    if (this.answeredAt === undefined) throw new Error("not answered");
    return elapsed(this.at, this.answeredAt);
  }

  get message(): Message {
    if (this.reply === undefined) throw new Error("not answered");
    return decodeMessage(this.reply);
  }

  get rcode(): string {
    const { rcode, edns } = this.message;
    return rcodeName(rcode | ((edns?.extendedRcode ?? 0) << 4));
  }

  get answers(): readonly string[] {
    return this.message.answers.map(line);
  }

  get authorities(): readonly string[] {
    return this.message.authorities.map(line);
  }

  get additionals(): readonly string[] {
    return this.message.additionals.map(line);
  }

  /** NODATA as DP-107 and DP-108 want it: NOERROR, no answer, one SOA. */
  get isNodata(): boolean {
    const { answers, authorities, rcode } = this.message;
    return rcode === 0 && answers.length === 0 && authorities.length === 1;
  }
}

/** How a connection is made, where it is not plain TCP. */
export interface StreamOpening {
  readonly transport?: "tcp" | "tls";
  readonly takesPush?: boolean;
}

/** A client connection. */
export class TcpClient {
  readonly stream: number;
  readonly peer: Peer;
  /** Messages in the order in which they came, with the second of the story. */
  readonly received: { readonly seconds: number; readonly message: Message }[] = [];
  /** DSO messages, without length prefix, with the second of the story. */
  readonly dso: { readonly seconds: number; readonly bytes: Uint8Array }[] = [];
  /** One write of the engine each. */
  readonly writes: Uint8Array[] = [];
  closed: "close" | "abort" | undefined;
  closedSeconds: number | undefined;
  isPaused = false;
  /** Keeps its side open when the server has closed. */
  isStubborn = false;
  readonly #world: World;
  readonly #frames = new FrameReader();

  constructor(world: World, stream: number, peer: Peer) {
    this.#world = world;
    this.stream = stream;
    this.peer = peer;
  }

  open(opening: StreamOpening): void {
    const { stream, peer } = this;
    const listener = "192.0.2.53";
    const how = { transport: "tcp", takesPush: false, ...opening } as const;
    this.#world.input({ kind: "stream-open", stream, source: peer, listener, ...how });
  }

  /** Sends queries in one piece. The IDs are 1, 2, 3 … unless given. */
  ask(...texts: readonly string[]): void {
    this.send(...texts.map((text, index) => queryBytes(text, { id: index + 1 })));
  }

  /** Sends messages in one piece. */
  send(...messages: readonly Uint8Array[]): void {
    this.sendRaw(Uint8Array.from(messages.flatMap((message) => [...encodeFrame(message)])));
  }

  sendRaw(bytes: Uint8Array): void {
    this.#world.input({ kind: "stream-bytes", stream: this.stream, bytes });
  }

  /** Shuts down the sending side. */
  end(): void {
    this.#world.input({ kind: "stream-ended", stream: this.stream });
  }

  /** Is gone altogether. */
  leave(): void {
    this.#world.input({ kind: "stream-closed", stream: this.stream });
  }

  carry(effect: Effect): void {
    switch (effect.kind) {
      case "write":
        if (this.closed !== undefined) throw new Error("written after closing");
        this.writes.push(effect.bytes);
        this.#frames.push(effect.bytes);
        for (let one = this.#frames.take(); one !== undefined; one = this.#frames.take()) {
          const { seconds } = this.#world;
          const isDso = (((one[2] as number) >> 3) & 0xf) === Opcode.DSO;
          if (isDso) this.dso.push({ seconds, bytes: one.slice() });
          else this.received.push({ seconds, message: decodeMessage(one) });
        }
        break;
      case "close":
      case "abort":
        this.closed = effect.kind;
        this.closedSeconds = this.#world.seconds;
        if (!this.isStubborn) this.#world.plan(ms(1), () => this.leave());
        break;
      case "pause":
        this.isPaused = true;
        break;
      case "resume":
        this.isPaused = false;
        break;
    }
  }
}

function line(rr: RR): string {
  return formatRR(rr);
}
