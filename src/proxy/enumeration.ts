// Domain enumeration by unicast (RFC 6763 §11, RFC 8766 §5.2.1, §6.5): which
// domains to browse and register in. Told at once in every zone of a link,
// directly below a forward apex and at the base address of each reverse
// prefix; elsewhere in a reverse zone the names exist and are empty.

import { RRClass, RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { foldLabel, type Label, type Name, nameOf } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { ClientClass } from "./client.js";
import { adminTtl } from "./negative.js";
import type { BrowseKind, BrowseLists } from "./options.js";
import { isAddressName } from "./reverse.js";
import type { LinkZone, Zone } from "./zones.js";

const kinds: readonly string[] = ["b", "db", "r", "dr", "lb"] satisfies BrowseKind[];

/** The kind that a name's first three labels ask for. */
function kindOf(labels: readonly Label[]): BrowseKind | undefined {
  const kind = foldLabel(labels[0] ?? "");
  const isEnumeration =
    kinds.includes(kind) &&
    foldLabel(labels[1] ?? "") === "_dns-sd" &&
    foldLabel(labels[2] ?? "") === "_udp";
  return isEnumeration ? (kind as BrowseKind) : undefined;
}

/**
 * The answer at an enumeration name.
 *
 * @param below  the question's labels below the apex
 * @returns undefined when the name is none; empty is NODATA
 */
export function atEnumerationName(
  zone: Zone,
  below: readonly Label[],
  question: Question,
  client: ClientClass,
): readonly RR[] | undefined {
  const kind = kindOf(below);
  if (kind === undefined) return undefined;
  let domains: readonly Name[] | undefined;
  if (zone.kind === "records") {
    // Such a zone has no link to browse: only what is written in `browse`.
    domains = below.length === 3 ? client.browse[kind] : undefined;
  } else if (zone.kind === "reverse") {
    domains = reverseDomains(zone, kind, question.name, client.browse);
  } else if (below.length === 3) {
    domains = domainsOf(zone, kind, client.browse);
  }
  if (domains === undefined) return undefined;
  if (question.type !== RRType.PTR && question.type !== RRType.ANY) return [];
  return domains.map((target) => ({
    name: question.name,
    type: RRType.PTR,
    class: RRClass.IN,
    ttlSeconds: adminTtl(zone),
    rdata: { kind: "ptr", target },
  }));
}

/** What a list holds in a link's zone, by default or by configuration. */
export function domainsOf(zone: LinkZone, kind: BrowseKind, lists: BrowseLists): readonly Name[] {
  const configured = lists[kind];
  if (configured !== undefined) return configured;
  // Who came through an alias stays there.
  const home = zone.kind === "alias" ? zone.apex : zone.link.service;
  switch (kind) {
    case "b":
    case "lb":
      return [home];
    case "db":
      // A default outside the list to browse is no default (DP-23).
      return domainsOf(zone, "b", lists).some((name) => name.key === home.key) ? [home] : [];
    case "r":
    case "dr":
      return [];
  }
}

function reverseDomains(
  zone: LinkZone,
  kind: BrowseKind,
  name: Name,
  lists: BrowseLists,
): readonly Name[] | undefined {
  const subnet = nameOf(name.labels.slice(3));
  if (!isAddressName(subnet)) return undefined;
  return zone.bases.some((base) => base.key === subnet.key) ? domainsOf(zone, kind, lists) : [];
}
