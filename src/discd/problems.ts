// Problems of a configuration as lines: FILE:LINE: text, which editors and
// people can follow.

import type { Problem } from "../config/load.js";

/** `FILE:LINE: text`, or `FILE:LINE: warning: text`. */
export function formatProblem({ file, line, text, isWarning }: Problem): string {
  const place = file === "" ? "discd" : line > 0 ? `${file}:${line}` : file;
  return `${place}: ${isWarning ? "warning: " : ""}${text}`;
}

/** One line each. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map((problem) => `${formatProblem(problem)}\n`).join("");
}
