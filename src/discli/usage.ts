// The command line, read by the table, and the help that is made of it.

import { parseArgs } from "node:util";
import { nearestOf } from "../config/nearest.js";
import {
  type AnyCommand,
  type Flag,
  type Globals,
  type Options,
  type Style,
  type Text,
  UsageError,
  type Word,
} from "./command.js";
import { commands } from "./table.js";

/** Options that every command takes. */
export const globalOptions = {
  server: {
    kind: "text",
    value: "ADDR[:PORT]",
    help: "whom to ask; default: the system's resolver",
  },
  api: {
    kind: "text",
    value: "URL|SOCKET",
    offer: "file",
    help: "where discd is; default /run/discd/http, else http://127.0.0.1:8053",
  },
  timeout: { kind: "text", value: "SECONDS", help: "how long one answer is waited for" },
  escaped: { kind: "flag", help: "print names as zone files spell them" },
  json: { kind: "flag", help: "print JSON" },
  help: { kind: "flag", short: "h", help: "of discli, or after a command of that command" },
  version: { kind: "flag", help: "which discli this is" },
} as const satisfies Options;

export interface CommandLine extends Globals {
  readonly command: AnyCommand;
  /** Those after the command's name. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, boolean | string | readonly string[] | undefined>>;
  readonly style: Style;
}

/** Somebody wants to know, rather than to do. */
export type Wish =
  | { readonly wish: "help"; readonly of: AnyCommand | undefined }
  | { readonly wish: "version" };

type Given = Readonly<Record<string, boolean | string | string[] | undefined>>;

/**
 * Reads the command line.
 *
 * @param args without the program's name
 * @throws UsageError
 */
export function readCommandLine(args: readonly string[]): CommandLine | Wish {
  const { values, positionals } = parse(args);
  if (values.version === true) return { wish: "version" };
  const found = findCommand(positionals);
  if (values.help === true) return { wish: "help", of: found?.command };
  if (found === undefined) throw new UsageError(unknownText(positionals));
  const { command, words } = found;
  checkWords(command, words);
  const own = ownOptions(command, values);
  const { server, api, timeout, escaped = false, json = false } = values;
  return {
    command,
    words,
    options: own,
    server: server as string | undefined,
    api: api as string | undefined,
    timeout: timeout === undefined ? undefined : milliseconds(timeout as string),
    style: { escaped: escaped === true, json: json === true },
  };
}

/** The longest wait that can be asked for. */
const secondsMax = 3600;

function milliseconds(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= secondsMax) return seconds * 1000;
  throw new UsageError(`--timeout ${text}: write seconds, more than 0 and at most ${secondsMax}`);
}

/** The row that the first words name; a name of two words goes before one of one. */
export function findCommand(
  words: readonly string[],
): { readonly command: AnyCommand; readonly words: readonly string[] } | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(" ");
    const command = words.length < count ? undefined : commands.find((one) => one.name === name);
    if (command !== undefined) return { command, words: words.slice(count) };
  }
  return undefined;
}

function unknownText(words: readonly string[]): string {
  const [first] = words;
  if (first === undefined) return "a command is missing";
  const verbs = commands
    .filter(({ name, isHidden }) => name.startsWith(`${first} `) && isHidden !== true)
    .map(({ name }) => `\`${name}\``);
  if (verbs.length > 0) return `${first}: write ${verbs.join(" or ")}`;
  const seen = commands.filter(({ isHidden }) => isHidden !== true);
  const nearest = nearestOf(first, [...new Set(seen.map(({ name }) => name.split(" ")[0] ?? ""))]);
  return `there is no command "${first}"; the nearest is ${nearest}`;
}

function checkWords(command: AnyCommand, words: readonly string[]): void {
  const { name, words: places } = command;
  for (const [index, word] of places.entries()) {
    const given = words[index];
    if (given === undefined && word.need === "one") {
      throw new UsageError(`${name}: ${article(word.name)} ${word.name} is missing`);
    }
    if (given !== undefined && word.need !== "any") checkOffer(`${name} ${given}`, given, word);
  }
  if (places.at(-1)?.need === "any" || words.length <= places.length) return;
  throw new UsageError(`${name}: "${words[places.length]}" is one word too many`);
}

const article = (word: string): string => (/^[AEIOU]/.test(word) ? "an" : "a");

/** A list of what is offered is a list of what is possible. */
function checkOffer(what: string, given: string, { offer }: Pick<Word, "offer">): void {
  if (!Array.isArray(offer) || offer.includes(given)) return;
  throw new UsageError(`${what}: write one of ${offer.join(", ")}`);
}

