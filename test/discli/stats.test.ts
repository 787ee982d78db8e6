// What is read of a page of metrics: the one that discd writes.

import { expect, test } from "vitest";
import { metricsText } from "../../src/api/metrics.js";
import { Counts } from "../../src/counts.js";
import { Exposition } from "../../src/discli/exposition.js";
import { multicastOf, statsFacts, statsOf } from "../../src/discli/stats.js";
import { Histogram, QueryTally, querySteps } from "../../src/tally.js";
import { gauges } from "../api/state.js";

/** A page with these queries, by zone. */
function pageOf(
  asked: Readonly<Record<string, number>>,
  more: Partial<typeof gauges> = {},
): Exposition {
  const counts = new Counts();
  counts.add("answer-cache-hits", "", 5);
  counts.add("answer-cache-misses", "", 3);
  counts.add("drops", "retransmission", 2);
  const queries = new QueryTally();
  for (const [zone, count] of Object.entries(asked)) {
    queries.counter({ transport: "udp", type: "PTR", rcode: "NOERROR", zone }).count = count;
  }
  const latency = new Histogram(querySteps);
  return new Exposition(
    [...metricsText({ counts, queries, latency, gauges: { ...gauges, ...more } })].join(""),
  );
}

test("A8.14 the numbers are those of the metrics page", () => {
  const stats = statsOf(pageOf({ "floor1.example.com": 7, "": 1 }));
  expect(stats).toMatchObject({
    queries: 8,
    cacheHits: 5,
    cacheMisses: 3,
    hitPercent: 62.5,
    questions: 2,
    sessions: 1,
    subscriptions: 2,
    llqs: 0,
    updates: 3,
    drops: 2,
    dropReasons: { retransmission: 2 },
    memory: { all: 50_000_000 },
  });
  expect(statsFacts(stats)).toContainEqual(["hit rate", "62.5 %"]);
  expect(statsFacts(stats)).toContainEqual(["dropped, retransmission", 2]);
});

test("what this discd does not tell is left out, and nothing is divided by nothing", () => {
  const stats = statsOf(new Exposition('discd_build_info{version="1"} 1\n'));
  expect(stats).toMatchObject({ queries: 0, hitPercent: null, memory: {} });
  expect(stats).not.toHaveProperty("outstanding");
});

test("outstanding requests and memory by part", () => {
  const stats = statsOf(pageOf({}, { waiting: 4, memory: { "answer-cache": 1_048_576 } }));
  expect(stats).toMatchObject({ outstanding: 4, memory: { "answer-cache": 1_048_576 } });
  expect(statsFacts(stats)).toContainEqual(["memory, answer-cache", "1.0 MiB"]);
  const few = statsOf(pageOf({}, { memory: { "answer-cache": 6084 } }));
  expect(statsFacts(few)).toContainEqual(["memory, answer-cache", "5.9 KiB"]);
});

test("a zone whose name needs quoting is read as it was written", () => {
  const zone = 'Floor "1"\\; x.example.com';
  expect(pageOf({ [zone]: 9 }).sum("discd_queries_total", { zone })).toBe(9);
});

test("C1.9 packets sent, and questions of clients that needed none", () => {
  const page = new Exposition(
    [
      'discd_mdns_packets_total{link="net1",family="ipv4",direction="out"} 3',
      'discd_mdns_packets_total{link="net1",family="ipv6",direction="out"} 2',
      'discd_mdns_packets_total{link="net1",family="ipv4",direction="in"} 9',
      'discd_mdns_packets_total{link="net2",family="ipv4",direction="out"} 4',
      'discd_queries_total{transport="udp",type="PTR",rcode="NOERROR",zone="a"} 100',
      'discd_queries_total{transport="tcp",type="SRV",rcode="NOERROR",zone="h.a"} 5',
    ].join("\n"),
  );
  const zones = [
    { zone: "a", link: "net1" },
    { zone: "h.a", link: "net1" },
    { zone: "b", link: "net2" },
  ];
  expect(multicastOf(page, zones)).toEqual([
    { link: "net1", in: 9, out: 5, asked: 105, saved: 100 },
    { link: "net2", in: 0, out: 4, asked: 0, saved: 0 },
  ]);
});
