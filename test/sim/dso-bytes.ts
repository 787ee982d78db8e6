// The bytes of sessions and subscriptions (RFC 8490 §5.4, §7; RFC 8765 §6),
// written and read here from the RFCs, without the server's own code for them.
// Records inside are the record codec's.

import { type Name, nameOf } from "../../src/wire/name.js";
import { Output } from "../../src/wire/output.js";
import { decodeRdata } from "../../src/wire/rdata/decode.js";
import { encodeRdata } from "../../src/wire/rdata/encode.js";
import { Reader } from "../../src/wire/reader.js";
import type { RR } from "../../src/wire/rr.js";
import { demand } from "./violation.js";

export const Tlv = {
  keepalive: 1,
  retryDelay: 2,
  subscribe: 0x40,
  push: 0x41,
  unsubscribe: 0x42,
  reconfirm: 0x43,
} as const;

const headerBytes = 12;

/** Instead of a TTL (RFC 8765 §6.3.1). */
const removeOne = 0xffff_ffff;
const removeAll = 0xffff_fffe;

const u16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A message of opcode 6 with one TLV. */
export function dsoBytes(id: number, type: number, value: Uint8Array, flags = 0x30_00): Uint8Array {
  return Buffer.concat([u16(id), u16(flags), Buffer.alloc(8), u16(type), u16(value.length), value]);
}

function nameBytes({ labels }: Name): Buffer {
  const parts = labels.flatMap((label) => [
    Buffer.from([label.length]),
    Buffer.from(label, "latin1"),
  ]);
  return Buffer.concat([...parts, Buffer.from([0])]);
}

interface Subscribing {
  readonly name: Name;
  readonly type: number;
  readonly class: number;
}

export function subscribeBytes(id: number, { name, type, class: rrClass }: Subscribing) {
  return dsoBytes(id, Tlv.subscribe, Buffer.concat([nameBytes(name), u16(type), u16(rrClass)]));
}

export const unsubscribeBytes = (id: number) => dsoBytes(0, Tlv.unsubscribe, u16(id));

export const keepaliveBytes = (id: number) =>
  dsoBytes(id, Tlv.keepalive, Buffer.concat([u32(15_000), u32(3_600_000)]));

/** Not compressed; nobody has to. */
export function reconfirmBytes({ name, type, rdata }: RR): Uint8Array {
  const output = new Output(0);
  encodeRdata(output, type, rdata, false);
  const value = Buffer.concat([nameBytes(name), u16(type), u16(1), output.finish()]);
  return dsoBytes(0, Tlv.reconfirm, value);
}

export interface HeardTlv {
  readonly type: number;
  /** Offsets in the message. */
  readonly start: number;
  readonly end: number;
}

/** One message of the server. */
export interface HeardDso {
  readonly bytes: Uint8Array;
  readonly id: number;
  readonly isResponse: boolean;
  readonly rcode: number;
  readonly tlvs: readonly HeardTlv[];
}

export const isDso = (bytes: Uint8Array): boolean => ((bytes[2]! >> 3) & 0x0f) === 6;

export function readDso(bytes: Uint8Array): HeardDso {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const flags = whole.readUInt16BE(2);
  demand((flags & 0x07f0) === 0, () => `DSO flags ${flags.toString(16)}`);
  demand(
    whole.subarray(4, headerBytes).every((byte) => byte === 0),
    () => "counts in a DSO message",
  );
  const tlvs: HeardTlv[] = [];
  for (let at = headerBytes; at < whole.length; ) {
    demand(at + 4 <= whole.length, () => "a TLV is cut");
    const start = at + 4;
    const end = start + whole.readUInt16BE(at + 2);
    demand(end <= whole.length, () => "a TLV is too long");
    tlvs.push({ type: whole.readUInt16BE(at), start, end });
    at = end;
  }
  const id = whole.readUInt16BE(0);
  return { bytes, id, isResponse: (flags & 0x8000) !== 0, rcode: flags & 0x0f, tlvs };
}

export type PushedChange =
  | { readonly kind: "add" | "remove"; readonly rr: RR }
  | { readonly kind: "remove-all"; readonly name: Name; readonly type: number };

/** The changes of a PUSH (PUSH-19 to PUSH-24). */
export function readPush({ bytes }: HeardDso, tlv: HeardTlv): readonly PushedChange[] {
  const reader = new Reader(bytes, tlv.start);
  reader.end = tlv.end;
  const changes: PushedChange[] = [];
  while (reader.remaining > 0) changes.push(readChange(reader));
  return changes;
}

function readChange(reader: Reader): PushedChange {
  const name = nameOf(reader.name("owner").labels);
  const type = reader.u16("type");
  const rrClass = reader.u16("class");
  const ttlSeconds = reader.u32("ttl");
  const length = reader.u16("rdlength");
  demand(rrClass === 1, () => `class ${rrClass} in a PUSH`);
  if (ttlSeconds === removeAll) {
    demand(length === 0, () => "rdata in a collective removal");
    return { kind: "remove-all", name, type };
  }
  demand(type !== 255, () => "type ANY in a PUSH");
  const rr = { name, type, class: 1, ttlSeconds, rdata: decodeRdata(reader, type, 1, length) };
  if (ttlSeconds === removeOne) return { kind: "remove", rr };
  demand(ttlSeconds <= 0x7fff_ffff, () => `TTL ${ttlSeconds} in a PUSH`);
  return { kind: "add", rr };
}
