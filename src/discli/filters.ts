// `KEY=VALUE` as it is typed.

import { nearestOf } from "../config/nearest.js";
import { UsageError } from "./command.js";

/** Of a key, what it may be compared with; absent: anything. */
export interface Known {
  readonly words?: readonly string[];
}

/**
 * Reads filters.
 *
 * @param known  keys there are for `what`, the likeliest first
 * @throws UsageError
 */
export function readFilters(
  words: readonly string[],
  what: string,
  known: Readonly<Record<string, Known>>,
): ReadonlyMap<string, string> {
  const keys = Object.keys(known);
  const found = new Map<string, string>();
  for (const word of words) {
    const [, key, value] = /^([a-z]+)=(.+)$/is.exec(word) ?? [];
    if (key === undefined || value === undefined) {
      throw new UsageError(`${what} ${word}: write ${keys[0] ?? "KEY"}=VALUE`);
    }
    if (!keys.includes(key)) {
      const remedy = keys.length === 0 ? "it takes none" : `there are ${keys.sort().join(", ")}`;
      throw new UsageError(`${what} ${word}: there is no filter "${key}"; ${remedy}`);
    }
    if (found.has(key)) throw new UsageError(`${what} ${word}: "${key}" is given twice`);
    found.set(key, checked(value, known[key]?.words, `${what} ${word}`));
  }
  return found;
}

/** Of a few words one, as they are spelled. @throws UsageError */
function checked(value: string, words: readonly string[] | undefined, where: string): string {
  if (words === undefined) return value;
  const wanted = value.toLowerCase();
  if (words.includes(wanted)) return wanted;
  const nearest = nearestOf(wanted, words);
  throw new UsageError(`${where}: the nearest is ${nearest}, of ${words.join(", ")}`);
}
