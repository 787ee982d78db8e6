// Records as zone-file lines and back (RFC 1035 §5.1, RFC 3597 §5): for tools,
// logs and every test. Names are absolute, with or without the final dot; one
// record stands on one line.

import { formatAddress, parseAddress } from "../address.js";
import { className, parseClass, parseType, RRClass, typeName } from "./codes.js";
import { FormatError } from "./errors.js";
import { formatName, type Name, parseName } from "./name.js";
import { decodeRdata } from "./rdata/decode.js";
import type { EdnsOptionBytes, Rdata } from "./rdata/index.js";
import { type FieldKind, layoutOf } from "./rdata/layouts.js";
import { Reader } from "./reader.js";
import { fieldOf, type RR } from "./rr.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();

function formatString(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte < 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, "0")}`;
    else text += String.fromCharCode(byte);
  }
  return `"${text}"`;
}

function formatField(kind: FieldKind, value: unknown): string {
  switch (kind) {
    case "name":
      return formatName(value as Name);
    case "ipv4":
    case "ipv6":
      return formatAddress({ family: kind, bytes: value as Uint8Array });
    case "string":
      return formatString(value as Uint8Array);
    case "strings": {
      const strings = value as readonly Uint8Array[];
      return strings.length === 0 ? '""' : strings.map(formatString).join(" ");
    }
    case "types":
      return (value as readonly number[]).map(typeName).join(" ");
    case "options":
      return (value as readonly EdnsOptionBytes[])
        .map((option) => `${option.code}:${hex(option.bytes)}`)
        .join(" ");
    case "block":
    case "hex":
    case "base64":
    case "params":
      return (value as Uint8Array).length === 0 ? "-" : hex(value as Uint8Array);
    default:
      return String(value);
  }
}

function generic(bytes: Uint8Array): string {
  return `\\# ${bytes.length}${bytes.length === 0 ? "" : ` ${hex(bytes)}`}`;
}

/** The rdata as it stands in a zone file. */
export function formatRdata(type: number, rdata: Rdata): string {
  if (rdata.kind === "opaque") return generic(rdata.bytes);
  const fields = layoutOf(type)?.fields ?? [];
  return fields.map(([field, kind]) => formatField(kind, fieldOf(rdata, field))).join(" ");
}

/** `name ttl class type rdata`, separated by single spaces. */
export function formatRR(rr: RR): string {
  const rdata = formatRdata(rr.type, rr.rdata);
  const owner = `${formatName(rr.name)} ${rr.ttlSeconds}`;
  return `${owner} ${className(rr.class)} ${typeName(rr.type)} ${rdata}`.trimEnd();
}

interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** Words of a line; quoted ones keep their escapes for later. */
function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  const pattern = /"((?:[^"\\]|\\.)*)"|;.*$|((?:[^\s"\\;]|\\.)+)|(\S)/gsu;
  for (const match of line.matchAll(pattern)) {
    if (match[1] !== undefined) words.push({ text: match[1], isQuoted: true });
    else if (match[2] !== undefined) words.push({ text: match[2], isQuoted: false });
    else if (match[3] !== undefined) throw new FormatError(`stray ${match[3]}`, "text");
  }
  return words;
}

/** The bytes of a character string: UTF-8 with \DDD and \X escapes. */
function stringBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const match of text.matchAll(/\\(\d{3})|\\?(.)/gsu)) {
    if (match[1] === undefined) bytes.push(...Buffer.from(match[2] as string, "utf8"));
    else if (Number(match[1]) < 256) bytes.push(Number(match[1]));
    else throw new FormatError(`\\${match[1]} is no byte`, "text");
  }
  return Uint8Array.from(bytes);
}

function parseNumber(text: string, bits: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < 2 ** bits) return value;
  throw new FormatError(`"${text}" is no number of ${bits} bits`, "text");
}

function parseHex(words: readonly Word[]): Uint8Array {
  const text = words.map((word) => word.text).join("");
  if (text === "-") return new Uint8Array(0);
  if (/^([0-9a-f]{2})*$/i.test(text)) return Uint8Array.from(Buffer.from(text, "hex"));
  throw new FormatError(`"${text}" is not hexadecimal`, "text");
}

function parseIp(family: "ipv4" | "ipv6", text: string): Uint8Array {
  const address = parseAddress(text);
  if (address?.family === family) return address.bytes;
  throw new FormatError(`"${text}" is no ${family === "ipv4" ? "IPv4" : "IPv6"} address`, "text");
}

