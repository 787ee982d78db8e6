// The wildcards of discd.lua: `*` stands for any run of characters, `?` for one.
// ASCII case does not count, as everywhere in DNS names (DP-68). The texts come
// from devices, so the work is bounded: length of pattern times length of text.

import type { Label } from "../wire/name.js";

/** Whether the whole text fits the pattern. */
export function fits(pattern: string, text: string): boolean {
  const wanted = charactersOf(pattern);
  const given = charactersOf(text);
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < given.length; ) {
    const character = wanted[at];
    if (character === "*") {
      star = at++;
      resume = index;
    } else if (character === "?" || (character !== undefined && character === given[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      // The latest star takes one character more; earlier stars never have to.
      at = star + 1;
      index = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[at] === "*") at++;
  return at === wanted.length;
}

/** A label as people read it, for comparison with patterns only: not reversible. */
export function textOfLabel(label: Label): string {
  return Buffer.from(label, "latin1").toString("utf8");
}

const surrogates = /[\ud800-\udfff]/;
const upperCases = /[A-Z]+/g;

/** Folded, one element a character; nearly always that is the string itself. */
function charactersOf(text: string): ArrayLike<string> {
  const folded = text.replace(upperCases, (run) => run.toLowerCase());
  return surrogates.test(folded) ? [...folded] : folded;
}
