// Where packets really go: tcpdump watches every interface while discd is asked.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { RRType } from "../../wire/codes.js";
import { probe } from "./probe.js";
import { routesOf } from "./route-stage.js";
import type { Scene } from "./scene.js";
import { fail, pass, skip, type Verdict } from "./verdict.js";

/** Packets of one interface to and from port 53 of discd. */
export interface Seen {
  readonly dev: string;
  readonly out: number;
  readonly in: number;
}

export interface OnPathEvidence {
  /** By which interfaces packets are to leave: what was said, or what the routes say. */
  readonly expected: readonly string[];
  /** What those are made of, where they are bridges, bonds or VLANs: packets pass there, too. */
  readonly below?: readonly string[];
  readonly filter: string;
  /** Why nothing could be watched. */
  readonly reason?: string;
  readonly seen: readonly Seen[];
  /** The last lines of tcpdump. */
  readonly lines: readonly string[];
}

export function judgeOnPath(watched: OnPathEvidence): Verdict {
  const { expected, below = [], filter, reason, lines } = watched;
  const seen = watched.seen.filter(({ dev }) => !below.includes(dev));
  const by = expected.join(" and ") || "any";
  if (reason !== undefined) {
    const remedy = [
      `as root, while \`discli doctor\` runs: tcpdump -ni ${expected[0] ?? "any"} '${filter}'`,
    ];
    return skip(reason, remedy);
  }
  const evidence = [
    ...seen.map((one) => `${one.dev}: ${one.out} to discd, ${one.in} back`),
    ...lines,
  ];
  const astray = seen.filter(({ dev, out }) => out > 0 && !expected.includes(dev));
  if (expected.length > 0 && astray.length > 0) {
    const text = `queries to discd leave by ${astray.map(({ dev }) => dev).join(", ")}, not by ${by}`;
    const remedy = ["ip rule; ip route show table all: something routes port 53 elsewhere"];
    return fail("OFF-PATH", text, remedy, evidence);
  }
  const out = seen.reduce((sum, one) => sum + one.out, 0);
  const back = seen.reduce((sum, one) => sum + one.in, 0);
  if (out === 0) return skip("tcpdump has seen no packet", [], evidence);
  if (back === 0) {
    const text = `queries leave by ${by}, and no packet comes back`;
    return fail("NO-REPLY", text, ["watch the same on discd's host: do they arrive?"], evidence);
  }
  return pass(`${out} packets to discd and ${back} back, by ${by}`, evidence);
}

const startPatience = 2500;
/** Until the last packet is printed. */
const settling = 250;
const linesKept = 4;
const linesMax = 5000;

/** `12:00:00.1 wan Out IP 10.9.0.2.4711 > 10.8.0.53.53: …` */
const linePattern = /^\S+ (\S+) +(In|Out) +IP6? /;

/** @param lines  of `tcpdump -ni any` */
export function countPackets(lines: readonly string[]): Seen[] {
  const found = new Map<string, { out: number; in: number }>();
  for (const line of lines) {
    const [, dev, way] = linePattern.exec(line) ?? [];
    if (dev === undefined) continue;
    const counts = found.get(dev) ?? { out: 0, in: 0 };
    if (way === "Out") counts.out += 1;
    else counts.in += 1;
    found.set(dev, counts);
  }
  return [...found].map(([dev, counts]) => ({ dev, ...counts }));
}

/** Deeper are no stacks of devices. */
const depthMax = 8;

/** The devices that some are made of, and what those are made of. */
export function devicesBelow(devs: readonly string[], folder = "/sys/class/net"): string[] {
  const found = new Set<string>();
  let level = devs;
  for (let depth = 0; depth < depthMax && level.length > 0; depth++) {
    const names = level.flatMap((dev) => {
      try {
        return readdirSync(`${folder}/${dev}`).filter((name) => name.startsWith("lower_"));
      } catch {
        return [];
      }
    });
    level = names.map((name) => name.slice("lower_".length)).filter((dev) => !found.has(dev));
    for (const dev of level) found.add(dev);
  }
  return [...found].filter((dev) => !devs.includes(dev));
}

/** Resolved when tcpdump listens; with the reason when it does not. */
function listening(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = "";
    const end = setTimeout(() => resolve("tcpdump does not start"), startPatience);
    const finish = (reason: string | undefined) => {
      clearTimeout(end);
      resolve(reason);
    };
    child.on("error", () => finish("tcpdump is not there"));
    child.on("exit", () => {
      const [line = "it ended"] = said.trim().split("\n").slice(-1);
      finish(`tcpdump may not watch: ${line}`);
    });
    child.stderr?.on("data", (text: Buffer) => {
      said = `${said}${text}`.slice(-2000);
      if (/listening on/.test(said)) finish(undefined);
    });
  });
}

export async function gatherOnPath(scene: Scene): Promise<OnPathEvidence> {
  const { zone, servers, expectedInterface } = scene.parts;
  const routes = await routesOf(scene);
  const [first] = servers;
  const toServers = routes.filter(({ role }) => role === "server");
  const devs = new Set(toServers.flatMap(({ dev }) => dev ?? []));
  const expected = expectedInterface === undefined ? [...devs] : [expectedInterface];
  const hosts = servers.map(({ address }) => `host ${address.replace(/%.*/, "")}`);
  const filter = `port ${first?.port ?? 53} and (${hosts.join(" or ") || "host SERVER"})`;
  const nothing = { expected, filter, seen: [], lines: [] };
  if (zone === undefined || first === undefined)
    return { ...nothing, reason: "no server is known" };
  if (toServers.some(({ isLocal }) => isLocal === true)) {
    return { ...nothing, reason: "discd is on this host: no packet leaves it" };
  }
  const words = ["-i", "any", "-n", "-l", "--immediate-mode", filter];
  const child = spawn("tcpdump", words, { stdio: ["ignore", "pipe", "pipe"] });
  // Ctrl-C ends this program at once; the child is not to outlive it.
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  try {
    const lines: string[] = [];
    let rest = "";
    child.stdout.on("data", (text: Buffer) => {
      const parts = (rest + text.toString("latin1")).split("\n");
      rest = (parts.pop() ?? "").slice(0, 1000);
      if (lines.length < linesMax) lines.push(...parts);
    });
    const reason = await listening(child);
    if (reason !== undefined) return { ...nothing, reason };
    const asked = servers.map((server) => probe({ server, name: zone, type: RRType.SOA }));
    await Promise.all(asked);
    await new Promise((resolve) => setTimeout(resolve, settling));
    const seen = countPackets(lines);
    const below = devicesBelow(expected);
    return { expected, below, filter, seen, lines: lines.slice(0, linesKept) };
  } finally {
    process.off("exit", end);
    end();
  }
}
