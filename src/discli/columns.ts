// Tables. In a terminal the columns stand under each other, below a heading; in a
// pipe each row is a line of fields with tabs between them, and nothing else.

import { harmless } from "./harmless.js";
import type { Output } from "./output.js";
import { cut, widthOf } from "./width.js";

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

/** A table that is written as its rows become known; see `renderColumns`. */
export class Table<T> {
  readonly #columns: readonly Column<T>[];
  readonly #isTerminal: boolean;
  readonly #widths: number[];
  #isBegun: boolean;

  constructor(
    columns: readonly Column<T>[],
    { isTerminal }: Pick<Output, "isTerminal">,
    { hasHeading = true } = {},
  ) {
    this.#columns = columns;
    this.#isTerminal = isTerminal;
    this.#widths = columns.map(() => 0);
    this.#isBegun = !hasHeading;
  }

  /** Makes room for rows that are to come. */
  expect(rows: readonly T[]): void {
    this.#widen(rows.map((row) => this.#textsOf(row)));
  }

  /** More rows as text, below a heading if they are the first. */
  add(rows: readonly T[]): string {
    const texts = rows.map((row) => this.#textsOf(row));
    if (!this.#isTerminal) return texts.map((row) => `${row.join("\t")}\n`).join("");
    if (texts.length === 0) return "";
    const headings = this.#columns.map(({ heading }) => heading.toUpperCase());
    const all = this.#isBegun ? texts : [headings, ...texts];
    this.#isBegun = true;
    this.#widen(all);
    return all.map((row) => `${lineOf(row, this.#widths)}\n`).join("");
  }

  #textsOf(row: T): string[] {
    return this.#columns.map(({ cell }) => textOf(cell(row)));
  }

  #widen(all: readonly (readonly string[])[]): void {
    for (const row of all) {
      for (const [at, text] of row.entries()) {
        const width = widthOf(text);
        if (width <= widthMax) this.#widths[at] = Math.max(this.#widths[at] as number, width);
      }
    }
  }
}

/** The rows as text, each ended by a line break; nothing where there are none. */
export function renderColumns<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  output: Pick<Output, "isTerminal">,
  how: { readonly hasHeading?: boolean } = {},
): string {
  return new Table(columns, output, how).add(rows);
}

/** What is shown of a column at the least; the first, which says what a row is of, is never cut. */
const narrowest = 12;

/**
 * The rows of a list that is to be read in a terminal of any width. Where they are too wide,
 * columns go that no row has anything in, then the widest are cut; where that is not enough,
 * each row becomes a paragraph. A pipe gets the same as from `renderColumns`.
 */
export function renderList<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  output: Pick<Output, "isTerminal" | "columns">,
): string {
  if (!output.isTerminal || rows.length === 0) return renderColumns(rows, columns, output);
  const texts = rows.map((row) => columns.map(({ cell }) => textOf(cell(row))));
  const headings = columns.map(({ heading }) => heading.toUpperCase());
  const all = columns.map((_, at) => at);
  const used = all.filter((at) => texts.some((row) => row[at] !== "-"));
  for (const kept of [all, used]) {
    const lines = [headings, ...texts].map((row) => kept.map((at) => row[at] as string));
    const widths = fitting(lines, output.columns, kept === used ? narrowest : undefined);
    if (widths === undefined) continue;
    const shown = lines.map((row) => row.map((text, at) => cut(text, widths[at] as number)));
    return shown.map((row) => `${lineOf(row, widths)}\n`).join("");
  }
  const names = columns.map(({ heading }) => heading);
  return texts.map((row) => paragraph(names, row, output.columns)).join("\n");
}

/**
 * How wide columns may be.
 *
 * @param least  to which all but the first may be cut; absent: none may
 * @returns undefined when there is not room enough
 */
function fitting(
  lines: readonly (readonly string[])[],
  room: number,
  least: number | undefined,
): readonly number[] | undefined {
  const widths = (lines[0] ?? []).map((_, at) =>
    lines.reduce((max, row) => Math.max(max, widthOf(row[at] as string)), 0),
  );
  const gaps = (widths.length - 1) * between;
  let over = widths.reduce((sum, width) => sum + width, gaps) - room;
  while (over > 0 && least !== undefined) {
    const widest = Math.max(...widths.slice(1));
    if (widest <= least) return undefined;
    const at = widths.indexOf(widest, 1);
    // Down to the next in size, so that a cell of a megabyte takes no longer than another.
    const next = Math.max(least, ...widths.slice(1).filter((width) => width < widest));
    const less = Math.min(over, widest - next);
    widths[at] = widest - less;
    over -= less;
  }
  return over > 0 ? undefined : widths;
}

/** One row, a fact a line; those that are not known are left out. */
function paragraph(names: readonly string[], row: readonly string[], room: number): string {
  const indent = Math.max(...names.map(widthOf)) + between;
  return row
    .flatMap((text, at) => {
      if (text === "-") return [];
      const name = names[at] as string;
      const lines = folded(text, Math.max(room - indent, narrowest));
      return lines.map((line, index) => {
        const head = index === 0 ? name : "";
        return `${head}${" ".repeat(indent - widthOf(head))}${line}\n`;
      });
    })
    .join("");
}

/** A text in lines, broken at spaces; a word that is longer is left whole. */
function folded(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  let line: string | undefined;
  let width = 0;
  for (const word of text.split(" ")) {
    const more = widthOf(word);
    if (line !== undefined && width + 1 + more <= room) {
      line += ` ${word}`;
      width += 1 + more;
      continue;
    }
    if (line !== undefined) lines.push(line);
    line = word;
    width = more;
  }
  return [...lines, line ?? ""];
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
