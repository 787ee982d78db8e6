// The metrics page in Prometheus's text format, version 0.0.4. Names are those of
// the interface (§4). What is counted somewhere and has no metric of its own stands in
// discd_events_total, so that nothing that is counted stays unseen.
//
// https://prometheus.io/docs/instrumenting/exposition_formats/

import type { Counts } from "../counts.js";
import type { Histogram, QueryTally } from "../tally.js";
import type { Gauges } from "./state.js";

export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** What the page is made of. */
export interface MetricsSources {
  readonly counts: Counts;
  readonly queries: QueryTally;
  readonly latency: Histogram;
  readonly gauges: Gauges;
}

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Of a histogram: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: string;
}

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: Iterable<Sample>;
}

/** Samples in one piece of text: a tenth of a millisecond. */
const samplesPerPiece = 200;

/** Counts with a metric of their own, by the name before the slash. */
const counted: Readonly<Record<string, { name: string; label: string; help: string }>> = {
  drops: {
    name: "discd_drops_total",
    label: "reason",
    help: "Messages, packets and requests that were dropped.",
  },
  limits: {
    name: "discd_limits_total",
    label: "limit",
    help: "What a limit kept from happening.",
  },
};

/** Counts that other metrics tell in more detail. */
const toldElsewhere: ReadonlySet<string> = new Set([
  "answer-cache-hits",
  "answer-cache-misses",
  "queries",
  "answers",
  "mdns-packets",
]);

/** The page, in pieces. */
export function* metricsText(sources: MetricsSources): Generator<string> {
  for (const family of familiesOf(sources)) yield* familyText(family);
}

function* familyText({ name, type, help, samples }: Family): Generator<string> {
  let text = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  let count = 0;
  for (const { labels, value, suffix = "" } of samples) {
    text += `${name}${suffix}${labelText(labels)} ${valueText(value)}\n`;
    count += 1;
    if (count % samplesPerPiece === 0) {
      yield text;
      text = "";
    }
  }
  if (text !== "") yield text;
}

function* familiesOf(sources: MetricsSources): Generator<Family> {
  const { counts, queries, latency, gauges } = sources;
  yield {
    name: "discd_queries_total",
    type: "counter",
    help: "Unicast queries that were answered.",
    samples: querySamples(queries),
  };
  yield {
    name: "discd_query_seconds",
    type: "histogram",
    help: "Time from a unicast query to its answer, waiting for the link included.",
    samples: histogramSamples(latency),
  };
  yield* answerCacheFamilies(counts);
  yield* linkFamilies(gauges);
  yield* clientFamilies(gauges);
  yield {
    name: "discd_updates_total",
    type: "counter",
    help: "DNS UPDATE messages to primaries by their outcome.",
    samples: gauges.updates.map(({ zone, result, count }) => sample(count, { zone, result })),
  };
  yield* countFamilies(counts);
  yield* processFamilies(gauges);
}

const sample = (value: number, labels: Labels = {}): Sample => ({ labels, value });

const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  type: "gauge",
  help,
  samples,
});

function answerCacheFamilies(counts: Counts): readonly Family[] {
  const one = (name: string, help: string, count: string): Family => ({
    name,
    type: "counter",
    help,
    samples: [sample(counts.of(count))],
  });
  return [
    one("discd_cache_hits_total", "Queries with a ready answer.", "answer-cache-hits"),
    one("discd_cache_misses_total", "Queries whose answer had to be made.", "answer-cache-misses"),
  ];
}

function linkFamilies({ links }: Gauges): readonly Family[] {
  const each = (value: (link: Gauges["links"][number]) => number | null) =>
    links.flatMap((link) => {
      const found = value(link);
      return found === null ? [] : [sample(found, { link: link.link })];
    });
  return [
    {
      name: "discd_mdns_packets_total",
      type: "counter",
      help: "Multicast DNS packets heard and sent.",
      samples: links.flatMap(({ link, packets }) =>
        packets.map(({ family, direction, count }) => sample(count, { link, family, direction })),
      ),
    },
    gauge(
      "discd_questions_active",
      "Questions alive on a link.",
      each((one) => one.questions),
    ),
    gauge(
      "discd_link_up",
      "Whether a link carries packets.",
      each((one) => (one.isUp ? 1 : 0)),
    ),
    gauge(
      "discd_link_records",
      "Records held of a link.",
      each((one) => one.records),
    ),
    gauge(
      "discd_link_services",
      "Services shown of a link.",
      each((one) => one.services),
    ),
    gauge(
      "discd_link_heard_seconds",
      "Seconds since the last packet of another host on a link.",
      each((one) => one.lastHeardSeconds),
    ),
    gauge(
      "discd_link_querier",
      "Whether an IGMP or MLD querier was heard on a link in the last 260 s.",
      each((one) => (one.hasQuerier === null ? null : Number(one.hasQuerier))),
    ),
    gauge(
      "discd_link_suspect",
      "Whether multicast snooping has probably cut a link off.",
      each((one) => Number(one.isSuspect)),
    ),
  ];
}

