// What a terminal would obey is made visible: control characters, which begin
// escape sequences, and what turns the direction of text or breaks its line.
// Names and TXT strings have ways of their own (wire/name.ts, render.ts); this is
// for all other text that somebody else wrote.

import { misleading } from "../wire/name.js";

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");

/** For one line, or a part of it. */
export const harmless = (text: string): string => text.replace(misleading, hex);

/** For what is printed as a whole: lines and tabs stay. */
export const harmlessLines = (text: string): string =>
  text.replace(misleading, (one) => (one === "\n" || one === "\t" ? one : hex(one)));
