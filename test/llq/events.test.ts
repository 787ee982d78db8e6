// Answers and events over UDP in virtual time: the wait for the first answer,
// what fits, how often an event is sent.

import { describe, expect, test } from "vitest";
import { encodeEvent } from "../../src/llq/messages.js";
import type { LlqOption } from "../../src/llq/option.js";
import { decodeMessage } from "../../src/wire/message.js";
import { parseRR } from "../../src/wire/text.js";
import { nsec, question } from "../mdns/stage.js";
import {
  acknowledgement,
  apex,
  browse,
  foyer,
  hex,
  instances,
  listener,
  lobby,
  request,
  Stage,
  toHex,
  told,
  udp,
} from "./stage.js";

const goodbye = (line: string) => line.replace(/ \d+ /, " 0 ");
/** An LLQ whose client knows of Lobby. */
function begun(): { s: Stage; option: LlqOption } {
  const s = new Stage();
  const option = s.setUp();
  s.hear(lobby);
  expect(told(s.takeOne())).toEqual(["+ Lobby"]);
  return { s, option };
}

describe("the first answers", () => {
  test("come with the first answer from the link [PRX-03]", () => {
    const s = new Stage();
    s.setUp();
    expect(s.run(2.5).take()).toEqual([]);
    s.hear(lobby);
    expect(s.takeOne().at).toBe(2.5);
  });

  test("are none after 6 s of silence, and the LLQ stays [PRX-03]", () => {
    const s = new Stage();
    s.setUp();
    s.run(5.999);
    expect(s.take()).toEqual([]);
    const { at, message } = s.run(6).takeOne();
    expect(at).toBe(6);
    expect(message).toMatchObject({ rcode: 0, answers: [] });
    const asked = s.asked("_ipp._tcp.local. PTR");
    s.run(40);
    expect(s.asked("_ipp._tcp.local. PTR")).toBeGreaterThan(asked);
    s.hear(lobby);
    expect(told(s.takeOne())).toEqual(["+ Lobby"]);
  });

  test("are there at once when the link knows them, which is asked all the same [PRX-03]", () => {
    const s = new Stage();
    const ask = { name: question("_ipp._tcp.local. PTR").name, type: 12 };
    const watch = s.link.watch(s.now, ask, { kind: "one-shot", client: "" });
    s.settle();
    s.hear(lobby);
    s.link.unwatch(s.now, watch ?? 0);
    s.run(20).setUp();
    expect(s.takeOne()).toMatchObject({ at: 20 });
    const asked = s.asked("_ipp._tcp.local. PTR");
    s.run(25);
    expect(s.asked("_ipp._tcp.local. PTR")).toBeGreaterThan(asked);
  });

  test("wait no longer than the question has been asked already [PRX-03]", () => {
    const s = new Stage();
    s.setUp();
    s.run(4).setUp(browse, udp("192.0.2.2"));
    s.run(6);
    expect(s.take().map(({ at }) => at)).toEqual([6, 6]);
    s.run(30).setUp(browse, udp("192.0.2.3"));
    expect(s.takeOne().at).toBe(30);
  });

  test("copies of the Challenge Response start no second wait and get one reply [PRX-03]", () => {
    const s = new Stage();
    const option = s.setUp();
    s.run(2).say(request(browse, option));
    s.run(4).say(request(browse, option, 0x1234));
    s.run(12);
    const only = s.takeOne();
    expect(only).toMatchObject({ at: 6, message: { id: 0x1234 } });
  });

  test("a denial ends the wait [PRX-03]", () => {
    const s = new Stage();
    s.setUp(`host.${apex}. AAAA`);
    s.run(1).hear(nsec("host.local.", 120, "A"));
    expect(s.takeOne()).toMatchObject({ at: 1, message: { rcode: 0, answers: [] } });
  });

  test("of several questions come with the first of them, the rest as events [LLQ-14]", () => {
    const s = new Stage();
    const lines = [browse, `host.${apex}. A`];
    s.say(request(lines));
    s.say(request(lines, s.takeOne().options));
    s.run(1).hear(lobby);
    const { options, answers } = s.takeOne();
    expect(options.map(({ error }) => error)).toEqual([0, 0]);
    expect(answers).toHaveLength(1);
    s.run(2).hear("!host.local. 120 A 203.0.113.7");
    const event = s.takeOne();
    expect(event.options).toEqual([{ ...options[1], opcode: 3, leaseSeconds: 0 }]);
    expect(event.answers).toEqual([`host.${apex}. 120 IN A 203.0.113.7`]);
  });

  test("carry what would be asked next, for as long as other answers [LLQ-14]", () => {
    const s = new Stage();
    const instance = "Lobby._ipp._tcp.local.";
    const asked = [`${instance} SRV`, `${instance} TXT`, "host.local. A"];
    for (const line of asked) {
      s.link.watch(s.now, question(line), { kind: "one-shot", client: "" });
    }
    s.hear(
      `!${instance} 120 SRV 0 0 631 host.local.`,
      `!${instance} 4500 TXT "a=b"`,
      "!host.local. 120 A 203.0.113.7",
    );
    s.setUp();
    s.hear(lobby);
    const { message } = s.takeOne();
    expect(message.answers.map(({ ttlSeconds }) => ttlSeconds)).toEqual([4500]);
    const extra = message.additionals.map(({ type, ttlSeconds }) => [type, ttlSeconds]);
    expect(extra).toEqual([
      [33, 10],
      [16, 10],
      [1, 10],
    ]);
  });

  test("fill one packet; the rest follows as Add Events within a second [LLQ-14] [LLQ-18]", () => {
    const s = new Stage();
    s.link.watch(s.now, question("_ipp._tcp.local. PTR"), { kind: "one-shot", client: "" });
    s.hear(...instances(50));
    s.hear(...instances(50, 50));
    const srv = "Printer-0-with-a-name-of-some-length._ipp._tcp.local.";
    s.link.watch(s.now, question(`${srv} SRV`), { kind: "one-shot", client: "" });
    s.hear(`!${srv} 120 SRV 0 0 631 host.local.`);
    const option = s.setUp();
    const seen: string[] = [];
    for (let next = s.take(); next.length > 0; next = s.take()) {
      expect(next.length).toBe(seen.length === 0 ? 2 : 1);
      for (const one of next) {
        expect(one.reply.bytes.length).toBeLessThanOrEqual(1232);
        expect(one.message).toMatchObject({ tc: false, additionals: [] });
        expect(one.options).toHaveLength(1);
        expect(one.options[0]!.opcode).toBe(seen.length === 0 ? 1 : 3);
        seen.push(...told(one));
      }
      s.run(s.seconds + 0.05);
      s.acknowledge(next.at(-1)!);
    }
    expect(s.seconds).toBeLessThan(1);
    expect(new Set(seen).size).toBe(100);
    expect(seen).toHaveLength(100);
    // Told again, the client gets what has no room once more, since it may have nothing.
    s.say(request(browse, option));
    const [again, more] = s.take();
    expect(told(again!).length).toBeLessThan(100);
    expect(told(more!)[0]).toBe(seen[told(again!).length]);
  });

  test("keep to the size that the client takes [LLQ-14]", () => {
    const s = new Stage();
    s.link.watch(s.now, question("_ipp._tcp.local. PTR"), { kind: "one-shot", client: "" });
    s.hear(...instances(50));
    s.say(request(browse));
    const bytes = request(browse, s.takeOne().options[0]);
    // The class of the OPT.
    bytes[bytes.length - 22 - 8] = 600 >> 8;
    bytes[bytes.length - 22 - 7] = 600 & 0xff;
    s.say(bytes);
    const sizes = s.take().map(({ reply }) => reply.bytes.length);
    expect(sizes).toHaveLength(2);
    for (const size of sizes) {
      expect(size).toBeLessThanOrEqual(600);
      expect(size).toBeGreaterThan(500);
    }
  });
});

