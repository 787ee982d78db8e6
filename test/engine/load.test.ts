// Load and limits (RFC 8766 §9): the rate of a link, fairness between clients,
// SERVFAIL instead of a lie, bounded collections.

import { describe, expect, test, vi } from "vitest";
import { Link } from "../../src/mdns/link.js";
import { ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { addressList, World } from "./story.js";
import type { LinkSetting } from "./story-link.js";

const hosts = "bldg-1.example.com";

/** The most packets within any window of one second. */
function busiest(times: readonly number[]): number {
  let most = 0;
  times.forEach((from, index) => {
    const until = times.findIndex((time) => time >= from + 1);
    most = Math.max(most, (until < 0 ? times.length : until) - index);
  });
  return most;
}

describe("300 names at once", () => {
  function asked(rate: number) {
    const w = new World();
    w.link("eth0", { mdns: { packetsPerSecond: rate } });
    const queries = Array.from({ length: 300 }, (_, n) => {
      w.run(ms(3));
      return w.ask(`a-name-that-takes-some-room-in-a-packet-${n}.${hosts} A`);
    });
    return { w, queries };
  }

  test("never more than 20 packets a second on the link [DP-122]", () => {
    const { w } = asked(20);
    w.run(seconds(15));
    const times = w.sent().map((sent) => sent.seconds);
    expect(times.length).toBeGreaterThan(20);
    expect(busiest(times)).toBeLessThanOrEqual(20);
  });

  test("who could not be asked for gets SERVFAIL, the others NODATA [DP-123]", () => {
    const { w, queries } = asked(1);
    w.run(seconds(15));
    const names = new Set(w.questions().map((question) => question.split(".")[0]));
    for (const [n, query] of queries.entries()) {
      const wasAsked = names.has(`a-name-that-takes-some-room-in-a-packet-${n}`);
      expect(query.rcode).toBe(wasAsked ? "NOERROR" : "SERVFAIL");
    }
    const failed = queries.filter((query) => query.rcode === "SERVFAIL").length;
    expect(failed).toBeGreaterThan(0);
    expect(w.counts.of("queries-unsent")).toBe(failed);
  });

  test("a second client still gets its share [DP-123]", () => {
    const { w } = asked(2);
    const other = w.ask(`prnt.${hosts} A`, { client: "198.51.100.9" });
    w.run(seconds(7));
    expect(other.rcode).toBe("NOERROR");
    expect(w.questions()).toContain("prnt.local. A");
  });
});

test("1,000 queries of five names from ten clients cost six packets cold, none warm [DP-86]", () => {
  const w = new World();
  const link = w.link("eth0");
  const rich = "Building\\0321.example.com";
  const instances = [0, 1, 2, 3].map((n) => `p${n}._ipp._tcp`);
  link.device(instances.map((name) => `_ipp._tcp.local. 4500 PTR ${name}.local.`).join("\n"));
  for (const name of instances) link.device(`${name}.local. 120 SRV 0 0 631 h.local.`);
  const texts = [`_ipp._tcp.${rich} PTR`, ...instances.map((name) => `${name}.${rich} SRV`)];
  const all = () =>
    Array.from({ length: 1000 }, (_, n) =>
      w.ask(texts[n % 5] as string, { client: `192.0.2.${(n % 10) + 1}` }),
    );
  const cold = all();
  w.run(seconds(1));
  expect(w.sent().length).toBeLessThanOrEqual(6);
  // The device's 20 ms, the delay of a first question, and `gather`.
  expect(Math.max(...cold.map((asked) => asked.took))).toBeLessThanOrEqual(20 + 120 + 200);
  expect(all().every((asked) => asked.took === 0)).toBe(true);
  w.run(seconds(1));
  expect(w.sent()).toEqual([]);
});

describe("an answer that many wait for", () => {
  const rich = "Building\\0321.example.com";
  const instances = 50;

  /** A link full of printers, asked for by so many clients; and how often it is looked at. */
  function waiting(count: number, setting: LinkSetting = {}, ttl = 4500) {
    const w = new World();
    const link = w.link("eth0", setting);
    const asked = Array.from({ length: count }, (_, n) =>
      w.ask(`_${n % 2 === 0 ? "IPP" : "ipp"}._tcp.${rich} PTR`, { client: `192.0.2.${n % 200}` }),
    );
    w.run(ms(150));
    const each = (line: (n: number) => string) =>
      link.says(Array.from({ length: instances }, (_, n) => line(n)).join("\n"));
    each((n) => `p${n}._ipp._tcp.local. 120 SRV 0 0 631 h${n}.local.`);
    each((n) => `h${n}.local. 120 A 203.0.113.${n}`);
    const finds = vi.spyOn(Link.prototype, "find");
    each((n) => `_ipp._tcp.local. ${ttl} PTR p${n}._ipp._tcp.local.`);
    w.run(seconds(1));
    const looks = finds.mock.calls.length;
    finds.mockRestore();
    return { w, link, asked, looks };
  }

  test.each([{}, { served: { gather: ms(0) } }])("is made once, %j [DP-125]", (setting) => {
    const one = waiting(1, setting);
    const many = waiting(300, setting);
    expect(one.looks).toBeGreaterThan(instances);
    // As large as it is, it is judged when it is there and when the gathering is over.
    expect(many.looks).toBeLessThanOrEqual(2 * one.looks);
    for (const asked of many.asked) {
      const { questions, answers, tc } = asked.message;
      expect([tc, answers.length]).toEqual([true, 0]);
      expect(questions[0]?.name.labels[0]).toMatch(/^_ipp$|^_IPP$/);
    }
  });

  test("is made once, even if no TTL lasts until the next one", () => {
    // With no gathering, all are answered at the instant in which the records come.
    const setting = { served: { gather: ms(0) } };
    expect(waiting(100, setting, 5).looks).toBeLessThanOrEqual(2 * waiting(1, setting, 5).looks);
  });

  test("is made anew when the link has changed, or a TTL would be lower [DP-46]", () => {
    const w = new World();
    const link = w.link("eth0");
    const type = "_x._tcp.local.";
    link.says(`${type} 30 PTR a.${type}`, { isUnique: true });
    const spelt = ["_x", "_X"];
    const told = () => {
      spelt.reverse();
      return w.ask(`${spelt[0]}._tcp.${rich} PTR`).message.answers.map((rr) => rr.ttlSeconds);
    };
    expect([told(), told()]).toEqual([[10], [10]]);
    link.says(`${type} 30 PTR b.${type}`);
    expect(told()).toEqual([10, 10]);
    w.run(ms(500));
    link.says(`${type} 0 PTR b.${type}`);
    w.run(ms(1001));
    expect(told()).toEqual([10]);
    w.run(seconds(20));
    expect(told()).toEqual([8]);
    w.run(ms(600));
    expect(told()).toEqual([7]);
  });

  test("is not looked for when another type is heard", () => {
    const w = new World();
    const link = w.link("eth0");
    const [a, any] = [w.ask(`h.${hosts} A`), w.ask(`h.${rich} ANY`)];
    const finds = vi.spyOn(Link.prototype, "find");
    link.says("other.local. 120 A 203.0.113.7\nh.local. 0 A 203.0.113.7");
    expect(finds).not.toHaveBeenCalled();
    link.says('h.local. 120 TXT "a"');
    expect([a.isAnswered, any.isAnswered]).toEqual([false, true]);
    finds.mockClear();
    for (let n = 0; n < 100; n++) link.says(`h.local. 120 TXT "${n}"`);
    expect(finds).not.toHaveBeenCalled();
    finds.mockRestore();
    link.says("h.local. 120 CNAME i.local.\ni.local. 120 A 203.0.113.7");
    expect(a.answers).toHaveLength(2);
  });

  test("is not told to clients who may see less", () => {
    const realms = [
      { name: "east", prefixes: addressList("10.1.0.0/16") },
      { name: "west", prefixes: addressList("10.2.0.0/16") },
    ];
    const w = new World({ proxy: { realms } });
    const link = w.link("eth0", { served: { realm: "east" } });
    const asked = (client: string, name: string) => w.ask(`${name}.${hosts} A`, { client });
    const [east, west] = [asked("10.1.0.1", "h"), asked("10.2.0.1", "H")];
    link.says("h.local. 120 A 10.0.0.7");
    expect([east.answers.length, west.isNodata]).toEqual([1, true]);
    expect([asked("10.1.0.1", "H").answers.length, asked("10.2.0.1", "h").isNodata]).toEqual([
      1,
      true,
    ]);
  });
});

describe("queries that wait", () => {
  test("are bounded in all and per client; one more is SERVFAIL [DP-125]", () => {
    const w = new World({ limits: { queriesWaiting: 5, queriesWaitingPerClient: 3 } });
    w.link("eth0");
    const ask = (n: number, client: string) => w.ask(`n${n}.${hosts} A`, { client });
    const one = [0, 1, 2, 3].map((n) => ask(n, "192.0.2.1"));
    expect(one.map((asked) => asked.isAnswered && asked.rcode)).toEqual([
      false,
      false,
      false,
      "SERVFAIL",
    ]);
    const two = [0, 1, 2].map((n) => ask(n, "192.0.2.2"));
    expect(two.map((asked) => asked.isAnswered && asked.rcode)).toEqual([false, false, "SERVFAIL"]);
    expect(w.counts.of("limits", "queries-waiting-per-client")).toBe(1);
    expect(w.counts.of("limits", "queries-waiting")).toBe(1);
    w.run(seconds(7));
    expect(ask(9, "192.0.2.1").isAnswered).toBe(false);
  });

  test("addresses of one IPv6 /64 are one client", () => {
    const w = new World({ limits: { queriesWaitingPerClient: 1 } });
    w.link("eth0");
    w.ask(`a.${hosts} A`, { client: "2001:db8::1" });
    expect(w.ask(`b.${hosts} A`, { client: "2001:db8::2" }).rcode).toBe("SERVFAIL");
    expect(w.ask(`b.${hosts} A`, { client: "2001:db8:0:1::2" }).isAnswered).toBe(false);
  });

  test("questions of a link are bounded: SERVFAIL [DP-125]", () => {
    const w = new World();
    w.link("eth0", { mdns: { questionsMax: 2 } });
    w.ask(`a.${hosts} A`);
    w.ask(`b.${hosts} A`);
    expect(w.ask(`c.${hosts} A`).rcode).toBe("SERVFAIL");
    expect(w.ask(`b.${hosts} A`, { client: "192.0.2.2" }).isAnswered).toBe(false);
  });
});

test("a flood of announcements: the cache stays bounded, service goes on [DP-125]", () => {
  const w = new World();
  const link = w.link("eth0", { mdns: { cacheRecordsMax: 500 } });
  link.device("prnt.local. 120 A 203.0.113.7", { from: "203.0.113.10" });
  const record = (n: number): RR => ({
    name: parseName(`flood-${n}.local`),
    type: RRType.A,
    class: 0x8001,
    ttlSeconds: 4500,
    rdata: { kind: "a", address: Uint8Array.of(10, n >> 16, (n >> 8) & 255, n & 255) },
  });
  for (let packet = 0; packet < 400; packet++) {
    const answers = Array.from({ length: 25 }, (_, n) => record(packet * 25 + n));
    link.says("", { message: { answers } });
  }
  const { links } = w.engine.dump(w.now) as { links: readonly { records: number }[] };
  expect(links[0]?.records).toBeLessThanOrEqual(500);
  const asked = w.ask(`prnt.${hosts} A`);
  w.run(seconds(1));
  expect(asked.answers).toHaveLength(1);
});

test("remembered silence takes no room among ready answers", () => {
  const w = new World();
  w.link("eth0");
  const ask = () => w.ask(`nobody.${hosts} A`);
  ask();
  w.run(seconds(7));
  expect(ask().isNodata).toBe(true);
  const { queries } = w.engine.dump(w.now) as { queries: { readyAnswers: number } };
  expect(queries.readyAnswers).toBe(0);
});

test("ready answers are bounded in bytes [DP-125]", () => {
  const w = new World({ limits: { answerCache: 20_000 } });
  const link = w.link("eth0");
  for (let n = 0; n < 200; n++) {
    link.says(`h${n}.local. 120 A 203.0.113.7`);
    expect(w.ask(`h${n}.${hosts} A`).answers).toHaveLength(1);
  }
  const { queries } = w.engine.dump(w.now) as { queries: { readyBytes: number } };
  expect(queries.readyBytes).toBeLessThanOrEqual(20_000);
  expect(queries.readyBytes).toBeGreaterThan(0);
});
