// UPDATE messages byte for byte: the forms of the specification's layouts, and
// its whole create message, which other programs made and named accepted.

import { describe, expect, test } from "vitest";
import { change, demand, encodeQuestion, encodeUpdate } from "../../src/update/messages.js";
import { RRType } from "../../src/wire/codes.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { parseRR } from "../../src/wire/text.js";
import { encodeTimeout } from "../../src/wire/timeout.js";
import { sign } from "../../src/wire/tsig.js";
import { hex, toHex } from "../wire/captures.js";

const zone = parseName("link1.discd.test");
const host = parseName("h");
const a = parseRR("h 120 A 192.0.2.5");

/** The record behind its owner, `h`. */
const form = (rr: RR): string => toHex(encodeMessage({ answers: [rr] })).slice(24 + 6);

describe("the forms", () => {
  test.each([
    ["RRset exists", demand.setExists(host, RRType.A), "000100ff000000000000"],
    ["exact values", demand.setIs([a])[0], "00010001000000000004c0000205"],
    ["RRset does not exist", demand.setMissing(host, RRType.A), "000100fe000000000000"],
    ["name in use", demand.nameInUse(host), "00ff00ff000000000000"],
    ["name not in use", demand.nameFree(host), "00ff00fe000000000000"],
  ])("%s [UP-23]", (_, rr, bytes) => {
    expect(form(rr as RR)).toBe(bytes);
  });

  test.each([
    ["add", change.add(a), "00010001000000780004c0000205"],
    ["delete RRset", change.removeSet(host, RRType.A), "000100ff000000000000"],
    ["delete one RR", change.removeOne(a), "000100fe000000000004c0000205"],
  ])("%s [UP-26]", (_, rr, bytes) => {
    expect(form(rr as RR)).toBe(bytes);
  });
});

describe("a message", () => {
  const golden = hex(`
    2a2a28000001000100020002056c696e6b3105646973636404746573740000060001
    077072696e746572056c696e6b3105646973636404746573740000ff00fe000000000000
    077072696e746572056c696e6b31056469736364047465737400001c000100000078001020010db8000000000000
    000000000005077072696e746572056c696e6b31056469736364047465737400ff00000100000078000c
    001c0000000000006955d52000002904d00000000000080002000400001c20
    0b64697363642d6c696e6b31076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006955
    b900012c00202acd7efdca3ea7819aa9b293596b99e25e64a23bf766c6316f6714d684bf44112a2a00000000`);
  const printer = parseName("printer.link1.discd.test");
  const aaaa = parseRR("printer.link1.discd.test 120 AAAA 2001:db8::5");
  const bytes = encodeTimeout({ represented: RRType.AAAA, expiry: 1767232800, hashes: [] });
  const timeout: RR = { ...aaaa, type: 0xff00, rdata: { kind: "opaque", bytes } };
  const ours = encodeUpdate(
    zone,
    {
      prerequisites: [demand.nameFree(printer)],
      updates: [change.add(aaaa), change.add(timeout)],
    },
    { leaseSeconds: 7200 },
  );

  test("has one zone, opcode 5, and nothing else in its header [UP-21] [UP-22]", () => {
    expect(toHex(ours.subarray(0, 12))).toBe("000028000001000100020001");
    expect(toHex(ours.subarray(12, 34))).toBe("056c696e6b3105646973636404746573740000060001");
  });

  test("says what the specification's create message says [TO-12] [UP-30]", () => {
    const theirs = decodeMessage(golden);
    const [tsig] = theirs.additionals;
    expect(tsig?.type).toBe(RRType.TSIG);
    // Another ID, owners as pointers, no TSIG yet: all else is the same.
    expect({ ...decodeMessage(ours), id: 0x2a2a, additionals: [tsig] }).toEqual(theirs);
  });

  test("is signed as theirs is [TSIG-2]", () => {
    const unsigned = golden.slice(0, golden.length - 92);
    unsigned[11] = 1;
    const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
    const key = {
      name: parseName("discd-link1.example"),
      algorithm: "hmac-sha256",
      secret,
    } as const;
    expect(toHex(sign(unsigned, key, 1767225600).bytes)).toBe(toHex(golden));
  });

  test("points to owners and PTR targets, never inside SRV or TIMEOUT [UP-31]", () => {
    const ptr = parseRR("_ipp._tcp.link1.discd.test 120 PTR x._ipp._tcp.link1.discd.test");
    const srv = parseRR("x._ipp._tcp.link1.discd.test 120 SRV 0 0 631 printer.link1.discd.test");
    const message = encodeUpdate(zone, { prerequisites: [], updates: [ptr, srv, timeout] });
    // x, and a pointer; the SRV's target is written out.
    expect(toHex(message)).toContain("000c0001000000780004" + "0178");
    expect(toHex(message)).toContain("077072696e746572056c696e6b31056469736364047465737400");
    expect(decodeMessage(message).authorities).toEqual([ptr, srv, timeout]);
  });

  test("a question to the primary asks for no recursion [XFR-1]", () => {
    expect(toHex(encodeQuestion(zone, RRType.AXFR))).toBe(
      "000000000001000000000000056c696e6b3105646973636404746573740000fc0001",
    );
  });
});
