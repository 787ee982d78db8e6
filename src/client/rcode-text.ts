// What the code means with which a server turns a question, a subscription or an
// LLQ away: whoever asked wants to know where to look for the cause, and the code
// says it only to those who know the RFCs.

import { Rcode, rcodeName } from "../wire/codes.js";

const toQuestions: ReadonlyMap<number, string> = new Map([
  [Rcode.REFUSED, "it does not serve that zone, or does not let this host ask (`allow`)"],
  [Rcode.SERVFAIL, "a resolver that does not reach the zone's server, or discd whose link is down"],
  [Rcode.NOTIMP, "it does not know such questions"],
]);

const toSubscriptions: ReadonlyMap<number, string> = new Map([
  [Rcode.REFUSED, "it does not let this host ask (`allow`), or tells nobody of changes there"],
  [Rcode.NOTAUTH, "it does not serve that zone"],
  [Rcode.SERVFAIL, "it has reached a limit, or cannot serve that zone now"],
]);

/** Why a question has no answer: `: …`, or nothing where it cannot be said in general. */
export function adviceFor(rcode: number): string {
  return afterColon(toQuestions.get(rcode));
}

/** `it answers REFUSED: …`, of a subscription or an LLQ. */
export function rcodeText(rcode: number): string {
  return `it answers ${rcodeName(rcode)}${afterColon(toSubscriptions.get(rcode))}`;
}

function afterColon(meaning: string | undefined): string {
  return meaning === undefined ? "" : `: ${meaning}`;
}
