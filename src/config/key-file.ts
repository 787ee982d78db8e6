// Key files in BIND's syntax, as tsig-keygen writes them:
//
//     key "discd" { algorithm hmac-sha256; secret "…"; };
//
// with comments of all three kinds. Nothing of the text is part of a message.

import type { Name } from "../wire/name.js";
import type { TsigAlgorithm, TsigKey } from "../wire/tsig.js";
import { algorithmFault, algorithmOf, keyNameOf, secretOf } from "./signing-key.js";

/** What is wrong with a file, and on which of its lines. */
export interface KeyFileFault {
  readonly line: number;
  readonly text: string;
}

interface Token {
  /** A word or a quoted text; otherwise one of `{`, `}` and `;`. */
  readonly isWord: boolean;
  readonly text: string;
  readonly line: number;
}

/** Thrown while reading, and caught at its end. */
class Broken extends Error {
  override readonly name = "Broken";
  readonly line: number;

  constructor(line: number, text: string) {
    super(text);
    this.line = line;
  }
}

/** Space and comments; quoted text; marks; words. */
const pieces =
  /(?:\s+|\/\/[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/)|"([^"\n]*)"|([{};])|((?!\/\*)[^\s{};"]+)/y;

/** More keys than any site has in one file. */
const keysMax = 1000;

/** All keys of a file, or the first thing that is wrong with it. */
export function readKeyFile(text: string): readonly TsigKey[] | KeyFileFault {
  try {
    return new KeyFile(tokensOf(text)).keys();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { line: error.line, text: error.message };
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  pieces.lastIndex = 0;
  while (pieces.lastIndex < text.length) {
    const found = pieces.exec(text);
    if (found === null) throw new Broken(line, "a quotation or comment begins and does not end");
    const [whole, quoted, mark, word] = found;
    const content = quoted ?? word ?? mark;
    if (content !== undefined) tokens.push({ isWord: mark === undefined, text: content, line });
    line += whole.split("\n").length - 1;
  }
  tokens.push({ isWord: false, text: "", line });
  return tokens;
}

class KeyFile {
  readonly #tokens: readonly Token[];
  #at = 0;

  /** @param tokens  with one of no text at the end */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  keys(): readonly TsigKey[] {
    const found: TsigKey[] = [];
    while (this.#next.text !== "" || this.#next.isWord) {
      if (found.length >= keysMax) throw this.#broken(`more than ${keysMax} keys`);
      found.push(this.#key());
    }
    return found;
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #key(): TsigKey {
    const { isWord, text } = this.#next;
    if (!isWord || text !== "key") {
      throw this.#broken('something else than key "NAME" { … };');
    }
    this.#at += 1;
    const name = this.#read(keyNameOf, "a key's name");
    this.#mark("{");
    let algorithm: TsigAlgorithm | undefined;
    let secret: Uint8Array | undefined;
    while (this.#next.text !== "}" || this.#next.isWord) {
      const clause = this.#next;
      if (!clause.isWord) throw this.#broken("'}' is missing");
      this.#at += 1;
      if (clause.text === "algorithm" && algorithm === undefined) algorithm = this.#algorithm();
      else if (clause.text === "secret" && secret === undefined) secret = this.#secret();
      else throw new Broken(clause.line, "a key has one algorithm and one secret, nothing else");
      this.#mark(";");
    }
    if (algorithm === undefined) throw this.#broken("the key has no algorithm");
    if (secret === undefined) throw this.#broken("the key has no secret");
    this.#mark("}");
    this.#mark(";");
    return { name, algorithm, secret };
  }

  #algorithm(): TsigAlgorithm {
    const fault = this.#next.isWord ? algorithmFault(this.#next.text) : undefined;
    if (fault !== undefined) throw this.#broken(`the algorithm: ${fault}`);
    return this.#read(algorithmOf, "an algorithm");
  }

  #secret(): Uint8Array {
    return this.#read((text) => secretOf(text.replace(/\s/g, "")), "a secret in base64");
  }

  #read<T>(read: (text: string) => T | undefined, what: string): T {
    const found = this.#next.isWord ? read(this.#next.text) : undefined;
    if (found === undefined) throw this.#broken(`${what} is missing`);
    this.#at += 1;
    return found;
  }

  #mark(mark: string): void {
    if (this.#next.isWord || this.#next.text !== mark) throw this.#broken(`'${mark}' is missing`);
    this.#at += 1;
  }

  #broken(text: string): Broken {
    return new Broken(this.#next.line, text);
  }
}

/** The one key that is meant. @param name  absent: the file has to hold one alone */
export function chooseKey(
  keys: readonly TsigKey[],
  name: Name | undefined,
): TsigKey | { readonly fault: string } {
  const fitting = name === undefined ? keys : keys.filter((key) => key.name.key === name.key);
  const [first, second] = fitting;
  if (first === undefined) {
    return { fault: name === undefined ? "it holds no key" : "it holds no key of that name" };
  }
  if (second === undefined) return first;
  const remedy =
    name === undefined ? "say which: { file = 'FILE', name = 'NAME' }" : "leave one of them";
  return { fault: `it holds ${fitting.length} keys${name ? " of that name" : ""}; ${remedy}` };
}
