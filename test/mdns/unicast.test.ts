// Asking for answers by unicast (RFC 6762 §5.4), and believing them (§6, §11):
// only where nobody else has the port, only for those who want it so, and only
// for two seconds after the question.

import { describe, expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import { endpoint, question, questionsOf, rr, Stage } from "./stage.js";

/** A link whose port is ours alone. */
function alone(): Stage {
  const stage = new Stage();
  stage.up(1500, undefined, true);
  return stage;
}

const a = "!printer.local. 120 A 192.0.2.10";
const unicast = { isMulticast: false } as const;

/** Class of the only question of each packet sent over IPv4, as it stands on the wire. */
const wireClasses = (stage: Stage) =>
  stage.packets().map(({ datagram }) => Buffer.from(datagram.bytes.subarray(-2)).toString("hex"));

describe("a question asks for unicast", () => {
  test("at the start of its series, not later in it [UP-47] [UP-48]", () => {
    const stage = alone();
    stage.watchByUnicast("printer.local A");
    stage.run(8);
    expect(stage.times("!printer.local A")).toEqual([0.02]);
    expect(stage.times("printer.local A")).toEqual([1.02, 3.02, 7.02]);
    expect(wireClasses(stage)).toEqual(["8001", "0001", "0001", "0001"]);
  });

  test("at each of the four refreshes [UP-47]", () => {
    const stage = alone();
    stage.watchByUnicast("printer.local A");
    stage.at(0.1).response([a]);
    stage.run(121);
    expect(stage.times("!printer.local A", "ipv4").slice(1, 5)).toEqual([
      96.1, 102.1, 108.1, 114.1,
    ]);
    expect(stage.times("!printer.local A", "ipv6")).toHaveLength(6);
    expect(stage.times("printer.local A")).toEqual([]);
    // At its end: the series begins anew.
    expect(stage.times("!printer.local A").at(-1)).toBe(120.12);
  });

  test("when its series begins anew, as in a sweep, with known answers [UP-48]", () => {
    const stage = alone();
    stage.watchByUnicast("_ipp._tcp.local PTR");
    stage.at(0.1).response(["_ipp._tcp.local 4500 PTR a._ipp._tcp.local"]);
    stage.at(100);
    stage.link.askAnew(stage.now, question("_ipp._tcp.local PTR"), seconds(10));
    stage.run(100.5);
    const last = stage.packets().at(-1);
    expect(last && questionsOf(last)).toEqual(["!_ipp._tcp.local. PTR"]);
    expect(last?.message.answers).toHaveLength(1);
  });

  test("never where another program has the port, nor for those who did not want it [UP-48]", () => {
    const shared = Stage.up();
    shared.watchByUnicast("printer.local A");
    const proxy = alone();
    proxy.watch("printer.local A", "standing");
    proxy.watch("scanner.local A");
    for (const stage of [shared, proxy]) {
      stage.at(0.1).response([a]);
      stage.run(130);
      const asked = stage.packets().flatMap(questionsOf);
      expect(asked.length).toBeGreaterThan(4);
      expect(asked.filter((text) => text.startsWith("!"))).toEqual([]);
    }
  });

  test("not for a record in doubt", () => {
    const stage = alone();
    stage.watchByUnicast("printer.local A");
    stage.at(0.1).response([a]);
    // The confirming query and the refresh are one.
    stage.at(96.08);
    stage.link.reconfirm(stage.now, rr("printer.local. 120 A 192.0.2.10"));
    stage.run(98);
    expect(stage.times("!printer.local A")).toEqual([0.02]);
    expect(stage.times("printer.local A")).toEqual([96.1, 97.1]);
  });

  test("no more when another program takes the port, without anything being forgotten", () => {
    const stage = alone();
    stage.watchByUnicast("printer.local A");
    stage.at(0.1).response([a]);
    stage.at(50).up(1500, undefined, false);
    stage.run(110);
    expect(stage.times("printer.local A")).toEqual([96.1, 102.1, 108.1]);
    expect(stage.times("!printer.local A")).toEqual([0.02]);
    expect(stage.changes()).toEqual(["+ printer.local. 120 A 192.0.2.10"]);
  });
});

describe("a unicast response", () => {
  test("to such a question is believed for two seconds, all of it [UP-36] [DP-142]", () => {
    for (const [second, taken] of [
      [0.5, 2],
      [2, 2],
      [2.1, 0],
    ] as const) {
      const stage = alone();
      stage.watchByUnicast("_ipp._tcp.local PTR");
      const ptr = "_ipp._tcp.local. 4500 PTR a._ipp._tcp.local.";
      stage.at(second).response([ptr, a], unicast);
      expect(stage.changes(), `${second}`).toHaveLength(taken);
      expect(stage.counts.of("drops", "mdns-unasked-unicast")).toBe(taken === 0 ? 1 : 0);
    }
  });

  test("to something else is not, nor to a question asked by multicast [DP-142]", () => {
    const stage = alone();
    stage.watchByUnicast("scanner.local A");
    stage.watch("printer.local A", "standing");
    stage.at(0.5).response([a], unicast);
    stage.response(["!scanner.local. 120 AAAA 2001:db8::10"], unicast);
    expect(stage.changes()).toEqual([]);
    expect(stage.counts.of("drops", "mdns-unasked-unicast")).toBe(2);
  });

  test("from off the link is dropped and counted; multicast is on it by definition [UP-36]", () => {
    const stage = alone();
    stage.watchByUnicast("printer.local A");
    const source = endpoint("198.51.100.7");
    stage.at(0.5).response([a], { ...unicast, source });
    expect(stage.changes()).toEqual([]);
    expect(stage.counts.of("drops", "mdns-off-link")).toBe(1);
    stage.response([a], { source });
    expect(stage.changes()).toEqual(["+ printer.local. 120 A 192.0.2.10"]);
  });

  test("from another port, or with an error, is none [DP-141] [DP-144]", () => {
    const stage = alone();
    stage.watchByUnicast("printer.local A");
    stage.at(0.5).response([a], { ...unicast, source: endpoint("192.0.2.10", 5354) });
    expect(stage.changes()).toEqual([]);
    expect(stage.counts.of("drops", "mdns-source-port")).toBe(1);
  });
});
