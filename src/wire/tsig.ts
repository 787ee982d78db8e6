// Transaction signatures (RFC 8945): a keyed hash in the last record of a
// message. Signs requests, verifies answers and streams of answers. The only
// file of the cores that uses node:crypto: hashing is computing, not I/O.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Rcode, RRClass, RRType } from "./codes.js";
import { FormatError } from "./errors.js";
import { headerBytes } from "./message.js";
import { foldLabel, type Name } from "./name.js";
import { Output } from "./output.js";
import { decodeRdata } from "./rdata/decode.js";
import { Reader } from "./reader.js";

/**
 * Bytes that each hash yields; a secret should have as many (RFC 8945 §8). HMAC-MD5 is not among
 * them: §6 forbids it.
 */
export const hashBytes = {
  "hmac-sha1": 20,
  "hmac-sha224": 28,
  "hmac-sha256": 32,
  "hmac-sha384": 48,
  "hmac-sha512": 64,
} as const;

export type TsigAlgorithm = keyof typeof hashBytes;

export const tsigAlgorithms = Object.keys(hashBytes) as readonly TsigAlgorithm[];

export interface TsigKey {
  readonly name: Name;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

/** Seconds by which the clocks of the two ends may differ (RFC 8945 §10). */
export const usualFudge = 300;

/** Messages without a TSIG that may stand between two with one (RFC 8945 §5.3.1). */
export const unsignedMax = 99;

/** Error codes of the TSIG record itself (RFC 8945 §3). BADSIG shares its number with BADVERS. */
export const TsigError = {
  BADSIG: 16,
  BADKEY: Rcode.BADKEY,
  BADTIME: Rcode.BADTIME,
  BADTRUNC: Rcode.BADTRUNC,
} as const;

interface TsigRecord {
  readonly name: Name;
  readonly class: number;
  readonly ttlSeconds: number;
  readonly algorithm: Name;
  readonly timeSigned: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

export interface SignedMessage {
  readonly bytes: Uint8Array;
  /** What the answer's digest begins with. */
  readonly mac: Uint8Array;
}

/** What a verified TSIG says besides that the message is its sender's. */
export interface Verified {
  readonly kind: "verified";
  readonly mac: Uint8Array;
  readonly timeSigned: number;
  /** 0, BADTIME or BADTRUNC; the other two errors come without a signature. */
  readonly error: number;
  /** Of a BADTIME answer: the peer's clock, seconds since 1970. */
  readonly peerSeconds?: number;
}

export type Verdict =
  | Verified
  /** No TSIG at all. */
  | { readonly kind: "unsigned" }
  /** Nothing in the message may be believed; `error` is what its receiver would answer with. */
  | { readonly kind: "failed"; readonly error: number }
  /** The peer says why it does not believe us, without proof: error is BADKEY or BADSIG. */
  | { readonly kind: "refused"; readonly error: number }
  /** The TSIG is not the last record, not the only one, or not readable: FORMERR. */
  | { readonly kind: "malformed"; readonly reason: string };

/** SHA-256, for what is not a signature: the hashes in TIMEOUT records. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/**
 * Appends a TSIG to a message that has none. A message sent again is signed again, with the
 * time of its own sending (RFC 8945 §4.2).
 *
 * @param seconds     time of this very sending, since 1970
 * @param requestMac  of the request that this answers
 */
export function sign(
  message: Uint8Array,
  key: TsigKey,
  seconds: number,
  requestMac?: Uint8Array,
): SignedMessage {
  const unsigned: TsigRecord = {
    name: key.name,
    class: RRClass.ANY,
    ttlSeconds: 0,
    algorithm: algorithmName(key.algorithm),
    timeSigned: seconds,
    fudge: usualFudge,
    mac: new Uint8Array(0),
    originalId: ((message[0] as number) << 8) | (message[1] as number),
    error: 0,
    other: new Uint8Array(0),
  };
  const mac = macOf(key, [prefixOf(requestMac), message, variablesOf(unsigned)]);
  return { bytes: withRecord(message, { ...unsigned, mac }), mac };
}

/**
 * Judges one message, in the order of RFC 8945 §5.2: key, MAC, time, truncation.
 *
 * @param seconds     our clock, since 1970
 * @param requestMac  of the request that the message answers
 */
export function verify(
  message: Uint8Array,
  key: TsigKey,
  seconds: number,
  requestMac?: Uint8Array,
): Verdict {
  const found = findTsig(message);
  if (found.kind !== "found") return found;
  const { record } = found;
  const digested = [prefixOf(requestMac), found.message, variablesOf(record)];
  return judge(record, key, seconds, digested);
}

function judge(
  record: TsigRecord,
  key: TsigKey,
  seconds: number,
  digested: readonly Uint8Array[],
): Verdict {
  const { error, mac } = record;
  if (mac.length === 0 && (error === TsigError.BADKEY || error === TsigError.BADSIG)) {
    return { kind: "refused", error };
  }
  const isOurKey =
    record.name.key === key.name.key && record.algorithm.key === algorithmName(key.algorithm).key;
  if (!isOurKey) return { kind: "failed", error: TsigError.BADKEY };
  const full = hashBytes[key.algorithm];
  // RFC 8945 §5.2.2.1: no truncation ever leads below half of the hash.
  if (mac.length > full || mac.length < Math.max(10, full / 2)) {
    return { kind: "malformed", reason: `MAC of ${mac.length} bytes` };
  }
  const expected = macOf(key, digested).subarray(0, mac.length);
  if (!timingSafeEqual(expected, mac)) return { kind: "failed", error: TsigError.BADSIG };
  // A BADTIME answer bears our own time, so that it is in time however wrong we are.
  if (Math.abs(seconds - record.timeSigned) > record.fudge) {
    return { kind: "failed", error: TsigError.BADTIME };
  }
  if (mac.length < full) return { kind: "failed", error: TsigError.BADTRUNC };
  const verified = { kind: "verified", mac, timeSigned: record.timeSigned, error } as const;
  const hasClock = error === TsigError.BADTIME && record.other.length === 6;
  return hasClock ? { ...verified, peerSeconds: new Reader(record.other).u48("TSIG") } : verified;
}

/**
 * Verifies the messages that one request is answered with, a zone transfer's (RFC 8945 §5.3.1):
 * the first and the last are signed, up to 99 between may be unsigned. One failure fails all.
 */
export class TsigStream {
  readonly #key: TsigKey;
  #mac: Uint8Array;
  #isFirst = true;
  /** What came since the last signature, and is not vouched for yet. */
  #pending: Uint8Array[] = [];

  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.#key = key;
    this.#mac = requestMac;
  }

