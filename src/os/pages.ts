// Reads the pages of discweb at the start, so that no request ever leads to a file.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { type Page, pageTypes } from "../api/pages.js";

/** Bytes of all pages together: they stay in memory. */
const pagesBytesMax = 8 * 1024 * 1024;

/**
 * The files of a folder (not of folders in it) by path; `index.html` is `/`.
 *
 * @returns none where there is no such folder: discd runs without its pages, too
 * @throws Error when they are larger than anything that we would build
 */
export function readPages(folder: string): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>();
  let size = 0;
  for (const name of namesIn(folder)) {
    const type = pageTypes[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(join(folder, name));
    size += body.length;
    if (size > pagesBytesMax) throw new Error(`${folder} holds more than ${pagesBytesMax} bytes`);
    const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 16)}"`;
    pages.set(name === "index.html" ? "/" : `/${name}`, { type, body, tag });
  }
  return pages;
}

function namesIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch {
    return [];
  }
}
