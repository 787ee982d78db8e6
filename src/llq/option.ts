// The LLQ option of the OPT record (RFC 8764 §3.2): 18 bytes that every LLQ
// message carries once per question, and the quick look that tells LLQ messages
// from ordinary queries. What the fields mean is decided in setup.ts and
// server.ts.

import { EdnsOption } from "../wire/codes.js";
import type { EdnsOptionBytes } from "../wire/rdata/index.js";

export const LlqOpcode = { SETUP: 1, REFRESH: 2, EVENT: 3 } as const;

export const LlqError = {
  NO_ERROR: 0,
  SERV_FULL: 1,
  STATIC: 2,
  FORMAT_ERR: 3,
  NO_SUCH_LLQ: 4,
  BAD_VERS: 5,
  UNKNOWN_ERR: 6,
} as const;

/** The only version there is. */
export const llqVersion = 1;

export interface LlqOption {
  readonly version: number;
  readonly opcode: number;
  readonly error: number;
  /** 64 bits; 0 in a Setup Request and in failures. */
  readonly id: bigint;
  readonly leaseSeconds: number;
}

/** Code, length and the 18 bytes. */
export const llqOptionBytes = 22;

const valueBytes = 18;

/** @returns undefined when the value is not of 18 bytes */
export function decodeOption(bytes: Uint8Array): LlqOption | undefined {
  if (bytes.length !== valueBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, valueBytes);
  return {
    version: view.getUint16(0),
    opcode: view.getUint16(2),
    error: view.getUint16(4),
    id: view.getBigUint64(6),
    leaseSeconds: view.getUint32(14),
  };
}

export function encodeOption(option: LlqOption): EdnsOptionBytes {
  const bytes = new Uint8Array(valueBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, option.version);
  view.setUint16(2, option.opcode);
  view.setUint16(4, option.error);
  view.setBigUint64(6, option.id);
  view.setUint32(14, option.leaseSeconds);
  return { code: EdnsOption.LLQ, bytes };
}

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
