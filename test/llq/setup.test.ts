// Setting LLQs up over UDP: what is challenged, what is refused and how, and
// that those who never answer leave nothing behind.

import { describe, expect, test } from "vitest";
import { parsePrefix } from "../../src/address.js";
import type { LlqOption } from "../../src/llq/option.js";
import { Challenges } from "../../src/llq/setup.js";
import { after, instant, seconds } from "../../src/time.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseRR } from "../../src/wire/text.js";
import { question } from "../mdns/stage.js";
import { everybody, linkOf } from "../proxy/floor.js";
import {
  apex,
  browse,
  foyer,
  hmac,
  lobby,
  request,
  type Setting,
  Stage,
  toHex,
  udp,
} from "./stage.js";

const errorsOf = (s: Stage) => s.takeOne().options.map(({ error }) => error);
const name = (label: string) => `${label}._tcp.${apex}. PTR`;

describe("what is refused", () => {
  test.each<[string, string, Partial<LlqOption>, number]>([
    ["type ANY [LLQ-05]", `_ipp._tcp.${apex}. ANY`, {}, 3],
    ["another opcode [LLQ-09]", browse, { opcode: 9 }, 3],
    ["the opcode of events [LLQ-09]", browse, { opcode: 3 }, 3],
    ["version 2 [LLQ-10]", browse, { version: 2 }, 5],
    ["version 0 [LLQ-10]", browse, { version: 0 }, 5],
    ["what only the operator changes [LLQ-10]", `b._dns-sd._udp.${apex}. PTR`, {}, 2],
    ["the apex [LLQ-10]", `${apex}. SOA`, {}, 2],
    ["a type of transactions [LLQ-05]", `_ipp._tcp.${apex}. TSIG`, {}, 3],
  ])("%s", (_, line, option, error) => {
    const s = new Stage();
    expect(s.say(request(line, option))).toBe("answered");
    const { message, options } = s.takeOne();
    expect(message).toMatchObject({ rcode: 0, isResponse: true, answers: [] });
    expect(options).toEqual([
      { version: 1, opcode: option.opcode ?? 1, error, id: 0n, leaseSeconds: 0 },
    ]);
    expect(s.server.size).toBe(0);
  });

  test.each([
    ["ANY", 255, 3],
    ["NONE", 254, 3],
    ["0", 0, 3],
    ["CH", 3, 6],
  ])("class %s [LLQ-05]", (_, qclass, error) => {
    const s = new Stage();
    const bytes = request(browse);
    const at = bytes.length - 33 - 2;
    bytes[at + 1] = qclass;
    s.say(bytes);
    expect(errorsOf(s)).toEqual([error]);
  });

  test.each([0, 1, 17, 19, 40])("an option of %i bytes is no FORMERR [LLQ-02] [LLQ-09]", (size) => {
    const s = new Stage();
    const edns = { udpSize: 0, version: 0, extendedRcode: 0, dnssecOk: false };
    const options = [{ code: 1, bytes: new Uint8Array(size) }];
    const message = { id: 5, questions: [question(browse)], edns: { ...edns, options } };
    expect(s.say(encodeMessage(message))).toBe("answered");
    const { message: reply, options: back } = s.takeOne();
    expect(reply).toMatchObject({ id: 5, rcode: 0 });
    expect(back).toEqual([{ version: 1, opcode: 1, error: 3, id: 0n, leaseSeconds: 0 }]);
  });

  test("options that do not match the questions are refused each [LLQ-04]", () => {
    const s = new Stage();
    s.say(request([browse, name("_http"), name("_ftp")], [{}, {}]));
    expect(errorsOf(s)).toEqual([3, 3, 3]);
    s.say(request([browse, name("_http")], [{}, {}, {}]));
    expect(errorsOf(s)).toEqual([3, 3]);
  });

  test("the same question twice in one message [LLQ-04]", () => {
    const s = new Stage();
    s.say(request([browse, browse]));
    expect(errorsOf(s)).toEqual([0, 3]);
  });

  test("questions succeed or fail alone, in their order [LLQ-04] [LLQ-06]", () => {
    const s = new Stage();
    const lines = [name("_http"), `b._dns-sd._udp.${apex}. PTR`, browse, "a.example.org. A"];
    s.say(request(lines));
    const { message, options } = s.takeOne();
    expect(message.questions).toEqual(lines.map((line) => question(line)));
    expect(options.map(({ error }) => error)).toEqual([0, 2, 0, 6]);
    expect(options[0]!.id).not.toBe(options[2]!.id);
    expect([options[1]!.id, options[3]!.id]).toEqual([0n, 0n]);
    // The client goes on with what it was granted, and may echo the rest.
    s.hear(lobby);
    s.say(request(lines, options));
    expect(s.server.size).toBe(2);
    s.run(7);
    expect(errorsOf(s)).toEqual([0, 2, 0, 6]);
  });

  test.each<[string, string, Setting]>([
    ["a name in no zone", "a.example.org. A", {}],
    [
      "a client that may not ask",
      browse,
      { served: { allow: [{ refuse: false, prefix: parsePrefix("10.0.0.0/8")! }] } },
    ],
  ])("%s is left to ordinary queries", (_, line, setting) => {
    const s = new Stage(setting);
    expect(s.say(request(line))).toBe("other");
    expect(s.take()).toEqual([]);
  });

  test("a static record does not change [LLQ-10]", () => {
    const records = [parseRR(`host.${apex}. 60 A 192.0.2.9`)];
    const s = new Stage({ proxy: { records } });
    s.say(request(`host.${apex}. A`));
    expect(errorsOf(s)).toEqual([2]);
  });

  test("a link that is not there [LLQ-10]", () => {
    const s = new Stage();
    s.isDeaf = true;
    s.say(request(browse));
    expect(errorsOf(s)).toEqual([6]);
  });
});

