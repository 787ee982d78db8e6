// Where the OPT pseudo-records of a message stand (RFC 6891 §6.1.1), read from
// the bytes, so that an answer to a message that cannot be decoded has an OPT
// if and only if the message had one.

const headerSize = 12;
const optType = 41;

export interface Opts {
  readonly count: number;
  /** One stands outside the additional section, or its owner is not the root. */
  readonly isMisplaced: boolean;
}

/** Looks at every record it can reach; stops at the first that runs past the end. */
export function countOpts(bytes: Uint8Array): Opts {
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  let at: number | undefined = headerSize;
  for (let left = word(4); left > 0 && at !== undefined; left--) {
    at = skipName(bytes, at);
    if (at !== undefined) at += 4;
  }
  const before = word(6) + word(8);
  const total = before + word(10);
  let count = 0;
  let isMisplaced = false;
  for (let index = 0; index < total && at !== undefined; index++) {
    const start: number = at;
    const type = skipName(bytes, start);
    if (type === undefined || type + 10 > bytes.length) break;
    if (word(type) === optType) {
      count += 1;
      isMisplaced ||= index < before || type !== start + 1;
    }
    at = type + 10 + word(type + 8);
  }
  return { count, isMisplaced };
}

/** @returns where the name ends; undefined when it runs past the end of the message */
function skipName(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  while (at < bytes.length) {
    const length = bytes[at] as number;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += length + 1;
  }
  return undefined;
}
