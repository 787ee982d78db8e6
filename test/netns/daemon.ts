// The built daemon, `bin/discd`, run in a namespace with a configuration file of
// the test's own, its log read line by line.

import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, until } from "./children.js";

export const top = fileURLToPath(new URL("../..", import.meta.url));
/** What is tested: another build, or another discovery proxy with these options, if it says so. */
export const program = process.env.DISCD_TEST_PROGRAM ?? join(top, "bin", "discd");

/** The same with a /run/discd of its own; see there. */
export const discd = join(top, "test", "netns", "discd.sh");

/** The configuration every case begins with; see `configure`. */
const always = `
hostname = 'px.example.com'
contact = 'hostmaster@example.com'
allow = { 'private', 'connected', '2001:db8::/32' }
`;

/** With the key of an update, or a token, in a file that others may read, discd does not start. */
const isForOwner = (text: string) =>
  (/\bupdate\b/.test(text) && text.includes("secret")) || /\btoken *=/.test(text);

/** Writes a discd.lua: the usual first lines (none when `isWhole`), then the text. */
export function configure(text: string, isWhole = false): string {
  const folder = mkdtempSync(join(tmpdir(), "discd-netns-"));
  const file = join(folder, "discd.lua");
  const mode = isForOwner(text) ? 0o600 : 0o644;
  writeFileSync(file, isWhole ? text : `${always}${text}\n`, { mode });
  return file;
}

/** Replaces what a file written by `configure` says. */
export function reconfigure(file: string, text: string, isWhole = false): void {
  if (isForOwner(text)) chmodSync(file, 0o600);
  writeFileSync(file, isWhole ? text : `${always}${text}\n`);
}

/** Some of the numbers in a dump. */
export interface State {
  readonly engine: {
    readonly links: readonly { readonly id: string; readonly hasQuerier: boolean | null }[];
    readonly streams: number;
    readonly push: { sessions: number; subscriptions: number; topics: number };
    readonly llq: Readonly<Record<string, number>>;
  };
}

export class Daemon {
  readonly file: string;
  readonly child: Child;

  private constructor(file: string, child: Child) {
    this.file = file;
    this.child = child;
  }

  /** Starts it without waiting for anything; `text` as for `configure`. */
  static launch(enter: readonly string[], text: string, more: readonly string[] = []): Daemon {
    if (!existsSync(program)) throw new Error("not built: npm run build");
    const file = configure(text);
    const child = new Child([...enter, discd, "-c", file, ...more]);
    return new Daemon(file, child);
  }

  get log(): string[] {
    return this.child.stderrLines;
  }

  /** The Unix socket of its API, as this program reaches it. */
  get socket(): string {
    return `/proc/${this.child.pid}/root/run/discd/http`;
  }

  /** Resident memory in bytes. */
  get rss(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** CPU time used so far, in seconds. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** What it says of itself on SIGUSR2. */
  async state(): Promise<State> {
    const dumps = () => this.log.filter((line) => line.includes('"event":"state"'));
    const before = dumps().length;
    this.child.kill("SIGUSR2");
    const line = await until("a dump of the state", () => dumps()[before]);
    return JSON.parse(line) as State;
  }

  /** Writes a new configuration and says so by SIGHUP. */
  reload(text: string): void {
    reconfigure(this.file, text);
    this.child.kill("SIGHUP");
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }
}
