// Where the walk to a zone begins: at a server that was given, else at the root as
// the system's resolver knows it, else at the zone above as it does.

import { formatAddress } from "../address.js";
import type { Server } from "../os/resolv-conf.js";
import { type Resolver, ResolverError } from "../os/resolver.js";
import { RRType } from "../wire/codes.js";
import { equalNames, isWithin, type Name, parentName, rootName } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { type Host, hostsMax, referralOf, type Walk, walkTo } from "./delegation-walk.js";

export interface Guide {
  /** `--server`; undefined: from the root down. */
  readonly parent?: Server;
  /** Knows addresses of names, and the root. */
  readonly resolver: Resolver;
  readonly listsAt?: Name;
  /** Milliseconds for one question. */
  readonly patience: number;
}

/** Without an answer: nothing. */
async function records(resolver: Resolver, name: Name, type: number): Promise<readonly RR[]> {
  try {
    const { message } = await resolver.ask(name, type);
    return message.answers.filter((rr) => rr.type === type);
  } catch (error) {
    if (error instanceof ResolverError) return [];
    throw error;
  }
}

async function addressesOf(resolver: Resolver, name: Name): Promise<readonly string[]> {
  const both = await Promise.all(
    [RRType.A, RRType.AAAA].map((type) => records(resolver, name, type)),
  );
  return both.flat().flatMap(({ rdata }) => {
    if (rdata.kind === "a") return [formatAddress({ family: "ipv4", bytes: rdata.address })];
    return rdata.kind === "aaaa" ? [formatAddress({ family: "ipv6", bytes: rdata.address })] : [];
  });
}

/** The name servers of a zone, as a resolver knows them. */
async function serversOf(resolver: Resolver, zone: Name): Promise<Host[]> {
  const rrs = await records(resolver, zone, RRType.NS);
  const names = rrs.flatMap(({ rdata }) => (rdata.kind === "ns" ? [rdata.target] : []));
  const hosts = names.slice(0, hostsMax).map(async (name) => {
    const addresses = await addressesOf(resolver, name);
    return addresses.map((address) => ({ address, port: 53, name }));
  });
  // One address of each comes before the second one of any.
  const found = await Promise.all(hosts);
  const most = Math.max(0, ...found.map((one) => one.length));
  return Array.from({ length: most }, (_, at) => found.flatMap((one) => one.slice(at, at + 1)))
    .flat()
    .slice(0, hostsMax);
}

/** The closest zone above a name that the resolver knows name servers of. */
async function above(
  resolver: Resolver,
  child: Name,
): Promise<{ zone: Name; start: Host[] } | undefined> {
  for (let zone = parentName(child); zone.labels.length > 0; zone = parentName(zone)) {
    const start = await serversOf(resolver, zone);
    if (start.length > 0) return { zone, start };
  }
  return undefined;
}

const hasCut = ({ steps, child }: Walk): boolean =>
  steps.at(-1)?.asked.some(({ told }) => {
    const referral = referralOf(told, child);
    return referral !== undefined && equalNames(referral.cut, child);
  }) === true;

/**
 * Goes the way to a zone. Where nothing leads there from the root, as for names that only one's own
 * resolvers know, the zone above is looked for by them.
 *
 * @returns undefined when there is nobody to begin with
 */
export async function guidedWalk(child: Name, guide: Guide): Promise<Walk | undefined> {
  const { parent, resolver, patience, listsAt } = guide;
  const options = {
    addresses: (name: Name) => addressesOf(resolver, name),
    patience,
    ...(listsAt !== undefined && isWithin(child, listsAt) ? { listsAt } : {}),
  };
  if (parent !== undefined) return walkTo(child, { ...options, start: [parent] });
  const start = await serversOf(resolver, rootName);
  const walked =
    start.length === 0 ? undefined : await walkTo(child, { ...options, start, zone: rootName });
  if (walked !== undefined && hasCut(walked)) return walked;
  const nearer = await above(resolver, child);
  if (nearer === undefined) return walked;
  const again = await walkTo(child, { ...options, ...nearer });
  return walked === undefined || hasCut(again) ? again : walked;
}
