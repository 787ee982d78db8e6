// Subscribers that read more slowly than they are told (PUSH-38): nothing is
// queued for them, and what they lack is told when they read again, a portion at
// a time.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { example } from "../dso/examples.js";
import { Client, foyer, gone, lobby, scene, type } from "./push-client.js";

describe("slow readers [PUSH-38]", () => {
  function slow() {
    const { w, link } = scene();
    const client = new Client(w.connectTls()).subscribe(1);
    w.run(seconds(1));
    link.says(lobby);
    client.heard();
    w.input({ kind: "stream-blocked", stream: client.tcp.stream });
    const reads = () => w.input({ kind: "stream-drained", stream: client.tcp.stream });
    return { w, link, client, reads };
  }

  test("nothing is queued for one that does not read; it is told the difference [PUSH-38]", () => {
    const { w, link, client, reads } = slow();
    client.subscriber.news();
    for (let round = 0; round < 15; round++) {
      link.says(foyer);
      link.says(`_ipp._tcp.local. 4500 PTR r${round}._ipp._tcp.local.`);
      w.run(seconds(1));
      link.says(gone(`_ipp._tcp.local. 4500 PTR r${round}._ipp._tcp.local.`));
      w.run(seconds(2));
    }
    expect(client.heard()).toEqual([]);
    reads();
    expect(client.news()).toEqual([[`+ ${type}. 4500 PTR Foyer.${type}.`]]);
    reads();
    expect(client.heard()).toEqual([]);
  });

  test("who reads nothing for a minute is reset, whatever it asks meanwhile [PUSH-38]", () => {
    const { w, client } = slow();
    for (let second = 0; second < 59; second++) {
      w.run(seconds(1));
      client.tcp.send(example("E01"));
    }
    expect(client.tcp.closed).toBeUndefined();
    w.run(seconds(2));
    expect(client.tcp.closed).toBe("abort");
    expect(w.counts.of("streams", "unread")).toBe(1);
    expect(w.engine.dump(w.now)).toMatchObject({ push: { sessions: 0, subscriptions: 0 } });
  });

  test("who reads now and then is not reset [PUSH-38]", () => {
    const { w, client, reads } = slow();
    for (let round = 0; round < 5; round++) {
      w.run(seconds(50));
      reads();
      w.input({ kind: "stream-blocked", stream: client.tcp.stream });
    }
    reads();
    w.run(seconds(100));
    expect(client.tcp.closed).toBeUndefined();
  });

  test("opposite changes vanish [PUSH-38]", () => {
    const { w, link, client, reads } = slow();
    link.says(gone(lobby));
    w.run(seconds(2));
    link.says(lobby);
    reads();
    expect(client.heard()).toEqual([]);
  });

  test("others hear at once, and what the slow one gave up is not told", () => {
    const { w, link, client, reads } = slow();
    const other = new Client(w.connectTls("192.0.2.9")).subscribe(1);
    other.news();
    link.says(foyer);
    expect(other.news()).toHaveLength(1);
    client.says(client.subscriber.wantsNoMore(1));
    reads();
    expect(client.heard()).toEqual([]);
  });

  test("what another subscription told meanwhile is not told again [PUSH-25] [PUSH-38]", () => {
    const { link, client, reads } = slow();
    client.subscriber.news();
    link.says(foyer);
    client.subscribe(2, type, "ANY");
    expect(client.news()).toEqual([
      [`+ ${type}. 4500 PTR Lobby.${type}.`, `+ ${type}. 4500 PTR Foyer.${type}.`],
    ]);
    reads();
    expect(client.heard()).toEqual([]);
  });

  test("two subscriptions of one large set together tell all of it, and once", () => {
    // Four records at once.
    const { w, link } = scene({ limits: { writeQueue: 2048 } });
    const names = Array.from({ length: 10 }, (_, at) => `P${at}`);
    new Client(w.connectTls("192.0.2.9")).subscribe(1);
    w.run(seconds(1));
    for (const name of names) link.says(lobby.replace("Lobby", name));
    const client = new Client(w.connectTls());
    client.subscribe(1).subscribe(2, type, "ANY");
    w.run(seconds(1));
    const all = names.map((name) => `+ ${type}. 4500 PTR ${name}.${type}.`);
    expect(client.news().flat().sort()).toEqual(all);
  });

  test("a reconfiguration meanwhile loses nothing", () => {
    const { w, link, client, reads } = slow();
    client.subscriber.news();
    link.says(foyer);
    w.reconfigure();
    link.says("_ipp._tcp.local. 4500 PTR Attic._ipp._tcp.local.");
    reads();
    expect(client.news().flat().sort()).toEqual([
      `+ ${type}. 4500 PTR Attic.${type}.`,
      `+ ${type}. 4500 PTR Foyer.${type}.`,
    ]);
  });
});

