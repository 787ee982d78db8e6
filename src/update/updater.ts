// Update mode as a whole, and besides inventory.ts the only door of this folder:
// offers go in, and what resolvers and primaries say; questions, connections and
// notes for the state files come out. Finds the primary of each subdomain, keeps
// one post for each zone, and lets a subdomain move when its zone or its name
// changes: first the new place is filled, then the old one is emptied (UP-5).

import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Random } from "../random.js";
import { UpdateTally } from "../tally.js";
import { after, type Duration, earliest, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import { displayName, isWithin, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { fillSpan, linkHold, retirementMax } from "./limits.js";
import type { Offer } from "./offer.js";
import { keyFor, type UpdateTarget } from "./options.js";
import { type Found, Orphans } from "./orphans.js";
import { Post, type PostEffect } from "./post.js";
import {
  hasSameServers,
  type Primary,
  type PrimaryAnswer,
  type PrimaryQuestion,
} from "./primary.js";
import type { Clock, PublisherSettings, PublisherState } from "./settings.js";
import { Subdomain } from "./subdomain.js";

export type UpdaterEffect =
  | PostEffect
  /** To be put to an ordinary resolver; answered by `lookedUp`. */
  | { readonly kind: "look-up"; readonly question: PrimaryQuestion };

/** An offer, and the subdomain under which its records stand; without records it is taken back. */
export interface PlacedOffer {
  readonly subdomain: Name;
  readonly offer: Offer;
}

/** What is known of a subdomain, for listings. */
export interface SubdomainState {
  readonly primary: Primary | undefined;
  readonly zone: PublisherState | undefined;
  readonly isUpdatable: boolean;
}

export class Updater {
  /** UPDATE messages and what became of them, of zones that are left as well. */
  readonly tally = new UpdateTally();
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #subdomains = new Map<string, Subdomain>();
  readonly #posts = new Map<string, Post>();
  readonly #orphans: Orphans;
  /** What has been complained of since the last configuration. */
  readonly #told = new Set<string>();
  #recordsMax = 0;
  #origin = 0;
  #isTrusted = false;
  #isStarted = false;
  #dials = 0;
  #effects: UpdaterEffect[] = [];

  constructor(random: Random, counts: Counts, log: Log) {
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
    this.#orphans = new Orphans(random, log);
  }

  /** @param isTrusted  whether absolute times may be written (TO-8) */
  setWallClock(now: Instant, origin: number, isTrusted: boolean): void {
    const isOther = isTrusted !== this.#isTrusted;
    this.#origin = origin;
    this.#isTrusted = isTrusted;
    if (isOther) this.#configurePosts(now);
    this.#settle(now);
  }

  /** What the state file of a zone holds; passed over while the zone is kept. */
  restore(zone: Name, own: readonly RR[]): void {
    if (!this.#posts.has(zone.key)) this.#orphans.remember(zone, own);
  }

  /**
   * The subdomains that there are from now on; of two with one name the first counts. One that
   * is gone goes when its offers are: see `renew`. What has not changed is not disturbed.
   */
  configure(now: Instant, targets: readonly UpdateTarget[], recordsMax: number): void {
    this.#recordsMax = recordsMax;
    this.#told.clear();
    const wanted = new Map<string, UpdateTarget>();
    for (const target of targets) {
      const { key } = target.subdomain;
      if (!wanted.has(key)) wanted.set(key, target);
    }
    for (const subdomain of this.#subdomains.values()) {
      if (!wanted.has(subdomain.key)) subdomain.giveUp(after(now, linkHold));
    }
    for (const [key, target] of wanted) {
      const known = this.#subdomains.get(key);
      if (known === undefined) {
        const subdomain = new Subdomain(key, target, this.#random, this.#log);
        this.#subdomains.set(key, subdomain);
        if (this.#isStarted) subdomain.start(now);
      } else known.configure(now, target, this.#isStarted);
    }
    this.#configurePosts(now);
    this.#orphans.reconfigured(now);
    this.#settle(now);
  }

  /** Begins to look for primaries; until then nothing is asked. */
  start(now: Instant): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#orphans.start(now);
    for (const subdomain of this.#subdomains.values()) subdomain.start(now);
    this.#settle(now);
  }

  /** What is offered under a subdomain now; the `source` of offers tells inventories apart. */
  offer(now: Instant, offers: readonly PlacedOffer[]): void {
    for (const { subdomain, offer } of offers) {
      const known = this.#subdomains.get(subdomain.key);
      known?.offer(offer);
      known?.post?.place(now, known.key, offer);
    }
    this.#settle(now);
  }

  /**
   * What a source offered is doubted: what it does not offer again within the span is taken
   * back then, or as soon as the subdomain `successor` is in its zone as it should be.
   */
  renew(now: Instant, subdomain: Name, source: string, span: Duration, successor?: Name): void {
    this.#subdomains.get(subdomain.key)?.doubt(source, after(now, span), successor?.key);
    this.#settle(now);
  }

  /** Whether it is worth while to listen for it (UP-13). */
  isUpdatable(subdomain: Name): boolean {
    const post = this.#subdomains.get(subdomain.key)?.post;
    return post !== undefined && !post.isTurnedDown;
  }

  /**
   * Names below a subdomain at which PTRs of ours stand, its subtypes' first: what is published
   * there can be asked for on a link, though nobody tells of it.
   */
  listsOf(subdomain: Name): readonly Name[] {
    const lists = new Map<string, Name>();
    for (const post of this.#subdomains.get(subdomain.key)?.posts() ?? []) {
      for (const { name, type } of post.own()) {
        if (type === RRType.PTR && isWithin(name, subdomain)) lists.set(name.key, name);
      }
    }
    return [...lists.values()].sort((a, b) => b.labels.length - a.labels.length);
  }

  /** Takes back what was published by subdomains that wish it; `isWithdrawn` tells the end. */
  withdraw(now: Instant): void {
    for (const subdomain of this.#subdomains.values()) {
      if (!subdomain.target.withdrawOnExit) continue;
      subdomain.clear();
      for (const post of subdomain.posts()) post.vacate(now, subdomain.key);
    }
    this.#settle(now);
  }

  /** Whether the primaries have acknowledged all that `withdraw` has to do with. */
  get isWithdrawn(): boolean {
    return [...this.#subdomains.values()]
      .filter(({ target }) => target.withdrawOnExit)
      .every((subdomain) => [...subdomain.posts()].every(({ isSettled }) => isSettled));
  }

  /** Ends all connections. */
  end(): void {
    for (const post of this.#posts.values()) this.#effects.push(...post.end());
  }

  /** A resolver's answer; undefined when there is none. */
  lookedUp(now: Instant, question: PrimaryQuestion, answer: PrimaryAnswer | undefined): void {
    for (const { search } of this.#subdomains.values()) search.answered(now, question, answer);
    this.#orphans.answered(now, question, answer);
    this.#settle(now);
  }

  opened(now: Instant, dial: number): void {
    this.#find(dial)?.opened(now);
    this.#settle(now);
  }

  received(now: Instant, dial: number, bytes: Uint8Array): void {
    this.#find(dial)?.received(now, bytes);
    this.#settle(now);
  }

  /** The connection ended, or could not be had; `reason` is for people. */
  closed(now: Instant, dial: number, reason: string): void {
    this.#find(dial)?.closed(now, reason);
    this.#settle(now);
  }

  expire(now: Instant): void {
    for (const subdomain of this.#subdomains.values()) subdomain.expire(now);
    this.#orphans.expire(now, this.#targets());
    for (const post of this.#posts.values()) post.expire(now);
    this.#settle(now);
  }

  nextDeadline(): Instant | undefined {
    let next = this.#orphans.nextDeadline();
    for (const subdomain of this.#subdomains.values()) {
      next = earliest(next, subdomain.nextDeadline());
    }
    for (const post of this.#posts.values()) next = earliest(next, post.nextDeadline());
    return next;
  }

  /** What the edge is to do, in this order; drains it. */
  takeEffects(): readonly UpdaterEffect[] {
    return this.#effects.splice(0);
  }

  state(subdomain: Name): SubdomainState {
    const known = this.#subdomains.get(subdomain.key);
    return {
      primary: known?.post?.station.primary ?? known?.search.found,
      zone: known?.post?.state(),
      isUpdatable: this.isUpdatable(subdomain),
    };
  }

  #find(dial: number): Post | undefined {
    return [...this.#posts.values()].find((post) => post.has(dial));
  }

  #settle(now: Instant): void {
    const isFilled = (key: string) => this.#subdomains.get(key)?.isFilled === true;
    for (const subdomain of this.#subdomains.values()) {
      for (const question of subdomain.search.takeQuestions()) {
        this.#effects.push({ kind: "look-up", question });
      }
      const found = subdomain.search.takeNews();
      if (found !== undefined) this.#enter(now, subdomain, found);
      this.#leaveFormer(now, subdomain);
      for (const offer of subdomain.takeLapsed(now, isFilled)) {
        subdomain.post?.place(now, subdomain.key, offer);
      }
      if (subdomain.isOver) this.#subdomains.delete(subdomain.key);
    }
    for (const question of this.#orphans.takeQuestions()) {
      this.#effects.push({ kind: "look-up", question });
    }
    for (const found of this.#orphans.takeFound()) this.#postFor(now, found);
    this.#keepAll(now);
  }

  #keepAll(now: Instant): void {
    const members = new Map<Post, Subdomain[]>();
    for (const subdomain of this.#subdomains.values()) {
      for (const post of subdomain.posts()) {
        const others = members.get(post);
        if (others === undefined) members.set(post, [subdomain]);
        else others.push(subdomain);
      }
    }
    for (const post of this.#posts.values()) this.#keep(now, post, members.get(post) ?? []);
  }

  *#targets(): Generator<UpdateTarget> {
    for (const { target } of this.#subdomains.values()) yield target;
  }

  /** A subdomain's records go to the zone in which it lies now. */
  #enter(now: Instant, subdomain: Subdomain, primary: Primary): void {
    const { key, target } = subdomain;
    const post = this.#postFor(now, { key, target, primary });
    if (post === undefined || post === subdomain.post) return;
    subdomain.enter(post, after(now, fillSpan), after(now, retirementMax));
    post.fill(now, subdomain.key, subdomain.offers());
  }

  #postFor(now: Instant, found: Found): Post | undefined {
    const { key, target, primary } = found;
    const known = this.#posts.get(primary.zone.key);
    const station = { primary, tls: target.tls };
    if (known === undefined) {
      const settings = this.#settingsOf(target, primary.zone);
      if (settings === undefined) return undefined;
      const own = this.#orphans.take(primary.zone);
      const nextDial = () => {
        this.#dials += 1;
        return this.#dials;
      };
      const parts = [nextDial, this.#random, this.#counts, this.#log] as const;
      const post = new Post(now, key, station, settings, own, ...parts);
      this.#posts.set(primary.zone.key, post);
      return post;
    }
    if (known.owner === key) known.redirect(now, station);
    else if (!hasSameServers(known.station.primary, primary)) this.#dispute(now, known, found);
    return known;
  }

  /** One zone, and two answers to where it is updated: what is configured, else what was first. */
  #dispute(now: Instant, post: Post, { key, target, primary }: Found): void {
    const isStronger = primary.isConfigured && !post.station.primary.isConfigured;
    if (isStronger) {
      post.owner = key;
      post.redirect(now, { primary, tls: target.tls });
      this.#configurePost(now, post);
    }
    const zone = displayName(post.zone);
    this.#tellOnce("warn", "primaries-differ", zone, {
      by: post.station.primary.step,
      not: isStronger ? "what was found before" : primary.step,
      subdomain: displayName(target.subdomain),
      remedy: "name the server in update.server, or let the DNS name one for all",
    });
  }

  /** @returns undefined where there is no key and there should be one (UP-19) */
  #settingsOf(target: UpdateTarget, zone: Name): PublisherSettings | undefined {
    const key = keyFor(target, zone);
    if (key === undefined && !target.allowsUnauthenticated) {
      this.#tellOnce("error", "no-update-key", displayName(zone), {
        remedy: "set update.key, or update.keys for this zone",
      });
      return undefined;
    }
    const { lifetime, timeoutType, trustsClock } = target;
    const clock: Clock = {
      secondsAt: (now) => (this.#origin + now) / 1000,
      isTrusted: () => trustsClock || this.#isTrusted,
    };
    const { tally } = this;
    return { zone, key, clock, lifetime, timeoutType, recordsMax: this.#recordsMax, tally };
  }

  #configurePosts(now: Instant): void {
    for (const post of this.#posts.values()) this.#configurePost(now, post);
    for (const subdomain of this.#subdomains.values()) {
      // There may be a key now.
      const { found } = subdomain.search;
      if (found !== undefined && subdomain.post === undefined) this.#enter(now, subdomain, found);
    }
  }

  #configurePost(now: Instant, post: Post): void {
    const owner = this.#subdomains.get(post.owner);
    const settings = owner && this.#settingsOf(owner.target, post.zone);
    if (owner === undefined || settings === undefined) return;
    post.configure(now, settings);
    post.redirect(now, { ...post.station, tls: owner.target.tls });
  }

  #leaveFormer(now: Instant, subdomain: Subdomain): void {
    for (const [post, by] of subdomain.former) {
      if (now < by && !subdomain.isFilled) continue;
      post.vacate(now, subdomain.key);
      subdomain.former.delete(post);
    }
  }

  /** Hands on what a post wants done; leaves the zone when nobody is in it any more. */
  #keep(now: Instant, post: Post, members: readonly Subdomain[]): void {
    if (members.length > 0) {
      post.stay();
      if (!members.some(({ key }) => key === post.owner)) this.#inherit(now, post, members);
    } else if (post.isDone(now)) {
      this.#effects.push(...post.end());
      this.#posts.delete(post.zone.key);
      this.#orphans.remember(post.zone, post.own());
      return;
    }
    this.#effects.push(...post.takeEffects());
  }

  /** Whose search told where the zone is updated is gone; somebody else's says it now. */
  #inherit(now: Instant, post: Post, members: readonly Subdomain[]): void {
    const heir = members.find(({ search }) => search.found?.zone.key === post.zone.key);
    if (heir?.search.found === undefined) return;
    post.owner = heir.key;
    post.redirect(now, { primary: heir.search.found, tls: heir.target.tls });
    this.#configurePost(now, post);
  }

  #tellOnce(
    level: "warn" | "error",
    event: string,
    zone: string,
    fields: Readonly<Record<string, string>>,
  ): void {
    if (this.#told.has(`${event} ${zone}`)) return;
    this.#told.add(`${event} ${zone}`);
    this.#log.event(level, event, { zone, ...fields });
  }
}
