// Following one question for as long as somebody wants its answers: by Push if a
// server offers it, else by an LLQ, else by asking again (RFC 8765 §6.8, RFC 8764
// §4). One way at a time; the copy stays when the way changes.

import { below, type Random } from "../random.js";
import { after, type Duration, earliest, type Instant, ms, seconds } from "../time.js";
import { Rcode, rcodeName } from "../wire/codes.js";
import type { Message, Question } from "../wire/message.js";
import { answersIn, spanOf } from "./answer.js";
import type { Avoided } from "./avoided.js";
import { Copy } from "./copy.js";
import type { ClientOutput, Outbox, Way } from "./io.js";
import {
  againMax,
  againMin,
  connectPatience,
  reasonsMax,
  settleTime,
  unreachableSpan,
  waitedFor,
} from "./limits.js";
import { Llq, type LlqOutcome } from "./llq-client.js";
import { isAskable } from "./llq-messages.js";
import { Lookup } from "./lookup.js";
import { adviceFor } from "./rcode-text.js";
import { type Candidate, type SearchOptions, search } from "./search.js";
import { avoidedKey, type Sessions, scopeOf, type Ticket, type TicketNews } from "./sessions.js";

/** Polls are not closer together than the TTL and this, or the other (RFC 8765 §6.8). */
const pollMargin: Duration = seconds(2);
const pollMax: Duration = seconds(900);

/** A TTL of nothing would have us ask without a pause. */
const pollMin: Duration = seconds(5);

/** A record that was polled outlives two polls that fail. */
const pollsMissed = 3;

/** An LLQ stands, but there is a server of Push: it is tried again after this. */
const pushAgain: Duration = seconds(3600);

/** A way that has stood for so long begins anew without a pause when it is lost. */
const steadySpan: Duration = seconds(60);

/** A resolver that was in vain as such may be the zone's server all the same. */
const guess = "guess";

/** A server that can be reached, but has no LLQ for us. */
const refusal = "refusal";

type State =
  /** Nothing is under way until then; without it for ever. */
  | { readonly kind: "resting"; readonly until?: Instant }
  /** The search waits for an answer; `type` and the name are the search's. */
  | { readonly kind: "looking"; readonly query: number; readonly wanted: LookedFor }
  | { readonly kind: "push"; readonly ticket: Ticket; isAccepted: boolean }
  | {
      readonly kind: "llq";
      readonly candidate: Candidate;
      readonly channel: number;
      readonly connectBy: Instant;
      /** Undefined while the channel is being opened. */
      llq: Llq | undefined;
    }
  | { readonly kind: "polling"; readonly query: number }
  | { readonly kind: "ended" };

interface LookedFor {
  readonly name: Question["name"];
  readonly type: number;
}

export interface Surroundings {
  readonly outbox: Outbox;
  readonly sessions: Sessions;
  readonly avoided: Avoided;
  readonly random: Random;
  readonly options: Omit<SearchOptions, "random">;
}

export class Follow {
  readonly question: Question;
  readonly #around: Surroundings;
  readonly #copy = new Copy();
  readonly #lookup = new Lookup();
  #state: State = { kind: "resting" };
  #search: ReturnType<typeof search> | undefined;
  #way: Way | undefined;
  #wayPlace: string | undefined;
  #since: Instant;
  /** Ways lost in a row, none of which stood for long. */
  #losses = 0;
  #pushAgainAt: Instant | undefined;
  /** What the search has met: a server of Push; one that can be reached, but has no LLQ for us. */
  #hasPush = false;
  #hasLlq = false;
  #isStatic = false;
  readonly #told = new Set<string>();
  #outputs: ClientOutput[] = [];

  constructor(now: Instant, question: Question, around: Surroundings) {
    this.question = question;
    this.#around = around;
    this.#since = now;
    this.#begin(now);
  }

  /** Whether the answer to this query is waited for here. */
  awaits(query: number): boolean {
    const state = this.#state;
    return (state.kind === "looking" || state.kind === "polling") && state.query === query;
  }

