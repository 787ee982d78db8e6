// Rdata on the wire against its text, both from the RFCs' own examples and
// layouts; identity of rdata; the names in it.

import dnsPacket from "dns-packet";
import { describe, expect, test } from "vitest";
import { RRType } from "../../src/wire/codes.js";
import { FormatError } from "../../src/wire/errors.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { parseName, under } from "../../src/wire/name.js";
import { formatRdata, rdataBytes } from "../../src/wire/rdata/text.js";
import { equalRRs, mapRdataNames, type RR, rdataKey, rdataNames } from "../../src/wire/rr.js";
import { formatRR, parseRR, parseRRs } from "../../src/wire/text.js";
import { hex, toHex } from "./captures.js";

/** A record of this rdata, decoded from a message. */
function decoded(type: number, rdata: Uint8Array): RR {
  const size = rdata.length.toString(16).padStart(4, "0");
  const typeHex = type.toString(16).padStart(4, "0");
  const head = hex(`0000 8400 0000 0001 0000 0000 00 ${typeHex} 0001 00000000 ${size}`);
  return decodeMessage(Buffer.concat([head, rdata])).answers[0] as RR;
}

describe("layouts", () => {
  const a = "0161 00";
  const b = "0162 00";
  const table: readonly (readonly [type: string, bytes: string, text: string])[] = [
    ["A", "c0000201", "192.0.2.1"], // RFC 1035 §3.4.1
    ["NS", a, "a."],
    ["CNAME", a, "a."],
    ["SOA", `${a} ${b} 00000001 00001c20 00000e10 00015180 0000000a`, "a. b. 1 7200 3600 86400 10"],
    ["MB", a, "a."],
    ["MG", a, "a."],
    ["MR", a, "a."],
    ["PTR", "0744722e2057686f 00", "Dr\\.\\032Who."],
    ["HINFO", "0150 054c696e7578", '"P" "Linux"'],
    ["MINFO", `${a} ${b}`, "a. b."],
    ["MX", `000a ${a}`, "10 a."],
    ["TXT", "00", '""'],
    ["TXT", "0161 00 03622263 0100", '"a" "" "b\\"c" "\\000"'],
    ["RP", `${a} ${b}`, "a. b."], // RFC 1183 §2.2
    ["AFSDB", `0001 ${a}`, "1 a."],
    ["RT", `0002 ${a}`, "2 a."],
    ["PX", `000a ${a} ${b}`, "10 a. b."], // RFC 2163 §4
    ["AAAA", "20010db8 00000000 00000000 00000001", "2001:db8::1"],
    ["SRV", `0001 0002 13c4 ${a}`, "1 2 5060 a."], // RFC 2782
    ["NAPTR", `0064 000a 0175 074532552b736970 00 ${a}`, '100 10 "u" "E2U+sip" "" a.'], // RFC 3403
    ["KX", `0005 ${a}`, "5 a."], // RFC 2230 §3.1
    ["DNAME", a, "a."],
    ["DS", "ec45 05 01 2bb183af", "60485 5 1 2BB183AF"], // RFC 4034 §5.4
    [
      "RRSIG", // RFC 4034 §3.3
      "0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 076578616d706c6503636f6d00 a090755b",
      "A 5 3 86400 20030322173103 20030220173103 2642 example.com. oJB1Ww==",
    ],
    [
      "NSEC", // RFC 4034 §4.3, byte for byte
      `04686f7374 076578616d706c65 03636f6d 00 0006 400100000003
       041b 000000000000 000000000000 000000000000 000000000000 0000 20`,
      "host.example.com. A MX RRSIG NSEC TYPE1234",
    ],
    ["DNSKEY", "0100 03 05 0103d22a", "256 3 5 AQPSKg=="], // RFC 4034 §2.3
    ["DS", "ec45 05 01", "\\# 4 EC450501"],
    ["DNSKEY", "0100 03 05", "\\# 4 01000305"],
    ["NSEC", "00", "."],
    ["TYPE65280", "abcdef", "\\# 3 ABCDEF"], // RFC 3597 §5
    ["NULL", "", "\\# 0"],
    ["NSEC3", "01000000 00", "\\# 5 0100000000"],
    ["CAA", "00 05 6973737565 61", "\\# 8 0005697373756561"],
    // RFC 9460 appendix D, test vectors in the order of the appendix.
    ["HTTPS", "0000 03666f6f076578616d706c6503636f6d00", "0 foo.example.com."],
    ["SVCB", "0001 00", "1 ."],
    [
      "SVCB",
      "0010 03666f6f076578616d706c6503636f6d00 0003 0002 0035",
      "16 foo.example.com. port=53",
    ],
    [
      "SVCB",
      "0001 03666f6f076578616d706c6503636f6d00 029b 0005 68656c6c6f",
      '1 foo.example.com. key667="hello"',
    ],
    [
      "SVCB",
      "0001 03666f6f076578616d706c6503636f6d00 029b 0009 68656c6c6fd2716f6f",
      '1 foo.example.com. key667="hello\\210qoo"',
    ],
    [
      "SVCB",
      `0001 03666f6f076578616d706c6503636f6d00 0006 0020
       20010db8000000000000000000000001 20010db8000000000000000000530001`,
      "1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1",
    ],
    [
      "SVCB",
      `0010 03666f6f076578616d706c65036f726700
       0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139 0004 0004 c0000201`,
      '16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
    ],
    [
      "SVCB",
      "0010 03666f6f076578616d706c65036f726700 0001 000c 08 665c6f6f2c626172 02 6832",
      '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
    ],
    ["SVCB", "0001 00 0001 0003 026832 0002 0000", '1 . alpn="h2" no-default-alpn'],
    ["SVCB", "0001 00 0005 0003 010203 0007 0004 2f7b3f7d", '1 . ech=AQID dohpath="/{?}"'],
    // What is not in order has no text of its own.
    ["SVCB", "0001 00 0004 0000", "\\# 7 00010000040000"],
    ["SVCB", "0001 00 0003 0003 000035", "\\# 10 00010000030003000035"],
    ["SVCB", "0001 00 0003 0002 0035 0003 0002 0035", "\\# 15 000100000300020035000300020035"],
    ["SVCB", "0001 00 0001 0002 0161", '1 . alpn="a"'],
    ["SVCB", "0001 00 0001 0002 0261", "\\# 9 000100000100020261"],
    ["SVCB", "0001 00 0001", "\\# 5 0001000001"],
    ["SVCB", "0001 00 ffff 0001 61", "\\# 8 000100FFFF000161"],
    ["SVCB", "0001 00 0001 0003 00 0161", "\\# 10 00010000010003000161"],
    ["OPT", "0003 0001 61", "\\# 5 0003000161"],
    [
      "TSIG", // RFC 8945 §4.2
      "0161 00 00005a4ec800 012c 0002 abcd 1234 0012 0006 00005a4ec801",
      "a. 1515112448 300 2 q80= 4660 18 6 AABaTsgB",
    ],
  ];
  test.each(table)("%s %s", (typeText, bytes, text) => {
    const wire = hex(bytes);
    const parsed = parseRR(`x. 0 ${typeText} ${text}`);
    const rr = decoded(parsed.type, wire);
    expect(formatRdata(rr.type, rr.rdata)).toBe(text);
    expect(rr.rdata).toEqual(parsed.rdata);
    expect(toHex(rdataBytes(parsed.type, parsed.rdata))).toBe(toHex(wire));
  });

  test("NSEC bitmaps of the specification, both forms", () => {
    const bitmaps: readonly (readonly [types: string, bytes: string])[] = [
      ["A", "00 01 40"],
      ["A AAAA", "00 04 40 00 00 08"],
      ["TXT SRV", "00 05 00 00 80 00 40"],
      ["A NSEC", "00 06 40 00 00 00 00 01"],
      ["A AAAA NSEC", "00 06 40 00 00 08 00 01"],
      ["TXT SRV NSEC", "00 06 00 00 80 00 40 01"],
      ["NSEC", "00 06 00 00 00 00 00 01"],
      ["A AAAA RRSIG NSEC", "00 06 40 00 00 08 00 03"],
      ["RRSIG NSEC", "00 06 00 00 00 00 00 03"],
      ["CAA", "01 01 40"],
    ];
    for (const [types, bytes] of bitmaps) {
      const rr = parseRR(`x. 0 NSEC . ${types}`);
      expect(toHex(rdataBytes(rr.type, rr.rdata))).toBe(`00${toHex(hex(bytes))}`);
      expect(decoded(RRType.NSEC, hex(`00 ${bytes}`)).rdata).toEqual(rr.rdata);
    }
  });

  test("types of an NSEC are encoded in order, once, whatever the list", () => {
    const next = parseName(".");
    const rdata = { kind: "nsec", next, types: [257, 1, 28, 1] } as const;
    expect(toHex(rdataBytes(RRType.NSEC, rdata))).toBe("00" + "000440000008" + "010140");
    expect(toHex(rdataBytes(RRType.NSEC, { kind: "nsec", next, types: [] }))).toBe("00");
  });

  test("[DP-67] unknown rdata stays what it was, names in it too", () => {
    // DP-40: the bytes \005local\000 in a type that nobody knows.
    const rr = decoded(65_280, hex("056c6f63616c00"));
    expect(rr.rdata).toEqual({ kind: "opaque", bytes: hex("056c6f63616c00") });
    expect(rdataNames(rr.type, rr.rdata)).toEqual([]);
    const mapped = mapRdataNames(rr.type, rr.rdata, () => parseName("other."));
    expect(mapped).toBe(rr.rdata);
    expect(toHex(encodeMessage({ answers: [rr] })).slice(-14)).toBe("056c6f63616c00");
  });
});

