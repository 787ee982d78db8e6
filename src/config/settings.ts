// What the daemon runs with: put together from what was written, what an
// absent key stands for, and what the host has. Combinations that make no sense
// are reported: those of single keys here, those that the RFC forbids by
// proxy/check.ts.

import { type Address, formatPrefix, type Prefix } from "../address.js";
import type { EngineConfig, LinkConfig } from "../engine/config.js";
import type { Surroundings } from "../learn/learned.js";
import { defaultLimits, type Limits } from "../limits.js";
import type { ClientLog, LogLevel } from "../log.js";
import { checkLink, checkOptions, type Finding } from "../proxy/check.js";
import type { BrowseLists, ClientBrowse, ProxyOptions, ServedLink } from "../proxy/options.js";
import { displayName, type Name } from "../wire/name.js";
import { expandTerms } from "./address-terms.js";
import { type CertificateSetting, certificateSetting } from "./certificate.js";
import { answersNobody, checkMode, checkPublished, checkUnused } from "./check-update.js";
import { checkHttp, type HttpWish, httpWish } from "./http.js";
import { addressesOf, claimedZones, outsideOf, searchedLinks } from "./learned-zones.js";
import { type LinkValues, valuesOf } from "./link-values.js";
import type { NameSource, PlannedLink } from "./links.js";
import { baseOf, isPattern, networksOf, type PresentInterface } from "./match.js";
import type { NamedFiles } from "./named-files.js";
import { nearestOf } from "./nearest.js";
import type { OwnNames } from "./own-names.js";
import { beside } from "./paths.js";
import { checkPorts, type Ports, portsOf, unwrittenPorts } from "./ports.js";
import { publishedZones, type UpdatedLink, updatedLinks } from "./published.js";
import type { Where } from "./report.js";
import { absentInterface, limitKeys, type Written, type WrittenBrowse } from "./schema.js";
import { updateStateOf } from "./update-values.js";

/** Everything the daemon needs to know, checked. */
export interface Settings {
  readonly engine: EngineConfig;
  readonly listen: "all" | readonly Address[];
  readonly ports: Ports;
  /** Not written in the file: where they may not be bound, others may be taken. */
  readonly defaultPorts: readonly (keyof Ports)[];
  readonly certificate: CertificateSetting;
  /** The HTTP API and what else is served beside it; false: none of it. */
  readonly http: false | HttpWish;
  readonly limits: Limits;
  readonly log: {
    readonly level: LogLevel;
    readonly queries: EngineConfig["logQueries"];
    readonly clients: ClientLog;
  };
  /** Folders for what must survive a restart: in general, and of what was published. */
  readonly state: string;
  readonly updateState: string;
  /** Interfaces on which mDNS is spoken; some may not be there at present. */
  readonly links: readonly {
    readonly name: string;
    readonly ipv4: boolean;
    readonly ipv6: boolean;
    /** Whatever is there is asked for, so that answers by unicast are of use. */
    readonly takesUnicast?: boolean;
  }[];
  /** Where the zones of links come from; those of mode 'update' say it themselves. */
  readonly sources: readonly {
    readonly link: string;
    readonly source: NameSource;
    readonly record?: Name;
  }[];
  /** What is to be looked for in the DNS (src/learn/). */
  readonly search: Surroundings;
}

/** What is put together. */
export interface Material {
  readonly written: Written;
  readonly names: OwnNames;
  readonly interfaces: readonly PresentInterface[];
  /** As the operator wrote it; absent: there is none. */
  readonly file: string | undefined;
  /** The files that are named in it. */
  readonly named: NamedFiles;
  readonly hasDemo: boolean;
  /** The place of a path in the file. */
  readonly at: (path: string) => Where;
}

/** A link as it is used, with where it came from. */
export interface UsedLink {
  readonly planned: PlannedLink;
  readonly config: LinkConfig;
}

