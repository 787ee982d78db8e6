// Where the modules meet: inputs go down to the folder that they concern, and
// then, always in the same order, what changed on the links is told to those
// who wait for it and everything that is to be sent is taken. Nothing calls
// upwards, nothing waits.

import { type Address, contains, type Prefix } from "../address.js";
import type { Counts } from "../counts.js";
import { type LlqOptions, LlqServer } from "../llq/server.js";
import type { Mac } from "../llq/setup.js";
import type { Log } from "../log.js";
import { type PushOptions, PushServer } from "../push/server.js";
import { Queries } from "../query/queries.js";
import type { Tallies } from "../query/tallies.js";
import type { Random } from "../random.js";
import { after, type Duration, earliest, elapsed, type Instant, ms, seconds } from "../time.js";
import { RRType, typeName } from "../wire/codes.js";
import { displayName } from "../wire/name.js";
import type { EngineConfig } from "./config.js";
import type { Effect, Input } from "./io.js";
import { Links, type UsedLink } from "./links.js";
import { Streams } from "./streams.js";
import { Survey } from "./survey.js";
import { Updating } from "./updating.js";

/** Failures to send are logged this often; all are counted. */
const failureLogEvery: Duration = seconds(10);

/** How long a record lives on after its goodbye (RFC 6762 §10.1, §10.2). */
const goodbyeGrace: Duration = seconds(1);

/** Questions of one link that a dump spells out. */
const dumpedQuestionsMax = 50;

const nothing: readonly Effect[] = [];

/** What is still taken after `stop`: it is how connections come to their end. */
const lastInputs: ReadonlySet<Input["kind"]> = new Set([
  "stream-drained",
  "stream-ended",
  "stream-closed",
  "looked-up",
  "dial-opened",
  "dial-bytes",
  "dial-closed",
  "deadline",
]);

type Datagram = Extract<Input, { kind: "datagram" }>;
type LinkUp = Extract<Input, { kind: "link-up" }>;
type Multicast = Extract<Input, { kind: "multicast" }>;
type Querier = Extract<Input, { kind: "querier" }>;
type SendFailed = Extract<Input, { kind: "send-failed" }>;

export class Engine {
  readonly #log: Log;
  readonly #counts: Counts;
  readonly #links: Links;
  readonly #queries: Queries;
  readonly #push: PushServer;
  readonly #llq: LlqServer;
  readonly #streams: Streams;
  readonly #updating: Updating;
  /** What an API and metrics show. */
  readonly survey: Survey;
  /** Until the first input gives a `now` to take it into use. */
  #config: EngineConfig | undefined;
  #next: Instant | undefined;
  /** Links whose deadlines and datagrams the tail has to look at. */
  readonly #stirred = new Set<UsedLink>();
  #isStopped = false;
  #failureLoggedAt: Instant | undefined;

