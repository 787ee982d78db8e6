// One inventory and what belongs to it: a link in mode "update", or one subnet of
// it. Runs while its subdomain takes updates (UP-13); tells what is to stand in
// which subdomain, lists to browse included, and when to take that back.

import { formatPrefix } from "../address.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Change, Link } from "../mdns/link.js";
import { toLink } from "../proxy/rewrite.js";
import type { Random } from "../random.js";
import { after, earliest, type Instant } from "../time.js";
import { type Listing, listingsOf } from "../update/enumeration-offers.js";
import { Inventory } from "../update/inventory.js";
import { linkHold } from "../update/limits.js";
import type { PublishedZone, UpdateTarget } from "../update/options.js";
import type { PlacedOffer } from "../update/updater.js";
import type { Name } from "../wire/name.js";
import type { LinkId } from "./io.js";

/** Names one inventory among all: as its offers do. */
export function sourceOf(link: LinkId, { subnet }: PublishedZone): string {
  return subnet === undefined ? link : `${link} ${formatPrefix(subnet)}`;
}

export class Publication {
  readonly source: string;
  readonly linkId: LinkId;
  readonly #link: Link;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  #zone: PublishedZone;
  #listings: readonly Listing[];
  #inventory: Inventory | undefined;
  /** What the last inventory had heard: nobody may say it again. */
  #heardLists: readonly Name[] = [];
  /** It ran before, so that what it offered stands in the zone. */
  #hasRun = false;
  /** Listings that are offered. */
  #listed: readonly Listing[] = [];
  /** When they are taken back, since the link is down. */
  #listedUntil: Instant | undefined;
  #placed: PlacedOffer[] = [];

  constructor(
    linkId: LinkId,
    link: Link,
    zone: PublishedZone,
    random: Random,
    counts: Counts,
    log: Log,
  ) {
    this.linkId = linkId;
    this.source = sourceOf(linkId, zone);
    this.#link = link;
    this.#zone = zone;
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
    this.#listings = listingsOf(zone, this.listSource);
  }

  get zone(): PublishedZone {
    return this.#zone;
  }

  get subdomain(): Name {
    return this.#zone.target.subdomain;
  }

  get listSource(): string {
    return `${this.source} lists`;
  }

  get isRunning(): boolean {
    return this.#inventory !== undefined;
  }

  get hasRun(): boolean {
    return this.#hasRun;
  }

  /** Services offered at the moment. */
  get size(): number {
    return this.#inventory?.size ?? 0;
  }

  /** Every subdomain in which something of it is to stand; its own comes first. */
  targets(): readonly UpdateTarget[] {
    return this.#listings.map(({ target }) => target);
  }

  /**
   * Listens from now on.
   *
   * @param guarded  keys of names that no device may own
   * @param lists    names below the subdomain that have listed its services until now
   */
  start(now: Instant, guarded: ReadonlySet<string>, lists: readonly Name[]): void {
    const { served, subnet, ttlSecondsMax } = this.#zone;
    const zone = { kind: "service", apex: served.service, link: served, bases: [] } as const;
    const settings = { zone, ttlSecondsMax, guarded, ...(subnet === undefined ? {} : { subnet }) };
    const parts = [this.#random, this.#counts, this.#log] as const;
    this.#inventory = new Inventory(this.#link, settings, ...parts);
    const before = lists.flatMap((name) => toLink(zone, name) ?? []);
    this.#inventory.start(now, [...before, ...this.#heardLists]);
    this.#hasRun = true;
    if (this.#link.isUp) this.#list();
  }

  /** Asks nothing more; what was offered stays where it is. */
  stop(now: Instant): void {
    this.#heardLists = this.#inventory?.heardLists ?? this.#heardLists;
    this.#inventory?.stop(now);
    this.#inventory?.takeChanges();
    this.#inventory = undefined;
  }

  /** Knows what was known of the link under another name. */
  follow(gone: Publication): void {
    this.#heardLists = gone.#heardLists;
  }

  /** Takes other settings of the same subdomain over. @returns whether it has to start anew */
  configure(zone: PublishedZone): boolean {
    const before = inventoryText(this.#zone);
    this.#zone = zone;
    this.#listings = listingsOf(zone, this.listSource);
    if (this.#listed.length > 0) {
      const kept = new Set(this.#listings.map(({ target }) => target.subdomain.key));
      this.#unlist(({ target }) => !kept.has(target.subdomain.key));
      this.#list();
    }
    return this.isRunning && before !== inventoryText(zone);
  }

  changed(now: Instant, changes: readonly Change[]): void {
    this.#inventory?.changed(now, changes);
  }

  /** Said after the link has come up, or has got other addresses. */
  linkUp(now: Instant): void {
    this.#inventory?.hold(now);
    this.#listedUntil = undefined;
    if (this.isRunning) this.#list();
  }

  /** Said before the link itself is told. */
  linkDown(now: Instant): void {
    this.#inventory?.hold(now);
    this.#listedUntil = after(now, linkHold);
  }

  expire(now: Instant): void {
    this.#inventory?.expire(now);
    if (this.#listedUntil === undefined || now < this.#listedUntil) return;
    this.#listedUntil = undefined;
    this.#unlist(() => true);
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#inventory?.nextDeadline(), this.#listedUntil);
  }

  /** What is to be offered and taken back; drains it. */
  takePlaced(): readonly PlacedOffer[] {
    const { subdomain } = this;
    for (const offer of this.#inventory?.takeChanges() ?? []) {
      this.#placed.push({ subdomain, offer });
    }
    return this.#placed.splice(0);
  }

  #list(): void {
    this.#listed = this.#listings;
    for (const { target, offer } of this.#listed) {
      this.#placed.push({ subdomain: target.subdomain, offer });
    }
  }

  #unlist(isGone: (listing: Listing) => boolean): void {
    for (const { target, offer } of this.#listed.filter(isGone)) {
      this.#placed.push({ subdomain: target.subdomain, offer: { ...offer, rrs: [] } });
    }
    this.#listed = this.#listed.filter((listing) => !isGone(listing));
  }
}

/** All that an inventory is made from. */
const inventoryText = ({ served, subnet, ttlSecondsMax }: PublishedZone) =>
  JSON.stringify([served, subnet, ttlSecondsMax]);
