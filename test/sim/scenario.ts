// A world drawn from a seed: links, devices, clients, faults, and what they do
// when. After a while everything that goes wrong stops, what was learned meanwhile
// grows old, and then every question must be answered with the link's truth.

import { defaultLimits, type Limits } from "../../src/limits.js";
import { type Duration, ms, seconds } from "../../src/time.js";
import type { Name } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { type Air, calm, type Faults } from "./air.js";
import { drawDevices } from "./cast.js";
import type { Client, Connection } from "./client.js";
import { checkConvergence, checkSubscribers } from "./convergence.js";
import type { Device } from "./device.js";
import { allOn, floor1, floor2, plainWorld, type WorldPlan } from "./plan.js";
import { drawQuestion } from "./questions.js";
import { askAsNeighbour, lie, Stranger } from "./stranger.js";
import { Unrest } from "./unrest.js";
import { World } from "./world.js";

export interface Scenario {
  readonly world: World;
  readonly devices: ReadonlyMap<string, readonly Device[]>;
  readonly unrest: Unrest;
  /** Until when things go wrong. */
  readonly trouble: Duration;
}

export interface Outcome {
  readonly digest: string;
  readonly asked: number;
  readonly packets: number;
  readonly checked: number;
  /** Comparisons of a subscriber's copy with the truth. */
  readonly copies: number;
}

/** Longer than anything that was told meanwhile lives (RFC 6762 §10). */
const oldAge = (world: World) => seconds(isWarm(world.plan) ? 130 : 4600);

const isWarm = (plan: WorldPlan) => plan.links.some(({ warm }) => warm === true || warm.length > 0);

export function replayCommand(seed: number, minutes: number): string {
  return `npm run sim -- --seed ${seed} --minutes ${minutes}`;
}

/** Runs one seed to its end. */
export function runSeed(seed: number, minutes: number, faultAt?: number): Outcome {
  const scenario = draw(seed, minutes);
  const { world, trouble } = scenario;
  world.failAt = faultAt;
  world.run(trouble);
  calmDown(scenario);
  const copies = checkCopies(scenario);
  world.run(oldAge(world));
  checkNobody(world);
  // A cache that overflows forgets, and what it forgets is not in its answers.
  const checked = world.plan.isFlooded ? 0 : checkConvergence(world, scenario.devices);
  // The longest of all to watch, and the same in each world.
  if (!world.plan.isFlooded && seed % 3 === 0) checkSubscribers(world, scenario.devices);
  checkStop(world, scenario.unrest);
  const packets = [...world.links.keys()].reduce(
    (sum, id) => sum + world.checkers.packetsOn(id),
    0,
  );
  return { digest: world.trace.digest, asked: world.exchanges.asked, packets, checked, copies };
}

/** Who is still there reads on, and has what the link has; then everybody goes. */
function checkCopies({ world, unrest }: Scenario): number {
  unrest.readOn();
  world.run(seconds(20));
  unrest.check();
  unrest.disperse();
  return world.checkers.copies.compared;
}

/** Sessions and LLQs are there when the daemon stops; some clients go when they are told to. */
function checkStop(world: World, unrest: Unrest): void {
  for (let count = 0; count < 12; count++) unrest.act();
  world.run(seconds(2));
  for (let count = 0; count < 12; count++) unrest.act();
  world.run(seconds(1));
  unrest.hold();
  world.stop();
  for (const subscriber of unrest.subscribers) {
    const { connection } = subscriber ?? {};
    if (connection !== undefined && world.chance.is(0.5)) {
      world.later(world.chance.span(0, 4000), () => connection.vanish());
    }
  }
  world.run(seconds(10));
  const { streams } = world.dump() as unknown as Dump;
  world.claim(streams === 0, () => `${streams} connections are open after the end`);
  const { engineDeadline } = world;
  world.claim(engineDeadline === undefined, () => "something is due after the end");
}

interface Dump {
  readonly push: Readonly<Record<string, number>>;
  readonly llq: Readonly<Record<string, number>>;
  readonly streams: number;
  readonly links: readonly { readonly questionCount: number; readonly records: number }[];
}

/** Nobody is left, and nothing is left of them. */
function checkNobody(world: World): void {
  const { push, llq, streams, links } = world.dump() as unknown as Dump;
  const { sessions, subscriptions, topics } = push;
  const left = { sessions, subscriptions, topics, llqs: llq.llqs, streams };
  const isEmpty = Object.values(left).every((count) => count === 0);
  world.claim(isEmpty, () => `when everybody is gone: ${JSON.stringify(left)}`);
  if (isWarm(world.plan)) return;
  const asked = links.reduce((sum, { questionCount }) => sum + questionCount, 0);
  world.claim(asked === 0, () => `${asked} questions are asked for nobody`);
  // What was told while the last one was there may still be known.
  if (links.some(({ records }) => records > 0)) return;
  const { engineDeadline } = world;
  world.claim(engineDeadline === undefined, () => `something is due at ${engineDeadline}`);
}

