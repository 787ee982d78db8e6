// One device speaking one address family on a link: probes, announces, answers
// and says goodbye as RFC 6762 §6 to §10 asks of a responder. Written from the
// text and on purpose not on top of mdns/, so that each checks the other.
// Conflicts (§8.2, §9) are left out: no two devices here claim one name.

import type { Endpoint, Family } from "../address.js";
import { assert } from "../assert.js";
import { between, type Random } from "../random.js";
import { after, type Duration, earliest, type Instant, ms, seconds } from "../time.js";
import { RRClass, RRType } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import { additionalsTo, answersTo, type Owned, ownedBy, unicastBit } from "./answers.js";
import { keyOf, type OwnRR } from "./device.js";
import { encodeProbe, encodeResponses, type Reply, type ReplyTo } from "./packets.js";

/** One mDNS message as a device hears it. */
export interface Heard {
  readonly source: Endpoint;
  /** Whether it was sent to the group. */
  readonly isMulticast: boolean;
  readonly message: Message;
}

/** One mDNS packet that a device sends. */
export interface Said {
  readonly to: ReplyTo;
  readonly bytes: Uint8Array;
}

/** How a device behaves; the defaults are what the RFC asks for. */
export interface Manners {
  /** Claim names before using them (RFC 6762 §8.1). */
  readonly probes: boolean;
  /** Added to every answer: a device that is slow. */
  readonly slowness: Duration;
}

export const goodManners: Manners = { probes: true, slowness: ms(0) };

const mdnsPort = 5353;

/** RFC 6762 §8.1: three probes, 250 ms apart, the first after up to 250 ms. */
const probeCount = 3;
const probeGap = ms(250);
/** RFC 6762 §8.3: at least two announcements, one second apart. */
const announceCount = 2;
const announceGap = seconds(1);
/** RFC 6762 §6: an RR is not multicast again within a second, or 250 ms in defence of a name. */
const repeatGap = seconds(1);
const defenceGap = ms(250);

type Phase =
  /** Off the link: says nothing, answers nothing. Left by `start`. */
  | { readonly kind: "away" }
  /** Asks whether its names are free; answers nothing yet. */
  | { readonly kind: "probing"; readonly sent: number; readonly nextAt: Instant }
  /** Tells everybody what it has; answers. */
  | { readonly kind: "announcing"; readonly sent: number; readonly nextAt: Instant }
  /** Only answers. Left by `leave` and `vanish`. */
  | { readonly kind: "present" };

export class Responder {
  readonly family: Family;
  readonly #random: Random;
  readonly #manners: Manners;
  #owned: Owned;
  #phase: Phase = { kind: "away" };
  #replies: Reply[] = [];
  readonly #multicastAt = new Map<string, Instant>();
  #said: Said[] = [];

  constructor(rrs: readonly OwnRR[], family: Family, random: Random, manners = goodManners) {
    this.family = family;
    this.#owned = ownedBy(rrs);
    this.#random = random;
    this.#manners = manners;
  }

