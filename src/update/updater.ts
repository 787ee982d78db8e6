// Update mode for one subdomain, and the only door of this folder besides
// inventory.ts: offers of links go in, and the answers of a resolver and of a
// primary; questions, streams and notes for the state file come out. Finds the
// primary, keeps a publisher for its zone, and goes on to the next server when
// one fails.

import type { Endpoint } from "../address.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Random } from "../random.js";
import { after, earliest, type Instant } from "../time.js";
import { displayName, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { TsigKey } from "../wire/tsig.js";
import type { Note } from "./journal.js";
import { retirementMax } from "./limits.js";
import type { Offer } from "./offer.js";
import {
  type Primary,
  type PrimaryAnswer,
  type PrimaryQuestion,
  PrimarySearch,
  type PrimarySettings,
} from "./primary.js";
import { Publisher } from "./publisher.js";
import type { PublisherSettings, PublisherState } from "./settings.js";

export interface UpdaterSettings
  extends Pick<PublisherSettings, "clock" | "lifetime" | "timeoutType" | "recordsMax"> {
  readonly primary: PrimarySettings;
  /** The key for a zone; undefined when none is configured. */
  readonly keyFor: (zone: Name) => TsigKey | undefined;
  /** Whether to run without a key (UP-19). */
  readonly allowsUnauthenticated: boolean;
}

export type UpdaterEffect =
  /** To be put to an ordinary resolver; answered by `resolved`. */
  | { readonly kind: "resolve"; readonly question: PrimaryQuestion }
  /** To be on disk before any `write` that follows it. */
  | { readonly kind: "remember"; readonly zone: Name; readonly notes: readonly Note[] }
  | {
      readonly kind: "open";
      readonly stream: number;
      readonly endpoint: Endpoint;
      readonly isTls: boolean;
      /** For SNI and for checking the certificate. */
      readonly serverName: Name | undefined;
    }
  | { readonly kind: "write"; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly stream: number };

/** A zone that is being kept, and the stream to its primary. */
interface Post {
  readonly publisher: Publisher;
  primary: Primary;
  stream: number;
  /** Which of the primary's endpoints is used. */
  turn: number;
  /** Set when the records are wanted elsewhere now: until when it may take. */
  retiresBy: Instant | undefined;
}

export class Updater {
  readonly #settings: UpdaterSettings;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #search: PrimarySearch;
  readonly #offers = new Map<string, Offer>();
  readonly #remembered = new Map<string, readonly RR[]>();
  /** The one in office last; others retire. */
  #posts: Post[] = [];
  #streams = 0;
  #effects: UpdaterEffect[] = [];

  constructor(settings: UpdaterSettings, random: Random, counts: Counts, log: Log) {
    this.#settings = settings;
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
    this.#search = new PrimarySearch(settings.primary, random, log);
  }

  /** What the state file of a zone holds (journal.ts); to be said before `start`. */
  restore(zone: Name, own: readonly RR[]): void {
    this.#remembered.set(zone.key, own);
  }

  start(now: Instant): void {
    this.#search.start(now);
    this.#settle(now);
  }

  /** What an inventory's `takeChanges` gave. */
  offer(now: Instant, offer: Offer): void {
    if (offer.rrs.length > 0) this.#offers.set(offer.key, offer);
    else this.#offers.delete(offer.key);
    this.#current?.publisher.offer(now, offer);
    this.#settle(now);
  }

  /** Takes everything back that was published; `isSettled` tells when it is done. */
  withdraw(now: Instant): void {
    for (const offer of [...this.#offers.values()]) this.offer(now, { ...offer, rrs: [] });
  }

  /** A resolver's answer; undefined when there is none. */
  resolved(now: Instant, question: PrimaryQuestion, answer: PrimaryAnswer | undefined): void {
    this.#search.answered(now, question, answer);
    this.#settle(now);
  }

  opened(now: Instant, stream: number): void {
    this.#find(stream)?.publisher.opened(now);
    this.#settle(now);
  }

  received(now: Instant, stream: number, bytes: Uint8Array): void {
    this.#find(stream)?.publisher.received(now, bytes);
    this.#settle(now);
  }

  /** The stream ended, or could not be had; `reason` is for people. */
  closed(now: Instant, stream: number, reason: string): void {
    const post = this.#find(stream);
    if (post === undefined) return;
    post.turn += 1;
    post.publisher.closed(now, reason);
    this.#settle(now);
  }

  expire(now: Instant): void {
    this.#search.expire(now);
    for (const { publisher } of this.#posts) publisher.expire(now);
    this.#settle(now);
  }

  nextDeadline(): Instant | undefined {
    let next = this.#search.nextDeadline();
    for (const { publisher, retiresBy } of this.#posts) {
      next = earliest(next, earliest(publisher.nextDeadline(), retiresBy));
    }
    return next;
  }

  /** What the edge is to do, in this order; drains it. */
  takeEffects(): readonly UpdaterEffect[] {
    return this.#effects.splice(0);
  }

  /** Whether the zone is as its links are, as far as the primary has acknowledged. */
  get isSettled(): boolean {
    return this.#posts.every(({ publisher }) => publisher.isSettled);
  }

  /** What is ours, for a shorter state file; undefined while no primary is known. */
  own(): { readonly zone: Name; readonly rrs: Iterable<RR> } | undefined {
    const current = this.#current;
    return current && { zone: current.primary.zone, rrs: current.publisher.own() };
  }

  state(): { readonly primary: Primary | undefined; readonly zone: PublisherState | undefined } {
    return { primary: this.#search.found, zone: this.#current?.publisher.state() };
  }

  get #current(): Post | undefined {
    const last = this.#posts.at(-1);
    return last?.retiresBy === undefined ? last : undefined;
  }

  #find(stream: number): Post | undefined {
    return this.#posts.find((post) => post.stream === stream);
  }

  #settle(now: Instant): void {
    for (const question of this.#search.takeQuestions()) {
      this.#effects.push({ kind: "resolve", question });
    }
    const news = this.#search.takeNews();
    if (news !== undefined) this.#move(now, news);
    this.#retire(now);
    for (const post of this.#posts) this.#forward(post);
  }

  /** UP-5: first the new zone is filled, then the old one is emptied. */
  #move(now: Instant, primary: Primary): void {
    const current = this.#current;
    if (current !== undefined && current.primary.zone.key === primary.zone.key) {
      current.primary = primary;
      current.turn = 0;
      return;
    }
    const key = this.#settings.keyFor(primary.zone);
    if (key === undefined && !this.#settings.allowsUnauthenticated) {
      this.#log.event("error", "no-update-key", {
        zone: displayName(primary.zone),
        remedy: "set update.key, or update.keys for this zone",
      });
      return;
    }
    if (current !== undefined) current.retiresBy = after(now, retirementMax);
    const { clock, lifetime, timeoutType, recordsMax } = this.#settings;
    const settings = { zone: primary.zone, key, clock, lifetime, timeoutType, recordsMax };
    const publisher = new Publisher(settings, this.#random, this.#counts, this.#log);
    publisher.restore(this.#remembered.get(primary.zone.key) ?? []);
    this.#posts.push({ publisher, primary, stream: 0, turn: 0, retiresBy: undefined });
    publisher.start(now);
    for (const offer of this.#offers.values()) publisher.offer(now, offer);
  }

  #retire(now: Instant): void {
    const current = this.#current;
    if (this.#posts.length < 2 || current === undefined) return;
    this.#posts = this.#posts.filter((post) => {
      if (post.retiresBy === undefined) return true;
      if (current.publisher.isSettled) {
        for (const offer of this.#offers.values()) {
          post.publisher.offer(now, { ...offer, rrs: [] });
        }
      }
      const isDone = post.publisher.isEmpty && post.publisher.isSettled;
      if (!isDone && now < post.retiresBy) return true;
      if (post.stream !== 0) this.#effects.push({ kind: "close", stream: post.stream });
      return false;
    });
  }

  #forward(post: Post): void {
    const { publisher, primary } = post;
    const notes = publisher.takeNotes();
    if (notes.length > 0) this.#effects.push({ kind: "remember", zone: primary.zone, notes });
    for (const effect of publisher.takeEffects()) {
      if (effect.kind === "write") {
        this.#effects.push({ kind: "write", stream: post.stream, bytes: effect.bytes });
      } else if (effect.kind === "close") {
        if (effect.isFault) post.turn += 1;
        this.#effects.push({ kind: "close", stream: post.stream });
        post.stream = 0;
      } else {
        this.#streams += 1;
        post.stream = this.#streams;
        const { endpoints, isTls, serverName } = primary;
        const endpoint = endpoints[post.turn % endpoints.length] as Endpoint;
        this.#effects.push({ kind: "open", stream: post.stream, endpoint, isTls, serverName });
      }
    }
  }
}
