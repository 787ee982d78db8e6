// DSO messages as TLVs (RFC 8490 §5.4), and the same bytes cut and bent.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/wire/errors.js";
import { decodeHeader } from "../../src/wire/message.js";
import { formatName } from "../../src/wire/name.js";
import { decodeTlvs, encodeDso, type Tlv, tlvReader } from "../../src/wire/tlv.js";
import { example, exampleIds } from "../dso/examples.js";
import { hex, toHex } from "./captures.js";

const value = (message: Uint8Array, tlv: Tlv) => toHex(message.subarray(tlv.start, tlv.end));

describe("decodeTlvs", () => {
  test.each([
    ["E01", ["1 00003a980036ee80"]],
    ["E05", ["63488 deadbeef"]],
    ["E06", []],
    ["E07", ["1 00003a980036ee80", "3 0000000000000000"]],
    ["E11", ["63488 "]],
    ["E28", ["66 0102"]],
  ] as const)("%s [DSO-17]", (id, want) => {
    const message = example(id);
    expect(decodeTlvs(message).map((tlv) => `${tlv.type} ${value(message, tlv)}`)).toEqual(want);
  });

  test.each([
    ["a length past the end", "0001 000c 00003a98 0036ee80"],
    ["one byte left over", "0001 0000 00"],
    ["three bytes left over", "0001 0000 000000"],
    ["a type alone", "0001"],
    ["the longest length, nothing behind it", "0001 ffff"],
  ])("%s is refused [DSO-21]", (_what, rest) => {
    const message = hex(`1a2b 3000 0000000000000000 ${rest}`);
    expect(() => decodeTlvs(message)).toThrow(FormatError);
  });

  test("names in a TLV may point into the TLV before it, not out of the message", () => {
    // A name in the first, `_a` in front of it in the second.
    const message = hex("0000 3000 0000000000000000 0040 0005 036c616200 0040 0005 025f61 c010");
    const [, second] = decodeTlvs(message);
    expect(formatName(tlvReader(message, second!).name("name"))).toBe("_a.lab.");
    const cut = tlvReader(message, { ...second!, end: second!.end - 1 });
    expect(() => cut.name("name")).toThrow(FormatError);
  });

  test("whatever the bytes: TLVs that lie behind one another to the end, or a FormatError", () => {
    const bent = fc.record({
      id: fc.constantFrom(...exampleIds),
      at: fc.nat(80),
      byte: fc.nat(255),
      length: fc.integer({ min: 12, max: 100 }),
    });
    const noise = fc.uint8Array({ minLength: 12, maxLength: 60 });
    const bytes = bent.map(({ id, at, byte, length }) => {
      const message = example(id);
      if (at < message.length) message[at] = byte;
      return message.slice(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(bytes, noise), (message) => {
        let tlvs: readonly Tlv[];
        try {
          tlvs = decodeTlvs(message);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          return;
        }
        let end = 12;
        for (const tlv of tlvs) {
          expect(tlv.start).toBe(end + 4);
          end = tlv.end;
        }
        expect(end).toBe(Math.max(12, message.length));
        const { id, isResponse, rcode } = decodeHeader(message);
        const again = tlvs.map(({ type, start, end: last }) => ({
          type,
          bytes: message.slice(start, last),
        }));
        expect(decodeTlvs(encodeDso({ id, isResponse, rcode }, again))).toEqual(tlvs);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});

describe("encodeDso", () => {
  const keepalive = { type: 1, bytes: hex("00007530 0036ee80") };

  test.each([
    ["E02", { id: 0x1a2b, isResponse: true, rcode: 0 }, [keepalive]],
    ["E03", { id: 0, isResponse: false, rcode: 0 }, [keepalive]],
    ["E04", { id: 0, isResponse: false, rcode: 2 }, [{ type: 2, bytes: hex("0000ea60") }]],
    ["E06", { id: 0x0bad, isResponse: true, rcode: 11 }, []],
    [
      "E08",
      { id: 0x1a2b, isResponse: true, rcode: 0 },
      [keepalive, { type: 3, bytes: new Uint8Array(8) }],
    ],
    ["E10", { id: 0x0c0f, isResponse: true, rcode: 1 }, []],
    ["E21", { id: 0x0102, isResponse: true, rcode: 0 }, []],
    ["E22", { id: 0x0102, isResponse: true, rcode: 9 }, [{ type: 2, bytes: hex("000493e0") }]],
    ["E28", { id: 0, isResponse: false, rcode: 0 }, [{ type: 0x42, bytes: hex("0102") }]],
  ] as const)("%s", (id, header, tlvs) => {
    expect(toHex(encodeDso(header, tlvs))).toBe(toHex(example(id)));
  });

  test("a value that no length can say is refused", () => {
    const tlv = { type: 3, bytes: new Uint8Array(0x1_0000) };
    expect(() => encodeDso({ id: 1, isResponse: true, rcode: 0 }, [tlv])).toThrow(FormatError);
  });
});
