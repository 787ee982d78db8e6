// IPv6 alone, and both families together: one link, one zone (RFC 8766 §8).

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Capture } from "./capture.js";
import { dig } from "./clients.js";
import type { Device } from "./device.js";
import { Lab, laboratory } from "./lab.js";
import { needs } from "./needs.js";
import { servicesOf } from "./offices.js";
import { escapeLabel, flush, plainName, rec, types } from "./packet.js";
import { dataOf, now } from "./stage.js";

const it = needs("avahi-daemon", "dig", "kdig", "tcpdump");
const Z = "floor6.example.com";
const D = "dual.example.com";

/** net6 has not a single IPv4 address; net46 has devices of one family each. */
const drawing = `
  wan:  cli  2001:db8:9::2/64 | rt 2001:db8:9::1/64
  uplink: rt 2001:db8:8::1/64 | px 2001:db8:8::53/64
  net6: px   2001:db8:6::1/64 | ava6 2001:db8:6::2/64
  net46: px  10.4.0.1/24 2001:db8:4::1/64
      | dev4 10.4.0.3/24 2001:db8:4::3/64
      | dev6 2001:db8:4::6/64
`;

const config = `
interfaces = {
  { name = 'net6', subdomain = '${Z}', reverse = true },
  { name = 'net46', subdomain = '${D}' },
  { name = 'uplink', disable = true },
}
`;

let lab: Lab;
let dev4: Device;
let dev6: Device;
let ear: Capture;
const px = "2001:db8:8::53";
const services = servicesOf("floor6");

laboratory(
  async (built) => {
    lab = built;
    await lab.avahi("ava6", {
      host: "floor6",
      services,
      hosts: { "scanner-floor6.local": "2001:db8:6::99" },
      ipv4: false,
    });
    dev4 = await lab.device("dev4", "net46");
    dev6 = await lab.device("dev6", "net46", [6]);
    ear = await lab.capture("net46");
    await lab.discd(config, { server: px, apex: Z });
  },
  () => new Lab(drawing, { cli: ["2001:db8:9::1"], px: ["2001:db8:8::1"] }),
);

it("everything avahi announces on an IPv6-only link, asked over IPv6", async () => {
  const printers = services.filter(({ type }) => type === "_ipp._tcp");
  const wanted = printers.map(({ name, type }) =>
    plainName(`${escapeLabel(Buffer.from(name))}.${type}.${Z}`),
  );
  for (const program of ["dig", "kdig"] as const) {
    for (const transport of ["+notcp", "+tcp"]) {
      const browse = await dig(
        lab.enter("cli"),
        [`@${px}`, transport, "PTR", `_ipp._tcp.${Z}.`],
        program,
      );
      expect(browse.answer.map(({ data }) => plainName(data)).sort()).toEqual(wanted.toSorted());
    }
  }
  for (const [i, name] of wanted.entries()) {
    const srv = await dig(lab.enter("cli"), [`@${px}`, "SRV", name]);
    expect(srv.answer.map(({ data }) => data)).toEqual([`0 0 ${printers[i]!.port} floor6.${Z}.`]);
  }
  const address = await dig(lab.enter("cli"), [`@${px}`, "AAAA", `floor6.${Z}.`]);
  expect(address.answer.map(({ data }) => data)).toEqual(["2001:db8:6::2"]);
  const back = await dig(lab.enter("cli"), [`@${px}`, "-x", "2001:db8:6::2"]);
  expect(back.answer.map(({ data }) => data)).toEqual([`floor6.${Z}.`]);
});

it("[DP-118] one question goes to both groups, devices of either family show up", async () => {
  const client = await lab.client({ server: px });
  const type = "_both._tcp.local";
  dev4.answers(type, "PTR", [rec(type, "PTR", 4500, `four.${type}`)], { families: [4] });
  dev6.answers(type, "PTR", [rec(type, "PTR", 4500, `six.${type}`)], { families: [6] });
  const since = now();
  const reply = await client.ask(`_both._tcp.${D}`, "PTR");
  expect(dataOf(reply.answers, types.PTR).sort()).toEqual([
    `four._both._tcp.${D}.`,
    `six._both._tcp.${D}.`,
  ]);
  const frames = await ear.queries(lab.mac("px", "net46"), type, "PTR", since);
  expect(new Set(frames.map(({ target }) => target))).toEqual(
    new Set(["224.0.0.251", "ff02:0000:0000:0000:0000:0000:0000:00fb"]),
  );
});

it("[DP-43] [DP-118] a dual-stack device appears once, with both its addresses", async () => {
  const client = await lab.client({ server: px });
  const records = [
    flush(rec("ds.local", "A", 120, "10.4.0.3")),
    flush(rec("ds.local", "AAAA", 120, "2001:db8:4::3")),
  ];
  for (const type of ["A", "AAAA", "PTR"] as const) {
    dev4.answers("ds.local", type, records, { families: [4, 6] });
  }
  for (const type of ["A", "AAAA"] as const) {
    await client.ask(`ds.${D}`, type);
    await sleep(200);
    const reply = await client.ask(`ds.${D}`, type);
    expect(reply.answers, type).toHaveLength(1);
  }
});
