// Keeps one zone as its links are (UP-57 to UP-65): compares what is wanted with
// what the server has acknowledged, and says the difference, one message at a
// time. What is not known is read first; what has failed is tried again; what a
// server cannot do is learned. No I/O: a stream, a clock and the answers come in.

import type { Counts } from "../counts.js";
import { Deadlines } from "../deadlines.js";
import type { Log } from "../log.js";
import { below, between, type Random } from "../random.js";
import { after, type Duration, earliest, type Instant } from "../time.js";
import { Rcode, RRType } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import type { UpdateLease } from "../wire/update-lease.js";
import { Exchange, type Outcome, recordsIn, type StreamEffect } from "./exchange.js";
import type { Job } from "./job.js";
import type { Note } from "./journal.js";
import { Ledger } from "./ledger.js";
import type { Lifetime } from "./lifetime.js";
import * as limits from "./limits.js";
import { encodeQuestion, encodeUpdate } from "./messages.js";
import type { Offer } from "./offer.js";
import { Patience } from "./patience.js";
import type { Ground } from "./plan.js";
import { type ProbeStep, probeLeaseSeconds } from "./probe.js";
import { type Batch, UpdateQueue } from "./queue.js";
import { questionType, Reading } from "./reading.js";
import { ServerFacts } from "./server.js";
import { Setbacks } from "./setbacks.js";
import type { PublisherChanges, PublisherSettings, PublisherState } from "./settings.js";
import { Telling } from "./telling.js";
import {
  dueRenewals,
  expiredContent,
  halvesOf,
  leaseRefresh,
  leftovers,
  type Upkeep,
} from "./upkeep.js";
import { clockReason, isDenial, type Verdict, verdictOf } from "./verdict.js";
import { Wanted } from "./wanted.js";

type Due = "send" | "survey" | "grace" | "collect" | "lease" | "transfer" | "probe";

export class Publisher {
  #settings: PublisherSettings;
  #server = new ServerFacts();
  readonly #random: Random;
  readonly #counts: Counts;
  readonly #telling: Telling;
  readonly #exchange: Exchange;
  readonly #wanted: Wanted;
  readonly #ledger: Ledger;
  readonly #setbacks: Setbacks;
  readonly #patience: Patience<Job["kind"]>;
  readonly #queue = new UpdateQueue();
  readonly #due = new Deadlines<Due>();
  readonly #reading = new Reading();
  #job: Job | undefined;
  #isStarted = false;
  #isGrace = true;
  /** From the start until, for the first time, nothing is left to be said. */
  #isFilling = true;
  /** How what is published was written to end. */
  #followed: Lifetime | undefined;
  #upkeep: Upkeep[] = [];
  #firstChange: Instant | undefined;

  constructor(settings: PublisherSettings, random: Random, counts: Counts, log: Log) {
    this.#settings = settings;
    this.#random = random;
    this.#counts = counts;
    this.#telling = new Telling(settings, counts, log);
    const clock = (now: Instant) => settings.clock.secondsAt(now);
    this.#exchange = new Exchange(settings.key, clock, random, counts);
    this.#setbacks = new Setbacks(this.#queue, this.#reading, this.#telling, counts);
    this.#patience = new Patience(random);
    this.#wanted = new Wanted(settings.recordsMax, counts, log);
    this.#ledger = new Ledger(settings.timeoutType);
  }

  /** What `own` gave before a restart; to be said before `start`. */
  restore(rrs: readonly RR[]): void {
    this.#ledger.restore(rrs, this.#settings.zone);
  }

  /** Begins, within three seconds, with reading the zone. */
  start(now: Instant): void {
    this.#isStarted = true;
    this.#followed = this.#lifetime();
    this.#due.set("send", after(now, between(this.#random, 0 as Duration, limits.startSpread)));
    this.#due.set("grace", after(now, limits.restartGrace));
    this.#planSurvey(now);
  }

