// DNS Push Notifications (RFC 8765) through the whole engine: sessions beside
// ordinary queries on one stream, subscribers of what devices say, limits, slow
// readers, reconfiguration, the end. Single messages are test/push's affair.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { example } from "../dso/examples.js";
import { toHex } from "../wire/captures.js";
import { Client, foyer, gone, lobby, rcodes, scene, type } from "./push-client.js";
import { queryBytes } from "./story-clients.js";

describe("a session beside ordinary queries", () => {
  test("SUBSCRIBE, its answer at once, what is known, what comes and goes [PRX-01] [DP-91] [DP-93]", () => {
    const { w, link } = scene();
    const client = new Client(w.connectTls());
    client.subscribe(0x102);
    expect(client.heard()).toEqual([toHex(example("E21")), toHex(example("E03"))]);
    w.run(seconds(1));
    expect(link.questions()).toContain("_ipp._tcp.local. PTR");
    link.says(lobby);
    expect(client.news()).toEqual([[`+ ${type}. 4500 PTR Lobby.${type}.`]]);
    const late = new Client(w.connectTls("192.0.2.2")).subscribe(0x102);
    expect(late.heard()).toEqual((["E21", "E03", "E23"] as const).map((id) => toHex(example(id))));
    late.subscriber.news();
    w.run(seconds(1));
    link.says(gone(lobby));
    w.run(ms(1100));
    expect(client.news()).toEqual([[`-- ${type}. PTR`]]);
    expect(late.news()).toEqual([[`-- ${type}. PTR`]]);
  });

  test("a query in a session is answered, without option 11 [DSO-08] [EDNS-10] [PUSH-05]", () => {
    const { w, link } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    w.run(seconds(1));
    link.says(lobby);
    client.tcp.send(queryBytes(`${type} PTR`, { id: 7, edns: {} }));
    const [answer] = client.tcp.received;
    expect(answer?.message).toMatchObject({ id: 7, aa: true });
    expect(answer?.message.answers.map((rr) => rr.ttlSeconds)).toEqual([10]);
    expect(answer?.message.edns?.options).toEqual([]);
    const plain = w.connectTls();
    plain.send(queryBytes(`${type} PTR`, { id: 7, edns: {} }));
    expect(plain.received[0]?.message.edns?.options.map(({ code }) => code)).toEqual([11]);
  });

  test("option 11 on a session is fatal, before one it is not [EDNS-10]", () => {
    const { w } = scene();
    const client = new Client(w.connectTls());
    client.tcp.send(example("E64"));
    w.run(ms(10));
    expect(client.tcp.received).toHaveLength(1);
    client.tcp.send(example("E01"));
    client.tcp.send(example("E64"));
    expect(client.tcp.closed).toBe("abort");
  });

  test("Keepalive is taken without TLS, SUBSCRIBE is not [PUSH-01] [DSO-04]", () => {
    const { w } = scene();
    const client = new Client(w.connect());
    client.subscribe(0x102);
    expect(rcodes(client.heard())).toEqual(["b005"]);
    client.tcp.send(example("E01"));
    expect(client.heard()).toEqual([toHex(example("E02"))]);
  });

  test("on a listener that is not for Push it is refused [PUSH-14]", () => {
    const { w } = scene();
    const client = new Client(w.connectTls("192.0.2.1", { takesPush: false })).subscribe(1);
    expect(rcodes(client.heard())).toEqual(["b005"]);
  });
});

describe("timers", () => {
  test("a session has its own, and the idle limit does not run [DSO-07] [TCP-07]", () => {
    const { w } = scene({ limits: { tcpIdle: seconds(3) } });
    const plain = w.connectTls();
    const client = new Client(w.connectTls());
    client.tcp.send(example("E01"));
    w.run(seconds(10));
    expect([plain.closed, client.tcp.closed]).toEqual(["close", undefined]);
    w.run(seconds(49));
    expect(client.tcp.closed).toBeUndefined();
    w.run(seconds(2));
    // Twice the 30 s that were granted.
    expect(client.tcp.closed).toBe("abort");
  });

  test("a DSO request that makes no session leaves the idle limit running [DSO-05]", () => {
    const { w } = scene({ limits: { tcpIdle: seconds(3) } });
    const client = new Client(w.connectTls());
    client.tcp.send(example("E05"));
    expect(client.heard()).toEqual([toHex(example("E06"))]);
    w.run(seconds(4));
    expect(client.tcp.closed).toBe("close");
  });

  test("a subscriber may be silent for an hour, and the link is asked on [DSO-29] [DSO-33]", () => {
    const { w, link } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    w.run(seconds(3600));
    expect(client.tcp.closed).toBeUndefined();
    link.says(lobby);
    expect(client.news()).toHaveLength(1);
  });
});

