// What the packets of a leak check mean. A name of the zone may pass the
// interface that is meant for it, on its way to a server that may know it, and
// nothing else. Evidence in, verdict out.

import { type Address, formatAddress } from "../../address.js";
import { shellWord } from "../shell-words.js";
import { type IpPacket, multicastKind, packetText } from "./ip-packet.js";
import type { AskedName, Side } from "./labels.js";

/** A packet that holds one of the names. */
export interface Sighting {
  /** Microseconds since 1970. */
  readonly at: number;
  readonly interface: string;
  readonly isLoopback: boolean;
  readonly isOutgoing: boolean;
  readonly side: Side;
  /** Absent where it is no IP packet. */
  readonly packet?: IpPacket;
}

/** What counts as a leak: names of the zone alone, or every name. */
export type LeakPolicy = "internal" | "all";

export interface LeakEvidence {
  readonly zone: string;
  /** The interface that is meant. */
  readonly intended: string;
  readonly policy: LeakPolicy;
  /** Who may be asked for names of the zone, and for no others; empty: not checked. */
  readonly servers: readonly Address[];
  readonly asked: readonly AskedName[];
  readonly sightings: readonly Sighting[];
  /** Packets that passed unseen. */
  readonly lost: number;
}

/** Packets of one kind in a wrong place. */
export interface Leak {
  readonly interface: string;
  /** In words: what it should not do. */
  readonly fault: string;
  readonly packets: readonly Sighting[];
}

export interface LeakVerdict {
  readonly state: "PASS" | "FAIL" | "SKIP";
  readonly leaks: readonly Leak[];
  /** Names of the zone on their way, as they should be. */
  readonly path: readonly Sighting[];
  readonly decision: string;
  readonly remedy?: string;
}

/** A device made of others passes a packet on to them at once, in microseconds. */
const stackedWithin = 50_000;

export function judgeLeaks(evidence: LeakEvidence): LeakVerdict {
  const { sightings, intended } = evidence;
  const outer = sightings.filter(({ isLoopback }) => !isLoopback);
  const passed = outer.filter((one) => one.interface === intended);
  const seen = [...passed];
  for (const one of outer) {
    if (one.interface !== intended && !isCopy(one, seen)) seen.push(one);
  }
  seen.sort((a, b) => a.at - b.at);
  const faults = seen.map((one) => [one, faultOf(one, evidence)] as const);
  const path = seen.filter((one, at) => one.side === "zone" && faults[at]?.[1] === undefined);
  const leaks = grouped(faults);
  if (leaks.length > 0) return { state: "FAIL", leaks, path, ...blame(leaks, path, evidence) };
  return { leaks, path, ...clearance(path, evidence) };
}

/** The same packet, seen again on a device that another one is made of, or the reverse. */
function isCopy(one: Sighting, seen: readonly Sighting[]): boolean {
  const { packet } = one;
  if (packet === undefined) return false;
  return seen.some(
    (other) =>
      other.packet !== undefined &&
      other.interface !== one.interface &&
      Math.abs(other.at - one.at) < stackedWithin &&
      keyOf(other.packet) === keyOf(packet),
  );
}

function keyOf({ source, target, sourcePort, targetPort, payload }: IpPacket): string {
  const ends = [source, target].map(formatAddress).join(" ");
  return `${ends} ${sourcePort} ${targetPort} ${Buffer.from(payload).toString("latin1")}`;
}

/** The other end of the conversation. */
const remoteOf = ({ isOutgoing, packet }: Sighting): Address | undefined =>
  isOutgoing ? packet?.target : packet?.source;

function faultOf(one: Sighting, evidence: LeakEvidence): string | undefined {
  const { side, packet } = one;
  const { policy, servers, intended, zone } = evidence;
  const name = side === "zone" ? `names of ${zone}` : "names outside the zone";
  const remote = remoteOf(one);
  const isServer = servers.some((server) => isSame(server, remote));
  if (side === "outside" && policy === "internal") {
    return isServer ? `${name} reach ${textOf(remote)}, which is for the zone alone` : undefined;
  }
  const kind = packet === undefined ? undefined : multicastKind(packet);
  if (kind !== undefined) return `${name} are asked by ${kind}: all who are on the link read them`;
  if (one.interface !== intended) return `${name} pass it, and are meant for ${intended}`;
  const isTalk = packet?.transport !== undefined;
  if (side === "zone" && servers.length > 0 && isTalk && !isServer) {
    return `${name} reach ${textOf(remote)}, which is none of the zone's servers`;
  }
  return undefined;
}

