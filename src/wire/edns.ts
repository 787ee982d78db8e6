// The OPT pseudo-record (RFC 6891 §6.1): its class is a size, its TTL is bits.

import { EdnsOption } from "./codes.js";
import { FormatError } from "./errors.js";
import { rootName } from "./name.js";
import type { EdnsOptionBytes } from "./rdata/index.js";
import type { RR } from "./rr.js";

export interface Edns {
  /** Largest UDP message the sender takes, as stated; less than 512 means 512. */
  readonly udpSize: number;
  readonly version: number;
  /** The upper 8 of the 12 rcode bits. */
  readonly extendedRcode: number;
  readonly dnssecOk: boolean;
  readonly options: readonly EdnsOptionBytes[];
}

const optType = 41;

/** Padded answers have a multiple of this many bytes (RFC 8467 §4.1). */
const paddingBlock = 468;

const optFixedBytes = 11;
const optionHeaderBytes = 4;

/** @throws FormatError when the OPT is not owned by the root */
export function ednsOf(rr: RR): Edns {
  if (rr.name.labels.length > 0) throw new FormatError("OPT is not owned by the root", "OPT");
  return {
    udpSize: rr.class,
    version: (rr.ttlSeconds >>> 16) & 0xff,
    extendedRcode: rr.ttlSeconds >>> 24,
    dnssecOk: (rr.ttlSeconds & 0x8000) !== 0,
    options: rr.rdata.kind === "opt" ? rr.rdata.options : [],
  };
}

export function optOf(edns: Edns): RR {
  const flags = edns.dnssecOk ? 0x8000 : 0;
  return {
    name: rootName,
    type: optType,
    class: edns.udpSize,
    ttlSeconds: ((edns.extendedRcode << 24) | (edns.version << 16) | flags) >>> 0,
    rdata: { kind: "opt", options: edns.options },
  };
}

/** Bytes of the OPT on the wire. */
export function ednsLength(edns: Edns): number {
  const optionBytes = edns.options.map(({ bytes }) => optionHeaderBytes + bytes.length);
  return optionBytes.reduce((sum, bytes) => sum + bytes, optFixedBytes);
}

/**
 * The OPT of an answer with Padding as its last option (RFC 7830), or as it was where the
 * message would be larger than `messageMax` bytes then.
 *
 * @param before  bytes of the message in front of the OPT
 */
export function paddedEdns(edns: Edns, before: number, messageMax: number): Edns {
  const least = before + ednsLength(edns) + optionHeaderBytes;
  const length = Math.ceil(least / paddingBlock) * paddingBlock;
  if (length > messageMax) return edns;
  const padding = { code: EdnsOption.PADDING, bytes: new Uint8Array(length - least) };
  return { ...edns, options: [...edns.options, padding] };
}
