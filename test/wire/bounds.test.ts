// What one message may cost: the dearest that we can make is cut short, the
// largest that honest software makes is not.

import { describe, expect, test } from "vitest";
import { hostile } from "../../bench/decode.js";
import {
  decodeMessage,
  decodePartial,
  encodeMessage,
  type Message,
} from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { stepsMax } from "../../src/wire/reader.js";
import { type RR, rdataNames } from "../../src/wire/rr.js";
import { parseRR } from "../../src/wire/text.js";
import { hex } from "./captures.js";

/** a.local A 192.0.2.1, owner a pointer to the question. */
const soundA = "c00c 0001 0001 00000078 0004 c0000201";

describe("bounded work", () => {
  const rrsOf = (message: Message): number =>
    message.questions.length + message.answers.length + message.additionals.length;

  // Whose honest siblings are far from the bound, and which would cost several times more.
  const refused = [
    "owners of a label and a long name's rest",
    "owners of a capital and a long name's rest",
    "MINFOs with two long names",
    "NAPTRs of nothing",
    "questions with a long name's rest",
    "pointers to pointers",
    "NSECs with a full first block",
    "NSECs with every block",
    "NSECs that cannot be read",
    "a TXT of empty strings",
    "a TXT of one-byte strings",
    "an OPT of empty options",
    "an OPT of one-byte options",
  ];

  test("what expands is refused", () => {
    const cut = hostile.filter(([, bytes]) => decodePartial(bytes).fault !== undefined);
    expect(cut.map(([what]) => what)).toEqual(expect.arrayContaining(refused));
  });

  test("128 pointers lead to a name, 129 do not", () => {
    // A name of one label, at 23, and pointers, each to the one before; then an owner.
    const chain = (length: number): Uint8Array => {
      const pointers = Array.from({ length }, (_, index) =>
        index === 0 ? 23 : 26 + 2 * (index - 1),
      );
      const bytes = ["016100", ...pointers.map((at) => (0xc000 | at).toString(16))].join("");
      const size = (bytes.length / 2).toString(16).padStart(4, "0");
      const owner = (0xc000 | (26 + 2 * (length - 1))).toString(16);
      return hex(`0000 8400 0000 0002 0000 0000
        00 ff00 0001 00000000 ${size} ${bytes} ${owner} ff00 0001 00000000 0000`);
    };
    expect(formatName((decodeMessage(chain(127)).answers[1] as RR).name)).toBe("a.");
    expect(decodePartial(chain(128)).fault?.message).toContain("too many compression pointers");
  });

  test.each(hostile)(
    "%s: decoded or refused, not more records than bytes allow",
    (_what, bytes) => {
      const { message, fault } = decodePartial(bytes);
      if (fault !== undefined)
        expect(fault.message).toMatch(/takes more work|too many compression/);
      expect(rrsOf(message)).toBeLessThanOrEqual(Math.floor(65_535 / 11));
      // What would cost most is cut short: far fewer labels than 127 a record.
      const names = new Set(
        message.answers.flatMap((rr) => [rr.name, ...rdataNames(rr.type, rr.rdata)]),
      );
      const labels = [...names].reduce((sum, name) => sum + name.labels.length, 0);
      expect(labels).toBeLessThanOrEqual(stepsMax);
    },
  );

  const zone = "_ipp._tcp.Building 1.campus.example.com.".replaceAll(" ", "\\032");
  const honest: readonly (readonly [string, (index: number) => string])[] = [
    ["addresses", (i) => `host-${i}.${zone} 10 A 192.0.2.1`],
    ["short instances", (i) => `${zone} 10 PTR p${i}.${zone}`],
    ["long instances", (i) => `${zone} 10 PTR Printer\\032number\\032${i}.${zone}`],
    ["SRVs", (i) => `p${i}.${zone} 10 SRV 0 0 631 host-${i}.${zone}`],
    ["TXTs", (i) => `p${i}.${zone} 10 TXT "txtvers=1" "a=${i}" "note=" "Color=T" "qtotal=1"`],
    ["NSECs", (i) => `p${i}.${zone} 10 NSEC p${i}.${zone} A TXT AAAA SRV`],
    ["NAPTRs", (i) => `p${i}.${zone} 10 NAPTR 1 1 "s" "x" "" p${i}.${zone}`],
  ];
  test.each(honest)("an honest message of 64 KB is not refused: %s", (_what, line) => {
    const answers: RR[] = [];
    let bytes = new Uint8Array(0);
    for (let index = 0; ; index += 50) {
      for (let more = 0; more < 50; more++) answers.push(parseRR(line(index + more)));
      try {
        bytes = Uint8Array.from(encodeMessage({ isResponse: true, answers }));
      } catch {
        break;
      }
    }
    expect(bytes.length).toBeGreaterThan(60_000);
    expect(decodePartial(bytes).fault).toBeUndefined();
  });

  test("a name is decoded once, however often it is pointed to", () => {
    const [a, b] = decodeMessage(
      hex(`0000 8400 0001 0002 0000 0000 0161 056c6f63616c 00 0001 0001 ${soundA} ${soundA}`),
    ).answers as [RR, RR];
    expect(a.name).toBe(b.name);
    expect(formatName(a.name)).toBe(formatName(parseName("a.local")));
  });
});
