// The TLVs that a client of Push sends (RFC 8765 §6.2, §6.4, §6.5). Pointers
// count from the header's first byte.

import { DsoType } from "../wire/codes.js";
import { headerBytes, type Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { Output } from "../wire/output.js";
import { encodeRdata } from "../wire/rdata/encode.js";
import { mdnsCompressible } from "../wire/rdata/layouts.js";
import type { RR } from "../wire/rr.js";
import { type TlvBytes, tlvHeaderBytes } from "../wire/tlv.js";

/** Where the value of the first TLV begins. */
const valueAt = headerBytes + tlvHeaderBytes;

function begin(name: Name, type: number, rrClass: number): Output {
  const output = new Output(valueAt);
  output.name(name, true);
  output.u16(type);
  output.u16(rrClass);
  return output;
}

export function subscribeTlv({ name, type, class: rrClass }: Question): TlvBytes {
  const bytes = begin(name, type, rrClass).finish().slice(valueAt);
  return { type: DsoType.SUBSCRIBE, bytes };
}

/** @param id  of the SUBSCRIBE */
export function unsubscribeTlv(id: number): TlvBytes {
  return { type: DsoType.UNSUBSCRIBE, bytes: Uint8Array.of(id >> 8, id & 0xff) };
}

/** One record without TTL and length, its names compressed (PUSH-34). */
export function reconfirmTlv(rr: RR): TlvBytes {
  const output = begin(rr.name, rr.type, rr.class);
  encodeRdata(output, rr.type, rr.rdata, mdnsCompressible.has(rr.type));
  return { type: DsoType.RECONFIRM, bytes: output.finish().slice(valueAt) };
}
