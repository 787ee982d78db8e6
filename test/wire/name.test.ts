// Names as byte labels. Wire forms and escapes are those of RFC 1035 §5.1,
// RFC 4343 and of dig; the traps are the ones that other proxies fell into.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/wire/errors.js";
import {
  displayName,
  equalNames,
  foldLabel,
  formatName,
  isWithin,
  labelsBelow,
  labelText,
  type Name,
  nameOf,
  parentName,
  parseName,
  rootName,
  under,
  wireLength,
} from "../../src/wire/name.js";

const label = (length: number): string => "x".repeat(length);

/** Labels as bytes in hex, for what is not text. */
const bytesOf = (name: Name): string[] =>
  name.labels.map((text) => Buffer.from(text, "latin1").toString("hex"));

describe("parseName", () => {
  const table: readonly (readonly [text: string, labels: readonly string[]])[] = [
    [".", []],
    ["example.com", ["example", "com"]],
    ["example.com.", ["example", "com"]],
    ["Dr\\. Who._ipp._tcp.local", ["Dr. Who", "_ipp", "_tcp", "local"]],
    ["Dr\\.\\032Who.local.", ["Dr. Who", "local"]],
    ["Back\\\\slash\\.dot.local", ["Back\\slash.dot", "local"]],
    ["\\065\\b.c", ["Ab", "c"]],
    ["a\\.", ["a."]],
    ["a\\..", ["a."]],
    ["\\000.local", ["\0", "local"]],
    // A backslash before fewer than three digits makes the next character plain.
    ["\\1a.b", ["1a", "b"]],
    ["x@y.z", ["x@y", "z"]],
  ];
  test.each(table)("%s", (text, labels) => {
    expect(parseName(text).labels).toEqual(labels);
  });

  test("[DP-67] text is UTF-8 on the wire, byte for byte", () => {
    expect(bytesOf(parseName("Büro ☕.local"))).toEqual(["42c3bc726f20e29895", "6c6f63616c"]);
    expect(bytesOf(parseName("\\☕"))).toEqual(["e29895"]);
    expect(bytesOf(parseName("\\255\\000\\128"))).toEqual(["ff0080"]);
  });

  test.each([
    ["", "empty label"],
    ["a..b", "empty label"],
    [".a", "empty label"],
    ["..", "empty label"],
    ["\\256", "\\256 is no byte"],
    ["a\\", "ends with a backslash"],
    [label(64), "label of 64 bytes"],
    ["☕".repeat(22), "label of 66 bytes"],
  ])("refuses %s", (text, reason) => {
    expect(() => parseName(text)).toThrow(FormatError);
    expect(() => parseName(text)).toThrow(reason);
  });
});

