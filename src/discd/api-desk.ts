// The HTTP API of the running daemon: its listeners, the state that they show, the
// probes that health is judged by, and what is sent to those who follow. The daemon does
// not construct it yet.

import { fileURLToPath } from "node:url";
import type { Family } from "../address.js";
import { type Api, answer } from "../api/answer.js";
import { eventOf } from "../api/events.js";
import { judgeHealth } from "../api/health.js";
import { packetEvent } from "../api/packet.js";
import type { Summary } from "../api/shapes.js";
import type { ApiState, Gauges, Probes } from "../api/state.js";
import { Trend } from "../api/trend.js";
import type { Counts } from "../counts.js";
import type { Engine } from "../engine/engine.js";
import type { Log } from "../log.js";
import { now, wallClockOrigin } from "../os/clock.js";
import { HttpListeners, type HttpSettings } from "../os/http.js";
import { LinkProbes, type ProbedLink } from "../os/link-probes.js";
import { ListenerProbes, probeEvery } from "../os/listener-probes.js";
import type { Native } from "../os/native.js";
import { readPages } from "../os/pages.js";
import { tokenCheck } from "../os/token.js";
import type { Random } from "../random.js";
import { type Instant, seconds } from "../time.js";
import type { Name } from "../wire/name.js";

/** How often those who follow are told the summary, and numbers are looked at. */
const summaryEvery = 2_000;

export interface ApiSettings extends HttpSettings {
  readonly token?: string;
  /** Names that the `Host` field may bear, in lower case. */
  readonly names: ReadonlySet<string>;
}

/** What the daemon knows and the engine does not. */
export interface ApiHooks {
  readonly version: string;
  hostname(): string;
  /** As `--print-json` prints it. */
  printable(): object;
  /** Listeners for clients, by the names that os/listening.ts gives them. */
  listeners(): readonly string[];
  probedLinks(): readonly ProbedLink[];
  /** A name that is answered without a link: the first zone, or the hostname. */
  probedName(): Name;
  certificateExpiry(): number | undefined;
  reload(): void;
  refresh(): void;
}

export interface ApiDeskParts {
  readonly engine: Pick<Engine, "survey" | "queryTallies" | "sessions">;
  readonly counts: Counts;
  readonly log: Log;
  readonly native: Native | undefined;
  readonly random: Random;
  readonly hooks: ApiHooks;
  readonly crash: (error: unknown) => never;
}

export class ApiDesk {
  readonly #parts: ApiDeskParts;
  readonly #listeners: HttpListeners;
  readonly #clientProbes: ListenerProbes;
  readonly #linkProbes: LinkProbes;
  readonly #startedAt: Date;
  readonly #queries = new Trend(seconds(2));
  readonly #packets = new Trend(seconds(2));
  readonly #pages = readPages(fileURLToPath(new URL("web", import.meta.url)));
  #api: Api | undefined;
  #timers: NodeJS.Timeout[] = [];
  #isProbing = false;

