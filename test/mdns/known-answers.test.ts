// What a query says it knows (RFC 6762 §7.1, §7.2), how it is packed (§5.3,
// §17), and its header (§18).

import { describe, expect, test } from "vitest";
import { encodeMessage } from "../../src/wire/message.js";
import { answersOf, prefixes, question, questionsOf, rr, type Sent, Stage } from "./stage.js";

const ptr = (n: number, ttl = 4500) =>
  `_ipp._tcp.local. ${ttl} PTR Printer\\032number\\032${n}._ipp._tcp.local.`;

/** A stage that has heard `count` shared answers at second 0 and asks at second `askAt`. */
function subscribed(count: number, askAt: number, mtu = 1500, places = prefixes): Stage {
  const stage = new Stage();
  stage.up(mtu, places);
  stage.asked("_ipp._tcp.local PTR");
  for (let n = 0; n < count; n++) stage.response([ptr(n)]);
  stage.at(askAt).watch("_ipp._tcp.local PTR", "standing");
  stage.run(askAt + 0.5);
  return stage;
}

describe("known answers", () => {
  test("are the shared records held, with what is left of their TTL, without flush bit [DP-131]", () => {
    const [first] = subscribed(1, 1000).packets();
    expect(questionsOf(first as Sent)).toEqual(["_ipp._tcp.local. PTR"]);
    // Asked at 1000.02 s: 3499.98 s are left, in whole seconds.
    expect(answersOf(first as Sent)).toEqual([ptr(0, 3499)]);
    expect((first as Sent).message.answers[0]?.class).toBe(1);
  });

  test("are listed until half of their life is over [DP-131]", () => {
    expect(answersOf(subscribed(1, 2249.9).packets()[0] as Sent)).toEqual([ptr(0, 2250)]);
    expect(answersOf(subscribed(1, 2250.1).packets()[0] as Sent)).toEqual([]);
  });

  test("never hold unique records, other types or other names [DP-131]", () => {
    const stage = Stage.up();
    stage.asked("a.local TXT");
    stage.asked("b.local TXT");
    stage.response([
      '!a.local. 120 TXT "unique"',
      'a.local. 120 TXT "shared"',
      "a.local. 120 A 192.0.2.10",
      'b.local. 120 TXT "shared"',
    ]);
    stage.watch("a.local TXT", "standing");
    stage.run(0.5);
    expect(stage.packets().map(answersOf)).toEqual([['a.local. 119 TXT "shared"']]);
  });

  test("of a goodbye are none", () => {
    const stage = Stage.up();
    stage.asked("_ipp._tcp.local PTR");
    stage.response([ptr(0)]);
    stage.watch("_ipp._tcp.local PTR", "standing");
    stage.response([ptr(0, 0)]);
    stage.run(0.5);
    expect(stage.packets().map(answersOf)).toEqual([[]]);
  });

  test("that do not fit go on in packets without questions, TC on all but the last [DP-132]", () => {
    const stage = subscribed(150, 100);
    const packets = stage.packets();
    expect(packets.length).toBeGreaterThan(2);
    expect(packets.map((sent) => sent.message.tc)).toEqual([
      ...packets.slice(1).map(() => true),
      false,
    ]);
    expect(packets.map((sent) => sent.message.questions.length)).toEqual([
      1,
      ...packets.slice(1).map(() => 0),
    ]);
    const known = packets.flatMap(answersOf);
    expect(known).toHaveLength(150);
    expect(new Set(known).size).toBe(150);
    // Back to back, and the same to the other family.
    expect(new Set(packets.map((sent) => sent.at))).toEqual(new Set([100.02]));
    expect(stage.packets("ipv6").flatMap(answersOf)).toHaveLength(150);
    expect(stage.counts.of("mdns-known-answers", "omitted")).toBe(0);
  });

  test("beyond what the rate allows in one go are left out, which is counted", () => {
    const stage = new Stage({ packetsPerSecond: 2 });
    stage.up();
    stage.asked("_ipp._tcp.local PTR");
    for (let n = 0; n < 150; n++) stage.response([ptr(n)]);
    stage.at(10).watch("_ipp._tcp.local PTR", "standing");
    stage.run(10.5);
    const packets = stage.packets();
    expect(packets).toHaveLength(2);
    expect(packets.map((sent) => sent.message.tc)).toEqual([true, false]);
    const omitted = stage.counts.of("mdns-known-answers", "omitted");
    expect(packets.flatMap(answersOf).length + omitted).toBeGreaterThanOrEqual(150);
    expect(packets.flatMap(answersOf).length).toBeGreaterThan(60);
  });

  test("larger than a packet are left out alone", () => {
    const stage = Stage.up();
    stage.asked("a.local TXT");
    const long = `"${"x".repeat(250)}" `.repeat(7);
    stage.response([`a.local. 4500 TXT ${long}`, 'a.local. 4500 TXT "short"']);
    stage.watch("a.local TXT", "standing");
    stage.run(0.5);
    const known = stage.packets().flatMap(answersOf);
    expect(known).toEqual(['a.local. 4499 TXT "short"']);
    expect(stage.counts.of("mdns-known-answers", "omitted")).toBe(1);
  });
});

