// Everything that the HTTP API says, shape by shape. A change here is a change
// of the interface: keys may be added, none is renamed or taken away. Times are
// seconds, instants RFC 3339 text, names as `displayName` writes them.

import {
  flag,
  list,
  nullable,
  number,
  type Of,
  object,
  open,
  optional,
  text,
  word,
} from "./shape.js";

const id = text("tells it from all others, for as long as it lives; opaque");
const link = text("the link, by the name of its interface");
const escaped = text("the name in zone-file text, as dig and discli take it, without a final dot");
const problems = list(text("a sentence each"), "what is wrong, in words; empty when nothing is");

export const summaryShape = object({
  version: text("of discd"),
  hostname: text("the daemon's own name"),
  startedAt: text("instant of the start"),
  uptimeSeconds: number("since the start"),
  links: number("links in use"),
  zones: number("zones answered or published"),
  services: number("services shown"),
  queries: object(
    { total: number("since the start"), perSecond: number("over the last 2 s") },
    "unicast queries",
  ),
  mdns: object(
    {
      in: number("packets heard since the start"),
      out: number("packets sent since the start"),
      perSecond: number("both, over the last 2 s"),
    },
    "multicast DNS, all links together, those that were given up since as well",
  ),
  cache: object(
    { hits: number("answers given from memory"), misses: number("answers made anew") },
    "the cache of ready answers",
  ),
  push: object(
    { sessions: number("DSO sessions"), subscriptions: number("of all sessions") },
    "DNS Push Notifications",
  ),
  llq: number("LLQs alive"),
  health: word(["ok", "failing"], "as /healthz judges"),
  reload: nullable(
    object(
      {
        at: text("instant"),
        isTaken: flag("it is in force; else the one before stays"),
        problems: list(text("file, line and what is wrong"), "what was refused, and warnings"),
      },
      "the last time that the configuration was read again because somebody wanted it",
    ),
  ),
  problems,
});

export const interfaceShape = object({
  name: text("of the interface"),
  index: nullable(number("that the kernel gave it; null: there is no such interface")),
  flags: list(word(["up", "multicast", "loopback"], "flag"), "that it has"),
  mtu: nullable(number("bytes of the longest packet")),
  vlan: nullable(number("its tag; null: none")),
  isUp: flag("packets can be sent and heard"),
  mode: word(["proxy", "update"], "how it is shown to the world"),
  families: list(word(["ipv4", "ipv6"], "family"), "in which mDNS is spoken"),
  addresses: list(text("address and prefix length"), "our own on it"),
  reverse: list(text("name"), "reverse names of its networks"),
  zones: list(text("zone"), "answered or published for it"),
  services: number("shown"),
  records: number("held in its cache"),
  questions: number("alive"),
  mdns: object(
    {
      in: number("packets heard since discd uses the link"),
      out: number("packets sent since discd uses the link"),
      inPerMinute: number("heard in the last minute"),
      outPerMinute: number("sent in the last minute"),
    },
    "multicast DNS",
  ),
  lastHeardSeconds: nullable(number("since the last packet of another host; null: none so far")),
  hasQuerier: nullable(
    flag("an IGMP or MLD querier was heard in the last 260 s; null: that cannot be told"),
  ),
  querierNote: nullable(
    text("why that cannot be told, or what the lack of a querier means; null: nothing to say"),
  ),
  problems,
});

const learnedFlags = {
  domainPtr: flag("a PTR record names it"),
  nsActive: nullable(flag("its delegation names this host; null: not looked at")),
  netRevAddr: flag("that record is below the reverse name of a network on the link"),
  browseable: flag("clients find it by that record"),
};

const learnedTimes = {
  refreshedSeconds: number("since it was confirmed"),
  timesOutSeconds: number("until it is dropped, unless it is confirmed"),
};

export const zoneShape = object({
  zone: text("its apex"),
  escaped,
  kind: word(
    ["service", "host", "alias", "reverse", "records", "published"],
    "what is found in it",
  ),
  link: nullable(text("its link; null for a zone of records")),
  index: nullable(number("of the link's interface")),
  source: word(["config", "ptr", "generated"], "where its name comes from"),
  learned: nullable(
    object(
      {
        record: text("owner of the PTR record that names it"),
        ...learnedFlags,
        ...learnedTimes,
      },
      "what the DNS says of it; null where a file or the interface gives the name",
    ),
  ),
  queries: number("for names in it, since the start"),
});

