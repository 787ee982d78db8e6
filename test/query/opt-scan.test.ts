// Where OPT records stand, on bytes written by hand.

import { expect, test } from "vitest";
import { countOpts } from "../../src/query/opt-scan.js";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const question = "0161 00 0001 0001";
const opt = "00 0029 04d0 00000000 0000";
const address = "0161 00 0001 0001 0000000a 0004 c0000201";

const table: readonly (readonly [string, string, number, boolean])[] = [
  ["none", `0001 0000 0001 0000 0000 0000 ${question}`, 0, false],
  ["one", `0001 0000 0001 0000 0000 0001 ${question} ${opt}`, 1, false],
  [
    "behind another record",
    `0001 0000 0001 0000 0000 0002 ${question} ${address} ${opt}`,
    1,
    false,
  ],
  ["two", `0001 0000 0001 0000 0000 0002 ${question} ${opt} ${opt}`, 2, false],
  ["in the authority section", `0001 0000 0001 0000 0001 0000 ${question} ${opt}`, 1, true],
  ["cut short", `0001 0000 0001 0000 0000 0001 ${question} 00 0029 04d0`, 0, false],
  ["counts without records", "0001 0000 ffff ffff ffff ffff", 0, false],
  [
    "owned by a pointer",
    `0001 0000 0001 0000 0000 0001 ${question} c00e 0029 04d0 00000000 0000`,
    1,
    true,
  ],
];

test.each(table)("%s", (_title, message, count, isMisplaced) => {
  expect(countOpts(hex(message))).toEqual({ count, isMisplaced });
});
