// The browse domains that `announce` tells (RFC 8766 §5.2.2; RFC 6762 §5.4, §6,
// §6.7, §7, §8.3, §10.1).

import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/random.js";
import { parseName } from "../../src/wire/name.js";
import {
  answersOf,
  at,
  endpoint,
  neighbour,
  options,
  prefixes,
  question,
  type Sent,
  Stage,
  steady,
} from "./stage.js";

const lb = "lb._dns-sd._udp.local PTR";
const own = "lb._dns-sd._udp.local. 4500 PTR floor1.example.com.";
const announce = { b: [], db: [], lb: [parseName("floor1.example.com")] };
const legacy = { source: endpoint("192.0.2.20", 40123) };

/** A stage whose start-up announcements are over and forgotten, at second 10. */
function announcing(changed: Partial<typeof announce> = {}, random = steady(0)): Stage {
  const stage = Stage.up({ announce: { ...announce, ...changed } }, random);
  stage.run(10);
  stage.sent.splice(0);
  return stage;
}

const told = (stage: Stage): [number, ...string[]][] =>
  stage.packets("ipv4").map((sent) => [sent.at, ...answersOf(sent)]);

describe("answers", () => {
  test("name the configured domains, each link its own [DP-26]", () => {
    const lists = { b: ["x", "y"], db: ["x"], lb: ["z"] } as const;
    const stage = announcing({
      b: lists.b.map((label) => parseName(`${label}.example`)) as never,
      db: [parseName("x.example")] as never,
      lb: [parseName("z.example")],
    });
    const cases = [
      { prefix: "b", want: ["x.example.", "y.example."] },
      { prefix: "db", want: ["x.example."] },
      { prefix: "lb", want: ["z.example."] },
      { prefix: "r", want: [] },
      { prefix: "dr", want: [] },
    ];
    for (const { prefix, want } of cases) {
      stage.sent.splice(0);
      stage.query([`${prefix}._dns-sd._udp.local PTR`]);
      stage.run((stage.now - at(0)) / 1000 + 2);
      expect(told(stage).flatMap(([, ...answers]) => answers)).toEqual(
        want.map((target) => `${prefix}._dns-sd._udp.local. 4500 PTR ${target}`),
      );
    }
    const other = announcing({ lb: [parseName("floor2.example")] });
    other.query(["lb._dns-sd._udp.local PTR"]);
    other.run(11);
    expect(told(other)[0]?.[1]).toBe("lb._dns-sd._udp.local. 4500 PTR floor2.example.");
  });

  test("are shared records: class 1, in answers and announcements; nothing is probed [DP-27]", () => {
    const stage = Stage.up({ announce });
    stage.at(5).query([lb]);
    stage.run(20);
    expect(stage.sent.length).toBeGreaterThan(4);
    for (const { message } of stage.sent) {
      expect(message.isResponse).toBe(true);
      expect(message.aa).toBe(true);
      expect(message.id).toBe(0);
      expect(message.questions).toEqual([]);
      expect(message.answers.map((answer) => answer.class)).toEqual([1]);
    }
  });

  test("come 20 to 120 ms late, by chance [DP-28]", () => {
    const stage = announcing({}, seededRandom(5));
    const delays = new Set<number>();
    for (let n = 0; n < 50; n++) {
      const asked = 10 + 3 * n;
      stage.at(asked).query([lb], [], legacy);
      stage.run(asked + 2);
      const [sent] = stage.sent.splice(0);
      const delay = Math.round(((sent as Sent).at - asked) * 1000);
      expect(delay).toBeGreaterThanOrEqual(20);
      expect(delay).toBeLessThanOrEqual(120);
      delays.add(delay);
    }
    expect(delays.size).toBeGreaterThan(20);
  });

  const truncated = [
    { share: 0, want: 0.4 },
    { share: 1, want: 0.5 },
  ];
  for (const { share, want } of truncated) {
    test(`to a truncated query come ${want} s late [DP-28]`, () => {
      const stage = announcing({}, steady(share));
      stage.query([lb], [], { tc: true });
      stage.run(12);
      expect(told(stage)).toEqual([[10 + want, own]]);
    });
  }

  test("wait anew after each further truncated packet [DP-28]", () => {
    const stage = announcing();
    stage.query([lb], [], { tc: true });
    stage.at(10.3).query([], [], { tc: true });
    stage.at(10.6).query([], []);
    // Another host's packets do not count.
    stage.query([], [], { tc: true, source: endpoint("192.0.2.77") });
    stage.run(12);
    expect(told(stage)).toEqual([[10.7, own]]);
  });

  test("taken off by a known answer in a continuation are not given [DP-29]", () => {
    const stage = announcing();
    stage.query([lb], [], { tc: true });
    stage.at(10.3).query([], [own]);
    expect(stage.link.nextDeadline()).toBeUndefined();
    stage.run(12);
    expect(told(stage)).toEqual([]);
  });

  const known = [
    { ttl: 4500, answered: false },
    { ttl: 2250, answered: false },
    { ttl: 2249, answered: true },
    { ttl: 0, answered: true },
  ];
  for (const { ttl, answered } of known) {
    test(`to a query that knows the TTL ${ttl}: ${answered ? "given" : "silence"} [DP-29]`, () => {
      const stage = announcing();
      stage.query([lb], [own.replace("4500", `${ttl}`)]);
      stage.run(12);
      expect(told(stage)).toHaveLength(answered ? 1 : 0);
    });
  }

  test("to a query that knows another domain are given", () => {
    const stage = announcing();
    stage.query([lb], ["lb._dns-sd._udp.local. 4500 PTR floor2.example.com."]);
    stage.run(12);
    expect(told(stage)).toEqual([[10.02, own]]);
  });

  test("are multicast at most once a second [DP-30]", () => {
    const stage = announcing();
    for (let n = 0; n < 5; n++) stage.at(10 + n / 10).query([lb]);
    stage.run(20);
    // Who asked after the first answer hears a second one, as soon as it is allowed.
    expect(told(stage)).toEqual([
      [10.02, own],
      [11.02, own],
    ]);
  });

  test("go to the family that asked", () => {
    const stage = announcing();
    stage.query([lb], [], { family: "ipv6", source: endpoint("fe80::20") });
    stage.run(12);
    expect(stage.sent.map((sent) => sent.datagram.family)).toEqual(["ipv6"]);
    expect(stage.sent[0]?.datagram.to).toBe("group");
  });

  const questions = [
    { text: "LB._DNS-SD._UDP.Local PTR", answered: true },
    { text: "lb._dns-sd._udp.local ANY", answered: true },
    { text: "lb._dns-sd._udp.local TXT", answered: false },
    { text: "_dns-sd._udp.local PTR", answered: false },
  ];
  for (const { text, answered } of questions) {
    test(`to ${text}: ${answered ? "given" : "silence"}`, () => {
      const stage = announcing();
      stage.query([text]);
      stage.run(12);
      expect(told(stage)).toHaveLength(answered ? 1 : 0);
    });
  }

  test("for class ANY are given, for class CH not", () => {
    const stage = announcing();
    for (const [second, rrClass] of [
      [10, 255],
      [15, 3],
    ] as const) {
      const asked = { ...question(lb), class: rrClass };
      stage.at(second).hear({ questions: [asked] }, { source: neighbour });
    }
    stage.run(20);
    expect(told(stage)).toEqual([[10.02, own]]);
  });

  test("hold nothing that was heard on the link [DP-34]", () => {
    const stage = Stage.up({ announce });
    stage.watch("lb._dns-sd._udp.local PTR", "standing");
    stage.response(["lb._dns-sd._udp.local. 4500 PTR other.example.com."]);
    stage.response(["!h.local. 120 A 192.0.2.1"]);
    for (const text of [lb, "h.local A", "lb._dns-sd._udp.local ANY"]) {
      stage.at((stage.now - at(0)) / 1000 + 2).query([text]);
      stage.query([text], [], legacy);
    }
    stage.run(100);
    const said = stage.sent.filter((sent) => sent.message.isResponse).flatMap(answersOf);
    expect(said.length).toBeGreaterThan(4);
    expect(new Set(said)).toEqual(new Set([own, own.replace("4500", "10")]));
  });

  test("are given no more once another host has said the same (RFC 6762 §7.4)", () => {
    const stage = announcing({}, steady(1));
    stage.query([lb]);
    stage.at(10.05).response([own]);
    stage.run(12);
    expect(told(stage)).toEqual([]);
  });

  test("are given unasked when another host says goodbye for the same (T-17)", () => {
    const stage = announcing();
    stage.response([own.replace("4500", "0")]);
    stage.run(12);
    expect(told(stage)).toEqual([[10.02, own]]);
  });

  test("wait in bounded number, which is counted", () => {
    const stage = announcing();
    for (let host = 0; host < 150; host++) {
      stage.query([lb], [], { source: endpoint("192.0.2.20", 20000 + host) });
    }
    stage.run(12);
    expect(stage.sent).toHaveLength(100);
    expect(stage.counts.of("drops", "mdns-reply")).toBe(50);
  });
});