describe("packets", () => {
  const cases = [
    { name: "MTU 1500, both families", mtu: 1500, places: prefixes, most: 1452 },
    { name: "MTU 1500, IPv4 alone", mtu: 1500, places: prefixes.slice(0, 1), most: 1472 },
    { name: "MTU 9216", mtu: 9216, places: prefixes.slice(0, 1), most: 8972 },
    { name: "an MTU that no link may have", mtu: 100, places: prefixes, most: 548 },
  ];
  for (const { name, mtu, places, most } of cases) {
    test(`stay within the payload of the link: ${name} [DP-146]`, () => {
      const stage = subscribed(300, 100, mtu, places);
      const sizes = stage.sent.map((sent) => sent.datagram.bytes.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
      // And use it: one more known answer has some 40 bytes.
      expect(Math.max(...sizes)).toBeGreaterThan(most - 60);
    });
  }

  test("of queries have ID 0 and no flag [DP-128]", () => {
    const stage = Stage.up();
    stage.watch("a.local A");
    stage.run(0.5);
    expect(stage.sent).toHaveLength(2);
    for (const { datagram } of stage.sent) {
      expect(Buffer.from(datagram.bytes).toString("hex")).toBe(
        // id, flags, one question; a.local A IN
        "0000000000010000000000000161056c6f63616c0000010001",
      );
      expect(datagram.to).toBe("group");
    }
  });

  test("hold several questions, class IN, QU clear [DP-148]", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR");
    for (const n of [1, 2, 3, 4]) stage.watch(`Printer\\032${n}._ipp._tcp.local SRV`);
    stage.run(0.5);
    expect(stage.sent).toHaveLength(2);
    expect(questionsOf(stage.sent[0] as Sent)).toEqual([
      "_ipp._tcp.local. PTR",
      "Printer\\0321._ipp._tcp.local. SRV",
      "Printer\\0322._ipp._tcp.local. SRV",
      "Printer\\0323._ipp._tcp.local. SRV",
      "Printer\\0324._ipp._tcp.local. SRV",
    ]);
    expect((stage.sent[0] as Sent).message.questions.every((each) => each.class === 1)).toBe(true);
  });

  test("are filled: compression is foreseen", () => {
    const stage = Stage.up({ families: ["ipv4"], questionsMax: 300 });
    for (let n = 100; n < 400; n++) stage.watch(`Printer\\032${n}._ipp._tcp.local SRV`);
    stage.run(0.5);
    const sizes = stage.sent.map((sent) => sent.datagram.bytes.length);
    expect(sizes.length).toBeGreaterThan(2);
    // A question has 18 bytes: the label, a pointer, type and class.
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeLessThanOrEqual(1472);
      expect(size).toBeGreaterThan(1472 - 18);
    }
  });

  test("take along what may be sent, though it is not due yet", () => {
    // One asks at 0, its packet leaves 120 ms later; the other asks at 50 ms.
    const shares = [1, 1];
    const stage = Stage.up({}, { uint32: () => Math.floor((shares.shift() ?? 1) * 0xffff_ffff) });
    stage.watch("a.local A");
    stage.at(0.05).watch("b.local A");
    stage.at(0.11).watch("c.local A");
    stage.run(0.5);
    expect(stage.packets().map((sent) => [sent.at, questionsOf(sent)])).toEqual([
      [0.12, ["a.local. A", "b.local. A"]],
      [0.23, ["c.local. A"]],
    ]);
  });

  test("never ask for a thousand queries of five names more than six times", () => {
    const stage = Stage.up();
    const names = ["_ipp._tcp.local PTR", ...[1, 2, 3, 4].map((n) => `p${n}._ipp._tcp.local SRV`)];
    const watches = Array.from({ length: 1000 }, (_, n) =>
      stage.watch(names[n % 5] as string, "one-shot", `client ${n % 10}`),
    );
    stage.run(0.15);
    stage.response([
      ...[1, 2, 3, 4].map((n) => `_ipp._tcp.local. 4500 PTR p${n}._ipp._tcp.local.`),
      ...[1, 2, 3, 4].map((n) => `!p${n}._ipp._tcp.local. 120 SRV 0 0 631 host${n}.local.`),
    ]);
    for (const watch of watches) stage.unwatch(watch);
    stage.run(20);
    expect(stage.sent.length).toBeLessThanOrEqual(6);
  });

  test("with questions and known answers together are one while they fit", () => {
    const stage = Stage.up();
    const types = ["_ipp", "_http", "_ssh"];
    for (const type of types) stage.asked(`${type}._tcp.local PTR`);
    stage.response(types.map((type) => `${type}._tcp.local. 4500 PTR a.${type}._tcp.local.`));
    for (const type of types) stage.watch(`${type}._tcp.local PTR`, "standing");
    stage.run(0.5);
    const [first, second] = stage.packets();
    expect(second).toBeUndefined();
    expect(questionsOf(first as Sent)).toHaveLength(3);
    expect(answersOf(first as Sent)).toHaveLength(3);
    // What the library writes for the same message: the foreseen size was the real one.
    expect((first as Sent).datagram.bytes.length).toBe(
      encodeMessage({
        questions: types.map((type) => question(`${type}._tcp.local PTR`)),
        answers: types.map((type) => rr(`${type}._tcp.local. 4499 PTR a.${type}._tcp.local.`)),
      }).length,
    );
  });
});
