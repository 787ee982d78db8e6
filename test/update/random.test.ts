// Seeded disorder: two proxies on one link, a primary that fails in every way,
// kills, restarts, backups. Whatever happened, no foreign record is changed; what
// lives is in the zone once the trouble is over; what is dead is gone when its
// lifetime is.

import { describe, expect, test } from "vitest";
import { below, seededRandom } from "../../src/random.js";
import type { Offer } from "../../src/update/offer.js";
import type { RR } from "../../src/wire/rr.js";
import type { Answer } from "./primary.js";
import { gone, linesOf, printer, type StageProxy, ZoneStage } from "./zone-stage.js";

const foreign = [
  "keep.link1.discd.test. 120 A 192.0.2.77",
  "ns1.link1.discd.test. 120 A 127.0.0.1",
  "other.link1.discd.test. 120 MX 10 keep.link1.discd.test.",
];

const faults: readonly Answer[] = [
  "silence",
  "close",
  2,
  { rcode: 0, proof: "none" },
  { rcode: 5, proof: "none" },
];

function play(seed: number): void {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[below(random, list.length)] as T;
  const stage = new ZoneStage();
  const { primary } = stage;
  primary.add("other.link1.discd.test 120 MX 10 keep.link1.discd.test");
  const wanted = new Map<string, Offer>();
  let started = 0;
  const start = (own: readonly RR[] = []): StageProxy => {
    started += 1;
    const proxy = stage.proxy({}, seed * 100 + started).start(own);
    proxy.offer(...wanted.values());
    return proxy;
  };
  const proxies = [start(), start()];
  const names = ["A", "B", "C", "D", "Trap"];
  /** From then on nobody is killed: only who deleted a record knows one that comes back. */
  let isRestored = false;
  let backup: ReturnType<typeof primary.backup> | undefined;
  const scenes: readonly (() => void)[] = [
    () => {
      const name = pick(names);
      const address = `192.0.2.${1 + below(random, 50)}`;
      const offer = printer(name, { address, ...(name === "Trap" ? { host: "keep" } : {}) });
      wanted.set(name, offer);
      for (const proxy of proxies) proxy.offer(offer);
    },
    () => {
      const name = pick(names);
      const offer = wanted.get(name);
      if (offer === undefined) return;
      wanted.delete(name);
      for (const proxy of proxies) proxy.offer(gone(offer));
    },
    () => {
      const fault = pick(faults);
      primary.script = () => (below(random, 3) === 0 ? fault : undefined);
    },
    () => {
      primary.script = () => undefined;
    },
    () => {
      if (isRestored) return;
      const index = below(random, 2);
      const own = (proxies[index] as StageProxy).kill();
      proxies[index] = start(own);
      backup = undefined;
    },
    () => {
      backup = primary.backup();
    },
    () => {
      if (backup === undefined) return;
      primary.restore(backup);
      isRestored = true;
    },
    () => {
      const proxy = pick(proxies);
      proxy.isCut = !proxy.isCut;
    },
  ];
  for (let scene = 0; scene < 40; scene++) {
    pick(scenes)();
    stage.at(stage.now + below(random, 40));
    expect(primary.lines().filter((line) => foreign.includes(line))).toEqual(foreign);
  }
  primary.script = () => undefined;
  for (const proxy of proxies) proxy.isCut = false;
  // What was refused alone is tried again after an hour.
  stage.at(stage.now + 4000);
  const live = linesOf(...[...wanted.values()].filter((offer) => !offer.key.includes("trap")));
  const there = () => primary.lines().filter((line) => !foreign.includes(line));
  expect(live.filter((line) => !there().includes(line))).toEqual([]);
  // Two lifetimes later nothing is left of what is dead.
  stage.at(stage.now + 20_000);
  expect(there()).toEqual(live);
  expect(primary.lines().filter((line) => foreign.includes(line))).toEqual(foreign);
}

describe("whatever happens [UP-11] [UP-57] [UP-63] [UP-65] [TO-18] [TO-19]", () => {
  const first = Array.from({ length: 55 }, (_, index) => index + 1);
  // In these a backup met what another proxy, or a refused service, had left.
  const once = [113, 118, 145, 158, 165, 167, 225];
  test.each([...first, ...once])("seed %i", (seed) => play(seed));
});
