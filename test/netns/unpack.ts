// The reading half of packet.ts: a message taken apart, names in rdata followed
// through their pointers. Throws a plain Error on what is no DNS message.

import { plainName, types } from "./packet.js";

export interface SeenQuestion {
  /** In the fixed notation of `plainName`. */
  readonly name: string;
  readonly type: number;
  /** All 16 bits: 0x8001 is a QU question in mDNS. */
  readonly class: number;
}

export interface SeenRecord extends SeenQuestion {
  readonly ttl: number;
  /** As it stood in the packet, compression pointers included. */
  readonly raw: Buffer;
  /** Rdata as words: addresses, names and numbers; hex where the layout is not known here. */
  readonly data: string;
}

export interface Seen {
  readonly id: number;
  readonly flags: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly rcode: number;
  readonly tc: boolean;
  readonly questions: readonly SeenQuestion[];
  readonly answers: readonly SeenRecord[];
  readonly authorities: readonly SeenRecord[];
  readonly additionals: readonly SeenRecord[];
  /** The OPT record, which is left out of `additionals`. */
  readonly opt: SeenRecord | undefined;
  readonly bytes: Buffer;
}

const typeNames = new Map<number, string>(
  Object.entries(types).map(([name, number]) => [number, name]),
);

/** `A`, or `TYPE65280` for a number without a name here. */
export function typeText(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}

/** Labels from an offset, and the offset behind the name as it stands there. */
export function readName(bytes: Buffer, start: number): { labels: Buffer[]; end: number } {
  const labels: Buffer[] = [];
  let end: number | undefined;
  for (let at = start, jumps = 0; ; ) {
    const length = bytes.readUInt8(at);
    if (length >= 0xc0) {
      end ??= at + 2;
      at = bytes.readUInt16BE(at) & 0x3fff;
      if (++jumps > 100) throw new Error("compression loop");
    } else if (length === 0) {
      return { labels, end: end ?? at + 1 };
    } else {
      labels.push(bytes.subarray(at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
}

/** Rdata in words, its names followed through pointers into the whole message. */
export function dataText(bytes: Buffer, type: number, at: number, length: number): string {
  const name = (offset: number) => plainName(readName(bytes, offset).labels);
  const raw = bytes.subarray(at, at + length);
  switch (type) {
    case types.A:
      return [...raw].join(".");
    case types.AAAA:
      return (raw.toString("hex").match(/.{4}/g) ?? []).join(":");
    case types.PTR:
    case types.NS:
    case types.CNAME:
      return name(at);
    case types.SRV:
      return `${[0, 2, 4].map((i) => raw.readUInt16BE(i)).join(" ")} ${name(at + 6)}`;
    case types.MX:
    case types.HTTPS:
      return `${raw.readUInt16BE(0)} ${name(at + 2)}`;
    case types.SOA: {
      const mname = readName(bytes, at);
      const rname = readName(bytes, mname.end);
      const numbers = [0, 4, 8, 12, 16].map((i) => bytes.readUInt32BE(rname.end + i));
      return [plainName(mname.labels), plainName(rname.labels), ...numbers].join(" ");
    }
    case types.NSEC: {
      const next = readName(bytes, at);
      return `${plainName(next.labels)} ${bytes.toString("hex", next.end, at + length)}`;
    }
    default:
      return raw.toString("hex");
  }
}

/** Takes a whole message apart. */
export function unpack(bytes: Buffer): Seen {
  const count = (i: number) => bytes.readUInt16BE(4 + i * 2);
  let at = 12;
  const questions: SeenQuestion[] = [];
  for (let i = 0; i < count(0); i++) {
    const { labels, end } = readName(bytes, at);
    const type = bytes.readUInt16BE(end);
    questions.push({ name: plainName(labels), type, class: bytes.readUInt16BE(end + 2) });
    at = end + 4;
  }
  const sections = [1, 2, 3].map((section) => {
    const records: SeenRecord[] = [];
    for (let i = 0; i < count(section); i++) {
      const { labels, end } = readName(bytes, at);
      const type = bytes.readUInt16BE(end);
      const length = bytes.readUInt16BE(end + 8);
      at = end + 10 + length;
      if (at > bytes.length) throw new Error("record runs past the end");
      records.push({
        name: plainName(labels),
        type,
        class: bytes.readUInt16BE(end + 2),
        ttl: bytes.readUInt32BE(end + 4),
        raw: bytes.subarray(end + 10, at),
        data: dataText(bytes, type, end + 10, length),
      });
    }
    return records;
  });
  const flags = bytes.readUInt16BE(2);
  return {
    id: bytes.readUInt16BE(0),
    flags,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    rcode: flags & 15,
    tc: (flags & 0x0200) !== 0,
    questions,
    answers: sections[0]!,
    authorities: sections[1]!,
    additionals: sections[2]!.filter((record) => record.type !== types.OPT),
    opt: sections[2]!.find((record) => record.type === types.OPT),
    bytes,
  };
}

/** `owner TYPE data` of each record, sorted: for comparing sets. TTLs are left out. */
export function recordTexts(records: readonly SeenRecord[]): string[] {
  return records.map((r) => `${r.name} ${typeText(r.type)} ${r.data}`).sort();
}