function clientFamilies({ push, llq, waiting }: Gauges): readonly Family[] {
  const queries = waiting === undefined ? [] : [sample(waiting)];
  return [
    gauge("discd_queries_waiting", "Unicast queries that wait for an answer of a link.", queries),
    gauge("discd_push_sessions", "DSO sessions.", [sample(push.sessions)]),
    gauge("discd_push_subscriptions", "Push subscriptions.", [sample(push.subscriptions)]),
    gauge("discd_llq_active", "Long-lived queries.", [sample(llq)]),
  ];
}

function countFamilies(counts: Counts): readonly Family[] {
  const own = Object.entries(counted).map(
    ([count, { name, label, help }]): Family => ({
      name,
      type: "counter",
      help,
      samples: [...counts.all()].flatMap(([key, value]) => {
        const { what, kind } = partsOf(key);
        return what === count ? [sample(value, { [label]: kind })] : [];
      }),
    }),
  );
  const rest = [...counts.all()].flatMap(([key, value]) => {
    const { what, kind } = partsOf(key);
    const isTold = toldElsewhere.has(what) || Object.hasOwn(counted, what);
    return isTold ? [] : [sample(value, { event: what, kind })];
  });
  const help = "Everything else that is counted.";
  return [...own, { name: "discd_events_total", type: "counter", help, samples: rest }];
}

function processFamilies(gauges: Gauges): readonly Family[] {
  const { version, startedAt, certificateExpiry, residentBytes, memory = {} } = gauges;
  const some = (name: string, help: string, value: number | undefined) =>
    value === undefined ? [] : [gauge(name, help, [sample(value)])];
  return [
    ...some(
      "discd_certificate_expiry_timestamp_seconds",
      "When the certificate runs out.",
      certificateExpiry,
    ),
    gauge("discd_build_info", "Always 1; the label says which version runs.", [
      sample(1, { version }),
    ]),
    ...some("process_start_time_seconds", "When the program was started.", startedAt),
    gauge(
      "discd_memory_bytes",
      "Memory by who holds it; the answer cache lies within the others.",
      Object.entries(memory).map(([part, bytes]) => sample(bytes, { part })),
    ),
    ...some("process_resident_memory_bytes", "Memory in use.", residentBytes),
  ];
}

function* querySamples(queries: QueryTally): Generator<Sample> {
  for (const [{ transport, type, rcode, zone }, count] of queries.all()) {
    yield sample(count, { transport, type, rcode, zone });
  }
}

function* histogramSamples(latency: Histogram): Generator<Sample> {
  const cumulative = latency.cumulative();
  for (const [at, count] of cumulative.entries()) {
    const bound = latency.bounds[at];
    const le = bound === undefined ? "+Inf" : String(bound);
    yield { labels: { le }, value: count, suffix: "_bucket" };
  }
  yield { labels: {}, value: latency.sum, suffix: "_sum" };
  yield { labels: {}, value: cumulative.at(-1) ?? 0, suffix: "_count" };
}

function partsOf(key: string): { what: string; kind: string } {
  const slash = key.indexOf("/");
  return slash < 0
    ? { what: key, kind: "" }
    : { what: key.slice(0, slash), kind: key.slice(slash + 1) };
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const valueText = (value: number): string =>
  Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "NaN";

const escapeHelp = (text: string): string => text.replace(/[\\\n]/g, escapeOne);

const escapeLabel = (text: string): string => text.replace(/[\\"\n]/g, escapeOne);

const escapeOne = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);