  owns(channel: number): boolean {
    return this.#state.kind === "llq" && this.#state.channel === channel;
  }

  answered(now: Instant, message: Message, from: string): void {
    const state = this.#state;
    if (state.kind === "polling") this.#polled(now, message);
    if (state.kind !== "looking") return;
    const { name, type } = state.wanted;
    this.#lookup.answered(now, name, type, message, from);
    this.#advance(now);
  }

  unanswered(now: Instant, reason: string): void {
    const state = this.#state;
    if (state.kind === "polling") this.#pollFailed(now, reason);
    if (state.kind !== "looking") return;
    this.#lookup.failed(now, state.wanted.name, state.wanted.type, reason);
    this.#advance(now);
  }

  connected(now: Instant): void {
    const state = this.#state;
    if (state.kind !== "llq" || state.llq !== undefined) return;
    const isStream = state.candidate.transport !== "udp";
    state.llq = new Llq(now, this.#around.random, this.question, isStream);
    this.#around.outbox.send(state.channel, state.llq.takePackets());
  }

  bytes(now: Instant, bytes: Uint8Array): void {
    const state = this.#state;
    if (state.kind === "llq" && state.llq !== undefined) {
      this.#llqOutcomes(now, state.llq.receive(now, bytes));
    }
  }

  /** The channel is gone, or was never there. */
  lost(now: Instant, reason = "the connection was closed"): void {
    const state = this.#state;
    if (state.kind !== "llq") return;
    this.#around.outbox.lost(state.channel);
    this.#unreachable(now, state, reason);
  }

  /** Reads what has become of the subscription. */
  readTicket(now: Instant): void {
    const state = this.#state;
    if (state.kind !== "push") return;
    for (const news of state.ticket.take()) this.#pushNews(now, state, news);
  }

  expire(now: Instant): void {
    this.#copy.expire(now);
    const state = this.#state;
    if (state.kind === "resting") {
      if (state.until !== undefined && state.until <= now) this.#begin(now);
    } else if (state.kind === "llq") {
      if (state.llq === undefined) {
        if (state.connectBy > now) return;
        this.#around.outbox.end(state.channel, "close");
        this.#unreachable(now, state, "no connection in time");
        return;
      }
      this.#llqOutcomes(now, state.llq.expire(now));
      if (this.#pushAgainAt !== undefined && this.#pushAgainAt <= now) this.#retryPush(now);
    }
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#copy.nextDeadline(), this.#stateDeadline());
  }

  /** Nobody wants it any more. */
  end(now: Instant): void {
    const state = this.#state;
    if (state.kind === "push") this.#around.sessions.unsubscribe(now, state.ticket);
    if (state.kind === "llq") this.#endLlq(state);
    this.#state = { kind: "ended" };
    this.#copy.replace([]);
  }

  takeOutputs(): readonly ClientOutput[] {
    const { question } = this;
    const changes = this.#copy.takeChanges().map((change) => ({ ...change, question }));
    const outputs = [...this.#outputs, ...changes];
    this.#outputs = [];
    return outputs;
  }

  #stateDeadline(): Instant | undefined {
    const state = this.#state;
    if (state.kind === "resting") return state.until;
    if (state.kind !== "llq") return undefined;
    if (state.llq === undefined) return state.connectBy;
    return earliest(state.llq.nextDeadline(), this.#pushAgainAt);
  }

  /** Looks for the best way from the start. */
  #begin(now: Instant): void {
    const { random, options } = this.#around;
    this.#lookup.begin(now);
    this.#search = search(this.#lookup, this.question.name, { ...options, random });
    this.#hasPush = false;
    this.#hasLlq = false;
    this.#advance(now);
  }

  /** The next step of the search; the last one is to ask the question itself. */
  #advance(now: Instant): void {
    for (;;) {
      const step = this.#isStatic ? undefined : this.#search?.next();
      if (step === undefined || step.done === true) {
        this.#poll();
        return;
      }
      if (step.value.kind === "ask") {
        const { name, type } = step.value;
        const query = this.#around.outbox.query(name, type);
        this.#state = { kind: "looking", query, wanted: { name, type } };
        return;
      }
      if (this.#takes(now, step.value)) return;
    }
  }

  /** @returns false when the candidate is left alone */
  #takes(now: Instant, candidate: Candidate): boolean {
    const { avoided, sessions, outbox } = this.#around;
    const { question } = this;
    if (candidate.way === "push" && !candidate.isGuess) this.#hasPush = true;
    if (avoided.find(now, avoidedKey(candidate, refusal)) !== undefined) {
      this.#hasLlq = true;
      return false;
    }
    const scopes = ["", scopeOf({ candidate, question }), ...(candidate.isGuess ? [guess] : [])];
    const keys = scopes.map((scope) => avoidedKey(candidate, scope));
    if (keys.some((key) => avoided.find(now, key) !== undefined)) return false;
    if (candidate.way === "push") {
      const ticket = sessions.subscribe(now, candidate, question);
      this.#state = { kind: "push", ticket, isAccepted: false };
      return true;
    }
    if (!isAskable(question)) return false;
    const channel = outbox.connect(candidate);
    const connectBy = after(now, connectPatience);
    this.#state = { kind: "llq", candidate, channel, connectBy, llq: undefined };
    return true;
  }

  #pushNews(now: Instant, state: State & { kind: "push" }, news: TicketNews): void {
    const { candidate } = state.ticket;
    if (news.kind === "change") {
      this.#copy.apply(news.change);
    } else if (news.kind === "accepted") {
      state.isAccepted = true;
      this.#follows(now, "push", candidate.place);
      this.#copy.settle(after(now, settleTime));
    } else if (state.isAccepted) {
      this.#tell(`Push at ${candidate.place} ended: ${news.reason}`);
      this.#lostWay(now, news.until);
    } else {
      if (candidate.isGuess) {
        this.#around.avoided.avoid(avoidedKey(candidate, guess), after(now, againMax));
      } else {
        this.#tellVain("Push", candidate, news.reason);
      }
      this.#advance(now);
    }
  }

