// Counts with several labels, and how long things took: what a plain count
// (counts.ts) cannot tell apart. The labels of a counter are looked up once and
// the counter is kept by who counts, so that counting costs one addition.

/** One number that only grows. */
export interface Counter {
  count: number;
}

/** What is told apart in unicast queries. All but the zone are words of a fixed set. */
export interface QueryLabels {
  readonly transport: string;
  readonly type: string;
  readonly rcode: string;
  /** One of ours; empty where the name is in none. */
  readonly zone: string;
}

/**
 * Combinations told apart; from then on the rest is counted under `other`. Four transports,
 * twenty types, six rcodes: enough for hundreds of zones, and a client who asks for 65,536
 * types makes no more of them.
 */
export const combinationsMax = 10_000;

/** Unicast queries by transport, type, rcode and zone. */
export class QueryTally {
  readonly #counters = new Map<
    string,
    { readonly labels: QueryLabels; readonly counter: Counter }
  >();

  /** The counter of these labels, the same object each time. */
  counter(labels: QueryLabels): Counter {
    const { transport, type, rcode, zone } = labels;
    const key = `${transport} ${type} ${rcode} ${zone}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known.counter;
    const isRest = type === "other" && zone === "";
    if (this.#counters.size >= combinationsMax && !isRest) {
      return this.counter({ transport, type: "other", rcode, zone: "" });
    }
    const counter = { count: 0 };
    this.#counters.set(key, { labels, counter });
    return counter;
  }

  /** All that were ever asked for. */
  *all(): Generator<readonly [QueryLabels, number]> {
    for (const { labels, counter } of this.#counters.values()) yield [labels, counter.count];
  }

  /** Of all queries. */
  get total(): number {
    let sum = 0;
    for (const { counter } of this.#counters.values()) sum += counter.count;
    return sum;
  }

  /** Of the queries for names in each zone, by its text: one walk, however many zones there are. */
  byZone(): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { labels, counter } of this.#counters.values()) {
      sums.set(labels.zone, (sums.get(labels.zone) ?? 0) + counter.count);
    }
    return sums;
  }
}

/**
 * Zones told apart in updates; what further ones are sent is counted under an empty name. One
 * daemon publishes into one zone, or into a few for each link.
 */
export const updatedZonesMax = 1000;

/** Updates by zone and result. What was counted for a zone stays when the zone is left. */
export class UpdateTally {
  readonly #zones = new Map<string, Map<string, number>>();

  /**
   * One more.
   *
   * @param zone    as it is shown
   * @param result  a word of a fixed set
   */
  add(zone: string, result: string): void {
    let results = this.#zones.get(zone);
    if (results === undefined) {
      if (this.#zones.size >= updatedZonesMax && zone !== "") {
        this.add("", result);
        return;
      }
      results = new Map();
      this.#zones.set(zone, results);
    }
    results.set(result, (results.get(result) ?? 0) + 1);
  }

  /** All that there were. */
  *all(): Generator<{ readonly zone: string; readonly result: string; readonly count: number }> {
    for (const [zone, results] of this.#zones) {
      for (const [result, count] of results) yield { zone, result, count };
    }
  }
}

/** How often something took how long, in steps. */
export class Histogram {
  /** Upper ends of the steps in seconds, growing; beyond the last is one step more. */
  readonly bounds: readonly number[];
  readonly #steps: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#steps = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Takes one duration in seconds. */
  take(seconds: number): void {
    let at = 0;
    while (at < this.bounds.length && seconds > (this.bounds[at] as number)) at += 1;
    this.#steps[at] = (this.#steps[at] as number) + 1;
    this.#sum += seconds;
  }

  /** Of all durations, in seconds. */
  get sum(): number {
    return this.#sum;
  }

  /** For each bound, and then for all: how many took no longer. */
  cumulative(): readonly number[] {
    let sum = 0;
    return this.#steps.map((count) => {
      sum += count;
      return sum;
    });
  }
}

/**
 * Steps for unicast queries: answers from memory take microseconds, those that wait for a link
 * up to six seconds (RFC 8766 §5.6).
 */
export const querySteps: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 6, 10,
];
