// Update mode inside the engine: between the links and the updater. Which links
// are listened to for whom, what their inventories offer, and what happens when
// the configuration, a link or a primary comes or goes.

import { formatAddress } from "../address.js";
import type { UpdateView } from "../api/shapes.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Change, Link } from "../mdns/link.js";
import type { Random } from "../random.js";
import type { UpdateTally } from "../tally.js";
import { after, type Duration, earliest, type Instant } from "../time.js";
import { browsableDomain } from "../update/enumeration-offers.js";
import { linkHold, restartGrace, retirementMax, withdrawalMax } from "../update/limits.js";
import type { PublishedZone, UpdateTarget } from "../update/options.js";
import type { Primary } from "../update/primary.js";
import { Updater, type UpdaterEffect } from "../update/updater.js";
import { displayName, type Name } from "../wire/name.js";
import type { EngineConfig } from "./config.js";
import type { Input, LinkId } from "./io.js";
import { Publication, sourceOf } from "./publication.js";

/** What is for update mode alone. */
export type UpdateInput = Extract<
  Input,
  {
    readonly kind:
      | "wall-clock"
      | "restore"
      | "looked-up"
      | "dial-opened"
      | "dial-bytes"
      | "dial-closed";
  }
>;

/** A link, marked as one that something is done to. */
type ReachLink = (id: LinkId) => Link | undefined;

export class Updating {
  readonly #reach: ReachLink;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #updater: Updater;
  /** By their sources. */
  readonly #publications = new Map<string, Publication>();
  /** Domains that were said not to be browsable. */
  readonly #told = new Set<string>();
  #hostname: Name;
  #next: Instant | undefined;
  /** From `stop` on, while what was published is taken back. */
  #withdrawsUntil: Instant | undefined;
  #isStopped = false;

  constructor(config: EngineConfig, reach: ReachLink, random: Random, counts: Counts, log: Log) {
    this.#reach = reach;
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
    this.#hostname = config.proxy.hostname;
    this.#updater = new Updater(random, counts, log);
  }

  /** Whether primaries are still being told to take back what was published. */
  get isWithdrawing(): boolean {
    return this.#withdrawsUntil !== undefined;
  }

