// The bytes of sessions, Push and LLQ, built and taken apart from their layouts
// alone (RFC 8490 §5.4, RFC 8765 §6, RFC 8764 §3.2): like packet.ts a second
// implementation that shares nothing with src/.

import { type ExampleId, framed as framedExample } from "../dso/examples.js";
import { examples as llqExamples } from "../llq/examples.js";
import { nameBytes, plainName, type TypeName, typeNumber } from "./packet.js";
import { dataText, readName, type Seen, typeText } from "./unpack.js";

export const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/[\s|]/g, ""), "hex");

/** Behind its length, as on a stream. */
export const framed = (message: Uint8Array): Buffer =>
  Buffer.concat([u16(message.length), message]);

/** An example of the specification about sessions and Push, with its length prefix. */
export const E = (id: ExampleId): Buffer => Buffer.from(framedExample(id));

/** An example about LLQ, as over UDP. */
export const L = (id: keyof typeof llqExamples): Buffer => hex(llqExamples[id]);

export interface Tlv {
  readonly type: number;
  readonly bytes: Buffer;
}

export const tlv = (type: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([u16(type), u16(bytes.length), bytes]);

export const tlvTypes = {
  keepalive: 1,
  retryDelay: 2,
  padding: 3,
  subscribe: 0x40,
  push: 0x41,
  unsubscribe: 0x42,
  reconfirm: 0x43,
} as const;

/** A DSO message without its length prefix; opcode 6 unless `flags` say otherwise. */
export function dso(id: number, tlvs: readonly Uint8Array[], flags = 0x3000): Buffer {
  return Buffer.concat([u16(id), u16(flags), Buffer.alloc(8), ...tlvs]);
}

const question = (name: string, type: TypeName, rrClass: number): Buffer =>
  Buffer.concat([nameBytes(name), u16(typeNumber(type)), u16(rrClass)]);

export const keepalive = (id: number, inactivity = 15_000, interval = 3_600_000): Buffer =>
  dso(id, [tlv(tlvTypes.keepalive, Buffer.concat([u32(inactivity), u32(interval)]))]);

export function subscribe(id: number, name: string, type: TypeName, rrClass = 1): Buffer {
  return dso(id, [tlv(tlvTypes.subscribe, question(name, type, rrClass))]);
}

export const unsubscribe = (id: number): Buffer => dso(0, [tlv(tlvTypes.unsubscribe, u16(id))]);

/** RECONFIRM of one record, its rdata as it stands. */
export function reconfirm(name: string, type: TypeName, rdata: Uint8Array): Buffer {
  return dso(0, [tlv(tlvTypes.reconfirm, Buffer.concat([question(name, type, 1), rdata]))]);
}

export interface SeenDso {
  readonly id: number;
  readonly flags: number;
  readonly rcode: number;
  readonly isResponse: boolean;
  readonly tlvs: readonly Tlv[];
  readonly bytes: Buffer;
}

/** Whether a message without its length prefix has opcode 6. */
export const isDso = (bytes: Buffer): boolean => bytes.length >= 12 && (bytes[2]! & 0x78) === 0x30;

export function readDso(bytes: Buffer): SeenDso {
  if (!isDso(bytes)) throw new Error(`no DSO message: ${bytes.toString("hex")}`);
  if (bytes.readUInt32BE(4) !== 0 || bytes.readUInt32BE(8) !== 0) throw new Error("counts");
  const tlvs: Tlv[] = [];
  let at = 12;
  while (at < bytes.length) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw new Error("a TLV runs past the end");
    tlvs.push({ type: bytes.readUInt16BE(at), bytes: bytes.subarray(at + 4, end) });
    at = end;
  }
  const flags = bytes.readUInt16BE(2);
  return {
    id: bytes.readUInt16BE(0),
    flags,
    rcode: flags & 15,
    isResponse: (flags & 0x8000) !== 0,
    tlvs,
    bytes,
  };
}

export interface Change {
  readonly kind: "add" | "remove" | "remove-all";
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** As it stood in the message. */
  readonly raw: Buffer;
  /** As words, see `dataText`. */
  readonly words: string;
  /** `+ name TYPE words`, `- name TYPE words` or `-- name TYPE`. */
  readonly text: string;
}

