// What an IP packet is, as far as its headers say: addresses, ports, and the DNS
// message in it if there is one. Strangers' bytes: whatever is cut short or odd
// is taken for as much as it shows.

import { type Address, formatAddress } from "../../address.js";
import { rcodeName, typeName } from "../../wire/codes.js";
import { FormatError } from "../../wire/errors.js";
import { decodePartial } from "../../wire/message.js";
import { displayName } from "../../wire/name.js";

export interface IpPacket {
  readonly source: Address;
  readonly target: Address;
  /** Absent in fragments but the first, and in other protocols. */
  readonly transport?: "udp" | "tcp";
  readonly protocol: number;
  /** 0 where there are none. */
  readonly sourcePort: number;
  readonly targetPort: number;
  /** Behind the transport's header, or behind the IP header where that is not known. */
  readonly payload: Uint8Array;
}

const typeIpv4 = 0x0800;
const typeIpv6 = 0x86dd;
/** A tag of a VLAN stands in front: two bytes of its own, then the type of what follows. */
const tags = new Set([0x8100, 0x88a8]);
const tagsMax = 2;

const udp = 17;
const tcp = 6;
const fragmentHeader = 44;
/** Hop-by-hop, routing, destination options: a length in units of eight bytes, less one. */
const optionHeaders = new Set([0, 43, 60]);
const optionHeadersMax = 8;

/** @returns undefined where it is no IP packet, or not even its addresses are there */
export function readIpPacket(etherType: number, bytes: Uint8Array): IpPacket | undefined {
  let type = etherType;
  let rest = bytes;
  for (let count = 0; tags.has(type) && rest.length >= 4 && count < tagsMax; count++) {
    type = half(rest, 2);
    rest = rest.subarray(4);
  }
  const version = (rest[0] ?? 0) >> 4;
  if (type === typeIpv4 && version === 4) return readIpv4(rest);
  if (type === typeIpv6 && version === 6) return readIpv6(rest);
  return undefined;
}

function readIpv4(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 20) return undefined;
  const header = ((bytes[0] as number) & 15) * 4;
  const address = (at: number): Address => ({ family: "ipv4", bytes: bytes.slice(at, at + 4) });
  const isLater = (half(bytes, 6) & 0x1fff) !== 0;
  const rest = bytes.subarray(header);
  return withPorts(address(12), address(16), bytes[9] as number, rest, isLater);
}

function readIpv6(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < 40) return undefined;
  const address = (at: number): Address => ({ family: "ipv6", bytes: bytes.slice(at, at + 16) });
  let next = bytes[6] as number;
  let rest = bytes.subarray(40);
  let isLater = false;
  for (let count = 0; count < optionHeadersMax && rest.length >= 8; count++) {
    if (next === fragmentHeader) isLater ||= (half(rest, 2) & 0xfff8) !== 0;
    else if (!optionHeaders.has(next)) break;
    const length = next === fragmentHeader ? 8 : ((rest[1] as number) + 1) * 8;
    next = rest[0] as number;
    rest = rest.subarray(length);
  }
  return withPorts(address(8), address(24), next, rest, isLater);
}

function withPorts(
  source: Address,
  target: Address,
  protocol: number,
  rest: Uint8Array,
  isLater: boolean,
): IpPacket {
  const none = { source, target, protocol, sourcePort: 0, targetPort: 0, payload: rest };
  if (isLater || (protocol !== udp && protocol !== tcp)) return none;
  const header = protocol === udp ? 8 : ((rest[12] ?? 0) >> 4) * 4;
  if (rest.length < 8) return none;
  return {
    ...none,
    transport: protocol === udp ? "udp" : "tcp",
    sourcePort: half(rest, 0),
    targetPort: half(rest, 2),
    payload: rest.subarray(header),
  };
}

/** What multicast names are asked by, and where: whoever is on the link reads them. */
const multicastPorts: Readonly<Record<number, string>> = { 5353: "mDNS", 5355: "LLMNR" };

/** mDNS or LLMNR, where the packet is that. */
export function multicastKind({ sourcePort, targetPort }: IpPacket): string | undefined {
  return multicastPorts[targetPort] ?? multicastPorts[sourcePort];
}

/** One line of `tcpdump`, more or less: who to whom, and what about. */
export function packetText(packet: IpPacket): string {
  const { source, target, transport, sourcePort, targetPort, protocol } = packet;
  const place = (address: Address, port: number) =>
    transport === undefined ? formatAddress(address) : `${formatAddress(address)}.${port}`;
  const ends = `${place(source, sourcePort)} > ${place(target, targetPort)}`;
  const kind = protocolNames[protocol] ?? `IP protocol ${protocol}`;
  return `${ends}: ${transport?.toUpperCase() ?? kind}${dnsText(packet)}`;
}

const protocolNames: Readonly<Record<number, string>> = {
  1: "an ICMP error that quotes it",
  4: "in IPIP",
  41: "in a tunnel",
  47: "in GRE",
  58: "an ICMPv6 error that quotes it",
};

function dnsText(packet: IpPacket): string {
  const { transport, payload } = packet;
  if (transport === undefined) return "";
  const bytes = transport === "tcp" ? payload.subarray(2) : payload;
  try {
    const { message } = decodePartial(bytes);
    const [question] = message.questions;
    if (question === undefined) return "";
    const kind = multicastKind(packet) ?? "DNS";
    const asked = `${typeName(question.type)} ${displayName(question.name)}`;
    if (!message.isResponse) return `, ${kind} query ${asked}`;
    return `, ${kind} reply ${rcodeName(message.rcode)} ${asked}`;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return "";
  }
}

const half = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
