// discd as a program: sockets it opens and moves, signals, start-up errors, what
// it does without a file, the demo.

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import { Child, until } from "./children.js";
import { dig } from "./clients.js";
import { Daemon, discd } from "./daemon.js";
import { F2, type Lab, laboratory, officeConfig } from "./lab.js";
import { needs } from "./needs.js";
import { flush, query, rec, types } from "./packet.js";
import { dataOf } from "./stage.js";
import { unpack } from "./unpack.js";

const it = needs("dig", "ss", "tcpdump");
let lab: Lab;
let running: (Daemon | Child)[] = [];

laboratory(async (built) => {
  lab = built;
  built.topology.addNode("solo");
});

afterEach(async () => {
  for (const one of running) await one.stop();
  running = [];
});

/** Where what is listened on is looked at: nothing is but what serves DNS. */
const unwatched = `http = false\n${officeConfig}`;

async function start(text: string, how: Parameters<Lab["discd"]>[1] = {}): Promise<Daemon> {
  const daemon = await lab.discd(text, how);
  running.push(daemon);
  return daemon;
}

/** Sockets that belong to the daemon: `udp 10.8.0.53:53`, without those of mDNS. */
function sockets(daemon: Daemon): string[] {
  const lines = lab.run("px", "ss -Hlnutp").split("\n");
  const own = lines.filter((line) => line.includes(`pid=${daemon.child.pid},`));
  const words = own.map((line) => line.trim().split(/\s+/));
  return words
    .map((fields) => `${fields[0]} ${fields[4]!.replace(/%\w+/, "")}`)
    .filter((text) => !text.endsWith(":5353"))
    .sort();
}

it("by default every address of the host, UDP and TCP, port 53", async () => {
  const daemon = await start(officeConfig);
  const open = sockets(daemon);
  for (const address of ["10.8.0.53", "10.1.0.1", "10.2.0.1", "127.0.0.1", "[2001:db8:8::53]"]) {
    for (const transport of ["udp", "tcp"]) expect(open).toContain(`${transport} ${address}:53`);
  }
  expect(open.filter((text) => /0\.0\.0\.0|\[::\]|\*:/.test(text))).toEqual([]);
});

it("[A1.9] each port moves its listener, false closes it", async () => {
  const moved = await start(`port = { udp = 5301, tcp = 5302 }\n${unwatched}`, { port: 5301 });
  expect([...new Set(sockets(moved).map((text) => text.replace(/ .*:/, " ")))].sort()).toEqual([
    "tcp 5302",
    "tcp 5352",
    "udp 5301",
    "udp 5352",
  ]);
  await moved.stop();
  const half = await start(`port = { tcp = false, llq = false }\n${unwatched}`);
  expect([...new Set(sockets(half).map((text) => text.split(" ")[0]))]).toEqual(["udp"]);
});

it("[A5.3] `listen` binds exactly what it names, and what appears later", async () => {
  const daemon = await start(
    `port = { llq = false }
     listen = { '10.8.0.53', '2001:db8:8::53', '10.8.0.99' }\n${unwatched}`,
  );
  const wanted = ["10.8.0.53:53", "[2001:db8:8::53]:53"];
  expect(sockets(daemon)).toEqual(
    ["tcp", "udp"].flatMap((transport) => wanted.map((at) => `${transport} ${at}`)).sort(),
  );
  lab.run("px", "ip addr add 10.8.0.99/24 dev uplink");
  await until("the new address is bound", () => sockets(daemon).length === 6, 5500, 100);
  lab.run("px", "ip addr del 10.8.0.99/24 dev uplink");
});

it("neighbours ask from and at IPv6 link-local addresses", async () => {
  const scoped = (node: string) => {
    const line = lab.run(node, "ip -6 -o addr show dev net2 scope link");
    return `${/inet6 ([^/]+)\//.exec(line)?.[1]}%net2`;
  };
  const [own, neighbour] = [scoped("px"), scoped("dev2")];
  const global = "2001:db8:2::1";
  await start(`listen = { '10.8.0.53', '${global}', '${own}' }\n${officeConfig}`);
  for (const server of [own, global]) {
    const socket = await (await lab.agent("dev2")).udp({ family: 6, address: neighbour });
    // At once, so that many are taken together. Digits are written over the ID.
    const burst = { count: 60, offsets: [0], digits: 2, perSecond: 1e6 };
    await socket.flood(query([{ name: F2, type: "SOA" }]), server, 53, burst);
    await until("each is answered", () => socket.arrivals.length === burst.count, 5000);
    const answers = socket.arrivals.map(({ address, bytes }) => [address, unpack(bytes).rcode]);
    expect(new Set(answers.map(String))).toEqual(new Set([`${server},0`]));
  }
});

