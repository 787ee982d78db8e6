// The playbooks: which stages there are, in which order. The manual and --explain
// are made of the same tables.

import { appleStages } from "./apple-stages.js";
import type { Check, Stage } from "./check.js";
import { directStage } from "./direct-stage.js";
import { hostStage } from "./host-stage.js";
import { packetsStage } from "./packets-stage.js";
import { policyStage } from "./policy-stage.js";
import { resolverStage } from "./resolver-stage.js";
import { routeStage } from "./route-stage.js";
import { systemStage } from "./system-stage.js";

/** What a plain `doctor` does. */
const usual: readonly Stage[] = [
  resolverStage,
  routeStage,
  directStage,
  systemStage,
  packetsStage,
  policyStage,
  hostStage,
];

/** By the word of `--as`; a plain run has none. */
export const playbooks = { usual, apple: appleStages } as const satisfies Record<
  string,
  readonly Stage[]
>;

/** Every check with its stage, each once, in order. */
export function everyCheck(): { readonly check: Check; readonly stage: Stage }[] {
  const found = new Map<string, { check: Check; stage: Stage }>();
  for (const stage of Object.values(playbooks).flat()) {
    for (const check of stage.checks)
      if (!found.has(check.id)) found.set(check.id, { check, stage });
  }
  return [...found.values()];
}