  /** Whether the last message was signed, so that all of them may be believed. */
  get isVouched(): boolean {
    return !this.#isFirst && this.#pending.length === 0;
  }

  /** Whether a first message has been verified, so that unsigned ones may follow. */
  get hasBegun(): boolean {
    return !this.#isFirst;
  }

  /** @returns `unsigned` for a message that a later signature has to vouch for */
  take(message: Uint8Array, seconds: number): Verdict {
    const found = findTsig(message);
    if (found.kind === "malformed") return found;
    if (found.kind === "unsigned") {
      if (this.#isFirst) return found;
      this.#pending.push(Uint8Array.from(message));
      const isTooMany = this.#pending.length > unsignedMax;
      return isTooMany ? { kind: "malformed", reason: "100 messages without TSIG" } : found;
    }
    const variables = this.#isFirst ? variablesOf(found.record) : timersOf(found.record);
    const digested = [prefixOf(this.#mac), ...this.#pending, found.message, variables];
    const verdict = judge(found.record, this.#key, seconds, digested);
    if (verdict.kind === "verified") {
      this.#mac = verdict.mac;
      this.#isFirst = false;
      this.#pending = [];
    }
    return verdict;
  }
}

type Found =
  | { readonly kind: "found"; readonly record: TsigRecord; readonly message: Uint8Array }
  | { readonly kind: "unsigned" }
  | { readonly kind: "malformed"; readonly reason: string };

/** The TSIG of a message, and the message as it was before it was signed (RFC 8945 §4.3.2). */
function findTsig(message: Uint8Array): Found {
  try {
    return cut(message);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: "malformed", reason: error.message };
  }
}

function cut(bytes: Uint8Array): Found {
  const reader = new Reader(bytes, 4);
  const [questions, ...counts] = [1, 2, 3, 4].map(() => reader.u16("header")) as [number];
  for (let left = questions; left > 0; left--) {
    skipName(reader);
    reader.claim(4, "question");
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const additionals = counts.at(-1) ?? 0;
  for (let left = total; left > 0; left--) {
    const start = reader.offset;
    skipName(reader);
    const isTsig = reader.u16("RR") === RRType.TSIG;
    reader.claim(6, "RR");
    reader.claim(reader.u16("RR"), "RR");
    if (!isTsig) continue;
    if (left > 1 || additionals === 0) {
      throw new FormatError("TSIG is not the last record", "TSIG", start);
    }
    if (reader.remaining > 0) throw new FormatError("bytes after the TSIG", "TSIG", reader.offset);
    return { kind: "found", ...parted(bytes, start, additionals) };
  }
  return { kind: "unsigned" };
}

function parted(bytes: Uint8Array, start: number, additionals: number) {
  const reader = new Reader(bytes, start);
  const name = reader.name("TSIG");
  reader.claim(2, "TSIG");
  const rrClass = reader.u16("TSIG");
  const ttlSeconds = reader.u32("TSIG");
  if (rrClass !== RRClass.ANY || ttlSeconds !== 0) {
    throw new FormatError("class is not ANY, or TTL not 0", "TSIG", start);
  }
  const length = reader.u16("TSIG");
  const rdata = decodeRdata(reader, RRType.TSIG, RRClass.IN, length);
  if (rdata.kind !== "tsig") throw new FormatError("is empty", "TSIG", start);
  // A copy whatever was given: the slice of a socket's Buffer would not be one.
  const message = Uint8Array.from(bytes.subarray(0, start));
  const view = new DataView(message.buffer);
  view.setUint16(10, additionals - 1);
  // Who forwards a message may give it another ID (RFC 8945 §4.3.2).
  view.setUint16(0, rdata.originalId);
  return { record: { ...rdata, name, class: rrClass, ttlSeconds }, message };
}

/** Passes over a name as it stands; whether its pointers lead anywhere is not looked at. */
function skipName(reader: Reader): void {
  for (;;) {
    const size = reader.u8("name");
    if (size === 0) return;
    if (size >= 0xc0) {
      reader.claim(1, "name");
      return;
    }
    if (size >= 0x40) throw new FormatError("unknown label type", "name", reader.offset);
    reader.claim(size, "name");
  }
}

function macOf(key: TsigKey, parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac(key.algorithm.slice("hmac-".length), key.secret);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

function prefixOf(mac: Uint8Array | undefined): Uint8Array {
  if (mac === undefined) return new Uint8Array(0);
  return Uint8Array.of(mac.length >> 8, mac.length & 0xff, ...mac);
}

/** What a message's digest ends with (RFC 8945 §4.3.3): names in lower case, nothing compressed. */
function variablesOf(record: TsigRecord): Uint8Array {
  const output = new Output(0);
  output.name(folded(record.name), false);
  output.u16(record.class);
  output.u32(record.ttlSeconds);
  output.name(folded(record.algorithm), false);
  writeTimers(output, record);
  output.u16(record.error);
  output.u16(record.other.length);
  output.raw(record.other);
  return output.finish();
}

function timersOf(record: TsigRecord): Uint8Array {
  const output = new Output(0);
  writeTimers(output, record);
  return output.finish();
}

function writeTimers(output: Output, record: TsigRecord): void {
  output.u48(record.timeSigned);
  output.u16(record.fudge);
}

/** Written out by hand: neither name of a TSIG may be a pointer (RFC 8945 §4.2). */
function withRecord(message: Uint8Array, record: TsigRecord): Uint8Array {
  const output = new Output(0);
  output.name(record.name, false);
  output.u16(RRType.TSIG);
  output.u16(record.class);
  output.u32(record.ttlSeconds);
  const start = output.beginLength();
  output.name(record.algorithm, false);
  writeTimers(output, record);
  output.u16(record.mac.length);
  output.raw(record.mac);
  output.u16(record.originalId);
  output.u16(record.error);
  output.u16(record.other.length);
  output.raw(record.other);
  output.endLength(start);
  const rr = output.finish();
  const signed = new Uint8Array(message.length + rr.length);
  signed.set(message);
  signed.set(rr, message.length);
  const view = new DataView(signed.buffer);
  if (signed.length < headerBytes) throw new FormatError("shorter than 12 bytes", "header", 0);
  view.setUint16(10, view.getUint16(10) + 1);
  return signed;
}

/** Most bytes that a TSIG with this key adds to a message. */
export function tsigBytes(key: TsigKey): number {
  const names = key.name.key.length + key.algorithm.length + 3;
  return names + 10 + 16 + hashBytes[key.algorithm];
}

const algorithmNames = new Map<TsigAlgorithm, Name>(
  tsigAlgorithms.map((algorithm) => [
    algorithm,
    { labels: [algorithm], key: String.fromCharCode(algorithm.length) + algorithm },
  ]),
);

function algorithmName(algorithm: TsigAlgorithm): Name {
  return algorithmNames.get(algorithm) as Name;
}

function folded(name: Name): Name {
  return { labels: name.labels.map(foldLabel), key: name.key };
}
