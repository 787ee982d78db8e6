// The bytes of what is sent (RFC 8764 §5.2, §6, §7): header, questions, answers
// as far as they fit, and one OPT with an option for each question. All are
// plain unicast messages, so that SRV targets stay uncompressed (RFC 2782).

import { paddedEdns } from "../wire/edns.js";
import type { Question } from "../wire/message.js";
import type { RR } from "../wire/rr.js";
import { MessageWriter } from "../wire/writer.js";
import type { Difference } from "./llq.js";
import {
  encodeOption,
  LlqError,
  LlqOpcode,
  type LlqOption,
  llqOptionBytes,
  llqVersion,
} from "./option.js";

/** Stands in the TTL of a record that is gone (RFC 8764 §6.2). */
const removedTtl = 0xffff_ffff;

/** RFC 2181 §8: the top bit is no part of a TTL, and here it would make a removal of it. */
const ttlMax = 0x7fff_ffff;

const messageBytesMax = 65_535;
const optBytes = 11;

/** Additional RRsets that may be tried in vain before the rest is left out. */
const misfitsMax = 8;

export interface ReplyHead {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** The largest reply that may be padded; absent where it may not be (EDNS-11). */
  readonly paddedMax?: number;
}

export interface Answered {
  readonly question: Question;
  readonly option: LlqOption;
}

/** An option of a reply to opcode `opcode` that says no. */
export function failure(opcode: number, error: number, leaseSeconds = 0): LlqOption {
  return { version: llqVersion, opcode, error, id: 0n, leaseSeconds };
}

export function success(opcode: number, id: bigint, leaseSeconds: number): LlqOption {
  return { version: llqVersion, opcode, error: LlqError.NO_ERROR, id, leaseSeconds };
}

/** A reply without answers: Setup Challenge, Refresh Ack, or either refused. */
export function encodeReply(head: ReplyHead, answered: readonly Answered[]): Uint8Array {
  const writer = begin(messageBytesMax, head, answered);
  return finish(writer, answered, head.paddedMax);
}

export interface Answers extends Answered {
  /** What is to be told, and what with it where there is room. */
  readonly rrs: readonly RR[];
  readonly additionals: readonly (readonly RR[])[];
}

/**
 * ACK + Answers. What has no room is left out: additionals first (LLQ-14).
 *
 * @returns also how many RRs of each question are in it, the first ones
 */
export function encodeAnswers(
  limit: number,
  head: ReplyHead,
  answers: readonly Answers[],
): { readonly bytes: Uint8Array; readonly told: readonly number[] } {
  const writer = begin(limit, head, answers);
  let isWhole = true;
  const told = answers.map(({ rrs }) => {
    let count = 0;
    while (isWhole && count < rrs.length) {
      if (writer.append("answer", [added(rrs[count] as RR)])) count += 1;
      else isWhole = false;
    }
    return count;
  });
  let misfits = isWhole ? 0 : misfitsMax;
  for (const set of answers.flatMap(({ additionals }) => additionals)) {
    if (misfits >= misfitsMax) break;
    if (!writer.append("additional", set)) misfits += 1;
  }
  return { bytes: finish(writer, answers, head.paddedMax), told };
}

export interface Event {
  readonly bytes: Uint8Array;
  /** What it tells; the rest had no room. */
  readonly told: Difference;
  /** False: the next message can tell more. */
  readonly isWhole: boolean;
  /** Nothing at all is left to be told. */
  readonly isComplete: boolean;
}

/**
 * Changes of one LLQ, removals first (RFC 8764 §6).
 *
 * @returns undefined when there is nothing that fits into a message
 */
export function encodeEvent(
  limit: number,
  id: number,
  question: Question,
  llqId: bigint,
  change: Difference,
): Event | undefined {
  const answered = [{ question, option: success(LlqOpcode.EVENT, llqId, 0) }];
  const writer = begin(limit, { id, recursionDesired: false }, answered);
  const gone = change.removed.map((rr) => ({ ...rr, ttlSeconds: removedTtl }));
  const lines = [...gone, ...change.added.map(added)];
  const fitting: number[] = [];
  let isWhole = true;
  for (const [at, rr] of lines.entries()) {
    if (writer.append("answer", [rr])) fitting.push(at);
    else if (fitting.length > 0) {
      isWhole = false;
      break;
    }
    // Else it is too large for any message, and the others are not to wait for it.
  }
  if (fitting.length === 0) return undefined;
  const { length } = gone;
  const told = {
    removed: fitting.filter((at) => at < length).map((at) => change.removed[at] as RR),
    added: fitting.filter((at) => at >= length).map((at) => change.added[at - length] as RR),
  };
  return {
    bytes: finish(writer, answered),
    told,
    isWhole,
    isComplete: fitting.length === lines.length,
  };
}

function added(rr: RR): RR {
  return rr.ttlSeconds <= ttlMax ? rr : { ...rr, ttlSeconds: ttlMax };
}

function begin(limit: number, head: ReplyHead, answered: readonly Answered[]): MessageWriter {
  const writer = new MessageWriter(limit, "unicast");
  writer.header({ id: head.id, isResponse: true, aa: true, rd: head.recursionDesired });
  for (const { question } of answered) writer.question(question);
  writer.reserve(optBytes + llqOptionBytes * answered.length);
  return writer;
}

/** The OPT of every LLQ message has class and TTL 0 (LLQ-02). */
function finish(writer: MessageWriter, answered: readonly Answered[], paddedMax = 0): Uint8Array {
  const edns = {
    udpSize: 0,
    version: 0,
    extendedRcode: 0,
    dnssecOk: false,
    options: answered.map(({ option }) => encodeOption(option)),
  };
  writer.edns(paddedEdns(edns, writer.length, Math.min(paddedMax, messageBytesMax)));
  return writer.finish();
}
