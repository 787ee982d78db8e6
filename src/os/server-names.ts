// Which names a TLS client may call this server by (SNI, RFC 6066 §3): those of
// its certificate, its own name, and every zone it serves, since a client that
// cannot trust the SRV record asks for the zone (RFC 7673 §4.1).

import type { ProxyOptions } from "../proxy/options.js";
import { FormatError } from "../wire/errors.js";
import { isWithin, type Name, parentName, parseName } from "../wire/name.js";

export type ServedNames = Pick<ProxyOptions, "hostname" | "links" | "zones">;

/** @returns whether a server name of a client is one of ours */
export function serverNames(
  certified: readonly string[],
  { hostname, links, zones }: ServedNames,
): (text: string) => boolean {
  const names = new Set([hostname.key]);
  /** What stands behind `*.`, which is for one label (RFC 9525 §6.3). */
  const parents = new Set<string>();
  for (const text of certified) {
    const name = nameIn(text);
    if (name === undefined) continue;
    if (name.labels[0] === "*") parents.add(parentName(name).key);
    else names.add(name.key);
  }
  const apexes = [
    ...zones,
    ...links.flatMap(({ service, host, aliases }) => [service, host, ...aliases]),
  ];
  return (text) => {
    const name = nameIn(text);
    if (name === undefined) return false;
    if (names.has(name.key) || parents.has(parentName(name).key)) return true;
    return apexes.some((apex) => isWithin(name, apex));
  };
}

function nameIn(text: string): Name | undefined {
  try {
    return parseName(text);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
