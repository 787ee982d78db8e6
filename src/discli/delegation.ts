// What the parent zone needs so that clients and resolvers find discd: NS for
// every zone at or below DOMAIN, glue where the name server lies inside it, and
// the browse domains (RFC 8766 §5.2.1 and §6.2, RFC 6763 §11). BIND's syntax.

import { type Address, formatAddress } from "../address.js";
import type { ProxyOptions } from "../proxy/options.js";
import { type Zone, ZoneTable } from "../proxy/zones.js";
import { formatName, isWithin, labelsBelow, type Name } from "../wire/name.js";

/** How long a delegation may be cached; the usual hour of an office network. */
const delegationTtlSeconds = 3600;

function owner(name: Name, origin: Name): string {
  const labels = labelsBelow(name, origin);
  if (labels === undefined) return formatName(name);
  if (labels.length === 0) return "@";
  return formatName({ ...name, labels }).replace(/\.$/, "");
}

/** The zones to delegate: each service, host and reverse zone inside `domain`, once. */
export function zonesInside(proxy: ProxyOptions, domain: Name): Zone[] {
  return new ZoneTable(proxy).zones.filter(
    (zone) => zone.kind !== "records" && isWithin(zone.apex, domain),
  );
}

function glue(servers: readonly Name[], own: Name, addresses: readonly Address[], domain: Name) {
  const lines: string[] = [];
  for (const server of servers) {
    if (!isWithin(server, domain)) continue;
    if (server.key !== own.key) {
      lines.push(`; add the addresses of ${formatName(server)} unless the zone has them`);
      continue;
    }
    for (const address of addresses) {
      const type = address.family === "ipv4" ? "A" : "AAAA";
      lines.push(`${owner(server, domain)}\tIN ${type}\t${formatAddress(address)}`);
    }
    if (addresses.length === 0) {
      lines.push(
        `; add the addresses of ${formatName(server)}: this host has none that others reach`,
      );
    }
  }
  return lines;
}

/**
 * A zone fragment for `domain`.
 *
 * @param addresses  where this discd listens, without loopback and link-local
 * @returns undefined when no zone of the configuration lies inside `domain`
 */
export function delegationText(
  proxy: ProxyOptions,
  domain: Name,
  addresses: readonly Address[],
): string | undefined {
  const zones = zonesInside(proxy, domain);
  if (zones.length === 0) return undefined;
  const servers = [proxy.hostname, ...proxy.nameservers];
  const lines = [
    `; discd: put these records into the zone ${formatName(domain)}`,
    `$ORIGIN ${formatName(domain)}`,
    `$TTL ${delegationTtlSeconds}`,
    "",
    "; each zone is answered by discd",
  ];
  for (const zone of zones) {
    if (zone.apex.key === domain.key) {
      lines.push(`; ${formatName(domain)} is itself a zone of discd: delegate it in its parent`);
      continue;
    }
    for (const server of servers) {
      lines.push(`${owner(zone.apex, domain)}\tIN NS\t${formatName(server)}`);
    }
  }
  lines.push(...glue(servers, proxy.hostname, addresses, domain));
  const floors = zones.filter((zone) => zone.kind === "service" && zone.apex.key !== domain.key);
  if (floors.length > 0) {
    lines.push(
      "",
      "; where clients with this search domain browse; lb is the list they use unasked",
    );
    lines.push("b._dns-sd._udp\tIN PTR\t@");
    for (const prefix of ["b", "lb"]) {
      for (const zone of floors) {
        lines.push(`${prefix}._dns-sd._udp\tIN PTR\t${owner(zone.apex, domain)}`);
      }
    }
    lines.push("db._dns-sd._udp\tIN PTR\t@");
  }
  return `${lines.join("\n")}\n`;
}
