// What is believed of one link: the name of each of its networks, zones in the
// lists of domains, since when, and for how long yet. Changes are told to the log,
// each with the record that made it.

import { formatPrefix, type Prefix } from "../address.js";
import type { Log } from "../log.js";
import { after, earliest, elapsed, type Instant } from "../time.js";
import { displayName, foldLabel, isWithin } from "../wire/name.js";
import type { LearnedLink, LearnedName, Subject } from "./learned.js";
import { entrySpan, failuresMax } from "./limits.js";
import {
  type Domain,
  type Found,
  kinds,
  type NetworkResult,
  type SearchResult,
  type Way,
  wantedRecord,
} from "./search.js";

/** A name and when the DNS said it last. */
interface Entry {
  readonly found: Found;
  readonly refreshed: Instant;
}

/** A zone that was found, for listings. */
export interface ZoneView {
  readonly name: string;
  /** The owner of the PTR record. */
  readonly record: string;
  /** A PTR record names it: that one. */
  readonly domainPtr: boolean;
  /** The parent's NS set has this host; null: not looked at, since others have the zone. */
  readonly nsActive: boolean | null;
  /** The record is below the reverse name of a network on the link. */
  readonly netRevAddr: boolean;
  /** Clients find it by the same record. */
  readonly browseable: boolean;
  /** Seconds since it was confirmed, and until it is dropped if nobody confirms it again. */
  readonly refreshed: number;
  readonly timesOut: number;
}

/** A domain that this host is in, for listings. */
export interface DomainView {
  readonly name: string;
  readonly via: readonly Way[];
  /** Its browse list holds a zone that is delegated to this host. */
  readonly browseable: boolean;
  /** As of a zone. */
  readonly refreshed: number;
  readonly timesOut: number;
}

export interface BeliefView {
  readonly link: string;
  readonly networks: readonly {
    readonly network: string;
    /** It is known what the DNS says of it. */
    readonly searched: boolean;
    readonly zone?: ZoneView;
    /** What may not be used, and why. */
    readonly refused?: string;
  }[];
  /** Zones on lists of domains, and whether the link has been given each. */
  readonly listed: readonly (ZoneView & { readonly used: boolean })[];
  readonly domains: readonly DomainView[];
}

interface Network {
  readonly prefix: Prefix;
  hasEnded: boolean;
  entry: Entry | undefined;
  /** Searches in a row that failed here. */
  failures: number;
  /** It had a name when the DNS said anything of it last. */
  isNamed: boolean;
  /** What was refused and why, as it was logged. */
  refused: string;
}

export class Belief {
  readonly #log: Log;
  #subject: Subject;
  #networks = new Map<string, Network>();
  #listed: readonly Entry[] = [];
  #hasListedEnded = false;
  #domains: readonly Domain[] = [];
  #domainsAt: Instant | undefined;
  /** The one of the listed zones that is this link's (listed.ts). */
  #assigned: string | undefined;
  #isFailing = false;

  constructor(subject: Subject, log: Log) {
    this.#subject = subject;
    this.#log = log;
    this.configure(subject);
  }

  get link(): string {
    return this.#subject.link;
  }

  get subject(): Subject {
    return this.#subject;
  }