it("[A1.11] a disabled interface: no group joined, no packet sent, its zone REFUSED", async () => {
  const ear = await lab.capture("net2", "");
  const mac = lab.mac("px", "net2");
  await start(
    `interfaces = { { name = 'net1', subdomain = 'floor1.example.com' },
                    { name = 'net2', subdomain = 'floor2.example.com', disable = true } }`,
    { apex: "floor1.example.com" },
  );
  const client = await lab.client();
  expect((await client.ask("x.floor2.example.com", "A")).rcode).toBe(5);
  await sleep(5000);
  expect(lab.run("px", "ip maddr show dev net2")).not.toMatch(/224\.0\.0\.251|ff02::fb/);
  const sent = (await ear.from(mac)).filter(({ targetPort }) => targetPort !== 0);
  expect(sent).toEqual([]);
});

it("[A1.12] SIGHUP takes a good file and keeps the old one when the new one is wrong", async () => {
  const device = await lab.device("dev1", "net1");
  device.answers("kept.local", "A", [flush(rec("kept.local", "A", 120, "10.1.0.5"))]);
  const daemon = await start(officeConfig);
  const client = await lab.client();
  expect(dataOf((await client.ask("kept.bldg-1.example.com", "A")).answers, 1)).toHaveLength(1);
  daemon.reload(officeConfig.replaceAll("floor2.", "second."));
  await until("the new zone is served", async () => {
    const reply = await client.ask("second.example.com", "SOA");
    return reply.answers.length === 1;
  });
  expect((await client.ask("floor2.example.com", "SOA")).rcode).toBe(5);
  const before = daemon.log.length;
  daemon.reload("interfaces = { { name = 'net1', subdomian = 'x' } }");
  await until("the error is logged", () =>
    daemon.log.slice(before).some((line) => line.includes("subdomian")),
  );
  const reply = await client.ask("second.example.com", "SOA");
  expect(dataOf(reply.answers, types.SOA)).toHaveLength(1);
  expect(daemon.child.exit).toBeUndefined();
});

it("start-up errors are one line and status 1", async () => {
  await start(`listen = { '10.8.0.53' }\n${officeConfig}`);
  for (const [text, says] of [
    [`listen = { '10.8.0.53' }\nport = { udp = 53, tcp = 53 }\n${officeConfig}`, /10\.8\.0\.53/],
    ["interfaces = { { name = 'net1', subdomain = 7 } }", /discd\.lua:5: /],
  ] as const) {
    const second = Daemon.launch(lab.enter("px"), text);
    running.push(second);
    await until("it ends", () => second.child.exit !== undefined, 10_000);
    expect(second.child.exit).toEqual({ code: 1, signal: null });
    await second.child.ended;
    const lines = second.log.filter((line) => line !== "");
    expect(lines).toHaveLength(1);
    expect(lines.join("\n")).toMatch(says);
    expect(lines.join("\n")).not.toMatch(/^\s+at |Error:.*\n\s+at/m);
  }
});

it("SIGTERM and SIGINT end it with status 0, SIGUSR2 writes its state to the log", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const daemon = await start(officeConfig);
    const before = daemon.log.length;
    daemon.child.kill("SIGUSR2");
    await until("the state is logged", () => daemon.log.length > before);
    for (const line of daemon.log) expect(() => JSON.parse(line), line).not.toThrow();
    daemon.child.kill(signal);
    await until("it ends", () => daemon.child.exit !== undefined, 5000);
    expect(daemon.child.exit).toEqual({ code: 0, signal: null });
  }
});

