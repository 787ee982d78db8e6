// What `resolvectl status` prints: for the system and for each link the servers,
// the domains (`~` in front: for routing only), and whether it takes all other names.

import { isIP } from "node:net";
import { dnsPort, type Server } from "../../os/resolv-conf.js";

/** Whom systemd-resolved asks for what. */
export interface ResolvedScope {
  /** Name of the interface; absent: the system as a whole. */
  readonly link?: string;
  readonly servers: readonly string[];
  readonly current?: string;
  /** As printed: `~floor1.example.com`, `lan`, `~.`. */
  readonly domains: readonly string[];
  readonly isDefaultRoute: boolean;
}

/** Scopes that are read; a host with more interfaces has other worries. */
const scopesMax = 256;
const wordsMax = 64;

interface Draft {
  link?: string;
  servers: string[];
  current?: string;
  domains: string[];
  isDefaultRoute: boolean;
}

/** systemd 252 leaves out the colon after "DNS Servers" where there is one server for the system. */
const keyPattern =
  /^\s*(?:([A-Z][A-Za-z /]*[A-Za-z]|resolv\.conf mode):|(DNS Servers|DNS Domain) )\s*(.*)$/;

/** @param text  of `resolvectl status`, in English and without colours */
export function readResolvedStatus(text: string): ResolvedScope[] {
  const scopes: Draft[] = [];
  let key = "";
  for (const line of text.split("\n")) {
    const heading = /^(?:Global|Link \d+ \((.+)\))\s*$/.exec(line);
    if (heading !== null) {
      if (scopes.length >= scopesMax) break;
      const [, link] = heading;
      const isDefaultRoute = link === undefined;
      scopes.push({ servers: [], domains: [], isDefaultRoute, ...(link && { link }) });
      key = "";
      continue;
    }
    const scope = scopes.at(-1);
    if (scope === undefined) continue;
    const parts = keyPattern.exec(line);
    // A long list goes on below, without a key.
    const values = (parts === null ? line : (parts[3] ?? "")).split(/\s+/).filter(Boolean);
    if (parts !== null) key = (parts[1] ?? parts[2]) as string;
    take(scope, key, values);
  }
  return scopes;
}

function take(scope: Draft, key: string, values: readonly string[]): void {
  if (key === "DNS Servers") scope.servers.push(...values.slice(0, wordsMax));
  else if (key === "DNS Domain") scope.domains.push(...values.slice(0, wordsMax));
  else if (key === "Current DNS Server" && values[0] !== undefined) scope.current = values[0];
  else if (key === "Protocols" && scope.link !== undefined) {
    scope.isDefaultRoute = values.includes("+DefaultRoute");
  }
}

/** A server as resolvectl prints it: `192.0.2.1`, `[2001:db8::1]:5353#name`, `fe80::1%eth0`. */
export function readResolvedServer(text: string): Server | undefined {
  const bare = text.replace(/#.*$/, "");
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(bare) ?? [];
  const address = bracketed ?? plain ?? bare;
  return isIP(address) === 0 ? undefined : { address, port: Number(port ?? dnsPort) };
}

/** Labels of the zone that the longest of these domains covers; -1: none does. `~.` covers 0. */
function coverOf(domains: readonly string[], zone: string): number {
  const name = zone.toLowerCase().replace(/\.$/, "");
  const covers = domains.map((domain) => {
    const bare = domain.replace(/^~/, "").replace(/\.$/, "").toLowerCase();
    if (bare === "") return 0;
    return name === bare || name.endsWith(`.${bare}`) ? bare.split(".").length : -1;
  });
  return covers.reduce((a, b) => Math.max(a, b), -1);
}

/**
 * Who is asked for names of a zone: the scopes whose domains cover most of it; else those that take
 * all that nobody else does.
 *
 * @param zone  as resolvectl prints names
 */
export function ownersOf(scopes: readonly ResolvedScope[], zone: string) {
  const asked = scopes.filter(({ servers }) => servers.length > 0);
  const best = asked.reduce((most, { domains }) => Math.max(most, coverOf(domains, zone)), -1);
  if (best >= 0) {
    return { byDomain: true, owners: asked.filter((one) => coverOf(one.domains, zone) === best) };
  }
  return { byDomain: false, owners: asked.filter(({ isDefaultRoute }) => isDefaultRoute) };
}
