// The life of a session as stories: how it begins, what it answers, how it is
// asked to leave. The timers are in timers.test.ts, the table of decisions in
// arrival.test.ts.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { decodeTlvs } from "../../src/wire/tlv.js";
import { hex, toHex } from "../wire/captures.js";
import { example, exampleIds } from "./examples.js";
import { answerTo, bytesOf, granted, Stage } from "./stage.js";

const zeros = "0000 0000 0000 0000";

describe("a session begins", () => {
  test("with a Keepalive that is answered [DSO-03] [DSO-33] [DSO-36]", () => {
    const stage = new Stage();
    expect(stage.session.isEstablished).toBe(false);
    stage.says("E01");
    expect(stage.heard()).toEqual(answerTo("E02"));
    expect(stage.session.isEstablished).toBe(true);
  });

  test("with a SUBSCRIBE that succeeds, and is told its values [DSO-38] [DSO-37]", () => {
    const stage = new Stage();
    stage.says("E20");
    expect(stage.heard()).toEqual(answerTo("E21", "E03"));
    stage.says("0103 3000 0000 0000 0000 0000 0040 0005 00 000c 0001");
    expect(stage.heard()).toEqual(["0103b0000000000000000000"]);
  });

  test("not with a refusal, after which it still may [DSO-03] [DSO-05]", () => {
    const stage = new Stage();
    stage.says("E05");
    stage.says("E09");
    stage.answer = { rcode: 9, retryDelay: seconds(300) };
    stage.says("E20");
    expect(stage.heard()).toEqual(answerTo("E06", "E10", "E22"));
    expect(stage.session.isEstablished).toBe(false);
    stage.says("E01");
    expect(stage.heard()).toEqual(answerTo("E02"));
    expect(stage.session.isEstablished).toBe(true);
  });

  test("and before it nothing is said unasked [DSO-02]", () => {
    const stage = new Stage();
    stage.session.send(stage.now, example("E23"));
    expect(stage.session.leave(stage.now, { rcode: 0, retryDelay: ms(0) })).toBe(false);
    stage.session.configure(stage.now, { ...granted, inactivity: seconds(1) });
    stage.run(100_000);
    expect(stage.heard()).toEqual([]);
    expect(stage.reset).toBe(undefined);
  });

  test("the client is turned away as soon as it can be said [DSO-43]", () => {
    const turnAway = { rcode: 2, retryDelay: seconds(60) };
    const keepalive = new Stage({ turnAway });
    keepalive.says("E01");
    expect(keepalive.heard()).toEqual(answerTo("E02", "E04"));
    expect(keepalive.run(5).reset).toEqual({ reason: "stayed", at: 5 });
    const subscriber = new Stage({ turnAway });
    subscriber.says("E20");
    expect(subscriber.heard()).toEqual(answerTo("E21", "E04"));
    subscriber.session.send(subscriber.now, example("E23"));
    expect(subscriber.heard()).toEqual([]);
  });
});

describe("responses", () => {
  test("every one has counts of zero, its own ID, and no TLV of the request [DSO-10] [DSO-16]", () => {
    const stage = new Stage();
    for (const id of ["E05", "E09", "E01", "E20"] as const) stage.says(id);
    for (const message of stage.heard()) expect(message.slice(8, 24)).toBe("0".repeat(16));
  });

  test("infinite values stand as such on the wire [DSO-34]", () => {
    const endless = ms(Number.POSITIVE_INFINITY);
    const stage = new Stage({ granted: { inactivity: endless, keepalive: endless } });
    stage.says("E01");
    expect(stage.heard()[0]?.slice(24)).toBe("00010008ffffffffffffffff");
    stage.run(10_000_000);
    expect(stage.reset).toBe(undefined);
    const long = new Stage({ granted: { inactivity: ms(2 ** 40), keepalive: ms(2 ** 40) } });
    long.says("E01");
    expect(long.heard()[0]?.slice(24)).toBe("00010008fffffffefffffffe");
  });

  test("a keepalive interval below ten seconds is never granted [DSO-32]", () => {
    const stage = new Stage({ granted: { inactivity: ms(0), keepalive: ms(1) } });
    stage.says("E01");
    expect(stage.heard()[0]?.slice(24)).toBe("000100080000000000002710");
  });

  test.each([
    ["a Keepalive", "E07", "00010008000075300036ee80"],
    ["an unknown request", `0bad 3000 ${zeros} f800 0000 0003 0000`, ""],
    ["a wrong Keepalive", `0bad 3000 ${zeros} 0001 0000 0003 0001 ff`, ""],
  ])(
    "%s with padding gets a padded one under TLS [DSO-46] [DSO-18] [DSO-47]",
    (_what, message, first) => {
      const stage = new Stage();
      stage.says(message);
      const [answer = ""] = stage.heard();
      expect(answer.length / 2).toBe(468);
      const bytes = hex(answer);
      const tlvs = decodeTlvs(bytes);
      const last = tlvs.at(-1);
      expect(last?.type).toBe(3);
      expect(toHex(bytes.subarray(12, (last?.start ?? 0) - 4))).toBe(first);
      expect(bytes.subarray(last?.start).every((byte) => byte === 0)).toBe(true);
    },
  );

  test("a refused SUBSCRIBE: the delay, then the padding [DSO-46] [DSO-45]", () => {
    const stage = new Stage();
    stage.answer = { rcode: 2, retryDelay: seconds(60) };
    stage.says(`0102 3000 ${zeros} 0040 0005 00 000c 0001 0003 0000`);
    const bytes = hex(stage.heard()[0] ?? "");
    expect(decodeTlvs(bytes).map(({ type }) => type)).toEqual([2, 3]);
    expect(bytes.length).toBe(468);
  });

  test("on cleartext padding is passed over [DSO-47]", () => {
    const stage = new Stage({ isSecure: false });
    stage.says("E07");
    expect(stage.heard()).toEqual(answerTo("E02"));
  });

  test("they leave in the order of what they answer [DSO-23]", () => {
    const stage = new Stage();
    stage.says("E01");
    stage.answer = undefined;
    const outcome = stage.says("E20");
    stage.says("E05");
    if (outcome.kind !== "request") return expect.fail(outcome.kind);
    stage.session.respond(stage.now, outcome.request, { rcode: 0 });
    // Ready is ready: the later one was answered first.
    expect(stage.heard()).toEqual(answerTo("E02", "E06", "E21"));
    stage.session.respond(stage.now, outcome.request, { rcode: 0 });
    expect(stage.heard()).toEqual([]);
  });
});

