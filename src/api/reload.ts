// What whoever had the configuration read again is told: what was taken up, or what
// is wrong and that the one before stays.

import { type Answer, json } from "./exchange.js";
import type { ReloadOutcome } from "./state.js";

/** To a request that led to `{ kind: "reload" }`. */
export function reloadAnswer(outcome: ReloadOutcome): Answer {
  if (outcome.kind === "taken") {
    const { file, warnings } = outcome;
    return json(200, { done: "the configuration was read again and is in force", file, warnings });
  }
  const { problems } = outcome;
  const error = "the configuration was refused, and the one before stays in force";
  const remedy = "correct what the problems say, and reload again";
  return json(422, { error, remedy, problems });
}