describe("events", () => {
  test("go where the Setup Request came from, with random IDs [LLQ-15] [LLQ-16]", () => {
    const s = new Stage();
    const asker = udp("2001:db8::7", 40_404);
    s.setUp(browse, asker);
    const ids = new Set<number>();
    for (let n = 0; n < 12; n++) {
      s.hear(...instances(1, n));
      const { reply, message } = s.takeOne();
      expect(reply.to).toEqual({ transport: "udp", listener, peer: asker.peer });
      expect(reply.isEvent).toBe(n > 0);
      if (n === 0) continue;
      expect(message).toMatchObject({ isResponse: true, aa: true, rd: false, opcode: 0 });
      expect(message.questions).toEqual([question(browse)]);
      ids.add(message.id);
      s.acknowledge({ reply, message } as never, asker);
    }
    expect(ids.size).toBe(11);
  });

  test("without an acknowledgement: copies at 0, 2 and 6 s, the end at 14 s [LLQ-19]", () => {
    const { s, option } = begun();
    s.run(10).hear(foyer);
    s.run(12.5).hear(goodbye(lobby));
    s.run(23.999);
    expect(s.server.size).toBe(1);
    expect(s.refresh(option).error).toBe(0);
    s.run(24);
    expect(s.server.size).toBe(0);
    const copies = s.takeEvents();
    expect(copies.map(({ at }) => at)).toEqual([10, 12, 16]);
    expect(new Set(copies.map(({ reply }) => toHex(reply.bytes))).size).toBe(1);
    expect(s.link.questionCount).toBe(0);
    s.hear(...instances(3));
    expect(s.run(60).take()).toEqual([]);
    expect(s.refresh(option).error).toBe(4);
  });

  test.each([2.5, 6.5, 13.9])(
    "acknowledged after %f s, an event is not sent again [LLQ-20]",
    (delay) => {
      const { s } = begun();
      s.hear(foyer);
      s.run(delay);
      const copies = s.take();
      s.acknowledge(copies.at(-1)!);
      s.run(60);
      expect(s.take()).toEqual([]);
      expect(s.server.size).toBe(1);
    },
  );

  test("an acknowledgement counts only from the right place, for the right event [LLQ-20]", () => {
    const { s } = begun();
    s.hear(foyer);
    const event = s.takeOne();
    const right = acknowledgement(event);
    const wrongId = right.slice();
    wrongId[1]! ^= 1;
    const wrongLlq = right.slice();
    wrongLlq[right.length - 5]! ^= 1;
    const wrongOpcode = right.slice();
    wrongOpcode[right.length - 15] = 2;
    s.say(right, udp("192.0.2.1", 50_001));
    s.say(right, udp("192.0.2.2", 50_000));
    for (const wrong of [wrongId, wrongLlq, wrongOpcode]) expect(s.say(wrong)).toBe("silent");
    expect(s.counts.of("drops", "llq-acknowledgement")).toBe(5);
    expect(s.run(3).take()).toHaveLength(1);
    s.say(right);
    expect(s.run(60).take()).toEqual([]);
    // A second one is nothing.
    s.say(right);
    expect(s.server.size).toBe(1);
  });

  test("what happens meanwhile is told together afterwards [LLQ-18]", () => {
    const { s } = begun();
    s.hear(foyer);
    const first = s.takeOne();
    s.hear(goodbye(lobby));
    s.hear(...instances(2));
    s.run(1.5).hear(goodbye(foyer));
    expect(s.run(1.9).take()).toEqual([]);
    s.acknowledge(first);
    const second = s.takeOne();
    expect(told(second).map((line) => line.slice(0, 9))).toEqual([
      "- Lobby",
      "+ Printer",
      "+ Printer",
    ]);
    s.acknowledge(second);
    s.run(3);
    expect(told(s.takeOne())).toEqual(["- Foyer"]);
  });

  test("50 changes in a second: no packet too large, all told within 30 s [LLQ-18]", () => {
    const { s } = begun();
    const heard = new Set<string>();
    for (let n = 0; n < 50; n++) {
      s.run(1 + n * 0.02).hear(...instances(1, n));
      for (const came of s.take()) {
        expect(came.reply.bytes.length).toBeLessThanOrEqual(1232);
        for (const line of told(came)) heard.add(line);
        if (n % 7 === 0) s.acknowledge(came);
      }
    }
    while (heard.size < 50 && s.seconds < 30) {
      s.run(s.seconds + 1);
      for (const came of s.take()) {
        expect(came.reply.bytes.length).toBeLessThanOrEqual(1232);
        for (const line of told(came)) heard.add(line);
        s.acknowledge(came);
      }
    }
    expect(heard.size).toBe(50);
  });

  test("what came and went unseen is not told [LLQ-17]", () => {
    const { s } = begun();
    s.hear(foyer);
    const first = s.takeOne();
    s.hear(...instances(1));
    s.hear(goodbye(instances(1)[0]!));
    s.run(1.8);
    s.acknowledge(first);
    expect(s.run(5).take()).toEqual([]);
  });

  test("records repeated, or with another TTL, are no news [LLQ-17]", () => {
    const { s } = begun();
    s.run(5).hear(lobby);
    s.run(6).hear(lobby.replace("4500", "120"));
    s.run(7).hear(lobby.replace("Lobby", "LOBBY"));
    expect(s.take()).toEqual([]);
  });

  test("an SRV target is not compressed; a removal has its full rdata [LLQ-17]", () => {
    const s = new Stage();
    const line = `Lobby._ipp._tcp.${apex}. SRV`;
    s.setUp(line);
    const srv = "!Lobby._ipp._tcp.local. 120 SRV 0 0 631 printer.local.";
    s.hear(srv);
    const target = toHex(hex("07")) + Buffer.from("printer").toString("hex");
    const end = "036c6162076578616d706c6503636f6d00";
    expect(toHex(s.takeOne().reply.bytes)).toContain(`00000078001f000000000277${target}${end}`);
    s.run(2).hear(goodbye(srv));
    s.run(3.5);
    expect(toHex(s.takeOne().reply.bytes)).toContain(`ffffffff001f000000000277${target}${end}`);
  });

  test.each([0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff])(
    "a TTL of %i makes no removal of an addition [LLQ-17]",
    (ttlSeconds) => {
      const rr = { ...parseRR(lobby), ttlSeconds };
      const change = { removed: [], added: [rr] };
      const event = encodeEvent(1232, 1, question(browse), 1n, change);
      const [told] = decodeMessage(event!.bytes).answers;
      expect(told!.ttlSeconds).toBe(0x7fff_ffff);
    },
  );

  test("a record too large for any packet does not keep the others waiting", () => {
    const s = new Stage();
    s.setUp(`Lobby._ipp._tcp.${apex}. TXT`);
    const large = `Lobby._ipp._tcp.local. 4500 TXT ${`"${"x".repeat(250)}" `.repeat(5)}`;
    s.hear(large);
    expect(told(s.takeOne())).toEqual([]);
    s.run(2).hear('Lobby._ipp._tcp.local. 4500 TXT "a=b"');
    expect(told(s.takeOne())).toHaveLength(1);
    expect(s.counts.of("records-dropped", "llq-too-large")).toBe(1);
  });

  test("an alias leads to what the link has to be asked for", () => {
    const s = new Stage();
    s.setUp(`www.${apex}. A`);
    s.run(1).hear("!www.local. 120 CNAME host.local.");
    expect(s.take()).toEqual([]);
    s.run(2);
    expect(s.asked("host.local. A")).toBeGreaterThan(0);
    s.hear("!host.local. 120 A 203.0.113.7");
    expect(s.takeOne().answers).toHaveLength(2);
    s.run(3).hear("!host.local. 0 A 203.0.113.7");
    s.run(4.5);
    const gone = s.takeOne();
    expect(gone.answers).toEqual([`host.${apex}. 4294967295 IN A 203.0.113.7`]);
    s.acknowledge(gone);
    s.hear("!www.local. 0 CNAME host.local.");
    s.run(6);
    expect(s.takeOne().answers).toHaveLength(1);
    expect([...s.link.questions()].map(({ question: { type } }) => type)).toEqual([1]);
  });

  test("a link that goes down takes all back, and up again brings it [LLQ-17]", () => {
    const { s } = begun();
    s.run(5).link.down(s.now);
    s.server.linkDown(s.now, "net1");
    s.settle();
    const gone = s.takeOne();
    expect(told(gone)).toEqual(["- Lobby"]);
    s.acknowledge(gone);
    s.run(9).link.up(s.now, { prefixes: [], mtu: 1500 });
    s.run(10).hear(lobby);
    expect(told(s.takeOne())).toEqual(["+ Lobby"]);
  });
});
