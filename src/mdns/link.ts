// One link as a multicast DNS querier sees it (RFC 6762), and the only door of
// this folder: datagrams and watches go in, datagrams and changes are taken out.
// Knows nothing of zones, clients' protocols or sockets. All links are apart:
// equal names on two of them never meet (RFC 6762 §14, DP-119).

import { type Family, formatPrefix, type Prefix } from "../address.js";
import type { Counts } from "../counts.js";
import type { Random } from "../random.js";
import { type Duration, earliest, elapsed, type Instant } from "../time.js";
import { RRType } from "../wire/codes.js";
import type { Message } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { judge, type MdnsDatagram, type Verdict } from "./accept.js";
import { Asking } from "./asking.js";
import { Cache, type Happening } from "./cache.js";
import { Echoes } from "./echoes.js";
import { Heeding } from "./heeding.js";
import { PassiveFailures } from "./passive.js";
import type { ActiveQuestion } from "./question.js";
import { QuestionTable } from "./question-table.js";
import { Reconfirmations } from "./reconfirm.js";
import type { CachedRR } from "./record.js";
import { type Announced, type OutDatagram, Responder } from "./respond.js";
import { clientShare, linkChangeGrace, payloadMax } from "./timing.js";
import type { Change, Heard, Interest, LinkQuestion, WatchId } from "./watch.js";

export type {
  Announced,
  Change,
  Heard,
  Interest,
  LinkQuestion,
  MdnsDatagram,
  OutDatagram,
  WatchId,
};

export interface LinkOptions {
  /** Families in which the link may be used; an empty list silences it. */
  readonly families: readonly Family[];
  /** Query packets a second, both families and known-answer continuations counted (DP-122). */
  readonly packetsPerSecond: number;
  /** Records kept; one with rdata above 512 bytes counts as several (DP-125). */
  readonly cacheRecordsMax: number;
  /** Questions alive at once. */
  readonly questionsMax: number;
  /** Browse domains told by multicast (DP-26); all lists may be empty. */
  readonly announce: Announced;
}

/** Where the link is at the moment. */
export interface LinkPlace {
  /** Our own addresses on it, each with its prefix length, link-local ones included. */
  readonly prefixes: readonly Prefix[];
  readonly mtu: number;
  /**
   * What is sent by unicast to port 5353 of these addresses is given to `receive`: no other
   * program of the host has the port (RFC 6762 §15.1). Absent: it is not.
   */
  readonly mayAskUnicast?: boolean;
}

/** For listings and state dumps. */
export interface QuestionState {
  readonly question: LinkQuestion;
  readonly watches: number;
  readonly isStanding: boolean;
  readonly startedAt: Instant | undefined;
}

/**
 * The life of a link:
 *
 * - It is made down. `up` starts it and is said again whenever addresses or MTU change; `down`
 *   forgets what was heard. Watches stay through both: they are asked anew from `up` on.
 * - `watch` begins a question or joins it, `unwatch` leaves it. Nothing is ever asked without
 *   a watch (DP-8), except about a record under `reconfirm`.
 * - After any call that takes `now`, drain `takeChanges` and `takeDatagrams`, and read
 *   `nextDeadline` anew; call `expire` when that instant has come. A late `expire` only makes
 *   things later: `find` and `denies` never tell what has run out.
 */
export class Link {
  readonly #counts: Counts;
  readonly #table: QuestionTable;
  readonly #cache: Cache;
  readonly #asking: Asking;
  readonly #passive: PassiveFailures;
  readonly #reconfirmations = new Reconfirmations();
  readonly #responder: Responder;
  readonly #heeding: Heeding;
  readonly #echoes = new Echoes();
  #options: LinkOptions;
  #place: LinkPlace | undefined;
  #changes: Change[] = [];
  #out: OutDatagram[] = [];

