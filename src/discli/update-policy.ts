// What a configuration in mode 'update' has to be allowed by the servers of its
// zones, and nothing besides: which key may write which types at and below which
// names of which zone. Pure: settings in, rules out; update-policy-text.ts says
// them in the words of each server.

import { listingsOf } from "../update/enumeration-offers.js";
import { keyFor, type PublishedZone, type UpdateTarget } from "../update/options.js";
import { isWithin, labelText, type Name, under } from "../wire/name.js";
import type { TsigKey } from "../wire/tsig.js";

/** Rules for one zone and one key. */
export interface ZonePolicy {
  readonly zone: Name;
  /** Undefined: none is configured. */
  readonly key: TsigKey | undefined;
  /** Below these names services and hosts are published; the zone itself or names in it. */
  readonly subdomains: readonly Name[];
  /** Single names with lists of domains, elsewhere in the zone: PTR and nothing else. */
  readonly lists: readonly Name[];
  /** Number of the TIMEOUT type. */
  readonly timeoutType: number;
}

/**
 * What stands below a subdomain that the key may not touch, whatever it is. discd keeps away from
 * these itself (update/forbidden.ts); the rules are the second lock.
 */
export const neverBelow: readonly string[] = [
  ...["ns", "ns1", "ns2", "ns3", "wpad", "isatap", "localhost"],
  ...["_acme-challenge", "_dmarc", "_domainkey"],
];

interface Place {
  readonly target: UpdateTarget;
  /** Undefined: the place is a subdomain itself. */
  readonly lists: readonly Name[] | undefined;
}

function placesOf(zone: PublishedZone): Place[] {
  const [, ...elsewhere] = listingsOf(zone, "policy");
  return [
    { target: zone.target, lists: undefined },
    ...elsewhere.map(({ target, offer }) => ({
      target,
      lists: offer.rrs.map(({ rr }) => rr.name),
    })),
  ];
}

const longest = (names: readonly Name[]): Name | undefined =>
  [...names].sort((a, b) => b.labels.length - a.labels.length)[0];

/** Which zone a place is in: as it is said, else a zone of its own. */
function zoneOf({ target, lists }: Place, zones: readonly Name[]): Name {
  const { subdomain, primary } = target;
  const said = longest(zones.filter((zone) => isWithin(subdomain, zone))) ?? primary.zone;
  if (said !== undefined) return said;
  if (lists === undefined) return subdomain;
  return longest(primary.within.filter((one) => isWithin(subdomain, one))) ?? subdomain;
}

const without = (names: readonly Name[]): Name[] => [
  ...new Map(names.map((name) => [name.key, name])).values(),
];

/**
 * The rules for everything that is published.
 *
 * @param zones  apexes that are known, where the configuration names none
 */
export function policyFor(
  published: readonly PublishedZone[],
  zones: readonly Name[] = [],
): readonly ZonePolicy[] {
  const found = new Map<string, ZonePolicy>();
  for (const place of published.flatMap(placesOf)) {
    const zone = zoneOf(place, zones);
    const key = keyFor(place.target, zone);
    const id = `${zone.key} ${key?.name.key ?? ""}`;
    const known = found.get(id);
    const { subdomain, timeoutType } = { ...place.target };
    const own = place.lists === undefined ? [subdomain] : [];
    found.set(id, {
      zone,
      key,
      subdomains: without([...(known?.subdomains ?? []), ...own]),
      lists: without([...(known?.lists ?? []), ...(place.lists ?? [])]),
      timeoutType,
    });
  }
  return [...found.values()].map((policy) => ({
    ...policy,
    // What is below a subdomain may be written by its own rule.
    lists: policy.lists.filter(
      (list) => !policy.subdomains.some((subdomain) => isWithin(list, subdomain)),
    ),
  }));
}

/** The names that are denied at and below a subdomain. */
export const deniedIn = (subdomain: Name): readonly Name[] =>
  neverBelow.map((label) => under([labelText(label)], subdomain));
