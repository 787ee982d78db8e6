// The memory of silence: what it holds, for how long, and how much of it.

import { expect, test } from "vitest";
import { NegativeMemory } from "../../src/query/negative-memory.js";
import { instant } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";

const question = (name: string, type = 1) => ({ name: parseName(name), type });
const at = (seconds: number) => instant(seconds * 1000);

test("a question of a link, until its end [DP-87]", () => {
  const memory = new NegativeMemory();
  memory.remember(at(0), "eth0", question("a.local"), at(10));
  const held = (name: string, type: number, link: string, second: number) =>
    memory.holds(at(second), link, question(name, type));
  expect(held("A.LOCAL", 1, "eth0", 9.9)).toBe(true);
  expect(held("a.local", 1, "eth0", 10)).toBe(false);
  expect(held("a.local", 28, "eth0", 5)).toBe(false);
  expect(held("a.local", 1, "eth1", 5)).toBe(false);
});

test("a record of the name ends it for all types [DP-87]", () => {
  const memory = new NegativeMemory();
  memory.remember(at(0), "eth0", question("a.local", 1), at(10));
  memory.remember(at(0), "eth0", question("a.local", 28), at(10));
  memory.forget("eth0", parseName("A.local").key);
  expect(memory.holds(at(1), "eth0", question("a.local", 28))).toBe(false);
});

test("what is over is dropped, and there is a most [DP-125]", () => {
  const memory = new NegativeMemory();
  for (let n = 0; n < 1000; n++)
    memory.remember(at(n), "eth0", question(`n${n}.local`), at(n + 10));
  expect(memory.size).toBeLessThanOrEqual(11);
  for (let n = 0; n < 21_000; n++)
    memory.remember(at(2000), "eth0", question(`m${n}.local`), at(2010));
  expect(memory.size).toBeLessThanOrEqual(20_000);
  expect(memory.holds(at(2000), "eth0", question("m20999.local"))).toBe(true);
});

test("types of one name are questions too: they end, and they count [DP-125]", () => {
  const memory = new NegativeMemory();
  // Asked for again and again, so that the name is never quite forgotten.
  for (let n = 0; n < 1000; n++) memory.remember(at(n), "eth0", question("a.local", n), at(n + 10));
  expect(memory.size).toBe(10);
  expect(memory.holds(at(1000), "eth0", question("a.local", 995))).toBe(true);
  for (let n = 0; n < 21_000; n++) {
    memory.remember(at(2000), "eth0", question(`m${n % 3}.local`, n), at(2010));
  }
  expect(memory.size).toBeLessThanOrEqual(20_000);
});
