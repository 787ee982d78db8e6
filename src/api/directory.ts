// All services and hosts that the links have told of, kept as the API shows them.
// It is told of each change on a link and makes anew what the change concerns, some
// at a time, so that neither a list of thousands nor a link that comes back costs
// the queries anything. What became different is an event.

import type { Change } from "../mdns/link.js";
import { fromLink } from "../proxy/rewrite.js";
import { typeOf } from "../proxy/services.js";
import type { Vantage } from "../proxy/tables.js";
import { after, type Duration, elapsed, type Instant, ms } from "../time.js";
import { RRType } from "../wire/codes.js";
import {
  displayName,
  foldLabel,
  isWithin,
  type Label,
  type Name,
  parentName,
} from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { ApiEvent } from "./exchange.js";
import { foldText } from "./health.js";
import { addressesOf, type Listed, listed } from "./listing.js";
import { escapedName } from "./packet.js";
import type { HostView, TypeCount } from "./shapes.js";
import type { ServiceFilter } from "./state.js";

/** Services made anew in one go: a millisecond. */
export const settledAtOnce = 50;

/** A device tells its records in several packets: what comes close together is one event. */
export const settlingTime: Duration = ms(50);

/** Looks at a link as somebody without any particular rights does; undefined when it is gone. */
export type Look = (link: string, now: Instant) => Vantage | undefined;

/** One instance that some PTR record leads to. */
interface Entry {
  readonly link: string;
  readonly name: Name;
  /** By the key of the owner. */
  readonly ptrs: Map<string, RR>;
  made: Made | undefined;
}

/** What is kept of a service: as text it takes a third of what it takes as objects. */
interface Made {
  readonly json: string;
  readonly type: string;
  readonly domain: string;
  readonly isShown: boolean;
  readonly isHidden: boolean;
  readonly host: Name | undefined;
}

/** Words that many services have in common and that are kept once: types and zones. */
const wordsMax = 1000;

interface LinkBook {
  readonly entries: Map<string, Entry>;
  /** Instances by the key of the host that they run on. */
  readonly byHost: Map<string, Set<Entry>>;
  /** Names with an address, by key. */
  readonly hosts: Map<string, Name>;
}

export class Directory {
  readonly #look: Look;
  readonly #books = new Map<string, LinkBook>();
  readonly #dirty = new Set<Entry>();
  #dirtySince: Instant | undefined;
  /** Whether anybody takes events; while nobody does, none are kept. */
  isFollowed = false;
  #events: ApiEvent[] = [];
  #shown = 0;
  readonly #words = new Map<string, string>();

  constructor(look: Look) {
    this.#look = look;
  }

  /** Services that clients are given, on all links. */
  get size(): number {
    return this.#shown;
  }

