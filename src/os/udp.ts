// Unicast DNS over UDP: one socket per local address, so that each answer leaves
// from the address that was asked [T-54] (RFC 7766 and RFC 6891 leave it to us).
// The way of most queries on a busy server. Node tells that something has come;
// where datagrams.ts works, all that waits is then taken in one system call, and
// what is answered leaves in one.

import { createSocket, type Socket } from "node:dgram";
import type { ListenerId, Peer } from "../engine/io.js";
import { Inbox, Outbox } from "./datagrams.js";
import { codeOf, numericLookup } from "./multicast.js";
import { type Native, SystemError } from "./native.js";
import { AddressBook } from "./socket-address.js";

/** A second of queries at full speed. The kernel gives less when it must. */
const receiveBuffer = 4 * 1024 * 1024;

/**
 * One datagram in so many is watched for failure. To be told of each costs a tenth of an
 * answer, and what keeps answers from leaving keeps the next ones, too.
 */
const watchedSend = 16;

export interface UdpEars {
  /** The bytes are good until this returns. */
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
  readonly id: ListenerId;
  readonly socket: Socket;
  /** Its descriptor; undefined where each datagram is a system call of its own. */
  readonly fd: number | undefined;
  readonly sent: (error: Error | null) => void;
}

/** What is needed to take and send many datagrams at once. */
interface Many {
  readonly native: Native;
  readonly book: AddressBook;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
}

export class UdpSockets {
  readonly #sockets = new Map<ListenerId, Bound>();
  readonly #ears: UdpEars;
  readonly #many: Many | undefined;
  /** Whose datagrams the outbox holds. */
  #sender: Bound | undefined;
  #isReceiving = false;
  // The very first one is watched.
  #sendCount = watchedSend - 1;

  /** @param native  absent: each datagram is a system call of its own */
  constructor(ears: UdpEars, native: Native | undefined) {
    this.#ears = ears;
    this.#many = native === undefined ? undefined : manyWith(native);
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
      const fail = (error: unknown) => {
        socket.removeAllListeners();
        socket.close();
        reject(error);
      };
      socket.once("error", fail);
      try {
        const fd = this.#openNatively(address, port);
        const place = fd === undefined ? { address, port, exclusive: true } : { fd };
        socket.bind(place, () => {
          socket.removeAllListeners("error");
          resolve(this.#keep(socket, address, fd));
        });
      } catch (error) {
        fail(error);
      }
    });
  }

  /**
   * Sends one datagram, at the latest with the next `flush`; the bytes may change after this.
   * Of failures a sample is reported, what is not open any more ignored.
   */
  send(listener: ListenerId, to: Peer, bytes: Uint8Array): void {
    const bound = this.#sockets.get(listener);
    if (bound === undefined) return;
    if (this.#many !== undefined) {
      const { outbox } = this.#many;
      if (this.#sender !== bound || outbox.isFull) this.#sendAll();
      this.#sender = bound;
      if (outbox.add(to, bytes)) return;
    }
    this.#sendOne(bound, to, bytes);
  }

  /** Lets go of what waits to be sent with others, unless more is to come at once. */
  flush(): void {
    if (!this.#isReceiving) this.#sendAll();
  }

  /** @returns undefined where it is left to Node */
  #openNatively(address: string, port: number): number | undefined {
    if (this.#many === undefined) return undefined;
    const { native, book } = this.#many;
    const place = book.bind(address, port);
    // Its scope is an interface that is not there.
    if (place === undefined) throw new SystemError("bind", "EADDRNOTAVAIL");
    return native.openUdp(place);
  }

  #receive(bound: Bound, bytes: Uint8Array, source: Peer): void {
    this.#isReceiving = true;
    this.#ears.received(bound.id, source, bytes);
    if (this.#many !== undefined && bound.fd !== undefined && this.#isOpen(bound)) {
      const { inbox } = this.#many;
      const count = inbox.take(bound.fd);
      for (let index = 0; index < count; index++) {
        this.#ears.received(bound.id, inbox.sourceOf(index), inbox.bytesOf(index));
      }
    }
    this.#isReceiving = false;
    this.#sendAll();
  }

  #sendAll(): void {
    const sender = this.#sender;
    if (sender?.fd === undefined || this.#many === undefined) return;
    this.#sender = undefined;
    this.#many.outbox.send(sender.fd, (to, bytes) => this.#sendOne(sender, to, bytes));
  }

  /** By Node alone, which waits where the kernel is busy. */
  #sendOne(bound: Bound, to: Peer, bytes: Uint8Array): void {
    const own = Buffer.from(bytes);
    this.#sendCount = (this.#sendCount + 1) % watchedSend;
    if (this.#sendCount === 0) bound.socket.send(own, to.port, to.address, bound.sent);
    else bound.socket.send(own, to.port, to.address);
  }

  #isOpen(bound: Bound): boolean {
    return this.#sockets.get(bound.id) === bound;
  }

  #keep(socket: Socket, address: string, fd: number | undefined): Opened {
    const { port } = socket.address();
    const id = address.includes(":") ? `[${address}]:${port}/udp` : `${address}:${port}/udp`;
    if (fd !== undefined) this.#many?.native.keepAlone(fd);
    try {
      socket.setRecvBufferSize(receiveBuffer);
    } catch {
      // The default size has to do.
    }
    const ears = this.#ears;
    // One for all datagrams: a function each would be felt.
    const sent = (error: Error | null) => {
      if (error !== null) ears.notSent(id, codeOf(error));
    };
    const bound: Bound = { id, socket, fd, sent };
    const close = () => {
      if (!this.#isOpen(bound)) return;
      // After this its descriptor may become another's.
      if (this.#sender === bound) this.#sendAll();
      this.#sockets.delete(id);
      socket.close();
    };
    socket.on("message", (bytes, source) => this.#receive(bound, bytes, source));
    socket.on("error", (error) => {
      if (!this.#isOpen(bound)) return;
      close();
      ears.failed(id, codeOf(error));
    });
    this.#sockets.set(id, bound);
    return { id, port, close };
  }
}

function manyWith(native: Native): Many | undefined {
  const { many } = native;
  if (many === undefined) return undefined;
  const book = new AddressBook({
    indexOf: (name) => native.findInterface(name)?.index,
    nameOf: (index) => native.findName(index),
  });
  return { native, book, inbox: new Inbox(many, book), outbox: new Outbox(many, book) };
}
