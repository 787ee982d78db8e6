// Mode 'update' where names come from subnets, where two links share one name, where
// the server refuses a host, and where a link goes and comes: the running daemon,
// real named, scripted devices.

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect } from "vitest";
import type { Daemon } from "./daemon.js";
import type { Device } from "./device.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { flush, rec } from "./packet.js";
import { drawing, goodbye, logged, Publishing, service, zone } from "./publishing.js";

const it = needs("dig", "named", "tcpdump");

let lab: Lab;
let site: Publishing;
let device: Device;
let device2: Device;
let daemon: Daemon | undefined;

/** Of this one, hosts have to be host names; BIND's own default. */
const strictPort = 5301;

laboratory(
  async (built) => {
    lab = built;
    site = new Publishing(lab);
    await site.open();
    await site.primary();
    await site.primary(strictPort, { zoneLines: [] });
    device = await lab.device("dev1", "net1");
    device2 = await lab.device("dev2", "net2");
  },
  () => new Lab(drawing, {}),
);

afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
});

const ipv4 = `0a010000.${zone}`;
const ipv6 = `20010db800010000.${zone}`;

it("[UP-2] [UP-10] per_subnet: a service in the zone of each subnet, with its addresses alone", async () => {
  daemon = await site.start(
    `{ name = 'net1', mode = 'update', subdomain = '${zone}', per_subnet = true },`,
  );
  device.announce([
    ...service("Both", { host: "both" }),
    flush(rec("both.local", "AAAA", 120, "2001:db8:1::3")),
  ]);
  device.announce(service("Four", { host: "four" }));
  await site.has(new RegExp(`^Both\\.\\S+\\.${ipv4}\\. \\d+ SRV `));
  await site.has(new RegExp(`^Both\\.\\S+\\.${ipv6}\\. \\d+ SRV `));
  await site.has(/^Four\.\S+ \d+ SRV /);
  const lines = site.records();
  expect(lines.filter((line) => /^both\./.test(line))).toEqual([
    `both.${ipv4}. 120 A 10.1.0.3`,
    `both.${ipv6}. 120 AAAA 2001:db8:1::3`,
  ]);
  const listed = lines.filter((line) => /^_ipp\._tcp\.\S+ \d+ PTR Both/.test(line));
  expect(listed.sort()).toEqual([
    `_ipp._tcp.${ipv4}. 120 PTR Both._ipp._tcp.${ipv4}.`,
    `_ipp._tcp.${ipv6}. 120 PTR Both._ipp._tcp.${ipv6}.`,
  ]);
  expect(lines.filter((line) => /^Four/.test(line) && line.includes(ipv6))).toEqual([]);
});

it("[UP-2] otherwise one name for both families, each service in it once", async () => {
  daemon = await site.start(`{ name = 'net1', mode = 'update', subdomain = 'one.${zone}' },`);
  device.announce([
    ...service("Single", { host: "single" }),
    flush(rec("single.local", "AAAA", 120, "2001:db8:1::3")),
  ]);
  await site.has(/^single\.\S+ \d+ AAAA /);
  const lines = site.records().filter((line) => line.includes(`.one.${zone}`));
  expect(lines.filter((line) => / PTR Single/.test(line))).toHaveLength(1);
  expect(lines.filter((line) => /^single\./.test(line))).toEqual([
    `single.one.${zone}. 120 A 10.1.0.3`,
    `single.one.${zone}. 120 AAAA 2001:db8:1::3`,
  ]);
});

it("[UP-56] two links, one name: addresses unite, the first SRV stays, and goes with its link", async () => {
  const sub = `two.${zone}`;
  daemon = await site.start(
    ["net1", "net2"]
      .map((link) => `{ name = '${link}', mode = 'update', subdomain = '${sub}' },`)
      .join(" "),
  );
  const shared = { host: "shared" };
  device.announce(service("Same", shared));
  await site.has(/^Same\.\S+ \d+ SRV /);
  device2.announce(service("Same", { ...shared, address: "10.2.0.3" }));
  const addresses = () => site.records().filter((line) => line.startsWith(`shared.${sub}.`));
  await site.has(/^shared\.\S+ 120 A 10\.2\.0\.3$/);
  expect(addresses()).toEqual([`shared.${sub}. 120 A 10.1.0.3`, `shared.${sub}. 120 A 10.2.0.3`]);

  // One link lets go: the other's word stands.
  device.announce(goodbye(service("Same", shared)));
  await site.hasNot(/^shared\.\S+ 120 A 10\.1\.0\.3$/);
  expect(addresses()).toEqual([`shared.${sub}. 120 A 10.2.0.3`]);
  expect(await site.has(/^Same\.\S+ \d+ SRV /)).toHaveLength(1);

  device.announce(service("Rival", { host: "rival", port: 1000 }));
  await site.has(/^Rival\.\S+ \d+ SRV 0 0 1000 /);
  device2.announce(service("Rival", { host: "rival", port: 2000, address: "10.2.0.3" }));
  await sleep(3000);
  expect(await site.has(/^Rival\.\S+ \d+ SRV /)).toEqual([
    `Rival._ipp._tcp.${sub}. 120 SRV 0 0 1000 rival.${sub}.`,
  ]);
  const told = logged(daemon, "service-not-published");
  expect(told).toMatchObject([{ link: "net2", reason: "another link says otherwise" }]);
  device.announce(goodbye(service("Rival", { host: "rival", port: 1000 })));
  await site.has(/^Rival\.\S+ \d+ SRV 0 0 2000 /);
});

it("[UP-53] where the server wants host names, the host with an underscore alone is missing", async () => {
  daemon = await site.start(`{ name = 'net1', mode = 'update', subdomain = '${zone}' },`, {
    port: strictPort,
  });
  for (const host of ["plain1", "android_12", "plain2"]) {
    device.announce(service(`At ${host}`, { host }));
  }
  await site.has(/^At\\032plain1\.\S+ \d+ SRV /, { port: strictPort, limit: 20_000 });
  await site.has(/^At\\032plain2\.\S+ \d+ SRV /, { port: strictPort, limit: 20_000 });
  await site.quiet();
  expect(site.records(strictPort).filter((line) => line.includes("android"))).toEqual([]);
  expect(daemon.log.filter((line) => line.includes("android_12")).length).toBeGreaterThan(0);
});

it("[UP-12] a link that is away for five seconds causes no message; for longer, all is withdrawn", async () => {
  daemon = await site.start(`{ name = 'net1', mode = 'update', subdomain = 'hold.${zone}' },`);
  const records = service("Stayer", { host: "stayer" });
  const names = ["_ipp._tcp.local", "Stayer._ipp._tcp.local", "stayer.local"];
  const answering = names.map((name) => device.answers(name, undefined, records));
  device.announce(records);
  await site.has(/^Stayer\.\S+ \d+ SRV /);
  const since = await site.quiet();
  const cable = (state: string) => lab.run("link-net1", `ip link set dev px ${state}`);
  cable("down");
  await sleep(5000);
  expect(logged(daemon, "link-down")).toHaveLength(1);
  cable("up");
  await sleep(13_000);
  expect(logged(daemon, "link-up").length).toBeGreaterThan(1);
  expect(site.updates(since)).toEqual([]);
  expect(await site.has(/^Stayer\.\S+ \d+ SRV /)).toHaveLength(1);
  const begun = Date.now();
  cable("down");
  await site.hasNot(/Stayer/, 20_000);
  expect(Date.now() - begun).toBeLessThan(15_000);
  cable("up");
  for (const one of answering) one.end();
});
