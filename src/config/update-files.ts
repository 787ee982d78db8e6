// What stands in the files that `update` names: keys, and the authorities that vouch
// for a server. They are read before anything is judged (named-files.ts).

import { X509Certificate } from "node:crypto";
import type { TsigKey } from "../wire/tsig.js";
import { chooseKey, readKeyFile } from "./key-file.js";
import type { NamedFiles } from "./named-files.js";
import { beside } from "./paths.js";
import type { Where } from "./report.js";
import type { Written } from "./schema.js";
import { shortness, type WrittenKey } from "./signing-key.js";

/** The configuration file, and what was read of the files that it names. */
export interface FileSource {
  readonly file: string | undefined;
  readonly named: NamedFiles;
}

/** Every file that `update` names, at the top level and in entries: absolute paths. */
export function filesNamedIn(written: Written, file: string | undefined): readonly string[] {
  const tables = [written, ...written.interfaces].flatMap(({ update }) => update ?? []);
  return tables.flatMap(({ key, keys, tls }) => {
    const all = [...(key === undefined ? [] : [key]), ...(keys ?? []).map((one) => one.key)];
    const paths = all.flatMap((one) => (one.kind === "file" ? [one.file] : []));
    return [...paths, ...(tls?.ca === undefined ? [] : [tls.ca])].map((one) => beside(file, one));
  });
}

/** The key itself; undefined after a problem was reported. */
export function keyIn(written: WrittenKey, { file, named }: FileSource): TsigKey | undefined {
  if (written.kind === "own") return written.key;
  const { where, name } = written;
  const path = beside(file, written.file);
  const problem = (text: string) => {
    where.report.problem(where, `${path}${text}`);
    return undefined;
  };
  const read = named.get(path);
  if (read === undefined || "reason" in read) return problem(`: ${read?.reason ?? "not read"}`);
  if (read.isOpen) {
    const remedy = `take that right away with: chmod o-r ${path}`;
    return problem(` holds a secret and may be read by every user of this host; ${remedy}`);
  }
  const keys = readKeyFile(read.text);
  if ("line" in keys) return problem(`:${keys.line}: ${keys.text}`);
  const chosen = chooseKey(keys, name);
  if ("fault" in chosen) return problem(`: ${chosen.fault}`);
  const short = shortness(chosen);
  if (short !== undefined) where.report.warning(where, `${path}: ${short}`);
  return chosen;
}

/** Certificates in PEM; undefined after a problem was reported. */
export function authoritiesIn(
  ca: string,
  where: Where,
  { file, named }: FileSource,
): string | undefined {
  const path = beside(file, ca);
  const read = named.get(path) ?? { reason: "not read" };
  const fault = "reason" in read ? read.reason : certificatesFault(read);
  if (fault === undefined && "text" in read) return read.text;
  where.report.problem(where, `${path}: ${fault}`);
  return undefined;
}

/** What was found out about a file: a hundred links may name the same. */
const faults = new WeakMap<object, string | undefined>();

function certificatesFault(read: { readonly text: string }): string | undefined {
  if (!faults.has(read)) faults.set(read, findFault(read.text));
  return faults.get(read);
}

function findFault(text: string): string | undefined {
  const pattern = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
  const found = text.match(pattern);
  if (found === null) return "it holds no certificate in PEM form";
  const broken = found.findIndex((pem) => !isCertificate(pem));
  return broken < 0 ? undefined : `certificate ${broken + 1} of ${found.length} cannot be read`;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