describe("ends", () => {
  test("with the stream its watches end: nobody is asked any more [TLS-13]", () => {
    const { w, link } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    w.run(seconds(2));
    client.tcp.leave();
    expect(w.engine.dump(w.now)).toMatchObject({ push: { sessions: 0, subscriptions: 0 } });
    link.questions();
    w.run(seconds(7200));
    expect(link.questions()).toEqual([]);
  });

  test("a client that shuts its side is closed, and its subscriptions end", () => {
    const { w } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    client.tcp.end();
    expect(client.tcp.closed).toBe("close");
    expect(w.engine.dump(w.now)).toMatchObject({ push: { subscriptions: 0 } });
  });

  test("the daemon stops: Retry Delays that differ, and a reset after 5 s [DSO-41] [DSO-42] [DSO-43] [DSO-44]", () => {
    const { w, link } = scene();
    const clients = [1, 2, 3].map((n) => new Client(w.connectTls(`192.0.2.${n}`)).subscribe(1));
    const plain = w.connectTls();
    for (const client of clients) client.heard();
    w.input({ kind: "stop" });
    const delays = clients.flatMap((client) => client.heard());
    expect(delays.map((text) => text.slice(0, 32))).toEqual(
      clients.map(() => "00003000000000000000000000020004"),
    );
    expect(new Set(delays).size).toBe(3);
    expect(plain.closed).toBe("close");
    link.says(lobby);
    clients[0]?.tcp.end();
    w.run(ms(4900));
    expect(clients.map(({ tcp }) => tcp.closed)).toEqual(["close", undefined, undefined]);
    w.run(ms(200));
    expect(clients.map(({ tcp }) => tcp.closed)).toEqual(["close", "abort", "abort"]);
    expect(clients.flatMap((client) => client.heard())).toEqual([]);
    w.run(seconds(5));
    expect(w.engine.nextDeadline()).toBeUndefined();
  });
});

describe("another configuration", () => {
  test("a zone that is gone ends its subscriptions, others live on [DSO-25]", () => {
    const { w } = scene();
    const other = w.link("eth1", {
      served: { service: parseName("two.example.com"), host: parseName("two.example.com") },
    });
    const client = new Client(w.connectTls())
      .subscribe(1)
      .subscribe(2, "_ipp._tcp.two.example.com");
    client.heard();
    w.unlink("eth0");
    expect(client.heard().map((text) => text.slice(0, 8))).toEqual(["0001b009"]);
    other.says(lobby);
    expect(client.news()).toHaveLength(1);
  });

  test("Push switched off refuses what there is and what comes; sessions stay [PUSH-16]", () => {
    const { w } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    client.heard();
    w.reconfigure({ takesPush: false });
    expect(client.heard().map((text) => text.slice(0, 8))).toEqual(["0001b005"]);
    client.subscribe(2);
    expect(rcodes(client.heard())).toEqual(["b005"]);
    expect(client.tcp.closed).toBeUndefined();
  });

  test("the same again disturbs nobody", () => {
    const { w, link } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    link.says(lobby);
    client.news();
    w.reconfigure();
    expect(client.heard()).toEqual([]);
    link.says(foyer);
    expect(client.news()).toHaveLength(1);
  });
});