  constructor(parts: ApiDeskParts) {
    const { counts, log, native, random, crash } = parts;
    this.#parts = parts;
    this.#startedAt = new Date(wallClockOrigin());
    parts.engine.survey.keepDirectory(now());
    this.#clientProbes = new ListenerProbes(() => random.uint32());
    this.#linkProbes = new LinkProbes(native, () => random.uint32());
    this.#listeners = new HttpListeners({
      answering: (request) => answer(request, this.#api as Api),
      log,
      counts,
      crash,
    });
  }

  /** Opens what is wanted. @returns what could not be opened, in words */
  async follow(settings: ApiSettings): Promise<readonly string[]> {
    const { token, names } = settings;
    const rights = { names, hasToken: token !== undefined, isToken: tokenCheck(token) };
    this.#api = { state: this.#state, rights, pages: this.#pages };
    if (this.#timers.length === 0) {
      this.#timers = [
        setInterval(() => this.#tick(), summaryEvery).unref(),
        setInterval(() => this.#probe(), probeEvery).unref(),
      ];
      this.#probe();
    }
    return this.#listeners.follow(settings);
  }

  /** Of the first listener, for tests: the one that the system chose. */
  get port(): number {
    return this.#listeners.open[0]?.port ?? 0;
  }

  /** The configuration was taken up anew: those who follow fetch everything again. */
  reloaded(): void {
    this.#listeners.publish(eventOf("reloaded", {}));
  }

  /** To be shown every multicast datagram. @returns whether it is a probe of ours */
  heard(link: string, family: Family, source: string, bytes: Uint8Array): boolean {
    if (this.#linkProbes.take(link, family, bytes)) return true;
    this.#packet(link, family, "in", source, bytes);
    return false;
  }

  sent(link: string, family: Family, bytes: Uint8Array): void {
    this.#packet(link, family, "out", "", bytes);
  }

  /** After each input of the engine: what became different is told. */
  flush(): void {
    const { directory } = this.#parts.engine.survey;
    directory.isFollowed = this.#listeners.hasFollowers("events");
    for (const event of directory.takeEvents()) this.#listeners.publish(event);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#listeners.close();
  }

  #packet(
    link: string,
    family: Family,
    direction: "in" | "out",
    source: string,
    bytes: Uint8Array,
  ): void {
    if (!this.#listeners.hasFollowers("packets")) return;
    const at = new Date().toISOString();
    const event = packetEvent({ at, link, family, direction, source, bytes });
    if (event !== undefined) this.#listeners.publish(event);
  }

  #tick(): void {
    const summary = this.#summary();
    if (!this.#listeners.hasFollowers("events")) return;
    this.#listeners.publish(eventOf("summary", summary));
  }

  #probe(): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    const { hooks } = this.#parts;
    Promise.all([
      this.#clientProbes.round(hooks.listeners(), hooks.probedName()),
      this.#linkProbes.round(hooks.probedLinks()),
    ]).then(() => {
      this.#isProbing = false;
    }, this.#parts.crash);
  }

  #summary(): Summary {
    const { engine, counts, hooks } = this.#parts;
    const { survey } = engine;
    const at = now();
    const interfaces = survey.interfaces(at);
    const { queries } = engine.queryTallies;
    const total = queries.total;
    const sum = (pick: (one: (typeof interfaces)[number]) => number) =>
      interfaces.reduce((all, one) => all + pick(one), 0);
    const [heard, sent] = [sum(({ mdns }) => mdns.in), sum(({ mdns }) => mdns.out)];
    this.#queries.look(at, total);
    this.#packets.look(at, heard + sent);
    const health = judgeHealth(this.#probes());
    return {
      version: hooks.version,
      hostname: hooks.hostname(),
      startedAt: this.#startedAt.toISOString(),
      uptimeSeconds: Math.round(at) / 1000,
      links: interfaces.length,
      zones: survey.zones().length,
      services: survey.directory.size,
      queries: { total, perSecond: this.#queries.per(seconds(1)) },
      mdns: { in: heard, out: sent, perSecond: this.#packets.per(seconds(1)) },
      cache: { hits: counts.of("answer-cache-hits"), misses: counts.of("answer-cache-misses") },
      push: engine.sessions.push,
      llq: engine.sessions.llq,
      health: health.ok ? "ok" : "failing",
      problems: [
        ...health.reasons,
        ...interfaces.flatMap(({ name, problems }) => problems.map((one) => `${name}: ${one}`)),
        ...survey
          .updates()
          .flatMap(({ subdomain, trouble }) =>
            trouble === null ? [] : [`${subdomain}: ${trouble}`],
          ),
      ],
    };
  }

  #probes(): Probes {
    const { survey } = this.#parts.engine;
    return {
      listeners: this.#clientProbes.states,
      links: this.#linkProbes.states,
      zones: survey.zones().map(({ zone, link }) => ({ zone, link })),
      suspicions: survey.suspicions(now()),
    };
  }

  #gauges(at: Instant): Gauges {
    const { engine, hooks } = this.#parts;
    const certificateExpiry = hooks.certificateExpiry();
    return {
      version: hooks.version,
      startedAt: this.#startedAt.getTime() / 1000,
      links: engine.survey.linkGauges(at),
      push: engine.sessions.push,
      llq: engine.sessions.llq,
      updates: engine.survey.updateResults(),
      ...(certificateExpiry === undefined ? {} : { certificateExpiry }),
      residentBytes: process.memoryUsage.rss(),
    };
  }

  readonly #state: ApiState = {
    summary: () => this.#summary(),
    interfaces: () => this.#parts.engine.survey.interfaces(now()),
    zones: () => this.#parts.engine.survey.zones(),
    domains: () => this.#parts.engine.survey.domains(),
    services: (filter) => this.#parts.engine.survey.directory.services(filter),
    typeCounts: (filter) => this.#parts.engine.survey.directory.typeCounts(filter),
    hosts: () => this.#parts.engine.survey.hosts(now()),
    subscriptions: () => this.#parts.engine.survey.subscriptions(now()),
    questions: () => this.#parts.engine.survey.questions(now()),
    updates: () => this.#parts.engine.survey.updates(),
    config: () => this.#parts.hooks.printable(),
    probes: () => this.#probes(),
    policy: (question) => this.#parts.engine.survey.policy(question),
    counts: () => this.#parts.counts,
    queries: () => this.#parts.engine.queryTallies.queries,
    latency: () => this.#parts.engine.queryTallies.latency,
    gauges: () => this.#gauges(now()),
    reload: () => this.#parts.hooks.reload(),
    refresh: () => this.#parts.hooks.refresh(),
  };
}
