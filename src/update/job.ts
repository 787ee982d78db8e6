// What a publisher is busy with: one request to the primary at a time, and what
// becomes of its answer.

import type { Name } from "../wire/name.js";
import type { Batch } from "./queue.js";
import type { Upkeep } from "./upkeep.js";

/** One request, and what its answer is for. */
export type Job =
  | { readonly kind: "copy" }
  | { readonly kind: "serial" }
  | { readonly kind: "read"; readonly name: Name }
  | { readonly kind: "update"; readonly batch: Batch; readonly hasLives: boolean }
  | { readonly kind: "upkeep"; readonly upkeep: Upkeep };