describe("formatName", () => {
  // As dig 9.18 prints them: what named-compilezone says of the same bytes is in golden.test.ts.
  test.each([
    [["Dr. Smith's Printer", "local"], "Dr\\.\\032Smith's\\032Printer.local."],
    [["Back\\slash"], "Back\\\\slash."],
    [['"();@$'], '\\"\\(\\)\\;\\@\\$.'],
    [[labelText("Büro")], "B\\195\\188ro."],
    [["\0\x7f\xff"], "\\000\\127\\255."],
    [["a-_b", "C"], "a-_b.C."],
    [[], "."],
  ])("%j is %s", (labels, text) => {
    expect(formatName(nameOf(labels))).toBe(text);
  });

  test("whatever the bytes, parsing what was printed gives the same labels", () => {
    const labels = fc.array(
      fc
        .uint8Array({ minLength: 1, maxLength: 63 })
        .map((bytes) => Buffer.from(bytes).toString("latin1")),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(labels, (some) => {
        const name = nameOf(some);
        expect(parseName(formatName(name)).labels).toEqual(some);
        expect(parseName(displayName(name)).labels).toEqual(some);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

describe("displayName", () => {
  test.each([
    ["Dr\\. Who._ipp._tcp.local.", "Dr\\. Who._ipp._tcp.local"],
    ["Büro Drucker ☕.local.", "Büro Drucker ☕.local"],
    ["プリンター.local.", "プリンター.local"],
    [".", "."],
    // Neither the terminal nor the reader is to be led astray.
    ["a\\027[31m.local", "a\\027[31m.local"],
    ["a\u2028b", "a\\226\\128\\168b"],
    ["evil\u202egnp", "evil\\226\\128\\174gnp"],
    // Not UTF-8: as dig does.
    ["\\255a b", "\\255a\\032b"],
    // A byte order mark is a character of the name (RFC 6762 §16 forbids it; we keep it).
    ["\\239\\187\\191a", "\ufeffa"],
  ])("%j is %j", (text, shown) => {
    expect(displayName(parseName(text))).toBe(shown);
  });
});

describe("comparing", () => {
  test("[DP-68] only A to Z fold", () => {
    expect(equalNames(parseName("_IPP._Tcp.LOCAL"), parseName("_ipp._tcp.local"))).toBe(true);
    const different: readonly (readonly [string, string])[] = [
      ["BÜRO", "büro"],
      ["\u00e9", "e\u0301"],
      ["\u212a", "k"],
      ["\u0130", "i"],
      ["\\192", "\\224"],
      ["[", "{"],
      ["@", "`"],
      ["a", "b"],
    ];
    for (const [a, b] of different) {
      expect(equalNames(parseName(a), parseName(b)), `${a} and ${b}`).toBe(false);
    }
    expect(foldLabel(labelText("BÜRO \u212a"))).toBe(labelText("bÜro \u212a"));
  });

  test("[DP-66] Punycode and UTF-8 are different names", () => {
    expect(equalNames(parseName("xn--bcher-kva"), parseName("bücher"))).toBe(false);
    expect(parseName("xn--bcher-kva").labels).toEqual(["xn--bcher-kva"]);
  });

  test("[DP-69] case is kept", () => {
    expect(parseName("Host.Example.COM").labels).toEqual(["Host", "Example", "COM"]);
    expect(formatName(parseName("Host.Example.COM"))).toBe("Host.Example.COM.");
  });

  test("labels cut differently are different names", () => {
    const pairs: readonly (readonly [readonly string[], readonly string[]])[] = [
      [["a\x01b"], ["a", "b"]],
      [["a.b"], ["a", "b"]],
      [["a", "b"], ["a\x01b"]],
      [["\x01a"], ["a"]],
      [["a", "\x01b"], ["a\x02\x01b"]],
    ];
    for (const [a, b] of pairs) expect(nameOf(a).key).not.toBe(nameOf(b).key);
  });

  test("equal keys, equal names: for any labels", () => {
    const labels = fc.array(fc.string({ minLength: 1, maxLength: 4, unit: "binary-ascii" }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(labels, labels, (a, b) => {
        const same =
          a.length === b.length && a.every((one, i) => foldLabel(one) === foldLabel(b[i]!));
        expect(equalNames(nameOf(a), nameOf(b))).toBe(same);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

describe("borders", () => {
  const within: readonly (readonly [name: string, apex: string, below: string[] | undefined])[] = [
    ["a.local", "local", ["a"]],
    ["A.LOCAL", "local", ["A"]],
    ["local", "local", []],
    ["a.b.local", "b.local", ["a"]],
    ["a.local", ".", ["a", "local"]],
    ["notlocal", "local", undefined],
    ["xbldg-1.example.com", "bldg-1.example.com", undefined],
    ["local", "a.local", undefined],
    ["a.local.b", "local", undefined],
    // The length byte of "local" inside another label is no border.
    ["a\\005local", "local", undefined],
    ["foo\\.local", "local", undefined],
    [".", ".", []],
    [".", "a", undefined],
  ];
  test.each(within)("%s within %s", (name, apex, below) => {
    expect(isWithin(parseName(name), parseName(apex))).toBe(below !== undefined);
    expect(labelsBelow(parseName(name), parseName(apex))).toEqual(below);
  });

  test("under and parentName", () => {
    expect(formatName(under(["a", "b"], parseName("c.d")))).toBe("a.b.c.d.");
    expect(formatName(parentName(parseName("a.b.c")))).toBe("b.c.");
    expect(parentName(parseName("a.B.c")).key).toBe(parseName("b.c").key);
    expect(parentName(rootName)).toBe(rootName);
  });

  test("[DP-70] a name may have 255 bytes and the root byte, and no more", () => {
    const longest = nameOf([label(63), label(63), label(63), label(62)]);
    expect(wireLength(longest)).toBe(256);
    expect(wireLength(rootName)).toBe(1);
    expect(wireLength(parseName("a.bc"))).toBe(6);
    expect(() => nameOf([label(63), label(63), label(63), label(63)])).toThrow("257 bytes");
    expect(() => under(["a"], longest)).toThrow(FormatError);
    expect(() => nameOf([label(64)])).toThrow(FormatError);
    expect(() => nameOf(["a", ""])).toThrow(FormatError);
  });
});
