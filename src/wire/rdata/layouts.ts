// How the rdata of each known type is laid out: fields in wire order. Decoding,
// encoding, comparing, rewriting and printing all follow this one table, so a
// new type is one line here and one in the union of index.ts.

import { RRType } from "../codes.js";

/** What a field is on the wire, and where that does not say it, how it is written as text. */
export type FieldKind =
  | "u8"
  | "u16"
  | "u32"
  | "u48"
  /** 16 bits; written as the type's name. */
  | "type"
  /** 32 bits; written as YYYYMMDDHHmmSS (RFC 4034 §3.2). */
  | "time"
  | "name"
  /** 4 or 16 bytes. */
  | "ipv4"
  | "ipv6"
  /** One length byte and that many bytes (RFC 1035 §3.3). */
  | "string"
  /** Strings to the end; an empty list is one empty string on the wire (RFC 6763 §6.1). */
  | "strings"
  /** Type bitmap blocks (RFC 4034 §4.1.2). */
  | "types"
  /** Two length bytes and that many bytes; written in base64. */
  | "block"
  /** EDNS options: code, length, bytes. */
  | "options"
  /** Bytes to the end, written in hex, in base64, or as SvcParams (RFC 9460 §2.1). */
  | "hex"
  | "base64"
  | "params";

export interface Layout {
  readonly kind: string;
  readonly fields: readonly (readonly [field: string, kind: FieldKind])[];
}

const layout = (kind: string, text: string): Layout => ({
  kind,
  fields: text.split(" ").map((part) => part.split(":") as [string, FieldKind]),
});

const svcb = layout("svcb", "priority:u16 target:name params:params");
const mailbox = (kind: string) => layout(kind, "target:name");

const layouts: readonly (readonly [type: number, layout: Layout])[] = [
  [RRType.A, layout("a", "address:ipv4")],
  [RRType.AAAA, layout("aaaa", "address:ipv6")],
  [RRType.PTR, layout("ptr", "target:name")],
  [RRType.CNAME, layout("cname", "target:name")],
  [RRType.DNAME, layout("dname", "target:name")],
  [RRType.NS, layout("ns", "target:name")],
  [RRType.MB, mailbox("mb")],
  [RRType.MG, mailbox("mg")],
  [RRType.MR, mailbox("mr")],
  [RRType.SRV, layout("srv", "priority:u16 weight:u16 port:u16 target:name")],
  [RRType.TXT, layout("txt", "strings:strings")],
  [RRType.MX, layout("mx", "preference:u16 exchange:name")],
  [
    RRType.SOA,
    layout("soa", "mname:name rname:name serial:u32 refresh:u32 retry:u32 expire:u32 minimum:u32"),
  ],
  [RRType.HINFO, layout("hinfo", "cpu:string os:string")],
  [RRType.MINFO, layout("minfo", "rmailbx:name emailbx:name")],
  [RRType.RP, layout("rp", "mailbox:name text:name")],
  [RRType.AFSDB, layout("afsdb", "subtype:u16 target:name")],
  [RRType.RT, layout("rt", "preference:u16 target:name")],
  [RRType.KX, layout("kx", "preference:u16 exchange:name")],
  [RRType.PX, layout("px", "preference:u16 map822:name mapx400:name")],
  [
    RRType.NAPTR,
    layout(
      "naptr",
      "order:u16 preference:u16 flags:string services:string regexp:string replacement:name",
    ),
  ],
  [RRType.SVCB, svcb],
  [RRType.HTTPS, svcb],
  [RRType.NSEC, layout("nsec", "next:name types:types")],
  [RRType.DS, layout("ds", "keyTag:u16 algorithm:u8 digestType:u8 digest:hex")],
  [RRType.DNSKEY, layout("dnskey", "flags:u16 protocol:u8 algorithm:u8 publicKey:base64")],
  [
    RRType.RRSIG,
    layout(
      "rrsig",
      "typeCovered:type algorithm:u8 labels:u8 originalTtl:u32 expiration:time inception:time " +
        "keyTag:u16 signer:name signature:base64",
    ),
  ],
  [
    RRType.TSIG,
    layout(
      "tsig",
      "algorithm:name timeSigned:u48 fudge:u16 mac:block originalId:u16 error:u16 other:block",
    ),
  ],
  [RRType.OPT, layout("opt", "options:options")],
];

const byType: readonly (Layout | undefined)[] = (() => {
  const table = new Array<Layout | undefined>(256).fill(undefined);
  for (const [type, known] of layouts) table[type] = known;
  return table;
})();

/** The layout of a type, or undefined when its rdata is opaque. */
export function layoutOf(type: number): Layout | undefined {
  return type < 256 ? byType[type] : undefined;
}

/** Rdata names that may be compressed in ordinary messages (RFC 3597 §4). */
export const unicastCompressible: ReadonlySet<number> = new Set([
  RRType.NS,
  RRType.CNAME,
  RRType.PTR,
  RRType.SOA,
  RRType.MX,
  RRType.MINFO,
  RRType.MB,
  RRType.MG,
  RRType.MR,
]);

/** The same in mDNS and PUSH messages (RFC 6762 §18.14). */
export const mdnsCompressible: ReadonlySet<number> = new Set([
  RRType.NS,
  RRType.CNAME,
  RRType.PTR,
  RRType.DNAME,
  RRType.SOA,
  RRType.MX,
  RRType.AFSDB,
  RRType.RT,
  RRType.KX,
  RRType.RP,
  RRType.PX,
  RRType.SRV,
  RRType.NSEC,
]);
