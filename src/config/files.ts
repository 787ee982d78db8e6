// Configuration files, in both threads: where one is, how large it may be, and
// what the system's errors mean in words.

/** Read when it exists and no other file is named. */
export const defaultFile = "/etc/discd.lua";

/** Bytes of one file: far above any configuration, far below what would slow the start. */
export const fileSizeMax = 4 * 1024 * 1024;

/** Why a file could not be read, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === "ENOENT") return "no such file";
  if (code === "EACCES") return "not readable by the user that runs discd";
  if (code === "EISDIR") return "it is a folder";
  return message ?? String(error);
}
