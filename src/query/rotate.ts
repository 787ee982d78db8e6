// Round robin: where it is switched on, the addresses of one name leave in
// turn, so that clients that take the first one spread over all.

import { RRType } from "../wire/codes.js";
import type { RR } from "../wire/rr.js";

/** Sets whose turn is remembered; beyond it all begin again. */
const setsMax = 10_000;

export class Rotation {
  /** One for each set: a common one would fall into step with who asks A, AAAA, A, AAAA. */
  readonly #turns = new Map<string, number>();

  /**
   * The RRset with its members moved up by one place more than the last time.
   *
   * @param set  RRs of one name and type; only addresses are moved
   */
  next(set: readonly RR[]): readonly RR[] {
    const [first] = set;
    const isTurning = first?.type === RRType.A || first?.type === RRType.AAAA;
    if (!isTurning || set.length < 2) return set;
    const key = `${first.type} ${first.name.key}`;
    const turn = (this.#turns.get(key) ?? 0) % set.length;
    if (this.#turns.size >= setsMax) this.#turns.clear();
    this.#turns.set(key, turn + 1);
    return [...set.slice(turn), ...set.slice(0, turn)];
  }
}