  /** Instances that are kept, shown or not, for the state dump. */
  get held(): number {
    let count = 0;
    for (const { entries } of this.#books.values()) count += entries.size;
    return count;
  }

  /** Takes in what changed on a link. */
  changed(now: Instant, link: string, changes: readonly Change[]): void {
    const book = this.#bookOf(link);
    for (const change of changes) {
      if (change.kind === "deny") this.#touchHost(now, book, change.name);
      else this.#note(now, link, book, change.rr, change.kind === "add");
    }
  }

  /** Forgets all of it, without a word to anybody. */
  clear(): void {
    this.#books.clear();
    this.#dirty.clear();
    this.#dirtySince = undefined;
    this.#events = [];
    this.#shown = 0;
    this.isFollowed = false;
  }

  /** Rules or zones are different: everything is made anew. */
  reconfigured(now: Instant): void {
    for (const { entries } of this.#books.values()) {
      for (const entry of entries.values()) this.#touch(now, entry);
    }
  }

  /** Makes some of what changed anew. */
  expire(now: Instant): void {
    if (this.#dirtySince === undefined || now < after(this.#dirtySince, settlingTime)) return;
    let room = settledAtOnce;
    for (const entry of this.#dirty) {
      if (room === 0) return;
      room -= 1;
      this.#dirty.delete(entry);
      this.#settle(now, entry);
    }
    this.#dirtySince = undefined;
  }

  nextDeadline(): Instant | undefined {
    return this.#dirtySince === undefined ? undefined : after(this.#dirtySince, settlingTime);
  }

  /** What is to be told to those who follow; drains it. */
  takeEvents(): readonly ApiEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /** As they are when they are read, each as JSON: some may be gone by then. */
  *services(filter: ServiceFilter): Generator<string> {
    for (const { made } of this.#fitting(filter)) yield made.json;
  }

  typeCounts(filter: ServiceFilter): readonly TypeCount[] {
    const counts = new Map<string, { type: string; link: string; count: number }>();
    for (const { link, made } of this.#fitting(filter)) {
      const { type } = made;
      const key = `${link} ${foldText(type)}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { type, link, count: 1 });
      else known.count += 1;
    }
    return [...counts.values()];
  }

  /** Services of one link that clients are given. */
  shownOf(link: string): number {
    let count = 0;
    for (const { made } of this.#books.get(link)?.entries.values() ?? []) {
      if (made?.isShown === true) count += 1;
    }
    return count;
  }

  *hosts(now: Instant): Generator<Omit<HostView, "mdns">> {
    for (const [link, { hosts }] of [...this.#books]) {
      for (const name of [...hosts.values()]) {
        const at = this.#look(link, now);
        const addresses = at === undefined ? [] : addressesOf(at, name);
        if (at === undefined || addresses.length === 0) continue;
        const shown = fromLink(at.zone, name, "host") ?? name;
        yield {
          id: `${link} ${escapedName(name)}`,
          name: displayName(shown),
          escaped: escapedName(shown),
          link,
          addresses,
          lastHeardSeconds: sinceHeard(now, at, name),
        };
      }
    }
  }

  #note(now: Instant, link: string, book: LinkBook, rr: RR, isThere: boolean): void {
    switch (rr.type) {
      case RRType.PTR:
        this.#notePtr(now, link, book, rr, isThere);
        break;
      case RRType.SRV:
      case RRType.TXT: {
        const entry = book.entries.get(rr.name.key);
        if (entry !== undefined) this.#touch(now, entry);
        break;
      }
      case RRType.A:
      case RRType.AAAA:
        this.#noteAddress(now, link, book, rr, isThere);
        this.#touchHost(now, book, rr.name);
        break;
      default:
        break;
    }
  }

  #notePtr(now: Instant, link: string, book: LinkBook, rr: RR, isThere: boolean): void {
    if (rr.rdata.kind !== "ptr" || typeOf(rr.name) === undefined) return;
    const { target } = rr.rdata;
    const type = subtypeIn(rr.name) === undefined ? rr.name : parentOfSubtype(rr.name);
    // Whatever else a device may list, an instance lies below its type.
    if (target.labels.length <= type.labels.length || !isWithin(target, type)) return;
    let entry = book.entries.get(target.key);
    if (entry === undefined) {
      if (!isThere) return;
      entry = { link, name: target, ptrs: new Map(), made: undefined };
      book.entries.set(target.key, entry);
    }
    if (isThere) entry.ptrs.set(rr.name.key, rr);
    else entry.ptrs.delete(rr.name.key);
    this.#touch(now, entry);
  }

  #noteAddress(now: Instant, link: string, book: LinkBook, { name }: RR, isThere: boolean): void {
    if (isThere) book.hosts.set(name.key, name);
    else {
      const at = this.#look(link, now);
      if (at === undefined || addressesOf(at, name).length === 0) book.hosts.delete(name.key);
    }
    this.#forgetBook(link, book);
  }

  /** Links come and go where containers do. */
  #forgetBook(link: string, { entries, hosts }: LinkBook): void {
    if (entries.size === 0 && hosts.size === 0) this.#books.delete(link);
  }

  #touchHost(now: Instant, book: LinkBook, name: Name): void {
    for (const entry of book.byHost.get(name.key) ?? []) this.#touch(now, entry);
  }

  #touch(now: Instant, entry: Entry): void {
    this.#dirty.add(entry);
    this.#dirtySince ??= now;
  }

  /** Makes one anew, and says what became different. */
  #settle(now: Instant, entry: Entry): void {
    const book = this.#bookOf(entry.link);
    const before = entry.made;
    const at = this.#look(entry.link, now);
    const lead = leadOf(entry);
    const fresh =
      at === undefined || lead === undefined ? undefined : listed(entry.link, at, lead, entry.name);
    const made = fresh === undefined ? undefined : this.#kept(fresh);
    entry.made = made;
    this.#shown += shownCount(made) - shownCount(before);
    move(book.byHost, entry, before?.host, made?.host);
    // An entry without any lead came to its end; one that comes back is made anew.
    if (lead === undefined) book.entries.delete(entry.name.key);
    this.#forgetBook(entry.link, book);
    if (this.isFollowed) this.#tell(told(before), told(made));
  }

  #kept({ service, isHidden, host }: Listed): Made {
    const [type, domain] = [this.#word(service.type), this.#word(service.domain)];
    const json = JSON.stringify(service);
    return { json, type, domain, isShown: service.isShown, isHidden, host };
  }

  #word(text: string): string {
    const known = this.#words.get(text);
    if (known !== undefined) return known;
    if (this.#words.size >= wordsMax) this.#words.clear();
    this.#words.set(text, text);
    return text;
  }

  #tell(was: string | undefined, is: string | undefined): void {
    if (is === was) return;
    if (is === undefined) this.#events.push({ name: "service-removed", json: was as string });
    else if (was === undefined) this.#events.push({ name: "service-added", json: is });
    else this.#events.push({ name: "service-changed", json: is });
  }

  *#all(): Generator<Entry> {
    for (const { entries } of [...this.#books.values()]) yield* [...entries.values()];
  }

  *#fitting(filter: ServiceFilter): Generator<Entry & { readonly made: Made }> {
    for (const entry of this.#all()) if (fits(entry, filter)) yield entry;
  }

  #bookOf(link: string): LinkBook {
    const known = this.#books.get(link);
    if (known !== undefined) return known;
    const book: LinkBook = { entries: new Map(), byHost: new Map(), hosts: new Map() };
    this.#books.set(link, book);
    return book;
  }
}

/** What those who follow are told of: not what the operator hides. */
function told(made: Made | undefined): string | undefined {
  return made === undefined || made.isHidden ? undefined : made.json;
}

const shownCount = (made: Made | undefined): number => (made?.isShown === true ? 1 : 0);

function fits(entry: Entry, filter: ServiceFilter): entry is Entry & { readonly made: Made } {
  const { link, made } = entry;
  if (made === undefined || (made.isHidden && !filter.hidden)) return false;
  if (filter.link !== undefined && filter.link !== link) return false;
  if (filter.zone !== undefined && filter.zone !== foldText(made.domain)) return false;
  return filter.type === undefined || filter.type === foldText(made.type);
}

function leadOf({ ptrs }: Entry) {
  const all = [...ptrs.values()];
  const subtypes = all.flatMap(({ name }) => subtypeIn(name) ?? []);
  const ptr = all.find(({ name }) => subtypeIn(name) === undefined) ?? all[0];
  return ptr === undefined ? undefined : { ptr, subtypes: subtypes.sort() };
}

/** The label of a subtype, as in `_universal._sub._ipp._tcp.local`. */
function subtypeIn(owner: Name): Label | undefined {
  const [label, sub] = owner.labels;
  return owner.labels.length > 4 && foldLabel(sub ?? "") === "_sub" ? label : undefined;
}

const parentOfSubtype = (owner: Name): Name => parentName(parentName(owner));

function move(
  byHost: Map<string, Set<Entry>>,
  entry: Entry,
  before: Name | undefined,
  now: Name | undefined,
): void {
  if (before?.key === now?.key) return;
  if (before !== undefined) {
    const others = byHost.get(before.key);
    others?.delete(entry);
    if (others?.size === 0) byHost.delete(before.key);
  }
  if (now === undefined) return;
  const others = byHost.get(now.key);
  if (others === undefined) byHost.set(now.key, new Set([entry]));
  else others.add(entry);
}

function sinceHeard(now: Instant, { view }: Vantage, name: Name): number {
  const heard = [...view.find(name, RRType.A), ...view.find(name, RRType.AAAA)];
  const first = heard.map(({ receivedAt }) => elapsed(receivedAt, now));
  return Math.round(Math.min(...first)) / 1000;
}
