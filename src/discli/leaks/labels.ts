// Names that nobody has ever asked for: each run has a word of its own in all of
// them, so that a packet that holds it is a packet about this run.

import { type Label, labelText, type Name } from "../../wire/name.js";
import { below } from "../names.js";

/** Below the zone that is checked, or outside of it. */
export type Side = "zone" | "outside";

export interface AskedName {
  readonly side: Side;
  readonly name: Name;
}

/** 32 letters and digits, so that five bits make one. */
const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** Enough for a resolver that takes turns with its servers to come to each. */
export const namesPerSide = 3;

const mark: Readonly<Record<Side, string>> = { zone: "z", outside: "o" };

/** The word of one run. @param bytes  random, at least 16 */
export function wordOf(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 16)].map((byte) => letters[byte & 31]).join("");
}

/** @throws UsageError when the domain leaves no room for a label */
export function namesToAsk(word: string, side: Side, domain: Name): readonly AskedName[] {
  return Array.from({ length: namesPerSide }, (_, index) => {
    const label: Label = labelText(`leak-${word}-${mark[side]}${index + 1}`);
    return { side, name: below([label], domain) };
  });
}

/**
 * Which side a packet is about, wherever the word stands in it: resolvers may change the case
 * of letters.
 *
 * @returns undefined for a packet about something else
 */
export function sideOf(bytes: Uint8Array, word: string): Side | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1")
    .toLowerCase();
  const at = text.indexOf(word);
  if (at < 0) return undefined;
  return text.startsWith(`-${mark.outside}`, at + word.length) ? "outside" : "zone";
}
