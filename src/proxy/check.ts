// Which options contradict each other or the RFC. config/ reports them with a
// line of discd.lua: an error keeps the daemon from starting, a warning does
// not. Values of the wrong type or range never get here.

import { formatPrefix } from "../address.js";
import { RRType, typeName } from "../wire/codes.js";
import {
  displayName,
  isWithin,
  labelsBelow,
  labelText,
  type Name,
  wireLength,
} from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { isDelegationType, isMetadataName } from "./admin.js";
import type { BrowseLists, ProxyOptions, ServedLink, Translation } from "./options.js";
import { reverseLengthMax } from "./reverse.js";
import { isMetaType } from "./shortcuts.js";
import { txtString } from "./translate.js";
import { configuredZones, type Zone, ZoneTable } from "./zones.js";

/** One thing that is wrong. */
export interface Finding {
  /**
   * The key in discd.lua, lists counted from 1, as in `nameservers[2]`; where `link` is
   * set, relative to that interface's entry.
   */
  readonly path: string;
  readonly link?: string;
  readonly text: string;
  readonly isWarning: boolean;
}

/** All findings, in the order of the file's keys. */
export function checkOptions(options: ProxyOptions): readonly Finding[] {
  return [
    ...checkOwnNames(options),
    ...checkZones(options),
    ...options.links.flatMap((link) => checkLink(link)),
    ...checkBrowse(options),
    ...checkRecords(options),
  ];
}

const error = (path: string, text: string, link?: string): Finding =>
  link === undefined ? { path, text, isWarning: false } : { path, link, text, isWarning: false };

/** DP-99, and the same for MNAME and SRV targets: they are all `hostname`. */
function checkOwnNames(options: ProxyOptions): Finding[] {
  const named: (readonly [string, Name])[] = [
    ["hostname", options.hostname],
    ...options.nameservers.map((name, at) => [`nameservers[${at + 1}]`, name] as const),
  ];
  const zones = configuredZones(options).filter((zone) => zone.apex.labels.length > 0);
  return named.flatMap(([path, name]) => {
    const zone = zones.find((one) => isWithin(name, one.apex));
    if (zone === undefined) return [];
    const shown = `${displayName(name)} lies inside the zone ${displayName(zone.apex)}`;
    return [error(path, `${shown}; a name server is named outside every zone served here`)];
  });
}

/** DP-3, DP-110. */
function checkZones(options: ProxyOptions): Finding[] {
  const findings: Finding[] = [];
  const table = new ZoneTable(options);
  const first = new Map<string, Zone>();
  for (const zone of configuredZones(options)) {
    const apex = displayName(zone.apex);
    const path = pathOf(zone, options);
    const link = zone.link?.link;
    const other = first.get(zone.apex.key);
    first.set(zone.apex.key, other ?? zone);
    if (zone.apex.labels.length === 0) {
      findings.push(error(path, "the root cannot be a zone of this server", link));
    } else if (table.isForbidden(zone.apex)) {
      findings.push(error(path, `${apex} is not for any server to answer (RFC 6762 §22.1)`, link));
    } else if (other !== undefined) {
      const owner = other.link === undefined ? "zones" : `interface ${other.link.link}`;
      findings.push(error(path, `the zone ${apex} is also named by ${owner}`, link));
    }
  }
  return findings;
}

function pathOf(zone: Zone, options: ProxyOptions): string {
  switch (zone.kind) {
    case "service":
      return "subdomain";
    case "host":
      return "hosts";
    case "alias":
      return `aliases[${zone.link.aliases.indexOf(zone.apex) + 1}]`;
    case "reverse":
      return "reverse";
    case "records":
      return `zones[${options.zones.indexOf(zone.apex) + 1}]`;
  }
}

/** What is wrong with a link by itself, whether its zone is answered or kept elsewhere. */
export function checkLink(link: ServedLink): readonly Finding[] {
  return [
    ...checkHost(link),
    ...checkReverse(link),
    ...link.translate.flatMap((one, at) => checkTranslation(one, `translate[${at + 1}]`, link)),
  ];
}

/** DP-12. */
function checkHost(link: ServedLink): Finding[] {
  if (link.host.key === link.service.key) return [];
  if (link.host.labels.every((label) => /^[0-9A-Za-z-]+$/.test(label))) return [];
  const name = displayName(link.host);
  const text = `${name} should hold letters, digits and hyphens only: host names live in it`;
  return [{ path: "hosts", link: link.link, text, isWarning: true }];
}

/** DP-17. */
function checkReverse(link: ServedLink): Finding[] {
  return link.reverse.flatMap((prefix, at) => {
    const path = `reverse[${at + 1}]`;
    const most = reverseLengthMax[prefix.address.family];
    const shown = formatPrefix(prefix);
    if (prefix.length > most) {
      const text = `${shown} is longer than /${most}: a reverse zone cannot be cut finer`;
      return [error(path, text, link.link)];
    }
    if (prefix.length > 0) return [];
    return [error(path, `${shown} is every address there is`, link.link)];
  });
}

