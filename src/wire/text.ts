// Records as zone-file lines and back (RFC 1035 §5.1, RFC 3597 §5): for tools,
// logs, static records and every test. Names are absolute, with or without the
// final dot; one record stands on one line. Rdata is rdata/text.ts's.

import { className, parseClass, parseType, RRClass, typeName } from "./codes.js";
import { FormatError } from "./errors.js";
import { formatName, parseName } from "./name.js";
import { formatRdata, parseRdata } from "./rdata/text.js";
import type { RR } from "./rr.js";
import { parseNumber, type Word, wordsOf } from "./words.js";

/** `name ttl class type rdata`, separated by single spaces. */
export function formatRR(rr: RR): string {
  const rdata = formatRdata(rr.type, rr.rdata);
  const owner = `${formatName(rr.name)} ${rr.ttlSeconds}`;
  return `${owner} ${className(rr.class)} ${typeName(rr.type)} ${rdata}`.trimEnd();
}

/** TTL and class, in either order, as far as they are there. */
function takeTtlAndClass(words: Word[]): { ttlSeconds: number; class: number } {
  let ttlSeconds = 0;
  let rrClass: number = RRClass.IN;
  for (let left = 2; left > 0; left--) {
    const text = words[0]?.text ?? "";
    const stated = parseClass(text);
    if (/^\d+$/.test(text)) ttlSeconds = parseNumber(text, 32);
    // ANY is a class here only when a type follows it, sooner or later.
    else if (stated !== undefined && /^\d+$|^[A-Z]/i.test(words[1]?.text ?? "")) rrClass = stated;
    else break;
    words.shift();
  }
  return { ttlSeconds, class: rrClass };
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
  const fields = takeTtlAndClass(words);
  const typeText = words.shift()?.text ?? "";
  const type = parseType(typeText);
  if (type === undefined) throw new FormatError(`"${typeText}" is no type`, "text");
  const rdata = parseRdata(type, fields.class, words);
  return {
    name: parseName(owner.text),
    type,
    class: fields.class,
    ttlSeconds: fields.ttlSeconds,
    rdata,
  };
}

/** One record a line; empty lines and comments are passed over. @throws FormatError */
export function parseRRs(text: string): RR[] {
  return text
    .split("\n")
    .filter((line) => wordsOf(line).length > 0)
    .map(parseRR);
}
