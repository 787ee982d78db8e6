// What one link offers to a zone (UP-35 to UP-53): of all that is heard, the
// services that are whole, allowed, and can be reached from elsewhere, in the
// zone's words. Says only what has changed; how that gets into the zone is the
// publisher's affair.

import {
  type Address,
  type AddressList,
  contains,
  formatPrefix,
  type Prefix,
  parsePrefix,
  permits,
} from "../address.js";
import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Log } from "../log.js";
import type { Change, Heard, Link } from "../mdns/link.js";
import { goodbyeGrace } from "../mdns/timing.js";
import { fromLink, rewriteRR } from "../proxy/rewrite.js";
import { isHidden } from "../proxy/services.js";
import { isUsableAddress } from "../proxy/suppress.js";
import { addedSubtype, isListed, translatedTxt } from "../proxy/translate.js";
import type { LinkZone } from "../proxy/zones.js";
import { between, type Random } from "../random.js";
import { after, type Instant } from "../time.js";
import { RRClass, RRType } from "../wire/codes.js";
import { displayName, labelText, type Name, nameOf } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { Enumeration, typesName } from "./enumeration.js";
import { isForbidden } from "./forbidden.js";
import { linkHold, secondSweep, sweepSpacing, sweepSpan } from "./limits.js";
import { Lines } from "./lines.js";
import { type Offer, type OfferChange, type OfferedRR, recordKey } from "./offer.js";

export interface InventorySettings {
  /** The link's zone, with its rules for services, translation and suppression. */
  readonly zone: LinkZone;
  /** Cap of TTLs written. */
  readonly ttlSecondsMax: number;
  /** Keys of names that nobody on the link may own, such as the zone's name servers. */
  readonly guarded: ReadonlySet<string>;
  /** Offers only what has addresses in this subnet of the link, and those alone (UP-10). */
  readonly subnet?: Prefix;
}

/** Never reachable from elsewhere, whatever the configuration says. */
const unroutable: AddressList = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "224.0.0.0/3",
  "::/127",
  "ff00::/8",
].flatMap((text) => {
  const prefix = parsePrefix(text);
  return prefix === undefined ? [] : [{ refuse: false, prefix }];
});

/** Names of an inventory's deadlines; any other key is that of an instance to look at again. */
const sweepDue = "sweep";
const holdDue = "hold";

/** Why a whole service stays out, when that is for its names. */
class Unfit extends Error {
  override readonly name = "Unfit";
}

export class Inventory {
  readonly #link: Link;
  readonly #settings: InventorySettings;
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #enumeration: Enumeration;
  /** What speaks for the records here: the link, or one subnet of it. */
  readonly #source: string;
  readonly #deadlines = new Deadlines<string>();
  readonly #names = new Map<string, Name>();
  readonly #offered = new Map<string, Offer>();
  /** Keys of names that were said to be unfit; of no others than in `#names`. */
  readonly #told = new Set<string>();
  readonly #lines: Lines;
  #isHeld = false;
  #sweeps = 0;
  #changes: OfferChange[] = [];

  constructor(link: Link, settings: InventorySettings, random: Random, counts: Counts, log: Log) {
    this.#link = link;
    this.#settings = settings;
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
    this.#lines = new Lines(counts);
    const { link: id, services } = settings.zone.link;
    const { subnet } = settings;
    this.#source = subnet === undefined ? id : `${id} ${formatPrefix(subnet)}`;
    this.#enumeration = new Enumeration(link, (type) => !isHidden(services, type), counts);
  }

  /** Lists of the link that nothing leads to but their having been heard. */
  get heardLists(): readonly Name[] {
    return this.#enumeration.heardLists;
  }

  /** Services offered at the moment. */
  get size(): number {
    return this.#offered.size;
  }

  /**
   * @param lists  names of the link that listed services before, most precious first: devices tell
   *   of subtypes when they come, and later those alone who ask for them by name
   */
  start(now: Instant, lists: readonly Name[] = []): void {
    this.#enumeration.start(now, lists);
    this.#deadlines.set(sweepDue, after(now, secondSweep));
    this.#sweeps = 0;
    this.#look(now);
  }