function parseTypes(words: readonly Word[]): number[] {
  return words.map(({ text }) => {
    const type = parseType(text);
    if (type === undefined) throw new FormatError(`"${text}" is no type`, "text");
    return type;
  });
}

/** A field that takes one word, or all that are left. */
function parseField(kind: FieldKind, words: Word[]): unknown {
  switch (kind) {
    case "strings":
      return words.splice(0).map((word) => stringBytes(word.text));
    case "types":
      return parseTypes(words.splice(0)).sort((a, b) => a - b);
    case "hex":
    case "base64":
    case "params":
      return parseHex(words.splice(0));
    case "options":
      throw new FormatError("an OPT has no zone-file form", "text");
    default:
  }
  const word = words.shift();
  if (word === undefined) throw new FormatError("a field is missing", "text");
  switch (kind) {
    case "name":
      return parseName(word.text);
    case "ipv4":
    case "ipv6":
      return parseIp(kind, word.text);
    case "string":
      return stringBytes(word.text);
    case "block":
      return parseHex([word]);
    case "type":
    case "time":
      return parseNumber(word.text, 32);
    default:
      return parseNumber(word.text, Number(kind.slice(1)));
  }
}

function parseGeneric(type: number, rrClass: number, words: readonly Word[]): Rdata {
  const length = parseNumber(words[1]?.text ?? "", 16);
  const bytes = parseHex(words.slice(2));
  if (bytes.length !== length) {
    throw new FormatError(`${bytes.length} bytes where ${length} were announced`, "text");
  }
  // Twelve bytes in front, as in a message: no pointer of a text can lead anywhere.
  const reader = new Reader(Buffer.concat([Buffer.alloc(12), bytes]), 12);
  return decodeRdata(reader, type, rrClass, length);
}

/** Rdata from the words of a zone-file line. @throws FormatError */
function parseRdata(type: number, rrClass: number, words: Word[]): Rdata {
  if (words[0]?.text === "\\#" && !words[0].isQuoted) return parseGeneric(type, rrClass, words);
  const layout = layoutOf(type);
  if (layout === undefined) {
    if (words.length === 0) return { kind: "opaque", bytes: new Uint8Array(0) };
    throw new FormatError(`${typeName(type)} is written as \\# LENGTH HEX`, "text");
  }
  if (words.length === 0 && (rrClass === RRClass.ANY || rrClass === RRClass.NONE)) {
    return { kind: "opaque", bytes: new Uint8Array(0) };
  }
  const rdata: Record<string, unknown> = { kind: layout.kind };
  for (const [field, kind] of layout.fields) rdata[field] = parseField(kind, words);
  if (words.length > 0) throw new FormatError(`"${words[0]?.text}" is too much`, "text");
  return rdata as unknown as Rdata;
}

/** Rdata from zone-file text, as `records` in discd.lua hold it. @throws FormatError */
export function parseRdataText(type: number, text: string): Rdata {
  return parseRdata(type, RRClass.IN, wordsOf(text));
}

/**
 * Reads `name [ttl] [class] type rdata`; the TTL defaults to 0 and the class to IN.
 *
 * @throws FormatError
 */
export function parseRR(line: string): RR {
  const words = wordsOf(line);
  const owner = words.shift();
  if (owner === undefined) throw new FormatError("the line is empty", "text");
  let ttlSeconds = 0;
  let rrClass: number = RRClass.IN;
  if (/^\d+$/.test(words[0]?.text ?? "")) ttlSeconds = parseNumber(words.shift()?.text ?? "", 32);
  const stated = parseClass(words[0]?.text ?? "");
  // ANY is a class here only when a type follows it.
  if (stated !== undefined && words.length > 1 && parseType(words[1]?.text ?? "") !== undefined) {
    rrClass = stated;
    words.shift();
  }
  const typeWord = words.shift();
  const type = parseType(typeWord?.text ?? "");
  if (type === undefined) throw new FormatError(`"${typeWord?.text ?? ""}" is no type`, "text");
  const rdata = parseRdata(type, rrClass, words);
  return { name: parseName(owner.text), type, class: rrClass, ttlSeconds, rdata };
}

/** One record a line; empty lines and comments are passed over. @throws FormatError */
export function parseRRs(text: string): RR[] {
  return text
    .split("\n")
    .filter((line) => wordsOf(line).length > 0)
    .map(parseRR);
}
