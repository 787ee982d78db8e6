// Unicast DNS over TCP: one listener per local address, and the connections it
// accepts (RFC 7766). Framing, idle time and the limits on how many there are
// belong to the engine; bytes that a client leaves unread are bounded here.

import { createServer, type Socket } from "node:net";
import type { Counts } from "../counts.js";
import type { ListenerId, Peer, StreamId } from "../engine/io.js";
import { codeOf } from "./multicast.js";
import type { Opened } from "./udp.js";

/** Connections that wait to be accepted; the kernel's own limit is usually lower. */
const backlog = 1024;

export interface TcpEars {
  opened(stream: StreamId, source: Peer, listener: ListenerId): void;
  received(stream: StreamId, bytes: Uint8Array): void;
  drained(stream: StreamId): void;
  ended(stream: StreamId): void;
  closed(stream: StreamId): void;
  /** The listener is of no use any more, and closed. */
  failed(listener: ListenerId, code: string): void;
}

interface Stream {
  readonly socket: Socket;
  isCorked: boolean;
}

export class TcpStreams {
  readonly #streams = new Map<StreamId, Stream>();
  readonly #ears: TcpEars;
  readonly #counts: Counts;
  #writeQueueMax: number;
  #last = 0;

  constructor(ears: TcpEars, counts: Counts, writeQueueMax: number) {
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

  /**
   * Starts to listen.
   *
   * @returns rejected with an error that has a `code` when the address or the port is refused
   */
  listen(address: string, port: number): Promise<Opened> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port, ipv6Only: true, exclusive: true, backlog }, () => {
        server.removeListener("error", reject);
        const bound = (server.address() as { port: number }).port;
        const host = address.includes(":") ? `[${address}]` : address;
        const id = `${host}:${bound}/tcp`;
        let isOpen = true;
        const close = () => {
          if (isOpen) server.close();
          isOpen = false;
        };
        server.on("error", (error) => {
          // Too many open files: those that wait are accepted later.
          if (codeOf(error) === "EMFILE" || codeOf(error) === "ENFILE") {
            this.#counts.add("limits", "open-files");
          } else if (isOpen) {
            close();
            this.#ears.failed(id, codeOf(error));
          }
        });
        server.on("connection", (socket) => this.#accept(socket, id));
        resolve({ id, port: bound, close });
      });
    });
  }

  write(id: StreamId, bytes: Uint8Array): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const { socket } = stream;
    if (socket.writableLength + bytes.length > this.#writeQueueMax) {
      this.#counts.add("limits", "write-queue");
      this.abort(id);
      return;
    }
    if (!stream.isCorked) {
      // Answers of one turn leave in one system call.
      stream.isCorked = true;
      socket.cork();
      process.nextTick(() => {
        stream.isCorked = false;
        socket.uncork();
      });
    }
    socket.write(bytes);
  }

  /** Ends our side once everything written has left. */
  close(id: StreamId): void {
    this.#streams.get(id)?.socket.end();
  }

  /** Resets the connection. */
  abort(id: StreamId): void {
    this.#streams.get(id)?.socket.resetAndDestroy();
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
    // Gone again between the kernel's accept and now.
    socket.on("error", () => this.#counts.add("streams", "failed"));
    if (address === undefined || port === undefined) {
      socket.destroy();
      return;
    }
    this.#last += 1;
    const id = this.#last;
    const ears = this.#ears;
    this.#streams.set(id, { socket, isCorked: false });
    socket.on("data", (bytes) => ears.received(id, bytes));
    socket.on("drain", () => ears.drained(id));
    socket.on("end", () => ears.ended(id));
    socket.on("close", () => {
      this.#streams.delete(id);
      ears.closed(id);
    });
    ears.opened(id, { address, port }, listener);
  }
}
