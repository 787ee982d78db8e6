// Static records: what an operator wrote down, in any zone served here (DP-18).
// A table by name, case-blind. How they answer is in static-answer.ts; which
// records make no sense is judged in check.ts.

import { RRType } from "../wire/codes.js";
import { type Name, parentName } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";
import type { ZoneTable } from "./zones.js";

/** Types that make their owner a host of the operator's own. */
const hostTypes: readonly number[] = [RRType.A, RRType.AAAA, RRType.CNAME];

export class Records {
  readonly #sets = new Map<string, RR[]>();
  /** Keys of names in zones of records that exist without owning anything. */
  readonly #nodes = new Set<string>();

  constructor(records: readonly RR[], zones: ZoneTable) {
    for (const rr of records) {
      const held = this.#sets.get(rr.name.key) ?? [];
      const key = rdataKey(rr.type, rr.rdata);
      if (held.some((other) => other.type === rr.type && rdataKey(rr.type, other.rdata) === key)) {
        continue;
      }
      // One spelling of the owner for all, as one RRset has one.
      held.push({ ...rr, name: held[0]?.name ?? rr.name });
      this.#sets.set(rr.name.key, held);
      this.#climb(rr.name, zones);
    }
    // Apexes exist, and so does the path to a zone that is served below a zone of records.
    for (const { apex, kind } of zones.zones) {
      this.#climb(kind === "records" ? apex : parentName(apex), zones);
    }
  }

  /** The records at a name; type ANY: all of them. */
  find(name: Name, type: number): readonly RR[] {
    const held = this.#sets.get(name.key) ?? [];
    return type === RRType.ANY ? held : held.filter((rr) => rr.type === type);
  }

  /**
   * Whether the name is answered from here alone. A name with a static address or alias
   * is: otherwise its other family, or an HTTPS question, would wait for the link in vain.
   */
  owns(name: Name): boolean {
    const held = this.#sets.get(name.key);
    return held?.some((rr) => hostTypes.includes(rr.type)) ?? false;
  }

  /** Zones of records: whether the name, or one below it, holds something. */
  exists(name: Name): boolean {
    return this.#nodes.has(name.key);
  }

  #climb(from: Name, zones: ZoneTable): void {
    for (let name = from; zones.find(name)?.kind === "records"; name = parentName(name)) {
      if (this.#nodes.has(name.key)) return;
      this.#nodes.add(name.key);
      if (name.labels.length === 0) return;
    }
  }
}
