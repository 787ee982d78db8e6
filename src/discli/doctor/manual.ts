// The part of docs/doctor.md that is made of the tables, so that the manual
// cannot tell of other commands than `--explain` does.

import type { Check, Stage, Target } from "./check.js";
import { playbooks } from "./playbook.js";

/** The page says ZONE where somebody has to put a zone. */
const anyTarget: Target = { zone: "ZONE", server: "SERVER", interface: "IF" };

function checkText(check: Check): string[] {
  const codes = Object.entries(check.codes);
  const commands = check.commands(anyTarget);
  return [
    `#### \`${check.id}\``,
    "",
    check.title,
    "",
    "```sh",
    ...commands,
    "```",
    "",
    ...(codes.length === 0 ? [] : ["| code | means |", "| --- | --- |"]),
    ...codes.map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
    ...(codes.length === 0 ? [] : [""]),
  ];
}

function stageText({ id, title, checks }: Stage, at: number): string[] {
  return [`### ${at + 1}. ${id}: ${title}`, "", ...checks.flatMap(checkText)];
}

/** Markdown: every playbook, stage by stage, check by check. */
export function manualText(): string {
  const parts = Object.entries(playbooks).flatMap(([word, stages]) => {
    const heading = word === "usual" ? "`discli doctor`" : `\`discli doctor --as ${word}\``;
    return [`## ${heading}`, "", ...stages.flatMap(stageText)];
  });
  return `${parts.join("\n").trimEnd()}\n`;
}
