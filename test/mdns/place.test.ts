// Links that come, go and change (RFC 6762 §10.3, §14), families, and what a
// real responder's packets leave in the cache.

import { describe, expect, test } from "vitest";
import { parsePrefix } from "../../src/address.js";
import { capturesOf } from "../wire/captures.js";
import { at, options, prefixes, printer, questionsOf, rr, Stage } from "./stage.js";

const a = "!h.local. 120 A 192.0.2.1";
const plain = a.slice(1);

describe("links apart", () => {
  test("the same name on two of them is two names [DP-119]", () => {
    const one = Stage.up();
    const other = Stage.up();
    one.response(["!prnt.local. 120 A 192.0.2.1"]);
    other.response(["!prnt.local. 120 A 198.51.100.1"]);
    expect(one.find("prnt.local A")).toEqual(["prnt.local. 120 A 192.0.2.1"]);
    expect(other.find("prnt.local A")).toEqual(["prnt.local. 120 A 198.51.100.1"]);
    one.watch("prnt.local A", "standing");
    one.run(100);
    other.run(100);
    expect(one.sent.length).toBeGreaterThan(0);
    expect(other.sent).toEqual([]);
  });
});

describe("down and up [DP-121]", () => {
  test("down, everything heard is removed and nothing is asked", () => {
    const stage = Stage.up();
    stage.watch("h.local A", "standing");
    stage.watch("i.local A");
    stage.response([a, "!j.local. 120 NSEC j.local. A"]);
    stage.changes();
    stage.at(0.5).link.down(stage.now);
    stage.drain();
    expect(stage.changes()).toEqual([`- ${plain}`]);
    expect(stage.link.isUp).toBe(false);
    expect(stage.link.recordCount).toBe(0);
    expect(stage.startedAt("i.local A")).toBeUndefined();
    expect(stage.wasAsked("i.local A")).toBe(false);
    expect(stage.link.nextDeadline()).toBeUndefined();
    const before = stage.sent.length;
    stage.response([a]);
    stage.link.down(stage.now);
    stage.run(100);
    expect(stage.sent).toHaveLength(before);
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.changes()).toEqual([]);
  });

  test("up again, what is still asked begins anew, without a restart", () => {
    const stage = Stage.up();
    stage.watch("h.local A", "standing");
    const gone = stage.watch("i.local A", "standing");
    stage.response([a]);
    stage.at(50).link.down(stage.now);
    stage.unwatch(gone);
    stage.watch("j.local A", "standing");
    stage.at(60).up();
    expect(stage.startedAt("h.local A")).toBe(at(60));
    stage.run(64);
    expect(stage.times("h.local A")).toEqual([60.02, 61.02, 63.02]);
    expect(stage.times("j.local A")).toEqual([60.02, 61.02, 63.02]);
    stage.response([a]);
    expect(stage.changes().at(-1)).toBe(`+ ${plain}`);
    stage.run(150);
    expect(stage.times("h.local A")).toHaveLength(3);
    expect(stage.times("i.local A").filter((time) => time > 50)).toEqual([]);
  });

  test("a watch of a link that never was up waits for it", () => {
    const stage = new Stage();
    stage.watch("h.local A", "standing");
    stage.response([a]);
    stage.run(10);
    expect(stage.sent).toEqual([]);
    expect(stage.find("h.local A")).toEqual([]);
    stage.up();
    stage.run(10.5);
    expect(stage.times("h.local A")).toEqual([10.02]);
  });

  test("a dispute ends with the link", () => {
    const stage = Stage.up();
    stage.response([a]);
    stage.link.reconfirm(stage.now, rr(plain));
    stage.link.down(stage.now);
    expect(stage.link.questionCount).toBe(0);
    expect(stage.link.nextDeadline()).toBeUndefined();
  });

  test("suspicions and half-heard queries end with the link", () => {
    const stage = Stage.up();
    stage.response([a]);
    stage.at(10).query(["h.local A"]);
    stage.at(11).query(["h.local A"]);
    stage.query(["h.local A"], [], { tc: true });
    stage.link.down(stage.now);
    expect(stage.link.nextDeadline()).toBeUndefined();
  });
});

