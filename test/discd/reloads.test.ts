// What became of reloads: for who waits, and for who asks later.

import { expect, test } from "vitest";
import { Reloads } from "../../src/discd/reloads.js";

const taken = { kind: "taken", file: "/etc/discd.lua", warnings: ["f:1: doubtful"] } as const;
const refused = {
  kind: "refused",
  problems: ["f:2: warning: doubtful", "f:3: wrong"],
  errors: ["f:3: wrong"],
} as const;

test("who asks while a load runs waits for the next one", async () => {
  const reloads = new Reloads();
  const first = reloads.next();
  const waiting = reloads.begin();
  const second = reloads.next();
  reloads.end(refused, true, waiting);
  expect(await first).toBe(refused);
  reloads.end(taken, true, reloads.begin());
  expect(await second).toBe(taken);
});

test("a file that was refused stays refused until a later one is taken", () => {
  const reloads = new Reloads();
  expect([reloads.last, reloads.refusals]).toEqual([null, []]);
  reloads.end(refused, true, []);
  const line = "the configuration was refused, and the one before stays in force: f:3: wrong";
  expect(reloads.refusals).toEqual([line]);
  // The one in force goes on fitting the interfaces.
  reloads.end(taken, false, []);
  expect(reloads.refusals).toEqual([line]);
  expect(reloads.last).toMatchObject({ isTaken: false, problems: refused.problems });
  reloads.end(taken, true, []);
  expect(reloads.refusals).toEqual([]);
  expect(reloads.last).toMatchObject({ isTaken: true, problems: ["f:1: doubtful"] });
});

test("what does not fit the interfaces is told until it does", () => {
  const reloads = new Reloads();
  reloads.end(refused, false, []);
  expect(reloads.last).toBeNull();
  expect(reloads.refusals).toHaveLength(1);
  reloads.end(taken, false, []);
  expect(reloads.refusals).toEqual([]);
});
