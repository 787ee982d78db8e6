// Names that are made of a network where nobody gives one (UP-6).

import type { Prefix } from "../address.js";
import { foldLabel, type Name } from "../wire/name.js";

/**
 * UP-6: all of an IPv4 network's address in hexadecimal, and of an IPv6 one's the octets that
 * the prefix reaches into: `cb007100`, `20010db800010002`.
 */
export function networkLabel({ address, length }: Prefix): string {
  const octets = address.family === "ipv4" ? 4 : Math.max(1, Math.ceil(length / 8));
  const hexadecimal = (byte: number) => byte.toString(16).padStart(2, "0");
  return Array.from(address.bytes.subarray(0, octets), hexadecimal).join("");
}

/**
 * Whether a name was generated from one of the networks, by us or by another proxy of the link.
 * The record that holds it is there since somebody published it (UP-7), and goes with it: it
 * decides nothing.
 */
export function isGenerated(zone: Name, networks: readonly Prefix[]): boolean {
  const label = foldLabel(zone.labels[0] ?? "");
  return networks.some((network) => networkLabel(network) === label);
}
