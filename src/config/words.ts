// The small values of discd.lua: flags, choices, numbers, times, sizes, names,
// DNS-SD types. Times are seconds or text with a unit; numbers come from a Lua
// with 32-bit integers, so that every one is checked for its range.

import { type Address, formatAddress, parseAddress } from "../address.js";
import { type Duration, ms } from "../time.js";
import { FormatError } from "../wire/errors.js";
import { type Name, nameBytesMax, nameOf, parseName, wireLength } from "../wire/name.js";
import type { Value } from "./lua-value.js";
import type { Where } from "./report.js";
import { type Check, refuse } from "./shapes.js";

const timeUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const sizeUnits: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** IFNAMSIZ of <linux/if.h>, without the byte that ends it. */
const interfaceNameMax = 15;

export const flag: Check<boolean> = (value, where) =>
  value.kind === "boolean" ? value.value : refuse(value, where, "true or false");

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): Check<T> {
  const wanted = words.map((word) => `'${word}'`).join(" or ");
  return (value, where) => {
    const found = value.kind === "string" ? words.find((word) => word === value.text) : undefined;
    return found ?? refuse(value, where, wanted);
  };
}

/** A whole number within bounds, both included. */
export function integer(least: number, most: number): Check<number> {
  return (value, where) => {
    const isWhole = value.kind === "number" && Number.isInteger(value.value);
    return isWhole && value.value >= least && value.value <= most
      ? value.value
      : refuse(value, where, `a whole number from ${least} to ${most}`);
  };
}

/** A time within bounds given in milliseconds. @param other  what else is taken, for messages */
export function time(least: number, most: number, other = ""): Check<Duration> {
  const range = `${timeText(least)} to ${timeText(most)}`;
  const wanted = `a time from ${range}: seconds or '500ms', '10m', '7d'${other}`;
  return (value, where) => {
    const span = millisecondsOf(value);
    return span !== undefined && span >= least && span <= most
      ? ms(span)
      : refuse(value, where, wanted);
  };
}

/** A time, or the word 'infinite'. */
export function timeOrInfinite(least: number, most: number): Check<Duration> {
  const finite = time(least, most, "; or 'infinite'");
  return (value, where) =>
    value.kind === "string" && value.text === "infinite"
      ? ms(Number.POSITIVE_INFINITY)
      : finite(value, where);
}

/** A time in whole seconds, as TTLs are. */
export function wholeSeconds(least: number, most: number): Check<number> {
  return (value, where) => {
    const span = millisecondsOf(value);
    const isWhole = span !== undefined && span % 1000 === 0;
    return isWhole && span >= least * 1000 && span <= most * 1000
      ? span / 1000
      : refuse(value, where, `whole seconds from ${least} to ${most}, or a text such as '5m'`);
  };
}

/** Milliseconds of a number of seconds or a text with a unit. */
export function millisecondsOf(value: Value): number | undefined {
  if (value.kind === "number") {
    return Number.isFinite(value.value) ? Math.round(value.value * 1000) : undefined;
  }
  const found =
    value.kind === "string" ? /^(\d{1,12}(?:\.\d{1,6})?)([a-z]*)$/.exec(value.text) : null;
  const unit = timeUnits[found?.[2] === "" ? "s" : (found?.[2] ?? "none")];
  return unit === undefined ? undefined : Math.round(Number(found?.[1]) * unit);
}

/** Bytes, within bounds. */
export function size(least: number, most: number): Check<number> {
  const wanted = `a size from ${least} to ${most} bytes: a number or '64k', '4M'`;
  return (value, where) => {
    const bytes = bytesOf(value);
    return bytes !== undefined && bytes >= least && bytes <= most
      ? bytes
      : refuse(value, where, wanted);
  };
}

/** Bytes of a whole number or a text with a unit. */
export function bytesOf(value: Value): number | undefined {
  if (value.kind === "number") return Number.isInteger(value.value) ? value.value : undefined;
  const found = value.kind === "string" ? /^(\d{1,12})([kmg]?)$/i.exec(value.text) : null;
  const unit = sizeUnits[found?.[2]?.toLowerCase() ?? "none"];
  return unit === undefined ? undefined : Number(found?.[1]) * unit;
}

/** Text of bounded length, not empty. */
export function text(most: number): Check<string> {
  return (value, where) => {
    const isText = value.kind === "string" && value.isUtf8;
    return isText && value.text.length > 0 && value.text.length <= most
      ? value.text
      : refuse(value, where, `text of 1 to ${most} characters`);
  };
}

