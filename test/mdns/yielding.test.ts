// Questions that another host asks for us (RFC 6762 §7.3), and our own packets
// that come back by multicast loopback (T-27).

import { describe, expect, test } from "vitest";
import { endpoint, neighbour, rr, Stage, steady } from "./stage.js";

const ipp = "_ipp._tcp.local PTR";
const ptr = "_ipp._tcp.local. 4500 PTR a._ipp._tcp.local.";
const other = "_ipp._tcp.local. 4500 PTR b._ipp._tcp.local.";

/** Asked at 0, due at 0.12; what is said at 0.07 comes before. */
function waiting(held: readonly string[] = []): Stage {
  const stage = Stage.up({}, steady(1));
  if (held.length > 0) {
    stage.asked(ipp);
    stage.response(held);
  }
  stage.watch(ipp, "standing");
  return stage.at(0.07);
}

describe("the same question of another host, 50 ms before ours is due [DP-133]", () => {
  test("counts as ours, for its family only", () => {
    const stage = waiting();
    stage.query([ipp]);
    expect(stage.wasAsked(ipp)).toBe(true);
    stage.run(0.5);
    expect(stage.times(ipp, "ipv4")).toEqual([]);
    expect(stage.times(ipp, "ipv6")).toEqual([0.12]);
    // The round ended with the later family: a second on, both are asked.
    stage.run(2);
    expect(stage.times(ipp, "ipv4")).toEqual([1.12]);
    expect(stage.times(ipp, "ipv6")).toEqual([0.12, 1.12]);
  });

  test("leaves the other questions of the same moment as they are", () => {
    const stage = Stage.up({}, steady(1));
    for (const text of ["a.local A", "b.local A"]) stage.watch(text, "standing");
    stage.at(0.07).query(["a.local A"]);
    stage.run(0.5);
    expect(stage.times("a.local A", "ipv4")).toEqual([]);
    expect(stage.times("b.local A", "ipv4")).toEqual([0.12]);
    expect(stage.times("a.local A", "ipv6")).toEqual([0.12]);
    expect(stage.times("b.local A", "ipv6")).toEqual([0.12]);
  });

  test("on both families ends our round at that moment", () => {
    const stage = waiting();
    stage.query([ipp], [], { family: "ipv4" });
    stage.query([ipp], [], { family: "ipv6" });
    stage.run(4);
    expect(stage.times(ipp, "ipv4")).toEqual([1.07, 3.07]);
    expect(stage.times(ipp, "ipv6")).toEqual([1.07, 3.07]);
    expect(stage.counts.of("mdns-questions", "yielded")).toBe(2);
  });

  const cases: readonly {
    readonly name: string;
    readonly held?: readonly string[];
    readonly say: (stage: Stage) => void;
    readonly yields: boolean;
  }[] = [
    { name: "in other case", say: (s) => s.query(["_IPP._TCP.Local PTR"]), yields: true },
    { name: "of another type", say: (s) => s.query(["_ipp._tcp.local ANY"]), yields: false },
    { name: "of another name", say: (s) => s.query(["_http._tcp.local PTR"]), yields: false },
    { name: "QU", say: (s) => s.query([`!${ipp}`]), yields: false },
    { name: "truncated", say: (s) => s.query([ipp], [], { tc: true }), yields: false },
    {
      name: "sent to us by unicast",
      say: (s) => s.query([ipp], [], { isMulticast: false }),
      yields: false,
    },
    {
      name: "from another port",
      say: (s) => s.query([ipp], [], { source: endpoint("192.0.2.20", 40000) }),
      yields: false,
    },
    {
      name: "knowing an answer that we do not know",
      say: (s) => s.query([ipp], [ptr]),
      yields: false,
    },
    {
      name: "knowing what we know",
      held: [ptr],
      say: (s) => s.query([ipp], [ptr]),
      yields: true,
    },
    {
      name: "knowing less than we",
      held: [ptr, other],
      say: (s) => s.query([ipp], [ptr]),
      yields: true,
    },
    {
      name: "knowing more than we",
      held: [ptr],
      say: (s) => s.query([ipp], [ptr, other]),
      yields: false,
    },
    {
      name: "knowing answers to another question of the packet",
      say: (s) =>
        s.query([ipp, "_http._tcp.local PTR"], ["_http._tcp.local. 4500 PTR x._http._tcp.local."]),
      yields: true,
    },
  ];
  for (const { name, held, say, yields } of cases) {
    test(`${name}: ${yields ? "ours is not sent" : "ours is sent"}`, () => {
      const stage = waiting(held);
      say(stage);
      stage.run(0.5);
      expect(stage.times(ipp, "ipv4")).toEqual(yields ? [] : [0.12]);
    });
  }

  test("after a record that we know has passed half of its life, it is not in our list", () => {
    const stage = Stage.up({}, steady(1));
    stage.asked(ipp);
    stage.response([ptr]);
    stage.at(3000).watch(ipp, "standing");
    stage.at(3000.07).query([ipp], ["_ipp._tcp.local. 1500 PTR a._ipp._tcp.local."]);
    stage.run(3000.5);
    expect(stage.times(ipp)).toEqual([3000.12]);
  });
});

