// The pages that are one table each: what the API lists, searched and sorted,
// read again every few seconds while the page is open.

import type { Api } from "./api.js";
import { type Detail, fact } from "./detail.js";
import { make, mark, say } from "./dom.js";
import { type Column, Grid } from "./grid.js";
import type { Lines } from "./lines.js";
import type { Model } from "./model.js";
import type { Page, Scene } from "./page.js";
import { choose } from "./route.js";
import { holds, plain, wordsOf } from "./search.js";
import { count, many } from "./text.js";

export interface Table<T> {
  readonly name: string;
  readonly title: string;
  /** What one row is called. */
  readonly noun: string;
  /** What is said where there is nothing. */
  readonly none: string;
  /** How many there are, where the model knows it without reading the list. */
  tally?(model: Model): number | undefined;
  readonly columns: readonly Column<T>[];
  read(api: Api): Promise<readonly T[]>;
  key(item: T): string;
  detail(item: T, lines: Lines): Detail;
  look?(item: T): string;
}

/** Said where a search leaves nothing. */
export const nothingFits = "Nothing fits what is searched";

export class TablePage<T> implements Page {
  readonly name: string;
  readonly title: string;
  readonly element = make("div", { class: "page listing plain" });
  readonly field: HTMLInputElement;
  readonly #table: Table<T>;
  readonly #grid: Grid<T>;
  readonly #result = make("p", { class: "result", role: "status" });
  readonly #empty = make("p", { class: "empty" });
  #items: readonly T[] | undefined;
  #failure = "";
  #drawn: { items: readonly T[] | undefined; q: string } = { items: undefined, q: "" };
  #shown: readonly T[] = [];

  constructor(table: Table<T>) {
    this.#table = table;
    this.name = table.name;
    this.title = table.title;
    this.field = make("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": `Search ${table.title.toLowerCase()}`,
      "aria-keyshortcuts": "/",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.field.addEventListener("input", () => choose({ q: this.field.value }));
    const { name, title: label, columns, key, look } = table;
    const options = { name, label, columns, key, choose: (sel: string) => choose({ sel }) };
    this.#grid = new Grid<T>(look === undefined ? options : { ...options, look });
    const bar = make("div", { class: "bar" }, make("h1", {}, label), this.field, this.#result);
    this.element.append(bar, this.#grid.element, this.#empty);
  }

  tally(model: Model): number | undefined {
    return this.#table.tally?.(model);
  }

  async read(api: Api): Promise<void> {
    try {
      this.#items = await this.#table.read(api);
      this.#failure = "";
    } catch (error) {
      this.#failure = `Could not be read: ${(error as Error).message}`;
    }
  }

  draw({ choices }: Scene): void {
    const q = choices.get("q") ?? "";
    if (this.field.value !== q && document.activeElement !== this.field) this.field.value = q;
    const isOther = this.#drawn.items !== this.#items || this.#drawn.q !== q;
    if (isOther) {
      const areFresh = this.#drawn.items !== undefined && this.#drawn.q === q;
      this.#drawn = { items: this.#items, q };
      this.#shown = this.#filtered(wordsOf(q));
      this.#grid.show(this.#shown, choices.get("sel") ?? "", areFresh);
    } else this.#grid.show(this.#shown, choices.get("sel") ?? "");
    this.#tell();
  }

  detail({ choices, lines }: Scene): Detail | undefined {
    const key = choices.get("sel");
    if (key === null) return undefined;
    const item = this.#items?.find((one) => this.#table.key(one) === key);
    return item === undefined ? undefined : this.#table.detail(item, lines);
  }

  focus(): void {
    this.#grid.focus();
  }

  #filtered(words: readonly string[]): readonly T[] {
    const items = this.#items ?? [];
    if (words.length === 0) return items;
    return items.filter((item) => {
      const texts = this.#table.columns.map((column) => column.text(item));
      return holds(plain(texts.join("\n")), words);
    });
  }

  #tell(): void {
    const { noun, none } = this.#table;
    const all = this.#items?.length;
    const found = this.#shown.length;
    if (this.#failure !== "") say(this.#result, this.#failure);
    else if (all === undefined) say(this.#result, "");
    else
      say(this.#result, found === all ? many(all, noun) : `${count(found)} of ${many(all, noun)}`);
    const isEmpty = found === 0 && this.#failure === "";
    mark(this.#empty, { class: all === undefined ? "empty reading" : "empty", hidden: !isEmpty });
    say(this.#empty, all === undefined ? "Reading" : all === 0 ? none : nothingFits);
  }
}

/** Facts as the columns have them, for tables with nothing more to say. */
export function columnFacts<T>(columns: readonly Column<T>[], item: T) {
  return columns.flatMap(({ title, text }) => fact(title, text(item)));
}
