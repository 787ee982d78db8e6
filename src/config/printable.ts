// The configuration as it is in force, for `discd --check --print-json`: every
// key with its default filled in, in the order of the manual. Times are seconds,
// sizes bytes, names plain text.

import { formatAddress, formatPrefix } from "../address.js";
import type { Limits } from "../limits.js";
import { displayLabel, displayName, type Name, parentName } from "../wire/name.js";
import { formatRR } from "../wire/text.js";
import type { AddressTerm } from "./address-terms.js";
import { printCertificate } from "./certificate.js";
import { printHttp } from "./http.js";
import { type LinkValues, valuesOf } from "./link-values.js";
import type { PlannedLink } from "./links.js";
import { printPublished, printUpdate } from "./print-update.js";
import { type UpdatedLink, updatedLinks } from "./published.js";
import { limitKeys, type Written } from "./schema.js";
import type { Material, Settings } from "./settings.js";
import { updateValuesOf } from "./update-values.js";

/** Plain data that JSON can hold. */
export function printableOf(
  material: Material,
  planned: readonly PlannedLink[],
  settings: Settings,
): object {
  const { written, names } = material;
  const { proxy } = settings.engine;
  const { allow, ...values } = printValues(valuesOf(written));
  const updated = updatedLinks(material, planned);
  return {
    hostname: displayName(names.hostname),
    contact: mailboxText(names.contact),
    domain: displayName(names.domain),
    listen: settings.listen === "all" ? "all" : settings.listen.map(formatAddress),
    port: settings.ports,
    certificate: printCertificate(settings.certificate),
    allow,
    refuse: proxy.refuse,
    nameservers: proxy.nameservers.map(displayName),
    nsid: proxy.nsid === undefined ? false : new TextDecoder().decode(proxy.nsid),
    state: settings.state,
    realms: Object.fromEntries(written.realms.map(([name, terms]) => [name, textsOf(terms)])),
    interfaces: planned.map((one) => {
      const own = updated.find((link) => link.planned === one);
      return printLink(written, one, settings, own);
    }),
    update: { ...printUpdate(updateValuesOf(written)), state: settings.updateState },
    ...values,
    browse: printBrowse(written),
    records: proxy.records.map(formatRR),
    zones: proxy.zones.map(displayName),
    rotate: proxy.rotate,
    rrl: false,
    cookies: printCookies(settings),
    feed: false,
    log: settings.log,
    record: false,
    http: printHttp(settings.http),
    limits: printLimits(settings.limits),
    demo: material.hasDemo,
  };
}

/** A secret is nobody's to read on a screen; null: one of each start's own. */
function printCookies({ engine: { cookies } }: Settings): object | false {
  if (cookies === false) return false;
  return { secret: cookies.secret === undefined ? null : "***" };
}

function printLink(
  written: Written,
  planned: PlannedLink,
  settings: Settings,
  updated: UpdatedLink | undefined,
): object {
  const { entry, name, subdomain } = planned;
  const link = settings.engine.links.find((one) => one.id === name);
  const service = subdomain === undefined || subdomain === false ? null : displayName(subdomain);
  const reverse = entry.reverse === true ? [] : entry.reverse;
  return {
    name: name ?? entry.name,
    present: planned.present !== undefined,
    disable: entry.disable,
    subdomain: subdomain === false ? false : service,
    hosts: entry.hosts === undefined ? service : displayName(entry.hosts),
    aliases: entry.aliases.map(displayName),
    reverse: (link?.served?.reverse ?? reverse).map(formatPrefix),
    mode: entry.mode,
    ...printValues(valuesOf(written, entry)),
    announce: printLists(entry.announce),
    realm: entry.realm ?? null,
    ipv4: entry.ipv4,
    ipv6: entry.ipv6,
    per_subnet: entry.per_subnet,
    ...(updated === undefined ? {} : printPublished(updated, link ?? {})),
  };
}

function printValues(values: LinkValues) {
  return {
    ...values,
    allow: textsOf(values.allow),
    wait: values.wait / 1000,
    gather: values.gather / 1000,
  };
}

function printBrowse({ browse }: Written): object {
  if (browse === undefined) return {};
  const clients = browse.items.map(({ client, ...lists }) => ({
    client: textsOf(client),
    ...printLists(lists),
  }));
  return clients.length === 0 ? printLists(browse.keys) : { ...printLists(browse.keys), clients };
}

function printLists(lists: Readonly<Record<string, readonly Name[] | undefined>>): object {
  const written = Object.entries(lists).flatMap(([kind, names]) =>
    names === undefined ? [] : [[kind, names.map(displayName)] as const],
  );
  return Object.fromEntries(written);
}

/** Limits that are times, which the file has in seconds. */
const timeLimits: ReadonlySet<keyof Limits> = new Set([
  "tcpIdle",
  "dsoInactivity",
  "dsoKeepalive",
  "llqLeaseMin",
  "llqLeaseMax",
  "luaTime",
]);

/** Under the keys of the file. */
function printLimits(limits: Limits): object {
  const pairs = Object.entries(limitKeys).map(([key, bound]) => {
    const value = timeLimits.has(bound) ? limits[bound] / 1000 : limits[bound];
    return [key, Number.isFinite(value) ? value : "infinite"];
  });
  return Object.fromEntries(pairs);
}

const textsOf = (terms: readonly AddressTerm[]): readonly string[] => terms.map(({ text }) => text);

/** `hostmaster@example.com` of the name that an SOA record holds. */
function mailboxText(contact: Name): string {
  const [local] = contact.labels;
  const domain = displayName(parentName(contact));
  return local === undefined ? domain : `${displayLabel(local).replaceAll("\\.", ".")}@${domain}`;
}
