// ACK + Answers in the making (RFC 8764 §5.2.4): one reply for all questions of
// a request, sent with the first answer or when the wait is over (PRX-03).

import type { Instant } from "../time.js";
import type { Question } from "../wire/message.js";
import type { Asker } from "./asker.js";
import type { Llq } from "./llq.js";

/** One question of the request, and what became of it. */
export interface Opened {
  readonly question: Question;
  /** Absent when it failed; then `error` says why. */
  readonly llq?: Llq;
  /** Set up by this request, and not the client's already. */
  readonly isNew: boolean;
  readonly error: number;
}

export interface Opening {
  readonly asker: Asker;
  /** Message ID of the latest copy of the request. */
  id: number;
  readonly recursionDesired: boolean;
  readonly paddedMax?: number;
  readonly messageMax: number;
  readonly opened: readonly Opened[];
  deadline: Instant;
}
