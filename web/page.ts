// What each page is to the frame around it.

import type { Api } from "./api.js";
import type { Detail } from "./detail.js";
import type { Lines } from "./lines.js";
import type { Model } from "./model.js";

/** What a page draws from. */
export interface Scene {
  readonly model: Model;
  readonly choices: URLSearchParams;
  readonly lines: Lines;
  readonly now: number;
}

export interface Page {
  readonly name: string;
  readonly title: string;
  readonly element: HTMLElement;
  /** A number beside its name in the list of pages. */
  tally?(model: Model): number | undefined;
  draw(scene: Scene): void;
  /** What is selected on it. */
  detail(scene: Scene): Detail | undefined;
  /** Reads what only this page shows; called every few seconds while it is open. */
  read?(api: Api): Promise<void>;
  /** Follows what only this page shows. @returns what ends that when the page is left */
  open?(api: Api, changed: () => void): () => void;
  /** Puts the focus back where the selection is. */
  focus?(): void;
  /** The field for searching, if it has one. */
  readonly field?: HTMLInputElement;
}
