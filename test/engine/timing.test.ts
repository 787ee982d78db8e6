// When an ordinary query is answered, and what it costs the link
// (RFC 8766 §5.6): cases 1 and 2, the gathering of browse answers, the memory
// of silence.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { World } from "./story.js";

const rich = "Building\\0321.example.com";
const hosts = "bldg-1.example.com";

/** Seconds at which questions for a name left over one family. */
function sentAt(w: World, question: string, family = "ipv4"): number[] {
  return w
    .sent()
    .filter((sent) => sent.family === family && sent.questions.includes(question))
    .map((sent) => sent.seconds);
}

describe("nothing in the cache", () => {
  test("the link is asked at once, on both families [DP-6] [DP-79] [DP-118]", () => {
    const w = new World();
    w.link("eth0");
    w.ask(`_ipp._tcp.${rich} PTR`);
    w.run(ms(130));
    const sent = w.sent();
    expect(sent.map(({ family }) => family).sort()).toEqual(["ipv4", "ipv6"]);
    for (const one of sent) {
      expect(one.seconds).toBeGreaterThanOrEqual(0.02);
      expect(one.seconds).toBeLessThanOrEqual(0.12);
      // QM, class IN.
      expect(one.message.questions.map((question) => question.class)).toEqual([1]);
      expect(one.questions).toEqual(["_ipp._tcp.local. PTR"]);
    }
  });

  test("three transmissions, no fourth, NODATA [DP-48] [DP-80] [DP-83] [DP-107] [DP-108]", () => {
    const w = new World();
    w.link("eth0");
    const asked = w.ask(`nobody.${hosts} A`);
    w.run(seconds(60));
    expect(asked.took).toBeGreaterThanOrEqual(5800);
    expect(asked.took).toBeLessThanOrEqual(6200);
    expect(asked.isNodata).toBe(true);
    expect(asked.message.aa).toBe(true);
    expect(asked.authorities).toEqual([
      `${hosts}. 10 IN SOA px.example.net. hostmaster.example.net. 0 7200 3600 86400 10`,
    ]);
    const sent = w.sent();
    for (const family of ["ipv4", "ipv6"]) {
      const times = sent.filter((one) => one.family === family).map((one) => one.seconds);
      expect(times).toHaveLength(3);
      const [first = 0, second = 0, third = 0] = times;
      expect(first).toBeLessThan(0.13);
      expect(second - first).toBeGreaterThanOrEqual(1);
      expect(third - second).toBeGreaterThanOrEqual(2);
      expect(third).toBeLessThan(6);
    }
  });

  test("the first positive packet ends the wait [DP-81]", () => {
    const w = new World();
    const link = w.link("eth0");
    const delay = ms(400);
    link.device("Printer._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.", { delay });
    const asked = w.ask(`Printer._ipp._tcp.${rich} SRV`);
    w.run(seconds(1));
    expect(asked.took).toBeGreaterThanOrEqual(420);
    expect(asked.took).toBeLessThanOrEqual(550);
    expect(asked.answers).toEqual([`Printer._ipp._tcp.${rich}. 10 IN SRV 0 0 631 prnt.${hosts}.`]);
  });

  test("an unsolicited answer in the additional section counts [DP-81] [DP-140]", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`prnt.${hosts} A`);
    w.run(ms(10));
    link.says("_x._tcp.local. 120 PTR a._x._tcp.local.", {
      additional: "prnt.local. 120 A 203.0.113.7",
      message: { id: 0x1234 },
    });
    expect(asked.answers).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
  });

  test("a goodbye is no answer [DP-85]", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`prnt.${hosts} A`);
    w.run(ms(200));
    link.says("prnt.local. 0 A 203.0.113.7");
    w.run(seconds(5));
    expect(asked.isAnswered).toBe(false);
    w.run(seconds(1));
    expect(asked.isNodata).toBe(true);
  });
});

