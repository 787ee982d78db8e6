// From a link in mode 'update' to what the engine is told of it: for each name that
// may be changed, how it is published, with the key and the authorities read.

import { contains, type Prefix } from "../address.js";
import type { ServedLink } from "../proxy/options.js";
import type { PublishedZone, UpdateTarget, ZoneKey } from "../update/options.js";
import { mayUpdate } from "../update/primary.js";
import { displayName, isWithin, type Name } from "../wire/name.js";
import { checkTarget } from "./check-update.js";
import type { PlannedLink } from "./links.js";
import type { Material } from "./settings.js";
import type { PlannedSubdomain } from "./subdomains.js";
import { authoritiesIn, type FileSource, keyIn } from "./update-files.js";
import { isChangeable, type WrittenUpdate } from "./update-keys.js";
import { isDoubtful, type UpdateValues, updatePathOf, updateValuesOf } from "./update-values.js";

/** What all names of a link have in common. */
type Shared = Omit<UpdateTarget, "subdomain" | "primary">;

/** A link in mode 'update' with its values. */
export interface UpdatedLink {
  readonly planned: PlannedLink;
  readonly values: UpdateValues;
  /** Nothing outside of these is changed. */
  readonly within: readonly Name[];
}

/** The links in mode 'update', also those that are not there. */
export function updatedLinks(
  { written }: Pick<Material, "written">,
  planned: readonly PlannedLink[],
): readonly UpdatedLink[] {
  const own = planned.filter(
    ({ entry }) => entry.mode === "update" && !entry.disable && entry.subdomain !== false,
  );
  // UP-9: what is written in the file is meant to be changed.
  const subdomains = own.flatMap(({ subdomain }) => (subdomain ? [subdomain] : []));
  return own.map((one) => {
    const values = updateValuesOf(written, one.entry);
    const { zone } = values;
    const usual = zone === undefined ? subdomains : [...subdomains, zone];
    return { planned: one, values, within: values.within ?? usual };
  });
}

/**
 * @param served  rules and networks of the link, its zone being a name
 * @returns nothing for names that may not be changed, which is told
 */
export function publishedZones(
  material: Material,
  link: UpdatedLink,
  served: (name: Name) => ServedLink,
): readonly PublishedZone[] {
  checkTarget(material, link);
  const shared = sharedOf(material, link);
  const { planned, values } = link;
  return (planned.published ?? []).flatMap((one): readonly PublishedZone[] => {
    if (!mayPublish(material, link, one)) return [];
    const { name, source, domain, subnet, networks } = one;
    const { server, port, transport, zone } = values;
    const primary = {
      subdomain: name,
      domain,
      server: server === undefined ? undefined : { host: server, port },
      transport,
      zone,
      within: link.within,
    };
    const own = served(name);
    const reverse = own.reverse.filter((prefix) => concerns(prefix, subnet));
    return [
      {
        served: { ...own, host: name, aliases: [], reverse },
        ...(subnet === undefined ? {} : { subnet }),
        source,
        domain,
        networks,
        ttlSecondsMax: values.max_ttl,
        target: { ...shared, subdomain: name, primary },
      },
    ];
  });
}

function concerns(prefix: Prefix, subnet: Prefix | undefined): boolean {
  if (subnet === undefined) return true;
  return contains(prefix, subnet.address) || contains(subnet, prefix.address);
}

function sharedOf(material: Material, { planned, values }: UpdatedLink): Shared {
  const files: FileSource = material;
  const { tls } = values;
  const at = (key: keyof WrittenUpdate, part: string) =>
    material.at(`${updatePathOf(planned.entry, planned.path, key)}${part}`);
  const ca = tls?.ca === undefined ? undefined : authoritiesIn(tls.ca, at("tls", ".ca"), files);
  const key = values.key === undefined ? undefined : keyIn(values.key, files);
  const keys = (values.keys ?? []).flatMap(({ zone, key: written }): readonly ZoneKey[] => {
    const found = keyIn(written, files);
    return found === undefined ? [] : [{ zone, key: found }];
  });
  return {
    ...(key === undefined ? {} : { key }),
    keys,
    allowsUnauthenticated: values.allow_unauthenticated,
    tls: {
      ...(tls?.name === undefined ? {} : { name: tls.name }),
      ...(ca === undefined ? {} : { ca }),
      pins: tls?.pin ?? [],
    },
    lifetime: values.lifetime,
    timeoutType: values.timeout_type,
    trustsClock: values.trust_clock,
    withdrawOnExit: values.withdraw_on_exit,
  };
}

/**
 * UP-9. What is written and may not be changed is an error; for a name that comes from somewhere
 * else the operator may not have a say.
 */
function mayPublish(
  { at }: Material,
  { planned, values, within }: UpdatedLink,
  { name, source }: PlannedSubdomain,
): boolean {
  const { entry, path } = planned;
  const where = at(`${path}.subdomain`);
  const shown = displayName(name);
  const { zone } = values;
  if (!isChangeable(name, where)) return false;
  const isAllowed = mayUpdate(name, within);
  const isInside = zone === undefined || isWithin(name, zone);
  if (isAllowed && isInside) return true;
  const { report } = where;
  if (isDoubtful(report, path, "within") || isDoubtful(report, path, "zone")) return false;
  const place = isAllowed ? at(updatePathOf(entry, path, "zone")) : where;
  const fault = isAllowed
    ? `${shown} is not in this zone; leave zone out, and it is found by SOA`
    : `${shown} is not published: it is not below a name of update.within; add it there`;
  if (source === "config") place.report.problem(place, fault);
  else place.report.warning(place, fault);
  return false;
}
