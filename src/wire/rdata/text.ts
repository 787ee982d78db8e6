// Rdata as it stands in zone files, field by field as layouts.ts says (RFC 1035
// §5.1, RFC 4034 §3.2, RFC 9460 §2.1), or as plain bytes (RFC 3597 §5) when the
// type is unknown or the value has no text of its own.

import { formatAddress, parseAddress } from "../../address.js";
import { parseType, RRClass, typeName } from "../codes.js";
import { FormatError } from "../errors.js";
import { formatName, type Name, parseName } from "../name.js";
import { Output } from "../output.js";
import { Reader } from "../reader.js";
import { fieldOf } from "../rr.js";
import { parseNumber, quotedText, type Word, wordBytes } from "../words.js";
import { decodeRdata } from "./decode.js";
import { encodeRdata } from "./encode.js";
import type { Rdata } from "./index.js";
import { type FieldKind, layoutOf } from "./layouts.js";
import { formatParams, parseParams } from "./params.js";
import { formatTime, parseTime } from "./time.js";

const noBytes = new Uint8Array(0);

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();
const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A field as text; undefined when it has none. */
function formatField(kind: FieldKind, value: unknown): string | undefined {
  switch (kind) {
    case "name":
      return formatName(value as Name);
    case "type":
      return typeName(value as number);
    case "time":
      return formatTime(value as number);
    case "ipv4":
    case "ipv6":
      return formatAddress({ family: kind, bytes: value as Uint8Array });
    case "string":
      return `"${quotedText(value as Uint8Array)}"`;
    case "strings": {
      const strings = value as readonly Uint8Array[];
      return strings.map((bytes) => `"${quotedText(bytes)}"`).join(" ") || '""';
    }
    case "types":
      return (value as readonly number[]).map(typeName).join(" ");
    case "block": {
      const bytes = value as Uint8Array;
      return bytes.length === 0 ? "0" : `${bytes.length} ${toBase64(bytes)}`;
    }
    case "hex":
      return toHex(value as Uint8Array) || undefined;
    case "base64":
      return toBase64(value as Uint8Array) || undefined;
    case "params":
      return formatParams(value as Uint8Array);
    case "options":
      return undefined;
    default:
      return String(value);
  }
}

function generic(bytes: Uint8Array): string {
  return `\\# ${bytes.length} ${toHex(bytes)}`.trimEnd();
}

/** The rdata as it stands in a zone file. */
export function formatRdata(type: number, rdata: Rdata): string {
  if (rdata.kind === "opaque") return generic(rdata.bytes);
  const texts: string[] = [];
  for (const [field, kind] of layoutOf(type)?.fields ?? []) {
    const text = formatField(kind, fieldOf(rdata, field));
    if (text === undefined) return generic(rdataBytes(type, rdata));
    if (text !== "") texts.push(text);
  }
  return texts.join(" ");
}

/** The rdata on the wire, no name of it compressed. */
export function rdataBytes(type: number, rdata: Rdata): Uint8Array {
  const output = new Output(0);
  encodeRdata(output, type, rdata, false);
  return output.finish();
}

function parseHex(text: string): Uint8Array {
  if (/^([0-9a-f]{2})*$/i.test(text)) return Uint8Array.from(Buffer.from(text, "hex"));
  throw new FormatError(`"${text}" is not hexadecimal`, "text");
}

function parseBase64(text: string): Uint8Array {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return Uint8Array.from(Buffer.from(text, "base64"));
  }
  throw new FormatError(`"${text}" is not base64`, "text");
}

function parseIp(family: "ipv4" | "ipv6", text: string): Uint8Array {
  const address = parseAddress(text);
  if (address?.family === family) return address.bytes;
  // An IPv4-mapped address is an AAAA's affair too.
  if (family === "ipv6" && address !== undefined && text.includes(":")) {
    return Uint8Array.from([...new Array<number>(10).fill(0), 0xff, 0xff, ...address.bytes]);
  }
  throw new FormatError(`"${text}" is no ${family === "ipv4" ? "IPv4" : "IPv6"} address`, "text");
}