export const domainShape = object({
  link: nullable(link),
  kind: word(["b", "db", "lb", "r", "dr"], "of domain enumeration (RFC 6763 §11)"),
  domain: text("that is recommended"),
});

export const knownDomainShape = object({
  link,
  domain: text("that this host is in"),
  viaHostname: flag("known from the host's name"),
  viaResolvConf: flag("known from the search list of /etc/resolv.conf"),
  viaAddressPtr: flag("known from the PTR record of an address"),
  browseable: flag("its browse list holds a zone that is delegated to this host"),
  ...learnedTimes,
});

export const txtShape = object({
  key: text("before the equals sign"),
  value: nullable(text("after it; null where there is no equals sign")),
  isBinary: flag("the value is no text; `base64` has it"),
  base64: optional(text("the value's bytes")),
});

export const serviceShape = object({
  id,
  instance: text("what people call it: the first label. Any text at all"),
  type: text("as in _ipp._tcp"),
  domain: text("the zone it is found in"),
  name: text("the whole name, for people"),
  escaped,
  link,
  host: nullable(text("where it runs; null while its SRV record is not known")),
  hostEscaped: nullable(escaped),
  port: nullable(number("there")),
  addresses: list(text("address"), "of the host, as far as they are known"),
  txt: list(txtShape, "its TXT record, key by key"),
  ttlSeconds: number("the device's own TTL of its entry"),
  subtypes: list(text("as in _universal"), "under which it is listed as well"),
  isShown: flag("clients are given it"),
  reason: optional(text("why they are not")),
});

export const typeCountShape = object({
  type: text("as in _ipp._tcp"),
  link,
  count: number("of its services that are listed"),
});

export const hostShape = object({
  id,
  name: text("for people"),
  escaped,
  link,
  addresses: list(text("address"), "as the host tells them"),
  lastHeardSeconds: number("since it last told one of them"),
  mdns: object(
    {
      queriesIn: number("heard of it"),
      responsesIn: number("heard of it"),
      queriesOut: number("sent to it alone"),
      responsesOut: number("sent to it alone"),
    },
    "multicast DNS packets from and to its addresses, for as long as the link is used",
  ),
});

const questionShape = object(
  { name: text("asked for"), escaped, type: text("as in PTR") },
  "what is asked",
);

export const subscriptionShape = object({
  id,
  client: text("its address"),
  protocol: word(["push", "llq"], "of the subscription"),
  transport: word(["udp", "tcp", "tls"], "of the client"),
  question: questionShape,
  link: nullable(link),
  records: number("that it has been told and that still hold"),
  ageSeconds: number("since it began"),
  expiresInSeconds: optional(number("until its lease ends, unless it is renewed")),
});

export const activeQuestionShape = object({
  id,
  link,
  name: text("asked for on the link"),
  escaped,
  type: text("as in PTR"),
  watches: number("who want to know"),
  ageSeconds: nullable(number("since it was first asked; null: not yet")),
});

export const updateShape = object({
  subdomain: text("under which records are published"),
  source: word(["config", "ptr", "generated"], "where that name comes from"),
  zone: nullable(text("that holds it; null while it is looked for")),
  server: nullable(text("the primary: name, address and port")),
  step: text("by which the primary was found, or that it is looked for"),
  transport: nullable(word(["tcp", "tls"], "to the primary")),
  lifetime: nullable(word(["timeout", "lease", "none"], "how records end by themselves")),
  wanted: number("records that should be there"),
  published: number("records that are there"),
  waiting: number("records on their way"),
  aside: number("records that the primary refuses"),
  serial: nullable(number("of the zone, as last seen")),
  trouble: nullable(text("what keeps it from going on")),
  clockOffset: nullable(number("seconds by which the primary's clock is ahead of ours")),
});

const probed = {
  ok: flag("it answered within the last 10 s"),
  askedSecondsAgo: nullable(number("since the last real question; null: none so far")),
};

