// Keys that sign updates (RFC 8945), as discd.lua has them: name, algorithm and
// secret, or a file that holds them. Nothing of what stands in their places is ever
// shown, since a secret is easily written into the wrong one.

import { FormatError } from "../wire/errors.js";
import { type Name, parseName } from "../wire/name.js";
import { hashBytes, type TsigAlgorithm, type TsigKey, tsigAlgorithms } from "../wire/tsig.js";
import { filePath } from "./paths.js";
import { inside, type Where } from "./report.js";
import { type Check, optional, table } from "./shapes.js";

/** A key that stands in discd.lua itself. */
export interface OwnKey {
  readonly kind: "own";
  readonly key: TsigKey;
  /** The secret as written, by which the file that holds it is found. */
  readonly secretText: string;
}

/** A key that stands in a file of its own. */
export interface KeyInFile {
  readonly kind: "file";
  /** As written. */
  readonly file: string;
  /** Which of the file's keys is meant; absent: its only one. */
  readonly name?: Name;
}

export type WrittenKey = (OwnKey | KeyInFile) & {
  /** For what is found out about it later. */
  readonly where: Where;
};

/** Where no other is written (RFC 8945 §6). */
const usualAlgorithm: TsigAlgorithm = "hmac-sha256";

/** Longest secret: BIND's, more than any hash takes in. */
const secretBytesMax = 512;

const remedy = "make a key with: tsig-keygen -a hmac-sha256 NAME";

/** What is wrong with an algorithm's name; undefined: nothing. */
export function algorithmFault(text: string): string | undefined {
  const folded = text.toLowerCase().replace(/\.$/, "");
  if (tsigAlgorithms.some((one) => one === folded)) return undefined;
  if (/md5/.test(folded)) return `HMAC-MD5 is not secure enough to be offered; ${remedy}`;
  const words = tsigAlgorithms.join(", ");
  return `is none of ${words}`;
}

/** @param text  one that `algorithmFault` finds nothing wrong with */
export const algorithmOf = (text: string) => text.toLowerCase().replace(/\.$/, "") as TsigAlgorithm;

/** The bytes of a secret in base64; undefined when it is no base64. */
export function secretOf(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  const isWhole = bytes.length > 0 && bytes.length <= secretBytesMax;
  return isWhole && bytes.toString("base64") === text ? Uint8Array.from(bytes) : undefined;
}

/** The name of a key; undefined when the text is no name. */
export function keyNameOf(text: string): Name | undefined {
  try {
    const name = parseName(text);
    return name.labels.length === 0 ? undefined : name;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

/** What a server's operator should know of a secret; undefined: it is long enough. */
export function shortness({ algorithm, secret }: TsigKey): string | undefined {
  const bytes = hashBytes[algorithm];
  if (secret.length >= bytes) return undefined;
  const found = `the secret has ${secret.length} bytes, fewer than the ${bytes} of ${algorithm}`;
  return `${found} (RFC 8945 §8); ${remedy}`;
}

/** Text that is read by a function; what it cannot read is not shown. */
function hidden<T>(read: (text: string) => T | undefined, wanted: string): Check<T> {
  return (value, where) => {
    const found = value.kind === "string" && value.isUtf8 ? read(value.text) : undefined;
    if (found === undefined) where.report.problem(where, `must be ${wanted}`);
    return found;
  };
}

const algorithm: Check<TsigAlgorithm> = (value, where) => {
  const fault = value.kind === "string" ? algorithmFault(value.text) : "is no text";
  if (value.kind === "string" && fault === undefined) return algorithmOf(value.text);
  where.report.problem(where, fault ?? "");
  return undefined;
};

const secret: Check<{ readonly text: string; readonly bytes: Uint8Array }> = hidden((text) => {
  const bytes = secretOf(text);
  return bytes === undefined ? undefined : { text, bytes };
}, `a secret of 1 to ${secretBytesMax} bytes in base64, as tsig-keygen writes it`);

const parts = table({
  name: optional(hidden(keyNameOf, "the key's name, the same as on the server"), "its name"),
  algorithm: optional(algorithm, "its algorithm"),
  secret: optional(secret, "its secret, in base64"),
  file: optional(filePath, "the file that holds it"),
});

export const signingKey: Check<WrittenKey> = (value, where) => {
  const problem = (at: Where, text: string) => {
    at.report.problem(at, text);
    return undefined;
  };
  if (value.kind !== "table") {
    const own = "{ name = 'NAME', algorithm = 'hmac-sha256', secret = 'BASE64' }";
    return problem(where, `must be a table ${own} or { file = 'FILE' }`);
  }
  const errors = where.report.errors;
  const given = parts(value, where);
  if (given === undefined || where.report.errors > errors) return undefined;
  const { name, file } = given;
  const at = (key: string) =>
    inside(where, key, value.entries.find((entry) => entry.key === key)?.spot ?? value.spot);
  if (file !== undefined) {
    const extra = (["algorithm", "secret"] as const).find((key) => given[key] !== undefined);
    if (extra !== undefined) return problem(at(extra), "stands in the file; leave it out here");
    const own = { kind: "file", file, where: at("file") } as const;
    return name === undefined ? own : { ...own, name };
  }
  if (name === undefined) return problem(at("name"), "is missing: the key's name on the server");
  if (given.secret === undefined) {
    return problem(at("secret"), `is missing, as is file: one of them has to be there; ${remedy}`);
  }
  const { text, bytes } = given.secret;
  const key = { name, algorithm: given.algorithm ?? usualAlgorithm, secret: bytes };
  const short = shortness(key);
  if (short !== undefined) where.report.warning(at("secret"), short);
  return { kind: "own", key, secretText: text, where };
};
