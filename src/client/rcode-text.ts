// What the code means with which a server turns a subscription or an LLQ away:
// whoever watches wants to know where to look for the cause, and the code says it
// only to those who know the RFCs.

import { Rcode, rcodeName } from "../wire/codes.js";

const meanings: ReadonlyMap<number, string> = new Map([
  [Rcode.REFUSED, "it does not let this host ask (`allow`), or tells nobody of changes there"],
  [Rcode.NOTAUTH, "it does not serve that zone"],
  [Rcode.SERVFAIL, "it has reached a limit, or cannot serve that zone now"],
]);

/** `it answers REFUSED: …`, without an explanation where there is none in general. */
export function rcodeText(rcode: number): string {
  const meaning = meanings.get(rcode);
  const said = `it answers ${rcodeName(rcode)}`;
  return meaning === undefined ? said : `${said}: ${meaning}`;
}
