// Under which names a link in mode 'update' is published: the one that is written,
// the one that the DNS names, or one made of its networks (UP-3, UP-6); one for the
// link, or one for each of its subnets (UP-2). Whether anything may be changed there
// is published.ts's to say.

import { formatPrefix, type Prefix } from "../address.js";
import { isGenerated, networkLabel } from "../learn/generated.js";
import type { LearnedLink } from "../learn/learned.js";
import type { PublishedZone } from "../update/options.js";
import { isWithin, type Name, parentName, under } from "../wire/name.js";

/** One name under which a link, or a subnet of it, is published. */
export interface PlannedSubdomain
  extends Pick<PublishedZone, "source" | "domain" | "subnet" | "networks"> {
  readonly name: Name;
}

/** What the names of one link are made of. */
export interface SubdomainFacts {
  /** As the file says it; undefined: it says nothing. */
  readonly written: Name | undefined;
  readonly isPerSubnet: boolean;
  /** Of the interface, host bits zero, none of them link-local. */
  readonly networks: readonly Prefix[];
  /** `domain` as written. */
  readonly domain: Name | undefined;
  /** Parent of generated names. */
  readonly parent: Name;
  /** What the DNS says of the link; undefined: it was not asked. */
  readonly learned: LearnedLink | undefined;
}

/**
 * None where nothing is written and the interface has no network yet, or the DNS has not said
 * what it is called: whoever generates a name too soon publishes everything twice.
 *
 * @throws FormatError when a name would be too long
 */
export function planSubdomains(facts: SubdomainFacts): readonly PlannedSubdomain[] {
  const { written, isPerSubnet, networks, learned } = facts;
  if (written === undefined && learned !== undefined) return planLearned(facts, learned);
  if (isPerSubnet) {
    // Below a written name the subnets are told apart by their own labels.
    return networks.map((subnet) => ({ ...generated(facts, subnet), subnet, networks: [subnet] }));
  }
  if (written !== undefined) {
    return [{ name: written, source: "config", domain: domainOf(facts, written), networks }];
  }
  const first = networks.find(({ address }) => address.family === "ipv4") ?? networks[0];
  return first === undefined ? [] : [{ ...generated(facts, first), networks }];
}

/** Learned names, and generated ones where a search has found that there is none. */
function planLearned(
  facts: SubdomainFacts,
  { hasEnded, networks: searched }: LearnedLink,
): readonly PlannedSubdomain[] {
  const { isPerSubnet, networks } = facts;
  if (!isPerSubnet) {
    const zones = searched.flatMap(({ name }) => name?.zone ?? []);
    const zone = zones.find((one) => !isGenerated(one, networks));
    if (zone !== undefined) return [learnedAs(facts, zone)];
    return hasEnded ? planSubdomains({ ...facts, learned: undefined }) : [];
  }
  return networks.flatMap((subnet): readonly PlannedSubdomain[] => {
    const key = formatPrefix(subnet);
    const found = searched.find(({ network }) => formatPrefix(network) === key);
    const zone = found?.name?.zone;
    if (zone !== undefined && !isGenerated(zone, networks))
      return [{ ...learnedAs(facts, zone), subnet }];
    if (found === undefined || (!found.hasEnded && zone === undefined)) return [];
    return [{ ...generated(facts, subnet), subnet, networks: [subnet] }];
  });
}

/** UP-7: where the name comes from the list below the network's name, nothing is added to it. */
function learnedAs(facts: SubdomainFacts, zone: Name): PlannedSubdomain {
  return { name: zone, source: "ptr", domain: domainOf(facts, zone), networks: [] };
}

function generated({ written, parent }: SubdomainFacts, network: Prefix) {
  const domain = written ?? parent;
  const name = under([networkLabel(network)], domain);
  return { name, source: "generated" as const, domain };
}

/** Where lists and SRVs for several subdomains stand: never in a top-level domain. */
function domainOf({ domain }: SubdomainFacts, subdomain: Name): Name | undefined {
  if (domain !== undefined && domain.key !== subdomain.key && isWithin(subdomain, domain)) {
    return domain;
  }
  const parent = parentName(subdomain);
  return parent.labels.length < 2 ? undefined : parent;
}
