// What the tables show: one description for each list of the API.

import { fact } from "./detail.js";
import type { Column } from "./grid.js";
import type { Lines } from "./lines.js";
import { readMetrics, type Sample } from "./metrics.js";
import type { Page } from "./page.js";
import type { Domain, Host, KnownDomain, Question, Subscription, Update, Zone } from "./shapes.js";
import { columnFacts, type Table, TablePage } from "./tables.js";
import { count, duration, many } from "./text.js";

const ago = (seconds: number | null) => (seconds === null ? "" : `${duration(seconds)} ago`);

const packetsOf = (mdns: Host["mdns"]) =>
  mdns.queriesIn + mdns.responsesIn + mdns.queriesOut + mdns.responsesOut;

const inWords = (queries: number, responses: number) =>
  `${count(queries)} ${queries === 1 ? "query" : "queries"}, ${many(responses, "response")}`;

const hosts: Table<Host> = {
  name: "hosts",
  title: "Hosts",
  noun: "host",
  none: "No host has told its address yet",
  columns: [
    { title: "Name", name: "instance", text: ({ name }) => name },
    { title: "Addresses", name: "addresses", text: ({ addresses }) => addresses.join("  ") },
    { title: "Link", name: "link", text: ({ link }) => link },
    {
      title: "Packets",
      name: "number",
      text: ({ mdns }) => count(packetsOf(mdns)),
      order: ({ mdns }) => packetsOf(mdns),
    },
    {
      title: "Last heard",
      name: "age",
      text: ({ lastHeardSeconds }) => ago(lastHeardSeconds),
      order: ({ lastHeardSeconds }) => lastHeardSeconds ?? Number.POSITIVE_INFINITY,
    },
  ],
  read: async (api) => (await api.json<{ hosts: Host[] }>("v1/hosts")).hosts,
  key: ({ id }) => id,
  detail: ({ name, escaped, link, addresses, lastHeardSeconds, mdns }, lines) => ({
    title: name,
    subtitle: "Host",
    facts: [
      ...fact("Addresses", ...addresses),
      ...fact("Link", link),
      ...fact("Last heard", ago(lastHeardSeconds)),
      ...fact("Packets heard", inWords(mdns.queriesIn, mdns.responsesIn)),
      ...fact("Sent to it alone", inWords(mdns.queriesOut, mdns.responsesOut)),
    ],
    lines: lines.on(link).host(escaped),
  }),
};

/** Where the name of a zone comes from. */
const sources: Readonly<Record<string, string>> = {
  config: "discd.lua",
  ptr: "the DNS",
  generated: "discd",
};

const zoneColumns: readonly Column<Zone>[] = [
  { title: "Zone", name: "instance", text: ({ zone }) => zone },
  { title: "Kind", name: "kind", text: ({ kind }) => kind },
  { title: "Link", name: "link", text: ({ link }) => link ?? "" },
  { title: "Named by", name: "source", text: ({ source }) => sources[source] ?? source },
  {
    title: "Queries",
    name: "number",
    text: ({ queries }) => count(queries),
    order: ({ queries }) => queries,
  },
];

const zones: Table<Zone> = {
  name: "zones",
  title: "Zones",
  noun: "zone",
  none: "No zone is served",
  tally: ({ summary }) => summary?.zones,
  columns: zoneColumns,
  read: async (api) => (await api.json<{ zones: Zone[] }>("v1/zones")).zones,
  key: ({ zone, kind, link }) => [zone, kind, link ?? ""].join("\n"),
  detail: (zone, lines) => ({
    title: zone.zone,
    subtitle: `Zone, ${zone.kind}`,
    facts: [...columnFacts(zoneColumns.slice(2), zone), ...learnedFacts(zone)],
    lines: zoneLines(zone, zone.kind === "published" ? lines.elsewhere : lines),
  }),
};

/** What the DNS says of a zone that was learned from it. */
function learnedFacts({ index, learned }: Zone) {
  const interfaceNumber = fact("Interface", index === null ? undefined : `number ${index}`);
  if (learned === null) return interfaceNumber;
  const { record, nsActive, netRevAddr, browseable, refreshedSeconds, timesOutSeconds } = learned;
  const delegated = nsActive === null ? "not looked at" : nsActive ? "to this host" : "elsewhere";
  return [
    ...interfaceNumber,
    ...fact("Named by the PTR at", record),
    ...fact("That name is", netRevAddr ? "of a network on the link" : "of a domain"),
    ...fact("Delegated", delegated),
    ...fact("Found by clients", browseable ? "yes" : "not by that record"),
    ...fact("Refreshed", ago(refreshedSeconds)),
    ...fact("Dropped in", `${duration(timesOutSeconds)}, unless it is confirmed`),
  ];
}

