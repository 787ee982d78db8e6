// What is selected, in full: facts, TXT key by key, and lines to copy. What
// stays the same keeps its elements, so a line can be copied while numbers move.

import { list, make, named, say } from "./dom.js";
import type { Txt } from "./shapes.js";
import { hexOf, shown } from "./text.js";

export interface Fact {
  readonly name: string;
  readonly values: readonly string[];
}

export interface Detail {
  /** It tells of the list as a whole: where it would cover the list it is not shown. */
  readonly isAside?: boolean;
  readonly title: string;
  readonly subtitle?: string;
  /** Something to be told before the rest: it is gone, it is hidden. */
  readonly notes?: readonly string[];
  readonly facts: readonly Fact[];
  readonly txt?: readonly Txt[];
  readonly lines: readonly string[];
}

/** A fact, or nothing where there is no value. */
export function fact(name: string, ...values: readonly (string | undefined)[]): Fact[] {
  const known = values.filter((value) => value !== undefined && value !== "") as string[];
  return known.length === 0 ? [] : [{ name, values: known }];
}

/** Copies, also where the browser keeps its clipboard for pages with TLS. */
async function copy(code: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return document.execCommand("copy");
  }
}

function makeLine(line: string): HTMLElement {
  const code = make("code", { dir: "ltr" }, line);
  const button = make("button", { type: "button", class: "copy", "aria-label": `Copy ${line}` });
  say(button, "Copy");
  button.addEventListener("click", async () => {
    say(button, (await copy(code)) ? "Copied" : "Press Ctrl-C");
    setTimeout(() => say(button, "Copy"), 1500);
  });
  return make("li", {}, code, button);
}

function txtText({ value, isBinary, base64 }: Txt): string {
  if (value === null && base64 === undefined) return "set, without a value";
  if (isBinary === true || value === null) return hexOf(base64 ?? "");
  return value === "" ? "empty" : value;
}

export class DetailPanel {
  readonly #element: HTMLElement;
  readonly #title = make("h2");
  readonly #subtitle = make("p", { class: "subtitle" });
  readonly #notes = make("ul", { class: "notes" });
  readonly #facts = make("dl", { class: "facts" });
  readonly #txtHead = make("h3", {}, "TXT");
  readonly #txt = make("dl", { class: "facts txt" });
  readonly #linesHead = make("h3", {}, "From a shell");
  readonly #lines = make("ul", { class: "lines" });
  readonly #close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  #written = "";

  constructor(element: HTMLElement, close: () => void) {
    this.#element = element;
    this.#close.addEventListener("click", close);
    const head = make("div", { class: "top" }, this.#title, this.#close);
    element.append(head, this.#subtitle, this.#notes, this.#facts);
    element.append(this.#txtHead, this.#txt, this.#linesHead, this.#lines);
  }

  get isOpen(): boolean {
    return !this.#element.hidden;
  }

  focus(): void {
    this.#close.focus();
  }

  show(detail: Detail | undefined): void {
    this.#element.hidden = detail === undefined;
    document.body.classList.toggle("with-detail", detail !== undefined);
    const written = JSON.stringify(detail ?? null);
    if (detail === undefined || written === this.#written) return;
    this.#written = written;
    const { title, subtitle = "", notes = [], facts, txt = [], lines } = detail;
    if (this.#title.textContent !== shown(title)) {
      this.#title.replaceChildren(named(title));
      this.#element.scrollTop = 0;
    }
    say(this.#subtitle, shown(subtitle));
    list(this.#notes, notes, { key: (note) => note, make: (note) => make("li", {}, named(note)) });
    writePairs(this.#facts, facts);
    this.#txtHead.hidden = txt.length === 0;
    writePairs(
      this.#txt,
      txt.map((one) => ({ name: one.key, values: [txtText(one)] })),
    );
    this.#linesHead.hidden = lines.length === 0;
    list(this.#lines, lines, { key: (line) => line, make: makeLine });
  }
}

function writePairs(parent: HTMLElement, pairs: readonly Fact[]): void {
  const numbered = pairs.map((pair, at) => ({ ...pair, key: `${at} ${pair.name}` }));
  list(parent, numbered, {
    key: ({ key }) => key,
    make: ({ name }) => make("div", {}, make("dt", {}, named(name)), make("dd")),
    change: (element, { values }) => {
      const place = element.lastElementChild as HTMLElement;
      list(place, values, {
        key: (value) => value,
        make: (value) => make("div", {}, named(value)),
      });
    },
  });
}
