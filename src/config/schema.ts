// Every key of discd.lua: how it is checked, what it is when it is absent, and
// what it is for. A new key is one line here and its use in settings.ts. Keys
// that inherit from the top level have no default of their own.

import { defaultLimits, type Limits } from "../limits.js";
import { ms, seconds } from "../time.js";
import { addressTerms, defaultAllow } from "./address-terms.js";
import { certificate } from "./certificate.js";
import { http, httpKeys } from "./http.js";
import type { Value } from "./lua-value.js";
import { filePath } from "./paths.js";
import { record } from "./record.js";
import { inside, type Where } from "./report.js";
import { hexSecret } from "./secrets.js";
import {
  type Check,
  type Checked,
  type Keys,
  later,
  list,
  oneOrMore,
  optional,
  orFlag,
  preset,
  refuse,
  required,
  table,
  tableWithItems,
} from "./shapes.js";
import { prefix, subdomain, txtValues } from "./special.js";
import { linkUpdateKeys, updateKeys } from "./update-keys.js";
import {
  choice,
  flag,
  integer,
  interfaceName,
  listenAddress,
  mailbox,
  name,
  serviceType,
  size,
  text,
  time,
  timeOrInfinite,
  typePattern,
  wholeSeconds,
} from "./words.js";

const day = 86_400_000;

const types = oneOrMore(typePattern);
const names = oneOrMore(name);
const port = integer(1, 65_535);

/** `limits` keys by the name of the bound they set. */
export const limitKeys = {
  udp_size: "udpSize",
  cache_records: "cacheRecords",
  questions: "questions",
  queries_waiting: "queriesWaiting",
  queries_waiting_per_client: "queriesWaitingPerClient",
  answer_cache: "answerCache",
  connections: "connections",
  connections_per_client: "connectionsPerClient",
  tcp_idle: "tcpIdle",
  dso_inactivity: "dsoInactivity",
  dso_keepalive: "dsoKeepalive",
  subscriptions: "subscriptions",
  subscriptions_per_session: "subscriptionsPerSession",
  llq: "llq",
  llq_per_client: "llqPerClient",
  llq_unconfirmed_per_client: "llqUnconfirmedPerClient",
  llq_lease_min: "llqLeaseMin",
  llq_lease_max: "llqLeaseMax",
  update_records: "updateRecords",
  write_queue: "writeQueue",
  lua_time: "luaTime",
  lua_memory: "luaMemory",
} as const satisfies Readonly<Record<string, keyof Limits>>;

export const luaTime = time(100, 60_000);
export const luaMemory = size(16 * 2 ** 20, 2 ** 30);

const limits = table({
  udp_size: preset(integer(512, 65_535), defaultLimits.udpSize, "largest UDP answer in bytes"),
  cache_records: preset(integer(100, 10_000_000), defaultLimits.cacheRecords, "RRs per link"),
  questions: preset(integer(1, 1_000_000), defaultLimits.questions, "questions alive per link"),
  queries_waiting: preset(integer(1, 1_000_000), defaultLimits.queriesWaiting, "in all"),
  queries_waiting_per_client: preset(
    integer(1, 1_000_000),
    defaultLimits.queriesWaitingPerClient,
    "queries of one client that wait for a link",
  ),
  answer_cache: preset(size(0, 2 ** 31), defaultLimits.answerCache, "bytes of ready answers"),
  connections: preset(integer(1, 1_000_000), defaultLimits.connections, "TCP connections"),
  connections_per_client: preset(
    integer(1, 1_000_000),
    defaultLimits.connectionsPerClient,
    "TCP connections of one client",
  ),
  tcp_idle: preset(time(100, day), defaultLimits.tcpIdle, "an idle connection is closed after it"),
  write_queue: preset(size(65_536, 2 ** 30), defaultLimits.writeQueue, "unread bytes a client"),
  lua_time: preset(luaTime, defaultLimits.luaTime, "how long this file may run"),
  lua_memory: preset(luaMemory, defaultLimits.luaMemory, "how much memory this file may take"),
  dso_inactivity: preset(
    timeOrInfinite(0, 40 * day),
    defaultLimits.dsoInactivity,
    "granted to sessions with no subscription",
  ),
  dso_keepalive: preset(
    timeOrInfinite(10_000, 40 * day),
    defaultLimits.dsoKeepalive,
    "granted interval of keepalives",
  ),
  subscriptions: preset(integer(1, 10_000_000), defaultLimits.subscriptions, "of Push, in all"),
  subscriptions_per_session: preset(
    integer(1, 1_000_000),
    defaultLimits.subscriptionsPerSession,
    "of Push, in one session",
  ),
  llq: preset(integer(1, 1_000_000), defaultLimits.llq, "LLQs, in all"),
  llq_per_client: preset(integer(1, 1_000_000), defaultLimits.llqPerClient, "LLQs of one client"),
  llq_unconfirmed_per_client: preset(
    integer(1, 10_000),
    defaultLimits.llqUnconfirmedPerClient,
    "challenges that one client has not answered",
  ),
  llq_lease_min: preset(time(1000, 40 * day), defaultLimits.llqLeaseMin, "shortest lease"),
  llq_lease_max: preset(time(1000, 40 * day), defaultLimits.llqLeaseMax, "longest lease"),
  update_records: preset(
    integer(1, 1_000_000),
    defaultLimits.updateRecords,
    "records published in a zone",
  ),
  record_memory: later("recording is not built"),
});

