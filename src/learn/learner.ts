// When links are searched, and what is believed of what was found: every five
// minutes, each link at moments of its own (UP-5). A name that the DNS has no more
// is dropped at once; where nobody answers, what was learned holds for three rounds.

import { formatPrefix, type Prefix } from "../address.js";
import type { Counts } from "../counts.js";
import type { Log } from "../log.js";
import { between, type Random } from "../random.js";
import { after, type Duration, earliest, elapsed, type Instant } from "../time.js";
import { displayName, type Name } from "../wire/name.js";
import { Belief, type BeliefView } from "./belief.js";
import type { LearnedLink, Subject, Surroundings } from "./learned.js";
import { answerPatience, retryFirst, roundGapMin, roundSpan, roundsMax } from "./limits.js";
import { ListedZones } from "./listed.js";
import { type LearnAnswer, type LearnQuestion, Look } from "./look.js";
import { type SearchResult, searchLink } from "./search.js";

/** A question on its way. */
export interface PutQuestion extends LearnQuestion {
  readonly id: number;
}

/** One search under way. */
interface Round {
  readonly look: Look;
  /** The link, with those of its networks that are searched this time. */
  readonly subject: Subject;
  /** Ids of what is awaited, and when it will not come any more. */
  readonly awaited: Map<number, { readonly question: LearnQuestion; readonly by: Instant }>;
}

interface Searched {
  subject: Subject;
  readonly belief: Belief;
  round: Round | undefined;
  /** When the next search is due, one under way notwithstanding. */
  nextAt: Instant;
  /** When all of the link is searched next; before that, what failed. */
  wholeAt: Instant;
  /** Networks that nobody could say anything of the last time. */
  failed: readonly Prefix[];
  startedAt: Instant | undefined;
  /** Searches in a row that could not be finished. */
  failures: number;
}

/** What is believed, and when each link is searched again: seconds from now. */
export interface LearnerView {
  readonly hostname: string;
  readonly links: readonly (BeliefView & {
    readonly mode: Subject["mode"];
    readonly isSearching: boolean;
    readonly nextSearch: number;
  })[];
}

const nobody: Surroundings = {
  subjects: [],
  hostname: { labels: [], key: "" },
  addresses: [],
  outside: [],
  claimed: [],
};

export class Learner {
  readonly #random: Random;
  readonly #log: Log;
  readonly #counts: Counts;
  readonly #links = new Map<string, Searched>();
  readonly #listed: ListedZones;
  #around = nobody;
  #search: readonly Name[] = [];
  #questions: PutQuestion[] = [];
  #count = 0;

  constructor(random: Random, log: Log, counts: Counts) {
    this.#random = random;
    this.#log = log;
    this.#counts = counts;
    this.#listed = new ListedZones(log);
  }

  /** Whether a link that is served in any case has never been searched, be it in vain. */
  get isFirstRound(): boolean {
    return [...this.#links.values()].some(
      ({ belief, failures, subject: { mode, takesListed } }) =>
        mode === "proxy" && takesListed && !belief.hasEnded && failures === 0,
    );
  }