describe("operations", () => {
  test("one that failed leaves the session open [DSO-24] [DSO-45]", () => {
    const stage = new Stage();
    stage.says("E01");
    stage.answer = { rcode: 9, retryDelay: seconds(300) };
    stage.says("E20");
    stage.answer = { rcode: 0 };
    stage.says("E20");
    expect(stage.heard()).toEqual(answerTo("E02", "E22", "E21"));
  });

  test("we end one with a second response; its ID is free then [DSO-25]", () => {
    const stage = new Stage();
    stage.says("E01");
    stage.says("E20");
    stage.heard();
    stage.session.cancel(stage.now, 0x0102, { rcode: 9, retryDelay: seconds(300) });
    stage.session.cancel(stage.now, 0x0102, { rcode: 9, retryDelay: seconds(300) });
    expect(stage.heard()).toEqual(answerTo("E22"));
    expect(stage.says("E20").kind).toBe("request");
  });

  test("the client ends one; its ID is free then", () => {
    const stage = new Stage();
    stage.says("E20");
    expect(stage.session.ended(stage.now, 0x0102)).toBe(true);
    expect(stage.session.ended(stage.now, 0x0102)).toBe(false);
    expect(stage.says("E20").kind).toBe("request");
  });
});

describe("leaving", () => {
  test("a Retry Delay with its reason, silence, and a reset after five seconds [DSO-41] [DSO-42]", () => {
    const stage = new Stage();
    stage.says("E20");
    stage.heard();
    expect(stage.session.leave(stage.now, { rcode: 2, retryDelay: seconds(60) })).toBe(true);
    expect(stage.heard()).toEqual(answerTo("E04"));
    stage.session.send(stage.now, example("E23"));
    stage.session.cancel(stage.now, 0x0102, { rcode: 9 });
    expect(stage.session.leave(stage.now, { rcode: 2, retryDelay: seconds(60) })).toBe(false);
    expect(stage.heard()).toEqual([]);
    expect(stage.run(4.999).reset).toBe(undefined);
    expect(stage.run(5).reset).toEqual({ reason: "stayed", at: 5 });
  });

  test("an answer that is ready only then is not sent [DSO-41]", () => {
    const stage = new Stage();
    stage.says("E01");
    stage.says("0d01 0000 0001 0000 0000 0000 036c616200 0006 0001");
    expect(stage.session.answered(stage.now)).toBe(true);
    stage.says("0d01 0000 0001 0000 0000 0000 036c616200 0006 0001");
    stage.session.leave(stage.now, { rcode: 0, retryDelay: ms(0) });
    expect(stage.session.answered(stage.now)).toBe(false);
  });

  test("before the session ordinary answers are sent", () => {
    const stage = new Stage();
    stage.says("0d01 0000 0001 0000 0000 0000 036c616200 0006 0001");
    expect(stage.session.answered(stage.now)).toBe(true);
  });
});

test("whatever comes: no exception, replies only to requests, nothing after a reset", () => {
  const bent = fc.record({
    id: fc.constantFrom(...exampleIds),
    at: fc.nat(40),
    byte: fc.nat(255),
    cut: fc.nat(3),
  });
  const messages = bent.map(({ id, at, byte, cut }) => {
    const message = bytesOf(id);
    if (at < message.length && cut !== 1) message[at] = byte;
    return cut === 2 ? message.slice(0, at) : message;
  });
  const noise = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(fc.array(fc.oneof(messages, noise), { maxLength: 12 }), (sent) => {
      const stage = new Stage();
      for (const message of sent) {
        const isOver = stage.session.state.kind === "aborted";
        const outcome = stage.receives(message);
        const heard = stage.heard();
        if (outcome.kind === "abort") expect(heard).toEqual([]);
        if (isOver) expect([outcome.kind, heard]).toEqual(["done", []]);
        const id = toHex(message.subarray(0, 2));
        const replies = heard.filter((one) => Number.parseInt(one.slice(4, 6), 16) >= 0x80);
        expect(replies.every((one) => one.startsWith(id) && id !== "0000")).toBe(true);
        if (outcome.kind === "ordinary") stage.session.dropped(stage.now);
      }
    }),
    { numRuns: 2000, seed: 1 },
  );
});
