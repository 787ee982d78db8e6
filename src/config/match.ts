// Interfaces of the host: which entry of discd.lua is for them, what functions
// in the file are told about them, which of their prefixes count.

import { contains, formatPrefix, type Prefix, parsePrefix } from "../address.js";
import { fits } from "../proxy/pattern.js";
import type { InterfaceFacts } from "./lua-value.js";

/** An interface that the host has now. */
export interface PresentInterface {
  readonly name: string;
  readonly index: number;
  /** Addresses with the lengths of their prefixes. */
  readonly addresses: readonly Prefix[];
  readonly mtu: number;
  readonly isUp: boolean;
  readonly vlan?: number;
  /** Absent: told by its name and addresses. */
  readonly isLoopback?: boolean;
  /** Absent: it can. */
  readonly canMulticast?: boolean;
}

/** Not for other links: loopback and link-local. */
const confined = ["127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10"].map(
  (text) => parsePrefix(text) as Prefix,
);
const loopback = confined.filter((prefix) => /^(127|::1)/.test(formatPrefix(prefix)));

/** Whether an entry's name, exact or with the wildcards * and ?, fits an interface. */
export function fitsInterface(pattern: string, name: string): boolean {
  return isPattern(pattern) ? fits(pattern, name) : pattern === name;
}

export const isPattern = (text: string): boolean => /[*?]/.test(text);

/** Whether multicast DNS makes sense on it: it leads to other hosts, and takes multicast. */
export function canBeLink(one: PresentInterface): boolean {
  return one.canMulticast !== false && !(one.isLoopback ?? looksLikeLoopback(one));
}

/**
 * The interfaces that functions in discd.lua are asked about, and what they are told: those that
 * can be links by now. One without an address has nothing that a name could be made of; one that
 * is down keeps its last addresses (os/interfaces.ts), and with them its name.
 */
export function askedAbout(present: readonly PresentInterface[]): readonly InterfaceFacts[] {
  return present.filter((one) => canBeLink(one) && one.addresses.length > 0).map(factsOf);
}

function looksLikeLoopback({ name, addresses }: PresentInterface): boolean {
  const isInside = ({ address }: Prefix) => loopback.some((range) => contains(range, address));
  return name === "lo" || (addresses.length > 0 && addresses.every(isInside));
}

/** The networks behind an interface that other networks can reach, host bits zero, each once. */
export function networksOf(one: PresentInterface): readonly Prefix[] {
  const found = new Map<string, Prefix>();
  for (const prefix of one.addresses) {
    if (confined.some((range) => contains(range, prefix.address))) continue;
    const base = baseOf(prefix);
    found.set(formatPrefix(base), base);
  }
  return [...found.values()];
}

/** A prefix with its host bits zero. */
export function baseOf(prefix: Prefix): Prefix {
  const bytes = prefix.address.bytes.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, prefix.length - at * 8));
    return byte & (0xff << (8 - kept));
  });
  return { address: { family: prefix.address.family, bytes }, length: prefix.length };
}

function factsOf(one: PresentInterface): InterfaceFacts {
  const named = /(?:\.|^vlan)(\d{1,4})$/.exec(one.name)?.[1];
  const vlan = one.vlan ?? (named === undefined ? undefined : Number(named));
  const prefixes = networksOf(one).map(formatPrefix);
  return vlan === undefined ? { name: one.name, prefixes } : { name: one.name, vlan, prefixes };
}
