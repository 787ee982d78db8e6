// A stage for what discd learns from the DNS: BIND with a parent zone and reverse
// zones that can be rewritten, Unbound as the resolver of the proxy host, and discd
// in a file system where resolv.conf and the host's name are the test's own.

import { mkdirSync, mkdtempSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Child, until } from "./children.js";
import { dig } from "./clients.js";
import { discd } from "./daemon.js";
import type { Lab } from "./lab.js";
import { startBind, type Zone } from "./resolvers.js";

/** Reverse names of the networks on the two links. */
export const net1 = "0.0.1.10.in-addr.arpa";
export const net2six = `${"0.".repeat(16)}0.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa`;

export const ownName = "discd1.example.com";

const reverse4 = "10.in-addr.arpa.";
const reverse6 = "8.b.d.0.1.0.0.2.ip6.arpa.";

/** `floor1` and `floor2` are delegated to the proxy host. */
const parentLines = [
  "discd1.example.com. A 10.8.0.53",
  `floor1.example.com. NS ${ownName}.`,
  `floor2.example.com. NS ${ownName}.`,
];

export class LearningStage {
  readonly #lab: Lab;
  readonly folder = mkdtempSync(join(tmpdir(), "discd-learning-"));
  #bind: Child | undefined;
  #unbound: Child | undefined;
  #serial = 1;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /**
   * @param pointers  PTR records of the reverse zones: `lb.… PTR floor1.example.com.`
   * @param more  options of BIND
   */
  async start(pointers: readonly string[], more: readonly string[] = []): Promise<void> {
    const lab = this.#lab;
    const folder = this.#bindFolder;
    const zones = this.#zones(pointers);
    this.#bind = lab.keep(await startBind(lab.enter("dns"), folder, ["10.9.0.53"], zones, more));
    // What was removed is to be gone at once, as it is once TTLs have passed.
    const short = ["cache-max-ttl: 1", "cache-max-negative-ttl: 1", "infra-host-ttl: 1"];
    // BIND's own name is below test., which Unbound answers itself otherwise.
    const real = ['local-zone: "test." nodefault'];
    this.#unbound = await lab.unbound("cli", 53, ["10.9.0.53"], [...short, ...real]);
  }

  /** Writes the reverse zones anew, and waits until the resolver has forgotten the old ones. */
  async rewrite(pointers: readonly string[]): Promise<void> {
    this.#serial += 1;
    const zones = this.#zones(pointers);
    for (const [at, { origin, lines }] of zones.entries()) {
      const text = [
        "$TTL 1",
        `${origin} SOA ns.bind.test. hostmaster.bind.test. ${this.#serial} 3600 600 86400 1`,
        `${origin} NS ns.bind.test.`,
        ...lines,
      ];
      const file = join(this.#bindFolder, `zone${at + 1}`);
      writeFileSync(file, `${text.join("\n")}\n`);
      // named compares whole seconds.
      const time = Date.now() / 1000 + this.#serial;
      utimesSync(file, time, time);
    }
    this.#bind?.kill("SIGHUP");
    for (const { origin } of zones) {
      await until(`${origin} is loaded`, async () => {
        const { answer } = await dig(this.#lab.enter("cli"), ["@10.9.0.53", "SOA", origin]);
        return answer[0]?.data.split(" ")[2] === String(this.#serial);
      });
    }
    await sleep(2200);
  }

  /** What the servers of a zone have at a name, sorted. */
  async dataAt(name: string, type: string): Promise<string[]> {
    const { answer } = await dig(this.#lab.enter("cli"), ["@10.9.0.53", type, `${name}.`]);
    return answer.map(({ data }) => data).sort();
  }

  /** Changes zones that take updates: lines of nsupdate. */
  update(...lines: readonly string[]): void {
    const text = ["server 10.9.0.53", ...lines, "send", ""].join("\\n");
    this.#lab.run("cli", `printf '${text}' | nsupdate`);
  }

  /** The resolver falls silent, or speaks again. */
  silence(isSilent: boolean): void {
    this.#unbound?.kill(isSilent ? "SIGSTOP" : "SIGCONT");
  }

  /** discd with these options; none: without a file. */
  launch(...options: readonly string[]): Child {
    return this.launchIn("px", ...options);
  }

  launchIn(node: string, ...options: readonly string[]): Child {
    const file = join(this.folder, "resolv.conf");
    writeFileSync(file, "nameserver 10.9.0.2\n");
    const script = `hostname ${ownName}; mount --bind ${file} /etc/resolv.conf; exec "$@"`;
    const enter = [...this.#lab.enter(node), "unshare", "-mu", "sh", "-c", script, "sh"];
    return this.#lab.keep(new Child([...enter, discd, ...options]));
  }

  /** Events of a kind in the log of a discd. */
  static events(child: Child, event: string): Record<string, unknown>[] {
    return child.stderrLines
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get #bindFolder(): string {
    const folder = join(this.folder, "bind");
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #zones(pointers: readonly string[]): Zone[] {
    // Records of the parent zone may be among them.
    const within = (origin: string) =>
      pointers.filter((line) => line.includes(` PTR `) && line.split(" ")[0]?.endsWith(origin));
    return [
      { origin: "example.com.", lines: [...parentLines, ...within("example.com.")] },
      { origin: reverse4, lines: within(reverse4) },
      { origin: reverse6, lines: within(reverse6) },
    ];
  }
}
