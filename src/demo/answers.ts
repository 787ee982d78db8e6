// Which of its RRs a device gives for a question, and which others it sends
// along (RFC 6762 §6, §6.1, §6.2; RFC 6763 §12). Pure: no time, no sending.

import { RRClass, RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import type { OwnRR } from "./device.js";

/** The RRs of one device, found by name. */
export interface Owned {
  readonly all: readonly OwnRR[];
  readonly byKey: ReadonlyMap<string, OwnRR>;
  readonly byName: ReadonlyMap<string, readonly OwnRR[]>;
}

export function ownedBy(all: readonly OwnRR[]): Owned {
  const byName = new Map<string, OwnRR[]>();
  for (const own of all) {
    const there = byName.get(own.rr.name.key);
    if (there === undefined) byName.set(own.rr.name.key, [own]);
    else there.push(own);
  }
  return { all, byKey: new Map(all.map((own) => [own.key, own])), byName };
}

/** Top bit of a question's class: a unicast answer is welcome (RFC 6762 §5.4). */
export const unicastBit = 0x8000;

/** A denial is an answer where the name is the device's and the type is not there. */
export function answersTo(owned: Owned, question: Question): readonly OwnRR[] {
  const qclass = question.class & ~unicastBit;
  if (qclass !== RRClass.IN && qclass !== RRClass.ANY) return [];
  const there = owned.byName.get(question.name.key) ?? [];
  const { type } = question;
  if (type === RRType.ANY) return there.filter((own) => !own.isDenial);
  const found = there.filter(({ rr }) => rr.type === type || rr.type === RRType.CNAME);
  return found.length > 0 ? found : there.filter((own) => own.isDenial);
}

/** What the one who asked is likely to ask next. Holds none of the answers. */
export function additionalsTo(owned: Owned, answers: readonly OwnRR[]): readonly OwnRR[] {
  const told = new Set(answers);
  const found: OwnRR[] = [];
  const add = (name: Name, types: readonly number[]) => {
    for (const own of owned.byName.get(name.key) ?? []) {
      if (told.has(own) || !(own.isDenial || types.includes(own.rr.type))) continue;
      if (own.isDenial && !isWorthTelling(owned, own)) continue;
      told.add(own);
      found.push(own);
    }
  };
  // The list grows while it is walked: a PTR leads to an SRV, an SRV to addresses.
  const queue = [...answers];
  for (let at = 0; at < queue.length; at++) {
    const { rr } = queue[at] as OwnRR;
    const before = found.length;
    if (rr.rdata.kind === "ptr") add(rr.rdata.target, [RRType.SRV, RRType.TXT]);
    else if (rr.rdata.kind === "srv") add(rr.rdata.target, [RRType.A, RRType.AAAA]);
    else if (rr.type === RRType.A || rr.type === RRType.AAAA) {
      add(rr.name, [RRType.A, RRType.AAAA]);
    }
    queue.push(...found.slice(before).filter(({ rr: { type } }) => type === RRType.SRV));
  }
  return found;
}

/** Of denials sent along, only those for which somebody would ask: the other address family. */
function isWorthTelling(owned: Owned, denial: OwnRR): boolean {
  const types = (owned.byName.get(denial.rr.name.key) ?? []).map(({ rr }) => rr.type);
  return types.includes(RRType.A) !== types.includes(RRType.AAAA);
}
