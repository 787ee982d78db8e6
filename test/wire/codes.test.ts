// Numbers and names of the IANA registries, known and unknown (RFC 3597 §5).

import { expect, test } from "vitest";
import {
  className,
  opcodeName,
  parseClass,
  parseType,
  RRType,
  rcodeName,
  typeName,
} from "../../src/wire/codes.js";

// The numbers as the specification lists them (section 3.4).
const types =
  "A 1 · NS 2 · CNAME 5 · SOA 6 · PTR 12 · HINFO 13 · MX 15 · TXT 16 · RP 17 · AFSDB 18 · RT 21 · " +
  "PX 26 · AAAA 28 · SRV 33 · NAPTR 35 · KX 36 · DNAME 39 · OPT 41 · DS 43 · RRSIG 46 · NSEC 47 · " +
  "DNSKEY 48 · NSEC3 50 · NSEC3PARAM 51 · CDS 59 · CDNSKEY 60 · SVCB 64 · HTTPS 65 · IXFR 251 · " +
  "AXFR 252 · ANY 255";

test.each(types.split(" · "))("%s", (pair) => {
  const [name, number] = pair.split(" ") as [keyof typeof RRType, string];
  expect(RRType[name]).toBe(Number(number));
  expect(typeName(Number(number))).toBe(name);
  expect(parseType(name)).toBe(Number(number));
  expect(parseType(name.toLowerCase())).toBe(Number(number));
  expect(parseType(`TYPE${number}`)).toBe(Number(number));
});

test("numbers without a name", () => {
  expect(typeName(65_280)).toBe("TYPE65280");
  expect(parseType("TYPE65280")).toBe(65_280);
  expect(className(7)).toBe("CLASS7");
  expect(parseClass("class7")).toBe(7);
  expect(rcodeName(3841)).toBe("RCODE3841");
  expect(opcodeName(15)).toBe("OPCODE15");
});

test("names without a number", () => {
  for (const text of ["", "FOO", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "constructor"]) {
    expect(parseType(text), text).toBeUndefined();
  }
  for (const text of ["", "XX", "CLASS65536", "toString"]) {
    expect(parseClass(text), text).toBeUndefined();
  }
});

test("classes, opcodes and rcodes", () => {
  expect([1, 3, 4, 254, 255].map(className)).toEqual(["IN", "CH", "HS", "NONE", "ANY"]);
  expect([0, 4, 5, 6].map(opcodeName)).toEqual(["QUERY", "NOTIFY", "UPDATE", "DSO"]);
  expect([0, 1, 2, 3, 4, 5, 9, 11, 16].map(rcodeName)).toEqual([
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "NOTAUTH",
    "DSOTYPENI",
    "BADVERS",
  ]);
});
