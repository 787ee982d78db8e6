// What one client sees of one question at this instant (RFC 8766 §5.5, §5.6):
// what sight.ts finds at the name, or at the end of its CNAMEs, or the NSEC
// made of it. Ordinary answers and subscriptions all look through here. TTLs
// are still the device's; ttl.ts caps them.

import { earliest } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { nsecFor } from "./negative.js";
import { toLink } from "./rewrite.js";
import { isHidden } from "./services.js";
import { never, type Place, rrsAt, targetOf } from "./sight.js";
import { type Sight, sightFrom, type Vantage } from "./tables.js";
import { addedSubtype } from "./translate.js";
import type { LinkQuestion, Visible, VisibleRR } from "./view.js";
import type { LinkZone } from "./zones.js";

/** CNAMEs followed for one question; a longer chain is the client's to follow. */
const chainMax = 8;

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
  const own = { name, type };
  const added = type === RRType.PTR ? addedSubtype(zone.link.translate, name) : undefined;
  return added === undefined ? [own] : [own, { name: added.base, type }];
}

/** What the client sees of a question inside a link's zone. */
export function visible(at: Vantage, question: Question): Visible {
  const sight = sightFrom(at);
  const name = toLink(at.zone, question.name);
  if (name === undefined || isHidden(at.zone.link.services, name)) {
    const { rrs, known } = rrsAt(sight, { owner: question.name }, question.type);
    return { rrs, known, denied: false, lookedUp: [] };
  }
  const isBuilt = question.type === RRType.NSEC || question.type === RRType.NSEC3;
  const place = { owner: question.name, name };
  const found = isBuilt
    ? builtNsec(sight, place, question.type)
    : chain(sight, place, question.type);
  return { ...found, lookedUp: [...sight.lookedUp.values()] };
}

type Found = Omit<Visible, "lookedUp">;

/** The records at the name, or the CNAMEs from there on (DP-44). */
function chain(at: Sight, start: Required<Place>, type: number): Found {
  const aliases: VisibleRR[] = [];
  const visited = new Set<string>();
  let place = start;
  while (aliases.length <= chainMax && !visited.has(place.name.key)) {
    visited.add(place.name.key);
    const end = endOfChain(at, place, type);
    const rrs = [...aliases, ...end.rrs];
    if (end.alias === undefined) {
      const { name } = place;
      const isOpen = aliases.length > 0 && !end.known && !end.denied;
      const open = isOpen ? { unresolved: { name, type } } : {};
      return { rrs, known: end.known || aliases.length > 0, denied: end.denied, ...open };
    }
    aliases.push(end.alias);
    const next = targetOf(at, end.alias);
    if (next === undefined) break;
    place = next;
  }
  return { rrs: aliases, known: true, denied: false };
}

interface End {
  readonly rrs: readonly VisibleRR[];
  readonly known: boolean;
  readonly denied: boolean;
  readonly alias?: VisibleRR;
}

/** What one name has to say to a type: records, a denial, nothing, or an alias instead. */
function endOfChain(at: Sight, place: Required<Place>, type: number): End {
  const { rrs, known } = rrsAt(at, place, type);
  // A host of the operator's own has what is written, and nothing else.
  const denied =
    !known && (at.view.denies(place.name, type) || at.tables.records.owns(place.owner));
  if (known) return { rrs, known, denied };
  const aliases = rrsAt(at, place, RRType.CNAME, type);
  // One alias at most: two at one name are a conflict on the link.
  const [alias] = aliases.rrs;
  if (alias !== undefined) return { rrs: [], known: true, denied: false, alias };
  return { rrs: [], known: aliases.known, denied };
}

/** One NSEC made of what the client sees at the name (DP-58 to DP-60); none for NSEC3 (DP-61). */
function builtNsec(at: Sight, place: Place, type: number): Found {
  const here = rrsAt(at, place, RRType.ANY);
  const found: Found = { rrs: [], known: here.known, denied: false };
  if (type !== RRType.NSEC || here.rrs.length === 0) return found;
  const types = here.rrs.map(({ rr }) => rr.type);
  const ttlSeconds = Math.min(...here.rrs.map(({ rr }) => rr.ttlSeconds));
  const rr = nsecFor(place.owner, types, ttlSeconds);
  if (rr === undefined) return found;
  const expiresAt = here.rrs.reduce((end, one) => earliest(end, one.expiresAt) ?? end, never);
  return { ...found, rrs: [{ rr, expiresAt, isUnique: true }] };
}
