// Ready responses by the bytes of the question, so that an answer given a
// moment ago costs a comparison and a copy. Two queries share a response when
// their question bytes (case included, for 0x20 clients), what their flags and
// OPT allow, their way and their class of client agree; the socket they came
// in on makes no difference. A response is dropped when anything changes
// on the link it speaks of, and is stale as soon as a TTL in it would be lower.
// A cookie is nobody else's: who takes a response with one writes his over it.

import type { Counter } from "../tally.js";
import type { Instant } from "../time.js";
import { EdnsOption } from "../wire/codes.js";
import { headerBytes } from "../wire/message.js";
import { isEncrypted, type Way } from "./asker.js";
import { cookieBytes, isCookieLength } from "./cookies.js";
import type { Epoch } from "./epochs.js";

interface Entry {
  readonly shape: number;
  readonly client: number;
  readonly question: Uint8Array;
  readonly response: Uint8Array;
  readonly epoch: Epoch;
  readonly count: number;
  readonly staleAt: Instant;
  readonly counter: Counter | undefined;
}

export interface Keep {
  readonly response: Uint8Array;
  readonly epoch: Epoch;
  /** The first instant at which a TTL in the response would be lower. */
  readonly staleAt: Instant;
  /** Where those who are given it are counted. */
  readonly counter?: Counter;
}

/** Bytes that an entry costs besides its question and response, measured on Node 20. */
const overhead = 400;

const optFixedSize = 11;

/** What every client takes over UDP (RFC 6891 §6.2.3). */
const udpSizeMin = 512;

/** Options that change nothing in an answer once they are known to be whole. */
const idleOptions: readonly number[] = [EdnsOption.CLIENT_SUBNET, EdnsOption.PADDING];

const edns = 1 << 17;
const dnssecOk = 1 << 18;
const recursionDesired = 1 << 19;
const nsid = 1 << 20;
const padding = 1 << 21;
const cookie = 1 << 25;

/** Each way has answers of its own: what an OPT says differs. */
const wayBits: Readonly<Record<Way, number>> = {
  udp: 0,
  tcp: 1 << 22,
  tls: 2 << 22,
  "tcp-session": 3 << 22,
  "tls-session": 4 << 22,
};

export class AnswerCache {
  readonly #entries = new Map<number, Entry>();
  readonly #seed: number;
  #bytesMax: number;
  #udpSize: number;
  #hasCookies: boolean;
  #bytes = 0;
  // What #scan found in the message at hand.
  #hash = 0;
  #shape = 0;
  #questionEnd = 0;
  #cookieAt = 0;
  #cookieEnd = 0;
  #counter: Counter | undefined;

  /**
   * @param bytesMax    bound of all entries together
   * @param udpSize     largest UDP answer
   * @param hasCookies  cookies are answered; else they are one more option that says nothing
   * @param seed        makes collisions unpredictable for those who send questions
   */
  constructor(bytesMax: number, udpSize: number, hasCookies: boolean, seed: number) {
    this.#bytesMax = bytesMax;
    this.#udpSize = Math.max(udpSize, udpSizeMin);
    this.#hasCookies = hasCookies;
    this.#seed = seed;
  }

