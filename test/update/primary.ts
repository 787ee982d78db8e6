// A primary of one zone for stories: speaks bytes over a stream, verifies and
// makes TSIGs with node:crypto alone, carries out UPDATE as RFC 2136 §3 says, and
// fails on demand. Written against the RFC, not on top of src/update.

import { createHmac } from "node:crypto";
import { decodeMessage, encodeMessage, type Message } from "../../src/wire/message.js";
import { formatName, isWithin, type Name, parseName } from "../../src/wire/name.js";
import { type RR, rdataKey } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { hex, toHex } from "../wire/captures.js";

export const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
const keyWire = "0b64697363642d6c696e6b31076578616d706c6500";
const algorithmWire = "0b686d61632d73686132353600";

const u16 = (value: number) => value.toString(16).padStart(4, "0");
const u48 = (value: number) => value.toString(16).padStart(12, "0");

/** What a script says to one request instead of the zone. */
export type Answer =
  | number
  | { readonly rcode: number; readonly proof: "none" | "badkey" | "badsig" | "badtime" }
  | "silence"
  /** Carried out, but the connection ends before the answer. */
  | "close";

export interface Seen {
  /** Seconds from the start. */
  readonly at: number;
  readonly kind: "update" | "axfr" | "query";
  readonly message: Message;
  readonly bytes: Uint8Array;
  rcode: number | undefined;
}

export class Primary {
  readonly apex: Name;
  serial = 1;
  /** Requests in the order in which they came. */
  readonly seen: Seen[] = [];
  /** Consulted before the zone; undefined: as the zone says. */
  script: (message: Message, kind: Seen["kind"]) => Answer | undefined = () => undefined;
  /** Of the one key that it takes. */
  secret = secret;
  /** Seconds that the clock differs from the proxy's. */
  skew = 0;
  /** Records of one message of a transfer. */
  perMessage = 3;
  /** As Knot and NSD: names inside rdata in lower case. */
  lowersCase = false;
  /** Lease that it grants to whoever asks for this one; undefined: it knows of no leases. */
  grants: ((askedSeconds: number) => number | undefined) | undefined;
  /** Whether it keeps to what it grants. */
  endsLeases = true;
  /** Of the option in its answers: the longer form has a lease for keys too. */
  leaseBytes: 4 | 8 = 4;
  /** Says yes and does nothing. */
  isLying = false;
  /** Says yes to these, and leaves them out. */
  ignores: (rr: RR) => boolean = () => false;
  #rrs = new Map<string, RR>();
  /** Keys of the records that stand at a name, or stood there. */
  readonly #names = new Map<string, Set<string>>();
  /** Records that end by themselves, and in which second. */
  readonly #leases = new Map<string, number>();

  constructor(apex: string, lines: readonly string[] = []) {
    this.apex = parseName(apex);
    this.add(`ns1.${apex} 120 A 127.0.0.1`, `keep.${apex} 120 A 192.0.2.77`, ...lines);
  }

  /** Somebody else changes the zone. */
  add(...lines: readonly string[]): void {
    for (const rr of lines.map(parseRR)) this.#put(rr);
    this.serial += 1;
  }

  remove(...lines: readonly string[]): void {
    for (const rr of lines.map(parseRR)) this.#rrs.delete(keyOf(rr));
    this.serial += 1;
  }