/** A domain name: plain UTF-8, with RFC 1035 escapes only where a label holds a dot. */
export const name: Check<Name> = (value, where) => {
  if (value.kind !== "string") return refuse(value, where, "a name such as 'floor1.example.com'");
  if (!value.isUtf8) {
    return refuse(value, where, "a name in UTF-8 (other bytes are written '\\\\228')");
  }
  return nameFrom(value.text, where);
};

/** Reads a name's text; reports what is wrong with it. */
export function nameFrom(written: string, where: Where): Name | undefined {
  try {
    const read = parseName(written);
    if (read.labels.length === 0) {
      where.report.problem(where, "must be a name below the root");
      return undefined;
    }
    if (wireLength(read) <= nameBytesMax) return read;
    where.report.problem(where, `'${written}' is longer than ${nameBytesMax} bytes`);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    where.report.problem(where, `'${written}' is not a name: ${reasonOf(error)}`);
  }
  return undefined;
}

/** What is wrong, without the word that says what was being read. */
const reasonOf = (error: FormatError): string =>
  error.message.replace(new RegExp(`^${error.where}: `), "");

/** A mail address as the name in an SOA record (RFC 1035 §8): its local part is one label. */
export const mailbox: Check<Name> = (value, where) => {
  const at = value.kind === "string" ? value.text.lastIndexOf("@") : -1;
  if (value.kind !== "string" || !value.isUtf8 || at < 1 || at === value.text.length - 1) {
    return refuse(value, where, "a mail address such as 'hostmaster@example.com'");
  }
  const domain = nameFrom(value.text.slice(at + 1), where);
  if (domain === undefined) return undefined;
  const local = value.text.slice(0, at).replace(/[\\.]/g, "\\$&");
  const labels = nameFrom(local, where)?.labels;
  if (labels === undefined) return undefined;
  try {
    return nameOf([...labels, ...domain.labels]);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refuse(value, where, "a shorter mail address");
  }
};

/** An address of this host to answer on. */
export const listenAddress: Check<Address> = (value, where) => {
  const address = value.kind === "string" ? parseAddress(value.text) : undefined;
  if (address === undefined) return refuse(value, where, "an address such as '192.0.2.53'");
  const shown = formatAddress(address);
  const [first = 0, second = 0] = address.bytes;
  const isLong = address.family === "ipv6";
  if (address.bytes.every((byte) => byte === 0)) {
    const text = `${shown} means every address, which is the default: leave listen out`;
    where.report.problem(where, text);
  } else if (first >= (isLong ? 0xff : 224)) {
    where.report.problem(where, `${shown} is not one host's address`);
  } else if (isLong && first === 0xfe && second >> 6 === 2 && address.zone === undefined) {
    const text = `${shown} is on every link; name the interface: '${shown}%eth0'`;
    where.report.problem(where, text);
  } else return address;
  return undefined;
};

/** The name of an interface, or a pattern with * and ? for several. */
export const interfaceName: Check<string> = (value, where) => {
  const given = text(64)(value, where);
  if (given === undefined) return undefined;
  const isTooLong = !/[*?]/.test(given) && Buffer.byteLength(given) > interfaceNameMax;
  if (!isTooLong && !/[\s/:]|^\.\.?$/.test(given)) return given;
  const rule = `those have at most ${interfaceNameMax} bytes, without spaces, ':' and '/'`;
  where.report.problem(where, `is no name of an interface: ${rule}`);
  return undefined;
};

/** A DNS-SD type, as in `_ipp._tcp`. */
export const serviceType: Check<string> = (value, where) =>
  value.kind === "string" && /^_[^._*?\s][^.*?\s]{0,61}\._(tcp|udp)$/i.test(value.text)
    ? value.text
    : refuse(value, where, "a type such as '_ipp._tcp'");

/** DNS-SD types with the wildcards * and ?. */
export const typePattern: Check<string> = (value, where) =>
  value.kind === "string" && /^(\*|[_*?][^.\s]{0,62}\.([_*?][^.\s]*))$/.test(value.text)
    ? value.text
    : refuse(value, where, "a type such as '_ipp._tcp'; * and ? are wildcards");

function timeText(milliseconds: number): string {
  if (milliseconds === 0) return "0";
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds < 600_000) return `${milliseconds / 1000} s`;
  return milliseconds < 172_800_000
    ? `${milliseconds / 3_600_000} h`
    : `${milliseconds / 86_400_000} days`;
}
