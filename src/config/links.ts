// Which links there are: the interfaces that entries of discd.lua name, those
// on the host that a pattern fits, or every usable one where there is no file;
// each with its own values of the keys that may also stand at the top level.

import type { LearnedName } from "../learn/learned.js";
import { wantedRecord } from "../learn/search.js";
import type { PublishedZone } from "../update/options.js";
import { FormatError } from "../wire/errors.js";
import { displayName, foldLabel, type Label, labelText, type Name, under } from "../wire/name.js";
import type { LearnedZones } from "./learned-zones.js";
import { canBeLink, fitsInterface, isPattern, networksOf, type PresentInterface } from "./match.js";
import type { Where } from "./report.js";
import { absentInterface, type Written, type WrittenInterface } from "./schema.js";
import { type PlannedSubdomain, planSubdomains } from "./subdomains.js";

/** The file, a PTR record, or the interface itself. */
export type NameSource = PublishedZone["source"];

/** One entry of discd.lua, for one interface. */
export interface PlannedLink {
  /** Undefined for an entry with a pattern that fits no interface of the host. */
  readonly name: string | undefined;
  readonly entry: WrittenInterface;
  readonly path: string;
  readonly present?: PresentInterface;
  /**
   * Undefined where a function could not be asked: the interface, or its address, is not there.
   * In mode 'update' what the file says, and undefined where it says nothing.
   */
  readonly subdomain: Name | false | undefined;
  /** Mode 'update': the names that its records go under; none yet without an address. */
  readonly published?: readonly PlannedSubdomain[];
  /** Mode 'proxy': where the subdomain comes from, and the record if it is the DNS. */
  readonly source?: NameSource;
  readonly record?: Name;
  /** Not in the file: served because the DNS names a zone for it. */
  readonly isUnlisted?: true;
}

/** What planning needs of the rest. */
export interface Plan {
  readonly written: Written;
  /** Parent of generated names: of zones, and of subdomains in mode 'update'. */
  readonly domain: Name;
  readonly publishedDomain: Name;
  readonly interfaces: readonly PresentInterface[];
  /** What the DNS names; taken where nobody wrote a name. */
  readonly learned: LearnedZones;
  /** The place of a path in the file. */
  readonly at: (path: string) => Where;
}

/** All links, also those that are not used or not there. */
export function planAll(plan: Plan, hasFile: boolean): readonly PlannedLink[] {
  if (!hasFile) return planWithoutFile(plan, absentInterface);
  const listed = planLinks(plan);
  return [...listed, ...planUnlisted(plan, listed)];
}

/** Interfaces that the file does not list: used where the DNS names a zone, and only there. */
function planUnlisted(plan: Plan, listed: readonly PlannedLink[]): readonly PlannedLink[] {
  const known = new Set(listed.map(({ present }) => present));
  return plan.interfaces.flatMap((present) => {
    if (known.has(present) || !canBeLink(present)) return [];
    const { name } = present;
    const found = plan.learned.take(name);
    const entry = { ...absentInterface, name };
    if (found === undefined) return [];
    const isUnlisted = true as const;
    return [{ name, entry, path: "", present, isUnlisted, ...learnedAs(found) }];
  });
}

/** The links of the file's entries, in the order of the file. */
function planLinks(plan: Plan): readonly PlannedLink[] {
  const { interfaces: entries } = plan.written;
  const owners = new Map<PresentInterface, WrittenInterface | undefined>();
  for (const one of plan.interfaces) {
    owners.set(
      one,
      entries.find((entry) => fitsInterface(entry.name, one.name)),
    );
  }
  return entries.flatMap((entry, index) => {
    const path = `interfaces[${index + 1}]`;
    // Its absence has been reported.
    if (entry.name === "") return [];
    const earlier = entries.findIndex((other) => fitsInterface(other.name, entry.name));
    if (earlier >= 0 && earlier < index) {
      const where = plan.at(`${path}.name`);
      const text = `is never used: interfaces[${earlier + 1}] fits '${entry.name}' and comes first`;
      where.report.warning(where, text);
      return [];
    }
    const fitting = [...owners].filter(([, owner]) => owner === entry).map(([one]) => one);
    if (!isPattern(entry.name)) return [planOne(plan, entry, path, entry.name, fitting[0])];
    const usable = fitting.filter(canBeLink);
    if (usable.length === 0) return [{ name: undefined, entry, path, subdomain: undefined }];
    return usable.map((one) => planOne(plan, entry, path, one.name, one));
  });
}

/** A link for every interface that is up, can multicast and leads somewhere. */
function planWithoutFile(plan: Plan, entry: WrittenInterface): readonly PlannedLink[] {
  const taken = new Set<string>();
  return plan.interfaces.flatMap((one) => {
    if (!one.isUp || !canBeLink(one)) return [];
    const planned = planOne(plan, { ...entry, name: one.name }, "", one.name, one);
    const key = planned.subdomain === false ? "" : (planned.subdomain?.key ?? "");
    if (taken.has(key)) return [];
    taken.add(key);
    return [planned];
  });
}

