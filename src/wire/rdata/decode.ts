// Rdata from the wire, field by field as layouts.ts says.

import { RRClass } from "../codes.js";
import { FormatError } from "../errors.js";
import type { Reader } from "../reader.js";
import type { EdnsOptionBytes, Rdata } from "./index.js";
import { type FieldKind, layouts } from "./layouts.js";

/**
 * Reads `length` bytes of rdata at the reader's offset.
 *
 * @throws FormatError when they do not follow the type's layout to the last byte
 */
export function decodeRdata(reader: Reader, type: number, rrClass: number, length: number): Rdata {
  const start = reader.offset;
  if (length > reader.remaining) throw new FormatError("ends inside rdata", "rdata", start);
  const layout = layouts.get(type);
  // RFC 2136 §2.4: in an UPDATE the classes ANY and NONE come with empty rdata of any type.
  const isEmpty = length === 0 && (rrClass === RRClass.ANY || rrClass === RRClass.NONE);
  if (layout === undefined || isEmpty) {
    return { kind: "opaque", bytes: reader.take(length, "rdata") };
  }
  const outer = reader.end;
  reader.end = start + length;
  const rdata: Record<string, unknown> = { kind: layout.kind };
  for (const [field, kind] of layout.fields) {
    rdata[field] = decodeField(reader, kind, layout.kind);
  }
  if (reader.remaining > 0) {
    throw new FormatError("rdata is longer than its fields", layout.kind, reader.offset);
  }
  reader.end = outer;
  return rdata as unknown as Rdata;
}

function decodeField(reader: Reader, kind: FieldKind, where: string): unknown {
  switch (kind) {
    case "name":
      return reader.name(where);
    case "u8":
      return reader.u8(where);
    case "u16":
      return reader.u16(where);
    case "u32":
      return reader.u32(where);
    case "u48":
      return reader.u48(where);
    case "ipv4":
      return reader.take(4, where);
    case "ipv6":
      return reader.take(16, where);
    case "string":
      return reader.take(reader.u8(where), where);
    case "strings":
      return decodeStrings(reader, where);
    case "types":
      return decodeTypes(reader, where);
    case "block":
      return reader.take(reader.u16(where), where);
    case "options":
      return decodeOptions(reader, where);
    case "rest":
      return reader.take(reader.remaining, where);
  }
}

function decodeStrings(reader: Reader, where: string): Uint8Array[] {
  const strings: Uint8Array[] = [];
  while (reader.remaining > 0) strings.push(reader.take(reader.u8(where), where));
  return strings;
}

/** Blocks in ascending order, 1 to 32 bytes each (RFC 4034 §4.1.2). */
function decodeTypes(reader: Reader, where: string): number[] {
  const types: number[] = [];
  let last = -1;
  while (reader.remaining > 0) {
    const at = reader.offset;
    const block = reader.u8(where);
    const length = reader.u8(where);
    if (block <= last || length < 1 || length > 32) {
      throw new FormatError("type bitmap is not in order", where, at);
    }
    last = block;
    const bits = reader.take(length, where);
    bits.forEach((byte, index) => {
      for (let bit = 0; byte !== 0 && bit < 8; bit++) {
        if ((byte & (0x80 >> bit)) !== 0) types.push(block * 256 + index * 8 + bit);
      }
    });
  }
  return types;
}

function decodeOptions(reader: Reader, where: string): EdnsOptionBytes[] {
  const options: EdnsOptionBytes[] = [];
  while (reader.remaining > 0) {
    const code = reader.u16(where);
    options.push({ code, bytes: reader.take(reader.u16(where), where) });
  }
  return options;
}
