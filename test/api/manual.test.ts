// docs/api.md says what is answered: its tables are the shapes, every path and every
// metric stands in it, and so does every bound that somebody may meet.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { paths } from "../../src/api/answer.js";
import { metricsText } from "../../src/api/metrics.js";
import { Counts } from "../../src/counts.js";
import {
  connectionsMax,
  connectionsPerClientMax,
  followersMax,
  headerBytesMax,
} from "../../src/os/http-limits.js";
import { Histogram, QueryTally, querySteps } from "../../src/tally.js";
import { begin, end, tablesText } from "./manual.js";
import { gauges } from "./state.js";

const file = fileURLToPath(new URL("../../docs/api.md", import.meta.url));
const manual = () => readFileSync(file, "utf8");

test("its tables are the shapes (UPDATE_MANUAL=1 writes them anew)", () => {
  const text = manual();
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  const whole = `${text.slice(0, from)}\n\n${tablesText()}\n${text.slice(to)}`;
  if (process.env.UPDATE_MANUAL === "1") writeFileSync(file, whole);
  else expect(text).toBe(whole);
});

test("every path stands in it", () => {
  const text = manual().slice(0, manual().indexOf(begin));
  for (const path of paths) expect(text).toContain(`\`${path}`);
});

test("every metric stands in it, and no other", () => {
  const counts = new Counts();
  counts.add("drops", "x");
  const sources = { counts, queries: new QueryTally(), latency: new Histogram(querySteps), gauges };
  const page = [...metricsText(sources)].join("");
  const told = [...page.matchAll(/^# TYPE (\S+)/gm)].map((found) => found[1] as string);
  const named = [...manual().matchAll(/^\| `((?:discd|process)_\w+)/gm)].map((found) => found[1]);
  expect(named.sort()).toEqual(told.sort());
});

test("bounds are told as they are", () => {
  const text = manual();
  expect(text).toContain(`${followersMax} streams`);
  expect(text).toContain(`${connectionsMax} connections`);
  expect(text).toContain(`${connectionsPerClientMax} from one client`);
  expect(text).toContain(`${headerBytesMax / 1024} KiB`);
});