describe("sets larger than a queue", () => {
  const queue = 65_536;
  /** Adds in one go: 128 with this queue. */
  const portion = queue / 512;
  const printers = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => {
      return `_ipp._tcp.local. 4500 PTR p${from + at}._ipp._tcp.local.`;
    });

  function crowd(count: number) {
    const { w, link } = scene({ limits: { writeQueue: queue } });
    const first = new Client(w.connectTls()).subscribe(1);
    for (let from = 0; from < count; from += 100) {
      link.says(printers(from, Math.min(count, from + 100)).join("\n"));
    }
    w.run(seconds(3));
    first.news();
    return { w, link, first };
  }

  test("a portion follows the response at once, the rest by and by [PUSH-18] [PUSH-38]", () => {
    const { w, first } = crowd(1000);
    const late = new Client(w.connectTls("192.0.2.2")).subscribe(1);
    expect(late.news().flat()).toHaveLength(portion);
    expect(w.engine.nextDeadline()).toBe(w.now);
    w.run(ms(0));
    late.news();
    expect(late.subscriber.copy).toHaveLength(1000);
    expect(late.subscriber.copy).toEqual(first.subscriber.copy);
  });

  test("who does not read gets no further portion, and what is true when he reads again", () => {
    const { w, link, first } = crowd(1000);
    const late = new Client(w.connectTls("192.0.2.2")).subscribe(1);
    w.input({ kind: "stream-blocked", stream: late.tcp.stream });
    w.run(ms(0));
    expect(late.news().flat()).toHaveLength(portion);
    link.says(printers(0, 100).map(gone).join("\n"));
    w.run(seconds(2));
    expect(late.news()).toEqual([]);
    for (let round = 0; round < 9; round++) {
      w.input({ kind: "stream-drained", stream: late.tcp.stream });
      w.input({ kind: "stream-blocked", stream: late.tcp.stream });
    }
    w.input({ kind: "stream-drained", stream: late.tcp.stream });
    w.run(ms(0));
    late.news();
    first.news();
    expect(late.subscriber.copy).toHaveLength(900);
    expect(late.subscriber.copy).toEqual(first.subscriber.copy);
  });

  test("a burst of changes comes in portions, in the midst of which others come too", () => {
    const { w, link, first } = crowd(10);
    link.says(printers(10, 250).join("\n"));
    link.says(gone(printers(0, 1)[0] ?? ""));
    link.says(printers(250, 260).join("\n"));
    w.run(seconds(2));
    const news = first.news();
    for (const one of news) expect(one.length).toBeLessThanOrEqual(portion);
    expect(first.subscriber.copy).toHaveLength(259);
  });

  test("unsubscribing in the midst of it ends it", () => {
    const { w } = crowd(1000);
    const late = new Client(w.connectTls("192.0.2.2")).subscribe(1);
    late.news();
    late.says(late.subscriber.wantsNoMore(1));
    w.run(ms(0));
    expect(late.heard()).toEqual([]);
  });

  test("a reconfiguration in the midst of it loses nothing", () => {
    const { w, first } = crowd(1000);
    const late = new Client(w.connectTls("192.0.2.2")).subscribe(1);
    w.reconfigure();
    w.run(ms(0));
    late.news();
    expect(late.subscriber.copy).toEqual(first.subscriber.copy);
  });
});
