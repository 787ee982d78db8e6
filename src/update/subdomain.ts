// One subdomain: where its records are to go, what is offered under it by links,
// subnets and lists, and in which zones it stands at the moment: one, and while
// it moves the former ones too.

import type { Log } from "../log.js";
import type { Random } from "../random.js";
import { earliest, type Instant } from "../time.js";
import type { Offer } from "./offer.js";
import type { UpdateTarget } from "./options.js";
import type { Post } from "./post.js";
import { PrimarySearch } from "./primary.js";

/** Offers that were made once, and have to be made again to stay. */
interface Doubt {
  readonly offers: Set<string>;
  readonly until: Instant;
  /** Key of the subdomain that takes over: no need to wait longer once it is in its zone. */
  readonly successor: string | undefined;
}

export class Subdomain {
  readonly key: string;
  readonly #random: Random;
  readonly #log: Log;
  /** By source and key. */
  readonly #offers = new Map<string, Offer>();
  readonly #doubts = new Map<string, Doubt>();
  /** Zones in which it still stands, and until when at most. */
  readonly former = new Map<Post, Instant>();
  #target: UpdateTarget;
  #search: PrimarySearch;
  #post: Post | undefined;
  #filledFrom: Instant | undefined;
  #isGivenUp = false;

  /** @param key  its name's, or another one for what is not configured */
  constructor(key: string, target: UpdateTarget, random: Random, log: Log) {
    this.key = key;
    this.#random = random;
    this.#log = log;
    this.#target = target;
    this.#search = new PrimarySearch(target.primary, random, log);
  }

  get target(): UpdateTarget {
    return this.#target;
  }

  get search(): PrimarySearch {
    return this.#search;
  }

  /** The zone that its records go to. */
  get post(): Post | undefined {
    return this.#post;
  }

  /** Whether all that is wanted in its zone has been offered by now, and is there. */
  get isFilled(): boolean {
    return this.#filledFrom === undefined && this.#post?.isSettled === true;
  }

  /** Given up, and nothing of it is left. */
  get isOver(): boolean {
    return this.#isGivenUp && this.#offers.size === 0 && this.former.size === 0;
  }

  /** Every zone in which it stands. */
  *posts(): Generator<Post> {
    if (this.#post !== undefined) yield this.#post;
    yield* this.former.keys();
  }

  start(now: Instant): void {
    if (!this.#isGivenUp) this.#search.start(now);
  }

  /** Takes other settings over; where the search would go another way, it begins anew. */
  configure(now: Instant, target: UpdateTarget, isStarted: boolean): void {
    const isOther = JSON.stringify(target.primary) !== JSON.stringify(this.#target.primary);
    this.#target = target;
    if (!isOther && !this.#isGivenUp) return;
    this.#isGivenUp = false;
    this.#search = new PrimarySearch(target.primary, this.#random, this.#log);
    if (isStarted) this.#search.start(now);
  }

  /** No longer configured: it stays where it is until its offers are gone. */
  giveUp(until: Instant): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#search.stop();
    const sources = new Set([...this.#offers.values()].map(({ source }) => source));
    for (const source of sources) {
      if (!this.#doubts.has(source)) this.doubt(source, until, undefined);
    }
  }

  /** What is to stand in the zone, by the keys of the offers. */
  offers(): ReadonlyMap<string, Offer> {
    return this.#offers;
  }

  offer(offer: Offer): void {
    this.#doubts.get(offer.source)?.offers.delete(offer.key);
    if (offer.rrs.length > 0) this.#offers.set(offer.key, offer);
    else this.#offers.delete(offer.key);
  }

  /** Nothing of it is wanted any more. */
  clear(): void {
    this.#offers.clear();
    this.#doubts.clear();
  }

  doubt(source: string, until: Instant, successor: string | undefined): void {
    const offers = new Set<string>();
    for (const { key, source: its } of this.#offers.values()) if (its === source) offers.add(key);
    this.#doubts.delete(source);
    if (offers.size > 0) this.#doubts.set(source, { offers, until, successor });
  }

  /** What nobody has offered again in time, as withdrawals. */
  takeLapsed(now: Instant, isFilled: (subdomain: string) => boolean): readonly Offer[] {
    const lapsed: Offer[] = [];
    for (const [source, { offers, until, successor }] of this.#doubts) {
      const isReplaced = successor !== undefined && isFilled(successor);
      if (now < until && !isReplaced) continue;
      this.#doubts.delete(source);
      for (const key of offers) {
        const offer = this.#offers.get(key);
        if (offer === undefined) continue;
        this.#offers.delete(key);
        lapsed.push({ ...offer, rrs: [] });
      }
    }
    return lapsed;
  }

  /** Goes to another zone. It stands in the old one too until that one is left. */
  enter(post: Post, filledFrom: Instant, leavesBy: Instant): void {
    if (this.#post !== undefined) this.former.set(this.#post, leavesBy);
    this.former.delete(post);
    this.#post = post;
    this.#filledFrom = filledFrom;
  }

  expire(now: Instant): void {
    this.#search.expire(now);
    if (this.#filledFrom !== undefined && now >= this.#filledFrom) this.#filledFrom = undefined;
  }

  /** When something is to be done, or judged, without anything else happening. */
  nextDeadline(): Instant | undefined {
    // Whoever waits for it to be filled looks again then.
    let next = earliest(this.#search.nextDeadline(), this.#filledFrom);
    for (const { until } of this.#doubts.values()) next = earliest(next, until);
    for (const by of this.former.values()) next = earliest(next, by);
    return next;
  }
}
