// The engine's state as the API shows it: what the links, the queries, the sessions
// and the publishers know, in words for people. Looks and changes nothing, but for the
// directory, which is told of changes as everybody else is.

import { formatPrefix } from "../address.js";
import { Directory } from "../api/directory.js";
import { escapedName, type Hiding } from "../api/packet.js";
import { explain } from "../api/policy.js";
import type {
  DomainView,
  HostView,
  QuestionView,
  SubscriptionView,
  UpdateView,
} from "../api/shapes.js";
import type { Gauges, LinkGauges, PolicyQuestion, Probes } from "../api/state.js";
import type { EngineInterface, EngineZone } from "../api/surroundings.js";
import { domainViews, type PublishedName, questionView, zoneViews } from "../api/views.js";
import type { Counts } from "../counts.js";
import type { LlqServer } from "../llq/server.js";
import type { Change } from "../mdns/link.js";
import type { ClientClass } from "../proxy/client.js";
import { isHidden, leadsToHidden, showsAll } from "../proxy/services.js";
import { type Tables, tablesOf, type Vantage } from "../proxy/tables.js";
import type { LinkView } from "../proxy/view.js";
import type { LinkZone } from "../proxy/zones.js";
import type { PushServer } from "../push/server.js";
import type { Queries } from "../query/queries.js";
import { elapsed, type Instant, secondsOf } from "../time.js";
import { typeName } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { displayName, type Name } from "../wire/name.js";
import type { EngineConfig } from "./config.js";
import { HostPackets } from "./host-packets.js";
import type { Links, UsedLink } from "./links.js";
import type { PacketSums } from "./traffic.js";
import type { Updating } from "./updating.js";
import type { Outlook } from "./watchdog.js";

export interface SurveyParts {
  readonly links: Links;
  readonly queries: Queries;
  readonly push: PushServer;
  readonly llq: LlqServer;
  readonly updating: Pick<Updating, "views" | "tally">;
  readonly counts: Counts;
}

/** Who looks without any particular rights: no rule with a client, no realm. */
const anybody: ClientClass = { id: "", browse: {}, isAllowed: true, allows: () => true };

export class Survey {
  readonly directory: Directory;
  readonly #parts: SurveyParts;
  #tables: Tables;
  #config: EngineConfig;
  #isKept = false;

