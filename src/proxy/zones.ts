// The zones discd is authoritative for (RFC 8766 §5.1 to §5.4) and which of
// them a name belongs to: the longest one, compared by whole labels with ASCII
// case folded. Which zones may stand side by side is judged in check.ts, what
// is answered inside them in local.ts and visible.ts.

import { foldLabel, type Name } from "../wire/name.js";
import type { ProxyOptions, ServedLink } from "./options.js";
import { baseName, reverseApexes } from "./reverse.js";

/** A zone in which the names of a link's devices are found. */
export interface LinkZone {
  readonly kind: "service" | "host" | "alias" | "reverse";
  readonly apex: Name;
  readonly link: ServedLink;
  /** Reverse zones: the base addresses of the link's prefixes, as names (RFC 6763 §11). */
  readonly bases: readonly Name[];
}

/** A zone that holds static records and nothing else. */
export interface RecordsZone {
  readonly kind: "records";
  readonly apex: Name;
  readonly link?: undefined;
}

export type Zone = LinkZone | RecordsZone;

/**
 * The six names under which nothing is ever proxied (RFC 6762 §22.1, DP-110),
 * as labels.
 */
const forbidden: readonly (readonly string[])[] = [
  ["local"],
  ["254", "169", "in-addr", "arpa"],
  ["8", "e", "f", "ip6", "arpa"],
  ["9", "e", "f", "ip6", "arpa"],
  ["a", "e", "f", "ip6", "arpa"],
  ["b", "e", "f", "ip6", "arpa"],
];

/** Labels from the root down. Depth is bounded by the deepest apex, not by the name asked. */
interface Node {
  readonly below: Map<string, Node>;
  zone?: Zone;
  isForbidden?: true;
}

/** All zones, found by name. */
export class ZoneTable {
  readonly zones: readonly Zone[];
  readonly #root: Node = { below: new Map() };

  /** Where a zone is configured twice, its first mention counts. */
  constructor(options: ProxyOptions) {
    const zones: Zone[] = [];
    for (const zone of configuredZones(options)) {
      const node = this.#grow(zone.apex.labels);
      if (node.zone !== undefined) continue;
      node.zone = zone;
      zones.push(zone);
    }
    for (const labels of forbidden) this.#grow(labels).isForbidden = true;
    this.zones = zones;
  }

  /**
   * The longest zone that holds the name.
   *
   * @returns undefined for a name in no zone, and for a forbidden one
   */
  find(name: Name): Zone | undefined {
    const end = this.#walk(name);
    return end.isForbidden ? undefined : end.zone;
  }

  /** Whether the name is one of the six that are NXDOMAIN for every server, or below one. */
  isForbidden(name: Name): boolean {
    return this.#walk(name).isForbidden;
  }

  #walk(name: Name): { zone: Zone | undefined; isForbidden: boolean } {
    let node: Node | undefined = this.#root;
    let zone: Zone | undefined = node.zone;
    for (let at = name.labels.length - 1; at >= 0; at--) {
      node = node.below.get(foldLabel(name.labels[at]!));
      if (node === undefined) break;
      if (node.isForbidden) return { zone, isForbidden: true };
      zone = node.zone ?? zone;
    }
    return { zone, isForbidden: false };
  }

  #grow(labels: readonly string[]): Node {
    let node = this.#root;
    for (let at = labels.length - 1; at >= 0; at--) {
      const label = foldLabel(labels[at]!);
      let next = node.below.get(label);
      if (next === undefined) {
        next = { below: new Map() };
        node.below.set(label, next);
      }
      node = next;
    }
    return node;
  }
}

/** Every zone the options name, in order, duplicates included. */
export function configuredZones(options: ProxyOptions): readonly Zone[] {
  const zones: Zone[] = [];
  for (const link of options.links) {
    zones.push({ kind: "service", apex: link.service, link, bases: [] });
    if (link.host.key !== link.service.key) {
      zones.push({ kind: "host", apex: link.host, link, bases: [] });
    }
    for (const apex of link.aliases) zones.push({ kind: "alias", apex, link, bases: [] });
    const bases = link.reverse.map(baseName);
    const apexes = new Map(link.reverse.flatMap(reverseApexes).map((apex) => [apex.key, apex]));
    for (const apex of apexes.values()) zones.push({ kind: "reverse", apex, link, bases });
  }
  for (const apex of options.zones) zones.push({ kind: "records", apex });
  return zones;
}
