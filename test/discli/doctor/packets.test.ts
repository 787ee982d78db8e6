// Stage 5 judged from evidence: sizes, interfaces, and the way to devices.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judgeMtu, type PathFacts } from "../../../src/discli/doctor/mtu.js";
import {
  countPackets,
  devicesBelow,
  judgeOnPath,
  type OnPathEvidence,
} from "../../../src/discli/doctor/on-path.js";
import { judgeRoute, type Route } from "../../../src/discli/doctor/route-stage.js";
import { judgeServices, type ServiceAddress } from "../../../src/discli/doctor/service-route.js";

/** Of the ladder, how often each size was sent; 0: lost. */
const path = (sent: readonly number[], more: Partial<PathFacts> = {}): PathFacts => ({
  server: "10.8.0.53",
  steps: [512, 1232, 1452, 4096].map((bytes, at) => ({ bytes, sent: sent[at] || undefined })),
  burst: { wanted: 40, came: 40 },
  learned: undefined,
  ...more,
});

test.each([
  ["all sizes", [path([1, 1, 1, 1])], "PASS"],
  ["fragments are lost", [path([1, 1, 1, 0])], "PASS"],
  ["a tunnel of 1,420 bytes", [path([1, 1, 0, 0])], "PASS"],
  ["1,232 bytes are lost", [path([1, 0, 0, 0])], "MTU-BLACKHOLE"],
  ["one family of two", [path([1, 1, 1, 1]), path([1, 0, 0, 0])], "MTU-BLACKHOLE"],
  [
    "full segments are lost",
    [path([1, 1, 1, 1], { burst: { wanted: 40, came: 1 } })],
    "MTU-BLACKHOLE",
  ],
  ["a router has told 1,000", [path([1, 2, 2, 2], { learned: 1000 })], "SMALL-MTU"],
  ["a router has told 1,420", [path([1, 1, 2, 2], { learned: 1420 })], "PASS"],
  ["IPv6 with its least", [path([1, 1, 2, 2], { server: "2001:db8::53", learned: 1280 })], "PASS"],
  ["no TCP", [path([1, 1, 1, 1], { burst: undefined })], "PASS"],
  ["nothing at all", [path([0, 0, 0, 0])], "SKIP"],
] as const)("A8.8 A8.15 A8.21 mtu: %s", (_, paths, expected) => {
  const { code, state, remedy } = judgeMtu(paths);
  expect(code ?? state).toBe(expected);
  if (code === "SMALL-MTU") expect(remedy.join()).toContain("udp_size = 972");
});

const lines = `20:36:50.675546 wan   Out IP 10.9.0.2.47794 > 10.8.0.53.53: 52648 [1au] SOA? x. (47)
20:36:50.675591 wan   Out IP6 2001:db8:9::2.59116 > 2001:db8:8::53.53: 43603 [1au] SOA? x. (47)
20:36:50.675775 wan   In  IP 10.8.0.53.53 > 10.9.0.2.42718: Flags [P.], seq 1:2, length 3520
20:36:50.675786 hot   Out IP 10.9.0.2.42718 > 10.8.0.53.53: Flags [.], ack 3520, win 70
tcpdump says something else`.split("\n");

test("A8.6 packets are counted by interface and direction", () => {
  expect(countPackets(lines)).toEqual([
    { dev: "wan", out: 2, in: 1 },
    { dev: "hot", out: 1, in: 0 },
  ]);
});

const seen = (more: Partial<OnPathEvidence>): OnPathEvidence => {
  return { expected: ["wan"], filter: "port 53", seen: [], lines: [], ...more };
};

test.each([
  ["there and back", { seen: [{ dev: "wan", out: 2, in: 2 }] }, "PASS"],
  [
    "some by another",
    {
      seen: [
        { dev: "wan", out: 2, in: 2 },
        { dev: "hot", out: 1, in: 0 },
      ],
    },
    "OFF-PATH",
  ],
  [
    "each family by its own",
    { expected: ["wan", "hot"], seen: [{ dev: "hot", out: 2, in: 2 }] },
    "PASS",
  ],
  ["by another", { seen: [{ dev: "hot", out: 2, in: 2 }] }, "OFF-PATH"],
  ["nothing back", { seen: [{ dev: "wan", out: 2, in: 0 }] }, "NO-REPLY"],
  [
    "back by another way",
    {
      seen: [
        { dev: "wan", out: 2, in: 0 },
        { dev: "hot", out: 0, in: 2 },
      ],
    },
    "PASS",
  ],
  [
    "a bridge and its port",
    {
      below: ["lan0"],
      seen: [
        { dev: "wan", out: 2, in: 2 },
        { dev: "lan0", out: 2, in: 2 },
      ],
    },
    "PASS",
  ],
  ["nothing seen", {}, "SKIP"],
  ["no right", { reason: "tcpdump may not watch" }, "SKIP"],
] as const)("A8.6 on-path: %s", (_, more, expected) => {
  const { code, state, remedy } = judgeOnPath(seen(more));
  expect(code ?? state).toBe(expected);
  if (expected === "SKIP" && "reason" in more)
    expect(remedy[0]).toContain("tcpdump -ni wan 'port 53'");
});

