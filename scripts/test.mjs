// `npm test`: everything that can run on this machine, cheapest first, in one go
// even after a failure. Ends with one line of sums over all test reports.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("..", import.meta.url));
const reports = join(top, "node_modules", ".cache", "discd");
const sums = { passed: 0, failed: 0, skipped: 0 };

function run(program, ...words) {
  return spawnSync(program, words, { cwd: top, stdio: "inherit" }).status === 0;
}

/** Adds up one report; a file that could not even be loaded counts as one failure. */
function count(path) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  for (const file of report.testResults) {
    const states = file.assertionResults.map(({ status }) => status);
    sums.passed += states.filter((status) => status === "passed").length;
    const failed = states.filter((status) => status === "failed").length;
    sums.failed += failed === 0 && file.status === "failed" ? 1 : failed;
    sums.skipped += states.filter((status) => status !== "passed" && status !== "failed").length;
  }
}

/** One step; its own failure counts as one where no report tells of failed tests. */
function step(heading, isDone, report) {
  process.stdout.write(`\n== ${heading}\n`);
  const before = sums.failed;
  const isGood = isDone();
  if (report !== undefined && existsSync(report)) count(report);
  if (!isGood && sums.failed === before) sums.failed++;
  return isGood;
}

/** An npm verb that ends in a vitest run, with a report besides what it prints. */
function verb(heading, name) {
  const report = join(reports, `${name}.json`);
  rmSync(report, { force: true });
  const reporters = ["default", "json", join(top, "scripts", "second-tries.mjs")];
  const more = [
    ...reporters.map((reporter) => `--reporter=${reporter}`),
    `--outputFile.json=${report}`,
  ];
  return step(heading, () => run("npm", "run", "--silent", name, "--", ...more), report);
}

const isReady = step("install and build", () => run("node", "scripts/prepare.mjs"));
if (isReady) {
  mkdirSync(reports, { recursive: true });
  verb("check: types, format, house rules", "check");
  verb("unit: tables, stories, simulation", "unit");
  verb("netns: real programs in network namespaces", "netns");
  verb("web: discweb in Chromium", "web");
  step("conformance: every required row has a test", () =>
    run("node", "scripts/run.mjs", "scripts/conformance.ts"),
  );
}
const { passed, failed, skipped } = sums;
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
