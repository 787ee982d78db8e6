// What a subscription is about at this instant: the records of its name as an
// ordinary query sees them, but with the TTLs that their authors gave (RFC 8766
// §5.5.1, PRX-02), and nothing of other names (PUSH-13, PUSH-29).

import { localAnswer } from "../proxy/local.js";
import type { Tables, Vantage } from "../proxy/tables.js";
import { visible } from "../proxy/visible.js";
import type { Zone } from "../proxy/zones.js";
import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { equalRRs, type RR } from "../wire/rr.js";
import { identityOf, noRRs, type RRsAtName } from "./change.js";

/** The largest TTL of a record (RFC 2181 §8); above it a PUSH has other meanings. */
const ttlMax = 0x7fff_ffff;

export interface Truth {
  readonly rrs: RRsAtName;
  /** Names of the link that were looked at: a change at one of them may change the truth. */
  readonly lookedUp: readonly Name[];
}

/** What no link has a part in; undefined when one has to be asked. */
export function fixedTruth(
  tables: Tables,
  zone: Zone,
  question: Question,
  client: Vantage["client"],
): Truth | undefined {
  const local = localAnswer(tables, zone, question, client);
  if (local === undefined) return zone.kind === "records" ? nothing : undefined;
  const rrs = local.answers.map((rr) => {
    const author = tables.records.find(rr.name, rr.type).find((other) => equalRRs(rr, other));
    return author === undefined ? rr : { ...rr, ttlSeconds: author.ttlSeconds };
  });
  return { rrs: atName(question, rrs), lookedUp: [] };
}

const nothing: Truth = { rrs: noRRs, lookedUp: [] };

/** What the link has at the name, for this client. */
export function linkTruth(at: Vantage, question: Question): Truth {
  const { rrs, lookedUp } = visible(at, question);
  const own = rrs.map(({ rr }) => rr);
  return { rrs: atName(question, own), lookedUp };
}

function atName({ name, type }: Question, rrs: readonly RR[]): RRsAtName {
  const held = new Map<string, RR>();
  for (const rr of rrs) {
    const isAsked = type === RRType.ANY || rr.type === type || rr.type === RRType.CNAME;
    // Such a TTL would say something else in a PUSH, and means nothing in a record (PUSH-24).
    if (rr.name.key !== name.key || !isAsked || rr.ttlSeconds > ttlMax) continue;
    held.set(identityOf(rr), rr.name === name ? rr : { ...rr, name });
  }
  return held;
}
