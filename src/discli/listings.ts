// The lists of `show`: which path has them, what columns they get, and by which
// keys they can be picked from.

import {
  type DomainView,
  domainShape,
  type HostView,
  type InterfaceView,
  interfaceShape,
  type KnownDomainView,
  type QuestionView,
  type Service,
  type SubscriptionView,
  subscriptionShape,
  type UpdateView,
  updateShape,
  type ZoneView,
  zoneShape,
} from "../api/shapes.js";
import { FormatError } from "../wire/errors.js";
import { parseName } from "../wire/name.js";
import { ageText } from "./ages.js";
import type { Path } from "./api.js";
import type { Cell, Column } from "./columns.js";
import type { Known } from "./filters.js";
import { type NameStyle, shown } from "./names.js";

/** A key of `KEY=VALUE`, and what it is compared with. */
export interface Filter<T> extends Known {
  readonly of: (row: T) => Cell;
  /** A part is enough; otherwise all of it has to be the same. Case never counts. */
  readonly isPart?: true;
}

export interface Listing<T> {
  readonly path: Path;
  /** Of the body that holds the rows. */
  readonly key: string;
  columns(style: NameStyle): readonly Column<T>[];
  readonly filters: Readonly<Record<string, Filter<T>>>;
  /** What is said where there is none. */
  readonly none: string;
  /** A second table of the same body; a filter that it does not have leaves it out. */
  // biome-ignore lint/suspicious/noExplicitAny: its rows are others
  readonly also?: Listing<any>;
}

const column = <T>(heading: string, cell: (row: T) => Cell): Column<T> => ({ heading, cell });
const same = <T>(of: (row: T) => Cell): Filter<T> => ({ of });
const oneOf = <T>(words: readonly string[], of: (row: T) => Cell): Filter<T> => ({ of, words });
const part = <T>(of: (row: T) => Cell): Filter<T> => ({ of, isPart: true });

/** Two spellings of one key. */
const onLink = <T extends { readonly link: string | null }>() => ({
  if: same((row: T) => row.link),
  link: same((row: T) => row.link),
});

/** A name that discd tells, as this command line wants it. */
function named(escaped: string, text: string, style: NameStyle): string {
  if (!style.escaped) return text;
  try {
    return shown(parseName(escaped), style);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return escaped;
  }
}

/** A name that is told for people only; `displayName` wrote it, so that it can be read. */
const respelled = (text: string, style: NameStyle): string => named(text, text, style);

const yes = (value: boolean | null): string => (value === null ? "unknown" : value ? "yes" : "no");
const yesOrNo = ["yes", "no"] as const;

const interfaces: Listing<InterfaceView> = {
  path: "/v1/interfaces",
  key: "interfaces",
  none: "no interface is in use",
  filters: {
    if: same(({ name }) => name),
    name: same(({ name }) => name),
    mode: oneOf(interfaceShape.fields.mode.words, ({ mode }) => mode),
    zone: same(({ zones }) => zones),
    up: oneOf(yesOrNo, ({ isUp }) => yes(isUp)),
  },
  columns: (style) => [
    column("name", ({ name }) => name),
    column("index", ({ index }) => index),
    column("flags", ({ flags }) => flags),
    column("mode", ({ mode }) => mode),
    column("families", ({ families }) => families),
    column("addresses", ({ addresses }) => addresses),
    column("zones", ({ zones }) => zones.map((one) => respelled(one, style))),
    column("reverse", ({ reverse }) => reverse.map((one) => respelled(one, style))),
    column("services", ({ services }) => services),
    column("cache", ({ records }) => records),
    column("questions", ({ questions }) => questions),
    column("in", ({ mdns }) => mdns.in),
    column("out", ({ mdns }) => mdns.out),
    column("heard", ({ lastHeardSeconds }) => ageText(lastHeardSeconds)),
    column("querier", ({ hasQuerier }) => yes(hasQuerier)),
    column("problems", ({ problems }) => problems),
  ],
};

