// One DSO session as the client lives it (RFC 8490): requests get IDs, what the
// server sends is matched and judged, Keepalives go out when nothing else does.
// What a response or a PUSH means is the caller's affair, and so are connecting,
// and staying away for as long as the server asks.

import { after, type Duration, earliest, type Instant, seconds } from "../time.js";
import { DsoType, Opcode, Rcode } from "../wire/codes.js";
import { headerBytes } from "../wire/message.js";
import { encodeDso, type Tlv, type TlvBytes } from "../wire/tlv.js";
import {
  type DsoMessage,
  dsoMessageOf,
  hasCounts,
  keepaliveMin,
  keepaliveTlv,
  primaryOf,
  readRetryDelay,
  readTimeouts,
  type Timeouts,
} from "./messages.js";
import { leadsOneWay, leadsRequest } from "./places.js";
import type { State } from "./states.js";
import { Timers } from "./timers.js";

/** How long a server may take for its first response (RFC 8490 §5.1.1, DSO-06). */
const responsePatience: Duration = seconds(30);

const idMax = 0xffff;

export type ClientOutcome =
  | { readonly kind: "done" }
  /** Not of the session. */
  | { readonly kind: "ordinary" }
  /** The one response to a request. */
  | {
      readonly kind: "response";
      readonly id: number;
      readonly rcode: number;
      readonly retryDelay?: Duration;
    }
  /** The server ended what had begun well (DSO-25). */
  | {
      readonly kind: "ended";
      readonly id: number;
      readonly rcode: number;
      readonly retryDelay?: Duration;
    }
  | { readonly kind: "one-way"; readonly message: DsoMessage; readonly tlv: Tlv }
  /** To be closed gracefully; with a delay before which the server is left alone. */
  | { readonly kind: "close"; readonly rcode?: number; readonly retryDelay?: Duration }
  /** To be reset. */
  | { readonly kind: "abort"; readonly reason: string };

const done: ClientOutcome = { kind: "done" };

export class ClientSession {
  readonly #wishes: Timeouts;
  #state: State = { kind: "connected" };
  readonly #timers: Timers;
  /** Type of each request that has no response yet. */
  readonly #unanswered = new Map<number, number>();
  readonly #lasting = new Set<number>();
  #firstSentAt: Instant | undefined;
  #lastId = 0;
  #messages: Uint8Array[] = [];

  /** @param wishes  what every Keepalive asks for; the server decides (DSO-36) */
  constructor(now: Instant, wishes: Timeouts) {
    this.#wishes = wishes;
    this.#timers = new Timers(now);
  }

  get isEstablished(): boolean {
    return this.#state.kind === "established";
  }

