// Files that discd.lua names and that are read with it: keys, and authorities of
// TLS. Like the texts of discd.lua itself they count as they were when the operator
// asked for the load; a change of interfaces reads none of them again.

import { constants, type FileHandle, open } from "node:fs/promises";
import { reasonOf } from "./files.js";

/** A file's text, or why there is none. */
export type NamedFile =
  | {
      readonly text: string;
      /** Every user of the host may read it. */
      readonly isOpen: boolean;
    }
  | { readonly reason: string };

/** By absolute path. */
export type NamedFiles = ReadonlyMap<string, NamedFile>;

export const noFiles: NamedFiles = new Map();

/** Four times what a distribution's whole bundle of authorities has. */
const bytesMax = 1024 * 1024;

/** The right of others to read, in the mode of a file. */
export const othersRead = 0o004;

/** Reads those that are not `known` yet, one after the other. */
export async function readNamed(
  paths: Iterable<string>,
  known: NamedFiles = noFiles,
): Promise<NamedFiles> {
  const found = new Map<string, NamedFile>();
  for (const path of paths) {
    if (!found.has(path)) found.set(path, known.get(path) ?? (await readOne(path)));
  }
  return found;
}

async function readOne(path: string): Promise<NamedFile> {
  let file: FileHandle | undefined;
  try {
    // A pipe would be waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (facts.isDirectory()) return { reason: "it is a folder" };
    if (!facts.isFile()) return { reason: "it is not a regular file" };
    if (facts.size > bytesMax) return { reason: `it is larger than ${bytesMax} bytes` };
    const text = await file.readFile("utf8");
    return { text, isOpen: (facts.mode & othersRead) !== 0 };
  } catch (error) {
    return { reason: reasonOf(error) };
  } finally {
    await file?.close();
  }
}
