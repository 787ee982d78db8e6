// Programs of the system that know what the doctor cannot see itself: run without
// a shell, for a bounded time, their output bounded.

import { execFile } from "node:child_process";

/** `ip`, `resolvectl` and `nft` print less by far. */
const outputBytesMax = 1_048_576;

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs a program to its end.
 *
 * @param patience  milliseconds, then it is killed
 * @returns undefined where the program is not there
 */
export function runProgram(
  program: string,
  words: readonly string[],
  patience = 2000,
): Promise<Ran | undefined> {
  // What they print is read by this program: English, without colours or a pager.
  const path = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH: path, LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" };
  const options = { timeout: patience, maxBuffer: outputBytesMax, encoding: "utf8", env } as const;
  return new Promise((resolve) => {
    execFile(program, [...words], options, (error, out, err) => {
      if (error !== null && error.code === "ENOENT") resolve(undefined);
      else resolve({ status: error === null ? 0 : Number(error.code ?? 1) || 1, out, err });
    });
  });
}