describe("names in rdata", () => {
  const local = parseName("local");
  const table: readonly (readonly [rdata: string, fields: readonly string[], mapped: string])[] = [
    ["CNAME a.local.", ["target"], "CNAME a.example."],
    ["DNAME a.local.", ["target"], "DNAME a.example."],
    ["NS a.local.", ["target"], "NS a.example."],
    ["PTR a.local.", ["target"], "PTR a.example."],
    ["SRV 1 2 3 a.local.", ["target"], "SRV 1 2 3 a.example."],
    ["MX 1 a.local.", ["exchange"], "MX 1 a.example."],
    ["RP a.local. b.local.", ["mailbox", "text"], "RP a.example. b.example."],
    ["AFSDB 1 a.local.", ["target"], "AFSDB 1 a.example."],
    ["RT 1 a.local.", ["target"], "RT 1 a.example."],
    ["KX 1 a.local.", ["exchange"], "KX 1 a.example."],
    ["PX 1 a.local. b.local.", ["map822", "mapx400"], "PX 1 a.example. b.example."],
    ['NAPTR 1 2 "" "" "" a.local.', ["replacement"], 'NAPTR 1 2 "" "" "" a.example.'],
    ['SVCB 1 a.local. alpn="a"', ["target"], 'SVCB 1 a.example. alpn="a"'],
    ["HTTPS 1 a.local.", ["target"], "HTTPS 1 a.example."],
    ["MINFO a.local. b.local.", ["rmailbx", "emailbx"], "MINFO a.example. b.example."],
    ["SOA a.local. b.local. 1 2 3 4 5", ["mname", "rname"], "SOA a.example. b.example. 1 2 3 4 5"],
    ["NSEC a.local. A", ["next"], "NSEC a.example. A"],
    ['TXT "a.local." "local"', [], 'TXT "a.local." "local"'],
    ["A 192.0.2.1", [], "A 192.0.2.1"],
  ];
  test.each(table)("%s", (rdata, fields, mapped) => {
    const rr = parseRR(`x. 0 ${rdata}`);
    const seen: string[] = [];
    const result = mapRdataNames(rr.type, rr.rdata, (name, field) => {
      seen.push(field);
      const labels = name.labels.slice(0, -1);
      expect(name.labels.at(-1)).toBe(local.labels[0]);
      return under(labels, parseName("example"));
    });
    expect(seen).toEqual(fields);
    expect(formatRR({ ...rr, rdata: result })).toBe(`x. 0 IN ${mapped}`);
    expect(formatRR(rr)).toBe(`x. 0 IN ${rdata}`);
    expect(rdataNames(rr.type, rr.rdata).length).toBe(fields.length);
  });

  test("what is not changed stays the same value", () => {
    const rr = parseRR("x. 0 SRV 1 2 3 a.local.");
    expect(mapRdataNames(rr.type, rr.rdata, (name) => name)).toBe(rr.rdata);
  });
});

