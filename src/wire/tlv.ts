// DSO messages (RFC 8490 §5.4): the usual header, four counts of zero, then
// nothing but TLVs. Which TLV may stand where is a session's affair (dso/).

import { Opcode } from "./codes.js";
import { FormatError } from "./errors.js";
import { headerBytes } from "./message.js";
import { Reader } from "./reader.js";

/** One TLV by where its value stands, since names in it may point to other places. */
export interface Tlv {
  readonly type: number;
  /** The first offset of its value, and the first behind it. */
  readonly start: number;
  readonly end: number;
}

/** A TLV to be sent. */
export interface TlvBytes {
  readonly type: number;
  readonly bytes: Uint8Array;
}

export interface DsoHeader {
  /** 0 in a one-way message. */
  readonly id: number;
  readonly isResponse: boolean;
  readonly rcode: number;
}

/** Type and length of a TLV, without its value. */
export const tlvHeaderBytes = 4;

/**
 * The TLVs of a message, in order.
 *
 * @throws FormatError when one runs past the end, or bytes are left over (DSO-21)
 */
export function decodeTlvs(message: Uint8Array): readonly Tlv[] {
  const reader = new Reader(message, headerBytes);
  const tlvs: Tlv[] = [];
  while (reader.remaining > 0) {
    const type = reader.u16("TLV");
    const length = reader.u16("TLV");
    const start = reader.claim(length, "TLV");
    tlvs.push({ type, start, end: start + length });
  }
  return tlvs;
}

/** A cursor over one value; pointers in it count from the header's first byte. */
export function tlvReader(message: Uint8Array, tlv: Tlv): Reader {
  const reader = new Reader(message, tlv.start);
  reader.end = tlv.end;
  return reader;
}

/** A whole message; @throws FormatError when a value exceeds 65,535 bytes */
export function encodeDso(header: DsoHeader, tlvs: readonly TlvBytes[]): Uint8Array {
  const length = tlvs.reduce((sum, { bytes }) => sum + tlvHeaderBytes + bytes.length, headerBytes);
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  view.setUint16(0, header.id);
  view.setUint16(2, (header.isResponse ? 0x8000 : 0) | (Opcode.DSO << 11) | header.rcode);
  let at = headerBytes;
  for (const { type, bytes } of tlvs) {
    if (bytes.length > 0xffff) throw new FormatError("value of more than 65,535 bytes", "TLV");
    view.setUint16(at, type);
    view.setUint16(at + 2, bytes.length);
    message.set(bytes, at + tlvHeaderBytes);
    at += tlvHeaderBytes + bytes.length;
  }
  return message;
}
