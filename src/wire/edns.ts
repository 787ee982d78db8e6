// The OPT pseudo-record (RFC 6891 §6.1): its class is a size, its TTL is bits.

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
