// The quick look that tells LLQ messages from ordinary queries. The option itself
// is wire/llq-option.ts's; what its fields mean is decided in setup.ts and
// server.ts.

import { EdnsOption } from "../wire/codes.js";

export {
  decodeOption,
  encodeOption,
  LlqError,
  LlqOpcode,
  type LlqOption,
  llqOptionBytes,
  llqVersion,
} from "../wire/llq-option.js";

const headerBytes = 12;
const optType = 41;

/**
 * Whether a message of opcode 0 seems to carry an LLQ option. A walk over the bytes without
 * decoding names: most queries carry none, and are not to be decoded twice.
 */
export function seemsLlq(bytes: Uint8Array): boolean {
  if (bytes.length < headerBytes || ((bytes[2] as number) & 0x78) !== 0) return false;
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  let at: number | undefined = headerBytes;
  for (let left = word(4); left > 0 && at !== undefined; left--) {
    at = skipName(bytes, at);
    if (at !== undefined) at += 4;
  }
  for (let left = word(6) + word(8) + word(10); left > 0 && at !== undefined; left--) {
    at = skipName(bytes, at);
    if (at === undefined || at + 10 > bytes.length) return false;
    const end: number = at + 10 + word(at + 8);
    if (word(at) === optType && hasOption(bytes, at + 10, end)) return true;
    at = end;
  }
  return false;
}

function hasOption(bytes: Uint8Array, start: number, end: number): boolean {
  const word = (at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  for (let at = start; at + 4 <= Math.min(end, bytes.length); at += 4 + word(at + 2)) {
    if (word(at) === EdnsOption.LLQ) return true;
  }
  return false;
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
