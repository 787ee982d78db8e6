// One question that clients of equal rights subscribe to, however many they
// are: watched on the link, and looked at, once for all of them. `told` is what
// each of them has been told; the difference to what is seen is what they hear.

import type { Counts } from "../counts.js";
import type { Link, WatchId } from "../mdns/link.js";
import type { ClientClass } from "../proxy/client.js";
import type { Tables } from "../proxy/tables.js";
import type { LinkView } from "../proxy/view.js";
import { linkQuestions } from "../proxy/visible.js";
import type { Zone } from "../proxy/zones.js";
import type { Instant } from "../time.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { type Difference, difference, noRRs, type RRsAtName } from "./change.js";
import type { Seat } from "./seat.js";
import { fixedTruth, linkTruth, type Truth } from "./truth.js";

/** Finds a link; undefined when it is not used. Marks it as touched for the engine. */
export type FindLink = (id: string) => Link | undefined;

/** Where topics look. */
export interface Ground {
  readonly tables: Tables;
  readonly findLink: FindLink;
  readonly counts: Counts;
}

/** What the clients of a topic are to hear. */
export interface Delta extends Difference {
  readonly topic: Topic;
  /** What its clients had been told before. */
  readonly before: RRsAtName;
}

/** The watches on behalf of one client, as limits count clients. */
interface Share {
  subscriptions: number;
  readonly watches: readonly WatchId[];
}

const nowhere: LinkView = { find: () => [], denies: () => false };

export class Topic {
  /** Class IN: there are no others on a link. */
  readonly question: Question;
  readonly zone: Zone;
  readonly #client: ClientClass;
  readonly #ground: Ground;
  /** Undefined when a link has a part in it. */
  readonly #fixed: Truth | undefined;
  readonly #shares = new Map<string, Share>();
  readonly #seats = new Map<Seat, number>();
  told: RRsAtName = noRRs;
  lookedUp: readonly Name[] = [];

  constructor(question: Question, zone: Zone, client: ClientClass, ground: Ground) {
    this.question = question;
    this.zone = zone;
    this.#client = client;
    this.#ground = ground;
    this.#fixed = fixedTruth(ground.tables, zone, question, client);
  }

  /** The link that it is watched on; undefined when no link has a part in it. */
  get link(): string | undefined {
    return this.#fixed === undefined ? this.zone.link?.link : undefined;
  }

  get isUnused(): boolean {
    return this.#seats.size === 0;
  }

  /** Who is told. */
  get seats(): IterableIterator<Seat> {
    return this.#seats.keys();
  }

  /**
   * Takes one more subscription in.
   *
   * @returns false when the link takes no more questions, or is not used
   */
  join(now: Instant, seat: Seat): boolean {
    const share = this.#shares.get(seat.clientKey);
    if (share !== undefined) share.subscriptions += 1;
    else {
      const watches = this.#watch(now, seat.clientKey);
      if (watches === undefined) return false;
      this.#shares.set(seat.clientKey, { subscriptions: 1, watches });
    }
    this.#seats.set(seat, (this.#seats.get(seat) ?? 0) + 1);
    return true;
  }

  leave(now: Instant, seat: Seat): void {
    const count = this.#seats.get(seat);
    const share = this.#shares.get(seat.clientKey);
    if (count === undefined || share === undefined) return;
    if (count > 1) this.#seats.set(seat, count - 1);
    else this.#seats.delete(seat);
    share.subscriptions -= 1;
    if (share.subscriptions > 0) return;
    this.#shares.delete(seat.clientKey);
    this.#unwatch(now, share.watches);
  }

  /** Looks again. @returns what its clients have not been told yet; they count as told now */
  look(now: Instant): Delta | undefined {
    const { rrs, lookedUp } = this.#fixed ?? this.#atLink(now);
    this.lookedUp = lookedUp;
    const before = this.told;
    const delta = difference(before, rrs);
    this.told = rrs;
    return delta === undefined ? undefined : { ...delta, topic: this, before };
  }

  #atLink(now: Instant): Truth {
    const { zone, question } = this;
    // A zone of records is always fixed.
    if (zone.kind === "records") return { rrs: noRRs, lookedUp: [] };
    const { tables, counts, findLink } = this.#ground;
    const link = findLink(zone.link.link);
    const view: LinkView =
      link === undefined
        ? nowhere
        : {
            find: (name, type) => link.find(now, name, type),
            denies: (name, type) => link.denies(now, name, type),
          };
    return linkTruth({ tables, view, zone, client: this.#client, counts }, question);
  }

  #watch(now: Instant, client: string): readonly WatchId[] | undefined {
    const { zone, question } = this;
    if (this.#fixed !== undefined || zone.kind === "records") return [];
    const link = this.#ground.findLink(zone.link.link);
    if (link === undefined) return undefined;
    const watches: WatchId[] = [];
    for (const one of linkQuestions(zone, question)) {
      const watch = link.watch(now, one, { kind: "standing", client });
      if (watch === undefined) {
        for (const taken of watches) link.unwatch(now, taken);
        return undefined;
      }
      watches.push(watch);
    }
    return watches;
  }

  #unwatch(now: Instant, watches: readonly WatchId[]): void {
    const link = this.link === undefined ? undefined : this.#ground.findLink(this.link);
    for (const watch of watches) link?.unwatch(now, watch);
  }
}
