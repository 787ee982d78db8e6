// What a reply may hold (RFC 8766 §5.5, §5.6, §6; RFC 2181 §5.2; RFC 2308 §3):
// records of the question's own link and no other, alive, under the right zone,
// living at most as long as ordinary answers may; never NXDOMAIN in a zone.

import type { Instant } from "../../../src/time.js";
import { Rcode, RRType, rcodeName } from "../../../src/wire/codes.js";
import { decodeMessage, type Message } from "../../../src/wire/message.js";
import { displayName, isWithin, type Name } from "../../../src/wire/name.js";
import { type RR, rdataKey, rdataNames } from "../../../src/wire/rr.js";
import { formatRR } from "../../../src/wire/text.js";
import { isLinkLocal } from "../device.js";
import type { Ask } from "../exchanges.js";
import type { Ledger } from "../ledger.js";
import { demand } from "../violation.js";
import { local, type PlannedZone, type ZoneMap } from "../zones.js";

export interface AnswerRules {
  readonly ttlSecondsMax: number;
  readonly suppress: boolean;
  /** A full cache forgets: nothing can be said of what an answer leaves out. */
  readonly isFlooded: boolean;
  /** MNAME and NS target. */
  readonly hostname: Name;
}

export class AnswerChecker {
  readonly #zones: ZoneMap;
  readonly #ledgers: ReadonlyMap<string, Ledger>;
  readonly #rules: AnswerRules;

  constructor(zones: ZoneMap, ledgers: ReadonlyMap<string, Ledger>, rules: AnswerRules) {
    this.#zones = zones;
    this.#ledgers = ledgers;
    this.#rules = rules;
  }

  /** @param isExcused  whether there was a reason to give up, such as a link that went down */
  check(now: Instant, ask: Ask, bytes: Uint8Array, isExcused: () => boolean): void {
    const message = decodeMessage(bytes);
    checkHeader(ask, message, bytes.length);
    const { zone } = ask;
    if (zone === undefined) {
      const isSpecial = isWithin(ask.question.name, local);
      const want = isSpecial ? Rcode.NXDOMAIN : Rcode.REFUSED;
      demand(message.rcode === want, () => `${rcodeName(message.rcode)} outside the zones`);
      return;
    }
    if (message.rcode === Rcode.REFUSED) {
      const isGone = this.#zones.find(ask.question.name) === undefined;
      demand(isGone, () => "REFUSED in a zone");
      return;
    }
    if (message.rcode === Rcode.SERVFAIL) {
      demand(isExcused(), () => "SERVFAIL without a reason");
      return;
    }
    demand(message.rcode === Rcode.NOERROR, () => `${rcodeName(message.rcode)} in a zone`);
    const all = [...message.answers, ...message.authorities, ...message.additionals];
    const end = this.#endOf(message) ?? zone;
    for (const rr of all) this.#checkRR(now, ask, zone, rr, end);
    checkSets(all);
    for (const rr of message.answers) this.#checkPlace(now, ask, zone, rr);
    if (message.answers.length === 0 && !message.tc) this.#checkNegative(message, zone);
    if (!message.tc && !this.#rules.isFlooded) this.#checkWhole(now, ask, zone, message);
    if (ask.question.class === 1 && message.answers.length > 0) checkRelevance(ask, message);
  }

  /** The zone of the name that the last alias leads to. */
  #endOf({ answers }: Message): PlannedZone | undefined {
    const last = answers.at(-1)?.rdata;
    return last?.kind === "cname" ? this.#zones.find(last.target) : undefined;
  }

