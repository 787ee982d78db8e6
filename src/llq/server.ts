// The server's side of LLQs (RFC 8764; over streams as LLQ-24): requests are
// judged question by question, set-ups over UDP are challenged, leases renewed
// and ended. Stands beside ordinary queries, which get every message that is
// none of its affair. Events and waiting are live.ts's.

import { clientKey, parseAddress } from "../address.js";
import type { Counts } from "../counts.js";
import type { Change } from "../mdns/link.js";
import type { ClientClass } from "../proxy/client.js";
import { localAnswer } from "../proxy/local.js";
import type { ProxyOptions } from "../proxy/options.js";
import { type Tables, tablesOf } from "../proxy/tables.js";
import type { LinkZone } from "../proxy/zones.js";
import type { Random } from "../random.js";
import type { Instant } from "../time.js";
import type { Question } from "../wire/message.js";
import type { Asker, Reply } from "./asker.js";
import { fullRetrySeconds, grant, type LlqLimits } from "./lease.js";
import { type FindLink, LiveLlqs } from "./live.js";
import type { Llq } from "./llq.js";
import { encodeReply, failure, success } from "./messages.js";
import type { Opened } from "./opening.js";
import { LlqError, LlqOpcode, type LlqOption } from "./option.js";
import { optionFault, questionFault, type Request, receive, type Wish } from "./receive.js";
import { Challenges, type Issued, type Mac } from "./setup.js";

export interface LlqOptions {
  /** False: every LLQ ends, and its option is not looked at (LLQ-01). */
  readonly isOn: boolean;
  readonly proxy: ProxyOptions;
  readonly limits: LlqLimits;
}

/**
 * What became of a message: ordinary queries have to look at it; one reply is given, now or
 * later; or it was taken in silence.
 */
export type Taken = "other" | "answered" | "silent";

interface Client {
  readonly class: ClientClass;
  readonly key: string;
}

/** The zone of a question, why there is none, or that it is none of ours. */
type Place = LinkZone | number | "outside";

/** A request of opcode 1, judged question by question. */
interface Setup {
  readonly now: Instant;
  readonly asker: Asker;
  readonly client: Client;
  readonly request: Request;
  readonly places: readonly Place[];
}

/** A question of a set-up that has proven itself, or says what failed before. */
type Proof =
  | { readonly kind: "live"; readonly llq: Llq }
  | { readonly kind: "new"; readonly issued: Issued }
  | { readonly kind: "failed"; readonly error: number };

const streamMessageMax = 65_535;

/** One LLQ, for listings. */
export interface LlqState {
  readonly id: bigint;
  readonly transport: Asker["transport"];
  readonly address: string;
  readonly question: Question;
  /** Records that its client holds for sure. */
  readonly records: number;
  readonly begunAt: Instant;
  readonly expiresAt: Instant;
}

export class LlqServer {
  readonly #counts: Counts;
  readonly #findLink: FindLink;
  readonly #random: Random;
  readonly #challenges: Challenges;
  readonly #live: LiveLlqs;
  #isOn: boolean;
  #limits: LlqLimits;
  #tables: Tables;

  constructor(options: LlqOptions, findLink: FindLink, random: Random, mac: Mac, counts: Counts) {
    this.#isOn = options.isOn;
    this.#limits = options.limits;
    this.#tables = tablesOf(options.proxy);
    this.#findLink = findLink;
    this.#random = random;
    this.#counts = counts;
    this.#challenges = new Challenges(mac);
    this.#live = new LiveLlqs(this.#tables, findLink, random, counts);
  }

  /** Records and names looked at so far: what a change has cost. */
  get judged(): number {
    return this.#live.judged;
  }

  /** LLQs alive. */
  get size(): number {
    return this.#live.table.size;
  }

  /** Every LLQ, for listings; those that come or go meanwhile do no harm. */
  *all(): Generator<LlqState> {
    for (const { id, asker, question, told, begunAt, expiresAt } of this.#live.table.all()) {
      const { transport, peer } = asker;
      yield {
        id,
        transport,
        address: peer.address,
        question,
        records: told.size,
        begunAt,
        expiresAt,
      };
    }
  }