/** RFC 6763 §6.4: keys are printable ASCII without `=`; a TXT string holds 255 bytes. */
function checkTranslation(translation: Translation, path: string, link: ServedLink): Finding[] {
  const findings: Finding[] = [];
  for (const [key, value] of Object.entries(translation.txt)) {
    if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(key)) {
      findings.push(error(`${path}.txt`, `"${key}" cannot be a TXT key`, link.link));
    } else if (txtString(key, value).length > 255) {
      findings.push(error(`${path}.txt.${key}`, "longer than 255 bytes with its key", link.link));
    }
  }
  translation.subtypes.forEach((subtype, at) => {
    const { length } = labelText(subtype);
    if (length > 0 && length <= 63) return;
    const text = `a subtype is one label of 1 to 63 bytes, this one has ${length}`;
    findings.push(error(`${path}.subtypes[${at + 1}]`, text, link.link));
  });
  return findings;
}

/** What a PTR of an enumeration answer takes besides its target, and the largest message. */
const ptrOverhead = 14;
const messageMax = 65_535;

/** DP-23, DP-25. */
function checkBrowse(options: ProxyOptions): Finding[] {
  const sets: (readonly [string, BrowseLists, BrowseLists])[] = [
    ["browse", options.browse ?? {}, options.browse ?? {}],
    // Kinds that a client's entry leaves out come from the general lists.
    ...options.browseFor.map(
      ({ lists }, at) => [`browse[${at + 1}]`, lists, { ...options.browse, ...lists }] as const,
    ),
  ];
  return sets.flatMap(([path, own, all]) => [
    ...checkDefaults(path, own, all, options),
    ...Object.entries(own).flatMap(([kind, names]) => checkSize(`${path}.${kind}`, names)),
  ]);
}

function checkDefaults(
  path: string,
  own: BrowseLists,
  all: BrowseLists,
  options: ProxyOptions,
): Finding[] {
  if (own.db === undefined && own.b === undefined) return [];
  // Without a `b` every link browses its own zone: a default has to be in all of them.
  const lists = all.b === undefined ? options.links.map((link) => [link.service]) : [all.b];
  return (all.db ?? []).flatMap((name, at) => {
    const lacking = lists.find((list) => !list.some((one) => one.key === name.key));
    if (lacking === undefined) return [];
    const held = lacking.map(displayName).join(", ") || "nothing";
    const text = `${displayName(name)} is not a domain of b, which lists ${held}`;
    return [error(`${path}.db[${at + 1}]`, text)];
  });
}

function checkSize(path: string, names: readonly Name[]): Finding[] {
  const size = names.reduce((sum, name) => sum + ptrOverhead + wireLength(name), 0);
  if (size <= messageMax) return [];
  return [error(path, `${names.length} domains do not fit one DNS message (${size} bytes)`)];
}

/** Types that discd makes itself, or that steer resolvers past it. */
const reservedTypes: readonly number[] = [
  RRType.DNAME,
  RRType.NSEC,
  RRType.RRSIG,
  RRType.NSEC3,
  RRType.DNSKEY,
];

function checkRecords(options: ProxyOptions): Finding[] {
  const table = new ZoneTable(options);
  const aliases = new Set(
    options.records.filter((rr) => rr.type === RRType.CNAME).map((rr) => rr.name.key),
  );
  const counts = new Map<string, number>();
  for (const { name } of options.records) counts.set(name.key, (counts.get(name.key) ?? 0) + 1);
  return options.records.flatMap((rr, at): Finding[] => {
    const path = `records[${at + 1}]`;
    const zone = table.find(rr.name);
    const fault = zone === undefined ? outside(rr.name) : faultIn(zone, rr);
    if (fault !== undefined) return [error(path, fault)];
    if (aliases.has(rr.name.key) && (counts.get(rr.name.key) ?? 0) > 1) {
      return [error(path, `${displayName(rr.name)} has a CNAME, and so nothing besides it`)];
    }
    const hides = zone === undefined ? undefined : hiddenBy(zone, rr);
    return hides === undefined ? [] : [{ path, text: hides, isWarning: true }];
  });
}

function outside(name: Name): string {
  return `${displayName(name)} is in no zone served here; name its zone in zones`;
}

function faultIn(zone: Zone, rr: RR): string | undefined {
  const below = labelsBelow(rr.name, zone.apex) ?? [];
  const type = typeName(rr.type);
  if (isDelegationType(rr.type) || isMetaType(rr.type) || reservedTypes.includes(rr.type)) {
    return `a record of type ${type} cannot be written by hand`;
  }
  if (rr.type === RRType.CNAME && below.length === 0) {
    return `${displayName(rr.name)} is an apex and cannot be a CNAME`;
  }
  if (zone.link !== undefined && isMetadataName(below)) {
    return `${displayName(rr.name)} is answered by discd itself (RFC 8766 §6.4)`;
  }
  return undefined;
}

/** A static browse list stands in front of the link, which is rarely meant. */
function hiddenBy(zone: Zone, rr: RR): string | undefined {
  if (rr.type !== RRType.PTR || zone.link === undefined || zone.kind === "reverse")
    return undefined;
  const below = labelsBelow(rr.name, zone.apex) ?? [];
  const protocol = below.at(-1)?.toLowerCase();
  const isBrowse = below.length >= 2 && (protocol === "_tcp" || protocol === "_udp");
  if (!isBrowse || below.some((label) => label.toLowerCase() === "_dns-sd")) return undefined;
  return `what devices announce at ${displayName(rr.name)} is hidden by this PTR`;
}