  /** Links that stay go on undisturbed; to be said after the links are as configured. */
  configure(now: Instant, config: EngineConfig): void {
    if (this.#isStopped) return;
    this.#hostname = config.proxy.hostname;
    const wanted = new Map<string, readonly [LinkId, PublishedZone]>();
    for (const { id, published = [] } of config.links) {
      for (const zone of published) wanted.set(sourceOf(id, zone), [id, zone]);
    }
    if (wanted.size + this.#publications.size === 0) return;
    const left: Publication[] = [];
    const begun: Publication[] = [];
    for (const publication of this.#publications.values()) {
      const zone = wanted.get(publication.source)?.[1];
      if (zone?.target.subdomain.key === publication.subdomain.key) continue;
      publication.stop(now);
      this.#publications.delete(publication.source);
      left.push(publication);
    }
    for (const [id, zone] of wanted.values()) {
      const known = this.#publications.get(sourceOf(id, zone));
      if (known !== undefined) this.#change(now, known, zone);
      else begun.push(...this.#begin(id, zone));
    }
    this.#updater.configure(now, this.#targets(), config.limits.updateRecords);
    for (const publication of left) this.#leave(now, publication, begun);
    this.#settle(now);
  }

  receive(now: Instant, input: UpdateInput): void {
    if (this.#isStopped && !this.isWithdrawing) return;
    switch (input.kind) {
      case "wall-clock":
        this.#updater.setWallClock(now, input.origin, input.isTrusted);
        break;
      case "restore":
        this.#updater.restore(input.zone, input.own);
        break;
      case "looked-up":
        this.#updater.lookedUp(now, input.question, input.answer);
        break;
      case "dial-opened":
        this.#updater.opened(now, input.dial);
        break;
      case "dial-bytes":
        this.#updater.received(now, input.dial, input.bytes);
        break;
      case "dial-closed":
        this.#updater.closed(now, input.dial, input.reason);
        break;
    }
    this.#settle(now);
  }

  /** The link has come up, or has got other addresses; it has been told. */
  linkUp(now: Instant, id: LinkId): void {
    // Until a link is there, state files may still be on their way.
    this.#updater.start(now);
    for (const publication of this.#of(id)) publication.linkUp(now);
    this.#settle(now);
  }

  /** The link goes down: it has not been told yet. */
  linkDown(now: Instant, id: LinkId): void {
    for (const publication of this.#of(id)) publication.linkDown(now);
    this.#settle(now);
  }

  /** What `Link.takeChanges` gave. */
  changed(now: Instant, id: LinkId, changes: readonly Change[]): void {
    if (this.#publications.size === 0) return;
    for (const publication of this.#of(id)) publication.changed(now, changes);
    this.#settle(now);
  }

  expire(now: Instant): void {
    if (this.#next === undefined || now < this.#next) return;
    for (const publication of this.#publications.values()) {
      const next = publication.nextDeadline();
      if (next === undefined || now < next) continue;
      this.#reach(publication.linkId);
      publication.expire(now);
    }
    this.#updater.expire(now);
    this.#settle(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#next;
  }

  takeEffects(): readonly UpdaterEffect[] {
    return this.#updater.takeEffects();
  }

  /** Asks the links nothing more, and takes back what is to be taken back at an end. */
  stop(now: Instant): void {
    this.#isStopped = true;
    for (const publication of this.#publications.values()) publication.stop(now);
    this.#updater.withdraw(now);
    this.#withdrawsUntil = after(now, withdrawalMax);
    this.#settle(now);
  }

  dump(): readonly Readonly<Record<string, unknown>>[] {
    return [...this.#publications.values()].map((publication) => {
      const { zone, source, size, isRunning } = publication;
      const { primary, zone: state } = this.#updater.state(publication.subdomain);
      return {
        inventory: source,
        subdomain: displayName(publication.subdomain),
        from: zone.source,
        isRunning,
        services: size,
        zone: primary && displayName(primary.zone),
        server: primary && serverText(primary),
        by: primary?.step,
        transport: primary && (primary.isTls ? "tls" : "tcp"),
        ...state,
        lists: publication.targets().map((target) => this.#dumpList(target)),
      };
    });
  }

  /** UPDATE messages by zone and result. */
  get tally(): UpdateTally {
    return this.#updater.tally;
  }

  /** What is published, for the API. */
  views(): UpdateView[] {
    return [...this.#publications.values()].map(({ subdomain, zone: { source } }) => {
      const { primary, zone: state } = this.#updater.state(subdomain);
      return {
        subdomain: displayName(subdomain),
        source,
        zone: primary === undefined ? null : displayName(primary.zone),
        server: primary === undefined ? null : serverText(primary),
        step: primary?.step ?? "looking for the primary",
        transport: primary === undefined ? null : primary.isTls ? "tls" : "tcp",
        lifetime: state?.lifetime ?? null,
        wanted: state?.wanted ?? 0,
        published: state?.published ?? 0,
        waiting: state?.waiting ?? 0,
        aside: state?.aside ?? 0,
        serial: state?.serial ?? null,
        trouble: state?.trouble ?? null,
        clockOffset: state?.clockOffset ?? null,
      };
    });
  }

  #dumpList({ subdomain }: UpdateTarget) {
    const { primary, zone } = this.#updater.state(subdomain);
    return {
      at: displayName(subdomain),
      zone: primary && displayName(primary.zone),
      trouble: zone?.trouble,
    };
  }

  /** Rare and few: every link has one inventory, or one for each subnet. */
  #of(id: LinkId): Publication[] {
    return [...this.#publications.values()].filter(({ linkId }) => linkId === id);
  }

  #begin(id: LinkId, zone: PublishedZone): Publication[] {
    const link = this.#reach(id);
    if (link === undefined) return [];
    const parts = [this.#random, this.#counts, this.#log] as const;
    const publication = new Publication(id, link, zone, ...parts);
    this.#publications.set(publication.source, publication);
    this.#tellDomain(zone);
    return [publication];
  }

  #change(now: Instant, publication: Publication, zone: PublishedZone): void {
    this.#tellDomain(zone);
    if (!publication.configure(zone)) return;
    this.#reach(publication.linkId);
    this.#restart(now, publication, linkHold);
  }

  /** UP-8: the records of a link are published all the same. */
  #tellDomain(zone: PublishedZone): void {
    const { domain, target } = zone;
    if (domain === undefined || domain.key === target.subdomain.key) return;
    if (browsableDomain(zone) !== undefined || this.#told.has(domain.key)) return;
    this.#told.add(domain.key);
    this.#log.event("info", "parent-not-browsable", {
      domain: displayName(domain),
      reason: "update.within does not cover it",
      remedy: `name it in update.within, or add PTRs for ${displayName(target.subdomain)} there`,
    });
  }

  /** What was published under another name goes when the new name has taken over (UP-5). */
  #leave(now: Instant, gone: Publication, begun: readonly Publication[]): void {
    const heir = begun.find(({ source }) => source === gone.source);
    heir?.follow(gone);
    const span = heir === undefined ? linkHold : retirementMax;
    const successor = heir?.subdomain;
    this.#updater.renew(now, gone.subdomain, gone.source, span, successor);
    for (const { subdomain } of gone.targets()) {
      this.#updater.renew(now, subdomain, gone.listSource, span, successor);
    }
  }

  #targets(): readonly UpdateTarget[] {
    const publications = [...this.#publications.values()];
    // What is configured for a subdomain counts more than what a list makes of it.
    const own = publications.map(({ zone }) => zone.target);
    return [...own, ...publications.flatMap((publication) => publication.targets())];
  }

  #restart(now: Instant, publication: Publication, span: Duration): void {
    publication.stop(now);
    this.#start(now, publication, span);
  }

  /** @param doubtSpan  within which what it offered before has to be offered again */
  #start(now: Instant, publication: Publication, doubtSpan: Duration): void {
    const { subdomain, source } = publication;
    if (publication.hasRun) this.#updater.renew(now, subdomain, source, doubtSpan);
    const serverName = this.#updater.state(subdomain).primary?.serverName;
    const guarded = new Set([this.#hostname.key, ...(serverName ? [serverName.key] : [])]);
    publication.start(now, guarded, this.#updater.listsOf(subdomain));
  }

  /** Until nothing follows from anything any more. */
  #settle(now: Instant): void {
    if (this.#isStopped) this.#settleStop(now);
    else {
      while (this.#hand(now) || this.#startAndStop(now));
    }
    this.#next = this.#nextOfAll();
  }

  /** Gives the updater what inventories offer. */
  #hand(now: Instant): boolean {
    const offers = [...this.#publications.values()].flatMap((one) => one.takePlaced());
    if (offers.length > 0) this.#updater.offer(now, offers);
    return offers.length > 0;
  }

  /** UP-13: nothing is asked on a link for a subdomain that takes no updates. */
  #startAndStop(now: Instant): boolean {
    let isAny = false;
    for (const publication of this.#publications.values()) {
      const isUpdatable = this.#updater.isUpdatable(publication.subdomain);
      if (isUpdatable === publication.isRunning) continue;
      isAny = true;
      this.#reach(publication.linkId);
      if (isUpdatable) this.#start(now, publication, restartGrace);
      else publication.stop(now);
    }
    return isAny;
  }

  #settleStop(now: Instant): void {
    const until = this.#withdrawsUntil;
    if (until === undefined || (now < until && !this.#updater.isWithdrawn)) return;
    this.#withdrawsUntil = undefined;
    this.#updater.end();
  }

  #nextOfAll(): Instant | undefined {
    if (this.#isStopped && !this.isWithdrawing) return undefined;
    let next = earliest(this.#updater.nextDeadline(), this.#withdrawsUntil);
    if (this.#isStopped) return next;
    for (const publication of this.#publications.values()) {
      next = earliest(next, publication.nextDeadline());
    }
    return next;
  }
}

function serverText({ endpoints }: Primary): string {
  return endpoints.map(({ address, port }) => `${formatAddress(address)} port ${port}`).join(", ");
}
