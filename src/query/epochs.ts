// How often each link has changed. What was made from a link's cache is good for
// one count; compared when it is used, so that a change costs nothing by itself.

/** Counts the changes of one source of answers. */
export interface Epoch {
  count: number;
}

export class Epochs {
  readonly #links = new Map<string, Epoch>();

  /** The counter of a link, the same one for as long as the program runs. */
  of(link: string): Epoch {
    const known = this.#links.get(link);
    if (known !== undefined) return known;
    const epoch = { count: 0 };
    this.#links.set(link, epoch);
    return epoch;
  }

  /** From now on, whatever was made from the link is made anew. */
  advance(link: string): void {
    this.of(link).count += 1;
  }
}
