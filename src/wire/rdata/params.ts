// SvcParams as text (RFC 9460 §2.1 and appendix A): `alpn="h2,h3" port=8443`.
// On the wire they are key, length and value, keys ascending (§2.2); what is
// not in that order has no text of its own, and is printed as plain bytes.

import { formatAddress, parseAddress } from "../../address.js";
import { FormatError } from "../errors.js";
import { latin1 } from "../latin1.js";
import { parseNumber, quotedText, type Word, wordBytes } from "../words.js";

const keys = [
  "mandatory",
  "alpn",
  "no-default-alpn",
  "port",
  "ipv4hint",
  "ech",
  "ipv6hint",
  "dohpath",
] as const;

const word16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
const bytes16 = (value: number): number[] => [value >> 8, value & 0xff];

const keyName = (key: number): string => keys[key] ?? `key${key}`;

function parseKey(text: string): number {
  const known = (keys as readonly string[]).indexOf(text);
  if (known >= 0) return known;
  const digits = /^key(0|[1-9]\d{0,4})$/.exec(text)?.[1];
  if (digits !== undefined && Number(digits) < 0xffff) return Number(digits);
  throw new FormatError(`"${text}" is no SvcParamKey`, "text");
}

/** Pieces of `size` bytes; undefined when there is none or a broken one. */
function pieces(value: Uint8Array, size: number): Uint8Array[] | undefined {
  if (value.length === 0 || value.length % size !== 0) return undefined;
  const found: Uint8Array[] = [];
  for (let at = 0; at < value.length; at += size) found.push(value.slice(at, at + size));
  return found;
}

/** ALPN ids, each behind its length byte (RFC 9460 §7.1.1). */
function alpnIds(value: Uint8Array): Uint8Array[] | undefined {
  const ids: Uint8Array[] = [];
  for (let at = 0; at < value.length; ) {
    const end = at + 1 + (value[at] as number);
    if (value[at] === 0 || end > value.length) return undefined;
    ids.push(value.slice(at + 1, end));
    at = end;
  }
  return ids.length === 0 ? undefined : ids;
}

/** Appendix A.1: commas and backslashes inside an item are escaped, before all else. */
const escapedItem = (item: Uint8Array): Uint8Array =>
  Buffer.from(latin1(item).replace(/[\\,]/g, "\\$&"), "latin1");

/** The value of a known key as text; undefined when it is not what the key asks for. */
function valueText(key: number, value: Uint8Array): string | undefined {
  switch (keys[key]) {
    case "mandatory":
      return pieces(value, 2)
        ?.map((piece) => keyName(word16(piece, 0)))
        .join(",");
    case "alpn": {
      const ids = alpnIds(value);
      return ids && `"${ids.map((id) => quotedText(escapedItem(id))).join(",")}"`;
    }
    case "no-default-alpn":
      return undefined;
    case "port":
      return value.length === 2 ? String(word16(value, 0)) : undefined;
    case "ipv4hint":
      return pieces(value, 4)
        ?.map((bytes) => formatAddress({ family: "ipv4", bytes }))
        .join(",");
    case "ipv6hint":
      return pieces(value, 16)
        ?.map((bytes) => formatAddress({ family: "ipv6", bytes }))
        .join(",");
    case "ech":
      return value.length > 0 ? Buffer.from(value).toString("base64") : undefined;
    default:
      return value.length > 0 ? `"${quotedText(value)}"` : undefined;
  }
}

/** Whether a key may, or must, stand without a value. */
const isBare = (key: number): boolean => keys[key] === "no-default-alpn" || key >= keys.length;

/** @returns undefined when the bytes are not SvcParams that text could tell */
export function formatParams(params: Uint8Array): string | undefined {
  const words: string[] = [];
  let last = -1;
  for (let at = 0; at < params.length; ) {
    const key = word16(params, at);
    const end = at + 4 + word16(params, at + 2);
    if (at + 4 > params.length || end > params.length || key <= last || key === 0xffff) {
      return undefined;
    }
    const text = valueText(key, params.slice(at + 4, end));
    if (text === undefined && !(isBare(key) && end === at + 4)) return undefined;
    words.push(text === undefined ? keyName(key) : `${keyName(key)}=${text}`);
    last = key;
    at = end;
  }
  return words.join(" ");
}

/** The items of a comma-separated list, after the escapes of the word itself (appendix A.1). */
function items(bytes: Uint8Array): Uint8Array[] {
  const found: number[][] = [[]];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x2c) found.push([]);
    else if (byte === 0x5c && at + 1 < bytes.length) found.at(-1)?.push(bytes[++at] as number);
    else found.at(-1)?.push(byte);
  }
  return found.map((item) => Uint8Array.from(item));
}

function hints(family: "ipv4" | "ipv6", text: string): number[] {
  return text.split(",").flatMap((part) => {
    const address = parseAddress(part);
    if (address?.family !== family) throw new FormatError(`"${part}" is no address`, "text");
    return [...address.bytes];
  });
}

function parseValue(key: number, text: string): number[] {
  switch (keys[key]) {
    case "mandatory":
      return text
        .split(",")
        .map(parseKey)
        .sort((a, b) => a - b)
        .flatMap(bytes16);
    case "alpn":
      return items(wordBytes(text)).flatMap((id) => {
        if (id.length < 1 || id.length > 255)
          throw new FormatError("empty or long ALPN id", "text");
        return [id.length, ...id];
      });
    case "no-default-alpn":
      throw new FormatError("no-default-alpn takes no value", "text");
    case "port":
      return bytes16(parseNumber(text, 16));
    case "ipv4hint":
      return hints("ipv4", text);
    case "ipv6hint":
      return hints("ipv6", text);
    case "ech":
      return [...Buffer.from(text, "base64")];
    default:
      return [...wordBytes(text)];
  }
}

/** Reads `key=value` words, in any order, into wire form. @throws FormatError */
export function parseParams(words: readonly Word[]): Uint8Array {
  const found = new Map<number, number[]>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as Word;
    const equals = word.text.indexOf("=");
    const key = parseKey(equals < 0 ? word.text : word.text.slice(0, equals));
    if (found.has(key)) throw new FormatError(`${keyName(key)} stands twice`, "text");
    let text = equals < 0 ? undefined : word.text.slice(equals + 1);
    const next = words[at + 1];
    if (text === "" && next?.isJoined && next.isQuoted) {
      text = next.text;
      at += 1;
    }
    if (!text && !isBare(key)) throw new FormatError(`${keyName(key)} lacks a value`, "text");
    found.set(key, text ? parseValue(key, text) : []);
  }
  const ordered = [...found].sort(([a], [b]) => a - b);
  return Uint8Array.from(
    ordered.flatMap(([key, value]) => [...bytes16(key), ...bytes16(value.length), ...value]),
  );
}
