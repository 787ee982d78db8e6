// What one client sees of one question at this instant (RFC 8766 §5.5): the
// link's records, less those of hidden types and those of no use, plus what
// the operator adds, under the names of the client's zone. Ordinary answers,
// subscriptions and the update of told sets all look through here; TTLs are
// still the device's, ttl.ts caps them.

import { earliest, type Instant, instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import { type RR, rdataKey } from "../wire/rr.js";
import { nsecFor } from "./negative.js";
import { isLocalName, rewriteRR, toLink } from "./rewrite.js";
import { isHidden, leadsToHidden } from "./services.js";
import { isUsable } from "./suppress.js";
import type { Vantage } from "./tables.js";
import { addedSubtypeBase, isAddedTo, translatedTxt } from "./translate.js";
import type { HeardRR, LinkQuestion, Visible, VisibleRR } from "./view.js";
import type { LinkZone } from "./zones.js";

/** CNAMEs followed for one question; a longer chain is the client's to follow. */
const chainMax = 8;

/**
 * Types that never leave the link: NSEC is rebuilt (DP-59), delegation is ours alone
 * (DP-101).
 */
const withheldTypes: readonly number[] = [RRType.NSEC, RRType.SOA, RRType.NS, RRType.DS];

/** A static record never runs out. */
const never: Instant = instant(Number.POSITIVE_INFINITY);

/**
 * The questions that have to be put to the link for a client's question: one as a rule,
 * ANY for an NSEC or NSEC3 (DP-58), and the base type besides where a subtype is added.
 *
 * @returns none when no device can own the name
 */
export function linkQuestions(zone: LinkZone, question: Question): readonly LinkQuestion[] {
  const name = toLink(zone, question.name);
  if (name === undefined) return [];
  const { type } = question;
  if (type === RRType.NSEC || type === RRType.NSEC3) return [{ name, type: RRType.ANY }];
  const base = addedSubtypeBase(zone.link.translate, name);
  if (type !== RRType.PTR || base === undefined) return [{ name, type }];
  return [
    { name, type },
    { name: base, type },
  ];
}

/** What the client sees of a question inside a link's zone. */
export function visible(at: Vantage, question: Question): Visible {
  const lookedUp = new Map<string, Name>();
  const looked = (name: Name) => void lookedUp.set(name.key, name);
  const name = toLink(at.zone, question.name);
  if (name === undefined || isHidden(at.zone.link.services, name)) {
    const { rrs, known } = rrsAt(at, question.name, undefined, question.type, 0, looked);
    return { rrs, known, denied: false, lookedUp: [] };
  }
  const found =
    question.type === RRType.NSEC || question.type === RRType.NSEC3
      ? builtNsec(at, question, name, looked)
      : chain(at, question, name, looked);
  return { ...found, lookedUp: [...lookedUp.values()] };
}

type Found = Omit<Visible, "lookedUp">;

/** The records at the name, or the CNAMEs from there on (DP-44). */
function chain(at: Vantage, question: Question, start: Name, looked: (name: Name) => void): Found {
  const { type } = question;
  const rrs: VisibleRR[] = [];
  const visited = new Set<string>();
  let owner = question.name;
  let name = start;
  for (let hop = 0; hop <= chainMax; hop++) {
    visited.add(name.key);
    const here = rrsAt(at, owner, name, type, type, looked);
    if (here.known || type === RRType.ANY || type === RRType.CNAME) {
      rrs.push(...here.rrs);
      return {
        rrs,
        known: hop > 0 || here.known,
        denied: !here.known && at.view.denies(name, type),
      };
    }
    const aliases = rrsAt(at, owner, name, RRType.CNAME, type, looked);
    // One alias at most: two at one name are a conflict on the link.
    const alias = aliases.rrs[0];
    if (alias === undefined) {
      if (aliases.known) return { rrs, known: true, denied: false };
      const denied = at.view.denies(name, type);
      const open = hop > 0 && !denied ? { unresolved: { name, type } } : {};
      return { rrs, known: hop > 0, denied, ...open };
    }
    rrs.push(alias);
    const next = target(at, alias);
    if (next === undefined || visited.has(next.name.key)) break;
    owner = next.owner;
    name = next.name;
  }
  return { rrs, known: true, denied: false };
}

/** Where a visible record leads on the same link; undefined when it leaves the link. */
export function target(
  at: Vantage,
  { rr, heard }: VisibleRR,
): { readonly owner: Name; readonly name: Name } | undefined {
  const owner = soleTarget(rr.rdata);
  if (owner === undefined) return undefined;
  if (heard !== undefined) {
    const name = soleTarget(heard.rdata);
    return name !== undefined && isLocalName(name) ? { owner, name } : undefined;
  }
  const zone = at.tables.zones.find(owner);
  if (zone?.link !== at.zone.link || zone === undefined || zone.kind === "records")
    return undefined;
  const name = toLink(zone, owner);
  return name === undefined ? undefined : { owner, name };
}

function soleTarget(rdata: Rdata): Name | undefined {
  return rdata.kind === "cname" || rdata.kind === "ptr" || rdata.kind === "srv"
    ? rdata.target
    : undefined;
}

/** One NSEC made of what the client sees at the name (DP-58 to DP-60); none for NSEC3 (DP-61). */
function builtNsec(
  at: Vantage,
  question: Question,
  name: Name,
  looked: (name: Name) => void,
): Found {
  const here = rrsAt(at, question.name, name, RRType.ANY, RRType.ANY, looked);
  const found: Found = { rrs: [], known: here.known, denied: false };
  if (question.type !== RRType.NSEC || here.rrs.length === 0) return found;
  const types = here.rrs.map(({ rr }) => rr.type);
  const ttlSeconds = Math.min(...here.rrs.map(({ rr }) => rr.ttlSeconds));
  const rr = nsecFor(question.name, types, ttlSeconds);
  if (rr === undefined) return found;
  const expiresAt = here.rrs.reduce((end, one) => earliest(end, one.expiresAt)!, never);
  return { ...found, rrs: [{ rr, expiresAt, isUnique: true }] };
}

/** The visible records of one name and type, without following anything. */
export function rrsAt(
  at: Vantage,
  owner: Name,
  name: Name | undefined,
  type: number,
  askedType: number,
  looked: (name: Name) => void,
): { readonly rrs: readonly VisibleRR[]; readonly known: boolean } {
  const { records } = at.tables;
  const rrs = records.find(owner, type).map(staticRR);
  if (name === undefined || records.owns(owner)) return { rrs, known: rrs.length > 0 };
  looked(name);
  const statics = new Set(records.find(owner, RRType.ANY).map((rr) => rr.type));
  const heard = [...at.view.find(name, type), ...addedPtrs(at, name, type, looked)].filter(
    ({ rr }) => !withheldTypes.includes(rr.type) && !statics.has(rr.type),
  );
  for (const one of heard) {
    if (leadsToHidden(at.zone.link.services, one.rr) || !isUsable(at, one.rr, looked)) continue;
    const added = translatedTxt(at.zone.link.translate, one.rr);
    const rr = rewriteRR(at.zone, added, owner, askedType, at.counts);
    if (rr === undefined) continue;
    rrs.push({ rr, expiresAt: one.expiresAt, isUnique: one.isUnique, heard: one.rr });
  }
  return { rrs: distinct(rrs), known: rrs.length > 0 || heard.length > 0 };
}

/** PTRs of an added subtype, made from those of the base type. */
function addedPtrs(
  at: Vantage,
  name: Name,
  type: number,
  looked: (name: Name) => void,
): readonly HeardRR[] {
  const { translate } = at.zone.link;
  if (type !== RRType.PTR && type !== RRType.ANY) return [];
  const base = addedSubtypeBase(translate, name);
  if (base === undefined) return [];
  looked(base);
  return at.view
    .find(base, RRType.PTR)
    .filter(({ rr }) => rr.rdata.kind === "ptr" && isAddedTo(translate, name, rr.rdata.target))
    .map((one) => ({ ...one, rr: { ...one.rr, name } }));
}

function staticRR(rr: RR): VisibleRR {
  return { rr, expiresAt: never, isUnique: true };
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
