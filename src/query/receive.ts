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
import { countOpts } from "./opt-scan.js";

/** What the answer's OPT is made from (RFC 6891 §6.1, §7): one if and only if asked with. */
export interface AskedEdns {
  readonly dnssecOk: boolean;
  readonly wantsNsid: boolean;
  /** Asked with Padding: the largest message that the client takes (RFC 7830 §4). */
  readonly paddedMax?: number;
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

/** A message that gets an rcode and nothing else. */
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

export interface ReceiveRules {
  /** Largest UDP answer. */
  readonly udpSize: number;
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
  if (header.qdcount !== 1) return refused(header, Rcode.FORMERR, bytes);
  let message: Message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refused(header, Rcode.FORMERR, bytes);
  }
  return judge(header, message, bytes, isStream, rules.udpSize);
}

function judge(
  header: HeaderCounts,
  message: Message,
  bytes: Uint8Array,
  isStream: boolean,
  udpSize: number,
): Received {
  const opts = countOpts(bytes);
  // RFC 6891 §6.1.1: one OPT, in the additional section, owned by the root.
  if (opts.count > 1 || opts.isMisplaced) return refused(header, Rcode.FORMERR, bytes);
  const [question] = message.questions as [Question];
  // Only a link knows names of one byte more (DP-70).
  if (wireLength(question.name) > nameBytesMax) return refused(header, Rcode.FORMERR, bytes);
  const { edns } = message;
  const recursionDesired = message.rd;
  // An error tells what is wrong and not who we are.
  const asked = edns === undefined ? undefined : { ...askedWith(edns), wantsNsid: false };
  const answer = (rcode: number): Received => ({
    kind: "refused",
    refusal: {
      id: message.id,
      opcode: message.opcode,
      recursionDesired,
      rcode,
      question,
      ...(asked === undefined ? {} : { edns: asked }),
    },
  });
  if (edns !== undefined && edns.version > 0) return answer(Rcode.BADVERS);
  if (edns !== undefined && isStream && hasBadKeepalive(edns)) return answer(Rcode.FORMERR);
  if (question.class !== RRClass.IN && question.class !== RRClass.ANY) return answer(Rcode.REFUSED);
  if (transfers.includes(question.type)) return answer(Rcode.REFUSED);
  const size = edns === undefined ? udpSizeMin : sizeOf(edns);
  const query: Query = {
    id: message.id,
    question,
    recursionDesired,
    answerMax: isStream ? streamMessageMax : Math.min(size, Math.max(udpSize, udpSizeMin)),
    isStream,
    ...(edns === undefined ? {} : { edns: askedWith(edns) }),
  };
  return { kind: "query", query };
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

function askedWith(edns: Edns): AskedEdns {
  const has = (wanted: number) => edns.options.some(({ code }) => code === wanted);
  const wantsNsid = has(EdnsOption.NSID);
  const padded = has(EdnsOption.PADDING) ? { paddedMax: sizeOf(edns) } : {};
  return { dnssecOk: edns.dnssecOk, wantsNsid, ...padded };
}

/** RFC 7828 §3.2.1: in a query the option is empty. Over UDP it is ignored altogether. */
function hasBadKeepalive(edns: Edns): boolean {
  return edns.options.some(
    (option) => option.code === EdnsOption.TCP_KEEPALIVE && option.bytes.length !== 0,
  );
}
