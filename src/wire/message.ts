// Whole messages (RFC 1035 §4.1): header, four sections, and the OPT taken out
// of the additional one. Decoding is strict, or keeps what came before a fault.

import { RRType } from "./codes.js";
import { type Edns, ednsOf } from "./edns.js";
import { FormatError } from "./errors.js";
import type { Name } from "./name.js";
import { decodeRdata } from "./rdata/decode.js";
import type { Rdata } from "./rdata/index.js";
import { Reader } from "./reader.js";
import type { RR } from "./rr.js";
import { type Compression, MessageWriter } from "./writer.js";

export interface Header {
  readonly id: number;
  /** QR */
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly aa: boolean;
  readonly tc: boolean;
  readonly rd: boolean;
  readonly ra: boolean;
  readonly z: boolean;
  readonly ad: boolean;
  readonly cd: boolean;
  /** The lower 4 bits; `Edns.extendedRcode` has the rest. */
  readonly rcode: number;
}

export interface HeaderCounts extends Header {
  readonly qdcount: number;
  readonly ancount: number;
  readonly nscount: number;
  readonly arcount: number;
}

export interface Question {
  readonly name: Name;
  readonly type: number;
  /** All 16 bits: in mDNS the top one is QU (RFC 6762 §5.4). */
  readonly class: number;
}

export interface Message extends Header {
  readonly questions: readonly Question[];
  /** In an UPDATE: zone, prerequisites, updates, additional (RFC 2136 §2). */
  readonly answers: readonly RR[];
  readonly authorities: readonly RR[];
  readonly additionals: readonly RR[];
  readonly edns?: Edns;
}

export const headerBytes = 12;

