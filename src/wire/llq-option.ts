// The LLQ option of the OPT record (RFC 8764 §3.2): 18 bytes that every LLQ
// message carries once per question. What the fields mean is decided by the two
// ends, in llq/ and client/.

import { EdnsOption } from "./codes.js";
import type { EdnsOptionBytes } from "./rdata/index.js";

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
