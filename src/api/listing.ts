// One service of a link as it is listed: where it runs, what its TXT record says,
// and whether clients elsewhere are given it, and if not, why.

import { formatAddress } from "../address.js";
import { fromLink } from "../proxy/rewrite.js";
import { isShown, typeOf } from "../proxy/services.js";
import { isUsable } from "../proxy/suppress.js";
import { sightFrom, type Vantage } from "../proxy/tables.js";
import { translatedTxt } from "../proxy/translate.js";
import type { LinkZone } from "../proxy/zones.js";
import { RRType } from "../wire/codes.js";
import { displayLabel, displayName, type Label, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { escapedName } from "./packet.js";
import type { Service } from "./shapes.js";
import { txtPairs } from "./txt.js";

/** Addresses shown of one host; more are no help to anybody. */
export const addressesMax = 32;

/** What leads to an instance. */
export interface Lead {
  /** The PTR record of its type, or of one of its subtypes when there is no other. */
  readonly ptr: RR;
  readonly subtypes: readonly Label[];
}

export interface Listed {
  readonly service: Service;
  /** The operator's own rules hide it. */
  readonly isHidden: boolean;
  /** Where it runs, as the link calls it: its addresses decide as well. */
  readonly host: Name | undefined;
}

/**
 * An instance as it is listed at this instant.
 *
 * @param zone  the link's service zone; its `link` is what the operator says about it
 */
export function listed(link: string, at: Vantage, { ptr, subtypes }: Lead, name: Name): Listed {
  const { zone, view } = at;
  const srv = view.find(name, RRType.SRV)[0]?.rr.rdata;
  const host = srv?.kind === "srv" ? srv : undefined;
  const hostName = host === undefined ? undefined : fromLink(zone, host.target, "host");
  const outside = fromLink(zone, name, "other");
  const type = typeOf(name) ?? "";
  const isHidden = type !== "" && !isShown(zone.link.services, type);
  const reason = whyNot(at, ptr, type, isHidden, outside);
  const shown = outside ?? name;
  const service: Service = {
    id: `${link} ${escapedName(name)}`,
    instance: instanceText(name),
    type: typeText(name),
    domain: displayName(zone.apex),
    name: displayName(shown),
    escaped: escapedName(shown),
    link,
    host: hostName === undefined ? null : displayName(hostName),
    hostEscaped: hostName === undefined ? null : escapedName(hostName),
    port: host?.port ?? null,
    addresses: host === undefined ? [] : addressesOf(at, host.target),
    txt: txtOf(at, zone, name),
    ttlSeconds: ptr.ttlSeconds,
    subtypes: subtypes.map(plainLabel),
    isShown: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
  };
  return { service, isHidden, host: host?.target };
}

function whyNot(
  at: Vantage,
  ptr: RR,
  type: string,
  isHidden: boolean,
  outside: Name | undefined,
): string | undefined {
  if (isHidden) return `the rules in 'services' hide ${type}`;
  if (outside === undefined) return "its name is too long for unicast DNS";
  if (!isUsable(sightFrom(at), ptr)) return "its host has no address that is of use elsewhere";
  return undefined;
}

/** Addresses of a host of the link, as it tells them. */
export function addressesOf({ view }: Pick<Vantage, "view">, host: Name): readonly string[] {
  const heard = [...view.find(host, RRType.A), ...view.find(host, RRType.AAAA)];
  return heard.slice(0, addressesMax).flatMap(({ rr: { rdata } }) => {
    if (rdata.kind === "a") return [formatAddress({ family: "ipv4", bytes: rdata.address })];
    if (rdata.kind === "aaaa") return [formatAddress({ family: "ipv6", bytes: rdata.address })];
    return [];
  });
}

function txtOf(at: Vantage, zone: LinkZone, name: Name) {
  const heard = at.view.find(name, RRType.TXT)[0];
  if (heard === undefined) return [];
  const { rdata } = translatedTxt(zone.link.translate, heard.rr);
  return rdata.kind === "txt" ? txtPairs(rdata.strings) : [];
}

/** Labels of an instance name that are the type's, its protocol's, and `local`. */
const typeLabels = 3;

/** What people call it: everything in front of the type, which is one label as a rule. */
function instanceText(name: Name): string {
  const own = name.labels.slice(0, Math.max(1, name.labels.length - typeLabels));
  return own.map(plainLabel).join(".");
}

function typeText(name: Name): string {
  return name.labels.slice(-typeLabels, -1).map(plainLabel).join(".");
}

/** A label that stands alone: dots in it need no escape. */
function plainLabel(label: Label): string {
  return displayLabel(label).replace(/\\([\\.])/g, "$1");
}
