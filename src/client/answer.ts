// What an ordinary answer says of a question: the records at its name, or at
// what the name stands for (RFC 1034 §3.6.2), and for how long that is true.

import { after, type Duration, type Instant, seconds } from "../time.js";
import { RRClass, RRType } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import { equalNames, isWithin, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { aliasesMax, recordsMax } from "./limits.js";

/** Answers without any TTL are true for so long. */
const usualTtl: Duration = seconds(60);

/** The name and what it is an alias of, as far as the answer says. */
export function namesIn({ answers }: Message, name: Name): ReadonlySet<string> {
  const keys = new Set([name.key]);
  let next = name;
  while (keys.size <= aliasesMax) {
    const alias = answers.find((rr) => rr.rdata.kind === "cname" && equalNames(rr.name, next));
    if (alias?.rdata.kind !== "cname" || keys.has(alias.rdata.target.key)) break;
    next = alias.rdata.target;
    keys.add(next.key);
  }
  return keys;
}

/** The records that answer the question, as many as are kept of it. */
export function answersIn(message: Message, { name, type, class: rrClass }: Question): RR[] {
  const names = namesIn(message, name);
  const found = message.answers.filter(
    (rr) =>
      names.has(rr.name.key) &&
      (rr.type === type || type === RRType.ANY) &&
      (rr.class === rrClass || rrClass === RRClass.ANY),
  );
  return found.slice(0, recordsMax);
}

/** The SOA of the zone that the name is in, wherever the answer has it. */
export function soaIn(message: Message, name: Name): RR | undefined {
  return [...message.answers, ...message.authorities].find(
    (rr) => rr.type === RRType.SOA && isWithin(name, rr.name),
  );
}

/** How long an answer is true: its lowest TTL, or that of its "nothing" (RFC 2308 §5). */
export function spanOf(message: Message, question: Question): Duration {
  const found = answersIn(message, question);
  if (found.length > 0) return least(found.map(({ ttlSeconds }) => ttlSeconds));
  const soa = soaIn(message, question.name);
  if (soa?.rdata.kind !== "soa") return usualTtl;
  return least([soa.ttlSeconds, soa.rdata.minimum]);
}

/** RFC 2181 §8: a TTL with the top bit set is none. */
function least(ttls: readonly number[]): Duration {
  const sound = ttls.map((ttl) => (ttl > 0x7fff_ffff ? 0 : ttl));
  return seconds(sound.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
}

export const trueUntil = (now: Instant, message: Message, question: Question): Instant =>
  after(now, spanOf(message, question));

/** The targets of the PTR records that answer, in the order they came. */
export function pointersIn(message: Message, name: Name): Name[] {
  const names = namesIn(message, name);
  return message.answers.flatMap((rr) =>
    rr.rdata.kind === "ptr" && names.has(rr.name.key) ? [rr.rdata.target] : [],
  );
}

/** Records of one name and type in the sections that may hold them. */
export function recordsIn(message: Message, name: Name, type: number): RR[] {
  const names = namesIn(message, name);
  return [...message.answers, ...message.additionals].filter(
    (rr) => rr.type === type && names.has(rr.name.key),
  );
}