  /** Comes up on the link, or comes back. */
  start(now: Instant): void {
    this.#multicastAt.clear();
    const nextAt = after(now, this.#between(0, 250));
    const kind = this.#manners.probes ? "probing" : "announcing";
    this.#phase = { kind, sent: 0, nextAt };
  }

  /** Says goodbye to everything (RFC 6762 §10.1) and is gone. */
  leave(now: Instant): void {
    if (this.isAnswering) this.#sayGoodbye(now, this.#owned.all);
    this.vanish();
  }

  /** Is gone without a word. */
  vanish(): void {
    this.#phase = { kind: "away" };
    this.#replies = [];
  }

  /** Owns other RRs from now on and announces them (RFC 6762 §8.4). */
  replace(now: Instant, rrs: readonly OwnRR[]): void {
    const former = this.#owned;
    this.#owned = ownedBy(rrs);
    this.#replies = [];
    if (!this.isAnswering) return;
    const sets = new Set(rrs.map(({ rr }) => `${rr.name.key}\0${rr.type}`));
    // A unique set that has a successor needs no goodbye: the flush bit does it.
    const gone = former.all.filter(
      ({ key, isUnique, rr }) =>
        !this.#owned.byKey.has(key) && !(isUnique && sets.has(`${rr.name.key}\0${rr.type}`)),
    );
    this.#sayGoodbye(now, gone);
    this.#phase = { kind: "announcing", sent: 0, nextAt: now };
  }

  /** Whether it would answer a question now. */
  get isAnswering(): boolean {
    return this.#phase.kind === "announcing" || this.#phase.kind === "present";
  }

  get rrs(): readonly OwnRR[] {
    return this.#owned.all;
  }

  receive(now: Instant, heard: Heard): void {
    const { message } = heard;
    if (!this.isAnswering || message.opcode !== 0 || message.rcode !== 0) return;
    if (message.isResponse) {
      if (heard.isMulticast && heard.source.port === mdnsPort) this.#overhear(now, message);
    } else if (message.questions.length === 0) this.#hearMoreKnown(now, heard);
    else this.#hearQuestions(now, heard);
  }

  expire(now: Instant): void {
    const phase = this.#phase;
    if (phase.kind === "probing" && phase.nextAt <= now) this.#probe(now, phase.sent);
    else if (phase.kind === "announcing" && phase.nextAt <= now) this.#announce(now, phase.sent);
    const due = this.#replies.filter((reply) => reply.dueAt <= now);
    if (due.length === 0) return;
    this.#replies = this.#replies.filter((reply) => reply.dueAt > now);
    this.#sayToGroup(now, due);
    for (const reply of due) if (reply.to !== "group") this.#sayToOne(reply);
  }

  nextDeadline(): Instant | undefined {
    const phase = this.#phase;
    let next = phase.kind === "away" || phase.kind === "present" ? undefined : phase.nextAt;
    for (const reply of this.#replies) next = earliest(next, reply.dueAt);
    return next;
  }

  takeSaid(): readonly Said[] {
    const said = this.#said;
    if (said.length > 0) this.#said = [];
    return said;
  }

  // ---- What it hears

  #hearQuestions(now: Instant, heard: Heard): void {
    const { message, source } = heard;
    const toGroup = new Map<string, OwnRR>();
    const toOne = new Map<string, OwnRR>();
    const isLegacy = source.port !== mdnsPort;
    for (const question of message.questions) {
      for (const own of answersTo(this.#owned, question)) {
        const wantsUnicast = !heard.isMulticast || (question.class & unicastBit) !== 0;
        const goesToOne = isLegacy || (wantsUnicast && this.#wasToldLately(now, own));
        (goesToOne ? toOne : toGroup).set(own.key, own);
      }
    }
    const known = this.#knownAnswers(message);
    const shared = [...toGroup.values(), ...toOne.values()].some(({ isUnique }) => !isUnique);
    // RFC 6762 §8.1: who probes must not wait for an answer.
    const isDefence = message.authorities.length > 0;
    const delay = isDefence ? ms(0) : this.#delay(shared, message.tc);
    const reply = {
      asker: source,
      dueAt: after(now, delay),
      known,
      awaitsMore: message.tc,
      isDefence,
    };
    if (toGroup.size > 0) this.#replies.push({ ...reply, to: "group", answers: toGroup });
    if (toOne.size === 0) return;
    const legacy = { id: message.id, questions: message.questions };
    const sent: Reply = { ...reply, to: source, answers: toOne };
    this.#replies.push(isLegacy ? { ...sent, legacy } : sent);
  }

  /** Known answers that did not fit into the packet with the question (RFC 6762 §7.2). */
  #hearMoreKnown(now: Instant, { source, message }: Heard): void {
    const known = this.#knownAnswers(message);
    for (const reply of this.#replies) {
      if (!reply.awaitsMore || !isSameEndpoint(reply.asker, source)) continue;
      for (const key of known) reply.known.add(key);
      reply.awaitsMore = message.tc;
      if (message.tc) reply.dueAt = after(now, this.#delay(true, true));
    }
  }

  /** What others tell that is ours as well (RFC 6762 §6.6, §7.4, §10.1). */
  #overhear(now: Instant, message: Message): void {
    for (const told of [...message.answers, ...message.additionals]) {
      const own = this.#owned.byKey.get(keyOf(told));
      if (own === undefined) continue;
      if (told.ttlSeconds * 2 < own.rr.ttlSeconds) this.#rescue(now, own);
      else if (told.ttlSeconds >= own.rr.ttlSeconds) {
        for (const reply of this.#replies) {
          if (reply.to === "group") reply.answers.delete(own.key);
        }
      }
    }
  }

  /** Tells an RR that another device has taken back or shortened, while we still have it. */
  #rescue(now: Instant, own: OwnRR): void {
    this.#replies.push({
      to: "group",
      asker: undefined,
      dueAt: after(now, this.#between(20, 120)),
      answers: new Map([[own.key, own]]),
      known: new Set(),
      awaitsMore: false,
      isDefence: false,
    });
  }

