// Unicast DNS over UDP: one socket per local address, so that each answer leaves
// from the address that was asked [T-54] (RFC 7766 and RFC 6891 leave it to us).
// The way of most queries on a busy server: nothing is done here twice.

import { createSocket, type Socket } from "node:dgram";
import type { ListenerId, Peer } from "../engine/io.js";
import { codeOf, numericLookup } from "./multicast.js";

/** A second of queries at full speed. The kernel gives less when it must. */
const receiveBuffer = 4 * 1024 * 1024;

/**
 * One datagram in so many is watched for failure. To be told of each costs a tenth of an
 * answer, and what keeps answers from leaving keeps the next ones, too.
 */
const watchedSend = 16;

export interface UdpEars {
  received(listener: ListenerId, source: Peer, bytes: Uint8Array): void;
  notSent(listener: ListenerId, code: string): void;
  /** The socket is of no use any more, and closed. */
  failed(listener: ListenerId, code: string): void;
}

/** A socket or a listener that is open. */
export interface Opened {
  readonly id: ListenerId;
  /** As the kernel says it, after binding. */
  readonly port: number;
  close(): void;
}

interface Bound {
  readonly socket: Socket;
  readonly sent: (error: Error | null) => void;
}

/** Room for some 100 answers: small enough to stay in the processor's cache. */
const ringSize = 128 * 1024;

export class UdpSockets {
  readonly #sockets = new Map<ListenerId, Bound>();
  readonly #ears: UdpEars;
  // The very first one is watched.
  #sendCount = watchedSend - 1;
  #ring = Buffer.allocUnsafeSlow(ringSize);
  #ringUsed = 0;

  constructor(ears: UdpEars) {
    this.#ears = ears;
  }

  /**
   * Binds a socket.
   *
   * @returns rejected with an error that has a `code` when the address or the port is refused
   */
  open(address: string, port: number): Promise<Opened> {
    const isLong = address.includes(":");
    const socket = createSocket({
      type: isLong ? "udp6" : "udp4",
      ipv6Only: isLong,
      lookup: numericLookup,
    });
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ address, port, exclusive: true }, () => {
        socket.removeAllListeners("error");
        resolve(this.#keep(socket, address));
      });
    });
  }

  /** Sends one datagram; of failures a sample is reported, what is not open any more ignored. */
  send(listener: ListenerId, to: Peer, shared: Uint8Array): void {
    const bound = this.#sockets.get(listener);
    if (bound === undefined) return;
    const bytes = this.#copyOf(shared);
    this.#sendCount = (this.#sendCount + 1) % watchedSend;
    if (this.#sendCount === 0) bound.socket.send(bytes, to.port, to.address, bound.sent);
    else bound.socket.send(bytes, to.port, to.address);
  }

  /** The caller's bytes change with its next answer; a busy kernel may take ours later. */
  #copyOf(bytes: Uint8Array): Uint8Array {
    if (this.#ringUsed + bytes.length > ringSize) {
      this.#ringUsed = 0;
      const isWaiting = [...this.#sockets.values()].some(
        ({ socket }) => socket.getSendQueueCount() > 0,
      );
      // What waits keeps its ring; the garbage collector takes that when all of it has left.
      if (isWaiting) this.#ring = Buffer.allocUnsafeSlow(ringSize);
    }
    const start = this.#ringUsed;
    this.#ringUsed += bytes.length;
    this.#ring.set(bytes, start);
    return this.#ring.subarray(start, this.#ringUsed);
  }

  #keep(socket: Socket, address: string): Opened {
    const { port } = socket.address();
    const id = address.includes(":") ? `[${address}]:${port}/udp` : `${address}:${port}/udp`;
    try {
      socket.setRecvBufferSize(receiveBuffer);
    } catch {
      // The default size has to do.
    }
    const ears = this.#ears;
    const close = () => {
      if (this.#sockets.get(id)?.socket !== socket) return;
      this.#sockets.delete(id);
      socket.close();
    };
    // One for all datagrams: a function each would be felt.
    const sent = (error: Error | null) => {
      if (error !== null) ears.notSent(id, codeOf(error));
    };
    socket.on("message", (bytes, source) => ears.received(id, source, bytes));
    socket.on("error", (error) => {
      if (this.#sockets.get(id)?.socket !== socket) return;
      close();
      ears.failed(id, codeOf(error));
    });
    this.#sockets.set(id, { socket, sent });
    return { id, port, close };
  }
}
