// LLQs (RFC 8764) through the whole engine: over UDP beside ordinary queries, on
// streams beside the idle limit, switched on and off, at the end. Single
// messages are test/llq's affair.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { decodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { example } from "../dso/examples.js";
import { examples } from "../llq/examples.js";
import { hex } from "../wire/captures.js";
import { World, type WorldSetting } from "./story.js";
import type { TcpClient } from "./story-clients.js";
import type { StoryLink } from "./story-link.js";

const lab = parseName("lab.example.com");
const lobby = "_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.";
const gone = (line: string) => line.replace(" 4500 ", " 0 ");
const client = { client: "192.0.2.1", port: 40_000 };

function scene(setting: WorldSetting = {}): { w: World; link: StoryLink } {
  const w = new World(setting);
  const link = w.link("eth0", { served: { service: lab, host: lab } });
  return { w, link };
}

/** Datagrams that left since the last call. */
function datagrams(w: World): Uint8Array[] {
  const all = w.effects.flatMap((one) => (one.kind === "datagram" ? [one.bytes] : []));
  w.effects.length = 0;
  return all;
}

/** The option of the first question: opcode, error, LLQ-ID and lease. */
function optionOf(bytes: Uint8Array) {
  const option = decodeMessage(bytes).edns?.options.find(({ code }) => code === 1);
  const view = Buffer.from(option?.bytes ?? expect.fail("no LLQ option"));
  return {
    opcode: view.readUInt16BE(2),
    error: view.readUInt16BE(4),
    id: view.toString("hex", 6, 14),
    lease: view.readUInt32BE(14),
  };
}

/** `+ Lobby`, `- Lobby` of the PTRs in an answer section. */
const told = (bytes: Uint8Array) =>
  decodeMessage(bytes).answers.map((rr) => {
    const target = formatRR(rr).split(" ").at(-1)?.split(".")[0];
    return `${rr.ttlSeconds === 0xffff_ffff ? "-" : "+"} ${target}`;
  });

/** The Challenge Response that belongs to a challenge: the request with its option. */
function responseTo(challenge: Uint8Array): Uint8Array {
  const request = Buffer.from(hex(examples.E40));
  Buffer.from(challenge).copy(request, request.length - 12, challenge.length - 12);
  return request;
}

/** Sets one up over UDP, and gives the reply to it. */
function setUp(w: World): Uint8Array {
  w.askBytes(hex(examples.E40), client);
  const [challenge] = datagrams(w);
  w.askBytes(responseTo(challenge ?? expect.fail("no challenge")), client);
  return challenge as Uint8Array;
}

