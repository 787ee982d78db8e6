// One fault at a time, and the doctor has to name it and no other.

import { expect } from "vitest";
import { Child } from "./children.js";
import { config, type Diagnosis, doctorStage, saidBy, server, zone } from "./doctor-stage.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "nft", "tcpdump", "unbound");
const built = doctorStage();

/** Passes queries on to the resolver, and keeps each answer for a while. */
const farRelay = `
const { createSocket } = require("node:dgram");
const front = createSocket("udp4");
front.on("message", (query, from) => {
  const back = createSocket("udp4");
  back.on("message", (answer) => {
    back.close();
    setTimeout(() => front.send(answer, from.port, from.address), 200);
  });
  back.send(query, 53, "10.7.0.53");
});
front.bind(53, "10.9.0.1", () => console.log("listening"));
`;

/** The fault, and the stages behind it were not looked at. */
function expectFault(found: Diagnosis, fault: string, status = 2): void {
  expect([found.faults, found.status], saidBy(found)).toEqual([[fault], status]);
  for (const { state, remedy } of found.checks)
    if (state === "FAIL") expect(remedy).not.toEqual([]);
}

it("A8 no fault: every check passes or has nothing to look at, in good time", async () => {
  const found = await built.stage.run();
  expect([found.faults, found.left, found.status]).toEqual([[], [], 0]);
  // On idle processors some 2 s; one of three, since others may be at work.
  const times: number[] = [];
  for (let left = 3; left > 0 && !times.some((ms) => ms < 3000); left--) {
    const again = await built.stage.run();
    expect(again.faults, saidBy(again)).toEqual([]);
    times.push(again.ms);
  }
  expect(Math.min(...times)).toBeLessThan(3000);
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

it("A8.5 the resolver names another domain to browse than discd", async () => {
  const { stage } = built;
  const lb = `lb._dns-sd._udp.${zone}.`;
  await stage.resolver([
    `local-zone: "${lb}" static`,
    `local-data: "${lb} PTR floor9.example.com."`,
  ]);
  const found = await stage.run();
  await stage.resolver();
  expectFault(found, "system-path LB-DIFFERS", 1);
  expect(found.check("system-path")?.decision).toMatch(
    /browse floor1\.example\.com, and the system's resolver floor9\.example\.com; right where/,
  );
});

it("A8.4 port 53 blocked: the host is there", async () => {
  const { stage } = built;
  const found = await stage.withRules([drop53("meta l4proto { tcp, udp } th")], () => stage.run());
  expectFault(found, "direct PORT53-BLOCKED");
});

it("A8.4 TCP port 53 blocked", async () => {
  const { stage } = built;
  const found = await stage.withRules([drop53("tcp")], () => stage.run());
  expectFault(found, "direct TCP53-BLOCKED");
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
  expect(mended.faults, saidBy(mended)).toEqual([]);
});

it("A8.10 missing delegation: the zone above does not know the zone", async () => {
  const { stage } = built;
  await stage.parents(/^floor1/);
  await stage.resolver();
  const found = await stage.run();
  expectFault(found, "trace NXDOMAIN");
  expect(found.check("system-path")?.decision).toMatch(/see trace/);
  // A resolver that is told where the zone is needs no delegation.
  await stage.resolver(["stub-zone:", `name: "${zone}"`, `stub-addr: ${server}`]);
  const told = await stage.run();
  await stage.parents();
  await stage.resolver();
  expect([told.faults, told.status], saidBy(told)).toEqual([[], 0]);
  expect(told.check("trace")?.decision).toMatch(/by a rule of its own/);
});

it("A8.15 DNSSEC: the resolver validates what nobody signs", async () => {
  const { stage } = built;
  const digest = "00".repeat(32);
  await stage.resolver([
    'module-config: "validator iterator"',
    `trust-anchor: "${zone}. DS 4711 8 2 ${digest}"`,
  ]);
  const found = await stage.run();
  await stage.resolver();
  expectFault(found, "system-path DNSSEC-SERVFAIL");
});

it("A8.10 A8.15 a DS record above a zone that is not signed", async () => {
  const { stage } = built;
  await stage.parents(undefined, [`floor1.example.com. DS 4711 8 2 ${"00".repeat(32)}`]);
  await stage.resolver();
  const found = await stage.run();
  await stage.parents();
  await stage.resolver();
  expectFault(found, "trace DS-UNSIGNED");
});

it("A8.11 A8.15 names are found, and the services' network is not routed", async () => {
  const { stage } = built;
  const found = await stage.withCommands(
    "rt",
    "ip route del 10.1.0.0/24; ip -6 route del 2001:db8:1::/64",
    "ip route add 10.1.0.0/24 via 10.8.0.53; ip route add 2001:db8:1::/64 via 2001:db8:8::53",
    () => stage.run(),
  );
  expectFault(found, "service-route SERVICE-UNROUTED");
  expect(found.check("service-route")?.decision).toMatch(
    /10\.1\.0\.2, which is not reachable via wan/,
  );
});

it("A8.4 C1 row 25 a client that may not ask", async () => {
  const { stage } = built;
  stage.discd?.reload(`allow = { '!10.9.0.0/24', '!2001:db8:9::/64', 'private' }\n${config}`);
  await stage.discd?.child.says(/"event":"reload/);
  const found = await stage.run();
  stage.discd?.reload(config);
  expectFault(found, "direct CLIENT-REFUSED");
});

it("A8.15 nonstandard port: discd without the right to port 53", async () => {
  const { stage } = built;
  await stage.discd?.stop();
  const ports = "port = { udp = 5300, tcp = 5300 }\n";
  stage.discd = await stage.lab.discd(`${ports}${config}`, { apex: zone, port: 5300 });
  const found = await stage.run();
  await stage.discd.stop();
  stage.discd = await stage.lab.discd(config, { apex: zone });
  expectFault(found, "direct NONSTANDARD-PORT");
});

it("A8.15 A8.18 far resolver", async () => {
  const { stage } = built;
  const far = new Child([...stage.lab.enter("rt"), "node", "-e", farRelay]);
  await far.says(/listening/);
  const found = await stage.run(undefined, { resolvConf: "nameserver 10.9.0.1\n" });
  await far.stop();
  expectFault(found, "latency FAR-RESOLVER", 1);
  expect(found.check("latency")?.decision).toMatch(/^the system's resolver takes 2\d\d ms/);
});

it("A8.4 one of two name servers is gone", async () => {
  const { stage } = built;
  const found = await stage.run(`--zone ${zone} --server ${server},10.8.0.1`);
  expectFault(found, "direct SERVER-LAME");
});

it("without a zone or a server: not tested, and what to give", async () => {
  const { stage } = built;
  const found = await stage.run("--all");
  expect([found.faults, found.status], saidBy(found)).toEqual([[], 3]);
  expect(found.check("direct")?.remedy[0]).toMatch(/--zone/);
});

it("A8 zone and servers are found by the search domains and the NS records", async () => {
  const { stage } = built;
  const found = await stage.run("--all", {
    resolvConf: "nameserver 10.7.0.53\nsearch example.com\n",
  });
  expect([found.faults, found.status], saidBy(found)).toEqual([[], 0]);
  expect(found.check("direct")?.evidence.join()).toMatch(/2001:db8:8::53 UDP: SOA NOERROR/);
});

it("A8.23 a client of IPv6 alone", async () => {
  const { stage } = built;
  const found = await stage.withCommands(
    "cli",
    "ip -4 addr flush dev wan; ip -4 addr flush dev hot",
    "ip addr add 10.9.0.2/24 dev wan; ip addr add 10.6.0.2/24 dev hot; ip route add default via 10.9.0.1",
    () =>
      stage.run(`--zone ${zone} --server 2001:db8:8::53`, {
        resolvConf: "nameserver 2001:db8:7::53\n",
      }),
  );
  expect([found.faults, found.status], saidBy(found)).toEqual([[], 0]);
});

it("C1 row 11 the resolver answers private reverse zones itself", async () => {
  const { stage } = built;
  await stage.resolver(["unblock-lan-zones: no"]);
  const found = await stage.run();
  await stage.resolver();
  expectFault(found, "reverse REVERSE-EATEN", 1);
  expect(found.check("reverse")?.remedy).toContain(
    'Unbound: local-zone: "10.in-addr.arpa." nodefault',
  );
});

it("without rights: what needs them is skipped with the command, the rest passes", async () => {
  const { stage } = built;
  const nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all"];
  const found = await stage.run(undefined, { as: nobody });
  expect([found.faults, found.status], saidBy(found)).toEqual([[], 0]);
  expect(found.check("on-path")).toMatchObject({ state: "SKIP" });
  expect(found.check("on-path")?.remedy[0]).toMatch(/^as root, .* tcpdump -ni wan /);
  expect(found.check("firewall")).toMatchObject({ state: "SKIP" });
  expect(found.check("mtu")).toMatchObject({ state: "PASS" });
});

it("A8 lines for people: id, state, evidence; a last line; --explain and wrong ids", async () => {
  const { stage } = built;
  const told = async (...words: string[]) => {
    const child = stage.launch(words);
    await child.ended;
    return { status: child.exit?.code, out: child.stdoutLines, err: child.stderrLines };
  };
  const run = await told("doctor", "--zone", zone, "--server", server);
  expect([run.status, run.err]).toEqual([0, []]);
  const heads = run.out.filter((line) => /^\S/.test(line));
  expect(heads.at(-1)).toBe("no fault found");
  for (const line of heads.slice(0, -1)) expect(line).toMatch(/^[a-z0-9-]+ +(PASS|SKIP) {2}\S/);
  const explained = await told("doctor", "--explain", "mtu", "--server", server, "--zone", zone);
  expect(explained.out.join("\n")).toContain(`ping -M do -s 1472 ${server} `);
  const wrong = await told("doctor", "--explain", "nonsense");
  expect(wrong).toMatchObject({ status: 2, out: [] });
  expect(wrong.err.join()).toMatch(/--explain nonsense: write one of resolver-owner, .*, or all/);
  const noName = await told("doctor", "--zone", "a..b");
  expect(noName).toMatchObject({ status: 2, out: [] });
});

it("A8.6 a bridge: its port carries the same packets, and is no other way", async () => {
  const { stage } = built;
  const moved = (from: string, to: string) =>
    [
      `ip addr del 10.9.0.2/24 dev ${from}; ip addr add 10.9.0.2/24 dev ${to}`,
      `ip addr del 2001:db8:9::2/64 dev ${from}; ip addr add 2001:db8:9::2/64 dev ${to} nodad`,
      `ip route replace default via 10.9.0.1 dev ${to}`,
      `ip route replace default via 2001:db8:9::1 dev ${to}`,
    ].join("; ");
  const found = await stage.withCommands(
    "cli",
    `ip link add br0 type bridge; ip link set wan master br0; ip link set br0 up; ${moved("wan", "br0")}`,
    `ip link set wan nomaster; ${moved("br0", "wan")}; ip link del br0`,
    () => stage.run(`--zone ${zone} --server ${server} --expect-if br0`),
  );
  expect([found.faults, found.status]).toEqual([[], 0]);
  expect(found.check("on-path")?.evidence.join("\n")).toMatch(/^br0: \d+ to discd/m);
});

it("A8.6 queries leave by another interface than the route says", async () => {
  const { stage } = built;
  const found = await stage.withCommands(
    "cli",
    `ip route add default via 10.6.0.1 dev hot table 100; ip rule add to ${server} ipproto udp dport 53 lookup 100`,
    `ip rule del to ${server} ipproto udp dport 53 lookup 100; ip route flush table 100`,
    () =>
      stage.withCommands(
        "isp",
        "sysctl -qw net.ipv4.ip_forward=1; ip route add 10.8.0.0/24 via 10.7.0.1",
        "sysctl -qw net.ipv4.ip_forward=0; ip route del 10.8.0.0/24",
        () =>
          stage.withCommands(
            "rt",
            "ip route add 10.6.0.0/24 via 10.7.0.99",
            "ip route del 10.6.0.0/24",
            () => stage.run(`--zone ${zone} --server ${server} --expect-if wan`),
          ),
      ),
  );
  expectFault(found, "on-path OFF-PATH");
  expect(found.check("on-path")?.decision).toBe("queries to discd leave by hot, not by wan");
});

it("A8.4 somebody on the way answers in the place of discd alone", async () => {
  const { stage } = built;
  const rules = [
    "chain pre { type nat hook prerouting priority -100;",
    `  ip daddr ${server} meta l4proto { tcp, udp } th dport 53 dnat ip to 10.7.0.53;`,
    `  ip6 daddr 2001:db8:8::53 meta l4proto { tcp, udp } th dport 53 dnat ip6 to 2001:db8:7::53;`,
    "}",
    "chain post { type nat hook postrouting priority 100; iifname wan masquerade; }",
  ];
  // The resolver's own questions come to the router as well, by another interface.
  const onlyClient = rules.map((line) => line.replace(/^ {2}ip/, "  iifname wan ip"));
  const found = await stage.withRules(onlyClient, () => stage.run());
  expectFault(found, "direct NOT-DISCD");
  expect(found.check("direct")?.remedy.join()).toMatch(/somebody on the way answers/);
});
