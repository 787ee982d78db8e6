// The words of a command line as bash holds it, and words as shells take them.

/** The last word, which may still be open. */
export interface LineRead {
  /** Without quotes. */
  readonly words: readonly string[];
  /** An open quotation mark in the last one. */
  readonly quote: '"' | "'" | undefined;
}

/** Reads a line up to the cursor; the last word is empty behind a space. */
export function readLine(line: string): LineRead {
  const words: string[] = [];
  let word = "";
  let isIn = false;
  let quote: LineRead["quote"];
  for (let at = 0; at < line.length; at++) {
    const one = line[at] as string;
    if (quote !== undefined) {
      if (one === quote) quote = undefined;
      else if (one === "\\" && quote === '"' && /["\\$`]/.test(line[at + 1] ?? "")) {
        at += 1;
        word += line[at];
      } else word += one;
    } else if (one === '"' || one === "'") {
      quote = one;
      isIn = true;
    } else if (one === "\\") {
      at += 1;
      word += line[at] ?? "";
      isIn = true;
    } else if (/\s/.test(one)) {
      if (isIn) words.push(word);
      word = "";
      isIn = false;
    } else {
      word += one;
      isIn = true;
    }
  }
  return { words: [...words, word], quote };
}

/** One word of a POSIX shell, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The same, as it is where a shell leaves it alone: for commands that people are to type. */
export const plainWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : shellWord(text);

/** What bash would read as that word, without quotation marks: for completion. */
export const quoted = (word: string): string =>
  word.replace(/[\x20-\x7e]/g, (one) => (/[\w@%+=:,./-]/.test(one) ? one : `\\${one}`));
