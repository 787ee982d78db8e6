// Push over one stream, as a client (RFC 8765 §6): subscriptions are asked for
// and ended, what the server pushes is checked against them. A Keepalive goes in
// front, so that an error of a SUBSCRIBE is never one of the session (RFC 8490
// §5.1.1). Connecting, and staying away, are sessions.ts's.

import { type ClientOutcome, ClientSession } from "../dso/client-session.js";
import type { Timeouts } from "../dso/messages.js";
import { type Duration, type Instant, seconds } from "../time.js";
import { DsoType, Rcode } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import type { Question } from "../wire/message.js";
import { equalNames } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { subscriptionsMax } from "./limits.js";
import { answers, type HeardChange, readPush } from "./push-changes.js";
import { reconfirmTlv, subscribeTlv, unsubscribeTlv } from "./requests.js";

/** Nothing keeps an unused session; NATs apart, an hour is often enough (RFC 8490 §6.5.2). */
const wishes: Timeouts = { inactivity: seconds(15), keepalive: seconds(3600) };

export type SubscriberOutcome =
  | { readonly kind: "accepted"; readonly id: number }
  | { readonly kind: "change"; readonly id: number; readonly change: HeardChange }
  /** Not granted, or taken back later; neither is asked for again before the delay is over. */
  | {
      readonly kind: "refused";
      readonly id: number;
      readonly rcode: number;
      readonly retryDelay: Duration;
      /** What the delay is about (PUSH-15). */
      readonly scope: "zone" | "server";
    }
  /** The stream is to be closed gracefully; `retryDelay` when the server asked for it. */
  | { readonly kind: "close"; readonly rcode: number; readonly retryDelay?: Duration }
  /** The stream is to be reset. */
  | { readonly kind: "abort"; readonly reason: string };

interface Subscription {
  readonly id: number;
  readonly question: Question;
  isAccepted: boolean;
  /** Nobody wants it any more; said to the server as soon as there is a session. */
  isCancelled: boolean;
}

/** What is assumed where the server states no delay (RFC 8765 §6.2.2). */
export function usualDelay(rcode: number): Duration {
  switch (rcode) {
    case Rcode.SERVFAIL:
      return seconds(60);
    case Rcode.NOTIMP:
    case Rcode.DSOTYPENI:
      return seconds(3600);
    default:
      return seconds(300);
  }
}

export class Subscriber {
  readonly #session: ClientSession;
  readonly #frames = new FrameReader();
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #keepaliveId: number;
  /** Closed, aborted, or told that there is no DSO here. */
  #isOver = false;

