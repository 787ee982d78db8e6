// What a command of discli is: how it is typed, what it says of itself, and where
// its code is. Rows of these make up table.ts; help and completion are read from it.

import type { Output } from "./output.js";

/** What a program has to say by its exit status. */
export const ExitStatus = { done: 0, nothing: 1, failed: 2, untested: 3 } as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** The command line makes no sense; printed as one line, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What was asked for could not be done, for a reason outside of discli; one line for people. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly status: ExitStatus;

  /** @param message  what failed, why, and what to try next */
  constructor(message: string, status: ExitStatus = ExitStatus.failed) {
    super(message);
    this.status = status;
  }
}

/** What a shell may offer for a word; nothing where it is absent. */
export type Offer =
  | readonly string[]
  /** Names of files, types of service and types of record. */
  | "file"
  | "type"
  | "rrtype"
  /** What a running discd tells: its zones, its interfaces, services; `key=value` of `show`. */
  | "zone"
  | "interface"
  | "instance"
  | "filter";

interface OptionSpec {
  /** One sentence for --help, at most a line. */
  readonly help: string;
  /** One letter. */
  readonly short?: string;
}

/** Given or not. */
export interface Flag extends OptionSpec {
  readonly kind: "flag";
}

/** One value; `texts` may be given several times. */
export interface Text extends OptionSpec {
  readonly kind: "text" | "texts";
  /** What the value is called, FILE for instance. */
  readonly value: string;
  /** A list is also what may be given: all else is refused. */
  readonly offer?: Offer;
}

/** Of a command without any. */
export type NoOptions = Readonly<Record<never, never>>;

/** By their names without `--`. One name is a flag everywhere, or takes a value everywhere. */
export type Options = Readonly<Record<string, Flag | Text>>;

/** What was given. */
export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends Flag
    ? boolean
    : O[Name] extends { readonly kind: "texts" }
      ? readonly string[]
      : string | undefined;
};

/** A word after the command's name. */
export interface Word {
  /** As --help has it, TYPE for instance. */
  readonly name: string;
  readonly need: "one" | "optional" | "any";
  readonly offer?: Offer;
}

/** How names and results are printed. */
export interface Style {
  /** As zone files spell them. */
  readonly escaped: boolean;
  readonly json: boolean;
}

/** What every command is given, besides its own options. */
export interface Globals {
  /** ADDR[:PORT]; undefined: the system's resolver. */
  readonly server: string | undefined;
  /** URL or path of a socket; undefined: the usual places. */
  readonly api: string | undefined;
  /** Milliseconds after which an answer is not waited for; undefined: the usual. */
  readonly timeout: number | undefined;
}

export interface Request<O extends Options = NoOptions> extends Globals {
  readonly words: readonly string[];
  readonly options: Values<O>;
  readonly style: Style;
  readonly output: Output;
}

/** What the file of a command exports. */
export interface CommandFile<O extends Options> {
  run(request: Request<O>): Promise<ExitStatus>;
}

/** A row of the table. */
export interface Command<O extends Options> {
  /** What is typed: one word, or two, as in `delegation print`. */
  readonly name: string;
  readonly words: readonly Word[];
  readonly options: O;
  /** What it does, in one line. */
  readonly help: string;
  /** Further lines of its own --help. */
  readonly details?: readonly string[];
  /** Neither helped with nor completed: for the completion scripts. */
  readonly isHidden?: true;
  /** Only now is its code read: a command does not wait for what the others need. */
  load(): Promise<CommandFile<O>>;
}

/** Keeps the types of a row's options. */
export const command = <const O extends Options>(row: Command<O>): Command<O> => row;

/** A row as the table holds it, whatever its options. */
// biome-ignore lint/suspicious/noExplicitAny: rows of different options stand in one list
export type AnyCommand = Command<any>;

/** Says that there is nothing. */
export function nothing(output: Output, text: string): ExitStatus {
  output.complain(text);
  return ExitStatus.nothing;
}