  /** The zone as it was once: a backup is played in. */
  backup(): { readonly serial: number; readonly rrs: Map<string, RR> } {
    return { serial: this.serial, rrs: new Map(this.#rrs) };
  }

  restore(backup: { readonly serial: number; readonly rrs: Map<string, RR> }): void {
    this.serial = backup.serial;
    this.#rrs = new Map(backup.rrs);
  }

  /** The zone as sorted lines, class left out, TIMEOUTs too if wished. */
  lines(hasTimeouts = false): string[] {
    return [...this.#rrs.values()]
      .filter(({ type }) => hasTimeouts || type !== 65280)
      .map((rr) => formatRR(rr).replace(" IN ", " "))
      .sort();
  }

  /** What the proxies have put there, without the foreign records. */
  published(hasTimeouts = false): string[] {
    return this.lines(hasTimeouts).filter((line) => !/^(ns1|keep)\./.test(line));
  }

  updates(): Seen[] {
    return this.seen.filter(({ kind }) => kind === "update");
  }

  /** @returns frames without their length; undefined: the connection ends */
  answer(at: number, request: Uint8Array): readonly Uint8Array[] | undefined {
    this.#endLeases(at);
    const { unsigned, mac } = cut(request);
    const message = decodeMessage(unsigned);
    const type = message.questions[0]?.type;
    const kind = message.opcode === 5 ? "update" : type === 252 ? "axfr" : "query";
    const seen: Seen = { at, kind, message, bytes: unsigned, rcode: undefined };
    this.seen.push(seen);
    const seconds = Math.floor(at) + epoch + this.skew;
    if (!isSigned(this.secret, request, unsigned, mac)) return [plain(message, 9, "badsig")];
    const scripted = this.script(message, kind);
    if (scripted === "silence") return [];
    if (typeof scripted === "object") return [this.#unproven(message, scripted, seconds, mac)];
    seen.rcode = typeof scripted === "number" ? scripted : 0;
    if (kind === "axfr" && scripted === undefined) return this.#transfer(message, seconds, mac);
    if (kind === "update" && typeof scripted !== "number") seen.rcode = this.#update(message);
    if (scripted === "close") return undefined;
    const answers = kind === "query" && seen.rcode === 0 ? this.#find(message) : [];
    const rcode = seen.rcode;
    const edns = kind === "update" && rcode === 0 ? this.#grant(at, message) : undefined;
    const { questions } = message;
    const bytes = encodeMessage({ ...head(message), rcode, questions, answers, ...edns });
    return [signed(bytes, seconds, { key: this.secret, mac }).bytes];
  }

  #unproven(
    message: Message,
    { rcode, proof }: Exclude<Answer, number | string>,
    seconds: number,
    mac: string,
  ): Uint8Array {
    if (proof !== "badtime") return plain(message, rcode, proof);
    const bytes = encodeMessage({ ...head(message), rcode, questions: message.questions });
    const made = { key: this.secret, mac, error: 18, other: u48(seconds) };
    return signed(bytes, seconds - this.skew, made).bytes;
  }

  #grant(at: number, message: Message): Pick<Message, "edns"> | undefined {
    const asked = message.edns?.options.find(({ code }) => code === 2)?.bytes;
    const granted = asked && this.grants?.(Number.parseInt(toHex(asked.subarray(0, 4)), 16));
    if (granted === undefined) return undefined;
    for (const rr of message.authorities) {
      if (rr.class === 1 && this.endsLeases) this.#leases.set(keyOf(rr), at + granted);
    }
    const text = granted
      .toString(16)
      .padStart(8, "0")
      .repeat(this.leaseBytes / 4);
    const options = [{ code: 2, bytes: hex(text) }];
    return { edns: { udpSize: 1232, version: 0, extendedRcode: 0, dnssecOk: false, options } };
  }

  #endLeases(at: number): void {
    for (const [key, end] of this.#leases) {
      if (end > at) continue;
      this.#leases.delete(key);
      if (this.#rrs.delete(key)) this.serial += 1;
    }
  }

  #soa(): RR {
    const apex = formatName(this.apex);
    return parseRR(`${apex} 120 SOA ns1.${apex} root.${apex} ${this.serial} 3600 600 604800 10`);
  }

  #find(message: Message): RR[] {
    const [question] = message.questions;
    if (question === undefined) return [];
    if (question.type === 6) return [this.#soa()];
    return this.#at(question.name, question.type === 255 ? undefined : question.type);
  }

  #transfer(message: Message, seconds: number, requestMac: string): Uint8Array[] {
    const rrs = [this.#soa(), ...this.#rrs.values(), this.#soa()];
    const messages: Uint8Array[] = [];
    let mac = requestMac;
    for (let start = 0; start < rrs.length; start += this.perMessage) {
      const answers = rrs.slice(start, start + this.perMessage);
      const questions = start === 0 ? message.questions : [];
      const bytes = encodeMessage({ ...head(message), questions, answers });
      const isFirst = start === 0;
      const part = signed(bytes, seconds, { key: this.secret, mac, isTimersOnly: !isFirst });
      messages.push(part.bytes);
      mac = part.mac;
    }
    return messages;
  }

  /** RFC 2136 §3.2 to §3.4: all or nothing. */
  #update(message: Message): number {
    const [zone] = message.questions;
    if (message.questions.length !== 1 || zone?.type !== 6) return 1;
    if (zone.name.key !== this.apex.key) return 9;
    const refusal = this.#prerequisites(message.answers);
    if (refusal !== 0) return refusal;
    const before = new Map(this.#rrs);
    for (const rr of message.authorities) {
      if (!isWithin(rr.name, this.apex)) {
        this.#rrs = before;
        return 10;
      }
      if (!this.isLying && !this.ignores(rr)) this.#apply(rr);
    }
    const isChanged =
      before.size !== this.#rrs.size ||
      [...this.#rrs].some(([key, rr]) => before.get(key)?.ttlSeconds !== rr.ttlSeconds);
    if (isChanged) this.serial += 1;
    return 0;
  }

  #at(name: Name, type?: number): RR[] {
    const there = this.#names.get(name.key) ?? [];
    const rrs = [...there].flatMap((key) => this.#rrs.get(key) ?? []);
    return type === undefined ? rrs : rrs.filter((rr) => rr.type === type);
  }

  #ttlOf({ name, type }: RR): number | undefined {
    for (const key of this.#names.get(name.key) ?? []) {
      const rr = this.#rrs.get(key);
      if (rr?.type === type) return rr.ttlSeconds;
    }
    return undefined;
  }

  #put(rr: RR, stored = rr): void {
    const key = keyOf(rr);
    this.#rrs.set(key, stored);
    const there = this.#names.get(rr.name.key);
    if (there === undefined) this.#names.set(rr.name.key, new Set([key]));
    else there.add(key);
  }

