// What a publisher is busy with: one request to the primary at a time, and what
// becomes of its answer.

import type { ProbeStep } from "./probe.js";
import type { Batch } from "./queue.js";
import type { ReadingJob } from "./reading.js";
import type { Upkeep } from "./upkeep.js";

/** One request, and what its answer is for. */
export type Job =
  | ReadingJob
  | { readonly kind: "update"; readonly batch: Batch; readonly hasLives: boolean }
  | { readonly kind: "upkeep"; readonly upkeep: Upkeep }
  | { readonly kind: "probe"; readonly step: ProbeStep };
