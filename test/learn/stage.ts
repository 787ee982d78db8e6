// A host in virtual time, and a DNS that is a table of zone-file lines: what a
// resolver says of them, and what the servers of a zone say when asked directly.

import { formatAddress, parseAddress, parsePrefix } from "../../src/address.js";
import { Counts } from "../../src/counts.js";
import type { Subject, Surroundings } from "../../src/learn/learned.js";
import { Learner, type PutQuestion } from "../../src/learn/learner.js";
import type { LearnAnswer } from "../../src/learn/look.js";
import type { Log } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { after, type Instant, instant, ms } from "../../src/time.js";
import { RRType, typeName } from "../../src/wire/codes.js";
import { displayName, isWithin, type Name, parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { parseRR } from "../../src/wire/text.js";

export const prefix = (text: string) =>
  parsePrefix(text) as NonNullable<ReturnType<typeof parsePrefix>>;
const address = (text: string) =>
  parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>;

/** The parent zone, its servers, and this host in it. */
export const parent = [
  "example.com SOA ns.example.com root.example.com 1 1 1 1 1",
  "example.com NS ns.example.com",
  "ns.example.com A 192.0.2.53",
  "px.example.com A 10.8.0.53",
];

/** Delegates a zone to this host. */
export const ours = (zone: string): string => `${zone} NS px.example.com`;

export const subject = (
  link: string,
  networks: string[],
  more: Partial<Subject> = {},
): Subject => ({
  link,
  mode: "proxy",
  networks: networks.map(prefix),
  addresses: [],
  within: [],
  takesListed: true,
  ...more,
});

export interface Logged {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Put {
  readonly at: Instant;
  readonly text: string;
}

export class World {
  readonly learner: Learner;
  readonly logged: Logged[] = [];
  readonly asked: Put[] = [];
  readonly counts = new Counts();
  now = instant(1_000_000);
  /** Round trip of a question, milliseconds. */
  delay = 10;
  /** What is wrong with the resolver. */
  fault: "none" | "silent" | "servfail" | "refused" = "none";
  /** Names for which it has nothing but SERVFAIL. */
  broken: string[] = [];
  /** Servers that are asked directly answer with nothing, not even an SOA. */
  isLame = false;
  hostname = "px.example.com";
  subjects: readonly Subject[] = [];
  claimed: string[] = [];
  addresses: string[] = [];
  #lines: readonly RR[] = [];
  #waiting: { at: Instant; question: PutQuestion }[] = [];

  constructor(lines: readonly string[], seed = 1) {
    const log: Log = {
      event: (level, event, fields = {}) => this.logged.push({ level, event, fields }),
    };
    this.dns = lines;
    this.learner = new Learner(seededRandom(seed), log, this.counts);
  }

  set dns(lines: readonly string[]) {
    this.#lines = lines.map(parseRR);
  }

  /** Takes subjects into use. */
  use(...subjects: readonly Subject[]): this {
    this.subjects = subjects;
    this.learner.configure(this.now, this.around());
    this.#pump();
    return this;
  }

  around(): Surroundings {
    return {
      subjects: this.subjects,
      hostname: parseName(this.hostname),
      addresses: this.addresses.map(address),
      outside: [parseName(this.hostname)],
      claimed: this.claimed.map(parseName),
    };
  }

  /** Lets seconds go by. */
  run(seconds: number): this {
    const end = after(this.now, ms(seconds * 1000));
    for (let steps = 0; ; steps++) {
      if (steps > 1_000_000) throw new Error("it does not come to rest");
      this.#waiting.sort((a, b) => a.at - b.at);
      const [reply] = this.#waiting;
      const deadline = this.learner.nextDeadline();
      const next = Math.min(reply?.at ?? Infinity, deadline ?? Infinity);
      if (next > end) break;
      this.now = instant(Math.max(next, this.now));
      if (reply !== undefined && reply.at <= this.now) {
        this.#waiting.shift();
        this.learner.answered(this.now, reply.question.id, this.#answer(reply.question));
      } else {
        this.learner.expire(this.now);
      }
      this.#pump();
    }
    this.now = end;
    return this;
  }

  refresh(): this {
    this.learner.refresh(this.now);
    this.#pump();
    return this;
  }

  /** `link zone` of what is believed. */
  get zones(): string[] {
    return this.learner.learned.flatMap(({ link, name }) =>
      name === undefined ? [] : [`${link} ${displayName(name.zone)}`],
    );
  }

  events(event: string): Readonly<Record<string, unknown>>[] {
    return this.logged.filter((one) => one.event === event).map(({ fields }) => fields);
  }

  /** Questions put so far. */
  get texts(): string[] {
    return this.asked.map(({ text }) => text);
  }

  #pump(): void {
    for (const question of this.learner.takeQuestions()) {
      const { name, type, server } = question;
      const whom = server === undefined ? "" : ` @${formatAddress(server)}`;
      const text = `${displayName(name)} ${typeName(type)}${whom}`;
      this.asked.push({ at: this.now, text });
      if (this.fault === "silent") continue;
      this.#waiting.push({ at: after(this.now, ms(this.delay)), question });
    }
  }

  #answer({ name, type, server }: PutQuestion): LearnAnswer {
    const nothing = { answers: [], authorities: [] };
    const isBroken = this.broken.includes(displayName(name));
    if (this.fault === "servfail" || isBroken) return { rcode: 2, ...nothing };
    if (server !== undefined && this.isLame) return { rcode: 0, ...nothing };
    if (this.fault === "refused") return { rcode: 5, ...nothing };
    const at = (owner: Name, of: number) =>
      this.#lines.filter((rr) => rr.name.key === owner.key && rr.type === of);
    const answers: RR[] = [];
    let owner = name;
    for (let steps = 0; steps < 20; steps++) {
      answers.push(...at(owner, type));
      const [alias] = at(owner, RRType.CNAME);
      if (alias?.rdata.kind !== "cname") break;
      answers.push(alias);
      owner = alias.rdata.target;
    }
    // The servers of a zone refer for what they have delegated.
    if (server !== undefined && type === RRType.NS && answers.length > 0) {
      return { rcode: 0, answers: [], authorities: answers };
    }
    if (answers.length > 0) return { rcode: 0, answers, authorities: [] };
    const soas = this.#lines.filter((rr) => rr.type === RRType.SOA && isWithin(name, rr.name));
    soas.sort((a, b) => b.name.labels.length - a.name.labels.length);
    return { rcode: 3, answers: [], authorities: soas.slice(0, 1) };
  }
}