  /**
   * Other settings from the next message on; an answer to the one under way still counts. With
   * another key nothing is known of what the server takes, and pauses end (TSIG-16).
   */
  configure(now: Instant, changes: PublisherChanges): void {
    this.#settings = { ...this.#settings, ...changes };
    this.#wanted.setMax(changes.recordsMax);
    if (this.#exchange.setKey(changes.key)) {
      this.#reading.allowed();
      this.#server = new ServerFacts();
      this.#patience.forget();
      this.#queue.readmit(now, true);
      this.#reconsider(now);
      if (this.#isStarted) this.#due.clear("send");
    }
    this.#followLifetime(now);
    this.#settle(now);
  }

  /** A service came, changed or went. */
  offer(now: Instant, offer: Offer): void {
    for (const { rr } of offer.rrs) this.#ledger.offered(rr);
    const extents = this.#wanted.apply(offer);
    if (extents.size === 0) return;
    for (const [key, extent] of extents) this.#queue.add(key, extent);
    this.#queue.shrink(this.#wanted, this.#ledger);
    this.#firstChange ??= now;
    const latest = after(this.#firstChange, limits.collectSpanMax);
    this.#due.set("collect", earliest(after(now, limits.collectSpan), latest) as Instant);
  }

  opened(now: Instant): void {
    this.#exchange.opened(now);
    this.#settle(now);
  }

  received(now: Instant, bytes: Uint8Array): void {
    this.#exchange.received(now, bytes);
    this.#settle(now);
  }

  closed(now: Instant, reason: string): void {
    this.#exchange.closed(reason);
    this.#settle(now);
  }

  expire(now: Instant): void {
    this.#exchange.expire(now);
    for (;;) {
      const due = this.#due.takeDue(now);
      if (due === undefined) break;
      if (due === "send") this.#server.isElsewhere = false;
      else if (due === "survey") this.#survey(now);
      else if (due === "grace") this.#endGrace(now);
      else if (due === "collect") this.#firstChange = undefined;
      else if (due === "transfer") this.#reading.allowed();
      else if (due === "lease") this.#upkeep.push(...leaseRefresh(this.#ground(now)));
    }
    this.#settle(now);
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#exchange.nextDeadline(), this.#due.next());
  }

  /** What is to be done with the stream to the primary; drains it. */
  takeEffects(): readonly StreamEffect[] {
    return this.#exchange.takeEffects();
  }

  /** What to write down before the effects are carried out; drains it. */
  takeNotes(): readonly Note[] {
    return this.#ledger.takeNotes();
  }

  /** Whether nothing in the zone is ours, as far as is known, TIMEOUTs included. */
  get isBare(): boolean {
    return this.#ledger.own().next().done === true;
  }

  /** What is ours in the zone, to be kept in the state file. */
  own(): Iterable<RR> {
    return this.#ledger.own();
  }

  /** Whether all that is wanted is acknowledged, and nothing under way. */
  get isSettled(): boolean {
    const isIdle = this.#queue.size === 0 && this.#job === undefined;
    return isIdle && !this.#reading.needsCopy && !this.#server.probe.isOpen;
  }

  /** There is no UPDATE in the zone, as far as is known; it is tried again at times (UP-14). */
  get isTurnedDown(): boolean {
    return this.#server.isTurnedDown;
  }

  state(): PublisherState {
    return {
      wanted: this.#wanted.size,
      published: this.#ledger.ownCount,
      waiting: this.#queue.size,
      aside: this.#queue.asideCount + this.#wanted.waitingCount,
      serial: this.#reading.serial,
      lifetime: this.#lifetime(),
      trouble: this.#patience.trouble,
      clockOffset: this.#server.clockOffset,
    };
  }

  #lifetime(): Lifetime {
    return this.#server.lifetime(this.#settings);
  }

  #ground(now: Instant): Ground {
    return {
      zone: this.#settings.zone,
      wanted: this.#wanted,
      ledger: this.#ledger,
      lifetime: this.#lifetime(),
      keepsLives: this.#lifetime() === "timeout" || !this.#settings.clock.isTrusted(),
      timeoutType: this.#settings.timeoutType,
      nowSeconds: Math.floor(this.#settings.clock.secondsAt(now)),
      isAside: (key) => this.#queue.isAside(key),
      isGrace: this.#isGrace,
    };
  }

  #settle(now: Instant): void {
    const outcome = this.#exchange.takeOutcome();
    const job = this.#job;
    if (outcome !== undefined && job !== undefined) {
      this.#job = undefined;
      this.#judge(now, job, outcome);
    }
    if (this.#job === undefined && this.#isStarted && this.#due.find("send") === undefined) {
      this.#next(now);
    }
  }

