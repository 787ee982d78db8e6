// Devices that died without a word: seen by others' unanswered queries (RFC
// 6762 §10.5), or told by somebody who could not reach them (§10.4).

import { describe, expect, test } from "vitest";
import { endpoint, neighbour, rr, Stage } from "./stage.js";

const held = "!h.local. 4500 A 192.0.2.1";
const plain = held.slice(1);
const ptr = "_ipp._tcp.local. 4500 PTR a._ipp._tcp.local.";

describe("passive observation", () => {
  test("two unanswered queries and ten seconds end a record, and nothing is sent [DP-149]", () => {
    const stage = Stage.up();
    stage.response([held]);
    stage.changes();
    stage.at(100).query(["h.local A"]);
    stage.at(101).query(["h.local A"]);
    stage.run(110.999);
    expect(stage.find("h.local A")).toEqual([plain]);
    stage.run(111);
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.changes()).toEqual([`- ${plain}`]);
    expect(stage.counts.of("mdns-records", "failed")).toBe(1);
    expect(stage.sent).toEqual([]);
    // The next question goes to the link again.
    stage.watch("h.local A");
    stage.run(112);
    expect(stage.times("h.local A")).toEqual([111.02]);
  });

  test("ten seconds count from the second query, not from later ones", () => {
    const stage = Stage.up();
    stage.response([held]);
    for (const time of [100, 101, 103, 107]) stage.at(time).query(["h.local A"]);
    stage.run(111);
    expect(stage.find("h.local A")).toEqual([]);
  });

  test("a query for ANY counts as well, for every record of the name", () => {
    const stage = Stage.up();
    stage.response([held, "!h.local. 4500 AAAA 2001:db8::1"]);
    stage.at(100).query(["h.local ANY", "h.local A", "h.local A"]);
    stage.at(101).query(["h.local ANY"]);
    stage.run(111);
    expect(stage.find("h.local ANY")).toEqual([]);
  });

  test("a renewal resets the count", () => {
    const stage = Stage.up();
    stage.response([held]);
    stage.at(100).query(["h.local A"]);
    stage.at(101).query(["h.local A"]);
    stage.at(105).response([held]);
    stage.at(110).query(["h.local A"]);
    stage.run(130);
    expect(stage.find("h.local A")).toEqual([plain]);
  });

  const silent: readonly { readonly name: string; readonly say: (stage: Stage) => void }[] = [
    { name: "one alone", say: (s) => s.query(["h.local A"]) },
    { name: "of another type", say: (s) => twice(s, () => s.query(["h.local AAAA"])) },
    { name: "of another name", say: (s) => twice(s, () => s.query(["i.local A"])) },
    {
      name: "of another class",
      say: (s) =>
        twice(s, () =>
          s.hear(
            { questions: [{ name: rr(plain).name, type: 1, class: 3 }] },
            { source: neighbour },
          ),
        ),
    },
    {
      name: "with the record as known answer",
      say: (s) => twice(s, () => s.query(["h.local A"], [plain])),
    },
    { name: "that want a unicast answer", say: (s) => twice(s, () => s.query(["!h.local A"])) },
    {
      name: "sent to us alone",
      say: (s) => twice(s, () => s.query(["h.local A"], [], { isMulticast: false })),
    },
    {
      name: "from another port",
      say: (s) =>
        twice(s, () => s.query(["h.local A"], [], { source: endpoint("192.0.2.20", 4000) })),
    },
    {
      name: "that are one query on both families",
      say: (s) => {
        s.query(["h.local A"], [], { family: "ipv4" });
        s.run(100.01);
        s.query(["h.local A"], [], { family: "ipv6", source: endpoint("fe80::20") });
      },
    },
  ];
  for (const { name, say } of silent) {
    test(`queries ${name} say nothing [DP-149]`, () => {
      const stage = Stage.up();
      stage.response([held]);
      say(stage.at(100));
      stage.run(200);
      expect(stage.find("h.local A")).toEqual([plain]);
    });
  }

  test("nor does a query right after the record was said: it may not be repeated yet", () => {
    const stage = Stage.up();
    stage.response([held]);
    stage.at(0.5).query(["h.local A"]);
    stage.at(0.9).query(["h.local A"]);
    stage.run(50);
    expect(stage.find("h.local A")).toEqual([plain]);
  });

  test("known answers of a truncated query are waited for [DP-149]", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR");
    stage.response([ptr]);
    for (const time of [100, 101]) {
      stage.at(time).query(["_ipp._tcp.local PTR"], [], { tc: true });
      stage.at(time + 0.3).query([], [], { tc: true });
      stage.at(time + 0.6).query([], [ptr]);
    }
    stage.run(130);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([ptr]);
  });

  test("after half a second without them the query counts as it stands", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR");
    stage.response([ptr]);
    stage.at(100).query(["_ipp._tcp.local PTR"], [], { tc: true });
    stage.at(101).query(["_ipp._tcp.local PTR"], [], { tc: true });
    // The second is judged at 101.5 s.
    stage.run(111.4);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([ptr]);
    stage.run(111.5);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([]);
  });

  test("continuations of another host are not mixed in", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR");
    stage.response([ptr]);
    for (const time of [100, 101]) {
      stage.at(time).query(["_ipp._tcp.local PTR"], [], { tc: true });
      stage.query([], [ptr], { source: endpoint("192.0.2.99") });
    }
    stage.run(120);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([]);
  });

  test("truncated queries from very many hosts are not collected without end", () => {
    const stage = Stage.up();
    stage.response([held]);
    for (let host = 1; host <= 200; host++) {
      stage.query(["h.local A"], [], { tc: true, source: endpoint(`192.0.2.${host}`) });
    }
    for (let packet = 0; packet < 120; packet++) {
      const known = Array.from({ length: 50 }, (_, n) => `x${packet}-${n}.local. 120 A 192.0.2.1`);
      stage.query([], known, { tc: true, source: endpoint("192.0.2.1") });
    }
    expect(stage.link.nextDeadline()).toBeDefined();
    stage.run(60);
    expect(stage.find("h.local A")).toEqual([plain]);
  });

  test("a standing question begins anew when its answer has failed", () => {
    const stage = Stage.up();
    stage.watch("h.local A", "standing");
    stage.at(0.1).response([held]);
    stage.at(100).query(["h.local A"]);
    stage.at(101).query(["h.local A"]);
    stage.run(111.5);
    expect(stage.times("h.local A")).toEqual([0.02, 111.02]);
  });
});

