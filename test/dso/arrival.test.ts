// The receive decisions of part 3 of the specification, line by line: what each
// message does in each state of a session, and what is said to it.

import { describe, expect, test } from "vitest";
import type { ExampleId } from "./examples.js";
import { answerTo, Stage } from "./stage.js";

type Start = "connected" | "refused" | "established" | "subscribed" | "leaving";

function stageIn(start: Start): Stage {
  const stage = new Stage();
  if (start === "established" || start === "leaving") stage.says("E01");
  if (start === "subscribed") stage.says("E20");
  if (start === "refused") {
    stage.answer = { rcode: 9 };
    stage.says("E20");
    stage.answer = { rcode: 0 };
  }
  if (start === "leaving") stage.session.leave(stage.now, { rcode: 0, retryDelay: 0 as never });
  stage.heard();
  return stage;
}

const zeros = "0000 0000 0000 0000";
const keepalive = "0001 0008 00003a98 0036ee80";
const unsubscribe = "0042 0002 0102";
const plain = "0d01 0000 0001 0000 0000 0000 036c616200 0006 0001";
const withOption11 =
  "0e03 0000 0001 0000 0000 0001 036c616200 0006 0001 00 0029 04d0 00000000 0004 000b 0000";
const withOption10 =
  "0e03 0000 0001 0000 0000 0001 036c616200 0006 0001 00 0029 04d0 00000000 0004 000a 0000";

/** What comes of it: a reset with its reason, silence, an outcome, or what is answered. */
type Want = `RST ${string}` | "silence" | "ordinary" | "request" | "one-way" | ExampleId | string;

