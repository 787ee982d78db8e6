// Whole messages (RFC 1035 §4.1): header, four sections, and the OPT taken out
// of the additional one. Decoding is strict, or keeps what came before a fault.

import { RRType } from "./codes.js";
import { type Edns, ednsOf } from "./edns.js";
import { FormatError } from "./errors.js";
import type { Name } from "./name.js";
import { decodeRdata } from "./rdata/decode.js";
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

interface Sections {
  readonly questions: Question[];
  readonly answers: RR[];
  readonly authorities: RR[];
  readonly additionals: RR[];
  edns?: Edns;
}

function decodeQuestion(reader: Reader): Question {
  const name = reader.name("question");
  return { name, type: reader.u16("question"), class: reader.u16("question") };
}

/** Fixed part of an RR; the rdata follows at the reader's offset. */
function decodeOwner(reader: Reader) {
  const name = reader.name("owner");
  const type = reader.u16("RR");
  const rrClass = reader.u16("RR");
  const ttlSeconds = reader.u32("RR");
  const length = reader.u16("RR");
  return { name, type, class: rrClass, ttlSeconds, length };
}

function decodeRR(reader: Reader): RR {
  const { length, ...owner } = decodeOwner(reader);
  return { ...owner, rdata: decodeRdata(reader, owner.type, owner.class, length) };
}

/** As decodeRR, but an NSEC that cannot be read is passed over alone (RFC 6762 §6.1). */
function decodeTolerantRR(reader: Reader): RR | undefined {
  const { length, ...owner } = decodeOwner(reader);
  const rdataEnd = reader.offset + length;
  const messageEnd = reader.end;
  try {
    return { ...owner, rdata: decodeRdata(reader, owner.type, owner.class, length) };
  } catch (error) {
    const isSkippable = owner.type === RRType.NSEC && rdataEnd <= messageEnd;
    if (!(error instanceof FormatError) || !isSkippable) throw error;
    reader.end = messageEnd;
    reader.offset = rdataEnd;
    return undefined;
  }
}

function decodeSections(
  reader: Reader,
  counts: HeaderCounts,
  into: Sections,
  decode: (reader: Reader) => RR | undefined,
): void {
  for (let left = counts.qdcount; left > 0; left--) into.questions.push(decodeQuestion(reader));
  for (const [list, count] of [
    [into.answers, counts.ancount],
    [into.authorities, counts.nscount],
    [into.additionals, counts.arcount],
  ] as const) {
    for (let left = count; left > 0; left--) {
      const rr = decode(reader);
      if (rr === undefined) continue;
      if (rr.type !== RRType.OPT || list !== into.additionals) list.push(rr);
      else if (into.edns === undefined) into.edns = ednsOf(rr);
      else throw new FormatError("more than one OPT", "OPT", reader.offset);
    }
  }
}

const emptySections = (): Sections => ({
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
});

/**
 * Decodes a whole message.
 *
 * @throws FormatError for anything that is not exactly one message
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const header = decodeHeader(bytes);
  const reader = new Reader(bytes, headerBytes);
  const sections = emptySections();
  decodeSections(reader, header, sections, decodeRR);
  if (reader.remaining > 0) {
    throw new FormatError("bytes after the last record", "message", reader.offset);
  }
  return { ...header, ...sections };
}

/**
 * Decodes what can be decoded: a broken record ends the parsing, but what came before it is
 * kept; trailing bytes are ignored.
 *
 * @throws FormatError when not even the header is whole
 */
export function decodePartial(bytes: Uint8Array): { message: Message; fault?: FormatError } {
  const header = decodeHeader(bytes);
  const sections = emptySections();
  try {
    decodeSections(new Reader(bytes, headerBytes), header, sections, decodeTolerantRR);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { message: { ...header, ...sections }, fault: error };
  }
  return { message: { ...header, ...sections } };
}

/** A header with every flag off; an encoder's starting point. */
export const blankHeader: Header = {
  id: 0,
  isResponse: false,
  opcode: 0,
  aa: false,
  tc: false,
  rd: false,
  ra: false,
  z: false,
  ad: false,
  cd: false,
  rcode: 0,
};

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
