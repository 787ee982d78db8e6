// Networks drawn as text, built from namespaces. A line is a link and who is on
// it; a link is a bridge in a namespace of its own, multicast snooping off.
//
//   net1: px   10.1.0.1/24 fd01::1/64
//       | ava1 10.1.0.2/24 fd01::2/64
//
// A node's interface is called like its link. Names of namespaces begin with the
// maker's process id, so that what a killed run left behind can be told and removed.

import { run } from "./children.js";

const prefix = "discdtest";

export interface Member {
  readonly node: string;
  readonly addresses: readonly string[];
}

/** The drawing as data. */
export function readDrawing(drawing: string): Map<string, Member[]> {
  const links = new Map<string, Member[]>();
  const lines = drawing.replaceAll(/\n\s*\|/g, " |").split("\n");
  for (const line of lines.filter((text) => text.trim() !== "")) {
    const [link = "", rest = ""] = line.trim().split(/:\s+/);
    const members = rest.split("|").map((part) => {
      const [node = "", ...addresses] = part.trim().split(/\s+/);
      return { node, addresses };
    });
    links.set(link, members);
  }
  return links;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Removes the namespaces of runs that no longer exist, and what still runs in them. */
function removeStale(): void {
  for (const line of run(["ip", "netns", "list"]).split("\n")) {
    const name = line.split(" ")[0]!;
    const owner = new RegExp(`^${prefix}-(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) removeNamespace(name);
  }
}

function removeNamespace(name: string): void {
  try {
    for (const pid of run(["ip", "netns", "pids", name]).split(/\s+/).filter(Boolean)) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It has just ended by itself.
      }
    }
    run(["ip", "netns", "delete", name]);
  } catch {
    // Another run removed it at the same moment.
  }
}

let count = 0;
const mine = new Set<string>();
process.on("exit", () => {
  for (const name of mine) removeNamespace(name);
});

export class Topology {
  readonly links: Map<string, Member[]>;
  readonly #stem: string;

  /** Builds it. `gateways`: addresses a node sends everything else to. */
  constructor(drawing: string, gateways: Readonly<Record<string, readonly string[]>> = {}) {
    removeStale();
    this.#stem = `${prefix}-${process.pid}-${++count}`;
    this.links = readDrawing(drawing);
    const nodes = new Set([...this.links.values()].flat().map((member) => member.node));
    const script: string[] = ["set -e"];
    for (const link of this.links.keys()) {
      const ns = this.#make(`link-${link}`, script);
      script.push(`ip netns exec ${ns} sysctl -qw net.ipv6.conf.default.disable_ipv6=1`);
      script.push(`ip -n ${ns} link add br0 type bridge mcast_snooping 0`);
      script.push(`ip -n ${ns} link set br0 up`);
    }
    for (const node of nodes) {
      const ns = this.#make(node, script);
      const off = "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0";
      script.push(`ip netns exec ${ns} sysctl -qw net.ipv6.conf.default.accept_dad=0 ${off}`);
      script.push(`ip -n ${ns} link set lo up`);
    }
    for (const [link, members] of this.links) {
      for (const member of members)
        script.push(...this.attachLines(member.node, link, member.addresses));
    }
    for (const [node, ways] of Object.entries(gateways)) {
      for (const way of ways) script.push(`ip -n ${this.ns(node)} route add default via ${way}`);
    }
    try {
      run(["sh"], script.join("\n"));
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** A node without any link but its loopback. */
  addNode(node: string): void {
    const script: string[] = ["set -e"];
    const ns = this.#make(node, script);
    script.push(`ip -n ${ns} link set dev lo up`);
    run(["sh"], script.join("\n"));
  }

  #make(node: string, script: string[]): string {
    const name = this.ns(node);
    mine.add(name);
    script.push(`ip netns add ${name}`);
    return name;
  }

  /** Name of a node's namespace; `link-X` is the one of link X, with its bridge `br0`. */
  ns(node: string): string {
    return `${this.#stem}-${node}`;
  }

  /** The command that enters a node. */
  enter(node: string): string[] {
    return ["ip", "netns", "exec", this.ns(node)];
  }

  /** Runs a program in a node to its end and gives its output. */
  run(node: string, command: string): string {
    return run([...this.enter(node), "sh", "-c", command]);
  }

  /** Commands that plug a node into a link. */
  attachLines(node: string, link: string, addresses: readonly string[]): string[] {
    const ns = this.ns(node);
    const bridge = this.ns(`link-${link}`);
    return [
      `ip link add ${link} netns ${ns} type veth peer name ${node} netns ${bridge}`,
      `ip -n ${bridge} link set dev ${node} master br0 up`,
      `ip -n ${ns} link set dev ${link} up`,
      ...addresses.map((address) => `ip -n ${ns} addr add ${address} dev ${link}`),
    ];
  }

  /** Plugs a node into a link, as the drawing says or with other addresses. */
  attach(node: string, link: string, addresses?: readonly string[]): void {
    const drawn = this.links.get(link)?.find((member) => member.node === node)?.addresses ?? [];
    run(["sh"], ["set -e", ...this.attachLines(node, link, addresses ?? drawn)].join("\n"));
  }

  /** Hardware address of a node's interface. */
  mac(node: string, link: string): string {
    return this.run(node, `cat /sys/class/net/${link}/address`).trim();
  }

  /** Removes every namespace of this drawing, and with them what runs inside. */
  remove(): void {
    for (const name of [...mine].filter((known) => known.startsWith(`${this.#stem}-`))) {
      removeNamespace(name);
      mine.delete(name);
    }
  }
}
