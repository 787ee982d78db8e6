// What a device of the demo link owns: the RRs that follow from its host name,
// its addresses and its DNS-SD services (RFC 6762 §6.1, §10; RFC 6763 §4 to §9,
// §12). When and to whom they are told is said in responder.ts.

import type { Address } from "../address.js";
import { RRClass, RRType } from "../wire/codes.js";
import { labelText, type Name, nameOf, under } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";

/** One DNS-SD service of a device. */
export interface DeviceService {
  /** Plain text; dots and spaces are part of the one label. */
  readonly instance: string;
  /** As in `_ipp._tcp`. */
  readonly type: string;
  readonly port: number;
  /** `key=value` strings, in order; none is an empty TXT. */
  readonly txt: readonly string[];
  /** Subtype labels, as in `_universal`. */
  readonly subtypes: readonly string[];
}

export interface Device {
  /** One label below `.local`. */
  readonly host: string;
  readonly addresses: readonly Address[];
  readonly services: readonly DeviceService[];
}

/** An RR that a device answers for. Its class is IN; the flush bit is added when it is sent. */
export interface OwnRR {
  readonly rr: RR;
  /** Equal for equal RRs, whoever owns them; the TTL does not count. */
  readonly key: string;
  /** Member of a unique RRset, not of a shared one (RFC 6762 §2). */
  readonly isUnique: boolean;
  /** Says which types its name has, and so that it has no others (RFC 6762 §6.1). */
  readonly isDenial: boolean;
}

/** TTL of RRs that contain a host name or an address (RFC 6762 §10). */
export const hostTtlSeconds = 120;

/** TTL of the others. */
export const otherTtlSeconds = 4500;

export const local = nameOf(["local"]);

const typesName = nameOf(["_services", "_dns-sd", "_udp", "local"]);

export const hostName = (device: Device): Name => under([labelText(device.host)], local);

/** `_ipp._tcp` under .local. The labels of a type are letters, digits and hyphens: no dot inside. */
const typeName = (type: string): Name => under(type.split("."), local);

export function instanceName(service: DeviceService): Name {
  return under([labelText(service.instance)], typeName(service.type));
}

export function keyOf(rr: RR): string {
  return `${rr.name.key}\0${rr.type}\0${rdataKey(rr.type, rr.rdata)}`;
}

/** Everything a device owns. */
export function ownRRs(device: Device): readonly OwnRR[] {
  const host = hostName(device);
  const rrs = [...addressRRs(device, host)];
  for (const service of device.services) rrs.push(...serviceRRs(service, host));
  return withDenials(rrs);
}

/** These RRs, each once, and one denial for each name that only this device may own. */
export function withDenials(rrs: readonly OwnRR[]): readonly OwnRR[] {
  const each = [...new Map(rrs.map((own) => [own.key, own])).values()];
  return [...each, ...denials(each)];
}

function addressRRs(device: Device, host: Name): readonly OwnRR[] {
  return device.addresses.flatMap((address) => {
    const { family, bytes } = address;
    const rr: RR = {
      name: host,
      type: family === "ipv4" ? RRType.A : RRType.AAAA,
      class: RRClass.IN,
      ttlSeconds: hostTtlSeconds,
      rdata: { kind: family === "ipv4" ? "a" : "aaaa", address: bytes },
    };
    return [unique(rr), unique(ptr(reverseName(address), host, hostTtlSeconds))];
  });
}

function serviceRRs(service: DeviceService, host: Name): readonly OwnRR[] {
  const instance = instanceName(service);
  const type = typeName(service.type);
  const srv: RR = {
    name: instance,
    type: RRType.SRV,
    class: RRClass.IN,
    ttlSeconds: hostTtlSeconds,
    rdata: { kind: "srv", priority: 0, weight: 0, port: service.port, target: host },
  };
  const strings = service.txt.map((text) => new TextEncoder().encode(text));
  const txt: RR = {
    name: instance,
    type: RRType.TXT,
    class: RRClass.IN,
    ttlSeconds: otherTtlSeconds,
    rdata: { kind: "txt", strings },
  };
  const lists = service.subtypes.map((subtype) => under([labelText(subtype), "_sub"], type));
  return [
    unique(srv),
    unique(txt),
    shared(ptr(type, instance, otherTtlSeconds)),
    ...lists.map((list) => shared(ptr(list, instance, otherTtlSeconds))),
    shared(ptr(typesName, type, otherTtlSeconds)),
  ];
}

/** RFC 6762 §6.1: the next name is the owner itself. */
function denials(rrs: readonly OwnRR[]): readonly OwnRR[] {
  const byName = new Map<string, { name: Name; types: Set<number> }>();
  for (const { rr, isUnique } of rrs) {
    if (!isUnique) continue;
    const known = byName.get(rr.name.key) ?? { name: rr.name, types: new Set() };
    known.types.add(rr.type);
    byName.set(rr.name.key, known);
  }
  return [...byName.values()].map(({ name, types }) => {
    const rr: RR = {
      name,
      type: RRType.NSEC,
      class: RRClass.IN,
      ttlSeconds: hostTtlSeconds,
      rdata: { kind: "nsec", next: name, types: [...types].sort((a, b) => a - b) },
    };
    return { rr, key: keyOf(rr), isUnique: true, isDenial: true };
  });
}

/** A member of a set that only this device owns. */
export const unique = (rr: RR): OwnRR => ({ rr, key: keyOf(rr), isUnique: true, isDenial: false });
const shared = (rr: RR): OwnRR => ({ rr, key: keyOf(rr), isUnique: false, isDenial: false });

function ptr(name: Name, target: Name, ttlSeconds: number): RR {
  return {
    name,
    type: RRType.PTR,
    class: RRClass.IN,
    ttlSeconds,
    rdata: { kind: "ptr", target },
  };
}

/** `2.113.0.203.in-addr.arpa`, or the 32 nibbles under `ip6.arpa` (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(address: Address): Name {
  const bytes = [...address.bytes].reverse();
  if (address.family === "ipv4") return nameOf([...bytes.map(String), "in-addr", "arpa"]);
  const nibbles = bytes.flatMap((byte) => [byte & 15, byte >> 4]);
  return nameOf([...nibbles.map((nibble) => nibble.toString(16)), "ip6", "arpa"]);
}
