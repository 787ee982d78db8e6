// TIMEOUT records (draft-ietf-dnsop-update-timeout-01): until when other records
// of their owner are meant to live. No type number is assigned, so that on the
// wire they are an opaque type, and this codec stands apart from rdata/.

import { parseType, RRType, typeName } from "./codes.js";
import { FormatError } from "./errors.js";
import { foldLabel, type Name } from "./name.js";
import type { Rdata } from "./rdata/index.js";
import { layoutOf } from "./rdata/layouts.js";
import { rdataBytes } from "./rdata/text.js";
import { formatTime, parseDate } from "./rdata/time.js";
import { mapRdataNames } from "./rr.js";
import { sha256 } from "./tsig.js";

/** Private use (RFC 6895 §3.1). TYPE65534 would be BIND's, at every apex that it signs. */
export const usualTimeoutType = 0xff00;

export interface Timeout {
  /** The type of the records that are meant. */
  readonly represented: number;
  /** Absolute, in seconds since 1970. */
  readonly expiry: number;
  /** Of the records that are meant (`timeoutHash`); none: all of that owner and type. */
  readonly hashes: readonly Uint8Array[];
}

const headBytes = 12;
const hashLength = 16;
/** SHA-256 of the canonical rdata, the first 128 bits. */
const hashMethod = 1;
/** The count is an octet. */
export const hashesMax = 255;

/** Whether a TIMEOUT may be about this type: not about types of questions or of messages. */
export function isRepresentable(type: number): boolean {
  return type !== RRType.OPT && (type < 128 || type > 255) && type !== 0;
}

/** @throws FormatError for a type that has no lifetime, or more than 255 hashes */
export function encodeTimeout(timeout: Timeout): Uint8Array {
  const { represented, expiry, hashes } = timeout;
  if (!isRepresentable(represented)) {
    throw new FormatError(`${typeName(represented)} has no lifetime`, "TIMEOUT");
  }
  if (hashes.length > hashesMax) throw new FormatError("more than 255 hashes", "TIMEOUT");
  const bytes = new Uint8Array(headBytes + hashLength * hashes.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, represented);
  view.setUint8(2, hashes.length);
  view.setUint8(3, hashes.length === 0 ? 0 : hashMethod);
  view.setBigUint64(4, BigInt(expiry));
  for (const [index, hash] of hashes.entries()) bytes.set(hash, headBytes + hashLength * index);
  return bytes;
}

/** @returns undefined for what is malformed, or made with a method that is not known */
export function decodeTimeout(bytes: Uint8Array): Timeout | undefined {
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const represented = view.getUint16(0);
  const count = view.getUint8(2);
  const isKnown = count === 0 || view.getUint8(3) === hashMethod;
  const isWhole = bytes.length === headBytes + hashLength * count;
  if (!isKnown || !isWhole || !isRepresentable(represented)) return undefined;
  const hashes = Array.from({ length: count }, (_, index) => {
    const start = headBytes + hashLength * index;
    return bytes.slice(start, start + hashLength);
  });
  return { represented, expiry: Number(view.getBigUint64(4)), hashes };
}

/** The hash under which a TIMEOUT of its owner knows a record. */
export function timeoutHash(type: number, rdata: Rdata): Uint8Array {
  return sha256(canonicalRdata(type, rdata)).slice(0, hashLength);
}

/** RFC 4034 §6.2, RFC 6840 §5.1: nothing compressed, names of the older types in lower case. */
export function canonicalRdata(type: number, rdata: Rdata): Uint8Array {
  const keepsCase = type === RRType.NSEC || layoutOf(type)?.kind === "svcb";
  return rdataBytes(type, keepsCase ? rdata : mapRdataNames(type, rdata, folded));
}

/** What lies after the last second of the year 9999 has no text, and is written as that one. */
const lastSecond = 253_402_300_799;

/** As people write it: `AAAA 0 0 20260101000000`, hashes in brackets. */
export function formatTimeout(timeout: Timeout): string {
  const { represented, expiry, hashes } = timeout;
  const method = hashes.length === 0 ? 0 : hashMethod;
  const head = `${typeName(represented)} ${hashes.length} ${method} ${formatTime(Math.min(expiry, lastSecond))}`;
  if (hashes.length === 0) return head;
  const texts = hashes.map((hash) => Buffer.from(hash).toString("hex").toUpperCase());
  return `${head} ( ${texts.join(" ")} )`;
}

/**
 * Reads what `formatTimeout` writes; hashes in either case.
 *
 * @throws FormatError for anything that is not the text of a TIMEOUT that can be encoded
 */
export function parseTimeout(text: string): Timeout {
  const wrong = (reason: string) => new FormatError(reason, "TIMEOUT");
  const [typeText = "", countText = "", methodText = "", timeText = "", ...rest] = text
    .replace(/[()]/g, " $& ")
    .trim()
    .split(/\s+/);
  const represented = parseType(typeText);
  if (represented === undefined || !isRepresentable(represented)) {
    throw wrong(`"${typeText}" is no type that has a lifetime`);
  }
  const expiry = parseDate(timeText);
  if (expiry === undefined) throw wrong(`"${timeText}" is no time as YYYYMMDDHHmmSS`);
  const isBracketed = rest[0] === "(" && rest.at(-1) === ")";
  const texts = isBracketed ? rest.slice(1, -1) : rest;
  if (texts.length > 0 !== isBracketed) throw wrong("hashes stand in brackets, and nothing else");
  if (texts.length > hashesMax) throw wrong("more than 255 hashes");
  if (countText !== `${texts.length}`) throw wrong(`"${countText}" is not the number of hashes`);
  const method = texts.length === 0 ? 0 : hashMethod;
  if (methodText !== `${method}`) throw wrong(`"${methodText}" is not the method ${method}`);
  const hashes = texts.map((hash) => {
    if (!/^[0-9a-f]{32}$/i.test(hash)) throw wrong(`"${hash}" is no hash of 16 octets`);
    return Uint8Array.from(Buffer.from(hash, "hex"));
  });
  return { represented, expiry, hashes };
}

function folded(name: Name): Name {
  return { labels: name.labels.map(foldLabel), key: name.key };
}
