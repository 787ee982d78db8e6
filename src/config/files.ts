// Configuration files, in both threads: where one is, how large it may be, and
// what the system's errors mean in words.

import { lstatSync, readlinkSync } from "node:fs";

/** Read when it exists and no other file is named. */
export const defaultFile = "/etc/discd.lua";

/** Bytes of one file: far above any configuration, far below what would slow the start. */
export const fileSizeMax = 4 * 1024 * 1024;

/**
 * Whether anything has this name, were it a symbolic link that leads nowhere: whoever made it
 * means it, and does not want to be served without it.
 */
export function isNamed(file: string): boolean {
  try {
    lstatSync(file);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "ENOENT";
  }
}

/** Why a file could not be read, in words. */
export function reasonOf(error: unknown): string {
  const { code, message, path = "" } = error as { code?: string; message?: string; path?: string };
  if (code === "ENOENT") {
    const target = targetOf(path);
    return target === undefined
      ? "no such file"
      : `a symbolic link to ${target}, which is not there`;
  }
  if (code === "EACCES") return "not readable by the user that runs discd";
  if (code === "EISDIR") return "it is a folder";
  return message ?? String(error);
}

/** Where a symbolic link leads; undefined for all else. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
