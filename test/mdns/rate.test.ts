// The rate limit (RFC 8766 §9.3) and whose turn it is within it (DP-122, DP-123).

import { describe, expect, test } from "vitest";
import { FairQueue } from "../../src/mdns/fair-queue.js";
import { SendWindow } from "../../src/mdns/send-window.js";
import { ms } from "../../src/time.js";
import { at, questionsOf, Stage } from "./stage.js";

/** The most packets that any window of one second holds. */
function busiestSecond(stage: Stage): number {
  const times = stage.sent.map((sent) => sent.at);
  return Math.max(
    ...times.map((from) => times.filter((time) => time >= from && time < from + 1).length),
  );
}

/** A name of 190 bytes, none of its labels shared: two questions fill a packet at MTU 576. */
const longName = (n: number) =>
  `${["x", "y", "z"].map((fill) => `${n}`.padStart(60, fill)).join(".")}.local`;

/** Alone on IPv4. */
const narrow = { families: ["ipv4"] as const };
const narrowLink = (stage: Stage) => stage.up(576);

describe("the limit", () => {
  test("300 names in a second never cost more than 20 packets in any second [DP-122]", () => {
    const stage = Stage.up({ questionsMax: 300 });
    for (let n = 0; n < 300; n++) {
      stage.run(n / 300);
      stage.watch(`host-${n}.local A`, "one-shot", `client ${n % 7}`);
    }
    stage.run(30);
    expect(busiestSecond(stage)).toBeLessThanOrEqual(20);
    for (const family of ["ipv4", "ipv6"] as const) {
      const asked = stage.packets(family).flatMap(questionsOf);
      for (let n = 0; n < 300; n += 7) {
        const name = `host-${n}.local. A`;
        expect(asked.filter((each) => each === name).length).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test("counts retransmissions, both families and continuations alike [DP-122]", () => {
    const stage = Stage.up({ packetsPerSecond: 5 });
    stage.asked("_ipp._tcp.local PTR");
    for (let n = 0; n < 150; n++) {
      stage.response([`_ipp._tcp.local. 4500 PTR ${"x".repeat(50)}${n}._ipp._tcp.local.`]);
    }
    stage.at(1).watch("_ipp._tcp.local PTR", "standing");
    for (let n = 0; n < 40; n++) stage.watch(`${longName(n)} A`, "one-shot", `${n}`);
    stage.run(60);
    expect(stage.sent.length).toBeGreaterThan(60);
    expect(busiestSecond(stage)).toBeLessThanOrEqual(5);
    // Continuations stand right behind their query.
    const packets = stage.packets("ipv4");
    packets.forEach((sent, index) => {
      if (sent.message.tc) expect(packets[index + 1]?.at).toBe(sent.at);
    });
  });

  test("drops nothing: a delayed packet shifts its question, gaps stay gaps [DP-122] [DP-130]", () => {
    const stage = new Stage({ ...narrow, packetsPerSecond: 1 });
    narrowLink(stage);
    for (let n = 0; n < 8; n++) stage.watch(`${longName(n)} A`, "standing", `${n}`);
    stage.run(120);
    expect(busiestSecond(stage)).toBe(1);
    for (let n = 0; n < 8; n++) {
      const times = stage.times(`${longName(n)} A`);
      expect(times.length).toBeGreaterThanOrEqual(4);
      const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
      gaps.forEach((gap, index) => {
        expect(gap).toBeGreaterThanOrEqual(2 ** index - 0.001);
      });
    }
    expect(stage.counts.of("mdns-packets", "delayed")).toBeGreaterThan(0);
  });

  test("of one packet a second lets both families be asked in turn", () => {
    const stage = Stage.up({ packetsPerSecond: 1 });
    stage.watch("a.local A");
    stage.run(1.9);
    expect(stage.times("a.local A", "ipv4")).toEqual([0.02]);
    expect(stage.times("a.local A", "ipv6")).toEqual([1.07]);
    expect(stage.wasAsked("a.local A")).toBe(true);
  });

  test("moved by new options takes effect at once", () => {
    const stage = new Stage({ ...narrow, packetsPerSecond: 1 });
    narrowLink(stage);
    for (let n = 0; n < 20; n++) stage.watch(`${longName(n)} A`, "one-shot", `${n}`);
    stage.run(0.5);
    expect(stage.sent).toHaveLength(1);
    const { announce } = { announce: { b: [], db: [], lb: [] } };
    stage.link.configure(stage.now, {
      ...narrow,
      packetsPerSecond: 20,
      cacheRecordsMax: 100,
      questionsMax: 100,
      announce,
    });
    stage.run(0.6);
    expect(stage.sent.length).toBeGreaterThan(5);
  });
});

describe("turns [DP-123]", () => {
  test("a client with one question is not kept waiting by one with fifty", () => {
    const stage = new Stage({ ...narrow, packetsPerSecond: 2 });
    narrowLink(stage);
    for (let n = 0; n < 50; n++) stage.watch(`${longName(n)} A`, "one-shot", "greedy");
    stage.at(0.01).watch(`${longName(900)} A`, "one-shot", "modest");
    stage.run(2);
    expect(stage.times(`${longName(900)} A`)[0]).toBeLessThan(1.2);
    expect(stage.wasAsked(`${longName(49)} A`)).toBe(false);
    expect(stage.startedAt(`${longName(49)} A`)).toBe(at(0));
  });

  for (const kind of ["one-shot", "standing"] as const) {
    test(`a ${kind} question of one client comes with the turn of another who joins`, () => {
      const stage = new Stage({ ...narrow, packetsPerSecond: 1 });
      narrowLink(stage);
      for (let n = 0; n < 30; n++) stage.watch(`${longName(n)} A`, kind, "greedy");
      stage.run(0.5);
      stage.watch(`${longName(29)} A`, "one-shot", "modest");
      stage.run(2.5);
      expect(stage.wasAsked(`${longName(29)} A`)).toBe(true);
      expect(stage.wasAsked(`${longName(20)} A`)).toBe(false);
    });
  }

  test("what was cancelled while it waited is never sent", () => {
    const stage = new Stage({ ...narrow, packetsPerSecond: 1 });
    narrowLink(stage);
    const watches = [0, 1, 2, 3, 4, 5].map((n) => stage.watch(`${longName(n)} A`));
    stage.run(0.5);
    for (const watch of watches.slice(2)) stage.unwatch(watch);
    stage.run(10);
    const asked = new Set(stage.sent.flatMap(questionsOf));
    expect(asked.size).toBe(2);
  });
});

describe("the queue", () => {
  test("takes from each client in turn", () => {
    const queue = new FairQueue<string>();
    for (const item of ["a1", "a2", "a3"]) queue.add(item, "a");
    queue.add("b1", "b");
    queue.add("c1", "c");
    queue.add("c2", "c");
    const order = Array.from({ length: 7 }, () => queue.take());
    expect(order).toEqual(["a1", "b1", "c1", "a2", "c2", "a3", undefined]);
    expect(queue.size).toBe(0);
  });

  test("gives what several clients wait for once", () => {
    const queue = new FairQueue<string>();
    queue.add("x", "a");
    queue.add("y", "a");
    queue.add("y", "b");
    queue.add("y", "b");
    expect([queue.take(), queue.take(), queue.take()]).toEqual(["x", "y", undefined]);
  });

  test("forgets what is removed or cleared", () => {
    const queue = new FairQueue<string>();
    queue.add("x", "a");
    queue.add("y", "a");
    queue.remove("x");
    queue.remove("x");
    expect(queue.has("x")).toBe(false);
    expect(queue.take()).toBe("y");
    queue.add("z", "a");
    queue.clear();
    expect(queue.take()).toBeUndefined();
  });
});

describe("the window", () => {
  test("slides: no span holds more than it may", () => {
    const window = new SendWindow(3, ms(1000));
    expect(window.freeAt(at(0), 3)).toBe(at(0));
    window.take(at(0), 1);
    window.take(at(0.6), 2);
    expect(window.freeAt(at(0.7), 1)).toBe(at(1));
    expect(window.freeAt(at(0.7), 2)).toBe(at(1.6));
    expect(window.freeAt(at(1), 1)).toBe(at(1));
    window.take(at(1), 1);
    expect(window.freeAt(at(1.5), 1)).toBe(at(1.6));
    expect(window.freeAt(at(3), 3)).toBe(at(3));
  });

  test("lets at least one packet through", () => {
    expect(new SendWindow(0, ms(1000)).max).toBe(1);
    expect(new SendWindow(0.5, ms(1000)).max).toBe(1);
  });
});