function zoneLines({ kind, escaped }: Zone, lines: Lines): string[] {
  const hasServices = ["service", "alias", "published"].includes(kind);
  return [...(hasServices ? lines.domain(escaped) : []), ...lines.zone(escaped)];
}

const purposes: Readonly<Record<string, string>> = {
  b: "b, to browse",
  db: "db, to browse by default",
  lb: "lb, browsed without asking",
  r: "r, to register in",
  dr: "dr, to register in by default",
};

/** A domain that is recommended to clients, or one that this host knows to be in. */
type AnyDomain = Domain | KnownDomain;

const isKnown = (one: AnyDomain): one is KnownDomain => "viaHostname" in one;

/** How this host knows a domain, or what it is recommended for. */
function roleOf(one: AnyDomain): string {
  if (!isKnown(one)) return purposes[one.kind] ?? one.kind;
  const ways = [
    one.viaHostname ? "host name" : "",
    one.viaResolvConf ? "resolv.conf" : "",
    one.viaAddressPtr ? "PTR of an address" : "",
  ].filter((way) => way !== "");
  return `known by ${ways.length === 0 ? "nothing any more" : ways.join(", ")}`;
}

const domainColumns: readonly Column<AnyDomain>[] = [
  { title: "Domain", name: "instance", text: ({ domain }) => domain },
  { title: "Named as", name: "kind", text: roleOf },
  { title: "Link", name: "link", text: ({ link }) => link ?? "" },
  {
    title: "Refreshed",
    name: "age",
    text: (one) => (isKnown(one) ? ago(one.refreshedSeconds) : ""),
    order: (one) => (isKnown(one) ? one.refreshedSeconds : Number.POSITIVE_INFINITY),
  },
];

function knownFacts(one: AnyDomain) {
  if (!isKnown(one)) return [];
  return [
    ...fact("Has our zone", one.browseable ? "in its browse list" : "not in its browse list"),
    ...fact("Dropped in", `${duration(one.timesOutSeconds)}, unless it is confirmed`),
  ];
}

const domains: Table<AnyDomain> = {
  name: "domains",
  title: "Domains",
  noun: "domain",
  none: "No domain is recommended for browsing, and none is known",
  columns: domainColumns,
  read: async (api) => {
    const lists = await api.json<{ domains: Domain[]; known: KnownDomain[] }>("v1/domains");
    return [...lists.domains, ...lists.known];
  },
  key: (one) => [one.domain, isKnown(one) ? "known" : one.kind, one.link ?? ""].join("\n"),
  detail: (one, lines) => ({
    title: one.domain,
    subtitle: isKnown(one) ? "Domain of this host" : "Domain for clients",
    facts: [...columnFacts(domainColumns.slice(1), one), ...knownFacts(one)],
    lines: isKnown(one)
      ? lines.elsewhere.domain(one.domain)
      : lines.on(one.link).domain(one.domain),
  }),
};

const subscriptionColumns: readonly Column<Subscription>[] = [
  { title: "Question", name: "instance", text: ({ question }) => question.name },
  { title: "Type", name: "rrtype", text: ({ question }) => question.type },
  { title: "Client", name: "client", text: ({ client }) => client },
  { title: "Link", name: "link", text: ({ link }) => link ?? "" },
  { title: "By", name: "kind", text: ({ protocol, transport }) => `${protocol}, ${transport}` },
  {
    title: "Records",
    name: "number",
    text: ({ records }) => count(records),
    order: ({ records }) => records,
  },
  {
    title: "Since",
    name: "age",
    text: ({ ageSeconds }) => duration(ageSeconds),
    order: ({ ageSeconds }) => ageSeconds,
  },
  {
    title: "Ends in",
    name: "age",
    text: ({ expiresInSeconds: left }) => (left === undefined ? "" : duration(left)),
    order: ({ expiresInSeconds: left }) => left ?? Number.POSITIVE_INFINITY,
  },
];

const subscriptions: Table<Subscription> = {
  name: "subscriptions",
  title: "Subscriptions",
  noun: "subscription",
  none: "Nobody subscribes to anything",
  tally: ({ summary }) =>
    summary === undefined ? undefined : summary.push.subscriptions + summary.llq,
  columns: subscriptionColumns,
  read: async (api) =>
    (await api.json<{ subscriptions: Subscription[] }>("v1/subscriptions")).subscriptions,
  key: ({ id }) => id,
  detail: (one, lines) => ({
    title: one.question.name,
    subtitle: `Subscription by ${one.protocol === "llq" ? "LLQ" : "DNS Push"}`,
    facts: columnFacts(subscriptionColumns.slice(1), one),
    lines: lines.question(one.question.escaped, one.question.type),
  }),
};