  /** Every network has been searched to the end at least once, and so have the lists. */
  get hasEnded(): boolean {
    const networks = [...this.#networks.values()];
    return this.#hasListedEnded && networks.every(({ hasEnded }) => hasEnded);
  }

  /** Whether one of its networks has a name. */
  get hasOwnName(): boolean {
    return [...this.#networks.values()].some(({ entry }) => entry !== undefined);
  }

  get listed(): readonly Found[] {
    return this.#listed.map(({ found }) => found);
  }

  /** Key of the zone that it was given of the listed ones. */
  get assigned(): string | undefined {
    return this.#assigned;
  }

  get learned(): LearnedLink {
    const networks = [...this.#networks.values()].map(({ prefix, hasEnded, refused, entry }) => ({
      network: prefix,
      // UP-9: a name that may not be used is no leave to make one up.
      hasEnded: hasEnded && (refused === "" || this.#subject.mode === "proxy"),
      ...(entry === undefined ? {} : { name: nameIn(entry) }),
    }));
    const { link } = this;
    const hasEnded = this.#hasListedEnded && networks.every((network) => network.hasEnded);
    const own = networks.find(({ name }) => name !== undefined)?.name;
    const listed = this.#listed.find(({ found }) => found.zone.key === this.#assigned);
    const name = own ?? (listed === undefined ? undefined : nameIn(listed));
    return { link, hasEnded, ...(name === undefined ? {} : { name }), networks };
  }

  /** What was learned of networks that are still there stays. */
  configure(subject: Subject): void {
    this.#subject = subject;
    const before = this.#networks;
    this.#networks = new Map();
    for (const prefix of subject.networks) {
      const key = formatPrefix(prefix);
      this.#networks.set(key, before.get(key) ?? unknown(prefix));
    }
    for (const [key, { entry }] of before) {
      if (entry !== undefined && !this.#networks.has(key)) {
        this.#tellLost(entry, `the interface has no address in ${key} any more`);
      }
    }
  }

  /** @returns whether the search said all that it could */
  take(now: Instant, result: SearchResult): boolean {
    this.#domains = result.domains;
    this.#domainsAt = now;
    for (const [prefix, one] of result.networks) {
      const network = this.#networks.get(formatPrefix(prefix));
      if (network !== undefined) this.#takeNetwork(now, network, one);
    }
    const { listed } = result;
    if (listed !== undefined) {
      this.#hasListedEnded = true;
      const entries = listed.map((found) => ({ found, refreshed: now }));
      const lost = this.#listed.find(({ found }) => found.zone.key === this.#assigned);
      this.#listed = entries;
      if (lost !== undefined && !listed.some(({ zone }) => zone.key === this.#assigned)) {
        this.#assigned = undefined;
        const record = displayName(lost.found.record);
        const reason = this.hasOwnName
          ? "a network of the link has a name of its own"
          : `${record} lists it no more, or it is not delegated to this host any more`;
        this.#tellLost(lost, reason);
      }
    }
    this.#giveUp(result.isDenied);
    const failed = result.networks.flatMap(([, one]) => (one.kind === "failed" ? [one] : []));
    const isFinished = failed.length === 0 && listed !== undefined;
    this.#tellFailure(isFinished, failed[0]);
    return isFinished;
  }

  /** Drops what nobody has confirmed for too long. @returns whether anything went */
  expire(now: Instant): boolean {
    let hasChanged = false;
    const isOver = ({ refreshed }: Entry) => after(refreshed, entrySpan) <= now;
    const reason = `no server has confirmed it for ${entrySpan / 1000} s`;
    for (const network of this.#networks.values()) {
      const { entry } = network;
      if (entry === undefined || !isOver(entry)) continue;
      network.entry = undefined;
      // It is not gone from the DNS, as far as anybody knows.
      network.hasEnded = false;
      this.#tellLost(entry, reason);
      hasChanged = true;
    }
    if (this.#listed.some(isOver)) {
      const lost = this.#listed.filter(isOver);
      this.#listed = this.#listed.filter((entry) => !isOver(entry));
      for (const entry of lost) {
        if (entry.found.zone.key !== this.#assigned) continue;
        this.#assigned = undefined;
        this.#tellLost(entry, reason);
      }
      hasChanged = true;
    }
    return hasChanged;
  }

  nextDeadline(): Instant | undefined {
    let next: Instant | undefined;
    const networks = [...this.#networks.values()].flatMap(({ entry }) => entry ?? []);
    for (const { refreshed } of [...networks, ...this.#listed]) {
      next = earliest(next, after(refreshed, entrySpan));
    }
    return next;
  }

  /** Gives it one of the listed zones. */
  assign(found: Found): void {
    this.#assigned = found.zone.key;
    this.#tellFound(found, undefined);
  }

  /** For listings. */
  view(now: Instant): BeliefView {
    const networks = [...this.#networks].map(([network, { hasEnded, entry, refused }]) => ({
      network,
      searched: hasEnded,
      ...(entry === undefined ? {} : { zone: viewOf(now, entry, true) }),
      ...(refused === "" ? {} : { refused }),
    }));
    const listed = this.#listed.map((entry) => ({
      ...viewOf(now, entry, false),
      used: entry.found.zone.key === this.#assigned,
    }));
    return { link: this.link, networks, listed, domains: this.#domainViews(now) };
  }

  #domainViews(now: Instant): readonly DomainView[] {
    const at = this.#domainsAt;
    if (at === undefined) return [];
    const end = after(at, entrySpan);
    // Nothing hangs on them: what is too old is not shown.
    if (end <= now) return [];
    return this.#domains.map(({ name, via }) => ({
      name: displayName(name),
      via,
      browseable: this.#listed.some(({ found: { record } }) => isWithin(record, name)),
      refreshed: Math.round(elapsed(at, now) / 1000),
      timesOut: Math.round(elapsed(now, end) / 1000),
    }));
  }

  /**
   * A reverse zone that is refused, or broken for one network only, is as good as none: what
   * answers for the others is there.
   */
  #giveUp(isDenied: boolean): void {
    const networks = [...this.#networks.values()];
    const isAnswering = networks.some(({ failures }) => failures === 0);
    for (const network of networks) {
      if (network.failures === 0 || network.isNamed) continue;
      if (isDenied || (isAnswering && network.failures >= failuresMax)) network.hasEnded = true;
    }
  }

  #takeNetwork(now: Instant, network: Network, result: NetworkResult): void {
    if (result.kind === "failed") {
      network.failures += 1;
      return;
    }
    network.failures = 0;
    network.isNamed = result.kind !== "none";
    const { entry: before, prefix } = network;
    network.hasEnded = true;
    const found = result.kind === "found" ? result : undefined;
    network.entry = found === undefined ? undefined : { found, refreshed: now };
    this.#tellRefused(network, result);
    const isSame = before?.found.zone.key === found?.zone.key;
    if (before !== undefined && !isSame) this.#tellLost(before, reasonOf(prefix, result));
    if (found !== undefined && !isSame) this.#tellFound(found, prefix);
  }

  #tellFound({ zone, record, delegation }: Found, network: Prefix | undefined): void {
    this.#log.event("info", "zone-learned", {
      link: this.link,
      zone: displayName(zone),
      record: displayName(record),
      ...(network === undefined ? {} : { network: formatPrefix(network) }),
      ...(delegation === undefined ? {} : { delegation }),
    });
    if (delegation !== "none") return;
    this.#log.event("warn", "zone-not-delegated", {
      link: this.link,
      zone: displayName(zone),
      effect: "only who asks this host finds it",
      remedy: "delegate it: discli delegation print writes the records",
    });
  }

  #tellLost({ found }: Entry, reason: string): void {
    const { zone, record } = found;
    const fields = { link: this.link, zone: displayName(zone), record: displayName(record) };
    this.#log.event("warn", "zone-withdrawn", { ...fields, reason });
  }

  /** Once for each mistake. */
  #tellRefused(network: Network, result: NetworkResult): void {
    if (result.kind !== "refused") {
      network.refused = "";
      return;
    }
    const { zone, record, why } = result;
    const text = `${displayName(zone)} of ${displayName(record)}: ${why}`;
    if (text === network.refused) return;
    network.refused = text;
    this.#log.event("warn", "zone-refused", {
      link: this.link,
      zone: displayName(zone),
      record: displayName(record),
      reason: why,
      remedy: `correct that record, or write subdomain for ${this.link} in the configuration`,
    });
  }

  #tellFailure(isFinished: boolean, failed: { record: LearnedName["record"] } | undefined): void {
    const isNew = !isFinished && !this.#isFailing;
    this.#isFailing = !isFinished;
    if (!isNew) return;
    const what = failed === undefined ? {} : { asked: displayName(failed.record) };
    const hasNames = this.learned.name !== undefined;
    const isWaiting = this.#subject.mode === "update" && !this.learned.hasEnded;
    const without = isWaiting ? "nothing is published there before that" : "asked again soon";
    this.#log.event(hasNames ? "warn" : "info", "zones-not-found-out", {
      link: this.link,
      ...what,
      reason: "no answer, SERVFAIL or REFUSED from the servers in /etc/resolv.conf",
      effect: hasNames ? "what was learned stays for a while" : without,
    });
  }
}

