// IP addresses, prefixes and the ordered address lists of discd.lua. Parsing
// is ipaddr.js's; everything after it works on bytes. IPv4-mapped IPv6
// addresses are IPv4 addresses here, since a dual-stack socket reports them.

import ipaddr from "ipaddr.js";

export type Family = "ipv4" | "ipv6";

export interface Address {
  readonly family: Family;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** IPv6 scope, as in fe80::1%eth0. */
  readonly zone?: string;
}

export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

export interface Prefix {
  readonly address: Address;
  /** 0–32 or 0–128. */
  readonly length: number;
}

/** One step of an address list: the first one that contains the address decides. */
export interface AddressRule {
  readonly refuse: boolean;
  readonly prefix: Prefix;
}

/** Tried in order; an address that no rule contains is refused. */
export type AddressList = readonly AddressRule[];

/** @returns undefined when `text` is not an address. */
export function parseAddress(text: string): Address | undefined {
  if (!ipaddr.isValid(text)) return undefined;
  // Shorthand such as "10.1" is an address to inet_aton, but a typing error in a file.
  if (!text.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined;
  const parsed = ipaddr.parse(text);
  if (parsed.kind() === "ipv4") {
    return { family: "ipv4", bytes: Uint8Array.from(parsed.toByteArray()) };
  }
  const long = parsed as ipaddr.IPv6;
  if (long.isIPv4MappedAddress()) {
    return { family: "ipv4", bytes: Uint8Array.from(long.toIPv4Address().toByteArray()) };
  }
  const bytes = Uint8Array.from(long.toByteArray());
  return long.zoneId === undefined
    ? { family: "ipv6", bytes }
    : { family: "ipv6", bytes, zone: long.zoneId };
}

/** The canonical text (RFC 5952 for IPv6), with the scope where there is one. */
export function formatAddress(address: Address): string {
  const text = ipaddr.fromByteArray([...address.bytes]).toString();
  return address.zone === undefined ? text : `${text}%${address.zone}`;
}

/** `10.0.0.0/8`, `fd00::/8`, or an address alone for its full length. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = address.bytes.length * 8;
  if (slash < 0) return { address, length: bits };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > bits) return undefined;
  return { address, length: Number(digits) };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

export function contains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.family !== address.family) return false;
  const whole = prefix.length >> 3;
  for (let at = 0; at < whole; at++) {
    if (prefix.address.bytes[at] !== address.bytes[at]) return false;
  }
  const rest = prefix.length & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((prefix.address.bytes[whole] ?? 0) & mask) === ((address.bytes[whole] ?? 0) & mask);
}

/** Whether an address list lets an address in. */
export function permits(list: AddressList, address: Address): boolean {
  for (const rule of list) {
    if (contains(rule.prefix, address)) return !rule.refuse;
  }
  return false;
}

/** What counts as one client in limits: an IPv4 address or an IPv6 /64. */
export function clientKey(address: Address): string {
  const bytes = address.family === "ipv4" ? address.bytes : address.bytes.subarray(0, 8);
  return String.fromCharCode(...bytes);
}
