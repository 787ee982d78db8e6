// One object for a name, however often it occurs in a packet and in the cache:
// a PTR's target is the owner of the SRV and TXT that come with it, and names
// are most of what a service costs in memory.

import type { Name } from "../wire/name.js";
import type { Rdata } from "../wire/rdata/index.js";

/** Lives for one packet. Names that differ in case stay two (RFC 6762 §16). */
export class Interning {
  readonly #known: (key: string) => Name | undefined;
  readonly #seen = new Map<string, Name>();

  /** @param known  the name kept for a key, from earlier packets */
  constructor(known: (key: string) => Name | undefined) {
    this.#known = known;
  }

  name(name: Name): Name {
    const kept = this.#known(name.key) ?? this.#seen.get(name.key);
    if (kept !== undefined && isSpelledAlike(kept, name)) return kept;
    // A list that grew while it was read has room for more labels; this one has the exact size.
    const compact: Name = { labels: [...name.labels], key: name.key };
    if (kept === undefined) this.#seen.set(name.key, compact);
    return compact;
  }

  /**
   * The rdata with its target replaced, for the kinds that nearly all names occur in. Spelled
   * out field by field: an object made at once is half the size of one that grew.
   */
  rdata(rdata: Rdata): Rdata {
    switch (rdata.kind) {
      case "ptr":
        return { kind: "ptr", target: this.name(rdata.target) };
      case "srv": {
        const { priority, weight, port } = rdata;
        return { kind: "srv", priority, weight, port, target: this.name(rdata.target) };
      }
      default:
        return rdata;
    }
  }
}

function isSpelledAlike(a: Name, b: Name): boolean {
  return (
    a.labels.length === b.labels.length && a.labels.every((label, at) => label === b.labels[at])
  );
}
