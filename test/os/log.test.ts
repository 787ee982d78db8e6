// What may stand in the log of those who ask, and that the manual names every line
// with its level.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { shownClient } from "../../src/log.js";

const top = fileURLToPath(new URL("../..", import.meta.url));

test.each([
  ["192.0.2.77", "full", "192.0.2.77"],
  ["192.0.2.77", "network", "192.0.2.0/24"],
  ["192.0.2.77", "none", undefined],
  ["2001:db8:1:2::77", "full", "2001:db8:1:2::77"],
  ["2001:db8:1:2::77", "network", "2001:db8:1::/48"],
  ["fe80::1%eth0", "network", "fe80::/48"],
  ["2001:db8:1:2::77", "none", undefined],
  ["no address", "network", undefined],
] as const)("A8.19 of the client %s, with '%s': %s", (client, how, shown) => {
  expect(shownClient(client, how)).toBe(shown);
});

interface Line {
  readonly name: string;
  /** Undefined where it depends. */
  readonly levels: readonly string[] | undefined;
}

const sources = readdirSync(join(top, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => readFileSync(join(top, "src", path), "utf8"));

/** Lines that the program writes: a level, or what decides on it, and then a name. */
function written(): Line[] {
  const call =
    /(?:\.event\(|#note\(|#tellOnce\(|return (?=\["(?:info|warn|error)")\[)\s*([^,"[]*(?:"[a-z]+"[^,"]*)*),\s*"([a-z]+(?:-[a-z]+)*)"/g;
  return sources.flatMap((text) =>
    [...text.matchAll(call)].map(([, level = "", name = ""]) => {
      const words = [...level.matchAll(/"([a-z]+)"/g)].map(([, word]) => word as string);
      return { name, levels: words.length === 0 ? undefined : words };
    }),
  );
}

const manual = readFileSync(join(top, "docs", "logging.md"), "utf8");
const named = new Map(
  [...manual.matchAll(/^\| `([a-z-]+)` \| ([a-z, ]+) \|/gm)].map(([, name = "", levels = ""]) => [
    name,
    levels.split(", "),
  ]),
);

test("A8.19 every line stands in the manual, with its level", () => {
  const lines = written();
  expect(lines.length).toBeGreaterThan(60);
  for (const { name, levels } of lines) {
    expect(named.has(name), `${name} is not in docs/logging.md`).toBe(true);
    for (const level of levels ?? []) expect(named.get(name), name).toContain(level);
  }
});

test("A8.19 and nothing stands in it that is not written", () => {
  for (const name of named.keys()) {
    expect(
      sources.some((text) => text.includes(`"${name}"`)),
      name,
    ).toBe(true);
  }
});

test("A8.19 a client's address stands in no field but `client`", () => {
  for (const text of sources) {
    for (const [found] of text.matchAll(/\.event\([^;]*?(?:peer|client|source)\.address[^;]*;/gs)) {
      expect(found).toMatch(/client: asker\.peer\.address/);
    }
  }
});