it("with no file each interface is served as <interface>.home.arpa", async () => {
  const device = await lab.device("dev1", "net1");
  device.answers("bare.local", "A", [flush(rec("bare.local", "A", 120, "10.1.0.6"))]);
  const child = new Child([...lab.enter("px"), discd]);
  running.push(child);
  const client = await lab.client();
  await until("net1.home.arpa is served", async () => {
    const reply = await client.ask("net1.home.arpa", "SOA", { limit: 300 }).catch(() => undefined);
    return reply?.answers.length === 1;
  });
  expect(dataOf((await client.ask("bare.net1.home.arpa", "A")).answers, 1)).toEqual(["10.1.0.6"]);
  expect((await client.ask("uplink.home.arpa", "SOA")).answers).toHaveLength(1);
  expect(child.stderrLines.join("\n")).toContain("net1.home.arpa");
});

/** Every dig command among the printed lines, without the prompt in front of it. */
function printedDigs(child: Child): string[][] {
  const lines = [...child.stdoutLines, ...child.stderrLines];
  const commands = lines.flatMap((line) => /\bdig (@.+?)\s*(#.*)?$/.exec(line)?.[1] ?? []);
  return commands.map((text) =>
    (text.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll(/^['"]|['"]$/g, "")),
  );
}

it("the demo answers the lines it prints, with no network at all", async () => {
  const child = new Child([...lab.enter("solo"), discd, "--demo"]);
  running.push(child);
  const commands = await until("lines to try", () => {
    const found = printedDigs(child);
    return found.length >= 2 && found;
  });
  await sleep(500);
  for (const words of commands) {
    const dug = await dig(lab.enter("solo"), words);
    const shown = words.includes("+short") ? dug.text.trim().split("\n") : dug.answer;
    expect(shown, `${words.join(" ")}: ${dug.text}`).not.toEqual([]);
    expect(shown).not.toEqual([""]);
  }
  const server = commands[0]!.filter((word) => /^(@|-p|\d+$)/.test(word));
  const soa = await dig(lab.enter("solo"), [...server, "SOA", "demo.home.arpa."]);
  expect(soa.answer).toHaveLength(1);
});

it("without the right to port 53 the default ports move to 5300", async () => {
  const drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = new Child([...lab.enter("solo"), ...drop, discd, "--demo"]);
  running.push(child);
  const soa = await until("port 5300 answers", async () => {
    const dug = await dig(lab.enter("solo"), [
      "@127.0.0.1",
      "-p",
      "5300",
      "SOA",
      "demo.home.arpa.",
    ]);
    return dug.answer.length === 1 && dug;
  });
  expect(soa.status).toBe("NOERROR");
  const tcp = await dig(lab.enter("solo"), [
    "@127.0.0.1",
    "-p",
    "5300",
    "+tcp",
    "SOA",
    "demo.home.arpa.",
  ]);
  expect(tcp.answer).toHaveLength(1);
  expect(child.stderrLines.join("\n")).toContain("5300");
});

it("[A5.9] a pattern and a function name the zones after the interfaces", async () => {
  await start(
    `interfaces = {
      { name = 'net*', subdomain = function(interface)
          local net = interface.prefixes[1]:match('^10%.(%d+)%.')
          return interface.name:upper() .. '.' .. net .. '.example.com'
        end },
      { name = '*', disable = true },
    }`,
    { apex: "net1.1.example.com" },
  );
  const client = await lab.client();
  for (const zone of ["NET1.1.example.com", "net2.2.example.com"]) {
    expect((await client.ask(zone, "SOA")).answers, zone).toHaveLength(1);
  }
  expect((await client.ask("uplink.8.example.com", "SOA")).rcode).toBe(5);
});

it("[DP-25] two hundred browse domains come over TCP, all of them", async () => {
  const stem = ["a", "b", "c"].map((letter) => letter.repeat(63)).join(".");
  await start(`${officeConfig}
local all = {}
for i = 1, 200 do
  all[i] = '${stem}.${"d".repeat(50)}' .. string.format('%04d', i)
end
browse = { b = all, lb = all, db = {} }`);
  const dug = await lab.dig("+tcp", "PTR", `lb._dns-sd._udp.${F2}.`);
  expect(dug.answer).toHaveLength(200);
  const empty = await lab.dig("PTR", `db._dns-sd._udp.${F2}.`);
  expect([empty.status, empty.answer]).toEqual(["NOERROR", []]);
});
