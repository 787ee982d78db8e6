// Names that no device of a link may put into a zone: whoever can say them by
// multicast would otherwise seize what the zone's own machines rely on (UP-51).
// Judged in the zone's words, whatever the link called them.

import { foldLabel, type Label, labelsBelow, type Name } from "../wire/name.js";

/** Hosts that other hosts look for by name alone. */
const hosts: ReadonlySet<string> = new Set(["*", "wpad", "isatap", "localhost"]);
/** As name servers are called, whether this zone has one of that name or not. */
const nameServer = /^ns[0-9]{0,2}$/;

/** Labels that mean the same to their readers wherever they stand. */
const anywhere: ReadonlySet<string> = new Set([
  "_acme-challenge",
  "_domainkey",
  "_dmarc",
  "_dns-push-tls",
]);
const prefixes = ["_dns-update", "_dns-llq"] as const;

const enumerations: ReadonlySet<string> = new Set(["b", "db", "r", "dr", "lb"]);

/**
 * Whether a record may not be published at this owner.
 *
 * @param guarded  keys of further names: the zone's own name servers
 */
export function isForbidden(name: Name, apex: Name, guarded: ReadonlySet<string>): boolean {
  const below = labelsBelow(name, apex)?.map(foldLabel);
  if (below === undefined || below.length === 0 || guarded.has(name.key)) return true;
  const first = below[0] as Label;
  if (hosts.has(first) || nameServer.test(first) || isEnumeration(below)) return true;
  return below.some(
    (label) => anywhere.has(label) || prefixes.some((prefix) => label.startsWith(prefix)),
  );
}

/** RFC 6763 §11: where browsing begins is the zone's owner's to say. */
function isEnumeration([kind = "", dnsSd, udp]: readonly Label[]): boolean {
  return dnsSd === "_dns-sd" && udp === "_udp" && enumerations.has(kind);
}
