// The doctor on discd's own host, and what it says of other programs there: a
// reflector between two links, a firewall, two that answer for one host.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { until } from "./children.js";
import type { Daemon } from "./daemon.js";
import { config, type Diagnosis, doctorStage, saidBy, server, zone } from "./doctor-stage.js";
import { needs } from "./needs.js";

const it = needs("avahi-daemon", "named", "nft", "tcpdump", "unbound");
const built = doctorStage();
const there = `--zone ${zone} --server ${server}`;

const onHost = () => `--api ${(built.stage.discd as Daemon).socket} ${there}`;

/** Asks on discd's host until it says what is waited for. */
const look = (what: string, isThere: (found: Diagnosis) => boolean) =>
  until(
    what,
    async () => {
      const found = await built.stage.run(onHost(), { node: "px" });
      return isThere(found) && found;
    },
    60_000,
  );

it("A8.12 no fault on discd's host: listeners, links and the zone above work", async () => {
  const { stage } = built;
  await until("discd has asked itself", async () => {
    const found = await stage.run(onHost(), { node: "px" });
    return found.check("upstream")?.state === "PASS";
  });
  const found = await stage.run(onHost(), { node: "px" });
  expect([found.faults, found.status], saidBy(found)).toEqual([[], 0]);
  const evidence = found.check("upstream")?.evidence.join("\n");
  expect(evidence).toMatch(/^listener .*10\.8\.0\.53.*: answers, asked \d+ s ago$/m);
  expect(evidence).toMatch(/^link net1: own question heard, asked \d+ s ago$/m);
  expect(evidence).toMatch(/^example\.com SOA: NOERROR/m);
  expect(found.check("route")?.evidence.join()).toContain(`discd ${server}: this host`);
  expect(found.check("on-path")?.decision).toMatch(/on this host/);
});

it("A8.12 a link that does not carry discd's own question", async () => {
  const { stage } = built;
  const rule =
    "chain out { type filter hook output priority 0; oifname net1 udp dport 5353 drop; }";
  const isNoticed = ({ faults }: Diagnosis) => faults.includes("upstream LINK-FAILS");
  const found = await stage.withRules([rule], () => look("discd notices", isNoticed), "px");
  expect(found.faults, saidBy(found)).toEqual(["upstream LINK-FAILS"]);
  // It is named as what may have done it.
  expect(found.check("firewall")?.evidence).toEqual([
    "inet fault out: port 5353 drop, has no counter",
  ]);
  expect(found.check("upstream")?.decision).toMatch(/^the link net1 /);
});

it("A8.12 a listener that does not answer discd itself", async () => {
  const { stage } = built;
  // The doctor asks at another address.
  const rule =
    "chain in { type filter hook input priority 0; iifname lo ip daddr 10.1.0.1 udp dport 53 drop; }";
  const isNoticed = ({ faults }: Diagnosis) => faults.includes("upstream LISTENER-FAILS");
  const found = await stage.withRules([rule], () => look("discd notices", isNoticed), "px");
  expect(found.faults, saidBy(found)).toEqual(["upstream LISTENER-FAILS"]);
  expect(found.status).toBe(2);
  expect(found.check("upstream")?.decision).toMatch(/at 10\.1\.0\.1.*53.*udp$/);
});

it("A8.12 this host's resolver does not reach the zone above", async () => {
  const { stage } = built;
  const stub = (name: string, address: string) => [
    ...["stub-zone:", `name: "${name}"`, `stub-addr: ${address}`],
  ];
  // Nobody is at that address.
  await stage.resolver([...stub(zone, server), ...stub("example.com", "10.7.0.66")]);
  const found = await stage.run(onHost(), { node: "px" });
  await stage.resolver();
  expect([found.faults, found.status], saidBy(found)).toEqual([["upstream PARENT-SILENT"], 1]);
  expect(found.check("upstream")?.decision).toBe(
    "this host's resolver does not reach example.com, the zone above",
  );
});

