// Answers from static records (DP-18). In a link's zone they stand in front of
// the link, name by name and type by type; a zone of records has nothing else,
// and so is answered as by any authoritative server, NXDOMAIN included:
// RFC 8766's rule against it (DP-107) is about names a link may yet bring.

import { Rcode, RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { ClientClass } from "./client.js";
import { nsecFor } from "./negative.js";
import type { Tables } from "./tables.js";
import { setKey } from "./ttl.js";
import type { Zone } from "./zones.js";

/** CNAMEs followed for one question. */
const chainMax = 8;

/** What the static records say to a question. */
export interface StaticAnswer {
  readonly rcode: number;
  readonly answers: readonly RR[];
  /** The zone that knows the last name to have nothing of the type: its SOA goes along. */
  readonly deniedBy: Zone | undefined;
}

type End = Omit<StaticAnswer, "answers">;

/** More may be asked for elsewhere: nothing is said of what the last name lacks. */
const open: End = { rcode: Rcode.NOERROR, deniedBy: undefined };

/**
 * The static answer inside a link's zone.
 *
 * @returns undefined when the link has to be asked
 */
export function staticAnswer(
  tables: Tables,
  question: Question,
  client: ClientClass,
): StaticAnswer | undefined {
  const { records } = tables;
  const { name, type } = question;
  const isHost = records.owns(name);
  if (type === RRType.ANY && !isHost) return undefined;
  if (type === RRType.NSEC && isHost) return staticNsec(tables, name);
  if (!isHost && records.find(name, type).length === 0) return undefined;
  return followed(tables, question, client);
}

/** The answer inside a zone of records, below its apex. */
export function recordsAnswer(
  tables: Tables,
  question: Question,
  client: ClientClass,
): StaticAnswer {
  const { records } = tables;
  if (records.find(question.name, RRType.ANY).length > 0) {
    return followed(tables, question, client);
  }
  return { answers: [], ...endAt(tables, question.name) };
}

/** Records at a name that has some, through its CNAMEs as far as they are static. */
function followed(tables: Tables, question: Question, client: ClientClass): StaticAnswer {
  const { records } = tables;
  const answers: RR[] = [];
  const visited = new Set<string>();
  let { name } = question;
  let end: End | undefined;
  while (visited.size < chainMax && !visited.has(name.key)) {
    visited.add(name.key);
    const found = records.find(name, question.type);
    answers.push(...found);
    if (found.length > 0) {
      end = open;
      break;
    }
    const alias = records.find(name, RRType.CNAME)[0];
    if (alias?.rdata.kind !== "cname") break;
    answers.push(alias);
    name = alias.rdata.target;
    if (!mayBeTold(tables, client, name)) {
      end = open;
      break;
    }
  }
  // The question's own bytes, not the ones in the file.
  const own = answers.map((rr) =>
    rr.name.key === question.name.key ? { ...rr, name: question.name } : rr,
  );
  return { answers: own, ...(end ?? endAt(tables, name)) };
}

/** How an answer ends that found nothing at its last name. */
function endAt(tables: Tables, name: Name): End {
  const { records, zones } = tables;
  const zone = zones.find(name);
  if (zone === undefined) return open;
  if (zone.kind !== "records") return records.owns(name) ? { ...open, deniedBy: zone } : open;
  return { rcode: records.exists(name) ? Rcode.NOERROR : Rcode.NXDOMAIN, deniedBy: zone };
}

/** Whether the client may ask for the name itself (DP-124), wherever a record led. */
function mayBeTold(tables: Tables, client: ClientClass, name: Name): boolean {
  const zone = tables.zones.find(name);
  return zone !== undefined && client.allows(zone);
}

/** What the next questions would be (RFC 6763 §12), as far as it is static. */
export function staticAdditional(
  tables: Tables,
  answers: readonly RR[],
  client: ClientClass,
): readonly RR[] {
  const { records } = tables;
  const found = new Map<string, readonly RR[]>();
  const take = (name: Name, types: readonly number[]) => {
    if (!mayBeTold(tables, client, name)) return [];
    return types.flatMap((type) => {
      const set = records.find(name, type);
      if (set.length > 0) found.set(setKey(type, name), set);
      return set;
    });
  };
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
  if (rr === undefined) return { answers: [], ...endAt(tables, name) };
  return { answers: [rr], ...open };
}
