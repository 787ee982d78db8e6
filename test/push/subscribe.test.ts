// Taking subscriptions (RFC 8765 §6.2, §6.4): what is accepted, what is refused
// and how, what follows at once, and how they end.

import { describe, expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { answerTo } from "../dso/stage.js";
import { listOf, rrs } from "../proxy/floor.js";
import { lab, labLink, labOptions, Stage } from "./stage.js";
import { nameHex, oneWayHex, subscribeHex, u16 } from "./subscriber.js";

const lobby = `_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.`;
const foyer = `_ipp._tcp.local. 4500 PTR Foyer._ipp._tcp.local.`;
const type = `_ipp._tcp.${lab}`;

/** Rcode and delay in seconds of a refusal. */
const refused = (id: number, rcode: number, delay: number): string =>
  `${u16(id)}b00${rcode.toString(16)}${"0".repeat(16)}00020004${(delay * 1000).toString(16).padStart(8, "0")}`;

describe("SUBSCRIBE", () => {
  test("is acknowledged at once, with nothing known and the link asked [PRX-01] [PUSH-06] [PUSH-08]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E20");
    expect(client.heard()).toEqual(answerTo("E21", "E03"));
    stage.run(1);
    expect(stage.asked.some((line) => line.endsWith("_ipp._tcp.local. PTR"))).toBe(true);
    stage.asked = [];
    stage.run(600);
    expect(stage.asked.length).toBeGreaterThan(1);
    expect(client.heard()).toEqual([]);
  });

  test("what is known follows the response, with the device's TTL [PUSH-18] [PUSH-19] [PRX-02] [PUSH-20]", () => {
    const stage = new Stage();
    const other = stage.client(2);
    stage.subscribe(other, 1, type, "PTR");
    stage.announce(lobby);
    stage.run(100);
    const client = stage.client();
    client.wants(0x0102, type, "PTR");
    stage.says(client, "E20");
    expect(client.heard()).toEqual(answerTo("E21", "E03", "E23"));
  });

  test("on a running session nothing but the response comes first [DSO-37]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E01");
    client.heard();
    stage.says(client, "E20");
    expect(client.heard()).toEqual(answerTo("E21"));
  });

  test.each([
    [
      "outside every zone [PUSH-14] [PUSH-15]",
      subscribeHex(0x102, "_ipp._tcp.example.org.", 12),
      9,
      300,
    ],
    ["under a name for no server", subscribeHex(0x102, "_ipp._tcp.local.", 12), 9, 300],
    ["one byte more [PUSH-07]", `010230000000000000000000${"0040"}0006${"00"}000c000100`, 1, 300],
    ["one byte less", `010230000000000000000000${"0040"}0004${"00"}000c00`, 1, 300],
    ["no value at all", "010230000000000000000000" + "00400000", 1, 300],
    ["a pointer that leads nowhere", `010230000000000000000000${"0040"}0006c010000c0001`, 1, 300],
    ["type 0", subscribeHex(0x102, type, 0), 1, 300],
    ["type OPT", subscribeHex(0x102, type, RRType.OPT), 1, 300],
    ["type TKEY", subscribeHex(0x102, type, RRType.TKEY), 1, 300],
    ["type MAILA", subscribeHex(0x102, type, RRType.MAILA), 1, 300],
    [
      "a name of 256 bytes",
      subscribeHex(0x102, `${`${"a".repeat(62)}.`.repeat(3)}${"b".repeat(49)}.${lab}`, 12),
      1,
      300,
    ],
  ])("%s is refused", (_what, message, rcode, delay) => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E01");
    client.heard();
    stage.says(client, message);
    expect(client.heard()).toEqual([refused(0x0102, rcode, delay)]);
    expect(stage.server.dump()).toEqual({ sessions: 1, subscriptions: 0, topics: 0 });
    stage.says(client, "E20");
    expect(client.heard()).toEqual(answerTo("E21"));
  });

  test("E22: the bytes of a refusal [PUSH-15] [DSO-45]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, subscribeHex(0x102, "_ipp._tcp.example.org.", 12));
    expect(client.heard()).toEqual(answerTo("E22"));
  });

  test.each([
    ["on cleartext TCP [PUSH-01]", { isSecure: false }],
    ["where Push is switched off", { takesPush: false }],
    ["from an address that may not ask", { address: "198.51.100.7" }],
    ["from an address that is none", { address: "nowhere" }],
  ])("%s: REFUSED, and Keepalive still works", (_what, opening) => {
    const allow = listOf("192.0.2.0/24");
    const stage = new Stage(labOptions({ allow, links: [labLink({ allow })] }));
    const client = stage.client(1, opening);
    stage.says(client, "E20");
    expect(client.heard()).toEqual([refused(0x0102, 5, 300)]);
    stage.says(client, "E01");
    expect(client.heard()).toEqual(answerTo("E02"));
  });

  test("for the zone of a link that the client may not see: REFUSED", () => {
    const stage = new Stage(labOptions({ links: [labLink({ allow: listOf("198.51.100.0/24") })] }));
    const client = stage.client();
    stage.says(client, "E20");
    expect(client.heard()).toEqual([refused(0x0102, 5, 300)]);
  });

  test("above a limit: SERVFAIL, and the others go on [PUSH-16]", () => {
    const stage = new Stage(labOptions(), { subscriptionsPerSession: 2, subscriptions: 3 });
    const [one, two] = [stage.client(1), stage.client(2)];
    stage.subscribe(one, 1, type, "PTR");
    stage.subscribe(one, 2, type, "ANY");
    one.heard();
    stage.says(one, subscribeHex(3, type, 16));
    expect(one.heard()).toEqual([refused(3, 2, 60)]);
    stage.subscribe(two, 1, type, "PTR");
    two.heard();
    stage.says(two, subscribeHex(2, type, 16));
    expect(two.heard()).toEqual([refused(2, 2, 60)]);
    expect(stage.counts.of("limits", "subscriptions")).toBe(2);
    stage.announce(lobby);
    expect(one.copy).toEqual(two.copy);
    expect(two.copy.length).toBe(1);
    stage.leave(one);
    stage.subscribe(two, 2, type, "TXT");
    expect(two.heard().slice(-1)).toEqual(["0002b0000000000000000000"]);
  });

  test("while the link takes no more questions, or is not used: SERVFAIL", () => {
    const stage = new Stage(labOptions(), { questions: 1 });
    const client = stage.client();
    stage.subscribe(client, 1, type, "PTR");
    client.heard();
    stage.says(client, subscribeHex(2, type, 16));
    expect(client.heard()).toEqual([refused(2, 2, 60)]);
    stage.subscribe(client, 3, type, "PTR", 255);
    expect(client.heard()).toEqual(["0003b0000000000000000000"]);
    stage.isUsed = false;
    stage.says(client, subscribeHex(4, `x.${type}`, 33));
    expect(client.heard()).toEqual([refused(4, 2, 60)]);
  });

  test.each([
    ["the same", subscribeHex(0x103, type, 12), true],
    ["in other letters", subscribeHex(0x103, "_IPP._tcp.LAB.example.com.", 12), true],
    ["with another type", subscribeHex(0x103, type, 16), false],
    ["with type ANY", subscribeHex(0x103, type, 255), false],
    ["with class ANY", subscribeHex(0x103, type, 12, 255), false],
  ])("a second one on the session, %s [PUSH-09]", (_what, message, isFatal) => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 0x102, type, "PTR");
    stage.says(client, message);
    expect(client.isReset).toBe(isFatal);
    expect(stage.server.dump()).toMatchObject({ subscriptions: isFatal ? 0 : 2 });
  });

  test("the same on two sessions is fine, and the link is asked once [PUSH-09]", () => {
    const stage = new Stage();
    const clients = [1, 2, 3].map((stream) => stage.client(stream));
    for (const client of clients) stage.subscribe(client, 1, type, "PTR");
    stage.run(1.5);
    expect(stage.link.questionCount).toBe(1);
    expect(stage.asked.length).toBe(2);
    stage.announce(lobby);
    for (const client of clients) expect(client.copy.length).toBe(1);
    for (const client of clients) stage.leave(client);
    expect(stage.link.questionCount).toBe(0);
  });

  test("the same again after a refusal is fine [PUSH-09]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.isUsed = false;
    stage.says(client, "E20");
    stage.isUsed = true;
    stage.says(client, "E20");
    expect(client.heard()).toEqual([refused(0x0102, 2, 60), ...answerTo("E21", "E03")]);
  });

  test("a class that no record has is accepted, and never told of", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, type, "PTR", 3);
    expect(client.heard()[0]).toBe("0001b0000000000000000000");
    stage.announce(lobby);
    expect(client.heard()).toEqual([]);
    expect(stage.link.questionCount).toBe(0);
    stage.unsubscribe(client, 1);
    expect(stage.server.dump()).toMatchObject({ subscriptions: 0 });
  });

  test("a client for whom there is no room is sent away, and keeps nothing [DSO-43] [DSO-44]", () => {
    const stage = new Stage();
    const [one, two] = [1, 2].map((stream) => stage.client(stream, { isTooMuch: true }));
    stage.says(one!, "E20");
    stage.says(two!, "E20");
    const [accepted, first] = one!.heard();
    expect([accepted]).toEqual(answerTo("E21"));
    expect(first?.slice(0, 32)).toBe(`00003002${"0".repeat(16)}00020004`);
    expect(two!.heard()[1]).not.toBe(first);
    expect(stage.server.dump()).toEqual({ sessions: 0, subscriptions: 0, topics: 0 });
    expect(stage.link.questionCount).toBe(0);
    expect(stage.run(5).server.nextDeadline()).toBe(undefined);
    expect([one!.isReset, two!.isReset]).toEqual([true, true]);
  });
});

