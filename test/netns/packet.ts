// DNS messages built and taken apart for the system tests: a second, plain
// implementation that shares nothing with src/, so that both have to be right
// (RFC 1035 §4, RFC 6762 §18). It trusts its input; hostile bytes are given in hex.

/** Numbers of the types the tests speak of (RFC and IANA numbers). */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  CDS: 59,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export type TypeName = keyof typeof types | number;

/** The number of a type given by name or by number. */
export function typeNumber(type: TypeName): number {
  return typeof type === "number" ? type : types[type];
}

/** `Dr\. Who._ipp._tcp.local` → labels as bytes; `\.`, `\\` and `\DDD` are understood. */
export function labelsOf(text: string): Buffer[] {
  const labels: Buffer[] = [];
  let bytes: number[] = [];
  const source = Buffer.from(text, "utf8");
  for (let i = 0; i < source.length; i++) {
    const byte = source[i]!;
    if (byte === 0x2e) {
      if (bytes.length > 0) labels.push(Buffer.from(bytes));
      bytes = [];
    } else if (byte !== 0x5c) {
      bytes.push(byte);
    } else {
      const digits = source.toString("latin1", i + 1, i + 4);
      if (/^[0-2][0-9][0-9]$/.test(digits)) {
        bytes.push(Number(digits));
        i += 3;
      } else {
        bytes.push(source[++i]!);
      }
    }
  }
  if (bytes.length > 0) labels.push(Buffer.from(bytes));
  return labels;
}

/** One label in dig's notation: everything but letters, digits, hyphen and underscore escaped. */
export function escapeLabel(label: Uint8Array): string {
  let text = "";
  for (const byte of label) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9_-]/.test(char)) text += char;
    else text += `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}

/** A name in one fixed notation, so that texts of different origin can be compared. */
export function plainName(name: string | readonly Uint8Array[]): string {
  const labels = typeof name === "string" ? labelsOf(name) : name;
  return `${labels.map(escapeLabel).join(".")}.`;
}

/** A name on the wire, uncompressed. */
export function nameBytes(name: string | readonly Uint8Array[]): Buffer {
  const labels = typeof name === "string" ? labelsOf(name) : name;
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), label])),
    Buffer.of(0),
  ]);
}

export interface Rec {
  readonly name: string | readonly Uint8Array[];
  readonly type: TypeName;
  readonly ttl: number;
  /** The 16 bits of the class field; 0x8001 by `flush`. */
  readonly class: number;
  readonly rdata: Buffer;
}

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, i * 2);
  return bytes;
}

/** An IPv4 or IPv6 address as bytes. */
export function addressBytes(text: string): Buffer {
  if (text.includes(".")) return Buffer.from(text.split(".").map(Number));
  const [head = "", tail] = text.split("::");
  const groups = (part: string) => part.split(":").filter((group) => group !== "");
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - front.length - back.length).fill("0");
  return u16(...[...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16)));
}

/** TXT rdata: each string behind its length; none at all is one zero byte (RFC 6763 §6.1). */
export function txtBytes(strings: readonly (string | Uint8Array)[]): Buffer {
  const parts = strings.map((text) => Buffer.from(text as string));
  if (parts.length === 0) return Buffer.of(0);
  return Buffer.concat(parts.flatMap((part) => [Buffer.of(part.length), part]));
}

/** NSEC rdata for types below 256 (RFC 4034 §4.1.2). */
export function nsecBytes(next: string, present: readonly TypeName[]): Buffer {
  const map = Buffer.alloc(32);
  for (const type of present.map(typeNumber)) map[type >> 3]! |= 0x80 >> (type & 7);
  let length = 32;
  while (length > 1 && map[length - 1] === 0) length--;
  return Buffer.concat([nameBytes(next), Buffer.of(0, length), map.subarray(0, length)]);
}

type RdataWords = string | Uint8Array | readonly (string | number)[];

/** One record: `rec("prnt.local", "A", 120, "10.1.0.9")`; names in rdata uncompressed. */
export function rec(
  name: string | readonly Uint8Array[],
  type: TypeName,
  ttl: number,
  data: RdataWords,
): Rec {
  return { name, type, ttl, class: 1, rdata: rdataOf(type, data) };
}

function rdataOf(type: TypeName, data: RdataWords): Buffer {
  if (data instanceof Uint8Array) return Buffer.from(data);
  const words = (typeof data === "string" ? [data] : data) as (string | number)[];
  switch (type) {
    case "A":
    case "AAAA":
      return addressBytes(String(words[0]));
    case "PTR":
    case "CNAME":
    case "NS":
      return nameBytes(String(words[0]));
    case "SRV":
      return Buffer.concat([u16(...words.slice(0, 3).map(Number)), nameBytes(String(words[3]))]);
    case "MX":
      return Buffer.concat([u16(Number(words[0])), nameBytes(String(words[1]))]);
    case "HTTPS":
      return Buffer.concat([u16(Number(words[0])), nameBytes(String(words[1]))]);
    case "TXT":
      return txtBytes(words.map(String));
    case "NSEC":
      return nsecBytes(String(words[0]), words.slice(1) as TypeName[]);
    default:
      throw new Error(`rdata of ${type} has to be given in bytes`);
  }
}

/** The same record as a member of a unique set: cache-flush bit on. */
export function flush(record: Rec): Rec {
  return { ...record, class: record.class | 0x8000 };
}

export interface Ask {
  readonly name: string | readonly Uint8Array[];
  readonly type: TypeName;
  readonly class?: number;
}

export interface MessageParts {
  readonly id?: number;
  readonly flags?: number;
  readonly questions?: readonly Ask[];
  readonly answers?: readonly Rec[];
  readonly authorities?: readonly Rec[];
  readonly additionals?: readonly Rec[];
}

function recordBytes(record: Rec): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(typeNumber(record.type), 0);
  fixed.writeUInt16BE(record.class, 2);
  fixed.writeUInt32BE(record.ttl, 4);
  fixed.writeUInt16BE(record.rdata.length, 8);
  return Buffer.concat([nameBytes(record.name), fixed, record.rdata]);
}

/** A whole message; the counts follow from the parts. */
export function message(parts: MessageParts): Buffer {
  const { questions = [], answers = [], authorities = [], additionals = [] } = parts;
  return Buffer.concat([
    u16(parts.id ?? 0, parts.flags ?? 0),
    u16(questions.length, answers.length, authorities.length, additionals.length),
    ...questions.map((ask) =>
      Buffer.concat([nameBytes(ask.name), u16(typeNumber(ask.type), ask.class ?? 1)]),
    ),
    ...[...answers, ...authorities, ...additionals].map(recordBytes),
  ]);
}

/** An mDNS response (RFC 6762 §18): flags 0x8400, ID 0. */
export function response(
  answers: readonly Rec[],
  more: Omit<MessageParts, "answers"> = {},
): Buffer {
  return message({ flags: 0x8400, ...more, answers });
}

/** An mDNS query; `more.answers` are known answers. */
export function query(questions: readonly Ask[], more: Omit<MessageParts, "questions"> = {}) {
  return message({ ...more, questions });
}

/** An OPT record for a query (RFC 6891). */
export function opt(size: number, more: { version?: number; dnssecOk?: boolean } = {}): Rec {
  const ttl = (more.version ?? 0) * 0x10000 + (more.dnssecOk === true ? 0x8000 : 0);
  return { name: [], type: "OPT", class: size, ttl, rdata: Buffer.alloc(0) };
}