describe("identity", () => {
  const same: readonly (readonly [string, string])[] = [
    ["PTR A.local.", "PTR a.LOCAL."],
    ["SRV 0 0 80 A.local.", "SRV 0 0 80 a.local."],
    ["SOA A. B. 1 2 3 4 5", "SOA a. b. 1 2 3 4 5"],
    ['TXT ""', "TXT \\# 0"],
    ["A 192.0.2.1", "A \\# 4 C0000201"],
  ];
  test.each(same)("%s is %s", (a, b) => {
    expect(equalRRs(parseRR(`x. 1 ${a}`), parseRR(`X. 2 ${b}`))).toBe(true);
  });

  const other: readonly (readonly [string, string])[] = [
    ["PTR a.local.", "PTR b.local."],
    ["PTR a\\.b.", "PTR a.b."],
    ["CNAME a.local.", "PTR a.local."],
    ['TXT "A"', 'TXT "a"'],
    ['TXT "ab"', 'TXT "a" "b"'],
    ['TXT "a" "b"', 'TXT "b" "a"'],
    ['TXT "a"', 'TXT "a" ""'],
    ['TXT "1:a"', 'TXT "1" "a"'],
    ["SRV 1 12 80 a.", "SRV 11 2 80 a."],
    ["MINFO a.b. c.", "MINFO a. b.c."],
    ['HINFO "a" "bc"', 'HINFO "ab" "c"'],
    ["NSEC . A NS", "NSEC . A"],
    ["OPT \\# 5 0003000161", "OPT \\# 5 0003000162"],
    ["TYPE65280 \\# 1 41", "TYPE65280 \\# 1 61"],
  ];
  test.each(other)("%s is not %s", (a, b) => {
    const [one, two] = [parseRR(`x. 1 ${a}`), parseRR(`x. 1 ${b}`)];
    expect(equalRRs(one, two)).toBe(false);
    if (one.type === two.type) {
      expect(rdataKey(one.type, one.rdata)).not.toBe(rdataKey(two.type, two.rdata));
    }
  });

  test("class and owner count, the TTL does not", () => {
    const rr = parseRR("x. 1 A 192.0.2.1");
    expect(equalRRs(rr, { ...rr, ttlSeconds: 7 })).toBe(true);
    expect(equalRRs(rr, { ...rr, class: 0x8001 })).toBe(false);
    expect(equalRRs(rr, { ...rr, name: parseName("y") })).toBe(false);
  });
});

