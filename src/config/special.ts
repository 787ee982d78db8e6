// Values of discd.lua that take a form of their own: a subdomain that may be
// a function, prefixes of reverse zones, TXT keys.

import { formatPrefix, type Prefix, parsePrefix } from "../address.js";
import type { Name } from "../wire/name.js";
import type { Result } from "./lua-value.js";
import { inside } from "./report.js";
import { type Check, refuse } from "./shapes.js";
import { name } from "./words.js";

/** Longest prefixes with a reverse zone of their own (DP-17). */
const lengthMax = { ipv4: 24, ipv6: 64 } as const;

/** What a function gave for one interface: undefined where it gave nil. */
export interface NamedByFunction {
  readonly interface: string;
  readonly subdomain: Name | false | undefined;
}

/** `subdomain` as written: no zone, one name, or one for each interface. */
export type WrittenSubdomain = false | Name | { readonly byInterface: readonly NamedByFunction[] };

export const subdomain: Check<WrittenSubdomain> = (value, where) => {
  if (value.kind === "boolean" && !value.value) return false;
  if (value.kind !== "function") {
    if (value.kind === "string") return name(value, where);
    return refuse(value, where, "a name, false, or a function (interface) that returns a name");
  }
  const byInterface: NamedByFunction[] = [];
  for (const result of value.results) {
    const found = checkResult(result, where);
    if (found !== undefined) byInterface.push(found);
  }
  return { byInterface };
};

const checkResult = (
  result: Result,
  where: Parameters<typeof name>[1],
): NamedByFunction | undefined => {
  const prefixed = { ...where, path: `${where.path}, for ${result.interface}` };
  if (result.failure !== undefined) {
    const { spot, text } = result.failure;
    const at = { ...prefixed, spot };
    // An interface that comes up has a link-local address before any other.
    if (result.hasNoPrefix !== true) where.report.problem(at, text);
    else where.report.warning(at, `${text}; nothing is served there until it has a prefix`);
    return undefined;
  }
  const { value } = result;
  if (value === undefined) return { interface: result.interface, subdomain: undefined };
  if (value.kind === "boolean" && !value.value) {
    return { interface: result.interface, subdomain: false };
  }
  if (value.kind !== "string") {
    return refuse(value, prefixed, "a name, or nil: that is what the function has to return");
  }
  const given = name(value, prefixed);
  return given === undefined ? undefined : { interface: result.interface, subdomain: given };
};

/** A prefix with a reverse zone: no longer than /24 or /64. */
export const prefix: Check<Prefix> = (value, where) => {
  const found = value.kind === "string" ? parsePrefix(value.text) : undefined;
  if (found === undefined) return refuse(value, where, "a prefix such as '10.1.0.0/24', or true");
  const most = lengthMax[found.address.family];
  if (found.length <= most) return found;
  where.report.problem(
    where,
    `${formatPrefix(found)} is longer than /${most}; a reverse zone is no smaller than that`,
  );
  return undefined;
};

/** TXT keys and their values; true is a key without a value (RFC 6763 §6.4). */
export const txtValues: Check<Readonly<Record<string, string | true>>> = (value, where) => {
  if (value.kind !== "table") return refuse(value, where, "a table { key = 'value' }");
  const found: [string, string | true][] = [];
  for (const entry of value.entries) {
    const at = inside(where, entry.key, entry.spot);
    const given = entry.value;
    if (typeof entry.key !== "string" || entry.key === "") {
      at.report.problem(at, "a TXT key is a word: { key = 'value' }");
    } else if (given.kind === "string" && given.isUtf8) {
      found.push([entry.key, given.text]);
    } else if (given.kind === "boolean" && given.value) {
      found.push([entry.key, true]);
    } else {
      refuse(given, at, "text, or true for a key without a value");
    }
  }
  return Object.fromEntries(found);
};
