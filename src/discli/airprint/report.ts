// The printers as text for people, and as JSON for scripts.

import { bounded } from "../doctor/report.js";
import { asJson } from "../render.js";
import type { PrinterVerdict } from "./verdict.js";

const lines = (texts: readonly string[]): string =>
  texts.map((text) => `${bounded(text)}\n`).join("");

/** `airprint  PASS  …`, what iOS shows, what is missing, and what to try. */
export function renderPrinter({
  label,
  domain,
  state,
  shows,
  lacks,
  remedy,
}: PrinterVerdict): string {
  return lines([
    `airprint ${state}  ${label} in ${domain}`,
    `    iOS shows ${shows}`,
    ...lacks.map(({ code, text }) => `    ${code}: ${text}`),
    ...remedy.map((line) => `  → ${line}`),
  ]);
}

export function printersAsJson(verdicts: readonly PrinterVerdict[]): string {
  return asJson(verdicts.map((one) => ({ check: "airprint", ...one })));
}
