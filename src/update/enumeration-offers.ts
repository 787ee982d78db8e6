// The PTRs by which clients find a subdomain (RFC 6763 §11): in the subdomain
// itself, in the domain around it (UP-8), and below the reverse names of its
// networks (UP-7). Each place is a subdomain of its own to the updater, so that
// its zone is found, its key chosen, and its failure borne, apart from the others
// (trap 33). Everybody who publishes there writes the same records.

import { baseName } from "../proxy/reverse.js";
import { RRClass, RRType } from "../wire/codes.js";
import { isWithin, type Name, under } from "../wire/name.js";
import type { Offer } from "./offer.js";
import type { PublishedZone, UpdateTarget } from "./options.js";
import { mayUpdate } from "./primary.js";

/**
 * Lists to browse. Those for registering (`r`, `dr`) are nobody's to write but the zone's owner's:
 * whoever found a name there would send it updates.
 */
const kinds = ["b", "lb", "db"] as const;

/** As long as a device's PTR (RFC 6762 §10): from it the lifetime in the zone follows. */
const listTtlSeconds = 4500;

/** A place where lists stand, and what they say. */
export interface Listing {
  readonly target: UpdateTarget;
  readonly offer: Offer;
}

/** @param source  tells the offers apart from those of other publications, and of inventories */
export function listingsOf(zone: PublishedZone, source: string): readonly Listing[] {
  const { target, networks } = zone;
  const { within } = target.primary;
  const parent = browsableDomain(zone);
  const places = [target];
  if (parent !== undefined) places.push(placeAt(target, parent));
  for (const network of networks) {
    const base = baseName(network);
    if (mayUpdate(base, within)) places.push(placeAt(target, base));
  }
  return places.map((place) => ({
    target: place,
    offer: listOffer(zone, place.subdomain, source),
  }));
}

/** The domain around a subdomain, where it may be written to; the root has no lists. */
export function browsableDomain({ domain, target }: PublishedZone): Name | undefined {
  if (domain === undefined || domain.key === target.subdomain.key) return undefined;
  return mayUpdate(domain, target.primary.within) ? domain : undefined;
}

/** The same servers and keys for another name, whose zone is another one perhaps. */
function placeAt(target: UpdateTarget, subdomain: Name): UpdateTarget {
  const { primary } = target;
  const zone = primary.zone && isWithin(subdomain, primary.zone) ? primary.zone : undefined;
  return { ...target, subdomain, primary: { ...primary, subdomain, domain: undefined, zone } };
}

function listOffer(zone: PublishedZone, place: Name, source: string): Offer {
  const { subdomain } = zone.target;
  const rrs = kinds.map((kind) => ({
    rr: {
      name: under([kind, "_dns-sd", "_udp"], place),
      type: RRType.PTR,
      class: RRClass.IN,
      ttlSeconds: Math.min(zone.ttlSecondsMax, listTtlSeconds),
      rdata: { kind: "ptr", target: subdomain } as const,
    },
    isShared: true,
    isSpared: true as const,
    deviceTtlSeconds: listTtlSeconds,
  }));
  return { key: `${source} ${subdomain.key}`, source, title: subdomain, rrs };
}
