// One search for the zone of a link (UP-3, UP-4): for each of its networks the five
// enumeration names below the reverse name of the network's base address, in one
// order up to the first answer; then, where the zone may come from them, the browse
// lists of the domains that this host is in. A function of what is known: it is run
// again with every answer, and asks on the way for what it misses.

import type { Prefix } from "../address.js";
import { baseName } from "../proxy/reverse.js";
import { RRType } from "../wire/codes.js";
import { displayName, isWithin, type Name, nameOf, parentName, under } from "../wire/name.js";
import { type Delegation, findDelegation, type Self } from "./delegation.js";
import { type Bounds, unfitness } from "./fitness.js";
import { isGenerated } from "./generated.js";
import type { Subject, Surroundings } from "./learned.js";
import { addressesMax, candidatesMax, domainsMax, namesMax, networksMax } from "./limits.js";
import { type Look, targetsAt } from "./look.js";

/** The enumeration names in the order in which they are asked for. */
export const kinds = ["dr", "r", "db", "b", "lb"] as const;

const local = nameOf(["local"]);

export interface Found {
  readonly kind: "found";
  readonly zone: Name;
  readonly record: Name;
  /** Undefined in mode 'update', where others have the zone. */
  readonly delegation: Delegation | undefined;
}

/** What the DNS says of one network. */
export type NetworkResult =
  | Found
  | { readonly kind: "refused"; readonly zone: Name; readonly record: Name; readonly why: string }
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly record: Name };

export interface SearchResult {
  readonly networks: readonly (readonly [Prefix, NetworkResult])[];
  /** Zones in lists of domains that are delegated to this host; undefined: nobody could say. */
  readonly listed: readonly Found[] | undefined;
  /** The resolver refuses some of this: it is there, and will not say more later. */
  readonly isDenied: boolean;
  /** Domains whose lists were read, and how each was found. */
  readonly domains: readonly Domain[];
}

/** A domain that this host is in. */
export interface Domain {
  readonly name: Name;
  readonly via: readonly Way[];
}

export type Way = "hostname" | "resolv.conf" | "address-ptr";

/** What every part of a search needs. */
interface Work {
  readonly look: Look;
  readonly subject: Subject;
  readonly bounds: Bounds;
  readonly self: Self;
}

/**
 * Goes as far as it can with what is known.
 *
 * @param search  the search domains of the system
 * @returns undefined while answers are awaited
 */
export function searchLink(
  look: Look,
  subject: Subject,
  { hostname, addresses, outside }: Surroundings,
  search: readonly Name[],
): SearchResult | undefined {
  const isProxy = subject.mode === "proxy";
  const bounds = isProxy ? { outside, within: undefined } : { outside: [], within: subject.within };
  // Everything asks before anything is waited for.
  const names = isProxy ? hostNames(look, subject) : [];
  const self = { names: [hostname, ...(names ?? [])], addresses };
  const work = { look, subject, bounds, self };
  const networks: (readonly [Prefix, NetworkResult])[] = [];
  const searched = subject.networks.slice(0, networksMax);
  for (const network of searched) {
    const result = searchNetwork(work, network);
    if (result !== undefined) networks.push([network, result]);
  }
  if (networks.length < searched.length || names === undefined) return undefined;
  const { isDenied } = look;
  const has = (kind: NetworkResult["kind"]) => networks.some(([, one]) => one.kind === kind);
  if (!isProxy || !subject.takesListed || has("found")) {
    return { networks, isDenied, listed: [], domains: [] };
  }
  // Servers that answer for nothing else will not for lists.
  if (networks.length > 0 && networks.every(([, { kind }]) => kind === "failed")) {
    return { networks, isDenied, listed: undefined, domains: [] };
  }
  const domains = domainsOf(hostname, search, names);
  const listed = searchDomains(work, domains);
  if (listed === undefined) return undefined;
  return { networks, isDenied, listed: listed === "failed" ? undefined : listed, domains };
}

/** What the addresses of this host are called; one that nobody can say has no name. */
function hostNames(look: Look, { addresses }: Subject): readonly Name[] | undefined {
  const found: Name[] = [];
  let isAwaited = false;
  for (const address of addresses.slice(0, addressesMax)) {
    const name = baseName({ address, length: address.bytes.length * 8 });
    const reply = look.find({ name, type: RRType.PTR });
    if (reply === undefined) isAwaited = true;
    else if (reply !== "failed") found.push(...targetsAt(reply, name).slice(0, namesMax));
  }
  return isAwaited ? undefined : found;
}