/** How rough a world is. */
interface Weather {
  readonly faults: Faults;
  readonly lies: boolean;
  /** Mean milliseconds between two happenings of a kind. */
  readonly asks: number;
  readonly moves: number;
}

const weathers: readonly Weather[] = [
  { faults: calm, lies: false, asks: 700, moves: 15_000 },
  {
    faults: { loss: 0.02, doubling: 0.02, straying: 0, jitter: 5 },
    lies: false,
    asks: 400,
    moves: 10_000,
  },
  {
    faults: { loss: 0.2, doubling: 0.1, straying: 0.1, jitter: 30 },
    lies: true,
    asks: 500,
    moves: 8000,
  },
  {
    faults: { loss: 0.5, doubling: 0.3, straying: 0.2, jitter: 300 },
    lies: true,
    asks: 800,
    moves: 20_000,
  },
  {
    faults: { loss: 0.05, doubling: 0, straying: 0, jitter: 2 },
    lies: false,
    asks: 40,
    moves: 30_000,
  },
];

export function draw(seed: number, minutes: number): Scenario {
  const plan = drawPlan(seed, minutes);
  const world = new World(plan);
  const { chance } = world;
  const weather = chance.oneOf(weathers);
  const trouble = seconds(minutes * 60);
  const devices = new Map<string, readonly Device[]>();
  for (const [index, air] of [...world.links.values()].entries()) {
    const drawn = drawDevices(chance, 10 + index * 40, 1 + chance.below(5), isWarm(plan));
    devices.set(air.id, drawn);
    populate(world, air, drawn, weather, trouble);
  }
  const unrest = new Unrest(world, devices, weather.faults);
  const clients = ["198.51.100.1", "198.51.100.2", "2001:db8:ffff::1"].map((address) =>
    world.client(address),
  );
  const deeds = new Deeds(world, devices, clients);
  repeat(world, trouble, weather.asks, () => deeds.ask());
  repeat(world, trouble, weather.asks * 8, () => deeds.askOnStream());
  repeat(world, trouble, 600, () => unrest.act());
  repeat(world, trouble, 3000, () => unrest.actOverUdp());
  repeat(world, trouble, Math.min(40_000, trouble / 3), () => unrest.reconfigure());
  repeat(world, trouble, Math.min(40_000, trouble / 4), () => deeds.shakeLink());
  return { world, devices, unrest, trouble };
}

function drawPlan(seed: number, minutes: number): WorldPlan {
  const isSmall = seed % 7 === 3;
  const rate = seed % 5 === 1 ? 4 : 20;
  const warm = seed % 9 === 4 ? (seed % 2 === 0 ? true : ["_ipp._tcp"]) : [];
  // In a warm world nobody waits until they are over.
  const isLong = seed % 8 === 6 && warm !== true && warm.length === 0;
  return {
    ...plainWorld,
    seed,
    replay: replayCommand(seed, minutes),
    links: [floor1, floor2].map((link) => ({ ...link, rate, warm })),
    ttlSeconds: seed % 6 === 0 ? 4 : 10,
    timerLag: [0, 4, 0, 60][seed % 4]!,
    gatherSeconds: seed % 4 === 2 ? 0 : 0.2,
    isFlooded: isSmall,
    limits: {
      ...(isSmall ? smallLimits : defaultLimits),
      ...(isLong ? {} : shortLeases),
      ...(isSmall || seed % 3 !== 2 ? {} : smallQueue),
    },
  };
}

const smallLimits: Limits = {
  ...defaultLimits,
  cacheRecords: 40,
  questions: 6,
  queriesWaiting: 5,
  queriesWaitingPerClient: 3,
  answerCache: 4096,
  connections: 4,
  connectionsPerClient: 2,
  subscriptions: 8,
  subscriptionsPerSession: 4,
  llq: 5,
  llqPerClient: 3,
  llqUnconfirmedPerClient: 3,
  writeQueue: 2000,
};

/** Room for a few records at once: more are told in portions. */
const smallQueue = { writeQueue: 2500 };

/** Leases that end while somebody looks on. */
const shortLeases = { llqLeaseMin: seconds(20), llqLeaseMax: seconds(60) };

/** Has something happen again and again, at random, until the trouble is over. */
function repeat(world: World, until: Duration, mean: number, deed: () => void): void {
  const again = () => {
    if (world.now >= until) return;
    deed();
    world.later(world.chance.gap(mean), again);
  };
  world.later(world.chance.gap(mean), again);
}

