// What some servers have been like lately: how long answers took, and what went
// wrong. Values in, values out; whoever asks tells here what came of it.

import { Rcode } from "../wire/codes.js";

/** What is older has no part in a judgement, in milliseconds. */
export const windowLength = 60_000;
/** Of one server; at ten questions a second the window holds fewer. */
export const samplesMax = 1000;

/** A share of faults from which on a server is flagged, and how many it takes at least. */
const faultShare = 0.05;
const faultsLeast = 3;
/** Slower than the fastest by so much, and by so many milliseconds: flagged. */
const slowTimes = 3;
const slowLeast = 50;
/** Fewer answers say nothing of how long they take. */
const answersLeast = 20;

/** What became of one question. */
export type Sample =
  | { readonly kind: "answer"; readonly ms: number; readonly rcode: number }
  /** Nothing came in time. */
  | { readonly kind: "timeout" }
  /** It could not be asked, or said no, and why. */
  | { readonly kind: "failure"; readonly reason: string };

/** Of one server, over the window. */
export interface Report {
  readonly server: string;
  readonly asked: number;
  readonly answered: number;
  /** Milliseconds; null without answers. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly timeouts: number;
  readonly servfail: number;
  readonly failures: number;
  /** What is wrong with it, in words; empty when nothing is. */
  readonly flags: readonly string[];
}

interface Timed {
  readonly at: number;
  readonly sample: Sample;
}

export class ResolverTally {
  readonly #samples: ReadonlyMap<string, Timed[]>;

  constructor(servers: readonly string[]) {
    this.#samples = new Map(servers.map((server) => [server, []]));
  }

  /** @param at  milliseconds of any clock that only goes forward */
  take(server: string, at: number, sample: Sample): void {
    const list = this.#samples.get(server) ?? [];
    list.push({ at, sample });
    if (list.length > samplesMax) list.shift();
  }

  /** In the order of the servers. */
  reports(now: number): Report[] {
    const plain = [...this.#samples].map(([server, list]) => {
      while (list[0] !== undefined && list[0].at < now - windowLength) list.shift();
      return plainReport(server, list);
    });
    const fastest = Math.min(
      ...plain.flatMap(({ p95, answered }) =>
        p95 === null || answered < answersLeast ? [] : [p95],
      ),
    );
    return plain.map((one) => ({ ...one, flags: flagsOf(one, fastest) }));
  }
}

function plainReport(server: string, list: readonly Timed[]): Omit<Report, "flags"> {
  const answers = list.flatMap(({ sample }) => (sample.kind === "answer" ? [sample] : []));
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const count = (kind: Sample["kind"]) => list.filter(({ sample }) => sample.kind === kind).length;
  return {
    server,
    asked: list.length,
    answered: answers.length,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    timeouts: count("timeout"),
    servfail: answers.filter(({ rcode }) => rcode === Rcode.SERVFAIL).length,
    failures: count("failure"),
  };
}

/** The smallest that so many are not above. */
function quantile(sorted: readonly number[], share: number): number | null {
  const found = sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)];
  return found === undefined ? null : Math.round(found * 10) / 10;
}

function flagsOf(of: Omit<Report, "flags">, fastest: number): string[] {
  const { asked, answered, p95 } = of;
  const share = (count: number, what: string): string[] => {
    if (count < faultsLeast || count < asked * faultShare) return [];
    return [`${Math.round((count * 100) / asked)} % ${what}`];
  };
  const isSlow =
    p95 !== null &&
    answered >= answersLeast &&
    p95 > fastest * slowTimes &&
    p95 > fastest + slowLeast;
  return [
    ...share(of.timeouts, "timeouts"),
    ...share(of.servfail, "SERVFAIL"),
    ...share(of.failures, "failures"),
    ...(isSlow ? [`slow: ${p95} ms against ${fastest} ms (p95)`] : []),
  ];
}