const orderedRule: Check<never> = (_, where) => {
  const short = "list types in the short form { default = 'allow', deny = { … }, allow = { … } }";
  where.report.problem(where, `not yet: rules in order are not built; ${short}`);
  return undefined;
};

const servicesParts = tableWithItems(
  {
    default: optional(choice("allow", "deny"), "what happens to types on neither list"),
    allow: preset(types, [], "types that are shown"),
    deny: preset(types, [], "types that are not"),
  },
  orderedRule,
);

const services = (value: Value, where: Where) => servicesParts(value, where)?.keys;

export type WrittenServices = NonNullable<ReturnType<typeof services>>;

const translationKeys = {
  type: required(typePattern, "*", "the type, as in '_ipp._tcp'"),
  instance: optional(text(253), "instance names, with the wildcards * and ?"),
  txt: preset(txtValues, {}, "TXT keys to set"),
  subtypes: preset(oneOrMore(text(63)), [], "subtypes under which the instance is listed too"),
};

export type WrittenTranslation = Checked<typeof translationKeys>;

const announceKeys = {
  b: preset(names, [], "domains to browse"),
  db: preset(names, [], "the default domain"),
  lb: preset(names, [], "domains that clients browse by themselves"),
};

/** Keys that stand at the top level and, where they differ, in an entry of `interfaces`. */
const shared = {
  services: optional(services, "which types are shown"),
  translate: optional(list(table(translationKeys)), "what is added to devices' records"),
  warm: optional(orFlag(true, orFlag(false, oneOrMore(serviceType))), "types kept asked for"),
  rate: optional(integer(1, 10_000), "mDNS query packets a second"),
  wait: optional(time(100, 60_000), "longest wait for a first answer"),
  gather: optional(time(0, 10_000), "how much longer browse questions wait"),
  ttl: optional(wholeSeconds(0, 3600), "cap of TTLs in ordinary answers"),
  suppress: optional(flag, "withhold what a client elsewhere cannot use"),
};

/** What the shared keys are when neither level says it. */
export const sharedDefaults = {
  rate: 20,
  wait: seconds(6),
  gather: ms(200),
  ttl: 10,
  suppress: true,
} as const;

const interfaceKeys = {
  name: required(interfaceName, "", "the interface's name, or a pattern with * and ?"),
  disable: preset(flag, false, "no socket, no zone"),
  subdomain: optional(subdomain, "the service zone; false: none"),
  hosts: optional(name, "the host-name zone"),
  aliases: preset(names, [], "more names of the service zone"),
  reverse: preset(orFlag(true, oneOrMore(prefix)), [], "prefixes whose reverse zones are served"),
  mode: preset(
    choice("proxy", "update"),
    "proxy",
    "who answers: discd, or the server of a zone that it keeps",
  ),
  allow: optional(addressTerms, "who may ask for this link's zones"),
  ...shared,
  announce: preset(
    table(announceKeys),
    { b: [], db: [], lb: [] },
    "browse domains told on the link",
  ),
  realm: optional(text(64), "where the link's private addresses can be used"),
  ipv4: preset(flag, true, "use mDNS over IPv4"),
  ipv6: preset(flag, true, "use mDNS over IPv6"),
  per_subnet: preset(flag, false, "mode 'update': a name for each subnet"),
  update: optional(table(linkUpdateKeys), "what differs from the global update table"),
};

export type WrittenInterface = Checked<typeof interfaceKeys>;

const browseKeys = {
  b: optional(names, "domains to browse"),
  db: optional(names, "the default domain"),
  lb: optional(names, "domains that clients browse by themselves"),
  r: optional(names, "domains to register in"),
  dr: optional(names, "the default domain to register in"),
};

export type WrittenBrowse = Checked<typeof browseKeys>;

