// The answer to an AXFR as servers may send it: one record a message, shuffled,
// with doubles, with and without the question; and what is not a transfer.

import { describe, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { seededRandom } from "../../src/random.js";
import { instant } from "../../src/time.js";
import { Exchange } from "../../src/update/exchange.js";
import { transferWasteMax } from "../../src/update/limits.js";
import { encodeQuestion } from "../../src/update/messages.js";
import { Transfer, type TransferStep } from "../../src/update/transfer.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { encodeMessage, type Message } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { formatRR, parseRR } from "../../src/wire/text.js";

const apex = parseName("link1.discd.test");
const soa = (serial = 7) => `link1.discd.test SOA ns1.x root.x ${serial} 1 1 1 1`;
const data = ["a.link1.discd.test 120 A 192.0.2.1", "b.link1.discd.test 120 A 192.0.2.2"];

const message = (lines: readonly string[], rcode = 0): Message => ({
  ...({} as Message),
  rcode,
  answers: lines.map(parseRR),
});

function take(...messages: readonly Message[]): TransferStep | undefined {
  const transfer = new Transfer(apex);
  let step: TransferStep | undefined;
  for (const one of messages) step = transfer.take(one);
  return step;
}

const linesOf = (step: TransferStep | undefined) =>
  step?.kind === "complete" ? step.copy.rrs.map(formatRR).sort() : step;

describe("a transfer [XFR-2]", () => {
  const whole = [
    "a.link1.discd.test. 120 IN A 192.0.2.1",
    "b.link1.discd.test. 120 IN A 192.0.2.2",
  ];

  test("in one message, or one for each record", () => {
    const lines = [soa(), ...data, soa()];
    expect(linesOf(take(message(lines)))).toEqual(whole);
    expect(linesOf(take(...lines.map((line) => message([line]))))).toEqual(whole);
  });

  test("in any order and with doubles", () => {
    const shuffled = [soa(), ...data.toReversed(), ...data, soa()];
    expect(linesOf(take(message(shuffled)))).toEqual(whole);
  });

  test("is not complete before the SOA comes again", () => {
    expect(take(message([soa(), ...data]))?.kind).toBe("more");
    expect(take(message([soa()]))?.kind).toBe("more");
  });

  test("of an empty zone", () => {
    expect(linesOf(take(message([soa(), soa()])))).toEqual([]);
  });

  test("leaves out what is of no use: other zones' names and other classes", () => {
    const odd = ["x.elsewhere.test 120 A 192.0.2.9", "c.link1.discd.test 120 CH A 192.0.2.9"];
    expect(linesOf(take(message([soa(), ...odd, ...data, soa()])))).toEqual(whole);
  });
});

describe("no transfer", () => {
  test.each([
    ["begins without the SOA", [data[0] as string, soa(), soa()]],
    ["begins with another zone's", [soa().replace("link1", "link2"), soa()]],
    ["ends with another serial", [soa(7), ...data, soa(8)]],
    ["goes on after its end", [soa(), soa(), ...data]],
    ["is empty", []],
  ])("%s [XFR-3]", (_, lines) => {
    expect(take(message(lines))?.kind).toBe("broken");
  });

  test.each([
    ["the same again and again", (): string[] => [data[0] as string]],
    ["another zone's again and again", (): string[] => ["x.elsewhere.test 120 A 192.0.2.9"]],
    ["nothing again and again", (): string[] => []],
  ])("%s does not come to an end", (_, lines) => {
    const transfer = new Transfer(apex);
    transfer.take(message([soa()]));
    const part = message(lines());
    let rounds = 0;
    let step: TransferStep = { kind: "more" };
    while (step.kind === "more" && rounds < 300_000) {
      step = transfer.take(part);
      rounds += 1;
    }
    expect(step).toEqual({ kind: "broken", reason: "does not come to an end" });
    expect(rounds).toBeGreaterThanOrEqual(transferWasteMax);
  });

  test("refused", () => {
    expect(take(message([], 5))).toEqual({ kind: "refused", rcode: 5 });
  });
});

describe("a transfer that drips on", () => {
  test("is broken off after ten minutes, however steadily it comes", () => {
    const at = (second: number) => instant(1_000_000 + second * 1000);
    const exchange = new Exchange(undefined, () => 0, seededRandom(1), new Counts());
    exchange.send(at(0), { message: encodeQuestion(apex, 252), transfer: apex });
    exchange.opened(at(0));
    const [, written] = exchange.takeEffects();
    const id =
      written?.kind === "write" ? ((written.bytes[2] ?? 0) << 8) | (written.bytes[3] ?? 0) : 0;
    for (let second = 0; second < 600; second += 10) {
      exchange.expire(at(second));
      const line = second === 0 ? soa() : `h${second}.link1.discd.test 120 A 192.0.2.1`;
      const bytes = encodeMessage({ id, isResponse: true, answers: [parseRR(line)] });
      exchange.received(at(second), encodeFrame(bytes));
      expect(exchange.takeOutcome()).toBeUndefined();
    }
    expect(exchange.nextDeadline()).toBe(at(600));
    exchange.expire(at(600));
    const reason = "the transfer of the zone does not come to an end";
    expect(exchange.takeOutcome()).toMatchObject({ kind: "failed", reason });
    expect(exchange.takeEffects()).toEqual([{ kind: "close", isFault: true }]);
  });
});
