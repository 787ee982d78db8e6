// From what a client sees of a link to the sections of an ordinary answer
// (RFC 8766 §5.5, §5.6): capped TTLs, additional records from the cache, the
// SOA of a negative answer; and until when the same answer would be given.

import { additional } from "../proxy/additional.js";
import { soaOf } from "../proxy/negative.js";
import type { Vantage } from "../proxy/tables.js";
import { capped } from "../proxy/ttl.js";
import type { Visible, VisibleRR } from "../proxy/view.js";
import type { Zone } from "../proxy/zones.js";
import { after, before, type Duration, elapsed, type Instant, seconds } from "../time.js";
import { Rcode } from "../wire/codes.js";
import type { Sections } from "./answer.js";

/**
 * How long an answer is ready at most. Changes of the link end it at once; this bounds what
 * the link does not report, such as the end of a denial or a goodbye's last second.
 */
const readyFor: Duration = seconds(1);

export interface LinkAnswer {
  readonly sections: Sections;
  /** Something positive is held, even if the client may see none of it. */
  readonly isKnown: boolean;
  /** From here on a TTL would be lower. */
  readonly staleAt: Instant;
}

/** The smallest RR: a pointer, the fixed part, and rdata that is a pointer as well. */
const rrBytesMin = 14;

/**
 * The answer that the link's cache gives at this instant.
 *
 * @param bytesMax  most bytes of a message: what cannot fit anyway is not looked up
 */
export function linkAnswer(now: Instant, at: Vantage, seen: Visible, bytesMax: number): LinkAnswer {
  const { options } = at.tables;
  const cap = at.zone.link.ttlSeconds;
  const extra = seen.rrs.length * rrBytesMin > bytesMax ? [] : additional(at, seen.rrs);
  const answers = capped(now, seen.rrs, cap);
  const isNegative = seen.rrs.length === 0 || seen.denied;
  const sections: Sections = {
    rcode: Rcode.NOERROR,
    isAuthoritative: true,
    answers,
    authority: isNegative ? [soaOf(denyingZone(at, seen), options)] : [],
    additionals: extra.map((set) => capped(now, set, cap)),
  };
  let staleAt = after(now, readyFor);
  for (const set of [seen.rrs, ...extra]) {
    for (const one of set) staleAt = Math.min(staleAt, lowerAt(now, one, cap)) as Instant;
  }
  return { sections, isKnown: seen.known, staleAt };
}

/** The zone of the last name: the one that was asked for, or the target of the last CNAME. */
function denyingZone({ tables, zone }: Vantage, { rrs }: Visible): Zone {
  const last = rrs.at(-1)?.rr.rdata;
  return (last?.kind === "cname" ? tables.zones.find(last.target) : undefined) ?? zone;
}

/** When the TTL that a record leaves with now will be too high. */
function lowerAt(now: Instant, { rr, expiresAt }: VisibleRR, cap: number): Instant {
  const left = Math.floor(elapsed(now, expiresAt) / 1000);
  return before(expiresAt, seconds(Math.max(0, Math.min(left, rr.ttlSeconds, cap))));
}