const lines: readonly (readonly [string, Start, string, Want])[] = [
  ["1: eleven bytes [TCP-02]", "established", "1a2b 3000 0000 0000 0000 00", "RST short"],
  ["1: nothing at all", "established", "", "RST short"],
  ["2: a request after a Retry Delay [DSO-41]", "leaving", "E01", "silence"],
  ["2: what would be fatal, after a Retry Delay", "leaving", "E12", "silence"],
  ["2: a query after a Retry Delay [DSO-41]", "leaving", plain, "silence"],
  ["3: a query before the session", "connected", plain, "ordinary"],
  ["3: a query on the session [DSO-08]", "established", plain, "ordinary"],
  ["3: a query with option 10 on the session", "established", withOption10, "ordinary"],
  ["3: what only looks like a query", "established", `${plain} 00`, "ordinary"],
  ["3: option 11 before the session", "connected", withOption11, "ordinary"],
  ["3: option 11 [EDNS-10]", "established", withOption11, "RST keepalive-option"],
  ["4: a response without ID [DSO-11]", "established", `0000 b000 ${zeros}`, "RST response"],
  ["4: a response to nothing [DSO-12]", "established", "E21", "RST response"],
  ["4: a response as the first message", "connected", "E02", "RST response"],
  [
    "4: UNSUBSCRIBE with QR [PUSH-17]",
    "subscribed",
    `0000 b000 ${zeros} ${unsubscribe}`,
    "RST response",
  ],
  ["5: one-way before the session [DSO-09]", "connected", "E28", "RST early-one-way"],
  ["5: RECONFIRM before the session", "connected", "E29", "RST early-one-way"],
  ["5: RECONFIRM after a refused SUBSCRIBE", "refused", "E29", "RST early-one-way"],
  ["5: UNSUBSCRIBE after a refused SUBSCRIBE", "refused", "E28", "silence"],
  [
    "5: nothing but a header, before the session",
    "refused",
    `0000 3000 ${zeros}`,
    "RST early-one-way",
  ],
  [
    "6: one-way with a count",
    "subscribed",
    `0000 3000 0001 0000 0000 0000 ${unsubscribe}`,
    "RST broken-one-way",
  ],
  ["6: one-way without TLV", "established", `0000 3000 ${zeros}`, "RST broken-one-way"],
  [
    "6: one-way, TLV overruns [DSO-21]",
    "established",
    `0000 3000 ${zeros} 0042 0003 0102`,
    "RST broken-one-way",
  ],
  ["7: UNSUBSCRIBE", "subscribed", "E28", "one-way"],
  ["7: RECONFIRM", "established", "E29", "one-way"],
  ["8: one-way Keepalive [DSO-13]", "established", "E12", "RST stray-one-way"],
  ["8: one-way Retry Delay [DSO-40]", "established", "E04", "RST stray-one-way"],
  [
    "8: one-way SUBSCRIBE [DSO-13]",
    "established",
    `0000 3000 ${zeros} 0040 0005 00 000c 0001`,
    "RST stray-one-way",
  ],
  ["8: PUSH [PUSH-17]", "established", "E23", "RST stray-one-way"],
  ["8: one-way Padding", "established", `0000 3000 ${zeros} 0003 0000`, "RST stray-one-way"],
  ["8: one-way, unknown [DSO-20]", "established", "E11", "RST stray-one-way"],
  ["9: a count [DSO-10]", "connected", "E09", "E10"],
  [
    "9: a count in the last place",
    "established",
    `0c0f 3000 0000 0000 0000 0001 ${keepalive}`,
    "E10",
  ],
  ["10: no TLV [DSO-17]", "established", `0c0f 3000 ${zeros}`, "E10"],
  [
    "10: TLV overruns [DSO-21]",
    "established",
    `0c0f 3000 ${zeros} 0001 000c 00003a980036ee80`,
    "E10",
  ],
  ["10: stray bytes [DSO-21]", "established", `0c0f 3000 ${zeros} ${keepalive} 00`, "E10"],
  [
    "11: Retry Delay with ID [DSO-40]",
    "established",
    `0c0f 3000 ${zeros} 0002 0004 0000ea60`,
    "RST one-way-with-id",
  ],
  ["11: PUSH with ID", "established", `0c0f 3000 ${zeros} 0041 0000`, "RST one-way-with-id"],
  [
    "11: UNSUBSCRIBE with ID [DSO-13]",
    "subscribed",
    `0001 3000 ${zeros} ${unsubscribe}`,
    "RST one-way-with-id",
  ],
  [
    "11: RECONFIRM with ID [DSO-13]",
    "connected",
    `0001 3000 ${zeros} 0043 0000`,
    "RST one-way-with-id",
  ],
  [
    "12: the ID of a subscription [DSO-15]",
    "subscribed",
    `0102 3000 ${zeros} 0040 0005 00 000c 0001`,
    "RST id-in-use",
  ],
  [
    "12: the same for a Keepalive",
    "subscribed",
    `0102 3000 ${zeros} ${keepalive}`,
    "RST id-in-use",
  ],
  ["13: Keepalive [DSO-04] [DSO-36]", "connected", "E01", "E02"],
  ["13: on the session, again", "established", "E01", "E02"],
  ["13: Z bits and RCODE set [DSO-14]", "connected", `1a2b 37f5 ${zeros} ${keepalive}`, "E02"],
  [
    "13: an unknown additional TLV [DSO-19]",
    "connected",
    `1a2b 3000 ${zeros} ${keepalive} f801 0002 abcd`,
    "E02",
  ],
  [
    "13: a Keepalive that asks for nothing [DSO-32]",
    "connected",
    `1a2b 3000 ${zeros} 0001 0008 00000000 00000000`,
    "E02",
  ],
  [
    "13: two Keepalive TLVs, the second ignored [DSO-22]",
    "connected",
    `1a2b 3000 ${zeros} ${keepalive} 0001 0000`,
    "E02",
  ],
  ["13: length 7 [DSO-39]", "connected", `0c0f 3000 ${zeros} 0001 0007 00003a980036ee`, "E10"],
  ["13: length 9", "connected", `0c0f 3000 ${zeros} 0001 0009 00003a980036ee8000`, "E10"],
  ["14: SUBSCRIBE", "established", "E20", "request"],
  ["15: unknown [DSO-20]", "connected", "E05", "E06"],
  ["15: unknown, on the session [DSO-20]", "established", "E05", "E06"],
  ["15: Padding [DSO-47]", "established", `0bad 3000 ${zeros} 0003 0000`, "E06"],
  ["15: type 0", "established", `0bad 3000 ${zeros} 0000 0000`, "E06"],
];

describe("receive decisions", () => {
  test.each(lines)("line %s; session %s", (_line, start, message, want) => {
    const stage = stageIn(start);
    const outcome = stage.says(message);
    const heard = stage.heard();
    if (want.startsWith("RST ")) {
      expect(outcome).toEqual({ kind: "abort", reason: want.slice(4) });
      expect(stage.session.state.kind).toBe("aborted");
      expect(heard).toEqual([]);
    } else if (want === "silence") {
      expect(outcome.kind).toBe("done");
      expect(heard).toEqual([]);
    } else if (want.startsWith("E")) {
      expect(outcome.kind).toBe("done");
      expect(heard).toEqual(answerTo(want as ExampleId));
    } else {
      expect(outcome.kind).toBe(want);
    }
  });

  test("line 12: the ID of a request that still waits for its answer [DSO-15]", () => {
    const stage = stageIn("established");
    stage.answer = undefined;
    expect(stage.says("E20").kind).toBe("request");
    expect(stage.says("0102 3000 0000000000000000 f800 0000")).toEqual({
      kind: "abort",
      reason: "id-in-use",
    });
  });

  test("after a reset nothing is heard or said any more", () => {
    const stage = stageIn("established");
    stage.says("E01");
    stage.says("E12");
    expect(stage.heard()).toEqual([]);
    expect(stage.says("E01").kind).toBe("done");
    expect(stage.says("E04").kind).toBe("done");
    expect(stage.heard()).toEqual([]);
    expect(stage.session.nextDeadline()).toBe(undefined);
  });
});