  /** Whether the idle limit of a stream must not run (LLQ-24). */
  hasLlqs(stream: number): boolean {
    return this.#live.table.onStream(stream).length > 0;
  }

  /** Takes up a new configuration; LLQs that it still allows go on. */
  configure(now: Instant, options: LlqOptions): void {
    this.#isOn = options.isOn;
    this.#limits = options.limits;
    this.#tables = tablesOf(options.proxy);
    this.#live.configure(now, this.#tables, (llq) => this.#rebind(llq));
  }

  /** Takes one message of any kind, over UDP or a stream. */
  receive(now: Instant, asker: Asker, bytes: Uint8Array): Taken {
    // Such datagrams do arrive, but no socket sends one back.
    if (!this.#isOn || asker.peer.port === 0) return "other";
    const isStream = asker.transport !== "udp";
    const received = receive(bytes, asker.transport);
    if (received === undefined) return "other";
    if (received.kind === "acknowledgement") {
      this.#live.acknowledge(now, asker, received.acknowledgement);
      return "silent";
    }
    const client = this.#clientAt(asker);
    if (client === undefined || !client.class.isAllowed) return "other";
    const { request } = received;
    if (request.wishes.some(({ option }) => option?.opcode === LlqOpcode.REFRESH)) {
      return this.#refresh(now, asker, request);
    }
    const places = this.#placesOf(request, client);
    if (places.length === 1 && places[0] === "outside") return "other";
    const setup = { now, asker, client, request, places };
    if (isStream) return this.#openOnStream(setup);
    return isResponse(setup) ? this.#confirm(setup, bytes.length) : this.#challenge(setup);
  }

  linkChanged(now: Instant, link: string, changes: readonly Change[]): void {
    this.#live.linkChanged(now, link, changes);
  }

  /** What was on the link is gone; LLQs stay, for it may come back. */
  linkDown(now: Instant, link: string): void {
    this.#live.linkDown(now, link);
  }

  streamClosed(now: Instant, stream: number): void {
    this.#live.streamClosed(now, stream);
  }

  /** The client reads too slowly, until `drained` (PUSH-38). */
  blocked(stream: number): void {
    this.#live.blocked(stream);
  }

  drained(now: Instant, stream: number): void {
    this.#live.drained(now, stream);
  }

  /** Streams whose last LLQ has ended: their idle limit runs again. */
  takeReleased(): readonly number[] {
    return this.#live.takeReleased();
  }

  expire(now: Instant): void {
    this.#live.expire(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#live.nextDeadline();
  }

  stop(now: Instant): void {
    this.#live.stop(now);
  }

  takeReplies(): readonly Reply[] {
    return this.#live.takeReplies();
  }

  /** Numbers for the state dump. */
  dump(): Readonly<Record<string, number>> {
    return { llqs: this.size, openSetups: this.#challenges.size };
  }

  /** Over UDP an address is proven first. Nothing is kept but a note (LLQ-06, LLQ-12). */
  #challenge(setup: Setup): Taken {
    const { asker, request, places } = setup;
    const answered = request.wishes.map(({ question, option }, at) => {
      const place = places[at] as Place;
      if (typeof place !== "object") return { question, option: refusal(option, errorOf(place)) };
      return { question, option: this.#challengeOne(setup, question, option?.leaseSeconds ?? 0) };
    });
    this.#live.push(asker, encodeReply(request, answered));
    return "answered";
  }

  #challengeOne({ now, asker, client }: Setup, question: Question, wish: number): LlqOption {
    const twin = this.#live.table.findTwin(asker, question);
    if (twin !== undefined) return success(LlqOpcode.SETUP, twin.id, twin.issuedLeaseSeconds);
    const full = failure(LlqOpcode.SETUP, LlqError.SERV_FULL, fullRetrySeconds);
    if (!this.#hasRoom(client.key)) return full;
    const lease = grant(wish, this.#limits);
    const openMax = this.#limits.llqUnconfirmedPerClient;
    const issued = this.#challenges.issue(now, asker, client.key, question, lease, openMax);
    if (issued === undefined) {
      this.#counts.add("limits", "llq-unconfirmed-per-client");
      return full;
    }
    this.#live.forgive(issued.id);
    return success(LlqOpcode.SETUP, issued.id, issued.leaseSeconds);
  }

  #confirm(setup: Setup, size: number): Taken {
    const { now, asker, request } = setup;
    const proofs = request.wishes.map((wish) => this.#proofOf(now, asker, wish));
    const isGuess = proofs.every((proof) => proof === undefined || proof.kind === "failed");
    const max = Math.max(Math.min(this.#limits.udpSize, request.sizeMax), size);
    return this.#open(setup, isGuess ? [undefined] : proofs, max);
  }

  /** A stream proves the address: LLQs begin at once (LLQ-24). */
  #openOnStream(setup: Setup): Taken {
    const { now, asker, request, places } = setup;
    const proofs = request.wishes.map(({ question, option }, at): Proof | undefined => {
      const place = places[at] as Place;
      if (typeof place !== "object") return { kind: "failed", error: errorOf(place) };
      const { id, leaseSeconds: wish } = option as LlqOption;
      const llq = this.#live.table.findTwin(asker, question);
      if (id !== 0n && id !== llq?.id) return undefined;
      if (llq !== undefined) return { kind: "live", llq };
      const leaseSeconds = grant(wish, this.#limits);
      return { kind: "new", issued: { id: this.#freshId(), leaseSeconds, grantedAt: now } };
    });
    return this.#open(setup, proofs, streamMessageMax);
  }

  /** LLQ-13: what does not prove itself gets no reply, which would help who guesses. */
  #open(setup: Setup, proofs: readonly (Proof | undefined)[], messageMax: number): Taken {
    const { now, asker, request } = setup;
    if (proofs.includes(undefined)) {
      this.#counts.add("drops", "llq-proof");
      return "silent";
    }
    const waiting = proofs.flatMap((proof) =>
      proof?.kind === "live" && proof.llq.opening !== undefined ? [proof.llq.opening] : [],
    );
    // PRX-03: a copy of a request that waits starts no second wait; its ID gets the reply.
    for (const opening of waiting) opening.id = request.id;
    if (waiting.length > 0) return "silent";
    const opened = request.wishes.map(({ question }, at): Opened => {
      const proof = proofs[at] as Proof;
      if (proof.kind === "failed") return { question, isNew: false, error: proof.error };
      if (proof.kind === "live") return { question, llq: proof.llq, isNew: false, error: 0 };
      return this.#begin(setup, question, setup.places[at] as Place, proof.issued, messageMax);
    });
    this.#live.open(now, asker, request, messageMax, opened);
    return "answered";
  }

  #proofOf(now: Instant, asker: Asker, { question, option }: Wish): Proof | undefined {
    if (option === undefined) return undefined;
    const { id, leaseSeconds, error } = option;
    if (id === 0n) return error === 0 ? undefined : { kind: "failed", error };
    const llq = this.#live.table.find(asker, id, question);
    if (llq !== undefined) {
      return llq.issuedLeaseSeconds === leaseSeconds ? { kind: "live", llq } : undefined;
    }
    const issued = this.#challenges.verify(now, asker, question, leaseSeconds, id);
    if (issued === undefined || this.#live.table.hasId(id)) return undefined;
    return this.#live.hasEnded(now, id) ? undefined : { kind: "new", issued };
  }

  #begin(
    { now, asker, client }: Setup,
    question: Question,
    place: Place,
    issued: Issued,
    messageMax: number,
  ): Opened {
    const failed = (error: number) => ({ question, isNew: false, error });
    if (typeof place !== "object") return failed(errorOf(place));
    this.#challenges.confirm(asker, question);
    if (!this.#hasRoom(client.key)) return failed(LlqError.SERV_FULL);
    const { id, leaseSeconds: issuedLeaseSeconds, grantedAt } = issued;
    const who = { asker, client: client.key, class: client.class, zone: place };
    const beginning = { ...who, id, question, issuedLeaseSeconds, messageMax };
    const llq = this.#live.begin(now, beginning, grantedAt);
    if (llq === undefined) return failed(LlqError.SERV_FULL);
    return { question, llq, isNew: true, error: 0 };
  }

  #refresh(now: Instant, asker: Asker, request: Request): Taken {
    const answered = request.wishes.map(({ question, option }) => {
      const fault = optionFault(option, LlqOpcode.REFRESH);
      if (option === undefined || fault !== undefined) {
        return { question, option: refusal(option, fault ?? LlqError.FORMAT_ERR) };
      }
      return { question, option: this.#refreshOne(now, asker, question, option) };
    });
    this.#live.push(asker, encodeReply(request, answered));
    return "answered";
  }

  #refreshOne(now: Instant, asker: Asker, question: Question, option: LlqOption): LlqOption {
    const { id, leaseSeconds: wish } = option;
    const llq = this.#live.table.find(asker, id, question);
    if (llq === undefined || llq.expiresAt <= now) {
      return { ...failure(LlqOpcode.REFRESH, LlqError.NO_SUCH_LLQ), id };
    }
    if (wish === 0) {
      this.#live.end(now, llq, "ended");
      return success(LlqOpcode.REFRESH, id, 0);
    }
    const granted = grant(wish, this.#limits);
    this.#live.renew(llq, now, granted);
    return success(LlqOpcode.REFRESH, id, granted);
  }

  /** Where each question belongs, or what is wrong with it. */
  #placesOf({ wishes }: Request, client: Client): readonly Place[] {
    const asked = new Set<string>();
    return wishes.map(({ question, option }) => {
      const fault = optionFault(option, LlqOpcode.SETUP) ?? questionFault(question);
      if (fault !== undefined) return fault;
      const key = `${question.type} ${question.name.key}`;
      // LLQ-04: no client asks the same twice.
      if (asked.has(key)) return LlqError.FORMAT_ERR;
      asked.add(key);
      return this.#placeOf(question, client.class);
    });
  }

  #placeOf(question: Question, asking: ClientClass): Place {
    const zone = this.#tables.zones.find(question.name);
    if (zone === undefined || !asking.allows(zone)) return "outside";
    const isLocal = localAnswer(this.#tables, zone, question, asking) !== undefined;
    // Only the operator changes what is answered without a link.
    if (isLocal || zone.kind === "records") return LlqError.STATIC;
    return this.#findLink(zone.link.link) === undefined ? LlqError.UNKNOWN_ERR : zone;
  }

  #rebind(llq: Llq): boolean {
    if (!this.#isOn) return false;
    const client = this.#clientAt(llq.asker);
    const place = client && this.#placeOf(llq.question, client.class);
    if (client === undefined || typeof place !== "object") return false;
    llq.class = client.class;
    if (place.link.link !== llq.zone.link.link) return false;
    llq.zone = place;
    return true;
  }

  #hasRoom(client: string): boolean {
    const { table } = this.#live;
    let limit: string | undefined;
    if (table.size >= this.#limits.llq) limit = "llq";
    else if (table.ofClient(client) >= this.#limits.llqPerClient) limit = "llq-per-client";
    if (limit !== undefined) this.#counts.add("limits", limit);
    return limit === undefined;
  }

  #clientAt({ peer }: Asker): Client | undefined {
    const address = parseAddress(peer.address);
    if (address === undefined) return undefined;
    return { class: this.#tables.clients.classify(address), key: clientKey(address) };
  }

  #freshId(): bigint {
    for (;;) {
      const id = (BigInt(this.#random.uint32()) << 32n) | BigInt(this.#random.uint32());
      if (id !== 0n && !this.#live.table.hasId(id)) return id;
    }
  }
}

/**
 * Whether an address answers a challenge, with each question that it may ask. What was refused
 * before may be there again, echoed.
 */
function isResponse({ request, places }: Setup): boolean {
  const isEchoed = (option: LlqOption | undefined) => option?.id === 0n && option.error !== 0;
  return (
    request.wishes.some(({ option }) => option !== undefined && option.id !== 0n) &&
    request.wishes.every(({ option }, at) => typeof places[at] !== "number" || isEchoed(option))
  );
}

function errorOf(place: number | "outside"): number {
  return place === "outside" ? LlqError.UNKNOWN_ERR : place;
}

/** A refusal names the opcode that was asked for, if it could be read. */
function refusal(option: LlqOption | undefined, error: number): LlqOption {
  return failure(option?.opcode ?? LlqOpcode.SETUP, error);
}
