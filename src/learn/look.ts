// What one search has asked and heard. A search is a function that is run again
// whenever an answer arrives: it takes what is known from here, and what it misses
// becomes a question. Nothing is forgotten before its end, so it comes to one.

import type { Address } from "../address.js";
import { formatAddress } from "../address.js";
import { Rcode, RRType } from "../wire/codes.js";
import { equalNames, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { aliasesMax, questionsMax } from "./limits.js";

export interface LearnQuestion {
  readonly name: Name;
  readonly type: number;
  /** Whom to ask, without recursion; absent: the system's resolver. */
  readonly server?: Address;
}

/** What a DNS server said. */
export interface LearnAnswer {
  readonly rcode: number;
  readonly answers: readonly RR[];
  readonly authorities: readonly RR[];
}

/** "failed": nobody knows, which is not the same as nothing being there. */
export type Reply = LearnAnswer | "failed";

const keyOf = ({ name, type, server }: LearnQuestion): string =>
  `${type} ${server === undefined ? "" : formatAddress(server)} ${name.key}`;

export class Look {
  readonly #heard = new Map<string, Reply>();
  readonly #asked = new Set<string>();
  #fresh: LearnQuestion[] = [];
  /** A server is there, and says that it has no answers of this kind. */
  isDenied = false;
  /** More questions were wanted than one search may put. */
  isExhausted = false;

  /** @returns undefined while the answer is awaited; the question is put if it was not yet */
  find(question: LearnQuestion): Reply | undefined {
    const key = keyOf(question);
    const reply = this.#heard.get(key);
    if (reply !== undefined || this.#asked.has(key)) return reply;
    if (this.#asked.size >= questionsMax) {
      this.isExhausted = true;
      return "failed";
    }
    this.#asked.add(key);
    this.#fresh.push(question);
    return undefined;
  }

  /** The answer is there. */
  heard(question: LearnQuestion, answer: LearnAnswer | undefined): void {
    if (answer?.rcode === Rcode.REFUSED && question.server === undefined) this.isDenied = true;
    this.#heard.set(keyOf(question), isUsable(answer) ? answer : "failed");
  }

  /** Questions to be put now; drains them. */
  takeQuestions(): readonly LearnQuestion[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

/** SERVFAIL, REFUSED and their like say nothing about what is in the DNS. */
function isUsable(answer: LearnAnswer | undefined): answer is LearnAnswer {
  return answer?.rcode === Rcode.NOERROR || answer?.rcode === Rcode.NXDOMAIN;
}

/** Records of a type at a name, or at what it is an alias of (RFC 1034 §3.6.2). */
export function recordsAt({ answers }: LearnAnswer, name: Name, type: number): readonly RR[] {
  let owner = name;
  for (let aliases = 0; aliases <= aliasesMax; aliases++) {
    const found = answers.filter((rr) => rr.type === type && equalNames(rr.name, owner));
    if (found.length > 0) return found;
    const alias = answers.find((rr) => rr.type === RRType.CNAME && equalNames(rr.name, owner));
    if (alias?.rdata.kind !== "cname") return [];
    owner = alias.rdata.target;
  }
  return [];
}

/** The targets of PTR records, each once, in an order that does not depend on who answers. */
export function targetsAt(answer: LearnAnswer, name: Name): readonly Name[] {
  const targets = new Map<string, Name>();
  for (const { rdata } of recordsAt(answer, name, RRType.PTR)) {
    if (rdata.kind === "ptr") targets.set(rdata.target.key, rdata.target);
  }
  return [...targets.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}
