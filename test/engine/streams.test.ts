// DNS over TCP (RFC 7766): framing, pipelining, answers out of order, the idle
// limit, half-closed connections, limits.

import { describe, expect, test } from "vitest";
import { pipelinedMax } from "../../src/limits.js";
import { ms, seconds } from "../../src/time.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { example } from "../dso/examples.js";
import { World, type WorldSetting } from "./story.js";
import { queryBytes } from "./story-clients.js";

const rich = "Building\\0321.example.com";
const hosts = "bldg-1.example.com";

function world(setting: WorldSetting = {}) {
  const w = new World(setting);
  const link = w.link("eth0");
  return { w, link };
}

describe("messages", () => {
  test("the same answer over UDP and TCP, on the connection that asked [DP-4] [TCP-01]", () => {
    const { w, link } = world();
    link.says("prnt.local. 120 A 203.0.113.7");
    const [first, second] = [w.connect(), w.connect()];
    const overUdp = w.ask(`prnt.${hosts} A`);
    first.ask(`prnt.${hosts} A`);
    expect(first.received[0]?.message.answers).toEqual(overUdp.message.answers);
    expect(second.received).toEqual([]);
  });

  test("length and message leave in one piece [TCP-02] [TCP-04]", () => {
    const { w } = world();
    const tcp = w.connect();
    tcp.ask(`${hosts} SOA`);
    const [write = new Uint8Array()] = tcp.writes;
    expect(((write[0] ?? 0) << 8) | (write[1] ?? 0)).toBe(write.length - 2);
    expect(tcp.writes).toHaveLength(1);
  });

  test("arrive in any pieces [TCP-03]", () => {
    const { w } = world();
    const tcp = w.connect();
    for (const byte of encodeFrame(queryBytes(`${hosts} SOA`))) {
      tcp.sendRaw(Uint8Array.of(byte));
      w.run(ms(50));
    }
    expect(tcp.received).toHaveLength(1);
    tcp.ask(`${hosts} SOA`, `${hosts} NS`, `${rich} SOA`);
    expect(tcp.received).toHaveLength(4);
  });

  test.each(["0000", "0005 0102030405", "000b 0000000000000000000000"])(
    "a length of less than a header ends the connection: %s [TCP-02]",
    (bytes) => {
      const { w } = world();
      const tcp = w.connect();
      tcp.sendRaw(Buffer.from(bytes.replace(" ", ""), "hex"));
      expect(tcp.closed).toBe("abort");
      expect(tcp.received).toEqual([]);
    },
  );

  test("fifty at once are all answered [TCP-05]", () => {
    const { w } = world();
    const tcp = w.connect();
    tcp.send(...Array.from({ length: 50 }, (_, n) => queryBytes(`${hosts} SOA`, { id: n + 1 })));
    expect(new Set(tcp.received.map(({ message }) => message.id)).size).toBe(50);
  });

  test("a query that waits does not hold up the next one [DP-114] [TCP-06]", () => {
    const { w } = world();
    const tcp = w.connect();
    tcp.ask(`nobody.${hosts} A`, `${hosts} SOA`);
    expect(tcp.received.map(({ message }) => message.id)).toEqual([2]);
    w.run(seconds(7));
    expect(tcp.received.map(({ message }) => message.id)).toEqual([2, 1]);
    expect(tcp.received[1]?.seconds).toBeGreaterThan(5.8);
  });

  test("the idle limit is told to who speaks EDNS [EDNS-08] [EDNS-09]", () => {
    const { w } = world({ limits: { tcpIdle: seconds(30) } });
    const tcp = w.connect();
    const keepalive = { code: 11, bytes: new Uint8Array(0) };
    tcp.send(queryBytes(`${hosts} SOA`, { edns: { options: [keepalive] } }));
    const [option] = tcp.received[0]?.message.edns?.options ?? [];
    expect(option && [option.code, Buffer.from(option.bytes).toString("hex")]).toEqual([
      11,
      "012c",
    ]);
    expect(w.ask(`${hosts} SOA`, { edns: { options: [keepalive] } }).message.edns?.options).toEqual(
      [],
    );
  });

  test("answers of more than a datagram leave whole [DP-113]", () => {
    const { w, link } = world();
    const name = (n: number) => `printer-with-a-rather-long-name-${n}._ipp._tcp.local.`;
    const rrs = Array.from({ length: 40 }, (_, n) => `_ipp._tcp.local. 4500 PTR ${name(n)}`);
    link.says(rrs.join("\n"), { isUnique: true });
    for (const edns of [undefined, {}, { udpSize: 512 }, { udpSize: 0 }]) {
      const asked = w.ask(`_ipp._tcp.${rich} PTR`, edns === undefined ? {} : { edns });
      expect(asked.message.tc).toBe(true);
      expect(asked.reply?.length).toBeLessThanOrEqual(
        edns?.udpSize === undefined && edns ? 1232 : 512,
      );
      expect(asked.message.edns === undefined).toBe(edns === undefined);
    }
    const tcp = w.connect();
    tcp.ask(`_ipp._tcp.${rich} PTR`);
    expect(tcp.received[0]?.message.answers).toHaveLength(40);
    expect(tcp.received[0]?.message.tc).toBe(false);
  });
});

