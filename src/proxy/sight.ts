// What can be seen at one name of a link (RFC 8766 §5.5): static records, the
// link's own less what is hidden or of no use, plus what the operator adds,
// all under unicast names. Nothing is followed here; visible.ts does that for
// questions, additional.ts for the additional section.

import { type Instant, instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import { rdataKey } from "../wire/rr.js";
import { isLocalName, rewriteRR, toLink } from "./rewrite.js";
import { leadsToHidden } from "./services.js";
import { isUsable } from "./suppress.js";
import { note, type Sight, type Vantage } from "./tables.js";
import { addedSubtype, isListed, translatedTxt } from "./translate.js";
import type { HeardRR, VisibleRR } from "./view.js";

/** One name, as the client calls it and as the link does. */
export interface Place {
  readonly owner: Name;
  /** Absent where only static records count. */
  readonly name?: Name;
}

/** A static record never runs out. */
export const never: Instant = instant(Number.POSITIVE_INFINITY);

/**
 * Types that never leave the link: NSEC is rebuilt (DP-59), delegation is ours alone
 * (DP-101).
 */
const withheldTypes: readonly number[] = [RRType.NSEC, RRType.SOA, RRType.NS, RRType.DS];

/**
 * RRs judged at one name: 10,000 instances of one type and room beside them. A device that
 * announces more is hostile, and each costs some 5 µs whenever the answer is made anew.
 */
const judgedMax = 16_384;

/**
 * The visible records of one name and type.
 *
 * @param askedType  type of the client's question; differs when a CNAME is looked for
 * @returns also whether something positive is held there, visible or not
 */
export function rrsAt(
  at: Sight,
  { owner, name }: Place,
  type: number,
  askedType = type,
): { readonly rrs: readonly VisibleRR[]; readonly known: boolean } {
  const { records } = at.tables;
  const { services, translate } = at.zone.link;
  const rrs: VisibleRR[] = records
    .find(owner, type)
    .map((rr) => ({ rr, expiresAt: never, isUnique: true }));
  if (name === undefined || records.owns(owner)) return { rrs, known: rrs.length > 0 };
  note(at, name);
  const statics = records.find(owner, RRType.ANY).map((rr) => rr.type);
  const heard = [...at.view.find(name, type), ...addedPtrs(at, name, type)].filter(
    ({ rr }) => !withheldTypes.includes(rr.type) && !statics.includes(rr.type),
  );
  if (heard.length > judgedMax) at.counts.add("records-dropped", "set-too-large");
  for (const one of heard.slice(0, judgedMax)) {
    if (leadsToHidden(services, one.rr)) continue;
    if (!isUsable(at, one.rr)) continue;
    const rr = rewriteRR(at.zone, translatedTxt(translate, one.rr), owner, askedType, at.counts);
    if (rr === undefined) continue;
    rrs.push({ rr, expiresAt: one.expiresAt, isUnique: one.isUnique, heard: one.rr });
  }
  return { rrs: distinct(rrs), known: rrs.length > 0 || heard.length > 0 };
}

/** Where a visible record leads on the same link; undefined when it leaves the link. */
export function targetOf(at: Vantage, { rr, heard }: VisibleRR): Required<Place> | undefined {
  const owner = soleTarget(rr.rdata);
  if (owner === undefined) return undefined;
  if (heard !== undefined) {
    const name = soleTarget(heard.rdata);
    return name !== undefined && isLocalName(name) ? { owner, name } : undefined;
  }
  const zone = at.tables.zones.find(owner);
  if (zone?.link !== at.zone.link) return undefined;
  const name = toLink(zone, owner);
  return name === undefined ? undefined : { owner, name };
}

function soleTarget(rdata: Rdata): Name | undefined {
  const leads = rdata.kind === "cname" || rdata.kind === "ptr" || rdata.kind === "srv";
  return leads ? rdata.target : undefined;
}

/** PTRs of an added subtype, made from those of the base type. */
function addedPtrs(at: Sight, name: Name, type: number): readonly HeardRR[] {
  if (type !== RRType.PTR && type !== RRType.ANY) return [];
  const subtype = addedSubtype(at.zone.link.translate, name);
  if (subtype === undefined) return [];
  note(at, subtype.base);
  return at.view
    .find(subtype.base, RRType.PTR)
    .filter(({ rr }) => rr.rdata.kind === "ptr" && isListed(subtype, rr.rdata.target))
    .map((one) => ({ ...one, rr: { ...one.rr, name } }));
}

/** Two names of the link may be one name outside it: `a.local`, and `a.<zone>` announced so. */
function distinct(rrs: readonly VisibleRR[]): readonly VisibleRR[] {
  if (rrs.length < 2) return rrs;
  const seen = new Map<string, VisibleRR>();
  for (const one of rrs) {
    const key = `${one.rr.type} ${rdataKey(one.rr.type, one.rr.rdata)}`;
    const held = seen.get(key);
    if (held === undefined || held.expiresAt < one.expiresAt) seen.set(key, one);
  }
  return [...seen.values()];
}
