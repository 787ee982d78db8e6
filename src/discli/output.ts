// Where commands write: results to standard output, everything else to standard
// error, so that a pipe holds results alone. In a terminal whoever waits is told,
// on a line of standard error that goes away again. Nothing else of a terminal is
// ever changed, neither colour nor cursor, so that nothing has to be put back.

import { harmless, harmlessLines } from "./harmless.js";
import { cut } from "./width.js";

/** How long somebody is left without a word. */
const patience = 1000;
/** Between two changes of the line. */
const pace = 250;

/** From the first column to the end of the line. */
const blank = "\r\u001b[K";

export interface Output {
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Writes to standard output; what a terminal would obey is made visible, whoever wrote it. */
  print(text: string): void;
  /** One line on standard error. */
  complain(text: string): void;
  /** Writes to standard error, made harmless as `print` does it. */
  remark(text: string): void;
  /** Tells in a terminal that `what` is being waited for, until it is over. */
  waiting<T>(what: string, work: Promise<T>): Promise<T>;
}

export class Terminal implements Output {
  readonly isTerminal = process.stdout.isTTY === true;
  readonly #tells = process.stderr.isTTY === true && process.env.TERM !== "dumb";
  #what: readonly string[] = [];
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDrawn = false;

  get columns(): number {
    return process.stdout.columns || 80;
  }

  print(text: string): void {
    this.#clear();
    process.stdout.write(harmlessLines(text));
  }

  complain(text: string): void {
    this.remark(`discli: ${text}\n`);
  }

  remark(text: string): void {
    this.#clear();
    process.stderr.write(harmlessLines(text));
  }

  async waiting<T>(what: string, work: Promise<T>): Promise<T> {
    if (!this.#tells) return work;
    if (this.#what.length === 0) this.#since = performance.now();
    this.#what = [...this.#what, what];
    this.#timer ??= setInterval(() => this.#draw(), pace).unref();
    try {
      return await work;
    } finally {
      const at = this.#what.indexOf(what);
      this.#what = this.#what.filter((_, index) => index !== at);
      if (this.#what.length === 0) this.stop();
    }
  }

  /** Takes back what is drawn; for whoever ends the process, too. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
  }

  #draw(): void {
    const waited = performance.now() - this.#since;
    if (waited < patience) return;
    const [first = "", ...others] = this.#what;
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    const text = `${first}${more}: ${Math.floor(waited / 1000)} s`;
    // One line, or it could not be taken back; what is longer is cut.
    const room = Math.max((process.stderr.columns || 80) - 1, 10);
    process.stderr.write(`${blank}${cut(harmless(text), room)}`);
    this.#isDrawn = true;
  }

  #clear(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    process.stderr.write(blank);
  }
}
