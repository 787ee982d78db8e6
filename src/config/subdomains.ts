// Under which names a link in mode 'update' is published: the one that is written,
// or one made of its networks (UP-6); one for the link, or one for each of its
// subnets (UP-2). Whether anything may be changed there is published.ts's to say.

import type { Prefix } from "../address.js";
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
}

/**
 * None where nothing is written and the interface has no network yet.
 *
 * @throws FormatError when a name would be too long
 */
export function planSubdomains(facts: SubdomainFacts): readonly PlannedSubdomain[] {
  const { written, isPerSubnet, networks } = facts;
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

function generated({ written, parent }: SubdomainFacts, network: Prefix) {
  const domain = written ?? parent;
  const name = under([networkLabel(network)], domain);
  return { name, source: "generated" as const, domain };
}

/**
 * UP-6: all of an IPv4 network's address in hexadecimal, and of an IPv6 one's the octets that
 * the prefix reaches into: `cb007100`, `20010db800010002`.
 */
export function networkLabel({ address, length }: Prefix): string {
  const octets = address.family === "ipv4" ? 4 : Math.max(1, Math.ceil(length / 8));
  return Buffer.from(address.bytes.subarray(0, octets)).toString("hex");
}

/** Where lists and SRVs for several subdomains stand: never in a top-level domain. */
function domainOf({ domain }: SubdomainFacts, subdomain: Name): Name | undefined {
  if (domain !== undefined && domain.key !== subdomain.key && isWithin(subdomain, domain)) {
    return domain;
  }
  const parent = parentName(subdomain);
  return parent.labels.length < 2 ? undefined : parent;
}
