// Rdata to the wire, field by field as layouts.ts says. Names are the
// writer's, since only it knows what can be pointed to.

import { unreachable } from "../../assert.js";
import { FormatError } from "../errors.js";
import type { MessageWriter } from "../writer.js";
import type { EdnsOptionBytes } from "./index.js";
import type { FieldKind } from "./layouts.js";

/** @throws FormatError for a value that has no encoding */
export function encodeField(
  writer: MessageWriter,
  kind: Exclude<FieldKind, "name">,
  value: unknown,
  where: string,
): void {
  switch (kind) {
    case "u8":
      writer.u8(value as number);
      return;
    case "u16":
    case "type":
      writer.u16(value as number);
      return;
    case "u32":
    case "time":
      writer.u32(value as number);
      return;
    case "u48":
      writer.u48(value as number);
      return;
    case "ipv4":
      writer.raw(exactly(4, value as Uint8Array, where));
      return;
    case "ipv6":
      writer.raw(exactly(16, value as Uint8Array, where));
      return;
    case "string":
      encodeString(writer, value as Uint8Array, where);
      return;
    case "strings":
      encodeStrings(writer, value as readonly Uint8Array[], where);
      return;
    case "types":
      encodeTypes(writer, value as readonly number[]);
      return;
    case "block":
      writer.u16((value as Uint8Array).length);
      writer.raw(value as Uint8Array);
      return;
    case "options":
      encodeOptions(writer, value as readonly EdnsOptionBytes[]);
      return;
    case "hex":
    case "base64":
    case "params":
      writer.raw(value as Uint8Array);
      return;
    default:
      unreachable(kind);
  }
}

function exactly(length: number, bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new FormatError(`${bytes.length} bytes where ${length} belong`, where);
}

function encodeString(writer: MessageWriter, bytes: Uint8Array, where: string): void {
  if (bytes.length > 255) throw new FormatError("string of more than 255 bytes", where);
  writer.u8(bytes.length);
  writer.raw(bytes);
}

/** Never zero bytes: an empty TXT is one empty string (RFC 6763 §6.1). */
function encodeStrings(writer: MessageWriter, strings: readonly Uint8Array[], where: string): void {
  if (strings.length === 0) writer.u8(0);
  for (const string of strings) encodeString(writer, string, where);
}

function encodeTypes(writer: MessageWriter, types: readonly number[]): void {
  const blocks = new Map<number, Uint8Array>();
  for (const type of [...new Set(types)].sort((a, b) => a - b)) {
    const block = type >> 8;
    const bits = blocks.get(block) ?? new Uint8Array(32);
    const index = (type & 0xff) >> 3;
    bits[index] = (bits[index] as number) | (0x80 >> (type & 7));
    blocks.set(block, bits);
  }
  for (const [block, bits] of blocks) {
    const length = bits.findLastIndex((byte) => byte !== 0) + 1;
    writer.u8(block);
    writer.u8(length);
    writer.raw(bits.subarray(0, length));
  }
}

function encodeOptions(writer: MessageWriter, options: readonly EdnsOptionBytes[]): void {
  for (const option of options) {
    writer.u16(option.code);
    writer.u16(option.bytes.length);
    writer.raw(option.bytes);
  }
}
