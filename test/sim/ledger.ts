// What one link has told the engine and what of it is still alive: RFC 6762 §6,
// §10, §11 and §18 written anew and generously. Everything the engine may know
// is in here; whatever it serves and is not, it must not have.

import { after, type Duration, type Instant, ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { Question } from "../../src/wire/message.js";
import type { Name } from "../../src/wire/name.js";
import { type RR, rdataKey } from "../../src/wire/rr.js";
import { isEngineAddress, type Packet } from "./air.js";

export interface Told {
  readonly rr: RR;
  receivedAt: Instant;
  expiresAt: Instant;
  /** The flush bit was set. */
  isUnique: boolean;
}

/** RRs of a dead device are dropped this long after the second question that it left unanswered. */
const failureWait = seconds(10);

interface Denial {
  readonly receivedAt: Instant;
  readonly expiresAt: Instant;
  readonly types: Set<number>;
}

const pseudoTypes: readonly number[] = [RRType.OPT, RRType.TSIG, RRType.TKEY];
const sig = 24;

export class Ledger {
  /** By name and type; then by rdata. */
  readonly #sets = new Map<string, Map<string, Told>>();
  readonly #denials = new Map<string, Denial>();
  /** When other hosts asked for a name, by name. */
  readonly #foreign = new Map<string, Instant[]>();
  /** When clients said that they could not reach what a record promises, by name and type. */
  readonly #disputed = new Map<string, Instant[]>();
  /** Until when unicast answers are welcome: 2 s after a QU question (RFC 6762 §6). */
  #unicastUntil: Instant | undefined;

  /** The engine has asked with the QU bit. */
  askedForUnicast(now: Instant): void {
    this.#unicastUntil = after(now, ms(2500));
  }

  /** Somebody doubts records of this name and type (RFC 6762 §10.4). */
  dispute(now: Instant, name: Name, type: number): void {
    const key = setKey(name, type);
    this.#disputed.set(key, [...(this.#disputed.get(key) ?? []).slice(-50), now]);
  }

  /** The link has gone: what it told is worth nothing. */
  forget(): void {
    this.#disputed.clear();
    this.#sets.clear();
    this.#denials.clear();
    this.#foreign.clear();
  }

  /** Nothing is worth anything for longer than this. */
  shorten(now: Instant, span: Duration): void {
    for (const set of this.#sets.values()) {
      for (const told of set.values()) shorten(told, after(now, span));
    }
    this.#denials.clear();
  }

  hear(now: Instant, packet: Packet): void {
    const { message } = packet;
    if (message === undefined) return;
    if (!message.isResponse) {
      if (!isEngineAddress(packet.source)) this.#noteForeign(now, message.questions);
      return;
    }
    if (message.opcode !== 0 || message.rcode !== 0 || packet.source.port !== 5353) return;
    if (packet.to !== "group" && (this.#unicastUntil ?? -1) < now) return;
    const all = [...message.answers, ...message.authorities, ...message.additionals];
    const rrs = all.filter(
      ({ type }) => !pseudoTypes.includes(type) && type !== sig && type !== RRType.NSEC,
    );
    for (const rr of all) if (rr.type === RRType.NSEC) this.#noteDenial(now, rr);
    for (const rr of rrs) this.#note(now, rr);
    // A goodbye is taken to speak for its own record only.
    const flushing = rrs.filter((rr) => (rr.class & 0x8000) !== 0 && ttlOf(rr) > 0);
    for (const rr of flushing) this.#flush(now, rr, rrs);
  }

  /** Live RRs of a name; type ANY: all of them. */
  find(now: Instant, name: Name, type: number): readonly Told[] {
    const found: Told[] = [];
    const sets = type === RRType.ANY ? this.#sets.keys() : [setKey(name, type)];
    for (const key of sets) {
      if (!key.startsWith(`${name.key}\0`)) continue;
      for (const told of this.#sets.get(key)?.values() ?? []) {
        if (told.expiresAt > now) found.push(told);
      }
    }
    return found;
  }

  /** The one RR, if it is alive; its last instant, when it may leave with TTL 0, is included. */
  findRR(now: Instant, rr: RR): Told | undefined {
    const told = this.#sets.get(setKey(rr.name, rr.type))?.get(rdataKey(rr.type, rr.rdata));
    return told !== undefined && told.expiresAt >= now ? told : undefined;
  }

  /** RRs of a name that were alive at some time since then. */
  findSince(since: Instant, name: Name, type: number): readonly Told[] {
    const set = this.#sets.get(setKey(name, type))?.values() ?? [];
    return [...set].filter((told) => told.expiresAt >= since);
  }

  /** Whether an NSEC that is still alive says that there is no such type (RFC 6762 §6.1). */
  denies(now: Instant, name: Name, type: number): boolean {
    const denial = this.#denials.get(name.key);
    return denial !== undefined && denial.expiresAt > now && !denial.types.has(type);
  }

  /**
   * Whether others have asked for it in vain, so that it may have been given up early
   * (RFC 6762 §10.5). Says so rather too often: known answers are not looked at.
   */
  isDoubtful(now: Instant, told: Told): boolean {
    const disputed = this.#disputed.get(setKey(told.rr.name, told.rr.type));
    const since = disputed?.find((at) => at >= told.receivedAt);
    if (since !== undefined && now >= after(since, failureWait)) return true;
    const asked = (this.#foreign.get(told.rr.name.key) ?? []).filter((at) => at > told.receivedAt);
    return asked.length >= 2 && now >= after(asked[1]!, failureWait);
  }

  #noteForeign(now: Instant, questions: readonly Question[]): void {
    for (const { name } of questions) {
      const asked = this.#foreign.get(name.key) ?? [];
      this.#foreign.set(name.key, [...asked.slice(-50), now]);
    }
  }

  #noteDenial(now: Instant, rr: RR): void {
    if ((rr.class & 0x7fff) !== 1 || rr.rdata.kind !== "nsec" || ttlOf(rr) === 0) return;
    const expiresAt = after(now, seconds(ttlOf(rr)));
    const types = new Set(rr.rdata.types);
    this.#denials.set(rr.name.key, { receivedAt: now, expiresAt, types });
  }

  #note(now: Instant, rr: RR): void {
    if ((rr.class & 0x7fff) !== 1) return;
    const ttlSeconds = ttlOf(rr);
    const key = setKey(rr.name, rr.type);
    const set = this.#sets.get(key) ?? new Map<string, Told>();
    const known = set.get(rdataKey(rr.type, rr.rdata));
    if (ttlSeconds === 0) {
      if (known !== undefined) shorten(known, after(now, seconds(1)));
      return;
    }
    this.#sets.set(key, set);
    this.#denials.get(rr.name.key)?.types.add(rr.type);
    const told = { rr, receivedAt: now, expiresAt: after(now, seconds(ttlSeconds)) };
    set.set(rdataKey(rr.type, rr.rdata), { ...told, isUnique: (rr.class & 0x8000) !== 0 });
  }

  /** RFC 6762 §10.2: what the packet leaves out of a unique set and is older than a second. */
  #flush(now: Instant, rr: RR, packet: readonly RR[]): void {
    const key = setKey(rr.name, rr.type);
    const kept = new Set(
      packet
        .filter((other) => setKey(other.name, other.type) === key)
        .map((other) => rdataKey(other.type, other.rdata)),
    );
    for (const [rdata, told] of this.#sets.get(key) ?? []) {
      if (kept.has(rdata) || now - told.receivedAt <= 1000) continue;
      shorten(told, after(now, seconds(1)));
    }
  }
}

/** RFC 2181 §8: a TTL with the top bit set is no TTL. */
const ttlOf = (rr: RR): number => (rr.ttlSeconds >= 2 ** 31 ? 0 : rr.ttlSeconds);

function shorten(told: Told, at: Instant): void {
  if (at < told.expiresAt) told.expiresAt = at;
}

const setKey = (name: Name, type: number): string => `${name.key}\0${type}`;
