// What does not fit together in mode 'update': in the values of one link, between
// its entry and the mode, and between what is published and what discd answers.

import type { LinkConfig } from "../engine/config.js";
import type { ProxyOptions } from "../proxy/options.js";
import { configuredZones, type Zone } from "../proxy/zones.js";
import type { UpdateTarget } from "../update/options.js";
import { displayName, isWithin, type Name } from "../wire/name.js";
import type { PlannedLink } from "./links.js";
import type { UpdatedLink } from "./published.js";
import type { Where } from "./report.js";
import type { WrittenInterface } from "./schema.js";
import type { Material, UsedLink } from "./settings.js";
import type { WrittenUpdate } from "./update-keys.js";
import { isDoubtful, updatePathOf } from "./update-values.js";

/** RFC 7858 §3.1: one is never TLS, the other never anything else. */
const dnsPort = 53;
const tlsPort = 853;

type Say = (key: keyof WrittenUpdate, part: string, text: string) => void;

/** Where a link's values say a key, to blame it. */
function sayers({ at }: Material, { entry, path }: PlannedLink): { problem: Say; warning: Say } {
  const place = (key: keyof WrittenUpdate, part: string): Where =>
    at(`${updatePathOf(entry, path, key)}${part}`);
  return {
    problem: (key, part, text) => {
      const where = place(key, part);
      where.report.problem(where, text);
    },
    warning: (key, part, text) => {
      const where = place(key, part);
      where.report.warning(where, text);
    },
  };
}

/** The values of one link. */
export function checkTarget(material: Material, link: UpdatedLink): void {
  checkTransport(material, link);
  checkKeys(material, link);
  const { planned, values } = link;
  const { subdomain, path, entry } = planned;
  const isNamed = subdomain !== undefined || (entry.subdomain ?? false) !== false;
  if (isNamed || values.within !== undefined || values.zone !== undefined) return;
  const where = material.at(`${path}.subdomain`);
  if (isDoubtful(where.report, path, "within")) return;
  const text = "is not set, and neither is update.within: generated and learned names are";
  where.report.problem(where, `${text} published only below names that stand there`);
}

function checkTransport(material: Material, { planned, values }: UpdatedLink): void {
  const { server, port, transport, tls } = values;
  const { problem, warning } = sayers(material, planned);
  const isTls = transport === "tls";
  if (tls !== undefined && transport === "tcp") {
    problem("tls", "", "is for TLS, and transport is 'tcp'; leave one of them out");
  } else if (tls !== undefined && server !== undefined && !isTls) {
    problem("tls", "", "is for TLS, by which server is reached only with transport = 'tls'");
  }
  if (port !== undefined && server === undefined) {
    warning("port", "", "is that of server, which is not set: SRV records say the port");
  }
  if (port === dnsPort && isTls) {
    problem("port", "", "53 is for DNS without TLS; 853 is the port for this");
  } else if (port === tlsPort && server !== undefined && !isTls) {
    problem("port", "", "853 is for DNS over TLS; write transport = 'tls' as well");
  }
  const isUnnamed = tls?.name === undefined && (tls?.pin ?? []).length === 0;
  if (isTls && server !== undefined && "bytes" in server && isUnnamed) {
    const text = "is an address, for which no certificate is made; write tls.name or tls.pin too";
    problem("server", "", text);
  }
  if (tls?.ca !== undefined && tls.pin.length > 0) {
    warning("tls", ".ca", "is not used: where there is a pin, nothing else counts");
  }
}

/** UP-19, TSIG-7. */
function checkKeys(material: Material, { planned, values }: UpdatedLink): void {
  const { entry, path, subdomain, published } = planned;
  const { key, keys = [] } = values;
  checkSameNames(material, planned, values);
  const where = material.at(`${path}.mode`);
  const { report } = where;
  if (key !== undefined || values.allow_unauthenticated) return;
  if (isDoubtful(report, path, "key") || isDoubtful(report, path, "keys")) return;
  const names = published?.map(({ name }) => name) ?? (subdomain ? [subdomain] : []);
  const bare = names.find((name) => !keys.some(({ zone }) => isWithin(name, zone)));
  if (keys.length > 0 && bare === undefined) return;
  const fault =
    keys.length === 0
      ? "no key signs the updates of this link"
      : `update.keys has none for the zone of ${bare === undefined ? entry.name : displayName(bare)}`;
  const ways = "write update.key = { file = 'FILE' }, or update.allow_unauthenticated = true";
  report.problem(where, `${fault}; ${ways}. tsig-keygen NAME makes one`);
}

