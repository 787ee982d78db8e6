// Making and changing elements. Every text goes in as text, never as markup, and
// what is on the page already is changed in place: focus, selection and scroll
// position stay where the reader has them.

import { splitShown } from "./text.js";

export type Child = Node | string | undefined;

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Sets attributes; `undefined` and `false` take one away. Nothing that runs code passes. */
export function mark(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    const isRefused =
      /^(on|style$|src)/i.test(name) || (name === "href" && !String(value).startsWith("#"));
    if (isRefused) throw new Error(`${name} is not an attribute that this page sets`);
    if (value === undefined || value === false) element.removeAttribute(name);
    else {
      const text = value === true ? "" : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  mark(element, attributes);
  for (const child of children) if (child !== undefined) element.append(child);
  return element;
}

const svgSpace = "http://www.w3.org/2000/svg";

export function draw<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly SVGElement[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgSpace, tag);
  mark(element, attributes);
  element.append(...children);
  return element;
}

/** Replaces the text of an element, if it is another one. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Replaces a text from outside. What would mislead is written as escapes, which stay in
 * their order inside a name that runs from right to left.
 */
export function sayName(element: Element, text: string): void {
  const parts = splitShown(text);
  if (element.textContent === parts.join("")) return;
  if (parts.length === 1) element.textContent = text;
  else element.replaceChildren(...parts.map((part, at) => (at % 2 === 0 ? part : inOrder(part))));
}

const inOrder = (part: string) => make("span", { class: "escape", dir: "ltr" }, part);

/** A name from outside: of its own direction, and unable to turn what stands around it. */
export function named(text: string): HTMLElement {
  const element = make("bdi");
  sayName(element, text);
  return element;
}

/** How the children of a list are told apart, made and changed. */
export interface Listing<T, E extends HTMLElement> {
  key(item: T): string;
  make(item: T): E;
  change?(element: E, item: T): void;
}

const keys = new WeakMap<Node, string>();

/** Makes the children of `parent` those of `items`, keeping the elements that stay. */
export function list<T, E extends HTMLElement>(
  parent: HTMLElement,
  items: readonly T[],
  { key, make: first, change }: Listing<T, E>,
): void {
  const had = new Map<string, E>();
  for (const child of [...parent.children]) had.set(keys.get(child) ?? "", child as E);
  const wanted = new Map(items.map((item) => [key(item), item]));
  for (const [name, element] of had) if (!wanted.has(name)) element.remove();
  let next = parent.firstElementChild;
  for (const [name, item] of wanted) {
    let element = had.get(name);
    if (element === undefined) {
      element = first(item);
      keys.set(element, name);
    }
    change?.(element, item);
    if (element === next) next = next.nextElementSibling;
    else place(parent, element, next);
  }
}

/** Puts an element in its place; a focus inside it comes along. */
export function place(parent: Element, element: HTMLElement, before: Element | null): void {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(element, before);
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
}
