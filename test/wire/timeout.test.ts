// TIMEOUT rdata and the Update Lease option against the specification's vectors,
// the first of which are those of the drafts' own appendix.

import { describe, expect, test } from "vitest";
import { RRType } from "../../src/wire/codes.js";
import { FormatError } from "../../src/wire/errors.js";
import { encodeMessage } from "../../src/wire/message.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import {
  decodeTimeout,
  encodeTimeout,
  formatTimeout,
  hashesMax,
  isRepresentable,
  parseTimeout,
  timeoutHash,
} from "../../src/wire/timeout.js";
import { encodeLease, findLease } from "../../src/wire/update-lease.js";
import { hex, toHex } from "./captures.js";

const expiry = 1767225600;
const p1 = "69d67bcb98e8809702b9dfca6b865558";
const p2 = "7ebe34bc8b3e7306f8fcf1d6805331e1";

const hashOf = (line: string): string => {
  const rr = parseRR(line);
  return toHex(timeoutHash(rr.type, rr.rdata));
};

describe("TIMEOUT", () => {
  test.each([
    ["all AAAA", RRType.AAAA, [], "001c0000000000006955b900"],
    ["one PTR", RRType.PTR, [p1], `000c0101000000006955b900${p1}`],
    ["two PTRs", RRType.PTR, [p1, p2], `000c0201000000006955b900${p1}${p2}`],
  ])("%s [TO-2] [TO-4] [TO-8]", (_, represented, hashes, bytes) => {
    const timeout = { represented, expiry, hashes: hashes.map(hex) };
    expect(toHex(encodeTimeout(timeout))).toBe(bytes);
    expect(decodeTimeout(hex(bytes))).toEqual(timeout);
  });

  test("hashes are of canonical rdata: names in lower case, TXT as it is [TO-6]", () => {
    expect(hashOf("x PTR p1._ipp._tcp.example.com")).toBe(p1);
    expect(hashOf("x PTR P1._IPP._tcp.EXAMPLE.com")).toBe(p1);
    expect(hashOf("x PTR p2._ipp._tcp.example.com")).toBe(p2);
    expect(hashOf("x SRV 0 0 631 Printer.link1.discd.test")).toBe(
      "8bc58eb2d9bff269e6bce3a8cd16be95",
    );
    expect(hashOf('x TXT "paper=A4"')).toBe("7f0e0011b14aca7c3973747e94352847");
    expect(hashOf('x TXT "PAPER=A4"')).not.toBe("7f0e0011b14aca7c3973747e94352847");
  });

  test("a count of 0 means all, whatever the method; a count with method 0 means nothing [TO-4]", () => {
    expect(decodeTimeout(hex("001c0001000000006955b900"))?.hashes).toEqual([]);
    expect(decodeTimeout(hex(`000c0100000000006955b900${p1}`))).toBeUndefined();
    expect(decodeTimeout(hex(`000c0102000000006955b900${p1}`))).toBeUndefined();
  });

  test("other lengths than 12 and 16 for each hash are malformed [TO-2]", () => {
    const whole = hex(`000c0101000000006955b900${p1}`);
    for (let end = 0; end < whole.length; end++) {
      expect(decodeTimeout(whole.slice(0, end))).toBeUndefined();
    }
    expect(decodeTimeout(hex(`000c0101000000006955b900${p1}00`))).toBeUndefined();
    expect(decodeTimeout(hex("001c000000000000")) ?? "none").toBe("none");
  });

  test("never about types of questions or of messages [TO-3]", () => {
    const refused = [RRType.OPT, RRType.TSIG, RRType.AXFR, RRType.ANY, 128, 255, 0];
    for (const represented of refused) {
      expect(isRepresentable(represented)).toBe(false);
      expect(() => encodeTimeout({ represented, expiry, hashes: [] })).toThrow();
      const bytes = hex(`${represented.toString(16).padStart(4, "0")}0000000000006955b900`);
      expect(decodeTimeout(bytes)).toBeUndefined();
    }
    expect(isRepresentable(0xff00)).toBe(true);
  });

  test("at most 255 hashes in one [TO-7]", () => {
    const hashes = Array.from({ length: hashesMax }, () => hex(p1));
    const bytes = encodeTimeout({ represented: RRType.PTR, expiry, hashes });
    expect(decodeTimeout(bytes)?.hashes.length).toBe(255);
    const tooMany = [...hashes, hex(p1)];
    expect(() => encodeTimeout({ represented: RRType.PTR, expiry, hashes: tooMany })).toThrow();
  });

  test("as text [TO-10]", () => {
    const text = (bytes: string) => {
      const timeout = decodeTimeout(hex(bytes));
      return timeout && formatTimeout(timeout);
    };
    expect(text("001c0000000000006955b900")).toBe("AAAA 0 0 20260101000000");
    expect(text(`000c0101000000006955b900${p1}`)).toBe(
      `PTR 1 1 20260101000000 ( ${p1.toUpperCase()} )`,
    );
  });

  test.each([
    "AAAA 0 0 20260101000000",
    "TYPE65280 0 0 99991231235959",
    `PTR 1 1 20260101000000 ( ${p1.toUpperCase()} )`,
    `PTR 2 1 21070101000000 ( ${p1.toUpperCase()} ${p2.toUpperCase()} )`,
  ])("text and back: %s [TO-10]", (text) => {
    const timeout = parseTimeout(text);
    expect(formatTimeout(timeout)).toBe(text);
    expect(decodeTimeout(encodeTimeout(timeout))).toEqual(timeout);
  });

  test("text in many lines, in lower case, with brackets close by [TO-10]", () => {
    const text = `PTR 2 1 20260101000000 (${p1}\n\t${p2})`;
    expect(toHex(encodeTimeout(parseTimeout(text)))).toBe(`000c0201000000006955b900${p1}${p2}`);
  });

  test.each([
    "",
    "NONSENSE 0 0 20260101000000",
    "ANY 0 0 20260101000000",
    "AAAA 0 0 1767225600",
    "AAAA 0 0 20260231000000",
    "AAAA 0 1 20260101000000",
    "AAAA 1 1 20260101000000",
    "AAAA 0 0 20260101000000 ( )",
    `PTR 1 1 20260101000000 ${p1}`,
    `PTR 1 1 20260101000000 ( ${p1}`,
    `PTR 2 1 20260101000000 ( ${p1} )`,
    `PTR 1 2 20260101000000 ( ${p1} )`,
    `PTR 1 1 20260101000000 ( ${p1.slice(2)} )`,
  ])("no text of a TIMEOUT: %s [TO-10]", (text) => {
    expect(() => parseTimeout(text)).toThrow(FormatError);
  });

  test("on the wire it is a record of a type without a layout [TO-1] [TO-11]", () => {
    const bytes = encodeTimeout({ represented: RRType.AAAA, expiry: 1767232800, hashes: [] });
    const rr: RR = {
      ...parseRR("printer.link1.discd.test 120 TYPE65280 \\# 0"),
      rdata: { kind: "opaque", bytes },
    };
    expect(toHex(encodeMessage({ authorities: [rr] })).slice(24)).toBe(
      "077072696e746572056c696e6b31056469736364047465737400" +
        "ff00000100000078000c001c0000000000006955d520",
    );
    expect(formatRR(rr)).toBe(
      "printer.link1.discd.test. 120 IN TYPE65280 \\# 12 001C0000000000006955D520",
    );
  });
});

describe("Update Lease [TO-22]", () => {
  const opt = (options: Parameters<typeof findLease>[0]) =>
    toHex(
      encodeMessage({
        edns: { udpSize: 1232, version: 0, extendedRcode: 0, dnssecOk: false, options },
      }),
    ).slice(24);

  test("four octets, or eight with a lease for keys", () => {
    expect(opt([encodeLease({ leaseSeconds: 3600 })])).toBe(
      "00002904d00000000000080002000400000e10",
    );
    const both = { leaseSeconds: 3600, keyLeaseSeconds: 1209600 };
    expect(opt([encodeLease(both)])).toBe("00002904d000000000000c0002000800000e1000127500");
    expect(findLease([encodeLease(both)])).toEqual(both);
    expect(findLease([{ code: 10, bytes: hex("00") }, encodeLease({ leaseSeconds: 60 })])).toEqual({
      leaseSeconds: 60,
    });
  });

  test("another length is no lease", () => {
    for (const length of [0, 1, 3, 5, 7, 9]) {
      expect(findLease([{ code: 2, bytes: new Uint8Array(length) }])).toBeUndefined();
    }
    expect(findLease([])).toBeUndefined();
  });
});