/** The embedded link of `--demo`. */
export const demoLink = "demo";

/** Longest prefixes with a reverse zone (DP-17). */
const reverseLengthMax = { ipv4: 24, ipv6: 64 } as const;

/** @returns the settings, of use only if nothing was reported that is an error */
export function settingsOf(material: Material, planned: readonly PlannedLink[]): Settings {
  const { written, interfaces, at } = material;
  const limits = limitsOf(written);
  const updated = updatedLinks(material, planned);
  const used = planned.flatMap((one) => {
    checkEntry(material, one);
    const own = updated.find((link) => link.planned === one);
    const config = one.entry.disable ? undefined : linkConfig(material, one, limits, own);
    return config === undefined ? [] : [{ planned: one, config }];
  });
  const configs = used.map(({ config }) => config);
  if (material.hasDemo) configs.push(demoConfig(material, limits));
  const proxy = proxyOptions(material, configs);
  const kept = configs.flatMap(({ published = [] }) => published.map(({ served }) => served));
  for (const finding of [...checkOptions(proxy), ...kept.flatMap(checkLink)]) {
    reportFinding(finding, used, at);
  }
  checkPublished(material, used, proxy);
  checkUnused(material);
  checkWhole(material, configs);
  checkLeases(limits, at);
  const ports = portsOf(written);
  checkPorts(ports, at);
  const listen: Settings["listen"] =
    written.listen ?? (answersNobody(material, configs) ? [] : "all");
  const http = httpWish(written.http);
  const places = { ports, listen, isForHttp: http !== false && http.isTls };
  const certificate = certificateSetting(written.certificate, { proxy }, places, material.file, at);
  checkHttp(http, certificate, places, at);
  const { level = "info", queries = "none", clients = "full" } = written.log ?? {};
  const log = { level, queries, clients };
  return {
    engine: {
      proxy,
      links: configs,
      limits,
      logQueries: log.queries,
      cookies: cookiesOf(written),
      takesPush: ports.push !== false,
      takesLlq: ports.llq !== false,
    },
    listen,
    ports,
    defaultPorts: unwrittenPorts(written),
    certificate,
    http,
    limits,
    log,
    state: beside(material.file, written.state),
    updateState: updateStateOf(written, material.file),
    links: used.map(({ planned: { name, entry }, config }) => ({
      name: name as string,
      ipv4: entry.ipv4,
      ipv6: entry.ipv6,
      ...(config.published === undefined ? {} : { takesUnicast: true }),
    })),
    sources: used.flatMap(({ config, planned: { source = "config", record } }) => {
      if (config.served === undefined) return [];
      return [{ link: config.id, source, ...(record === undefined ? {} : { record }) }];
    }),
    search: {
      subjects: searchedLinks(planned, updated, interfaces, material.file !== undefined),
      hostname: material.names.hostname,
      addresses: interfaces.flatMap(addressesOf),
      outside: outsideOf(written, material.names),
      claimed: claimedZones(written),
    },
  };
}

/** One that is set may cross the default of the other. */
function checkLeases({ llqLeaseMin, llqLeaseMax }: Limits, at: Material["at"]): void {
  if (llqLeaseMin <= llqLeaseMax) return;
  const where = at("limits.llq_lease_min");
  const [least, most] = [llqLeaseMin / 1000, llqLeaseMax / 1000];
  where.report.problem(where, `${least} s is more than llq_lease_max, ${most} s; set both to fit`);
}

/** The bounds in force: the written ones over the defaults. */
export function limitsOf(written: Written): Limits {
  const given = Object.entries(limitKeys).map(([key, bound]) => [
    bound,
    written.limits?.[key as keyof typeof limitKeys] ?? defaultLimits[bound],
  ]);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}

function cookiesOf({ cookies }: Written): EngineConfig["cookies"] {
  if (cookies === false) return false;
  return cookies.secret === undefined ? {} : { secret: cookies.secret };
}