describe("what is not on a link", () => {
  test("an administrative name is told once, and the link is not asked", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, lab, "SOA");
    expect(client.copy.length).toBe(1);
    stage.subscribe(client, 2, `_dns-push-tls._tcp.${lab}`, "SRV");
    stage.run(10);
    expect(client.copy.length).toBe(1);
    expect(stage.asked).toEqual([]);
  });

  test("a static record has the operator's TTL, and in a zone of records too", () => {
    const records = rrs(`desk.${lab} 3600 A 192.0.2.7`, "a.static.example. 7200 TXT x");
    const stage = new Stage(labOptions({ records, zones: [parseName("static.example.")] }));
    const client = stage.client();
    stage.subscribe(client, 1, `desk.${lab}`, "A");
    stage.subscribe(client, 2, "a.static.example.", "ANY");
    stage.subscribe(client, 3, "b.static.example.", "ANY");
    expect(client.copy).toEqual([
      'a.static.example. 7200 IN TXT "x"',
      `desk.${lab} 3600 IN A 192.0.2.7`,
    ]);
    stage.announce("desk.local. 120 A 192.0.2.8");
    expect(client.copy.length).toBe(2);
  });

  test("a hidden type is accepted, and nothing of it is told or asked", () => {
    const services = { allow: [], deny: ["_ipp._tcp"], default: "allow" } as const;
    const stage = new Stage(labOptions({ links: [labLink({ services })] }));
    const client = stage.client();
    stage.subscribe(client, 1, type, "PTR");
    stage.announce(lobby);
    stage.run(10);
    expect(client.copy).toEqual([]);
    expect(stage.asked).toEqual([]);
  });
});