function populate(
  world: World,
  air: Air,
  devices: readonly Device[],
  weather: Weather,
  trouble: Duration,
): void {
  const { chance } = world;
  const liar = new Stranger(241);
  const neighbour = new Stranger(240);
  air.stations.push(...devices, liar, neighbour);
  air.faults.in = weather.faults;
  air.faults.out = weather.faults;
  for (const device of devices) {
    world.later(chance.span(0, 2000), () => device.start(world.now));
    repeat(world, trouble, weather.moves, () => move(world, device));
  }
  const told = () => devices.flatMap((device) => device.truth.map(({ rr }) => rr));
  const speak = (act: () => void) => () => {
    act();
    // Strangers have no deadline of their own.
    air.expire(world.now);
  };
  if (weather.lies)
    repeat(
      world,
      trouble,
      1500,
      speak(() => lie(liar, chance, told())),
    );
  repeat(
    world,
    trouble,
    5000,
    speak(() => wonder(world, neighbour, told())),
  );
}

/** A neighbour asks for something that is there, or not, and may know some of it. */
function wonder(world: World, neighbour: Stranger, told: readonly RR[]): void {
  const { chance } = world;
  const family = chance.is(0.5) ? "ipv4" : "ipv6";
  if (told.length === 0) return;
  const { name, type } = chance.oneOf(told);
  const known = told.filter((rr) => rr.name.key === name.key && rr.type === type);
  askAsNeighbour(neighbour, family, { name, type }, chance.someOf(known, 0.3));
}

/** Something happens to a device. */
function move(world: World, device: Device): void {
  const { chance, now } = world;
  const comeBack = () => world.later(chance.span(100, 20_000), () => device.start(world.now));
  const base = device.plan.number;
  chance.oneOf([
    () => device.renumber(now, base + 100 * chance.below(2)),
    () => {
      device.leave(now);
      comeBack();
    },
    () => {
      device.vanish();
      comeBack();
    },
    () => device.start(now),
    () => {
      // No address that anybody elsewhere could use, for a while.
      device.strand(now, true);
      world.later(chance.span(500, 15_000), () => device.strand(world.now, false));
    },
  ])();
}

/** What clients do, and what happens to links. */
class Deeds {
  readonly #world: World;
  readonly #devices: ReadonlyMap<string, readonly Device[]>;
  readonly #clients: readonly Client[];

  constructor(
    world: World,
    devices: ReadonlyMap<string, readonly Device[]>,
    clients: readonly Client[],
  ) {
    this.#world = world;
    this.#devices = devices;
    this.#clients = clients;
  }

  ask(): void {
    const { chance } = this.#world;
    const [name, type] = this.#question();
    const again = chance.is(0.2) ? [ms(1000), ms(3000), ms(6500)] : [];
    const udpSize = chance.oneOf([undefined, 1232, 4096, 300]);
    const options = udpSize === undefined ? { again } : { again, udpSize };
    chance.oneOf(this.#clients).ask(name, type, options);
    if (!chance.is(0.3)) return;
    // Soon after, so that the answer may still be ready, and must not be the old one.
    const once = udpSize === undefined ? {} : { udpSize };
    const repeat = () => chance.oneOf(this.#clients).ask(name, type, once);
    this.#world.later(chance.span(50, 1500), repeat);
  }

  askOnStream(): void {
    const { chance } = this.#world;
    const connection = chance.oneOf(this.#clients).connect();
    const count = 1 + chance.below(6);
    connection.ask(
      Array.from({ length: count }, () => this.#question()),
      chance.oneOf([65_535, 1, 7, 30]),
    );
    this.#finish(connection);
  }

  #finish(connection: Connection): void {
    const { chance } = this.#world;
    connection.lingers = chance.is(0.2);
    const gone = () => connection.vanish();
    chance.oneOf([
      () => {},
      () => connection.end(),
      () => this.#world.later(chance.span(0, 8000), gone),
      () => this.#world.later(chance.span(0, 20_000), () => connection.ask([this.#question()])),
    ])();
  }

  /** Down and up, deaf in one direction, or other addresses. */
  shakeLink(): void {
    const world = this.#world;
    const { chance } = world;
    const air = chance.oneOf([...world.links.values()]);
    const { id } = air;
    chance.oneOf([
      () => {
        if (!air.isUp) return;
        world.linkDown(id);
        world.later(chance.span(10, 9000), () => world.linkUp(id));
      },
      () => {
        if (air.isUp) world.readdress(id, 250 - chance.below(3));
      },
      () => {
        const direction = chance.is(0.5) ? "in" : "out";
        air.outage[direction] = true;
        world.later(chance.span(1000, 15_000), () => {
          air.outage[direction] = false;
        });
      },
      () => world.reconfigure(),
    ])();
  }

  #question(): readonly [Name, number] {
    return drawQuestion(this.#world, this.#devices);
  }
}

/** Nothing goes wrong any more; who was away comes back. */
function calmDown({ world, devices }: Scenario): void {
  world.reconfigure(allOn(world.plan));
  for (const air of world.links.values()) {
    air.faults.in = calm;
    air.faults.out = calm;
    air.outage.in = false;
    air.outage.out = false;
    if (!air.isUp) world.linkUp(air.id);
    for (const device of devices.get(air.id) ?? []) {
      world.later(ms(world.chance.below(1000)), () => {
        device.strand(world.now, false);
        if (device.truth.length === 0) device.start(world.now);
      });
    }
  }
}
