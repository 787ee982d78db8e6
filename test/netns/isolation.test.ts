// Links stay apart, also when both carry the very same subnet: the test that a
// plain multicast socket fails.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Capture } from "./capture.js";
import type { DnsClient } from "./clients.js";
import type { Device } from "./device.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { flush, rec } from "./packet.js";
import { dataOf, isNodata, now } from "./stage.js";

const it = needs("tcpdump");

/** Both links 10.1.0.0/24 and 2001:db8:1::/64, the devices even share an address. */
const sameSubnet = `
  wan:  cli  10.9.0.2/24 | rt 10.9.0.1/24
  uplink: rt 10.8.0.1/24 | px 10.8.0.53/24
  net1: px   10.1.0.1/24 2001:db8:1::1/64
      | dev1 10.1.0.3/24 2001:db8:1::3/64
  net2: px   10.1.0.2/24 2001:db8:1::2/64
      | dev2 10.1.0.3/24 2001:db8:1::3/64
`;

const config = `
interfaces = {
  { name = 'net1', subdomain = 'floor1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com' },
  { name = '*', disable = true },
}
`;

let lab: Lab;
let client: DnsClient;
let dev1: Device;
let dev2: Device;
let ear1: Capture;
let ear2: Capture;

laboratory(
  async (built) => {
    lab = built;
    [dev1, dev2, ear1, ear2] = await Promise.all([
      lab.device("dev1", "net1"),
      lab.device("dev2", "net2"),
      lab.capture("net1"),
      lab.capture("net2"),
    ]);
    await lab.discd(config);
    client = await lab.client();
  },
  () => new Lab(sameSubnet, { cli: ["10.9.0.1"], px: ["10.8.0.1"] }),
);

it("[DP-8] without a client the link hears nothing, and nothing is relayed", async () => {
  const begin = now();
  for (let i = 0; i < 10; i++) {
    dev1.announce(printer("local", "10.1.0.33"), 4);
    await sleep(1000);
  }
  for (const [ear, link] of [
    [ear1, "net1"],
    [ear2, "net2"],
  ] as const) {
    expect(await ear.from(lab.mac("px", link), 0), link).toEqual([]);
  }
  expect(ear2.frames.filter(({ at }) => at > begin)).toEqual([]);
});

function printer(zone: string, address: string) {
  return [
    rec(`_iso._tcp.${zone}`, "PTR", 4500, `Laser._iso._tcp.${zone}`),
    flush(rec(`Laser._iso._tcp.${zone}`, "SRV", 120, [0, 0, 631, `laser.${zone}`])),
    flush(rec(`Laser._iso._tcp.${zone}`, "TXT", 4500, ["floor=1"])),
    flush(rec(`laser.${zone}`, "A", 120, address)),
  ];
}

it("[DP-120] [A1.3] no record of link A in link B's zone, on one subnet too", async () => {
  // Both zones are asked, so that both links want to know; only link A has the device.
  const asked = Promise.all([
    client.ask("_iso._tcp.floor1.example.com", "PTR"),
    client.ask("_iso._tcp.floor2.example.com", "PTR"),
    client.ask("Laser._iso._tcp.floor2.example.com", "SRV"),
    client.ask("laser.floor2.example.com", "A"),
  ]);
  const chatter = setInterval(() => {
    dev1.announce(printer("local", "10.1.0.33"), 4);
    dev1.announce(printer("local", "10.1.0.33"), 6);
  }, 300);
  const [own, ...others] = await asked;
  clearInterval(chatter);
  expect(dataOf(own.answers, 12)).toEqual(["Laser._iso._tcp.floor1.example.com."]);
  for (const other of others) expect(isNodata(other, "floor2.example.com")).toBe(true);
});

it("[DP-3] a query in A's zone asks on A and nothing on B", async () => {
  const since = now();
  dev1.answers("only-a.local", "A", [flush(rec("only-a.local", "A", 120, "10.1.0.34"))]);
  const reply = await client.ask("only-a.floor1.example.com", "A");
  expect(dataOf(reply.answers, 1)).toEqual(["10.1.0.34"]);
  expect(await ear1.queries(lab.mac("px", "net1"), "only-a.local", "A", since)).not.toEqual([]);
  expect(await ear2.from(lab.mac("px", "net2"), since)).toEqual([]);
});

it("[DP-119] the same name on both links is answered from each link by its own zone", async () => {
  for (const [device, address] of [
    [dev1, "10.1.0.41"],
    [dev2, "10.1.0.42"],
  ] as const) {
    device.answers("prnt.local", "A", [flush(rec("prnt.local", "A", 120, address))]);
  }
  for (const round of ["asked", "cached"]) {
    const replies = await Promise.all([
      client.ask("prnt.floor1.example.com", "A"),
      client.ask("prnt.floor2.example.com", "A"),
    ]);
    expect(
      replies.map((reply) => dataOf(reply.answers, 1)),
      round,
    ).toEqual([["10.1.0.41"], ["10.1.0.42"]]);
  }
});
