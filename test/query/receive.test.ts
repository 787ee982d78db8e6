// The first look at a query, on bytes written by hand: DNS headers from
// RFC 1035 §4.1.1, OPT layouts from RFC 6891 §6.1.2.

import { describe, expect, test } from "vitest";
import { encodeRefusal } from "../../src/query/answer.js";
import { receive } from "../../src/query/receive.js";
import { seconds } from "../../src/time.js";

const rules = { udpSize: 1232, tcpIdle: seconds(10) };

const hex = (text: string) => Buffer.from(text.replaceAll(/[\s|]/g, ""), "hex");

/** lab.example.com SOA IN */
const soa = "036c6162076578616d706c6503636f6d0000060001";

/** What is answered at once, in hex; "dropped: …", or "query" when it goes on. */
function outcome(message: string, isStream = false): string {
  const received = receive(hex(message), isStream, rules);
  switch (received.kind) {
    case "dropped":
      return `dropped: ${received.reason}`;
    case "query":
      return "query";
    case "refused":
      return Buffer.from(encodeRefusal(received.refusal, isStream ? "tcp" : "udp", rules)).toString(
        "hex",
      );
  }
}

const same = (text: string) => text.replaceAll(/[\s|]/g, "");

describe("the first look at a message", () => {
  const table: readonly (readonly [string, string, string])[] = [
    ["nothing at all is dropped [DP-112]", "", "dropped: short"],
    ["eleven bytes are dropped [DP-112]", "0e01 0000 0001 0000 0000 00", "dropped: short"],
    ["a response is dropped [DP-112]", `0e01 8400 0001 0000 0000 0000 ${soa}`, "dropped: response"],
    ["a plain query goes on", `0e01 0000 0001 0000 0000 0000 ${soa}`, "query"],
    [
      "a query with an OPT goes on",
      `0e01 0000 0001 0000 0000 0001 ${soa} 00 0029 04d0 00000000 0000`,
      "query",
    ],
    [
      "NOTIFY is NOTIMP, the header alone [DP-112]",
      `0e01 2000 0001 0000 0000 0000 ${soa}`,
      "0e01 a004 0000 0000 0000 0000",
    ],
    [
      "UPDATE is NOTIMP [DP-112]",
      `0e01 2800 0001 0000 0000 0000 ${soa}`,
      "0e01 a804 0000 0000 0000 0000",
    ],
    [
      "opcode 15 is NOTIMP, RD is copied [DP-112]",
      "0e01 7900 0000 0000 0000 0000",
      "0e01 f904 0000 0000 0000 0000",
    ],
    [
      "a DSO request is NOTIMP, twelve bytes [DSO-01]",
      "1001 3000 0000 0000 0000 0000 0001 0008 00003a98 00003a98",
      "1001 b004 0000 0000 0000 0000",
    ],
    [
      "no question is FORMERR [DP-112]",
      "0e01 0000 0000 0000 0000 0000",
      "0e01 8001 0000 0000 0000 0000",
    ],
    [
      "two questions are FORMERR [DP-112]",
      `0e01 0000 0002 0000 0000 0000 ${soa} ${soa}`,
      "0e01 8001 0000 0000 0000 0000",
    ],
    [
      "a question cut short is FORMERR",
      "0e01 0000 0001 0000 0000 0000 036c6162",
      "0e01 8001 0000 0000 0000 0000",
    ],
    [
      "a name that points to itself is FORMERR",
      "0e01 0000 0001 0000 0000 0000 c00c 0006 0001",
      "0e01 8001 0000 0000 0000 0000",
    ],
    [
      "class CH is REFUSED [DP-112]",
      "0e01 0000 0001 0000 0000 0000 036c616200 0010 0003",
      "0e01 8005 0001 0000 0000 0000 036c616200 0010 0003",
    ],
    [
      "class IN with the top bit is another class [DP-112]",
      "0e01 0000 0001 0000 0000 0000 036c616200 0010 8001",
      "0e01 8005 0001 0000 0000 0000 036c616200 0010 8001",
    ],
    ["class ANY goes on [DP-112]", "0e01 0000 0001 0000 0000 0000 036c616200 0010 00ff", "query"],
    [
      "AXFR is REFUSED [DP-112]",
      "0e01 0000 0001 0000 0000 0000 036c616200 00fc 0001",
      "0e01 8005 0001 0000 0000 0000 036c616200 00fc 0001",
    ],
    [
      "IXFR is REFUSED, RD is copied [DP-112]",
      "0e01 0100 0001 0000 0000 0000 036c616200 00fb 0001",
      "0e01 8105 0001 0000 0000 0000 036c616200 00fb 0001",
    ],
    [
      "EDNS version 1 is BADVERS: E60 gives E61 [EDNS-03] [DP-113]",
      `0e01 0000 0001 0000 0000 0001 | ${soa}00002904d0000100000000`,
      `0e01 8000 0001 0000 0000 0001 | ${soa}00002904d0010000000000`,
    ],
    [
      "two OPTs are FORMERR with one: E62 gives E63 [EDNS-02]",
      `0e02 0000 0001 0000 0000 0002 | ${soa}00002904d000000000000000002904d0000000000000`,
      `0e02 8001 0001 0000 0000 0001 | ${soa}00002904d0000000000000`,
    ],
    [
      "an OPT in the answer section is FORMERR [EDNS-02]",
      `0e02 0000 0001 0001 0000 0000 | ${soa}00002904d0000000000000`,
      `0e02 8001 0001 0000 0000 0001 | ${soa}00002904d0000000000000`,
    ],
    [
      "an OPT with a name of its own is FORMERR [EDNS-02]",
      `0e02 0000 0001 0000 0000 0001 | ${soa}0161 00002904d0000000000000`,
      `0e02 8001 0001 0000 0000 0001 | ${soa}00002904d0000000000000`,
    ],
    [
      "an option longer than its OPT is FORMERR with an OPT [EDNS-05]",
      `0e02 0000 0001 0000 0000 0001 | ${soa}00002904d0000000000004 000a0009`,
      `0e02 8001 0001 0000 0000 0001 | ${soa}00002904d0000000000000`,
    ],
    [
      "DO is copied into a refusal too [DP-117]",
      "0e01 0000 0001 0000 0000 0001 036c616200 00fc 0001 00 0029 0200 00008000 0000",
      "0e01 8005 0001 0000 0000 0001 036c616200 00fc 0001 00 0029 04d0 00008000 0000",
    ],
  ];
  test.each(table)("%s", (_title, message, want) => {
    const isBytes = /^[0-9a-f]{4} /.test(want);
    expect(outcome(message)).toBe(isBytes ? same(want) : want);
  });
});

