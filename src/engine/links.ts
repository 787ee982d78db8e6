// The links, each with what belongs to it: its mDNS core, its warm types, and
// what is still to be told of it.
// Whoever reaches for a link marks it, so that the engine's tail looks only at
// the links that something was done to.

import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Log } from "../log.js";
import { Link, type LinkPlace } from "../mdns/link.js";
import type { Random } from "../random.js";
import { earliest, type Instant } from "../time.js";
import type { LinkConfig } from "./config.js";
import { Gathering } from "./gathering.js";
import type { LinkId } from "./io.js";
import { type PacketSums, Traffic } from "./traffic.js";
import { Warm } from "./warm.js";
import { Watchdog } from "./watchdog.js";

export interface UsedLink {
  readonly id: LinkId;
  readonly link: Link;
  readonly warm: Warm;
  readonly gathering: Gathering;
  readonly traffic: Traffic;
  readonly watchdog: Watchdog;
  config: LinkConfig;
  /** Where it is; undefined while it is down. */
  place: LinkPlace | undefined;
  isTouched: boolean;
}

export class Links {
  /** Of all links since the start, those that were given up as well. */
  readonly packets: PacketSums = { in: 0, out: 0 };
  readonly #links = new Map<LinkId, UsedLink>();
  readonly #deadlines = new Deadlines<LinkId>();
  readonly #watches = new Deadlines<LinkId>();
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #log: Log;
  #touched: UsedLink[] = [];

  constructor(random: Random, counts: Counts, log: Log) {
    this.#random = random;
    this.#counts = counts;
    this.#log = log;
  }

  add(config: LinkConfig): void {
    const link = new Link(config.mdns, this.#random, this.#counts);
    const warm = new Warm(link, this.#counts);
    const gathering = new Gathering();
    const traffic = new Traffic(this.packets);
    const watchdog = new Watchdog();
    const parts = { id: config.id, link, warm, gathering, traffic, watchdog };
    this.#links.set(config.id, { ...parts, config, place: undefined, isTouched: false });
  }

  /** Takes up a link, or changes one that is used already; what it heard stays. */
  configure(now: Instant, config: LinkConfig): void {
    const used = this.reach(config.id);
    if (used === undefined) {
      this.add(config);
      return;
    }
    used.config = config;
    used.link.configure(now, config.mdns);
    if (used.link.isUp) used.warm.configure(now, config);
  }

  /** Gives a link up; what is left to send on it is taken by the tail as usual. */
  retire(id: LinkId): void {
    this.#links.delete(id);
    this.#deadlines.clear(id);
    this.#watches.clear(id);
  }

  /** The link, marked as touched; undefined when it is not configured. */
  reach(id: LinkId): UsedLink | undefined {
    const used = this.#links.get(id);
    if (used !== undefined && !used.isTouched) this.#touch(used);
    return used;
  }

  /** The link, unmarked: for looking only. */
  peek(id: LinkId): UsedLink | undefined {
    return this.#links.get(id);
  }

  /** Every link, unmarked: for looking only. */
  all(): IterableIterator<UsedLink> {
    return this.#links.values();
  }

  /** The next link that something was done to. */
  takeTouched(): UsedLink | undefined {
    const used = this.#touched.pop();
    if (used !== undefined) used.isTouched = false;
    return used;
  }

  get hasTouched(): boolean {
    return this.#touched.length > 0;
  }

  /** The links with a deadline at or before `now`, marked as touched. */
  takeDue(now: Instant): readonly Link[] {
    const due: Link[] = [];
    for (let id = this.#deadlines.takeDue(now); id !== undefined; ) {
      const used = this.reach(id);
      if (used !== undefined) due.push(used.link);
      id = this.#deadlines.takeDue(now);
    }
    return due;
  }

  /** Reads a link's deadline anew, after everything that was to be done to it. */
  schedule(used: UsedLink): void {
    if (this.#links.get(used.id) !== used) return;
    const next = earliest(used.link.nextDeadline(), used.gathering.nextDeadline());
    if (next === undefined) this.#deadlines.clear(used.id);
    else this.#deadlines.set(used.id, next);
  }

  /** Says what is to be said of a link's reach, and plans to look again. */
  watch(now: Instant, used: UsedLink): void {
    used.watchdog.tell(now, used.id, this.#log);
    const next = used.watchdog.nextDeadline(now);
    if (next === undefined) this.#watches.clear(used.id);
    else this.#watches.set(used.id, next);
  }

  /** Looks at the links of which something may have to be said by now. */
  watchDue(now: Instant): void {
    for (let id = this.#watches.takeDue(now); id !== undefined; ) {
      const used = this.peek(id);
      if (used !== undefined) this.watch(now, used);
      id = this.#watches.takeDue(now);
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#deadlines.next(), this.#watches.next());
  }

  #touch(used: UsedLink): void {
    if (used.isTouched) return;
    used.isTouched = true;
    this.#touched.push(used);
  }
}
