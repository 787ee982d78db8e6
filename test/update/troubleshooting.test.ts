// The page of mode 'update' tells operators what to look for in the log: it has to
// be what discd writes.

import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

function sources(folder: string): string {
  const files = readdirSync(new URL(`../../${folder}`, import.meta.url), { recursive: true });
  const paths = files.map((file) => `${folder}/${file}`).filter((path) => path.endsWith(".ts"));
  return paths.map(read).join("\n");
}

it("every event in the table of docs/update-mode.md is one that discd writes", () => {
  const [, table = ""] = read("docs/update-mode.md").split("## When it does not work");
  const cells = table.split("\n").flatMap((line) => line.split(" | ")[0] ?? []);
  const spans = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text));
  const events = spans.filter((text) => /^[a-z]+(-[a-z]+)+$/.test(text ?? ""));
  expect(events.length).toBeGreaterThan(10);
  const written = sources("src");
  expect(events.filter((event) => !written.includes(`"${event}"`))).toEqual([]);
});
