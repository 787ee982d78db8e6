// Writes DER, the encoding of certificates (X.690 §8, §10): each value is a tag,
// a length and contents. No more of it than a self-signed certificate needs, and
// nothing here reads any: files from outside are OpenSSL's to judge.

/** Encoded values, one after the other. */
type Parts = readonly Uint8Array[];

function tagged(tag: number, ...contents: Parts): Uint8Array {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Uint8Array.of(tag, ...lengthBytes(length)), ...contents]);
}

/** One byte below 128, else the count of bytes that follow and those. */
function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...contents: Parts) => tagged(0x30, ...contents);

export const set = (...contents: Parts) => tagged(0x31, ...contents);

export const boolean = (value: boolean) => tagged(0x01, Uint8Array.of(value ? 0xff : 0));

export const octetString = (contents: Uint8Array) => tagged(0x04, contents);

export const utf8String = (text: string) => tagged(0x0c, new TextEncoder().encode(text));

/** @param unused bits at the end that do not count */
export const bitString = (bits: Uint8Array, unused = 0) =>
  tagged(0x03, Uint8Array.of(unused), bits);

/** A number that is not negative, big-endian: leading zeros go, one comes where a sign would be. */
export function integer(magnitude: Uint8Array): Uint8Array {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Uint8Array.of(0) : magnitude.subarray(start);
  const looksNegative = (digits[0] as number) >= 0x80;
  return looksNegative ? tagged(0x02, Uint8Array.of(0), digits) : tagged(0x02, digits);
}

/** @param dotted as in `2.5.29.17` */
export function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...arcs].flatMap((arc) => {
    const digits = [arc % 128];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
      digits.unshift(0x80 | (rest % 128));
    }
    return digits;
  });
  return tagged(0x06, Uint8Array.from(bytes));
}

/** To the second; two digits of the year before 2050, four from then on (RFC 5280 §4.1.2.5). */
export function time(milliseconds: number): Uint8Array {
  const text = `${new Date(milliseconds).toISOString().replace(/[-:T]|\..*/g, "")}Z`;
  const isShort = milliseconds < Date.UTC(2050, 0) && milliseconds >= Date.UTC(1950, 0);
  const digits = new TextEncoder().encode(isShort ? text.slice(2) : text);
  return tagged(isShort ? 0x17 : 0x18, digits);
}

/** `[number]` around whole values. */
export const explicit = (number: number, ...contents: Parts) => tagged(0xa0 | number, ...contents);

/** `[number]` in place of the tag that bytes or text would have. */
export const implicit = (number: number, contents: Uint8Array) => tagged(0x80 | number, contents);
