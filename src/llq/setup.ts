// Challenges (RFC 8764 §5.2.2, §5.2.3, appendix A) without state: the LLQ-ID is
// a keyed hash of who asks what for how long and since when, so that it can be
// checked when it comes back and nothing need be kept for those who never come
// back. What is kept besides are notes of the latest challenges, bounded and
// dispensable: they count a client's open set-ups and repeat an ID (LLQ-11).

import { after, type Duration, type Instant, seconds } from "../time.js";
import type { Question } from "../wire/message.js";
import { type Asker, wayOf } from "./asker.js";
import { fullRetrySeconds } from "./lease.js";

/**
 * A keyed hash that cannot be guessed without the key, 8 bytes at least. Handed in, as chance
 * is: the key is made at the edge.
 */
export type Mac = (bytes: Uint8Array) => Uint8Array;

/** An LLQ-ID as handed out. */
export interface Issued {
  readonly id: bigint;
  readonly leaseSeconds: number;
  readonly grantedAt: Instant;
}

interface Note extends Issued {
  readonly client: string;
}

/** Notes kept, of all clients: some 3 MB. The oldest goes; its challenge stays good. */
const notesMax = 10_000;

/** As long as a client that is told SERV-FULL has to stay away. */
const noteLife: Duration = seconds(fullRetrySeconds);

/** The time in an ID is one byte, so its unit is a minute or, for very long leases, more. */
const unitsMax = 240;
const secondsPerUnitMin = 60;

const hashBytes = 7;

export class Challenges {
  readonly #mac: Mac;
  /** By who and what; in the order of their making, which is that of their end. */
  readonly #notes = new Map<string, Note>();
  readonly #perClient = new Map<string, number>();

  constructor(mac: Mac) {
    this.#mac = mac;
  }

  /** Set-ups noted as open. */
  get size(): number {
    return this.#notes.size;
  }

  /**
   * The ID for a Setup Request; for a repeated one, the same as before.
   *
   * @param client   what counts as one client in limits
   * @param openMax  how many set-ups of one client may be open
   * @returns undefined when the client has that many
   */
  issue(
    now: Instant,
    asker: Asker,
    client: string,
    question: Question,
    leaseSeconds: number,
    openMax: number,
  ): Issued | undefined {
    this.#prune(now);
    const key = noteKey(asker, question);
    const known = this.#notes.get(key);
    if (known !== undefined) return known;
    const open = this.#perClient.get(client) ?? 0;
    if (open >= openMax) return undefined;
    const stamp = stampAt(now, leaseSeconds);
    const hash = this.#hash(asker, question, leaseSeconds, stamp);
    const id = idOf(hash, (stamp ^ this.#mask(hash)) & 0xff);
    const note = { id, leaseSeconds, grantedAt: now, client };
    this.#notes.set(key, note);
    this.#perClient.set(client, open + 1);
    if (this.#notes.size > notesMax) this.#dropOldest();
    return note;
  }

  /**
   * Whether this ID was issued for the question to this asker, with this lease, and the lease
   * still runs (LLQ-12, LLQ-13).
   *
   * @returns with the instant of the grant, or the present one when that is not known any more
   */
  verify(
    now: Instant,
    asker: Asker,
    question: Question,
    leaseSeconds: number,
    id: bigint,
  ): Issued | undefined {
    this.#prune(now);
    const note = this.#notes.get(noteKey(asker, question));
    if (note?.id === id) return note.leaseSeconds === leaseSeconds ? note : undefined;
    const low = Number(id & 0xffn);
    const claimed = new Uint8Array(hashBytes);
    for (let at = 0; at < hashBytes; at++) {
      claimed[at] = Number((id >> BigInt(8 * (hashBytes - at))) & 0xffn);
    }
    const present = stampAt(now, leaseSeconds);
    const age = (present - (low ^ this.#mask(claimed))) & 0xff;
    if (age > Math.floor(leaseSeconds / unitOf(leaseSeconds)) + 1) return undefined;
    const hash = this.#hash(asker, question, leaseSeconds, present - age);
    let difference = 0;
    for (let at = 0; at < hashBytes; at++) {
      difference |= (hash[at] as number) ^ (claimed[at] as number);
    }
    return difference === 0 ? { id, leaseSeconds, grantedAt: now } : undefined;
  }

  /** The client answered: its set-up is open no more. */
  confirm(asker: Asker, question: Question): void {
    const key = noteKey(asker, question);
    const note = this.#notes.get(key);
    if (note !== undefined) this.#drop(key, note);
  }

  #hash(asker: Asker, question: Question, leaseSeconds: number, stamp: number): Uint8Array {
    const { name, type } = question;
    // The name comes last: it alone may hold any character.
    return this.#mac(bytesOf(`${wayOf(asker)} ${type} ${leaseSeconds} ${stamp} ${name.key}`));
  }

  /** Hides the time in an ID from whoever does not have the key (LLQ-07). */
  #mask(hash: Uint8Array): number {
    return this.#mac(hash.slice(0, hashBytes))[0] as number;
  }

  #prune(now: Instant): void {
    for (const [key, note] of this.#notes) {
      if (after(note.grantedAt, noteLife) > now) return;
      this.#drop(key, note);
    }
  }

  #dropOldest(): void {
    for (const [key, note] of this.#notes) {
      this.#drop(key, note);
      return;
    }
  }

  #drop(key: string, { client }: Note): void {
    this.#notes.delete(key);
    const others = (this.#perClient.get(client) ?? 1) - 1;
    if (others === 0) this.#perClient.delete(client);
    else this.#perClient.set(client, others);
  }
}

const noteKey = (asker: Asker, { name, type }: Question) => `${wayOf(asker)} ${type} ${name.key}`;

function unitOf(leaseSeconds: number): number {
  return Math.max(secondsPerUnitMin, Math.ceil(leaseSeconds / unitsMax));
}

/** The minute, or a longer unit of time, in which `now` lies. */
function stampAt(now: Instant, leaseSeconds: number): number {
  return Math.floor(now / 1000 / unitOf(leaseSeconds));
}

function idOf(hash: Uint8Array, low: number): bigint {
  let id = 0n;
  for (const byte of hash.subarray(0, hashBytes)) id = (id << 8n) | BigInt(byte);
  return (id << 8n) | BigInt(low);
}

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