describe("challenges", () => {
  test("come at once, and nothing else ever does [LLQ-06] [LLQ-11]", () => {
    const s = new Stage();
    s.say(request(browse));
    expect(s.takeOne().at).toBe(0);
    expect(s.run(600).take()).toEqual([]);
    expect(s.asked("_ipp._tcp.local. PTR")).toBe(0);
  });

  test("repeated, are the same, also over a minute's end [LLQ-11]", () => {
    const s = new Stage();
    s.run(58);
    const said = [58, 60, 64].map((second) => {
      s.run(second).say(request(browse));
      return toHex(s.takeOne().reply.bytes);
    });
    expect(new Set(said).size).toBe(1);
  });

  test("differ by address, port, question and minute [LLQ-07]", () => {
    const s = new Stage();
    const ids = new Set<bigint>();
    const ask = (line: string, address: string, port: number) => {
      s.say(request(line), udp(address, port));
      ids.add(s.takeOne().options[0]!.id);
    };
    for (let n = 0; n < 40; n++) {
      ask(name(`_s${n}`), "192.0.2.1", 50_000);
      ask(browse, `192.0.2.${n + 2}`, 50_000);
      ask(browse, `198.51.100.${n}`, 50_000 + n);
    }
    s.run(400);
    ask(browse, "192.0.2.2", 50_000);
    expect(ids.size).toBe(121);
    // No byte of them says anything: all take many values.
    for (let shift = 0n; shift < 64n; shift += 8n) {
      expect(new Set([...ids].map((id) => (id >> shift) & 0xffn)).size).toBeGreaterThan(60);
    }
  });

  test.each([
    [7200, 7200],
    [3600, 3600],
    [60, 900],
    [0, 900],
    [0xffff_ffff, 7200],
  ])("a wish of %i s is granted as %i s [LLQ-08] [LLQ-22]", (leaseSeconds, granted) => {
    const s = new Stage();
    s.say(request(browse, { leaseSeconds }));
    expect(s.takeOne().options[0]!.leaseSeconds).toBe(granted);
  });

  test("an answer that is not quite right is met with silence [LLQ-13]", () => {
    const s = new Stage();
    s.say(request(browse));
    const [good] = s.takeOne().options as [LlqOption];
    for (let bit = 0n; bit < 64n; bit++) {
      const id = good.id ^ (1n << bit);
      expect(s.say(request(browse, { ...good, id }))).toBe("silent");
    }
    for (const leaseSeconds of [0, good.leaseSeconds - 1, good.leaseSeconds + 1, 0xffff_ffff]) {
      expect(s.say(request(browse, { ...good, leaseSeconds }))).toBe("silent");
    }
    expect(s.say(request(browse, good), udp("192.0.2.1", 50_001))).toBe("silent");
    expect(s.say(request(browse, good), udp("192.0.2.2", 50_000))).toBe("silent");
    expect(s.say(request(name("_http"), good))).toBe("silent");
    expect(s.take()).toEqual([]);
    expect(s.server.size).toBe(0);
    s.hear(lobby);
    s.say(request(browse, good));
    expect(s.run(7).take()).toHaveLength(1);
    // Neither is it, when the right one lives.
    expect(s.say(request(browse, { ...good, leaseSeconds: 1 }))).toBe("silent");
    expect(s.say(request(browse, good), udp("192.0.2.1", 50_001))).toBe("silent");
  });

  test.each([900, 7200])("stay good for their %i s, and then no more [LLQ-12]", (leaseSeconds) => {
    const open = () => {
      const s = new Stage();
      s.say(request(browse, { leaseSeconds }));
      return { s, option: s.takeOne().options[0] as LlqOption };
    };
    const inTime = open();
    inTime.s.run(leaseSeconds - 1).say(request(browse, inTime.option));
    expect(inTime.s.server.size).toBe(1);
    const late = open();
    late.s.run(leaseSeconds + 180).say(request(browse, late.option));
    expect(late.s.server.size).toBe(0);
  });

  test("any lease that can be granted can be checked [LLQ-12]", () => {
    const asker = udp();
    const asked = question(browse);
    for (const lease of [1, 59, 900, 14_400, 86_400, 0xffff_ffff]) {
      const challenges = new Challenges(hmac);
      const start = instant(987_654_321);
      const { id } = challenges.issue(start, asker, "", asked, lease, 1)!;
      const check = (share: number) =>
        new Challenges(hmac).verify(after(start, seconds(lease * share)), asker, asked, lease, id);
      for (const share of [0, 0.3, 0.5, 0.99, 1]) expect(check(share)).toBeDefined();
      const unit = Math.max(60, lease / 240);
      const beyond = after(start, seconds(lease + 3 * unit));
      expect(new Challenges(hmac).verify(beyond, asker, asked, lease, id)).toBeUndefined();
    }
  });
});

