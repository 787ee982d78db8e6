// The first look at a unicast query (RFC 1035 §4.1, RFC 6891, RFC 8906): what
// is dropped, what is wrong with it and which rcode says so, and, if nothing
// is, what was asked. Zones, clients and links come after.

import { streamMessageMax } from "../limits.js";
import { EdnsOption, Opcode, Rcode, RRClass, RRType } from "../wire/codes.js";
import type { Edns } from "../wire/edns.js";
import { FormatError } from "../wire/errors.js";
import {
  decodeHeader,
  decodeMessage,
  decodePartial,
  type HeaderCounts,
  headerBytes,
  type Message,
  type Question,
} from "../wire/message.js";
import { nameBytesMax, wireLength } from "../wire/name.js";
import { type CookieState, isCookieLength } from "./cookies.js";
import { countOpts } from "./opt-scan.js";

/** What the answer's OPT is made from (RFC 6891 §6.1, §7): one if and only if asked with. */
export interface AskedEdns {
  readonly dnssecOk: boolean;
  readonly wantsNsid: boolean;
  /** Asked with Padding: the largest message that the client takes (RFC 7830 §4). */
  readonly paddedMax?: number;
  /** Asked with a cookie: the one of the answer. */
  readonly cookie?: Uint8Array;
}

/** A well-formed query, as far as a look at it alone can tell. */
export interface Query {
  readonly id: number;
  readonly question: Question;
  readonly recursionDesired: boolean;
  readonly edns?: AskedEdns;
  /** Largest answer in bytes (DP-113). */
  readonly answerMax: number;
  readonly isStream: boolean;
}

/** A message that gets an rcode and nothing else but what an OPT says. */
export interface Refusal {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly rcode: number;
  readonly question?: Question;
  readonly edns?: AskedEdns;
}

export type Received =
  | { readonly kind: "dropped"; readonly reason: "short" | "response" }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "query"; readonly query: Query };

/** What is said to a COOKIE option (RFC 7873 §5.2). */
export interface CookieAnswer {
  readonly state: CookieState;
  readonly cookie: Uint8Array;
}

export interface ReceiveRules {
  /** Largest UDP answer. */
  readonly udpSize: number;
  /** Answers an option of a length that it can have; absent: we know no such option. */
  readonly answerCookie?: (option: Uint8Array) => CookieAnswer;
}

const udpSizeMin = 512;

const plainEdns: AskedEdns = { dnssecOk: false, wantsNsid: false };

/** Zone transfers, which are undefined for zones that are never complete (DP-112). */
const transfers: readonly number[] = [RRType.AXFR, RRType.IXFR];

export function receive(bytes: Uint8Array, isStream: boolean, rules: ReceiveRules): Received {
  if (bytes.length < headerBytes) return { kind: "dropped", reason: "short" };
  const header = decodeHeader(bytes);
  if (header.isResponse) return { kind: "dropped", reason: "response" };
  if (header.opcode !== Opcode.QUERY) return refused(header, Rcode.NOTIMP, bytes);
  if (header.qdcount > 1) return refused(header, Rcode.FORMERR, bytes);
  let message: Message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refused(header, Rcode.FORMERR, bytes);
  }
  const opts = countOpts(bytes);
  // RFC 6891 §6.1.1: one OPT, in the additional section, owned by the root.
  if (opts.count > 1 || opts.isMisplaced) return refused(header, Rcode.FORMERR, bytes);
  const [question] = message.questions;
  if (question !== undefined) return judge(header, message, question, bytes, isStream, rules);
  return judgeCookie(message, rules) ?? refused(header, Rcode.FORMERR, bytes);
}

