// What happened how often. Every drop, limit and rejection adds to a count, so
// that "nothing is lost silently" can be checked; the state dump, and later
// the metrics page, read them.

export class Counts {
  readonly #counts = new Map<string, number>();

  /**
   * Adds to one count.
   *
   * @param name   what is counted, as in "drops" or "mdns-packets"
   * @param label  which kind, from a fixed set of words; never text from a peer
   */
  add(name: string, label = "", by = 1): void {
    const key = label === "" ? name : `${name}/${label}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  /** The count under `name` and `label`; 0 when it never happened. */
  of(name: string, label = ""): number {
    return this.#counts.get(label === "" ? name : `${name}/${label}`) ?? 0;
  }

  /** All counts, by `name` or `name/label`. */
  all(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