  /** The next request, if there is one; knowledge comes before changes. */
  #next(now: Instant): void {
    const job = this.#reading.next();
    if (job === undefined) this.#change(now);
    else {
      const { zone } = this.#settings;
      const name = job.kind === "read" ? job.name : zone;
      this.#ask(now, job, encodeQuestion(name, questionType(job, zone)));
    }
  }

  #change(now: Instant): void {
    const isDue = this.#due.find("collect") === undefined || this.#queue.isBisecting;
    const unitsMax = this.#server.isRefusing ? 1 : undefined;
    const onConflict = (key: string, name: Name) =>
      this.#telling.nameTaken(now, key, name, this.#ledger.isServer(name));
    const batch = isDue
      ? this.#queue.next(this.#ground(now), onConflict, now, unitsMax)
      : undefined;
    const upkeep = batch === undefined ? this.#upkeep.shift() : undefined;
    if (batch !== undefined) this.#sendBatch(now, batch);
    else if (upkeep !== undefined) this.#update(now, { kind: "upkeep", upkeep }, upkeep);
    else if (isDue) {
      this.#isFilling &&= this.#ledger.ownCount === 0;
      if (!this.#isFilling) this.#probe(now);
    }
  }

  /** TO-20: beside the work, when there is none. */
  #probe(now: Instant): void {
    const { zone, lifetime, clock } = this.#settings;
    const { probe } = this.#server;
    if (lifetime !== undefined || this.#wanted.size === 0) probe.giveUp();
    else if (clock.isTrusted()) probe.begin(zone, this.#random);
    const step = probe.next(now);
    if (step?.kind === "look") {
      this.#ask(now, { kind: "probe", step }, encodeQuestion(step.name, RRType.TXT));
    } else if (step !== undefined) this.#update(now, { kind: "probe", step }, step.content);
    else if (probe.looksAt !== undefined) this.#due.set("probe", probe.looksAt);
  }

  #probed(now: Instant, step: ProbeStep, outcome: Outcome, verdict: Verdict): void {
    const { probe } = this.#server;
    if (step.kind !== "look" && verdict.kind !== "unknown") {
      this.#ledger.unclaim(step.content.updates);
    }
    if (step.kind !== "look" && verdict.kind === "done") {
      this.#ledger.applied(step.content.updates, []);
      this.#reading.acknowledged();
    }
    const isAgain = probe.answered(now, step, outcome);
    if (isAgain) this.#pause(now, "probe", "reason" in verdict ? verdict.reason : "no answer");
    if (probe.hasPassed) {
      this.#ledger.read(step.name, []);
      this.#followLifetime(now);
    }
  }

  /** What was written to end in one way is written to end in another. */
  #followLifetime(now: Instant): void {
    const lifetime = this.#lifetime();
    if (this.#followed === undefined || this.#followed === lifetime) return;
    this.#followed = lifetime;
    this.#telling.lifetime(lifetime);
    this.#reconsider(now);
    if (lifetime === "lease") this.#upkeep.push(...leaseRefresh(this.#ground(now)));
  }

  #sendBatch(now: Instant, batch: Batch): void {
    const { timeoutType } = this.#settings;
    const hasLives = batch.updates.some(({ type }) => type === timeoutType);
    if (batch.updates.length === 0) {
      // Left to others, with nothing to be said.
      this.#ledger.applied([], batch.disowned);
      this.#queue.done(batch.units);
      this.#next(now);
      return;
    }
    this.#update(now, { kind: "update", batch, hasLives }, batch);
  }

  #update(
    now: Instant,
    job: Job,
    content: { readonly prerequisites: readonly RR[]; readonly updates: readonly RR[] },
  ): void {
    // Known before it is sent: who is killed now must know it for its own afterwards.
    this.#ledger.claim(content.updates);
    this.#ask(now, job, encodeUpdate(this.#settings.zone, content, this.#leaseFor(job)));
    const spacing = this.#isFilling ? limits.fillSpacing : limits.messageSpacing;
    this.#due.set("send", after(now, spacing));
  }

  #leaseFor(job: Job): UpdateLease | undefined {
    if (job.kind !== "probe") {
      return this.#lifetime() === "lease" ? { leaseSeconds: limits.leaseSeconds } : undefined;
    }
    return job.step.kind === "add" ? { leaseSeconds: probeLeaseSeconds } : undefined;
  }

  #ask(now: Instant, job: Job, message: Uint8Array): void {
    this.#job = job;
    const { zone } = this.#settings;
    this.#exchange.send(now, job.kind === "copy" ? { message, transfer: zone } : { message });
  }

  #judge(now: Instant, job: Job, outcome: Outcome): void {
    const { hasSucceeded } = this.#server;
    const verdict = verdictOf(outcome, { hasSucceeded, key: this.#settings.key });
    this.#telling.judged(job, verdict);
    const isChange = job.kind === "update" || job.kind === "upkeep";
    if (verdict.kind === "done") this.#patience.succeeded(job.kind, isChange);
    if (verdict.kind === "clock") this.#wrongClock(now, job.kind, verdict.offsetSeconds);
    else if (job.kind === "copy") this.#copied(now, outcome, verdict);
    else if (job.kind === "read") this.#wasRead(now, job.name, outcome, verdict);
    else if (job.kind === "serial") this.#serialRead(now, outcome, verdict);
    else if (job.kind === "probe") this.#probed(now, job.step, outcome, verdict);
    else if (verdict.kind === "done") this.#acknowledged(now, job, outcome);
    else if (job.kind === "upkeep") this.#upkeepFailed(now, job.upkeep, verdict);
    else this.#updateFailed(now, job, verdict, outcome);
  }

  #acknowledged(now: Instant, job: Extract<Job, { kind: "update" | "upkeep" }>, outcome: Outcome) {
    const content = job.kind === "update" ? job.batch : job.upkeep;
    this.#ledger.unclaim(content.updates);
    this.#ledger.applied(content.updates, job.kind === "update" ? job.batch.disowned : []);
    if (job.kind === "update") this.#queue.done(job.batch.units);
    this.#server.succeeded(job.kind === "update" && job.hasLives, outcome);
    this.#planRefresh(now);
    this.#reading.acknowledged();
  }

  #updateFailed(
    now: Instant,
    job: Extract<Job, { kind: "update" }>,
    verdict: Verdict,
    outcome: Outcome,
  ): void {
    if (verdict.kind !== "unknown") this.#ledger.unclaim(job.batch.updates);
    const { failures } = this.#patience;
    const fault = { verdict, outcome, failures };
    if (verdict.kind === "not-here") this.#server.isElsewhere = true;
    const pause = this.#setbacks.take(now, this.#server, job, fault);
    if (pause !== undefined) this.#pause(now, "update", pause.reason, pause.span);
  }

  #copied(now: Instant, outcome: Outcome, verdict: Verdict): void {
    if (outcome.kind === "copy") {
      if (this.#reading.copied(now, outcome.copy.serial)) this.#ledger.rewound();
      this.#ledger.replace(outcome.copy);
      this.#counts.add("update-malformed", "timeout", this.#ledger.unreadableCount);
      if (this.#ledger.hasLoweredCase) this.#telling.lowersCase();
      this.#reconsider(now);
      this.#setbacks.unkept(now, this.#ledger, this.#wanted);
      this.#attend(now);
      return;
    }
    const reason = "reason" in verdict ? verdict.reason : "no transfer";
    if (isDenial(outcome)) {
      // UP-64: then the state file is all there is, and names are read one by one.
      this.#reading.denied();
      this.#due.set("transfer", after(now, limits.quarantineSpan));
      this.#telling.withoutTransfers(reason);
    } else this.#pause(now, "copy", reason);
  }

  #wasRead(now: Instant, name: Name, outcome: Outcome, verdict: Verdict): void {
    const rrs = recordsIn(outcome);
    if (rrs !== undefined) {
      this.#reading.wasRead(name);
      this.#ledger.read(name, rrs);
    } else if (outcome.kind === "answer") this.#reading.wasRead(name);
    else this.#pause(now, "read", "reason" in verdict ? verdict.reason : "a name cannot be read");
  }

  #serialRead(now: Instant, outcome: Outcome, verdict: Verdict): void {
    const soa =
      outcome.kind === "answer" && outcome.rcode === Rcode.NOERROR
        ? outcome.message.answers.find(({ type }) => type === RRType.SOA)?.rdata
        : undefined;
    if (soa?.kind !== "soa") {
      this.#pause(now, "serial", "reason" in verdict ? verdict.reason : "the zone has no SOA");
      return;
    }
    this.#ledger.addServer(soa.mname);
    this.#reading.serialRead(now, soa.serial);
    if (!this.#reading.needsCopy) this.#attend(now);
  }

  #survey(now: Instant): void {
    this.#planSurvey(now);
    this.#followLifetime(now);
    this.#reading.survey();
    this.#queue.readmit(now);
  }

  /** What is due besides changes, now that the zone is known as it is. */
  #attend(now: Instant): void {
    if (this.#upkeep.length > 0) return;
    const ground = this.#ground(now);
    // TO-8: who does not know the time does not know what is over.
    const expired = this.#settings.clock.isTrusted() ? expiredContent(ground) : [];
    this.#upkeep = [...dueRenewals(ground, this.#random), ...expired];
  }

  /** TO-24, TO-25: by the lease that was granted, from the first update that bore it. */
  #planRefresh(now: Instant): void {
    if (this.#lifetime() !== "lease" || this.#due.find("lease") !== undefined) return;
    const share = limits.refreshShare + (below(this.#random, 1001) / 1000) * limits.refreshSpread;
    const span = Math.round(this.#server.grantedSeconds * share * 1000) as Duration;
    this.#due.set("lease", after(now, span));
  }

  #planSurvey(now: Instant): void {
    this.#due.set("survey", after(now, between(this.#random, ...limits.surveySpan)));
  }

  #endGrace(now: Instant): void {
    this.#isGrace = false;
    this.#reconsider(now);
  }

  /** Compares everything: what is in order costs a look and no message. */
  #reconsider(now: Instant): void {
    for (const [key, extent] of this.#wanted.extents()) this.#queue.revisit(key, extent);
    if (!this.#isGrace) {
      for (const [key, extent] of leftovers(this.#ground(now))) {
        const isTried = [...extent.names.values()].some((name) => this.#server.probe.isAbout(name));
        if (!isTried) this.#queue.revisit(key, extent);
      }
    }
  }

  #upkeepFailed(now: Instant, upkeep: Upkeep, verdict: Verdict): void {
    if (verdict.kind === "not-so") {
      // Somebody renewed what we took for dead: the survey's next round knows.
      this.#ledger.unclaim(upkeep.updates);
      this.#reading.doubt(upkeep.names);
      return;
    }
    if (verdict.kind === "refused" && upkeep.updates.length > 2) {
      this.#upkeep.unshift(...halvesOf(upkeep));
      return;
    }
    if (upkeep.isLease) this.#due.set("lease", after(now, this.#server.leaseRetry));
    if (verdict.kind !== "refused")
      this.#pause(now, "upkeep", "reason" in verdict ? verdict.reason : "");
  }

  #wrongClock(now: Instant, kind: Job["kind"], offsetSeconds: number | undefined): void {
    this.#server.clockOffset = offsetSeconds;
    this.#pause(now, kind, clockReason(offsetSeconds), limits.clockPause);
  }

  /** Nothing is sent for a while; the reason is told when it is a new one. */
  #pause(now: Instant, kind: Job["kind"], reason: string, span?: Duration): void {
    const wait = this.#patience.failed(kind, reason);
    this.#exchange.drop();
    this.#due.set("send", after(now, span ?? wait.span));
    if (wait.isNews) this.#telling.failed(reason);
  }
}
