// What the search is told of links, and what it finds out: plain values.

import type { Address, Prefix } from "../address.js";
import type { Name } from "../wire/name.js";

/** A link that has no zone of its own in the configuration. */
export interface Subject {
  readonly link: string;
  readonly mode: "proxy" | "update";
  /** The networks on it, host bits zero; link-local ones are not among them (UP-4). */
  readonly networks: readonly Prefix[];
  /** This host's addresses on it. */
  readonly addresses: readonly Address[];
  /** Mode 'update': where names have to be (UP-9). */
  readonly within: readonly Name[];
  /** Whether the zone may also come from the lists of domains, which name no network. */
  readonly takesListed: boolean;
}

/** All that a search depends on besides the DNS. */
export interface Surroundings {
  readonly subjects: readonly Subject[];
  /** This host's name. */
  readonly hostname: Name;
  /** This host's addresses on all interfaces: servers that have one of them are this host. */
  readonly addresses: readonly Address[];
  /** Names that no zone of mode 'proxy' may hold: this host's and those of fellow proxies. */
  readonly outside: readonly Name[];
  /** Zones that the configuration names already. */
  readonly claimed: readonly Name[];
}

/** A zone name and the record that it came from. */
export interface LearnedName {
  readonly zone: Name;
  /** The owner of the PTR record. */
  readonly record: Name;
}

export interface LearnedNetwork {
  readonly network: Prefix;
  /** It is known what the DNS says; in mode 'update' not where that may not be used. */
  readonly hasEnded: boolean;
  readonly name?: LearnedName;
}

/** What the DNS says of one link. */
export interface LearnedLink {
  readonly link: string;
  /** False: nobody knows yet what the DNS says. */
  readonly hasEnded: boolean;
  /** For the link as a whole: the name of its first network that has one. */
  readonly name?: LearnedName;
  readonly networks: readonly LearnedNetwork[];
}