function twice(stage: Stage, say: () => void): void {
  say();
  stage.run(101);
  say();
}

describe("reconfirmation", () => {
  function disputed(record = plain): Stage {
    const stage = Stage.up();
    stage.asked("_ipp._tcp.local PTR");
    stage.response([record === plain ? held : record]);
    stage.changes();
    stage.at(50);
    stage.link.reconfirm(stage.now, rr(record));
    stage.drain();
    return stage;
  }

  test("asks twice, a second apart, and ends the record after ten seconds [DP-150]", () => {
    const stage = disputed();
    stage.run(59.9);
    expect(stage.times("h.local A")).toEqual([50.02, 51.02]);
    expect(stage.times("h.local A", "ipv6")).toEqual([50.02, 51.02]);
    expect(stage.find("h.local A")).toEqual([plain]);
    stage.run(60);
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.changes()).toEqual([`- ${plain}`]);
    expect(stage.link.questionCount).toBe(0);
    expect(stage.link.nextDeadline()).toBeUndefined();
  });

  test("does not list the record as known [DP-150]", () => {
    const stage = disputed(ptr);
    stage.response(["_ipp._tcp.local. 4500 PTR b._ipp._tcp.local."]);
    stage.run(52);
    expect(stage.packets().map((sent) => sent.message.answers.length)).toEqual([1, 1]);
    expect(stage.times("_ipp._tcp.local PTR")).toEqual([50.02, 51.02]);
  });

  test("ends when the record is said again [DP-150]", () => {
    const stage = disputed();
    stage.at(50.5).response([held]);
    stage.run(70);
    expect(stage.times("h.local A")).toEqual([50.02]);
    expect(stage.find("h.local A")).toEqual([plain]);
    expect(stage.changes()).toEqual([]);
    expect(stage.link.questionCount).toBe(0);
  });

  test("of several hints is one run [DP-150]", () => {
    const stage = disputed();
    stage.at(55);
    stage.link.reconfirm(stage.now, rr(plain));
    stage.run(60);
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.times("h.local A")).toEqual([50.02, 51.02]);
  });

  test("of two records of one question shares its queries", () => {
    const stage = Stage.up();
    stage.response([held, "!h.local. 4500 A 192.0.2.2"]);
    stage.at(50);
    stage.link.reconfirm(stage.now, rr(plain));
    stage.link.reconfirm(stage.now, rr("h.local. 4500 A 192.0.2.2"));
    stage.at(50.5).response([held]);
    stage.run(70);
    expect(stage.times("h.local A")).toEqual([50.02, 51.02]);
    expect(stage.find("h.local A")).toEqual([plain]);
  });

  test("goes beside a question that is asked, whatever its gap", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR", "standing");
    stage.at(0.1).response([ptr]);
    stage.run(100);
    const before = stage.times("_ipp._tcp.local PTR").length;
    stage.link.reconfirm(stage.now, rr(ptr));
    stage.run(111);
    expect(stage.times("_ipp._tcp.local PTR").slice(before)).toEqual([100.02, 101.02]);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([]);
    // The series goes on as planned: 0.02 + 127 s.
    stage.run(128);
    expect(stage.times("_ipp._tcp.local PTR").slice(before)).toEqual([100.02, 101.02, 127.02]);
  });

  test("of something that is not held is nothing", () => {
    const stage = Stage.up();
    stage.link.reconfirm(stage.now, rr(plain));
    stage.run(20);
    expect(stage.sent).toEqual([]);
    const down = new Stage();
    down.link.reconfirm(down.now, rr(plain));
    expect(down.link.nextDeadline()).toBeUndefined();
  });

  test("waits for its two queries when packets are scarce", () => {
    const stage = Stage.up({ families: ["ipv4"], packetsPerSecond: 1 });
    stage.up(576);
    stage.response([held]);
    for (let n = 0; n < 40; n++) {
      const labels = ["x", "y", "z", "w"].map((fill) => `${n}`.padStart(60, fill));
      stage.watch(`${labels.slice(0, 3).join(".")}.local A`, "one-shot", `client ${n}`);
    }
    stage.at(5);
    stage.link.reconfirm(stage.now, rr(plain));
    stage.run(15.1);
    const asked = stage.times("h.local A").length;
    expect(stage.find("h.local A")).toHaveLength(asked < 2 ? 1 : 0);
    stage.run(60);
    expect(stage.times("h.local A").length).toBeGreaterThanOrEqual(2);
    expect(stage.find("h.local A")).toEqual([]);
  });

  test("needs room among the questions, unless its own is asked anyway", () => {
    const stage = Stage.up({ questionsMax: 1 });
    stage.response([held]);
    stage.watch("x.local A", "standing");
    stage.link.reconfirm(stage.now, rr(plain));
    expect(stage.link.questionCount).toBe(1);
    expect(stage.counts.of("limits", "questions")).toBe(1);
    const own = Stage.up({ questionsMax: 1 });
    own.watch("h.local A", "standing");
    own.response([held]);
    own.link.reconfirm(own.now, rr(plain));
    own.run(60);
    expect(own.find("h.local A")).toEqual([]);
  });

  test("is bounded, which is counted", () => {
    const stage = Stage.up({ questionsMax: 1000 });
    for (let n = 0; n < 501; n++) stage.response([`!h${n}.local. 120 A 192.0.2.1`]);
    for (let n = 0; n < 501; n++)
      stage.link.reconfirm(stage.now, rr(`h${n}.local. 120 A 192.0.2.1`));
    expect(stage.counts.of("limits", "reconfirmations")).toBe(1);
    expect(stage.link.questionCount).toBe(500);
  });

  test("and a watch of the same question do not disturb each other", () => {
    const stage = disputed();
    const watch = stage.at(50.5).watch("h.local A");
    expect(stage.startedAt("h.local A")).toBe(stage.now);
    expect(stage.wasAsked("h.local A")).toBe(false);
    stage.at(51.8).unwatch(watch);
    expect(stage.startedAt("h.local A")).toBeUndefined();
    stage.run(59.9);
    expect(stage.times("h.local A")).toEqual([50.02, 51.02]);
  });
});
