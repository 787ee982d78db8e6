// The names that the daemon goes by, written or derived from the host's name.

import { FormatError } from "../wire/errors.js";
import {
  isWithin,
  labelText,
  type Name,
  nameOf,
  parentName,
  parseName,
  under,
} from "../wire/name.js";
import type { Written } from "./schema.js";

export interface OwnNames {
  readonly hostname: Name;
  readonly contact: Name;
  /** Parent of generated zone names. */
  readonly domain: Name;
  /** Parent of generated names in mode 'update'. */
  readonly publishedDomain: Name;
  /** The zone of the demo link. */
  readonly demo: Name;
}

/** Where names go that nobody delegated (RFC 8375 calls it the home network's domain). */
const homeDomain = nameOf(["home", "arpa"]);

/** @param fqdn the host's own name, with or without a domain */
export function ownNames(written: Written, fqdn: string): OwnNames {
  const hostname = written.hostname ?? hostNameOf(fqdn);
  return {
    hostname,
    contact: written.contact ?? mailboxAt(parentName(hostname)),
    domain: written.domain ?? homeDomain,
    publishedDomain: written.domain ?? parentName(hostname),
    demo: under(["demo"], homeDomain),
  };
}

/**
 * Names for a run without a file, where nobody could write another hostname: a host
 * may be called like one of its interfaces, or like the demo link.
 */
export function clearOf(names: OwnNames, zones: readonly Name[]): OwnNames {
  if (!zones.some((zone) => isWithin(names.hostname, zone))) return names;
  return { ...names, hostname: under(["discd"], homeDomain), contact: mailboxAt(homeDomain) };
}

function hostNameOf(fqdn: string): Name {
  const text = fqdn.replace(/\.$/, "");
  try {
    // A name without a domain would be in nobody's zone.
    return text.includes(".") ? parseName(text) : under([labelText(text)], homeDomain);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return under(["discd"], homeDomain);
  }
}

function mailboxAt(domain: Name): Name {
  try {
    return under(["hostmaster"], domain);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return domain;
  }
}
