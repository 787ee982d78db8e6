// The laboratory: a drawn topology with everything that lives in it, and one way
// to take all of it down. One per file of tests.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { Agent } from "./agent.js";
import { Avahi, type AvahiOptions } from "./avahi.js";
import { Capture, type Frame } from "./capture.js";
import { type Child, until } from "./children.js";
import { DnsClient, type Dug, dig } from "./clients.js";
import { Daemon } from "./daemon.js";
import { Device } from "./device.js";
import type { TypeName } from "./packet.js";
import { startBind, startUnbound, type Zone } from "./resolvers.js";
import { Topology } from "./topology.js";

/** Two proxied links, a proxy host, and a client behind a router: two hops away. */
export const office = `
  wan:  cli  10.9.0.2/24 10.9.0.3/24 10.9.1.3/24 2001:db8:9::2/64
      | dns  10.9.0.53/24 2001:db8:9::53/64
      | rt   10.9.0.1/24 10.9.1.1/24 2001:db8:9::1/64
  uplink: rt 10.8.0.1/24 2001:db8:8::1/64
      | px   10.8.0.53/24 2001:db8:8::53/64
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | ava1 10.1.0.2/24 2001:db8:1::2/64
      | dev1 10.1.0.3/24 198.51.100.7/32 2001:db8:1::3/64
  net2: px   10.2.0.1/24 2001:db8:2::1/64
      | ava2 10.2.0.2/24 2001:db8:2::2/64
      | dev2 10.2.0.3/24 2001:db8:2::3/64
`;

const officeGateways = {
  cli: ["10.9.0.1", "2001:db8:9::1"],
  dns: ["10.9.0.1", "2001:db8:9::1"],
  px: ["10.8.0.1", "2001:db8:8::1"],
};

/** Zones of both links as most tests have them: a rich name, a host zone, reverse zones. */
export const officeConfig = `
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com',
    reverse = true },
  { name = 'net2', subdomain = 'floor2.example.com', reverse = true },
  { name = 'uplink', disable = true },
}
`;

/** The zones of `officeConfig` in the notation of packet.ts and dig. */
export const R = "Building\\0321.example.com";
export const H = "bldg-1.example.com";
export const F2 = "floor2.example.com";

export class Lab {
  readonly topology: Topology;
  /** The proxy host's address for clients of each family. */
  readonly server = "10.8.0.53";
  readonly server6 = "2001:db8:8::53";
  readonly #folder = mkdtempSync(join(tmpdir(), "discd-lab-"));
  readonly #agents = new Map<string, Promise<Agent>>();
  readonly #endings: (() => Promise<void>)[] = [];

  constructor(drawing = office, gateways: Record<string, readonly string[]> = officeGateways) {
    const hasRouter = /\brt\b/.test(drawing);
    this.topology = new Topology(drawing, gateways);
    if (hasRouter) {
      const forward = "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";
      this.topology.run("rt", `sysctl -qw ${forward}`);
    }
  }

  enter(node: string): string[] {
    return this.topology.enter(node);
  }

  run(node: string, command: string): string {
    return this.topology.run(node, command);
  }

  /** Anything with a `stop` is stopped when the laboratory closes. */
  keep<T extends { stop(): Promise<void> }>(thing: T): T {
    this.#endings.push(() => thing.stop());
    return thing;
  }

  /** The agent of a node, started when first wanted. */
  agent(node: string): Promise<Agent> {
    let agent = this.#agents.get(node);
    if (agent === undefined) {
      agent = Agent.start(this.enter(node)).then((started) => this.keep(started));
      this.#agents.set(node, agent);
    }
    return agent;
  }

  async device(node: string, link: string, families?: readonly (4 | 6)[]): Promise<Device> {
    return Device.open(await this.agent(node), link, families);
  }

  /** A plain DNS client in a node; see `DnsClient`. */
  async client(
    more: { node?: string; server?: string; port?: number; local?: string } = {},
  ): Promise<DnsClient> {
    const agent = await this.agent(more.node ?? "cli");
    return DnsClient.open(agent, more.server ?? this.server, more.port ?? 53, more.local);
  }

  /** Everything that crosses a link, seen at its bridge. */
  async capture(link: string, filter?: string): Promise<Capture> {
    return this.keep(await Capture.start(this.enter(`link-${link}`), "br0", filter));
  }

  /** Frames the proxy host sent on a link. */
  mac(node: string, link: string): string {
    return this.topology.mac(node, link);
  }

  async avahi(node: string, options: AvahiOptions): Promise<Avahi> {
    const folder = join(this.#folder, `avahi-${node}`);
    return this.keep(await Avahi.start(this.enter(node), folder, options));
  }

  async bind(
    node: string,
    addresses: readonly string[],
    zones: readonly Zone[],
    more: readonly string[] = [],
  ): Promise<Child> {
    const folder = join(this.#folder, `bind-${node}`);
    return this.keep(await startBind(this.enter(node), folder, addresses, zones, more));
  }

  async unbound(
    node: string,
    port: number,
    roots: readonly string[],
    more: readonly string[] = [],
  ): Promise<Child> {
    const folder = join(this.#folder, `unbound-${node}-${port}`);
    return this.keep(await startUnbound(this.enter(node), folder, port, roots, more));
  }

  /** Starts discd in `px` and waits until it answers for `apex`. */
  async discd(
    text: string = officeConfig,
    how: { node?: string; server?: string; port?: number; apex?: string; from?: string } = {},
  ): Promise<Daemon> {
    const daemon = this.keep(Daemon.launch(this.enter(how.node ?? "px"), text));
    const { server = this.server, port = 53, apex = F2, from = "cli" } = how;
    const client = await this.client({ node: from, server, port });
    await until(
      "discd answers",
      async () => {
        if (daemon.child.exit !== undefined) {
          throw new Error(`discd ended at once:\n${daemon.log.slice(-20).join("\n")}`);
        }
        const reply = await client.ask(apex, "SOA", { limit: 300 }).catch(() => undefined);
        return reply !== undefined && reply.answers.length === 1;
      },
      20_000,
    ).catch(async (error) => {
      await daemon.stop();
      throw new Error(`${error}\n${daemon.log.slice(-20).join("\n")}`);
    });
    return daemon;
  }

  /** dig from the client, at the proxy unless `words` name another server. */
  dig(...words: string[]): Promise<Dug> {
    const server = words.some((word) => word.startsWith("@")) ? [] : [`@${this.server}`];
    return dig(this.enter("cli"), [...server, ...words]);
  }

  kdig(...words: string[]): Promise<Dug> {
    const server = words.some((word) => word.startsWith("@")) ? [] : [`@${this.server}`];
    return dig(this.enter("cli"), [...server, ...words], "kdig");
  }

  /** Ends every program it started, in reverse, then removes the namespaces. */
  async close(): Promise<void> {
    for (const end of this.#endings.reverse()) await end().catch(() => {});
    this.topology.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whether frames of the proxy hold no query, neither for a name nor at all. */
export function queriesIn(frames: readonly Frame[], type?: TypeName): readonly Frame[] {
  return frames.filter(
    ({ message }) =>
      message?.isResponse === false &&
      (type === undefined || message.questions.some((question) => question.type === type)),
  );
}

/** One laboratory for a file: built before its first test, closed after its last. */
export function laboratory(
  setUp: (lab: Lab) => Promise<void>,
  build: () => Lab = () => new Lab(),
): void {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = build();
    await setUp(lab);
  });
  afterAll(async () => {
    await lab?.close();
  });
}