const unknown = (prefix: Prefix): Network => ({
  prefix,
  hasEnded: false,
  entry: undefined,
  failures: 0,
  isNamed: false,
  refused: "",
});

const viewOf = (now: Instant, { found, refreshed }: Entry, isNetwork: boolean): ZoneView => ({
  name: displayName(found.zone),
  record: displayName(found.record),
  domainPtr: true,
  nsActive: found.delegation === undefined ? null : found.delegation === "ours",
  netRevAddr: isNetwork,
  browseable: ["b", "db", "lb"].includes(kindOf(found)),
  refreshed: Math.round(elapsed(refreshed, now) / 1000),
  timesOut: Math.round(elapsed(now, after(refreshed, entrySpan)) / 1000),
});

const nameIn = ({ found: { zone, record } }: Entry): LearnedName => ({ zone, record });

const kindOf = ({ record }: Found): string => foldLabel(record.labels[0] ?? "");

function reasonOf(network: Prefix, result: NetworkResult): string {
  if (result.kind === "found") {
    return `${displayName(result.record)} names ${displayName(result.zone)} now`;
  }
  if (result.kind === "refused") {
    return `${displayName(result.record)} names ${displayName(result.zone)}: ${result.why}`;
  }
  const below = wantedRecord(network).replace(/^lb\./, "");
  return `there is no PTR at ${kinds.join(", ")} below ${below} any more`;
}
