// A table of any length. Only rows in sight are elements; each keeps its element
// while it is there, so focus, selection and hover survive every change. What
// the reader looks at stays where it is when rows come and go above it.

import { make, mark, place, sayName } from "./dom.js";
import { inOrder } from "./text.js";

export interface Column<T> {
  readonly title: string;
  /** For the style sheet. */
  readonly name: string;
  text(item: T): string;
  /** What to sort by, where that is not the text. */
  order?(item: T): string | number;
}

export interface GridOptions<T> {
  readonly name: string;
  readonly label: string;
  readonly columns: readonly Column<T>[];
  key(item: T): string;
  choose(key: string): void;
  /** Classes of a row that is out of the ordinary. */
  look?(item: T): string;
  /** The first column downwards, before the reader wants something else. */
  readonly isLatestFirst?: boolean;
}

interface Row {
  readonly element: HTMLElement;
  readonly cells: readonly HTMLElement[];
}

/** Rows made beyond the edge of what is in sight. */
const margin = 6;
/** How long a new row is marked as one. */
const freshTime = 2500;

const isNarrow = matchMedia("(max-width: 720px)");

export class Grid<T> {
  readonly element: HTMLElement;
  readonly #options: GridOptions<T>;
  readonly #scroller: HTMLElement;
  readonly #body: HTMLElement;
  readonly #heads: HTMLElement[];
  readonly #rows = new Map<string, Row>();
  #items: readonly T[] = [];
  #given: readonly T[] | undefined;
  #places = new Map<string, number>();
  #fresh = new Map<string, number>();
  #sort: { column: number; isDown: boolean };
  #selected = "";
  /** The row that the Tab key comes to. */
  #current = "";

