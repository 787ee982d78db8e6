// One fault at a time, and the doctor has to name it and no other.

import { expect } from "vitest";
import { config, type Diagnosis, doctorStage, server, zone } from "./doctor-stage.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "nft", "tcpdump", "unbound");
const built = doctorStage();

/** The fault, and the stages behind it were not looked at. */
function expectFault(found: Diagnosis, fault: string, status = 2): void {
  const seen = found.checks.map(({ id, state, decision }) => `${id} ${state} ${decision}`);
  expect([found.faults, found.status], seen.join("\n")).toEqual([[fault], status]);
  for (const { state, remedy } of found.checks)
    if (state === "FAIL") expect(remedy).not.toEqual([]);
}

it("A8 no fault: every check passes or has nothing to look at, in good time", async () => {
  const found = await built.stage.run();
  expect([found.faults, found.left, found.status]).toEqual([[], [], 0]);
  const again = await built.stage.run();
  expect(again.faults).toEqual([]);
  // On idle processors some 2 s.
  expect(again.ms).toBeLessThan(3000);
});

it("A8.3 wrong route: by another interface than the one that was meant", async () => {
  const { stage } = built;
  const found = await stage.withCommands(
    "cli",
    `ip route add ${server} via 10.6.0.1 dev hot`,
    `ip route del ${server}`,
    () => stage.run(`--zone ${zone} --server ${server} --expect-if wan`),
  );
  expectFault(found, "route WRONG-INTERFACE");
  expect(found.check("route")?.decision).toMatch(/leave by hot, not by wan/);
  expect(found.left).toContain("direct");
});

it("A8.3 no route at all", async () => {
  const { stage } = built;
  const found = await stage.withCommands(
    "cli",
    `ip route add unreachable ${server}; ip -6 route add unreachable 2001:db8:8::53`,
    `ip route del unreachable ${server}; ip -6 route del unreachable 2001:db8:8::53`,
    () => stage.run(),
  );
  expectFault(found, "route NO-ROUTE");
});

it("A8.5 A8.15 resolver that ignores the zone", async () => {
  const { stage } = built;
  await stage.resolver([`local-zone: "${zone}" always_nxdomain`]);
  const found = await stage.run();
  await stage.resolver();
  expectFault(found, "system-path ZONE-NOT-SENT");
  expect(found.check("system-path")?.decision).toMatch(
    /does not send floor1\.example\.com to 10\.8\.0\.53/,
  );
});

const drop53 = (proto: string) =>
  `chain forward { type filter hook forward priority 0; ip daddr ${server} ${proto} dport 53 drop; ` +
  `ip6 daddr 2001:db8:8::53 ${proto} dport 53 drop; }`;

it("A8.4 port 53 blocked: the host is there", async () => {
  const { stage } = built;
  const found = await stage.withRules([drop53("meta l4proto { tcp, udp } th")], () => stage.run());
  expectFault(found, "direct PORT53-BLOCKED");
});

it("A8.4 A8.26 UDP port 53 blocked", async () => {
  const { stage } = built;
  const found = await stage.withRules([drop53("udp")], () => stage.run());
  expectFault(found, "direct UDP53-BLOCKED");
});

it("A8.4 TCP port 53 blocked", async () => {
  const { stage } = built;
  const found = await stage.withRules([drop53("tcp")], () => stage.run());
  expectFault(found, "direct TCP53-BLOCKED");
});

it("A8.8 A8.15 small MTU, and no router says so", async () => {
  const { stage } = built;
  const hole = "chain forward { type filter hook forward priority 0; meta length > 1100 drop; }";
  const found = await stage.withRules([hole], () => stage.run());
  expectFault(found, "mtu MTU-BLACKHOLE");
});

it("A8.8 A8.21 small MTU, and the router says so", async () => {
  const { stage } = built;
  const found = await stage.withCommands(
    "rt",
    `ip route add ${server} dev uplink mtu lock 1000`,
    `ip route del ${server}`,
    () => stage.run(),
  );
  stage.lab.run("cli", "ip route flush cache");
  expectFault(found, "mtu SMALL-MTU", 1);
});

it("A8.4 A8.26 port 53 hijacked on the way", async () => {
  const { stage } = built;
  const rules = [
    "chain pre { type nat hook prerouting priority -100;",
    "  iifname wan meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 dnat ip to 10.7.0.53;",
    "}",
    "chain post { type nat hook postrouting priority 100; masquerade; }",
  ];
  const found = await stage.withRules(rules, () => stage.run());
  expectFault(found, "hijack PORT53-HIJACKED");
});

it("A8.23 broken IPv6", async () => {
  const { stage } = built;
  const rule =
    "chain forward { type filter hook forward priority 0; ip6 daddr 2001:db8:8::53 drop; }";
  const found = await stage.withRules([rule], () => stage.run());
  expectFault(found, "direct V6-BROKEN");
});

it("A8.4 dead discd", async () => {
  const { stage } = built;
  await stage.discd?.stop();
  const found = await stage.run();
  stage.discd = await stage.lab.discd(config, { apex: zone });
  expectFault(found, "direct SERVER-DOWN");
});

it("C1 row 11 rebinding filter", async () => {
  const { stage } = built;
  const filter = ["private-address: 10.1.0.0/16", "private-address: 2001:db8:1::/48"];
  await stage.resolver(filter);
  const found = await stage.run();
  await stage.resolver();
  expectFault(found, "rebinding REBIND");
  expect(found.check("rebinding")?.remedy).toContain(`Unbound: private-domain: "${zone}"`);
  await stage.resolver([...filter, `private-domain: "${zone}"`]);
  const mended = await stage.run();
  await stage.resolver();
  expect(mended.faults).toEqual([]);
});
