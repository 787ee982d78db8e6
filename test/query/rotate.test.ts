// Round robin.

import { expect, test } from "vitest";
import { Rotation } from "../../src/query/rotate.js";
import { formatRR, parseRRs } from "../../src/wire/text.js";

const three = "a.x. 10 A 192.0.2.1\na.x. 10 A 192.0.2.2\na.x. 10 A 192.0.2.3";

function rotation() {
  const one = new Rotation();
  return (records: string) =>
    one.next(parseRRs(records)).map((rr) => formatRR(rr).replace(/\.$/, "").at(-1));
}

test("addresses move up by one place each time", () => {
  const next = rotation();
  expect([next(three), next(three), next(three), next(three)]).toEqual([
    ["1", "2", "3"],
    ["2", "3", "1"],
    ["3", "1", "2"],
    ["1", "2", "3"],
  ]);
});

test("each set has turns of its own, and survives a change of its size", () => {
  const next = rotation();
  const two = "a.x. 10 AAAA 2001:db8::1\na.x. 10 AAAA 2001:db8::2";
  const first = [three, two, three, two, three, two].map((set) => next(set)[0]);
  expect(first).toEqual(["1", "1", "2", "2", "3", "1"]);
  expect(next("a.x. 10 A 192.0.2.7\na.x. 10 A 192.0.2.8")[0]).toBe("8");
});

test("nothing else moves", () => {
  const next = rotation();
  const pointers = "a.x. 10 PTR b1.\na.x. 10 PTR b2.";
  expect([next(pointers), next(pointers)]).toEqual([
    ["1", "2"],
    ["1", "2"],
  ]);
});

test("is bounded", () => {
  const next = rotation();
  const set = (n: number) => `${n}.x. 10 A 192.0.2.1\n${n}.x. 10 A 192.0.2.2`;
  next(set(0));
  expect(next(set(0))[0]).toBe("2");
  for (let n = 1; n <= 10_000; n++) next(set(n));
  expect(next(set(0))[0]).toBe("1");
});