  /** RFC 6762 §7.1: known to the asker, with at least half of its life left. */
  #knownAnswers(message: Message): Set<string> {
    const known = new Set<string>();
    for (const rr of message.answers) {
      const own = this.#owned.byKey.get(keyOf(rr));
      if (own !== undefined && rr.ttlSeconds * 2 >= own.rr.ttlSeconds) known.add(own.key);
    }
    return known;
  }

  /** RFC 6762 §5.4: within the last quarter of its TTL by multicast, so that caches are fresh. */
  #wasToldLately(now: Instant, own: OwnRR): boolean {
    const at = this.#multicastAt.get(own.key);
    return at !== undefined && now - at < seconds(own.rr.ttlSeconds / 4);
  }

  #delay(shared: boolean, isTruncated: boolean): Duration {
    const { slowness } = this.#manners;
    if (isTruncated) return ms(this.#between(400, 500) + slowness);
    return ms((shared ? this.#between(20, 120) : this.#between(0, 10)) + slowness);
  }

  #between(low: number, high: number): Duration {
    return between(this.#random, ms(low), ms(high));
  }

  // ---- What it says

  #probe(now: Instant, sent: number): void {
    if (sent === probeCount) {
      this.#announce(now, 0);
      return;
    }
    const claimed = this.#owned.all.filter((own) => own.isUnique && !own.isDenial);
    const names = new Map(claimed.map(({ rr }) => [rr.name.key, rr.name]));
    const questions: Question[] = [...names.values()].map((name) => ({
      name,
      type: RRType.ANY,
      class: RRClass.IN | unicastBit,
    }));
    for (const bytes of encodeProbe(this.family, questions, claimed)) {
      this.#said.push({ to: "group", bytes });
    }
    this.#phase = { kind: "probing", sent: sent + 1, nextAt: after(now, probeGap) };
  }

  #announce(now: Instant, sent: number): void {
    const answers = this.#owned.all.filter((own) => !own.isDenial);
    const denials = this.#owned.all.filter((own) => own.isDenial);
    this.#multicast(now, answers, denials);
    this.#phase =
      sent + 1 < announceCount
        ? { kind: "announcing", sent: sent + 1, nextAt: after(now, announceGap) }
        : { kind: "present" };
  }

  #sayGoodbye(now: Instant, gone: readonly OwnRR[]): void {
    const goodbyes = gone
      .filter((own) => !own.isDenial)
      .map((own): OwnRR => ({ ...own, rr: { ...own.rr, ttlSeconds: 0 } }));
    this.#multicast(now, goodbyes, []);
  }

  /** All that is due for the group goes out together (RFC 6762 §6.4). */
  #sayToGroup(now: Instant, due: readonly Reply[]): void {
    const answers = new Map<string, OwnRR>();
    const known = new Set<string>();
    for (const reply of due) {
      if (reply.to !== "group") continue;
      const late = new Map<string, OwnRR>();
      for (const [key, own] of reply.answers) {
        if (reply.known.has(key)) continue;
        if (this.#isTooSoon(now, key, reply.isDefence)) late.set(key, own);
        else answers.set(key, own);
      }
      for (const key of reply.known) known.add(key);
      if (late.size > 0) this.#postpone(reply, late);
    }
    const additionals = additionalsTo(this.#owned, [...answers.values()]).filter(
      ({ key }) => !known.has(key) && !this.#isTooSoon(now, key, false),
    );
    this.#multicast(now, [...answers.values()], additionals);
  }

  #isTooSoon(now: Instant, key: string, isDefence: boolean): boolean {
    const at = this.#multicastAt.get(key);
    return at !== undefined && now - at < (isDefence ? defenceGap : repeatGap);
  }

  /** Whoever asked may have missed the last one: it is told again as soon as it may be. */
  #postpone(reply: Reply, late: Map<string, OwnRR>): void {
    const gap = reply.isDefence ? defenceGap : repeatGap;
    let dueAt = reply.dueAt;
    for (const key of late.keys()) {
      const at = this.#multicastAt.get(key);
      assert(at !== undefined, "what is late was told before");
      dueAt = Math.max(dueAt, after(at, gap)) as Instant;
    }
    this.#replies.push({ ...reply, dueAt, answers: late });
  }

  #sayToOne(reply: Reply): void {
    const answers = [...reply.answers.values()].filter(({ key }) => !reply.known.has(key));
    const additionals = additionalsTo(this.#owned, answers).filter(
      ({ key }) => !reply.known.has(key),
    );
    for (const bytes of encodeResponses(this.family, answers, additionals, reply.legacy)) {
      this.#said.push({ to: reply.to, bytes });
    }
  }

  #multicast(now: Instant, answers: readonly OwnRR[], additionals: readonly OwnRR[]): void {
    if (answers.length === 0) return;
    for (const own of [...answers, ...additionals]) this.#multicastAt.set(own.key, now);
    for (const bytes of encodeResponses(this.family, answers, additionals, undefined)) {
      this.#said.push({ to: "group", bytes });
    }
  }
}

function isSameEndpoint(a: Endpoint | undefined, b: Endpoint): boolean {
  if (a === undefined || a.port !== b.port) return false;
  return a.address.bytes.every((byte, at) => byte === b.address.bytes[at]);
}
