// LLQs over TCP and TLS (LLQ-24): no challenge, events on the connection, no
// waiting for acknowledgements, the end with the connection.

import { describe, expect, test } from "vitest";
import type { LlqOption } from "../../src/llq/option.js";
import { parseRR } from "../../src/wire/text.js";
import { examples } from "./examples.js";
import {
  acknowledgement,
  apex,
  browse,
  foyer,
  hex,
  instances,
  lobby,
  request,
  Stage,
  tcp,
  tls,
  toHex,
  told,
  udp,
} from "./stage.js";

function begun(): { s: Stage; option: LlqOption } {
  const s = new Stage();
  expect(s.say(request(browse), tcp())).toBe("answered");
  s.hear(lobby);
  const came = s.takeOne();
  expect(told(came)).toEqual(["+ Lobby"]);
  return { s, option: came.options[0]! };
}

describe("over a stream", () => {
  test("the first reply has the answers: the form of E43, and of E45 [LLQ-24]", () => {
    const random = { uint32: () => ids.shift() ?? 0 };
    const ids = [0x6553f100, 0x5d2c9a71, 0x9e38];
    const s = new Stage({ random });
    s.say(hex(examples.E40), tcp());
    s.hear(lobby);
    const first = s.takeOne();
    expect(toHex(first.reply.bytes)).toBe(examples.E43.replace(/00000e0f$/, "00001c20"));
    expect(first.reply).toMatchObject({ to: tcp(), isEvent: false });
    s.run(2).hear(lobby.replace("4500", "0"));
    s.run(3.5);
    const event = s.takeOne();
    expect(toHex(event.reply.bytes)).toBe(examples.E45);
    expect(event.reply).toMatchObject({ to: tcp(), isEvent: true });
  });

  test("without an answer it comes empty after 6 s [PRX-03] [LLQ-24]", () => {
    const s = new Stage();
    s.say(request(browse), tcp());
    s.run(3).say(request(browse, {}, 0x2222), tcp());
    expect(s.run(6).takeOne()).toMatchObject({ at: 6, message: { id: 0x2222, answers: [] } });
    expect(s.run(20).take()).toEqual([]);
  });

  test("events wait for nothing and are not sent again [LLQ-24]", () => {
    const { s } = begun();
    s.hear(foyer);
    s.hear(foyer.replace("Foyer", "Attic"));
    const events = s.take();
    expect(events.flatMap(told)).toEqual(["+ Foyer", "+ Attic"]);
    expect(s.run(60).take()).toEqual([]);
    expect(s.server.size).toBe(1);
    expect(s.say(acknowledgement(events[0]!), tcp())).toBe("silent");
    expect(s.counts.of("drops", "llq-acknowledgement")).toBe(0);
  });

  test("one message holds what UDP would cut [LLQ-24]", () => {
    const { s } = begun();
    const many = Array.from({ length: 90 }, (_, n) => lobby.replace("Lobby", `Printer-${n}`));
    s.hear(...many);
    expect(told(s.takeOne())).toHaveLength(90);
  });

  test("more than one message can hold comes in several [LLQ-24]", () => {
    const s = new Stage();
    s.say(request(`host.${apex}. TXT`), tcp());
    const line = (n: number) => {
      const text = `${n}${"x".repeat(240)}`;
      return `host.local. 4500 TXT ${`"${text}" `.repeat(16)}`;
    };
    for (let n = 0; n < 20; n++) s.hear(line(n));
    const again = new Stage();
    for (let n = 0; n < 20; n++) {
      again.say(request(`host.${apex}. TXT`), tcp());
      again.hear(line(n));
    }
    s.link.down(s.now);
    s.settle();
    const sizes = s.take().map(({ reply }) => reply.bytes.length);
    expect(sizes.length).toBe(22);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(65_535);
  });

  test("refreshed, ended and unknown as over UDP [LLQ-21] [LLQ-24]", () => {
    const { s, option } = begun();
    expect(s.refresh(option, 1000, tcp())).toMatchObject({ error: 0, leaseSeconds: 1000 });
    expect(s.refresh(option, 1000, tcp(2)).error).toBe(4);
    expect(s.refresh(option, 1000, udp("192.0.2.1", 50_001)).error).toBe(4);
    expect(s.server.hasLlqs(1)).toBe(true);
    expect(s.refresh(option, 0, tcp())).toMatchObject({ error: 0, leaseSeconds: 0 });
    expect(s.server.hasLlqs(1)).toBe(false);
    expect(s.refresh(option, 1000, tcp()).error).toBe(4);
  });

  test("the lease ends it here as well [LLQ-22] [LLQ-24]", () => {
    const { s } = begun();
    s.run(4000).hear(lobby);
    s.run(7200).hear(foyer);
    expect(s.take()).toEqual([]);
    expect(s.server.size).toBe(0);
  });

  test("closed, the link is no longer asked [LLQ-24]", () => {
    const { s } = begun();
    s.say(request(`_http._tcp.${apex}. PTR`), tcp());
    s.say(request(browse), tcp(2));
    s.take();
    s.server.streamClosed(s.now, 1);
    expect(s.server.size).toBe(1);
    s.server.streamClosed(s.now, 2);
    s.server.streamClosed(s.now, 3);
    expect(s.server.size).toBe(0);
    expect(s.link.questionCount).toBe(0);
    expect(s.server.nextDeadline()).toBeUndefined();
    expect(s.run(30).take()).toEqual([]);
  });

  test("a stray LLQ-ERROR in the request is ignored [LLQ-24]", () => {
    const s = new Stage();
    s.say(request(browse, { error: 50_001 }), tcp());
    s.hear(lobby);
    expect(s.takeOne().options[0]!.error).toBe(0);
  });

  test("asked again, it is the same LLQ; another's ID is met with silence [LLQ-11]", () => {
    const { s, option } = begun();
    s.say(request(browse, {}, 9), tcp());
    expect(s.takeOne().options[0]!.id).toBe(option.id);
    s.say(request(browse, option, 10), tcp());
    expect(s.takeOne().message.id).toBe(10);
    expect(s.say(request(browse, { ...option, id: 5n }), tcp())).toBe("silent");
    expect(s.say(request(`_http._tcp.${apex}. PTR`, option), tcp())).toBe("silent");
    expect(s.server.size).toBe(1);
  });

  test("what is refused is refused in the first reply, each alone [LLQ-06] [LLQ-24]", () => {
    const s = new Stage({
      limits: { llqPerClient: 1 },
      proxy: { records: [parseRR(`static.${apex}. 60 A 192.0.2.9`)] },
    });
    const lines = [`static.${apex}. A`, browse, `_http._tcp.${apex}. PTR`, `x.${apex}. ANY`];
    s.say(request(lines), tcp());
    s.hear(lobby);
    const { options } = s.takeOne();
    expect(options.map(({ error, leaseSeconds }) => [error, leaseSeconds])).toEqual([
      [2, 0],
      [0, 7200],
      [1, 300],
      [3, 0],
    ]);
    s.say(request(`x.${apex}. ANY`), tcp());
    expect(s.takeOne().options[0]!.error).toBe(3);
  });

  test("set-ups are not counted as open [LLQ-24]", () => {
    const s = new Stage();
    for (let n = 0; n < 60; n++) s.say(request(`_s${n}._tcp.${apex}. PTR`), tcp());
    expect(s.server.dump()).toEqual({ llqs: 60, openSetups: 0 });
  });

  test("over TLS a request with Padding is answered with it, events are not [EDNS-11]", () => {
    // E40 and E47 with an empty Padding option behind that of LLQ.
    const padded = (text: string) => hex(`${text.replace("0000000016", "000000001a")}000c0000`);
    const s = new Stage();
    s.say(padded(examples.E40), tls());
    s.hear(lobby);
    const [first] = s.take();
    expect(first?.reply.bytes).toHaveLength(468);
    expect(first?.message.edns?.options.map(({ code }) => code)).toEqual([1, 12]);
    s.say(padded(examples.E47), tls());
    expect(s.takeOne().reply.bytes).toHaveLength(468);
    s.say(hex(examples.E47), tls());
    expect(s.takeOne().reply.bytes.length).toBeLessThan(200);
    s.hear(foyer);
    expect(s.takeOne().reply.bytes.length).toBeLessThan(200);
    // In the clear there is none.
    s.say(padded(examples.E47), tcp(2));
    expect(s.takeOne().reply.bytes.length).toBeLessThan(200);
  });

  test("a reply is not padded above what the client takes [EDNS-11]", () => {
    const s = new Stage();
    // A size of 600: answers of more than 468 bytes would have 936.
    const small = examples.E40.replace("0000290000000000000016", "000029025800000000001a");
    s.say(hex(`${small}000c0000`), tls());
    s.hear(...instances(12));
    const { reply, message } = s.takeOne();
    expect(message.answers).toHaveLength(12);
    expect(reply.bytes.length).toBeGreaterThan(468);
    expect(message.edns?.options.map(({ code }) => code)).toEqual([1]);
  });
});