  /** @param mac  proves set-ups of LLQs; its key is nobody else's */
  constructor(config: EngineConfig, random: Random, mac: Mac, log: Log, counts: Counts) {
    this.#log = log;
    this.#counts = counts;
    this.#links = new Links(random, counts, log);
    const findLink = (id: string) => this.#links.reach(id)?.link;
    this.#queries = new Queries(config, findLink, random, log, counts);
    this.#push = new PushServer(pushOptions(config), findLink, counts);
    this.#llq = new LlqServer(llqOptions(config), findLink, random, mac, counts);
    const readers = { push: this.#push, llq: this.#llq, queries: this.#queries };
    this.#streams = new Streams(config.limits, readers, counts);
    for (const link of config.links) this.#links.add(link);
    this.#updating = new Updating(config, findLink, random, counts, log);
    const { push, llq, queries } = readers;
    const updating = this.#updating;
    this.survey = new Survey(config, { links: this.#links, queries, push, llq, updating, counts });
    this.#config = config;
  }

  /**
   * Whether, after `stop`, what was published is still being taken back: connections that we
   * dial, lookups and deadlines are needed for it.
   */
  get isWithdrawing(): boolean {
    return this.#updating.isWithdrawing;
  }

  /** Takes one input; the effects are to be carried out in order. */
  handle(now: Instant, input: Input): readonly Effect[] {
    if (this.#isStopped && !lastInputs.has(input.kind)) return nothing;
    if (input.kind === "datagram" && input.isProbe !== true) {
      // The way of most queries on a busy server: nothing else is touched.
      const { listener, source: peer } = input;
      const response = this.#queries.ready(now, { transport: "udp", listener, peer }, input.bytes);
      if (response !== undefined)
        return [{ kind: "datagram", listener, to: peer, bytes: response }];
    }
    if (this.#config !== undefined) {
      this.#updating.configure(now, this.#config);
      this.#config = undefined;
    }
    this.#take(now, input);
    return this.#settle(now);
  }

  /** When `deadline` is to be handed in, unless another input comes first. */
  nextDeadline(): Instant | undefined {
    return this.#next;
  }

  /** Queries that were answered, and how long that took. */
  get queryTallies(): Tallies {
    return this.#queries.tallies;
  }

  /** How many follow changes, and what. */
  get sessions() {
    const { sessions = 0, subscriptions = 0 } = this.#push.dump();
    return { push: { sessions, subscriptions }, llq: this.#llq.size };
  }

  /** Queries that wait for an answer of a link, and bytes of the answers that are kept ready. */
  get load(): { readonly waiting: number; readonly answerCacheBytes: number } {
    const { waiting = 0, readyBytes = 0 } = this.#queries.dump();
    return { waiting, answerCacheBytes: readyBytes };
  }

  /** The state in words and numbers, for the log (SIGUSR2) and for bug reports. */
  dump(now: Instant): Readonly<Record<string, unknown>> {
    return {
      links: [...this.#links.all()].map((used) => dumpLink(now, used)),
      queries: this.#queries.dump(),
      push: this.#push.dump(),
      llq: this.#llq.dump(),
      streams: this.#streams.size,
      published: this.#updating.dump(),
      counts: Object.fromEntries(this.#counts.all()),
    };
  }

  #take(now: Instant, input: Input): void {
    switch (input.kind) {
      case "datagram":
        this.#receive(now, input);
        break;
      case "multicast":
        this.#receiveMulticast(now, input);
        break;
      case "link-up":
        this.#linkUp(now, input);
        break;
      case "link-down":
        this.#linkDown(now, input.link);
        break;
      case "stream-open":
        this.#streams.open(now, input);
        break;
      case "stream-bytes":
        this.#streams.receive(now, input.stream, input.bytes);
        break;
      case "stream-blocked":
        this.#streams.blocked(now, input.stream);
        this.#push.blocked(input.stream);
        this.#llq.blocked(input.stream);
        break;
      case "stream-drained":
        this.#push.drained(now, input.stream);
        this.#llq.drained(now, input.stream);
        this.#streams.drained(now, input.stream);
        break;
      case "stream-ended":
        this.#streams.ended(now, input.stream);
        break;
      case "stream-closed":
        this.#streams.closed(now, input.stream);
        break;
      case "querier":
        this.#querier(now, input);
        break;
      case "send-failed":
        this.#sendFailed(now, input);
        break;
      case "wall-clock":
        this.#queries.setWallClock(input.origin);
        this.#updating.receive(now, input);
        break;
      case "restore":
      case "looked-up":
      case "dial-opened":
      case "dial-bytes":
      case "dial-closed":
        this.#updating.receive(now, input);
        break;
      case "deadline":
        this.#expire(now);
        break;
      case "reconfigure":
        this.#reconfigure(now, input.config);
        break;
      case "refresh":
        this.#refresh(now);
        break;
      case "stop":
        this.#stop(now);
        break;
    }
  }

  #receive(now: Instant, { listener, source: peer, isProbe, bytes }: Datagram): void {
    const own = isProbe === undefined ? {} : { isProbe };
    const asker = { transport: "udp", listener, peer, ...own } as const;
    if (this.#llq.receive(now, asker, bytes) === "other") this.#queries.receive(now, asker, bytes);
  }

  #receiveMulticast(now: Instant, input: Multicast): void {
    const used = this.#links.reach(input.link);
    if (used === undefined) return;
    const { link } = used;
    const { family, source, isMulticast, bytes } = input;
    if (link.receive(now, { family, source, isMulticast, bytes })) this.#heard(now, used, input);
    // A goodbye, or a flushed set, is reported when it is over, one second from now; answers
    // that were made before promise more than that.
    const next = link.nextDeadline();
    if (next !== undefined && next <= after(now, goodbyeGrace))
      this.#queries.linkStirred(input.link);
  }

  /** Other programs of this host speak mDNS as well: they prove nothing about the link. */
  #heard(now: Instant, used: UsedLink, input: Multicast): void {
    const { family, source, isMulticast } = input;
    const { traffic, watchdog, place } = used;
    const isOwn = place?.prefixes.some((one) => isOf(one, source.address)) === true;
    traffic.heard(now, family, !isOwn);
    traffic.hosts.heard(source.address, input.bytes);
    if (isOwn || !isMulticast) return;
    watchdog.heard(now);
    if (watchdog.isSuspect) this.#links.watch(now, used);
  }

  #querier(now: Instant, { link: id, family, news }: Querier): void {
    const used = this.#links.peek(id);
    if (used === undefined) return;
    used.watchdog.querier(now, family, news);
    this.#links.watch(now, used);
  }

  #linkUp(now: Instant, { link: id, ...place }: LinkUp): void {
    const used = this.#links.reach(id);
    if (used === undefined) return;
    used.place = place;
    used.link.up(now, place);
    used.watchdog.joined(now);
    this.#links.watch(now, used);
    used.warm.configure(now, used.config);
    this.#updating.linkUp(now, id);
    this.#queries.linkStirred(id);
  }

  #linkDown(now: Instant, id: string): void {
    this.#updating.linkDown(now, id);
    const used = this.#links.reach(id);
    if (used !== undefined) {
      used.place = undefined;
      used.watchdog.down();
      this.#links.watch(now, used);
      used.link.down(now);
    }
    this.#queries.linkDown(now, id);
    this.#push.linkDown(now, id);
    this.#llq.linkDown(now, id);
  }

  #expire(now: Instant): void {
    if (!this.#isStopped) {
      this.#expireLinks(now);
      this.#links.watchDue(now);
    }
    this.#push.expire(now);
    this.#llq.expire(now);
    this.#streams.expire(now);
    this.#updating.expire(now);
    this.survey.directory.expire(now);
  }