describe("the end of a connection", () => {
  test("comes when nothing was asked for the idle limit [TCP-07]", () => {
    const { w } = world();
    const silent = w.connect();
    const tcp = w.connect();
    w.run(seconds(3));
    tcp.ask(`${hosts} SOA`);
    w.run(seconds(30));
    expect(silent.closedSeconds).toBe(10);
    expect(tcp.closedSeconds).toBe(13);
  });

  test("is not put off by single bytes [TCP-08]", () => {
    const { w } = world();
    const tcp = w.connect();
    for (const byte of encodeFrame(queryBytes(`a-long-name-of-its-own.${hosts} SOA`)).subarray(
      0,
      30,
    )) {
      if (tcp.closed === undefined) tcp.sendRaw(Uint8Array.of(byte));
      w.run(seconds(1));
    }
    expect(tcp.closedSeconds).toBe(10);
  });

  test("waits for the answers that are due [DP-114] [TCP-07]", () => {
    const { w } = world({ limits: { tcpIdle: seconds(2) } });
    const tcp = w.connect();
    tcp.ask(`nobody.${hosts} A`);
    w.run(seconds(20));
    expect(tcp.received).toHaveLength(1);
    expect(tcp.closedSeconds).toBeGreaterThan(7.8);
    expect(tcp.closedSeconds).toBeLessThan(8.2);
  });

  test("after the client's half: what is due is sent first [TCP-09]", () => {
    const { w } = world();
    const tcp = w.connect();
    tcp.ask(`nobody.${hosts} A`);
    tcp.end();
    expect(tcp.closed).toBeUndefined();
    w.run(seconds(7));
    expect(tcp.received).toHaveLength(1);
    expect(tcp.closedSeconds).toBeLessThan(6.2);
    const idle = w.connect();
    idle.end();
    expect(idle.closed).toBe("close");
  });

  test("by the client: its queries are dropped, their questions end [TCP-09]", () => {
    const { w } = world();
    const tcp = w.connect();
    tcp.ask(`nobody.${hosts} A`);
    w.run(ms(200));
    tcp.leave();
    w.sent();
    w.run(seconds(10));
    expect(tcp.received).toEqual([]);
    expect(w.sent()).toEqual([]);
  });

  test("is a reset when the client does not follow", () => {
    const { w } = world();
    const [polite, stubborn] = [w.connect(), w.connect()];
    stubborn.isStubborn = true;
    w.run(seconds(10));
    expect([polite.closed, stubborn.closed]).toEqual(["close", "close"]);
    w.run(seconds(6));
    expect([polite.closed, stubborn.closed]).toEqual(["close", "abort"]);
  });
});