function proxyOptions({ written, names, interfaces }: Material, links: LinkConfig[]): ProxyOptions {
  const connected = connectedOf(interfaces);
  const nsid = written.nsid === true ? displayName(names.hostname) : written.nsid;
  const browse = written.browse === undefined ? undefined : browseLists(written.browse.keys);
  return {
    hostname: names.hostname,
    contact: names.contact,
    nameservers: written.nameservers,
    links: links.flatMap((link) => (link.served === undefined ? [] : [link.served])),
    records: written.records,
    zones: written.zones,
    ...(browse === undefined ? {} : { browse }),
    browseFor: (written.browse?.items ?? []).map(
      (item): ClientBrowse => ({
        client: expandTerms(item.client, connected),
        lists: browseLists(item),
      }),
    ),
    realms: written.realms.map(([name, terms]) => ({
      name,
      prefixes: expandTerms(terms, connected),
    })),
    allow: expandTerms(written.allow, connected),
    refuse: written.refuse,
    rotate: written.rotate,
    ...(nsid === false ? {} : { nsid: new TextEncoder().encode(nsid) }),
  };
}

function browseLists(written: WrittenBrowse): BrowseLists {
  const kinds = (["b", "db", "r", "dr", "lb"] as const).flatMap((kind) =>
    written[kind] === undefined ? [] : [[kind, written[kind]] as const],
  );
  return Object.fromEntries(kinds) as BrowseLists;
}

/** In mode 'update' each record published is kept fresh by a question, whoever asks or not. */
function questionsOf({ questions, updateRecords }: Limits, published: unknown): number {
  return published === undefined ? questions : Math.max(questions, updateRecords);
}

function linkConfig(
  material: Material,
  planned: PlannedLink,
  limits: Limits,
  updated?: UpdatedLink,
): LinkConfig | undefined {
  const { name, entry, subdomain } = planned;
  const values = valuesOf(material.written, entry);
  const served = (zone: Name) => servedLink(material, planned, values, zone);
  const published = updated && publishedZones(material, updated, served);
  if (name === undefined) return undefined;
  if (published?.length === 0 && subdomain !== false) return undefined;
  const config: LinkConfig = {
    id: name,
    mdns: {
      families: [
        ...(entry.ipv4 ? ["ipv4" as const] : []),
        ...(entry.ipv6 ? ["ipv6" as const] : []),
      ],
      packetsPerSecond: values.rate,
      cacheRecordsMax: limits.cacheRecords,
      questionsMax: questionsOf(limits, published),
      announce: entry.announce,
    },
    warm: values.warm,
  };
  if (subdomain === false) return config;
  if (published !== undefined) return { ...config, published };
  return subdomain === undefined ? undefined : { ...config, served: served(subdomain) };
}

function servedLink(
  material: Material,
  planned: PlannedLink,
  values: LinkValues,
  service: Name,
): ServedLink {
  const { entry } = planned;
  return {
    link: planned.name as string,
    service,
    host: entry.hosts ?? service,
    aliases: entry.aliases,
    reverse: reverseOf(material, planned),
    allow: expandTerms(values.allow, connectedOf(material.interfaces)),
    services: values.services,
    translate: values.translate.map(({ instance, ...rest }) =>
      instance === undefined ? rest : { ...rest, instance },
    ),
    ...(entry.realm === undefined ? {} : { realm: entry.realm }),
    wait: values.wait,
    gather: values.gather,
    ttlSeconds: values.ttl,
    suppress: values.suppress,
    networks: planned.present?.addresses ?? [],
  };
}

function reverseOf({ at }: Material, planned: PlannedLink): readonly Prefix[] {
  const { reverse } = planned.entry;
  if (reverse !== true) return reverse.map(baseOf);
  const networks = planned.present === undefined ? [] : networksOf(planned.present);
  return networks.filter((prefix) => {
    const most = reverseLengthMax[prefix.address.family];
    if (prefix.length <= most) return true;
    const where = at(`${planned.path}.reverse`);
    const text = `${formatPrefix(prefix)} of ${planned.name} is longer than /${most}`;
    where.report.warning(where, `${text} and gets no reverse zone`);
    return false;
  });
}

