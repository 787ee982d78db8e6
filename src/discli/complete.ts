// What a shell may offer for the word that is being typed. The table says what may
// stand where; what a running discd would have to tell is asked by the caller.

import { RRType } from "../wire/codes.js";
import type { AnyCommand, Offer, Options } from "./command.js";
import type { Known } from "./filters.js";
import { listings } from "./listings.js";
import { packetFilters } from "./packet-filters.js";
import { commands } from "./table.js";
import { findCommand, globalOptions } from "./usage.js";

/** What may be offered: words, or what else the shell is to do. */
export type Offered =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "files" }
  /** To be asked of discd. */
  | { readonly kind: "ask"; readonly what: Asked; readonly prefix: string };

export type Asked = "zone" | "interface" | "type" | "instance";

const mnemonics = Object.keys(RRType);

const words = (list: readonly string[]): Offered => ({ kind: "words", words: list });

/** What was typed before the word in question, apart. */
interface Typed {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | true>>;
  /** An option that waits for its value. */
  readonly pending: string | undefined;
  /** After `--` nothing is an option. */
  readonly isPlain: boolean;
}

/** Every option there is, by any command. */
const allOptions: Options = Object.assign(
  {},
  ...commands.map(({ options }) => options),
  globalOptions,
);

function readTyped(before: readonly string[]): Typed {
  const positionals: string[] = [];
  const options: Record<string, string | true> = {};
  let pending: string | undefined;
  let isPlain = false;
  for (const word of before) {
    if (pending !== undefined) {
      options[pending] = word;
      pending = undefined;
    } else if (isPlain || !word.startsWith("-") || word === "-") {
      positionals.push(word);
    } else if (word === "--") {
      isPlain = true;
    } else {
      const [, name = "", value] = /^--?([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
      const known = longName(name);
      if (known === undefined) continue;
      if (value !== undefined) options[known] = value;
      else if (allOptions[known]?.kind === "flag") options[known] = true;
      else pending = known;
    }
  }
  return { positionals, options, pending, isPlain };
}

const longName = (name: string): string | undefined =>
  Object.hasOwn(allOptions, name)
    ? name
    : Object.entries(allOptions).find(([, { short }]) => short === name)?.[0];

/** The options among what was typed that say where and how discd is asked. */
export function apiWords(before: readonly string[]): Readonly<Record<string, string | true>> {
  return readTyped(before).options;
}

/**
 * What fits behind `before`, all words without discli itself, where `current` has been typed.
 * Words are whole, and only those that begin with `current`.
 */
export function offersFor(before: readonly string[], current: string): Offered {
  const typed = readTyped(before);
  const found = findCommand(typed.positionals);
  const options: Options = { ...globalOptions, ...found?.command.options };
  if (typed.pending !== undefined) return offered(optionOffer(options, typed.pending), current, []);
  if (!typed.isPlain && current.startsWith("-")) return optionOffers(options, current);
  if (found === undefined) return words(matching(commandWords(typed.positionals), current));
  const { command, words: given } = found;
  const place = command.words[Math.min(given.length, command.words.length - 1)];
  if (place === undefined) return words([]);
  if (given.length >= command.words.length && place.need !== "any") return words([]);
  return offered(place.offer, current, given);
}

function optionOffer(options: Options, name: string): Offer | undefined {
  const option = options[name] ?? allOptions[name];
  return option === undefined || option.kind === "flag" ? undefined : option.offer;
}

function optionOffers(options: Options, current: string): Offered {
  const [, name, value] = /^--([^=]+)=(.*)$/s.exec(current) ?? [];
  if (name === undefined || value === undefined) {
    return words(
      matching(
        Object.keys(options).map((one) => `--${one}`),
        current,
      ),
    );
  }
  const inner = offered(optionOffer(options, name), value, []);
  if (inner.kind === "words") return words(inner.words.map((one) => `--${name}=${one}`));
  return inner.kind === "ask" ? { ...inner, prefix: `--${name}=` } : inner;
}

/** First words of commands, or second ones behind the first. */
function commandWords(positionals: readonly string[]): string[] {
  const rows = commands.filter((row: AnyCommand) => row.isHidden !== true);
  const names = rows.map(({ name }) => name.split(" "));
  if (positionals.length === 0) return [...new Set(names.map(([first = ""]) => first))];
  if (positionals.length > 1) return [];
  return names.flatMap(([first, second]) =>
    first === positionals[0] && second !== undefined ? [second] : [],
  );
}

const matching = (list: readonly string[], current: string): string[] =>
  list.filter((one) => one.startsWith(current)).sort();

function offered(offer: Offer | undefined, current: string, given: readonly string[]): Offered {
  switch (offer) {
    case undefined:
      return words([]);
    case "file":
      return { kind: "files" };
    case "rrtype":
      return words(matching(mnemonics, current.toUpperCase()));
    case "filter":
      return filterOffers(given, current);
    case "zone":
    case "interface":
    case "type":
    case "instance":
      return { kind: "ask", what: offer, prefix: "" };
    default:
      return words(matching(offer, current));
  }
}

/** Values of these keys of `show` can be told. */
const askedKeys: Readonly<Record<string, Asked>> = {
  if: "interface",
  link: "interface",
  zone: "zone",
  domain: "zone",
};

/** `KEY=` of what is shown, or values where they are known. */
function filterOffers([what = ""]: readonly string[], current: string): Offered {
  const known: Readonly<Record<string, Known>> =
    what === "packets" ? packetFilters : (listings[what]?.filters ?? {});
  const [, key, value] = /^([a-z]+)=(.*)$/s.exec(current) ?? [];
  if (key !== undefined && value !== undefined) {
    const asked = key === "type" && what === "services" ? "type" : askedKeys[key];
    if (asked !== undefined) return { kind: "ask", what: asked, prefix: `${key}=` };
    const found =
      key === "type"
        ? matching(mnemonics, value.toUpperCase())
        : matching(known[key]?.words ?? [], value.toLowerCase());
    return words(found.map((one) => `${key}=${one}`));
  }
  const keys = Object.keys(known).map((one) => `${one}=`);
  return words(matching(keys, current));
}