export const healthShape = object({
  ok: flag("everything is; else the status is 503"),
  reasons: list(text("what failed"), "what is not"),
  warnings: list(text("a sentence each"), "what may be wrong, and does not change the status"),
  listeners: list(object({ name: text("address, port and transport"), ...probed }), "for clients"),
  links: list(object({ name: link, ...probed }), "their sockets"),
  zones: list(object({ name: text("zone"), ok: flag("it can be answered") }), "answered here"),
});

export const policyShape = object({
  name: text("asked for"),
  type: text("asked for"),
  client: text("address that asks"),
  verdict: word(
    ["link", "local", "negative", "refused", "dropped", "nxdomain"],
    "what becomes of the question",
  ),
  zone: nullable(text("that the name is in")),
  link: nullable(link),
  rule: text("which rule decides, in words"),
});

const packetRecordShape = list(text("in zone-file text; at most 100"), "records");

export const packetShape = object({
  at: text("instant"),
  link,
  direction: word(["in", "out"], "heard or sent"),
  source: text("address and port; ours: empty"),
  isResponse: flag("a response, not a query"),
  isWhole: flag("all of it could be read"),
  questions: list(
    object({ name: text("asked for"), escaped, type: text("as in PTR"), isQu: flag("QU bit") }),
    "at most 100",
  ),
  answers: packetRecordShape,
  authorities: packetRecordShape,
  additionals: packetRecordShape,
});

export const errorShape = object({
  error: text("what is wrong"),
  remedy: optional(text("what helps")),
});

export const doneShape = object({ done: text("what has been set going") });

export const reloadShape = object({
  done: text("what has been done"),
  file: nullable(text("that was read; null: there is none")),
  warnings: list(text("file, line and what is doubtful"), "what to look at nevertheless"),
});

/** What a configuration that is refused is answered, with status 422. */
export const refusedReloadShape = object({
  error: text("what is wrong"),
  remedy: text("what helps"),
  problems: list(text("file, line and what is wrong"), "each of them"),
});

/** The bodies, by path. */
export const bodyShapes = {
  "/v1/summary": summaryShape,
  "/v1/interfaces": object({ interfaces: list(interfaceShape, "the links") }),
  "/v1/zones": object({ zones: list(zoneShape, "the zones") }),
  "/v1/domains": object({
    domains: list(domainShape, "recommended to clients"),
    known: list(knownDomainShape, "searched for zones, where the DNS is asked for a link's zone"),
  }),
  "/v1/services": object({
    services: list(serviceShape, "the services"),
    types: list(typeCountShape, "what there is of each type on each link"),
  }),
  "/v1/hosts": object({ hosts: list(hostShape, "the hosts") }),
  "/v1/subscriptions": object({ subscriptions: list(subscriptionShape, "Push and LLQ") }),
  "/v1/questions": object({ questions: list(activeQuestionShape, "asked on the links") }),
  "/v1/updates": object({ updates: list(updateShape, "one for each subdomain published") }),
  "/v1/config": open("the configuration in force, as discd --check --print-json prints it"),
  "/v1/policy": policyShape,
  "/healthz": healthShape,
  "/v1/reload": reloadShape,
  "/v1/refresh": doneShape,
} as const;

/** What events carry, by their names. */
export const eventShapes = {
  "service-added": serviceShape,
  "service-changed": serviceShape,
  "service-removed": serviceShape,
  summary: summaryShape,
  reloaded: object({}),
  packet: packetShape,
} as const;

export type EventName = keyof typeof eventShapes;

export type Summary = Of<typeof summaryShape>;
export type InterfaceView = Of<typeof interfaceShape>;
export type ZoneView = Of<typeof zoneShape>;
export type DomainView = Of<typeof domainShape>;
export type KnownDomainView = Of<typeof knownDomainShape>;
export type TxtPair = Of<typeof txtShape>;
export type Service = Of<typeof serviceShape>;
export type TypeCount = Of<typeof typeCountShape>;
export type HostView = Of<typeof hostShape>;
export type SubscriptionView = Of<typeof subscriptionShape>;
export type QuestionView = Of<typeof activeQuestionShape>;
export type UpdateView = Of<typeof updateShape>;
export type HealthView = Of<typeof healthShape>;
export type PolicyView = Of<typeof policyShape>;
export type PacketView = Of<typeof packetShape>;
export type ErrorView = Of<typeof errorShape>;
