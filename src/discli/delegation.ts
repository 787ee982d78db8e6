// What the zones above discd's own need, so that clients and resolvers find it:
// NS for every zone inside DOMAIN, addresses of the name server where its name
// lies there too, and the browse domains, both of DOMAIN and of the subnets
// whose reverse zone somebody else answers (RFC 8766 §5.2.1 and §6.2, RFC 6763 §11).

import type { Address, Prefix } from "../address.js";
import type { ProxyOptions } from "../proxy/options.js";
import { baseName } from "../proxy/reverse.js";
import { type Zone, ZoneTable } from "../proxy/zones.js";
import { RRClass, RRType } from "../wire/codes.js";
import { formatName, isWithin, labelText, type Name, parentName, under } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";
import type { RR } from "../wire/rr.js";

/** How long a delegation may be cached; the usual hour of an office network. */
export const delegationTtlSeconds = 3600;

/** Records that belong together, and what whoever puts them into a zone should know. */
export interface Part {
  readonly remarks: readonly string[];
  readonly rrs: readonly RR[];
}

export interface Delegation {
  /** The zone that needs the records. */
  readonly origin: Name;
  readonly parts: readonly Part[];
}

/** Zones made of what is heard cannot be signed (RFC 8766 §6.4.5); A1.22. */
const noDs = "no DS records: they are not signed, and resolvers that validate would refuse them";

const record = (name: Name, type: number, rdata: Rdata): RR => {
  return { name, type, class: RRClass.IN, ttlSeconds: delegationTtlSeconds, rdata };
};

/** The outermost of discd's zones at or below `domain`, each once. */
function zonesInside(zones: readonly Zone[], domain: Name): Zone[] {
  const inside = zones.filter(({ apex }) => isWithin(apex, domain));
  return inside.filter(
    ({ apex }) =>
      !inside.some((other) => other.apex.key !== apex.key && isWithin(apex, other.apex)),
  );
}

export const nameServerRR = (zone: Name, target: Name): RR =>
  record(zone, RRType.NS, { kind: "ns", target });

/** One entry of an enumeration list (RFC 6763 §11). */
export const enumerationRR = (kind: string, domain: Name, target: Name): RR =>
  record(under([kind, "_dns-sd", "_udp"].map(labelText), domain), RRType.PTR, {
    kind: "ptr",
    target,
  });

function nameServers(zones: readonly Zone[], servers: readonly Name[]): Part {
  const rrs = zones.flatMap(({ apex }) => servers.map((target) => nameServerRR(apex, target)));
  return { remarks: ["each of these zones is answered by discd", noDs], rrs };
}

/** A name server in the zone needs its addresses there; nobody writes any into the root. */
function addressPart(
  { hostname, nameservers }: ProxyOptions,
  addresses: readonly Address[],
  origin: Name,
): Part | undefined {
  if (origin.labels.length === 0) return undefined;
  const remarks = nameservers
    .filter((server) => isWithin(server, origin))
    .map((server) => `${formatName(server)} needs its addresses here, too`);
  const isInside = isWithin(hostname, origin);
  if (!isInside && remarks.length === 0) return undefined;
  const rrs = (isInside ? addresses : []).map(({ family, bytes }) =>
    family === "ipv4"
      ? record(hostname, RRType.A, { kind: "a", address: bytes })
      : record(hostname, RRType.AAAA, { kind: "aaaa", address: bytes }),
  );
  if (rrs.length > 0) {
    remarks.unshift("where discd listens: keep what resolvers can reach and the zone lacks");
  } else if (isInside) {
    remarks.unshift(`add the addresses of ${formatName(hostname)}: this host has none to tell`);
  }
  return { remarks, rrs };
}

/** The enumeration names at `base`. */
function browseRecords(base: Name, lists: Readonly<Record<string, readonly Name[]>>): RR[] {
  return Object.entries(lists).flatMap(([prefix, targets]) =>
    targets.map((target) => enumerationRR(prefix, base, target)),
  );
}

/** Each link by the name under which it is browsed in `domain`, if there is one. */
function floorsInside({ links }: ProxyOptions, domain: Name): Name[] {
  return links.flatMap(({ service, aliases }) => {
    const found = [service, ...aliases].find(
      (apex) => isWithin(apex, domain) && apex.key !== domain.key,
    );
    return found === undefined ? [] : [found];
  });
}

/** Not link-local, and with room for a client. */
function leadsSomewhere({ address: { family, bytes }, length }: Prefix): boolean {
  const [first = 0, second = 0] = bytes;
  if (family === "ipv4") return length < 32 && !(first === 169 && second === 254);
  return length < 128 && !(first === 0xfe && second >> 6 === 2);
}

/** Clients also ask at the base address of their subnet (RFC 6763 §11). */
function subnetPart(proxy: ProxyOptions, table: ZoneTable, domain: Name): Part | undefined {
  const subnets = new Map<string, { base: Name; floors: Name[] }>();
  for (const { networks, service } of proxy.links) {
    for (const network of networks.filter(leadsSomewhere)) {
      const base = baseName(network);
      // In a zone of its own discd answers these names itself.
      if (table.find(base) !== undefined || !isWithin(base, domain)) continue;
      const known = subnets.get(base.key) ?? { base, floors: [] };
      subnets.set(base.key, { base, floors: [...known.floors, service] });
    }
  }
  if (subnets.size === 0) return undefined;
  const rrs = [...subnets.values()].flatMap(({ base, floors }) =>
    browseRecords(base, { b: floors, lb: floors, db: floors.slice(0, 1) }),
  );
  return { remarks: ["where clients of these subnets browse"], rrs };
}

/**
 * The records for the zone `domain`; for its parent, when discd answers `domain` itself.
 *
 * @param addresses  where this discd listens, without loopback and link-local
 * @returns undefined when the configuration has nothing to do with `domain`
 */
export function delegationFor(
  proxy: ProxyOptions,
  domain: Name,
  addresses: readonly Address[],
): Delegation | undefined {
  const table = new ZoneTable(proxy);
  const isOwn = table.zones.some(({ apex }) => apex.key === domain.key);
  const origin = isOwn ? parentName(domain) : domain;
  const zones = zonesInside(table.zones, domain);
  const servers = [proxy.hostname, ...proxy.nameservers];
  const parts: (Part | undefined)[] = [];
  if (zones.length > 0) {
    const shown = formatName(domain);
    const own = isOwn ? [`${shown} is a zone of discd's own: this is for the one above`] : [];
    const ns = nameServers(zones, servers);
    parts.push({ ...ns, remarks: [...own, ...ns.remarks] }, addressPart(proxy, addresses, origin));
  }
  const floors = isOwn ? [] : floorsInside(proxy, domain);
  if (floors.length > 0) {
    const lists = { b: [domain, ...floors], lb: floors, db: [domain] };
    const remark = "where clients with this search domain browse; lb is the list they use unasked";
    parts.push({ remarks: [remark], rrs: browseRecords(domain, lists) });
  }
  if (!isOwn) parts.push(subnetPart(proxy, table, domain));
  const found = parts.filter((part) => part !== undefined);
  return found.length === 0 ? undefined : { origin, parts: found };
}
