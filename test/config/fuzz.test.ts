// Random values under the keys of discd.lua: whatever a file leaves behind, the
// checker says what is wrong with it, on lines that exist, and never throws.

import fc from "fast-check";
import { expect, test } from "vitest";
import { judge } from "../../src/config/load.js";
import type { Entry, Outcome, Table, Value } from "../../src/config/lua-value.js";
import { allKeys } from "../../src/config/schema.js";
import { type Spot, spotAt } from "../../src/config/spots.js";
import { host, linesOf, load } from "./lua.js";

const lines = 50;
const words = [
  ...new Set(allKeys().map(({ path }) => path.slice(path.lastIndexOf(".") + 1))),
  ...["client", "type", "data", "txt", "subtypes", "instance", "default", "deny", "level", "b"],
  ...["ca", "pin", "secret", "file", "algorithm"],
  ...["constructor", "__proto__", "toString", ""],
];
const texts = [
  ...["a.example", "A.Example", "eth0.10", "eth*", "*", "10.0.0.0/8", "!any", "::/0", "connected"],
  ...["_ipp._tcp", "5m", "64k", "A", "SRV", "TXT", "PTR", "192.0.2.1", "0 0 1 a.example", "proxy"],
  ...["x@y.example", "local", ".", "a..b", "\\", "\\300", "none", "allow", "info", "names"],
  ...["update", "tls", "timeout", "hmac-sha256", "hmac-md5", "AAECAwQFBgcICQoLDA0ODw=="],
];

const spot: fc.Arbitrary<Spot> = fc.integer({ min: 1, max: lines }).map((line) => spotAt(0, line));
const text = fc.oneof(fc.constantFrom(...texts), fc.string({ unit: "binary", maxLength: 30 }));

const { table } = fc.letrec<{ table: Table; value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      fc.boolean().map((value): Value => ({ kind: "boolean", value })),
      fc
        .oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, 53, -1, Number.NaN))
        .map((value): Value => ({ kind: "number", value })),
      fc
        .tuple(text, fc.boolean())
        .map(([content, isUtf8]): Value => ({ kind: "string", text: content, isUtf8 })),
      fc.constant<Value>({ kind: "odd", what: "a coroutine" }),
      fc.constant<Value>({ kind: "function", results: [] }),
    ),
    tie("table"),
  ),
  table: fc
    .tuple(
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...words), tie("value"), {
        maxKeys: 6,
        noNullPrototype: false,
      }),
      spot,
      fc.array(spot, { minLength: 10, maxLength: 10 }),
    )
    .map(([items, named, at, spots]): Table => {
      const entries: Entry[] = items.map((value, index) => ({
        key: index + 1,
        value,
        spot: spots[index] as Spot,
      }));
      for (const [key, value] of Object.entries(named)) {
        entries.push({ key, value, spot: spots[entries.length] as Spot });
      }
      return { kind: "table", entries, spot: at };
    }),
}));

test("[A1.12] random tables give problems with lines, or settings, and no exception", () => {
  fc.assert(
    fc.property(table, fc.array(table, { maxLength: 3 }), (globals, interfaces) => {
      const listed: Entry[] = interfaces.map((value, at) => ({
        key: at + 1,
        value,
        spot: value.spot,
      }));
      const list: Entry = {
        key: "interfaces",
        value: { kind: "table", entries: listed, spot: globals.spot },
        spot: globals.spot,
      };
      const others = globals.entries.filter((entry) => entry.key !== "interfaces");
      const outcome: Outcome = {
        kind: "done",
        globals: { ...globals, entries: [...others, list] },
        printed: [],
        files: ["discd.lua"],
        included: new Map(),
      };
      const loaded = judge({ file: "discd.lua", demo: true }, host, outcome);
      for (const line of linesOf(loaded)) {
        const found = /^discd\.lua:(\d+): \S/.exec(line);
        expect(found, line).not.toBeNull();
        expect(Number(found?.[1])).toBeLessThanOrEqual(lines);
        expect(line).not.toMatch(/undefined|\[object|NaN,|: :/);
      }
      if ("problems" in loaded) expect(loaded.problems.some((one) => !one.isWarning)).toBe(true);
      else JSON.stringify(loaded.printable);
    }),
    { numRuns: 400, seed: 8766 },
  );
});

test("random text is a syntax error or a configuration, with a line either way", () => {
  const piece = fc.constantFrom(
    ...["interfaces", "=", "{", "}", "'a.example'", ",", "name", "function", "(", ")", "end", "\n"],
    ...[
      "for",
      "do",
      "local",
      "..",
      "nil",
      "5",
      "[",
      "]",
      "--",
      "return",
      "if",
      "then",
      "subdomain",
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      for (const line of linesOf(load(pieces.join(" ")))) expect(line).toMatch(/^discd\.lua:\d+: /);
    }),
    { numRuns: 300, seed: 8766 },
  );
});
