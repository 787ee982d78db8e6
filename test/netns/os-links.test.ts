// The sockets of links where things are not as one would wish: no privilege, no
// carrier, no native library, no `ip`, a port that another program keeps.

import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import type { Capture } from "./capture.js";
import { Child, until } from "./children.js";
import { DnsClient } from "./clients.js";
import { configure, discd, program, top } from "./daemon.js";
import type { Device } from "./device.js";
import { type Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { flush, query, rec, types } from "./packet.js";
import { dataOf, now } from "./stage.js";

const it = needs("tcpdump");

const config = `
http = false
interfaces = {
  { name = 'net1', subdomain = 'floor1.example.com', reverse = true,
    announce = { lb = { 'floor1.example.com' } } },
  { name = 'net2', subdomain = 'floor2.example.com' },
}
`;

let lab: Lab;
let dev1: Device;
let dev2: Device;
let ear1: Capture;
let running: Child[] = [];

laboratory(async (built) => {
  lab = built;
  [dev1, dev2, ear1] = await Promise.all([
    lab.device("dev1", "net1"),
    lab.device("dev2", "net2"),
    lab.capture("net1"),
  ]);
});

afterEach(async () => {
  for (const child of running) await child.stop();
  running = [];
});

/** Runs a program on the proxy host until the test ends. */
function run(argv: readonly string[]): Child {
  const child = new Child([...lab.enter("px"), ...argv]);
  running.push(child);
  return child;
}

/** A configuration that any user may read. */
function readable(): string {
  const file = configure(config);
  chmodSync(dirname(file), 0o755);
  return file;
}

interface Event {
  readonly event: string;
  readonly link?: string;
  readonly families?: readonly string[];
  readonly [field: string]: unknown;
}

/** What the log says so far. */
function events(child: Child, name: string): Event[] {
  const all = child.stderrLines.filter(Boolean).map((line) => JSON.parse(line) as Event);
  return all.filter(({ event }) => event === name);
}

/** Starts it and waits until both links are up. */
async function start(argv: readonly string[]): Promise<Child> {
  const child = run([...argv, "-c", readable()]);
  await until("both links are up", () => {
    if (child.exit !== undefined) throw new Error(child.stderrLines.join("\n"));
    return new Set(events(child, "link-up").map(({ link }) => link)).size === 2;
  });
  return child;
}

/** Each device answers for the same name with its own address; both zones are asked. */
async function askBoth(name: string, port = 53): Promise<string[][]> {
  const client = await lab.client({ port });
  const one = [flush(rec(`${name}.local`, "A", 120, "10.1.0.201"))];
  const two = [flush(rec(`${name}.local`, "A", 120, "10.2.0.202"))];
  dev1.answers(`${name}.local`, "A", one);
  dev2.answers(`${name}.local`, "A", two);
  const zones = ["floor1.example.com", "floor2.example.com"];
  const replies = await Promise.all(zones.map((zone) => client.ask(`${name}.${zone}`, "A")));
  return replies.map(({ answers }) => dataOf(answers, types.A));
}

const bothApart = [["10.1.0.201"], ["10.2.0.202"]];

it("[DP-120] without any privilege links are told apart all the same", async () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = await start([...nobody, discd]);
  expect(await askBoth("plain", 5300)).toEqual(bothApart);
  expect(events(child, "ports-moved")).toHaveLength(1);
  expect(events(child, "links-guessed")).toEqual([]);
});

it("[DP-121] a lost carrier is a link down, within some two seconds; its zones stay", async () => {
  const child = await start([discd]);
  const client = await lab.client();
  const bridge = lab.enter("link-net1").at(-1)!;
  lab.run("link-net1", "ip link set dev px down");
  const lost = now();
  await until("link-down", () => events(child, "link-down").some(({ link }) => link === "net1"));
  expect(now() - lost, bridge).toBeLessThan(3000);
  for (const zone of ["floor1.example.com", "0.1.10.in-addr.arpa"]) {
    const reply = await client.ask(zone, "SOA");
    expect([reply.rcode, reply.answers.length], zone).toEqual([0, 1]);
  }
  lab.run("link-net1", "ip link set dev px up");
  const back = now();
  await until("link-up again", () => {
    return events(child, "link-up").filter(({ link }) => link === "net1").length > 1;
  });
  expect(now() - back).toBeLessThan(3000);
  expect(await askBoth("carrier")).toEqual(bothApart);
});

/** A program that binds port 5353 and lets nobody share it. */
async function keeper(more: string): Promise<Child> {
  const bind = `bind({ port: 5353 }, () => console.log('bound'))`;
  const script = `require('dgram').createSocket({ type: 'udp6'${more} }).${bind}`;
  const child = run([process.execPath, "-e", script]);
  await child.says(/^bound$/);
  return child;
}

