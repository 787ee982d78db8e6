// The interfaces of this host as they are now: name, index, addresses, MTU,
// VLAN. Node lists only what is up, has a carrier and an address; names of the
// others come from /proc, and facts about each from the kernel (native.ts).

import { readFileSync } from "node:fs";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { formatPrefix, type Prefix, parsePrefix } from "../address.js";
import type { InterfaceFacts } from "./native.js";

export interface PresentInterface {
  readonly name: string;
  /** Another one when the interface was deleted and made again. */
  readonly index: number;
  /** Each address with its prefix length. Those of an interface that is down are the last known. */
  readonly addresses: readonly Prefix[];
  readonly mtu: number;
  /** Up and with a carrier. */
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  readonly canMulticast: boolean;
  readonly vlan?: number;
}

export type FindInterface = (name: string) => InterfaceFacts | undefined;

// <linux/if.h>
const isUpFlag = 0x1;
const isLoopbackFlag = 0x8;
const isRunningFlag = 0x40;
const canMulticastFlag = 0x1000;

// <linux/if_addr.h>
const isTentative = 0x40;
const hasFailedDuplicateDetection = 0x08;

/** /proc/net/dev: two lines of headings, then `name: numbers`. */
function namesInKernel(): string[] {
  try {
    const lines = readFileSync("/proc/net/dev", "latin1").split("\n").slice(2);
    return lines.map((line) => line.slice(0, line.lastIndexOf(":")).trim()).filter(Boolean);
  } catch {
    return [];
  }
}

/**
 * IPv6 addresses that cannot be used yet, since duplicate detection is not over, or never:
 * to bind to one fails, and what is sent from one is lost.
 *
 * @returns `name address`, the address in full-length hexadecimal as /proc has it
 */
function unusableAddresses(): ReadonlySet<string> {
  const found = new Set<string>();
  try {
    for (const line of readFileSync("/proc/net/if_inet6", "latin1").split("\n")) {
      const [address, , , , flags, name] = line.trim().split(/\s+/);
      const bits = Number.parseInt(flags ?? "0", 16);
      if (bits & (isTentative | hasFailedDuplicateDetection)) found.add(`${name} ${address}`);
    }
  } catch {
    // A kernel without IPv6.
  }
  return found;
}

function prefixOf(
  name: string,
  found: NetworkInterfaceInfo,
  unusable: ReadonlySet<string>,
): Prefix | undefined {
  const prefix = found.cidr === null ? undefined : parsePrefix(found.cidr);
  if (prefix === undefined || prefix.address.family === "ipv4") return prefix;
  const { bytes } = prefix.address;
  if (unusable.has(`${name} ${Buffer.from(bytes).toString("hex")}`)) return undefined;
  const isLinkLocal = bytes[0] === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80;
  if (!isLinkLocal) return prefix;
  return { address: { ...prefix.address, zone: name }, length: prefix.length };
}

/** As Node lists them: IPv4 addresses under their labels, which are names of interfaces or not. */
export type ListedAddresses = NodeJS.Dict<readonly NetworkInterfaceInfo[]>;

/** By interface: an address labelled `eth0:1` is one of eth0, whose own name has no colon. */
function byInterface(labelled: ListedAddresses): ReadonlyMap<string, NetworkInterfaceInfo[]> {
  const listed = new Map<string, NetworkInterfaceInfo[]>();
  for (const [label, found = []] of Object.entries(labelled)) {
    const name = label.replace(/:.*/s, "");
    listed.set(name, [...(listed.get(name) ?? []), ...found]);
  }
  return listed;
}

/**
 * Reads the interfaces anew.
 *
 * @param before  what was read last: an interface that is down keeps its addresses, so that its
 *   zones stay what they were
 * @param labelled  the addresses now
 */
export function readInterfaces(
  find: FindInterface,
  before: readonly PresentInterface[] = [],
  labelled: ListedAddresses = networkInterfaces(),
): readonly PresentInterface[] {
  const listed = byInterface(labelled);
  const unusable = unusableAddresses();
  const names = new Set([...namesInKernel(), ...listed.keys()]);
  const present: PresentInterface[] = [];
  for (const name of names) {
    const facts = find(name);
    if (facts === undefined) continue;
    const { index, mtu, flags, vlan } = facts;
    const isRunning = (flags & isUpFlag) !== 0 && (flags & isRunningFlag) !== 0;
    const isUp = isRunning || listed.has(name);
    const known = before.find((one) => one.name === name && one.index === index);
    const addresses = isUp
      ? (listed.get(name) ?? []).flatMap((one) => prefixOf(name, one, unusable) ?? [])
      : (known?.addresses ?? []);
    present.push({
      name,
      index,
      addresses: sorted(addresses),
      mtu,
      isUp,
      isLoopback: (flags & isLoopbackFlag) !== 0,
      canMulticast: (flags & canMulticastFlag) !== 0,
      ...(vlan === undefined ? {} : { vlan }),
    });
  }
  return present.sort((a, b) => a.index - b.index);
}

/** The kernel's order changes when an address is renewed; ours must not. */
function sorted(addresses: readonly Prefix[]): readonly Prefix[] {
  const byText = addresses.map((prefix) => [formatPrefix(prefix), prefix] as const);
  return byText.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, prefix]) => prefix);
}

/** Equal for two readings of an interface that nobody needs to tell apart. */
export function interfaceKey(one: PresentInterface): string {
  const { name, index, addresses, mtu, isUp, canMulticast, vlan } = one;
  const words = [name, index, mtu, isUp, canMulticast, vlan ?? ""];
  return [...words, ...addresses.map(formatPrefix)].join(" ");
}

export function equalInterfaces(
  a: readonly PresentInterface[],
  b: readonly PresentInterface[],
): boolean {
  return a.length === b.length && a.every((one, at) => interfaceKey(one) === interfaceKey(b[at]!));
}
