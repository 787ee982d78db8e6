// The life of a session (RFC 8490 §5.1, §6.6). Plain values; the sessions of
// both ends go through them.

import type { Instant } from "../time.js";

export type State =
  /** The stream is open and no DSO request has succeeded: ordinary DNS, no timers of ours. */
  | { readonly kind: "connected" }
  /** The session exists; both timers run. */
  | { readonly kind: "established" }
  /** The other end was asked to go: nothing more is said, and it is aborted at `abortAt`. */
  | { readonly kind: "leaving"; readonly abortAt: Instant }
  /** Forcibly aborted, or closed: nothing is said or heard any more. */
  | { readonly kind: "aborted" };
