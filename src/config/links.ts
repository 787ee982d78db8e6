// Which links there are: the interfaces that entries of discd.lua name, those
// on the host that a pattern fits, or every usable one where there is no file;
// each with its own values of the keys that may also stand at the top level.

import { FormatError } from "../wire/errors.js";
import { displayName, labelText, type Name, under } from "../wire/name.js";
import { canBeLink, fitsInterface, isPattern, type PresentInterface } from "./match.js";
import type { Where } from "./report.js";
import { absentInterface, type Written, type WrittenInterface } from "./schema.js";

/** One entry of discd.lua, for one interface. */
export interface PlannedLink {
  /** Undefined for an entry with a pattern that fits no interface of the host. */
  readonly name: string | undefined;
  readonly entry: WrittenInterface;
  readonly path: string;
  readonly present?: PresentInterface;
  /** Undefined where a function could not be asked: the interface, or its address, is not there. */
  readonly subdomain: Name | false | undefined;
}

/** What planning needs of the rest. */
export interface Plan {
  readonly written: Written;
  readonly domain: Name;
  readonly interfaces: readonly PresentInterface[];
  /** The place of a path in the file. */
  readonly at: (path: string) => Where;
}

/** All links, also those that are not used or not there. */
export function planAll(plan: Plan, hasFile: boolean): readonly PlannedLink[] {
  return hasFile ? planLinks(plan) : planWithoutFile(plan, absentInterface);
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
  const subdomain = subdomainOf(plan, entry, path, name);
  if (present !== undefined && subdomain === undefined) tellUnnamed(plan, entry, path, present);
  return present === undefined
    ? { name, entry, path, subdomain }
    : { name, entry, path, subdomain, present };
}

function subdomainOf(
  plan: Plan,
  entry: WrittenInterface,
  path: string,
  name: string,
): Name | false | undefined {
  const written = entry.subdomain;
  if (written === false) return false;
  if (written !== undefined && !("byInterface" in written)) return written;
  if (entry.disable) return undefined;
  if (written !== undefined) {
    const given = written.byInterface.find((one) => one.interface === name);
    if (given === undefined || given.subdomain !== undefined) return given?.subdomain;
  }
  return generated(plan, path, name);
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
    const zone = under([labelText(name.replaceAll(".", "-"))], plan.domain);
    const shown = displayName(zone);
    const absent = path === "" ? `interface ${name}` : `not set for interface ${name}, which`;
    where.report.warning(where, `${absent} is served as ${shown}`);
    return zone;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    where.report.problem(where, `${name} makes no zone name below ${displayName(plan.domain)}`);
    return undefined;
  }
}
