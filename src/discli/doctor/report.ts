// The doctor's findings as text and JSON. Names, texts and addresses in them come
// from the network: none reaches a terminal as it is.

import { ExitStatus } from "../command.js";
import { harmless } from "../harmless.js";
import { asJson } from "../render.js";
import type { Check, Stage, Target } from "./check.js";
import { type Finding, type Outcome, statusOf, untestedOf } from "./run.js";

/** No line of the report is longer: what comes from the network may be. */
export const lineCharactersMax = 400;

/** One line for people, cut where it is absurdly long. */
export function bounded(text: string): string {
  const characters = [...harmless(text)];
  if (characters.length <= lineCharactersMax) return characters.join("");
  return `${characters.slice(0, lineCharactersMax).join("")}…`;
}

/** `direct  PASS  …`, and below it what was seen and what to try. */
export function renderFinding({ id, verdict }: Finding): string {
  const { state, code, evidence, decision, remedy } = verdict;
  const diagnosis = code === undefined ? decision : `${code}: ${decision}`;
  const lines = [
    `${id.padEnd(15)} ${state}  ${diagnosis}`,
    ...evidence.map((line) => `    ${line}`),
    ...remedy.map((line) => `  → ${line}`),
  ];
  return lines.map((line) => `${bounded(line)}\n`).join("");
}

/** The last line of a run in words. */
export function renderSummary(outcome: Outcome): string {
  const { findings, left } = outcome;
  const faults = findings.filter(({ verdict: { state } }) => state === "FAIL" || state === "WARN");
  const named = faults.map(({ id, verdict }) => `${id} ${verdict.code ?? verdict.state}`);
  const rest = left.length > 0 ? `; not looked at (--all): ${left.join(", ")}` : "";
  const isTested = statusOf(outcome) !== ExitStatus.untested;
  const untested = `could not be tested: ${untestedOf(outcome).join(", ") || "everything"}`;
  const result = named.join(", ") || "no fault found";
  return `${bounded(`${isTested ? result : [...named, untested].join(", ")}${rest}`)}\n`;
}

export function renderJson(outcome: Outcome, zone: string): string {
  const checks = outcome.findings.map(({ stage, id, verdict, took }) => {
    const { state, code, evidence, decision, remedy } = verdict;
    const diagnosis = code === undefined ? {} : { code };
    const milliseconds = Math.round(took);
    return { id, stage, state, ...diagnosis, decision, evidence, remedy, milliseconds };
  });
  return asJson({ zone, status: statusOf(outcome), checks, left: outcome.left });
}

/** What `--explain ID` prints. */
export function renderExplanation(check: Check, stage: Stage, target: Target): string {
  const lines = [
    `${check.id}: ${check.title}`,
    `stage ${stage.id}: ${stage.title}`,
    "by hand:",
    ...check.commands(target).map((command) => `    ${command}`),
    "codes:",
    ...Object.entries(check.codes).map(([code, meaning]) => `    ${code}: ${meaning}`),
  ];
  return lines.map((line) => `${bounded(line)}\n`).join("");
}