/** RFC 8945 §8: a name stands for one key, also on the server. */
function checkSameNames(
  material: Material,
  planned: PlannedLink,
  { key, keys = [] }: Pick<WrittenUpdate, "key" | "keys">,
): void {
  const { warning } = sayers(material, planned);
  const first = key?.kind === "own" ? key.key : undefined;
  for (const { zone, key: other } of keys) {
    if (other.kind !== "own" || first?.name.key !== other.key.name.key) continue;
    if (first.algorithm === other.key.algorithm) continue;
    const part = `['${displayName(zone)}']`;
    warning("keys", part, "has the name of key and another algorithm; give it another name");
  }
}

/** Keys of an entry that mean nothing in mode 'update', and why. */
const unusedKeys: readonly (readonly [keyof WrittenInterface, string])[] = [
  ["hosts", "host names are published in the subdomain, beside the services that need them"],
  ["aliases", "what is published has one name, the subdomain"],
  ["reverse", "no reverse names are published"],
  ["allow", "the zone's own server answers, and decides who may ask"],
  ["realm", "the zone's own server tells every client the same"],
  ["warm", "everything on the link is asked for anyway"],
  ["wait", "nobody's query waits for the link"],
  ["gather", "nobody's query waits for the link"],
  ["ttl", "the TTLs that are written are capped by update.max_ttl"],
];

/** An entry against its mode. */
export function checkMode({ at }: Material, { entry, path }: PlannedLink): void {
  const warn = (key: keyof WrittenInterface, text: string) => {
    const where = at(`${path}.${key}`);
    where.report.warning(where, text);
  };
  if (entry.mode === "proxy") {
    const text = "has no effect without mode = 'update'";
    if (entry.per_subnet) warn("per_subnet", text);
    if (entry.update !== undefined) warn("update", text);
    return;
  }
  for (const [key, reason] of unusedKeys) {
    const value = entry[key];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    warn(key, `has no effect in mode 'update': ${reason}`);
  }
  if (entry.subdomain === false) {
    warn("mode", "has no effect: subdomain is false, and nothing is published");
  }
}

/** The global table where nothing is published by it. */
export function checkUnused({ written, at }: Material): void {
  if (written.update === undefined) return;
  if (written.interfaces.some(({ mode }) => mode === "update")) return;
  const where = at("update");
  where.report.warning(where, "has no effect: no entry of interfaces has mode = 'update'");
}

/** Everything that is published, among itself and against what discd answers. */
export function checkPublished(
  { at }: Material,
  used: readonly UsedLink[],
  proxy: ProxyOptions,
): void {
  const first = new Map<string, { readonly link: string; readonly target: UpdateTarget }>();
  const answered = configuredZones(proxy);
  for (const { planned, config } of used) {
    const where = at(`${planned.path}.subdomain`);
    for (const { target } of config.published ?? []) {
      const { subdomain } = target;
      const own = answered.find(({ apex }) => isWithin(subdomain, apex));
      const other = first.get(subdomain.key);
      if (own !== undefined) {
        where.report.problem(where, answeredText(subdomain, own));
      } else if (other === undefined) {
        first.set(subdomain.key, { link: config.id, target });
      } else if (other.link !== config.id) {
        tellShared(where, subdomain, other.link, isSameTarget(other.target, target));
      }
    }
  }
}

function answeredText(subdomain: Name, { apex, link }: Zone): string {
  const owner = link === undefined ? "zones" : `interface ${link.link}`;
  const shown = displayName(subdomain);
  const text = `${shown} cannot be kept on another server: discd answers it itself, since`;
  return `${text} ${displayName(apex)} is a zone of ${owner}`;
}

/** UP-56. */
function tellShared(where: Where, subdomain: Name, other: string, isSame: boolean): void {
  const shown = `${displayName(subdomain)} is also the subdomain of interface ${other}`;
  if (isSame) {
    const text = "of two services with one name the first is published; better give it its own";
    where.report.warning(where, `${shown}: ${text}`);
  } else {
    where.report.problem(where, `${shown}, whose update table says otherwise; make them the same`);
  }
}

const isSameTarget = (one: UpdateTarget, other: UpdateTarget): boolean =>
  textOf(one) === textOf(other);

/** Names are the same in whatever case. */
const textOf = (target: UpdateTarget): string =>
  JSON.stringify(target, (_, value) => (value?.labels === undefined ? value : value.key));

/** Whether somebody's query may have to be answered. */
export function answersNobody({ written }: Material, links: readonly LinkConfig[]): boolean {
  const { interfaces, zones } = written;
  const used = interfaces.filter(({ disable }) => !disable);
  const mayServe = used.some(({ mode, subdomain }) => mode === "proxy" && subdomain !== false);
  const isServed = links.some(({ served }) => served !== undefined);
  const hasUpdates = used.some(({ mode }) => mode === "update");
  return hasUpdates && !mayServe && !isServed && zones.length === 0;
}
