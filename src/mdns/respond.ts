// The proxy as a responder: the browse domains that `announce` tells on a link
// (RFC 8766 §5.2.2, RFC 6762 §5.4, §6, §7, §8.3, §10.1; DP-26 to DP-34). Shared
// PTR records, so no probing and no conflicts; and these only, nothing heard.

import { type Endpoint, type Family, formatAddress, type Prefix } from "../address.js";
import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import { between, type Random } from "../random.js";
import { after, earliest, elapsed, type Instant, seconds } from "../time.js";
import { RRClass, RRType } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import { type Name, nameOf } from "../wire/name.js";
import { equalRRs, type RR } from "../wire/rr.js";
import { isOnLink, type MdnsDatagram } from "./accept.js";
import { encodeLegacyReply, encodeResponses } from "./response-packets.js";
import {
  announcedTtlSeconds,
  announcements,
  mdnsPort,
  multicastSpacing,
  politeDelay,
  repliesMax,
  topBit,
  truncatedDelay,
} from "./timing.js";

/** Browse domains told on the link, by the prefix that names their list (RFC 6763 §11). */
export interface Announced {
  readonly b: readonly Name[];
  readonly db: readonly Name[];
  readonly lb: readonly Name[];
}

/** A packet of ours for the link. */
export interface OutDatagram {
  readonly family: Family;
  readonly to: "group" | Endpoint;
  readonly bytes: Uint8Array;
}

interface OwnRR {
  readonly rr: RR;
  /** When it was last multicast, by family. */
  readonly sentAt: Map<Family, Instant>;
}

/** An answer waiting for its delay. */
interface Reply {
  readonly family: Family;
  readonly to: "group" | Endpoint;
  /** Who asked, so that known answers in later packets can be taken off. */
  readonly asker: string;
  readonly isTruncated: boolean;
  readonly rrs: Set<OwnRR>;
  /** From a port other than 5353: what an ordinary resolver wants repeated (§6.7). */
  readonly legacy?: Message;
}

interface Announcement {
  readonly rrs: readonly OwnRR[];
  left: number;
}

export class Responder {
  readonly #random: Random;
  readonly #counts: Counts;
  #own: readonly OwnRR[] = [];
  #names: ReadonlySet<string> = new Set();
  readonly #replies = new Deadlines<Reply>();
  readonly #pending = new Set<Reply>();
  readonly #announcing = new Deadlines<Announcement>();
  #families: readonly Family[] = [];
  #prefixes: readonly Prefix[] = [];
  #payload = 0;
  #out: OutDatagram[] = [];

  constructor(random: Random, counts: Counts) {
    this.#random = random;
    this.#counts = counts;
  }

  /** Replaces what is announced; on a link that is up, with goodbyes and announcements. */
  configure(now: Instant, announced: Announced): void {
    const rrs = recordsOf(announced);
    const gone = this.#own.filter((own) => !rrs.some((rr) => equalRRs(rr, own.rr)));
    const added: OwnRR[] = [];
    const next = rrs.map((rr) => {
      const kept = this.#own.find((own) => equalRRs(rr, own.rr));
      if (kept !== undefined) return kept;
      const own: OwnRR = { rr, sentAt: new Map() };
      added.push(own);
      return own;
    });
    this.#withdraw(now, gone);
    this.#own = next;
    this.#names = new Set(rrs.map((rr) => rr.name.key));
    this.#announce(now, added);
  }

  /** The link carries packets; said again after a change, when all is announced anew. */
  up(
    now: Instant,
    families: readonly Family[],
    prefixes: readonly Prefix[],
    payload: number,
  ): void {
    this.#families = families;
    this.#prefixes = prefixes;
    this.#payload = payload;
    this.#cancel();
    this.#announce(now, this.#own);
  }

