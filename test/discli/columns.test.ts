// Tables and the width of what stands in them.

import { describe, expect, test } from "vitest";
import { ageText } from "../../src/discli/ages.js";
import { renderColumns, renderFacts, renderList } from "../../src/discli/columns.js";
import { harmless, harmlessLines } from "../../src/discli/harmless.js";
import { cut, widthOf } from "../../src/discli/width.js";

describe("columns of a terminal", () => {
  // As xterm and the VTE terminals show them; marks, joiners and jamo of one syllable take none.
  test.each([
    ["", 0],
    ["printer", 7],
    ["Büro", 4],
    ["Bu\u0308ro", 4],
    ["プリンター", 10],
    ["ﾌﾟﾘﾝﾀｰ", 6],
    ["한국", 4],
    ["\u1112\u1161\u11ab", 2],
    ["🖨", 1],
    ["🖨\ufe0f", 2],
    ["☕", 2],
    ["👩‍👩‍👧", 2],
    ["👍🏽", 2],
    ["🇩🇪", 2],
    ["a\u200bb", 2],
    ["หน้า", 3],
    ["Ｗ", 2],
    ["𠮷", 2],
    ["עברית", 5],
  ])("%j takes %i", (text, width) => expect(widthOf(text)).toBe(width));

  test.each([
    ["printer", 7, "printer"],
    ["printer", 5, "prin…"],
    ["プリンター", 10, "プリンター"],
    ["プリンター", 6, "プリ…"],
    ["👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 4, "👩‍👩‍👧…"],
  ])("%j in %i", (text, room, want) => {
    expect(cut(text, room)).toBe(want);
    expect(widthOf(want)).toBeLessThanOrEqual(room);
  });

  test("a text of marks alone takes no time to measure", () => {
    const start = performance.now();
    expect(widthOf(`a${"\u0301".repeat(100_000)}`)).toBe(1);
    expect(widthOf("👩‍".repeat(20_000))).toBeLessThanOrEqual(40_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

interface Row {
  readonly name: string;
  readonly port: number | null;
}

const columns = [
  { heading: "name", cell: ({ name }: Row) => name },
  { heading: "port", cell: ({ port }: Row) => port },
];
const rows = [
  { name: "プリンター", port: 631 },
  { name: "a", port: null },
];

describe("a table", () => {
  test("stands aligned in a terminal", () => {
    expect(renderColumns(rows, columns, { isTerminal: true })).toBe(
      "NAME        PORT\nプリンター  631\na           -\n",
    );
  });

  test("is plain lines with tabs in a pipe", () => {
    expect(renderColumns(rows, columns, { isTerminal: false })).toBe("プリンター\t631\na\t-\n");
  });

  test("without rows is nothing", () => {
    for (const isTerminal of [true, false]) {
      expect(renderColumns([], columns, { isTerminal })).toBe("");
    }
  });

  test("a cell of a megabyte does not push the others aside", () => {
    const long = { name: "x".repeat(1_000_000), port: 1 };
    const text = renderColumns([long, ...rows], columns, { isTerminal: true });
    expect(text.length).toBeLessThan(1_000_200);
    expect(text.endsWith("a           -\n")).toBe(true);
  });

  test("what a stranger wrote breaks neither line nor terminal", () => {
    const bad = { name: "a\u001b]0;x\u0007\nb\tc\u202e", port: 1 };
    for (const isTerminal of [true, false]) {
      const text = renderColumns([bad], columns, { isTerminal });
      expect(text).toContain("a\\x1b]0;x\\x07\\x0ab\\x09c\\xe2\\x80\\xae");
    }
  });

  test("of facts has no heading", () => {
    const facts = [
      ["zone", "a"],
      ["interface", null],
      ["known", false],
      ["of", ["x", "y"]],
    ] as const;
    expect(renderFacts(facts, { isTerminal: true })).toBe(
      "zone       a\ninterface  -\nknown      no\nof         x, y\n",
    );
  });
});

describe("a list", () => {
  interface Service {
    readonly instance: string;
    readonly type: string;
    readonly note: string | null;
    readonly txt: readonly string[];
  }
  const of = (heading: keyof Service) => ({ heading, cell: (row: Service) => row[heading] });
  const all = [of("instance"), of("type"), of("note"), of("txt")];
  const services: readonly Service[] = [
    {
      instance: "Dr. Smith's Printer",
      type: "_ipp._tcp",
      note: null,
      txt: ["rp=ipp/print", "ty=ACME Laser 9000", "note=Room 7", "Duplex=T"],
    },
    { instance: "プリンター", type: "_printer._tcp", note: null, txt: [] },
  ];
  const shown = (columns: number) =>
    renderList(services, all, { isTerminal: true, columns }).split("\n").slice(0, -1);

  test("is a table where there is room", () => {
    expect(shown(100)).toEqual([
      "INSTANCE             TYPE           NOTE  TXT",
      "Dr. Smith's Printer  _ipp._tcp      -     rp=ipp/print, ty=ACME Laser 9000, note=Room 7, Duplex=T",
      "プリンター           _printer._tcp  -     -",
    ]);
  });

  test("leaves out what no row has, and cuts what is widest", () => {
    expect(shown(60)).toEqual([
      "INSTANCE             TYPE           TXT",
      "Dr. Smith's Printer  _ipp._tcp      rp=ipp/print, ty=ACME L…",
      "プリンター           _printer._tcp  -",
    ]);
  });

  test("is paragraphs where even that does not do", () => {
    expect(shown(40)).toEqual([
      "instance  Dr. Smith's Printer",
      "type      _ipp._tcp",
      "txt       rp=ipp/print, ty=ACME Laser",
      "          9000, note=Room 7, Duplex=T",
      "",
      "instance  プリンター",
      "type      _printer._tcp",
    ]);
  });

  test("is whole for a pipe, however long", () => {
    const piped = { isTerminal: false, columns: 20 };
    expect(renderList(services, all, piped)).toBe(renderColumns(services, all, piped));
    expect(renderList([], all, { isTerminal: true, columns: 20 })).toBe("");
  });

  test("keeps within any width whatever strangers wrote", () => {
    const long = {
      ...(services[0] as Service),
      txt: ["x".repeat(1_000_000)],
      note: "プ".repeat(99),
    };
    const start = performance.now();
    for (const columns of [1, 10, 70, 80, 132, 300]) {
      const text = renderList([long, ...services], all, { isTerminal: true, columns });
      expect(text.length).toBeGreaterThan(0);
      if (columns < 80) continue;
      for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

test("lines stay lines, and nothing else is obeyed", () => {
  expect(harmlessLines("a\n\tb\u001b[2J\r\u009b")).toBe("a\n\tb\\x1b[2J\\x0d\\xc2\\x9b");
  expect(harmless("a\nb")).toBe("a\\x0ab");
});

test.each([
  [null, null],
  [0, "0 s"],
  [0.25, "0.3 s"],
  [59.9, "59 s"],
  [60, "1 m"],
  [3725, "1 h 2 m"],
  [90_000, "1 d 1 h"],
])("%j seconds: %j", (seconds, want) => expect(ageText(seconds)).toBe(want));
