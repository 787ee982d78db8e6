// Ordinary answers on the way to a server, kept for as long as their TTLs say
// (PUSH-04). While one search runs nothing is forgotten, so that a TTL of zero
// cannot make it begin again and again.

import { after, type Duration, type Instant, seconds } from "../time.js";
import { RRClass } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { answersIn, soaIn, trueUntil } from "./answer.js";
import { answersMax } from "./limits.js";

/** A question that nobody answered is put again after this. */
const failureSpan: Duration = seconds(30);

export interface Found {
  /** The records of the type that was asked for. */
  readonly rrs: readonly RR[];
  /** Of the zone that the name is in. */
  readonly soa?: RR;
  readonly additionals: readonly RR[];
  /** Who answered, if that was the zone's own server. */
  readonly authority?: string;
  /** Why there was no answer at all. */
  readonly failure?: string;
}

interface Kept {
  readonly found: Found;
  readonly until: Instant;
}

const keyOf = (name: Name, type: number): string => `${type} ${name.key}`;

export class Lookup {
  readonly #kept = new Map<string, Kept>();

  /** A search begins: what is not true any more is forgotten. */
  begin(now: Instant): void {
    for (const [key, { until }] of this.#kept) if (until <= now) this.#kept.delete(key);
  }

  find(name: Name, type: number): Found | undefined {
    return this.#kept.get(keyOf(name, type))?.found;
  }

  /** @param from  the address of whoever answered */
  answered(now: Instant, name: Name, type: number, message: Message, from: string): void {
    const question: Question = { name, type, class: RRClass.IN };
    const soa = soaIn(message, name);
    const found = {
      rrs: answersIn(message, question),
      additionals: message.additionals.slice(0, answersMax),
      ...(soa === undefined ? {} : { soa }),
      ...(message.aa ? { authority: from } : {}),
    };
    this.#keep(keyOf(name, type), { found, until: trueUntil(now, message, question) });
  }

  failed(now: Instant, name: Name, type: number, failure: string): void {
    const found = { rrs: [], additionals: [], failure };
    this.#keep(keyOf(name, type), { found, until: after(now, failureSpan) });
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    if (this.#kept.size <= answersMax) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
