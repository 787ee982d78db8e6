// The printers as text for people, and as JSON for scripts.

import { bounded } from "../doctor/report.js";
import { harmless } from "../harmless.js";
import { asJson } from "../render.js";
import type { PrinterVerdict } from "./verdict.js";

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");

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
    bounded(`airprint ${state}  ${label} in ${domain}`),
    bounded(`    iOS shows ${shows}`),
    ...lacks.map(({ code, text }) => bounded(`    ${code}: ${text}`)),
    // Whole, since rules are copied; a label and a TXT string bound them.
    ...remedy.map((line) => harmless(`  → ${line}`)),
  ]);
}

export function printersAsJson(verdicts: readonly PrinterVerdict[]): string {
  return asJson(verdicts.map((one) => ({ check: "airprint", ...one })));
}
