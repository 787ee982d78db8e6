// Tables. In a terminal the columns stand under each other, below a heading; in a
// pipe each row is a line of fields with tabs between them, and nothing else.

import { harmless } from "./harmless.js";
import type { Output } from "./output.js";
import { widthOf } from "./width.js";

/** Texts of strangers may stand in a cell; undefined and null are shown as a hyphen. */
export type Cell = string | number | boolean | null | undefined | readonly string[];

export interface Column<T> {
  readonly heading: string;
  cell(row: T): Cell;
}

/** What is longer does not push the others aside. */
const widthMax = 44;
const between = 2;

function textOf(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "-";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  if (typeof cell === "object") return cell.length === 0 ? "-" : harmless(cell.join(", "));
  return harmless(String(cell));
}

/** The rows as text, each ended by a line break; nothing where there are none. */
export function renderColumns<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { isTerminal }: Pick<Output, "isTerminal">,
  { hasHeading = true } = {},
): string {
  const texts = rows.map((row) => columns.map(({ cell }) => textOf(cell(row))));
  if (!isTerminal) return texts.map((row) => `${row.join("\t")}\n`).join("");
  if (texts.length === 0) return "";
  const headings = columns.map(({ heading }) => heading.toUpperCase());
  const all = hasHeading ? [headings, ...texts] : texts;
  const widths = columns.map((_, at) => {
    const found = all.map((row) => widthOf(row[at] as string)).filter((one) => one <= widthMax);
    return Math.max(0, ...found);
  });
  return all.map((row) => `${lineOf(row, widths)}\n`).join("");
}

/** Facts, a name and a text each. */
export function renderFacts(
  facts: readonly (readonly [string, Cell])[],
  output: Pick<Output, "isTerminal">,
): string {
  const columns = [
    { heading: "", cell: ([name]: readonly [string, Cell]) => name },
    { heading: "", cell: ([, text]: readonly [string, Cell]) => text },
  ];
  return renderColumns(facts, columns, output, { hasHeading: false });
}

function lineOf(row: readonly string[], widths: readonly number[]): string {
  const last = row.length - 1;
  return row
    .map((text, at) => {
      if (at === last) return text;
      const room = (widths[at] as number) - widthOf(text);
      return text + " ".repeat(Math.max(room, 0) + between);
    })
    .join("");
}
