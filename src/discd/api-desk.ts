// The HTTP API of the running daemon: its listeners, the state that they show, the
// probes that health is judged by, and what is sent to those who follow.

import { fileURLToPath } from "node:url";
import type { Family } from "../address.js";
import { type Api, answer, type Reply } from "../api/answer.js";
import { eventOf } from "../api/events.js";
import type { Request } from "../api/exchange.js";
import { judgeHealth, type Probe } from "../api/health.js";
import { packetEvents } from "../api/packet.js";
import { placeText } from "../api/place.js";
import { reloadAnswer } from "../api/reload.js";
import type { Summary } from "../api/shapes.js";
import type { ApiState, Gauges, Probes, ReloadOutcome } from "../api/state.js";
import { interfaceWith, knownDomains, type Surroundings, zoneWith } from "../api/surroundings.js";
import { Trend } from "../api/trend.js";
import type { Counts } from "../counts.js";
import type { Engine } from "../engine/engine.js";
import type { Peer } from "../engine/io.js";
import type { Log } from "../log.js";
import { now, wallClockOrigin } from "../os/clock.js";
import type { Multicast, Onlooker } from "../os/driver.js";
import { HttpListeners, type HttpSettings } from "../os/http.js";
import { LinkProbes } from "../os/link-probes.js";
import type { LinkSocketState } from "../os/link-sockets.js";
import { ListenerProbes, probeEvery } from "../os/listener-probes.js";
import type { Native } from "../os/native.js";
import { readPages } from "../os/pages.js";
import { tokenCheck } from "../os/token.js";
import type { Random } from "../random.js";
import { type Instant, seconds } from "../time.js";
import type { Name } from "../wire/name.js";
import { OwnPackets } from "./own-packets.js";

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
  /** Whether somebody is to be heard; not where nothing is answered. */
  hasClients(): boolean;
  /** Why some that are wanted are not open, a line each. */
  refusedListeners(): readonly string[];
  /** Links with sockets, also those that have none at present. */
  links(): readonly LinkSocketState[];
  /** A name that is answered without a link: the first zone, or the hostname. */
  probedName(): Name;
  /** What the engine does not know of links and zones. */
  surroundings(): Surroundings;
  /** Seconds since 1970. */
  certificateExpiry(): number | undefined;
  /** Why clients that verify it refuse the certificate; undefined: nothing is known of that. */
  certificateTrouble(): string | undefined;
  /** What became of the last load that somebody asked for. */
  lastReload(): Summary["reload"];
  /** What else is wrong, a sentence each. */
  problems(): readonly string[];
  /** Fulfilled when the configuration was read again, with what became of it. */
  reload(): Promise<ReloadOutcome>;
  /** Begins to. @returns what, in words */
  refresh(): string;
}

export interface ApiDeskParts {
  readonly engine: Pick<Engine, "survey" | "queryTallies" | "sessions" | "load">;
  readonly counts: Counts;
  readonly log: Log;
  readonly native: Native | undefined;
  readonly random: Random;
  readonly hooks: ApiHooks;
  readonly crash: (error: unknown) => never;
}

export class ApiDesk implements Onlooker {
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
  readonly #own = new OwnPackets();
  #isProbing = false;
  #isProbeWanted = false;
  #looked = "";
  #token: string | undefined;

