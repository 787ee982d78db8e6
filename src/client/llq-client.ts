// One LLQ as its client lives it (RFC 8764 §5 to §7): the set-up in four messages
// over UDP and in two over a stream (LLQ-24), events and their acknowledgements,
// refreshes before the lease is over, the end. What comes after a failure is the
// caller's affair.

import { below, type Random } from "../random.js";
import { after, type Duration, earliest, type Instant, ms, seconds } from "../time.js";
import { Rcode } from "../wire/codes.js";
import { encodeFrame, FrameReader } from "../wire/frame.js";
import { latin1 } from "../wire/latin1.js";
import { LlqError, LlqOpcode, type LlqOption, llqVersion } from "../wire/llq-option.js";
import type { Message, Question } from "../wire/message.js";
import { leaseSecondsMax, leaseSecondsMin, seenEventsMax } from "./limits.js";
import { changesIn, encodeAck, encodeRequest, readReply } from "./llq-messages.js";
import type { HeardChange } from "./push-changes.js";
import { rcodeText } from "./rcode-text.js";

/** What is asked for; two hours, as old clients do. */
const wantedLeaseSeconds = 7200;

/** After each try of the set-up so long until the next, and after the last until the end. */
const patience: readonly Duration[] = [seconds(2), seconds(4), seconds(8)];

/** Parts of the lease at which it is refreshed, as long as nothing comes back (§7.1). */
const refreshParts: readonly number[] = [0.8, 0.9, 0.95];

/** Without an answer, or after one that is no LLQ's, not tried again sooner (§5.2.3). */
const retryDelay: Duration = seconds(3600);

export type LlqOutcome =
  /** It stands: these are all answers there are, but for what follows at once as an event. */
  | { readonly kind: "live" }
  | { readonly kind: "change"; readonly change: HeardChange }
  | {
      readonly kind: "over";
      readonly reason: string;
      /** Before this is over the server is not asked again. */
      readonly retryDelay: Duration;
      /** STATIC: the answers will not change, and are not worth a poll. */
      readonly isStatic: boolean;
    };

type State =
  /** Setup Requests leave; the Challenge is awaited, or the answers on a stream. */
  | { readonly kind: "asking"; tries: number; triedAt: Instant }
  /** Challenge Responses leave; the answers are awaited. */
  | { readonly kind: "responding"; tries: number; triedAt: Instant; readonly challenge: Challenge }
  | { readonly kind: "live"; id: bigint; leaseSeconds: number; since: Instant; refreshes: number }
  | { readonly kind: "over" };

interface Challenge {
  readonly option: LlqOption;
  /** Setup Requests that have brought no Challenge: each may still bring one. */
  due: number;
  /** What looks like a late Challenge may have been the answer, if nothing better comes. */
  isDoubtful: boolean;
}

export class Llq {
  readonly #random: Random;
  readonly #question: Question;
  readonly #isStream: boolean;
  readonly #frames = new FrameReader();
  readonly #seenEvents = new Set<string>();
  #state: State;
  /** The ID of the request that is under way. */
  #id: number;
  #packets: Uint8Array[] = [];

  /** @param isStream  over TCP or TLS: no Challenge, nothing is sent twice */
  constructor(now: Instant, random: Random, question: Question, isStream: boolean) {
    this.#random = random;
    this.#question = question;
    this.#isStream = isStream;
    this.#id = below(random, 0x1_0000);
    this.#state = { kind: "asking", tries: 1, triedAt: now };
    this.#request(setup(0n, wantedLeaseSeconds));
  }

  get isLive(): boolean {
    return this.#state.kind === "live";
  }

  /** Takes a datagram of the server, or bytes of the stream, cut anywhere. */
  receive(now: Instant, bytes: Uint8Array): readonly LlqOutcome[] {
    const outcomes: LlqOutcome[] = [];
    if (!this.#isStream) {
      this.#message(now, bytes, outcomes);
      return outcomes;
    }
    this.#frames.push(bytes);
    for (let frame = this.#frames.take(); frame !== undefined; frame = this.#frames.take()) {
      this.#message(now, frame, outcomes);
    }
    return outcomes;
  }