describe("dns-packet, where it is right", () => {
  // Names without dots or bytes beyond ASCII, classes IN, no compression: what it can do.
  const records: readonly (readonly [dnsPacket.Answer, string])[] = [
    [{ type: "A", name: "a.b", ttl: 7, data: "192.0.2.1" }, "a.b. 7 IN A 192.0.2.1"],
    [{ type: "AAAA", name: "a.b", ttl: 7, data: "2001:db8::1" }, "a.b. 7 IN AAAA 2001:db8::1"],
    [{ type: "PTR", name: "a.b", ttl: 7, data: "c.b" }, "a.b. 7 IN PTR c.b."],
    [{ type: "CNAME", name: "a.b", ttl: 7, data: "c.b" }, "a.b. 7 IN CNAME c.b."],
    [
      {
        type: "SRV",
        name: "a.b",
        ttl: 7,
        data: { priority: 1, weight: 2, port: 3, target: "c.b" },
      },
      "a.b. 7 IN SRV 1 2 3 c.b.",
    ],
    [{ type: "TXT", name: "a.b", ttl: 7, data: ["x=1", "", "y"] }, 'a.b. 7 IN TXT "x=1" "" "y"'],
    [
      { type: "HINFO", name: "a.b", ttl: 7, data: { cpu: "x", os: "y" } },
      'a.b. 7 IN HINFO "x" "y"',
    ],
    [
      { type: "MX", name: "a.b", ttl: 7, data: { preference: 5, exchange: "c.b" } },
      "a.b. 7 IN MX 5 c.b.",
    ],
    [
      {
        type: "NSEC",
        name: "a.b",
        ttl: 7,
        data: { nextDomain: "a.b", rrtypes: ["A", "SRV", "CAA"] },
      },
      "a.b. 7 IN NSEC a.b. A SRV CAA",
    ],
    [
      {
        type: "SOA",
        name: "b",
        ttl: 7,
        data: {
          mname: "c.b",
          rname: "d.b",
          serial: 1,
          refresh: 2,
          retry: 3,
          expire: 4,
          minimum: 5,
        },
      },
      "b. 7 IN SOA c.b. d.b. 1 2 3 4 5",
    ],
  ];

  test.each(records)("its $type is ours", (answer, text) => {
    const theirs = dnsPacket.encode({ type: "response", id: 9, answers: [answer] });
    expect(decodeMessage(theirs).answers.map(formatRR)).toEqual([text]);
  });

  test.each(records)("it reads our $type", (answer, text) => {
    for (const compression of ["unicast", "mdns"] as const) {
      const ours = encodeMessage(
        { id: 9, isResponse: true, answers: [parseRR(text)] },
        { compression },
      );
      const [read] = dnsPacket.decode(Buffer.from(ours)).answers as [dnsPacket.Answer];
      const expected = dnsPacket.decode(dnsPacket.encode({ type: "response", answers: [answer] }));
      expect(read).toEqual(expected.answers?.[0]);
    }
  });

  test("it reads our compression of many names", () => {
    const lines = Array.from(
      { length: 30 },
      (_, i) => `_ipp._tcp.floor. 7 IN PTR p${i}._ipp._tcp.floor.`,
    );
    const ours = encodeMessage({ isResponse: true, answers: lines.map(parseRR) });
    const read = dnsPacket.decode(Buffer.from(ours)).answers as dnsPacket.StringAnswer[];
    expect(read.map((one) => one.data)).toEqual(lines.map((_, i) => `p${i}._ipp._tcp.floor`));
    expect(read.every((one) => one.name === "_ipp._tcp.floor")).toBe(true);
  });
});