describe("later rounds", () => {
  test("yield to a query in the second half of the gap, not to one soon after ours", () => {
    const stage = Stage.up();
    stage.watch(ipp, "standing");
    // Ours: 0.02, 1.02, 3.02, then 7.02.
    // With a second question, lest it be taken for the echo of ours.
    stage.at(3.5).query([ipp, "x.local A"], [], { family: "ipv4" });
    stage.query([ipp, "x.local A"], [], { family: "ipv6" });
    stage.run(8);
    expect(stage.times(ipp)).toEqual([0.02, 1.02, 3.02, 7.02]);
    // The next is due at 15.02; its second half begins at 11.02.
    stage.at(12).query([ipp], [], { family: "ipv4" });
    stage.query([ipp], [], { family: "ipv6" });
    stage.run(30);
    // Counted as sent at 12 s, with the gap that the query at 15.02 would have begun.
    expect(stage.times(ipp)).toEqual([0.02, 1.02, 3.02, 7.02, 28]);
  });

  test("a refresh yields within its two per cent", () => {
    const stage = Stage.up({}, steady(1));
    stage.watch("a.local A", "standing");
    stage.response(["!a.local. 120 A 192.0.2.10"]);
    stage.at(97).query(["a.local A"], [], { family: "ipv4" });
    stage.query(["a.local A"], [], { family: "ipv6" });
    stage.run(103);
    expect(stage.times("a.local A")).toEqual([]);
    stage.run(105);
    expect(stage.times("a.local A")).toEqual([104.4]);
  });

  test("queries for a disputed record do not, nor does what is asked beside them", () => {
    const stage = Stage.up();
    stage.watch(ipp, "standing");
    stage.at(0.1).response([ptr]);
    stage.at(12).link.reconfirm(stage.now, rr(ptr));
    // The series is due at 15.02; by itself it would yield by now.
    stage.at(12.01).query([ipp, "x.local A"], [], { family: "ipv4" });
    stage.query([ipp, "x.local A"], [], { family: "ipv6" });
    stage.run(20);
    expect(stage.times(ipp)).toEqual([0.02, 1.02, 3.02, 7.02, 12.02, 13.02, 15.02]);
  });
});

describe("our own packets", () => {
  /** Sends back whatever the link sends, as loopback does. */
  function echoing(stage: Stage): void {
    for (const { datagram } of stage.sent.splice(0)) {
      stage.hearBytes(Uint8Array.from(datagram.bytes), {
        family: datagram.family,
        source: endpoint(datagram.family === "ipv4" ? "192.0.2.1" : "fe80::1"),
      });
    }
  }

  test("come back without being taken for another host's", () => {
    const stage = Stage.up();
    stage.asked(ipp);
    stage.response([ptr]);
    const times: number[] = [];
    stage.at(2).watch(ipp, "standing");
    for (let time = 2; time < 20; time += 0.01) {
      stage.run(time);
      times.push(...stage.times(ipp));
      echoing(stage);
    }
    expect(times).toEqual([2.02, 3.02, 5.02, 9.02, 17.02]);
    // Nor do they make a record suspect, whose device has not answered them.
    expect(stage.find(ipp)).toEqual([ptr]);
    expect(stage.counts.of("mdns-packets", "echo")).toBe(10);
  });

  test("are recognised once each: a second copy is another host's", () => {
    const stage = Stage.up();
    stage.watch(ipp, "standing");
    stage.run(0.5);
    const ours = stage.packets()[0]?.datagram.bytes as Uint8Array;
    stage.hearBytes(ours, { source: neighbour });
    expect(stage.counts.of("mdns-packets", "echo")).toBe(1);
    stage.at(0.8).hearBytes(ours, { source: neighbour });
    stage.hearBytes(ours, { source: neighbour, family: "ipv6" });
    expect(stage.counts.of("mdns-packets", "echo")).toBe(2);
    expect(stage.counts.of("mdns-questions", "yielded")).toBe(1);
    stage.run(1.5);
    expect(stage.times(ipp, "ipv4")).toEqual([0.02]);
    expect(stage.times(ipp, "ipv6")).toEqual([0.02, 1.02]);
  });

  test("are not waited for longer than three seconds", () => {
    const stage = Stage.up();
    stage.watch("a.local A");
    stage.run(0.5);
    const ours = stage.packets()[0]?.datagram.bytes as Uint8Array;
    stage.at(0.6).unwatch(1);
    stage.at(4).hearBytes(ours, { source: neighbour });
    expect(stage.counts.of("mdns-packets", "echo")).toBe(0);
  });
});
