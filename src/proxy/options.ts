// What the proxy rules are told to do: the links that are served and under
// which zones, static records, browse lists, realms, access. Plain data, made
// by config/ and never changed; every name is absolute, every default is
// already filled in. Which combinations make no sense is said in check.ts.

import type { AddressList, Prefix } from "../address.js";
import type { Duration } from "../time.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";

/** The zones of one link (RFC 8766 §5.1 to §5.4). */
export interface LinkZones {
  readonly link: string;
  /** The rich-text zone: DNS-SD names live here. */
  readonly service: Name;
  /** The zone of host names; equal to `service` where none is configured. */
  readonly host: Name;
  /** More names of the service zone. Answers, host names too, stay under the name asked. */
  readonly aliases: readonly Name[];
  /** Prefixes whose reverse zones are delegated to us. */
  readonly reverse: readonly Prefix[];
}

/**
 * Which DNS-SD types of a link are shown: `allow` is tried first, then `deny`.
 * A pattern is a type such as `_ipp._tcp`, with the wildcards * and ?.
 */
export interface ServiceRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** For a type that is on neither list; not read when there is `otherwise`. */
  readonly default: "allow" | "deny";
  /** Rules to try next: a link's own rules come before the global ones. */
  readonly otherwise?: ServiceRules;
}

/** What is added to the records of matching instances (DP-78). */
export interface Translation {
  /** A type pattern, as in `ServiceRules`. */
  readonly type: string;
  /** A pattern of instance names; absent: every instance of the type. */
  readonly instance?: string;
  /** TXT keys to set; `true` is a key without a value (RFC 6763 §6.4). */
  readonly txt: Readonly<Record<string, string | true>>;
  /** Subtype labels, as in `_universal`, under which the instance is listed as well. */
  readonly subtypes: readonly string[];
}

/** A link whose zones are answered. */
export interface ServedLink extends LinkZones {
  /** Who may ask for this link's zones. */
  readonly allow: AddressList;
  readonly services: ServiceRules;
  readonly translate: readonly Translation[];
  /** The realm of the link's private addresses, if it is known. */
  readonly realm?: string;
  /** Longest wait for a first answer (RFC 8766 §5.6). */
  readonly wait: Duration;
  /** Browse questions: how much longer after the first answer. */
  readonly gather: Duration;
  /** Cap of every TTL in an ordinary answer (RFC 8766 §5.5.1). */
  readonly ttlSeconds: number;
  /** Withhold what no client elsewhere could use (RFC 8766 §5.5.2). */
  readonly suppress: boolean;
  /** Prefixes of the interface. */
  readonly networks: readonly Prefix[];
}

/** A named set of client addresses that share private address space. */
export interface Realm {
  readonly name: string;
  readonly prefixes: AddressList;
}

/** The five kinds of domain enumeration (RFC 6763 §11). */
export type BrowseKind = "b" | "db" | "r" | "dr" | "lb";

/** Domains per kind. An absent kind keeps its default; an empty list is NODATA. */
export type BrowseLists = { readonly [kind in BrowseKind]?: readonly Name[] };

/** Browse lists for some clients; kinds it leaves out are taken from the general ones. */
export interface ClientBrowse {
  readonly client: AddressList;
  readonly lists: BrowseLists;
}

export interface ProxyOptions {
  /** The daemon's own name: MNAME, NS and SRV targets. Outside every zone served. */
  readonly hostname: Name;
  /** RNAME: the administrator's mailbox as a name. */
  readonly contact: Name;
  /** Fellow proxies of the same links, for the NS sets. */
  readonly nameservers: readonly Name[];
  readonly links: readonly ServedLink[];
  /** Static records, class IN, inside some zone served here. */
  readonly records: readonly RR[];
  /** Apexes of zones that are answered from `records` alone. */
  readonly zones: readonly Name[];
  readonly browse?: BrowseLists;
  readonly browseFor: readonly ClientBrowse[];
  readonly realms: readonly Realm[];
  /** Who may ask, where a link does not say it. */
  readonly allow: AddressList;
  /** What happens to the others: REFUSED, or nothing at all. */
  readonly refuse: "answer" | "drop";
  /** Several addresses of one name leave in turn. */
  readonly rotate: boolean;
  readonly nsid?: Uint8Array;
  /**
   * Port of each metadata SRV (RFC 8766 §6.4) whose protocol is offered, by the
   * text before the zone: `_dns-push-tls._tcp`. The others are negative.
   */
  readonly offers?: ReadonlyMap<string, number>;
}