  down(): void {
    this.#families = [];
    this.#cancel();
    for (const own of this.#own) own.sentAt.clear();
  }

  /** Goodbyes for all (§10.1); nothing is sent afterwards. */
  stop(now: Instant): void {
    this.#withdraw(now, this.#own);
    this.#own = [];
    this.#cancel();
  }

  /** A query that is not ours. */
  query(now: Instant, datagram: MdnsDatagram, message: Message): void {
    if (this.#own.length === 0) return;
    const { family, source } = datagram;
    const asker = `${family} ${formatAddress(source.address)} ${source.port}`;
    this.#takeOff(now, asker, message);
    const byUnicast = new Set<OwnRR>();
    const byMulticast = new Set<OwnRR>();
    for (const question of message.questions) {
      const isUnicast = !datagram.isMulticast || (question.class & topBit) !== 0;
      for (const own of this.#own) {
        if (!isAnsweredBy(question, own.rr) || isKnown(message, own.rr)) continue;
        const isFresh = this.#wasMulticastLately(now, family, own);
        if (source.port !== mdnsPort || (isUnicast && isFresh)) byUnicast.add(own);
        else byMulticast.add(own);
      }
    }
    const isTruncated = message.tc;
    if (byMulticast.size > 0) {
      this.#plan(now, { family, to: "group", asker, isTruncated, rrs: byMulticast });
    }
    if (byUnicast.size === 0) return;
    // A reply that left the link would serve whoever forged the address.
    if (!isOnLink(source, this.#prefixes)) {
      this.#counts.add("drops", "mdns-off-link");
      return;
    }
    const reply = { family, to: source, asker, isTruncated, rrs: byUnicast };
    this.#plan(now, source.port === mdnsPort ? reply : { ...reply, legacy: message });
  }

  /** Another host said a record that is also ours. */
  heard(now: Instant, family: Family, rr: RR): void {
    if (this.#own.length === 0 || !this.#names.has(rr.name.key)) return;
    const own = this.#own.find((each) => equalRRs({ ...rr, class: RRClass.IN }, each.rr));
    if (own === undefined) return;
    if (rr.ttlSeconds >= own.rr.ttlSeconds) {
      this.#wasSaid(family, own);
    } else if (2 * rr.ttlSeconds < own.rr.ttlSeconds) {
      // Its goodbye, or a shorter life, must not be taken for ours (§6.6, T-17).
      const rrs = new Set([own]);
      this.#plan(now, { family, to: "group", asker: "", isTruncated: false, rrs });
    }
  }

  expire(now: Instant): void {
    for (;;) {
      const announcement = this.#announcing.takeDue(now);
      if (announcement === undefined) break;
      this.#sendAnnouncement(now, announcement);
    }
    for (;;) {
      const reply = this.#replies.takeDue(now);
      if (reply === undefined) return;
      this.#pending.delete(reply);
      if (reply.to === "group") this.#sendToGroup(now, reply);
      else this.#sendTo(reply, reply.to);
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#announcing.next(), this.#replies.next());
  }

  takeDatagrams(): readonly OutDatagram[] {
    if (this.#out.length === 0) return [];
    const out = this.#out;
    this.#out = [];
    return out;
  }

  /** Known answers of the packet, for what its sender asked in this one or an earlier one. */
  #takeOff(now: Instant, asker: string, message: Message): void {
    for (const reply of this.#pending) {
      if (reply.asker !== asker) continue;
      for (const own of reply.rrs) if (isKnown(message, own.rr)) reply.rrs.delete(own);
      if (reply.rrs.size === 0) this.#drop(reply);
      else if (reply.isTruncated && message.tc) {
        const { min, max } = truncatedDelay;
        this.#replies.set(reply, after(now, between(this.#random, min, max)));
      }
    }
  }

  #plan(now: Instant, reply: Reply): void {
    if (this.#families.length === 0) return;
    if (this.#pending.size >= repliesMax) {
      this.#counts.add("drops", "mdns-reply");
      return;
    }
    const { min, max } = reply.isTruncated ? truncatedDelay : politeDelay;
    this.#pending.add(reply);
    this.#replies.set(reply, after(now, between(this.#random, min, max)));
  }

  #drop(reply: Reply): void {
    this.#pending.delete(reply);
    this.#replies.clear(reply);
  }

  #cancel(): void {
    for (const reply of this.#pending) this.#drop(reply);
    while (this.#announcing.takeDue(Number.POSITIVE_INFINITY as Instant) !== undefined);
  }

  #sendToGroup(now: Instant, reply: Reply): void {
    const { family } = reply;
    const ready = [...reply.rrs].filter((own) => this.#mayMulticast(now, family, own));
    const early = [...reply.rrs].filter((own) => !ready.includes(own));
    const last = early[0]?.sentAt.get(family);
    if (last !== undefined) {
      // Who asked after it was last said is told as soon as it may be said again (§6).
      const later = { ...reply, rrs: new Set(early) };
      this.#pending.add(later);
      this.#replies.set(later, after(last, multicastSpacing));
    }
    this.#multicast(now, family, ready, announcedTtlSeconds);
  }

  #sendTo(reply: Reply, to: Endpoint): void {
    const { family, legacy } = reply;
    const rrs = [...reply.rrs].map((own) => own.rr);
    if (legacy !== undefined) {
      this.#out.push({ family, to, bytes: encodeLegacyReply(legacy, rrs, this.#payload) });
      return;
    }
    for (const bytes of encodeResponses(rrs, this.#payload)) this.#out.push({ family, to, bytes });
  }

  #announce(now: Instant, rrs: readonly OwnRR[]): void {
    if (this.#families.length === 0 || rrs.length === 0) return;
    const { min, max } = politeDelay;
    const announcement: Announcement = { rrs, left: announcements };
    this.#announcing.set(announcement, after(now, between(this.#random, min, max)));
  }

  #sendAnnouncement(now: Instant, announcement: Announcement): void {
    const rrs = announcement.rrs.filter((own) => this.#own.includes(own));
    let readyAt = now;
    for (const own of rrs) {
      for (const family of this.#families) {
        const last = own.sentAt.get(family);
        if (last === undefined) continue;
        const at = after(last, multicastSpacing);
        if (at > readyAt) readyAt = at;
      }
    }
    if (readyAt > now) {
      this.#announcing.set(announcement, readyAt);
      return;
    }
    for (const family of this.#families) this.#multicast(now, family, rrs, announcedTtlSeconds);
    announcement.left -= 1;
    if (announcement.left > 0) this.#announcing.set(announcement, after(now, multicastSpacing));
  }

  #withdraw(now: Instant, rrs: readonly OwnRR[]): void {
    for (const family of this.#families) this.#multicast(now, family, rrs, 0);
  }

  #multicast(now: Instant, family: Family, rrs: readonly OwnRR[], ttlSeconds: number): void {
    const told = rrs.map((own) => ({ ...own.rr, ttlSeconds }));
    for (const bytes of encodeResponses(told, this.#payload)) {
      this.#out.push({ family, to: "group", bytes });
    }
    for (const own of rrs) {
      own.sentAt.set(family, now);
      this.#wasSaid(family, own);
    }
  }

  /** Everybody on the link heard the record now: waiting answers need it no more (§7.4). */
  #wasSaid(family: Family, own: OwnRR): void {
    for (const reply of this.#pending) {
      if (reply.to !== "group" || reply.family !== family) continue;
      reply.rrs.delete(own);
      if (reply.rrs.size === 0) this.#drop(reply);
    }
  }

  #mayMulticast(now: Instant, family: Family, own: OwnRR): boolean {
    const last = own.sentAt.get(family);
    return last === undefined || elapsed(last, now) >= multicastSpacing;
  }

  /** §5.4: who asks for unicast gets it, unless the link should hear the record again. */
  #wasMulticastLately(now: Instant, family: Family, own: OwnRR): boolean {
    const last = own.sentAt.get(family);
    return last !== undefined && elapsed(last, now) <= seconds(own.rr.ttlSeconds) / 4;
  }
}

/** The records that lists of browse domains stand for. */
function recordsOf(announced: Announced): RR[] {
  const rrs: RR[] = [];
  for (const prefix of ["b", "db", "lb"] as const) {
    const name = nameOf([prefix, "_dns-sd", "_udp", "local"]);
    for (const target of announced[prefix]) {
      const rdata = { kind: "ptr", target } as const;
      rrs.push({ name, type: RRType.PTR, class: 1, ttlSeconds: announcedTtlSeconds, rdata });
    }
  }
  return rrs;
}

function isAnsweredBy(question: Question, rr: RR): boolean {
  const rrClass = question.class & ~topBit;
  return (
    question.name.key === rr.name.key &&
    (question.type === rr.type || question.type === RRType.ANY) &&
    (rrClass === RRClass.IN || rrClass === RRClass.ANY)
  );
}

/** §7.1: whether the asker knows the record for at least half of its life to come. */
function isKnown(message: Message, rr: RR): boolean {
  return message.answers.some(
    (known) =>
      known.type === rr.type &&
      2 * known.ttlSeconds >= rr.ttlSeconds &&
      equalRRs({ ...known, class: rr.class }, rr),
  );
}
