// How long LLQs live: refreshes, the end of a lease, the end of the daemon.

import { describe, expect, test } from "vitest";
import type { LlqOption } from "../../src/llq/option.js";
import { instant } from "../../src/time.js";
import { apex, browse, foyer, instances, lobby, request, Stage, told, udp } from "./stage.js";

/** An LLQ whose client knows of Lobby. */
function begun(): { s: Stage; option: LlqOption } {
  const s = new Stage();
  const option = s.setUp();
  s.hear(lobby);
  expect(told(s.takeOne())).toEqual(["+ Lobby"]);
  return { s, option };
}

test("an LLQ is listed with its client, what it holds, its age and its end", () => {
  const { s } = begun();
  s.run(100);
  const [llq, ...more] = [...s.server.all()];
  expect(more).toEqual([]);
  expect(llq).toMatchObject({ transport: "udp", address: "192.0.2.1" });
  expect(llq?.question.type).toBe(12);
  const sinceThen = (then: number) => Math.round((s.now - then) / 1000);
  expect(sinceThen(llq?.begunAt ?? 0)).toBe(100);
  expect(sinceThen(llq?.expiresAt ?? 0)).toBe(100 - 7200);
  s.run(7300);
  expect([...s.server.all()]).toEqual([]);
});

describe("leases", () => {
  test("no event after the lease, and nothing asked [LLQ-22]", () => {
    const s = new Stage();
    s.setUp(browse, udp(), 900);
    s.hear(lobby);
    s.take();
    s.run(899.5).hear(foyer);
    expect(s.take()).toHaveLength(1);
    s.run(901).hear(...instances(2));
    expect(s.run(920).take()).toEqual([]);
    expect(s.server.size).toBe(0);
    expect(s.link.questionCount).toBe(0);
    expect(s.counts.of("llq", "expired")).toBe(1);
  });

  test.each([
    [100, 3600, 3600],
    [1800, 3600, 3600],
    [3599, 60, 900],
    [10, 0xffff_ffff, 7200],
  ])(
    "refreshed after %i s with %i s it runs %i s from then [LLQ-21] [LLQ-23]",
    (when, wish, granted) => {
      const s = new Stage();
      const option = s.setUp(browse, udp(), 3600);
      s.run(when).take();
      expect(s.refresh(option, wish)).toEqual({ ...option, opcode: 2, leaseSeconds: granted });
      s.run(when + granted - 1);
      expect(s.server.size).toBe(1);
      s.run(when + granted);
      expect(s.server.size).toBe(0);
    },
  );

  test.each<[string, Partial<LlqOption>, string, string | undefined]>([
    ["another ID", { id: 77n }, browse, undefined],
    ["another question", {}, `_http._tcp.${apex}. PTR`, undefined],
    ["another type", {}, `_ipp._tcp.${apex}. TXT`, undefined],
    ["another address", {}, browse, "192.0.2.2"],
  ])("a refresh with %s finds no LLQ [LLQ-21]", (_, change, line, address) => {
    const { s, option } = begun();
    const asked = { ...option, ...change };
    expect(s.refresh(asked, 3600, udp(address), line)).toEqual({
      ...asked,
      opcode: 2,
      error: 4,
      leaseSeconds: 0,
    });
    expect(s.server.size).toBe(1);
  });

  test("a refresh is judged question by question [LLQ-21] [LLQ-10]", () => {
    const { s, option } = begun();
    const good = { ...option, opcode: 2 };
    const lines = [browse, `_http._tcp.${apex}. PTR`, `_ftp._tcp.${apex}. PTR`];
    s.say(request(lines, [good, { ...good, id: 1n }, { ...good, version: 2 }]));
    expect(s.takeOne().options.map(({ error }) => error)).toEqual([0, 4, 5]);
  });

  test("lease 0 ends it at once, with whatever is on its way [LLQ-21]", () => {
    const { s, option } = begun();
    s.hear(foyer);
    s.take();
    expect(s.refresh(option, 0)).toEqual({ ...option, opcode: 2, leaseSeconds: 0 });
    expect(s.link.questionCount).toBe(0);
    expect(s.run(30).take()).toEqual([]);
  });

  test("lease 0 during the wait for the first answer: one reply, no more [LLQ-21]", () => {
    const s = new Stage();
    const option = s.setUp();
    s.run(1).say(request(browse, { ...option, opcode: 2, leaseSeconds: 0 }));
    const [opened, ended] = s.take();
    expect([opened!.options[0]!.leaseSeconds, ended!.options[0]!.opcode]).toEqual([0, 2]);
    expect(s.run(30).take()).toEqual([]);
    expect(s.server.nextDeadline()).toBeUndefined();
  });

  test("after the stop nothing is due", () => {
    const { s } = begun();
    s.setUp(`_http._tcp.${apex}. PTR`);
    s.server.stop(s.now);
    s.settle();
    expect(s.takeOne().options[0]!.leaseSeconds).toBe(0);
    expect(s.server.nextDeadline()).toBeUndefined();
    expect(s.link.questionCount).toBe(0);
  });

  test("a late clock ends what is over before it sends [LLQ-22]", () => {
    const s = new Stage();
    s.setUp(browse, udp(), 900);
    s.hear(lobby);
    s.run(895).hear(foyer);
    s.take();
    s.now = instant(s.now + 10_000_000);
    s.server.expire(s.now);
    s.settle();
    expect(s.take()).toEqual([]);
    expect(s.server.size).toBe(0);
  });
});
