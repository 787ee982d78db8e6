// Domain names as lists of byte labels (RFC 1035 §3.1, RFC 4343, RFC 6762 §16).
//
// A label is a string with one character per byte (latin1), so that any byte
// survives and comparing is cheap. Case is kept; `key` is what comparisons use.

import { FormatError } from "./errors.js";

/** 1 to 63 characters, each U+0000 to U+00FF, one per byte. */
export type Label = string;

export interface Name {
  readonly labels: readonly Label[];
  /** ASCII-folded wire form: two names are equal exactly when their keys are. */
  readonly key: string;
}

/** Longest label (RFC 1035 §2.3.4). */
export const labelBytesMax = 63;

/** Longest name on the wire in mDNS: 255 bytes and the root byte (RFC 6762 appendix C). */
export const mdnsNameBytesMax = 256;

/** Longest name on the wire in unicast DNS, root byte included (RFC 1035 §2.3.4). */
export const nameBytesMax = 255;

export const rootName: Name = { labels: [], key: "" };

const notAscii = /[^\x00-\x7f]/;
const upperCases = /[A-Z]+/g;

/** Folds A–Z to a–z and nothing else (RFC 4343 §3). */
export function foldLabel(label: Label): string {
  const lower = label.toLowerCase();
  if (lower === label) return label;
  // toLowerCase folds U+00C0 to U+00E0 as well; it is right for ASCII only, but ten times as fast.
  return notAscii.test(label) ? label.replace(upperCases, (run) => run.toLowerCase()) : lower;
}

function keyOf(labels: readonly Label[]): string {
  let key = "";
  for (const label of labels) key += String.fromCharCode(label.length) + label;
  // Length bytes are below 64 and letters above, so that folding the whole is safe.
  return foldLabel(key);
}

/** The name of labels already known to be sound: what a decoder has just measured. */
export function soundName(labels: readonly Label[]): Name {
  return { labels, key: keyOf(labels) };
}

/**
 * The name of these labels, leftmost first.
 *
 * @throws FormatError for an empty or overlong label, or more than 256 bytes on the wire
 */
export function nameOf(labels: readonly Label[]): Name {
  let length = 1;
  for (const label of labels) {
    if (label.length === 0) throw new FormatError("empty label", "name");
    if (label.length > labelBytesMax) {
      throw new FormatError(`label of ${label.length} bytes, 63 are the most`, "name");
    }
    length += label.length + 1;
  }
  if (length > mdnsNameBytesMax) {
    throw new FormatError(`name of ${length} bytes, 255 are the most`, "name");
  }
  return soundName(labels);
}

/** UTF-8 text as the bytes of one label; no escapes. */
export function labelText(text: string): Label {
  return Buffer.from(text, "utf8").toString("latin1");
}

function takeEscape(text: string, at: number): { readonly byte: string; readonly end: number } {
  const digits = /^\d{3}/.exec(text.slice(at + 1, at + 4))?.[0];
  if (digits !== undefined) {
    if (Number(digits) > 255) throw new FormatError(`\\${digits} is no byte`, "name");
    return { byte: String.fromCharCode(Number(digits)), end: at + 4 };
  }
  const point = text.codePointAt(at + 1);
  if (point === undefined) throw new FormatError("ends with a backslash", "name");
  const character = String.fromCodePoint(point);
  return { byte: labelText(character), end: at + 1 + character.length };
}

/**
 * Reads presentation form: UTF-8 with `\DDD` and `\X` escapes (RFC 1035 §5.1).
 * The final dot may be left out; every name is absolute.
 *
 * @throws FormatError
 */
export function parseName(text: string): Name {
  if (text === ".") return rootName;
  const labels: Label[] = [];
  let label = "";
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string;
    if (character === "\\") {
      const taken = takeEscape(text, at);
      label += taken.byte;
      at = taken.end;
    } else if (character === ".") {
      labels.push(label);
      label = "";
      at += 1;
    } else if (character < "\x80") {
      label += character;
      at += 1;
    } else {
      const point = String.fromCodePoint(text.codePointAt(at) as number);
      label += labelText(point);
      at += point.length;
    }
  }
  if (label !== "" || text === "") labels.push(label);
  return nameOf(labels);
}

/** Characters that zone files and dig protect with a backslash. */
const special = new Set([...'."();@$\\'].map((character) => character.charCodeAt(0)));

/** One label as dig writes it: `Dr\.\032Smith`. */
export function formatLabel(label: Label): string {
  let text = "";
  for (let at = 0; at < label.length; at++) {
    const byte = label.charCodeAt(at);
    if (byte <= 0x20 || byte >= 0x7f) text += `\\${String(byte).padStart(3, "0")}`;
    else text += special.has(byte) ? `\\${label[at]}` : label[at];
  }
  return text;
}

/** The name as dig and zone files write it, with the final dot. */
export function formatName(name: Name): string {
  return name.labels.length === 0 ? "." : `${name.labels.map(formatLabel).join(".")}.`;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Controls, line separators, and what turns the direction of the text around it. */
export const misleading = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** One label for people; escapes only what would mislead. */
export function displayLabel(label: Label): string {
  let text: string;
  try {
    text = strictUtf8.decode(Buffer.from(label, "latin1"));
  } catch {
    return formatLabel(label);
  }
  return text
    .replace(/[\\.]/g, "\\$&")
    .replace(misleading, (control) =>
      [...Buffer.from(control, "utf8")]
        .map((byte) => `\\${String(byte).padStart(3, "0")}`)
        .join(""),
    );
}

/** The name for people and logs: plain UTF-8, no final dot. What it gives, `parseName` reads. */
export function displayName(name: Name): string {
  return name.labels.length === 0 ? "." : name.labels.map(displayLabel).join(".");
}

export function equalNames(a: Name, b: Name): boolean {
  return a.key === b.key;
}

/** Whether `name` is `apex` or lies below it, label by label (RFC 8766 §5.1). */
export function isWithin(name: Name, apex: Name): boolean {
  const extra = name.labels.length - apex.labels.length;
  if (extra < 0 || !name.key.endsWith(apex.key)) return false;
  let length = 0;
  for (let at = extra; at < name.labels.length; at++) {
    length += (name.labels[at] as Label).length + 1;
  }
  // The same bytes could begin inside a label; only equal lengths make it a border.
  return length === apex.key.length;
}

/** The labels in front of `apex`: [] when equal, undefined when `name` is not within. */
export function labelsBelow(name: Name, apex: Name): readonly Label[] | undefined {
  if (!isWithin(name, apex)) return undefined;
  return name.labels.slice(0, name.labels.length - apex.labels.length);
}

/** `labels` put in front of `apex`. @throws FormatError when too long */
export function under(labels: readonly Label[], apex: Name): Name {
  return nameOf([...labels, ...apex.labels]);
}

/** The name without its first label; the root's parent is the root. */
export function parentName(name: Name): Name {
  return name.labels.length === 0 ? rootName : soundName(name.labels.slice(1));
}

/** Bytes on the wire, uncompressed, root byte included. */
export function wireLength(name: Name): number {
  return name.key.length + 1;
}