describe("over UDP", () => {
  test("challenge at once, answers when there are, an event for each change [DP-89] [LLQ-06] [LLQ-15]", () => {
    const { w, link } = scene();
    const challenge = setUp(w);
    expect(optionOf(challenge)).toMatchObject({ opcode: 1, error: 0, lease: 7200 });
    expect(told(challenge)).toEqual([]);
    expect(datagrams(w)).toEqual([]);
    w.run(seconds(1));
    expect(link.questions()).toContain("_ipp._tcp.local. PTR");
    link.says(lobby);
    const [first] = datagrams(w);
    expect(told(first as Uint8Array)).toEqual(["+ Lobby"]);
    w.run(seconds(1));
    link.says(gone(lobby));
    w.run(ms(1100));
    const events = w.effects.filter(({ kind }) => kind === "datagram");
    expect(events).toMatchObject([
      { listener: "192.0.2.53", to: { address: "192.0.2.1", port: 40_000 } },
    ]);
    const [event] = datagrams(w);
    expect(optionOf(event as Uint8Array)).toMatchObject({ opcode: 3, lease: 0 });
    expect(told(event as Uint8Array)).toEqual(["- Lobby"]);
  });

  test("an event nobody acknowledges comes at 0, 2 and 6 s; at 14 s all is over [LLQ-19]", () => {
    const { w, link } = scene();
    setUp(w);
    link.says(lobby);
    w.run(seconds(1));
    link.says(gone(lobby));
    w.run(ms(1000));
    datagrams(w);
    const times: number[] = [];
    const began = w.seconds;
    for (let step = 0; step < 160; step++) {
      w.run(ms(100));
      for (const _ of datagrams(w)) times.push(Math.round(w.seconds - began));
    }
    expect(times).toEqual([2, 6]);
    expect(w.engine.dump(w.now)).toMatchObject({ llq: { llqs: 0 } });
    link.questions();
    w.run(seconds(3600));
    expect(link.questions()).toEqual([]);
  });

  test("no answer within the wait: an empty reply, and it lives on [PRX-03]", () => {
    const { w, link } = scene();
    setUp(w);
    datagrams(w);
    w.run(ms(6000));
    const [reply] = datagrams(w);
    expect([told(reply as Uint8Array), decodeMessage(reply as Uint8Array).rcode]).toEqual([[], 0]);
    link.says(lobby);
    expect(datagrams(w).map(told)).toEqual([["+ Lobby"]]);
  });

  test("ordinary queries pass by, and are answered as ever [LLQ-01]", () => {
    const { w, link } = scene();
    setUp(w);
    link.says(lobby);
    const asked = w.ask("_ipp._tcp.lab.example.com PTR");
    expect(asked.message.answers.map(({ ttlSeconds }) => ttlSeconds)).toEqual([10]);
  });

  test("switched off, every LLQ ends and its option says nothing [LLQ-01] [DP-88]", () => {
    const { w, link } = scene();
    setUp(w);
    link.says(lobby);
    w.reconfigure({ takesLlq: false });
    expect(w.engine.dump(w.now)).toMatchObject({ llq: { llqs: 0 } });
    datagrams(w);
    w.askBytes(hex(examples.E40), client);
    const [answer] = datagrams(w);
    expect(decodeMessage(answer as Uint8Array).edns?.options).toEqual([]);
    expect(told(answer as Uint8Array)).toEqual(["+ Lobby"]);
  });

  test("port 0 is not answered", () => {
    const { w } = scene();
    w.askBytes(hex(examples.E40), { ...client, port: 0 });
    expect(datagrams(w)).toEqual([]);
  });

  test("a flood from forged addresses leaves no LLQ and bounded notes [LLQ-12]", () => {
    const { w, link } = scene();
    for (let at = 0; at < 12_000; at++) {
      w.askBytes(hex(examples.E40), { client: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}` });
    }
    const { llq } = w.engine.dump(w.now) as { llq: Record<string, number> };
    expect(llq).toEqual({ llqs: 0, openSetups: 10_000 });
    w.run(seconds(1));
    expect(link.questions()).toEqual([]);
    w.effects.length = 0;
    setUp(w);
    link.says(lobby);
    expect(datagrams(w).map(told)).toEqual([["+ Lobby"]]);
  });
});

describe("over streams [LLQ-24]", () => {
  function open(tcp: TcpClient) {
    tcp.send(hex(examples.E40));
    return tcp;
  }

  test.each(["tcp", "tls"] as const)("over %s no challenge, events, no idle limit", (transport) => {
    const { w, link } = scene();
    const tcp = open(w.connect("192.0.2.1", { transport }));
    w.run(seconds(1));
    link.says(lobby);
    expect(tcp.received).toHaveLength(1);
    w.run(seconds(600));
    expect(tcp.closed).toBeUndefined();
    link.says(gone(lobby));
    w.run(ms(1100));
    expect(tcp.received.map(({ message }) => message.answers.length)).toEqual([1, 1]);
    expect(tcp.received[1]?.message.answers[0]).toMatchObject({
      type: RRType.PTR,
      ttlSeconds: 0xffff_ffff,
    });
  });

  test("when the lease is over the idle limit runs again", () => {
    const { w, link } = scene();
    const tcp = open(w.connect());
    link.says(lobby);
    w.run(seconds(7199));
    expect(tcp.closed).toBeUndefined();
    w.run(seconds(12));
    expect(tcp.closed).toBe("close");
    expect(tcp.closedSeconds).toBeCloseTo(7210, 0);
  });

  test("with the connection it ends, and the link is not asked any more", () => {
    const { w, link } = scene();
    const tcp = open(w.connect());
    w.run(seconds(2));
    tcp.leave();
    link.questions();
    w.run(seconds(7200));
    expect(link.questions()).toEqual([]);
  });

  test("a reader that is slow is told the difference when it reads again [PUSH-38]", () => {
    const { w, link } = scene();
    const tcp = open(w.connect());
    link.says(lobby);
    w.input({ kind: "stream-blocked", stream: tcp.stream });
    for (let round = 0; round < 15; round++) {
      const one = `_ipp._tcp.local. 4500 PTR r${round}._ipp._tcp.local.`;
      link.says(one);
      w.run(seconds(1));
      link.says(gone(one));
      w.run(seconds(2));
    }
    link.says("_ipp._tcp.local. 4500 PTR Foyer._ipp._tcp.local.");
    expect(tcp.received).toHaveLength(1);
    w.input({ kind: "stream-drained", stream: tcp.stream });
    expect(tcp.received).toHaveLength(2);
    expect(tcp.received[1]?.message.answers).toHaveLength(1);
  });

  test("one that is set up while the reader is slow waits like the others [PUSH-38] [LLQ-24]", () => {
    const { w, link } = scene();
    const tcp = w.connect();
    w.input({ kind: "stream-blocked", stream: tcp.stream });
    open(tcp);
    link.says(lobby);
    link.says("_ipp._tcp.local. 4500 PTR Foyer._ipp._tcp.local.");
    expect(tcp.received).toHaveLength(1);
    w.input({ kind: "stream-drained", stream: tcp.stream });
    expect(tcp.received).toHaveLength(2);
  });

  test("a client that is turned away gets none [TCP-10] [DSO-43]", () => {
    const { w, link } = scene({ limits: { connections: 1 } });
    w.connectTls();
    const late = w.connectTls();
    late.send(hex(examples.E40), example("E67"), example("E01"));
    link.says(lobby);
    w.run(seconds(4));
    expect([late.received, late.dso, late.closed]).toEqual([[], [], "close"]);
    expect(w.engine.dump(w.now)).toMatchObject({ llq: { llqs: 0 }, queries: { waiting: 0 } });
  });

  test("an LLQ keeps a session from being idle, as a subscription does; its end does not [DSO-29]", () => {
    const { w, link } = scene();
    const tcp = open(w.connectTls());
    link.says(lobby);
    tcp.send(example("E01"));
    w.run(seconds(3600));
    expect(tcp.closed).toBeUndefined();
    link.says(gone(lobby));
    // An event is heard of, like any other message: the next hour has begun.
    w.run(seconds(3500));
    expect(tcp.closed).toBeUndefined();
    w.run(seconds(100 + 70));
    expect(tcp.closed).toBe("abort");
    expect(tcp.closedSeconds).toBeCloseTo(7200 + 60, -1);
  });

  test("an LLQ and a session share a stream", () => {
    const { w, link } = scene();
    const tcp = open(w.connectTls());
    link.says(lobby);
    tcp.send(hex("1a2b30000000000000000000000100080000 3a980036ee80".replace(" ", "")));
    expect(tcp.dso).toHaveLength(1);
    expect(tcp.received).toHaveLength(1);
  });
});