test("A8.6 what a device is made of, to the last", () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-devices-"));
  const made = [
    "br0/lower_bond0.10",
    "bond0.10/lower_bond0",
    "bond0/lower_eth0",
    "bond0/lower_eth1",
  ];
  for (const one of [...made, "eth0/upper_bond0", "eth2/upper_wg0"]) {
    mkdirSync(join(folder, one), { recursive: true });
  }
  expect(devicesBelow(["br0"], folder)).toEqual(["bond0.10", "bond0", "eth0", "eth1"]);
  expect(devicesBelow(["eth2", "gone"], folder)).toEqual([]);
  // Nobody makes a ring; whoever tells of one is not followed for ever.
  mkdirSync(join(folder, "eth0/lower_br0"));
  expect(devicesBelow(["br0"], folder)).toEqual(["bond0.10", "bond0", "eth0", "eth1"]);
  rmSync(folder, { recursive: true });
});

const route = (more: Partial<Route>): Route => {
  return { address: "10.8.0.53", role: "server", dev: "wan", ...more };
};
const none = { address: "2001:db8::53", role: "server", reason: "Network is unreachable" } as const;

test.each([
  ["as meant", "wan", [route({})], "PASS"],
  ["not said", undefined, [route({})], "PASS"],
  ["another", "wg0", [route({})], "WRONG-INTERFACE"],
  ["one family has none", "wan", [route({}), none], "PASS"],
  ["no family has one", undefined, [none], "NO-ROUTE"],
  ["this host", "wan", [route({ dev: "lo", isLocal: true })], "PASS"],
  [
    "the resolver's way does not matter",
    "wan",
    [route({}), route({ role: "resolver", dev: "hot" })],
    "PASS",
  ],
  [
    "discd unknown: the resolver's does",
    "wan",
    [route({ role: "resolver", dev: "hot" })],
    "WRONG-INTERFACE",
  ],
  ["nobody known", undefined, [], "SKIP"],
] as const)("A8.3 route: %s", (_, expected, routes, wanted) => {
  const { code, state, decision } = judgeRoute({ expected, routes });
  expect(code ?? state).toBe(wanted);
  if (code === "WRONG-INTERFACE") expect(decision).toContain(`not by ${expected}`);
});

test("A8.7 a resolver without a way to it is no matter of this check, and is told", () => {
  const routes: Route[] = [
    { address: "10.8.0.53", role: "server", dev: "wan" },
    { address: "10.7.0.53", role: "resolver", reason: "Network is unreachable" },
  ];
  const { state, decision } = judgeRoute({ expected: undefined, routes });
  const want = "there is a way to the server, and none to the resolver 10.7.0.53";
  expect([state, decision]).toEqual(["PASS", want]);
});

const service = (outcome: ServiceAddress["outcome"], more: Partial<Route> = {}): ServiceAddress => {
  const way: Route = { address: "10.1.0.2", role: "service", dev: "wan", ...more };
  return { instance: "Printer", port: 631, route: way, outcome };
};
const noWay: ServiceAddress = {
  ...service("silent"),
  route: { address: "2001:db8:1::2", role: "service", reason: "Network is unreachable" },
};

test.each([
  ["open", [service("open")], "PASS"],
  ["refused: the host is there", [service("refused")], "PASS"],
  ["over UDP, with a way", [service(undefined)], "PASS"],
  ["silent", [service("silent")], "SERVICE-UNROUTED"],
  ["no route", [noWay], "SERVICE-UNROUTED"],
  ["this host has no IPv6", [service("open"), noWay], "PASS"],
  [
    "one of two printers",
    [service("open"), service("silent", { address: "10.1.0.3" })],
    "SERVICE-SILENT",
  ],
  [
    "one of two networks",
    [service("open"), service("silent", { address: "10.2.0.3" })],
    "SERVICE-UNROUTED",
  ],
  [
    "nobody is heard beside it",
    [service(undefined), service("silent", { address: "10.1.0.3" })],
    "SERVICE-UNROUTED",
  ],
  ["none", [], "SKIP"],
] as const)("A8.11 A8.15 service-route: %s", (_, found, expected) => {
  const { code, state } = judgeServices(found);
  expect(code ?? state).toBe(expected);
});
