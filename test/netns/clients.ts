// Clients in a namespace: dig and kdig as people run them, and a plain client of
// our own for what they cannot send or show.

import { randomInt } from "node:crypto";
import type { Agent, Arrival, RemoteSocket } from "./agent.js";
import { Child, until } from "./children.js";
import { message, plainName, type Rec, type TypeName } from "./packet.js";
import { type Seen, unpack } from "./unpack.js";

export interface Line {
  /** In the fixed notation of `plainName`. */
  readonly name: string;
  readonly ttl: number;
  readonly type: string;
  /** Rdata as printed. */
  readonly data: string;
}

export interface Dug {
  readonly status: string;
  readonly flags: readonly string[];
  readonly answer: readonly Line[];
  readonly authority: readonly Line[];
  readonly additional: readonly Line[];
  readonly text: string;
  readonly ms: number;
}

function lineOf(text: string): Line | undefined {
  const parts = /^(\S+)\s+(\d+)\s+(IN|CH|CLASS\d+)\s+(\S+)\s+(.*)$/.exec(text);
  if (parts === null || text.startsWith(";")) return undefined;
  return { name: plainName(parts[1]!), ttl: Number(parts[2]), type: parts[4]!, data: parts[5]! };
}

function readDug(text: string, ms: number): Dug {
  const sections: Record<string, Line[]> = { ANSWER: [], AUTHORITY: [], ADDITIONAL: [] };
  let current: Line[] = [];
  for (const row of text.split("\n")) {
    const heading = /^;; (ANSWER|AUTHORITY|ADDITIONAL)( SECTION)?:/.exec(row);
    if (heading !== null) current = sections[heading[1]!]!;
    const line = lineOf(row);
    if (line !== undefined) current.push(line);
  }
  const flags = /^;; [Ff]lags: ([a-z ]*);/m.exec(text)?.[1] ?? "";
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? "",
    flags: flags.split(" ").filter(Boolean),
    answer: sections.ANSWER!,
    authority: sections.AUTHORITY!,
    additional: sections.ADDITIONAL!,
    text,
    ms,
  };
}

/** Runs a program of the dig family and reads what it prints. */
export async function dig(
  enter: readonly string[],
  words: readonly string[],
  program: "dig" | "kdig" = "dig",
): Promise<Dug> {
  const patience =
    program === "dig"
      ? ["+norecurse", "+time=9", "+tries=1", "+noidnin", "+noidnout"]
      : ["+norec", "+timeout=9", "+retry=0", "+noidn"];
  const begin = Date.now();
  const child = new Child([...enter, program, ...patience, ...words]);
  await until(`${program} ${words.join(" ")} ends`, () => child.exit !== undefined, 15_000, 10);
  await until("its output is read", () => child.stdout.readableEnded, 2000, 5);
  return readDug(child.stdoutLines.join("\n"), Date.now() - begin);
}

export interface Reply extends Seen {
  /** Milliseconds from sending to arrival. */
  readonly ms: number;
}

export interface AskOptions {
  readonly id?: number;
  readonly flags?: number;
  readonly class?: number;
  readonly opt?: Rec;
  readonly tcp?: boolean;
  readonly limit?: number;
  readonly to?: string;
}

/** A client with one UDP socket: sends what it is told, pairs replies by ID. */
export class DnsClient {
  readonly #agent: Agent;
  readonly #socket: RemoteSocket;
  readonly #server: string;
  readonly #port: number;

  private constructor(agent: Agent, socket: RemoteSocket, server: string, port: number) {
    this.#agent = agent;
    this.#socket = socket;
    this.#server = server;
    this.#port = port;
  }

  /** `local`: the address it asks from, where the node has several. */
  static async open(agent: Agent, server: string, port = 53, local?: string): Promise<DnsClient> {
    const family = server.includes(":") ? 6 : 4;
    const where = local === undefined ? {} : { address: local };
    return new DnsClient(agent, await agent.udp({ family, ...where }), server, port);
  }

  /** Sends bytes and waits for the datagram with the same first two bytes. */
  async exchange(bytes: Buffer, limit = 9000, to = this.#server): Promise<Reply> {
    const begin = Date.now();
    const id = bytes.readUInt16BE(0);
    return new Promise((resolve, reject) => {
      const onData = (arrival: Arrival) => {
        if (arrival.bytes.length < 2 || arrival.bytes.readUInt16BE(0) !== id) return;
        this.#socket.off("data", onData);
        clearTimeout(timer);
        resolve({ ...unpack(arrival.bytes), ms: arrival.at - begin });
      };
      const timer = setTimeout(() => {
        this.#socket.off("data", onData);
        reject(new Error(`no reply within ${limit} ms`));
      }, limit);
      this.#socket.on("data", onData);
      this.#socket.send(bytes, to, this.#port);
    });
  }

  /** Asks one question. */
  async ask(name: string, type: TypeName, options: AskOptions = {}): Promise<Reply> {
    const bytes = message({
      id: options.id ?? randomInt(65_536),
      flags: options.flags ?? 0,
      questions: [{ name, type, class: options.class ?? 1 }],
      additionals: options.opt === undefined ? [] : [options.opt],
    });
    if (options.tcp !== true) return this.exchange(bytes, options.limit, options.to);
    const stream = await this.stream();
    const reply = await stream.exchange(bytes, options.limit);
    stream.close();
    return reply;
  }

  /** Every datagram that ever came. */
  get arrivals(): readonly Arrival[] {
    return this.#socket.arrivals;
  }

  /** Sends and expects nothing; gives what came all the same. */
  async silence(bytes: Uint8Array, limit = 500): Promise<Arrival[]> {
    const before = this.#socket.arrivals.length;
    this.#socket.send(bytes, this.#server, this.#port);
    await new Promise((resume) => setTimeout(resume, limit));
    return this.#socket.arrivals.slice(before);
  }

  /** Opens a TCP connection to the same server. */
  async stream(): Promise<DnsStream> {
    return new DnsStream(await this.#agent.tcp(this.#server, this.#port));
  }
}

/** One TCP connection with two-byte framing (RFC 1035 §4.2.2). */
export class DnsStream {
  readonly socket: RemoteSocket;
  /** Messages in the order in which they came. */
  readonly received: { at: number; seen: Seen }[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: RemoteSocket) {
    this.socket = socket;
    socket.on("data", (arrival: Arrival) => {
      this.#rest = Buffer.concat([this.#rest, arrival.bytes]);
      while (this.#rest.length >= 2 && this.#rest.length >= 2 + this.#rest.readUInt16BE(0)) {
        const end = 2 + this.#rest.readUInt16BE(0);
        this.received.push({ at: arrival.at, seen: unpack(this.#rest.subarray(2, end)) });
        this.#rest = this.#rest.subarray(end);
      }
    });
  }

  send(bytes: Uint8Array): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    this.socket.write(Buffer.concat([length, bytes]));
  }

  async exchange(bytes: Buffer, limit = 9000): Promise<Reply> {
    const begin = Date.now();
    this.send(bytes);
    const id = bytes.readUInt16BE(0);
    const found = await until(
      "a reply on the TCP connection",
      () => this.received.find(({ seen }) => seen.id === id),
      limit,
      5,
    );
    return { ...found.seen, ms: found.at - begin };
  }

  close(): void {
    this.socket.close();
  }
}