  /** Asks nothing more. What was offered is withdrawn. */
  stop(now: Instant): void {
    this.#enumeration.stop(now);
    for (const key of [...this.#offered.keys()]) this.#withdraw(key);
    for (const key of [sweepDue, holdDue, ...this.#names.keys()]) this.#deadlines.clear(key);
  }

  /**
   * To be said before the link itself is told that it went down, and after it came up: for ten
   * seconds from then on nothing is taken back (UP-12).
   */
  hold(now: Instant): void {
    this.#isHeld = true;
    this.#deadlines.set(holdDue, after(now, linkHold));
  }

  /** Takes in what `Link.takeChanges` gave. */
  changed(now: Instant, changes: readonly Change[]): void {
    this.#enumeration.changed(now, changes);
    this.#look(now);
  }

  expire(now: Instant): void {
    for (;;) {
      const due = this.#deadlines.takeDue(now);
      if (due === undefined) break;
      if (due === sweepDue) this.#sweep(now);
      else if (due === holdDue) this.#release(now);
      else this.#judge(now, this.#names.get(due));
    }
    this.#look(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#deadlines.next();
  }

  /** What is offered now and was not before, and what no more; drains it. */
  takeChanges(): readonly OfferChange[] {
    return this.#changes.splice(0);
  }

  #sweep(now: Instant): void {
    this.#enumeration.sweep(now, this.#sweeps === 0 ? sweepSpacing.second : sweepSpacing.later);
    this.#sweeps += 1;
    const span = between(this.#random, sweepSpan.min, sweepSpan.max);
    this.#deadlines.set(sweepDue, after(now, span));
  }

  #release(now: Instant): void {
    this.#isHeld = false;
    for (const name of [...this.#names.values()]) this.#judge(now, name);
  }

  #look(now: Instant): void {
    for (const name of this.#enumeration.takeTouched()) this.#judge(now, name);
  }

  /** Looks at one instance, or later: a record that ends within a second may be rescued. */
  #judge(now: Instant, name: Name | undefined): void {
    if (name === undefined) return;
    this.#names.set(name.key, name);
    const settled = this.#settledAt(now, name);
    if (settled !== undefined) {
      this.#deadlines.set(name.key, settled);
      return;
    }
    this.#deadlines.clear(name.key);
    const rrs = this.#recordsOf(now, name);
    const offered = this.#offered.get(name.key);
    if (this.#isHeld && offered !== undefined && !isWithin(offered.rrs, rrs)) return;
    if (rrs === undefined) {
      this.#withdraw(name.key);
      if (this.#enumeration.listing(name).length === 0) {
        this.#names.delete(name.key);
        this.#told.delete(name.key);
      }
    } else if (offered === undefined || !isSame(offered.rrs, rrs)) {
      const source = this.#source;
      const offer = { key: `${source} ${name.key}`, source, title: name, rrs };
      this.#offered.set(name.key, offer);
      this.#changes.push(offer);
    }
  }

  #withdraw(nameKey: string): void {
    const offered = this.#offered.get(nameKey);
    if (offered === undefined) return;
    this.#offered.delete(nameKey);
    this.#changes.push({ ...offered, rrs: [] });
  }

  /**
   * When a set that is being replaced (UP-46) will be whole: the new record is known and the old
   * one ends within the second. Both shall travel in one message.
   */
  #settledAt(now: Instant, name: Name): Instant | undefined {
    let settled: Instant | undefined;
    const srvs = this.#link.find(now, name, RRType.SRV);
    const sets = [srvs, this.#link.find(now, name, RRType.TXT)];
    for (const { rr } of srvs) {
      if (rr.rdata.kind !== "srv") continue;
      const { target } = rr.rdata;
      sets.push(this.#link.find(now, target, RRType.A), this.#link.find(now, target, RRType.AAAA));
    }
    for (const heard of sets.flat()) {
      if (isEnding(now, heard) && heard.expiresAt > (settled ?? 0)) settled = heard.expiresAt;
    }
    return settled;
  }

  /** All that a service consists of; undefined when it is not to be published. */
  #recordsOf(now: Instant, name: Name): readonly OfferedRR[] | undefined {
    const owners = this.#enumeration.listing(name);
    const srvs = this.#link.find(now, name, RRType.SRV);
    const txts = this.#link.find(now, name, RRType.TXT);
    if (owners.length === 0 || srvs.length === 0 || txts.length === 0) return undefined;
    const rrs: OfferedRR[] = [];
    try {
      for (const { rr } of srvs) {
        if (rr.rdata.kind !== "srv") continue;
        const addresses = this.#addressesOf(now, rr.rdata.target);
        if (addresses.length > 0) rrs.push(this.#offer(rr, "other"), ...addresses);
      }
      if (rrs.length === 0) return undefined;
      const { translate } = this.#settings.zone.link;
      for (const { rr } of txts) rrs.push(this.#offer(translatedTxt(translate, rr), "other"));
      for (const rr of [...owners, ...this.#listings(name, owners)]) {
        rrs.push(this.#offer(rr, "other"));
      }
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      this.#tellOnce(now, name, error.message);
      return undefined;
    }
    this.#told.delete(name.key);
    return evened(rrs);
  }

  #addressesOf(now: Instant, host: Name): OfferedRR[] {
    const { link } = this.#settings.zone;
    const { subnet } = this.#settings;
    const known = [RRType.A, RRType.AAAA].flatMap((type) => this.#link.find(now, host, type));
    return known
      .filter(
        ({ rr }) =>
          !isUnroutable(rr) &&
          (subnet === undefined || isIn(subnet, rr)) &&
          (!link.suppress || isUsableAddress(rr, link, undefined)),
      )
      .map(({ rr }) => this.#offer(rr, "host"));
  }

  /** PTRs that no device sends as such: of the list of types, and of subtypes that rules add. */
  #listings(name: Name, owners: readonly RR[]): RR[] {
    const { translate } = this.#settings.zone.link;
    const type = nameOf(name.labels.slice(1));
    const pattern = owners[0] as RR;
    const listings: RR[] = [{ ...pattern, name: typesName, rdata: { kind: "ptr", target: type } }];
    for (const text of new Set(translate.flatMap(({ subtypes }) => subtypes))) {
      const subtype = nameOf([labelText(text), "_sub", ...type.labels]);
      const added = addedSubtype(translate, subtype);
      if (added === undefined || !isListed(added, name)) continue;
      if (owners.some((rr) => rr.name.key === subtype.key)) continue;
      listings.push({ ...pattern, name: subtype, rdata: { kind: "ptr", target: name } });
    }
    return listings;
  }

  /** One record in the zone's words. @throws Unfit when no such record may stand there */
  #offer(rr: RR, role: "host" | "other"): OfferedRR {
    const { zone, ttlSecondsMax, guarded } = this.#settings;
    const owner = fromLink(zone, rr.name, role);
    const moved = owner && rewriteRR(zone, rr, owner, rr.type, this.#counts);
    if (moved === undefined) throw new Unfit("a name is too long for unicast DNS");
    const apex = role === "host" ? zone.link.host : zone.link.service;
    if (isForbidden(moved.name, apex, guarded)) {
      throw new Unfit(`nothing may be published at ${displayName(moved.name)}`);
    }
    const ttlSeconds = Math.min(rr.ttlSeconds, ttlSecondsMax);
    return {
      rr: { ...moved, class: RRClass.IN, ttlSeconds },
      isShared: rr.type === RRType.PTR,
      deviceTtlSeconds: rr.ttlSeconds,
    };
  }

  #tellOnce(now: Instant, name: Name, reason: string): void {
    if (this.#told.has(name.key)) return;
    this.#told.add(name.key);
    this.#counts.add("update-left-out");
    if (!this.#lines.take(now)) return;
    this.#log.event("warn", "service-left-out", { name: displayName(name), reason });
  }
}

/** After a goodbye or a cache-flush a record has one second left, whatever its TTL said. */
function isEnding(now: Instant, heard: Heard): boolean {
  if (heard.expiresAt - now > goodbyeGrace) return false;
  return heard.expiresAt < heard.receivedAt + heard.rr.ttlSeconds * 1000;
}

function isUnroutable(rr: RR): boolean {
  const address = addressOf(rr);
  return address !== undefined && permits(unroutable, address);
}

function isIn(subnet: Prefix, rr: RR): boolean {
  const address = addressOf(rr);
  return address !== undefined && contains(subnet, address);
}

function addressOf({ rdata }: RR): Address | undefined {
  if (rdata.kind !== "a" && rdata.kind !== "aaaa") return undefined;
  return { family: rdata.kind === "a" ? "ipv4" : "ipv6", bytes: rdata.address };
}

/**
 * RFC 2181 §5.2: one TTL for an RRset, the smallest of its members'. And one lifetime for all, the
 * longest: a service that nobody renews any more shall not die in pieces (TO-17).
 */
function evened(rrs: readonly OfferedRR[]): readonly OfferedRR[] {
  const deviceTtlSeconds = Math.max(...rrs.map((one) => one.deviceTtlSeconds));
  const ttls = new Map<string, number>();
  const setOf = ({ rr }: OfferedRR) => `${rr.type} ${rr.name.key}`;
  for (const one of rrs) {
    const { ttlSeconds } = one.rr;
    ttls.set(setOf(one), Math.min(ttlSeconds, ttls.get(setOf(one)) ?? ttlSeconds));
  }
  return rrs.map((one) => {
    const ttlSeconds = ttls.get(setOf(one)) as number;
    return { ...one, deviceTtlSeconds, rr: { ...one.rr, ttlSeconds } };
  });
}

const identity = ({ rr, deviceTtlSeconds }: OfferedRR) =>
  `${recordKey(rr)} ${rr.ttlSeconds} ${deviceTtlSeconds}`;

function isSame(before: readonly OfferedRR[], rrs: readonly OfferedRR[]): boolean {
  return before.length === rrs.length && isWithin(before, rrs);
}

function isWithin(before: readonly OfferedRR[], rrs: readonly OfferedRR[] | undefined): boolean {
  const now = new Set(rrs?.map(identity));
  return before.every((one) => now.has(identity(one)));
}
