// What the engine sends on a link (RFC 6762 §5, §7, §17, §18; RFC 8766 §1, §9.3):
// only questions that somebody waits for, never faster than the rate, each
// question at gaps that do not shrink, known answers that are true.

import type { Endpoint, Family } from "../../../src/address.js";
import type { Instant } from "../../../src/time.js";
import { RRType, typeName } from "../../../src/wire/codes.js";
import { decodeMessage, type Message, type Question } from "../../../src/wire/message.js";
import { displayName, type Name } from "../../../src/wire/name.js";
import type { RR } from "../../../src/wire/rr.js";
import { formatRR } from "../../../src/wire/text.js";
import type { Exchanges } from "../exchanges.js";
import type { Ledger } from "../ledger.js";
import { demand } from "../violation.js";

export interface AskingRules {
  readonly link: string;
  readonly rate: number;
  /** Something is asked for without a client. */
  readonly isWarm: boolean;
  readonly mtu: number;
}

interface Series {
  readonly number: number;
  sentAt: Instant;
  /** Gaps seen so far, and the last of them. */
  gaps: number;
  gap: number;
}

const ipOverhead: Readonly<Record<Family, number>> = { ipv4: 28, ipv6: 48 };

const hourCap = 3_600_000;

/** The packets of one link. */
export class AskingChecker {
  readonly #rules: AskingRules;
  readonly #ledger: Ledger;
  readonly #exchanges: Exchanges;
  readonly #sentAt: Instant[] = [];
  readonly #series = new Map<string, Series>();
  #lastFullAt: Instant | undefined;
  /** A truncated packet was the last one of this family: its rest follows at once. */
  readonly #unfinished = new Map<Family, Instant>();
  packets = 0;

  constructor(rules: AskingRules, ledger: Ledger, exchanges: Exchanges) {
    this.#rules = rules;
    this.#ledger = ledger;
    this.#exchanges = exchanges;
  }

  /** When the rate was used up last: what waited then may have to be given up. */
  get lastFullAt(): Instant | undefined {
    return this.#lastFullAt;
  }

  /** The link came up: what is active is asked anew from the start (RFC 6762 §10.3). */
  restart(): void {
    this.#series.clear();
  }

  /** The link is used no more; when it is again, that is another link. */
  forget(): void {
    this.#sentAt.length = 0;
    this.#series.clear();
  }

  sent(now: Instant, family: Family, to: "group" | Endpoint, bytes: Uint8Array): void {
    const { link, mtu } = this.#rules;
    const message = decodeMessage(bytes);
    demand(bytes.length + ipOverhead[family] <= mtu, () => `${bytes.length} bytes exceed the MTU`);
    demand(to === "group", () => `a packet to one host on ${link}`);
    this.#checkHeader(message);
    this.packets += 1;
    this.#checkRate(now);
    this.#checkTruncation(now, family, message);
    for (const question of message.questions) this.#checkQuestion(now, family, question);
    for (const rr of message.answers) this.#checkKnown(now, rr);
  }

