// What a client knows of the answers to one question, and what of that changed
// for whoever asked. The TTL stands still while a server keeps us told, and
// runs otherwise (RFC 8765 §6.3.1, PUSH-30).

import { Counts } from "../counts.js";
import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { type RR, rdataKey } from "../wire/rr.js";
import { recordsMax } from "./limits.js";
import { type HeardChange, takes } from "./push-changes.js";

export interface CopyChange {
  readonly kind: "added" | "removed";
  readonly rr: RR;
}

interface Held {
  rr: RR;
  /** Undefined while a server keeps us told of it. */
  expiresAt: Instant | undefined;
  /** Whether the server that tells us now has told of it. */
  isConfirmed: boolean;
}

/** Type and class in one. */
const sortOf = (rr: RR): number => rr.class * 0x1_0000 + rr.type;

const identityOf = (rr: RR): string =>
  `${rr.class} ${rr.type} ${rr.name.key.length} ${rr.name.key}${rdataKey(rr.type, rr.rdata)}`;

export class Copy {
  readonly #held = new Map<string, Held>();
  /** One record of each type and class that is held, and how many there are. */
  readonly #sorts = new Map<number, { readonly rr: RR; count: number }>();
  readonly #counts: Counts;
  #changes: CopyChange[] = [];
  #settlesAt: Instant | undefined;

  constructor(counts = new Counts()) {
    this.#counts = counts;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The records as they were told, in the order of their coming. */
  get rrs(): readonly RR[] {
    return [...this.#held.values()].map(({ rr }) => rr);
  }

  /** Holds a record for as long as nobody removes it. */
  add(rr: RR): void {
    const identity = identityOf(rr);
    const known = this.#held.get(identity);
    if (known !== undefined) {
      known.rr = rr;
      known.expiresAt = undefined;
      known.isConfirmed = true;
      return;
    }
    if (this.#held.size >= recordsMax) {
      this.#counts.add("client-drops", "records");
      return;
    }
    this.#held.set(identity, { rr, expiresAt: undefined, isConfirmed: true });
    const sort = this.#sorts.get(sortOf(rr));
    if (sort === undefined) this.#sorts.set(sortOf(rr), { rr, count: 1 });
    else sort.count += 1;
    this.#changes.push({ kind: "added", rr });
  }

  /** A record that is not held is removed in silence. */
  remove(rr: RR): void {
    this.#drop(identityOf(rr));
  }

  apply(change: HeardChange): void {
    if (change.kind === "add") this.add(change.rr);
    else if (change.kind === "remove") this.remove(change.rr);
    else this.#removeAll(change);
  }

  /** A message has room for a thousand of these: those that take nothing have to be cheap. */
  #removeAll(change: HeardChange & { readonly kind: "remove-all" }): void {
    if (![...this.#sorts.values()].some(({ rr }) => takes(change, rr))) return;
    for (const [identity, { rr }] of this.#held) if (takes(change, rr)) this.#drop(identity);
  }

  /** These are all there are, until they are asked for again. */
  replace(rrs: readonly RR[]): void {
    for (const held of this.#held.values()) held.isConfirmed = false;
    for (const rr of rrs) this.add(rr);
    this.#dropUnconfirmed();
    this.#settlesAt = undefined;
  }

  /** Another server tells us from now on: what it does not confirm goes at `until`. */
  settle(until: Instant): void {
    for (const held of this.#held.values()) held.isConfirmed = false;
    this.#settlesAt = this.#held.size === 0 ? undefined : until;
  }

  /**
   * Nobody keeps us told any more: the TTLs run, and TTL 0 is over at once (PUSH-21).
   *
   * @param atLeast  for records whose TTL says how often to ask, not how long they last
   */
  age(now: Instant, atLeast: Duration = seconds(0)): void {
    this.#settlesAt = undefined;
    for (const held of this.#held.values()) {
      const span = Math.max(held.rr.ttlSeconds * 1000, atLeast) as Duration;
      held.expiresAt ??= after(now, span);
    }
    this.expire(now);
  }

  expire(now: Instant): void {
    for (const [identity, { expiresAt }] of this.#held) {
      if (expiresAt !== undefined && expiresAt <= now) this.#drop(identity);
    }
    if (this.#settlesAt === undefined || this.#settlesAt > now) return;
    this.#settlesAt = undefined;
    this.#dropUnconfirmed();
  }

  nextDeadline(): Instant | undefined {
    let next = this.#settlesAt;
    for (const { expiresAt } of this.#held.values()) next = earliest(next, expiresAt);
    return next;
  }

  /** What came and what went since the last call. */
  takeChanges(): readonly CopyChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #dropUnconfirmed(): void {
    for (const [identity, { isConfirmed }] of this.#held) if (!isConfirmed) this.#drop(identity);
  }

  #drop(identity: string): void {
    const held = this.#held.get(identity);
    if (held === undefined) return;
    this.#held.delete(identity);
    const sort = this.#sorts.get(sortOf(held.rr));
    if (sort !== undefined && --sort.count === 0) this.#sorts.delete(sortOf(held.rr));
    this.#changes.push({ kind: "removed", rr: held.rr });
  }
}
