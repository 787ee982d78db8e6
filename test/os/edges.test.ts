// The small things between the program and the machine: clock, chance, names.

import { describe, expect, test } from "vitest";
import { now, timeoutUntil } from "../../src/os/clock.js";
import { findHostName } from "../../src/os/host.js";
import { systemRandom } from "../../src/os/random.js";
import { instant } from "../../src/time.js";

describe("clock", () => {
  test("[T-55] a timer never gets a number that setTimeout takes for 1", () => {
    const cases = [
      { name: "due already", deadline: 900, want: 1 },
      { name: "due now", deadline: 1000, want: 1 },
      { name: "a fraction later", deadline: 1000.25, want: 1 },
      { name: "rounded up, so that it is not too early", deadline: 1010.25, want: 11 },
      { name: "30 days", deadline: 1000 + 30 * 86_400_000, want: 2_147_483_647 },
      { name: "the TTL that has no end", deadline: 2 ** 31 * 1000, want: 2_147_483_647 },
    ];
    for (const { name, deadline, want } of cases) {
      expect(timeoutUntil(instant(1000), instant(deadline)), name).toBe(want);
    }
  });

  test("it runs forward, in milliseconds", async () => {
    const first = now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const passed = now() - first;
    expect(passed).toBeGreaterThanOrEqual(18);
    expect(passed).toBeLessThan(2000);
  });
});

test("chance differs from one to the next, and fills all of 32 bits", () => {
  const random = systemRandom();
  const drawn = Array.from({ length: 4000 }, () => random.uint32());
  expect(new Set(drawn).size).toBeGreaterThan(3990);
  expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32)).toBe(
    true,
  );
  for (let bit = 0; bit < 32; bit++) {
    const share = drawn.filter((value) => (value >>> bit) & 1).length / drawn.length;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.6);
  }
});

describe("host name", () => {
  const cases = [
    { name: "px.campus.example", hosts: "", want: "px.campus.example" },
    {
      name: "px",
      hosts: "127.0.0.1 localhost\n127.0.1.1\tpx.campus.example px\n",
      want: "px.campus.example",
    },
    {
      name: "px",
      hosts: "# 127.0.1.1 px.old.example px\n10.0.0.1 px.new.example px",
      want: "px.new.example",
    },
    { name: "px", hosts: "127.0.1.1 px\n", want: "px" },
    { name: "px", hosts: "10.0.0.9 other.example px2\n", want: "px" },
    { name: "px", hosts: "127.0.0.1 localhost.localdomain localhost px\n", want: "px" },
  ];
  for (const { name, hosts, want } of cases) {
    test(`${name} with ${JSON.stringify(hosts)} is ${want}`, () => {
      expect(findHostName(hosts, name)).toBe(want);
    });
  }
});