const isSame = (a: Address, b: Address | undefined): boolean =>
  a.bytes.length === b?.bytes.length && a.bytes.every((byte, index) => byte === b.bytes[index]);

const textOf = (address: Address | undefined): string =>
  address === undefined ? "somebody" : formatAddress(address);

function grouped(faults: readonly (readonly [Sighting, string | undefined])[]): Leak[] {
  const leaks = new Map<string, { interface: string; fault: string; packets: Sighting[] }>();
  for (const [one, fault] of faults) {
    if (fault === undefined) continue;
    const key = `${one.interface} ${fault}`;
    const known = leaks.get(key);
    if (known !== undefined) known.packets.push(one);
    else leaks.set(key, { interface: one.interface, fault, packets: [one] });
  }
  return [...leaks.values()];
}

/** Somebody may have named the interface that he fears for, and not the one that is meant. */
function otherWay(leaks: readonly Leak[], path: readonly Sighting[], intended: string): string {
  const [first, second] = [...new Set(leaks.map((leak) => leak.interface))];
  const isOther = path.length === 0 && second === undefined && first !== intended;
  return isOther ? `; or, if ${first} is the way that is meant: --if ${first}` : "";
}

function blame(
  leaks: readonly Leak[],
  path: readonly Sighting[],
  { zone, intended, servers, policy }: LeakEvidence,
) {
  const packets = leaks.flatMap((leak) => leak.packets);
  const isMulticast = packets.some(({ packet }) => packet && multicastKind(packet) !== undefined);
  const asked = new Set(packets.flatMap((one) => (one.packet ? [textOf(remoteOf(one))] : [])));
  const whom = [...asked].slice(0, 4).join(", ");
  const isOutside = packets.every(({ side }) => side === "outside");
  if (isOutside && policy === "internal") {
    return {
      decision: `the system asks a server of ${zone} for other names as well: ${whom}`,
      remedy: `route only the zone to it: resolvectl domain ${intended} ${shellWord(`~${zone}`)} (no '~.')`,
    };
  }
  const server = servers[0] === undefined ? "SERVER" : formatAddress(servers[0]);
  const route = `resolvectl dns ${intended} ${server}; resolvectl domain ${intended} ${shellWord(`~${zone}`)}`;
  const multicast = `switch it off on the link (resolvectl llmnr ${intended} off, mdns off)`;
  return {
    decision: `names of ${zone} can be read where they are not meant to be: by ${whom}`,
    remedy: isMulticast
      ? multicast
      : `send the zone to its own server alone (${route}), and take other servers, ` +
        `which are asked when that one is slow, out of resolv.conf${otherWay(leaks, path, intended)}`,
  };
}

function clearance(path: readonly Sighting[], evidence: LeakEvidence) {
  const { zone, intended, lost, sightings } = evidence;
  const others = "encrypted DNS (DoT, DoH) cannot be read, and is not seen";
  if (lost > 0) {
    return {
      state: "SKIP" as const,
      decision: `${lost} packets passed too fast to be looked at: a leak may be among them`,
      remedy: "try again when the host has less traffic",
    };
  }
  if (path.length > 0) {
    return {
      state: "PASS" as const,
      decision: `names of ${zone} were seen on ${intended} and nowhere else (${others})`,
    };
  }
  const isLocal = sightings.some(({ isLoopback, side }) => isLoopback && side === "zone");
  const where = isLocal
    ? "the names went to a resolver on this host, which sent them nowhere that can be read"
    : "the names were seen nowhere";
  return {
    state: "SKIP" as const,
    decision: `${where}: ${others}`,
    remedy: `see whom the system asks (resolvectl status ${intended}, /etc/resolv.conf)`,
  };
}

/** One packet as people read it: when, where, which way, and what. */
export function sightingText(one: Sighting): string {
  const stamp = new Date(Math.floor(one.at / 1000)).toISOString().slice(11, 23);
  const micros = String(Math.floor(one.at % 1000)).padStart(3, "0");
  const what = one.packet === undefined ? "no IP packet" : packetText(one.packet);
  return `${stamp}${micros} ${one.interface} ${one.isOutgoing ? "Out" : "In"} ${what}`;
}
