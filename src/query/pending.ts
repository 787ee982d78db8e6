// Queries that wait for their link (RFC 8766 §5.6, case 1): which name on which
// link wakes whom, when each gives up, how many there may be. A client's
// retransmission is not a new query (DP-86). What a wake-up or a deadline leads
// to is decided in queries.ts.

import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Limits } from "../limits.js";
import { earliest, type Instant } from "../time.js";
import type { Ask, LinkQuestion } from "./ask.js";

export interface Waiter {
  readonly ask: Ask;
  readonly link: string;
  /** What it waits for; moves on along a chain of CNAMEs (DP-44). */
  questions: readonly LinkQuestion[];
  /** Its watches on the link, one for each question; none when it only gathers. */
  watches: readonly number[];
  /** End of the wait, set by the first series that it waited for. */
  deadline: Instant;
  /** Browse questions: set by the first answer, when to reply with all that came. */
  gatherUntil?: Instant;
}

export class PendingQueries {
  readonly #waiters = new Set<Waiter>();
  readonly #sent = new Set<string>();
  readonly #perClient = new Map<string, number>();
  readonly #perStream = new Map<number, Set<Waiter>>();
  readonly #byName = new Map<string, Set<Waiter>>();
  readonly #deadlines = new Deadlines<Waiter>();
  readonly #counts: Counts;
  #limits: Limits;

  constructor(limits: Limits, counts: Counts) {
    this.#limits = limits;
    this.#counts = counts;
  }

  get size(): number {
    return this.#waiters.size;
  }

  configure(limits: Limits): void {
    this.#limits = limits;
  }

  /** Whether this is a query that waits already, sent again by its client. */
  hasTwin(ask: Ask): boolean {
    const identity = identityOf(ask);
    return identity !== undefined && this.#sent.has(identity);
  }

  /** Whether one more query of this client may wait. */
  hasRoom(client: string): boolean {
    let limit: string | undefined;
    if (this.size >= this.#limits.queriesWaiting) limit = "queries-waiting";
    else if ((this.#perClient.get(client) ?? 0) >= this.#limits.queriesWaitingPerClient) {
      limit = "queries-waiting-per-client";
    }
    if (limit !== undefined) this.#counts.add("limits", limit);
    return limit === undefined;
  }

  add(waiter: Waiter): void {
    const { asker, client } = waiter.ask;
    this.#waiters.add(waiter);
    const identity = identityOf(waiter.ask);
    if (identity !== undefined) this.#sent.add(identity);
    this.#perClient.set(client.key, (this.#perClient.get(client.key) ?? 0) + 1);
    if (asker.transport !== "udp") addTo(this.#perStream, asker.stream, waiter);
    this.#index(waiter);
    this.schedule(waiter);
  }

  /** To be called after `deadline` or `gatherUntil` has changed. */
  schedule(waiter: Waiter): void {
    const due = earliest(waiter.deadline, waiter.gatherUntil);
    if (due !== undefined) this.#deadlines.set(waiter, due);
  }

  /** Makes the waiter wait for other questions. */
  move(waiter: Waiter, questions: readonly LinkQuestion[], watches: readonly number[]): void {
    this.#unindex(waiter);
    waiter.questions = questions;
    waiter.watches = watches;
    this.#index(waiter);
  }

  remove(waiter: Waiter): void {
    const { asker, client } = waiter.ask;
    if (!this.#waiters.delete(waiter)) return;
    const identity = identityOf(waiter.ask);
    if (identity !== undefined) this.#sent.delete(identity);
    const others = (this.#perClient.get(client.key) ?? 1) - 1;
    if (others === 0) this.#perClient.delete(client.key);
    else this.#perClient.set(client.key, others);
    if (asker.transport !== "udp") removeFrom(this.#perStream, asker.stream, waiter);
    this.#unindex(waiter);
    this.#deadlines.clear(waiter);
  }

  /** Who waits for something at this name of the link. */
  at(link: string, name: string): ReadonlySet<Waiter> {
    return this.#byName.get(nameKey(link, name)) ?? nobody;
  }

  /** When those who gather answers to one of these questions will reply, if somebody does. */
  gathering(link: string, questions: readonly LinkQuestion[]): Instant | undefined {
    for (const { name, type } of questions) {
      for (const { gatherUntil, questions: others } of this.at(link, name.key)) {
        if (gatherUntil !== undefined && others.some((one) => one.type === type)) {
          return gatherUntil;
        }
      }
    }
    return undefined;
  }

  onStream(stream: number): readonly Waiter[] {
    return [...(this.#perStream.get(stream) ?? nobody)];
  }

  /** A copy, so that the caller may remove while it looks. */
  all(): readonly Waiter[] {
    return [...this.#waiters];
  }

  /** The next waiter that is due, which then has no deadline until it is scheduled again. */
  takeDue(now: Instant): Waiter | undefined {
    return this.#deadlines.takeDue(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#deadlines.next();
  }

  #index(waiter: Waiter): void {
    for (const { name } of waiter.questions) {
      addTo(this.#byName, nameKey(waiter.link, name.key), waiter);
    }
  }

  #unindex(waiter: Waiter): void {
    for (const { name } of waiter.questions) {
      removeFrom(this.#byName, nameKey(waiter.link, name.key), waiter);
    }
  }
}

const nobody: ReadonlySet<Waiter> = new Set();

const nameKey = (link: string, name: string) => `${link}\0${name}`;

/** A datagram with the same address, port, ID and question is the same query. */
function identityOf(ask: Ask): string | undefined {
  const { asker, query } = ask;
  if (asker.transport !== "udp") return undefined;
  const { peer, listener } = asker;
  const { name, type, class: qclass } = query.question;
  return `${query.id} ${peer.port} ${peer.address} ${listener} ${type} ${qclass} ${name.key}`;
}

function addTo<Key>(index: Map<Key, Set<Waiter>>, key: Key, waiter: Waiter): void {
  const held = index.get(key);
  if (held === undefined) index.set(key, new Set([waiter]));
  else held.add(waiter);
}

function removeFrom<Key>(index: Map<Key, Set<Waiter>>, key: Key, waiter: Waiter): void {
  const held = index.get(key);
  held?.delete(waiter);
  if (held?.size === 0) index.delete(key);
}
