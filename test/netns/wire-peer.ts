// A client of one stream, TCP or TLS, that believes nothing: it sends exactly the
// bytes it is given in exactly these pieces, keeps everything that comes with its
// time, and tells an orderly end from a reset.

import { setTimeout as sleep } from "node:timers/promises";
import type { Agent, Arrival, RemoteSocket, TlsOptions } from "./agent.js";
import { until } from "./children.js";
import { type Change, readPush } from "./session-bytes.js";
import { type Seen, unpack } from "./unpack.js";

export interface Message {
  /** Milliseconds of the wall clock. */
  readonly at: number;
  /** Without its length prefix. */
  readonly bytes: Buffer;
}

export type Ending = "reset" | "end";

export interface PeerOptions extends TlsOptions {
  /** Without TLS. */
  readonly isClear?: boolean;
}

export class WirePeer {
  readonly socket: RemoteSocket;
  /** Every message, in order. */
  readonly messages: Message[] = [];
  /** What of `messages` has been taken by `next`. */
  #taken = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of an unfinished message, unread prefix included. */
  get rest(): Buffer {
    return this.#rest;
  }

  constructor(socket: RemoteSocket) {
    this.socket = socket;
    socket.on("data", (arrival: Arrival) => {
      this.#rest = Buffer.concat([this.#rest, arrival.bytes]);
      while (this.#rest.length >= 2 && this.#rest.length >= 2 + this.#rest.readUInt16BE(0)) {
        const end = 2 + this.#rest.readUInt16BE(0);
        this.messages.push({ at: arrival.at, bytes: this.#rest.subarray(2, end) });
        this.#rest = this.#rest.subarray(end);
      }
    });
  }

  static async open(
    agent: Agent,
    host: string,
    port: number,
    options: PeerOptions = {},
  ): Promise<WirePeer> {
    const { isClear, ...tls } = options;
    if (isClear) return new WirePeer(await agent.tcp(host, port, tls.local));
    return new WirePeer(await agent.tls(host, port, { alpn: ["dot"], ...tls }));
  }

  /** Messages, each behind its length, in one write: one record under TLS. */
  send(...messages: readonly Uint8Array[]): void {
    this.write(
      Buffer.concat(
        messages.flatMap((message) => [
          Buffer.of(message.length >> 8, message.length & 255),
          message,
        ]),
      ),
    );
  }

  /** Bytes as they are, in one write. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Bytes as they are, in one write each, some milliseconds apart. */
  async pieces(parts: readonly Uint8Array[], gap: number): Promise<void> {
    for (const part of parts) {
      this.write(part);
      await sleep(gap);
    }
  }

  /** The next message nobody has taken yet. */
  async next(limit = 5000): Promise<Message> {
    return until(
      "another message on the stream",
      () => {
        const message = this.messages[this.#taken];
        if (message !== undefined) this.#taken += 1;
        else if (this.socket.overAt !== undefined) {
          throw new Error(`the stream is over: ${this.ending}, ${this.socket.error}`);
        }
        return message;
      },
      limit,
      5,
    );
  }

  /** The next message in hexadecimal, its length prefix in front: as the examples are written. */
  async nextHex(limit = 5000): Promise<string> {
    const { bytes } = await this.next(limit);
    return bytes.length.toString(16).padStart(4, "0") + bytes.toString("hex");
  }

  /** Sends bytes as they are; the next message in hexadecimal. */
  async exchange(bytes: Uint8Array, limit = 5000): Promise<string> {
    this.write(bytes);
    return this.nextHex(limit);
  }

  /** What comes within that time and was not taken. */
  async quiet(time = 500): Promise<Message[]> {
    await sleep(time);
    return this.untaken();
  }

  /** What has come and was not taken; it counts as taken now. */
  untaken(): Message[] {
    const found = this.messages.slice(this.#taken);
    this.#taken = this.messages.length;
    return found;
  }

  /** The answer to an ordinary query of that ID. */
  async reply(id: number, limit = 9000): Promise<Seen> {
    const message = await until(
      `a reply to ${id}`,
      () => this.messages.find(({ bytes }) => bytes.readUInt16BE(0) === id && bytes[2]! >= 0x80),
      limit,
      5,
    );
    return unpack(message.bytes);
  }

  /** How the stream came to its end; undefined while it lasts. */
  get ending(): Ending | undefined {
    if (this.socket.errorCode === "ECONNRESET") return "reset";
    return this.socket.hasEnded ? "end" : undefined;
  }

  /** Waits for the stream's end. Fulfilled with how, and the moment. */
  async over(limit = 5000): Promise<{ how: Ending | undefined; at: number }> {
    const at = await until("the end of the stream", () => this.socket.overAt, limit, 5);
    return { how: this.ending, at };
  }

  /** Every change of every PUSH so far, in order. */
  get changes(): (Change & { at: number })[] {
    return this.messages.flatMap(({ at, bytes }) =>
      (readPush(bytes) ?? []).map((change) => ({ ...change, at })),
    );
  }

  /** Waits for a change, as `Change.text`. */
  async change(text: string, limit = 9000): Promise<Change & { at: number }> {
    const wanted = () => this.changes.find((one) => one.text.toLowerCase() === text.toLowerCase());
    return until(`the change ${text}`, wanted, limit, 10).catch((error) => {
      throw new Error(`${error}; there are ${this.changes.map((one) => one.text).join(", ")}`);
    });
  }

  close(): void {
    this.socket.close();
  }
}