  #prerequisites(rrs: readonly RR[]): number {
    const sets = new Map<string, RR[]>();
    for (const rr of rrs) {
      if (rr.ttlSeconds !== 0) return 1;
      if (!isWithin(rr.name, this.apex)) return 10;
      const isAny = rr.type === 255;
      const there = this.#at(rr.name, isAny ? undefined : rr.type).length > 0;
      if (rr.class === 255 && !there) return isAny ? 3 : 8;
      if (rr.class === 254 && there) return isAny ? 6 : 7;
      if (rr.class !== 1) continue;
      const key = `${rr.type} ${rr.name.key}`;
      sets.set(key, [...(sets.get(key) ?? []), rr]);
    }
    for (const set of sets.values()) {
      const [first] = set;
      const there = first === undefined ? [] : this.#at(first.name, first.type);
      const keys = new Set(set.map(keyOf));
      if (there.length !== keys.size || there.some((rr) => !keys.has(keyOf(rr)))) return 8;
    }
    return 0;
  }

  #apply(rr: RR): void {
    if (rr.class === 254) this.#rrs.delete(keyOf(rr));
    else if (rr.class === 255) {
      for (const one of this.#at(rr.name, rr.type === 255 ? undefined : rr.type)) {
        this.#rrs.delete(keyOf(one));
      }
    } else {
      const isLowered = this.lowersCase && (rr.type === 12 || rr.type === 33);
      const stored = isLowered ? parseRR(formatRR(rr).toLowerCase()) : rr;
      this.#put(rr, stored);
      // All members have one TTL, so that one of them tells whether it changes.
      if (this.#ttlOf(rr) === rr.ttlSeconds) return;
      for (const one of this.#at(rr.name, rr.type)) {
        this.#put({ ...one, ttlSeconds: rr.ttlSeconds });
      }
    }
  }
}

/** The stories' second 0, seconds since 1970. */
export const epoch = 1767225600;

const keyOf = (rr: RR) => `${rr.type} ${rr.name.key} ${rdataKey(rr.type, rr.rdata)}`;

const head = ({ id, opcode }: Message) => ({ id, opcode, isResponse: true });

const variables = (seconds: number, error: number, other: string) =>
  `${keyWire}00ff00000000${algorithmWire}${u48(seconds)}012c${u16(error)}${u16(other.length / 2)}${other}`;

const hmac = (key: Uint8Array, digested: string) =>
  createHmac("sha256", key).update(hex(digested)).digest("hex");

function tsig(id: string, seconds: number, mac: string, error = 0, other = ""): string {
  const rdata =
    `${algorithmWire}${u48(seconds)}012c${u16(mac.length / 2)}${mac}${id}` +
    `${u16(error)}${u16(other.length / 2)}${other}`;
  return `${keyWire}00fa00ff00000000${u16(rdata.length / 2)}${rdata}`;
}

function withRecord(bytes: Uint8Array, record: string): Uint8Array {
  const whole = hex(toHex(bytes) + record);
  whole[11] = (whole[11] as number) + 1;
  return whole;
}

function signed(
  bytes: Uint8Array,
  seconds: number,
  made: { key: Uint8Array; mac: string; error?: number; other?: string; isTimersOnly?: boolean },
): { readonly bytes: Uint8Array; readonly mac: string } {
  const { mac: before, error = 0, other = "" } = made;
  const end = made.isTimersOnly ? `${u48(seconds)}012c` : variables(seconds, error, other);
  const mac = hmac(made.key, `${u16(before.length / 2)}${before}${toHex(bytes)}${end}`);
  const id = toHex(bytes.subarray(0, 2));
  return { bytes: withRecord(bytes, tsig(id, seconds, mac, error, other)), mac };
}

/** An answer without proof: BIND's to a bad key, PowerDNS's to everything. */
function plain(message: Message, rcode: number, proof: string): Uint8Array {
  const bytes = encodeMessage({ ...head(message), rcode, questions: message.questions });
  if (proof === "none") return bytes;
  const id = u16(message.id);
  return withRecord(bytes, tsig(id, epoch, "", proof === "badkey" ? 17 : 16));
}

/** Every request of ours ends with a TSIG of known size. */
function cut(request: Uint8Array): { readonly unsigned: Uint8Array; readonly mac: string } {
  const size = toHex(hex(tsig("0000", 0, "00".repeat(32)))).length / 2;
  const unsigned = request.slice(0, request.length - size);
  unsigned[11] = (unsigned[11] as number) - 1;
  const macAt = request.length - 6 - 32;
  return { unsigned, mac: toHex(request.subarray(macAt, macAt + 32)) };
}

function isSigned(
  key: Uint8Array,
  request: Uint8Array,
  unsigned: Uint8Array,
  mac: string,
): boolean {
  const timeAt = request.length - 6 - 32 - 2 - 2 - 6;
  const seconds = Number.parseInt(toHex(request.subarray(timeAt, timeAt + 6)), 16);
  return hmac(key, toHex(unsigned) + variables(seconds, 0, "")) === mac;
}
