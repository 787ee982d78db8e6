// Zones that the DNS names for links (src/learn/): which of them are taken into
// use, and which interfaces it is asked about. What is written in the file goes
// first, and no zone has two links.

import { type Address, contains } from "../address.js";
import { unfitness } from "../learn/fitness.js";
import type { LearnedLink, LearnedName, Subject } from "../learn/learned.js";
import { displayName, type Name } from "../wire/name.js";
import type { PlannedLink } from "./links.js";
import { canBeLink, networksOf, type PresentInterface } from "./match.js";
import type { OwnNames } from "./own-names.js";
import type { UpdatedLink } from "./published.js";
import type { Where } from "./report.js";
import type { Written, WrittenInterface } from "./schema.js";

/** What the DNS says, as far as it can be used, by interface. */
export interface LearnedZones {
  /** The zone of a link in mode 'proxy'; the first of two links that are named the same has it. */
  take(link: string): LearnedName | undefined;
  /** All that is known of a link; undefined where the DNS is not asked. */
  of(link: string): LearnedLink | undefined;
}

interface Known {
  readonly written: Written;
  readonly names: OwnNames;
  readonly hasDemo: boolean;
  /** Undefined: the DNS is not asked. */
  readonly learned: readonly LearnedLink[] | undefined;
  readonly at: (path: string) => Where;
}

export function learnedZones({ written, names, hasDemo, learned, at }: Known): LearnedZones {
  const owners = new Map(claimedZones(written).map(({ key }) => [key, "the configuration"]));
  if (hasDemo) owners.set(names.demo.key, "the demo link");
  const bounds = { outside: outsideOf(written, names), within: undefined };
  return {
    of(link) {
      const unknown = { link, hasEnded: false, networks: [] };
      return learned && (learned.find((one) => one.link === link) ?? unknown);
    },
    take(link) {
      const name = learned?.find((one) => one.link === link)?.name;
      if (name === undefined) return undefined;
      const owner = owners.get(name.zone.key);
      const shown = displayName(name.zone);
      const refuse = (why: string) => {
        const where = at("");
        const text = `interface ${link} does not get ${shown}, which ${displayName(name.record)}`;
        where.report.warning(where, `${text} names for it: ${why}`);
        return undefined;
      };
      const why = unfitness(name.zone, bounds);
      if (why !== undefined) return refuse(why);
      if (owner !== undefined && owner !== link) return refuse(`${owner} has it already`);
      owners.set(name.zone.key, owner ?? `interface ${link}`);
      return name;
    },
  };
}

/** Every zone that a file names, for whatever link. */
export function claimedZones({ interfaces, zones }: Written): readonly Name[] {
  return [
    ...zones,
    ...interfaces.flatMap(({ subdomain, hosts, aliases }) => [
      ...(hosts === undefined ? [] : [hosts]),
      ...aliases,
      ...subdomainsIn(subdomain),
    ]),
  ];
}

function subdomainsIn(written: Written["interfaces"][number]["subdomain"]): readonly Name[] {
  if (written === undefined || written === false) return [];
  if (!("byInterface" in written)) return [written];
  return written.byInterface.flatMap(({ subdomain }) => subdomain || []);
}

/** Names of servers, which no zone served here may hold. */
export const outsideOf = (written: Written, { hostname }: OwnNames): readonly Name[] => [
  hostname,
  ...written.nameservers,
];

/** Whether nobody wrote which zone an interface gets. */
export function isOpen({ disable, subdomain }: WrittenInterface, name: string): boolean {
  if (disable || subdomain === undefined) return !disable;
  if (subdomain === false || !("byInterface" in subdomain)) return false;
  const given = subdomain.byInterface.find((one) => one.interface === name);
  return given !== undefined && given.subdomain === undefined;
}

/** The links that the DNS is asked about: those whose zone nobody wrote, and unlisted ones. */
export function searchedLinks(
  planned: readonly PlannedLink[],
  updated: readonly UpdatedLink[],
  interfaces: readonly PresentInterface[],
  hasFile: boolean,
): readonly Subject[] {
  const listed = planned.filter(({ isUnlisted }) => isUnlisted !== true);
  const subjects = listed.flatMap((one): Subject[] => {
    const { name, entry, present } = one;
    if (name === undefined || present === undefined || !canBeLink(present)) return [];
    const { within = [] } = updated.find(({ planned: own }) => own === one) ?? {};
    return isOpen(entry, name) ? [{ ...subjectOf(present), mode: entry.mode, within }] : [];
  });
  const known = new Set(listed.flatMap(({ present }) => present?.name ?? []));
  // One that is down keeps its last networks, and is called the same when it is up again.
  const others = interfaces.filter((one) => canBeLink(one) && !known.has(one.name));
  const unlisted = others.map(subjectOf).filter(({ networks }) => networks.length > 0);
  return [...subjects, ...unlisted.map((one) => ({ ...one, takesListed: !hasFile }))];
}

function subjectOf(one: PresentInterface): Subject {
  return {
    link: one.name,
    mode: "proxy",
    networks: networksOf(one),
    addresses: addressesOf(one),
    within: [],
    takesListed: true,
  };
}

/** Addresses by which others know this host: those of loopback and of one link alone are not. */
export function addressesOf(one: PresentInterface): readonly Address[] {
  const networks = networksOf(one);
  const addresses = one.addresses.map(({ address }) => address);
  return addresses.filter((own) => networks.some((network) => contains(network, own)));
}