describe("options on streams", () => {
  const query = (option: string) => {
    const length = (option.length / 2).toString(16).padStart(4, "0");
    return `0e03 0000 0001 0000 0000 0001 ${soa} 00 0029 04d0 00000000 ${length} ${option}`;
  };

  test("an empty keepalive option is welcome: E64 [EDNS-08]", () => {
    expect(outcome(query("000b0000"), true)).toBe("query");
  });

  test("a keepalive option with a timeout is FORMERR on a stream, ignored on UDP [EDNS-08]", () => {
    const answer = outcome(query("000b0002012c"), true);
    expect(answer).toMatch(/^0e0380010001/);
    // RFC 7828 §3.3.2: ours is 100 × 100 ms.
    expect(answer).toMatch(/000b00020064$/);
    expect(outcome(query("000b0002012c"))).toBe("query");
  });
});

describe("how much may be answered", () => {
  const table: readonly (readonly [string, string, number])[] = [
    ["no OPT: 512", "", 512],
    ["0 counts as 512", "00 0029 0000 00000000 0000", 512],
    ["511 counts as 512", "00 0029 01ff 00000000 0000", 512],
    ["900 is 900", "00 0029 0384 00000000 0000", 900],
    ["4096 is our limit", "00 0029 1000 00000000 0000", 1232],
  ];
  test.each(table)("%s [DP-113] [EDNS-06]", (_title, opt, want) => {
    const count = opt === "" ? "0000" : "0001";
    const message = hex(`0e01 0000 0001 0000 0000 ${count} ${soa} ${opt}`);
    const received = receive(message, false, rules);
    expect(received.kind === "query" && received.query.answerMax).toBe(want);
    const onStream = receive(message, true, rules);
    expect(onStream.kind === "query" && onStream.query.answerMax).toBe(65_535);
  });
});

test("a name of 256 bytes, which only a link may have, is FORMERR [DP-70]", () => {
  const label = `3f${"61".repeat(63)}`;
  const name = (last: number) => `${label.repeat(3)}${(last).toString(16)}${"61".repeat(last)}00`;
  const message = (last: number) => `0e01 0000 0001 0000 0000 0000 ${name(last)} 0001 0001`;
  expect(outcome(message(61))).toBe("query");
  expect(outcome(message(62))).toMatch(/^0e018001/);
});