  constructor(parts: ApiDeskParts) {
    const { counts, log, native, random, crash } = parts;
    this.#parts = parts;
    this.#startedAt = new Date(wallClockOrigin());
    parts.engine.survey.keepDirectory(now());
    this.#clientProbes = new ListenerProbes(() => random.uint32());
    this.#linkProbes = new LinkProbes(native, () => random.uint32());
    this.#listeners = new HttpListeners({
      answering: (request) => this.#answer(request),
      log,
      counts,
      crash,
    });
  }

  /** Opens what is wanted. @returns what could not be opened, in words */
  async follow(settings: ApiSettings): Promise<readonly string[]> {
    const { token, names } = settings;
    const rights = { names, hasToken: token !== undefined, isToken: tokenCheck(token) };
    // Whoever follows has shown the token that was, or had no need of one.
    if (this.#api !== undefined && token !== this.#token) this.#listeners.endStreams();
    this.#token = token;
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

  get open() {
    return this.#listeners.open;
  }

  /** Sockets come and go: new ones are asked at once. */
  look(): void {
    const key = JSON.stringify([
      this.#parts.hooks.listeners(),
      this.#parts.hooks
        .links()
        .map(({ name, device, families }) => [name, device?.index, families]),
    ]);
    if (key === this.#looked) return;
    this.#looked = key;
    this.#probe();
  }

  /** The configuration was taken up anew: those who follow fetch everything again. */
  reloaded(): void {
    this.#listeners.publish(eventOf("reloaded", {}));
  }

  heard({ link, family, isMulticast, source, bytes }: Multicast): boolean {
    if (isMulticast && this.#linkProbes.take(link, family, bytes)) return true;
    if (!this.#listeners.hasFollowers("packets")) return false;
    if (this.#own.take(link, family, bytes, now())) return false;
    this.#packet(link, family, "in", placeText({ kind: "tcp", ...source }), bytes);
    return false;
  }

  sent(link: string, family: Family, bytes: Uint8Array): void {
    if (!this.#listeners.hasFollowers("packets")) return;
    this.#own.sent(link, family, bytes, now());
    this.#packet(link, family, "out", "", bytes);
  }

  isProbe(client: Peer): boolean {
    return this.#clientProbes.isProbe(client);
  }

  flush(): void {
    const events = this.#parts.engine.survey.directory.takeEvents();
    for (const event of events) this.#listeners.publish(event);
  }

  /** Ends all of it at once. */
  stop(): void {
    this.#end();
    this.#listeners.close();
  }

  /** Listens no more; answers that are due are still given. */
  retire(): void {
    this.#end();
    this.#listeners.retire();
  }

  #end(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#parts.engine.survey.dropDirectory();
  }

  #answer(request: Request): Reply | Promise<Reply> {
    const reply = answer(request, this.#api as Api);
    if (reply.answer.kind === "reload") {
      return this.#parts.hooks.reload().then((outcome) => ({ answer: reloadAnswer(outcome) }));
    }
    // From this moment on nothing is to be missed.
    if (reply.answer.kind === "follow" && reply.answer.following.feed === "events") {
      this.#parts.engine.survey.directory.isFollowed = true;
    }
    return reply;
  }

  #packet(
    link: string,
    family: Family,
    direction: "in" | "out",
    source: string,
    bytes: Uint8Array,
  ): void {
    const at = new Date().toISOString();
    const hiding = this.#parts.engine.survey.hidingOn(link);
    const events = packetEvents({ at, link, family, direction, source, bytes }, hiding);
    for (const event of events) this.#listeners.publish(event);
  }

  #tick(): void {
    const summary = this.#summary();
    const isFollowed = this.#listeners.hasFollowers("events");
    this.#parts.engine.survey.directory.isFollowed = isFollowed;
    if (isFollowed) this.#listeners.publish(eventOf("summary", summary));
  }

  #probe(): void {
    if (this.#isProbing) {
      // What has come meanwhile is asked as soon as this round is over.
      this.#isProbeWanted = true;
      return;
    }
    this.#isProbing = true;
    const { hooks } = this.#parts;
    Promise.all([
      this.#clientProbes.round(hooks.listeners(), hooks.probedName()),
      this.#linkProbes.round(
        hooks.links().flatMap(({ device, families }) => (device ? [{ device, families }] : [])),
      ),
    ]).then(() => {
      this.#isProbing = false;
      const isWanted = this.#isProbeWanted && this.#timers.length > 0;
      this.#isProbeWanted = false;
      if (isWanted) this.#probe();
    }, this.#parts.crash);
  }

  #summary(): Summary {
    const { engine, counts, hooks } = this.#parts;
    const { survey } = engine;
    const at = now();
    const interfaces = survey.interfaces(at);
    const { queries } = engine.queryTallies;
    const total = queries.total;
    const { packets } = survey;
    this.#queries.look(at, total);
    this.#packets.look(at, packets.in + packets.out);
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
      mdns: { ...packets, perSecond: this.#packets.per(seconds(1)) },
      cache: { hits: counts.of("answer-cache-hits"), misses: counts.of("answer-cache-misses") },
      push: engine.sessions.push,
      llq: engine.sessions.llq,
      health: health.ok ? "ok" : "failing",
      reload: hooks.lastReload(),
      problems: [
        ...hooks.problems(),
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
    const { hooks, engine } = this.#parts;
    const sockets = hooks.links();
    const asked = new Map(this.#linkProbes.states.map((one) => [one.name, one]));
    const trouble = new Map(
      engine.survey.updates().map((one) => [one.subdomain, one.trouble ?? undefined]),
    );
    return {
      listeners: withCertificate(this.#clientProbes.states, hooks.certificateTrouble()),
      refused: hooks.refusedListeners(),
      hasClients: hooks.hasClients(),
      links: sockets.map(({ name, fault }) => {
        const never = { name, askedSecondsAgo: null, answeredSecondsAgo: null };
        const state = asked.get(name) ?? never;
        return fault === undefined ? state : { ...state, reason: fault };
      }),
      zones: engine.survey.zones().map(({ zone, kind, link }) => {
        // A virtual link cannot fail: it has no socket.
        const needed = sockets.some(({ name }) => name === link) ? link : null;
        if (kind !== "published") return { zone, link: needed };
        const reason = trouble.get(zone);
        const isPublished = true;
        return { zone, link: needed, isPublished, ...(reason === undefined ? {} : { reason }) };
      }),
      suspicions: engine.survey.suspicions(now()),
    };
  }

  #gauges(at: Instant): Gauges {
    const { engine, hooks } = this.#parts;
    const certificateExpiry = hooks.certificateExpiry();
    const { waiting, answerCacheBytes } = engine.load;
    return {
      version: hooks.version,
      startedAt: this.#startedAt.getTime() / 1000,
      links: engine.survey.linkGauges(at),
      push: engine.sessions.push,
      llq: engine.sessions.llq,
      updates: engine.survey.updateResults(),
      ...(certificateExpiry === undefined ? {} : { certificateExpiry }),
      waiting,
      ...memoryOf(answerCacheBytes),
    };
  }

  readonly #state: ApiState = {
    summary: () => this.#summary(),
    interfaces: () => {
      const around = this.#parts.hooks.surroundings();
      return this.#parts.engine.survey.interfaces(now()).map((one) => interfaceWith(one, around));
    },
    zones: () => {
      const around = this.#parts.hooks.surroundings();
      return this.#parts.engine.survey.zones().map((one) => zoneWith(one, around));
    },
    knownDomains: () => knownDomains(this.#parts.hooks.surroundings()),
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
    refresh: () => this.#parts.hooks.refresh(),
  };
}

function memoryOf(answerCacheBytes: number): Pick<Gauges, "memory" | "residentBytes"> {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const native = Math.max(external - arrayBuffers, 0);
  const memory = { heap: heapUsed, buffers: arrayBuffers, native };
  return { residentBytes: rss, memory: { ...memory, "answer-cache": answerCacheBytes } };
}

/** A TLS listener that clients refuse is of as much use as none. */
function withCertificate(probes: readonly Probe[], trouble: string | undefined): readonly Probe[] {
  if (trouble === undefined) return probes;
  return probes.map((probe) =>
    probe.name.endsWith("/tls") && probe.reason === undefined
      ? { ...probe, reason: trouble }
      : probe,
  );
}