/** The twelve bytes alone; trailing bytes are not looked at. @throws FormatError when shorter */
export function decodeHeader(bytes: Uint8Array): HeaderCounts {
  if (bytes.length < headerBytes) throw new FormatError("shorter than 12 bytes", "header", 0);
  const u16 = (at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const flags = u16(2);
  return {
    id: u16(0),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0x0f,
    aa: (flags & 0x0400) !== 0,
    tc: (flags & 0x0200) !== 0,
    rd: (flags & 0x0100) !== 0,
    ra: (flags & 0x0080) !== 0,
    z: (flags & 0x0040) !== 0,
    ad: (flags & 0x0020) !== 0,
    cd: (flags & 0x0010) !== 0,
    rcode: flags & 0x0f,
    qdcount: u16(4),
    ancount: u16(6),
    nscount: u16(8),
    arcount: u16(10),
  };
}

/** Steps (reader.ts) for any record or question, and for an NSEC passed over. */
const recordSteps = 12;
const misfitSteps = 2000;

/** A message in the making: the sections fill while its bytes are read. */
interface Draft extends Header {
  readonly questions: Question[];
  readonly answers: RR[];
  readonly authorities: RR[];
  readonly additionals: RR[];
  edns?: Edns;
}

function decodeQuestion(reader: Reader): Question {
  reader.spend(recordSteps, "question");
  const name = reader.name("question");
  const type = reader.u16("question");
  return { name, type, class: reader.u16("question") };
}

/** @param isTolerant  an NSEC that cannot be read is passed over alone: then undefined */
function decodeRR(reader: Reader, isTolerant: boolean): RR | undefined {
  reader.spend(recordSteps, "RR");
  const name = reader.name("owner");
  const type = reader.u16("RR");
  const rrClass = reader.u16("RR");
  const ttlSeconds = reader.u32("RR");
  const length = reader.u16("RR");
  const rdata =
    isTolerant && type === RRType.NSEC
      ? decodeNsec(reader, rrClass, length)
      : decodeRdata(reader, type, rrClass, length);
  return rdata && { name, type, class: rrClass, ttlSeconds, rdata };
}

/** RFC 6762 §6.1: whatever is wrong inside an NSEC's rdata, the next record is to be found. */
function decodeNsec(reader: Reader, rrClass: number, length: number): Rdata | undefined {
  const rdataEnd = reader.offset + length;
  const messageEnd = reader.end;
  try {
    return decodeRdata(reader, RRType.NSEC, rrClass, length);
  } catch (error) {
    if (!(error instanceof FormatError) || rdataEnd > messageEnd) throw error;
    reader.end = messageEnd;
    reader.offset = rdataEnd;
    reader.spend(misfitSteps, "nsec");
    return undefined;
  }
}

function decodeSection(reader: Reader, count: number, into: RR[], isTolerant: boolean): void {
  for (let left = count; left > 0; left--) {
    const rr = decodeRR(reader, isTolerant);
    if (rr !== undefined) into.push(rr);
  }
}

/** As decodeSection, but the OPT is taken out (RFC 6891 §6.1.1: there is one at most). */
function decodeAdditionals(reader: Reader, count: number, into: Draft, isTolerant: boolean): void {
  for (let left = count; left > 0; left--) {
    const rr = decodeRR(reader, isTolerant);
    if (rr === undefined) continue;
    if (rr.type !== RRType.OPT) into.additionals.push(rr);
    else if (into.edns === undefined) into.edns = ednsOf(rr);
    else throw new FormatError("more than one OPT", "OPT", reader.offset);
  }
}

function decodeSections(reader: Reader, into: Draft, isTolerant: boolean): void {
  const { bytes } = reader;
  const count = (at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  for (let left = count(4); left > 0; left--) into.questions.push(decodeQuestion(reader));
  decodeSection(reader, count(6), into.answers, isTolerant);
  decodeSection(reader, count(8), into.authorities, isTolerant);
  decodeAdditionals(reader, count(10), into, isTolerant);
}

function draftOf(bytes: Uint8Array): Draft {
  if (bytes.length < headerBytes) throw new FormatError("shorter than 12 bytes", "header", 0);
  const flags = ((bytes[2] as number) << 8) | (bytes[3] as number);
  return {
    id: ((bytes[0] as number) << 8) | (bytes[1] as number),
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0x0f,
    aa: (flags & 0x0400) !== 0,
    tc: (flags & 0x0200) !== 0,
    rd: (flags & 0x0100) !== 0,
    ra: (flags & 0x0080) !== 0,
    z: (flags & 0x0040) !== 0,
    ad: (flags & 0x0020) !== 0,
    cd: (flags & 0x0010) !== 0,
    rcode: flags & 0x0f,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
  };
}

/**
 * Decodes a whole message.
 *
 * @throws FormatError for anything that is not exactly one message
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const message = draftOf(bytes);
  const reader = new Reader(bytes, headerBytes);
  decodeSections(reader, message, false);
  if (reader.remaining > 0) {
    throw new FormatError("bytes after the last record", "message", reader.offset);
  }
  return message;
}

/**
 * Decodes what can be decoded: a broken record ends the parsing, but what came before it is
 * kept; trailing bytes are ignored.
 *
 * @throws FormatError when not even the header is whole
 */
export function decodePartial(bytes: Uint8Array): { message: Message; fault?: FormatError } {
  const message = draftOf(bytes);
  try {
    decodeSections(new Reader(bytes, headerBytes), message, true);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { message, fault: error };
  }
  return { message };
}

/**
 * Encodes a message; what is left out is zero, false or empty.
 *
 * @throws FormatError when it exceeds 65,535 bytes
 */
export function encodeMessage(
  message: Partial<Message>,
  options: { readonly compression?: Compression } = {},
): Uint8Array {
  const writer = new MessageWriter(65_535, options.compression ?? "unicast");
  writer.header(message);
  for (const question of message.questions ?? []) writer.question(question);
  const isWhole =
    writer.append("answer", message.answers ?? []) &&
    writer.append("authority", message.authorities ?? []) &&
    writer.append("additional", message.additionals ?? []);
  if (!isWhole) throw new FormatError("message exceeds 65,535 bytes", "message");
  if (message.edns !== undefined) writer.edns(message.edns);
  return writer.finish();
}