describe("legacy resolvers [DP-31]", () => {
  function legacyReply(message: Parameters<Stage["hear"]>[0], stage = announcing()): Sent {
    stage.hear(message, legacy);
    stage.run(12);
    expect(stage.sent).toHaveLength(1);
    return stage.sent[0] as Sent;
  }

  test("get ID, question and RD back, by unicast, with a TTL of at most 10 s", () => {
    const sent = legacyReply({ id: 4711, rd: true, questions: [question(lb)] });
    expect(sent.datagram.to).toEqual(legacy.source);
    expect(sent.message).toMatchObject({
      id: 4711,
      isResponse: true,
      aa: true,
      rd: true,
      rcode: 0,
    });
    expect(sent.message.questions).toEqual([question(lb)]);
    expect(answersOf(sent)).toEqual([own.replace("4500", "10")]);
    expect(sent.message.answers[0]?.class).toBe(1);
  });

  test("get it byte for byte as an ordinary server would send it", () => {
    const sent = legacyReply({ id: 0x1234, questions: [question(lb)] });
    expect(Buffer.from(sent.datagram.bytes).toString("hex")).toBe(
      // header, lb._dns-sd._udp.local PTR IN, then the answer with a pointer to it
      `${"123484000001000100000000"}${"026c62075f646e732d7364045f756470056c6f63616c00"}${"000c0001"}` +
        `${"c00c000c00010000000a0014"}${"06666c6f6f7231076578616d706c6503636f6d00"}`,
    );
  });

  test("get 512 bytes and TC, or what their EDNS size allows", () => {
    const many = Array.from({ length: 60 }, (_, n) => parseName(`floor-number-${n}.example.com`));
    const short = legacyReply({ questions: [question(lb)] }, announcing({ lb: many as never }));
    expect(short.datagram.bytes.length).toBeLessThanOrEqual(512);
    expect(short.message.tc).toBe(true);
    const edns = { udpSize: 4096, version: 0, extendedRcode: 0, dnssecOk: false, options: [] };
    const long = legacyReply(
      { questions: [question(lb)], edns },
      announcing({ lb: many as never }),
    );
    expect(long.datagram.bytes.length).toBeGreaterThan(1400);
    expect(long.datagram.bytes.length).toBeLessThanOrEqual(1472);
  });

  test("that are not of this subnet get nothing", () => {
    const stage = announcing();
    stage.query([lb], [], { source: endpoint("198.51.100.9", 40000) });
    stage.query([lb], [], { source: endpoint("198.51.100.9", 40000), isMulticast: false });
    stage.run(12);
    expect(stage.sent).toEqual([]);
    expect(stage.counts.of("drops", "mdns-off-link")).toBe(2);
  });
});

