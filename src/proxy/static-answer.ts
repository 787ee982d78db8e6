// Answers from static records (DP-18). In a link's zone they stand in front of
// the link, name by name and type by type; a zone of records has nothing else,
// and so is answered as by any authoritative server, NXDOMAIN included:
// RFC 8766's rule against it (DP-107) is about names a link may yet bring.

import { Rcode, RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { nsecFor } from "./negative.js";
import type { Tables } from "./tables.js";
import { setKey } from "./ttl.js";

/** CNAMEs followed for one question. */
const chainMax = 8;

/** What the static records say to a question. */
export interface StaticAnswer {
  readonly rcode: number;
  readonly answers: readonly RR[];
  /** The last name is known to have nothing of the type: the SOA goes with the answer. */
  readonly isNegative: boolean;
}

/**
 * The static answer inside a link's zone.
 *
 * @returns undefined when the link has to be asked
 */
export function staticAnswer(tables: Tables, question: Question): StaticAnswer | undefined {
  const { records } = tables;
  const { name, type } = question;
  const isHost = records.owns(name);
  if (type === RRType.ANY && !isHost) return undefined;
  if (type === RRType.NSEC && isHost) return staticNsec(tables, name);
  if (!isHost && records.find(name, type).length === 0) return undefined;
  return followed(tables, question);
}

/** The answer inside a zone of records, below its apex. */
export function recordsAnswer(tables: Tables, question: Question): StaticAnswer {
  const { records } = tables;
  if (records.find(question.name, RRType.ANY).length > 0) return followed(tables, question);
  return { answers: [], ...endAt(tables, question.name) };
}

/** Records at a name that has some, through its CNAMEs as far as they are static. */
function followed(tables: Tables, question: Question): StaticAnswer {
  const { records } = tables;
  const answers: RR[] = [];
  const visited = new Set<string>();
  let { name } = question;
  let end: Pick<StaticAnswer, "rcode" | "isNegative"> | undefined;
  while (visited.size < chainMax && !visited.has(name.key)) {
    visited.add(name.key);
    const found = records.find(name, question.type);
    answers.push(...found);
    if (found.length > 0) {
      end = { rcode: Rcode.NOERROR, isNegative: false };
      break;
    }
    const alias = records.find(name, RRType.CNAME)[0];
    if (alias?.rdata.kind !== "cname") break;
    answers.push(alias);
    name = alias.rdata.target;
  }
  // The question's own bytes, not the ones in the file.
  const own = answers.map((rr) =>
    rr.name.key === question.name.key ? { ...rr, name: question.name } : rr,
  );
  return { answers: own, ...(end ?? endAt(tables, name)) };
}

/** How an answer ends that found nothing at its last name. */
function endAt(tables: Tables, name: Name): Pick<StaticAnswer, "rcode" | "isNegative"> {
  const { records, zones } = tables;
  if (zones.find(name)?.kind !== "records")
    return { rcode: Rcode.NOERROR, isNegative: records.owns(name) };
  const rcode = records.exists(name) ? Rcode.NOERROR : Rcode.NXDOMAIN;
  return { rcode, isNegative: true };
}

/** What the next questions would be (RFC 6763 §12), as far as it is static. */
export function staticAdditional(tables: Tables, answers: readonly RR[]): readonly RR[] {
  const { records } = tables;
  const found = new Map<string, readonly RR[]>();
  const take = (name: Name, types: readonly number[]) =>
    types.flatMap((type) => {
      const set = records.find(name, type);
      if (set.length > 0) found.set(setKey(type, name), set);
      return set;
    });
  for (const { rdata } of answers) {
    const instance = rdata.kind === "ptr" ? take(rdata.target, [RRType.SRV, RRType.TXT]) : [];
    for (const srv of [rdata, ...instance.map((rr) => rr.rdata)]) {
      if (srv.kind === "srv") take(srv.target, [RRType.A, RRType.AAAA]);
    }
  }
  for (const rr of answers) found.delete(setKey(rr.type, rr.name));
  return [...found.values()].flat();
}

function staticNsec(tables: Tables, name: Name): StaticAnswer {
  const held = tables.records.find(name, RRType.ANY);
  const ttlSeconds = Math.min(...held.map((rr) => rr.ttlSeconds));
  const types = held.map((rr) => rr.type);
  const rr = nsecFor(name, types, ttlSeconds);
  const answers = rr === undefined ? [] : [rr];
  return { rcode: Rcode.NOERROR, answers, isNegative: rr === undefined };
}
