// What a server has said to one client on one stream, and whether it may have
// said that (RFC 8490; RFC 8765): the model of a session that the checkers hold
// against the truth. It hears what is written, and what arrives at the engine.

import type { Instant } from "../../src/time.js";
import { RRType, rcodeName } from "../../src/wire/codes.js";
import type { Question } from "../../src/wire/message.js";
import { formatRR } from "../../src/wire/text.js";
import { Copy } from "./copy.js";
import {
  type HeardDso,
  type HeardTlv,
  type PushedChange,
  readDso,
  readPush,
  Tlv,
} from "./dso-bytes.js";
import type { Hold } from "./exchanges.js";
import { demand } from "./violation.js";

/** Largest PUSH (PUSH-28). */
const pushBytesMax = 16_382;

/** A subscription that the server has accepted, or one on its way. */
export interface Wanted {
  readonly id: number;
  readonly question: Question;
  readonly since: Instant;
  readonly hold: Hold | undefined;
  isAccepted: boolean;
}

/** A request that the engine has read and not answered. */
interface Pending {
  readonly kind: "keepalive" | "subscribe" | "unknown";
  /** What has to be answered; undefined: NOERROR, or SERVFAIL where a limit is at work. */
  readonly rcode: number | undefined;
}

export type SessionState = "connected" | "established" | "leaving";

export class Session {
  state: SessionState = "connected";
  readonly copy = new Copy();
  readonly wanted = new Map<number, Wanted>();
  isBlocked = false;
  /** Something was sent that has to end in a reset. */
  mustReset = false;
  /** Something was sent in this step that ends in a reset unless what came before was refused. */
  mayReset = false;
  /** A SUBSCRIBE was sent, whatever became of it. */
  hasSubscribed = false;
  leavingSince: Instant | undefined;
  /** The last message in either direction, but for those that Keepalive leads. */
  activeAt: Instant;
  /** Told once more in this step: the initial set of a new subscription. */
  readonly #fresh = new Set<Wanted>();
  /** Cancelled in this step; what was on its way may still come. */
  readonly #ended = new Set<Wanted>();
  readonly #pending = new Map<number, Pending>();
  pushes = 0;

  constructor(now: Instant) {
    this.activeAt = now;
  }

  /** Whether a one-way message comes before the session exists (DSO-09). */
  get isUnopened(): boolean {
    const opens = [...this.#pending.values()].some(({ kind }) => kind === "keepalive");
    return this.state === "connected" && !opens;
  }

  findSame({ name, type, class: rrClass }: Question): Wanted | undefined {
    return [...this.wanted.values()].find(
      ({ question: other }) =>
        other.name.key === name.key && other.type === type && other.class === rrClass,
    );
  }

  // What arrives at the engine.

  request(id: number, pending: Pending): void {
    if (this.state !== "leaving") this.#pending.set(id, pending);
  }

  subscribes(wanted: Wanted): void {
    if (this.state === "leaving") return;
    this.wanted.set(wanted.id, wanted);
    this.#fresh.add(wanted);
  }

  unsubscribes(id: number): Wanted | undefined {
    const wanted = this.wanted.get(id);
    if (wanted !== undefined) this.#forget(wanted);
    return wanted;
  }

  // What the engine writes.

  /** @returns subscriptions that have ended with it */
  read(now: Instant, bytes: Uint8Array): readonly Wanted[] {
    const dso = readDso(bytes);
    demand(this.state !== "leaving", () => "a message after Retry Delay");
    const [primary] = dso.tlvs;
    if (dso.isResponse) return this.#response(now, dso);
    demand(dso.id === 0, () => `a request of the server, ID ${dso.id}`);
    demand(this.state === "established", () => "a one-way message before the session");
    demand(primary !== undefined, () => "a one-way message without a TLV");
    if (primary.type !== Tlv.keepalive) this.activeAt = now;
    switch (primary.type) {
      case Tlv.keepalive:
        demand(primary.end - primary.start === 8, () => "Keepalive's length");
        return [];
      case Tlv.retryDelay:
        return this.#leave(now);
      case Tlv.push:
        this.#push(dso, primary);
        return [];
      default:
        demand(false, () => `one-way TLV ${primary.type}`);
        return [];
    }
  }

  /** After a step: nothing is owed (DSO-23), and a fault has had its end. */
  settled(): void {
    this.mayReset = false;
    this.#fresh.clear();
    this.#ended.clear();
    if (this.state === "leaving") {
      this.#pending.clear();
      return;
    }
    demand(!this.mustReset, () => "not reset in spite of a fatal message");
    const [owed] = this.#pending.keys();
    demand(owed === undefined, () => `no response to DSO message ${owed}`);
  }

  #response(now: Instant, dso: HeardDso): readonly Wanted[] {
    const { id, rcode, tlvs } = dso;
    const pending = this.#pending.get(id);
    const wanted = this.wanted.get(id);
    if (pending === undefined) {
      demand(wanted?.isAccepted === true, () => `a response nobody waits for, ID ${id}`);
      demand(rcode !== 0, () => `a second response of NOERROR, ID ${id}`);
      checkDelay(dso);
      this.activeAt = now;
      this.#forget(wanted);
      return [wanted];
    }
    this.#pending.delete(id);
    const { kind, rcode: expected } = pending;
    const isExpected = expected === undefined ? rcode === 0 || rcode === 2 : rcode === expected;
    demand(isExpected, () => `${rcodeName(rcode)} to ${kind}, expected ${expected ?? "NOERROR"}`);
    if (kind !== "keepalive") this.activeAt = now;
    if (kind === "keepalive") {
      demand(tlvs[0]?.type === Tlv.keepalive && tlvs.length === 1, () => "Keepalive's response");
    } else if (kind === "subscribe" && rcode !== 0) checkDelay(dso);
    else demand(tlvs.length === 0, () => `TLVs in a response to ${kind}`);
    if (rcode === 0) this.state = "established";
    if (wanted === undefined) return [];
    if (rcode === 0) {
      wanted.isAccepted = true;
      return [];
    }
    this.#forget(wanted);
    return [wanted];
  }

