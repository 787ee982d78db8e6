// /healthz of the running daemon: what is really asked, what a loss takes away, and
// that nobody else notices the questions.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { mismatch } from "../../src/api/shape.js";
import { healthShape } from "../../src/api/shapes.js";
import { ask, type Got, read } from "./api-stage.js";
import { Authority } from "./authority.js";
import { until } from "./children.js";
import type { Daemon } from "./daemon.js";
import { F2, type Lab, laboratory, R } from "./lab.js";
import { needs } from "./needs.js";

const it = needs("root", "ip", "curl", "nft", "openssl");

const links = `
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com' },
  { name = 'uplink', disable = true },
}
`;

let lab: Lab;
let discd: Daemon;

laboratory(async (built) => {
  lab = built;
  discd = await lab.discd(`certificate = 'self-signed'\n${links}`);
  await becomes("everything works", "", 200);
});

function health(query = ""): Got {
  const got = ask(lab, discd, `/healthz${query}`);
  if (got.status !== 404) expect(mismatch(healthShape, got.body)).toBeUndefined();
  return got;
}

const becomes = (what: string, query: string, status: number) =>
  until(what, () => health(query).status === status, 25_000, 300);

const zone1 = "?zone=Building%201.example.com";
const zone2 = `?zone=${F2}`;

/** Rules in the proxy host, while `during` runs. */
async function filtered(rule: string, during: () => Promise<void>): Promise<void> {
  const table = "table inet probe { chain heard { type filter hook input priority 0; RULE; }; }";
  lab.run("px", `nft '${table.replace("RULE", rule)}'`);
  try {
    await during();
  } finally {
    lab.run("px", "nft delete table inet probe");
  }
}

it("A8.17 every listener and every link is asked, and told by name", () => {
  const { body } = health();
  const names = body.listeners.map(({ name }: { name: string }) => name);
  for (const id of ["10.8.0.53:53/udp", "10.8.0.53:53/tcp", "10.8.0.53:853/tls"]) {
    expect(names).toContain(id);
  }
  expect(names).toContain("10.8.0.53:5352/udp");
  expect(names).toContain("[2001:db8:8::53]:53/udp");
  expect(body.links.map(({ name }: { name: string }) => name).sort()).toEqual(["net1", "net2"]);
  expect(body.zones).toContainEqual({ name: "Building 1.example.com", ok: true });
  for (const { askedSecondsAgo } of [...body.listeners, ...body.links]) {
    expect(askedSecondsAgo).toBeLessThan(10);
  }
});

it("a zone that is not served is 404, and names are compared as names are", () => {
  expect(health("?zone=floor9.example.com").status).toBe(404);
  expect(health("?zone=FLOOR2.example.com.").status).toBe(200);
});

it("our own questions move no counter", async () => {
  const steady = () =>
    ask(lab, discd, "/metrics")
      .text.split("\n")
      .filter((line) => !/^(#|process_|discd_link_heard|discd_memory)/.test(line))
      // What real hosts of the links say.
      .filter((line) => !/^discd_mdns_packets_total.*"in"/.test(line));
  const before = steady();
  await sleep(9_000);
  expect(steady()).toEqual(before);
  expect(before.join("\n")).not.toMatch(/type="SOA".*zone="Building/);
}, 30_000);

it("A8.17 a link that hears nothing fails its zones within some seconds, and no others", async () => {
  await filtered("iifname net2 udp dport 5353 drop", async () => {
    await becomes("floor 2 fails", zone2, 503);
    expect(health(zone2).body.reasons[0]).toMatch(
      /^link net2: no question was answered for 1\d s$/,
    );
    expect(health(zone1).status).toBe(200);
    const whole = health();
    expect(whole.status).toBe(503);
    expect(whole.body.zones).toContainEqual({ name: F2, ok: false });
    expect(whole.body.zones).toContainEqual({ name: "Building 1.example.com", ok: true });
    const summary = read<{ health: string; problems: readonly string[] }>(
      lab,
      discd,
      "/v1/summary",
    );
    expect(summary.health).toBe("failing");
    expect(summary.problems.join("\n")).toMatch(/link net2: no question was answered/);
  });
  await becomes("it works again", "", 200);
}, 60_000);

it("A8.17 a link that is down fails its zones, and no others", async () => {
  lab.run("px", "ip link set net2 down");
  await becomes("floor 2 fails", zone2, 503);
  expect(health(zone2).body.reasons).toEqual(["link net2: the interface is down"]);
  await sleep(5_000);
  expect(health(zone1).body.reasons).toEqual([]);
  expect(health(zone1).status).toBe(200);
  lab.run("px", "ip link set net2 up; ip -6 addr add 2001:db8:2::1/64 dev net2 nodad || true");
  await becomes("it works again", "", 200);
}, 60_000);

it("a listener that nobody gets through to is named with the reason", async () => {
  await filtered("iifname lo ip daddr 10.8.0.53 udp dport 53 drop", async () => {
    await becomes("health fails", zone1, 503);
    expect(health(zone1).body.reasons).toEqual(["listener 10.8.0.53:53/udp: no answer within 2 s"]);
  });
  await becomes("it works again", "", 200);
}, 60_000);

it("a certificate that clients refuse is named", async () => {
  const authority = new Authority();
  const { leaf, key } = authority.issue("elsewhere.example.com");
  const [crt, keyFile] = [join(authority.folder, "crt.pem"), join(authority.folder, "key.pem")];
  writeFileSync(crt, leaf + authority.middle);
  writeFileSync(keyFile, key, { mode: 0o600 });
  discd.reload(`certificate = { crt = '${crt}', key = '${keyFile}' }\n${links}`);
  await becomes("health fails", "", 503);
  expect(health().body.reasons).toContain(
    "listener 10.8.0.53:853/tls: the certificate names elsewhere.example.com, and not px.example.com",
  );
  discd.reload(`certificate = 'self-signed'\n${links}`);
  await becomes("it works again", "", 200);
}, 60_000);

it("the name of a zone with a space is written as in a query string", () => {
  expect(health(`?zone=${encodeURIComponent(R)}`).status).toBe(404);
  expect(health("?zone=Building+1.example.com").status).toBe(200);
});