describe("limits", () => {
  test("unanswered queries: the stream is not read for a while", () => {
    const { w } = world();
    const tcp = w.connect();
    const names = Array.from({ length: pipelinedMax + 50 }, (_, n) => `nobody-${n}.${hosts} A`);
    tcp.send(...names.map((name, n) => queryBytes(name, { id: n + 1 })));
    expect(tcp.isPaused).toBe(true);
    w.run(seconds(7));
    expect(tcp.isPaused).toBe(false);
    w.run(seconds(7));
    expect(tcp.received).toHaveLength(pipelinedMax + 50);
    expect(tcp.received.every(({ message }) => message.rcode === 0 || message.rcode === 2)).toBe(
      true,
    );
  });

  test("large answers: others have their turn before the next of them", () => {
    const { w, link } = world();
    const name = (n: number) => `printer-with-a-rather-long-name-${n}._ipp._tcp.local.`;
    for (let n = 0; n < 1000; n += 100) {
      const rrs = Array.from(
        { length: 100 },
        (_, at) => `_ipp._tcp.local. 4500 PTR ${name(n + at)}`,
      );
      link.says(rrs.join("\n"), { isUnique: n === 0 });
    }
    const tcp = w.connect();
    const count = 300;
    const query = (n: number) => queryBytes(`_ipp._tcp.${rich} PTR`, { id: n + 1 });
    tcp.send(...Array.from({ length: count }, (_, n) => query(n)));
    const size = tcp.writes[0]?.length ?? 0;
    expect(size).toBeGreaterThan(40_000);
    expect(tcp.received.length).toBeLessThan(10);
    // What is left waits for the next turn, not for more to arrive; nothing else is read.
    expect(tcp.isPaused).toBe(true);
    tcp.end();
    expect(w.ask(`${hosts} SOA`).isAnswered).toBe(true);
    const before = tcp.received.length;
    w.input({ kind: "deadline" });
    expect(tcp.received.length).toBeGreaterThan(before);
    expect(tcp.received.length).toBeLessThan(before + 10);
    w.run(ms(10));
    expect(new Set(tcp.received.map(({ message }) => message.id)).size).toBe(count);
    expect(tcp.closed).toBe("close");
  });

  test("who reads slowly is not written to ahead of its bound [TCP-05] [PUSH-38]", () => {
    const { w } = world();
    const tcp = w.connect();
    const state = (kind: "stream-blocked" | "stream-drained") =>
      w.input({ kind, stream: tcp.stream });
    const count = 2000;
    state("stream-blocked");
    tcp.send(...Array.from({ length: count }, (_, n) => queryBytes("x.example A", { id: n + 1 })));
    w.run(ms(100));
    // One turn; without a bound there would be no end to it.
    const first = tcp.received.length;
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThan(300);
    expect([tcp.isPaused, tcp.closed]).toEqual([true, undefined]);
    state("stream-drained");
    w.run(ms(100));
    expect(new Set(tcp.received.map(({ message }) => message.id)).size).toBe(count);
    expect(tcp.isPaused).toBe(false);
  });

  test("who reads nothing any more is idle [TCP-07]", () => {
    const { w } = world();
    const tcp = w.connect();
    w.input({ kind: "stream-blocked", stream: tcp.stream });
    tcp.send(...Array.from({ length: 2000 }, (_, n) => queryBytes("x.example A", { id: n + 1 })));
    tcp.end();
    w.run(seconds(9));
    expect(tcp.closed).toBeUndefined();
    w.run(seconds(2));
    expect(tcp.closed).toBe("close");
  });

  test("small answers, too: one piece of bytes holds thousands of queries", () => {
    const { w } = world();
    const tcp = w.connect();
    const count = 2000;
    tcp.send(...Array.from({ length: count }, (_, n) => queryBytes("x.example A", { id: n + 1 })));
    expect(tcp.received.length).toBeLessThan(300);
    w.run(ms(10));
    expect(tcp.received).toHaveLength(count);
    expect(tcp.isPaused).toBe(false);
    w.run(seconds(11));
    expect(tcp.closed).toBe("close");
  });

  test("connections, in all and per client: the newest is closed [TCP-10]", () => {
    const { w } = world({ limits: { connections: 4, connectionsPerClient: 2 } });
    const [a, b, c] = [w.connect("192.0.2.1"), w.connect("192.0.2.1"), w.connect("192.0.2.1")];
    expect([a, b, c].map((tcp) => tcp.closed)).toEqual([undefined, undefined, "close"]);
    c.leave();
    const [d, e, f] = [w.connect("192.0.2.2"), w.connect("2001:db8::1"), w.connect("192.0.2.3")];
    expect([d, e, f].map((tcp) => tcp.closed)).toEqual([undefined, undefined, "close"]);
    a.ask(`${hosts} SOA`);
    expect(a.received).toHaveLength(1);
    f.leave();
    a.leave();
    expect(w.connect("192.0.2.4").closed).toBeUndefined();
    expect(w.counts.of("limits", "connections")).toBe(2);
  });

  test("one too many is served nothing, and is not kept for its talk [TCP-10] [DSO-43]", () => {
    const { w } = world({ limits: { connections: 9, connectionsPerClient: 1 } });
    const early = w.connectTls();
    const [asking, talking] = [w.connectTls(), w.connectTls()];
    asking.ask(`${hosts} SOA`);
    early.ask(`${hosts} SOA`);
    expect([asking.received, asking.closed, early.received.length]).toEqual([[], "close", 1]);
    for (let second = 0; second < 12; second++) {
      if (talking.closed === undefined) talking.send(example("E05"));
      w.run(seconds(1));
    }
    expect([talking.closed, talking.closedSeconds]).toEqual(["close", 10]);
  });

  test("those who are turned away leave room for others [TCP-10]", () => {
    const { w } = world({ limits: { connections: 3, connectionsPerClient: 1 } });
    for (let at = 0; at < 9; at++) w.connectTls("192.0.2.1");
    const others = [w.connect("192.0.2.2"), w.connectTls("192.0.2.3"), w.connect("192.0.2.4")];
    for (const one of others) if (one.closed === undefined) one.ask(`${hosts} SOA`);
    expect(others.map(({ received }) => received.length)).toEqual([1, 1, 0]);
  });
});
