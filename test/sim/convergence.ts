// When nothing goes wrong any more: every question about what is on a link is
// answered with all of it and nothing else, by each of the zones it shows in.

import { seconds } from "../../src/time.js";
import { RRType, typeName } from "../../src/wire/codes.js";
import { displayName, type Name } from "../../src/wire/name.js";
import { type RR, rdataKey } from "../../src/wire/rr.js";
import { formatRR } from "../../src/wire/text.js";
import type { Asking, Connection } from "./client.js";
import { type Device, isLinkLocal } from "./device.js";
import { Subscriber } from "./subscriber.js";
import type { World } from "./world.js";
import { isAnsweredLocally, type PlannedZone } from "./zones.js";

interface Expected {
  readonly zone: PlannedZone;
  readonly name: Name;
  readonly type: number;
  readonly rrs: RR[];
}

/**
 * When to ask again, in seconds after the first time: the answers of slow devices are taken
 * in after the first reply has left, and are in the next one.
 */
const again = [0, 1.5, 4, 9, 18];

/** Few at a time: the rate of the link must not be what decides. */
const batch = 3;

/** Asks for everything there is. @returns how many answers were compared */
export function checkConvergence(
  world: World,
  devices: ReadonlyMap<string, readonly Device[]>,
): number {
  const wanted = world.zones.zones.flatMap((zone) => {
    const truth = (devices.get(zone.link) ?? []).flatMap((device) => device.truth);
    return expectedIn(
      world,
      zone,
      truth.map(({ rr }) => rr),
    );
  });
  for (let at = 0; at < wanted.length; at += batch) checkSome(world, wanted.slice(at, at + batch));
  return wanted.length;
}

/** Records that die earlier may be gone before a slow device has told them again. */
const steadyTtlSeconds = 30;

/** Questions that one session follows here. */
const followed = 12;

/**
 * A subscriber is told all there is of what it asks for, and keeps it as long as it is
 * subscribed: what its copy holds is asked for before it dies.
 */
export function checkSubscribers(
  world: World,
  devices: ReadonlyMap<string, readonly Device[]>,
): void {
  const { chance } = world;
  const zone = chance.oneOf(world.zones.zones);
  const truth = (devices.get(zone.link) ?? []).flatMap((device) => device.truth);
  const all = expectedIn(
    world,
    zone,
    truth.map(({ rr }) => rr),
  );
  const isSteady = ({ rrs }: Expected) => rrs.every((rr) => rr.ttlSeconds >= steadyTtlSeconds);
  // What an alias leads to is another name's (PUSH-13).
  const isOwn = ({ name, rrs }: Expected) => rrs.some((rr) => rr.name.key === name.key);
  const wanted = all.filter((one) => isSteady(one) && isOwn(one)).slice(-followed);
  const kind = { transport: "tls", takesPush: true } as const;
  const subscriber = new Subscriber(world, "198.51.100.40", kind);
  for (const { name, type } of wanted) subscriber.subscribe({ name, type, class: 1 });
  const check = (when: string) => {
    for (const { name, type, rrs } of wanted) {
      const held = subscriber.session.copy.at(name).filter((rr) => rr.type === type);
      const [have, want] = [keysOf(held), keysOf(rrs)];
      const isSame = have.size === want.size && [...have].every((key) => want.has(key));
      const shown = () => `${displayName(name)} ${typeName(type)} ${when}`;
      world.claim(isSame, () => `the link has ${[...want]}, told were ${[...have]}: ${shown()}`);
    }
  };
  world.run(seconds(25));
  check("after a while");
  world.run(seconds(150));
  check("as long as it lasts");
  subscriber.connection.vanish();
  world.run(seconds(1));
}

function checkSome(world: World, wanted: readonly Expected[]): void {
  let left = wanted;
  for (const [turn, start] of again.entries()) {
    const asked = left.map((one) => ({ one, asking: ask(world, one) }));
    world.run(seconds((again[turn + 1] ?? start + 7) - start));
    const wrong = asked.filter(({ one, asking }) => !isWhole(one, asking));
    if (wrong.length === 0) return;
    left = wrong.map(({ one }) => one);
    if (turn < again.length - 1) continue;
    for (const { one, asking } of wrong) {
      world.claim(false, () => explained(one, asking));
    }
  }
}

function ask(world: World, { name, type }: Expected): Asking {
  const connection: Connection = world.client("198.51.100.9").connect();
  return connection.ask([[name, type]])[0]!;
}

function expectedIn(world: World, zone: PlannedZone, truth: readonly RR[]): Expected[] {
  const sets = new Map<string, Expected>();
  for (const rr of truth) {
    // An alias is asked for as such; questions for other types follow it.
    const shown = world.zones.rrFromLink(zone, rr, rr.type);
    if (shown === undefined || isAnsweredLocally(zone, shown.name, shown.type)) continue;
    const { name, type } = shown;
    const key = `${name.key}\0${type}`;
    const set = sets.get(key) ?? { zone, name, type, rrs: [] };
    sets.set(key, set);
    if (!isLinkLocal(rr)) set.rrs.push(shown);
  }
  return [...sets.values(), ...truth.flatMap((rr) => behindAlias(world, zone, rr, truth))];
}

/** The addresses that an alias leads to, asked for under the alias's name. */
function behindAlias(
  world: World,
  zone: PlannedZone,
  alias: RR,
  truth: readonly RR[],
): readonly Expected[] {
  if (alias.rdata.kind !== "cname") return [];
  const { target } = alias.rdata;
  return [RRType.A, RRType.AAAA].flatMap((type) => {
    const shown = world.zones.rrFromLink(zone, alias, type);
    if (shown?.rdata.kind !== "cname") return [];
    const name = shown.rdata.target;
    const rrs = truth.filter((rr) => rr.type === type && rr.name.key === target.key);
    const usable = rrs.filter((rr) => !isLinkLocal(rr)).map((rr) => ({ ...rr, name }));
    return [{ zone, name: shown.name, type, rrs: usable }];
  });
}

const keysOf = (list: readonly RR[]) =>
  new Set(list.map((rr) => `${rr.name.key} ${rdataKey(rr.type, rr.rdata)}`));

function isWhole({ type, rrs }: Expected, { reply }: Asking): boolean {
  const told = reply?.answers.filter((rr) => rr.type === type) ?? [];
  const [have, want] = [keysOf(told), keysOf(rrs)];
  return reply !== undefined && have.size === want.size && [...have].every((key) => want.has(key));
}

function explained({ zone, name, type, rrs }: Expected, { reply }: Asking): string {
  const lines = (list: readonly RR[]) => list.map((rr) => `\n      ${formatRR(rr)}`).join("");
  return (
    `${displayName(name)} ${typeName(type)} on ${zone.link}: in the end the link has` +
    `${lines(rrs)}\n    and the answer${reply === undefined ? " is missing" : lines(reply.answers)}`
  );
}
