// One DSO session as the server lives it (RFC 8490): what arrives is judged
// (arrival.ts), Keepalive is answered here, requests and one-way messages of
// the layers above are handed out and answered through `respond`. What is to be
// sent gathers in one queue, so that nothing overtakes a response.

import { after, type Duration, type Instant, ms, seconds } from "../time.js";
import { DsoType, Rcode } from "../wire/codes.js";
import { encodeDso, type Tlv, type TlvBytes } from "../wire/tlv.js";
import { judge } from "./arrival.js";
import {
  type DsoMessage,
  dsoLength,
  isPadded,
  keepaliveMin,
  keepaliveTlv,
  paddingTlv,
  primaryOf,
  readTimeouts,
  retryDelayTlv,
  type Timeouts,
} from "./messages.js";
import type { State } from "./states.js";
import { Timers } from "./timers.js";

/** How long a client may take to leave after a Retry Delay (RFC 8490 §6.6.1). */
const leavingPatience: Duration = seconds(5);

/** A request of a layer above; it gets exactly one `respond`. */
export interface Request {
  readonly id: number;
  readonly message: DsoMessage;
  /** The primary TLV. */
  readonly tlv: Tlv;
}

/** How a request is answered, or ended later. */
export interface Answer {
  readonly rcode: number;
  /** With an error only: how long to leave that operation alone (DSO-45). */
  readonly retryDelay?: Duration;
}

/** What a message asks of the layers above. */
export type Outcome =
  /** All that there was to do is done. */
  | { readonly kind: "done" }
  /** An ordinary message; `answered` or `dropped` is told what became of it. */
  | { readonly kind: "ordinary" }
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "one-way"; readonly message: DsoMessage; readonly tlv: Tlv }
  /** The stream is to be reset; `reason` is one of a fixed set of words. */
  | { readonly kind: "abort"; readonly reason: string };

export interface ServerSessionOptions {
  /** Under TLS responses are padded on demand (DSO-47). */
  readonly isSecure: boolean;
  /** What is granted, whatever the client wishes (DSO-36). */
  readonly granted: Timeouts;
  /** The client has to go as soon as there is a session in which to say so (DSO-43). */
  readonly turnAway?: { readonly rcode: number; readonly retryDelay: Duration };
}

const done: Outcome = { kind: "done" };

export class ServerSession {
  #options: ServerSessionOptions;
  #state: State = { kind: "connected" };
  readonly #timers: Timers;
  /** Subscriptions, and requests that were handed out, by message ID (DSO-15). */
  readonly #lasting = new Set<number>();
  readonly #unanswered = new Set<number>();
  #hasSubscribed = false;
  #messages: Uint8Array[] = [];
  /** Bytes of all messages so far. */
  bytesPushed = 0;

  constructor(now: Instant, options: ServerSessionOptions) {
    this.#options = options;
    this.#timers = new Timers(now);
  }

  get state(): State {
    return this.#state;
  }

  /** The session's timers have taken the place of the idle limit of RFC 7766 (DSO-07). */
  get isEstablished(): boolean {
    return this.#state.kind === "established";
  }

