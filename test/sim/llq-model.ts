// What a server has said to one client about one LLQ, and whether it may have
// said that (RFC 8764 §6, §7): what the client holds for sure, the one event that
// waits for its acknowledgement, the lease. Hears what leaves the engine and what
// arrives there, not what is lost on the way.

import { after, elapsed, type Instant, ms } from "../../src/time.js";
import type { Question } from "../../src/wire/message.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR } from "../../src/wire/text.js";
import { Copy } from "./copy.js";
import type { Exchanges, Hold } from "./exchanges.js";
import { goneTtl, type HeardLlq, noId } from "./llq-bytes.js";
import { demand } from "./violation.js";

/** RFC 8764 §6: waits after the first, second and third sending. */
const waits = [2000, 4000, 8000] as const;

interface Outstanding {
  readonly messageId: number;
  readonly bytes: Buffer;
  readonly heard: HeardLlq;
  sentAt: Instant;
  sent: number;
}

export interface LlqSetting {
  readonly question: Question;
  /** Over UDP events are acknowledged. */
  readonly isAcknowledged: boolean;
  /** By how much the engine's timer may be late. */
  readonly lag: number;
}

export type LlqState = "new" | "waiting" | "live" | "ended";

export class LlqModel {
  readonly question: Question;
  /** Over UDP events are acknowledged. */
  readonly isAcknowledged: boolean;
  /** By how much the engine's timer may be late. */
  readonly lag: number;
  state: LlqState = "new";
  id = noId;
  /** Since when the link is asked, and the first answer owed. */
  since: Instant;
  leaseEndsAt: Instant;
  readonly held = new Copy();
  outstanding: Outstanding | undefined;
  isBlocked = false;
  /** A new configuration does not grant it: within this step the server has its last word. */
  isEnding = false;
  /** It may be over, or not: nothing is said of it until the server says something. */
  isDoubtful = false;
  events = 0;
  readonly #exchanges: Exchanges;
  #hold: Hold | undefined;
  /** A reply was repeated that had no room for all: some is told once more. */
  #mayRepeat = false;

  constructor(exchanges: Exchanges, now: Instant, setting: LlqSetting) {
    const { question, isAcknowledged, lag } = setting;
    this.#exchanges = exchanges;
    this.since = now;
    this.leaseEndsAt = now;
    this.question = question;
    this.isAcknowledged = isAcknowledged;
    this.lag = lag;
  }

  /** The engine reads a request that begins it. */
  begin(now: Instant): void {
    if (this.state === "waiting" || this.state === "live") return;
    this.state = "waiting";
    this.since = now;
    this.#hold = this.#exchanges.hold(now, this.question);
  }

  /** The first answers, or a copy of them. */
  answers(heard: HeardLlq, leaseEndsAt: Instant): void {
    const { fields, message } = heard;
    if (this.isEnding) return;
    this.id = fields.id;
    if (this.state === "live") {
      this.#mayRepeat = message.answers.length < this.held.size;
      for (const rr of message.answers) {
        demand(this.held.find(rr) !== undefined, () => `repeated, not told: ${formatRR(rr)}`);
      }
      return;
    }
    this.state = "live";
    this.leaseEndsAt = leaseEndsAt;
    this.held.clear();
    this.outstanding = undefined;
    for (const rr of message.answers) {
      demand(this.held.find(rr) === undefined, () => `twice in an answer: ${formatRR(rr)}`);
      this.held.add(rr);
    }
  }

  event(now: Instant, bytes: Uint8Array, heard: HeardLlq): void {
    const { message, fields } = heard;
    demand(this.state === "live", () => `an event of an LLQ that is ${this.state}`);
    demand(fields.id === this.id, () => "an event with another LLQ-ID");
    demand(now < this.leaseEndsAt, () => "an event after the lease");
    demand(fields.error === 0 && fields.leaseSeconds === 0, () => "fields of an event");
    demand(!this.isBlocked, () => "an event to a client that does not read");
    this.isDoubtful = false;
    const { outstanding } = this;
    if (outstanding !== undefined) {
      this.#resent(now, outstanding, bytes);
      return;
    }
    this.events += 1;
    this.#checkNews(message.answers);
    if (!this.isAcknowledged) {
      apply(this.held, message.answers);
      return;
    }
    const { id: messageId } = message;
    this.outstanding = { messageId, bytes: Buffer.from(bytes), heard, sentAt: now, sent: 1 };
  }

