// Building messages of bounded size: what is compressed where, what happens
// when something does not fit, and where the TTLs stand.

import { describe, expect, test } from "vitest";
import { RRType } from "../../src/wire/codes.js";
import { FormatError } from "../../src/wire/errors.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { type Compression, MessageWriter } from "../../src/wire/writer.js";
import { toHex } from "./captures.js";

const question = { name: parseName("a.local"), type: RRType.ANY, class: 1 };
const edns = { udpSize: 1232, version: 0, extendedRcode: 0, dnssecOk: false, options: [] };

/** The rdata, in hex, of the one record when the message asks for a.local: offsets 12 and 14. */
function rdataOf(text: string, compression: Compression): string {
  const bytes = encodeMessage({ questions: [question], answers: [parseRR(text)] }, { compression });
  const start = 25 + 12;
  return toHex(bytes.subarray(start));
}

describe("compression", () => {
  // b.local, where a pointer is allowed and where it is not.
  const short = "0162c00e";
  const whole = "0162056c6f63616c00";
  const table: readonly (readonly [rdata: string, unicast: string, mdns: string])[] = [
    ["NS b.local.", short, short],
    ["CNAME b.local.", short, short],
    ["PTR b.local.", short, short],
    ["MB b.local.", short, whole],
    ["MG b.local.", short, whole],
    ["MR b.local.", short, whole],
    ["MX 1 b.local.", `0001${short}`, `0001${short}`],
    ["MINFO b.local. b.local.", `${short}c025`, `${whole}${whole}`],
    [
      "SOA b.local. b.local. 1 2 3 4 5",
      `${short}c025${"00000001 00000002 00000003 00000004 00000005".replaceAll(" ", "")}`,
      `${short}c025${"00000001 00000002 00000003 00000004 00000005".replaceAll(" ", "")}`,
    ],
    ["SRV 1 2 3 b.local.", `000100020003${whole}`, `000100020003${short}`],
    ["DNAME b.local.", whole, short],
    ["RP b.local. b.local.", whole + whole, `${short}c025`],
    ["AFSDB 1 b.local.", `0001${whole}`, `0001${short}`],
    ["RT 1 b.local.", `0001${whole}`, `0001${short}`],
    ["KX 1 b.local.", `0001${whole}`, `0001${short}`],
    ["PX 1 b.local. b.local.", `0001${whole}${whole}`, `0001${short}c027`],
    ["NSEC b.local. A", `${whole}000140`, `${short}000140`],
    ['NAPTR 1 2 "" "" "" b.local.', `00010002000000${whole}`, `00010002000000${whole}`],
    ["SVCB 1 b.local.", `0001${whole}`, `0001${whole}`],
    ["HTTPS 0 b.local.", `0000${whole}`, `0000${whole}`],
  ];
  test.each(table)("[DP-41] in a unicast message: %s", (rdata, unicast) => {
    expect(rdataOf(`a.local. 0 ${rdata}`, "unicast")).toBe(unicast);
  });
  test.each(table)("[DP-147] in an mDNS message: %s", (rdata, _unicast, mdns) => {
    expect(rdataOf(`a.local. 0 ${rdata}`, "mdns")).toBe(mdns);
  });
  test.each(table)("[DP-147] is undone when decoding: %s", (rdata) => {
    const rr = parseRR(`a.local. 0 ${rdata}`);
    for (const compression of ["unicast", "mdns"] as const) {
      const bytes = encodeMessage({ questions: [question], answers: [rr] }, { compression });
      expect(decodeMessage(bytes).answers).toEqual([rr]);
    }
  });

  test("NSEC in mDNS: the next name is the owner, as a pointer", () => {
    expect(rdataOf("a.local. 0 NSEC a.local. A AAAA", "mdns")).toBe(
      `c00c${"00 04 40 00 00 08".replaceAll(" ", "")}`,
    );
  });

  test("[DP-69] a suffix in another case is another suffix", () => {
    // RFC 4343 §4.1: the capitals of the question must not become those of the answer.
    const asked = { name: parseName("_IPP._tcp.LOCAL"), type: RRType.PTR, class: 1 };
    const rr = parseRR("_IPP._tcp.LOCAL. 10 PTR Printer._ipp._tcp.local.");
    const bytes = encodeMessage({ questions: [asked], answers: [rr, rr] });
    const message = decodeMessage(bytes);
    expect(message.questions[0]?.name.labels).toEqual(["_IPP", "_tcp", "LOCAL"]);
    expect(message.answers.map(formatRR)).toEqual([
      "_IPP._tcp.LOCAL. 10 IN PTR Printer._ipp._tcp.local.",
      "_IPP._tcp.LOCAL. 10 IN PTR Printer._ipp._tcp.local.",
    ]);
    // 12, the question's 16 + 4, an RR of 12 + 24 + 1, and one of 12 + 2.
    expect(bytes.length).toBe(12 + 21 + (12 + 25) + (12 + 2));
  });

  test("a name that stands uncompressed can still be pointed to", () => {
    const bytes = encodeMessage({
      answers: [parseRR("a. 0 SRV 0 0 1 host.b."), parseRR("host.b. 0 A 192.0.2.1")],
    });
    // 12 + 3 + 10 + 6: the target; the second owner points there.
    expect(toHex(bytes)).toContain("04686f7374016200c01f00010001");
  });

  test("no pointer leads beyond offset 0x3fff", () => {
    const rrs: RR[] = [];
    for (let index = 0; index < 600; index++) {
      rrs.push(
        parseRR(`n${index >> 1}.x${index >> 3}.example. 0 TYPE65280 \\# 20 ${"00".repeat(20)}`),
      );
    }
    const bytes = encodeMessage({ answers: rrs });
    expect(bytes.length).toBeGreaterThan(0x4000);
    expect(decodeMessage(bytes).answers).toEqual(rrs);
  });

  test("labels cut differently do not share a suffix", () => {
    const rrs = [
      parseRR("a\\001b. 0 TYPE65280 \\# 0"),
      parseRR("a.b. 0 TYPE65280 \\# 0"),
      parseRR("b. 0 TYPE65280 \\# 0"),
    ];
    expect(decodeMessage(encodeMessage({ answers: rrs })).answers).toEqual(rrs);
  });
});

