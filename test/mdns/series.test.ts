// The series of a question (RFC 6762 §5.2): delay, gaps, who starts it, who ends it.

import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/random.js";
import { at, printer, question, Stage, steady } from "./stage.js";

describe("the schedule", () => {
  const cases = [
    { name: "shortest delay", share: 0, first: 0.02 },
    { name: "longest delay", share: 1, first: 0.12 },
  ];
  for (const { name, share, first } of cases) {
    test(`gaps of 1, 2, 4, 8 … seconds, ${name} [DP-130] [DP-129]`, () => {
      const stage = Stage.up({}, steady(share));
      stage.watch("_ipp._tcp.local PTR", "standing");
      stage.run(40);
      const expected = [0, 1, 3, 7, 15, 31].map((offset) => first + offset);
      for (const family of ["ipv4", "ipv6"] as const) {
        const times = stage.times("_ipp._tcp.local PTR", family);
        expect(times).toHaveLength(expected.length);
        times.forEach((time, index) => {
          expect(time).toBeCloseTo(expected[index] as number, 3);
        });
      }
    });
  }

  test("the first query of 50 questions is 20 to 120 ms late, and not always the same [DP-129]", () => {
    const random = seededRandom(7);
    const delays = new Set<number>();
    for (let run = 0; run < 50; run++) {
      const stage = Stage.up({}, random);
      stage.watch("a.local A");
      stage.run(1);
      const first = stage.times("a.local A")[0] as number;
      expect(first).toBeGreaterThanOrEqual(0.02);
      expect(first).toBeLessThanOrEqual(0.12);
      delays.add(first);
    }
    expect(delays.size).toBeGreaterThan(20);
  });

  test("the gap grows to an hour and no further [DP-130]", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR", "standing");
    stage.run(6 * 3600);
    const times = stage.times("_ipp._tcp.local PTR");
    const gaps = times.slice(1).map((time, index) => Math.round(time - (times[index] as number)));
    expect(gaps.slice(0, 12)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]);
    expect(gaps.slice(12)).toEqual([3600, 3600, 3600, 3600]);
  });

  test("three packets per family within the six seconds of an ordinary query [DP-80]", () => {
    const stage = Stage.up({}, steady(1));
    const watch = stage.watch("printer.local A");
    stage.run(6);
    stage.unwatch(watch);
    stage.run(600);
    expect(stage.times("printer.local A")).toEqual([0.12, 1.12, 3.12]);
    expect(stage.times("printer.local A", "ipv6")).toEqual([0.12, 1.12, 3.12]);
    expect(stage.sent).toHaveLength(6);
    expect(stage.link.nextDeadline()).toBeUndefined();
  });
});

describe("pull", () => {
  test("a link nobody asks about sends nothing, and has nothing due [DP-8]", () => {
    const stage = Stage.up();
    expect(stage.link.nextDeadline()).toBeUndefined();
    stage.response([
      "_ipp._tcp.local. 4500 PTR a._ipp._tcp.local.",
      "!a._ipp._tcp.local. 120 SRV 0 0 631 a.local.",
      "!a.local. 120 A 192.0.2.10",
    ]);
    stage.query(["_ipp._tcp.local PTR"]);
    stage.run(600);
    expect(stage.sent).toEqual([]);
  });

  test("clients share one series and one cache [DP-9]", () => {
    const stage = Stage.up();
    const watches = [0, 1, 2, 3].map((n) => stage.watch("printer.local A", "one-shot", `${n}`));
    stage.run(0.5);
    watches.push(stage.watch("printer.local A", "one-shot", "late"));
    expect(stage.startedAt("printer.local A")).toBe(at(0));
    stage.run(6);
    for (const watch of watches) stage.unwatch(watch);
    stage.run(20);
    expect(stage.sent).toHaveLength(6);

    const answered = Stage.up();
    const first = answered.watch("printer.local A", "one-shot", "1");
    answered.run(0.3);
    answered.response(["!printer.local. 120 A 192.0.2.10"]);
    answered.unwatch(first);
    answered.run(2.3);
    expect(answered.find("printer.local A")).toEqual(["printer.local. 120 A 192.0.2.10"]);
    expect(answered.sent).toHaveLength(2);
  });

  test("without a further watch the series ends at once", () => {
    const stage = Stage.up();
    const one = stage.watch("printer.local A", "one-shot", "1");
    const other = stage.watch("printer.local A", "standing", "2");
    stage.run(0.5);
    stage.unwatch(one);
    stage.run(1.5);
    expect(stage.times("printer.local A")).toEqual([0.02, 1.02]);
    stage.unwatch(other);
    stage.run(100);
    expect(stage.times("printer.local A")).toEqual([0.02, 1.02]);
    expect(stage.startedAt("printer.local A")).toBeUndefined();
  });
});

