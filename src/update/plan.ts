// What has to be said to a zone so that it holds what is wanted at some names:
// the smallest update, and what must be true for it not to harm anybody else's
// records (UP-57 to UP-60, TO-12 to TO-19). Looks at the two states, wanted and
// known; changes neither.

import { RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import { equalNames } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { type HeldRR, type Ledger, type Life, livesUnder, type Place } from "./ledger.js";
import { expiryOf, type Lifetime, timeoutFor } from "./lifetime.js";
import { change, demand, type UpdateContent } from "./messages.js";
import { type OfferedRR, type RecordKey, recordKey } from "./offer.js";
import type { Extent, Wanted, WantedRR } from "./wanted.js";

/** Everything a plan depends on. */
export interface Ground {
  /** Apex of the zone. */
  readonly zone: Name;
  readonly wanted: Wanted;
  readonly ledger: Ledger;
  readonly lifetime: Lifetime;
  /** TIMEOUTs of ours stay where they are, though maybe no new ones are written. */
  readonly keepsLives: boolean;
  readonly timeoutType: number;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  /** Whether an offer is kept out: what only it wants is not wanted. */
  readonly isAside: (offer: string) => boolean;
  /** What was published before a restart and is not heard yet stays (UP-65). */
  readonly isGrace: boolean;
}

/** One unit of a message: it is carried out as a whole or not at all. */
export interface Plan extends UpdateContent {
  /** Records that are left to whoever else gave them a lifetime. */
  readonly disowned: readonly RR[];
  /** A name that is somebody else's: nothing of the unit may be published. */
  readonly conflict?: Name;
}

interface Draft {
  readonly prerequisites: RR[];
  readonly removals: RR[];
  readonly additions: RR[];
  readonly disowned: RR[];
  conflict?: Name;
}

/**
 * The plan for the names and shared records of an extent.
 *
 * @param planned  keys of what other units of the same message take care of; added to
 * @returns undefined when nothing has to be said
 */
export function planExtent(ground: Ground, extent: Extent, planned: Set<string>): Plan | undefined {
  const draft: Draft = { prerequisites: [], removals: [], additions: [], disowned: [] };
  const joint: Name[] = [];
  for (const [key, name] of extent.names) {
    if (planned.has(key)) continue;
    planName(ground, name, draft);
    if (draft.conflict !== undefined) {
      return isThere(ground, extent.names) ? undefined : { ...empty, conflict: draft.conflict };
    }
    if (isJoint(ground, name)) joint.push(name);
  }
  for (const [key, one] of extent.shared) {
    if (!planned.has(key)) planShared(ground, key, one, extent.names, joint, draft);
  }
  const updates = [...draft.removals, ...draft.additions];
  if (updates.length === 0 && draft.disowned.length === 0) return undefined;
  for (const key of [...extent.names.keys(), ...extent.shared.keys()]) planned.add(key);
  return { prerequisites: draft.prerequisites, updates, disowned: draft.disowned };
}

/**
 * Whether all that is wanted at some names stands there already, whoever wrote it: another proxy
 * without TIMEOUTs, say (UP-11). It stays theirs, and so do the PTRs that lead there.
 */
const isThere = (ground: Ground, names: Extent["names"]): boolean =>
  [...names.values()]
    .flatMap((name) => wantedAt(ground, name))
    .every(({ rr }) => ground.ledger.find(rr.name)?.records.has(recordKey(rr)) === true);

const empty: Plan = { prerequisites: [], updates: [], disowned: [] };

/** Whether somebody else keeps what stands at a name alive. */
function isJoint(ground: Ground, name: Name): boolean {
  const lives = [...(ground.ledger.find(name)?.lives.values() ?? [])];
  return lives.some((life) => isOthers(ground, life));
}

const isOthers = (ground: Ground, life: Life) => !life.isOwn && life.expiry > ground.nowSeconds;

/** A name that is ours alone, or ours and other proxies': host or instance. */
function planName(ground: Ground, name: Name, draft: Draft): void {
  const place = ground.ledger.find(name);
  const wanted = wantedAt(ground, name).filter(({ isShared }) => !isShared);
  if (place === undefined) {
    if (wanted.length === 0) return;
    if (ground.ledger.isServer(name)) {
      draft.conflict = name;
      return;
    }
    draft.prerequisites.push(demand.nameFree(name));
    for (const one of wanted) draft.additions.push(change.add(one.rr));
    addLives(ground, undefined, wanted, draft);
    return;
  }
  const isOurs = [...place.records.values()].some(({ isOwn }) => isOwn);
  const isTaken = place.isForeign || ground.ledger.isServer(name);
  if (place.isClosed || (isTaken && !isOurs)) {
    if (wanted.length > 0) draft.conflict = name;
    return;
  }
  planKnown(ground, place, wanted, draft);
}

function planKnown(ground: Ground, place: Place, wanted: readonly WantedRR[], draft: Draft): void {
  const before = draft.additions.length + draft.removals.length;
  const keys = new Set(wanted.map(({ rr }) => recordKey(rr)));
  const isKept =
    ground.isGrace &&
    wanted.length === 0 &&
    [...place.records.values()].some(({ isInherited }) => isInherited);
  const changed = new Set<number>();
  for (const [key, held] of place.records) {
    if (keys.has(key) || isKept || held.rr.type === RRType.PTR) continue;
    // The device has replaced it: whoever else wrote it hears the same, or will say it again.
    const isReplaced = wanted.some(({ rr }) => rr.type === held.rr.type);
    if (!held.isOwn && !(held.wasOwn && isReplaced)) continue;
    const lives = isReplaced ? [] : ground.ledger.livesOf(held.rr);
    if (lives.some((life) => isOthers(ground, life))) {
      draft.disowned.push(held.rr);
    } else {
      draft.removals.push(change.removeOne(held.rr));
      changed.add(held.rr.type);
    }
  }
  for (const { rr } of wanted) {
    const held = place.records.get(recordKey(rr));
    if (held === undefined) draft.additions.push(change.add(rr));
    else if (!held.isOwn) draft.additions.push(change.add(rr));
    // Knot keeps the old TTL unless the record goes first (UP-29).
    else if (held.rr.ttlSeconds !== rr.ttlSeconds) {
      draft.removals.push(change.removeOne(held.rr));
      draft.additions.push(change.add(rr));
    } else continue;
    changed.add(rr.type);
  }
  if (!isKept) removeLives(ground, place, wanted, draft);
  addLives(ground, place, wanted, draft);
  const isChanged = draft.additions.length + draft.removals.length > before;
  if (isChanged) demandAsKnown(ground, place, wanted, changed, draft);
}

/** What must not have changed since we looked: otherwise the name is read again first. */
function demandAsKnown(
  ground: Ground,
  place: Place,
  wanted: readonly WantedRR[],
  changed: ReadonlySet<number>,
  draft: Draft,
): void {
  const lives = [...place.lives.values()].map(({ rr }) => rr);
  const rrs = [...place.records.values()].map(({ rr }) => rr);
  if (wanted.length === 0) {
    // Who removes the last of a name must know of everybody who still wants it.
    if (lives.length > 0) draft.prerequisites.push(...demand.setIs(lives));
    return;
  }
  const isNew = rrs.every((rr) => !changed.has(rr.type));
  if (lives.length > 0 && (isNew || rrs.length === 0)) {
    draft.prerequisites.push(demand.setExists(place.name, ground.timeoutType));
  }
  for (const type of changed) {
    const set = rrs.filter((rr) => rr.type === type);
    draft.prerequisites.push(...demand.setIs(set));
  }
}

/** One PTR among others' (UP-60): single records, and no prerequisite. */
function planShared(
  ground: Ground,
  key: RecordKey,
  one: OfferedRR,
  names: Extent["names"],
  joint: readonly Name[],
  draft: Draft,
): void {
  const wanted = wantedNow(ground, key);
  const place = ground.ledger.find(one.rr.name);
  const held = place?.records.get(key);
  if (place?.isClosed) {
    if (wanted !== undefined) draft.conflict = one.rr.name;
    return;
  }
  if (wanted !== undefined) {
    if (wanted.isSpared && held !== undefined && isPermanent(ground, held)) return;
    if (held?.isOwn !== true) draft.additions.push(change.add(wanted.rr));
    else if (!ground.keepsLives) removeOwnLives(ground, held.rr, draft);
    addLives(ground, place, [wanted], draft);
  } else if (held?.isOwn === true && !(ground.isGrace && held.isInherited)) {
    leaveShared(ground, held, names, joint, draft);
  }
}

/** Somebody else's, and meant to stay. */
function isPermanent({ ledger }: Ground, { rr, isOwn, wasOwn }: HeldRR): boolean {
  return !isOwn && !wasOwn && ledger.livesOf(rr).length === 0;
}

/** What is wanted by nobody but offers that are set aside is not wanted. */
export function wantedNow(ground: Ground, key: RecordKey): WantedRR | undefined {
  const known = ground.wanted.find(key);
  return known !== undefined && isWanted(ground, known) ? known : undefined;
}

/** The same, of a whole name. */
export const wantedAt = (ground: Ground, name: Name): readonly WantedRR[] =>
  ground.wanted.at(name).filter((one) => isWanted(ground, one));

function isWanted({ isAside }: Ground, { offers }: WantedRR): boolean {
  for (const offer of offers) if (!isAside(offer)) return true;
  return false;
}

function leaveShared(
  ground: Ground,
  held: HeldRR,
  names: Extent["names"],
  joint: readonly Name[],
  draft: Draft,
): void {
  const { rr } = held;
  const target = rr.rdata.kind === "ptr" ? rr.rdata.target : undefined;
  if (target !== undefined && names.has(target.key)) {
    // It goes with the name that it leads to; that one's prerequisite guards both.
    if (joint.some((name) => equalNames(name, target))) draft.disowned.push(rr);
    else draft.removals.push(change.removeOne(rr));
  } else if (ground.ledger.livesOf(rr).some((life) => isOthers(ground, life))) {
    // Nothing guards it: if the others leave it to us at this moment, our TIMEOUT has to end it.
    draft.disowned.push(rr);
    return;
  } else draft.removals.push(change.removeOne(rr));
  removeOwnLives(ground, rr, draft);
}

function removeOwnLives(ground: Ground, rr: RR, draft: Draft): void {
  for (const life of ground.ledger.livesOf(rr)) {
    if (life.isOwn) draft.removals.push(change.removeOne(life.rr));
  }
}

/**
 * TO-13: of types that nothing of ours is left of. What others wrote is expired, not removed; and
 * a TIMEOUT of ours that covers what somebody has left to it stays, or that would live for ever.
 */
function removeLives(
  ground: Ground,
  place: Place,
  wanted: readonly WantedRR[],
  draft: Draft,
): void {
  const left = new Set(wanted.map(({ lifeKey }) => lifeKey));
  const removed = new Set(draft.removals.map(recordKey));
  const isLeft = (type: number) =>
    [...place.records].some(([key, { rr }]) => rr.type === type && !removed.has(key));
  for (const life of place.lives.values()) {
    const type = Number.parseInt(life.keys[0] ?? "", 10);
    if (!life.isOwn || type === RRType.PTR) continue;
    if (life.keys.some((key) => left.has(key))) {
      if (!ground.keepsLives) draft.removals.push(change.removeOne(life.rr));
      continue;
    }
    const others = livesUnder(place, life.keys[0] ?? "");
    const isCovered = others.some((other) => isOthers(ground, other));
    if (!isLeft(type) || isCovered) draft.removals.push(change.removeOne(life.rr));
  }
}

/** TO-12, TO-15: for what is wanted and has no lifetime of ours yet. */
function addLives(
  ground: Ground,
  place: Place | undefined,
  wanted: readonly WantedRR[],
  draft: Draft,
): void {
  if (ground.lifetime !== "timeout") return;
  for (const [key, one] of longestLives(wanted)) {
    const there = place === undefined ? [] : livesUnder(place, key);
    if (there.some((life) => life.isOwn && life.keys.length === 1)) continue;
    const expiry = expiryOf(ground.nowSeconds, one.deviceTtlSeconds);
    draft.additions.push(change.add(timeoutFor(one.rr, expiry, ground.timeoutType)));
  }
}

/** Records by the TIMEOUT that they live under: of each, the one that lives longest. */
export function longestLives(wanted: readonly WantedRR[]): ReadonlyMap<string, WantedRR> {
  const longest = new Map<string, WantedRR>();
  for (const one of wanted) {
    const known = longest.get(one.lifeKey)?.deviceTtlSeconds ?? -1;
    if (one.deviceTtlSeconds > known) longest.set(one.lifeKey, one);
  }
  return longest;
}

/** TO-16: the exact old TIMEOUT goes, the new one comes; no prerequisite. */
export function planRenewal(ground: Ground, life: Life, one: OfferedRR): readonly RR[] {
  const expiry = expiryOf(ground.nowSeconds, one.deviceTtlSeconds);
  if (expiry === life.expiry) return [];
  const renewed = timeoutFor(one.rr, expiry, ground.timeoutType);
  return [change.removeOne(life.rr), change.add(renewed)];
}

/**
 * TO-19, TO-21: what has expired at a name and nobody renews. Only records that we wrote once,
 * or that another proxy wrote beside ours, so that nobody's TIMEOUT can make us delete others'.
 */
export function planExpired(ground: Ground, place: Place): UpdateContent | undefined {
  if (place.isClosed) return undefined;
  // Where lives are written, a record of ours without any was orphaned: by a backup, as a rule.
  if (place.lives.size === 0 && ground.lifetime !== "timeout") return undefined;
  const held = [...place.records.values()];
  const isOurs = held.some(({ isOwn, wasOwn }) => isOwn || wasOwn) || hasOwnLife(place);
  if (!isOurs) return undefined;
  const wanted = new Set(wantedAt(ground, place.name).map(({ lifeKey }) => lifeKey));
  const passed = [...place.lives.values()].filter(({ expiry, isOwn, keys }) => {
    // Our own are renewed, not removed, as long as anybody wants what they are for.
    const isRenewed = isOwn && keys.some((key) => wanted.has(key));
    return keys.length > 0 && expiry <= ground.nowSeconds && !isRenewed;
  });
  const dead = held.filter((one) => isDead(ground, one, wanted));
  if (passed.length + dead.length === 0) return undefined;
  const all = [...place.lives.values()].map(({ rr }) => rr);
  const removals = [...dead.map(({ rr }) => rr), ...passed.map(({ rr }) => rr)];
  const prerequisites =
    all.length > 0 ? demand.setIs(all) : [demand.setMissing(place.name, ground.timeoutType)];
  return { prerequisites, updates: removals.map(change.removeOne) };
}

const hasOwnLife = ({ lives }: Place) => [...lives.values()].some(({ isOwn }) => isOwn);

/** Nobody who wrote a TIMEOUT for it keeps it alive; ours may cover it only by being for a type. */
function isDead(ground: Ground, held: HeldRR, wanted: ReadonlySet<string>): boolean {
  const { rr, isOwn, wasOwn, wasVouched } = held;
  if (isOwn) return false;
  const lives = ground.ledger.livesOf(rr);
  // What another proxy has left to a TIMEOUT of ours, we may never have seen come.
  const isLeftToUs = lives.some((life) => life.isOwn);
  if (!(wasOwn || wasVouched || isLeftToUs)) return false;
  if (wantedNow(ground, recordKey(rr)) !== undefined) return false;
  return lives.every(({ expiry, isOwn: isOurs, keys }) => {
    return expiry <= ground.nowSeconds || (isOurs && keys.some((key) => wanted.has(key)));
  });
}
