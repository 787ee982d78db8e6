// The metrics page: read back by a parser of its own, and by Prometheus's checker.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { metricsText } from "../../src/api/metrics.js";
import { Counts } from "../../src/counts.js";
import { combinationsMax, Histogram, QueryTally, querySteps } from "../../src/tally.js";
import { needs } from "../netns/needs.js";
import { gauges } from "./state.js";

const withPromtool = needs("promtool");

function sources() {
  const counts = new Counts();
  const queries = new QueryTally();
  const latency = new Histogram(querySteps);
  return { counts, queries, latency, gauges };
}

const pageOf = (from: ReturnType<typeof sources>): string => [...metricsText(from)].join("");

/** Everything with a value, by name and labels as written. */
function samplesOf(page: string): ReadonlyMap<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** A page on which everything has happened, hostile zone names among it. */
function busy() {
  const from = sources();
  const { counts, queries, latency } = from;
  counts.add("drops", "query-client", 4);
  counts.add("drops", "http-token");
  counts.add("limits", "connections", 2);
  counts.add("answer-cache-hits", "", 5);
  counts.add("answer-cache-misses", "", 6);
  counts.add("llq", "begun");
  counts.add("update-conflicts");
  counts.add("queries", "udp");
  queries.counter({ transport: "udp", type: "PTR", rcode: "NOERROR", zone: "a" }).count += 3;
  const odd = { transport: "tls", type: "A", rcode: "REFUSED", zone: 'Bü"ro\\.\n.example' };
  queries.counter(odd).count += 1;
  for (const seconds of [0, 0.0001, 0.3, 7, 60]) latency.take(seconds);
  return from;
}

test("each number stands where it belongs", () => {
  const samples = samplesOf(pageOf(busy()));
  const at = (name: string) => samples.get(name);
  const labels = 'transport="udp",type="PTR",rcode="NOERROR",zone="a"';
  expect(at(`discd_queries_total{${labels}}`)).toBe(3);
  expect(at('discd_drops_total{reason="query-client"}')).toBe(4);
  expect(at('discd_limits_total{limit="connections"}')).toBe(2);
  expect(at("discd_cache_hits_total")).toBe(5);
  expect(at("discd_cache_misses_total")).toBe(6);
  expect(at('discd_mdns_packets_total{link="net1",family="ipv4",direction="in"}')).toBe(10);
  expect(at('discd_questions_active{link="net1"}')).toBe(2);
  expect(at("discd_push_sessions")).toBe(1);
  expect(at("discd_push_subscriptions")).toBe(2);
  expect(at("discd_llq_active")).toBe(0);
  expect(at('discd_updates_total{zone="example.com",result="done"}')).toBe(3);
  expect(at("discd_certificate_expiry_timestamp_seconds")).toBe(1_800_000_000);
  expect(at('discd_events_total{event="llq",kind="begun"}')).toBe(1);
  expect(at('discd_events_total{event="update-conflicts",kind=""}')).toBe(1);
});

test("what has a metric of its own is not told twice", () => {
  const page = pageOf(busy());
  expect(page).not.toMatch(/event="(queries|answer-cache-hits|drops|limits)"/);
});

test("durations fall into the steps that end at or above them, and add up", () => {
  const samples = samplesOf(pageOf(busy()));
  const bucket = (le: string) => samples.get(`discd_query_seconds_bucket{le="${le}"}`);
  expect(bucket("0.0001")).toBe(2);
  expect(bucket("0.25")).toBe(2);
  expect(bucket("0.5")).toBe(3);
  expect(bucket("6")).toBe(3);
  expect(bucket("10")).toBe(4);
  expect(bucket("+Inf")).toBe(5);
  expect(samples.get("discd_query_seconds_count")).toBe(5);
  expect(samples.get("discd_query_seconds_sum")).toBeCloseTo(67.3001);
});

test("quotes, backslashes and line breaks in labels do not break a line", () => {
  const page = pageOf(busy());
  expect(page).toContain('zone="Bü\\"ro\\\\.\\n.example"');
});

test("combinations are told apart up to a bound, and then counted together", () => {
  const queries = new QueryTally();
  for (let at = 0; at < combinationsMax + 500; at++) {
    queries.counter({ transport: "udp", type: "A", rcode: "NOERROR", zone: `z${at}` }).count += 1;
  }
  const all = [...queries.all()];
  expect(all).toHaveLength(combinationsMax + 1);
  expect(all.at(-1)).toEqual([
    { transport: "udp", type: "other", rcode: "NOERROR", zone: "" },
    500,
  ]);
  expect(queries.total).toBe(combinationsMax + 500);
  const inZone = queries.byZone();
  expect([inZone.get("z7"), inZone.get(""), inZone.get("elsewhere")]).toEqual([1, 500, undefined]);
});

test("ten thousand combinations come in pieces of a bounded size", () => {
  const from = sources();
  for (let at = 0; at < combinationsMax; at++) {
    from.queries.counter({ transport: "udp", type: "A", rcode: "NOERROR", zone: `z${at}` });
  }
  const pieces = [...metricsText(from)];
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(32_768);
  expect(samplesOf(pieces.join("")).size).toBeGreaterThan(combinationsMax);
});

for (const [what, from] of [
  ["a quiet daemon", sources],
  ["a busy one", busy],
] as const) {
  withPromtool(`promtool check metrics accepts the page of ${what}`, () => {
    const { certificateExpiry, ...less } = gauges;
    const quiet = { ...less, links: [], updates: [] };
    const some = what === "a busy one" ? from() : { ...from(), gauges: quiet };
    const run = spawnSync("promtool", ["check", "metrics"], { input: pageOf(some) });
    expect(`${run.stdout}${run.stderr}`).toBe("");
    expect(run.status).toBe(0);
  });
}
