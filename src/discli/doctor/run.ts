// Runs a playbook: stage after stage, the checks of a stage side by side, to the
// first stage that fails unless all are wanted.

import { ExitStatus } from "../command.js";
import type { Check, Stage } from "./check.js";
import type { Scene } from "./scene.js";
import { skip, type Verdict } from "./verdict.js";

export interface Finding {
  readonly stage: string;
  readonly id: string;
  readonly verdict: Verdict;
  /** Milliseconds that the check took. */
  readonly took: number;
}

export interface Outcome {
  readonly findings: readonly Finding[];
  /** Stages that were not looked at, since one before them failed. */
  readonly left: readonly string[];
}

/** Who watches a run. */
export interface Ears {
  /** A stage is at work until `work` is over, which is passed on. */
  during<T>(stage: Stage, work: Promise<T>): Promise<T>;
  /** In the order of the table. */
  found(finding: Finding): void;
}

export interface RunOptions {
  readonly isWhole: boolean;
  readonly ears?: Ears;
}

/** @param playbook  in order */
export async function runPlaybook(
  playbook: readonly Stage[],
  scene: Scene,
  { isWhole, ears }: RunOptions,
): Promise<Outcome> {
  const findings: Finding[] = [];
  const known = new Map<string, Verdict>();
  for (const [at, stage] of playbook.entries()) {
    const before = new Map(known);
    const work = Promise.all(
      stage.checks.map(async (check): Promise<Finding> => {
        const start = performance.now();
        const verdict = await verdictOf(check, scene, before);
        return { stage: stage.id, id: check.id, verdict, took: performance.now() - start };
      }),
    );
    const done = await (ears?.during(stage, work) ?? work);
    for (const finding of done) {
      findings.push(finding);
      known.set(finding.id, finding.verdict);
      ears?.found(finding);
    }
    const hasFailed = done.some(({ verdict }) => verdict.state === "FAIL");
    if (hasFailed && !isWhole)
      return { findings, left: playbook.slice(at + 1).map(({ id }) => id) };
  }
  return { findings, left: [] };
}

/** What goes wrong in a check is said of it and does not keep the others from running. */
async function verdictOf(check: Check, scene: Scene, known: Map<string, Verdict>) {
  try {
    return await check.run(scene, known);
  } catch (error) {
    // A bug is not to be taken for a finding.
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return skip(`could not be looked at: ${(error as Error).message}`);
  }
}

/** Without these the rest says little: skipped, the run has not tested what it was to test. */
const essential = new Set(["direct", "system-path"]);

/** Checks whose absence leaves the question open. */
export const untestedOf = ({ findings }: Outcome): readonly string[] =>
  findings
    .filter(({ id, verdict }) => verdict.state === "SKIP" && essential.has(id))
    .map(({ id }) => id);

export function statusOf(outcome: Outcome): ExitStatus {
  const { findings } = outcome;
  const has = (state: string) => findings.some(({ verdict }) => verdict.state === state);
  if (has("FAIL")) return ExitStatus.failed;
  if (!has("PASS") || untestedOf(outcome).length > 0) return ExitStatus.untested;
  return has("WARN") ? ExitStatus.nothing : ExitStatus.done;
}