  /** Bytes held, bookkeeping included. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  configure(bytesMax: number, udpSize: number, hasCookies: boolean): void {
    this.#bytesMax = bytesMax;
    this.#udpSize = Math.max(udpSize, udpSizeMin);
    this.#hasCookies = hasCookies;
    this.#entries.clear();
    this.#bytes = 0;
  }

  /**
   * The response to a query like this one, with the ID of this one. It is the kept one, good
   * until the next call: a copy of each would make garbage faster than it is collected.
   */
  find(now: Instant, query: Uint8Array, way: Way, client: number): Uint8Array | undefined {
    if (!this.#scan(query, way, client)) return undefined;
    const entry = this.#entries.get(this.#hash);
    if (
      entry === undefined ||
      entry.shape !== this.#shape ||
      entry.count !== entry.epoch.count ||
      entry.staleAt <= now ||
      entry.client !== client ||
      !this.#hasQuestion(entry.question, query)
    ) {
      return undefined;
    }
    const { response } = entry;
    this.#counter = entry.counter;
    response[0] = query[0] as number;
    response[1] = query[1] as number;
    return response;
  }

  /** Where the query is counted that `find` has just found a response to. */
  get counter(): Counter | undefined {
    return this.#counter;
  }

  /**
   * The COOKIE option of the query that `find` has just found a response to, whose last
   * 24 bytes are then somebody else's; undefined when it has none.
   */
  cookieOf(query: Uint8Array): Uint8Array | undefined {
    if ((this.#shape & cookie) === 0) return undefined;
    return query.subarray(this.#cookieAt, this.#cookieEnd);
  }

  /** Keeps the response given to `query`. Queries with unusual parts are not kept. */
  keep(query: Uint8Array, way: Way, client: number, answer: Keep): void {
    if (!this.#scan(query, way, client)) return;
    if ((this.#shape & cookie) !== 0 && !endsWithCookie(answer.response)) return;
    this.#forget(this.#hash);
    this.#entries.set(this.#hash, {
      shape: this.#shape,
      client,
      question: copyOf(query.subarray(headerBytes, this.#questionEnd)),
      response: copyOf(answer.response),
      epoch: answer.epoch,
      count: answer.epoch.count,
      staleAt: answer.staleAt,
      counter: answer.counter,
    });
    this.#bytes += this.#questionEnd - headerBytes + answer.response.length + overhead;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#forget(oldest);
    }
  }

  #forget(hash: number): void {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return;
    this.#entries.delete(hash);
    this.#bytes -= entry.question.length + entry.response.length + overhead;
  }

  #hasQuestion(question: Uint8Array, query: Uint8Array): boolean {
    if (question.length !== this.#questionEnd - headerBytes) return false;
    for (let at = 0; at < question.length; at++) {
      if (question[at] !== query[at + headerBytes]) return false;
    }
    return true;
  }

  /** Reads a plain query (one question, at most an OPT) into #hash, #shape and #questionEnd. */
  #scan(query: Uint8Array, way: Way, client: number): boolean {
    const size = query.length;
    if (size < headerBytes + 5) return false;
    const flags = ((query[2] as number) << 8) | (query[3] as number);
    // QR 0, opcode 0; one question, no answer, no authority, at most one additional.
    if ((flags & 0xf800) !== 0 || query[4] !== 0 || query[5] !== 1) return false;
    if (query[6] !== 0 || query[7] !== 0 || query[8] !== 0 || query[9] !== 0) return false;
    if (query[10] !== 0 || (query[11] as number) > 1) return false;
    const end = this.#scanQuestion(query);
    if (end === 0) return false;
    this.#questionEnd = end;
    let shape = wayBits[way];
    if ((flags & 0x0100) !== 0) shape |= recursionDesired;
    if (query[11] === 0) {
      if (end !== size) return false;
      this.#shape = shape | (way === "udp" ? udpSizeMin : 0);
    } else if (!this.#scanOpt(query, end, shape, way)) return false;
    this.#hash = Math.imul(this.#hash ^ this.#shape, 0x01000193);
    this.#hash = Math.imul(this.#hash ^ client, 0x01000193);
    return true;
  }

  #scanQuestion(query: Uint8Array): number {
    let hash = this.#seed;
    let at = headerBytes;
    const last = query.length - 5;
    for (;;) {
      const length = query[at] as number;
      if (length > 63 || at + length > last) return 0;
      if (length === 0) break;
      for (const next = at + length; at <= next; at++) {
        hash = Math.imul(hash ^ (query[at] as number), 0x01000193);
      }
    }
    for (const next = at + 5; at < next; at++) {
      hash = Math.imul(hash ^ (query[at] as number), 0x01000193);
    }
    this.#hash = hash;
    return at;
  }

  #scanOpt(query: Uint8Array, start: number, base: number, way: Way): boolean {
    const size = query.length;
    if (start + optFixedSize > size) return false;
    // Root owner, type 41; extended rcode and version 0.
    if (query[start] !== 0 || query[start + 1] !== 0 || query[start + 2] !== 41) return false;
    if (query[start + 5] !== 0 || query[start + 6] !== 0) return false;
    let shape = base | edns;
    if (((query[start + 7] as number) & 0x80) !== 0) shape |= dnssecOk;
    const length = ((query[start + 9] as number) << 8) | (query[start + 10] as number);
    let at = start + optFixedSize;
    if (at + length !== size) return false;
    while (at < size) {
      if (at + 4 > size || query[at] !== 0) return false;
      const code = query[at + 1] as number;
      const optionSize = ((query[at + 2] as number) << 8) | (query[at + 3] as number);
      at += 4 + optionSize;
      if (at > size) return false;
      if (code === EdnsOption.COOKIE) {
        if (!this.#hasCookies) continue;
        // One that cannot be, or is no first one, is for receive() to judge.
        if (!isCookieLength(optionSize) || (shape & cookie) !== 0) return false;
        shape |= cookie;
        this.#cookieAt = at - optionSize;
        this.#cookieEnd = at;
      } else if (code === EdnsOption.NSID) shape |= nsid;
      else if (code === EdnsOption.TCP_KEEPALIVE && way !== "udp") return false;
      else if (code === EdnsOption.PADDING && isEncrypted(way)) shape |= padding;
      else if (code !== EdnsOption.TCP_KEEPALIVE && !idleOptions.includes(code)) return false;
    }
    // On streams the client's size matters to padding alone (RFC 7830 §4).
    if (way === "udp" || (shape & padding) !== 0) {
      const asked = ((query[start + 3] as number) << 8) | (query[start + 4] as number);
      const size = Math.max(asked, udpSizeMin);
      shape |= way === "udp" ? Math.min(size, this.#udpSize) : size;
    }
    this.#shape = shape;
    return true;
  }
}

/** False where the OPT had no room for options. */
function endsWithCookie(response: Uint8Array): boolean {
  const at = response.length - cookieBytes - 4;
  const [code, size] = [response[at + 1], response[at + 3]];
  return response[at] === 0 && code === EdnsOption.COOKIE && size === cookieBytes;
}

/** A copy of its own even of a Buffer, whose `slice` is a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