  #expireLinks(now: Instant): void {
    for (const link of this.#links.takeDue(now)) link.expire(now);
    // What ended on a link is no part of the answers that fall due at the same instant.
    this.#deliver(now);
    this.#queries.expire(now);
  }

  /** Links that stay keep what they heard, and queries that wait for them keep waiting. */
  #reconfigure(now: Instant, config: EngineConfig): void {
    const kept = new Set(config.links.map((link) => link.id));
    for (const { id } of [...this.#links.all()]) {
      if (kept.has(id)) continue;
      this.#links.reach(id)?.link.stop(now);
      this.#linkDown(now, id);
      this.#links.retire(id);
    }
    for (const link of config.links) this.#links.configure(now, link);
    this.#queries.configure(now, config);
    this.#push.configure(now, pushOptions(config));
    this.#llq.configure(now, llqOptions(config));
    this.#streams.configure(config.limits);
    this.#updating.configure(now, config);
    this.survey.configure(now, config);
  }

  /**
   * What somebody wants to know is asked anew on every link that is up: lists, which may have
   * become longer unheard, and what has no answer. Nobody would answer what is known already.
   */
  #refresh(now: Instant): void {
    for (const { id } of [...this.#links.all()]) {
      const link = this.#links.reach(id)?.link;
      for (const { question } of [...(link?.questions() ?? [])]) {
        const { name, type } = question;
        const isOpen = type === RRType.PTR || link?.find(now, name, type).length === 0;
        if (isOpen) link?.askAnew(now, question, ms(0));
      }
    }
  }

  /**
   * Goodbyes, SERVFAIL to those who wait, "come back later" to sessions, and an end to all
   * connections.
   */
  #stop(now: Instant): void {
    this.#isStopped = true;
    for (const { id } of [...this.#links.all()]) this.#links.reach(id)?.link.stop(now);
    this.#queries.stop(now);
    this.#llq.stop(now);
    this.#push.stop(now);
    this.#streams.stop(now);
    this.#updating.stop(now);
  }

  #sendFailed(now: Instant, { link, listener, reason }: SendFailed): void {
    this.#counts.add("send-failed", link === undefined ? "unicast" : "multicast");
    const last = this.#failureLoggedAt;
    if (last !== undefined && now < after(last, failureLogEvery)) return;
    this.#failureLoggedAt = now;
    this.#log.event("warn", "send-failed", { link, listener, reason });
  }