function parseTypeWord(text: string): number {
  const type = parseType(text);
  if (type === undefined) throw new FormatError(`"${text}" is no type`, "text");
  return type;
}

const joined = (words: Word[]): string =>
  words
    .splice(0)
    .map((word) => word.text)
    .join("");

function takeWord(words: Word[]): string {
  const word = words.shift();
  if (word === undefined) throw new FormatError("a field is missing", "text");
  return word.text;
}

function parseString(text: string): Uint8Array {
  const bytes = wordBytes(text);
  if (bytes.length > 255) throw new FormatError(`string of ${bytes.length} bytes`, "text");
  return bytes;
}

function parseStrings(words: Word[]): Uint8Array[] {
  if (words.length === 0) throw new FormatError("a field is missing", "text");
  return words.splice(0).map((word) => parseString(word.text));
}

function parseBlock(words: Word[]): Uint8Array {
  const length = parseNumber(takeWord(words), 16);
  const bytes = length === 0 ? noBytes : parseBase64(takeWord(words));
  if (bytes.length === length) return bytes;
  throw new FormatError(`${bytes.length} bytes where ${length} were announced`, "text");
}

/** Takes the words of one field: one, or all that are left. */
function parseField(kind: FieldKind, words: Word[]): unknown {
  switch (kind) {
    case "strings":
      return parseStrings(words);
    case "types": {
      const types = words.splice(0).map((word) => parseTypeWord(word.text));
      return [...new Set(types)].sort((a, b) => a - b);
    }
    case "params":
      return parseParams(words.splice(0));
    case "hex":
      if (words.length === 0) throw new FormatError("a field is missing", "text");
      return parseHex(joined(words));
    case "base64":
      return parseBase64(joined(words));
    case "block":
      return parseBlock(words);
    case "options":
      throw new FormatError("an OPT is written as \\# LENGTH HEX", "text");
    case "name":
      return parseName(takeWord(words));
    case "type":
      return parseTypeWord(takeWord(words));
    case "time":
      return parseTime(takeWord(words));
    case "ipv4":
    case "ipv6":
      return parseIp(kind, takeWord(words));
    case "string":
      return parseString(takeWord(words));
    default:
      return parseNumber(takeWord(words), Number(kind.slice(1)));
  }
}

function parseGeneric(type: number, rrClass: number, words: Word[]): Rdata {
  const length = parseNumber(words[1]?.text ?? "", 16);
  const bytes = parseHex(joined(words.slice(2)));
  if (bytes.length !== length) {
    throw new FormatError(`${bytes.length} bytes where ${length} were announced`, "text");
  }
  // Nothing stands in front of them: no pointer of a text can lead anywhere.
  return decodeRdata(new Reader(bytes), type, rrClass, length);
}

/** Rdata from the words of a zone-file line. @throws FormatError */
export function parseRdata(type: number, rrClass: number, words: Word[]): Rdata {
  if (words[0]?.text === "\\#" && !words[0].isQuoted) return parseGeneric(type, rrClass, words);
  const layout = layoutOf(type);
  const isUpdate = rrClass === RRClass.ANY || rrClass === RRClass.NONE;
  if (words.length === 0 && (layout === undefined || isUpdate)) {
    return { kind: "opaque", bytes: noBytes };
  }
  if (layout === undefined) {
    throw new FormatError(`${typeName(type)} is written as \\# LENGTH HEX`, "text");
  }
  const rdata: Record<string, unknown> = { kind: layout.kind };
  for (const [field, kind] of layout.fields) rdata[field] = parseField(kind, words);
  if (words.length > 0) throw new FormatError(`"${words[0]?.text}" is too much`, "text");
  return rdata as unknown as Rdata;
}
