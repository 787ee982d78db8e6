// Sessions with servers of Push, shared by all questions (PUSH-04): opened when
// the first subscription wants one, reused for the next if the certificate was
// proof of that zone, too. Nothing is said before the edge has verified it
// (TLS-08). What a server asks for is remembered in `avoided`.

import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { rcodeName } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { equalNames } from "../wire/name.js";
import type { Avoided } from "./avoided.js";
import type { Covers, Outbox } from "./io.js";
import { connectPatience, guessPatience } from "./limits.js";
import type { HeardChange } from "./push-changes.js";
import { rcodeText } from "./rcode-text.js";
import type { Candidate } from "./search.js";
import { Subscriber, type SubscriberOutcome } from "./subscriber.js";

/** How long a server counts as one without DSO (RFC 8490 §6.6.3.3). */
const withoutDso: Duration = seconds(3600);

export type TicketNews =
  | { readonly kind: "accepted" }
  | { readonly kind: "change"; readonly change: HeardChange }
  /** The last there is; `until` when the server said when to come back. */
  | { readonly kind: "lost"; readonly reason: string; readonly until?: Instant };

/** One subscription and what has become of it since somebody looked. */
export class Ticket {
  readonly candidate: Candidate;
  readonly question: Question;
  #news: TicketNews[] = [];

  constructor(candidate: Candidate, question: Question) {
    this.candidate = candidate;
    this.question = question;
  }

  tell(news: TicketNews): void {
    this.#news.push(news);
  }

  take(): readonly TicketNews[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }
}

interface Session {
  readonly candidate: Candidate;
  readonly channel: number;
  readonly connectBy: Instant;
  /** Undefined while the channel is being opened. */
  subscriber: Subscriber | undefined;
  covers: Covers;
  /** The subscription's ID for each; 0 as long as it has none. */
  readonly tickets: Map<Ticket, number>;
  hasAccepted: boolean;
  /** The one before ended without any success (RFC 8490 §6.6.3.2). */
  readonly isSecond: boolean;
}

/** What a server is known by; with a scope when only that zone is meant. */
export function avoidedKey({ way, transport, address, port }: Candidate, scope = ""): string {
  return `${way} ${transport} ${address} ${port} ${scope}`;
}

/** The zone that a question is about at a server; at a resolver it may be any. */
export function scopeOf({
  candidate,
  question,
}: {
  readonly candidate: Candidate;
  readonly question: Question;
}): string {
  return (candidate.zone ?? question.name).key;
}

/** Whether a certificate is proof of a host (RFC 8310 §8.1: alternative names only). */
export function isCovered(covers: Covers, identity: string | undefined): boolean {
  if (covers === "any") return true;
  if (identity === undefined) return false;
  const [, rest] = /^[^.]+\.(.+)$/.exec(identity) ?? [];
  return covers.some((name) => {
    const lower = name.toLowerCase();
    return lower === identity || (rest !== undefined && lower === `*.${rest}`);
  });
}

export class Sessions {
  readonly #outbox: Outbox;
  readonly #avoided: Avoided;
  readonly #sessions = new Map<number, Session>();

  constructor(outbox: Outbox, avoided: Avoided) {
    this.#outbox = outbox;
    this.#avoided = avoided;
  }

  subscribe(now: Instant, candidate: Candidate, question: Question): Ticket {
    const ticket = new Ticket(candidate, question);
    this.#admit(now, ticket);
    return ticket;
  }

  unsubscribe(now: Instant, ticket: Ticket): void {
    for (const session of this.#sessions.values()) {
      const id = session.tickets.get(ticket);
      if (id === undefined) continue;
      session.tickets.delete(ticket);
      session.subscriber?.unsubscribe(now, id);
      if (session.tickets.size === 0 && session.subscriber === undefined) this.#drop(session);
      this.#flush(session);
    }
  }

