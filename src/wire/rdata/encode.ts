// Rdata to the wire, field by field as layouts.ts says. The types that answers
// are full of are written out, at a third of the table's cost.

import { FormatError } from "../errors.js";
import type { Name } from "../name.js";
import type { Output } from "../output.js";
import { fieldOf } from "../rr.js";
import type { EdnsOptionBytes, Rdata } from "./index.js";
import { type FieldKind, layoutOf } from "./layouts.js";

/**
 * Writes rdata, without its length.
 *
 * @param isCompressible  whether its names may be pointers
 * @throws FormatError for a value that has no encoding
 */
export function encodeRdata(
  output: Output,
  type: number,
  rdata: Rdata,
  isCompressible: boolean,
): void {
  switch (rdata.kind) {
    case "opaque":
      output.raw(rdata.bytes);
      return;
    case "a":
      output.raw(exactly(4, rdata.address, "a"));
      return;
    case "aaaa":
      output.raw(exactly(16, rdata.address, "aaaa"));
      return;
    case "ptr":
      output.name(rdata.target, isCompressible);
      return;
    case "srv":
      output.u16(rdata.priority);
      output.u16(rdata.weight);
      output.u16(rdata.port);
      output.name(rdata.target, isCompressible);
      return;
    case "txt":
      encodeStrings(output, rdata.strings, "txt");
      return;
    default:
      encodeLayout(output, type, rdata, isCompressible);
      return;
  }
}

function encodeLayout(output: Output, type: number, rdata: Rdata, isCompressible: boolean): void {
  const layout = layoutOf(type);
  if (layout?.kind !== rdata.kind) {
    throw new FormatError(`type ${type} has no such rdata`, rdata.kind);
  }
  for (const [field, kind] of layout.fields) {
    const value = fieldOf(rdata, field);
    if (kind === "name") output.name(value as Name, isCompressible);
    else encodeField(output, kind, value, layout.kind);
  }
}

function encodeField(
  output: Output,
  kind: Exclude<FieldKind, "name">,
  value: unknown,
  where: string,
): void {
  switch (kind) {
    case "u8":
      output.u8(value as number);
      return;
    case "u16":
    case "type":
      output.u16(value as number);
      return;
    case "u32":
    case "time":
      output.u32(value as number);
      return;
    case "u48":
      output.u48(value as number);
      return;
    case "ipv4":
      output.raw(exactly(4, value as Uint8Array, where));
      return;
    case "ipv6":
      output.raw(exactly(16, value as Uint8Array, where));
      return;
    case "string":
      encodeString(output, value as Uint8Array, where);
      return;
    case "strings":
      encodeStrings(output, value as readonly Uint8Array[], where);
      return;
    case "types":
      encodeTypes(output, value as readonly number[]);
      return;
    case "block":
      output.u16((value as Uint8Array).length);
      output.raw(value as Uint8Array);
      return;
    case "options":
      encodeOptions(output, value as readonly EdnsOptionBytes[]);
      return;
    case "hex":
    case "base64":
    case "params":
      output.raw(value as Uint8Array);
      return;
  }
}

function exactly(length: number, bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length === length) return bytes;
  throw new FormatError(`${bytes.length} bytes where ${length} belong`, where);
}

function encodeString(output: Output, bytes: Uint8Array, where: string): void {
  if (bytes.length > 255) throw new FormatError("string of more than 255 bytes", where);
  output.u8(bytes.length);
  output.raw(bytes);
}

/** Never zero bytes: an empty TXT is one empty string (RFC 6763 §6.1). */
function encodeStrings(output: Output, strings: readonly Uint8Array[], where: string): void {
  if (strings.length === 0) output.u8(0);
  for (const string of strings) encodeString(output, string, where);
}

function encodeTypes(output: Output, types: readonly number[]): void {
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
    output.u8(block);
    output.u8(length);
    output.raw(bits.subarray(0, length));
  }
}

function encodeOptions(output: Output, options: readonly EdnsOptionBytes[]): void {
  for (const option of options) {
    output.u16(option.code);
    output.u16(option.bytes.length);
    output.raw(option.bytes);
  }
}
