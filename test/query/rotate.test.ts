// Round robin.

import { expect, test } from "vitest";
import { rotated } from "../../src/query/rotate.js";
import { formatRR, parseRRs } from "../../src/wire/text.js";

const texts = (records: string, turn: number) =>
  rotated(parseRRs(records), turn).map((rr) => formatRR(rr).split(" ").at(-1));

const three = "a.x. 10 A 192.0.2.1\na.x. 10 A 192.0.2.2\na.x. 10 A 192.0.2.3";

test("addresses move up by one place a turn", () => {
  expect(texts(three, 0)).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  expect(texts(three, 1)).toEqual(["192.0.2.2", "192.0.2.3", "192.0.2.1"]);
  expect(texts(three, 5)).toEqual(["192.0.2.3", "192.0.2.1", "192.0.2.2"]);
});

test("nothing else moves", () => {
  expect(texts("a.x. 10 PTR b.x.\na.x. 10 PTR c.x.", 1)).toEqual(["b.x.", "c.x."]);
});