/** The first kind that has an answer decides, be it of use or not. */
function searchNetwork(work: Work, network: Prefix): NetworkResult | undefined {
  const base = baseName(network);
  for (const kind of kinds) {
    const record = under([kind, "_dns-sd", "_udp"], base);
    const reply = work.look.find({ name: record, type: RRType.PTR });
    if (reply === undefined) return undefined;
    // A name that might be there and come first: what stands behind it is not known to count.
    if (reply === "failed") return { kind: "failed", record };
    const targets = targetsAt(reply, record);
    if (targets.length > 0) return choose(work, targets, record);
  }
  return { kind: "none" };
}

/** One of the names: the first that this host has by delegation, else the first that will do. */
function choose(work: Work, targets: readonly Name[], record: Name): NetworkResult | undefined {
  const fit = targets.filter((zone) => unfitness(zone, work.bounds) === undefined);
  const [first] = fit;
  if (first === undefined) {
    const zone = targets[0] as Name;
    return { kind: "refused", zone, record, why: unfitness(zone, work.bounds) as string };
  }
  if (work.subject.mode === "update") {
    const { networks } = work.subject;
    // What discd has put on the list itself gives way to what somebody else has.
    const zone = fit.find((one) => !isGenerated(one, networks)) ?? first;
    return { kind: "found", zone, record, delegation: undefined };
  }
  const judged: Found[] = [];
  let isAwaited = false;
  for (const zone of fit.slice(0, candidatesMax)) {
    const delegation = findDelegation(work.look, zone, work.self);
    if (delegation === undefined) isAwaited = true;
    else judged.push({ kind: "found", zone, record, delegation });
  }
  if (isAwaited) return undefined;
  const best =
    judged.find(({ delegation }) => delegation === "ours") ??
    judged.find(({ delegation }) => delegation !== "others");
  if (best !== undefined) return best;
  const why = "its parent zone names other servers for it, and not this host";
  return { kind: "refused", zone: first, record, why };
}

/** The domains of this host: of its name, of resolv.conf, of the names of its addresses. */
function domainsOf(hostname: Name, search: readonly Name[], names: readonly Name[]): Domain[] {
  const found = new Map<string, { name: Name; via: Way[] }>();
  const add = (name: Name, way: Way) => {
    if (name.labels.length === 0 || isWithin(name, local)) return;
    const known = found.get(name.key) ?? { name, via: [] };
    if (!known.via.includes(way)) known.via.push(way);
    found.set(name.key, known);
  };
  add(parentName(hostname), "hostname");
  for (const name of search) add(name, "resolv.conf");
  for (const name of names) add(parentName(name), "address-ptr");
  return [...found.values()].slice(0, domainsMax);
}

/** Zones in the domains' browse lists that are delegated to this host. */
function searchDomains(
  work: Work,
  domains: readonly Domain[],
): readonly Found[] | "failed" | undefined {
  const candidates = new Map<string, { zone: Name; record: Name }>();
  let isAwaited = false;
  let hasFailed = false;
  for (const { name } of domains) {
    const record = listOf(name);
    const reply = record && work.look.find({ name: record, type: RRType.PTR });
    if (record === undefined) continue;
    if (reply === undefined) isAwaited = true;
    else if (reply === "failed") hasFailed = true;
    else {
      for (const zone of targetsAt(reply, record).slice(0, candidatesMax)) {
        // A domain lists itself among those below it.
        if (zone.key === name.key || unfitness(zone, work.bounds) !== undefined) continue;
        if (!candidates.has(zone.key)) candidates.set(zone.key, { zone, record });
      }
    }
  }
  if (isAwaited) return undefined;
  const listed: Found[] = [];
  for (const { zone, record } of [...candidates.values()].slice(0, candidatesMax)) {
    const delegation = findDelegation(work.look, zone, work.self);
    if (delegation === undefined) isAwaited = true;
    else if (delegation === "unknown") hasFailed = true;
    else if (delegation === "ours") listed.push({ kind: "found", zone, record, delegation });
  }
  if (isAwaited) return undefined;
  return hasFailed && listed.length === 0 ? "failed" : listed;
}

/** @returns undefined for a domain whose list would have too long a name */
function listOf(domain: Name): Name | undefined {
  return domain.key.length > 200 ? undefined : under(["b", "_dns-sd", "_udp"], domain);
}

/** The records that would name the zone of a network, for people. */
export function wantedRecord(network: Prefix): string {
  return displayName(under(["lb", "_dns-sd", "_udp"], baseName(network)));
}
