// What the thread of discd.lua and the daemon say to each other, apart from the
// result: messages, and two numbers in shared memory that can still be read when
// the thread answers no more.

import type { LuaJob, Outcome } from "./lua-value.js";

/** What the thread is given when it starts. */
export interface ToWorker {
  readonly job: LuaJob;
  /** Two numbers, see below. */
  readonly progress: SharedArrayBuffer;
  /** Bytes that strings may take. */
  readonly memoryMax: number;
}

export type FromWorker =
  /** The file begins to run: from now on its time counts. */
  | { readonly kind: "begins" }
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "outcome"; readonly outcome: Outcome };

/** Bytes of the shared memory. */
export const sharedSize = 16;
/** Where the line that is running stands, as a Spot. */
export const progressAt = 0;
/** Where it stands that the thread ended itself. */
export const stateAt = 1;
/** Value at `stateAt`: the strings took too many bytes. */
export const endsOfMemory = 1;