describe("browsing", () => {
  const two = (w: World, gather?: number) => {
    const served = gather === undefined ? {} : { gather: ms(gather) };
    const link = w.link("eth0", { served });
    link.device("_ipp._tcp.local. 4500 PTR A._ipp._tcp.local.", { delay: ms(100) });
    link.device("_ipp._tcp.local. 4500 PTR B._ipp._tcp.local.", {
      delay: ms(200),
      from: "203.0.113.10",
    });
    return w.ask(`_ipp._tcp.${rich} PTR`);
  };
  const a = `_ipp._tcp.${rich}. 10 IN PTR A._ipp._tcp.${rich}.`;
  const b = `_ipp._tcp.${rich}. 10 IN PTR B._ipp._tcp.${rich}.`;

  test("gathers for 0.2 s after the first answer [DP-72] [DP-82]", () => {
    const w = new World();
    const first = two(w);
    w.run(seconds(1));
    expect(first.answers).toEqual([a, b]);
    expect(first.took).toBeGreaterThanOrEqual(320);
    expect(first.took).toBeLessThanOrEqual(430);
  });

  test("gather = 0: the first packet alone, the rest for the next query [DP-82]", () => {
    const w = new World();
    const first = two(w, 0);
    w.run(seconds(1));
    expect(first.answers).toEqual([a]);
    expect(first.took).toBeLessThanOrEqual(230);
    w.sent();
    const second = w.ask(`_ipp._tcp.${rich} PTR`);
    expect(second.answers).toEqual([a, b]);
    w.run(seconds(1));
    expect(w.sent()).toEqual([]);
  });

  test("who asks while others gather is answered with them [DP-86]", () => {
    const w = new World();
    const first = two(w);
    w.run(ms(270));
    expect(first.isAnswered).toBe(false);
    const late = w.ask(`_ipp._tcp.${rich} PTR`);
    expect(late.isAnswered).toBe(false);
    w.run(seconds(1));
    expect(late.answers).toEqual([a, b]);
    expect(late.answeredAt).toBe(first.answeredAt);
  });

  test("gathering ends with the wait at the latest [DP-83]", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`_ipp._tcp.${rich} PTR`);
    w.run(ms(5950));
    link.says("_ipp._tcp.local. 4500 PTR A._ipp._tcp.local.");
    w.run(ms(60));
    expect(asked.answers).toEqual([a]);
  });

  test("an answer taken back while gathering does not end the wait [DP-85]", () => {
    const w = new World();
    const link = w.link("eth0", { served: { gather: seconds(2) } });
    const asked = w.ask(`_ipp._tcp.${rich} PTR`);
    w.run(ms(200));
    link.says("_ipp._tcp.local. 4500 PTR A._ipp._tcp.local.");
    link.says("_ipp._tcp.local. 0 PTR A._ipp._tcp.local.");
    w.run(seconds(5));
    expect(asked.isAnswered).toBe(false);
    w.run(seconds(1));
    expect(asked.isNodata).toBe(true);
  });
});

describe("something in the cache", () => {
  test("is told at once, and nothing is asked: one cache for all clients [DP-9] [DP-84]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("prnt.local. 120 A 203.0.113.7");
    w.ask(`prnt.${hosts} A`, { client: "192.0.2.1" });
    w.run(seconds(2));
    w.sent();
    const second = w.ask(`prnt.${hosts} A`, { client: "198.51.100.2" });
    expect(second.took).toBe(0);
    expect(second.answers).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
    w.run(seconds(10));
    expect(w.sent()).toEqual([]);
  });

  test("nobody asks: ten minutes of silence, and no refreshing either [DP-8] [DP-136]", () => {
    const w = new World();
    const link = w.link("eth0");
    w.run(seconds(600));
    expect(w.sent()).toEqual([]);
    link.device("prnt.local. 120 A 203.0.113.7");
    w.ask(`prnt.${hosts} A`);
    w.run(seconds(1));
    w.sent();
    w.run(seconds(600));
    expect(w.sent()).toEqual([]);
  });
});

describe("many who ask the same", () => {
  test("share one series and its end [DP-86]", () => {
    const w = new World();
    w.link("eth0");
    const asked = Array.from({ length: 10 }, (_, index) =>
      w.ask(`nobody.${hosts} A`, { client: `192.0.2.${index + 1}` }),
    );
    w.run(seconds(3));
    const late = w.ask(`nobody.${hosts} A`);
    w.run(seconds(4));
    expect(sentAt(w, "nobody.local. A")).toHaveLength(3);
    for (const one of [...asked, late]) {
      expect(one.isNodata).toBe(true);
      expect(one.answeredAt).toBe(late.answeredAt);
    }
  });

  test("a retransmission is not a new query [DP-86]", () => {
    const w = new World();
    const link = w.link("eth0");
    const first = w.ask(`prnt.${hosts} A`, { id: 77, port: 4444 });
    w.run(seconds(1));
    const again = w.ask(`prnt.${hosts} A`, { id: 77, port: 4444 });
    w.run(ms(100));
    link.says("prnt.local. 120 A 203.0.113.7");
    w.run(seconds(10));
    expect(first.replies + again.replies).toBe(1);
    expect(w.counts.of("drops", "query-retransmission")).toBe(1);
  });
});