describe("limits", () => {
  test("subscriptions of a session and in all: SERVFAIL, the others live on [PUSH-16] [A9.6]", () => {
    const { w, link } = scene({ limits: { subscriptions: 3, subscriptionsPerSession: 2 } });
    const names = ["_a._tcp", "_b._tcp", "_c._tcp"].map((name) => `${name}.lab.example.com`);
    const [first, second] = [new Client(w.connectTls()), new Client(w.connectTls())];
    for (const [at, name] of names.entries()) first.subscribe(at + 1, name);
    expect(rcodes(first.heard())).toEqual(["b000", "3000", "b000", "b002"]);
    for (const [at, name] of names.entries()) second.subscribe(at + 1, name);
    expect(rcodes(second.heard())).toEqual(["b000", "3000", "b002", "b002"]);
    expect(w.counts.of("limits", "subscriptions")).toBe(3);
    expect(w.counts.of("push-refused", "SERVFAIL")).toBe(3);
    link.says("_a._tcp.local. 4500 PTR x._a._tcp.local.");
    expect([first.news().length, second.news().length]).toEqual([1, 1]);
  });

  test("over TLS a connection too many is told when to come back [DSO-43] [TCP-10] [A9.6]", () => {
    const { w } = scene({ limits: { connections: 2 } });
    const early = [w.connectTls(), w.connectTls()];
    const plain = w.connect();
    const late = new Client(w.connectTls());
    expect([...early, plain, late.tcp].map(({ closed }) => closed)).toEqual([
      undefined,
      undefined,
      "close",
      undefined,
    ]);
    late.tcp.send(example("E01"));
    const [granted, delay] = late.heard();
    expect(granted).toBe(toHex(example("E02")));
    expect(delay?.slice(0, 32)).toBe("00003002000000000000000000020004");
    w.run(seconds(6));
    expect(late.tcp.closed).toBe("abort");
    expect(w.counts.of("limits", "connections")).toBe(2);
  });

  test("those who cannot be told any more are closed at once [TCP-10]", () => {
    const { w } = scene({ limits: { connections: 1 } });
    const all = Array.from({ length: 502 }, (_, at) => w.connectTls(`192.0.2.${at % 250}`));
    expect(all.filter(({ closed }) => closed === undefined)).toHaveLength(501);
    expect(all.at(-1)?.closed).toBe("close");
  });
});

describe("many subscribers", () => {
  test("all hear of a change, in slices that let others in between [PUSH-26]", () => {
    const { w, link } = scene();
    const clients = Array.from({ length: 600 }, (_, at) =>
      new Client(w.connectTls(`10.0.${at >> 8}.${at & 255}`)).subscribe(1),
    );
    w.run(seconds(1));
    expect(link.questions().filter((one) => one === "_ipp._tcp.local. PTR").length).toBeLessThan(5);
    for (const client of clients) client.heard();
    w.effects.length = 0;
    link.says(lobby);
    const written = w.effects.flatMap((one) => (one.kind === "write" ? [one.bytes] : []));
    expect(written).toHaveLength(250);
    // Not even its length prefix is made for each.
    expect(new Set(written).size).toBe(1);
    expect(w.engine.nextDeadline()).toBe(w.now);
    w.run(ms(0));
    expect(clients.filter((client) => client.news().length === 1)).toHaveLength(600);
  });

  test("where thousands of records are judged for each change, changes gather [PUSH-26]", () => {
    const { w, link } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    w.run(seconds(1));
    client.heard();
    const ptr = (at: number) => `_ipp._tcp.local. 4500 PTR P${at}._ipp._tcp.local.`;
    const add = (at: number) => `+ ${type}. 4500 PTR P${at}.${type}.`;
    const announce = (first: number, count: number) => {
      for (let at = first; at < first + count; at++) link.says(ptr(at));
    };
    announce(0, 290);
    expect(client.news()).toHaveLength(290);
    announce(290, 110);
    w.run(ms(100));
    expect(client.news().flat()).toHaveLength(110);
    announce(400, 1);
    // Some 800 names and records were looked at for that one.
    expect(client.news()).toEqual([[add(400)]]);
    announce(401, 3);
    expect(client.news()).toEqual([]);
    link.says(ptr(402).replace(" 4500 ", " 0 "));
    w.run(ms(24));
    expect(client.news()).toEqual([]);
    w.run(ms(2));
    expect(client.news().map((push) => push.sort())).toEqual([[add(401), add(402), add(403)]]);
    w.run(seconds(2));
    expect(client.news()).toEqual([[`- ${type}. PTR P402.${type}.`]]);
  });
});
