// Ties the specification's rows to the tests that cite them by id in their titles.
// Reads test/conformance/*.tsv and the JSON reports of vitest; fails when a required
// row has no passing test, when a title cites a row that does not exist, and when
// docs/CONFORMANCE.md is not what these would write. `--write` writes it.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const top = process.cwd();
const tables = join(top, "test", "conformance");
const page = join(top, "docs", "CONFORMANCE.md");
const reportFolder = join(top, "node_modules", ".cache", "discd");

interface Row {
  readonly id: string;
  readonly level: string;
  readonly summary: string;
  /** `test`, `n/a: reason` or `todo: reason`. */
  readonly status: string;
  readonly table: string;
}

type Result = "passed" | "failed" | "skipped";

interface Test {
  readonly file: string;
  /** As in the source: without ids and without why it was skipped. */
  readonly title: string;
  readonly ids: readonly string[];
  readonly result: Result;
}

interface Report {
  testResults: {
    name: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

function readRows(): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const table of readdirSync(tables).filter((name) => name.endsWith(".tsv"))) {
    const lines = readFileSync(join(tables, table), "utf8").trimEnd().split("\n").slice(1);
    for (const line of lines) {
      const [id = "", level = "", summary = "", status = ""] = line.split("\t");
      if (!/^(test|(n\/a|todo): .+)$/.test(status) || rows.has(id)) {
        throw new Error(`${table}: ${id}: status is ${status || "missing"}, or given twice`);
      }
      rows.set(id, { id, level, summary, status, table });
    }
  }
  return rows;
}

/** Ids between square brackets: `[DP-45]`, `[DP-45] [DP-46]` or `[DP-45, DP-46]`. */
function idsOf(title: string): string[] {
  const cited = [...title.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1]!);
  return cited.flatMap((text) => text.match(/\b[A-Z]{2,4}-\d+\b/g) ?? []);
}

function plainTitle(title: string): string {
  return title
    .replace(/\s*\(needs [^()]*\)$/, "")
    .replaceAll(/\s*\[[^\]]*\b[A-Z]{1,4}-?\d[^\]]*\]/g, "")
    .trim();
}

function resultOf(status: string, title: string): Result {
  if (status === "passed") return "passed";
  // Skipped by name for want of a program; anything else that did not run is a failure.
  return status !== "failed" && /\(needs [^()]*\)$/.test(title) ? "skipped" : "failed";
}

function readTests(reports: readonly string[]): Test[] {
  return reports.flatMap((path) => {
    const report = JSON.parse(readFileSync(path, "utf8")) as Report;
    return report.testResults.flatMap((file) =>
      file.assertionResults.map(({ fullName, status }) => ({
        file: relative(top, file.name),
        title: plainTitle(fullName),
        ids: idsOf(fullName),
        result: resultOf(status, fullName),
      })),
    );
  });
}

const isRequired = (row: Row) => row.level.startsWith("MUST") && row.status === "test";

/** Everything that refuses: one sentence each. */
function faultsOf(rows: Map<string, Row>, tests: readonly Test[]): string[] {
  const everythingRuns = process.env.DISCD_TEST_REQUIRE === "1" || (process.env.CI ?? "") !== "";
  const faults: string[] = [];
  for (const test of tests) {
    for (const id of test.ids.filter((cited) => !rows.has(cited))) {
      faults.push(`${test.file}: "${test.title}" cites ${id}, which no table holds`);
    }
  }
  for (const row of rows.values()) {
    const own = tests.filter((test) => test.ids.includes(row.id));
    const passed = own.filter(({ result }) => result === "passed");
    const skipped = own.filter(({ result }) => result === "skipped");
    for (const test of own.filter(({ result }) => result === "failed")) {
      if (isRequired(row))
        faults.push(`${row.id} ${row.level}: failed: ${test.file}: ${test.title}`);
    }
    if (!isRequired(row) || passed.length > 0) continue;
    if (own.length === 0) faults.push(`${row.id} ${row.level}: no test cites it (${row.summary})`);
    else if (skipped.length > 0 && everythingRuns) {
      faults.push(`${row.id} ${row.level}: its tests were skipped`);
    }
  }
  return faults;
}

/** One line a file: the title of its only test of the row, or that there are several. */
function testsCell(row: Row, tests: readonly Test[]): string {
  const titles = new Map<string, Set<string>>();
  for (const { file, title } of tests.filter((test) => test.ids.includes(row.id))) {
    titles.set(file, (titles.get(file) ?? new Set()).add(title));
  }
  const lines = [...titles]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, own]) => {
      const [title = ""] = own;
      const told = own.size > 1 ? "several" : title.replaceAll("|", "\\|").replaceAll("<", "&lt;");
      return `${file.replace(/^test\//, "")}: ${told}`;
    });
  if (row.status !== "test") lines.unshift(row.status);
  return lines.length === 0 ? "no test yet" : lines.join("<br>");
}

function pageOf(rows: Map<string, Row>, tests: readonly Test[]): string {
  const lines = [
    "# Conformance",
    "",
    "Written by `npm run conformance -- --write` from `test/conformance/*.tsv` and the titles of",
    "the tests; change those, not this page. A required row (MUST, MUST NOT, MUST*: plain prose in",
    "the RFC that binds) without a passing test fails `npm test`. OWN marks our own decisions where",
    "the RFCs are silent. Files are those below `test/`.",
  ];
  for (const table of new Set([...rows.values()].map((row) => row.table))) {
    const own = [...rows.values()].filter((row) => row.table === table);
    const tested = own.filter((row) => tests.some((test) => test.ids.includes(row.id)));
    const heading = table.replace(/\.tsv$/, "").replaceAll("-", " ");
    lines.push("", `## ${heading}`, "", `${tested.length} of ${own.length} rows have tests.`, "");
    lines.push("| row | level | in short | tests |", "| --- | --- | --- | --- |");
    for (const row of own) {
      const level = row.level.replace("*", "\\*");
      lines.push(`| ${row.id} | ${level} | ${row.summary} | ${testsCell(row, tests)} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function main(words: readonly string[]): number {
  const given = words.filter((word) => !word.startsWith("--"));
  const reports =
    given.length > 0 ? given : ["unit", "netns"].map((run) => join(reportFolder, `${run}.json`));
  const missing = reports.filter((path) => !existsSync(path));
  if (missing.length > 0) {
    process.stderr.write(`conformance: no report ${missing.join(", ")}: run npm test first\n`);
    return 1;
  }
  const rows = readRows();
  const tests = readTests(reports);
  const text = pageOf(rows, tests);
  const faults = faultsOf(rows, tests);
  if (words.includes("--write")) writeFileSync(page, text);
  else if (!existsSync(page) || readFileSync(page, "utf8") !== text) {
    faults.push("docs/CONFORMANCE.md is not current: npm run conformance -- --write");
  }
  const cited = new Set(tests.flatMap((test) => test.ids));
  const without = [...rows.values()].filter((row) => !cited.has(row.id) && row.status === "test");
  if (without.length > 0) {
    process.stdout.write(`rows without a test: ${without.map((row) => row.id).join(" ")}\n`);
  }
  for (const fault of faults) process.stderr.write(`conformance: ${fault}\n`);
  process.stdout.write(`${rows.size - without.length} of ${rows.size} rows tested or put off\n`);
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