  #checkHeader(message: Message): void {
    const { link } = this.#rules;
    const { id, opcode, aa, rd, ra, z, ad, cd, rcode } = message;
    demand(!message.isResponse, () => `a response on ${link}, where nothing is announced`);
    demand(id === 0 && opcode === 0 && rcode === 0, () => `ID, opcode or rcode set on ${link}`);
    demand(!(aa || rd || ra || z || ad || cd), () => `flags set in a query on ${link}`);
    const rest = message.authorities.length + message.additionals.length;
    demand(rest === 0 && message.edns === undefined, () => `a query with more than known answers`);
  }

  #checkRate(now: Instant): void {
    const { rate, link } = this.#rules;
    const sent = this.#sentAt;
    sent.push(now);
    if (sent.length > rate + 1) sent.shift();
    const first = sent[sent.length - 1 - rate];
    demand(
      first === undefined || now - first >= 1000,
      () => `more than ${rate} packets in a second on ${link}`,
    );
    const last = sent[sent.length - rate];
    if (last !== undefined && now - last < 1000) this.#lastFullAt = now;
  }

  #checkTruncation(now: Instant, family: Family, message: Message): void {
    const isRest = message.questions.length === 0;
    const began = this.#unfinished.get(family);
    demand(!isRest || began !== undefined, () => "known answers without a question before them");
    if (message.tc) this.#unfinished.set(family, now);
    else this.#unfinished.delete(family);
  }

  #checkQuestion(now: Instant, family: Family, question: Question): void {
    const { link, isWarm } = this.#rules;
    const { name, type } = question;
    const shown = () => `${displayName(name)} ${typeName(type)} on ${link}`;
    demand((question.class & 0x7fff) === 1, () => `class ${question.class} in ${shown()}`);
    if (question.class !== 1) this.#ledger.askedForUnicast(now);
    const asked = { link, name, type };
    const series = this.#exchanges.seriesOf(asked);
    const isDoubted = this.#exchanges.isDoubted(now, asked);
    if (series === undefined) {
      const isWanted = isWarm || isDoubted || this.#isTargetOfAlias(name);
      demand(isWanted, () => `asked for ${shown()}, which nobody waits for`);
      return;
    }
    // What is held is asked for whenever a record of it grows old.
    if (isDoubted || this.#exchanges.wasHeld(asked)) return;
    // Where an alias comes and goes, its target is asked for in between, and the series ends.
    if (isWarm || this.#ledger.findSince(0 as Instant, name, RRType.CNAME).length > 0) return;
    this.#checkGap(now, `${family}\0${type}\0${name.key}`, series, shown);
  }

  /** RFC 6762 §5.2: one second, and then each gap at least twice the one before, up to an hour. */
  #checkGap(now: Instant, key: string, number: number, shown: () => string): void {
    const known = this.#series.get(key);
    if (known === undefined || known.number !== number) {
      this.#series.set(key, { number, sentAt: now, gaps: 0, gap: 0 });
      return;
    }
    const gap = now - known.sentAt;
    const least = Math.min(1000 * 2 ** known.gaps, hourCap);
    demand(gap >= least, () => `asked again after ${gap} ms, not ${least}: ${shown()}`);
    known.sentAt = now;
    known.gap = gap;
    known.gaps += 1;
  }

  /** DP-44: somebody waits for a name that is an alias of this one. */
  #isTargetOfAlias(name: Name): boolean {
    for (const { onLink, since } of [...this.#exchanges.owed(), ...this.#exchanges.holds()]) {
      if (onLink?.link !== this.#rules.link) continue;
      const seen = new Set<string>();
      for (let at: Name | undefined = onLink.name; at !== undefined && !seen.has(at.key); ) {
        seen.add(at.key);
        const alias: RR | undefined = this.#ledger.findSince(since, at, RRType.CNAME)[0]?.rr;
        at = alias?.rdata.kind === "cname" ? alias.rdata.target : undefined;
        if (at?.key === name.key) return true;
      }
    }
    return false;
  }

  /** RFC 6762 §7.1: shared, alive, with at least half of its life left, and no flush bit. */
  #checkKnown(now: Instant, rr: RR): void {
    const told = this.#ledger.findRR(now, rr);
    const shown = () => `known answer ${formatRR(rr)}`;
    demand(rr.class === 1, () => `class ${rr.class}: ${shown()}`);
    demand(told !== undefined, () => `not on the link any more: ${shown()}`);
    demand(!told.isUnique, () => `of a unique set: ${shown()}`);
    const left = told.expiresAt - now;
    demand(rr.ttlSeconds * 1000 <= left + 1000, () => `${left} ms left: ${shown()}`);
    demand(2 * left >= told.rr.ttlSeconds * 1000, () => `past half its life: ${shown()}`);
  }
}
