// Problems of a configuration as `discd --check` prints them and a reload logs
// them: one line each, in the form that editors understand.

import type { Problem } from "./report.js";

/** `FILE:LINE: text`, with `warning: ` before the text where it is one. */
export function problemText(problem: Problem): string {
  const place = problem.file === "" ? "" : `${oneLine(problem.file)}:${problem.line}: `;
  return `${place}${problem.isWarning ? "warning: " : ""}${oneLine(problem.text)}`;
}

/** All of them, each line ended; empty when there are none. */
export function problemsText(problems: readonly Problem[]): string {
  return problems.map((problem) => `${problemText(problem)}\n`).join("");
}

/** Text from a file may hold anything; a problem stays on one line, as it reads. */
function oneLine(text: string): string {
  return text.replace(misleading, " ").slice(0, 1000);
}

/** Controls, line separators, and what turns the direction of the text around it. */
const misleading = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