const questionColumns: readonly Column<Question>[] = [
  { title: "Question", name: "instance", text: ({ name }) => name },
  { title: "Type", name: "rrtype", text: ({ type }) => type },
  { title: "Link", name: "link", text: ({ link }) => link },
  {
    title: "Wanted by",
    name: "number",
    text: ({ watches }) => count(watches),
    order: ({ watches }) => watches,
  },
  {
    title: "Asked since",
    name: "age",
    text: ({ ageSeconds }) => (ageSeconds === null ? "not yet" : duration(ageSeconds)),
    order: ({ ageSeconds }) => ageSeconds ?? -1,
  },
];

const questions: Table<Question> = {
  name: "questions",
  title: "Questions",
  noun: "question",
  none: "Nothing is asked on any link at the moment",
  columns: questionColumns,
  read: async (api) => (await api.json<{ questions: Question[] }>("v1/questions")).questions,
  key: ({ id }) => id,
  detail: (one, lines) => ({
    title: one.name,
    subtitle: "Question on a link",
    facts: columnFacts(questionColumns.slice(1), one),
    lines: /\.local\.?$/i.test(one.name) ? [] : lines.question(one.escaped, one.type),
  }),
};

const updateColumns: readonly Column<Update>[] = [
  { title: "Subdomain", name: "instance", text: ({ subdomain }) => subdomain },
  { title: "Zone", name: "domain", text: ({ zone }) => zone ?? "" },
  { title: "Primary", name: "client", text: ({ server, step }) => server ?? step },
  {
    title: "Published",
    name: "number",
    text: ({ published, wanted }) => `${count(published)} of ${count(wanted)}`,
    order: ({ published }) => published,
  },
  { title: "Trouble", name: "trouble", text: ({ trouble }) => trouble ?? "" },
];

const updates: Table<Update> = {
  name: "updates",
  title: "Updates",
  noun: "subdomain",
  none: "No link is in update mode",
  columns: updateColumns,
  read: async (api) => (await api.json<{ updates: Update[] }>("v1/updates")).updates,
  key: ({ subdomain }) => subdomain,
  look: ({ trouble }) => (trouble === null ? "" : "warn"),
  detail: (one, lines) => ({
    title: one.subdomain,
    subtitle: "Published by DNS UPDATE",
    notes: one.trouble === null ? [] : [one.trouble],
    facts: [
      ...columnFacts(updateColumns.slice(1, 4), one),
      ...fact("Primary found by", one.server === null ? undefined : one.step),
      ...fact("Waiting", count(one.waiting)),
      ...fact("Refused by the primary", count(one.aside)),
      ...fact("Serial", one.serial === null ? undefined : String(one.serial)),
      ...fact("Named by", sources[one.source]),
      ...fact("Transport", one.transport ?? undefined),
      ...fact("Records end by", one.lifetime ?? undefined),
      ...fact("Clock of the primary", one.clockOffset === null ? "" : offset(one.clockOffset)),
    ],
    lines: [
      ...lines.elsewhere.domain(one.subdomain),
      ...(one.zone === null ? [] : lines.elsewhere.zone(one.zone).slice(0, 1)),
    ],
  }),
};

function offset(seconds: number): string {
  if (Math.abs(seconds) < 1) return "like ours";
  return `${duration(Math.abs(seconds))} ${seconds > 0 ? "ahead" : "behind"}`;
}

const sampleColumns: readonly Column<Sample>[] = [
  { title: "Metric", name: "instance", text: ({ name }) => name },
  { title: "Of", name: "labels", text: ({ labels }) => labels },
  { title: "Value", name: "number", text: ({ text }) => text, order: ({ value }) => value },
];

const statistics: Table<Sample> = {
  name: "statistics",
  title: "Statistics",
  noun: "number",
  none: "Nothing is counted",
  columns: sampleColumns,
  read: async (api) => readMetrics(await api.text("metrics")),
  key: ({ name, labels }) => `${name}{${labels}}`,
  detail: (one) => ({
    title: one.name,
    subtitle: one.kind,
    facts: [...fact("Meaning", one.help), ...columnFacts(sampleColumns.slice(1), one)],
    lines: [],
  }),
};

export function tablePages(): Page[] {
  return [
    new TablePage(hosts),
    new TablePage(zones),
    new TablePage(domains),
    new TablePage(subscriptions),
    new TablePage(questions),
    new TablePage(updates),
    new TablePage(statistics),
  ];
}
