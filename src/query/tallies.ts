// Queries that were answered, counted by what operators tell them apart by, and
// the time that each took. Every answer passes here once, whether it was ready,
// made at once or waited for.

import type { Zone } from "../proxy/zones.js";
import { type Counter, Histogram, QueryTally, querySteps } from "../tally.js";
import type { Duration } from "../time.js";
import { rcodeName, typeName } from "../wire/codes.js";
import { displayName } from "../wire/name.js";
import type { Asker } from "./asker.js";

/** What is counted of one query. */
export interface Answered {
  readonly transport: Asker["transport"];
  /** Absent where no question could be read. */
  readonly type?: number;
  readonly rcode: number;
  /** That the name is in. */
  readonly zone?: Zone | undefined;
}

export class Tallies {
  readonly queries = new QueryTally();
  readonly latency = new Histogram(querySteps);
  /** Writing a name out costs more than all the rest. */
  readonly #names = new WeakMap<Zone, string>();

  counterOf({ transport, type, rcode, zone }: Answered): Counter {
    const labels = { transport, type: typeLabel(type), rcode: rcodeName(rcode) };
    return this.queries.counter({ ...labels, zone: zone === undefined ? "" : this.#nameOf(zone) });
  }

  /** One more. @param waited  from the query to its answer */
  take(counter: Counter, waited: Duration): void {
    counter.count += 1;
    this.latency.take(waited / 1000);
  }

  #nameOf(zone: Zone): string {
    const known = this.#names.get(zone);
    if (known !== undefined) return known;
    const name = displayName(zone.apex);
    this.#names.set(zone, name);
    return name;
  }
}

/** A type that has a name; a client may ask for any of 65,536. */
function typeLabel(type: number | undefined): string {
  if (type === undefined) return "other";
  const name = typeName(type);
  return name.startsWith("TYPE") ? "other" : name;
}