  /** Takes one message that arrived, whatever its opcode. */
  receive(now: Instant, bytes: Uint8Array): Outcome {
    const { reaction, reason, dso } = judge(bytes, this.#state.kind, {
      hasSubscribed: this.#hasSubscribed,
      isInUse: (id) => this.#lasting.has(id) || this.#unanswered.has(id),
    });
    if (reaction === "drop") return done;
    if (reaction === "abort") return this.abort(reason);
    if (dso === undefined) {
      this.#timers.message(now, false);
      this.#timers.operationBegan();
      return { kind: "ordinary" };
    }
    const tlv = primaryOf(dso);
    this.#timers.message(now, tlv?.type === DsoType.KEEPALIVE);
    if (reaction === "formerr" || tlv === undefined) {
      return this.#refuse(now, dso, Rcode.FORMERR);
    }
    switch (reaction) {
      case "one-way":
        return { kind: "one-way", message: dso, tlv };
      case "keepalive":
        return this.#keepalive(now, dso, tlv);
      case "request":
        return this.#handOut({ id: dso.header.id, message: dso, tlv });
      default:
        return this.#refuse(now, dso, Rcode.DSOTYPENI);
    }
  }

  /**
   * Answers a request. The first that succeeds makes the session (DSO-03); a SUBSCRIBE that
   * succeeds lasts until `ended` or `cancel`.
   */
  respond(now: Instant, request: Request, answer: Answer): void {
    if (!this.#unanswered.delete(request.id)) return;
    this.#reply(now, request.message, answer, retryDelayOf(answer));
    if (answer.rcode !== Rcode.NOERROR) return;
    if (request.tlv.type === DsoType.SUBSCRIBE) {
      this.#lasting.add(request.id);
      this.#timers.operationBegan();
    }
    if (this.#state.kind !== "connected") return;
    this.#establish(now);
    // The client would believe in 15 s, or in whatever it likes (DSO-38).
    if (this.isEstablished) this.#grant(now);
  }

  /** The client ended an operation. @returns false when there was none of that ID */
  ended(now: Instant, id: number): boolean {
    if (!this.#lasting.delete(id)) return false;
    this.#timers.operationEnded(now);
    return true;
  }

  /** We end an operation: a second response with its ID (DSO-25). */
  cancel(now: Instant, id: number, answer: Answer): void {
    if (!this.ended(now, id) || !this.isEstablished) return;
    const { rcode } = answer;
    this.send(now, encodeDso({ id, isResponse: true, rcode }, retryDelayOf(answer)));
  }

  /** Sends a one-way message of a layer above. */
  send(now: Instant, message: Uint8Array): void {
    if (!this.isEstablished) return;
    this.#timers.message(now, false);
    this.#push(message);
  }

  /** Something that is no DSO operation lasts on this stream as one would (LLQ-24). */
  hold(): void {
    this.#timers.operationBegan();
  }

  /** It is over. */
  release(now: Instant): void {
    this.#timers.operationEnded(now);
  }

  /** A message was sent that is none of the session's. */
  said(now: Instant): void {
    this.#timers.message(now, false);
  }

  /** An ordinary message has its answer. @returns whether that may still be sent (DSO-41) */
  answered(now: Instant): boolean {
    this.#timers.message(now, false);
    this.#timers.operationEnded(now);
    return this.#state.kind === "connected" || this.isEstablished;
  }

  /** An ordinary message gets no answer. */
  dropped(now: Instant): void {
    this.#timers.operationEnded(now);
  }

  /**
   * Asks the client to go and not to come back before the delay is over; what is still to be
   * said has to be said before.
   *
   * @returns false when there is no session in which that could be said (DSO-02)
   */
  leave(now: Instant, answer: Required<Answer>): boolean {
    if (!this.isEstablished) return false;
    const header = { id: 0, isResponse: false, rcode: answer.rcode };
    this.#push(encodeDso(header, [retryDelayTlv(answer.retryDelay)]));
    this.#state = { kind: "leaving", abortAt: after(now, leavingPatience) };
    return true;
  }

  /** Grants other values from now on, to a session that exists as well. */
  configure(now: Instant, granted: Timeouts): void {
    const { inactivity, keepalive } = this.#options.granted;
    this.#options = { ...this.#options, granted };
    const isSame = inactivity === granted.inactivity && keepalive === granted.keepalive;
    if (!isSame && this.isEstablished) this.#grant(now);
  }

  /** Ends the session at once. Nothing that is still queued will be sent. */
  abort(reason: string): Outcome {
    this.#state = { kind: "aborted" };
    this.#messages = [];
    return { kind: "abort", reason };
  }

  /** Does what has fallen due: only ends can. */
  expire(now: Instant): Outcome {
    const next = this.nextDeadline();
    if (next === undefined || next > now) return done;
    if (this.#state.kind === "leaving") return this.abort("stayed");
    const isIdle = (this.#timers.inactivityAbort ?? Number.POSITIVE_INFINITY) <= now;
    return this.abort(isIdle ? "inactive" : "silent");
  }

  nextDeadline(): Instant | undefined {
    switch (this.#state.kind) {
      case "established":
        return this.#timers.abort;
      case "leaving":
        return this.#state.abortAt;
      default:
        return undefined;
    }
  }

  /** What is to be sent, in order, each without its length prefix; drains it. */
  takeMessages(): readonly Uint8Array[] {
    if (this.#messages.length === 0) return [];
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  #push(message: Uint8Array): void {
    this.#messages.push(message);
    this.bytesPushed += message.length;
  }

  #handOut(request: Request): Outcome {
    this.#hasSubscribed ||= request.tlv.type === DsoType.SUBSCRIBE;
    this.#unanswered.add(request.id);
    return { kind: "request", request };
  }

  #keepalive(now: Instant, dso: DsoMessage, tlv: Tlv): Outcome {
    // What the client wishes is not read: the server's values bind (DSO-36).
    if (readTimeouts(dso, tlv) === undefined) return this.#refuse(now, dso, Rcode.FORMERR);
    const granted = this.#granted();
    this.#reply(now, dso, { rcode: Rcode.NOERROR }, [keepaliveTlv(granted)], true);
    if (this.#state.kind === "connected") this.#establish(now);
    this.#timers.change(now, granted);
    return done;
  }

  #refuse(now: Instant, dso: DsoMessage, rcode: number): Outcome {
    const isKeepalive = primaryOf(dso)?.type === DsoType.KEEPALIVE;
    this.#reply(now, dso, { rcode }, [], isKeepalive);
    return done;
  }

  #reply(
    now: Instant,
    dso: DsoMessage,
    { rcode }: Answer,
    tlvs: readonly TlvBytes[],
    isKeepalive = false,
  ): void {
    const isPadding = this.#options.isSecure && isPadded(dso);
    const whole = isPadding ? [...tlvs, paddingTlv(dsoLength(tlvs))] : tlvs;
    this.#timers.message(now, isKeepalive);
    this.#push(encodeDso({ id: dso.header.id, isResponse: true, rcode }, whole));
  }

  #establish(now: Instant): void {
    this.#state = { kind: "established" };
    this.#timers.restart(now);
    const { turnAway } = this.#options;
    if (turnAway !== undefined) this.leave(now, turnAway);
  }

  /** A Keepalive without being asked; it takes effect at once. */
  #grant(now: Instant): void {
    const granted = this.#granted();
    const header = { id: 0, isResponse: false, rcode: Rcode.NOERROR };
    this.#push(encodeDso(header, [keepaliveTlv(granted)]));
    this.#timers.message(now, true);
    this.#timers.change(now, granted);
  }

  #granted(): Timeouts {
    const { inactivity, keepalive } = this.#options.granted;
    return { inactivity, keepalive: ms(Math.max(keepalive, keepaliveMin)) };
  }
}

const retryDelayOf = ({ retryDelay }: Answer): readonly TlvBytes[] =>
  retryDelay === undefined ? [] : [retryDelayTlv(retryDelay)];