describe("all or none", () => {
  const set = [1, 2, 3].map((n) => parseRR(`set.example. 10 A 192.0.2.${n}`));
  const other = parseRR("other.example. 10 A 192.0.2.9");

  test("an RRset that does not fit leaves no trace", () => {
    const writer = new MessageWriter(12 + 27 + 2 * 16 - 1, "unicast");
    writer.header({ id: 1 });
    // set.example takes 13 bytes, the rest of its record 14; two more of 16.
    expect(writer.append("answer", set)).toBe(false);
    expect(writer.length).toBe(12);
    expect(writer.ttlOffsets()).toEqual([]);
    // Were set.example still known, its suffix would be pointed to.
    expect(writer.append("answer", [other])).toBe(true);
    const bytes = writer.finish();
    expect(decodeMessage(bytes).answers.map(formatRR)).toEqual([
      "other.example. 10 IN A 192.0.2.9",
    ]);
    expect(bytes.length).toBe(12 + 15 + 14);
  });

  test("sets before and after it are whole", () => {
    const writer = new MessageWriter(100, "unicast");
    const large = parseRR(`large.example. 10 TYPE65280 \\# 80 ${"00".repeat(80)}`);
    expect(writer.append("answer", [other])).toBe(true);
    expect(writer.append("answer", [large, ...set])).toBe(false);
    expect(writer.append("answer", [set[0] as RR])).toBe(true);
    const message = decodeMessage(writer.finish());
    expect(message.answers.map(formatRR)).toEqual([
      "other.example. 10 IN A 192.0.2.9",
      "set.example. 10 IN A 192.0.2.1",
    ]);
  });

  test("a set of more than 64 KB fits nowhere", () => {
    const large = parseRR(`large.example. 10 TYPE65280 \\# 60000 ${"00".repeat(60_000)}`);
    const writer = new MessageWriter(65_535, "unicast");
    expect(writer.append("answer", [large, large])).toBe(false);
    expect(writer.append("answer", [large])).toBe(true);
    expect(decodeMessage(writer.finish()).answers).toEqual([large]);
    expect(() => encodeMessage({ answers: [large, large] })).toThrow(FormatError);
  });

  test("exactly the limit is allowed", () => {
    const size = encodeMessage({ answers: set }).length;
    expect(new MessageWriter(size, "unicast").append("answer", set)).toBe(true);
    expect(new MessageWriter(size - 1, "unicast").append("answer", set)).toBe(false);
  });

  test("a record without an encoding throws, and leaves no trace", () => {
    const writer = new MessageWriter(512, "unicast");
    const broken: RR = {
      ...other,
      type: RRType.TXT,
      rdata: { kind: "txt", strings: [new Uint8Array(256)] },
    };
    expect(() => writer.append("answer", [other, broken])).toThrow(FormatError);
    expect(writer.length).toBe(12);
    expect(writer.append("answer", set)).toBe(true);
    expect(decodeMessage(writer.finish()).answers).toEqual(set);
  });

  test.each([
    ["an A of five bytes", { kind: "a", address: new Uint8Array(5) }, RRType.A],
    ["an AAAA of four", { kind: "aaaa", address: new Uint8Array(4) }, RRType.AAAA],
    ["rdata of another type", { kind: "mx", preference: 1, exchange: parseName("a") }, RRType.SOA],
    [
      "typed rdata of an unknown type",
      { kind: "mx", preference: 1, exchange: parseName("a") },
      999,
    ],
  ] as const)("%s has no encoding", (_what, rdata, type) => {
    const rr: RR = { ...other, type, rdata };
    expect(() => encodeMessage({ answers: [rr] })).toThrow(FormatError);
  });
});