const portKeys = {
  udp: optional(orFlag(false, port), "DNS over UDP; false: not over UDP"),
  tcp: optional(orFlag(false, port), "DNS over TCP; false: not over TCP"),
  tls: optional(orFlag(false, port), "DNS over TLS; false: no such listener"),
  llq: optional(orFlag(false, port), "LLQ, over UDP and TCP; false: no LLQs"),
  push: optional(orFlag(false, port), "DNS Push Notifications, over TLS; false: none"),
};

const portTable = table(portKeys);

const ports = (value: Value, where: Where) =>
  value.kind === "table"
    ? portTable(value, where)
    : refuse(value, where, "a table of the ports that differ, as in { udp = 5300, tcp = 5300 }");

/** `realms = { name = addresses }`: the operator's own names are the keys. */
const realms: Check<readonly (readonly [string, ReturnType<typeof addressTerms> & object])[]> = (
  value,
  where,
) => {
  if (value.kind !== "table") return refuse(value, where, "a table { name = { … }, … }");
  return value.entries.flatMap((entry) => {
    const at = inside(where, entry.key, entry.spot);
    if (typeof entry.key !== "string") {
      at.report.problem(at, "a realm needs a name: { east = { '10.0.0.0/9' } }");
      return [];
    }
    const terms = addressTerms(entry.value, at);
    return terms === undefined ? [] : [[entry.key, terms] as const];
  });
};

const topKeys = {
  hostname: optional(name, "the daemon's own name"),
  contact: optional(mailbox, "the administrator's mail address"),
  domain: optional(name, "parent of generated zone names"),
  listen: optional(oneOrMore(listenAddress), "addresses to answer on"),
  port: optional(ports, "ports of the protocols"),
  certificate: optional(certificate, "what TLS shows"),
  allow: preset(addressTerms, defaultAllow, "who may ask"),
  refuse: preset(choice("answer", "drop"), "answer", "what the others get"),
  nameservers: preset(names, [], "fellow proxies of the same links"),
  nsid: preset(orFlag(true, orFlag(false, text(128))), false, "the server's identifier, RFC 5001"),
  state: preset(filePath, "/var/lib/discd", "the folder for what must survive a restart"),
  realms: preset(realms, [], "where clients are"),
  interfaces: preset(list(table(interfaceKeys)), [], "the links"),
  update: optional(table(updateKeys), "how zones of other servers are kept"),
  ...shared,
  browse: optional(
    tableWithItems(
      browseKeys,
      table({ client: required(addressTerms, [], "for whom"), ...browseKeys }),
    ),
    "the browse lists of every zone",
  ),
  records: preset(list(record), [], "static records"),
  zones: preset(names, [], "zones answered from records alone"),
  rotate: preset(flag, false, "several addresses leave in turn"),
  profile: later("shipped rules are not built"),
  rrl: later("rate limiting of answers is not built", "false"),
  cookies: preset(
    orFlag(false, table({ secret: optional(hexSecret(16), "shared by all servers of a name") })),
    { secret: undefined },
    "DNS Cookies; false: none",
  ),
  feed: later("the feed of asked names is not built", "false"),
  log: optional(
    table({
      level: preset(choice("debug", "info", "warn", "error"), "info", "the least that is logged"),
      queries: preset(choice("none", "names", "full"), "none", "which queries are logged"),
      clients: preset(
        choice("full", "network", "none"),
        "full",
        "how much of a client's address is logged",
      ),
    }),
    "the log",
  ),
  record: later("recording is not built", "false"),
  http: optional(http, "the API, metrics, health and discweb; false: none"),
  source: later("fetching configuration is not built"),
  limits: optional(limits, "bounds of everything"),
} satisfies Keys;

/** The whole file, checked key by key. */
export const checkFile = table(topKeys);

export type Written = Checked<typeof topKeys>;

/** What an empty file says. */
export const nothingWritten = absentOf(topKeys);

/** What an entry of `interfaces` says that names nothing. */
export const absentInterface = absentOf(interfaceKeys);

function absentOf<K extends Keys>(keys: K): Checked<K> {
  const given = Object.entries(keys).map(([key, { absent }]) => [key, absent]);
  return Object.fromEntries(given) as Checked<K>;
}

/** Every key by path, for the manual's test: `interfaces.name`, `limits.udp_size`. */
export function allKeys(): readonly { path: string; isBuilt: boolean }[] {
  const tables: readonly (readonly [string, Keys])[] = [
    ["", topKeys],
    ["interfaces.", interfaceKeys],
    ["port.", portKeys],
    ["update.", updateKeys],
    ["browse.", browseKeys],
    ["http.", httpKeys],
  ];
  return tables.flatMap(([path, keys]) =>
    Object.entries(keys).map(([key, { isBuilt }]) => ({ path: `${path}${key}`, isBuilt })),
  );
}
