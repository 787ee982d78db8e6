// Ordinary unicast queries: from the bytes that arrive to the bytes that leave.
// Checks come first, then the ready answers, the zone and who may ask for it,
// what is answered without a link, and last the link (one-shot.ts). LLQ and
// Push are other consumers of the same links.

import type { Counts } from "../counts.js";
import type { Limits } from "../limits.js";
import type { Log } from "../log.js";
import type { Change } from "../mdns/link.js";
import { localAnswer, outsideRcode } from "../proxy/local.js";
import type { ProxyOptions } from "../proxy/options.js";
import { type Tables, tablesOf } from "../proxy/tables.js";
import type { Zone } from "../proxy/zones.js";
import type { Random } from "../random.js";
import { type Instant, instant, ms } from "../time.js";
import { Rcode, RRType } from "../wire/codes.js";
import { decodeMessage } from "../wire/message.js";
import { displayName, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { Access } from "./access.js";
import { bare, type Sections, setsOf } from "./answer.js";
import { AnswerCache, type Keep } from "./answer-cache.js";
import type { Ask, Client } from "./ask.js";
import { type Asker, type Reply, wayOf } from "./asker.js";
import { type CookieState, Cookies, cookieBytes, cookieSecretBytes } from "./cookies.js";
import { Epochs } from "./epochs.js";
import { type FindLink, OneShots } from "./one-shot.js";
import { type CookieAnswer, type Query, type Received, receive } from "./receive.js";
import { RefusedClients } from "./refused-clients.js";
import { type QueryLog, Replies, type ReplyRules } from "./replies.js";
import type { Tallies } from "./tallies.js";

export interface QueryOptions {
  readonly proxy: ProxyOptions;
  readonly limits: Limits;
  readonly logQueries: QueryLog;
  readonly cookies: CookieSetting;
}

/** Whether DNS Cookies are answered; without a secret, with one that nobody else knows. */
export type CookieSetting = false | { readonly secret?: Uint8Array };

/** A sound query as it arrived, from a client that may ask for something. */
interface Arrival {
  readonly asker: Asker;
  readonly client: Client;
  readonly query: Query;
  readonly bytes: Uint8Array;
}

export class Queries {
  readonly #counts: Counts;
  readonly #replies: Replies;
  readonly #refused: RefusedClients;
  readonly #oneShots: OneShots;
  readonly #access: Access;
  readonly #ready: AnswerCache;
  readonly #epochs = new Epochs();
  readonly #random: Random;
  /** For where none is given: the same for as long as discd runs. */
  #ownSecret: Uint8Array | undefined;
  #cookies: Cookies | undefined;
  /** Of Instant 0, in milliseconds since 1970. */
  #wallClock = 0;
  #options: QueryOptions;
  #tables: Tables;

  constructor(options: QueryOptions, findLink: FindLink, random: Random, log: Log, counts: Counts) {
    const { proxy, limits } = options;
    this.#options = options;
    this.#counts = counts;
    this.#tables = tablesOf(proxy);
    this.#replies = new Replies(replyRules(options), log, counts);
    this.#refused = new RefusedClients(log, counts);
    const parts = [this.#replies, this.#epochs, counts] as const;
    this.#oneShots = new OneShots(this.#tables, limits, findLink, ...parts);
    this.#access = new Access(this.#tables.clients);
    const seed = random.uint32() | 0;
    const hasCookies = options.cookies !== false;
    this.#ready = new AnswerCache(limits.answerCache, limits.udpSize, hasCookies, seed);
    this.#random = random;
    this.#cookies = this.#cookiesOf(options);
  }

  /** Takes up a new configuration; what waits for a link that stays keeps waiting. */
  configure(now: Instant, options: QueryOptions): void {
    const { proxy, limits } = options;
    this.#options = options;
    this.#tables = tablesOf(proxy);
    this.#replies.configure(replyRules(options));
    this.#access.configure(this.#tables.clients);
    this.#cookies = this.#cookiesOf(options);
    this.#ready.configure(limits.answerCache, limits.udpSize, this.#cookies !== undefined);
    this.#oneShots.configure(now, this.#tables, limits, (ask) => this.#rebind(ask));
  }

  /** What time it is for others. @param origin Instant 0 in milliseconds since 1970 */
  setWallClock(origin: number): void {
    this.#wallClock = origin;
  }

  /**
   * The response to a query that was answered a moment ago, or undefined: then it has to
   * be received. This is the way that most queries take on a busy server. What it gives is
   * good until the next call.
   */
  ready(now: Instant, asker: Asker, bytes: Uint8Array): Uint8Array | undefined {
    // What it measures is the whole way.
    if (asker.peer.port === 0 || asker.isProbe === true) return undefined;
    const client = this.#access.clientAt(asker.peer.address);
    if (client === undefined) return undefined;
    const response = this.#ready.find(now, bytes, wayOf(asker), client.classNumber);
    if (response === undefined) return undefined;
    const option = this.#ready.cookieOf(bytes);
    if (option !== undefined) {
      this.#bake(now, client, option, response.subarray(response.length - cookieBytes));
    }
    this.#counts.add("answer-cache-hits");
    const { counter } = this.#ready;
    if (counter !== undefined) this.#replies.tallies.take(counter, ms(0));
    if (this.#replies.isLogging) {
      const [question] = decodeMessage(bytes).questions;
      if (question !== undefined) this.#replies.note(asker, question, Rcode.NOERROR);
    }
    return response;
  }

  /**
   * Takes one message.
   *
   * @returns whether an answer is given now or later; false: it was dropped
   */
  receive(now: Instant, asker: Asker, bytes: Uint8Array): boolean {
    // Such datagrams do arrive, but no socket sends one back.
    if (asker.peer.port === 0) return this.#drop("no-port");
    if (asker.transport !== "udp") {
      const response = this.ready(now, asker, bytes);
      if (response !== undefined) {
        // Several may be answered before the first of them leaves.
        this.#replies.push(asker, response.slice());
        return true;
      }
    }
    const client = this.#access.clientAt(asker.peer.address);
    const received = this.#judge(now, asker, client, bytes);
    if (received.kind === "dropped") return this.#drop(received.reason);
    const isProbe = asker.isProbe === true;
    if (!isProbe) this.#counts.add("queries", asker.transport);
    if (client === undefined) return this.#drop("no-address");
    const { refuse } = this.#options.proxy;
    if (!client.class.isAllowed && refuse === "drop" && !isProbe) {
      this.#refused.note(now, asker.peer.address, nameIn(received));
      return this.#drop("client");
    }
    if (received.kind === "query") {
      const isTaken = this.#answer(now, { asker, client, query: received.query, bytes });
      // What is sent again while it waits, or dropped, needs no answer to be made.
      if (isTaken && !isProbe) this.#counts.add("answer-cache-misses");
      return isTaken;
    }
    this.#replies.refuse(asker, received.refusal);
    return true;
  }

  linkChanged(now: Instant, link: string, changes: readonly Change[]): void {
    this.linkStirred(link);
    this.#oneShots.linkChanged(now, link, changes);
  }

  /** Something may have changed that is not worth waking anybody for. */
  linkStirred(link: string): void {
    this.#epochs.advance(link);
  }

  linkDown(now: Instant, link: string): void {
    this.linkStirred(link);
    this.#oneShots.linkDown(now, link);
  }

  /** Nobody reads the answers that are due there (TCP-09). */
  streamClosed(now: Instant, stream: number): void {
    this.#oneShots.streamClosed(now, stream);
  }

  expire(now: Instant): void {
    this.#oneShots.expire(now);
  }

  nextDeadline(): Instant | undefined {
    return this.#oneShots.nextDeadline();
  }

  stop(now: Instant): void {
    this.#oneShots.stop(now);
  }

  /** Bytes of all replies so far. */
  get bytesPushed(): number {
    return this.#replies.bytesPushed;
  }

  takeReplies(): readonly Reply[] {
    return this.#replies.take();
  }

  /** Queries that were answered, and how long that took. */
  get tallies(): Tallies {
    return this.#replies.tallies;
  }

  /** Numbers for the state dump. */
  dump(): Readonly<Record<string, number>> {
    return {
      waiting: this.#oneShots.waiting,
      readyAnswers: this.#ready.size,
      readyBytes: this.#ready.bytes,
    };
  }

  #judge(now: Instant, asker: Asker, client: Client | undefined, bytes: Uint8Array): Received {
    const { udpSize } = this.#options.limits;
    const isStream = asker.transport !== "udp";
    if (client === undefined || this.#cookies === undefined) {
      return receive(bytes, isStream, { udpSize });
    }
    const answerCookie = (option: Uint8Array): CookieAnswer => {
      const cookie = new Uint8Array(cookieBytes);
      return { state: this.#bake(now, client, option, cookie), cookie };
    };
    return receive(bytes, isStream, { udpSize, answerCookie });
  }

  /** Writes the cookie that answers `option`; cookies are on. */
  #bake(now: Instant, client: Client, option: Uint8Array, target: Uint8Array): CookieState {
    const seconds = Math.floor((this.#wallClock + now) / 1000);
    const cookies = this.#cookies as Cookies;
    const state = cookies.answer(seconds, client.address, option, target);
    this.#counts.add("cookies", state);
    return state;
  }

  #cookiesOf({ cookies }: QueryOptions): Cookies | undefined {
    return cookies === false ? undefined : new Cookies(cookies.secret ?? this.#secretOfOwn());
  }

  #secretOfOwn(): Uint8Array {
    const byte = () => this.#random.uint32();
    this.#ownSecret ??= Uint8Array.from({ length: cookieSecretBytes }, byte);
    return this.#ownSecret;
  }

  #answer(now: Instant, arrival: Arrival): boolean {
    const { asker, client, query } = arrival;
    const { question } = query;
    const zone = this.#tables.zones.find(question.name);
    if (zone === undefined || !client.class.allows(zone)) return this.#refuse(now, arrival, zone);
    const local = localAnswer(this.#tables, zone, question, client.class);
    if (local !== undefined) {
      const { rcode, answers, authorities: authority } = local;
      const additionals = [...setsOf(local.additionals)];
      const sections = { rcode, isAuthoritative: true, answers, authority, additionals };
      this.#send(now, arrival, zone, sections, fixed);
      return true;
    }
    // A zone of records is always answered locally.
    if (zone.kind === "records") return this.#drop("no-link");
    const ask = { asker, client, query, zone, askedAt: now };
    if (this.#oneShots.hasTwin(ask)) return this.#drop("retransmission");
    const outcome = this.#oneShots.begin(now, ask);
    if (outcome === "waiting") return true;
    if (outcome === "failed") {
      this.#replies.answer(asker, query, bare(Rcode.SERVFAIL), { zone, waited: ms(0) });
    } else {
      const epoch = this.#epochs.of(zone.link.link);
      this.#send(now, arrival, zone, outcome.sections, { epoch, staleAt: outcome.staleAt });
    }
    return true;
  }

  /** A name in no zone of ours, or a client that may not ask for it (DP-109, DP-110, DP-124). */
  #refuse(now: Instant, { asker, client, query }: Arrival, zone: Zone | undefined): boolean {
    const isOutside = zone === undefined && client.class.isAllowed;
    const isDropping = this.#options.proxy.refuse === "drop" && asker.isProbe !== true;
    if (!isOutside && asker.isProbe !== true)
      this.#refused.note(now, asker.peer.address, query.question.name);
    if (!isOutside && isDropping) return this.#drop("client");
    const rcode = isOutside ? outsideRcode(this.#tables, query.question.name) : Rcode.REFUSED;
    this.#replies.answer(asker, query, bare(rcode), { zone, waited: ms(0) });
    return true;
  }

  #send(
    now: Instant,
    arrival: Arrival,
    zone: Zone,
    sections: Sections,
    good: Omit<Keep, "response" | "counter">,
  ): void {
    const { asker, client, query, bytes } = arrival;
    const response = this.#replies.answer(asker, query, sections, { zone, waited: ms(0) });
    // Errors are as cheap to make again; addresses that leave in turn differ each time.
    if (sections.rcode !== Rcode.NOERROR || this.#isTurning(sections)) return;
    if (good.staleAt <= now || asker.isProbe === true) return;
    const { type } = query.question;
    const { transport } = asker;
    const { tallies } = this.#replies;
    const counter = tallies.counterOf({ transport, type, rcode: sections.rcode, zone });
    this.#ready.keep(bytes, wayOf(asker), client.classNumber, { response, counter, ...good });
  }

  #isTurning({ answers }: Sections): boolean {
    return this.#options.proxy.rotate && answers.some(isAddress);
  }

  /** Gives a waiting query its zone and its rights under the new configuration. */
  #rebind(ask: Ask): boolean {
    const zone = this.#tables.zones.find(ask.query.question.name);
    const client = this.#access.clientAt(ask.asker.peer.address);
    if (zone === undefined || zone.kind === "records" || client === undefined) return false;
    ask.zone = zone;
    ask.client = client;
    return client.class.allows(zone);
  }

  #drop(reason: string): false {
    this.#counts.add("drops", `query-${reason}`);
    return false;
  }
}

/** Answers that no link has a part in stand until the configuration changes. */
const fixed = { epoch: { count: 0 }, staleAt: instant(Number.POSITIVE_INFINITY) };

function nameIn(received: Exclude<Received, { kind: "dropped" }>): Name | undefined {
  const { question } = received.kind === "query" ? received.query : received.refusal;
  return question?.name;
}

function isAddress({ type }: RR): boolean {
  return type === RRType.A || type === RRType.AAAA;
}

function replyRules({ proxy, limits, logQueries }: QueryOptions): ReplyRules {
  const { udpSize, tcpIdle } = limits;
  const opt = { udpSize, tcpIdle, ...(proxy.nsid === undefined ? {} : { nsid: proxy.nsid }) };
  const { nsid, hostname } = proxy;
  const instance = nsid === undefined ? displayName(hostname) : new TextDecoder().decode(nsid);
  return { opt, rotate: proxy.rotate, queryLog: logQueries, instance };
}
