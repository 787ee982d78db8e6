// The words in which a link and its users speak: what is asked, by whom, what
// was heard, what has changed. Plain values; link.ts gives them meaning.

import type { Instant } from "../time.js";
import type { Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";

/** A question of class IN, about a name under `.local` or a reverse name. */
export interface LinkQuestion {
  readonly name: Name;
  readonly type: number;
}

/**
 * Why a question is asked. `client` is whose turn it takes when packets are
 * scarce (DP-123): any text, the same for the same client.
 */
export type Interest =
  /** Until a first answer: asked again with growing gaps, never refreshed (DP-136). */
  | { readonly kind: "one-shot"; readonly client: string }
  /** Until further notice: what is heard is kept fresh at 80, 85, 90 and 95 % of its life. */
  | ({ readonly kind: "standing"; readonly client: string } & Thrift);

/** What makes a standing watch easier on the link; nothing of it is the default. */
export interface Thrift {
  /** Where the link may, the first question of a series and refreshes are QU. */
  readonly takesUnicast?: boolean;
  /** A unique record that is held is the answer: no series begins while it lives. */
  readonly takesHeld?: boolean;
}

/** Names one watch; never used again on its link. */
export type WatchId = number;

/** One live record of the link. */
export interface Heard {
  /** Class 1, owner as first heard, the device's original TTL. */
  readonly rr: RR;
  readonly receivedAt: Instant;
  readonly expiresAt: Instant;
  /** It came with the cache-flush bit. */
  readonly isUnique: boolean;
}

/** What to look at again, not what to send. */
export type Change =
  /** Heard for the first time, or with another TTL value than before. */
  | { readonly kind: "add"; readonly rr: RR }
  /** Gone, whatever the reason: end of life, goodbye, flush, failure, limit, link down. */
  | { readonly kind: "remove"; readonly rr: RR }
  /** A new or a different NSEC: `denies` and `denials` may answer differently for the name. */
  | { readonly kind: "deny"; readonly name: Name };
