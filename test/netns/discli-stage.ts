// discd with its demo link in a namespace of its own, and discli beside it: the
// system's resolver is discd, and its API is where it usually is.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { Child, until } from "./children.js";
import { configure, program, top } from "./daemon.js";
import { Terminal } from "./terminal.js";

export const discli = join(top, "bin", "discli");

export interface Outcome {
  readonly status: number | null | undefined;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export class DemoStage {
  folder = "";
  daemon: Child | undefined;
  /** Of discd. */
  file = "";

  /** The command that enters its namespaces. */
  get enter(): string[] {
    return ["nsenter", "-t", String(this.daemon?.pid), "-n", "-m"];
  }

  async start(configuration: string): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), "discd-demo-"));
    if (process.getuid?.() !== 0) return;
    this.resolv("nameserver 127.0.0.1\n");
    this.file = configure(configuration);
    const script = [
      "ip link set lo up",
      `mount --bind ${join(this.folder, "resolv.conf")} /etc/resolv.conf`,
      "mkdir -p /run/discd && mount -t tmpfs none /run/discd",
      'exec "$@"',
    ].join("; ");
    const argv = ["unshare", "-nm", "sh", "-c", script, "sh"];
    this.daemon = new Child([...argv, program, "-c", this.file, "--demo"]);
    await this.daemon.says(/"event":"started"/);
    await until("the demo's printers", async () => {
      const { out } = await this.run("browse _ipp._tcp demo.home.arpa");
      return out.length === 2;
    });
  }

  async stop(): Promise<void> {
    await this.daemon?.stop();
    if (this.folder !== "") rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the system's resolver is. */
  resolv(text: string): void {
    writeFileSync(join(this.folder, "resolv.conf"), text);
  }

  async run(words: string | readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const list = typeof words === "string" ? words.split(" ") : words;
    const child = new Child([...this.enter, discli, ...list], { env });
    await child.ended;
    return { status: child.exit?.code, out: child.stdoutLines, err: child.stderrLines };
  }

  /** A command for sh in a terminal. */
  terminal(command: string, env: NodeJS.ProcessEnv = {}): Terminal {
    return new Terminal(this.enter, command, env);
  }
}

/** One for all tests of a file. */
export function demoStage(configuration: string): DemoStage {
  const stage = new DemoStage();
  beforeAll(() => stage.start(configuration));
  afterAll(() => stage.stop());
  return stage;
}