  expire(now: Instant): readonly LlqOutcome[] {
    const outcomes: LlqOutcome[] = [];
    const next = this.nextDeadline();
    if (next === undefined || next > now) return outcomes;
    const state = this.#state;
    if (state.kind === "live") this.#lease(now, state, outcomes);
    else if (state.kind !== "over") this.#tryAgain(now, state, outcomes);
    return outcomes;
  }

  nextDeadline(): Instant | undefined {
    const state = this.#state;
    if (state.kind === "over") return undefined;
    if (state.kind !== "live") {
      const wait = this.#isStream ? ms(14_000) : (patience[state.tries - 1] as Duration);
      return after(state.triedAt, wait);
    }
    const end = this.#leaseAt(state, 1);
    const part = refreshParts[state.refreshes];
    return part === undefined ? end : earliest(end, this.#leaseAt(state, part));
  }

  /** Nobody wants it any more: said once, and not waited for (RFC 8764 §7). */
  end(): void {
    if (this.#state.kind === "live") {
      this.#id = below(this.#random, 0x1_0000);
      this.#request(refresh(this.#state.id, 0));
    }
    this.#state = { kind: "over" };
  }

  /** What is to be sent, on a stream with its length; drains it. */
  takePackets(): readonly Uint8Array[] {
    const packets = this.#packets;
    this.#packets = [];
    return packets;
  }

  #message(now: Instant, bytes: Uint8Array, into: LlqOutcome[]): void {
    const reply = readReply(bytes, this.#question);
    if (reply === undefined || this.#state.kind === "over") return;
    const { message, option } = reply;
    if (option?.opcode === LlqOpcode.EVENT) {
      this.#event(message, option, latin1(bytes), into);
    } else if (message.id !== this.#id) return;
    else if (this.#state.kind === "live") this.#refreshed(now, this.#state, option, into);
    else this.#setUp(now, message, option, into);
  }

  #setUp(now: Instant, message: Message, option: LlqOption | undefined, into: LlqOutcome[]): void {
    if (message.rcode !== Rcode.NOERROR || option === undefined) {
      const isOrdinary = message.rcode === Rcode.NOERROR;
      const what = isOrdinary ? "it gives an ordinary answer" : rcodeText(message.rcode);
      this.#over(`it takes no LLQs: ${what}`, retryDelay, into);
      return;
    }
    if (option.opcode !== LlqOpcode.SETUP) return;
    if (option.error !== LlqError.NO_ERROR) this.#refused(option, into);
    else if (option.version !== llqVersion || option.id === 0n) return;
    else if (this.#state.kind === "asking" && !this.#isStream) this.#challenged(now, option);
    else if (this.#isAnswer(message, option)) this.#live(now, message, option, into);
  }

  #challenged(now: Instant, option: LlqOption): void {
    if (this.#state.kind !== "asking") return;
    const challenge = { option, due: this.#state.tries - 1, isDoubtful: false };
    this.#state = { kind: "responding", tries: 1, triedAt: now, challenge };
    this.#request(setup(option.id, option.leaseSeconds));
  }

  /** An answer without records looks like another copy of the Challenge. */
  #isAnswer(message: Message, option: LlqOption): boolean {
    if (this.#state.kind !== "responding") return true;
    const { challenge } = this.#state;
    if (option.id !== challenge.option.id) return false;
    const isLike = option.leaseSeconds === challenge.option.leaseSeconds;
    if (message.answers.length > 0 || !isLike || challenge.due === 0) return true;
    challenge.due -= 1;
    challenge.isDoubtful = true;
    return false;
  }

  #live(now: Instant, message: Message, option: LlqOption, into: LlqOutcome[]): void {
    const { id } = option;
    const leaseSeconds = Math.min(option.leaseSeconds, leaseSecondsMax);
    if (leaseSeconds < leaseSecondsMin) {
      this.#over(`its lease of ${leaseSeconds} s is too short`, retryDelay, into);
      return;
    }
    this.#state = { kind: "live", id, leaseSeconds, since: now, refreshes: 0 };
    into.push({ kind: "live" });
    for (const change of changesIn(message, this.#question)) into.push({ kind: "change", change });
  }

  #event(message: Message, option: LlqOption, key: string, into: LlqOutcome[]): void {
    const state = this.#state;
    // Late Challenge Responses are answered anew: a server may know of the LLQ before we do.
    if (state.kind !== "live" || option.id !== state.id) return;
    this.#send(encodeAck(message.id, this.#question, option));
    if (!this.#isStream && !this.#isNew(key)) return;
    for (const change of changesIn(message, this.#question)) into.push({ kind: "change", change });
  }

  #isNew(key: string): boolean {
    if (this.#seenEvents.has(key)) return false;
    this.#seenEvents.add(key);
    const [oldest] = this.#seenEvents;
    if (this.#seenEvents.size > seenEventsMax) this.#seenEvents.delete(oldest as string);
    return true;
  }

  #refreshed(
    now: Instant,
    state: State & { kind: "live" },
    option: LlqOption | undefined,
    into: LlqOutcome[],
  ): void {
    if (option?.opcode !== LlqOpcode.REFRESH || state.refreshes === 0) return;
    // Forgotten, perhaps by a restart: set up anew, and at once.
    if (option.error === LlqError.NO_SUCH_LLQ) this.#over("it was forgotten", ms(0), into);
    else if (option.error !== LlqError.NO_ERROR) this.#refused(option, into);
    else if (option.id !== state.id) return;
    else if (option.leaseSeconds < leaseSecondsMin) {
      this.#over(`its lease of ${option.leaseSeconds} s is too short`, retryDelay, into);
    } else {
      state.leaseSeconds = Math.min(option.leaseSeconds, leaseSecondsMax);
      state.since = now;
      state.refreshes = 0;
    }
  }

  #refused({ error, leaseSeconds }: LlqOption, into: LlqOutcome[]): void {
    if (error === LlqError.SERV_FULL) {
      const wait = Math.min(Math.max(leaseSeconds, leaseSecondsMin), leaseSecondsMax);
      this.#over("it has no room for LLQs", seconds(wait), into);
      return;
    }
    const isStatic = error === LlqError.STATIC;
    const name = Object.entries(LlqError).find(([, code]) => code === error)?.[0];
    const reason = isStatic ? "the answers never change" : `LLQ error ${name ?? error}`;
    this.#over(reason, retryDelay, into, isStatic);
  }

  #tryAgain(
    now: Instant,
    state: State & { kind: "asking" | "responding" },
    into: LlqOutcome[],
  ): void {
    if (state.tries < patience.length && !this.#isStream) {
      state.tries += 1;
      state.triedAt = now;
      if (state.kind === "asking") this.#request(setup(0n, wantedLeaseSeconds));
      else this.#request(setup(state.challenge.option.id, state.challenge.option.leaseSeconds));
      return;
    }
    if (state.kind === "responding" && state.challenge.isDoubtful) {
      const { id, leaseSeconds } = state.challenge.option;
      this.#state = { kind: "live", id, leaseSeconds, since: now, refreshes: 0 };
      into.push({ kind: "live" });
      return;
    }
    this.#over("it does not answer", retryDelay, into);
  }

  #lease(now: Instant, state: State & { kind: "live" }, into: LlqOutcome[]): void {
    if (this.#leaseAt(state, 1) <= now) {
      this.#over("its lease ran out, and refreshing it brought no answer", ms(0), into);
      return;
    }
    if (state.refreshes === 0) this.#id = below(this.#random, 0x1_0000);
    state.refreshes += 1;
    this.#request(refresh(state.id, state.leaseSeconds));
  }

  #leaseAt({ since, leaseSeconds }: State & { kind: "live" }, part: number): Instant {
    return after(since, ms(leaseSeconds * 1000 * part));
  }

  #request(option: LlqOption): void {
    this.#send(encodeRequest(this.#id, this.#question, option));
  }

  #send(message: Uint8Array): void {
    this.#packets.push(this.#isStream ? encodeFrame(message) : message);
  }

  #over(reason: string, delay: Duration, into: LlqOutcome[], isStatic = false): void {
    this.#state = { kind: "over" };
    into.push({ kind: "over", reason, retryDelay: delay, isStatic });
  }
}

const setup = (id: bigint, leaseSeconds: number): LlqOption => ({
  version: llqVersion,
  opcode: LlqOpcode.SETUP,
  error: LlqError.NO_ERROR,
  id,
  leaseSeconds,
});

const refresh = (id: bigint, leaseSeconds: number): LlqOption => ({
  ...setup(id, leaseSeconds),
  opcode: LlqOpcode.REFRESH,
});
