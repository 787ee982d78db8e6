// TTLs of ordinary answers.

import { expect, test } from "vitest";
import { capped, evened } from "../../src/proxy/ttl.js";
import { instant } from "../../src/time.js";
import { rrs } from "./floor.js";

/** Lines heard at 0 s, and what is left to tell of them at `now` seconds. */
function ttls(now: number, cap: number, ...heard: string[]): number[] {
  const visible = rrs(...heard).map((rr) => ({
    rr,
    expiresAt: instant(rr.ttlSeconds * 1000),
    isUnique: true,
  }));
  return capped(instant(now * 1000), visible, cap).map((rr) => rr.ttlSeconds);
}

test.each([
  { now: 0, heard: ["a. 4500 PTR x."], want: [10] },
  { now: 0, heard: ["a. 120 A 192.0.2.1"], want: [10] },
  { now: 0, heard: ["a. 4 A 192.0.2.1"], want: [4] },
  { now: 0, heard: ["a. 4294967295 A 192.0.2.1"], want: [10] },
])("[DP-45] no TTL exceeds the cap: $heard", ({ now, heard, want }) => {
  expect(ttls(now, 10, ...heard)).toEqual(want);
});

test("[DP-45] the cap is the link's own", () => {
  expect(ttls(0, 5, "a. 4500 PTR x.")).toEqual([5]);
  expect(ttls(0, 120, "a. 4500 PTR x.")).toEqual([120]);
});

test.each([
  { now: 1.9, want: [10] },
  { now: 6, want: [6] },
  { now: 6.5, want: [5] },
  { now: 11.2, want: [0] },
  { now: 13, want: [0] },
])("[DP-46] a record of 12 s has $want s left at $now s", ({ now, want }) => {
  expect(ttls(now, 10, "a. 12 A 192.0.2.1")).toEqual(want);
});

test("[DP-47] one RRset, one TTL: the smallest", () => {
  const set = ["a. 4000 PTR x.", "b. 4000 PTR x.", "A. 4 PTR y.", "a. 7 A 192.0.2.1"];
  expect(ttls(0, 10, ...set)).toEqual([4, 10, 4, 7]);
  expect(ttls(0, 10, ...set.reverse())).toEqual([7, 4, 10, 4]);
});

test("[DP-47] a record without an end of life keeps to the set as well", () => {
  const given = rrs("a. 300 A 192.0.2.1", "a. 60 A 192.0.2.2");
  expect(evened(given, () => 100).map((rr) => rr.ttlSeconds)).toEqual([60, 60]);
  expect(evened(given, () => 10).map((rr) => rr.ttlSeconds)).toEqual([10, 10]);
});

test("order and everything but the TTL stay", () => {
  const given = rrs("b. 1 A 192.0.2.1", "a. 4 A 192.0.2.2");
  const visible = given.map((rr) => ({ rr, expiresAt: instant(1e9), isUnique: true }));
  expect(capped(instant(0), visible, 10)).toEqual(given);
});