  constructor(options: LinkOptions, random: Random, counts: Counts) {
    this.#options = options;
    this.#counts = counts;
    this.#table = new QuestionTable(counts);
    this.#cache = new Cache(options.cacheRecordsMax, this.#table, counts);
    this.#asking = new Asking(
      this.#table,
      this.#cache,
      (record) => this.#reconfirmations.isDisputed(record),
      options.packetsPerSecond,
      random,
      counts,
    );
    this.#passive = new PassiveFailures(this.#cache);
    this.#heeding = new Heeding(this.#table);
    this.#responder = new Responder(random, counts);
    this.#responder.configure(0 as Instant, options.announce);
  }

  get isUp(): boolean {
    return this.#place !== undefined;
  }

  /** Records held, denials among them. */
  get recordCount(): number {
    return this.#cache.size;
  }

  get questionCount(): number {
    return this.#table.size;
  }

  /** Takes new options over; what was heard and asked stays, but for what is above a limit. */
  configure(now: Instant, options: LinkOptions): void {
    const before = this.#options;
    this.#options = options;
    this.#asking.limit(options.packetsPerSecond);
    this.#cache.limit(options.cacheRecordsMax);
    this.#responder.configure(now, options.announce);
    if (this.#place !== undefined && !isSameList(before.families, options.families)) {
      this.#begin(now, this.#place);
    }
    this.#settle(now);
  }

  /**
   * The link carries packets. Said again with another place, it asks and announces anew, and
   * forgets within ten seconds what nobody repeats (RFC 6762 §10.3); with the same, nothing
   * happens. A family is used when it is in the options and one of the prefixes is of it;
   * with no prefix at all, every family of the options is.
   */
  up(now: Instant, place: LinkPlace): void {
    this.#asking.allowUnicast(place.mayAskUnicast === true);
    if (this.#place !== undefined) {
      if (isSamePlace(this.#place, place)) return;
      this.#cache.shorten(now, linkChangeGrace);
    }
    this.#place = place;
    this.#begin(now, place);
    this.#settle(now);
  }

  /** The link is gone: everything heard is reported as removed, nothing is asked until `up`. */
  down(now: Instant): void {
    if (this.#place === undefined) return;
    this.#place = undefined;
    this.#asking.reach([], 0);
    this.#asking.halt();
    this.#responder.down();
    this.#passive.reset();
    this.#cache.clear();
    this.#settle(now);
  }

  /** Says goodbye for what was announced (DP-33); nothing else need be retracted. */
  stop(now: Instant): void {
    this.#responder.stop(now);
    this.#settle(now);
  }

  /**
   * Takes in a datagram that arrived on UDP port 5353 of this link, whatever it holds. All
   * changes that one response causes are in one batch of `takeChanges`.
   *
   * @returns whether it was somebody else's, and not our own packet come back
   */
  receive(now: Instant, datagram: MdnsDatagram): boolean {
    if (this.#place === undefined) return false;
    this.#counts.add("mdns-packets", inbound[datagram.family]);
    // Before anything is judged by what is held, what has run out must be gone.
    this.#cache.expire(now);
    const isEcho = this.#echoes.take(now, datagram.family, datagram.bytes);
    if (isEcho) {
      this.#counts.add("mdns-packets", "echo");
    } else {
      const verdict = this.#judge(now, datagram, this.#place);
      if (verdict.kind === "drop") this.#counts.add("drops", verdict.reason);
      else {
        if (!verdict.isWhole) this.#counts.add("drops", "mdns-broken-record");
        if (verdict.kind === "query") this.#query(now, datagram, verdict.message);
        else this.#response(now, datagram, verdict.message);
      }
    }
    this.#settle(now);
    return !isEcho;
  }

  /**
   * Asks a question for as long as the watch lasts. If it runs already, the watch joins it and
   * nothing starts anew; the first standing watch of a question starts a series even when the
   * cache holds answers, unless it `takesHeld`. Type ANY covers all types at the name. While the link is
   * down nothing is asked, but the watch is kept.
   *
   * @returns undefined, counted, when too many questions are alive, of this client or in all
   */
  watch(now: Instant, question: LinkQuestion, interest: Interest): WatchId | undefined {
    const known = this.#table.find(question.name, question.type);
    if (known === undefined && !this.#hasRoom(interest)) return undefined;
    const wasStanding = known?.isStanding ?? false;
    const active = this.#open(question);
    const id = this.#table.attach(active, interest);
    if (this.#place === undefined) return id;
    if (!wasStanding && !active.hasSeries) this.#asking.begin(now, active, interest);
    else if (!wasStanding && interest.kind === "standing") this.#asking.replan(now, active);
    this.#asking.join(active, interest.client);
    return id;
  }

  /**
   * Ends a watch; an unknown one is ignored. With the last watch of a question its series
   * ends at once; answers that come within the next ten seconds are still kept (T-20).
   */
  unwatch(now: Instant, id: WatchId): void {
    const question = this.#table.detach(now, id);
    if (question === undefined) return;
    this.#asking.left(question);
    if (question.watches.size === 0) this.#cache.reconsider(question.name, question.type);
  }

  /**
   * Lets the series of a watched question begin anew, as after `watch`; what is known by now are
   * known answers. Nothing happens while the series is younger than `age`: somebody else has
   * begun it, and its questions serve all.
   */
  askAnew(now: Instant, { name, type }: LinkQuestion, age: Duration): void {
    const question = this.#table.find(name, type);
    if (question === undefined || this.#place === undefined || !question.isWatched) return;
    const { startedAt } = question;
    if (startedAt !== undefined && elapsed(startedAt, now) < age) return;
    this.#asking.start(now, question);
  }

  /**
   * Takes in PTRs of types and of subtypes although nobody asks for them, and asks for those that
   * other hosts ask for: to be said once with 1, and with -1 when it is of no interest any more.
   */
  heedLists(by: 1 | -1): void {
    this.#heeding.heed(by);
  }

  /** Live records of a type at a name, oldest first; type ANY: all of them. Never an NSEC. */
  find(now: Instant, name: Name, type: number): readonly Heard[] {
    return this.#cache.live(now, name, type).map(heardOf);
  }

  /** Whether a live NSEC says that there is no such type at the name, and no live RR is one. */
  denies(now: Instant, name: Name, type: number): boolean {
    return this.#cache.deniedUntil(now, name, type) !== undefined;
  }

  /**
   * What a live NSEC of the name says: the types it does not deny; all others are denied. That
   * a type is not denied proves nothing. Undefined when no NSEC is known.
   */
  denials(now: Instant, name: Name): readonly number[] | undefined {
    return this.#cache.openTypes(now, name);
  }

  /**
   * When the question's series began: the running one, or the one that a complete answer
   * ended while standing watches keep the question alive. Undefined when nobody asks it, and
   * while the link is down.
   */
  startedAt(question: LinkQuestion): Instant | undefined {
    return this.#table.find(question.name, question.type)?.startedAt;
  }

  /**
   * Whether at least one packet of that series left, or was spared since another host asked
   * the same; or of the one before it, when it began anew because the link is in another
   * place. While false, silence says nothing about the link (DP-123).
   */
  wasAsked(question: LinkQuestion): boolean {
    return this.#table.find(question.name, question.type)?.wasAsked ?? false;
  }

  /**
   * Somebody doubts a record (DP-150): it is asked for twice, whether or not it is watched,
   * and reported as removed ten seconds from now unless a device says it again. A record that
   * is not held is ignored; so are further hints while one is followed.
   */
  reconfirm(now: Instant, rr: RR): void {
    if (this.#place === undefined) return;
    const record = this.#cache.find(now, rr);
    if (record === undefined || this.#reconfirmations.isDisputed(record)) return;
    if (this.#reconfirmations.isFull) {
      this.#counts.add("limits", "reconfirmations");
      return;
    }
    const { type } = record;
    const { name } = record.owner;
    const isOpen = this.#table.find(name, type) !== undefined;
    if (!isOpen && this.#table.size >= this.#options.questionsMax) {
      this.#counts.add("limits", "questions");
      return;
    }
    const question = this.#open({ name, type });
    const watch = this.#table.attach(question, { kind: "confirm", client: "" });
    this.#reconfirmations.begin(now, record, watch);
    this.#asking.confirm(now, question);
  }

  /** Does what has fallen due. */
  expire(now: Instant): void {
    this.#cache.expire(now);
    for (const record of this.#passive.expire(now)) {
      this.#counts.add("mdns-records", "failed");
      this.#cache.fail(record);
    }
    this.#judgeDisputed(now);
    for (const watch of this.#heeding.expire(now)) this.unwatch(now, watch);
    this.#settle(now);
    this.#asking.expire(now);
    this.#responder.expire(now);
    this.#settle(now);
  }

  /** When `expire` has something to do; undefined while nothing is due. */
  nextDeadline(): Instant | undefined {
    const heard = earliest(this.#cache.nextDeadline(), this.#passive.nextDeadline());
    const said = earliest(this.#asking.nextDeadline(), this.#responder.nextDeadline());
    const doubted = earliest(this.#reconfirmations.nextDeadline(), this.#heeding.nextDeadline());
    return earliest(earliest(heard, said), doubted);
  }

  /** What changed since this was last called, in order; drains it. */
  takeChanges(): readonly Change[] {
    if (this.#changes.length === 0) return [];
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** What is to be sent, from port 5353 and with hop limit 255; drains it. */
  takeDatagrams(): readonly OutDatagram[] {
    if (this.#out.length === 0) return [];
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Every live record, for listings; a walk over all that is held. */
  *records(now: Instant): Generator<Heard> {
    for (const record of this.#cache.all()) if (record.expiresAt > now) yield heardOf(record);
  }

  /** The questions alive, for listings. */
  *questions(): Generator<QuestionState> {
    for (const active of this.#table.all()) {
      const { name, type, watches, isStanding, startedAt } = active;
      yield { question: { name, type }, watches: watches.size, isStanding, startedAt };
    }
  }

  /** Finds the question or makes it; what it asks for is from now on evicted last. */
  #hasRoom({ kind, client }: Interest): boolean {
    const { questionsMax } = this.#options;
    const share = Math.max(1, Math.floor(questionsMax * clientShare));
    let limit: string | undefined;
    if (this.#table.size >= questionsMax) limit = "questions";
    else if (kind === "standing" && client !== "" && this.#table.standingOf(client) >= share) {
      limit = "questions-per-client";
    }
    if (limit !== undefined) this.#counts.add("limits", limit);
    return limit === undefined;
  }

  #open(question: LinkQuestion): ActiveQuestion {
    const known = this.#table.find(question.name, question.type);
    if (known !== undefined) return known;
    const active = this.#table.open(question.name, question.type);
    this.#cache.reconsider(question.name, question.type);
    return active;
  }

  /** Asks and announces, as if for the first time, in the place where the link is now. */
  #begin(now: Instant, place: LinkPlace): void {
    const { families: allowed } = this.#options;
    const present = new Set(place.prefixes.map((prefix) => prefix.address.family));
    const families = allowed.filter((family) => present.size === 0 || present.has(family));
    const payload = Math.min(...families.map((family) => payloadMax(family, place.mtu)));
    this.#asking.reach(families, payload);
    this.#asking.restart(now);
    this.#responder.up(now, families, place.prefixes, payload);
  }

  #judge(now: Instant, datagram: MdnsDatagram, { prefixes }: LinkPlace): Verdict {
    const verdict = judge(datagram, prefixes, this.#asking.awaitsUnicast(now));
    if (verdict.kind !== "response" || datagram.isMulticast) return verdict;
    if (this.#asking.isAwaited(now, verdict.message)) return verdict;
    return { kind: "drop", reason: "mdns-unasked-unicast" };
  }

  #query(now: Instant, datagram: MdnsDatagram, message: Message): void {
    this.#asking.yieldTo(now, datagram, message);
    this.#passive.query(now, datagram, message);
    this.#responder.query(now, datagram, message);
    if (!datagram.isMulticast) return;
    for (const question of this.#heeding.select(now, message.questions)) {
      const watch = this.watch(now, question, { kind: "one-shot", client: "" });
      if (watch !== undefined) this.#heeding.begin(now, watch);
    }
  }

  #response(now: Instant, datagram: MdnsDatagram, message: Message): void {
    const rrs = [...message.answers, ...message.authorities, ...message.additionals];
    for (const rr of rrs) this.#responder.heard(now, datagram.family, rr);
    this.#cache.apply(now, rrs);
  }

  #judgeDisputed(now: Instant): void {
    for (;;) {
      const record = this.#reconfirmations.takeDue(now);
      if (record === undefined) return;
      const question = this.#table.find(record.owner.name, record.type);
      if (question !== undefined && question.confirmsLeft > 0) {
        this.#reconfirmations.extend(now, record);
      } else {
        this.#counts.add("mdns-records", "unconfirmed");
        this.#cache.fail(record);
      }
    }
  }

  #endDispute(now: Instant, record: CachedRR): void {
    const watch = this.#reconfirmations.end(record);
    if (watch !== undefined) this.unwatch(now, watch);
  }

  /** Lets everything that happened in the cache be known where it matters, and to our user. */
  #settle(now: Instant): void {
    for (;;) {
      const happened = this.#cache.takeHappenings();
      if (happened.length === 0) break;
      for (const happening of happened) this.#follow(now, happening);
    }
    for (const { family, bytes } of this.#asking.takePackets()) {
      this.#send({ family, to: "group", bytes }, now);
    }
    for (const datagram of this.#responder.takeDatagrams()) this.#send(datagram, now);
  }

  #follow(now: Instant, happening: Happening): void {
    const { kind, record } = happening;
    if (record.type === RRType.NSEC) {
      if (kind === "add") this.#changes.push({ kind: "deny", name: record.owner.name });
      return;
    }
    this.#passive.clear(record);
    this.#endDispute(now, record);
    if (kind === "remove") {
      this.#asking.lost(now, record, happening.why);
      this.#changes.push({ kind, rr: record.toRR() });
      return;
    }
    this.#asking.heard(record);
    if (kind === "add") this.#changes.push({ kind, rr: record.toRR() });
  }

  #send(datagram: OutDatagram, now: Instant): void {
    this.#counts.add("mdns-packets", outbound[datagram.family]);
    if (datagram.to === "group") this.#echoes.remember(now, datagram.family, datagram.bytes);
    this.#out.push(datagram);
  }
}

const inbound: Readonly<Record<Family, string>> = { ipv4: "in-ipv4", ipv6: "in-ipv6" };
const outbound: Readonly<Record<Family, string>> = { ipv4: "out-ipv4", ipv6: "out-ipv6" };

function heardOf(record: CachedRR): Heard {
  const { receivedAt, expiresAt, isUnique } = record;
  return { rr: record.toRR(), receivedAt, expiresAt, isUnique };
}

function isSamePlace(a: LinkPlace, b: LinkPlace): boolean {
  return a.mtu === b.mtu && isSameList(a.prefixes.map(formatPrefix), b.prefixes.map(formatPrefix));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
