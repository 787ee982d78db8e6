// A simulated world: the real engine, links with stations, clients, one clock
// that jumps from happening to happening, and checkers that look on. The same
// plan and seed give the same run, byte for byte; the digest proves it.

import { Counts } from "../../src/counts.js";
import { Engine } from "../../src/engine/engine.js";
import type { Effect, Input, StreamId } from "../../src/engine/io.js";
import { silentLog } from "../../src/log.js";
import { seededRandom } from "../../src/random.js";
import { after, type Duration, earliest, type Instant, instant, ms } from "../../src/time.js";
import { storyMac } from "../engine/mac.js";
import { Agenda, type Happening } from "./agenda.js";
import { Air, type Packet } from "./air.js";
import { Chance } from "./chance.js";
import { Checkers } from "./checkers.js";
import { Client, type Connection, listener, type Opening } from "./client.js";
import { Exchanges } from "./exchanges.js";
import {
  allOn,
  configOf,
  prefixesOf,
  proxyNumber,
  rulesOf,
  type Switches,
  type WorldPlan,
} from "./plan.js";
import { Trace } from "./trace.js";
import { demand, Violation } from "./violation.js";
import { ZoneMap } from "./zones.js";

/** Deadlines in one instant after which the engine counts as stuck. */
const deadlinesPerInstantMax = 10_000;

/**
 * Who reads what is sent to one UDP port, if only to know that it was lost.
 *
 * @returns false for an ordinary answer
 */
export type Mailbox = (bytes: Uint8Array, isLost: boolean) => boolean;

export class World {
  now: Instant = instant(0);
  readonly plan: WorldPlan;
  readonly chance: Chance;
  readonly counts = new Counts();
  readonly zones: ZoneMap;
  readonly exchanges: Exchanges;
  readonly checkers: Checkers;
  readonly links: ReadonlyMap<string, Air>;
  readonly trace = new Trace();
  readonly #agenda = new Agenda();
  readonly #engine: Engine;
  readonly #connections = new Map<StreamId, Connection>();
  /** Ports to which more than one answer may come, by address and port. */
  readonly #mailboxes = new Map<string, Mailbox>();
  #switches: Switches;
  /** Streams that are gone, which the engine learns a moment later. */
  readonly #dying = new Set<StreamId>();
  /** Last byte of the engine's own addresses, where it has changed. */
  readonly #numbers = new Map<string, number>();
  #nextStream = 1;
  #sameInstant = 0;
  /** A timer rings late: what is due may be overtaken by what arrives. */
  #alarm: { readonly for: Instant; readonly at: Instant } | undefined;
  /** Effects carried out so far, for the fault loop. */
  effects = 0;
  /** The number of the effect that fails. */
  failAt: number | undefined;

