// The words of a zone-file line (RFC 1035 §5.1), and the escapes inside them.
// What a word means depends on where it stands: rdata/text.ts and text.ts.

import { FormatError } from "./errors.js";

export interface Word {
  /** Escapes still in it, quotes taken off. */
  readonly text: string;
  readonly isQuoted: boolean;
  /** Begins where the word before ends: the "h3" of alpn="h3". */
  readonly isJoined: boolean;
}

const backslash = 0x5c;
const separator = /[ \t\r\n]/;

/** Where the word that begins at `start` ends: at a separator, or at the closing quote. */
function wordEnd(line: string, start: number, isQuoted: boolean): number {
  for (let at = start; at < line.length; at++) {
    const character = line[at] as string;
    if (character === "\\") at += 1;
    else if (isQuoted ? character === '"' : /[ \t\r\n";]/.test(character)) return at;
  }
  if (isQuoted) throw new FormatError("a quote is not closed", "text", start - 1);
  return line.length;
}

/** @throws FormatError for a quote that is not closed */
export function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  let isJoined = false;
  for (let at = 0; at < line.length; ) {
    const character = line[at] as string;
    if (character === ";") break;
    if (separator.test(character)) {
      isJoined = false;
      at += 1;
      continue;
    }
    const isQuoted = character === '"';
    const start = isQuoted ? at + 1 : at;
    const end = wordEnd(line, start, isQuoted);
    words.push({ text: line.slice(start, end), isQuoted, isJoined });
    isJoined = true;
    at = isQuoted ? end + 1 : end;
  }
  return words;
}

/** The bytes of a word: UTF-8 with \DDD and \X escapes. @throws FormatError */
export function wordBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; ) {
    // Nearly all that is ever written: state files of large links are read at a start.
    const code = text.charCodeAt(at);
    if (code < 0x80 && code !== backslash) {
      bytes.push(code);
      at += 1;
      continue;
    }
    const digits = /^\\(\d{3})/.exec(text.slice(at, at + 4))?.[1];
    if (digits !== undefined) {
      if (Number(digits) > 255) throw new FormatError(`\\${digits} is no byte`, "text", at);
      bytes.push(Number(digits));
      at += 4;
      continue;
    }
    if (text[at] === "\\") at += 1;
    const point = text.codePointAt(at);
    if (point === undefined) throw new FormatError("ends with a backslash", "text", at);
    const character = String.fromCodePoint(point);
    bytes.push(...Buffer.from(character, "utf8"));
    at += character.length;
  }
  return Uint8Array.from(bytes);
}

/** Bytes as they stand between quotes. */
export function quotedText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte < 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, "0")}`;
    else text += String.fromCharCode(byte);
  }
  return text;
}

/** @throws FormatError */
export function parseNumber(text: string, bits: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < 2 ** bits) return value;
  throw new FormatError(`"${text}" is no number of ${bits} bits`, "text");
}
