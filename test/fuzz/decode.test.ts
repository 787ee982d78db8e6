// The decoder on a fixed number of hostile packets, on every capture, and on
// every packet that ever broke it (corpus/). `npm run fuzz` goes on for longer.

import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, test } from "vitest";
import { allCaptures } from "../wire/captures.js";
import { hostileBytes, judge } from "./decode.js";
import { hostileOptions, hostileTlvs, judgeOption, judgeTlvs } from "./tlv.js";

describe("decoding", () => {
  test("hostile packets are decoded or refused, and nothing else", () => {
    fc.assert(fc.property(hostileBytes, judge), { numRuns: 3000, seed: 1 });
  });

  test("TLVs and LLQ options are read within their bounds, or refused [DSO-21] [LLQ-02]", () => {
    fc.assert(fc.property(hostileTlvs, judgeTlvs), { numRuns: 3000, seed: 1 });
    fc.assert(fc.property(hostileOptions, judgeOption), { numRuns: 500, seed: 1 });
  });

  test.each(allCaptures())("$title", ({ bytes }) => judge(bytes));

  const corpus = readdirSync("test/fuzz/corpus").filter((file) => file.endsWith(".hex"));
  test.each(corpus)("corpus %s", (file) => {
    const text = readFileSync(`test/fuzz/corpus/${file}`, "utf8").replace(/#.*$/gm, "");
    judge(Uint8Array.from(Buffer.from(text.replace(/\s+/g, ""), "hex")));
  });
});
