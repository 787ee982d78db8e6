// Many datagrams in one system call, recvmmsg(2) and sendmmsg(2): of what an
// answer costs, the calls are most. Memory is laid out once, as the kernel wants
// it on 64-bit little-endian machines (<bits/socket.h>): an array of struct
// mmsghdr, one struct iovec and one address each, and the bytes of the datagrams.

import type { Peer } from "../engine/io.js";
import { type AddressBook, socketAddressMax } from "./socket-address.js";

/** Memory that does not move and lives as long as the program. */
export interface Memory {
  readonly address: bigint;
  readonly bytes: ArrayBuffer;
}

/** The system calls. Neither waits; less than 0 means that nothing was done. */
export interface ManyCalls {
  allocate(size: number): Memory;
  receive(fd: number, headers: bigint, count: number): number;
  send(fd: number, headers: bigint, count: number): number;
}

/** Datagrams in one call. With more the calls become no cheaper, and others wait longer. */
const many = 32;

/** Any datagram fits. Pages that nobody writes to cost no memory. */
const receivedMax = 65_536;
/** Larger ones have to leave in another way. */
const sentMax = 4096;
/** Rooms that began at the same place of a page would contend for the processor's cache. */
const skew = 320;

// struct mmsghdr: name and its length, vectors and their count, control, flags, bytes received.
const headerSize = 64;
const vectorSize = 16;
const nameRoom = 32;

/** Where in the 32-bit words of a header. */
const headerWords = headerSize / 4;
const nameLengthWord = 2;
const receivedWord = 14;

class Rooms {
  readonly headers: bigint;
  readonly names: Buffer;
  readonly data: Buffer;
  readonly stride: number;
  readonly words: Uint32Array;
  /** Of each vector: address low and high, length low and high. */
  readonly vectorWords: Uint32Array;

  constructor(calls: ManyCalls, room: number) {
    const stride = room + skew;
    const vectorsAt = many * headerSize;
    const namesAt = vectorsAt + many * vectorSize;
    const dataAt = namesAt + many * nameRoom;
    const { address, bytes } = calls.allocate(dataAt + many * stride);
    const pointers = new BigUint64Array(bytes, 0, namesAt / 8);
    pointers.fill(0n);
    for (let index = 0; index < many; index++) {
      const header = (index * headerSize) / 8;
      pointers[header] = address + BigInt(namesAt + index * nameRoom);
      pointers[header + 1] = BigInt(socketAddressMax);
      pointers[header + 2] = address + BigInt(vectorsAt + index * vectorSize);
      pointers[header + 3] = 1n;
      const vector = (vectorsAt + index * vectorSize) / 8;
      pointers[vector] = address + BigInt(dataAt + index * stride);
      pointers[vector + 1] = BigInt(room);
    }
    this.headers = address;
    this.names = Buffer.from(bytes, namesAt, many * nameRoom);
    this.data = Buffer.from(bytes, dataAt, many * stride);
    this.stride = stride;
    this.words = new Uint32Array(bytes, 0, vectorsAt / 4);
    this.vectorWords = new Uint32Array(bytes, vectorsAt, (many * vectorSize) / 4);
  }
}

/** Datagrams that have come. */
export class Inbox {
  readonly #calls: ManyCalls;
  readonly #book: AddressBook;
  readonly #rooms: Rooms;
  /** Of each room, what was in it last: queries are often of the same size. */
  readonly #views: Buffer[];

  constructor(calls: ManyCalls, book: AddressBook) {
    this.#calls = calls;
    this.#book = book;
    this.#rooms = new Rooms(calls, receivedMax);
    this.#views = Array.from({ length: many }, () => Buffer.alloc(0));
  }

  /** Takes what waits at a socket. @returns how many datagrams, all good until the next time */
  take(fd: number): number {
    const { words, headers } = this.#rooms;
    for (let index = 0; index < many; index++) {
      words[index * headerWords + nameLengthWord] = socketAddressMax;
    }
    return Math.max(this.#calls.receive(fd, headers, many), 0);
  }

  sourceOf(index: number): Peer {
    const { names } = this.#rooms;
    const at = index * nameRoom;
    const address = this.#book.textAt(names, at);
    return { address, port: ((names[at + 2] as number) << 8) | (names[at + 3] as number) };
  }

  bytesOf(index: number): Buffer {
    const { words, data, stride } = this.#rooms;
    const length = words[index * headerWords + receivedWord] as number;
    const last = this.#views[index] as Buffer;
    if (last.length === length) return last;
    const view = data.subarray(index * stride, index * stride + length);
    this.#views[index] = view;
    return view;
  }
}

/** Datagrams that are to leave. */
export class Outbox {
  readonly #calls: ManyCalls;
  readonly #book: AddressBook;
  readonly #rooms: Rooms;
  readonly #peers: Peer[] = [];

  constructor(calls: ManyCalls, book: AddressBook) {
    this.#calls = calls;
    this.#book = book;
    this.#rooms = new Rooms(calls, sentMax);
  }

  get isFull(): boolean {
    return this.#peers.length === many;
  }

  /** Copies one in, while there is room. @returns false when it has to leave in another way */
  add(to: Peer, bytes: Uint8Array): boolean {
    const { names, data, stride, words, vectorWords } = this.#rooms;
    const index = this.#peers.length;
    if (bytes.length > sentMax) return false;
    const nameLength = this.#book.write(to.address, to.port, names, index * nameRoom);
    if (nameLength === 0) return false;
    words[index * headerWords + nameLengthWord] = nameLength;
    data.set(bytes, index * stride);
    vectorWords[index * (vectorSize / 4) + 2] = bytes.length;
    this.#peers.push(to);
    return true;
  }

  /**
   * Sends and forgets them all.
   *
   * @param refused  called with each that the kernel does not take now
   */
  send(fd: number, refused: (to: Peer, bytes: Uint8Array) => void): void {
    const { headers, data, stride, vectorWords } = this.#rooms;
    const count = this.#peers.length;
    if (count === 0) return;
    const sent = Math.max(this.#calls.send(fd, headers, count), 0);
    for (let index = sent; index < count; index++) {
      const start = index * stride;
      const length = vectorWords[index * (vectorSize / 4) + 2] as number;
      refused(this.#peers[index] as Peer, data.subarray(start, start + length));
    }
    this.#peers.length = 0;
  }
}