/** The options of a command as it wants them; a stray one is an error. */
function ownOptions(command: AnyCommand, values: Given): CommandLine["options"] {
  const options: Options = command.options;
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(options, name) || Object.hasOwn(globalOptions, name)) continue;
    const owners = commands.filter((one) => Object.hasOwn(one.options, name));
    const whose = owners.map((one) => one.name).join(", ");
    throw new UsageError(`${command.name}: --${name} is an option of ${whose}`);
  }
  const own = Object.entries(options).map(([name, option]) => {
    const value = values[name];
    if (option.kind === "flag") return [name, value === true];
    const list = (typeof value === "string" ? [value] : (value ?? [])) as readonly string[];
    for (const one of list) checkOffer(`--${name} ${one}`, one, option);
    return [name, option.kind === "texts" ? list : list.at(-1)];
  });
  return Object.fromEntries(own);
}

/** The name of the command in a line that may be wrong otherwise; undefined: there is none. */
export function typedCommand(args: readonly string[]): string | undefined {
  const { positionals } = parseArgs({ ...parsing(args), strict: false });
  const found = findCommand(positionals)?.command;
  return found?.isHidden === true ? undefined : found?.name;
}

/** Every option of every command: which of them fit together is said afterwards. */
function parsing(args: readonly string[]) {
  const all: Record<string, Flag | Text> = Object.assign(
    {},
    ...commands.map(({ options }) => options),
    globalOptions,
  );
  const options = Object.fromEntries(
    Object.entries(all).map(([name, { kind, short }]) => [
      name,
      {
        type: kind === "flag" ? ("boolean" as const) : ("string" as const),
        multiple: kind === "texts",
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  return { args: [...args], allowPositionals: true, options };
}

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs(parsing(args));
    return { values: values as Given, positionals };
  } catch (error) {
    // The first sentence; what follows is about rare ways of quoting.
    const [sentence = ""] = (error as Error).message.split(/\.\s|\n/);
    throw new UsageError(sentence.replace(/\.$/, ""));
  }
}

const wordText = ({ name, need }: Word): string => {
  if (need === "one") return name;
  return need === "any" ? `[${name} …]` : `[${name}]`;
};

/** `browse [TYPE] [DOMAIN]`. */
export const synopsis = ({ name, words }: AnyCommand): string =>
  [name, ...words.map(wordText)].join(" ");

/** Where what something does begins. */
const column = 28;

function entry(left: string, right: string): string {
  const head = `  ${left}`;
  if (head.length + 2 <= column) return `${head.padEnd(column)}${right}`;
  return `${head}\n${" ".repeat(column)}${right}`;
}

function optionEntries(options: Options): string[] {
  return Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? "" : `-${option.short}, `;
    const value = option.kind === "flag" ? "" : ` ${option.value}`;
    const offer = option.kind !== "flag" && Array.isArray(option.offer) ? option.offer : [];
    const choice = offer.length === 0 ? "" : `: ${offer.join(", ")}`;
    return entry(`${short}--${name}${value}`, `${option.help}${choice}`);
  });
}

const closing = [
  "Names are plain UTF-8; a dot inside a label is written \\. (quote it in the shell).",
  "exit status: 0 done, 1 nothing found or a warning, 2 failed, 3 could not be tested",
];

/** Of a line of help. */
const lineMax = 100;

/** Breaks a text between words. */
function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) as string;
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length <= lineMax) lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  return lines;
}

/** The overall --help. */
export function helpText(): string {
  const shown = commands.filter(({ isHidden }) => isHidden !== true);
  const lines = [
    "usage: discli [OPTIONS] COMMAND",
    "",
    ...shown.map((row) => entry(synopsis(row), row.help)),
    "",
    "options of every command (discli COMMAND --help tells its own)",
    ...optionEntries(globalOptions),
    "",
    ...closing,
  ];
  return `${lines.join("\n")}\n`;
}

/** The --help of one command. */
export function commandHelp(command: AnyCommand): string {
  const own = optionEntries(command.options);
  const choices = command.words.flatMap((word) =>
    Array.isArray(word.offer) ? wrapped(`${word.name}: ${word.offer.join(", ")}`) : [],
  );
  const lines = [
    `usage: discli [OPTIONS] ${synopsis(command)}`,
    "",
    command.help,
    ...choices,
    ...(command.details ?? []),
    ...(own.length === 0 ? [] : ["", "options", ...own]),
    "",
    "options of every command",
    ...optionEntries(globalOptions),
  ];
  return `${lines.join("\n")}\n`;
}
