// Rdata from the wire, field by field as layouts.ts says. The types that links
// are full of are written out, at a third of the table's cost.

import { RRClass, RRType } from "../codes.js";
import { FormatError } from "../errors.js";
import type { Reader } from "../reader.js";
import type { EdnsOptionBytes, Rdata } from "./index.js";
import { type FieldKind, type Layout, layoutOf } from "./layouts.js";

/** Steps (reader.ts) for a field, a string, an option, a type of a bitmap. */
const fieldSteps = 4;
const stringSteps = 10;
const optionSteps = 12;
const typeSteps = 3;

/**
 * Reads `length` bytes of rdata at the reader's offset.
 *
 * @throws FormatError when they do not follow the type's layout to the last byte
 */
export function decodeRdata(reader: Reader, type: number, rrClass: number, length: number): Rdata {
  const start = reader.offset;
  if (length > reader.remaining) throw new FormatError("ends inside rdata", "rdata", start);
  const layout = layoutOf(type);
  // RFC 2136 §2.4: in an UPDATE the classes ANY and NONE come with empty rdata of any type.
  const isEmpty = length === 0 && (rrClass === RRClass.ANY || rrClass === RRClass.NONE);
  if (layout === undefined || isEmpty) {
    return { kind: "opaque", bytes: reader.take(length, "rdata") };
  }
  const outer = reader.end;
  reader.end = start + length;
  const rdata = decodeFrequent(reader, type) ?? decodeLayout(reader, layout);
  if (reader.remaining > 0) {
    throw new FormatError("rdata is longer than its fields", layout.kind, reader.offset);
  }
  reader.end = outer;
  return rdata;
}

function decodeFrequent(reader: Reader, type: number): Rdata | undefined {
  switch (type) {
    case RRType.A:
      return { kind: "a", address: reader.take(4, "a") };
    case RRType.AAAA:
      return { kind: "aaaa", address: reader.take(16, "aaaa") };
    case RRType.PTR:
      return { kind: "ptr", target: reader.name("ptr") };
    case RRType.SRV:
      return {
        kind: "srv",
        priority: reader.u16("srv"),
        weight: reader.u16("srv"),
        port: reader.u16("srv"),
        target: reader.name("srv"),
      };
    case RRType.TXT:
      return { kind: "txt", strings: decodeStrings(reader, "txt") };
    case RRType.NSEC:
      return { kind: "nsec", next: reader.name("nsec"), types: decodeTypes(reader, "nsec") };
    default:
      return undefined;
  }
}

function decodeLayout(reader: Reader, layout: Layout): Rdata {
  reader.spend(layout.fields.length * fieldSteps, layout.kind);
  const rdata: Record<string, unknown> = { kind: layout.kind };
  for (const [field, kind] of layout.fields) {
    rdata[field] = decodeField(reader, kind, layout.kind);
  }
  return rdata as unknown as Rdata;
}

function decodeField(reader: Reader, kind: FieldKind, where: string): unknown {
  switch (kind) {
    case "name":
      return reader.name(where);
    case "u8":
      return reader.u8(where);
    case "u16":
    case "type":
      return reader.u16(where);
    case "u32":
    case "time":
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
    case "hex":
    case "base64":
    case "params":
      return reader.take(reader.remaining, where);
  }
}

function decodeStrings(reader: Reader, where: string): Uint8Array[] {
  const strings: Uint8Array[] = [];
  while (reader.offset < reader.end) {
    const length = reader.u8(where);
    reader.spend(stringSteps, where);
    strings.push(reader.take(length, where));
  }
  return strings;
}

/** Blocks in ascending order, 1 to 32 bytes each (RFC 4034 §4.1.2). */
function decodeTypes(reader: Reader, where: string): number[] {
  const types: number[] = [];
  const { bytes } = reader;
  let last = -1;
  while (reader.offset < reader.end) {
    const at = reader.offset;
    const block = reader.u8(where);
    const length = reader.u8(where);
    if (block <= last || length < 1 || length > 32) {
      throw new FormatError("type bitmap is not in order", where, at);
    }
    last = block;
    const known = types.length;
    const start = reader.claim(length, where);
    for (let index = 0; index < length; index++) {
      let byte = bytes[start + index] as number;
      for (let type = block * 256 + index * 8; byte !== 0; type++) {
        if ((byte & 0x80) !== 0) types.push(type);
        byte = (byte << 1) & 0xff;
      }
    }
    reader.spend((types.length - known) * typeSteps + length, where);
  }
  return types;
}

function decodeOptions(reader: Reader, where: string): EdnsOptionBytes[] {
  const options: EdnsOptionBytes[] = [];
  while (reader.offset < reader.end) {
    reader.spend(optionSteps, where);
    const code = reader.u16(where);
    options.push({ code, bytes: reader.take(reader.u16(where), where) });
  }
  return options;
}
