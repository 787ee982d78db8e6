// Which server takes updates for a subdomain, and for which zone (UP-13 to UP-17):
// SRV records, else what is configured, else the SOA's MNAME; looked for again
// every five minutes. Questions for an ordinary resolver come out, answers go in;
// nothing is connected here.

import type { Address, Endpoint } from "../address.js";
import { formatAddress } from "../address.js";
import type { Log } from "../log.js";
import { below, between, type Random } from "../random.js";
import { after, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import { displayName, isWithin, type Name, under } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { lookupWait, primaryEndpointsMax, primaryHostsMax, searchSpan } from "./limits.js";

export interface PrimarySettings {
  /** Where the link's records go. */
  readonly subdomain: Name;
  /** The domain around it, where SRVs for all its subdomains may stand. */
  readonly domain: Name | undefined;
  /** Configured: wins over whatever the DNS says (UP-14). */
  readonly server: { readonly host: Name | Address; readonly port: number | undefined } | undefined;
  /** Undefined: TLS where an SRV offers it, else TCP. */
  readonly transport: "tcp" | "tls" | undefined;
  /** Configured apex; undefined: found by SOA (UP-15). */
  readonly zone: Name | undefined;
  /** Nothing outside of these is ever updated (UP-9). */
  readonly within: readonly Name[];
}

export interface PrimaryQuestion {
  readonly name: Name;
  readonly type: number;
  /** To be put to this server, not to a resolver. */
  readonly at?: Endpoint;
}

export interface PrimaryAnswer {
  readonly rcode: number;
  readonly answers: readonly RR[];
  readonly authorities: readonly RR[];
}

/** Where updates go. */
export interface Primary {
  /** Apex of the zone to be named in messages. */
  readonly zone: Name;
  readonly isTls: boolean;
  /** The name that a certificate has to bear; undefined for a configured address. */
  readonly serverName: Name | undefined;
  /** Tried in this order; one at least. */
  readonly endpoints: readonly Endpoint[];
  /** Which step of the search told it, for the log. */
  readonly step: string;
  /** Named in the configuration: nothing in the DNS overrides it. */
  readonly isConfigured: boolean;
}

const usualPort = 53;
const usualTlsPort = 853;

/** The SRVs in the order in which they are asked for (UP-13). */
const srvNames: readonly (readonly [labels: readonly string[], isTls: boolean])[] = [
  [["_dns-update-tls", "_tcp"], true],
  [["_dns-update", "_tcp"], false],
  // The port is the same; UDP itself is never used (UP-16).
  [["_dns-update", "_udp"], false],
];

interface Host {
  readonly name: Name;
  readonly port: number;
}

/** What one round of the search has found so far. */
interface Round {
  zone: Name | undefined;
  mname: Name | undefined;
  isTls: boolean;
  step: string;
  hosts: Host[];
  serverName: Name | undefined;
  endpoints: Endpoint[];
  /** What can still be tried for want of a zone. */
  left: Step[];
}

/** One thing to be asked; what its answer means, and that there is no further need to ask. */
interface Step {
  readonly question: PrimaryQuestion;
  readonly isNeeded: (round: Round) => boolean;
  readonly take: (round: Round, answer: PrimaryAnswer) => void;
}

export class PrimarySearch {
  readonly #settings: PrimarySettings;
  readonly #random: Random;
  readonly #log: Log;
  #round: Round | undefined;
  #steps: Step[] = [];
  #asked: Step | undefined;
  #deadline: Instant | undefined;
  #questions: PrimaryQuestion[] = [];
  #found: Primary | undefined;
  #isNews = false;
  #hasTold = false;

  constructor(settings: PrimarySettings, random: Random, log: Log) {
    this.#settings = settings;
    this.#random = random;
    this.#log = log;
  }

  /** What was found last. */
  get found(): Primary | undefined {
    return this.#found;
  }

  start(now: Instant): void {
    const { subdomain } = this.#settings;
    if (!mayUpdate(subdomain, this.#settings.within)) {
      this.#log.event("error", "zone-not-allowed", {
        zone: displayName(subdomain),
        remedy: "name it, or a zone above it, in update.within",
      });
      return;
    }
    this.#begin(now);
  }

  /** Asks nothing more; what was found stays found. */
  stop(): void {
    this.#round = this.#asked = this.#deadline = undefined;
  }

  /** The resolver's answer to the question that was taken last; undefined: there is none. */
  answered(now: Instant, question: PrimaryQuestion, answer: PrimaryAnswer | undefined): void {
    const step = this.#asked;
    const round = this.#round;
    if (step === undefined || round === undefined) return;
    if (!isSameQuestion(step.question, question)) return;
    if (answer !== undefined) step.take(round, answer);
    this.#next(now);
  }

  expire(now: Instant): void {
    if (this.#deadline === undefined || now < this.#deadline) return;
    if (this.#round === undefined) this.#begin(now);
    else this.#next(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#deadline;
  }

  /** Questions for an ordinary, recursive resolver; drains them. */
  takeQuestions(): readonly PrimaryQuestion[] {
    return this.#questions.splice(0);
  }

  /** The primary, when it is another one than before; else undefined. */
  takeNews(): Primary | undefined {
    const news = this.#isNews ? this.#found : undefined;
    this.#isNews = false;
    return news;
  }

  #begin(now: Instant): void {
    const { server, transport, zone } = this.#settings;
    const round: Round = {
      zone,
      mname: undefined,
      isTls: transport === "tls",
      step: "",
      hosts: [],
      serverName: undefined,
      endpoints: [],
      left: [],
    };
    this.#round = round;
    if (server === undefined) this.#steps = [...this.#srvSteps(), this.#soaStep()];
    else {
      this.#configured(round, server.host, server.port);
      this.#steps = [];
      round.left = [this.#soaStep()];
    }
    this.#next(now);
  }

  #configured(round: Round, host: Name | Address, port: number | undefined): void {
    const known = port ?? (round.isTls ? usualTlsPort : usualPort);
    round.step = "configuration";
    if ("labels" in host) round.hosts = [{ name: host, port: known }];
    else round.endpoints = [{ address: host, port: known }];
  }

  #srvSteps(): Step[] {
    const { subdomain, domain, transport } = this.#settings;
    const places = domain === undefined ? [subdomain] : [subdomain, domain];
    return places.flatMap((place) =>
      srvNames
        .filter(([, isTls]) => !isTls || transport !== "tcp")
        .map(([labels, isTls]): Step => {
          const name = under(labels, place);
          return {
            question: { name, type: RRType.SRV },
            isNeeded: (round) => round.step === "",
            take: (round, answer) => {
              const hosts = srvHosts(answer.answers, name, this.#random);
              if (hosts.length === 0) return;
              round.hosts = hosts;
              round.isTls ||= isTls;
              round.step = `SRV ${displayName(name)}`;
            },
          };
        }),
    );
  }

  /** @param at  asked in place of a resolver */
  #soaStep(at?: Endpoint): Step {
    const name = this.#settings.zone ?? this.#settings.subdomain;
    return {
      question: { name, type: RRType.SOA, ...(at === undefined ? {} : { at }) },
      isNeeded: (round) => round.zone === undefined || round.step === "",
      take: (round, answer) => {
        const soa = [...answer.answers, ...answer.authorities].find(
          (rr) => rr.type === RRType.SOA && isWithin(name, rr.name),
        );
        if (soa?.rdata.kind !== "soa") return;
        round.zone ??= soa.name;
        if (round.step !== "") return;
        round.step = "SOA MNAME";
        const port = round.isTls ? usualTlsPort : usualPort;
        round.hosts = [{ name: soa.rdata.mname, port }];
      },
    };
  }

  #addressSteps(round: Round): Step[] {
    return round.hosts.flatMap((host) =>
      [RRType.AAAA, RRType.A].map(
        (type): Step => ({
          question: { name: host.name, type },
          isNeeded: ({ endpoints }) => endpoints.length < primaryEndpointsMax,
          take: ({ endpoints }, { answers }) => {
            for (const { rdata } of answers) {
              if (rdata.kind !== "a" && rdata.kind !== "aaaa") continue;
              if (endpoints.length >= primaryEndpointsMax) return;
              const family = rdata.kind === "a" ? "ipv4" : "ipv6";
              endpoints.push({ address: { family, bytes: rdata.address }, port: host.port });
            }
          },
        }),
      ),
    );
  }

  /**
   * A server that is configured knows its zones best: a resolver may see another view, or nothing
   * where no delegation leads there. One that is for TLS need not take plain questions, and is
   * asked last.
   */
  #zoneSteps({ left, isTls, endpoints }: Round): Step[] {
    const others = left.splice(0);
    if (others.length === 0) return [];
    const itself = endpoints
      .slice(0, 1)
      .map(({ address, port }) => this.#soaStep({ address, port: isTls ? usualPort : port }));
    return isTls ? [...others, ...itself] : [...itself, ...others];
  }

  #next(now: Instant): void {
    const round = this.#round;
    if (round === undefined) return;
    for (;;) {
      const step = this.#steps.shift();
      if (step === undefined) {
        if (round.hosts.length > 0) {
          round.serverName = round.hosts[0]?.name;
          this.#steps = this.#addressSteps(round);
          round.hosts = [];
          continue;
        }
        this.#steps = this.#zoneSteps(round);
        if (this.#steps.length === 0) break;
        continue;
      }
      if (!step.isNeeded(round)) continue;
      this.#asked = step;
      this.#questions.push(step.question);
      this.#deadline = after(now, lookupWait);
      return;
    }
    this.#end(now, round);
  }

  #end(now: Instant, round: Round): void {
    this.#asked = undefined;
    this.#round = undefined;
    this.#deadline = after(now, between(this.#random, searchSpan.min, searchSpan.max));
    const { zone, isTls, serverName, endpoints, step } = round;
    if (zone === undefined || endpoints.length === 0) {
      this.#missing(zone);
      return;
    }
    if (!this.#mayName(zone)) {
      this.#notAllowed(zone);
      return;
    }
    this.#hasTold = false;
    const isConfigured = this.#settings.server !== undefined;
    const found: Primary = { zone, isTls, serverName, endpoints, step, isConfigured };
    if (this.#found !== undefined && textOf(this.#found) === textOf(found)) return;
    this.#found = found;
    this.#isNews = true;
    this.#log.event("info", "primary-found", {
      zone: displayName(zone),
      server: endpoints.map(({ address, port }) => `${formatAddress(address)} port ${port}`)[0],
      by: step,
      transport: isTls ? "tls" : "tcp",
    });
  }

  /**
   * The zone around a subdomain need not be listed (UP-15). But where nobody delegates what is
   * listed, the SOA is that of a top-level domain or of the root: those are never told (UP-9).
   */
  #mayName(zone: Name): boolean {
    const { within, subdomain } = this.#settings;
    return mayUpdate(zone, within) || (zone.labels.length > 1 && isWithin(subdomain, zone));
  }

  #notAllowed(zone: Name): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    const { subdomain } = this.#settings;
    const isAround = isWithin(subdomain, zone);
    this.#log.event("error", "zone-not-allowed", {
      zone: displayName(zone),
      subdomain: displayName(subdomain),
      reason: isAround
        ? "the DNS knows no zone around the subdomain but this one, which is never updated"
        : "it is not below a name of update.within",
      remedy: isAround
        ? "delegate the subdomain, or name update.zone and update.server"
        : "name it, or a zone above it, in update.within",
    });
  }

  /** What was found before is used on: a resolver that fails is no reason to stop. */
  #missing(zone: Name | undefined): void {
    if (this.#hasTold) return;
    this.#hasTold = true;
    const { subdomain, server } = this.#settings;
    const isZoneMissing = zone === undefined;
    this.#log.event("warn", "no-primary-found", {
      subdomain: displayName(subdomain),
      reason: isZoneMissing ? "no SOA was found" : "no address of a server was found",
      remedy:
        isZoneMissing && server !== undefined
          ? "name the zone in update.zone"
          : "name the server in update.server, by its address",
    });
  }
}

