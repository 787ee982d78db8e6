// Several links, links that come and go, addresses that change, configurations
// that change, and the end (RFC 8766 §5.1, §8; RFC 6762 §10.3, §14).

import { describe, expect, test } from "vitest";
import { type Prefix, parseAddress, parsePrefix } from "../../src/address.js";
import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { World } from "./story.js";

const hosts = "bldg-1.example.com";
const rich = "Building\\0321.example.com";

/** Two links on the same subnet, with zones a.example and b.example. */
function two() {
  const w = new World();
  const a = w.link("eth0", { service: "a.example", reverse: [] });
  const b = w.link("eth1", { service: "b.example", reverse: [] });
  return { w, a, b };
}

describe("two links", () => {
  test("a question goes to its own link alone [DP-3]", () => {
    const { w, a, b } = two();
    w.ask("prnt.a.example A");
    w.run(seconds(7));
    expect(a.sent()).not.toEqual([]);
    expect(b.sent()).toEqual([]);
  });

  test("equal names are apart, whatever address they came from [DP-119] [DP-120]", () => {
    const { w, a, b } = two();
    a.says("prnt.local. 120 A 203.0.113.7", { from: "203.0.113.9" });
    b.says("prnt.local. 120 A 203.0.113.8", { from: "203.0.113.9" });
    expect(w.ask("prnt.a.example A").answers).toEqual(["prnt.a.example. 10 IN A 203.0.113.7"]);
    expect(w.ask("prnt.b.example A").answers).toEqual(["prnt.b.example. 10 IN A 203.0.113.8"]);
    a.says("only-a.local. 120 A 203.0.113.7");
    expect(w.ask("only-a.b.example A").isAnswered).toBe(false);
  });

  test("each has a rate of its own [DP-119]", () => {
    const { w, a, b } = two();
    for (let n = 0; n < 100; n++) w.ask(`n${n}.a.example A`);
    w.ask("prnt.b.example A");
    w.run(ms(200));
    expect(b.questions()).toEqual(["prnt.local. A"]);
    expect(a.sent().length).toBeGreaterThan(0);
  });
});

describe("both families", () => {
  test("are asked, and what either says is one zone [DP-118]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("_x._tcp.local. 120 PTR four._x._tcp.local.", { family: "ipv4" });
    link.device("_x._tcp.local. 120 PTR six._x._tcp.local.", { family: "ipv6" });
    const asked = w.ask(`_x._tcp.${rich} PTR`);
    w.run(seconds(1));
    expect(asked.answers.map((text) => text.split(" PTR ")[1]).sort()).toEqual([
      `four._x._tcp.${rich}.`,
      `six._x._tcp.${rich}.`,
    ]);
  });
});

describe("a link that goes down", () => {
  test("fails what waits for it, and forgets what it said [DP-121]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.says("prnt.local. 120 A 203.0.113.7");
    expect(w.ask(`prnt.${hosts} A`).answers).toHaveLength(1);
    const asked = w.ask(`nobody.${hosts} A`);
    w.run(seconds(1));
    link.down();
    expect(asked.rcode).toBe("SERVFAIL");
    expect(w.ask(`prnt.${hosts} A`).rcode).toBe("SERVFAIL");
    // What needs no link is answered all the same.
    expect(w.ask(`${hosts} SOA`).rcode).toBe("NOERROR");
    link.up();
    w.sent();
    const again = w.ask(`prnt.${hosts} A`);
    expect(again.isAnswered).toBe(false);
    w.run(ms(200));
    expect(link.questions()).toEqual(["prnt.local. A"]);
  });

  test("has not been up yet: SERVFAIL, or static records", () => {
    const w = new World();
    w.link("eth0", { isDown: true });
    expect(w.ask(`prnt.${hosts} A`).rcode).toBe("SERVFAIL");
    expect(w.ask(`lb._dns-sd._udp.${rich} PTR`).answers).toHaveLength(1);
  });

  test("asks anew what is kept warm when it is up again [DP-121]", () => {
    const w = new World();
    const link = w.link("eth0", { warm: ["_ipp._tcp"] });
    w.run(seconds(100));
    link.down();
    w.sent();
    w.run(seconds(100));
    expect(w.sent()).toEqual([]);
    link.up();
    w.run(ms(200));
    expect(link.questions()).toEqual(["_ipp._tcp.local. PTR"]);
  });

  test("another address: what waits keeps waiting [DP-121]", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`prnt.${hosts} A`);
    w.run(seconds(2));
    link.up([parsePrefix("198.51.100.9/24") as Prefix]);
    w.run(ms(500));
    expect(asked.isAnswered).toBe(false);
    link.says("prnt.local. 120 A 198.51.100.7");
    expect(asked.answers).toEqual([`prnt.${hosts}. 10 IN A 198.51.100.7`]);
  });

  test("another address as the wait ends: asked is asked, and nobody answered [DP-123]", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`prnt.${hosts} A`);
    w.run(ms(5995));
    expect(link.questions()).not.toEqual([]);
    link.up([parsePrefix("198.51.100.9/24") as Prefix]);
    w.run(ms(10));
    expect([asked.rcode, asked.answers]).toEqual(["NOERROR", []]);
    // That silence was not the new place's: who asks again waits for it.
    expect(w.ask(`prnt.${hosts} A`).isAnswered).toBe(false);
  });
});

