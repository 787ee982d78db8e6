// The bytes of a response (RFC 1035 §4.1, RFC 2181 §9, RFC 6891 §6, §7766 §8 of
// the stream limit): header flags, the question echoed as it came, whole RRsets
// as far as they fit. What the sections hold and how long it lives is decided
// before.

import type { Duration } from "../time.js";
import { EdnsOption, Opcode, Rcode } from "../wire/codes.js";
import { type Edns, ednsLength, paddedEdns } from "../wire/edns.js";
import { headerBytes } from "../wire/message.js";
import { wireLength } from "../wire/name.js";
import type { EdnsOptionBytes } from "../wire/rdata/index.js";
import type { RR } from "../wire/rr.js";
import { MessageWriter, type Section } from "../wire/writer.js";
import { isEncrypted, tellsIdle, type Way } from "./asker.js";
import type { AskedEdns, Query, Refusal } from "./receive.js";

export interface Sections {
  readonly rcode: number;
  /** AA: from a zone of ours. */
  readonly isAuthoritative: boolean;
  readonly answers: readonly RR[];
  readonly authority: readonly RR[];
  /** RRsets in the order in which they should be kept. */
  readonly additionals: readonly (readonly RR[])[];
}

/** What every OPT of ours says. */
export interface OptRules {
  readonly udpSize: number;
  readonly nsid?: Uint8Array;
  /** Told on streams as edns-tcp-keepalive (RFC 7828 §3.3.2). */
  readonly tcpIdle: Duration;
}

/** A response that is nothing but an rcode. */
export const bare = (rcode: number): Sections => ({
  rcode,
  isAuthoritative: false,
  answers: [],
  authority: [],
  additionals: [],
});

/** An error is answered without compression to speak of, and always fits. */
const refusalMax = 1232;

/**
 * Additional RRsets that may be tried in vain before the rest is left out: small sets
 * after a large one are worth a try, thousands of tries are not.
 */
const misfitsMax = 8;

export function encodeAnswer(
  query: Query,
  way: Way,
  sections: Sections,
  rules: OptRules,
): Uint8Array {
  const { question } = query;
  const writer = new MessageWriter(query.answerMax, "unicast");
  writer.header(headerOf(query.id, Opcode.QUERY, query.recursionDesired, sections));
  writer.question(question);
  const edns =
    query.edns && fitting(query, ednsOf(query.edns, sections.rcode, tellsIdle(way), rules));
  if (edns !== undefined) writer.reserve(ednsLength(edns));
  // a name that was asked for is spelt as it was asked for.
  const spelt = (rr: RR) =>
    rr.name.key === question.name.key ? { ...rr, name: question.name } : rr;
  const isWhole =
    appendSets(writer, "answer", sections.answers.map(spelt), query.isStream) &&
    appendSets(writer, "authority", sections.authority.map(spelt), query.isStream);
  if (isWhole) appendAdditionals(writer, sections.additionals);
  else writer.setTruncated();
  if (edns !== undefined) {
    writer.edns(padded(edns, writer.length, query.edns, way, query.answerMax));
  }
  return writer.finish();
}

export function encodeRefusal(refusal: Refusal, way: Way, rules: OptRules): Uint8Array {
  const writer = new MessageWriter(refusalMax, "unicast");
  const { id, opcode, recursionDesired, rcode, question } = refusal;
  writer.header(headerOf(id, opcode, recursionDesired, bare(rcode)));
  if (question !== undefined) writer.question(question);
  if (refusal.edns !== undefined) {
    // RFC 6891 §6.1.3: of a version that we do not know, nothing is answered but that.
    const isBare = rcode === Rcode.BADVERS;
    const { dnssecOk } = refusal.edns;
    const asked = isBare ? { dnssecOk, wantsNsid: false } : refusal.edns;
    const edns = ednsOf(asked, rcode, tellsIdle(way) && !isBare, rules);
    writer.edns(padded(edns, writer.length, asked, way, refusalMax));
  }
  return writer.finish();
}

function headerOf(id: number, opcode: number, rd: boolean, sections: Sections) {
  return {
    id,
    isResponse: true,
    opcode,
    aa: sections.isAuthoritative,
    tc: false,
    rd,
    ra: false,
    z: false,
    ad: false,
    cd: false,
    rcode: sections.rcode & 0x0f,
  };
}

function ednsOf(asked: AskedEdns, rcode: number, hasIdle: boolean, rules: OptRules): Edns {
  const options: { code: number; bytes: Uint8Array }[] = [];
  if (asked.wantsNsid && rules.nsid !== undefined) {
    options.push({ code: EdnsOption.NSID, bytes: rules.nsid });
  }
  if (hasIdle) {
    const tenths = Math.min(0xffff, Math.round(rules.tcpIdle / 100));
    options.push({
      code: EdnsOption.TCP_KEEPALIVE,
      bytes: Uint8Array.of(tenths >> 8, tenths & 0xff),
    });
  }
  // The last of all, where ready answers look for it.
  if (asked.cookie !== undefined) {
    options.push({ code: EdnsOption.COOKIE, bytes: asked.cookie });
  }
  return {
    udpSize: rules.udpSize,
    version: 0,
    extendedRcode: rcode >> 4,
    dnssecOk: asked.dnssecOk,
    options,
  };
}

/** Options are left out when they leave no room for the question. */
function fitting(query: Query, edns: Edns): Edns {
  const taken = headerBytes + wireLength(query.question.name) + 4 + ednsLength(edns);
  return taken > query.answerMax ? { ...edns, options: [] } : edns;
}

/**
 * The OPT with Padding, where the client asked with it and nobody else reads along; without
 * when that would be more than the client takes.
 *
 * @param before  bytes of the message in front of the OPT
 */
function padded(
  edns: Edns,
  before: number,
  asked: AskedEdns | undefined,
  way: Way,
  messageMax: number,
): Edns {
  if (asked?.paddedMax === undefined || !isEncrypted(way)) return edns;
  const whole = paddedEdns(edns, before, Math.min(asked.paddedMax, messageMax));
  if (asked.cookie === undefined) return whole;
  const isCookie = ({ code }: EdnsOptionBytes) => code === EdnsOption.COOKIE;
  const others = whole.options.filter((option) => !isCookie(option));
  return { ...whole, options: [...others, ...whole.options.filter(isCookie)] };
}

/**
 * Appends whole RRsets until one does not fit (RFC 2181 §9).
 *
 * @param isLast  there is no larger transport to ask again by: a set that is larger than
 *                any message leaves in part
 * @returns whether everything fitted
 */
function appendSets(
  writer: MessageWriter,
  section: Section,
  rrs: readonly RR[],
  isLast: boolean,
): boolean {
  for (const set of setsOf(rrs)) {
    if (writer.append(section, set)) continue;
    if (isLast) for (const rr of set) if (!writer.append(section, [rr])) break;
    return false;
  }
  return true;
}

/** What does not fit is left out, and nobody is told (T-47). */
function appendAdditionals(writer: MessageWriter, sets: readonly (readonly RR[])[]): void {
  let misfits = 0;
  for (const set of sets) {
    if (!writer.append("additional", set)) misfits += 1;
    if (misfits === misfitsMax) return;
  }
}

/** The RRsets of a section, in the order of their first members. */
export function setsOf(rrs: readonly RR[]): Iterable<readonly RR[]> {
  const sets = new Map<string, RR[]>();
  for (const rr of rrs) {
    const key = `${rr.type} ${rr.name.key}`;
    const set = sets.get(key);
    if (set === undefined) sets.set(key, [rr]);
    else set.push(rr);
  }
  return sets.values();
}