describe("text", () => {
  const accepted: readonly (readonly [line: string, printed: string])[] = [
    ["a 10 IN A 192.0.2.1", "a. 10 IN A 192.0.2.1"],
    ["a. IN 10 A 192.0.2.1", "a. 10 IN A 192.0.2.1"],
    ["a. A 192.0.2.1", "a. 0 IN A 192.0.2.1"],
    ["\ta.\t10  a\t192.0.2.1 ; a comment", "a. 10 IN A 192.0.2.1"],
    [
      'Büro\\032☕.local TXT grün "mit ; drin" unquoted\\;',
      'B\\195\\188ro\\032\\226\\152\\149.local. 0 IN TXT "gr\\195\\188n" "mit ; drin" "unquoted;"',
    ],
    ["a. CLASS7 TYPE1 \\# 4 C0 000201", "a. 0 CLASS7 A 192.0.2.1"],
    ["a. 0 ANY", "a. 0 IN ANY \\# 0"],
    ["a. ANY \\# 1 07", "a. 0 IN ANY \\# 1 07"],
    ["a. 0 ANY ANY", "a. 0 ANY ANY \\# 0"],
    ["a. NONE A", "a. 0 NONE A \\# 0"],
    ["a. 4294967295 type65280 \\# 0", "a. 4294967295 IN TYPE65280 \\# 0"],
    ["a. AAAA ::ffff:192.0.2.1", "a. 0 IN AAAA ::ffff:c000:201"],
    ["a. NSEC . SRV A A", "a. 0 IN NSEC . A SRV"],
    ["a. DNSKEY 256 3 5 AQPS Kg==", "a. 0 IN DNSKEY 256 3 5 AQPSKg=="],
    [
      "a. RRSIG A 5 3 1 4294967295 0 1 . AA==",
      "a. 0 IN RRSIG A 5 3 1 21060207062815 19700101000000 1 . AA==",
    ],
    [
      "a. SVCB 1 . port=80 alpn=h2,h3 mandatory=port",
      'a. 0 IN SVCB 1 . mandatory=port alpn="h2,h3" port=80',
    ],
    ["a. SVCB 1 . key65000", "a. 0 IN SVCB 1 . key65000"],
    ['a. HTTPS 1 . alpn="h2"', 'a. 0 IN HTTPS 1 . alpn="h2"'],
    ["in A 192.0.2.1", "in. 0 IN A 192.0.2.1"],
  ];
  test.each(accepted)("%s", (line, printed) => {
    expect(formatRR(parseRR(line))).toBe(printed);
    expect(formatRR(parseRR(printed))).toBe(printed);
  });

  test.each([
    ["", "the line is empty"],
    ["a.", "is no type"],
    ["a. 10 IN", "is no type"],
    ["a. FOO 1", "is no type"],
    ["a. A", "a field is missing"],
    ["a. A 192.0.2", "is no IPv4 address"],
    ["a. A 2001:db8::1", "is no IPv4 address"],
    ["a. AAAA 192.0.2.1", "is no IPv6 address"],
    ["a. A 192.0.2.1 192.0.2.2", "is too much"],
    ["a. 4294967296 A 192.0.2.1", "is no number"],
    ["a. MX 65536 b.", "is no number"],
    ["a. MX -1 b.", "is no number"],
    ["a. SRV 0 0 80", "a field is missing"],
    ["a. TXT", "a field is missing"],
    ['a. TXT "open', "a quote is not closed"],
    ["a. TXT \\256", "is no byte"],
    ["a. TXT a\\", "ends with a backslash"],
    [`a. TXT ${"x".repeat(256)}`, "string of 256 bytes"],
    ["a. PTR b..c.", "empty label"],
    ["a. TYPE65280 x", "is written as \\# LENGTH HEX"],
    ["a. TYPE65280 \\# 2 41", "1 bytes where 2"],
    ["a. TYPE65280 \\# 1 4", "is not hexadecimal"],
    ["a. A \\# 3 010203", "ends too early"],
    ["a. PTR \\# 2 C000", "does not lead backwards"],
    ["a. DS 1 2 3", "a field is missing"],
    ["a. DNSKEY 1 2 3 a", "is not base64"],
    ["a. NSEC . FOO", "is no type"],
    ["a. RRSIG A 5 3 1 20230231000000 0 1 . AA==", "is no time"],
    ["a. SVCB 1 . port", "lacks a value"],
    ["a. SVCB 1 . port=80 port=81", "stands twice"],
    ["a. SVCB 1 . nonsense=1", "is no SvcParamKey"],
    ["a. SVCB 1 . key00001=1", "is no SvcParamKey"],
    ["a. SVCB 1 . no-default-alpn=1", "takes no value"],
    ["a. SVCB 1 . ipv4hint=::1", "is no address"],
    ["a. OPT 1", "is written as \\# LENGTH HEX"],
    ["a. TSIG a. 1 2 3 AA== 1 2 0", "1 bytes where 3"],
  ])("refuses %j", (line, reason) => {
    expect(() => parseRR(line)).toThrow(FormatError);
    expect(() => parseRR(line)).toThrow(reason);
  });

  test("one record a line, comments and empty lines between", () => {
    const text = '; a zone\n\na. A 192.0.2.1 ; first\r\n  \nb. 5 TXT "; no comment"\n';
    expect(parseRRs(text).map(formatRR)).toEqual([
      "a. 0 IN A 192.0.2.1",
      'b. 5 IN TXT "; no comment"',
    ]);
  });

  test("owner and rdata names may be escaped alike", () => {
    const rr = parseRR('Dr\\.\\032Who._ipp._tcp.local. 10 PTR "Dr\\. Who._ipp"');
    expect(formatRR(rr)).toBe("Dr\\.\\032Who._ipp._tcp.local. 10 IN PTR Dr\\.\\032Who._ipp.");
  });
});
