// What is wrong or doubtful in a configuration, collected while it is checked:
// all of it at once, each with file, line and path, in the order of the file.

import type { Failure } from "./lua-value.js";
import { fileOf, lineOf, type Spot } from "./spots.js";

/** One line for the operator. */
export interface Problem {
  /** As the operator wrote it; empty where no file was read. */
  readonly file: string;
  readonly line: number;
  /** As in `interfaces[3].subdomain`; empty where the whole file is meant. */
  readonly path: string;
  /** A sentence that begins with the path and ends with the remedy. */
  readonly text: string;
  /** Doubtful, but usable. */
  readonly isWarning: boolean;
}

/** A line of a file as the operator wrote it; `file` is empty where none was read. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** The place of a value that is being checked. */
export interface Where {
  readonly path: string;
  readonly spot: Spot;
  readonly report: Report;
  /** Found by looking at checked values: it is said only where nothing failed before. */
  readonly isDerived?: boolean;
}

/** Beyond this many lines nobody reads on. */
const problemsMax = 500;

export class Report {
  readonly #files: readonly string[];
  readonly #found: { problem: Problem; spot: Spot }[] = [];
  readonly #seen = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #gaps: string[] = [];
  /** Problems that make the configuration unusable, so far. */
  errors = 0;

  /** @param files what `Spot`s count; empty when no file was read */
  constructor(files: readonly string[]) {
    this.#files = files;
  }

  /** Some key makes the configuration unusable. */
  get hasErrors(): boolean {
    return this.errors > 0;
  }

  /** The configuration cannot be used. */
  problem(where: Where, text: string): void {
    if (this.#isMisplaced(where)) return;
    this.errors += 1;
    this.#failed.add(where.path);
    this.#add(where.path, where.spot, text, false);
  }

  /** The configuration can be used, but the operator should know. */
  warning(where: Where, text: string): void {
    if (!this.#isMisplaced(where)) this.#add(where.path, where.spot, text, true);
  }

  /** A list lacks an item whose problem was reported: what follows it would be miscounted. */
  gapIn(path: string): void {
    this.#gaps.push(path);
  }

  /** Lua itself gave up. */
  failure(failure: Failure): void {
    this.errors += 1;
    this.#add("", failure.spot, failure.text, false);
  }

  /** Whether something at a path, below it or around it was wrong: what it lacks was meant. */
  hasFailedAt(path: string): boolean {
    return [...this.#failed].some((one) => isPathIn(one, path) || isPathIn(path, one));
  }

  /** Everything, by file and line. */
  get problems(): readonly Problem[] {
    const sorted = this.#found.toSorted((a, b) => a.spot - b.spot);
    return sorted.map(({ problem }) => problem);
  }

  placeOf(spot: Spot): Place {
    return { file: this.#files[fileOf(spot)] ?? "", line: lineOf(spot) };
  }

  #isMisplaced({ path, isDerived }: Where): boolean {
    if (isDerived !== true) return false;
    return this.#failed.has(path) || this.#gaps.some((gap) => path.startsWith(`${gap}[`));
  }

  #add(path: string, spot: Spot, text: string, isWarning: boolean): void {
    const sentence = path === "" ? text : `${path}: ${text}`;
    // One mistake in a table that several entries share is one mistake.
    const key = `${spot} ${text}`;
    if (this.#seen.has(key) || this.#found.length >= problemsMax) return;
    this.#seen.add(key);
    const problem = { ...this.placeOf(spot), path, text: sentence, isWarning };
    this.#found.push({ problem, spot });
  }
}

/** The place of a table's key or item. */
export function inside(where: Where, key: string | number | undefined, spot: Spot): Where {
  return { path: pathOf(where.path, key), spot, report: where.report };
}

/** The path of a table's key: `.key`, `[3]`, or `['odd key']`. */
export function pathOf(path: string, key: string | number | undefined): string {
  if (typeof key === "number") return `${path}[${key}]`;
  const text = key ?? "?";
  if (!/^[A-Za-z_]\w*$/.test(text)) return `${path}['${text.slice(0, 64)}']`;
  return path === "" ? text : `${path}.${text}`;
}

const isPathIn = (path: string, outer: string): boolean =>
  path.startsWith(outer) && /^([.[]|$)/.test(path.slice(outer.length));
