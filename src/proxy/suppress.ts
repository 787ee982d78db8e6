// Which records of a link a client elsewhere could use (RFC 8766 §5.5.2): no
// link-local addresses, no private ones of another realm, no SRV without a
// usable address, no browse answer that leads to such an SRV. All of it behind
// the link's `suppress`. Judges the link's own names; removes nothing itself.

import { type AddressList, type Prefix, parsePrefix, permits } from "../address.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { ServedLink } from "./options.js";
import { fromLink, isLocalName } from "./rewrite.js";
import { note, type Sight, type Vantage } from "./tables.js";

/** SRVs of one instance that are judged; an instance with more is shown unjudged. */
const srvsJudgedMax = 16;

const addressTypes: readonly number[] = [RRType.A, RRType.AAAA];

/** RFC 3927 and RFC 4291 §2.5.6. */
const linkLocal = listOf(["169.254.0.0/16", "fe80::/10"]);
/** RFC 1918 and RFC 4193. */
const privateSpace = listOf(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]);

/**
 * Whether a client could use an address record.
 *
 * @param realm  the client's, if it is known; an unknown realm is given everything (T-48)
 * @returns true for records that are not addresses
 */
export function isUsableAddress(rr: RR, link: ServedLink, realm: string | undefined): boolean {
  const { rdata } = rr;
  if (rdata.kind !== "a" && rdata.kind !== "aaaa") return true;
  const family = rdata.kind === "a" ? "ipv4" : "ipv6";
  const address = { family, bytes: rdata.address } as const;
  if (permits(linkLocal, address)) return false;
  const isForeign = realm !== undefined && link.realm !== undefined && realm !== link.realm;
  return !isForeign || !permits(privateSpace, address);
}

/** Whether a client could use a record of the link. */
export function isUsable(at: Sight, rr: RR): boolean {
  if (!at.zone.link.suppress) return true;
  const { rdata } = rr;
  switch (rdata.kind) {
    case "a":
    case "aaaa":
      return isUsableAddress(rr, at.zone.link, at.client.realm);
    case "srv":
      return isUsableHost(at, rdata.target);
    case "ptr":
      return at.zone.kind === "reverse" || leadsToUsable(at, rdata.target);
    default:
      return true;
  }
}

/** Whether an SRV target may be told. */
function isUsableHost(at: Sight, target: Name): boolean {
  if (!isLocalName(target)) return true;
  const known = at.isHostUsable.get(target.key);
  if (known !== undefined) return known;
  note(at, target);
  const isUsed = hasUsableAddress(at, target);
  at.isHostUsable.set(target.key, isUsed);
  return isUsed;
}

/** "No" needs evidence (DP-56): known addresses of which none is usable, or their denial. */
function hasUsableAddress(at: Vantage, target: Name): boolean {
  const known = addressTypes.flatMap((type) => at.view.find(target, type));
  if (known.some(({ rr }) => isUsableAddress(rr, at.zone.link, at.client.realm))) return true;
  const hasEvidence =
    known.length > 0 || addressTypes.every((type) => at.view.denies(target, type));
  return !hasEvidence || hasStaticAddress(at, target);
}

/** An operator's own record for the host is as good as the device's. */
function hasStaticAddress(at: Vantage, target: Name): boolean {
  const host = fromLink(at.zone, target, "host");
  return host !== undefined && at.tables.records.owns(host);
}

/** Whether a browse answer's instance has an SRV that may be told, or none that is known. */
function leadsToUsable(at: Sight, instance: Name): boolean {
  if (!isLocalName(instance)) return true;
  note(at, instance);
  const srvs = at.view.find(instance, RRType.SRV);
  if (srvs.length === 0 || srvs.length > srvsJudgedMax) return true;
  const shown = fromLink(at.zone, instance, "other");
  if (shown !== undefined && at.tables.records.find(shown, RRType.SRV).length > 0) return true;
  return srvs.some(({ rr }) => isUsable(at, rr));
}

function listOf(texts: readonly string[]): AddressList {
  const prefixes = texts.map(parsePrefix).filter((one): one is Prefix => one !== undefined);
  return prefixes.map((prefix) => ({ refuse: false, prefix }));
}
