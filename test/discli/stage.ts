// A command run in this process: what it prints where, and its exit status.

import type { ExitStatus } from "../../src/discli/command.js";
import { toldOf } from "../../src/discli/failures.js";
import { harmlessLines } from "../../src/discli/harmless.js";
import type { Output } from "../../src/discli/output.js";
import { readCommandLine, typedCommand } from "../../src/discli/usage.js";

export interface Outcome {
  readonly status: ExitStatus;
  readonly out: string;
  readonly err: string;
}

class Kept implements Output {
  readonly isTerminal: boolean;
  readonly columns: number;
  out = "";
  err = "";

  constructor(isTerminal: boolean, columns: number) {
    this.isTerminal = isTerminal;
    this.columns = columns;
  }

  print(text: string): void {
    this.out += harmlessLines(text);
  }

  complain(text: string): void {
    this.err += `${harmlessLines(text)}\n`;
  }

  remark(text: string): void {
    this.err += text;
  }

  waiting<T>(_what: string, work: Promise<T>): Promise<T> {
    return work;
  }
}

/** Runs `discli` with these words. */
export async function discli(
  words: readonly string[],
  { isTerminal = false, columns = 80 } = {},
): Promise<Outcome> {
  const output = new Kept(isTerminal, columns);
  try {
    const line = readCommandLine(words);
    if ("wish" in line) throw new Error(`read as --${line.wish}`);
    const { command, ...request } = line;
    const { run } = await command.load();
    const status = await run({ ...request, output });
    return { status, out: output.out, err: output.err };
  } catch (error) {
    const told = toldOf(error, typedCommand(words));
    if (told === undefined) throw error;
    output.complain(told.text);
    return { status: told.status, out: output.out, err: output.err };
  }
}