  constructor(options: GridOptions<T>) {
    this.#options = options;
    this.#sort = { column: 0, isDown: options.isLatestFirst === true };
    this.#heads = options.columns.map((column, at) => this.#makeHead(column, at));
    const head = make("div", { role: "row", class: "row head", "aria-rowindex": 1 });
    head.append(...this.#heads);
    this.#body = make("div", { role: "rowgroup", class: "rows" });
    this.#scroller = make(
      "div",
      { role: "grid", class: `grid ${options.name}`, "aria-label": options.label },
      make("div", { role: "rowgroup", class: "heads" }, head),
      this.#body,
    );
    this.element = this.#scroller;
    this.#scroller.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.#scroller.addEventListener("keydown", (event) => this.#onKey(event));
    this.#body.addEventListener("click", (event) => {
      const key = this.#keyAt(event.target);
      if (key !== undefined) this.#choose(key);
    });
    new ResizeObserver(() => this.#draw()).observe(this.#scroller);
    isNarrow.addEventListener("change", () => this.#draw());
  }

  /** Shows these, sorted as the reader wants; the same array again costs nothing. */
  show(items: readonly T[], selected: string, areNewFresh = false): void {
    const isOther = items !== this.#given;
    if (!isOther && selected === this.#selected) return;
    this.#selected = selected;
    if (isOther) this.#replace(items, areNewFresh);
    if (selected !== "") this.#current = selected;
    this.#draw();
  }

  /** Puts the focus on the chosen row, else on the first. */
  focus(): void {
    const at = this.#places.get(this.#current) ?? 0;
    this.#focusOn(at);
  }

  #replace(items: readonly T[], areNewFresh: boolean): void {
    const before = this.#places;
    const anchor = this.#anchor();
    const focused = this.#focusedKey();
    const lastPlace = focused === undefined ? 0 : (before.get(focused) ?? 0);
    this.#given = items;
    this.#order();
    if (areNewFresh) {
      const now = Date.now();
      for (const [key, at] of this.#fresh) if (now - at > freshTime) this.#fresh.delete(key);
      for (const key of this.#places.keys()) if (!before.has(key)) this.#fresh.set(key, now);
    }
    mark(this.#scroller, { "aria-rowcount": this.#items.length + 1 });
    this.#body.style.height = `${this.#items.length * this.#rowHeight}px`;
    this.#hold(anchor);
    if (focused !== undefined && !this.#places.has(focused) && this.#items.length > 0) {
      // The row in focus went: its neighbour takes over, nothing is chosen by that.
      this.#focusOn(Math.min(lastPlace, this.#items.length - 1));
    }
  }

  #order(): void {
    const { columns, key } = this.#options;
    const { column, isDown } = this.#sort;
    const { order, text } = columns[column] as Column<T>;
    const sign = isDown ? -1 : 1;
    const sorted = (this.#given ?? []).map((item) => ({
      item,
      value: (order ?? text)(item),
      key: key(item),
    }));
    sorted.sort((a, b) => sign * inOrder(a.value, b.value) || (a.key < b.key ? -1 : 1));
    this.#items = sorted.map(({ item }) => item);
    this.#places = new Map(sorted.map((one, at) => [one.key, at]));
    this.#heads.forEach((head, at) => {
      const way = isDown ? "descending" : "ascending";
      mark(head, { "aria-sort": at === column ? way : undefined });
    });
  }

  get #rowHeight(): number {
    return isNarrow.matches ? 56 : 30;
  }

  /** The row that must not move: the one in focus if it is in sight, else the first in sight. */
  #anchor(): { key: string; offset: number } | undefined {
    const { scrollTop, clientHeight } = this.#scroller;
    const height = this.#rowHeight;
    const focused = this.#focusedKey();
    const at = focused === undefined ? undefined : this.#places.get(focused);
    const y = (at ?? 0) * height - scrollTop;
    if (focused !== undefined && at !== undefined && y >= 0 && y < clientHeight) {
      return { key: focused, offset: y };
    }
    if (scrollTop === 0) return undefined;
    const first = Math.floor(scrollTop / height);
    for (const item of this.#items.slice(first, first + 20)) {
      const key = this.#options.key(item);
      const place = this.#places.get(key) as number;
      return { key, offset: place * height - scrollTop };
    }
    return undefined;
  }

  #hold(anchor: { key: string; offset: number } | undefined): void {
    if (anchor === undefined) return;
    const at = this.#places.get(anchor.key);
    if (at === undefined) return;
    const top = at * this.#rowHeight - anchor.offset;
    if (this.#scroller.scrollTop !== top) this.#scroller.scrollTop = top;
  }

  #draw(): void {
    const height = this.#rowHeight;
    this.#body.style.height = `${this.#items.length * height}px`;
    const { scrollTop, clientHeight } = this.#scroller;
    const first = Math.max(0, Math.floor(scrollTop / height) - margin);
    const last = Math.min(
      this.#items.length,
      Math.ceil((scrollTop + clientHeight) / height) + margin,
    );
    const places = new Set<number>();
    for (let at = first; at < last; at++) places.add(at);
    const focused = this.#focusedKey();
    const kept = focused === undefined ? undefined : this.#places.get(focused);
    if (kept !== undefined) places.add(kept);
    if (!this.#places.has(this.#current)) this.#current = "";
    this.#drawRows([...places].sort((a, b) => a - b));
  }

  #drawRows(places: readonly number[]): void {
    const wanted = new Map(
      places.map((at) => [this.#options.key(this.#items[at] as T), at] as const),
    );
    for (const [key, { element }] of this.#rows) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    const tabTo = this.#current !== "" ? this.#current : wanted.keys().next().value;
    let next = this.#body.firstElementChild;
    for (const [key, at] of wanted) {
      let row = this.#rows.get(key);
      if (row === undefined) {
        row = this.#makeRow(key);
        this.#rows.set(key, row);
      }
      this.#fill(row, key, at, key === tabTo);
      if (row.element === next) next = next.nextElementSibling;
      else place(this.#body, row.element, next);
    }
  }

  #fill(row: Row, key: string, at: number, isTabStop: boolean): void {
    const item = this.#items[at] as T;
    const isFresh = Date.now() - (this.#fresh.get(key) ?? 0) < freshTime;
    const look = this.#options.look?.(item) ?? "";
    mark(row.element, {
      class: `row${look === "" ? "" : ` ${look}`}${isFresh ? " fresh" : ""}`,
      "aria-rowindex": at + 2,
      "aria-selected": key === this.#selected ? "true" : "false",
      tabindex: isTabStop ? 0 : -1,
    });
    row.element.style.transform = `translateY(${at * this.#rowHeight}px)`;
    this.#options.columns.forEach((column, index) => {
      const cell = row.cells[index];
      if (cell !== undefined) sayName(cell, column.text(item));
    });
  }

  #makeRow(key: string): Row {
    const cells = this.#options.columns.map(() => make("bdi"));
    const element = make("div", { role: "row" });
    this.#options.columns.forEach(({ name }, at) => {
      element.append(make("div", { role: "gridcell", class: `cell ${name}` }, cells[at]));
    });
    rowKeys.set(element, key);
    return { element, cells };
  }

  #makeHead(column: Column<T>, at: number): HTMLElement {
    const button = make("button", { type: "button" }, column.title);
    button.addEventListener("click", () => {
      const isSame = this.#sort.column === at;
      this.#sort = { column: at, isDown: isSame && !this.#sort.isDown };
      this.#order();
      this.#scroller.scrollTop = 0;
      this.#draw();
    });
    return make("div", { role: "columnheader", class: `cell ${column.name}` }, button);
  }

  #focusedKey(): string | undefined {
    return this.#keyAt(document.activeElement);
  }

  #keyAt(target: EventTarget | null): string | undefined {
    const row = target instanceof Element ? target.closest(".rows > .row") : null;
    return row !== null && this.#body.contains(row) ? rowKeys.get(row) : undefined;
  }

  #choose(key: string): void {
    this.#current = key;
    this.#options.choose(key);
  }

  #focusOn(at: number): void {
    const item = this.#items[at];
    if (item === undefined) return;
    this.#current = this.#options.key(item);
    const height = this.#rowHeight;
    const { scrollTop, clientHeight } = this.#scroller;
    const head = (this.#body.previousElementSibling as HTMLElement).offsetHeight;
    if (at * height < scrollTop) this.#scroller.scrollTop = at * height;
    else if ((at + 1) * height + head > scrollTop + clientHeight) {
      this.#scroller.scrollTop = (at + 1) * height + head - clientHeight;
    }
    this.#draw();
    this.#rows.get(this.#current)?.element.focus({ preventScroll: true });
  }

  #onKey(event: KeyboardEvent): void {
    const key = this.#keyAt(event.target);
    if (key === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = this.#places.get(key) ?? 0;
    const page = Math.max(1, Math.floor(this.#scroller.clientHeight / this.#rowHeight) - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -at,
      End: this.#items.length,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      this.#focusOn(Math.min(Math.max(at + step, 0), this.#items.length - 1));
      // Beside the list there is room for what is under the cursor; on a phone it covers the list.
      if (!isNarrow.matches && this.#selected !== "") this.#choose(this.#current);
    } else if (event.key === "Enter" || event.key === " ") this.#choose(key);
    else return;
    event.preventDefault();
  }
}

const rowKeys = new WeakMap<Element, string>();