  constructor(now: Instant) {
    this.#session = new ClientSession(now, wishes);
    this.#keepaliveId = this.#session.keepalive(now);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Subscriptions that are wanted. */
  get size(): number {
    let size = 0;
    for (const { isCancelled } of this.#subscriptions.values()) if (!isCancelled) size += 1;
    return size;
  }

  /**
   * Asks for a question's answers; two subscriptions to one question are a mistake of the
   * caller, for which the server would reset the session (PUSH-09).
   *
   * @returns what outcomes call it; undefined when the session has no room or is over
   */
  subscribe(now: Instant, question: Question): number | undefined {
    if (this.#isOver) return undefined;
    // Given up before the server could answer: for the server it still stands.
    const former = this.#cancelled(question);
    if (former !== undefined) {
      former.isCancelled = false;
      return former.id;
    }
    if (this.#subscriptions.size >= subscriptionsMax) return undefined;
    const id = this.#session.request(now, subscribeTlv(question));
    this.#subscriptions.set(id, { id, question, isAccepted: false, isCancelled: false });
    return id;
  }

  /** Nothing is heard of it any more. */
  unsubscribe(now: Instant, id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined || this.#isOver) return;
    if (subscription.isAccepted) this.#endSubscription(now, id);
    else subscription.isCancelled = true;
  }

  /** Tells the server that a record it pushed seems to be wrong (RFC 8765 §6.5). */
  reconfirm(now: Instant, rr: RR): void {
    if (!this.#isOver) this.#session.tell(now, reconfirmTlv(rr));
  }

  /** Takes bytes of the stream, cut anywhere. */
  receive(now: Instant, bytes: Uint8Array): readonly SubscriberOutcome[] {
    const outcomes: SubscriberOutcome[] = [];
    this.#frames.push(bytes);
    for (let frame = this.#frames.take(); frame !== undefined; frame = this.#frames.take()) {
      if (this.#isOver) break;
      this.#take(now, this.#session.receive(now, frame), outcomes);
    }
    return outcomes;
  }

  expire(now: Instant): readonly SubscriberOutcome[] {
    const outcomes: SubscriberOutcome[] = [];
    if (!this.#isOver) this.#take(now, this.#session.expire(now), outcomes);
    return outcomes;
  }

  nextDeadline(): Instant | undefined {
    return this.#isOver ? undefined : this.#session.nextDeadline();
  }

  /** What is to be sent, framed; drains it. */
  takeFrames(): readonly Uint8Array[] {
    return this.#session.takeMessages().map(encodeFrame);
  }

  #take(now: Instant, outcome: ClientOutcome, into: SubscriberOutcome[]): void {
    switch (outcome.kind) {
      case "done":
      // No query of ours is in flight here, so that this is nobody's answer.
      case "ordinary":
        return;
      case "response":
      case "ended":
        this.#response(now, outcome, into);
        return;
      case "one-way":
        this.#oneWay(outcome, into);
        return;
      case "close": {
        const { rcode = Rcode.NOERROR, retryDelay } = outcome;
        this.#isOver = true;
        into.push({ kind: "close", rcode, ...(retryDelay === undefined ? {} : { retryDelay }) });
        return;
      }
      case "abort":
        this.#abort(outcome.reason, into);
    }
  }

  #response(
    now: Instant,
    { id, rcode, retryDelay = usualDelay(rcode) }: ClientOutcome & { kind: "response" | "ended" },
    into: SubscriberOutcome[],
  ): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) {
      // A later Keepalive that fails is of no consequence: the old values hold on.
      if (id !== this.#keepaliveId || rcode === Rcode.NOERROR) return;
      this.#isOver = true;
      into.push({ kind: "close", rcode, retryDelay });
      return;
    }
    if (rcode === Rcode.NOERROR) {
      subscription.isAccepted = true;
      if (subscription.isCancelled) this.#endSubscription(now, id);
      else into.push({ kind: "accepted", id });
      return;
    }
    this.#subscriptions.delete(id);
    if (subscription.isCancelled) return;
    const scope = rcode === Rcode.NOTAUTH ? "zone" : "server";
    into.push({ kind: "refused", id, rcode, retryDelay, scope });
  }

  #oneWay({ message, tlv }: ClientOutcome & { kind: "one-way" }, into: SubscriberOutcome[]): void {
    if (tlv.type !== DsoType.PUSH) return;
    let changes: readonly HeardChange[];
    try {
      changes = readPush(message, tlv);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#abort(`broken-push: ${error.message}`, into);
      return;
    }
    for (const change of changes) {
      for (const { id, question, isAccepted } of this.#subscriptions.values()) {
        if (isAccepted && concerns(change, question)) into.push({ kind: "change", id, change });
      }
    }
  }

  #cancelled({ name, type, class: rrClass }: Question): Subscription | undefined {
    for (const one of this.#subscriptions.values()) {
      const { question } = one;
      const isSame = question.type === type && question.class === rrClass;
      if (one.isCancelled && isSame && equalNames(question.name, name)) return one;
    }
    return undefined;
  }

  #endSubscription(now: Instant, id: number): void {
    this.#subscriptions.delete(id);
    this.#session.tell(now, unsubscribeTlv(id));
    this.#session.ended(now, id);
  }

  #abort(reason: string, into: SubscriberOutcome[]): void {
    this.#isOver = true;
    into.push({ kind: "abort", reason });
  }
}

/** Which records a collective removal takes is seen where they are held. */
function concerns(change: HeardChange, question: Question): boolean {
  if (change.kind === "remove-all") return equalNames(change.name, question.name);
  return answers(change.rr, question);
}