function judge(
  header: HeaderCounts,
  message: Message,
  question: Question,
  bytes: Uint8Array,
  isStream: boolean,
  rules: ReceiveRules,
): Received {
  // Only a link knows names of one byte more (DP-70).
  if (wireLength(question.name) > nameBytesMax) return refused(header, Rcode.FORMERR, bytes);
  const { edns } = message;
  const recursionDesired = message.rd;
  const asked = edns === undefined ? undefined : askedWith(edns, rules);
  const answer = (rcode: number): Received => ({
    kind: "refused",
    refusal: {
      id: message.id,
      opcode: message.opcode,
      recursionDesired,
      rcode,
      question,
      // An error tells what is wrong and not who we are.
      ...(asked === undefined ? {} : { edns: { ...asked, wantsNsid: false } }),
    },
  });
  if (edns !== undefined && edns.version > 0) return answer(Rcode.BADVERS);
  if (edns !== undefined && isStream && hasBadKeepalive(edns)) return answer(Rcode.FORMERR);
  if (edns !== undefined && hasBadCookie(edns, rules)) return answer(Rcode.FORMERR);
  if (question.class !== RRClass.IN && question.class !== RRClass.ANY) return answer(Rcode.REFUSED);
  if (transfers.includes(question.type)) return answer(Rcode.REFUSED);
  const size = edns === undefined ? udpSizeMin : sizeOf(edns);
  const udpMax = Math.min(size, Math.max(rules.udpSize, udpSizeMin));
  const query: Query = {
    id: message.id,
    question,
    recursionDesired,
    answerMax: isStream ? streamMessageMax : udpMax,
    isStream,
    ...(asked === undefined ? {} : { edns: asked }),
  };
  return { kind: "query", query };
}

/**
 * RFC 7873 §5.4: without a question, a cookie alone may be asked for, or whether one is good.
 * That is what BADCOOKIE says here; it refuses nothing.
 */
function judgeCookie({ id, opcode, rd, edns }: Message, rules: ReceiveRules): Received | undefined {
  if (edns === undefined || edns.version > 0 || hasBadCookie(edns, rules)) return undefined;
  const option = cookieIn(edns);
  const answer = option === undefined ? undefined : rules.answerCookie?.(option);
  if (answer === undefined) return undefined;
  const { state, cookie } = answer;
  const rcode = state === "bad" ? Rcode.BADCOOKIE : Rcode.NOERROR;
  const asked = { dnssecOk: edns.dnssecOk, wantsNsid: false, cookie };
  return {
    kind: "refused",
    refusal: { id, opcode, recursionDesired: rd, rcode, edns: asked },
  };
}

/** A message that is not a query we can read: what of it is sure is echoed. */
function refused(header: HeaderCounts, rcode: number, bytes: Uint8Array): Received {
  const { id, opcode, rd: recursionDesired, qdcount } = header;
  const isQuery = opcode === Opcode.QUERY && qdcount === 1;
  const [question] = isQuery ? decodePartial(bytes).message.questions : [];
  // RFC 6891 §7: an OPT is answered with an OPT, even when it is the OPT that is broken.
  const hasOpt = countOpts(bytes).count > 0;
  const refusal = {
    id,
    opcode,
    recursionDesired,
    rcode,
    ...(question === undefined ? {} : { question }),
    ...(hasOpt ? { edns: plainEdns } : {}),
  };
  return { kind: "refused", refusal };
}

/** RFC 6891 §6.2.3: less than 512 means 512. */
const sizeOf = (edns: Edns) => Math.max(edns.udpSize, udpSizeMin);

function askedWith(edns: Edns, rules: ReceiveRules): AskedEdns {
  const has = (wanted: number) => edns.options.some(({ code }) => code === wanted);
  const wantsNsid = has(EdnsOption.NSID);
  const padded = has(EdnsOption.PADDING) ? { paddedMax: sizeOf(edns) } : {};
  const option = hasBadCookie(edns, rules) ? undefined : cookieIn(edns);
  const answer = option === undefined ? undefined : rules.answerCookie?.(option);
  const baked = answer === undefined ? {} : { cookie: answer.cookie };
  return { dnssecOk: edns.dnssecOk, wantsNsid, ...padded, ...baked };
}

/** RFC 7873 §5.2: of several, the first counts. */
function cookieIn({ options }: Edns): Uint8Array | undefined {
  return options.find(({ code }) => code === EdnsOption.COOKIE)?.bytes;
}

function hasBadCookie(edns: Edns, rules: ReceiveRules): boolean {
  if (rules.answerCookie === undefined) return false;
  const option = cookieIn(edns);
  return option !== undefined && !isCookieLength(option.length);
}

/** RFC 7828 §3.2.1: in a query the option is empty. Over UDP it is ignored altogether. */
function hasBadKeepalive(edns: Edns): boolean {
  return edns.options.some(
    (option) => option.code === EdnsOption.TCP_KEEPALIVE && option.bytes.length !== 0,
  );
}
