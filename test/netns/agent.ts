// Sockets inside a namespace, driven from the test: the near side of agent.mjs.

import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Child } from "./children.js";

const script = fileURLToPath(new URL("agent.mjs", import.meta.url));

export interface Arrival {
  /** Milliseconds of the wall clock, taken where it arrived. */
  readonly at: number;
  readonly bytes: Buffer;
  /** Source of a datagram. */
  readonly address: string;
  readonly port: number;
}

/** What a TLS handshake came to. */
export interface Handshake {
  readonly protocol: string;
  readonly alpn: string | false;
  readonly isResumed: boolean;
}

interface Event {
  event: "ready" | "open" | "data" | "error" | "end" | "close" | "flooded" | "session";
  id: number;
  code?: string;
  tls?: Handshake;
  port?: number;
  at?: number;
  hex?: string;
  address?: string;
  text?: string;
}

/** One socket of an agent. Emits `data` with an `Arrival`, `close` and `flooded`. */
export class RemoteSocket extends EventEmitter {
  readonly arrivals: Arrival[] = [];
  /** Local port, once open. */
  port = 0;
  error: string | undefined;
  /** As the system names it, `ECONNRESET` for instance. */
  errorCode: string | undefined;
  /** The peer ended its half of the stream in order. */
  hasEnded = false;
  isClosed = false;
  /** When it ended, failed or was closed, whichever came first. */
  overAt: number | undefined;
  handshake: Handshake | undefined;
  /** TLS sessions that can be resumed, as they came. */
  readonly tickets: string[] = [];
  readonly #command: (command: object) => void;
  readonly #id: number;

  constructor(id: number, command: (command: object) => void) {
    super();
    this.setMaxListeners(0);
    this.#id = id;
    this.#command = command;
  }

  /** Sends one datagram. */
  send(bytes: Uint8Array, to: string, port: number): void {
    const hex = Buffer.from(bytes).toString("hex");
    this.#command({ op: "send", id: this.#id, hex, to, port });
  }

  /** Writes to a TCP connection. */
  write(bytes: Uint8Array): void {
    this.#command({ op: "write", id: this.#id, hex: Buffer.from(bytes).toString("hex") });
  }

  /** Stops reading from a TCP connection. */
  pause(): void {
    this.#command({ op: "pause", id: this.#id });
  }

  /** Reads on. */
  resume(): void {
    this.#command({ op: "resume", id: this.#id });
  }

  /** Resets a TCP connection, under TLS too. */
  reset(): void {
    this.#command({ op: "reset", id: this.#id });
  }

  /** Sends `bytes` many times, a hexadecimal counter written over each offset. */
  async flood(
    bytes: Uint8Array,
    to: string,
    port: number,
    how: { count: number; offsets: number[]; digits: number; perSecond: number },
  ): Promise<void> {
    const hex = Buffer.from(bytes).toString("hex");
    const done = once(this, "flooded");
    this.#command({ op: "flood", id: this.#id, hex, to, port, ...how });
    await done;
  }

  /** Ends the sending half of a TCP connection. */
  finish(): void {
    this.#command({ op: "finish", id: this.#id });
  }

  close(): void {
    this.#command({ op: "end", id: this.#id });
  }

  #note(event: Event): void {
    switch (event.event) {
      case "open":
        this.port = event.port ?? 0;
        this.handshake = event.tls;
        return;
      case "session":
        this.tickets.push(event.hex ?? "");
        return;
      case "error":
        this.error = event.text;
        this.errorCode = event.code;
        break;
      case "end":
        this.hasEnded = event.code === undefined;
        this.errorCode ??= event.code;
        break;
      case "close":
        this.isClosed = true;
        break;
      default:
        return;
    }
    this.overAt ??= event.at;
  }

  receive(event: Event): void {
    this.#note(event);
    if (event.event === "data") {
      const arrival: Arrival = {
        at: event.at ?? 0,
        bytes: Buffer.from(event.hex ?? "", "hex"),
        address: event.address ?? "",
        port: event.port ?? 0,
      };
      this.arrivals.push(arrival);
      this.emit("data", arrival);
    } else {
      this.emit(event.event === "error" ? "failed" : event.event, event.text);
    }
  }
}

export interface UdpOptions {
  readonly family: 4 | 6;
  readonly port?: number;
  readonly address?: string;
  /** Multicast group to join; "" only sets what sending to a group needs. */
  readonly group?: string;
  /** The interface, needed with `group`. */
  readonly link?: string;
  readonly ttl?: number;
}

export interface TlsOptions {
  /** The server's name, for SNI and for the check of its certificate. */
  readonly name?: string;
  readonly alpn?: readonly string[];
  /** PEM of whom to trust; absent: any certificate will do. */
  readonly ca?: string;
  /** One of the `tickets` of an earlier connection. */
  readonly session?: string;
  readonly min?: string;
  readonly max?: string;
  readonly local?: string;
}

export class Agent {
  readonly #child: Child;
  readonly #sockets = new Map<number, RemoteSocket>();
  #next = 1;

  private constructor(prefix: readonly string[]) {
    this.#child = new Child([...prefix, process.execPath, script], { binary: true });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const event = JSON.parse(line) as Event;
      if (event.event !== "ready") this.#sockets.get(event.id)?.receive(event);
    });
  }

  /** Starts one; `prefix` is the command that enters the namespace. */
  static async start(prefix: readonly string[]): Promise<Agent> {
    const agent = new Agent(prefix);
    await once(agent.#child.stdout, "data");
    return agent;
  }

  async #open(command: object): Promise<RemoteSocket> {
    const id = this.#next++;
    const send = (more: object) => this.#child.write(`${JSON.stringify(more)}\n`);
    const socket = new RemoteSocket(id, send);
    this.#sockets.set(id, socket);
    const opened = new Promise<void>((resolve, reject) => {
      socket.once("open", () => resolve());
      socket.once("failed", (text) => reject(new Error(String(text))));
      this.#child.ended.then(() => reject(new Error(this.#child.stderrLines.join("\n"))));
    });
    send({ ...command, id });
    await opened;
    return socket;
  }

  /** A UDP socket, bound. Without `port` the kernel chooses one. */
  udp(options: UdpOptions): Promise<RemoteSocket> {
    const any = options.family === 6 ? "::" : "0.0.0.0";
    return this.#open({ op: "udp", port: 0, address: any, ...options });
  }

  /** A TCP connection, established. */
  tcp(host: string, port: number, local?: string): Promise<RemoteSocket> {
    return this.#open({ op: "tcp", host, port, local });
  }

  /** A TLS connection, its handshake done. */
  tls(host: string, port: number, options: TlsOptions = {}): Promise<RemoteSocket> {
    return this.#open({ op: "tls", host, port, ...options });
  }

  /**
   * A TLS client that is cut off after so many bytes, its handshake included, and would
   * else have written `bytes`. It tells of the TCP connection.
   */
  cut(
    host: string,
    port: number,
    after: number,
    how: "reset" | "end" | "silence",
    bytes: Uint8Array,
  ): Promise<RemoteSocket> {
    const hex = Buffer.from(bytes).toString("hex");
    return this.#open({ op: "cut", host, port, bytes: after, how, hex });
  }

  async stop(): Promise<void> {
    await this.#child.stop("SIGKILL");
  }
}