describe("change of address [DP-121]", () => {
  const moved = [...prefixes, parsePrefix("198.51.100.1/24") ?? expect.fail("prefix")];

  test("asks anew, and forgets within ten seconds what nobody repeats", () => {
    const stage = Stage.up();
    stage.watch("h.local A", "standing");
    stage.response([a, "!i.local. 120 A 192.0.2.2", "!k.local. 120 NSEC k.local. A"]);
    stage.changes();
    stage.at(50).up(1500, moved);
    expect(stage.changes()).toEqual([]);
    stage.run(50.1);
    expect(stage.times("h.local A")).toEqual([50.02]);
    stage.response([a]);
    stage.run(59.9);
    expect(stage.changes()).toEqual([]);
    expect(stage.denies("k.local AAAA")).toBe(true);
    stage.run(60);
    expect(stage.changes()).toEqual(["- i.local. 120 A 192.0.2.2"]);
    expect(stage.denies("k.local AAAA")).toBe(false);
    expect(stage.find("h.local A")).toEqual([plain]);
  });

  test("what was asked before was asked, until the link goes down [DP-123]", () => {
    const stage = Stage.up();
    stage.watch("h.local A");
    stage.run(0.1);
    stage.watch("i.local A");
    stage.up(1500, moved);
    expect(stage.startedAt("h.local A")).toBe(at(0.1));
    expect(stage.wasAsked("h.local A")).toBe(true);
    expect(stage.wasAsked("i.local A")).toBe(false);
    stage.up();
    expect(stage.wasAsked("h.local A")).toBe(true);
    stage.link.down(stage.now);
    stage.up();
    expect(stage.wasAsked("h.local A")).toBe(false);
  });

  test("known answers of before are not listed: each device is to speak up", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR", "standing");
    stage.response(["_ipp._tcp.local. 4500 PTR a._ipp._tcp.local."]);
    stage.at(50).up(1500, moved);
    stage.run(50.5);
    expect(stage.packets().at(-1)?.at).toBe(50.02);
    expect(stage.packets().at(-1)?.message.answers).toEqual([]);
  });

  test("the same place said again is nothing", () => {
    const stage = Stage.up();
    stage.watch("h.local A", "standing");
    stage.response([a]);
    stage.at(50).up(1500, [...prefixes].reverse());
    stage.run(80);
    expect(stage.times("h.local A")).toEqual([]);
    expect(stage.find("h.local A")).toHaveLength(1);
  });

  test("a unicast query is judged by the new prefixes", () => {
    const stage = Stage.up();
    stage.query(["h.local A"], [], { isMulticast: false, source: printer });
    expect(stage.counts.of("drops", "mdns-off-link")).toBe(0);
    stage.up(1500, [parsePrefix("203.0.113.1/24") ?? expect.fail("prefix")]);
    stage.query(["h.local A"], [], { isMulticast: false, source: printer });
    expect(stage.counts.of("drops", "mdns-off-link")).toBe(1);
  });
});

