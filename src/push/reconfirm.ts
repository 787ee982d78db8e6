// A client could not reach what a record promises (RFC 8765 §6.5): the link is
// asked again, and if nobody confirms it, every subscriber hears of its removal
// (PUSH-35). Nothing is ever answered to the client.

import type { Link } from "../mdns/link.js";
import type { ServedLink } from "../proxy/options.js";
import { toLink } from "../proxy/rewrite.js";
import { isHidden } from "../proxy/services.js";
import type { Tables } from "../proxy/tables.js";
import { translatedTxt } from "../proxy/translate.js";
import type { Instant } from "../time.js";
import { RRClass, RRType } from "../wire/codes.js";
import { mapRdataNames, type RR, rdataKey } from "../wire/rr.js";
import type { Seat } from "./seat.js";
import type { Ground } from "./topic.js";

/**
 * Passes the doubt on to the link.
 *
 * @param rr  as the client was told it
 * @returns false when the client may not, or the record is of no link
 */
export function reconfirm(now: Instant, ground: Ground, seat: Seat, rr: RR): boolean {
  const { tables, findLink } = ground;
  const { client, isOffered } = seat;
  const zone = tables.zones.find(rr.name);
  if (zone === undefined || zone.kind === "records" || rr.class !== RRClass.IN) return false;
  if (!isOffered || client === undefined || !client.allows(zone)) return false;
  const link = findLink(zone.link.link);
  const name = toLink(zone, rr.name);
  if (link === undefined || name === undefined) return false;
  if (isHidden(zone.link.services, name)) return false;
  const asTold = { ...rr, name, rdata: onLink(tables, zone.link, rr) };
  link.reconfirm(now, rr.type === RRType.TXT ? asAnnounced(now, link, zone.link, asTold) : asTold);
  return true;
}

/** Rdata with the names that it has on the link. */
function onLink(tables: Tables, served: ServedLink, { type, rdata }: RR): RR["rdata"] {
  return mapRdataNames(type, rdata, (name) => {
    const zone = tables.zones.find(name);
    if (zone === undefined || zone.link !== served || zone.kind === "reverse") return name;
    return toLink(zone, name) ?? name;
  });
}

/** The TXT that the device sent, where the operator has added to it. */
function asAnnounced(now: Instant, link: Link, { translate }: ServedLink, told: RR): RR {
  const key = rdataKey(told.type, told.rdata);
  const heard = link.find(now, told.name, told.type);
  const match = heard.find(
    ({ rr }) => rdataKey(rr.type, translatedTxt(translate, rr).rdata) === key,
  );
  return match?.rr ?? told;
}