describe("silence is remembered", () => {
  test("for ten seconds [DP-87]", () => {
    const w = new World();
    w.link("eth0");
    w.ask(`nobody.${hosts} A`);
    w.run(ms(6500));
    w.sent();
    const retry = w.ask(`nobody.${hosts} A`);
    expect(retry.took).toBe(0);
    expect(retry.isNodata).toBe(true);
    w.run(seconds(9));
    expect(w.ask(`nobody.${hosts} A`).took).toBe(0);
    expect(w.sent()).toEqual([]);
    w.run(seconds(1));
    const later = w.ask(`nobody.${hosts} A`);
    w.run(ms(200));
    expect(later.isAnswered).toBe(false);
    expect(sentAt(w, "nobody.local. A")).toHaveLength(1);
  });

  test("until any record of the name is heard [DP-87]", () => {
    const w = new World();
    const link = w.link("eth0");
    w.ask(`prnt.${hosts} A`);
    w.ask(`prnt.${hosts} AAAA`);
    w.run(ms(6500));
    link.says("prnt.local. 120 A 203.0.113.7");
    expect(w.ask(`prnt.${hosts} A`).answers).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
    w.sent();
    w.ask(`prnt.${hosts} AAAA`);
    w.run(ms(200));
    expect(sentAt(w, "prnt.local. AAAA")).toHaveLength(1);
  });

  test("not longer than ttl says [DP-87]", () => {
    const w = new World();
    w.link("eth0", { served: { ttlSeconds: 2 } });
    w.ask(`nobody.${hosts} A`);
    w.run(ms(7900));
    expect(w.ask(`nobody.${hosts} A`).took).toBe(0);
    w.run(ms(300));
    expect(w.ask(`nobody.${hosts} A`).isAnswered).toBe(false);
  });

  test("a type that is kept warm and stays silent is NODATA at once [DP-87]", () => {
    const w = new World();
    w.link("eth0", { warm: ["_ipp._tcp"] });
    w.run(seconds(3));
    const early = w.ask(`_ipp._tcp.${rich} PTR`);
    expect(early.isAnswered).toBe(false);
    w.run(ms(3200));
    expect(early.isNodata).toBe(true);
    expect(early.took).toBeLessThanOrEqual(3200);
    w.run(seconds(20));
    expect(w.ask(`_ipp._tcp.${rich} PTR`).took).toBe(0);
  });
});

describe("CNAME", () => {
  const alias = "thing.local. 120 CNAME prnt.local.";
  const cname = `thing.${hosts}. 10 IN CNAME prnt.${hosts}.`;
  const address = `prnt.${hosts}. 10 IN A 203.0.113.7`;

  test("with its target's addresses, asked for in turn [DP-37] [DP-44]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device(alias);
    link.device("prnt.local. 120 A 203.0.113.7", { from: "203.0.113.10" });
    const asked = w.ask(`thing.${hosts} A`);
    w.run(seconds(1));
    expect(asked.answers).toEqual([cname, address]);
  });

  test("alone when the target stays silent, within the six seconds [DP-44]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device(alias, { delay: ms(500) });
    const asked = w.ask(`thing.${hosts} A`);
    w.run(seconds(7));
    expect(asked.answers).toEqual([cname]);
    expect(asked.rcode).toBe("NOERROR");
    expect(asked.took).toBeLessThanOrEqual(6000);
    expect(asked.took).toBeGreaterThan(5900);
  });

  test("is a positive answer to any type [DP-44]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.says(alias);
    expect(w.ask(`thing.${hosts} CNAME`).answers).toEqual([cname]);
    link.says("prnt.local. 120 A 203.0.113.7\nprnt.local. 120 NSEC prnt.local. A");
    expect(w.ask(`thing.${hosts} A`).answers).toEqual([cname, address]);
    const denied = w.ask(`thing.${hosts} AAAA`);
    expect(denied.answers).toEqual([cname]);
    expect(denied.message.authorities).toHaveLength(1);
  });

  test("with a target in the other zone: the SOA is of the zone that denies [DP-108]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.says(`${alias}\nprnt.local. 120 A 203.0.113.7\nprnt.local. 120 NSEC prnt.local. A`);
    const denied = w.ask(`thing.${rich} AAAA`);
    expect(denied.answers).toEqual([`thing.${rich}. 10 IN CNAME prnt.${hosts}.`]);
    expect(denied.authorities.map((rr) => rr.split(" ")[0])).toEqual([`${hosts}.`]);
  });
});
