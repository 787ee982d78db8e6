// Passive observation of failures (RFC 6762 §10.5; 2.8 of the plan): two
// queries of other hosts that a record should have answered, and no answer for
// ten seconds, mean that its device is gone. Nothing is sent for this. Queries
// that do not want the record, or want it by unicast, say nothing (T-26).

import type { Family } from "../address.js";
import { formatAddress } from "../address.js";
import { Deadlines } from "../deadlines.js";
import { after, earliest, elapsed, type Instant } from "../time.js";
import { RRClass, RRType } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { MdnsDatagram } from "./accept.js";
import type { Cache } from "./cache.js";
import { type CachedRR, identityOf } from "./record.js";
import {
  collectedAnswersMax,
  collectionsMax,
  collectSpan,
  failureWait,
  mdnsPort,
  multicastSpacing,
  twinSpan,
  unansweredQueries,
} from "./timing.js";

/** A truncated query whose known answers are still arriving. */
interface Collection {
  readonly family: Family;
  readonly questions: Question[];
  readonly knownAnswers: RR[];
}

interface Suspicion {
  count: number;
  lastAt: Instant;
  lastFamily: Family;
}

export class PassiveFailures {
  readonly #cache: Cache;
  /** Truncated queries by sender, and when each is judged. */
  readonly #collections = new Map<string, Collection>();
  readonly #complete = new Deadlines<string>();
  readonly #suspicions = new Map<CachedRR, Suspicion>();
  readonly #failing = new Deadlines<CachedRR>();

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** A query that is not ours. */
  query(now: Instant, datagram: MdnsDatagram, message: Message): void {
    // A query from another port, like a QU question, is answered by unicast: not seen here.
    if (!datagram.isMulticast || datagram.source.port !== mdnsPort) return;
    const { family, source } = datagram;
    const questions = message.questions.filter(isObservable);
    const sender = `${family} ${formatAddress(source.address)}`;
    const running = this.#collections.get(sender);
    if (running === undefined && !message.tc) {
      if (questions.length > 0) this.#judge(now, family, questions, message.answers);
      return;
    }
    if (running === undefined) {
      // One that cannot be kept is not counted: too few suspicions do no harm.
      if (questions.length === 0 || this.#collections.size >= collectionsMax) return;
      this.#collections.set(sender, { family, questions, knownAnswers: [...message.answers] });
    } else {
      running.questions.push(...questions);
      running.knownAnswers.push(...message.answers);
      if (running.knownAnswers.length + running.questions.length > collectedAnswersMax) {
        this.#collections.delete(sender);
        this.#complete.clear(sender);
        return;
      }
    }
    this.#complete.set(sender, after(now, collectSpan));
    if (!message.tc) this.#finish(now, sender);
  }

  /** The record was heard again, or is gone. */
  clear(record: CachedRR): void {
    if (this.#suspicions.delete(record)) this.#failing.clear(record);
  }

  /** Forgets all. */
  reset(): void {
    for (const sender of this.#collections.keys()) this.#complete.clear(sender);
    this.#collections.clear();
    for (const record of this.#suspicions.keys()) this.#failing.clear(record);
    this.#suspicions.clear();
  }

  /** Judges the queries that are complete; returns the records that have failed. */
  expire(now: Instant): readonly CachedRR[] {
    for (;;) {
      const sender = this.#complete.takeDue(now);
      if (sender === undefined) break;
      this.#finish(now, sender);
    }
    const failed: CachedRR[] = [];
    for (;;) {
      const record = this.#failing.takeDue(now);
      if (record === undefined) return failed;
      this.#suspicions.delete(record);
      failed.push(record);
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#complete.next(), this.#failing.next());
  }

  #finish(now: Instant, sender: string): void {
    const collection = this.#collections.get(sender);
    this.#collections.delete(sender);
    this.#complete.clear(sender);
    if (collection === undefined) return;
    this.#judge(now, collection.family, collection.questions, collection.knownAnswers);
  }

  #judge(
    now: Instant,
    family: Family,
    questions: readonly Question[],
    knownAnswers: readonly RR[],
  ): void {
    const known = new Set(knownAnswers.map((rr) => recordKey(rr.name, rr.type, rr.rdata)));
    // By name first: a packet of a thousand questions for one name looks at its records once.
    const asked = new Map<string, { readonly name: Name; readonly types: Set<number> }>();
    for (const { name, type } of questions) {
      const of = asked.get(name.key);
      if (of === undefined) asked.set(name.key, { name, types: new Set([type]) });
      else of.types.add(type);
    }
    for (const { name, types } of asked.values()) {
      const isAny = types.has(RRType.ANY);
      const only = types.size === 1 ? questionType(types) : RRType.ANY;
      for (const record of this.#cache.live(now, name, only)) {
        if (!isAny && !types.has(record.type)) continue;
        const isKnown = known.size > 0 && known.has(cachedKey(record));
        if (!isKnown) this.#suspect(now, family, record);
      }
    }
  }

  #suspect(now: Instant, family: Family, record: CachedRR): void {
    // Its device may not repeat it so soon (§6), so silence says nothing.
    if (elapsed(record.receivedAt, now) < multicastSpacing) return;
    const suspicion = this.#suspicions.get(record);
    if (suspicion === undefined) {
      this.#suspicions.set(record, { count: 1, lastAt: now, lastFamily: family });
      return;
    }
    const isTwin = suspicion.lastFamily !== family && elapsed(suspicion.lastAt, now) < twinSpan;
    if (isTwin) return;
    suspicion.count += 1;
    suspicion.lastAt = now;
    suspicion.lastFamily = family;
    if (suspicion.count === unansweredQueries) this.#failing.set(record, after(now, failureWait));
  }
}

function isObservable(question: Question): boolean {
  // With the top bit it is QU, and answered by unicast.
  return question.class === RRClass.IN || question.class === RRClass.ANY;
}

function questionType(types: ReadonlySet<number>): number {
  for (const type of types) return type;
  return RRType.ANY;
}

const recordKey = (name: Name, type: number, rdata: RR["rdata"]): string =>
  `${type} ${name.key} ${identityOf(type, rdata)}`;

const cachedKey = (record: CachedRR): string =>
  `${record.type} ${record.owner.name.key} ${record.identity}`;
