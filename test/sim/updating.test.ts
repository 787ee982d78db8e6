// Update mode under seeded disorder: see updating.ts.

import { describe, expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import { UpdateSim } from "./updating.js";

function play(seed: number, isOneKilled: boolean): void {
  const sim = new UpdateSim(seed);
  try {
    sim.run(seconds(30));
    for (let scene = 0; scene < 40; scene++) {
      sim.play();
      expect(sim.damaged()).toEqual([]);
    }
    sim.calm();
    // What was refused alone is tried again after an hour; a server is looked for every 5 min.
    sim.run(seconds(4000));
    const there = new Set(sim.published());
    expect(sim.expected().filter((line) => !there.has(line))).toEqual([]);
    if (isOneKilled) sim.bury();
    // Two lifetimes later nothing is left of what is dead.
    sim.run(seconds(10_000));
    expect(sim.published()).toEqual(sim.expected());
    expect(sim.damaged()).toEqual([]);
  } catch (error) {
    if (error instanceof Error) error.message += `\nseed ${seed}\n${sim.told.join("\n")}`;
    throw error;
  }
}

describe("update mode, whatever happens [UP-11] [UP-12] [UP-65] [TO-18] [TO-19]", () => {
  const seeds = Array.from({ length: 6 }, (_, index) => index + 1);
  test.each(seeds)("seed %i", (seed) => play(seed, false));
  test.each(seeds)("seed %i, one proxy killed for good", (seed) => play(seed + 100, true));
});