  constructor(config: EngineConfig, parts: SurveyParts) {
    this.#config = config;
    this.#parts = parts;
    this.#tables = tablesOf(config.proxy);
    this.directory = new Directory((link, now) => this.#look(link, now));
  }

  /**
   * Begins to keep the directory, with what the links hold by now. Until then it is empty:
   * it makes work of every change on a link, and a daemon without an API has no use for it.
   */
  keepDirectory(now: Instant): void {
    if (this.#isKept) return;
    this.#isKept = true;
    for (const { id, link } of this.#parts.links.all()) {
      const held = [...link.records(now)];
      this.changed(
        now,
        id,
        held.map(({ rr }) => ({ kind: "add", rr })),
      );
    }
  }

  /** Nobody looks any more. */
  dropDirectory(): void {
    this.#isKept = false;
    this.directory.clear();
  }

  /** Takes in what changed on a link. */
  changed(now: Instant, link: string, changes: readonly Change[]): void {
    if (this.#isKept) this.directory.changed(now, link, changes);
  }

  configure(now: Instant, config: EngineConfig): void {
    this.#config = config;
    this.#tables = tablesOf(config.proxy);
    this.directory.reconfigured(now);
  }

  interfaces(now: Instant): EngineInterface[] {
    return [...this.#parts.links.all()].map((used) => this.#interfaceView(now, used));
  }

  /** Multicast DNS packets of all links since the start. */
  get packets(): Readonly<PacketSums> {
    return this.#parts.links.packets;
  }

  zones(): EngineZone[] {
    const inZone = this.#parts.queries.tallies.queries.byZone();
    return zoneViews({
      zones: this.#tables.zones,
      published: this.#published,
      queriesIn: (zone) => inZone.get(zone) ?? 0,
    });
  }

  domains(): DomainView[] {
    return domainViews(this.#config.proxy, this.#tables.zones, this.#published);
  }

  *hosts(now: Instant): Generator<HostView> {
    for (const host of this.directory.hosts(now)) {
      const hosts = this.#parts.links.peek(host.link)?.traffic.hosts ?? new HostPackets();
      yield { ...host, mdns: hosts.of(host.addresses) };
    }
  }

  *questions(now: Instant): Generator<QuestionView> {
    for (const { id, link } of this.#parts.links.all()) {
      for (const one of [...link.questions()]) yield questionView(now, id, one);
    }
  }

  *subscriptions(now: Instant): Generator<SubscriptionView> {
    for (const one of this.#parts.push.subscriptions()) {
      yield {
        id: `push ${one.stream} ${one.id}`,
        client: one.address,
        protocol: "push",
        transport: "tls",
        question: questionText(one.question),
        link: this.#linkOf(one.question.name),
        records: one.records,
        ageSeconds: secondsOf(elapsed(one.since, now)),
      };
    }
    for (const one of this.#parts.llq.all()) {
      yield {
        id: `llq ${one.id}`,
        client: one.address,
        protocol: "llq",
        transport: one.transport,
        question: questionText(one.question),
        link: this.#linkOf(one.question.name),
        records: one.records,
        ageSeconds: secondsOf(elapsed(one.begunAt, now)),
        expiresInSeconds: Math.max(0, secondsOf(elapsed(now, one.expiresAt))),
      };
    }
  }

  updates(): readonly UpdateView[] {
    return this.#parts.updating.views();
  }

  /** UPDATE messages by zone and result. */
  updateResults(): Gauges["updates"] {
    return [...this.#parts.updating.tally.all()];
  }

  /** Links that others can probably not reach any more, and why. */
  suspicions(now: Instant): NonNullable<Probes["suspicions"]> {
    return [...this.#parts.links.all()].flatMap(({ id, watchdog }) => {
      const { suspicion } = watchdog.outlook(now);
      return suspicion === null ? [] : [{ link: id, reason: suspicion }];
    });
  }

  policy(question: PolicyQuestion) {
    return explain(this.#tables, question);
  }

  linkGauges(now: Instant): LinkGauges[] {
    return [...this.#parts.links.all()].map(({ id, link, traffic, watchdog }) => ({
      link: id,
      isUp: link.isUp,
      questions: link.questionCount,
      records: link.recordCount,
      services: this.directory.shownOf(id),
      lastHeardSeconds: traffic.lastHeardSeconds(now),
      ...reachOf(watchdog.outlook(now)),
      packets: (["ipv4", "ipv6"] as const).flatMap((family) => [
        { family, direction: "in" as const, count: traffic.in[family] },
        { family, direction: "out" as const, count: traffic.out[family] },
      ]),
    }));
  }

  #interfaceView(now: Instant, used: UsedLink): EngineInterface {
    const { id, link, config, traffic, place } = used;
    const { hasQuerier, note, suspicion } = used.watchdog.outlook(now);
    const zones = this.#tables.zones.zones.filter((zone) => zone.link?.link === id);
    const published = this.#published.filter((one) => one.link === id);
    return {
      name: id,
      isUp: link.isUp,
      mode: config.published === undefined ? "proxy" : "update",
      families: config.mdns.families,
      addresses: place?.prefixes.map(formatPrefix) ?? [],
      zones: [
        ...zones.map(({ apex }) => displayName(apex)),
        ...published.map(({ subdomain }) => displayName(subdomain)),
      ],
      services: this.directory.shownOf(id),
      records: link.recordCount,
      questions: link.questionCount,
      mdns: traffic.view(now),
      lastHeardSeconds: traffic.lastHeardSeconds(now),
      hasQuerier,
      querierNote: note,
      // What keeps its interface down is known outside.
      problems: suspicion === null ? [] : [suspicion],
    };
  }

  #linkOf(name: Name): string | null {
    return this.#tables.zones.find(name)?.link?.link ?? null;
  }

  /** What the rules in `services` hide of a link; undefined: nothing. */
  hidingOn(link: string): Hiding | undefined {
    const used = this.#parts.links.peek(link);
    const rules = used && this.#zoneOf(used)?.link.services;
    if (rules === undefined || showsAll(rules)) return undefined;
    return {
      name: (name) => isHidden(rules, name),
      record: (rr) => leadsToHidden(rules, rr),
    };
  }

  get #published(): PublishedName[] {
    return this.#config.links.flatMap(({ id, published = [] }) =>
      published.map(({ target, source }) => ({ link: id, subdomain: target.subdomain, source })),
    );
  }

  #look(id: string, now: Instant): Vantage | undefined {
    const used = this.#parts.links.peek(id);
    if (used === undefined) return undefined;
    const zone = this.#zoneOf(used);
    if (zone === undefined) return undefined;
    const { link } = used;
    const view: LinkView = {
      find: (name, type) => link.find(now, name, type),
      denies: (name, type) => link.denies(now, name, type),
    };
    return { tables: this.#tables, view, zone, client: anybody, counts: this.#parts.counts };
  }

  /** The service zone of a link, or the name that it is published under. */
  #zoneOf({ config }: UsedLink): LinkZone | undefined {
    const link = config.served ?? config.published?.[0]?.served;
    if (link === undefined) return undefined;
    return { kind: "service", apex: link.service, link, bases: [] };
  }
}

/** For the metrics. */
function reachOf({ hasQuerier, suspicion }: Outlook) {
  return { hasQuerier, isSuspect: suspicion !== null };
}

function questionText({ name, type }: Question) {
  return { name: displayName(name), escaped: escapedName(name), type: typeName(type) };
}