  /** Tells what changed on the links to whom it concerns, until nothing changes any more. */
  #deliver(now: Instant): void {
    for (
      let used = this.#links.takeTouched();
      used !== undefined;
      used = this.#links.takeTouched()
    ) {
      this.#stirred.add(used);
      const changes = used.link.takeChanges();
      if (changes.length > 0) {
        this.#queries.linkChanged(now, used.id, changes);
        used.warm.changed(now, changes);
        this.#updating.changed(now, used.id, changes);
        this.survey.changed(now, used.id, changes);
        used.gathering.add(changes);
      }
      this.#tellFollowers(now, used);
    }
  }

  /** Tells sessions and LLQs, unless the last time made so much work that they have to wait. */
  #tellFollowers(now: Instant, { id, gathering }: UsedLink): void {
    const changes = gathering.take(now);
    if (changes.length === 0) return;
    const before = this.#push.judged + this.#llq.judged;
    this.#push.linkChanged(now, id, changes);
    this.#llq.linkChanged(now, id, changes);
    gathering.rest(now, this.#push.judged + this.#llq.judged - before);
  }

  /** Hands the replies out; an answer on a stream may let the next query in. */
  #reply(now: Instant, effects: Effect[]): void {
    for (;;) {
      const replies = this.#queries.takeReplies();
      const events = this.#llq.takeReplies();
      const outputs = this.#push.takeOutputs();
      if (replies.length + events.length + outputs.length === 0) break;
      for (const { to, bytes } of replies) {
        if (to.transport !== "udp") this.#streams.answer(now, to.stream, bytes);
        else effects.push({ kind: "datagram", listener: to.listener, to: to.peer, bytes });
      }
      for (const { to, bytes, isEvent } of events) {
        if (to.transport === "udp") {
          effects.push({ kind: "datagram", listener: to.listener, to: to.peer, bytes });
        } else if (isEvent) {
          this.#push.said(now, to.stream);
          this.#streams.tell(now, to.stream, bytes);
        } else this.#streams.answer(now, to.stream, bytes);
      }
      for (const output of outputs) {
        if (output.kind === "abort") this.#streams.abort(now, output.stream);
        else this.#streams.tell(now, output.stream, output.bytes);
      }
    }
    for (const stream of this.#llq.takeReleased()) this.#streams.released(now, stream);
    for (const effect of this.#streams.takeEffects()) effects.push(effect);
  }

  #nextOfAll(): Instant | undefined {
    const first = earliest(this.#links.nextDeadline(), this.#queries.nextDeadline());
    const next = earliest(this.#push.nextDeadline(), this.#llq.nextDeadline());
    const streams = earliest(this.#streams.nextDeadline(), this.#updating.nextDeadline());
    const listed = this.survey.directory.nextDeadline();
    return earliest(earliest(first, next), earliest(streams, listed));
  }

  /** What is left to be done after `stop`: sessions and connections that stay are reset. */
  #lastOfAll(): Instant | undefined {
    const streams = earliest(this.#streams.nextDeadline(), this.#updating.nextDeadline());
    return earliest(this.#push.nextDeadline(), streams);
  }

  /** The fixed tail of every input but those that are answered from memory. */
  #settle(now: Instant): readonly Effect[] {
    const effects: Effect[] = [];
    do {
      this.#deliver(now);
      this.#reply(now, effects);
    } while (this.#links.hasTouched);
    for (const used of this.#stirred) {
      for (const datagram of used.link.takeDatagrams()) {
        const { family, to, bytes } = datagram;
        used.traffic.sent(now, family);
        if (to !== "group") used.traffic.hosts.sent(to.address, bytes);
        used.watchdog.sent(now);
        effects.push({ kind: "multicast", link: used.id, ...datagram });
      }
      this.#links.schedule(used);
    }
    this.#stirred.clear();
    for (const effect of this.#updating.takeEffects()) effects.push(effect);
    this.#next = this.#isStopped ? this.#lastOfAll() : this.#nextOfAll();
    return effects;
  }
}

function isOf({ address: own }: Prefix, address: Address): boolean {
  return contains({ address: own, length: own.bytes.length * 8 }, address);
}

function pushOptions({ proxy, limits, takesPush: isOn }: EngineConfig): PushOptions {
  return { proxy, limits, isOn };
}

function llqOptions({ proxy, limits, takesLlq: isOn }: EngineConfig): LlqOptions {
  return { proxy, limits, isOn };
}

function dumpLink(now: Instant, { id, link, warm, watchdog }: UsedLink) {
  const questions: string[] = [];
  for (const { question, watches, startedAt } of link.questions()) {
    if (questions.length >= dumpedQuestionsMax) break;
    const age = startedAt === undefined ? "not asked" : `${elapsed(startedAt, now) / 1000} s`;
    const { name, type } = question;
    questions.push(`${displayName(name)} ${typeName(type)}, ${watches} watches, ${age}`);
  }
  return {
    id,
    isUp: link.isUp,
    warm: warm.size,
    hasQuerier: watchdog.outlook(now).hasQuerier,
    records: link.recordCount,
    questionCount: link.questionCount,
    questions,
  };
}