describe("questions for a unicast answer [DP-32]", () => {
  const cases = [
    { name: "right after an announcement", second: 10, isMulticast: false },
    // The last announcement was at 1.02 s; a quarter of 4500 s is 1125 s.
    { name: "1125 s after it", second: 1126, isMulticast: false },
    { name: "20 minutes after it", second: 1201, isMulticast: true },
  ];
  for (const { name, second, isMulticast } of cases) {
    test(`${name} get ${isMulticast ? "a multicast" : "a unicast"} one`, () => {
      const stage = announcing();
      stage.at(second).query([`!${lb}`]);
      stage.run(second + 2);
      expect(stage.sent).toHaveLength(1);
      expect(stage.sent[0]?.datagram.to).toEqual(isMulticast ? "group" : neighbour);
      expect(answersOf(stage.sent[0] as Sent)).toEqual([own]);
      expect(stage.sent[0]?.message.id).toBe(0);
    });
  }

  test("sent to us directly are treated alike", () => {
    const stage = announcing();
    stage.query([lb], [], { isMulticast: false });
    stage.run(12);
    expect(stage.sent[0]?.datagram.to).toEqual(neighbour);
  });

  test("sent to us directly from elsewhere are ignored", () => {
    const stage = announcing();
    stage.query([lb], [], { isMulticast: false, source: endpoint("198.51.100.9") });
    stage.run(12);
    expect(stage.sent).toEqual([]);
    expect(stage.counts.of("drops", "mdns-off-link")).toBe(1);
  });

  test("do not put off the next multicast answer", () => {
    const stage = announcing();
    stage.query([`!${lb}`]);
    stage.at(10.1).query([lb]);
    stage.run(12);
    expect(stage.sent.map((sent) => sent.datagram.to)).toEqual([neighbour, "group"]);
    expect(stage.sent[1]?.at).toBe(10.12);
  });
});