  /** The engine reads an acknowledgement from the right place. @returns whether it counts */
  acknowledged(now: Instant, messageId: number, id: string): boolean {
    this.expire(now);
    const { outstanding } = this;
    // In the moments in which the engine's timer decides, it may be over already.
    this.isDoubtful ||= outstanding !== undefined && !this.isSurelyLive(now);
    if (id !== this.id || outstanding?.messageId !== messageId) return false;
    apply(this.held, outstanding.heard.message.answers);
    this.outstanding = undefined;
    return true;
  }

  refreshed(now: Instant, leaseSeconds: number): void {
    if (leaseSeconds === 0) this.end();
    else this.leaseEndsAt = after(now, ms(leaseSeconds * 1000));
  }

  /** It was not set up, and may be yet. */
  refuse(): void {
    this.end();
    this.state = "new";
  }

  end(): void {
    this.state = "ended";
    this.isEnding = false;
    this.isDoubtful = false;
    this.#exchanges.unhold(this.#hold);
    this.#hold = undefined;
    this.outstanding = undefined;
    this.held.clear();
  }

  /** Ends what has to be over by now without a word: its lease, or a silent client's (LLQ-19). */
  expire(now: Instant): void {
    if (this.state !== "live" && this.state !== "waiting") return;
    const { outstanding } = this;
    const last = outstanding?.sent === waits.length ? outstanding.sentAt : undefined;
    const isGivenUp = last !== undefined && elapsed(last, now) > waits[2] + this.lag;
    const isExpired = this.state === "live" && elapsed(this.leaseEndsAt, now) > this.lag;
    if (isGivenUp || isExpired) {
      this.end();
      return;
    }
    const isLate =
      outstanding !== undefined &&
      last === undefined &&
      elapsed(outstanding.sentAt, now) > waits[outstanding.sent - 1]! + this.lag;
    demand(!isLate, () => "an event is not sent again");
  }

  /** False in the moments in which the engine's timer decides. */
  isSurelyLive(now: Instant): boolean {
    const { outstanding } = this;
    if (this.isDoubtful) return false;
    if (this.state !== "live" || this.leaseEndsAt <= now) return false;
    const isLast = outstanding?.sent === waits.length;
    return !isLast || elapsed(outstanding.sentAt, now) < waits[2];
  }

  #resent(now: Instant, outstanding: Outstanding, bytes: Uint8Array): void {
    const isSame = outstanding.bytes.equals(bytes);
    demand(isSame, () => "another event, or another copy, before the acknowledgement");
    const wait = waits[outstanding.sent - 1]!;
    const waited = elapsed(outstanding.sentAt, now);
    const isOnTime = waited >= wait && waited <= wait + this.lag;
    demand(isOnTime, () => `sent again after ${waited} ms, not ${wait}`);
    demand(outstanding.sent < waits.length, () => "an event is sent a fourth time");
    outstanding.sent += 1;
    outstanding.sentAt = now;
  }

  #checkNews(rrs: readonly RR[]): void {
    demand(rrs.length > 0, () => "an empty event");
    for (const rr of rrs) {
      const isHeld = this.held.find(rr) !== undefined;
      if (rr.ttlSeconds === goneTtl) {
        demand(isHeld, () => `a removal of what was not told: ${formatRR(rr)}`);
      } else demand(!isHeld || this.#mayRepeat, () => `told twice: ${formatRR(rr)}`);
    }
    this.#mayRepeat = false;
  }
}

export function apply(copy: Copy, rrs: readonly RR[]): void {
  for (const rr of rrs) {
    if (rr.ttlSeconds === goneTtl) copy.remove(rr);
    else copy.add(rr);
  }
}
