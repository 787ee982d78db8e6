// The numbers of `stats`, all taken from the metrics page, so that both say the same.

import type { ZoneView } from "../api/shapes.js";
import type { Cell } from "./columns.js";
import type { Exposition } from "./exposition.js";

/** What `stats` shows; absent where this discd does not tell it. */
export interface Stats {
  readonly queries: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Of a hundred; null before the first. */
  readonly hitPercent: number | null;
  /** Queries that wait for an answer of a link. */
  readonly outstanding?: number;
  /** Questions alive on the links. */
  readonly questions: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly llqs: number;
  readonly updates: number;
  readonly drops: number;
  /** The same by reason, those that happened. */
  readonly dropReasons: Readonly<Record<string, number>>;
  /** Bytes, by the part that holds them. */
  readonly memory: Readonly<Record<string, number>>;
}

const total = (page: Exposition, name: string): number => page.sum(name) ?? 0;

export function statsOf(page: Exposition): Stats {
  const cacheHits = total(page, "discd_cache_hits_total");
  const cacheMisses = total(page, "discd_cache_misses_total");
  const asked = cacheHits + cacheMisses;
  const outstanding = page.sum("discd_queries_waiting");
  const parts = page.of("discd_memory_bytes").map(({ labels, value }) => [labels.part, value]);
  const whole = page.sum("process_resident_memory_bytes");
  return {
    queries: total(page, "discd_queries_total"),
    cacheHits,
    cacheMisses,
    hitPercent: asked === 0 ? null : Math.round((cacheHits * 1000) / asked) / 10,
    ...(outstanding === undefined ? {} : { outstanding }),
    questions: total(page, "discd_questions_active"),
    sessions: total(page, "discd_push_sessions"),
    subscriptions: total(page, "discd_push_subscriptions"),
    llqs: total(page, "discd_llq_active"),
    updates: total(page, "discd_updates_total"),
    drops: total(page, "discd_drops_total"),
    dropReasons: Object.fromEntries(
      page
        .of("discd_drops_total")
        .flatMap(({ labels: { reason }, value }) => (reason && value > 0 ? [[reason, value]] : [])),
    ),
    memory: { ...(whole === undefined ? {} : { all: whole }), ...Object.fromEntries(parts) },
  };
}

/** In kibibytes where mebibytes would say next to nothing. */
const sizeText = (bytes: number): string =>
  bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;

/** For people. */
export function statsFacts(of: Stats): readonly (readonly [string, Cell])[] {
  return [
    ["queries", of.queries],
    ["cache hits", of.cacheHits],
    ["cache misses", of.cacheMisses],
    ["hit rate", of.hitPercent === null ? null : `${of.hitPercent} %`],
    ...(of.outstanding === undefined ? [] : [["outstanding requests", of.outstanding] as const]),
    ["questions on links", of.questions],
    ["push", `${of.subscriptions} subscriptions in ${of.sessions} sessions`],
    ["LLQs", of.llqs],
    ["updates sent", of.updates],
    ["dropped", of.drops],
    ...Object.entries(of.dropReasons).map(
      ([reason, count]) => [`dropped, ${reason}`, count] as const,
    ),
    ...Object.entries(of.memory).map(
      ([part, bytes]) => [`memory, ${part}`, sizeText(bytes)] as const,
    ),
  ];
}

/** What one link was spared. */
export interface MulticastRow {
  readonly link: string;
  /** mDNS packets. */
  readonly in: number;
  readonly out: number;
  /** Questions of clients for names in its zones. */
  readonly asked: number;
  /** How many of them went without a packet: each would be one where clients ask the link. */
  readonly saved: number;
}

/** Per link what was sent by multicast, and how many questions needed none of it. */
export function multicastOf(
  page: Exposition,
  zones: readonly Pick<ZoneView, "zone" | "link">[],
): readonly MulticastRow[] {
  const name = "discd_mdns_packets_total";
  const links = new Set(page.of(name).map(({ labels }) => labels.link ?? ""));
  return [...links].map((link) => {
    const own = zones.filter((one) => one.link === link);
    const asked = own.reduce(
      (all, { zone }) => all + (page.sum("discd_queries_total", { zone }) ?? 0),
      0,
    );
    const out = page.sum(name, { link, direction: "out" }) ?? 0;
    const heard = page.sum(name, { link, direction: "in" }) ?? 0;
    return { link, in: heard, out, asked, saved: Math.max(asked - out, 0) };
  });
}