describe("another configuration", () => {
  test("leaves caches and waiting queries of links that stay alone", () => {
    const { w, a } = two();
    a.says("prnt.local. 120 A 203.0.113.7");
    const [onA, onB] = [w.ask("nobody.a.example A"), w.ask("nobody.b.example A")];
    w.run(seconds(1));
    w.unlink("eth1");
    expect(onB.isAnswered).toBe(true);
    expect(["SERVFAIL", "REFUSED"]).toContain(onB.rcode);
    w.sent();
    expect(w.ask("prnt.a.example A").answers).toHaveLength(1);
    expect(w.ask("prnt.b.example A").rcode).toBe("REFUSED");
    a.says("nobody.local. 120 A 203.0.113.9");
    expect(onA.answers).toHaveLength(1);
  });

  test("takes effect at once, ready answers or not", () => {
    const w = new World();
    const link = w.link("eth0");
    link.says("prnt.local. 120 A 203.0.113.7");
    const ttl = () => w.ask(`prnt.${hosts} A`).message.answers[0]?.ttlSeconds;
    expect([ttl(), ttl()]).toEqual([10, 10]);
    link.set({ served: { ttlSeconds: 5 } });
    w.reconfigure();
    expect(ttl()).toBe(5);
    w.reconfigure({ proxy: { hostname: parseName("other.example.net") } });
    expect(w.ask(`${hosts} NS`).answers).toEqual([`${hosts}. 5 IN NS other.example.net.`]);
  });

  test("answers a waiting query whose zone or right is gone with REFUSED", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`prnt.${hosts} A`);
    const other = w.ask(`prnt.${rich} A`);
    link.set({ service: "Building 1.example.com", host: "elsewhere.example" });
    w.reconfigure();
    expect(asked.rcode).toBe("REFUSED");
    expect(other.isAnswered).toBe(false);
    link.set({ served: { allow: [] } });
    w.reconfigure();
    expect(other.rcode).toBe("REFUSED");
  });

  test("brings links: they are used from the moment they are up", () => {
    const w = new World();
    w.link("eth0");
    w.ask(`${hosts} SOA`);
    const late = w.link("eth1", { service: "late.example", reverse: [] });
    late.says("prnt.local. 120 A 203.0.113.7");
    expect(w.ask("prnt.late.example A").answers).toHaveLength(1);
  });
});

describe("announce", () => {
  test("tells browse domains on its own link, to a one-shot querier by unicast [DP-26] [DP-31]", () => {
    const w = new World();
    const lb = [parseName(hosts)];
    const link = w.link("eth0", { mdns: { announce: { b: [], db: [], lb } } });
    const other = w.link("eth1", { service: "b.example", reverse: [] });
    w.run(seconds(20));
    w.effects.length = 0;
    const from = { from: "203.0.113.50", port: 40_000, message: { id: 0x4711 } };
    link.asks("lb._dns-sd._udp.local PTR", from);
    other.asks("lb._dns-sd._udp.local PTR", from);
    w.run(seconds(1));
    const sent = w.effects.filter((effect) => effect.kind === "multicast");
    expect(sent.map((effect) => [effect.link, effect.to])).toEqual([
      ["eth0", { address: parseAddress("203.0.113.50"), port: 40_000 }],
    ]);
    const { message } = link.sent().at(-1)!;
    expect(message.id).toBe(0x4711);
    expect(message.answers.map(formatRR)).toEqual([`lb._dns-sd._udp.local. 10 IN PTR ${hosts}.`]);
  });

  test("tells nothing to port 0, to which nothing can be sent", () => {
    const w = new World();
    const lb = [parseName(hosts)];
    const link = w.link("eth0", { mdns: { announce: { b: [], db: [], lb } } });
    w.run(seconds(20));
    link.sent();
    link.asks("lb._dns-sd._udp.local PTR", { from: "203.0.113.50", port: 0 });
    w.run(seconds(1));
    expect(link.sent()).toEqual([]);
    expect(w.counts.of("drops", "mdns-source-port")).toBe(1);
  });
});

describe("the end", () => {
  test("answers what waits, says goodbye, and then nothing any more", () => {
    const w = new World();
    const lb = [parseName("bldg-1.example.com")];
    const link = w.link("eth0", { mdns: { announce: { b: [], db: [], lb } } });
    w.run(seconds(20));
    const asked = w.ask(`prnt.${hosts} A`);
    const [idle, waiting] = [w.connect(), w.connect()];
    waiting.ask(`prnt.${hosts} A`);
    w.sent();
    w.input({ kind: "stop" });
    expect(asked.rcode).toBe("SERVFAIL");
    expect(waiting.received.map(({ message }) => message.rcode)).toEqual([2]);
    expect([idle.closed, waiting.closed]).toEqual(["close", "close"]);
    w.run(seconds(2));
    expect(w.engine.nextDeadline()).toBeUndefined();
    const [goodbye] = link.sent();
    expect(goodbye?.message.answers.map((rr) => rr.ttlSeconds)).toEqual([0]);
    expect(w.ask(`${hosts} TXT`).isAnswered).toBe(false);
    link.says("prnt.local. 120 A 203.0.113.7");
    expect(link.sent()).toEqual([]);
  });
});
