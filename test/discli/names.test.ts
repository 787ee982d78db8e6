// Names as they are typed on discli's command line, and as it prints them.

import { describe, expect, test } from "vitest";
import {
  servicePartsOf,
  shown,
  typedBrowse,
  typedInstance,
  typedName,
} from "../../src/discli/names.js";
import { displayLabel, formatName, parseName } from "../../src/wire/name.js";

describe("an instance", () => {
  const tail = "._ipp._tcp.floor1.example.com";
  const cases: readonly (readonly [typed: string, want: string])[] = [
    ["Printer", "Printer"],
    // RFC 6763 §4.1.1: the instance part may hold any character, dots among them.
    ["Dr. Smith's Printer", "Dr\\.\\032Smith's\\032Printer"],
    ["Dr\\. Smith's Printer", "Dr\\.\\032Smith's\\032Printer"],
    ["Dr\\.\\032Smith's\\032Printer", "Dr\\.\\032Smith's\\032Printer"],
    ["...", "\\.\\.\\."],
    ["Back\\\\slash\\.dot", "Back\\\\slash\\.dot"],
    // Not one label when its backslash is an escape: it is meant as it stands.
    ["Back\\slash.dot", "Back\\\\slash\\.dot"],
    ["ends with \\", "ends\\032with\\032\\\\"],
    ["Büro ☕", "B\\195\\188ro\\032\\226\\152\\149"],
    ["_odd", "_odd"],
  ];
  test.each(cases)("%s", (typed, want) => {
    expect(formatName(typedInstance(`${typed}${tail}`))).toBe(`${want}${tail}.`);
  });

  test("what is printed can be typed again", () => {
    for (const label of ["a.b", "a\\b", "\\", ".", "a\\.b", "ü.☕", "x\u0000y"]) {
      const name = typedInstance(`${displayLabel(Buffer.from(label).toString("latin1"))}${tail}`);
      expect(Buffer.from(name.labels[0] as string, "latin1").toString()).toBe(label);
    }
  });

  test.each([
    ["Printer", /"Printer" is not a service instance; one looks like /],
    ["_ipp._tcp.floor1.example.com", /not a service instance/],
    ["Printer._ipp.floor1.example.com", /not a service instance/],
    [`Printer${tail}..x`, /floor1\.example\.com\.\.x": .*empty label/],
    [`${"x".repeat(64)}${tail}`, /64 bytes, 63 are the most/],
    [`x._ipp._tcp.${"y.".repeat(130)}z`, /255 are the most/],
  ])("%s is none", (typed, want) => {
    expect(() => typedInstance(typed)).toThrow(want);
    expect(() => typedInstance(typed)).toThrow(
      expect.objectContaining({ name: "UsageError" }) as Error,
    );
  });
});

describe("the words of browse", () => {
  const cases: readonly {
    words: readonly [string?, string?];
    type?: readonly string[];
    domain?: string;
  }[] = [
    { words: [] },
    { words: ["floor1.example.com"], domain: "floor1.example.com" },
    { words: ["mesh."], domain: "mesh" },
    { words: ["_ipp._tcp"], type: ["_ipp", "_tcp"] },
    { words: ["_IPP._TCP."], type: ["_IPP", "_TCP"] },
    {
      words: ["_ipp._tcp", "Floor 1.example.com"],
      type: ["_ipp", "_tcp"],
      domain: "Floor 1.example.com",
    },
    {
      words: ["_ipp._udp.floor1.example.com"],
      type: ["_ipp", "_udp"],
      domain: "floor1.example.com",
    },
    {
      words: ["_color._sub._ipp._tcp", "x"],
      type: ["_color", "_sub", "_ipp", "_tcp"],
      domain: "x",
    },
    { words: ["any. thing._sub._ipp._tcp"], type: ["any. thing", "_sub", "_ipp", "_tcp"] },
  ];
  test.each(cases)("$words", ({ words, type, domain }) => {
    const typed = typedBrowse(words[0], words[1]);
    expect(typed.type).toEqual(type);
    expect(typed.domain?.key).toBe(domain === undefined ? undefined : parseName(domain).key);
  });

  test.each([
    ["ipp", "floor1.example.com", /"ipp" is no type of service; one looks like _ipp\._tcp/],
    ["_ipp", undefined, /is no type/],
    ["_ipp._sctp", undefined, /is no type/],
    ["_ipp._tcpx", undefined, /is no type/],
    ["_ipp._tcp.a.example", "b.example", /is no type/],
    ["a..b", undefined, /empty label/],
  ])("%s %s", (first, second, want) => expect(() => typedBrowse(first, second)).toThrow(want));
});

test("a name that is none", () => {
  expect(() => typedName("a..b")).toThrow(/^"a\.\.b": .*empty label/);
  expect(() => typedName("a\\")).toThrow(/ends with a backslash/);
});

test("names for people, and as zone files have them", () => {
  const name = parseName("Dr\\. Smith's ☕._ipp._tcp.x");
  expect(shown(name, { escaped: false })).toBe("Dr\\. Smith's ☕._ipp._tcp.x");
  expect(shown(name, { escaped: true })).toBe("Dr\\.\\032Smith's\\032\\226\\152\\149._ipp._tcp.x.");
});

test.each([
  ["Dr\\. Who._ipp._tcp.a.example", { instance: "Dr. Who", type: "_ipp._tcp" }, "a.example"],
  ["_x._ipp._udp.a.example", { instance: "_x", type: "_ipp._udp" }, "a.example"],
  ["_ipp._tcp.a.example", { type: "_ipp._tcp" }, "a.example"],
  ["_ipp._TCP", { type: "_ipp._TCP" }, "."],
  ["a.example", undefined, ""],
  ["_tcp.a.example", undefined, ""],
])("parts of %s", (text, want, domain) => {
  const parts = servicePartsOf(parseName(text));
  if (want === undefined) expect(parts).toBeUndefined();
  else expect(parts).toEqual({ ...want, domain: parseName(domain) });
});
