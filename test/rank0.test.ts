// The lowest rank: time, chance, deadlines, addresses, counts.

import { describe, expect, test } from "vitest";
import {
  clientKey,
  contains,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
  permits,
} from "../src/address.js";
import { AssertionError, assert, unreachable } from "../src/assert.js";
import { Counts } from "../src/counts.js";
import { Deadlines } from "../src/deadlines.js";
import { below, between, seededRandom } from "../src/random.js";
import { after, before, earliest, elapsed, instant, ms, seconds } from "../src/time.js";

describe("time", () => {
  test("spans add to points and points differ by spans", () => {
    expect(after(instant(5), seconds(2))).toBe(2005);
    expect(before(instant(2005), ms(5))).toBe(2000);
    expect(elapsed(instant(10), instant(4))).toBe(-6);
  });

  test("the earlier of two points that may not exist", () => {
    expect(earliest(undefined, undefined)).toBeUndefined();
    expect(earliest(instant(1), undefined)).toBe(1);
    expect(earliest(undefined, instant(2))).toBe(2);
    expect(earliest(instant(3), instant(2))).toBe(2);
    expect(earliest(instant(2), instant(3))).toBe(2);
  });
});

describe("random", () => {
  test("the same seed gives the same numbers, another seed others", () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 20 }, () => random.uint32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test("below and between keep their bounds and reach both ends", () => {
    const random = seededRandom(1);
    const drawn = new Set<number>();
    for (let round = 0; round < 2000; round++) drawn.add(between(random, ms(20), ms(24)));
    expect([...drawn].sort()).toEqual([20, 21, 22, 23, 24]);
    expect(below({ uint32: () => 0xffffffff }, 10)).toBe(9);
  });
});

describe("deadlines", () => {
  test("fall due in order of time, then in the order in which they were set", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set("late", instant(30));
    deadlines.set("b", instant(10));
    deadlines.set("a", instant(10));
    expect(deadlines.next()).toBe(10);
    expect(deadlines.takeDue(instant(9))).toBeUndefined();
    expect(deadlines.takeDue(instant(10))).toBe("b");
    expect(deadlines.takeDue(instant(10))).toBe("a");
    expect(deadlines.takeDue(instant(10))).toBeUndefined();
    expect(deadlines.size).toBe(1);
  });

  test("setting a key again moves it, clearing removes it", () => {
    const deadlines = new Deadlines<string>();
    deadlines.set("x", instant(10));
    deadlines.set("x", instant(50));
    expect(deadlines.find("x")).toBe(50);
    deadlines.set("x", instant(5));
    expect(deadlines.next()).toBe(5);
    deadlines.clear("x");
    deadlines.clear("x");
    expect(deadlines.next()).toBeUndefined();
  });

  test("agree with a sorted list over many random moves", () => {
    const random = seededRandom(42);
    const deadlines = new Deadlines<number>();
    const truth = new Map<number, { at: number; order: number }>();
    let order = 0;
    for (let step = 0; step < 5000; step++) {
      const key = below(random, 200);
      if (below(random, 4) === 0) {
        deadlines.clear(key);
        truth.delete(key);
      } else {
        const at = below(random, 1000);
        deadlines.set(key, instant(at));
        if (truth.get(key)?.at !== at) truth.set(key, { at, order: order++ });
      }
      expect(deadlines.size).toBe(truth.size);
    }
    const sorted = [...truth].sort((a, b) => a[1].at - b[1].at || a[1].order - b[1].order);
    for (const [key] of sorted) expect(deadlines.takeDue(instant(1000))).toBe(key);
  });
});

describe("addresses", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["fe80::1%eth0", "fe80::1%eth0"],
  ])("%s is read and written as %s", (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });

  test.each(["", "10.1", "192.0.2.256", "1.2.3.4.5", "fe80:::1", "example.com", "0x7f.0.0.1"])(
    "%s is no address",
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/9", "10.128.0.1", false],
    ["10.0.0.0/9", "10.127.255.255", true],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.6", false],
  ])("%s contains %s: %s", (prefix, address, inside) => {
    expect(contains(parsePrefix(prefix)!, parseAddress(address)!)).toBe(inside);
  });

  test.each(["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "x/8", "::/129"])(
    "%s is no prefix",
    (text) => {
      expect(parsePrefix(text)).toBeUndefined();
    },
  );

  test("a prefix is written with its length", () => {
    expect(formatPrefix(parsePrefix("192.0.2.7")!)).toBe("192.0.2.7/32");
  });

  test("an address list is tried in order and ends with a refusal", () => {
    const list = [
      { refuse: true, prefix: parsePrefix("10.9.0.0/16")! },
      { refuse: false, prefix: parsePrefix("10.0.0.0/8")! },
    ];
    expect(permits(list, parseAddress("10.9.1.1")!)).toBe(false);
    expect(permits(list, parseAddress("10.8.1.1")!)).toBe(true);
    expect(permits(list, parseAddress("192.0.2.1")!)).toBe(false);
    expect(permits([], parseAddress("10.8.1.1")!)).toBe(false);
  });

  test("one client is an IPv4 address or an IPv6 /64", () => {
    const key = (text: string) => clientKey(parseAddress(text)!);
    expect(key("2001:db8::1")).toBe(key("2001:db8::ffff:1"));
    expect(key("2001:db8::1")).not.toBe(key("2001:db8:0:1::1"));
    expect(key("192.0.2.1")).not.toBe(key("192.0.2.2"));
  });
});

test("counts add up by name and label", () => {
  const counts = new Counts();
  counts.add("drops", "short");
  counts.add("drops", "short", 2);
  counts.add("reloads");
  expect(counts.of("drops", "short")).toBe(3);
  expect(counts.of("drops", "other")).toBe(0);
  expect([...counts.all()]).toEqual([
    ["drops/short", 3],
    ["reloads", 1],
  ]);
});

test("a contradiction is our own fault", () => {
  expect(() => assert(false, "never")).toThrow(AssertionError);
  expect(() => assert(true, "fine")).not.toThrow();
  expect(() => unreachable("x" as never)).toThrow(AssertionError);
});