describe("floods", () => {
  test("from one address: full after the cap, others served [LLQ-12] [LLQ-08]", () => {
    const s = new Stage();
    let full = 0;
    for (let n = 0; n < 2_000; n++) {
      s.say(request(browse), udp("192.0.2.66", 1024 + n));
      const [option] = s.takeOne().options as [LlqOption];
      if (option.error !== 1) continue;
      full += 1;
      expect(option).toMatchObject({ id: 0n, leaseSeconds: 300 });
    }
    expect(full).toBe(1950);
    expect(s.server.dump()).toEqual({ llqs: 0, openSetups: 50 });
    s.setUp(browse, udp("192.0.2.67"));
    expect(s.server.size).toBe(1);
    // The first of them still has its challenge, and a way in.
    s.setUp(browse, udp("192.0.2.66", 1024));
    expect(s.server.size).toBe(2);
    s.run(301).setUp(browse, udp("192.0.2.66", 99));
    expect(s.server.size).toBe(3);
    expect(s.server.dump().openSetups).toBe(0);
  });

  test("from forged addresses: memory is flat, who answers is served [LLQ-12]", () => {
    const s = new Stage();
    s.say(request(browse), udp("192.0.2.1"));
    const [early] = s.takeOne().options as [LlqOption];
    for (let n = 0; n < 10_500; n++) {
      s.say(request(browse), udp(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
      s.take();
    }
    expect(s.server.dump()).toEqual({ llqs: 0, openSetups: 10_000 });
    expect(s.link.questionCount).toBe(0);
    s.say(request(browse, early), udp("192.0.2.1"));
    expect(s.server.size).toBe(1);
    s.run(400).setUp(browse, udp("192.0.2.2"));
    expect(s.server.dump()).toEqual({ llqs: 2, openSetups: 0 });
  });

  test("one client and all together have limits; who is in stays in [LLQ-08]", () => {
    const s = new Stage({ limits: { llq: 3, llqPerClient: 2 } });
    s.setUp(name("_a"));
    s.setUp(name("_b"));
    s.run(7).take();
    s.say(request(name("_c")));
    expect(s.takeOne().options[0]).toMatchObject({ error: 1, leaseSeconds: 300 });
    const other = udp("192.0.2.9");
    // Challenged while there was room, answered when there is none any more.
    s.say(request(name("_d"), {}), other);
    const [open] = s.takeOne().options as [LlqOption];
    s.setUp(name("_e"), udp("192.0.2.10"));
    s.run(14).take();
    s.say(request(name("_d"), open), other);
    expect(s.takeOne().options[0]).toMatchObject({ error: 1, id: 0n, leaseSeconds: 300 });
    s.say(request(name("_f")), udp("192.0.2.11"));
    expect(s.takeOne().options[0]).toMatchObject({ error: 1, leaseSeconds: 300 });
    expect(s.server.size).toBe(3);
    expect(s.counts.of("limits", "llq")).toBe(2);
    expect(s.counts.of("limits", "llq-per-client")).toBe(1);
  });

  test("a link that takes no more questions is full [LLQ-08]", () => {
    const s = new Stage({ questionsMax: 1 });
    s.setUp(browse);
    s.run(7).take();
    s.setUp(name("_http"), udp("192.0.2.2"));
    expect(s.takeOne().options[0]).toMatchObject({ error: 1, leaseSeconds: 300 });
    expect(s.server.size).toBe(1);
  });
});

describe("once set up", () => {
  test("a new Setup Request is challenged with the same ID, and answered again [LLQ-11]", () => {
    const s = new Stage();
    const option = s.setUp();
    s.hear(lobby, foyer);
    const first = s.takeOne();
    s.run(30).say(request(browse));
    expect(s.takeOne().options[0]).toEqual(option);
    s.say(request(browse, option, 0x7777));
    const again = s.takeOne();
    expect(again.message.id).toBe(0x7777);
    expect(again.answers).toEqual(first.answers);
    expect(again.options[0]).toEqual({ ...option, leaseSeconds: option.leaseSeconds - 30 });
    expect(s.server.size).toBe(1);
  });

  test("a late copy of the set-up does not revive what has ended", () => {
    const s = new Stage();
    const option = s.setUp();
    s.hear(lobby);
    s.take();
    s.refresh(option, 0);
    expect(s.say(request(browse, option))).toBe("silent");
    expect(s.server.size).toBe(0);
    // A client that asks anew is not taken for that.
    s.setUp();
    expect(s.server.size).toBe(1);
  });

  test("a configuration without its zone ends it, another leaves it", () => {
    const s = new Stage();
    const option = s.setUp();
    s.hear(lobby);
    s.take();
    s.configure({});
    expect(s.refresh(option).error).toBe(0);
    s.configure({ served: linkOf() });
    expect(s.server.size).toBe(0);
    expect(s.link.questionCount).toBe(0);
    expect(s.refresh(option).error).toBe(4);
  });

  test("what the operator hides is taken back, what he shows is told", () => {
    const s = new Stage();
    s.setUp();
    s.hear(lobby);
    s.take();
    const services = { allow: [], deny: [], default: "allow" } as const;
    const translate = [{ type: "_ipp._tcp", txt: {}, subtypes: ["_x"] }];
    s.configure({ served: { services, translate, allow: everybody } });
    expect(s.take()).toEqual([]);
    s.configure({ served: { services: { ...services, deny: ["_ipp._tcp"] } } });
    expect(s.server.size).toBe(0);
  });
});
