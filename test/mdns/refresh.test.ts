// Keeping alive what somebody stands by (RFC 6762 §5.2): at 80, 85, 90 and 95 %
// of a record's life, each plus up to 2 %, and nothing for those who are gone.

import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/random.js";
import { at, Stage, steady } from "./stage.js";

describe("refresh points", () => {
  const a = "!printer.local. 120 A 192.0.2.10";

  // The worked times of the specification, earliest and latest.
  const cases = [
    { share: 0, want: [96, 102, 108, 114] },
    { share: 1, want: [98.4, 104.4, 110.4, 116.4] },
  ];
  for (const { share, want } of cases) {
    test(`of a record with TTL 120 whose device is silent: ${want.join(", ")} s [DP-135]`, () => {
      const stage = Stage.up({}, steady(share));
      stage.watch("printer.local A", "standing");
      stage.response([a]);
      stage.run(119.9);
      expect(stage.times("printer.local A", "ipv4")).toEqual(want);
      expect(stage.times("printer.local A", "ipv6")).toEqual(want);
      expect(stage.changes()).toEqual(["+ printer.local. 120 A 192.0.2.10"]);
      stage.run(120);
      expect(stage.changes()).toEqual(["- printer.local. 120 A 192.0.2.10"]);
      expect(stage.find("printer.local A")).toEqual([]);
    });
  }

  test("of a record with TTL 4500: within the two per cent, by chance [DP-135]", () => {
    const random = seededRandom(3);
    const windows = [
      [3600, 3690],
      [3825, 3915],
      [4050, 4140],
      [4275, 4365],
    ] as const;
    const firsts = new Set<number>();
    for (let run = 0; run < 20; run++) {
      const stage = Stage.up({}, random);
      stage.watch("a._ipp._tcp.local TXT", "standing");
      stage.response(['!a._ipp._tcp.local. 4500 TXT "a=b"']);
      stage.run(4499);
      const times = stage.times("a._ipp._tcp.local TXT");
      expect(times).toHaveLength(4);
      windows.forEach(([from, to], index) => {
        expect(times[index]).toBeGreaterThanOrEqual(from);
        expect(times[index]).toBeLessThanOrEqual(to);
      });
      firsts.add(times[0] as number);
    }
    expect(firsts.size).toBeGreaterThan(10);
  });

  test("a fresh answer starts the cycle anew [DP-135]", () => {
    const stage = Stage.up();
    stage.watch("printer.local A", "standing");
    stage.response([a]);
    stage.at(96.1).response([a]);
    stage.run(300);
    expect(stage.times("printer.local A").slice(0, 3)).toEqual([96, 192.1, 198.1]);
    expect(stage.changes()[0]).toBe("+ printer.local. 120 A 192.0.2.10");
  });

  test("an unasked announcement moves them as well", () => {
    const stage = Stage.up();
    stage.watch("printer.local A", "standing");
    stage.response([a]);
    stage.at(60).response([a]);
    stage.run(155);
    expect(stage.times("printer.local A")).toEqual([]);
    stage.run(156);
    expect(stage.times("printer.local A")).toEqual([156]);
  });

  test("one query serves all records of a set whose time has come", () => {
    const stage = Stage.up({}, steady(1));
    stage.watch("_ipp._tcp.local PTR", "standing");
    stage.response(["_ipp._tcp.local. 100 PTR a._ipp._tcp.local."]);
    stage.at(0.5).response(["_ipp._tcp.local. 100 PTR b._ipp._tcp.local."]);
    stage.run(84);
    // The series asks at 0.12, 1.12 … 63.12; a's point is 80 to 82 s, b's 80.5 to 82.5 s.
    expect(stage.times("_ipp._tcp.local PTR").filter((time) => time > 70)).toEqual([82]);
  });

  test("no two queries for one question are nearer than a second", () => {
    const stage = Stage.up({ families: ["ipv4"] });
    stage.watch("a.local A", "standing");
    stage.response(["!a.local. 2 A 192.0.2.10"]);
    stage.run(2.5);
    // The points lie at 1.6, 1.7, 1.8 and 1.9 s; one query is all there is room for.
    expect(stage.times("a.local A").filter((time) => time < 2)).toEqual([1.6]);
    const times = stage.at(20).times("a.local A");
    times.slice(1).forEach((time, index) => {
      expect(time - (times[index] as number)).toBeGreaterThanOrEqual(0.999);
    });
  });

  test("a standing watch of ANY keeps every type of the name alive", () => {
    const stage = Stage.up();
    stage.watch("a.local ANY", "standing");
    stage.response(["!a.local. 120 A 192.0.2.10", "!a.local. 240 AAAA 2001:db8::10"]);
    stage.run(99);
    expect(stage.times("a.local ANY")).toEqual([96]);
  });
});

describe("nobody's records [DP-136]", () => {
  test("what a one-shot left behind is not asked for again", () => {
    const stage = Stage.up();
    const watch = stage.watch("printer.local A");
    stage.at(0.1).response(["!printer.local. 120 A 192.0.2.10"]);
    stage.unwatch(watch);
    stage.run(600);
    expect(stage.times("printer.local A")).toEqual([0.02]);
    expect(stage.link.nextDeadline()).toBeUndefined();
  });

  test("nor is what a one-shot is still waiting with", () => {
    const stage = Stage.up();
    stage.watch("printer.local A");
    stage.at(0.1).response(["!printer.local. 10 A 192.0.2.10"]);
    stage.run(60);
    expect(stage.times("printer.local A")).toEqual([0.02]);
  });

  test("refreshing ends with the last standing watch, not with the first", () => {
    const stage = Stage.up();
    const one = stage.watch("printer.local A", "standing", "1");
    const other = stage.watch("printer.local A", "standing", "2");
    stage.watch("printer.local A", "one-shot", "3");
    stage.response(["!printer.local. 120 A 192.0.2.10"]);
    stage.at(50).unwatch(one);
    stage.run(100);
    expect(stage.times("printer.local A")).toEqual([96]);
    stage.unwatch(other);
    // Not even the clock is watched for it.
    expect(stage.link.nextDeadline()).toBe(at(120));
    stage.run(119);
    expect(stage.times("printer.local A")).toEqual([96]);
  });

  test("a record in its last second is not asked for", () => {
    const stage = Stage.up();
    stage.watch("printer.local A", "standing");
    stage.response(["!printer.local. 120 A 192.0.2.10"]);
    stage.at(95.5).response(["!printer.local. 0 A 192.0.2.10"]);
    stage.run(96.5);
    expect(stage.times("printer.local A")).toEqual([]);
  });

  test("a standing watch that finds a record old asks by its series alone", () => {
    const stage = Stage.up({}, steady(1));
    stage.response(["!printer.local. 120 A 192.0.2.10"]);
    stage.at(100).watch("printer.local A", "standing");
    stage.run(100.5);
    expect(stage.times("printer.local A")).toEqual([100.12]);
  });
});