const zones: Listing<ZoneView> = {
  path: "/v1/zones",
  key: "zones",
  none: "no zone is served",
  filters: {
    zone: same(({ zone }) => zone),
    name: part(({ zone }) => zone),
    kind: oneOf(zoneShape.fields.kind.words, ({ kind }) => kind),
    source: oneOf(zoneShape.fields.source.words, ({ source }) => source),
    ...onLink<ZoneView>(),
  },
  columns: (style) => [
    column("zone", ({ zone, escaped }) => named(escaped, zone, style)),
    column("kind", ({ kind }) => kind),
    column("interface", ({ link }) => link),
    column("index", ({ index }) => index),
    column("source", ({ source }) => source),
    column("queries", ({ queries }) => queries),
    column("named by", ({ learned }) =>
      learned === null ? null : respelled(learned.record, style),
    ),
    column("ns", ({ learned }) => (learned === null ? null : yes(learned.nsActive))),
    column("reverse", ({ learned }) => learned?.netRevAddr),
    column("browseable", ({ learned }) => learned?.browseable),
    column("refreshed", ({ learned }) => ageText(learned?.refreshedSeconds ?? null)),
    column("timeout", ({ learned }) => ageText(learned?.timesOutSeconds ?? null)),
  ],
};

const domains: Listing<DomainView> = {
  path: "/v1/domains",
  key: "domains",
  none: "no domain is recommended to clients",
  // Read when it is wanted: that table stands below.
  get also() {
    return knownDomains;
  },
  filters: {
    domain: same(({ domain }) => domain),
    name: part(({ domain }) => domain),
    kind: oneOf(domainShape.fields.kind.words, ({ kind }) => kind),
    ...onLink<DomainView>(),
  },
  columns: (style) => [
    column("domain", ({ domain }) => respelled(domain, style)),
    column("kind", ({ kind }) => kind),
    column("interface", ({ link }) => link),
  ],
};

/** Where the DNS is asked for zones; the second table of `show domains`. */
const knownDomains: Listing<KnownDomainView> = {
  path: "/v1/domains",
  key: "known",
  none: "no domain is searched for zones",
  filters: {
    domain: same(({ domain }) => domain),
    name: part(({ domain }) => domain),
    ...onLink<KnownDomainView>(),
  },
  columns: (style) => [
    column("searched", ({ domain }) => respelled(domain, style)),
    column("interface", ({ link }) => link),
    column("hostname", ({ viaHostname }) => viaHostname),
    column("resolv.conf", ({ viaResolvConf }) => viaResolvConf),
    column("address ptr", ({ viaAddressPtr }) => viaAddressPtr),
    column("browseable", ({ browseable }) => browseable),
    column("refreshed", ({ refreshedSeconds }) => ageText(refreshedSeconds)),
    column("timeout", ({ timesOutSeconds }) => ageText(timesOutSeconds)),
  ],
};

const txtText = ({ txt }: Service): string[] =>
  txt.map(({ key, value, base64 }) => {
    if (value === null) return base64 === undefined ? key : `${key}=base64:${base64}`;
    return `${key}=${value}`;
  });

const services: Listing<Service> = {
  path: "/v1/services",
  key: "services",
  none: "no service is known; what nobody asked for is not known, unless `warm` says so",
  filters: {
    name: part(({ name }) => name),
    instance: part(({ instance }) => instance),
    type: same(({ type }) => type),
    subtype: same(({ subtypes }) => subtypes),
    zone: same(({ domain }) => domain),
    host: part(({ host }) => host),
    address: same(({ addresses }) => addresses),
    txt: part(txtText),
    shown: oneOf(yesOrNo, ({ isShown }) => yes(isShown)),
    ...onLink<Service>(),
  },
  columns: (style) => [
    column("instance", ({ instance, escaped, name }) =>
      style.escaped ? named(escaped, name, style) : instance,
    ),
    column("type", ({ type, subtypes }) => [type, ...subtypes].join(",")),
    column("zone", ({ domain }) => respelled(domain, style)),
    column("interface", ({ link }) => link),
    column("ttl", ({ ttlSeconds }) => ttlSeconds),
    column("host", ({ host, hostEscaped }) =>
      host === null ? null : named(hostEscaped ?? host, host, style),
    ),
    column("port", ({ port }) => port),
    column("addresses", ({ addresses }) => addresses),
    column("shown", ({ isShown, reason }) => (isShown ? "yes" : `withheld: ${reason ?? "?"}`)),
    column("txt", txtText),
  ],
};