function demoConfig(material: Material, limits: Limits): LinkConfig {
  const planned: PlannedLink = {
    name: demoLink,
    entry: { ...absentInterface, name: demoLink, warm: true },
    path: "",
    subdomain: material.names.demo,
  };
  return linkConfig(material, planned, limits) as LinkConfig;
}

const connectedOf = (interfaces: readonly PresentInterface[]): readonly Prefix[] =>
  interfaces.flatMap((one) => one.addresses.map(baseOf));

/** What does not fit together inside one entry. */
function checkEntry(material: Material, planned: PlannedLink): void {
  const { written, at } = material;
  const { entry, path, name } = planned;
  if (path === "") return;
  if (!entry.disable) checkMode(material, planned);
  const problem = (key: string, text: string) => {
    const where = at(`${path}.${key}`);
    where.report.problem(where, text);
  };
  if (!entry.ipv4 && !entry.ipv6) {
    problem("ipv6", "with ipv4 and ipv6 both false nothing is heard; write disable = true");
  }
  if (material.hasDemo && name === demoLink && !entry.disable) {
    problem("name", "is the name of the link of --demo; leave that option out");
  }
  const realmNames = written.realms.map(([realm]) => realm);
  if (entry.realm !== undefined && !realmNames.includes(entry.realm)) {
    const nearest = nearestOf(entry.realm, realmNames);
    const remedy = nearest === undefined ? "realms names none" : `the nearest is '${nearest}'`;
    problem("realm", `'${entry.realm}' is not one of realms; ${remedy}`);
  }
  const needsZone = ["hosts", "aliases", "reverse"] as const;
  for (const key of entry.subdomain === false ? needsZone : []) {
    const value = entry[key];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    problem(key, "needs a subdomain, and that is false: nothing is served on this link");
  }
  const { b, db, lb } = entry.announce;
  if (entry.subdomain === false && !entry.disable && b.length + db.length + lb.length === 0) {
    const where = at(`${path}.subdomain`);
    where.report.warning(where, `${name ?? entry.name} has no zone and announces nothing`);
  }
}

function checkWhole(material: Material, links: readonly LinkConfig[]): void {
  const { written, file, at } = material;
  const where = at("");
  const isMissed = !answersNobody(material, links);
  if (written.listen?.length === 0 && isMissed && !where.report.hasErrors) {
    const listen = at("listen");
    const text = "is empty: no query will arrive; leave it out to answer on every address";
    listen.report.warning(listen, text);
  }
  if (
    file !== undefined &&
    links.length === 0 &&
    written.zones.length === 0 &&
    !where.report.hasErrors
  ) {
    const isWaiting = written.interfaces.some(
      ({ name, subdomain, mode }) =>
        isPattern(name) || subdomain !== undefined || mode === "update",
    );
    const text = "there is no zone to serve: interfaces lists no link that is used";
    if (!isWaiting) where.report.warning(where, text);
  }
}

/** proxy/check.ts counts by links; here they become paths of the file. */
function reportFinding(
  finding: Finding,
  used: readonly UsedLink[],
  at: (path: string) => Where,
): void {
  const link = used.find(({ config }) => config.id === finding.link)?.planned;
  const isInherited = finding.path.startsWith("translate") && !link?.entry.translate;
  const isOfLink = link !== undefined && link.path !== "" && !isInherited;
  const path = isOfLink ? `${link.path}.${finding.path}` : finding.path;
  const where = at(path);
  const own = link?.path === "" ? `${link.name}: ${finding.text}` : finding.text;
  if (finding.isWarning) where.report.warning(where, own);
  else where.report.problem(where, own);
}