  #checkRR(now: Instant, ask: Ask, zone: PlannedZone, rr: RR, end: PlannedZone): void {
    const shown = () => formatRR(rr);
    demand(rr.class === 1, () => `class ${rr.class}: ${shown()}`);
    demand(rr.ttlSeconds <= this.#rules.ttlSecondsMax, () => `TTL too long: ${shown()}`);
    for (const name of [rr.name, ...rdataNames(rr.type, rr.rdata)]) {
      demand(!isWithin(name, local), () => `.local has leaked: ${shown()}`);
    }
    if (this.#isAdministrative(ask, zone, rr, end)) return;
    demand(!(this.#rules.suppress && isLinkLocal(rr)), () => `link-local: ${shown()}`);
    const heard = this.#zones.rrToLink(rr);
    demand(heard !== undefined, () => `owner in no zone: ${shown()}`);
    demand(heard.zone.link === zone.link, () => `from another link: ${shown()}`);
    if (rr.type === RRType.NSEC) return;
    const told = this.#ledgers.get(zone.link)?.findRR(now, heard.rr);
    demand(told !== undefined, () => `the link does not say so (any more): ${shown()}`);
    const left = told.expiresAt - now;
    demand(rr.ttlSeconds * 1000 <= left, () => `${left} ms left: ${shown()}`);
  }

  /** SOA, NS and enumeration answers come from the configuration. */
  #isAdministrative(ask: Ask, zone: PlannedZone, rr: RR, end: PlannedZone): boolean {
    const { rdata } = rr;
    if (rdata.kind === "soa") {
      demand(rr.name.key === end.apex.key, () => `SOA of another zone: ${formatRR(rr)}`);
      demand(rdata.mname.key === this.#rules.hostname.key, () => `MNAME: ${formatRR(rr)}`);
      return true;
    }
    if (rdata.kind === "ns") {
      demand(rr.name.key === zone.apex.key, () => `NS below the apex: ${formatRR(rr)}`);
      return true;
    }
    return ask.onLink === undefined && rdata.kind === "ptr";
  }

  /** Owner and rdata names are under the zones that DP-7, DP-13 and DP-37 to DP-39 say. */
  #checkPlace(now: Instant, ask: Ask, zone: PlannedZone, rr: RR): void {
    const { onLink, question } = ask;
    if (onLink === undefined || rr.type === RRType.NSEC) return;
    const heard = this.#zones.rrToLink(rr);
    const told = heard && this.#ledgers.get(zone.link)?.findRR(now, heard.rr);
    const want = told && this.#zones.rrFromLink(zone, told.rr, question.type);
    demand(want !== undefined, () => `does not belong to this zone: ${formatRR(rr)}`);
    const same = rdataKey(want.type, want.rdata) === rdataKey(rr.type, rr.rdata);
    const isInChain = rr.name.key !== question.name.key;
    demand(same || isInChain, () => `${formatRR(rr)}, expected ${formatRR(want)}`);
  }

  /** A unique set is known as a whole, whether or not anybody asked for it. */
  #checkWhole(now: Instant, ask: Ask, zone: PlannedZone, message: Message): void {
    const { onLink, question } = ask;
    const ledger = this.#ledgers.get(zone.link);
    if (onLink === undefined || ledger === undefined || question.type !== onLink.type) return;
    const given = new Set(message.answers.map((rr) => rdataKey(rr.type, rr.rdata)));
    for (const told of ledger.find(now, onLink.name, onLink.type)) {
      const isSure = told.isUnique && !ledger.isDoubtful(now, told) && !isLinkLocal(told.rr);
      if (!isSure || this.#mayBeWithheld(now, ledger, told.rr)) continue;
      const shown = this.#zones.rrFromLink(zone, told.rr, question.type);
      const isGiven = shown === undefined || given.has(rdataKey(shown.type, shown.rdata));
      demand(isGiven, () => `left out: ${formatRR(told.rr)}`);
    }
  }

  /** DP-55: an SRV without a usable address; how many are usable is not counted here. */
  #mayBeWithheld(now: Instant, ledger: Ledger, rr: RR): boolean {
    if (!this.#rules.suppress || rr.rdata.kind !== "srv") return false;
    const hosts = ledger.find(now, rr.rdata.target, RRType.ANY);
    return hosts.some((told) => isLinkLocal(told.rr));
  }

  #checkNegative(message: Message, zone: PlannedZone): void {
    const [soa, ...rest] = message.authorities;
    demand(soa?.rdata.kind === "soa" && rest.length === 0, () => "a negative answer without SOA");
    demand(soa.name.key === zone.apex.key, () => `SOA of ${displayName(soa.name)}`);
    demand(soa.rdata.minimum === 10 && soa.rdata.serial === 0, () => formatRR(soa));
  }
}

function checkHeader(ask: Ask, message: Message, size: number): void {
  const { question } = ask;
  const [echoed, ...more] = message.questions;
  const isEchoed =
    echoed !== undefined &&
    more.length === 0 &&
    echoed.type === question.type &&
    echoed.class === question.class &&
    echoed.name.labels.join("\0") === question.name.labels.join("\0");
  demand(isEchoed, () => "the question is not echoed");
  demand(message.isResponse && !message.ra && !message.ad && !message.cd, () => "header flags");
  demand(message.rd === ask.recursionDesired, () => "RD is not copied");
  const isOurs = ask.zone !== undefined && message.rcode === Rcode.NOERROR;
  demand(message.aa === isOurs, () => `AA ${message.aa} with ${rcodeName(message.rcode)}`);
  demand(size <= ask.sizeMax, () => `${size} bytes, the client takes ${ask.sizeMax}`);
}

/** DP-47: one TTL for a set. DP-43: each record once. */
function checkSets(all: readonly RR[]): void {
  const ttls = new Map<string, number>();
  const seen = new Set<string>();
  for (const rr of all) {
    const set = `${rr.name.key}\0${rr.type}`;
    const record = `${set}\0${rdataKey(rr.type, rr.rdata)}`;
    demand(!seen.has(record), () => `twice: ${formatRR(rr)}`);
    seen.add(record);
    const ttl = ttls.get(set);
    demand(ttl === undefined || ttl === rr.ttlSeconds, () => `uneven TTL: ${formatRR(rr)}`);
    ttls.set(set, rr.ttlSeconds);
  }
}

/** Every answer is about the name asked, or about what its aliases lead to. */
function checkRelevance(ask: Ask, message: Message): void {
  const names = new Set([ask.question.name.key]);
  for (const rr of message.answers) {
    demand(names.has(rr.name.key), () => `not asked for: ${formatRR(rr)}`);
    if (rr.rdata.kind === "cname") names.add(rr.rdata.target.key);
    const { type } = ask.question;
    const fits = rr.type === type || rr.type === RRType.CNAME || type === RRType.ANY;
    demand(fits, () => `of another type: ${formatRR(rr)}`);
  }
}
