// IANA numbers and their names: types, classes, opcodes, rcodes, EDNS options,
// DSO types.

export const RRType = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  RT: 21,
  SIG: 24,
  KEY: 25,
  PX: 26,
  AAAA: 28,
  LOC: 29,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const;

/** A 16-bit type number; names for the known ones are in the table above. */
export type RRType = number;

export const RRClass = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const;

export const Opcode = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const;

export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const;

export const EdnsOption = {
  LLQ: 1,
  UPDATE_LEASE: 2,
  NSID: 3,
  CLIENT_SUBNET: 8,
  COOKIE: 10,
  TCP_KEEPALIVE: 11,
  PADDING: 12,
  EXTENDED_ERROR: 15,
} as const;

/** RFC 8490 §10.3 and RFC 8765 §8. */
export const DsoType = {
  KEEPALIVE: 1,
  RETRY_DELAY: 2,
  PADDING: 3,
  SUBSCRIBE: 0x40,
  PUSH: 0x41,
  UNSUBSCRIBE: 0x42,
  RECONFIRM: 0x43,
} as const;

function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, number]) => [number, name]));
}

const typeNames = namesOf(RRType);
const classNames = namesOf(RRClass);
const rcodeNames = namesOf(Rcode);
const opcodeNames = namesOf(Opcode);

/** `A`, `PTR`, or `TYPE65280` (RFC 3597 §5). */
export function typeName(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}

/** `IN`, or `CLASS7`. */
export function className(value: number): string {
  return classNames.get(value) ?? `CLASS${value}`;
}

export function rcodeName(rcode: number): string {
  return rcodeNames.get(rcode) ?? `RCODE${rcode}`;
}

export function opcodeName(opcode: number): string {
  return opcodeNames.get(opcode) ?? `OPCODE${opcode}`;
}

function numbered(text: string, prefix: string): number | undefined {
  const digits = new RegExp(`^${prefix}(\\d{1,5})$`, "i").exec(text)?.[1];
  return digits !== undefined && Number(digits) <= 0xffff ? Number(digits) : undefined;
}

/** @returns undefined when `text` names no type */
export function parseType(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (Object.hasOwn(RRType, upper)) return RRType[upper as keyof typeof RRType];
  return numbered(text, "TYPE");
}

/** @returns undefined when `text` names no class */
export function parseClass(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (Object.hasOwn(RRClass, upper)) return RRClass[upper as keyof typeof RRClass];
  return numbered(text, "CLASS");
}
