// Addresses and prefixes as names under in-addr.arpa and ip6.arpa
// (RFC 1035 §3.5, RFC 3596 §2.5, RFC 8766 §5.4). A prefix that does not end on
// a label boundary is several zones (DP-17).

import type { Prefix } from "../address.js";
import { foldLabel, type Name, nameOf } from "../wire/name.js";

/** Longest prefixes with a reverse zone: a label less than an address, an interface's /64. */
export const reverseLengthMax = { ipv4: 24, ipv6: 64 } as const;

const suffix = { ipv4: ["in-addr", "arpa"], ipv6: ["ip6", "arpa"] } as const;
const bitsPerLabel = { ipv4: 8, ipv6: 4 } as const;

/** The apexes that together cover a prefix: 1 to 128 of them. */
export function reverseApexes(prefix: Prefix): readonly Name[] {
  const { family } = prefix.address;
  const step = bitsPerLabel[family];
  const count = Math.ceil(prefix.length / step);
  const labels = baseLabels(prefix);
  if (count === 0) return [nameOf(suffix[family])];
  const last = Number.parseInt(labels[count - 1]!, family === "ipv4" ? 10 : 16);
  const zones = 1 << (count * step - prefix.length);
  return Array.from({ length: zones }, (_, offset) => {
    const most = labels.slice(0, count - 1);
    return nameOf([text(family, last + offset), ...most.reverse(), ...suffix[family]]);
  });
}

/** The prefix's base address, host bits zero, as a full reverse name (RFC 6763 §11). */
export function baseName(prefix: Prefix): Name {
  return nameOf([...baseLabels(prefix)].reverse().concat(suffix[prefix.address.family]));
}

/** Whether a name under `arpa` stands for one whole address, in canonical spelling. */
export function isAddressName(name: Name): boolean {
  const labels = name.labels;
  const family = foldLabel(labels.at(-2) ?? "");
  if (family === "in-addr") return labels.length === 6 && labels.slice(0, 4).every(isOctet);
  return family === "ip6" && labels.length === 34 && labels.slice(0, 32).every(isNibble);
}

const isOctet = (label: string) => /^(0|[1-9][0-9]{0,2})$/.test(label) && Number(label) <= 255;
const isNibble = (label: string) => /^[0-9a-fA-F]$/.test(label);

const text = (family: "ipv4" | "ipv6", value: number) =>
  value.toString(family === "ipv4" ? 10 : 16);

/** The labels of the base address from the most significant one on. */
function baseLabels(prefix: Prefix): string[] {
  const { family, bytes } = prefix.address;
  const masked = bytes.map((byte, at) => {
    const kept = Math.min(8, Math.max(0, prefix.length - at * 8));
    return byte & (0xff << (8 - kept));
  });
  if (family === "ipv4") return Array.from(masked, (byte) => text(family, byte));
  return Array.from(masked).flatMap((byte) => [text(family, byte >> 4), text(family, byte & 15)]);
}
