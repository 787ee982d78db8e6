// Programs the tests start: each is remembered, its output kept by lines, and
// ended by its own process id, at the latest when the test program itself ends.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Waits until `check` gives something other than undefined or false. */
export async function until<T>(
  what: string,
  check: () => T | undefined | false | Promise<T | undefined | false>,
  limit = 10_000,
  pause = 50,
): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await sleep(pause);
  }
}

export class Child {
  readonly stdoutLines: string[] = [];
  readonly stderrLines: string[] = [];
  readonly pid: number;
  /** Set once it has ended: exit status, or the negative of nothing when killed by a signal. */
  exit: { code: number | null; signal: NodeJS.Signals | null } | undefined;
  /** Fulfilled when it has ended. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #words: string;

  constructor(
    argv: readonly string[],
    options: { env?: NodeJS.ProcessEnv; binary?: boolean } = {},
  ) {
    this.#words = argv.join(" ");
    this.#child = spawn(argv[0]!, argv.slice(1), {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    this.pid = this.#child.pid ?? 0;
    running.add(this.#child);
    this.#child.on("error", (error) => this.stderrLines.push(String(error)));
    this.ended = new Promise((resolve) => {
      this.#child.on("close", () => resolve());
    });
    this.#child.on("exit", (code, signal) => {
      this.exit = { code, signal };
      running.delete(this.#child);
    });
    if (options.binary !== true) collect(this.#child.stdout!, this.stdoutLines);
    collect(this.#child.stderr!, this.stderrLines);
    this.#child.stdin!.on("error", () => {});
  }

  get stdout() {
    return this.#child.stdout!;
  }

  write(text: string): void {
    this.#child.stdin!.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for a line of either output. */
  async says(pattern: RegExp, limit = 15_000): Promise<string> {
    return until(
      `${pattern} from ${this.#words}`,
      () => {
        const line = [...this.stdoutLines, ...this.stderrLines].find((text) => pattern.test(text));
        if (line !== undefined) return line;
        if (this.exit !== undefined) {
          throw new Error(`${this.#words} ended:\n${this.stderrLines.slice(-20).join("\n")}`);
        }
        return undefined;
      },
      limit,
    );
  }

  /** Ends it: SIGTERM (or the signal given), after five seconds SIGKILL. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.exit !== undefined) return;
    this.#child.kill(signal);
    await Promise.race([this.ended, sleep(5000)]);
    if (this.exit === undefined) this.#child.kill("SIGKILL");
    await this.ended;
  }
}

function collect(stream: NodeJS.ReadableStream, lines: string[]): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  stream.on("end", () => {
    if (rest !== "") lines.push(rest);
  });
}

/** Runs a program to its end; its output, or an Error with what it wrote. */
export function run(argv: readonly string[], input?: string): string {
  const done = spawnSync(argv[0]!, argv.slice(1), { encoding: "utf8", input });
  if (done.status !== 0) {
    throw new Error(`${argv.join(" ")}: status ${done.status}\n${done.stderr}${done.stdout}`);
  }
  return done.stdout;
}
