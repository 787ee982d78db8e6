// The session's own TLVs (RFC 8490 §7): Keepalive, Retry Delay, Padding; and
// one received message taken apart as far as a session has to.

import { type Duration, ms } from "../time.js";
import { DsoType } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { decodeHeader, type HeaderCounts, headerBytes } from "../wire/message.js";
import { decodeTlvs, type Tlv, type TlvBytes, tlvHeaderBytes, tlvReader } from "../wire/tlv.js";

/** The two values of a Keepalive TLV; infinite is allowed for both (DSO-34). */
export interface Timeouts {
  readonly inactivity: Duration;
  readonly keepalive: Duration;
}

/** What holds until a Keepalive exchange says otherwise (RFC 8490 §6.2). */
export const initialTimeouts: Timeouts = { inactivity: ms(15_000), keepalive: ms(15_000) };

/** A server never sends less (RFC 8490 §6.5.2). */
export const keepaliveMin: Duration = ms(10_000);

/** Responses that are padded have a multiple of this many bytes (RFC 8467 §4.1). */
const paddingBlock = 468;

/** "For ever" on the wire, and the longest time that is not (RFC 8490 §7.1). */
const forever = 0xffff_ffff;
const finiteMax = 0xffff_fffe;

const toWire = (span: Duration): number =>
  span === Number.POSITIVE_INFINITY ? forever : Math.min(finiteMax, Math.max(0, Math.round(span)));

const fromWire = (value: number): Duration =>
  ms(value === forever ? Number.POSITIVE_INFINITY : value);

function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value);
  });
  return bytes;
}

export function keepaliveTlv(timeouts: Timeouts): TlvBytes {
  const bytes = numbers(toWire(timeouts.inactivity), toWire(timeouts.keepalive));
  return { type: DsoType.KEEPALIVE, bytes };
}

/** @param span  0 asks the client to come back at once (DSO-44) */
export function retryDelayTlv(span: Duration): TlvBytes {
  return { type: DsoType.RETRY_DELAY, bytes: numbers(toWire(span)) };
}

/** Fills a response that has `length` bytes without it up to a multiple of 468 (DSO-46). */
export function paddingTlv(length: number): TlvBytes {
  const used = (length + tlvHeaderBytes) % paddingBlock;
  const size = used === 0 ? 0 : paddingBlock - used;
  return { type: DsoType.PADDING, bytes: new Uint8Array(size) };
}

/** One message of opcode 6. */
export interface DsoMessage {
  readonly bytes: Uint8Array;
  readonly header: HeaderCounts;
  /** Undefined when the bytes behind the header are no TLVs. */
  readonly tlvs: readonly Tlv[] | undefined;
}

/** The header has been measured before. */
export function dsoMessageOf(bytes: Uint8Array): DsoMessage {
  const header = decodeHeader(bytes);
  try {
    return { bytes, header, tlvs: decodeTlvs(bytes) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { bytes, header, tlvs: undefined };
  }
}

export function hasCounts({ header }: DsoMessage): boolean {
  return header.qdcount + header.ancount + header.nscount + header.arcount > 0;
}

/** The TLV that says what the message is for; undefined when there is none. */
export const primaryOf = (message: DsoMessage): Tlv | undefined => message.tlvs?.[0];

/** Whether padding stands where it may: behind the first TLV (DSO-47). */
export function isPadded(message: DsoMessage): boolean {
  return message.tlvs?.some(({ type }, index) => index > 0 && type === DsoType.PADDING) ?? false;
}

/** @returns undefined when the value has not 8 bytes (DSO-39) */
export function readTimeouts(message: DsoMessage, tlv: Tlv): Timeouts | undefined {
  if (tlv.end - tlv.start !== 8) return undefined;
  const reader = tlvReader(message.bytes, tlv);
  const inactivity = fromWire(reader.u32("Keepalive"));
  return { inactivity, keepalive: fromWire(reader.u32("Keepalive")) };
}

/** @returns undefined when the value has not 4 bytes */
export function readRetryDelay(message: DsoMessage, tlv: Tlv): Duration | undefined {
  if (tlv.end - tlv.start !== 4) return undefined;
  return fromWire(tlvReader(message.bytes, tlv).u32("Retry Delay"));
}

/** Bytes of a message with these TLVs. */
export function dsoLength(tlvs: readonly TlvBytes[]): number {
  return tlvs.reduce((sum, { bytes }) => sum + tlvHeaderBytes + bytes.length, headerBytes);
}
