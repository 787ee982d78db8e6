// The messages of an LLQ as its client writes and reads them (RFC 8764 §5, §6.3,
// §7): ordinary ones with one question and one LLQ option in their OPT.

import { EdnsOption, RRClass, RRType } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { decodeOption, encodeOption, type LlqOption } from "../wire/llq-option.js";
import { decodeMessage, encodeMessage, type Message, type Question } from "../wire/message.js";
import { equalNames } from "../wire/name.js";
import type { EdnsOptionBytes } from "../wire/rdata/index.js";
import type { RR } from "../wire/rr.js";
import { recordsMax } from "./limits.js";
import { answers, type HeardChange } from "./push-changes.js";

/** Stands in the TTL of a record that is gone (RFC 8764 §6.2). */
const removedTtl = 0xffff_ffff;
const ttlMax = 0x7fff_ffff;

/** What no LLQ may be about (RFC 8764 §5.2.1). */
export function isAskable({ type, class: rrClass }: Question): boolean {
  return type !== RRType.ANY && rrClass !== RRClass.ANY && rrClass !== RRClass.NONE;
}

/** Class and TTL of the OPT are 0: neither means anything here (LLQ-02). */
const optOf = (option: EdnsOptionBytes) => ({
  udpSize: 0,
  version: 0,
  extendedRcode: 0,
  dnssecOk: false,
  options: [option],
});

export function encodeRequest(id: number, question: Question, option: LlqOption): Uint8Array {
  return encodeMessage({ id, rd: true, questions: [question], edns: optOf(encodeOption(option)) });
}

/** The acknowledgement of an event: its ID, its question and its option (RFC 8764 §6.3). */
export function encodeAck(id: number, question: Question, option: LlqOption): Uint8Array {
  const edns = optOf(encodeOption(option));
  return encodeMessage({ id, isResponse: true, questions: [question], edns });
}

export interface Reply {
  readonly message: Message;
  /** Absent when the server does not know LLQs. */
  readonly option?: LlqOption;
}

/** @returns undefined for what is no response, is broken, or is about something else */
export function readReply(bytes: Uint8Array, question: Question): Reply | undefined {
  let message: Message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
  if (!message.isResponse || message.opcode !== 0 || message.questions.length > 1) return undefined;
  const [asked] = message.questions;
  // Whoever does not understand a query may not repeat it either.
  if (asked === undefined && message.rcode === 0) return undefined;
  if (asked !== undefined && !isSame(asked, question)) return undefined;
  const options = message.edns?.options.filter(({ code }) => code === EdnsOption.LLQ) ?? [];
  if (options.length > 1) return undefined;
  const option = options[0] && decodeOption(options[0].bytes);
  return option === undefined ? { message } : { message, option };
}

function isSame(a: Question, b: Question): boolean {
  return a.type === b.type && a.class === b.class && equalNames(a.name, b.name);
}

/** The records that answer the question, with what their TTLs say of them (RFC 8764 §6.1). */
export function changesIn({ answers: rrs }: Message, question: Question): HeardChange[] {
  return rrs
    .filter((rr) => answers(rr, question))
    .slice(0, recordsMax)
    .map((rr) => ({ kind: rr.ttlSeconds === removedTtl ? "remove" : "add", rr: sound(rr) }));
}

/** RFC 2181 §8: a TTL with the top bit set is none. */
function sound(rr: RR): RR {
  return rr.ttlSeconds > ttlMax ? { ...rr, ttlSeconds: 0 } : rr;
}