function planOne(
  plan: Plan,
  entry: WrittenInterface,
  path: string,
  name: string,
  present: PresentInterface | undefined,
): PlannedLink {
  const said = saidFor(entry, name);
  const own = present === undefined ? { name, entry, path } : { name, entry, path, present };
  if (entry.mode === "update") {
    const subdomain = said === "nothing" ? undefined : said;
    const isUsed = !entry.disable && said !== false && said !== undefined;
    const planned = { ...own, subdomain };
    return { ...planned, published: isUsed ? publishedOf(plan, planned) : [] };
  }
  if (said === "nothing" && !entry.disable) {
    const found = plan.learned.take(name);
    if (found !== undefined && !isEcho(entry, name, found)) return { ...own, ...learnedAs(found) };
    return { ...own, subdomain: generated(plan, path, name), source: "generated" };
  }
  const subdomain = said === "nothing" ? undefined : said;
  if (present !== undefined && subdomain === undefined) tellUnnamed(plan, entry, path, present);
  return { ...own, subdomain, source: "config" };
}

/**
 * Where discd answers for the reverse zone, the list below the network's name is its own: a name
 * that was generated once would hold for ever, whatever `domain` says.
 */
function isEcho({ reverse }: WrittenInterface, name: string, { zone }: LearnedName): boolean {
  const answers = reverse === true || reverse.length > 0;
  return answers && foldLabel(zone.labels[0] ?? "") === foldLabel(generatedLabel(name));
}

const generatedLabel = (name: string): Label => labelText(name.replaceAll(".", "-"));

const learnedAs = ({ zone, record }: LearnedName) => ({
  subdomain: zone,
  source: "ptr" as const,
  record,
});

/** The subdomain that the file gives an interface; undefined: its function was not asked. */
function saidFor(entry: WrittenInterface, name: string): Name | false | "nothing" | undefined {
  const { subdomain } = entry;
  if (subdomain === undefined) return "nothing";
  if (subdomain === false || !("byInterface" in subdomain)) return subdomain;
  const given = subdomain.byInterface.find((one) => one.interface === name);
  return given === undefined || entry.disable ? undefined : (given.subdomain ?? "nothing");
}

/** An interface that a pattern fits is one of many; one that is spelt out is missed. */
function tellUnnamed(
  plan: Plan,
  entry: WrittenInterface,
  path: string,
  { name, addresses }: PresentInterface,
): void {
  if (addresses.length > 0 || isPattern(entry.name) || entry.disable) return;
  const where = plan.at(`${path}.subdomain`);
  const text = `not asked for interface ${name}, which has no address: nothing is served there yet`;
  where.report.warning(where, text);
}

/** `<interface>.<domain>`, and the operator is told. */
function generated(plan: Plan, path: string, name: string): Name | undefined {
  const where = plan.at(path === "" ? "" : `${path}.subdomain`);
  try {
    const zone = under([generatedLabel(name)], plan.domain);
    const shown = displayName(zone);
    const absent = path === "" ? `interface ${name}` : `not set for interface ${name}, which`;
    where.report.warning(where, `${absent} is served as ${shown}${remedyFor(plan, name)}`);
    return zone;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    where.report.problem(where, `${name} makes no zone name below ${displayName(plan.domain)}`);
    return undefined;
  }
}

/** The names of a link in mode 'update'; those that nobody wrote are told. */
function publishedOf(plan: Plan, planned: PlannedLink): readonly PlannedSubdomain[] {
  const { entry, path, present, subdomain: said } = planned;
  const written = said === false ? undefined : said;
  const where = plan.at(`${path}.subdomain`);
  try {
    const subdomains = planSubdomains({
      written,
      isPerSubnet: entry.per_subnet,
      networks: present === undefined ? [] : networksOf(present),
      domain: plan.written.domain,
      parent: plan.publishedDomain,
      learned: plan.learned.of(planned.name as string),
    });
    if (written === undefined) tellGenerated(plan, planned, subdomains);
    return subdomains;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const domain = displayName(written ?? plan.publishedDomain);
    where.report.problem(where, `a network's name does not fit below ${domain}`);
    return [];
  }
}

function tellGenerated(
  plan: Plan,
  { entry, path, name, present }: PlannedLink,
  subdomains: readonly PlannedSubdomain[],
): void {
  const where = plan.at(`${path}.subdomain`);
  const generated = subdomains.filter(({ source }) => source === "generated");
  if (generated.length > 0) {
    const shown = generated.map((one) => displayName(one.name)).join(", ");
    const text = `not set for interface ${name}, which is published as ${shown}`;
    where.report.warning(where, `${text}${remedyFor(plan, name as string)}`);
  } else if (present !== undefined && !isPattern(entry.name) && networksOf(present).length === 0) {
    const text = `not set for interface ${name}, which has no network to be named by: nothing`;
    where.report.warning(where, `${text} is published there yet`);
  }
}

/** Which record would name a zone for the interface. */
function remedyFor({ interfaces }: Plan, name: string): string {
  const present = interfaces.find((one) => one.name === name);
  const [network] = present === undefined ? [] : networksOf(present);
  return network === undefined ? "" : `; a PTR record at ${wantedRecord(network)} would name it`;
}