/** The changes of a PUSH; undefined for any other message. Throws when it is malformed. */
export function readPush(bytes: Buffer): Change[] | undefined {
  if (!isDso(bytes) || bytes.length < 16) return undefined;
  if (bytes.readUInt16BE(12) !== tlvTypes.push) return undefined;
  const { id, flags } = readDso(bytes);
  if (id !== 0 || flags !== 0x3000) throw new Error(`a PUSH with ID ${id}, flags ${flags}`);
  const end = 16 + bytes.readUInt16BE(14);
  const changes: Change[] = [];
  for (let at = 16; at < end; ) {
    const { labels, end: fixed } = readName(bytes, at);
    const length = bytes.readUInt16BE(fixed + 8);
    const ttl = bytes.readUInt32BE(fixed + 4);
    const start = fixed + 10;
    if (start + length > end) throw new Error("a change runs past the end");
    const name = plainName(labels);
    const type = bytes.readUInt16BE(fixed);
    const kind = ttl === 0xffffffff ? "remove" : ttl === 0xfffffffe ? "remove-all" : "add";
    if (kind === "add" && ttl > 0x7fffffff) throw new Error(`TTL ${ttl}`);
    const words = kind === "remove-all" ? "" : dataText(bytes, type, start, length);
    const sign = { add: "+", remove: "-", "remove-all": "--" }[kind];
    changes.push({
      kind,
      name,
      type,
      class: bytes.readUInt16BE(fixed + 2),
      ttl,
      raw: bytes.subarray(start, start + length),
      words,
      text: `${sign} ${name} ${typeText(type)} ${words}`.trimEnd(),
    });
    at = start + length;
  }
  if (changes.length === 0) throw new Error("an empty PUSH");
  return changes;
}

export interface LlqOption {
  readonly version?: number;
  readonly opcode: number;
  readonly error?: number;
  /** Sixteen hexadecimal digits. */
  readonly id?: string;
  readonly lease: number;
}

const noId = "0000000000000000";

export function llqOption({ version = 1, opcode, error = 0, id = noId, lease }: LlqOption): Buffer {
  const fields = [u16(1), u16(18), u16(version), u16(opcode), u16(error), hex(id), u32(lease)];
  return Buffer.concat(fields);
}

export interface Asked {
  readonly name: string;
  readonly type: TypeName;
  readonly class?: number;
}

/** A message with questions and LLQ options, as E40; flags of a query unless told. */
export function llq(
  id: number,
  questions: readonly Asked[],
  options: readonly LlqOption[],
  flags = 0x0100,
): Buffer {
  const rdata = Buffer.concat(options.map(llqOption));
  return Buffer.concat([
    u16(id),
    u16(flags),
    hex(`${u16(questions.length).toString("hex")}000000000001`),
    ...questions.map((one) => question(one.name, one.type, one.class ?? 1)),
    hex("00002900000000 0000"),
    u16(rdata.length),
    rdata,
  ]);
}

/** The LLQ options of a message, in order. */
export function llqOptionsOf(seen: Seen): Required<LlqOption>[] {
  const raw = seen.opt?.raw ?? Buffer.alloc(0);
  const found: Required<LlqOption>[] = [];
  for (let at = 0; at + 4 <= raw.length; at += 4 + raw.readUInt16BE(at + 2)) {
    if (raw.readUInt16BE(at) !== 1) continue;
    if (raw.readUInt16BE(at + 2) !== 18) throw new Error("an LLQ option of another length");
    found.push({
      version: raw.readUInt16BE(at + 4),
      opcode: raw.readUInt16BE(at + 6),
      error: raw.readUInt16BE(at + 8),
      id: raw.toString("hex", at + 10, at + 18),
      lease: raw.readUInt32BE(at + 18),
    });
  }
  return found;
}

/** The payload of an option of a response's OPT; undefined when it is not there. */
export function ednsOption(seen: Seen, code: number): Buffer | undefined {
  const raw = seen.opt?.raw ?? Buffer.alloc(0);
  for (let at = 0; at + 4 <= raw.length; at += 4 + raw.readUInt16BE(at + 2)) {
    if (raw.readUInt16BE(at) !== code) continue;
    return raw.subarray(at + 4, at + 4 + raw.readUInt16BE(at + 2));
  }
  return undefined;
}
