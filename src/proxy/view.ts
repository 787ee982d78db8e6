// How the rules look at a link: a structural interface that mdns/ satisfies
// once the present instant is bound, so that nothing here reads a clock, and
// the shape of what comes out of it.

import type { Instant } from "../time.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";

/** One live RR as a device announced it. */
export interface HeardRR {
  /** Owner as heard, class 1 without the cache-flush bit, the device's original TTL. */
  readonly rr: RR;
  readonly receivedAt: Instant;
  readonly expiresAt: Instant;
  /** It came with the cache-flush bit: a member of a complete RRset. */
  readonly isUnique: boolean;
}

/** A question as it is put to a link. */
export interface LinkQuestion {
  readonly name: Name;
  readonly type: number;
}

/** What is known of one link at one instant. */
export interface LinkView {
  /** Live RRs at a name under `.local` or at a reverse name; type ANY: all of them. */
  find(name: Name, type: number): readonly HeardRR[];
  /** Whether a live NSEC says that there is no such type at the name. */
  denies(name: Name, type: number): boolean;
}

/** One RR as a client may see it. */
export interface VisibleRR {
  /** Owner and rdata in unicast form, class IN; the TTL is the one its author gave. */
  readonly rr: RR;
  /** When it may no longer be told; infinite for a static record. */
  readonly expiresAt: Instant;
  readonly isUnique: boolean;
  /** The record on the link that this is made from; absent for a static or a built one. */
  readonly heard?: RR;
}

/** What a client sees of one question. */
export interface Visible {
  readonly rrs: readonly VisibleRR[];
  /** Something positive is held, be it a CNAME, and even if the client may see none of it. */
  readonly known: boolean;
  /** A live NSEC denies the type at the name, or at the end of its CNAME chain. */
  readonly denied: boolean;
  /**
   * The answer ends in a CNAME whose target on the link has not been heard of for this
   * type: to be asked for within what is left of the wait (DP-44).
   */
  readonly unresolved?: LinkQuestion;
  /** Names on the link that were looked at: a change at one of them may change the answer. */
  readonly lookedUp: readonly Name[];
}
