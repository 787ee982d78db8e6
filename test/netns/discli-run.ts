// discli in a node, with a resolv.conf of the test's own and nothing of the
// machine's: what it prints, and its exit status.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./children.js";
import { top } from "./daemon.js";

export const discli = join(top, "bin", "discli");

export interface Outcome {
  readonly status: number | null | undefined;
  /** All of standard output. */
  readonly out: string;
  readonly err: string;
}

export interface DiscliOptions {
  /** What /etc/resolv.conf says. */
  readonly resolv: string;
  /** Put in front of the command, to take rights away for instance. */
  readonly before?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Files of the test's own, in place of those of the machine. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Runs it to its end. @param enter  the command that enters the node */
export async function runDiscli(
  enter: readonly string[],
  words: readonly string[],
  { resolv, before = [], env = {}, files = {} }: DiscliOptions,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "discd-lab-discli-"));
  const binds = Object.entries({ "/etc/resolv.conf": resolv, ...files }).map(([path, text], at) => {
    const own = join(folder, String(at));
    writeFileSync(own, text);
    return `mount --bind ${own} ${path}`;
  });
  const script = [...binds, 'exec "$@"'].join(" && ");
  const argv = [...enter, "unshare", "-m", "sh", "-c", script, "sh", ...before, discli, ...words];
  const child = new Child(argv, { env });
  await child.ended;
  return {
    status: child.exit?.code,
    out: child.stdoutLines.join("\n"),
    err: child.stderrLines.join("\n"),
  };
}
