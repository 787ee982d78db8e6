// The additional section (RFC 6763 §12, DP-77): what the next questions of a
// client would be, as far as the link's cache or the static records know it.
// Nothing is asked for. The caller caps TTLs and drops sets that do not fit.

import { RRType } from "../wire/codes.js";
import { rrsAt, targetOf } from "./sight.js";
import { sightFrom, type Vantage } from "./tables.js";
import { setKey } from "./ttl.js";
import type { VisibleRR } from "./view.js";

/** A message of 65,535 bytes holds no more RRs of 16 bytes, the smallest of these. */
const additionalMax = 4096;

/**
 * For each PTR of a forward zone its SRV and TXT, for each SRV its addresses.
 *
 * @returns whole RRsets, in the order in which they should be kept; none that is
 *          among the answers
 */
export function additional(
  at: Vantage,
  answers: readonly VisibleRR[],
): readonly (readonly VisibleRR[])[] {
  const told = new Set(answers.map(({ rr }) => setKey(rr.type, rr.name)));
  const sets: (readonly VisibleRR[])[] = [];
  let count = 0;
  const sight = sightFrom(at);
  const follow = (from: VisibleRR, types: readonly number[]): readonly VisibleRR[] => {
    const next = targetOf(at, from);
    if (next === undefined || count >= additionalMax) return [];
    return types.flatMap((type) => {
      // Many may lead to one host; it is looked at once.
      const key = setKey(type, next.owner);
      if (told.has(key)) return [];
      told.add(key);
      const { rrs } = rrsAt(sight, next, type);
      if (rrs.length > 0) sets.push(rrs);
      count += rrs.length;
      return rrs;
    });
  };
  for (const answer of answers) {
    const { type } = answer.rr;
    const isBrowse = type === RRType.PTR && at.zone.kind !== "reverse";
    const instance = isBrowse ? follow(answer, [RRType.SRV, RRType.TXT]) : [];
    const srvs = [answer, ...instance].filter(({ rr }) => rr.type === RRType.SRV);
    for (const srv of srvs) follow(srv, [RRType.A, RRType.AAAA]);
  }
  return sets;
}
