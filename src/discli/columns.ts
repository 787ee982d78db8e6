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
