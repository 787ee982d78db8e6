// Address lists as they are written in discd.lua, and what they mean on this
// host: `connected` stands for the prefixes of its interfaces, which may change
// while the file stays as it is.

import { type AddressList, type AddressRule, type Prefix, parsePrefix } from "../address.js";
import { type Check, oneOrMore, refuse } from "./shapes.js";

/** One item of a written list. */
export interface AddressTerm {
  readonly text: string;
  readonly refuse: boolean;
  readonly prefixes: readonly Prefix[] | "connected";
}

const prefixes = (...texts: readonly string[]): readonly Prefix[] =>
  texts.map((text) => parsePrefix(text) as Prefix);

const everything = prefixes("0.0.0.0/0", "::/0");

const words: Readonly<Record<string, readonly Prefix[] | "connected">> = {
  any: everything,
  // Loopback, RFC 1918, shared space of carriers, unique local, link-local.
  private: prefixes(
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
  ),
  connected: "connected",
};

const term: Check<AddressTerm> = (value, where) => {
  const wanted = "an address, a prefix, 'any', 'none', 'private' or 'connected', perhaps with '!'";
  if (value.kind !== "string") return refuse(value, where, wanted);
  const isRefusal = value.text.startsWith("!");
  const rest = (isRefusal ? value.text.slice(1) : value.text).trim();
  if (rest === "none" && !isRefusal) {
    return { text: value.text, refuse: true, prefixes: everything };
  }
  const word = Object.hasOwn(words, rest) ? words[rest] : undefined;
  const prefix = word === undefined ? parsePrefix(rest) : undefined;
  const meant = word ?? (prefix === undefined ? undefined : [prefix]);
  if (meant === undefined) return refuse(value, where, wanted);
  return { text: value.text, refuse: isRefusal, prefixes: meant };
};

/** `{ '!10.9.0.0/16', 'private' }`, or one of them alone. */
export const addressTerms: Check<readonly AddressTerm[]> = oneOrMore(term);

/** Who may ask when a file does not say it. */
export const defaultAllow: readonly AddressTerm[] = ["private", "connected"].map((text) => ({
  text,
  refuse: false,
  prefixes: words[text] as readonly Prefix[] | "connected",
}));

/** What a written list means on a host with these prefixes on its interfaces. */
export function expandTerms(
  terms: readonly AddressTerm[],
  connected: readonly Prefix[],
): AddressList {
  const rules: AddressRule[] = [];
  for (const { refuse: isRefusal, prefixes: meant } of terms) {
    for (const prefix of meant === "connected" ? connected : meant) {
      rules.push({ refuse: isRefusal, prefix });
    }
  }
  return rules;
}