describe("what is told of a series", () => {
  test("it was asked once a packet has left", () => {
    const stage = Stage.up();
    stage.watch("printer.local A");
    expect(stage.wasAsked("printer.local A")).toBe(false);
    expect(stage.startedAt("printer.local A")).toBe(at(0));
    stage.run(0.03);
    expect(stage.wasAsked("PRINTER.local A")).toBe(true);
    expect(stage.wasAsked("printer.local AAAA")).toBe(false);
    expect(stage.startedAt("printer.local AAAA")).toBeUndefined();
  });

  test("a question that was left begins anew with its next watch", () => {
    const stage = Stage.up();
    const watch = stage.watch("printer.local A");
    stage.run(2);
    stage.unwatch(watch);
    stage.run(5);
    stage.watch("printer.local A");
    expect(stage.startedAt("printer.local A")).toBe(at(5));
    expect(stage.wasAsked("printer.local A")).toBe(false);
  });

  test("above the limit no question is taken, and that is counted [DP-125]", () => {
    const stage = Stage.up({ questionsMax: 2 });
    const a = stage.watch("a.local A");
    expect(stage.watch("b.local A")).toBeDefined();
    expect(stage.watch("c.local A")).toBeUndefined();
    expect(stage.counts.of("limits", "questions")).toBe(1);
    // A further watch of a running question costs none.
    expect(stage.watch("b.local A")).toBeDefined();
    stage.unwatch(a);
    expect(stage.watch("c.local A")).toBeDefined();
  });

  test("one client's standing watches leave room for others', and that is counted", () => {
    const stage = Stage.up({ questionsMax: 10 });
    const first = stage.watch("a.local A", "standing", "one");
    expect(stage.watch("b.local A", "standing", "one")).toBeDefined();
    expect(stage.watch("c.local A", "standing", "one")).toBeUndefined();
    expect(stage.counts.of("limits", "questions-per-client")).toBe(1);
    // What somebody asks already costs nothing, and who only waits for an answer is soon gone.
    expect(stage.watch("d.local A", "standing", "two")).toBeDefined();
    expect(stage.watch("d.local A", "standing", "one")).toBeDefined();
    expect(stage.watch("e.local A", "one-shot", "one")).toBeDefined();
    stage.unwatch(first);
    expect(stage.watch("c.local A", "standing", "one")).toBeUndefined();
    stage.unwatch(stage.watch("d.local A", "standing", "three"));
    expect(stage.watch("c.local A", "standing", "three")).toBeDefined();
    // Our own types have a bound of their own.
    for (const name of ["f", "g", "h"]) {
      expect(stage.watch(`${name}.local A`, "standing", "")).toBeDefined();
    }
  });

  test("a watch that is unknown, or ended twice, is ignored", () => {
    const stage = Stage.up();
    const watch = stage.watch("a.local A");
    stage.unwatch(watch);
    stage.unwatch(watch);
    stage.unwatch(4711);
    stage.run(10);
    expect(stage.sent).toEqual([]);
  });

  test("listings show what is asked and held", () => {
    const stage = Stage.up();
    stage.watch("a.local A", "standing");
    stage.watch("a.local A");
    stage.response(["!a.local. 120 A 192.0.2.10", "!b.local. 120 A 192.0.2.11"]);
    expect([...stage.link.questions()]).toMatchObject([
      { watches: 2, isStanding: true, startedAt: at(0) },
    ]);
    expect([...stage.link.records(at(1))]).toHaveLength(2);
    expect([...stage.link.records(at(121))]).toHaveLength(0);
    expect(stage.link.recordCount).toBe(2);
    expect(stage.link.questionCount).toBe(1);
  });
});