  /** What is believed at the moment, in the order of the subjects. */
  get learned(): readonly LearnedLink[] {
    return [...this.#links.values()].map(({ belief }) => belief.learned);
  }

  /** Takes the links to be searched; new ones, and those on other networks, are searched now. */
  configure(now: Instant, around: Surroundings): void {
    this.#around = around;
    const names = new Set(around.subjects.map(({ link }) => link));
    for (const link of this.#links.keys()) if (!names.has(link)) this.#links.delete(link);
    for (const subject of around.subjects) {
      const known = this.#links.get(subject.link);
      // Their order is that of the subjects.
      this.#links.delete(subject.link);
      const searched = known ?? this.#begin(now, subject);
      this.#links.set(subject.link, searched);
      const isSame = subjectKey(searched.subject) === subjectKey(subject);
      searched.subject = subject;
      searched.belief.configure(subject);
      if (!isSame) this.#hasten(now, searched);
    }
    this.#settle();
    this.#run(now);
  }

  /** The search domains of the system, which change as networks do. */
  setSearch(search: readonly Name[]): void {
    this.#search = search;
  }

  /** Searches all links now. */
  refresh(now: Instant): void {
    for (const searched of this.#links.values()) this.#hasten(now, searched);
    this.#run(now);
  }

  /** @param answer  undefined: there is none */
  answered(now: Instant, id: number, answer: LearnAnswer | undefined): void {
    for (const searched of this.#links.values()) {
      const awaited = searched.round?.awaited.get(id);
      if (awaited === undefined) continue;
      this.#heard(searched, id, answer);
      this.#proceed(now, searched);
      break;
    }
    this.#run(now);
  }

  expire(now: Instant): void {
    for (const searched of this.#links.values()) {
      const late = [...(searched.round?.awaited ?? [])].filter(([, { by }]) => by <= now);
      for (const [id] of late) this.#heard(searched, id, undefined);
      if (late.length > 0) this.#proceed(now, searched);
      if (searched.belief.expire(now)) this.#settle();
    }
    this.#run(now);
  }

  nextDeadline(): Instant | undefined {
    let next: Instant | undefined;
    const hasRoom = this.#underWay < roundsMax;
    for (const { round, nextAt, belief } of this.#links.values()) {
      for (const { by } of round?.awaited.values() ?? []) next = earliest(next, by);
      // Who waits for room is looked at when a search ends.
      if (hasRoom && round === undefined) next = earliest(next, nextAt);
      next = earliest(next, belief.nextDeadline());
    }
    return next;
  }

  /** Questions to be put; drains them. */
  takeQuestions(): readonly PutQuestion[] {
    const questions = this.#questions;
    this.#questions = [];
    return questions;
  }

  /** For listings. */
  view(now: Instant): LearnerView {
    const links = [...this.#links.values()].map((one) => ({
      ...one.belief.view(now),
      mode: one.subject.mode,
      isSearching: one.round !== undefined,
      nextSearch: Math.round(elapsed(now, one.nextAt) / 1000),
    }));
    return { hostname: displayName(this.#around.hostname), links };
  }

  get #underWay(): number {
    let count = 0;
    for (const { round } of this.#links.values()) if (round !== undefined) count += 1;
    return count;
  }

  #begin(now: Instant, subject: Subject): Searched {
    const belief = new Belief(subject, this.#log);
    return {
      subject,
      belief,
      round: undefined,
      nextAt: now,
      wholeAt: now,
      failed: [],
      startedAt: undefined,
      failures: 0,
    };
  }

  #hasten(now: Instant, searched: Searched): void {
    // What is under way asked before the reason to ask again.
    searched.round = undefined;
    const { startedAt } = searched;
    const soonest = startedAt === undefined ? now : after(startedAt, roundGapMin);
    searched.nextAt = soonest > now ? soonest : now;
    searched.wholeAt = searched.nextAt;
  }

  /** Begins the searches that are due, as many as may run at once. */
  #run(now: Instant): void {
    for (const searched of this.#links.values()) {
      if (searched.round !== undefined || searched.nextAt > now) continue;
      if (this.#underWay >= roundsMax) return;
      searched.startedAt = now;
      searched.round = this.#open(now, searched);
      this.#proceed(now, searched);
    }
  }

  #open(now: Instant, searched: Searched): Round {
    const { subject, belief, wholeAt, failed } = searched;
    const round = { look: new Look(), awaited: new Map() };
    if (now >= wholeAt) {
      searched.wholeAt = after(now, between(this.#random, roundSpan.low, roundSpan.high));
      return { ...round, subject };
    }
    const takesListed = subject.takesListed && !belief.hasOwnName;
    return { ...round, subject: { ...subject, networks: failed, takesListed } };
  }

  #heard({ round }: Searched, id: number, answer: LearnAnswer | undefined): void {
    const awaited = round?.awaited.get(id);
    if (round === undefined || awaited === undefined) return;
    round.awaited.delete(id);
    round.look.heard(awaited.question, answer);
  }

  #proceed(now: Instant, searched: Searched): void {
    const { round } = searched;
    if (round === undefined) return;
    const result = searchLink(round.look, round.subject, this.#around, this.#search);
    for (const question of round.look.takeQuestions()) {
      this.#count += 1;
      round.awaited.set(this.#count, { question, by: after(now, answerPatience) });
      this.#questions.push({ ...question, id: this.#count });
    }
    if (result !== undefined) this.#end(now, searched, round, result);
  }

  #end(now: Instant, searched: Searched, { look }: Round, result: SearchResult): void {
    if (look.isExhausted) this.#counts.add("limits", "learn-questions");
    const isFinished = searched.belief.take(now, result);
    this.#counts.add("learn-rounds", isFinished ? "finished" : "failed");
    searched.round = undefined;
    searched.failures = isFinished ? 0 : searched.failures + 1;
    searched.failed = result.networks.flatMap(([network, { kind }]) =>
      kind === "failed" ? [network] : [],
    );
    const { wholeAt, failures } = searched;
    const retryAt = after(now, retryAfter(failures));
    searched.nextAt = isFinished || retryAt > wholeAt ? wholeAt : retryAt;
    this.#settle();
  }

  /** Zones that name no network go to the link that they can only be for. */
  #settle(): void {
    const beliefs = [...this.#links.values()].map(({ belief }) => belief);
    this.#listed.assign(beliefs, this.#around.claimed);
  }
}

/** Soon at first; how long, is doubled each time. */
const retryAfter = (failures: number): Duration =>
  (retryFirst * 2 ** Math.min(Math.max(failures - 1, 0), 10)) as Duration;

/** Equal for subjects that the same search is made for. */
function subjectKey({ mode, networks, within, takesListed }: Subject): string {
  const names = within.map(({ key }) => key);
  return JSON.stringify([mode, networks.map(formatPrefix), names, takesListed]);
}