  connected(now: Instant, channel: number, covers: Covers): void {
    const session = this.#sessions.get(channel);
    if (session === undefined || session.subscriber !== undefined) return;
    session.subscriber = new Subscriber(now);
    session.covers = covers;
    const waiting = [...session.tickets.keys()];
    session.tickets.clear();
    for (const ticket of waiting) {
      // Another zone at the same place, of which this certificate is no proof.
      if (!this.#join(now, session, ticket)) this.#open(now, ticket, false);
    }
    this.#flush(session);
  }

  bytes(now: Instant, channel: number, bytes: Uint8Array): void {
    const session = this.#sessions.get(channel);
    if (session?.subscriber === undefined) return;
    this.#take(now, session, session.subscriber.receive(now, bytes));
  }

  /** @param reason  absent when the other end closed what had been opened */
  lost(now: Instant, channel: number, reason?: string): void {
    const session = this.#sessions.get(channel);
    if (session === undefined) return;
    this.#sessions.delete(channel);
    this.#outbox.lost(channel);
    const wasOpen = session.subscriber !== undefined;
    if (wasOpen && !session.hasAccepted && !session.isSecond) {
      for (const ticket of session.tickets.keys()) this.#open(now, ticket, true);
      return;
    }
    if (wasOpen && !session.hasAccepted) {
      this.#avoided.avoid(avoidedKey(session.candidate), after(now, withoutDso));
    }
    this.#loseAll(session, reason ?? "the connection was closed");
  }

  expire(now: Instant): void {
    for (const session of [...this.#sessions.values()]) {
      if (session.subscriber !== undefined) {
        this.#take(now, session, session.subscriber.expire(now));
      } else if (session.connectBy <= now) {
        this.#drop(session);
        this.#loseAll(session, "no connection in time");
      }
    }
  }

  nextDeadline(): Instant | undefined {
    let next: Instant | undefined;
    for (const { subscriber, connectBy } of this.#sessions.values()) {
      next = earliest(next, subscriber === undefined ? connectBy : subscriber.nextDeadline());
    }
    return next;
  }

  /** Nothing is wanted any more. */
  end(): void {
    for (const session of [...this.#sessions.values()]) this.#drop(session);
  }

  #admit(now: Instant, ticket: Ticket): void {
    for (const session of this.#sessions.values()) {
      const { address, port } = session.candidate;
      if (address !== ticket.candidate.address || port !== ticket.candidate.port) continue;
      // One that is being opened is waited for: its certificate may be proof enough.
      if (session.subscriber === undefined && !hasSame(session, ticket.question)) {
        session.tickets.set(ticket, 0);
        return;
      }
      if (session.subscriber !== undefined && this.#join(now, session, ticket)) {
        this.#flush(session);
        return;
      }
    }
    this.#open(now, ticket, false);
  }

  /** @returns false when the ticket has to go elsewhere */
  #join(now: Instant, session: Session, ticket: Ticket): boolean {
    const { subscriber, covers, candidate } = session;
    const { identity } = ticket.candidate;
    // What it was opened for has been verified, whatever else the certificate names.
    if (identity !== candidate.identity && !isCovered(covers, identity)) return false;
    if (subscriber === undefined) return false;
    if (hasSame(session, ticket.question)) return false;
    const id = subscriber.subscribe(now, ticket.question);
    if (id !== undefined) session.tickets.set(ticket, id);
    return id !== undefined;
  }

  #open(now: Instant, ticket: Ticket, isSecond: boolean): void {
    const { candidate } = ticket;
    const channel = this.#outbox.connect(candidate);
    this.#sessions.set(channel, {
      candidate,
      channel,
      connectBy: after(now, candidate.isGuess ? guessPatience : connectPatience),
      subscriber: undefined,
      covers: [],
      tickets: new Map([[ticket, 0]]),
      hasAccepted: false,
      isSecond,
    });
  }

  #take(now: Instant, session: Session, outcomes: readonly SubscriberOutcome[]): void {
    for (const outcome of outcomes) this.#outcome(now, session, outcome);
    this.#flush(session);
  }

  #outcome(now: Instant, session: Session, outcome: SubscriberOutcome): void {
    const { candidate } = session;
    switch (outcome.kind) {
      case "accepted":
      case "change": {
        if (outcome.kind === "accepted") session.hasAccepted = true;
        const news = outcome.kind === "accepted" ? ({ kind: "accepted" } as const) : outcome;
        this.#ticketOf(session, outcome.id)?.tell(news);
        return;
      }
      case "refused": {
        const ticket = this.#ticketOf(session, outcome.id);
        if (ticket === undefined) return;
        session.tickets.delete(ticket);
        const until = after(now, outcome.retryDelay);
        const scope = outcome.scope === "zone" ? scopeOf(ticket) : "";
        this.#avoided.avoid(avoidedKey(candidate, scope), until);
        ticket.tell({ kind: "lost", reason: rcodeText(outcome.rcode), until });
        return;
      }
      case "close": {
        const { rcode, retryDelay } = outcome;
        const until = retryDelay === undefined ? undefined : after(now, retryDelay);
        if (until !== undefined) this.#avoided.avoid(avoidedKey(candidate), until);
        this.#drop(session);
        const reason = rcode === 0 ? "it asks to come back later" : `it says ${rcodeName(rcode)}`;
        this.#loseAll(session, reason, until);
        return;
      }
      case "abort":
        this.#avoided.avoid(avoidedKey(candidate), after(now, withoutDso));
        this.#sessions.delete(session.channel);
        this.#outbox.end(session.channel, "abort");
        this.#loseAll(session, faultText(outcome.reason));
    }
  }

  #ticketOf(session: Session, id: number): Ticket | undefined {
    for (const [ticket, own] of session.tickets) if (own === id) return ticket;
    return undefined;
  }

  #loseAll(session: Session, reason: string, until?: Instant): void {
    for (const ticket of session.tickets.keys()) {
      ticket.tell({ kind: "lost", reason, ...(until === undefined ? {} : { until }) });
    }
    session.tickets.clear();
  }

  #drop(session: Session): void {
    this.#flush(session);
    this.#sessions.delete(session.channel);
    this.#outbox.end(session.channel, "close");
  }

  #flush({ subscriber, channel }: Session): void {
    if (subscriber !== undefined) this.#outbox.send(channel, subscriber.takeFrames());
  }
}

/** The server resets a session that asks for the same twice (PUSH-09). */
function hasSame({ tickets }: Session, { name, type, class: rrClass }: Question): boolean {
  return [...tickets.keys()].some(
    ({ question }) =>
      question.type === type && question.class === rrClass && equalNames(question.name, name),
  );
}

function faultText(reason: string): string {
  if (reason === "no-response") return "it has not answered for 30 s, and takes no DSO";
  return `it breaks the protocol (${reason}), and is left alone for an hour`;
}