  #llqOutcomes(now: Instant, outcomes: readonly LlqOutcome[]): void {
    const state = this.#state;
    if (state.kind !== "llq" || state.llq === undefined) return;
    this.#around.outbox.send(state.channel, state.llq.takePackets());
    for (const outcome of outcomes) {
      if (outcome.kind === "change") {
        this.#copy.apply(outcome.change);
      } else if (outcome.kind === "live") {
        this.#follows(now, "llq", `${state.candidate.place}, ${state.candidate.transport}`);
        this.#copy.settle(after(now, settleTime));
        this.#pushAgainAt = this.#hasPush ? after(now, pushAgain) : undefined;
      } else {
        this.#isStatic = outcome.isStatic;
        this.#around.outbox.end(state.channel, "close");
        if (outcome.retryDelay > 0) {
          const key = avoidedKey(state.candidate, refusal);
          this.#around.avoided.avoid(key, after(now, outcome.retryDelay));
          this.#hasLlq = true;
        }
        this.#llqOver(now, state, outcome.reason);
        return;
      }
    }
  }

  #unreachable(now: Instant, state: State & { kind: "llq" }, reason: string): void {
    if (state.llq?.isLive !== true) {
      this.#around.avoided.avoid(avoidedKey(state.candidate), after(now, unreachableSpan));
    }
    this.#llqOver(now, state, reason);
  }

  #llqOver(now: Instant, { candidate }: State & { kind: "llq" }, reason: string): void {
    const wasLive = this.#way === "llq";
    if (wasLive) this.#tell(`the LLQ at ${candidate.place}: ${reason}`);
    else this.#tellVain("LLQ", candidate, reason);
    this.#state = { kind: "resting" };
    if (wasLive) this.#lostWay(now, undefined);
    else this.#advance(now);
  }

  /** The LLQ works, and Push would be better. */
  #retryPush(now: Instant): void {
    const state = this.#state;
    this.#pushAgainAt = undefined;
    if (state.kind !== "llq") return;
    this.#endLlq(state);
    this.#way = undefined;
    this.#copy.age(now);
    this.#begin(now);
  }

  #endLlq({ llq, channel }: State & { kind: "llq" }): void {
    llq?.end();
    this.#around.outbox.send(channel, llq?.takePackets() ?? []);
    this.#around.outbox.end(channel, "close");
  }

  #poll(): void {
    const { name, type } = this.question;
    this.#state = { kind: "polling", query: this.#around.outbox.query(name, type) };
  }

  #polled(now: Instant, message: Message): void {
    const { rcode } = message;
    if (rcode !== Rcode.NOERROR && rcode !== Rcode.NXDOMAIN) {
      this.#pollFailed(now, `the resolver answers ${rcodeName(rcode)}${adviceFor(rcode)}`);
      return;
    }
    this.#follows(now, "poll", undefined);
    // The next failure is news again.
    if (this.#losses > 0) this.#told.clear();
    this.#losses = 0;
    this.#copy.replace(answersIn(message, this.question));
    const span = this.#pollSpan(spanOf(message, this.question));
    this.#state = this.#isStatic
      ? { kind: "resting" }
      : { kind: "resting", until: after(now, span) };
  }

  /** A server of LLQs that does not take this one is spared, too (RFC 8764 §5.2.3). */
  #pollSpan(ttl: Duration): Duration {
    if (this.#hasLlq) return pollMax;
    return ms(Math.min(pollMax, Math.max(pollMin, ttl + pollMargin)));
  }

  #pollFailed(now: Instant, reason: string): void {
    this.#tell(reason);
    // They have been asked for as often as their TTLs want it, and missed as often.
    const least = this.#copy.rrs.map(({ ttlSeconds }) => ttlSeconds * 1000 + pollMargin);
    const span = least.reduce((a, b) => Math.min(a, b), pollMax);
    this.#copy.age(now, ms((pollsMissed - 1) * span));
    this.#losses += 1;
    const pause = Math.max(this.#pause(), pollMin);
    this.#state = { kind: "resting", until: after(now, ms(pause)) };
  }

  #follows(now: Instant, way: Way, place: string | undefined): void {
    if (way === this.#way && place === this.#wayPlace) return;
    this.#way = way;
    this.#wayPlace = place;
    this.#since = now;
    // What kept us from a better way is no news as long as polling goes on.
    if (way !== "poll") this.#told.clear();
    const at = place === undefined ? {} : { place };
    this.#outputs.push({ kind: "way", question: this.question, way, ...at });
  }

  /** @param until  when the server said to come back */
  #lostWay(now: Instant, until: Instant | undefined): void {
    this.#copy.age(now);
    this.#losses = now - this.#since >= steadySpan ? 1 : this.#losses + 1;
    this.#way = undefined;
    this.#pushAgainAt = undefined;
    // Not randomised: the server has given others other delays (RFC 8490 §6.6.3).
    const isWorthWaiting = until !== undefined && until - now <= waitedFor;
    const back = isWorthWaiting ? until : after(now, this.#pause());
    this.#state = { kind: "resting", until: back };
  }

  /** Longer with each loss, and never the same for all clients of a server. */
  #pause(): Duration {
    const span = Math.min(againMax, againMin * 2 ** Math.min(this.#losses, 20));
    return ms(Math.max(againMin, below(this.#around.random, span)));
  }

  /** What keeps us from one way to a server often keeps us from the others, too. */
  #tellVain(what: string, { host, address, place }: Candidate, reason: string): void {
    this.#tell(`no ${what} at ${place}: ${reason}`, `${host ?? address} ${reason}`);
  }

  /** @param key  what is told once */
  #tell(reason: string, key = reason): void {
    if (this.#told.has(key) || this.#told.size >= reasonsMax) return;
    this.#told.add(key);
    this.#outputs.push({ kind: "failed", question: this.question, reason });
  }
}