  #leave(now: Instant): readonly Wanted[] {
    this.state = "leaving";
    this.leavingSince = now;
    const all = [...this.wanted.values()];
    this.wanted.clear();
    this.copy.clear();
    return all;
  }

  #forget(wanted: Wanted): void {
    this.wanted.delete(wanted.id);
    this.#ended.add(wanted);
    this.copy.removeAll((rr) => !this.#covers(this.wanted.values(), rr.name.key, rr.type));
  }

  #push(dso: HeardDso, tlv: HeardTlv): void {
    this.pushes += 1;
    const { length } = dso.bytes;
    demand(length <= pushBytesMax, () => `a PUSH of ${length} bytes`);
    demand(dso.tlvs.length === 1 && dso.rcode === 0, () => "a PUSH with something besides");
    const isInitial = this.#fresh.size > 0;
    demand(!this.isBlocked || isInitial, () => "a PUSH to a client that does not read");
    const changes = readPush(dso, tlv);
    demand(changes.length > 0, () => "an empty PUSH");
    for (const change of changes) this.#apply(change);
  }

  #apply(change: PushedChange): void {
    if (change.kind === "remove-all") {
      const { name, type } = change;
      const isMeant = (key: string, rrType: number) =>
        key === name.key && (type === RRType.ANY || type === rrType);
      const count = this.copy.removeAll((rr) => isMeant(rr.name.key, rr.type));
      demand(count > 0, () => `a removal of nothing, type ${type} at ${name.key}`);
      return;
    }
    const { rr } = change;
    if (change.kind === "remove") {
      demand(this.copy.remove(rr), () => `a removal of what was not told: ${formatRR(rr)}`);
      return;
    }
    // Only after the response (PUSH-18).
    const accepted = [...this.wanted.values()].filter(({ isAccepted }) => isAccepted);
    if (!this.#covers(accepted, rr.name.key, rr.type)) {
      const isLate = this.#covers(this.#ended, rr.name.key, rr.type);
      demand(isLate, () => `not subscribed to: ${formatRR(rr)}`);
      return;
    }
    const held = this.copy.find(rr);
    const isNews = held === undefined || held.ttlSeconds !== rr.ttlSeconds;
    const isInitial = this.#covers(this.#fresh, rr.name.key, rr.type);
    demand(isNews || isInitial, () => `told twice: ${formatRR(rr)}`);
    this.copy.add(rr);
  }

  /** PUSH-29: name, type and class of some subscription fit. */
  #covers(list: Iterable<Wanted>, key: string, type: number): boolean {
    for (const { question } of list) {
      const isHere = question.name.key === key && (question.class === 1 || question.class === 255);
      const isType = question.type === type || question.type === RRType.ANY;
      if (isHere && (isType || type === RRType.CNAME)) return true;
    }
    return false;
  }
}

/** PUSH-15: every refusal says for how long it holds. */
function checkDelay({ tlvs, rcode }: HeardDso): void {
  const [delay] = tlvs;
  const isRight = delay?.type === Tlv.retryDelay && delay.end - delay.start === 4;
  demand(isRight, () => `${rcodeName(rcode)} without Retry Delay`);
}
