// The first look at a message that may concern LLQs (RFC 8764 §5.2, §6.3, §7):
// questions and options side by side, or an acknowledgement. What is broken as
// a DNS message, and what is none of LLQ's affair, is left to ordinary queries,
// which have the rcodes for it (EDNS-02, EDNS-03, EDNS-05).

import { EdnsOption, RRClass, RRType } from "../wire/codes.js";
import type { Edns } from "../wire/edns.js";
import { FormatError } from "../wire/errors.js";
import { decodeMessage, type Message, type Question } from "../wire/message.js";
import { nameBytesMax, wireLength } from "../wire/name.js";
import type { Asker } from "./asker.js";
import { decodeOption, LlqError, type LlqOption, llqVersion, seemsLlq } from "./option.js";

/** One question and the option at its place; undefined when that is missing or malformed. */
export interface Wish {
  readonly question: Question;
  readonly option: LlqOption | undefined;
}

export interface Request {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** One at least. */
  readonly wishes: readonly Wish[];
  /** UDP: the largest answer the client takes, and for a size of 0 no bound (LLQ-02). */
  readonly sizeMax: number;
  /** TLS, asked with Padding: the largest reply that may be padded (RFC 7830 §4). */
  readonly paddedMax?: number;
}

/** The echo of an event's option; the question may be there or not. */
export interface Acknowledgement {
  readonly id: number;
  readonly options: readonly LlqOption[];
}

export type Received =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "acknowledgement"; readonly acknowledgement: Acknowledgement };

/** LLQ-04: a request over UDP is one packet; a longer one comes from no client. */
const datagramMax = 1232;

/**
 * Questions of one datagram. A reply to an unproven address has an option for each, wanted or
 * not, and must not be worth a forged source.
 */
const questionsPerDatagramMax = 16;

const sizeMin = 512;

/** @returns undefined when the message is not for LLQs */
export function receive(bytes: Uint8Array, transport: Asker["transport"]): Received | undefined {
  if (!seemsLlq(bytes)) return undefined;
  let message: Message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  const { edns, questions } = message;
  if (edns === undefined || edns.version !== 0) return undefined;
  const options = llqOptions(edns);
  if (options.length === 0) return undefined;
  if (message.isResponse) {
    const sound = options.filter((option) => option !== undefined);
    return { kind: "acknowledgement", acknowledgement: { id: message.id, options: sound } };
  }
  if (
    transport === "udp" &&
    (bytes.length > datagramMax || questions.length > questionsPerDatagramMax)
  ) {
    return undefined;
  }
  if (questions.length === 0) return undefined;
  if (questions.some(({ name }) => wireLength(name) > nameBytesMax)) return undefined;
  const isPaired = options.length === questions.length;
  const wishes = questions.map((question, at) => ({
    question,
    // LLQ-04: when the counts differ, no option can be told to belong to a question.
    option: isPaired ? options[at] : undefined,
  }));
  const sizeMax =
    edns.udpSize === 0 ? Number.POSITIVE_INFINITY : Math.max(sizeMin, edns.udpSize, bytes.length);
  const { id, rd: recursionDesired } = message;
  const isPadding = edns.options.some(({ code }) => code === EdnsOption.PADDING);
  const padded = transport === "tls" && isPadding ? { paddedMax: sizeMax } : {};
  return { kind: "request", request: { id, recursionDesired, wishes, sizeMax, ...padded } };
}

function llqOptions(edns: Edns): readonly (LlqOption | undefined)[] {
  return edns.options
    .filter((option) => option.code === EdnsOption.LLQ)
    .map((option) => decodeOption(option.bytes));
}

/** What is wrong with an option, whatever the question (LLQ-09, LLQ-10). */
export function optionFault(option: LlqOption | undefined, opcode: number): number | undefined {
  if (option === undefined) return LlqError.FORMAT_ERR;
  if (option.version !== llqVersion) return LlqError.BAD_VERS;
  return option.opcode === opcode ? undefined : LlqError.FORMAT_ERR;
}

/** What cannot be asked by LLQ (LLQ-05): all types or classes, and types that are no records'. */
export function questionFault(question: Question): number | undefined {
  const { type, class: qclass } = question;
  if (qclass === RRClass.ANY || qclass === RRClass.NONE || qclass === 0) return LlqError.FORMAT_ERR;
  const isMeta = type === 0 || type === RRType.OPT || (type >= RRType.TKEY && type <= RRType.ANY);
  if (isMeta) return LlqError.FORMAT_ERR;
  return qclass === RRClass.IN ? undefined : LlqError.UNKNOWN_ERR;
}
