// Every question that was put to the engine, until it is answered: who asked,
// what, what it means on a link, and since when. The checkers read from it what
// may be asked on a link and what is still owed to a client.

import type { Instant } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { Question } from "../../src/wire/message.js";
import type { Name } from "../../src/wire/name.js";
import { demand } from "./violation.js";
import { isAnsweredLocally, type PlannedZone, type ZoneMap } from "./zones.js";

export interface LinkAsked {
  readonly link: string;
  readonly name: Name;
  readonly type: number;
}

export interface Ask {
  /** Address, port and ID, or stream and ID: what a reply is recognised by. */
  readonly key: string;
  readonly question: Question;
  readonly recursionDesired: boolean;
  /** Largest reply the client takes. */
  readonly sizeMax: number;
  readonly zone: PlannedZone | undefined;
  /** What a link has to be asked; absent where the answer needs no link. */
  readonly onLink?: LinkAsked;
  since: Instant;
  /** A positive answer was told on the link. */
  knownSince?: Instant;
  readonly told?: (reply: Uint8Array) => void;
}

/** A standing interest in a question on a link, as subscriptions and LLQs have one. */
export interface Hold {
  readonly onLink: LinkAsked;
  readonly since: Instant;
}

interface Wanted {
  count: number;
  readonly series: number;
  /** Somebody had a standing interest meanwhile: then it is asked to keep records fresh. */
  wasHeld: boolean;
}

export class Exchanges {
  readonly #zones: ZoneMap;
  readonly #owed = new Map<string, Ask>();
  readonly #wanted = new Map<string, Wanted>();
  readonly #holds = new Set<Hold>();
  /** Until when a question may be asked since somebody doubted a record of it. */
  readonly #doubted = new Map<string, Instant>();
  #series = 0;
  /** Counted for the summary. */
  asked = 0;
  replied = 0;

  constructor(zones: ZoneMap) {
    this.#zones = zones;
  }

  /** A query reaches the engine; one that is owed an answer already is a retransmission. */
  arrive(
    now: Instant,
    query: Pick<Ask, "key" | "question" | "recursionDesired" | "sizeMax"> &
      Partial<Pick<Ask, "told">>,
  ): void {
    if (this.#owed.has(query.key)) return;
    const { name, type } = query.question;
    const zone = this.#zones.find(name);
    const isLocal = zone === undefined || isAnsweredLocally(zone, name, type);
    const linkName = isLocal ? undefined : this.#zones.toLink(name)?.name;
    const asksAll = type === RRType.NSEC || type === nsec3;
    const ask: Ask = { ...query, zone, since: now };
    if (zone === undefined || linkName === undefined) this.#owed.set(query.key, ask);
    else {
      const onLink = { link: zone.link, name: linkName, type: asksAll ? RRType.ANY : type };
      this.#owed.set(query.key, { ...ask, onLink });
      this.#want(onLink, 1);
    }
    this.asked += 1;
  }

  /** A reply leaves. @returns what it replies to */
  reply(key: string): Ask {
    const ask = this.#owed.get(key);
    demand(ask !== undefined, () => `a reply that nobody waits for, to ${key}`);
    this.#owed.delete(key);
    this.replied += 1;
    if (ask.onLink !== undefined) this.#want(ask.onLink, -1);
    return ask;
  }

  /** Nobody can be told any more: the stream is gone, or sending failed. */
  release(match: (ask: Ask) => boolean): void {
    for (const ask of [...this.#owed.values()]) {
      if (!match(ask)) continue;
      this.#owed.delete(ask.key);
      if (ask.onLink !== undefined) this.#want(ask.onLink, -1);
    }
  }

  owed(): IterableIterator<Ask> {
    return this.#owed.values();
  }

  get size(): number {
    return this.#owed.size;
  }

  /** Somebody wants to know of a link until further notice. @returns undefined: no link is asked */
  hold(now: Instant, { name, type }: Pick<Question, "name" | "type">): Hold | undefined {
    const zone = this.#zones.find(name);
    const linkName = this.#zones.toLink(name)?.name;
    if (zone === undefined || linkName === undefined) return undefined;
    if (isAnsweredLocally(zone, name, type)) return undefined;
    const asksAll = type === RRType.NSEC || type === nsec3;
    const onLink = { link: zone.link, name: linkName, type: asksAll ? RRType.ANY : type };
    const hold = { onLink, since: now };
    this.#holds.add(hold);
    this.#want(onLink, 1).wasHeld = true;
    return hold;
  }

  unhold(hold: Hold | undefined): void {
    if (hold !== undefined && this.#holds.delete(hold)) this.#want(hold.onLink, -1);
  }

  holds(): IterableIterator<Hold> {
    return this.#holds.values();
  }

  /** A record is doubted: its question is asked until then, wanted or not. */
  doubt({ link, name, type }: LinkAsked, until: Instant): void {
    this.#doubted.set(`${link}\0${type}\0${name.key}`, until);
  }

  isDoubted(now: Instant, { link, name, type }: LinkAsked): boolean {
    return (this.#doubted.get(`${link}\0${type}\0${name.key}`) ?? -1) >= now;
  }

  /** Whether a question is or was kept alive by a standing interest, in its present series. */
  wasHeld({ link, name, type }: LinkAsked): boolean {
    return this.#wanted.get(`${link}\0${type}\0${name.key}`)?.wasHeld ?? false;
  }

  /** A number for as long as somebody waits for this question on a link; then undefined. */
  seriesOf({ link, name, type }: LinkAsked): number | undefined {
    return this.#wanted.get(`${link}\0${type}\0${name.key}`)?.series;
  }

  #want({ link, name, type }: LinkAsked, by: number): Wanted {
    const key = `${link}\0${type}\0${name.key}`;
    const known = this.#wanted.get(key);
    const wanted = known ?? { count: 0, series: ++this.#series, wasHeld: false };
    wanted.count += by;
    if (wanted.count === 0) this.#wanted.delete(key);
    else this.#wanted.set(key, wanted);
    return wanted;
  }
}

const nsec3 = 50;
