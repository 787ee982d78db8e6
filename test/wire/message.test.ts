// Messages from annotated bytes (RFC 1035 §4.1, RFC 2136 §2, RFC 6891 §6.1,
// RFC 8490 §5.4), sound and broken, and the bounds on what one may cost.

import { describe, expect, test } from "vitest";
import { Opcode, RRType } from "../../src/wire/codes.js";
import { FormatError } from "../../src/wire/errors.js";
import {
  decodeHeader,
  decodeMessage,
  decodePartial,
  encodeMessage,
} from "../../src/wire/message.js";
import { nameOf } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { hex } from "./captures.js";

/** One question for a.local A at offset 12; `local` stands at 14. */
const question = "0161 056c6f63616c 00 0001 0001";
/** A response with that question and as many answers as told. */
const response = (answers: number): string => `0000 8400 0001 000${answers} 0000 0000 ${question}`;
/** a.local A 192.0.2.1, owner a pointer to the question: 16 bytes. */
const soundA = "c00c 0001 0001 00000078 0004 c0000201";

function faultOf(run: () => unknown): FormatError {
  try {
    run();
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error("no fault was found");
}

describe("the header", () => {
  const blank = {
    id: 0,
    isResponse: false,
    opcode: 0,
    aa: false,
    tc: false,
    rd: false,
    ra: false,
    z: false,
    ad: false,
    cd: false,
    rcode: 0,
  };
  // RFC 1035 §4.1.1, with AD and CD as in RFC 4035 §3.
  const table: readonly (readonly [flags: string, fields: object])[] = [
    ["0000", {}],
    ["8000", { isResponse: true }],
    ["0400", { aa: true }],
    ["0200", { tc: true }],
    ["0100", { rd: true }],
    ["0080", { ra: true }],
    ["0040", { z: true }],
    ["0020", { ad: true }],
    ["0010", { cd: true }],
    ["2800", { opcode: Opcode.UPDATE }],
    ["7800", { opcode: 15 }],
    ["8405", { isResponse: true, aa: true, rcode: 5 }],
    [
      "ffff",
      {
        isResponse: true,
        opcode: 15,
        aa: true,
        tc: true,
        rd: true,
        ra: true,
        z: true,
        ad: true,
        cd: true,
        rcode: 15,
      },
    ],
  ];
  test.each(table)("flags %s", (flags, fields) => {
    const bytes = hex(`1234 ${flags} 0000 0000 0000 0000`);
    expect(decodeMessage(bytes)).toMatchObject({ ...blank, ...fields, id: 0x1234 });
    expect(encodeMessage(decodeMessage(bytes))).toEqual(bytes);
  });

  test("a DSO message has one, whatever follows it", () => {
    // RFC 8490 §5.4: opcode 6, four zero counts, then TLVs; here Keepalive (§7.1).
    const keepalive = hex("0001 3000 0000 0000 0000 0000 0001 0008 00003a98 0000ea60");
    expect(decodeHeader(keepalive)).toEqual({
      ...blank,
      id: 1,
      opcode: Opcode.DSO,
      qdcount: 0,
      ancount: 0,
      nscount: 0,
      arcount: 0,
    });
  });

  test("eleven bytes are none", () => {
    for (const decode of [decodeHeader, decodeMessage, decodePartial]) {
      const fault = faultOf(() => decode(new Uint8Array(11)));
      expect(fault).toMatchObject({ where: "header", offset: 0 });
    }
  });
});

describe("names on the wire", () => {
  const long = (last: number): string =>
    [63, 63, 63, last]
      .map((size) => size.toString(16).padStart(2, "0") + "78".repeat(size))
      .join("");

  test("[DP-70] 255 bytes and the root byte are a name, one more is not", () => {
    const fits = decodeMessage(hex(`0000 0000 0001 0000 0000 0000 ${long(62)}00 0001 0001`));
    expect(fits.questions[0]?.name.labels.map((label) => label.length)).toEqual([63, 63, 63, 62]);
    expect(encodeMessage(fits).length).toBe(12 + 256 + 4);
    const fault = faultOf(() =>
      decodeMessage(hex(`0000 0000 0001 0000 0000 0000 ${long(63)}00 0001 0001`)),
    );
    expect(fault.message).toContain("name is too long");
  });

  test("a pointer does not hide an overlong name", () => {
    const bytes = hex(
      `0000 8400 0001 0001 0000 0000 ${long(62)}00 0001 0001 0161 c00c 0001 0001 00000000 0004 01020304`,
    );
    expect(faultOf(() => decodeMessage(bytes)).message).toContain("name is too long");
  });

  test("pointers to pointers, 127 labels, names without a last label of their own", () => {
    const bytes = hex(
      `${response(3)}
       c00c 000c 0001 00000078 0004 0162c00e  ; at 25, its rdata at 37: b.local
       c025 000c 0001 00000078 0002 c025      ; owner b.local, target at 53: b.local
       0163c035 000c 0001 00000078 0001 00    ; c. and a pointer to that pointer; target the root`,
    );
    expect(decodeMessage(bytes).answers.map(formatRR)).toEqual([
      "a.local. 120 IN PTR b.local.",
      "b.local. 120 IN PTR b.local.",
      "c.b.local. 120 IN PTR .",
    ]);
    const most = nameOf(Array.from({ length: 127 }, () => "a"));
    const message = { questions: [{ name: most, type: 1, class: 1 }] };
    expect(decodeMessage(encodeMessage(message)).questions[0]?.name.labels.length).toBe(127);
  });

  test("[DP-67] labels of any bytes come through", () => {
    const bytes = hex(
      "0000 0000 0001 0000 0000 0000 03ff0080 0141 0a5072696e7465722e3245 00 0001 0001",
    );
    const message = decodeMessage(bytes);
    expect(message.questions[0]?.name.labels).toEqual(["\xff\0\x80", "A", "Printer.2E"]);
    expect(message.questions[0]?.name.key).toBe("\x03\xff\0\x80\x01a\x0aprinter.2e");
    expect(encodeMessage(message)).toEqual(bytes);
  });
});

describe("decodePartial", () => {
  test("keeps what came before a broken record", () => {
    const bytes = hex(`${response(3)} ${soundA} c00c 0001 0001 00000078 0003 c00002 ${soundA}`);
    const { message, fault } = decodePartial(bytes);
    expect(message.answers.map(formatRR)).toEqual(["a.local. 120 IN A 192.0.2.1"]);
    expect(message.questions.length).toBe(1);
    expect(fault).toMatchObject({ where: "a", offset: 53 });
  });

  test.each([
    ["a foreign next name", "000c 0162 056c6f63616c 00 0001 40", 1],
    ["block 1 only", "0005 c00c 010140", 1],
    ["a block of length 0", "0004 c00c 0000", 0],
    ["no bitmap at all", "0002 c00c", 1],
    ["no rdata at all", "0000", 0],
    ["a bitmap that runs past the rdata", "0005 c00c 000440", 0],
    ["a next name that points forwards", "0005 c0ff 000140", 0],
  ])("[DP-64] an NSEC with %s does not spoil its neighbours", (_what, rest, kept) => {
    const [length, ...rdata] = rest.split(" ");
    const size = hex(rdata.join("")).length.toString(16).padStart(4, "0");
    const nsec = `c00c 002f 8001 00000078 ${rdata.length === 0 ? length : size} ${rdata.join("")}`;
    const { message, fault } = decodePartial(hex(`${response(3)} ${soundA} ${nsec} ${soundA}`));
    expect(fault).toBeUndefined();
    const types = message.answers.map((rr) => rr.type);
    expect(types.filter((type) => type === RRType.A).length).toBe(2);
    expect(types.filter((type) => type === RRType.NSEC).length).toBe(kept);
  });

  test("an NSEC that runs past the message ends it", () => {
    const { message, fault } = decodePartial(
      hex(`${response(2)} ${soundA} c00c 002f 8001 00000078 0008 c00c`),
    );
    expect(message.answers.length).toBe(1);
    expect(fault).toBeInstanceOf(FormatError);
  });

  test("[DP-70] an overlong name ends it, what came before is used", () => {
    const label = `3f${"78".repeat(63)}`;
    const { message, fault } = decodePartial(
      hex(`${response(2)} ${soundA} ${label.repeat(4)}00 0001 0001 00000078 0004 c0000201`),
    );
    expect(message.answers.map(formatRR)).toEqual(["a.local. 120 IN A 192.0.2.1"]);
    expect(fault?.message).toContain("name is too long");
  });

  test("bytes behind the last record are passed over", () => {
    const { message, fault } = decodePartial(hex(`${response(1)} ${soundA} ffff`));
    expect(fault).toBeUndefined();
    expect(message.answers.length).toBe(1);
  });
});

describe("EDNS", () => {
  test("an OPT is taken out of the additional section, field by field", () => {
    // RFC 6891 §6.1.2 and §6.1.3: class is the size; TTL is rcode, version, DO, Z.
    const bytes = hex(`0000 8400 0000 0000 0000 0002
      00 0029 04d0 01 02 8000 0007 0003 0003 6e7331
      0161 00 0001 0001 00000005 0004 c0000201`);
    const message = decodeMessage(bytes);
    expect(message.edns).toEqual({
      udpSize: 1232,
      extendedRcode: 1,
      version: 2,
      dnssecOk: true,
      options: [{ code: 3, bytes: hex("6e7331") }],
    });
    expect(message.additionals.map(formatRR)).toEqual(["a. 5 IN A 192.0.2.1"]);
  });

  test("[DP-145] its class is a size, all 16 bits of it", () => {
    const message = decodeMessage(hex("0000 8400 0000 0000 0000 0001 00 0029 85a0 00000000 0000"));
    expect(message.edns?.udpSize).toBe(0x85a0);
    expect(message.additionals).toEqual([]);
  });

  test("a size of 255 or 254 is not the class ANY or NONE", () => {
    for (const size of [254, 255]) {
      const bytes = encodeMessage({
        edns: { udpSize: size, version: 0, extendedRcode: 0, dnssecOk: true, options: [] },
      });
      expect(decodeMessage(bytes).edns).toEqual({
        udpSize: size,
        version: 0,
        extendedRcode: 0,
        dnssecOk: true,
        options: [],
      });
    }
  });

  test("an OPT in another section is a record like any other", () => {
    const message = decodeMessage(hex("0000 8400 0000 0001 0000 0000 00 0029 0200 00000000 0000"));
    expect(message.answers.map((rr) => rr.rdata.kind)).toEqual(["opt"]);
    expect(message.edns).toBeUndefined();
  });
});

describe("UPDATE", () => {
  test("empty rdata of any type with class ANY or NONE", () => {
    // RFC 2136 §2.4.1, §2.4.3, §2.5.2: RDLENGTH 0.
    const bytes = hex(`0007 2800 0001 0002 0001 0000 0161 00 0006 0001
      c00c 0001 00ff 00000000 0000
      c00c 0021 00fe 00000000 0000
      c00c 0010 00ff 00000000 0000`);
    const message = decodeMessage(bytes);
    const rrs = [...message.answers, ...message.authorities];
    expect(rrs.map((rr) => rr.rdata)).toEqual(
      rrs.map(() => ({ kind: "opaque", bytes: new Uint8Array(0) })),
    );
    expect(encodeMessage(message)).toEqual(bytes);
  });
});

describe("what is read", () => {
  test("stays when the buffer it was read from is used again", () => {
    const bytes = Buffer.from(
      encodeMessage({
        isResponse: true,
        answers: [
          parseRR("Printer.local. 120 A 192.0.2.1"),
          parseRR(`Printer.local. 120 TXT "a" "${"b".repeat(200)}"`),
          parseRR("Printer.local. 120 TYPE65280 \\# 3 010203"),
          parseRR("Printer.local. 120 PTR B.local."),
        ],
      }),
    );
    const message = decodeMessage(bytes);
    const before = message.answers.map(formatRR);
    bytes.fill(0x41);
    expect(message.answers.map(formatRR)).toEqual(before);
  });

  test("a plain Uint8Array of its own, whatever the input was", () => {
    const bytes = hex(`${response(1)} ${soundA}`);
    for (const input of [bytes, Buffer.from(bytes)]) {
      const [rr] = decodeMessage(input).answers as [RR];
      expect(rr.rdata).toStrictEqual({ kind: "a", address: Uint8Array.of(192, 0, 2, 1) });
    }
  });
});