describe("UNSUBSCRIBE", () => {
  test("ends the subscription, and its ID is free [PUSH-31]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E20");
    stage.says(client, "E28");
    client.heard();
    stage.announce(lobby);
    expect(client.heard()).toEqual([]);
    expect(stage.link.questionCount).toBe(0);
    client.wants(0x0102, type, "PTR");
    stage.says(client, "E20");
    expect(client.heard()[0]).toBe(answerTo("E21")[0]);
  });

  test("of nothing is ignored, and so is one that came too soon [PUSH-32] [DSO-11]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E01");
    stage.says(client, oneWayHex(0x42, "ffff"));
    stage.says(client, oneWayHex(0x42, "ff"));
    stage.says(client, "E01");
    expect(client.heard()).toEqual(answerTo("E02", "E02"));
    expect(stage.counts.of("drops", "push-unsubscribe")).toBe(2);
  });

  test("in one write with its SUBSCRIBE: one response, no PUSH [PUSH-32] [DSO-23]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.says(client, "E01");
    stage.says(client, "E20");
    stage.says(client, "E28");
    stage.announce(lobby);
    expect(client.heard()).toEqual(answerTo("E02", "E21"));
  });

  test("with a question instead of an ID ends that one [PUSH-33]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, type, "PTR");
    stage.subscribe(client, 2, type, "TXT");
    stage.says(client, oneWayHex(0x42, `${nameHex(type)}000c0001`));
    stage.says(client, oneWayHex(0x42, `${nameHex(type)}00210001`));
    stage.says(client, oneWayHex(0x42, `${nameHex(type)}0010000100`));
    expect(client.isReset).toBe(false);
    expect(stage.server.dump()).toMatchObject({ subscriptions: 1 });
    expect(stage.counts.of("drops", "push-unsubscribe")).toBe(2);
  });

  test("of one of two at a name: the other goes on, and nothing is removed there", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, type, "PTR");
    stage.subscribe(client, 2, type, "ANY");
    stage.announce(lobby);
    client.news();
    stage.unsubscribe(client, 1);
    stage.announce(foyer);
    expect(client.copy.length).toBe(2);
    expect(
      client
        .news()
        .flat()
        .every((line) => line.startsWith("+")),
    ).toBe(true);
  });
});

test("the inactivity timer starts with the last subscription's end [DSO-29]", () => {
  const stage = new Stage(labOptions(), { dsoInactivity: seconds(15) });
  const client = stage.client();
  stage.says(client, "E01");
  stage.subscribe(client, 1, type, "PTR");
  stage.run(300);
  expect(client.isReset).toBe(false);
  stage.unsubscribe(client, 1);
  stage.run(329.9);
  expect(client.isReset).toBe(false);
  stage.run(330);
  expect(client.isReset).toBe(true);
  expect(stage.server.dump()).toEqual({ sessions: 0, subscriptions: 0, topics: 0 });
});