describe("an answer that is complete", () => {
  const a = "!printer.local. 120 A 192.0.2.10";

  test("ends the series [DP-134]", () => {
    const stage = Stage.up();
    stage.watch("printer.local A", "standing");
    stage.run(0.1);
    stage.response([a]);
    stage.run(90);
    expect(stage.times("printer.local A")).toEqual([0.02]);
    // It began at 0, which stays known: what is not heard now was asked for long enough.
    expect(stage.startedAt("printer.local A")).toBe(at(0));
    expect(stage.wasAsked("printer.local A")).toBe(true);
  });

  test("before the first query makes it unneeded", () => {
    const stage = Stage.up({}, steady(1));
    stage.watch("printer.local A", "standing");
    stage.run(0.05);
    stage.response([a]);
    stage.run(90);
    expect(stage.times("printer.local A")).toEqual([]);
  });

  test("a shared one does not end it", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR", "standing");
    stage.run(0.1);
    stage.response(["_ipp._tcp.local. 4500 PTR a._ipp._tcp.local."]);
    stage.run(10);
    expect(stage.times("_ipp._tcp.local PTR")).toEqual([0.02, 1.02, 3.02, 7.02]);
  });

  test("a unique CNAME ends the series of every type at its name", () => {
    const stage = Stage.up();
    stage.watch("alias.local A", "standing");
    stage.run(0.1);
    stage.response(["!alias.local. 120 CNAME printer.local."], { source: printer });
    stage.run(90);
    expect(stage.times("alias.local A")).toEqual([0.02]);
  });

  test("any record of the name ends a question of type ANY", () => {
    const stage = Stage.up();
    stage.watch("printer.local ANY", "standing");
    stage.run(0.1);
    stage.response([a, "!printer.local. 120 AAAA 2001:db8::10"]);
    expect(stage.find("printer.local ANY")).toEqual([
      "printer.local. 120 A 192.0.2.10",
      "printer.local. 120 AAAA 2001:db8::10",
    ]);
    stage.run(90);
    expect(stage.times("printer.local ANY")).toEqual([0.02]);
  });

  test("when it is gone a standing question begins anew", () => {
    const stage = Stage.up();
    stage.watch("printer.local A", "standing");
    stage.run(0.1);
    stage.response([a]);
    stage.at(5).response(["!printer.local. 0 A 192.0.2.10"]);
    stage.run(10);
    expect(stage.changes()).toEqual([
      "+ printer.local. 120 A 192.0.2.10",
      "- printer.local. 120 A 192.0.2.10",
    ]);
    expect(stage.startedAt("printer.local A")).toBe(at(6));
    // Gone at 6 s; asked 20 ms, 1 s and 3 s after that.
    expect(stage.times("printer.local A")).toEqual([0.02, 6.02, 7.02, 9.02]);
  });

  test("a denial lets a question rest that was asked, until the denial ends", () => {
    const stage = Stage.up();
    stage.watch("printer.local AAAA", "standing");
    stage.run(0.1);
    stage.response(["!printer.local. 120 NSEC printer.local. A"]);
    stage.run(130);
    // Denied from 0.1 s to 120.1 s; then with the gap that was next.
    expect(stage.times("printer.local AAAA")).toEqual([0.02, 120.12, 122.12, 126.12]);
  });
});

describe("standing watches", () => {
  const shared = "_ipp._tcp.local. 4500 PTR a._ipp._tcp.local.";

  test("the first starts a series although the cache holds answers; a second does not", () => {
    const stage = Stage.up();
    stage.asked("_ipp._tcp.local PTR");
    stage.response([shared]);
    stage.at(5).watch("_ipp._tcp.local PTR", "standing", "1");
    stage.run(5.5);
    expect(stage.times("_ipp._tcp.local PTR")).toEqual([5.02]);
    stage.watch("_ipp._tcp.local PTR", "standing", "2");
    expect(stage.startedAt("_ipp._tcp.local PTR")).toBe(at(5));
    stage.run(20);
    expect(stage.times("_ipp._tcp.local PTR")).toEqual([5.02, 6.02, 8.02, 12.02]);
  });

  test("a complete answer is asked for again by the first, not by the second", () => {
    const stage = Stage.up();
    stage.response(["!a.local. 120 A 192.0.2.10"]);
    stage.at(5).watch("a.local A", "standing", "1");
    stage.at(5.1).response(["!a.local. 120 A 192.0.2.10"]);
    stage.at(6).watch("a.local A", "standing", "2");
    stage.at(7).watch("a.local A", "one-shot", "3");
    stage.run(60);
    expect(stage.times("a.local A")).toEqual([5.02]);
  });

  test("joining the series of a one-shot keeps it going when the one-shot ends", () => {
    const stage = Stage.up();
    const watch = stage.watch("_ipp._tcp.local PTR");
    stage.at(0.5).watch("_ipp._tcp.local PTR", "standing", "2");
    stage.at(2).unwatch(watch);
    stage.run(10);
    expect(stage.times("_ipp._tcp.local PTR")).toEqual([0.02, 1.02, 3.02, 7.02]);
  });
});

describe("a watch that is content with what is held", () => {
  const thrifty = { kind: "standing", client: "", takesHeld: true } as const;
  const watch = (stage: Stage, text: string) => {
    stage.link.watch(stage.now, question(text), thrifty);
    stage.drain();
  };

  test("asks nothing while a unique record lives, but at its refresh points", () => {
    const stage = Stage.up();
    stage.response(["!printer.local. 120 A 192.0.2.10"]);
    stage.at(10);
    watch(stage, "printer.local A");
    stage.run(119);
    expect(stage.times("printer.local A")).toEqual([96, 102, 108, 114]);
    stage.run(121);
    expect(stage.times("printer.local A").at(-1)).toBe(120.02);
  });

  test("asks for shared records, and for what is not held", () => {
    const stage = Stage.up();
    stage.asked("_ipp._tcp.local PTR");
    stage.at(1).response(["_ipp._tcp.local. 4500 PTR a._ipp._tcp.local."]);
    watch(stage, "_ipp._tcp.local PTR");
    watch(stage, "printer.local A");
    stage.run(1.5);
    expect(stage.times("_ipp._tcp.local PTR")).toEqual([1.02]);
    expect(stage.times("printer.local A")).toEqual([1.02]);
  });
});