it("a link with one family refused is up with the other, and told once", async () => {
  const kept = await keeper(", ipv6Only: true");
  const child = await start([discd]);
  await sleep(4500);
  expect(events(child, "link-up").map(({ families }) => families)).toEqual([["ipv4"], ["ipv4"]]);
  expect(events(child, "link-refused")).toHaveLength(2);
  expect(await askBoth("half")).toEqual(bothApart);
  await kept.stop();
  await until("IPv6 as well", () => events(child, "link-up").length === 4);
});

it("a program that keeps port 5353 to itself: said once, and tried until it is gone", async () => {
  const kept = await keeper("");
  const child = run([discd, "-c", readable()]);
  await until("both links are refused", () => events(child, "link-refused").length >= 4);
  await sleep(4500);
  const refusals = events(child, "link-refused");
  expect(refusals).toHaveLength(4);
  for (const { code, remedy } of refusals) {
    expect(code).toBe("EADDRINUSE");
    expect(remedy).toMatch(/disallow-other-stacks/);
  }
  expect(events(child, "link-up")).toEqual([]);
  await kept.stop();
  await until("both links are up", () => events(child, "link-up").length === 2);
  expect(await askBoth("keeper")).toEqual(bothApart);
});

it("without `ip` the poll alone finds a new address, within five seconds", async () => {
  const child = await start(["env", "PATH=/nonexistent", process.execPath, program]);
  lab.run("px", "ip addr add 10.8.0.88/24 dev uplink");
  const begin = now();
  const client = await DnsClient.open(await lab.agent("cli"), "10.8.0.88");
  await until(
    "the new address answers",
    async () => {
      const reply = await client
        .ask("floor2.example.com", "SOA", { limit: 250 })
        .catch(() => undefined);
      return reply?.answers.length === 1;
    },
    8000,
  );
  expect(now() - begin).toBeLessThan(5000);
  lab.run("px", "ip addr del 10.8.0.88/24 dev uplink");
  expect(child.exit).toBeUndefined();
});

/** Processes in px that follow its interfaces. */
function monitors(): string[] {
  const place = lab.run("px", "readlink /proc/self/ns/net").trim();
  return readdirSync("/proc").filter((pid) => {
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) !== place) return false;
      return /monitor.link.address/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
    } catch {
      return false;
    }
  });
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  it(`no process of its own outlives it, ended by ${signal}`, async () => {
    const child = await start([discd]);
    expect(monitors()).not.toEqual([]);
    await child.stop(signal);
    await until("no process is left", () => monitors().length === 0, 2000);
  });
}

it("without the native library it says so, and goes by the sender's subnet", async () => {
  // The same program where koffi cannot be found.
  const copy = mkdtempSync(join(tmpdir(), "discd-bare-"));
  try {
    cpSync(join(top, "dist"), join(copy, "dist"), { recursive: true });
    cpSync(join(top, "package.json"), join(copy, "package.json"));
    mkdirSync(join(copy, "node_modules"));
    for (const name of readdirSync(join(top, "node_modules"))) {
      if (name === "koffi" || name.startsWith(".")) continue;
      symlinkSync(join(top, "node_modules", name), join(copy, "node_modules", name));
    }
    const child = await start([process.execPath, join(copy, "dist", "discd.js")]);
    expect(events(child, "links-guessed")).toHaveLength(1);
    expect(await askBoth("bare")).toEqual(bothApart);
    for (const { families } of events(child, "link-up")) {
      expect(families?.toSorted()).toEqual(["ipv4", "ipv6"]);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
});

it("[T-53] a reply to one address leaves with TTL 255, too, and over the link", async () => {
  await start([discd]);
  const lb = query([{ name: "lb._dns-sd._udp.local", type: "PTR" }]);
  const mac = lab.mac("px", "net1");
  for (const family of [4, 6] as const) {
    const since = now();
    // From another port than 5353: a legacy querier, answered by unicast (RFC 6762 §6.7).
    const legacy = await dev1.socket({ family });
    legacy.send(lb, family === 4 ? "224.0.0.251" : "ff02::fb", 5353);
    await until("the reply", () => legacy.arrivals.length > 0);
    const frames = (await ear1.from(mac, since)).filter(
      (frame) => frame.family === family && frame.targetPort === legacy.port,
    );
    expect(frames.map(({ hops, sourcePort }) => [hops, sourcePort])).toEqual([[255, 5353]]);
    legacy.close();
  }
});