describe("announcements and goodbyes [DP-33]", () => {
  test("at start there are two, a second apart, on both families; then none", () => {
    const stage = Stage.up({ announce });
    stage.run(20_000);
    for (const family of ["ipv4", "ipv6"] as const) {
      expect(stage.packets(family).map((sent) => [sent.at, ...answersOf(sent)])).toEqual([
        [0.02, own],
        [1.02, own],
      ]);
    }
  });

  test("after a change of address there are two again, none within a second of another", () => {
    const stage = Stage.up({ announce });
    stage.run(1.1);
    stage.up(1500, prefixes.slice(0, 2));
    stage.run(100);
    expect(told(stage).map(([second]) => second)).toEqual([0.02, 1.02, 2.02, 3.02]);
  });

  test("a change between the two begins the two anew", () => {
    const stage = Stage.up({ announce });
    stage.run(0.5);
    stage.up(1500, prefixes.slice(0, 2));
    stage.run(100);
    expect(told(stage).map(([second]) => second)).toEqual([0.02, 1.02, 2.02]);
  });

  test("after the link came up there are two again", () => {
    const stage = announcing();
    stage.link.down(stage.now);
    stage.at(20).up();
    stage.run(100);
    expect(told(stage).map(([second]) => second)).toEqual([20.02, 21.02]);
  });

  test("what changes is taken back first, what stays is not said again", () => {
    const stage = announcing({ b: [parseName("stays.example")] as never });
    const next = { b: [parseName("stays.example")], db: [], lb: [parseName("new.example")] };
    stage.link.configure(stage.now, { ...options, announce: next });
    stage.drain();
    stage.run(100);
    expect(told(stage)).toEqual([
      [10, own.replace("4500", "0")],
      [10.02, "lb._dns-sd._udp.local. 4500 PTR new.example."],
      [11.02, "lb._dns-sd._udp.local. 4500 PTR new.example."],
    ]);
  });

  test("at stop there is a goodbye, and no answer afterwards", () => {
    const stage = announcing();
    stage.query([lb]);
    stage.link.stop(stage.now);
    stage.drain();
    stage.query([lb]);
    stage.run(100);
    expect(told(stage)).toEqual([[10, own.replace("4500", "0")]]);
    expect(stage.packets("ipv6")).toHaveLength(1);
    expect(stage.link.nextDeadline()).toBeUndefined();
  });

  test("a long list is told in packets within the MTU", () => {
    const many = Array.from({ length: 120 }, (_, n) =>
      parseName(`floor-number-${n}.building-of-many-floors.example.com`),
    );
    const stage = Stage.up({ announce: { b: [], db: [], lb: many } });
    stage.run(0.5);
    const packets = stage.packets("ipv4");
    expect(packets.length).toBeGreaterThan(1);
    expect(packets.flatMap(answersOf)).toHaveLength(120);
    for (const { datagram } of packets) expect(datagram.bytes.length).toBeLessThanOrEqual(1452);
  });

  test("nothing is announced where nothing is configured, or the link is down", () => {
    const stage = Stage.up();
    stage.run(10);
    stage.link.stop(stage.now);
    stage.drain();
    expect(stage.sent).toEqual([]);
    const down = new Stage({ announce });
    down.query([lb]);
    down.link.stop(down.now);
    down.run(10);
    expect(down.sent).toEqual([]);
  });

  test("our own announcements, looped back, are not taken for another host's", () => {
    const stage = Stage.up({ announce });
    stage.watch(lb);
    stage.run(0.1);
    const packets = stage.packets("ipv4").filter((sent) => sent.message.isResponse);
    for (const { datagram } of packets)
      stage.hearBytes(datagram.bytes, { source: endpoint("192.0.2.1") });
    expect(stage.find(lb)).toEqual([]);
    expect(stage.counts.of("mdns-packets", "echo")).toBe(1);
  });
});