it("A8.12 the server that takes updates is stopped", async () => {
  const { stage } = built;
  const { lab } = stage;
  const published = "floor2.example.com";
  // Whoever can write to it may.
  const free = ["allow-update { any; };", "allow-transfer { any; };"];
  const primary = await lab.bind(
    "ref",
    ["10.2.0.9"],
    [{ origin: `${published}.`, lines: [] }],
    free,
  );
  const state = mkdtempSync(join(tmpdir(), "discd-doctor-state-"));
  stage.discd?.reload(`
interfaces = {
  { name = 'net1', subdomain = '${zone}', reverse = true },
  { name = 'net2', subdomain = '${published}', mode = 'update' },
  { name = 'uplink', disable = true },
}
update = { server = '10.2.0.9', zone = '${published}', allow_unauthenticated = true, state = '${state}' }
`);
  const upstream = (found: Diagnosis) => found.check("upstream");
  await look("the primary is found", (found) => {
    const said = upstream(found)?.evidence.join() ?? "";
    return said.includes(`updates of ${published}: `) && found.faults.length === 0;
  });
  await primary.stop();
  const service = { name: "New Printer", type: "_ipp._tcp", port: 631 };
  const news = { host: "ref", services: [service], interfaces: ["net2"] };
  const avahi = await lab.avahi("ref", news);
  const found = await look("discd cannot write", ({ faults }) => faults.length > 0);
  await avahi.stop();
  stage.discd?.reload(config);
  rmSync(state, { recursive: true });
  expect([found.faults, found.status], saidBy(found)).toEqual([["upstream UPDATE-FAILS"], 2]);
  expect(upstream(found)?.decision).toMatch(/^floor2\.example\.com cannot be published: /);
  await look("all is well again", ({ faults }) => faults.length === 0);
});

it("A8.13 a rule of this host's firewall drops multicast DNS, and counts", async () => {
  const { stage } = built;
  const rule = "chain in { type filter hook input priority 0; udp dport 5353 counter drop; }";
  const quiet = await stage.withRules([rule], () => stage.run(there), "cli");
  expect(quiet.faults, saidBy(quiet)).toEqual([]);
  expect(quiet.check("firewall")?.evidence).toEqual(["inet fault in: port 5353 drop, 0 packets"]);
  const uncounted = rule.replace("counter ", "");
  const unknown = await stage.withRules([uncounted], () => stage.run(there), "cli");
  expect([unknown.faults, unknown.status], saidBy(unknown)).toEqual([[], 0]);
  expect(unknown.check("firewall")?.decision).toBe("no rule is known to have dropped any");
  const found = await stage.withRules(
    [rule],
    () => {
      stage.lab.run("rt", "bash -c 'echo x >/dev/udp/10.9.0.2/5353'");
      return stage.run(there);
    },
    "cli",
  );
  expect([found.faults, found.status], saidBy(found)).toEqual([["firewall FIREWALL-DROPS"], 1]);
});

it("A8.22 discd tells its time by its cookies", async () => {
  const found = await built.stage.run(there);
  expect(found.check("clock"), saidBy(found)).toMatchObject({
    state: "PASS",
    decision: "clocks agree",
  });
  expect(found.check("clock")?.evidence[0]).toMatch(/^discd 10\.8\.0\.53: \d s (ahead|behind)$/);
});

it("C1 row 21 who listens to multicast DNS is named", async () => {
  const { stage } = built;
  const found = await stage.run(there, { node: "ava1" });
  expect(found.check("port-5353")?.evidence[0], saidBy(found)).toMatch(
    /^avahi-daemon \(pid \d+\): \d+ sockets?$/,
  );
});

it("C1 row 4 a reflector repeats one link's devices on the other", async () => {
  const { stage } = built;
  const { lab } = stage;
  const two = `
interfaces = {
  { name = 'net1', subdomain = '${zone}', reverse = true, warm = true },
  { name = 'net2', subdomain = 'floor2.example.com', warm = true },
  { name = 'uplink', disable = true },
}
`;
  stage.discd?.reload(two);
  await until("the printer is known", async () => {
    const found = await stage.run(`${onHost()} --all`, { node: "px" });
    return found.check("reflector")?.decision === "services of two links are needed to compare";
  });
  const reflector = await lab.avahi("ref", { host: "ref", services: [], reflects: true });
  const found = await until(
    "the reflector is seen",
    async () => {
      const found = await stage.run(onHost(), { node: "px" });
      return found.faults.length > 0 && found;
    },
    60_000,
  );
  await reflector.stop();
  expect([found.faults, found.status], saidBy(found)).toEqual([["reflector REFLECTOR"], 1]);
  expect(found.check("reflector")?.decision).toMatch(/between net1 and net2$/);
  expect(found.check("reflector")?.evidence[0]).toMatch(/Who's Printer.* on net1 and net2$/);
});
