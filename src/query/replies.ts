// Replies on their way out: turned where addresses leave in turn, encoded,
// counted, logged where the operator wants it, and collected until the engine
// takes them.

import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import type { Zone } from "../proxy/zones.js";
import { type Duration, ms } from "../time.js";
import { rcodeName, typeName } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { displayName } from "../wire/name.js";
import { encodeAnswer, encodeRefusal, type OptRules, type Sections, setsOf } from "./answer.js";
import { type Asker, type Reply, wayOf } from "./asker.js";
import type { Query, Refusal } from "./receive.js";
import { Rotation } from "./rotate.js";
import { Tallies } from "./tallies.js";

/** Which queries become log lines: none, their names, or who asked as well. */
export type QueryLog = "none" | "names" | "full";

export interface ReplyRules {
  readonly opt: OptRules;
  /** Several addresses of one name leave in turn. */
  readonly rotate: boolean;
  readonly queryLog: QueryLog;
  /** Which of several servers this is, as lines of the log and NSID say. */
  readonly instance: string;
}

/** What else is counted of an answer. */
export interface Circumstances {
  /** That the question's name is in. */
  readonly zone?: Zone | undefined;
  /** From the query to its answer. */
  readonly waited: Duration;
}

const atOnce: Circumstances = { waited: ms(0) };

export class Replies {
  readonly tallies = new Tallies();
  readonly #rotation = new Rotation();
  readonly #log: Log;
  readonly #counts: Counts;
  #rules: ReplyRules;
  #replies: Reply[] = [];
  #bytesPushed = 0;

  constructor(rules: ReplyRules, log: Log, counts: Counts) {
    this.#rules = rules;
    this.#log = log;
    this.#counts = counts;
  }

  /** Bytes of all replies so far, taken or not: what one query costs is a difference. */
  get bytesPushed(): number {
    return this.#bytesPushed;
  }

  get isLogging(): boolean {
    return this.#rules.queryLog !== "none";
  }

  configure(rules: ReplyRules): void {
    this.#rules = rules;
  }

  /** @returns the response as sent, for the cache of ready answers */
  answer(
    asker: Asker,
    query: Query,
    sections: Sections,
    { zone, waited }: Circumstances = atOnce,
  ): Uint8Array {
    const bytes = encodeAnswer(query, wayOf(asker), this.#turned(sections), this.#rules.opt);
    const { rcode } = sections;
    if (asker.isProbe !== true) this.#count(asker, query.question, rcode, { zone, waited });
    this.push(asker, bytes);
    return bytes;
  }

  refuse(asker: Asker, refusal: Refusal): void {
    const { rcode, question } = refusal;
    if (asker.isProbe !== true) this.#count(asker, question, rcode, atOnce);
    this.push(asker, encodeRefusal(refusal, wayOf(asker), this.#rules.opt));
  }

  push(to: Asker, bytes: Uint8Array): void {
    this.#replies.push({ to, bytes });
    this.#bytesPushed += bytes.length;
  }

  /** One line for one query, if the operator asked for it. */
  note(asker: Asker, question: Question, rcode: number): void {
    const { queryLog, instance } = this.#rules;
    if (queryLog === "none") return;
    this.#log.event("info", "query", {
      name: displayName(question.name),
      type: typeName(question.type),
      rcode: rcodeName(rcode),
      transport: asker.transport,
      instance,
      ...(queryLog === "full" ? { client: asker.peer.address } : {}),
    });
  }

  take(): readonly Reply[] {
    const replies = this.#replies;
    if (replies.length > 0) this.#replies = [];
    return replies;
  }

  /** Counts an answer and logs it. */
  #count(
    asker: Asker,
    question: Question | undefined,
    rcode: number,
    { zone, waited }: Circumstances,
  ): void {
    this.#counts.add("answers", rcodeName(rcode));
    const asked = question === undefined ? {} : { type: question.type };
    const { transport } = asker;
    this.tallies.take(this.tallies.counterOf({ transport, rcode, zone, ...asked }), waited);
    if (question !== undefined) this.note(asker, question, rcode);
  }

  #turned(sections: Sections): Sections {
    if (!this.#rules.rotate) return sections;
    const sets = [...setsOf(sections.answers)];
    return { ...sections, answers: sets.flatMap((set) => this.#rotation.next(set)) };
  }
}
