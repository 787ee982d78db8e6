// What becomes of a link's membership in the groups of multicast DNS: switches that
// snoop forget who does not report, and forward nothing to him any more.

import { expect } from "vitest";
import type { Capture, Frame } from "./capture.js";
import { until } from "./children.js";
import { Daemon } from "./daemon.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("tcpdump");

const drawing = `
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | dev1 10.1.0.3/24 2001:db8:1::3/64
`;

const config = `
interfaces = { { name = 'net1', subdomain = 'floor1.example.com' } }
`;

let lab: Lab;
let daemon: Daemon;
let ear: Capture;

laboratory(
  async (built) => {
    lab = built;
    // MLD has a header of options between the IPv6 header and ICMPv6.
    ear = await lab.capture("net1", "igmp or ip6 proto 0");
    daemon = await lab.discd(config, {
      server: "10.1.0.1",
      from: "dev1",
      apex: "floor1.example.com",
    });
  },
  () => new Lab(drawing, {}),
);

const bridgeMac = () => lab.run("link-net1", "cat /sys/class/net/br0/address").trim();

interface Report {
  readonly source: string;
  readonly group: string;
}

/** Groups that a report says somebody is in: IGMPv3 (RFC 3376 §4.2), MLDv2 (RFC 3810 §5.2). */
function reportsIn({ family, source, payload }: Frame): Report[] {
  const start = family === 4 ? (payload[0]! & 15) * 4 : 48;
  const size = family === 4 ? 4 : 16;
  const message = payload.subarray(start);
  if (message[0] !== (family === 4 ? 0x22 : 143)) return [];
  const reports: Report[] = [];
  for (let at = 8, left = message.readUInt16BE(6); left > 0; left--) {
    const [kind, sources] = [message[at]!, message.readUInt16BE(at + 2)];
    const address = message.subarray(at + 4, at + 4 + size);
    const group = family === 4 ? [...address].join(".") : address.toString("hex");
    // MODE_IS_EXCLUDE and CHANGE_TO_EXCLUDE_MODE of no sources: everything is wanted.
    if ((kind === 2 || kind === 4) && sources === 0) reports.push({ source, group });
    at += 4 + size + sources * size + message[at + 1]! * 4;
  }
  return reports;
}

const groups = { 4: "224.0.0.251", 6: `ff02${"0".repeat(26)}fb` } as const;

const reportsFor = (family: 4 | 6, mac: string, after: number) =>
  ear.frames
    .filter((frame) => frame.mac === mac && frame.family === family && frame.at >= after)
    .flatMap(reportsIn)
    .filter(({ group }) => group === groups[family]);

/** Whether the kernel holds both groups for net1. */
function isMember(): boolean {
  const igmp = lab.run("px", "cat /proc/net/igmp").split(/\n(?=\d)/);
  const ipv4 = igmp.find((part) => /^\d+\s+net1\b/.test(part)) ?? "";
  const ipv6 = lab.run("px", "cat /proc/net/igmp6");
  return /\bFB0000E0\b/.test(ipv4) && new RegExp(`net1\\s+${groups[6]}\\b`).test(ipv6);
}

it("C1 row 24: another IPv4 address in place of the old one, and the group is joined from it", async () => {
  const mac = lab.mac("px", "net1");
  await until("the group was joined", () => reportsFor(4, mac, 0).length > 0 && isMember());
  // Each report is sent twice, the second time within a second (RFC 3376 §8.11).
  await until("the last report of joining", () => Date.now() - (ear.frames.at(-1)?.at ?? 0) > 2500);
  const changed = Date.now();
  lab.run("px", "ip addr del 10.1.0.1/24 dev net1; ip addr add 10.1.0.77/24 dev net1");
  const reports = await until("a report from the new address", () => {
    const found = reportsFor(4, mac, changed);
    return found.length > 0 ? found : undefined;
  });
  expect(new Set(reports.map(({ source }) => source))).toEqual(new Set(["10.1.0.77"]));
  expect(isMember()).toBe(true);
});

it("C1 row 24: another IPv6 link-local address, and the group is joined from it", async () => {
  const mac = lab.mac("px", "net1");
  const changed = Date.now();
  lab.run(
    "px",
    "ip -6 addr add fe80::77/64 dev net1; ip -6 addr show dev net1 scope link | " +
      "sed -n 's/.*inet6 \\(fe80::[^ ]*\\).*/\\1/p' | grep -v ::77/ | " +
      "xargs -I{} ip -6 addr del {} dev net1",
  );
  const from = `fe80${"0".repeat(24)}0077`.match(/.{4}/g)!.join(":");
  await until("a report from the new address", () =>
    reportsFor(6, mac, changed).some(({ source }) => source === from),
  );
  expect(isMember()).toBe(true);
  expect(daemon.child.exit).toBeUndefined();
});

/** What is known of queriers on net1. */
async function hasQuerier(): Promise<boolean | null | undefined> {
  const { engine } = await daemon.state();
  return engine.links.find(({ id }) => id === "net1")?.hasQuerier;
}

/** The switch asks for IGMP, for MLD or for both, each second. */
function ask(how: "igmp" | "mld"): void {
  lab.run(
    "link-net1",
    `sysctl -qw net.ipv6.conf.br0.disable_ipv6=${how === "mld" ? 0 : 1}; ` +
      "ip link set br0 type bridge mcast_snooping 1 mcast_querier 1 " +
      "mcast_query_interval 100 mcast_startup_query_interval 100",
  );
}

function askNothing(): void {
  const off = "ip link set br0 type bridge mcast_querier 0 mcast_snooping 0";
  lab.run("link-net1", `${off}; sysctl -qw net.ipv6.conf.br0.disable_ipv6=1`);
}

it("C1 row 24: a switch that asks for IGMP groups is heard as a querier", async () => {
  expect(await hasQuerier()).toBeNull();
  ask("igmp");
  try {
    await until("the querier is heard", async () => (await hasQuerier()) === true, 15_000, 500);
  } finally {
    askNothing();
  }
  expect(ear.frames.some(({ family, mac }) => family === 6 && mac === bridgeMac())).toBe(false);
});

it("C1 row 24: and so is one that asks for MLD groups alone, without CAP_NET_RAW", async () => {
  await daemon.stop();
  const client = await lab.client({ node: "dev1", server: "10.1.0.77" });
  const without = ["setpriv", "--bounding-set=-net_raw"];
  daemon = lab.keep(Daemon.launch([...lab.enter("px"), ...without], config));
  await until("discd answers", async () => {
    const reply = await client
      .ask("floor1.example.com", "SOA", { limit: 300 })
      .catch(() => undefined);
    return reply?.answers.length === 1;
  });
  const told = daemon.log.filter((line) => line.includes("queriers-unheard"));
  expect(told).toEqual([expect.stringContaining("CAP_NET_RAW")]);
  ask("mld");
  try {
    await until("the querier is heard", async () => (await hasQuerier()) === true, 15_000, 500);
  } finally {
    askNothing();
  }
});