/**
 * Whether names at and below `zone` may be updated (UP-9). Never `local`, the root or a
 * top-level name, whoever lists it; what is not below a listed name is nobody's but its owner's.
 */
export function mayUpdate(zone: Name, within: readonly Name[]): boolean {
  if (zone.labels.length < 2) return false;
  return within.some((allowed) => allowed.labels.length > 1 && isWithin(zone, allowed));
}

/** Targets in the order of RFC 2782: by priority, then by chance in proportion to weight. */
function srvHosts(answers: readonly RR[], name: Name, random: Random): Host[] {
  const left = answers.flatMap((rr) =>
    rr.rdata.kind === "srv" && rr.name.key === name.key && rr.rdata.target.labels.length > 0
      ? [rr.rdata]
      : [],
  );
  const hosts: Host[] = [];
  while (left.length > 0 && hosts.length < primaryHostsMax) {
    const priority = Math.min(...left.map((srv) => srv.priority));
    const group = left.filter((srv) => srv.priority === priority);
    let chance = below(random, group.reduce((sum, srv) => sum + srv.weight, 0) + 1);
    const picked = group.find((srv) => {
      chance -= srv.weight;
      return chance <= 0;
    });
    const srv = picked ?? (group[0] as (typeof group)[0]);
    left.splice(left.indexOf(srv), 1);
    hosts.push({ name: srv.target, port: srv.port });
  }
  return hosts;
}

/** Whether two answers name the same servers, however they were found. */
export function hasSameServers(a: Primary, b: Primary): boolean {
  return a.isTls === b.isTls && serversOf(a) === serversOf(b);
}

function serversOf({ endpoints }: Primary): string {
  const texts = endpoints.map(({ address, port }) => `${formatAddress(address)} ${port}`);
  // The order of equals is chance; that is no news.
  return texts.sort().join();
}

/** Asked of one server, a question is another one than asked of the resolver. */
function isSameQuestion(a: PrimaryQuestion, b: PrimaryQuestion): boolean {
  const place = ({ at }: PrimaryQuestion) => at && `${formatAddress(at.address)} ${at.port}`;
  return a.name.key === b.name.key && a.type === b.type && place(a) === place(b);
}

const textOf = (primary: Primary) =>
  [primary.zone.key, primary.isTls, primary.step, serversOf(primary)].join();
