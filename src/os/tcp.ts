// Connections that carry unicast DNS: TCP listeners, one per local address
// (RFC 7766), and the streams that they or TLS listeners (tls.ts) have accepted.
// Framing, idle time and the limits on how many there are belong to the engine;
// bytes that a client leaves unread are bounded here.

import { createServer, type Socket } from "node:net";
import type { Counts } from "../counts.js";
import type { ListenerId, Peer, StreamId } from "../engine/io.js";
import { codeOf } from "./multicast.js";
import type { Opened } from "./udp.js";

/** Connections that wait to be accepted; the kernel's own limit is usually lower. */
const backlog = 1024;

/** Errors of accept that pass: those that wait are accepted once something was freed. */
const shortages: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

export interface ListenerEars {
  /** The listener is of no use any more, and closed. */
  failed(listener: ListenerId, code: string): void;
  /** Something that the system has too little of kept a connection from being accepted. */
  exhausted(listener: ListenerId, code: string): void;
}

export interface StreamEars {
  opened(stream: StreamId, source: Peer, listener: ListenerId): void;
  received(stream: StreamId, bytes: Uint8Array): void;
  /** The client reads slower than it is written to, until `drained`. */
  blocked(stream: StreamId): void;
  drained(stream: StreamId): void;
  ended(stream: StreamId): void;
  closed(stream: StreamId): void;
}

/** Where to listen, and what for. */
export interface Place {
  readonly address: string;
  readonly port: number;
  readonly transport: "tcp" | "tls";
}

/**
 * Starts to listen. Nagle's algorithm stays on (RFC 8490 §9.5): what belongs
 * together is written together.
 *
 * @returns rejected with an error that has a `code` when the address or the port is refused
 */
export function listenAt(
  { address, port, transport }: Place,
  ears: ListenerEars,
  connected: (socket: Socket, listener: ListenerId) => void,
): Promise<Opened> {
  const server = createServer({ allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port, ipv6Only: true, exclusive: true, backlog }, () => {
      server.removeListener("error", reject);
      const bound = (server.address() as { port: number }).port;
      const host = address.includes(":") ? `[${address}]` : address;
      const id = `${host}:${bound}/${transport}`;
      let isOpen = true;
      const close = () => {
        if (isOpen) server.close();
        isOpen = false;
      };
      server.on("error", (error) => {
        const code = codeOf(error);
        if (shortages.has(code)) {
          ears.exhausted(id, code);
        } else if (isOpen) {
          close();
          ears.failed(id, code);
        }
      });
      server.on("connection", (socket) => connected(socket, id));
      resolve({ id, port: bound, close });
    });
  });
}

interface Stream {
  readonly id: StreamId;
  /** What is read from and written to. */
  readonly socket: Socket;
  /** The TCP socket, under TLS another: only this one can be reset. */
  readonly raw: Socket;
  /** The first bytes of this turn, as long as there are no others. */
  first: Uint8Array | undefined;
  isCorked: boolean;
  isBlocked: boolean;
  isAborted: boolean;
}

export class TcpStreams {
  readonly #streams = new Map<StreamId, Stream>();
  readonly #ears: StreamEars & ListenerEars;
  readonly #counts: Counts;
  #writeQueueMax: number;
  #last = 0;
  /** Those that were written to in this turn. */
  #written: Stream[] = [];

  constructor(ears: StreamEars & ListenerEars, counts: Counts, writeQueueMax: number) {
    this.#ears = ears;
    this.#counts = counts;
    this.#writeQueueMax = writeQueueMax;
  }

  /** Connections that are open, or not yet closed on both sides. */
  get size(): number {
    return this.#streams.size;
  }

  configure(writeQueueMax: number): void {
    this.#writeQueueMax = writeQueueMax;
  }

  /** Starts to listen for DNS in the clear; rejected as by `listenAt`. */
  listen(address: string, port: number): Promise<Opened> {
    const place: Place = { address, port, transport: "tcp" };
    return listenAt(place, this.#ears, (socket, listener) => this.#accept(socket, listener));
  }

  /** Takes a connection that is ready to carry DNS messages. */
  adopt(socket: Socket, raw: Socket, source: Peer, listener: ListenerId): void {
    this.#last += 1;
    const id = this.#last;
    const ears = this.#ears;
    const flags = { isCorked: false, isBlocked: false, isAborted: false };
    const stream: Stream = { id, socket, raw, first: undefined, ...flags };
    this.#streams.set(id, stream);
    socket.on("data", (bytes) => ears.received(id, bytes));
    socket.on("drain", () => this.#drained(stream));
    socket.on("end", () => ears.ended(id));
    socket.on("close", () => {
      this.#streams.delete(id);
      ears.closed(id);
    });
    ears.opened(id, source, listener);
  }

  write(id: StreamId, bytes: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isAborted) return;
    const { socket, first } = stream;
    if (socket.writableLength + (first?.length ?? 0) + bytes.length > this.#writeQueueMax) {
      this.#counts.add("limits", "write-queue");
      this.abort(id);
      return;
    }
    if (first === undefined && !stream.isCorked) {
      if (this.#written.length === 0) process.nextTick(() => this.#flush());
      this.#written.push(stream);
      stream.first = bytes;
      return;
    }
    if (first !== undefined) {
      // What is written in one turn leaves in one system call, and under TLS in one record.
      stream.isCorked = true;
      socket.cork();
      socket.write(first);
      stream.first = undefined;
    }
    socket.write(bytes);
  }

  /** Ends our side once everything written has left; under TLS with close_notify. */
  close(id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#send(stream);
    stream.socket.end();
  }

  /** Resets the connection: under TLS without close_notify (RFC 8490 §5.3). */
  abort(id: StreamId): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.isAborted) return;
    stream.isAborted = true;
    stream.first = undefined;
    stream.raw.resetAndDestroy();
  }

  abortAll(): void {
    for (const id of [...this.#streams.keys()]) this.abort(id);
  }

  pause(id: StreamId): void {
    this.#streams.get(id)?.socket.pause();
  }

  resume(id: StreamId): void {
    this.#streams.get(id)?.socket.resume();
  }

  #accept(socket: Socket, listener: ListenerId): void {
    const { remoteAddress: address, remotePort: port } = socket;
    socket.on("error", () => this.#counts.add("streams", "failed"));
    if (address === undefined || port === undefined) {
      // Gone again between the kernel's accept and now.
      socket.destroy();
      return;
    }
    this.adopt(socket, socket, { address, port }, listener);
  }

  #flush(): void {
    const written = this.#written;
    this.#written = [];
    for (const stream of written) this.#send(stream);
    // What the kernel takes at once is no queue, though the socket says so until then.
    const full = written.filter(({ socket }) => socket.writableNeedDrain);
    if (full.length > 0) setImmediate(() => this.#checkBlocked(full));
  }

  #send(stream: Stream): void {
    const { socket, first, isCorked } = stream;
    stream.first = undefined;
    stream.isCorked = false;
    if (first !== undefined) socket.write(first);
    else if (isCorked) socket.uncork();
  }

  #checkBlocked(streams: readonly Stream[]): void {
    for (const stream of streams) {
      if (!stream.socket.writableNeedDrain || stream.isBlocked || stream.isAborted) continue;
      stream.isBlocked = true;
      this.#ears.blocked(stream.id);
    }
  }

  #drained(stream: Stream): void {
    if (!stream.isBlocked) return;
    stream.isBlocked = false;
    this.#ears.drained(stream.id);
  }
}
