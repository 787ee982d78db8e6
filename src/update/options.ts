// What update mode is told: the links whose records go into zones of other
// servers, under which name, and how that is done. Plain data, made by config/
// and never changed; every default is filled in.

import type { Prefix } from "../address.js";
import type { ServedLink } from "../proxy/options.js";
import { isWithin, type Name } from "../wire/name.js";
import type { TsigKey } from "../wire/tsig.js";
import type { Lifetime } from "./lifetime.js";
import type { PrimarySettings } from "./primary.js";

/** A key for zones at and below a name. */
export interface ZoneKey {
  readonly zone: Name;
  readonly key: TsigKey;
}

/** Whom we trust at the other end of TLS. */
export interface TlsTrust {
  /** The name that the certificate has to bear; absent: that of the server, as it was found. */
  readonly name?: string;
  /** Certificates of authorities in PEM; absent: the system's. */
  readonly ca?: string;
  /** SHA-256 of public keys in Base64; with any, nothing else is trusted. */
  readonly pins: readonly string[];
}

/** How one subdomain is published. */
export interface UpdateTarget {
  /** Where the records go: the name under which a link, or a subnet of it, is published. */
  readonly subdomain: Name;
  readonly primary: PrimarySettings;
  /** Where no name in `keys` covers a zone. */
  readonly key?: TsigKey;
  /** The longest name that covers a zone decides. */
  readonly keys: readonly ZoneKey[];
  /** Whether to go on where there is no key (UP-19). */
  readonly allowsUnauthenticated: boolean;
  readonly tls: TlsTrust;
  /** Undefined: whatever the server turns out to be good for. */
  readonly lifetime: Lifetime | undefined;
  /** Number of the TIMEOUT type, for which none is assigned. */
  readonly timeoutType: number;
  /** Write absolute times although nothing is known to keep the clock (TO-8). */
  readonly trustsClock: boolean;
  /** Whether everything is taken back at a clean stop. */
  readonly withdrawOnExit: boolean;
}

/** One inventory: a link, or one subnet of it (UP-1, UP-2). */
export interface PublishedZone {
  /** Rules and networks of the link, its zones being the subdomain; aliases are not read. */
  readonly served: ServedLink;
  /** Only addresses of this prefix, and services that have one (UP-10). */
  readonly subnet?: Prefix;
  /** Where the subdomain's name comes from (UP-6). */
  readonly source: "config" | "ptr" | "generated";
  /** The domain around the subdomain, where SRVs and lists for all subdomains may stand. */
  readonly domain: Name | undefined;
  /** Below whose reverse names the subdomain is to be listed (UP-7); none when it came by PTR. */
  readonly networks: readonly Prefix[];
  /** Cap of TTLs written. */
  readonly ttlSecondsMax: number;
  readonly target: UpdateTarget;
}

/** The key for messages about a zone; undefined when none is configured. */
export function keyFor({ key, keys }: UpdateTarget, zone: Name): TsigKey | undefined {
  let best: ZoneKey | undefined;
  for (const one of keys) {
    const isLonger = best === undefined || one.zone.labels.length > best.zone.labels.length;
    if (isWithin(zone, one.zone) && isLonger) best = one;
  }
  return best?.key ?? key;
}
