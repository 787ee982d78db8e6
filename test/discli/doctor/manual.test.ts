// docs/doctor.md says what the program says: its second half is made of the tables.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { manualText } from "../../../src/discli/doctor/manual.js";
import { everyCheck, playbooks } from "../../../src/discli/doctor/playbook.js";

const file = fileURLToPath(new URL("../../../docs/doctor.md", import.meta.url));
const mark = "<!-- made by src/discli/doctor/manual.ts -->\n\n";

test("A8.28 docs/doctor.md is current (DISCD_WRITE_DOCS=1 writes it)", () => {
  const [head = "", rest] = readFileSync(file, "utf8").split(mark);
  if (process.env.DISCD_WRITE_DOCS === "1") writeFileSync(file, `${head}${mark}${manualText()}`);
  else expect(rest).toBe(manualText());
});

test("A8.28 every check can be done by hand, and no id stands for two", () => {
  for (const { check } of everyCheck()) {
    const commands = check.commands({ zone: "ZONE", server: "SERVER", interface: "IF" });
    expect(commands, check.id).not.toEqual([]);
    expect(check.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    for (const code of Object.keys(check.codes)) expect(code).toMatch(/^[A-Z0-9]+(-[A-Z0-9]+)*$/);
  }
  for (const stages of Object.values(playbooks)) {
    const ids = stages.flatMap(({ checks }) => checks.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  }
});

test("A8.28 every code that a check gives is in its table, and no other", () => {
  const folder = fileURLToPath(new URL("../../../src/discli/doctor/", import.meta.url));
  const own = /^(apple|manual|check|run|report|verdict)/;
  const given = new Set(
    readdirSync(folder)
      .filter((name) => !own.test(name))
      .flatMap((name) => {
        const text = readFileSync(`${folder}${name}`, "utf8");
        return [
          ...text.matchAll(/\b(?:fail|warn)\(\s*(.{0,40}?"[A-Z0-9-]+"(?: : "[A-Z0-9-]+")?)/gs),
        ];
      })
      .flatMap(([, words = ""]) =>
        [...words.matchAll(/"([A-Z][A-Z0-9-]+)"/g)].map((one) => one[1]),
      ),
  );
  const listed = playbooks.usual
    .flatMap(({ checks }) => checks)
    .filter(({ id }) => id !== "trace")
    .flatMap(({ codes }) => Object.keys(codes));
  expect([...given].sort()).toEqual([...new Set(listed)].sort());
});

test("A8.15 each of the seven common mistakes has codes that exist", () => {
  const [, rest = ""] = readFileSync(file, "utf8").split("## Common mistakes\n\n");
  const rows = rest.split("\n\n")[0]?.split("\n").slice(2) ?? [];
  expect(rows).toHaveLength(7);
  const known = new Set(everyCheck().flatMap(({ check }) => Object.keys(check.codes)));
  for (const row of rows) {
    const named = [...row.matchAll(/`([A-Z0-9-]+)`/g)].map(([, code]) => code as string);
    expect(named.length, row).toBeGreaterThan(1);
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  }
});