  constructor(plan: WorldPlan) {
    this.plan = plan;
    this.#switches = allOn(plan);
    this.chance = new Chance(seededRandom(plan.seed));
    this.zones = new ZoneMap(plan.links.map((link) => link.zones));
    this.exchanges = new Exchanges(this.zones);
    this.checkers = new Checkers(rulesOf(plan), this.zones, this.exchanges, this.counts);
    const airs = plan.links.map(({ id }) => {
      const hear = (packet: Packet) => this.#hear(id, packet);
      return [id, new Air(id, this.#agenda, this.chance, hear)] as const;
    });
    this.links = new Map(airs);
    const random = seededRandom(plan.seed ^ 0x5eed);
    this.#engine = new Engine(configOf(plan), random, storyMac, silentLog, this.counts);
    for (const { id } of plan.links) this.linkUp(id);
  }

  link(id: string): Air {
    const air = this.links.get(id);
    if (air === undefined) throw new Error(`no link ${id}`);
    return air;
  }

  client(address: string): Client {
    return new Client(this, address);
  }

  /** Has something happen after a while. */
  later(delay: Duration, happening: Happening): void {
    this.#agenda.plan(after(this.now, delay), happening);
  }

  /** Lets time pass. */
  run(span: Duration): void {
    const end = after(this.now, span);
    for (;;) {
      const next = this.#next();
      if (next === undefined || next > end) break;
      if (next > this.now) this.#sameInstant = 0;
      this.now = instant(Math.max(next, this.now));
      this.#guarded(() => this.#step());
    }
    this.now = end;
    this.#guarded(() => this.#measure());
  }

  /** Hands the engine an input and carries out what it wants done. */
  enter(input: Input): void {
    this.trace.input(this.now, input);
    const effects = this.#engine.handle(this.now, input);
    for (const effect of effects) this.trace.effect(this.now, effect);
    this.checkers.effects(this.now, effects);
    for (const effect of effects) {
      this.effects += 1;
      if (this.effects === this.failAt) this.#fail(effect);
      else this.#carryOut(effect);
    }
    const isDue = (this.#engine.nextDeadline() ?? Number.POSITIVE_INFINITY) <= this.now;
    this.checkers.settled(this.now, this.#isQuiet(input, effects), isDue);
    // With limits far away, now and then is often enough.
    if (this.plan.isFlooded) this.#measure();
  }

  /** Whether no copy can be another: questions on links, answers to ordinary queries. */
  #isQuiet(input: Input, effects: readonly Effect[]): boolean {
    if (input.kind === "datagram") return !this.#mailboxes.has(placeOf(input.source));
    if (input.kind !== "multicast") return false;
    return (input.bytes[2]! & 0x80) === 0 && effects.every(({ kind }) => kind === "multicast");
  }

  /** A rule that is not looked at after every step. */
  claim(condition: boolean, text: () => string): void {
    this.#guarded(() => demand(condition, text));
  }

  linkUp(id: string): void {
    this.link(id).isUp = true;
    if (!this.#switches.links.has(id)) return;
    this.checkers.linkUp(id);
    const prefixes = prefixesOf(this.#numbers.get(id) ?? proxyNumber);
    this.enter({ kind: "link-up", link: id, prefixes, mtu: this.plan.mtu });
  }

  /** The interface gets another address; what the link told counts for ten more seconds. */
  readdress(id: string, number: number): void {
    const prefixes = prefixesOf(number);
    const isOther = (this.#numbers.get(id) ?? proxyNumber) !== number;
    this.#numbers.set(id, number);
    if (!this.#switches.links.has(id)) return;
    if (isOther) this.checkers.linkMoved(this.now, id);
    this.enter({ kind: "link-up", link: id, prefixes, mtu: this.plan.mtu });
  }

  linkDown(id: string): void {
    this.link(id).isUp = false;
    if (!this.#switches.links.has(id)) return;
    this.checkers.linkDown(this.now, id);
    this.enter({ kind: "link-down", link: id });
  }

  get switches(): Switches {
    return this.#switches;
  }

  /** A new configuration; without a change, as after a SIGHUP. */
  reconfigure(change: Partial<Switches> = {}): void {
    const before = this.#switches.links;
    this.#switches = { ...this.#switches, ...change };
    const { links, hasAliases } = this.#switches;
    for (const id of before) if (!links.has(id)) this.checkers.linkGone(this.now, id);
    this.zones.serve(links, hasAliases);
    this.checkers.copies.reconfigured(this.#switches.takesLlq);
    this.enter({ kind: "reconfigure", config: configOf(this.plan, this.#switches) });
    for (const id of links) if (!before.has(id) && this.link(id).isUp) this.linkUp(id);
  }

  stop(): void {
    this.checkers.stopped();
    this.#guarded(() => this.enter({ kind: "stop" }));
  }

  openStream(
    connection: Connection,
    source: { address: string; port: number },
    { transport = "tcp", takesPush = false }: Opening,
  ): StreamId {
    const stream = this.#nextStream++;
    this.#connections.set(stream, connection);
    this.checkers.streamOpened(stream);
    const how = { transport, takesPush, listener };
    // Its maker has to know it before it can hear.
    this.#agenda.plan(this.now, () => {
      const crowded = this.counts.of("limits", "connections");
      this.enter({ kind: "stream-open", stream, source, ...how });
      connection.isTooMuch = this.counts.of("limits", "connections") > crowded;
    });
    return stream;
  }

  /** A client left more unread than the driver keeps: it is cut off. */
  overflow(connection: Connection): void {
    this.#dying.add(connection.id);
    this.exchanges.release((ask) => ask.key.startsWith(`${connection.id}~`));
    connection.over("gone");
    this.#afterwards(connection.id);
  }

  /** Has somebody read what comes to a port of theirs. */
  openMailbox(address: string, port: number, mailbox: Mailbox): void {
    this.#mailboxes.set(placeOf({ address, port }), mailbox);
  }

  /** What the engine says of itself. */
  dump(): Readonly<Record<string, unknown>> {
    return this.#engine.dump(this.now);
  }

  get engineDeadline(): Instant | undefined {
    return this.#engine.nextDeadline();
  }

  /** Whether what a client sends there now is read. */
  isStreamOpen(stream: StreamId): boolean {
    const isTaken = !this.checkers.isStopped && !this.#dying.has(stream);
    return isTaken && this.checkers.isStreamOpen(stream);
  }

  /** Both sides are gone. */
  streamGone(stream: StreamId): void {
    this.checkers.streamClosed(stream);
    this.#connections.delete(stream);
    this.enter({ kind: "stream-closed", stream });
  }

  #next(): Instant | undefined {
    let next = earliest(this.#agenda.next(), this.#alarmAt());
    for (const air of this.links.values()) next = earliest(next, air.nextDeadline());
    return next;
  }

  #alarmAt(): Instant | undefined {
    const due = this.#engine.nextDeadline();
    if (due === undefined) return undefined;
    if (this.#alarm?.for !== due) {
      const late = this.plan.timerLag === 0 ? 0 : this.chance.below(this.plan.timerLag + 1);
      this.#alarm = { for: due, at: after(due, ms(late)) };
    }
    return this.#alarm.at;
  }

  /** One thing at a time: what was planned, then stations, then the engine's own deadline. */
  #step(): void {
    const happening = this.#agenda.takeDue(this.now);
    if (happening !== undefined) {
      happening();
      return;
    }
    for (const air of this.links.values()) {
      const due = air.nextDeadline();
      if (due === undefined || due > this.now) continue;
      air.expire(this.now);
      return;
    }
    this.#sameInstant += 1;
    demand(this.#sameInstant <= deadlinesPerInstantMax, () => "the engine's deadline stands still");
    this.#alarm = undefined;
    this.enter({ kind: "deadline" });
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): Error {
    const what = error instanceof Violation ? error.message : String((error as Error).stack);
    const { seed, replay } = this.plan;
    const where = `seed ${seed}, step ${this.trace.steps}, at ${this.now / 1000} s`;
    return new Violation(
      `${what}\n  ${where}\n  replay: ${replay}\n  last packets:\n${this.trace.tail()}`,
    );
  }

  #measure(): void {
    this.checkers.sizes(this.#engine.dump(this.now));
  }

  #hear(link: string, packet: Packet): void {
    if (!this.#switches.links.has(link)) return;
    const { family, source, bytes } = packet;
    this.checkers.ledgers.get(link)?.hear(this.now, packet);
    this.enter({
      kind: "multicast",
      link,
      family,
      source,
      isMulticast: packet.to === "group",
      bytes,
    });
  }

  #carryOut(effect: Effect): void {
    if ("stream" in effect && this.#dying.has(effect.stream)) return;
    switch (effect.kind) {
      case "multicast":
        this.link(effect.link).sendFromEngine(this.now, effect.family, effect.to, effect.bytes);
        break;
      case "datagram": {
        const { to, bytes } = effect;
        const mailbox = this.#mailboxes.get(placeOf(to));
        if (mailbox?.(bytes, false) === true) break;
        this.checkers.reply(this.now, keyOfReply(to, bytes), bytes);
        break;
      }
      case "write":
        this.#connections.get(effect.stream)?.read(effect.bytes);
        break;
      case "close":
        this.checkers.streamClosing(effect.stream);
        this.#connections.get(effect.stream)?.farSideClosed();
        break;
      case "abort":
        this.exchanges.release((ask) => ask.key.startsWith(`${effect.stream}~`));
        this.#connections.get(effect.stream)?.over("abort");
        this.#afterwards(effect.stream);
        break;
      case "pause":
      case "resume":
        break;
    }
  }

  /** Sending fails, or the stream turns out to be gone. */
  #fail(effect: Effect): void {
    this.trace.note(this.now, `failed: ${effect.kind}`);
    const reason = "ENOBUFS";
    if (effect.kind === "multicast") {
      const { link } = effect;
      this.#agenda.plan(this.now, () => this.enter({ kind: "send-failed", link, reason }));
    } else if (effect.kind === "datagram") {
      const key = keyOfReply(effect.to, effect.bytes);
      this.#mailboxes.get(placeOf(effect.to))?.(effect.bytes, true);
      this.exchanges.release((ask) => ask.key === key);
      this.#agenda.plan(this.now, () => this.enter({ kind: "send-failed", listener, reason }));
    } else if ("stream" in effect) {
      this.#dying.add(effect.stream);
      this.#connections.get(effect.stream)?.over("gone");
      this.exchanges.release((ask) => ask.key.startsWith(`${effect.stream}~`));
      this.#afterwards(effect.stream);
    }
  }

  #afterwards(stream: StreamId): void {
    this.#agenda.plan(this.now, () => this.#connections.get(stream)?.closed());
  }
}

const placeOf = ({ address, port }: { address: string; port: number }) => `${address}#${port}`;

function keyOfReply(to: { address: string; port: number }, bytes: Uint8Array): string {
  return `${to.address}#${to.port}#${(bytes[0]! << 8) | bytes[1]!}`;
}
