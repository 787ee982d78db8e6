// What the log of a running daemon holds of those who ask: as much as the operator
// wants, from the next line on.

import { expect } from "vitest";
import { until } from "./children.js";
import type { DnsClient } from "./clients.js";
import type { Daemon } from "./daemon.js";
import { F2, laboratory, officeConfig } from "./lab.js";
import { needs } from "./needs.js";

const it = needs();
const configOf = (clients: string) =>
  `${officeConfig}\nlog = { queries = 'full', clients = '${clients}' }\nnsid = 'px7'\n`;

let daemon: Daemon;
let client: DnsClient;
let refused: DnsClient;

laboratory(async (lab) => {
  daemon = await lab.discd(`${configOf("full")}\nallow = { '!10.9.0.3', 'private' }`);
  client = await lab.client();
  refused = await lab.client({ local: "10.9.0.3" });
});

/** Lines since the last call. */
let read = 0;
function fresh(): string[] {
  const lines = daemon.log.slice(read);
  read = daemon.log.length;
  return lines;
}

/** What the log says of one query of each client, after the configuration says this. */
async function logged(clients: string): Promise<string> {
  const reloads = () => daemon.log.filter((line) => line.includes('"event":"reloaded"')).length;
  const before = reloads();
  daemon.reload(`${configOf(clients)}\nallow = { '!10.9.0.3', 'private' }`);
  await until("it is read", () => reloads() > before);
  fresh();
  await client.ask(F2, "SOA");
  await refused.ask(F2, "SOA");
  const lines = await until("both are in the log", () => {
    const found = daemon.log.slice(read).filter((line) => line.includes('"event":"query"'));
    return found.length >= 2 ? daemon.log.slice(read) : undefined;
  });
  return lines.join("\n");
}

it("A8.18 a line for a query names the server that answered", async () => {
  expect(await logged("full")).toContain('"instance":"px7"');
});

it("A8.19 clients are named in full, by their network, or not at all", async () => {
  expect(await logged("full")).toMatch(/"client":"10\.9\.0\.2"/);
  const networks = await logged("network");
  expect(networks).toContain('"client":"10.9.0.0/24"');
  expect(networks).not.toMatch(/10\.9\.0\.[23]/);
  const none = await logged("none");
  expect(none).toContain('"event":"query"');
  expect(none).not.toMatch(/10\.9\.|"client"/);
});
