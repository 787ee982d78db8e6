// Round robin: where it is switched on, the addresses of one name leave in
// turn, so that clients that take the first one spread over all.

import { RRType } from "../wire/codes.js";
import type { RR } from "../wire/rr.js";

/**
 * The RRset with its members moved up by `turn` places.
 *
 * @param set  RRs of one name and type; only addresses are moved
 */
export function rotated(set: readonly RR[], turn: number): readonly RR[] {
  const type = set[0]?.type;
  if (set.length < 2 || (type !== RRType.A && type !== RRType.AAAA)) return set;
  const first = turn % set.length;
  return [...set.slice(first), ...set.slice(0, first)];
}
