// What clients with long-lived questions do, at random: they subscribe, change
// their minds, stall, vanish and come back, break the protocol, set up LLQs and
// forget them; and what the operator does to them meanwhile.

import { ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { Question } from "../../src/wire/message.js";
import { calm, type Faults } from "./air.js";
import { LlqClient } from "./llq-client.js";
import { allOn } from "./plan.js";
import { type Devices, drawQuestion } from "./questions.js";
import { Subscriber } from "./subscriber.js";
import type { World } from "./world.js";

const kinds = [
  { transport: "tls", takesPush: true },
  { transport: "tls", takesPush: true },
  { transport: "tls", takesPush: true },
  { transport: "tls", takesPush: false },
  { transport: "tcp", takesPush: false },
] as const;

const addresses = ["198.51.100.31", "198.51.100.32", "2001:db8:ffff::31"];

/** Subscribers at a time. */
const places = 5;

const firstPort = 61_000;

export class Unrest {
  readonly #world: World;
  readonly #devices: Devices;
  readonly #road: Faults;
  readonly subscribers: (Subscriber | undefined)[] = [];
  readonly llqClients: LlqClient[] = [];
  #nextPort = firstPort;

  constructor(world: World, devices: Devices, road: Faults) {
    this.#world = world;
    this.#devices = devices;
    this.#road = road;
  }

  /** One of those on streams does something. */
  act(): void {
    const { chance } = this.#world;
    const place = chance.below(places);
    const there = this.subscribers[place];
    if (there === undefined || !there.isOpen || there.session.state === "leaving") {
      if (there?.session.state === "leaving" && chance.is(0.7)) there.connection.vanish();
      if (there === undefined || !there.isOpen) this.subscribers[place] = this.#arrive();
      return;
    }
    if (chance.is(0.25)) {
      const pieceSize = chance.oneOf([65_535, 1, 7, 30]);
      there.together(pieceSize, () => {
        for (let left = 2 + chance.below(4); left > 0; left--) this.#ordinary(there);
      });
    } else if (chance.is(0.75)) this.#ordinary(there);
    else this.#rude(there);
  }

  /** One more LLQ over UDP, or something that becomes of one. */
  actOverUdp(): void {
    const { chance } = this.#world;
    const living = this.llqClients.filter(({ state }) => state !== "over");
    if (living.length < 4 && chance.is(0.6)) {
      this.#setUp();
      return;
    }
    if (living.length === 0) return;
    const client = chance.oneOf(living);
    chance.oneOf([
      () => client.refresh(this.#lease()),
      () => client.refresh(0),
      () => client.crash(),
      () => {},
    ])();
  }

  /** The operator. */
  reconfigure(): void {
    const world = this.#world;
    const { chance } = world;
    const on = allOn(world.plan);
    const back = () => world.later(chance.span(10, 12_000), () => world.reconfigure(on));
    const links = [...on.links].filter(() => chance.is(0.5));
    const half = (limit: number) => Math.max(1, Math.floor(limit / 2));
    const { limits } = world.plan;
    const change = chance.oneOf([
      { links: new Set(links) },
      { hasAliases: false },
      { takesPush: false },
      { takesLlq: false },
      { limits: { ...limits, subscriptionsPerSession: half(limits.subscriptionsPerSession) } },
      { limits: { ...limits, llqPerClient: 1, dsoInactivity: seconds(31) } },
      {},
    ]);
    world.reconfigure(change);
    back();
  }

  /** Everybody goes, one way or another. */
  disperse(): void {
    const { chance } = this.#world;
    for (const subscriber of this.subscribers) {
      if (subscriber === undefined) continue;
      const { connection } = subscriber;
      connection.readOn();
      connection.lingers = false;
      this.#world.later(chance.span(0, 3000), () => {
        if (chance.is(0.5)) connection.vanish();
        else connection.end();
      });
    }
    for (const client of this.llqClients) {
      this.#world.later(chance.span(0, 3000), () => {
        if (chance.is(0.5)) client.refresh(0);
        client.crash();
      });
    }
  }

  /** Nobody is rude from now on, and all read; but some stay when they are asked to go. */
  hold(): void {
    for (const subscriber of this.subscribers) {
      if (subscriber === undefined) continue;
      subscriber.connection.readOn();
      subscriber.connection.lingers = this.#world.chance.is(0.5);
    }
  }

  /** Whoever stalls reads again. */
  readOn(): void {
    for (const subscriber of this.subscribers) subscriber?.connection.readOn();
  }

  /** What no single step shows. */
  check(): void {
    for (const client of this.llqClients) client.check();
  }

  #arrive(): Subscriber {
    const world = this.#world;
    const { chance } = world;
    const subscriber = new Subscriber(world, chance.oneOf(addresses), chance.oneOf(kinds));
    if (chance.is(0.6)) subscriber.keepalive();
    const count = chance.below(5);
    for (let left = count; left > 0; left--) subscriber.subscribe(this.#question());
    return subscriber;
  }

  #ordinary(subscriber: Subscriber): void {
    const { chance } = this.#world;
    const { session, llqs } = subscriber;
    const wanted = [...session.wanted.values()];
    const living = llqs.filter(({ state }) => state === "live");
    const held = [...session.copy.all()];
    const subscribe = () => subscriber.subscribe(this.#question());
    chance.oneOf<() => void>([
      subscribe,
      subscribe,
      subscribe,
      subscribe,
      () => subscriber.keepalive(),
      () => {
        if (wanted.length > 0) subscriber.unsubscribe(chance.oneOf(wanted).id);
      },
      () => {
        // Gives one up, and wants it again.
        if (wanted.length === 0) return;
        const { id, question } = chance.oneOf(wanted);
        subscriber.unsubscribe(id);
        if (chance.is(0.7)) subscriber.subscribe(question);
      },
      () => {
        if (wanted.length > 0) subscriber.unsubscribe(60_000 + chance.below(1000));
      },
      () => {
        if (held.length > 0) subscriber.reconfirm(chance.oneOf(held));
      },
      () => subscriber.ask(...drawQuestion(this.#world, this.#devices)),
      () => subscriber.setUpLlq(this.#llqQuestion(), this.#lease()),
      () => subscriber.setUpLlq(this.#llqQuestion(), this.#lease()),
      () => {
        if (living.length > 0) subscriber.refreshLlq(chance.oneOf(living), this.#lease());
      },
      () => {
        if (living.length > 0) subscriber.refreshLlq(chance.oneOf(living), 0);
      },
    ])();
  }

  #rude(subscriber: Subscriber): void {
    const world = this.#world;
    const { chance } = world;
    const { connection } = subscriber;
    connection.lingers = chance.is(0.2);
    chance.oneOf<() => void>([
      () => {
        connection.stall(chance.oneOf([0, 0, 100, 2000]));
        world.later(chance.span(10, 20_000), () => connection.readOn());
      },
      () => {
        connection.stall(0);
        world.later(chance.span(10, 5000), () => connection.readOn());
      },
      () => connection.vanish(),
      () => connection.end(),
      () => subscriber.blunder(),
    ])();
  }

  #setUp(): void {
    const world = this.#world;
    const { chance } = world;
    this.#nextPort += 2;
    const road = chance.is(0.4) ? calm : this.#road;
    const wish = {
      question: this.#llqQuestion(),
      leaseSeconds: this.#lease(),
      udpSize: chance.oneOf([0, 0, 512, 1232, 4096]),
      road,
      sloth: chance.oneOf([0, 0, 0.2, 0.6]),
    };
    const client = new LlqClient(world, chance.oneOf(addresses), this.#nextPort, wish);
    this.llqClients.push(client);
    world.later(ms(chance.below(60_000)), () => client.check());
  }

  #question(): Question {
    const { chance } = this.#world;
    const [name, type] = drawQuestion(this.#world, this.#devices);
    const rrClass = chance.is(0.9) ? 1 : chance.oneOf([255, 3]);
    const drawn = chance.is(0.15) ? RRType.ANY : type;
    // What an NSEC is made of is no record of any device.
    return { name, type: drawn === RRType.NSEC ? RRType.TXT : drawn, class: rrClass };
  }

  /** LLQ-05: neither all types nor NSEC. */
  #llqQuestion(): Question {
    const [name, type] = drawQuestion(this.#world, this.#devices);
    const isOdd = type === RRType.ANY || type === RRType.NSEC;
    return { name, type: isOdd ? RRType.TXT : type, class: 1 };
  }

  #lease(): number {
    return this.#world.chance.oneOf([1, 25, 40, 3600]);
  }
}