describe("families", () => {
  const cases = [
    { name: "both", places: prefixes, allowed: ["ipv4", "ipv6"], used: ["ipv4", "ipv6"] },
    {
      name: "no IPv6 address",
      places: prefixes.slice(0, 1),
      allowed: ["ipv4", "ipv6"],
      used: ["ipv4"],
    },
    { name: "IPv6 alone", places: prefixes.slice(1), allowed: ["ipv4", "ipv6"], used: ["ipv6"] },
    { name: "IPv4 not allowed", places: prefixes, allowed: ["ipv6"], used: ["ipv6"] },
    {
      name: "nothing known of addresses",
      places: [],
      allowed: ["ipv4", "ipv6"],
      used: ["ipv4", "ipv6"],
    },
    { name: "none allowed", places: prefixes, allowed: [], used: [] },
  ] as const;
  for (const { name, places, allowed, used } of cases) {
    test(`questions go to the ones that are there: ${name}`, () => {
      const stage = new Stage({ families: allowed });
      stage.up(1500, places as typeof prefixes);
      stage.watch("h.local A", "standing");
      stage.run(4);
      expect([...new Set(stage.sent.map((sent) => sent.datagram.family))]).toEqual(used);
      expect(stage.times("h.local A", used[0] ?? "ipv4")).toHaveLength(used.length > 0 ? 3 : 0);
    });
  }

  test("changed by new options, they are used from then on", () => {
    const stage = Stage.up({ families: ["ipv4"] });
    stage.watch("h.local A", "standing");
    stage.run(2);
    stage.link.configure(stage.now, { ...options, families: ["ipv6"] });
    stage.run(10);
    expect(stage.times("h.local A", "ipv4")).toEqual([0.02, 1.02]);
    expect(stage.times("h.local A", "ipv6")).toEqual([2.02, 3.02, 5.02, 9.02]);
  });
});

/** What it multicast; its answers to legacy questions, sent by unicast, repeat the question. */
const multicast = capturesOf("avahi-0.8.hex").filter(
  ({ title }) => title.includes("query:") || title.includes(" answers, "),
);

describe("what avahi says", () => {
  test("is taken in: every instance, its SRV, TXT and addresses [DP-147]", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR", "standing");
    for (const { bytes } of multicast.slice(0, -1)) stage.hearBytes(bytes);
    const instances = [
      "Dr\\.\\032Smith's\\032Printer",
      "B\\195\\188ro\\032Drucker\\032\\226\\152\\149",
    ];
    const targets = stage.find("_ipp._tcp.local PTR");
    for (const instance of instances) {
      expect(targets).toContain(`_ipp._tcp.local. 4500 PTR ${instance}._ipp._tcp.local.`);
    }
    expect(targets).toHaveLength(3);
    // SRV targets are compressed in these packets.
    expect(stage.find("Dr\\.\\032Smith's\\032Printer._ipp._tcp.local SRV")).toEqual([
      "Dr\\.\\032Smith's\\032Printer._ipp._tcp.local. 120 SRV 0 0 631 printer-7.local.",
    ]);
    expect(stage.find("printer-7.local A")).toEqual(["printer-7.local. 120 A 192.0.2.7"]);
    expect(stage.find("printer-7.local AAAA")).toEqual(["printer-7.local. 120 AAAA 2001:db8::7"]);
    // Its probes and known answers are questions: nothing is cached for which nobody asked.
    expect(stage.find("_printer._sub._ipp._tcp.local PTR")).toEqual([]);
    expect(stage.counts.of("drops", "mdns-broken-record")).toBe(0);
  });

  test("its goodbyes end all of it a second later [DP-137]", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR", "standing");
    for (const { bytes } of multicast.slice(0, -1)) stage.hearBytes(bytes);
    stage.at(5).hearBytes(multicast.at(-1)?.bytes ?? expect.fail("no goodbye"));
    stage.run(5.9);
    expect(stage.find("_ipp._tcp.local PTR")).toHaveLength(3);
    stage.run(6);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([]);
    expect(stage.link.recordCount).toBe(0);
  });

  test("its announcements answer a question within the first packet", () => {
    const stage = Stage.up();
    stage.watch("printer-7.local A");
    const announcement = multicast.find(({ title }) => title.includes("22 answers"));
    stage.at(0.1).hearBytes(announcement?.bytes ?? expect.fail("no announcement"));
    stage.run(6);
    expect(stage.sent.flatMap(questionsOf)).toEqual(["printer-7.local. A", "printer-7.local. A"]);
    expect(stage.batches).toHaveLength(1);
  });
});
