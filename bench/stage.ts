// A link, a proxy host and a client, in namespaces made for one measurement.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, until } from "../test/netns/children.js";
import { Topology } from "../test/netns/topology.js";

const drawing = `
  net0: px  10.8.0.53/24
      | dns 10.8.0.1/24
      | cli ${Array.from({ length: 10 }, (_, index) => `10.8.0.${index + 2}/24`).join(" ")}
  net1: px   10.1.0.1/24
      | dev1 10.1.0.3/24
      | dev2 10.1.0.4/24
`;

export const server = "10.8.0.53";
export const clients = Array.from({ length: 10 }, (_, index) => `10.8.0.${index + 2}`);
export const zone = "floor1.example.com";

/** With the HTTP API, as it is by default, but without a socket in the machine's /run. */
const configuration = `
hostname = 'px.example.com'
http = { listen = '127.0.0.1:8053' }
interfaces = {
  { name = 'net1', subdomain = '${zone}' },
  { name = 'net0', disable = true },
}
`;

/** A process that tells things in lines of JSON. */
export class Part {
  readonly child: Child;
  #read = 0;

  constructor(argv: readonly string[]) {
    this.child = new Child(argv);
  }

  /** The next line it tells. */
  async next<Told>(limit = 60_000): Promise<Told> {
    const { child } = this;
    const line = await until(
      `a line of ${this.child.pid}`,
      () => {
        if (child.exit !== undefined && child.stdoutLines.length <= this.#read) {
          throw new Error(`it ended: ${child.stderrLines.slice(-5).join("\n")}`);
        }
        return child.stdoutLines[this.#read];
      },
      limit,
      5,
    );
    this.#read += 1;
    return JSON.parse(line) as Told;
  }

  /** Writes a line and waits for what it tells. */
  async do<Told>(line: string, limit?: number): Promise<Told> {
    this.child.write(`${line}\n`);
    return this.next<Told>(limit);
  }
}

export class Stage {
  readonly #topology = new Topology(drawing);
  readonly #folder = mkdtempSync(join(tmpdir(), "discd-bench-"));
  readonly #children: Child[] = [];

  /** A role of roles.ts in a node. */
  async role(node: string, ...words: readonly (string | number)[]): Promise<Part> {
    return this.#start(node, [], words);
  }

  /** The same, with V8 told what bin/discd tells it. */
  async reference(node: string, ...words: readonly (string | number)[]): Promise<Part> {
    return this.#start(node, ["--max-semi-space-size=1", "--v8-pool-size=1"], words);
  }

  /** @param more what follows the usual configuration; what it assigns again counts */
  async discd(more: string | ((folder: string) => string) = ""): Promise<Child> {
    const file = join(this.#folder, "discd.lua");
    const text = typeof more === "string" ? more : more(join(this.#folder, "state"));
    // Secrets may stand in it.
    writeFileSync(file, configuration + text, { mode: 0o600 });
    const child = new Child([...this.#topology.enter("px"), "bin/discd", "-c", file]);
    this.#children.push(child);
    await until(
      "discd serves",
      () => {
        if (child.exit !== undefined) throw new Error(child.stderrLines.join("\n"));
        return child.stderrLines.some((line) => line.includes('"serving"'));
      },
      15_000,
    );
    return child;
  }

  /** Any program in a node, its files in a folder that goes with the stage. */
  program(node: string, argv: (folder: string) => readonly string[]): Child {
    const child = new Child([...this.#topology.enter(node), ...argv(this.#folder)]);
    this.#children.push(child);
    return child;
  }

  enter(node: string): readonly string[] {
    return this.#topology.enter(node);
  }

  #start(node: string, flags: readonly string[], words: readonly (string | number)[]): Part {
    const self = process.argv[1] as string;
    const argv = [...this.#topology.enter(node), process.execPath, ...flags, self, "--role"];
    const part = new Part([...argv, ...words.map(String)]);
    this.#children.push(part.child);
    return part;
  }

  async end(): Promise<void> {
    for (const child of this.#children.reverse()) await child.stop("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** CPU time of a process so far, in microseconds. The kernel counts in hundredths of a second. */
export function cpuMicroseconds(pid: number): number {
  const fields = (readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1] as string).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** CPU time of the main thread so far, in milliseconds, as exactly as the scheduler knows it. */
export function mainThreadMilliseconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
