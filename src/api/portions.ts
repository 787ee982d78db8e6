// Long lists as JSON in portions: between two of them other things have their
// turn, so that nobody waits for a list of thousands to be written out.

/** Elements in one portion; 25 services take some 0.1 ms. */
export const portionSize = 25;

/**
 * A list to be written out under a key, or a value that is written at once. Texts in the list are
 * JSON already.
 */
export type Part = { readonly list: Iterable<object | string> } | { readonly value: () => unknown };

/** One JSON object with these keys, in this order; a value is asked for when its turn comes. */
export function* objectInPortions(parts: Readonly<Record<string, Part>>): Generator<string> {
  let text = "{";
  let separator = "";
  for (const [key, part] of Object.entries(parts)) {
    text += `${separator}${JSON.stringify(key)}:`;
    separator = ",";
    if ("value" in part) {
      text += JSON.stringify(part.value());
      continue;
    }
    text += "[";
    let count = 0;
    for (const one of part.list) {
      const written = typeof one === "string" ? one : JSON.stringify(one);
      text += count === 0 ? written : `,${written}`;
      count += 1;
      if (count % portionSize === 0) {
        yield text;
        text = "";
      }
    }
    text += "]";
  }
  yield `${text}}\n`;
}