  /** Sends a request. @returns its ID, by which the response is told */
  request(now: Instant, primary: TlvBytes): number {
    do this.#lastId = this.#lastId === idMax ? 1 : this.#lastId + 1;
    while (this.#unanswered.has(this.#lastId) || this.#lasting.has(this.#lastId));
    const id = this.#lastId;
    this.#unanswered.set(id, primary.type);
    this.#firstSentAt ??= now;
    // A Keepalive is no activity, nor is waiting for its answer.
    if (primary.type !== DsoType.KEEPALIVE) this.#timers.operationBegan();
    this.#send(now, { id, isResponse: false, rcode: 0 }, [primary]);
    return id;
  }

  /** Sends a one-way message; nothing before the session exists (DSO-09). */
  tell(now: Instant, primary: TlvBytes): void {
    if (!this.isEstablished) return;
    this.#send(now, { id: 0, isResponse: false, rcode: 0 }, [primary]);
  }

  /** Keepalive as a request, which is also how a session is best begun. */
  keepalive(now: Instant): number {
    return this.request(now, keepaliveTlv(this.#wishes));
  }

  /** What a request began is over, since the caller said so to the server. */
  ended(now: Instant, id: number): void {
    if (this.#lasting.delete(id)) this.#timers.operationEnded(now);
  }

  /** Takes one message of the server. */
  receive(now: Instant, bytes: Uint8Array): ClientOutcome {
    if (this.#state.kind === "aborted") return done;
    if (bytes.length < headerBytes) return this.#abort("short");
    if ((((bytes[2] as number) >> 3) & 0x0f) !== Opcode.DSO) {
      this.#timers.message(now, false);
      return { kind: "ordinary" };
    }
    const message = dsoMessageOf(bytes);
    if (message.tlvs === undefined || hasCounts(message)) return this.#abort("broken");
    this.#timers.message(now, primaryOf(message)?.type === DsoType.KEEPALIVE);
    if (message.header.isResponse) return this.#response(now, message);
    return message.header.id === 0 ? this.#oneWay(now, message) : this.#request(now, message);
  }

  /** Does what has fallen due. */
  expire(now: Instant): ClientOutcome {
    const next = this.nextDeadline();
    if (next === undefined || next > now) return done;
    if (!this.isEstablished) return this.#abort("no-response");
    const closing = this.#timers.inactivityClose;
    if (closing !== undefined && closing <= now) {
      this.#state = { kind: "aborted" };
      return { kind: "close" };
    }
    this.keepalive(now);
    return done;
  }

  nextDeadline(): Instant | undefined {
    switch (this.#state.kind) {
      case "connected":
        return this.#firstSentAt && after(this.#firstSentAt, responsePatience);
      case "established":
        return earliest(this.#timers.inactivityClose, this.#timers.keepaliveDue);
      default:
        return undefined;
    }
  }

  /** What is to be sent, each without its length prefix; drains it. */
  takeMessages(): readonly Uint8Array[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  #response(now: Instant, message: DsoMessage): ClientOutcome {
    const { id, rcode } = message.header;
    const type = this.#unanswered.get(id);
    const delay = message.tlvs?.find((tlv) => tlv.type === DsoType.RETRY_DELAY);
    const retryDelay = delay && readRetryDelay(message, delay);
    const told = { id, rcode, ...(retryDelay === undefined ? {} : { retryDelay }) };
    if (type === undefined) {
      if (!this.#lasting.has(id) || rcode === Rcode.NOERROR) return this.#abort("stray-response");
      this.ended(now, id);
      return { kind: "ended", ...told };
    }
    this.#unanswered.delete(id);
    if (type !== DsoType.KEEPALIVE) this.#timers.operationEnded(now);
    if (rcode === Rcode.NOERROR) {
      if (type === DsoType.KEEPALIVE && !this.#takesTimeouts(now, message)) {
        return this.#abort("wrong-keepalive");
      }
      if (type === DsoType.SUBSCRIBE) {
        this.#lasting.add(id);
        this.#timers.operationBegan();
      }
      this.#state = { kind: "established" };
    } else if (this.#unanswered.size === 0) {
      // A refusal leaves the stream to ordinary messages: no deadline runs there.
      this.#firstSentAt = undefined;
    }
    return { kind: "response", ...told };
  }

  #oneWay(now: Instant, message: DsoMessage): ClientOutcome {
    const tlv = primaryOf(message);
    if (!this.isEstablished || tlv === undefined) return this.#abort("early-one-way");
    if (!leadsOneWay("server", tlv.type)) return this.#abort("stray-one-way");
    if (tlv.type === DsoType.KEEPALIVE) {
      return this.#takesTimeouts(now, message) ? done : this.#abort("wrong-keepalive");
    }
    if (tlv.type !== DsoType.RETRY_DELAY) return { kind: "one-way", message, tlv };
    const retryDelay = readRetryDelay(message, tlv);
    if (retryDelay === undefined) return this.#abort("wrong-retry-delay");
    this.#state = { kind: "aborted" };
    return { kind: "close", rcode: message.header.rcode, retryDelay };
  }

  /** A server has nothing to request; what is unknown may be of another time than ours. */
  #request(now: Instant, message: DsoMessage): ClientOutcome {
    const type = primaryOf(message)?.type;
    if (type === undefined) return this.#abort("broken");
    const isKnown = leadsRequest("client", type) || leadsOneWay("server", type);
    if (isKnown || leadsOneWay("client", type)) return this.#abort("stray-request");
    const header = { id: message.header.id, isResponse: true, rcode: Rcode.DSOTYPENI };
    this.#send(now, header, []);
    return done;
  }

  /** @returns false unless there is exactly one Keepalive TLV, in front, with fair values */
  #takesTimeouts(now: Instant, message: DsoMessage): boolean {
    const [tlv, ...others] = message.tlvs ?? [];
    if (tlv?.type !== DsoType.KEEPALIVE) return false;
    if (others.some(({ type }) => type === DsoType.KEEPALIVE)) return false;
    const timeouts = readTimeouts(message, tlv);
    if (timeouts === undefined || timeouts.keepalive < keepaliveMin) return false;
    this.#timers.change(now, timeouts);
    return true;
  }

  #send(now: Instant, header: Parameters<typeof encodeDso>[0], tlvs: readonly TlvBytes[]): void {
    this.#timers.message(now, tlvs[0]?.type === DsoType.KEEPALIVE);
    this.#messages.push(encodeDso(header, tlvs));
  }

  #abort(reason: string): ClientOutcome {
    this.#state = { kind: "aborted" };
    this.#messages = [];
    return { kind: "abort", reason };
  }
}