const hosts: Listing<HostView> = {
  path: "/v1/hosts",
  key: "hosts",
  none: "no host is known",
  filters: {
    name: part(({ name }) => name),
    address: same(({ addresses }) => addresses),
    ...onLink<HostView>(),
  },
  columns: (style) => [
    column("host", ({ name, escaped }) => named(escaped, name, style)),
    column("interface", ({ link }) => link),
    column("addresses", ({ addresses }) => addresses),
    column("heard", ({ lastHeardSeconds }) => ageText(lastHeardSeconds)),
    column("asked", ({ mdns }) => mdns.queriesIn),
    column("answered", ({ mdns }) => mdns.responsesIn),
    column("asked by us", ({ mdns }) => mdns.queriesOut),
    column("answered by us", ({ mdns }) => mdns.responsesOut),
  ],
};

const subscriptions: Listing<SubscriptionView> = {
  path: "/v1/subscriptions",
  key: "subscriptions",
  none: "nobody subscribes to anything",
  filters: {
    client: same(({ client }) => client),
    protocol: oneOf(subscriptionShape.fields.protocol.words, ({ protocol }) => protocol),
    transport: oneOf(subscriptionShape.fields.transport.words, ({ transport }) => transport),
    name: part(({ question }) => question.name),
    type: same(({ question }) => question.type),
    ...onLink<SubscriptionView>(),
  },
  columns: (style) => [
    column("client", ({ client }) => client),
    column("protocol", ({ protocol }) => protocol),
    column("transport", ({ transport }) => transport),
    column("interface", ({ link }) => link),
    column("type", ({ question }) => question.type),
    column("name", ({ question: { name, escaped } }) => named(escaped, name, style)),
    column("records", ({ records }) => records),
    column("age", ({ ageSeconds }) => ageText(ageSeconds)),
    column("lease", ({ expiresInSeconds }) => ageText(expiresInSeconds ?? null)),
  ],
};

const questions: Listing<QuestionView> = {
  path: "/v1/questions",
  key: "questions",
  none: "nothing is being asked",
  filters: {
    name: part(({ name }) => name),
    type: same(({ type }) => type),
    ...onLink<QuestionView>(),
  },
  columns: (style) => [
    column("interface", ({ link }) => link),
    column("type", ({ type }) => type),
    column("name", ({ name, escaped }) => named(escaped, name, style)),
    column("watches", ({ watches }) => watches),
    column("age", ({ ageSeconds }) => ageText(ageSeconds)),
  ],
};

const updates: Listing<UpdateView> = {
  path: "/v1/updates",
  key: "updates",
  none: "nothing is published: no interface is in mode 'update'",
  filters: {
    subdomain: same(({ subdomain }) => subdomain),
    name: part(({ subdomain }) => subdomain),
    zone: same(({ zone }) => zone),
    server: part(({ server }) => server),
    source: oneOf(updateShape.fields.source.words, ({ source }) => source),
    step: same(({ step }) => step),
  },
  columns: (style) => [
    column("subdomain", ({ subdomain }) => respelled(subdomain, style)),
    column("source", ({ source }) => source),
    column("zone", ({ zone }) => (zone === null ? null : respelled(zone, style))),
    column("server", ({ server }) => server),
    column("transport", ({ transport }) => transport),
    column("lifetime", ({ lifetime }) => lifetime),
    column("wanted", ({ wanted }) => wanted),
    column("published", ({ published }) => published),
    column("waiting", ({ waiting }) => waiting),
    column("aside", ({ aside }) => aside),
    column("serial", ({ serial }) => serial),
    column("step", ({ step }) => step),
    column("trouble", ({ trouble }) => trouble),
  ],
};

/** Rows of each list differ; whoever takes one hands its own rows back to it. */
// biome-ignore lint/suspicious/noExplicitAny: lists of different rows stand in one table
export const listings: Readonly<Record<string, Listing<any>>> = {
  interfaces,
  zones,
  domains,
  services,
  hosts,
  subscriptions,
  questions,
  updates,
};

const folded = (value: Cell): string => String(value).toLowerCase();

/** Whether a row has what a filter wants. */
export function fits<T>({ of, isPart }: Filter<T>, row: T, wanted: string): boolean {
  const found = of(row);
  const list = Array.isArray(found) ? found : found === null || found === undefined ? [] : [found];
  const want = wanted.toLowerCase();
  return list.some((one) => (isPart === true ? folded(one).includes(want) : folded(one) === want));
}
