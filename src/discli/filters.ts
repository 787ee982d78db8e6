// `KEY=VALUE` as it is typed.

import { UsageError } from "./command.js";

/**
 * Reads filters.
 *
 * @param known  keys there are for `what`
 * @throws UsageError
 */
export function readFilters(
  words: readonly string[],
  what: string,
  known: readonly string[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const word of words) {
    const [, key, value] = /^([a-z]+)=(.+)$/is.exec(word) ?? [];
    if (key === undefined || value === undefined) {
      throw new UsageError(`${what} ${word}: write ${known[0] ?? "KEY"}=VALUE`);
    }
    if (!known.includes(key)) {
      const remedy =
        known.length === 0 ? "it takes none" : `there are ${[...known].sort().join(", ")}`;
      throw new UsageError(`${what} ${word}: there is no filter "${key}"; ${remedy}`);
    }
    if (found.has(key)) throw new UsageError(`${what} ${word}: "${key}" is given twice`);
    found.set(key, value);
  }
  return found;
}
