// One connection to a primary, and one request on it at a time: sent when there
// is a connection, signed at the moment of sending, answered when a message with
// its ID and a good signature has come. What an answer means is publisher.ts's.

import type { Counts } from "../counts.js";
import type { Random } from "../random.js";
import { after, earliest, type Instant } from "../time.js";
import { Rcode } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import { decodeHeader, decodeMessage, decodePartial, type Message } from "../wire/message.js";
import { equalNames, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { sign, type TsigKey, TsigStream, type Verdict, verify } from "../wire/tsig.js";
import { answerWait, connectionIdle, rumourWait, transferSpan } from "./limits.js";
import { Transfer, type ZoneCopy } from "./transfer.js";

/**
 * What stands at a name, by an answer; undefined where it does not say, or not all of it: who took
 * a part for the whole would take the rest for gone.
 */
export function recordsIn(outcome: Outcome): readonly RR[] | undefined {
  if (outcome.kind !== "answer" || !outcome.isWhole) return undefined;
  const isSaid = outcome.rcode === Rcode.NOERROR || outcome.rcode === Rcode.NXDOMAIN;
  return isSaid ? outcome.message.answers : undefined;
}

/** What the edge is to do with the one stream of this exchange. */
export type StreamEffect =
  | { readonly kind: "open" }
  | { readonly kind: "write"; readonly bytes: Uint8Array }
  /** `isFault`: for something that this server did or did not do. */
  | { readonly kind: "close"; readonly isFault: boolean };

export interface Request {
  /** Without ID and TSIG. */
  readonly message: Uint8Array;
  /** The zone that is transferred; absent: one message answers. */
  readonly transfer?: Name;
}

export type Outcome =
  | {
      readonly kind: "answer";
      readonly rcode: number;
      readonly message: Message;
      /** Neither cut by the server, nor with anything in it that cannot be read. */
      readonly isWhole: boolean;
    }
  | { readonly kind: "copy"; readonly copy: ZoneCopy }
  /** The peer's clock or ours is wrong; nothing was done. */
  | { readonly kind: "clock"; readonly offsetSeconds: number | undefined }
  /**
   * No answer that may be believed. `rcode` is what was said without proof; `wasSent`: the
   * request may have been carried out all the same.
   */
  | {
      readonly kind: "failed";
      readonly reason: string;
      readonly wasSent: boolean;
      readonly rcode?: number;
      readonly tsigError?: number;
    };

interface Sent {
  readonly id: number;
  /** What it was signed with: its answer is too, whatever key is used by then. */
  readonly key: TsigKey | undefined;
  readonly mac: Uint8Array;
  readonly transfer:
    | {
        readonly records: Transfer;
        readonly proof: TsigStream | undefined;
        /** However steadily it comes. */
        readonly until: Instant;
      }
    | undefined;
  /** An answer without proof: what it said, for when nothing better comes (TSIG-11). */
  rumour: { readonly rcode: number; readonly tsigError?: number } | undefined;
}

export class Exchange {
  readonly #clock: (now: Instant) => number;
  readonly #random: Random;
  readonly #counts: Counts;
  #key: TsigKey | undefined;
  #stream: "none" | "opening" | "open" = "none";
  #frames = new FrameReader();
  #request: Request | undefined;
  #sent: Sent | undefined;
  #deadline: Instant | undefined;
  #effects: StreamEffect[] = [];
  #outcome: Outcome | undefined;

  /**
   * @param key    undefined only where updates without proof are allowed expressly (UP-19)
   * @param clock  seconds since 1970 at an instant
   */
  constructor(
    key: TsigKey | undefined,
    clock: (now: Instant) => number,
    random: Random,
    counts: Counts,
  ) {
    this.#key = key;
    this.#clock = clock;
    this.#random = random;
    this.#counts = counts;
  }

  /** Whether a request is under way. */
  get isBusy(): boolean {
    return this.#request !== undefined;
  }

  /** Signs with this key from the next request on. @returns whether it is another one */
  setKey(key: TsigKey | undefined): boolean {
    const isOther = !isSameKey(this.#key, key);
    this.#key = key;
    return isOther;
  }

  /** Begins a request; there is none under way. */
  send(now: Instant, request: Request): void {
    this.#request = request;
    this.#deadline = after(now, answerWait);
    if (this.#stream === "open") this.#write(now, request);
    else if (this.#stream === "none") {
      this.#stream = "opening";
      this.#effects.push({ kind: "open" });
    }
  }

  /** The stream is there. */
  opened(now: Instant): void {
    if (this.#stream !== "opening") return;
    this.#stream = "open";
    this.#frames = new FrameReader();
    if (this.#request === undefined) this.#deadline = after(now, connectionIdle);
    else this.#write(now, this.#request);
  }

  /** The stream is gone, or could not be had. */
  closed(reason: string): void {
    if (this.#stream === "none") return;
    this.#stream = "none";
    this.#deadline = undefined;
    if (this.#request !== undefined) this.#fail(reason);
  }

  received(now: Instant, bytes: Uint8Array): void {
    if (this.#stream !== "open") return;
    this.#frames.push(bytes);
    for (;;) {
      const message = this.#frames.take();
      if (message === undefined || this.#stream !== "open") return;
      this.#message(now, message);
    }
  }

  expire(now: Instant): void {
    if (this.#deadline === undefined || now < this.#deadline) return;
    this.#deadline = undefined;
    const isFault = this.#request !== undefined;
    const isEndless = this.#sent?.transfer !== undefined && now >= this.#sent.transfer.until;
    if (isEndless) this.#fail("the transfer of the zone does not come to an end");
    else if (isFault) this.#fail("the server does not answer");
    this.#close(isFault);
  }

  nextDeadline(): Instant | undefined {
    return this.#deadline;
  }

  /** The server has failed: the next request goes to another one, if there is one (UP-20). */
  drop(): void {
    if (this.#request !== undefined) return;
    this.#deadline = undefined;
    this.#close(true);
  }

  /** What is to be done with the stream; drains it. */
  takeEffects(): readonly StreamEffect[] {
    return this.#effects.splice(0);
  }

  /** What became of the last request, once. */
  takeOutcome(): Outcome | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    return outcome;
  }

  #write(now: Instant, request: Request): void {
    const key = this.#key;
    const id = this.#random.uint32() & 0xffff;
    const message = request.message.slice();
    message[0] = id >> 8;
    message[1] = id;
    const signed =
      key === undefined
        ? { bytes: message, mac: new Uint8Array(0) }
        : sign(message, key, Math.floor(this.#clock(now)));
    const transfer = request.transfer && {
      records: new Transfer(request.transfer),
      proof: key && new TsigStream(key, signed.mac),
      until: after(now, transferSpan),
    };
    this.#sent = { id, key, mac: signed.mac, transfer, rumour: undefined };
    this.#deadline = after(now, answerWait);
    this.#effects.push({ kind: "write", bytes: encodeFrame(signed.bytes) });
  }

  #message(now: Instant, bytes: Uint8Array): void {
    const sent = this.#sent;
    if (sent === undefined || !isAnswerTo(sent, this.#request, bytes)) {
      this.#counts.add("drops", "update-stray-answer");
      return;
    }
    const verdict = this.#judge(now, sent, bytes);
    if (sent.transfer !== undefined) this.#part(now, sent.transfer, verdict, bytes);
    else if (verdict === undefined || verdict.kind === "verified") {
      this.#answer(now, verdict, bytes);
    } else this.#unproven(now, sent, verdict, bytes);
  }

  /** Undefined: no proof is wanted. */
  #judge(now: Instant, sent: Sent, bytes: Uint8Array): Verdict | undefined {
    const { key } = sent;
    if (key === undefined) return undefined;
    const seconds = this.#clock(now);
    const proof = sent.transfer?.proof;
    return proof === undefined ? verify(bytes, key, seconds, sent.mac) : proof.take(bytes, seconds);
  }

  #answer(now: Instant, verdict: Verdict | undefined, bytes: Uint8Array): void {
    if (verdict?.kind === "verified" && verdict.error !== 0) {
      const offsetSeconds =
        verdict.peerSeconds && verdict.peerSeconds - Math.floor(this.#clock(now));
      this.#end(now, { kind: "clock", offsetSeconds });
      return;
    }
    // What an UPDATE's answer repeats is not read, so that a fault in it does not matter.
    const { message, fault } = decodePartial(bytes);
    const rcode = ((message.edns?.extendedRcode ?? 0) << 4) | message.rcode;
    const isWhole = fault === undefined && !message.tc;
    this.#end(now, { kind: "answer", rcode, message, isWhole });
  }

  /** TSIG-11: not an answer. What it says counts when no other comes, unless it says yes. */
  #unproven(now: Instant, sent: Sent, verdict: Verdict, bytes: Uint8Array): void {
    this.#counts.add("update-unproven", verdict.kind);
    const { rcode } = decodeHeader(bytes);
    if (rcode === Rcode.NOERROR) return;
    sent.rumour = verdict.kind === "refused" ? { rcode, tsigError: verdict.error } : { rcode };
    this.#deadline = earliest(this.#deadline, after(now, rumourWait));
  }

  #part(
    now: Instant,
    transfer: NonNullable<Sent["transfer"]>,
    verdict: Verdict | undefined,
    bytes: Uint8Array,
  ): void {
    const isGood = verdict === undefined || verdict.kind === "verified";
    const isPending = verdict?.kind === "unsigned" && transfer.proof?.hasBegun === true;
    if (!isGood && !isPending) {
      const tsigError = verdict.kind === "refused" ? verdict.error : undefined;
      this.#breakOff("a transfer without proof", decodeHeader(bytes).rcode, tsigError);
      return;
    }
    const step = readPart(transfer.records, bytes);
    switch (step.kind) {
      case "more":
        this.#deadline = earliest(after(now, answerWait), transfer.until);
        return;
      case "complete":
        if (transfer.proof?.isVouched === false) this.#breakOff("a transfer without proof");
        else this.#end(now, { kind: "copy", copy: step.copy });
        return;
      case "refused":
        this.#breakOff("the transfer is refused", step.rcode);
        return;
      case "broken":
        this.#breakOff(`the transfer ${step.reason}`);
        return;
    }
  }

  /** Further messages of the transfer may be on their way: only a new stream is clean. */
  #breakOff(reason: string, rcode?: number, tsigError?: number): void {
    const sent = this.#sent;
    if (sent !== undefined && rcode !== undefined && rcode !== Rcode.NOERROR) {
      sent.rumour = tsigError === undefined ? { rcode } : { rcode, tsigError };
    }
    this.#fail(reason);
    this.#deadline = undefined;
    this.#close(true);
  }

  #fail(reason: string): void {
    const rumour = this.#sent?.rumour;
    const wasSent = this.#sent !== undefined;
    this.#request = undefined;
    this.#sent = undefined;
    this.#outcome = { kind: "failed", reason, wasSent, ...rumour };
  }

  #end(now: Instant, outcome: Outcome): void {
    this.#request = undefined;
    this.#sent = undefined;
    this.#outcome = outcome;
    this.#deadline = after(now, connectionIdle);
  }

  #close(isFault: boolean): void {
    if (this.#stream === "none") return;
    this.#stream = "none";
    this.#effects.push({ kind: "close", isFault });
  }
}

/** UP-32: ID, QR and opcode. Anything else on the stream belongs to nothing we asked. */
function isAnswerTo(sent: Sent, request: Request | undefined, bytes: Uint8Array): boolean {
  if (request === undefined || bytes.length < 12) return false;
  const header = decodeHeader(bytes);
  const { opcode } = decodeHeader(request.message);
  return header.id === sent.id && header.isResponse && header.opcode === opcode;
}

function readPart(transfer: Transfer, bytes: Uint8Array) {
  try {
    return transfer.take(decodeMessage(bytes));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: "broken", reason: error.message } as const;
  }
}

function isSameKey(a: TsigKey | undefined, b: TsigKey | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const hasSameSecret = a.secret.join() === b.secret.join();
  return equalNames(a.name, b.name) && a.algorithm === b.algorithm && hasSameSecret;
}