describe("the OPT", () => {
  const rr = parseRR("other.example. 10 A 192.0.2.9");

  test("has the room that was kept for it", () => {
    const size = encodeMessage({ answers: [rr], edns }).length;
    const writer = new MessageWriter(size, "unicast");
    writer.reserve(11);
    expect(writer.append("answer", [rr, rr])).toBe(false);
    expect(writer.append("answer", [rr])).toBe(true);
    writer.edns(edns);
    const bytes = writer.finish();
    expect(bytes.length).toBe(size);
    expect(decodeMessage(bytes).edns).toEqual(edns);
  });

  test("comes back from what it gave, field by field", () => {
    const full = {
      udpSize: 65_535,
      version: 3,
      extendedRcode: 255,
      dnssecOk: true,
      options: [
        { code: 3, bytes: Uint8Array.of(1, 2) },
        { code: 65_001, bytes: new Uint8Array(0) },
      ],
    };
    expect(decodeMessage(encodeMessage({ edns: full })).edns).toEqual(full);
    // RFC 6891 §6.1.2, by hand.
    expect(toHex(encodeMessage({ edns: full }).subarray(12))).toBe(
      "00" + "0029" + "ffff" + "ff" + "03" + "8000" + "000a" + "000300020102" + "fde90000",
    );
  });

  test("does not vanish in silence", () => {
    const writer = new MessageWriter(20, "unicast");
    expect(() => writer.edns(edns)).toThrow(FormatError);
  });
});

describe("TTL offsets", () => {
  test("point at each TTL but the OPT's", () => {
    const writer = new MessageWriter(512, "unicast");
    writer.header({ id: 7, isResponse: true });
    writer.question(question);
    writer.append("answer", [
      parseRR("a.local. 10 A 192.0.2.1"),
      parseRR("a.local. 11 A 192.0.2.2"),
    ]);
    writer.append("authority", [parseRR("local. 12 NS ns.example.")]);
    writer.append("additional", [parseRR("ns.example. 13 AAAA 2001:db8::1")]);
    writer.edns(edns);
    const offsets = writer.ttlOffsets();
    const bytes = Buffer.from(writer.finish());
    expect(offsets.map((offset) => bytes.readUInt32BE(offset))).toEqual([10, 11, 12, 13]);
    for (const offset of offsets) bytes.writeUInt32BE(3, offset);
    const message = decodeMessage(bytes);
    const rrs = [...message.answers, ...message.authorities, ...message.additionals];
    expect(rrs.map((rr) => rr.ttlSeconds)).toEqual([3, 3, 3, 3]);
  });
});

describe("the message", () => {
  test("TC is set afterwards; counts are those of what was kept", () => {
    const writer = new MessageWriter(512, "unicast");
    writer.header({ id: 0xabcd, isResponse: true, aa: true, rd: true, rcode: 3 });
    writer.question(question);
    writer.append("authority", [parseRR("local. 12 NS ns.example.")]);
    writer.setTruncated();
    expect(toHex(writer.finish().subarray(0, 12))).toBe("abcd87030001000000010000");
  });

  test("fields of a header that are left out are zero, whatever was built before", () => {
    encodeMessage({ id: 0xffff, isResponse: true, rcode: 15, questions: [question] });
    expect(toHex(encodeMessage({}))).toBe("00".repeat(12));
  });

  test("sections come in their order", () => {
    const writer = new MessageWriter(512, "unicast");
    writer.append("authority", [parseRR("local. 12 NS ns.example.")]);
    expect(() => writer.append("answer", [parseRR("a. 1 A 192.0.2.1")])).toThrow("too late");
  });

  test("two writers at once do not share their bytes", () => {
    const first = new MessageWriter(512, "unicast");
    const second = new MessageWriter(512, "unicast");
    first.append("answer", [parseRR("first. 1 A 192.0.2.1")]);
    second.append("answer", [parseRR("second. 1 A 192.0.2.2")]);
    const a = first.finish();
    const third = encodeMessage({ answers: [parseRR("third. 1 A 192.0.2.3")] });
    expect(decodeMessage(a).answers.map(formatRR)).toEqual(["first. 1 IN A 192.0.2.1"]);
    expect(decodeMessage(second.finish()).answers.map(formatRR)).toEqual([
      "second. 1 IN A 192.0.2.2",
    ]);
    expect(decodeMessage(third).answers.map(formatRR)).toEqual(["third. 1 IN A 192.0.2.3"]);
    expect(() => first.finish()).toThrow("finished once");
  });

  test("[DP-76] a TXT without strings goes out as one zero byte", () => {
    const rr = parseRR("a.local. 0 TYPE16 \\# 0");
    expect(rr.rdata).toEqual({ kind: "txt", strings: [] });
    for (const compression of ["unicast", "mdns"] as const) {
      const bytes = encodeMessage({ questions: [question], answers: [rr] }, { compression });
      expect(toHex(bytes.subarray(25))).toBe("c00c00100001000000000001" + "00");
    }
  });
});
