// How discd finds the server and the zone of a subdomain in the DNS: each step of
// the search, by a real resolver's answers, to the records in named.

import { expect } from "vitest";
import { Authority } from "./authority.js";
import { until } from "./children.js";
import type { Lab } from "./lab.js";
import { needs } from "./needs.js";
import {
  lists,
  primaryAddress,
  published,
  shownBy,
  untilZone,
  updateSite,
  updateZone,
} from "./update-lab.js";

const it = needs("avahi-daemon", "named", "dig", "openssl", "tcpdump");
let lab: Lab;
const { named, discd, printer } = updateSite((built) => {
  lab = built;
});

const authority = new Authority();
const host = `ns1.${updateZone}`;
const issued = authority.issue(host);
const tls = { leaf: issued.leaf + authority.middle, key: issued.key };
const resolvers = `nameserver ${primaryAddress}\n`;
const srv = (name: string, target = `${host}.`, port = 53) => `${name} SRV 0 0 ${port} ${target}`;
const isThere = () => untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp"));

/** What leads to the server, what else stands beside it, and what the log calls it. */
const steps = {
  "TLS by SRV": {
    records: [srv("_dns-update-tls._tcp", undefined, 853), srv("_dns-update._tcp", "nobody")],
    by: "SRV _dns-update-tls._tcp.link1.discd.test",
    port: 853,
  },
  "TCP by SRV": {
    records: [srv("_dns-update._tcp"), srv("_dns-update._udp", "nobody")],
    by: "SRV _dns-update._tcp.link1.discd.test",
    port: 53,
  },
  "SRV of UDP, whose port is used over TCP": {
    records: [srv("_dns-update._udp")],
    by: "SRV _dns-update._udp.link1.discd.test",
    port: 53,
  },
  "SRV in the domain around": {
    records: [],
    parent: [srv("_dns-update._tcp", `${host}.`)],
    by: "SRV _dns-update._tcp.discd.test",
    port: 53,
  },
  "the SOA's MNAME": { records: [], by: "SOA", port: 53 },
} as const;

for (const [what, step] of Object.entries(steps)) {
  it(`${what} [UP-13] [UP-16] [UP-17]`, async () => {
    const seen = await lab.capture("wan", "host 10.8.0.53 and tcp");
    const parent = "parent" in step ? step.parent : [];
    await named({ tls, records: step.records, parent });
    const update = `tls = { ca = '${authority.root}' },`;
    const daemon = await discd({ server: "", resolvers, update });
    await printer("ava1", "Laser");
    await isThere();
    const { by, server } = await shownBy(daemon);
    expect(by).toContain(step.by);
    expect(server).toBe(`${primaryAddress} port ${step.port}`);
    const sent = await seen.from(lab.mac("px", "wan"));
    const ports = sent.map(({ payload }) => payload.readUInt16BE(22));
    expect([...new Set(ports)]).toEqual([step.port]);
    await seen.stop();
  });
}

it("a server that is configured wins over SRV records [UP-14]", async () => {
  const seen = await lab.capture("wan", "host 10.8.0.53 and tcp");
  await named({ records: [srv("_dns-update._tcp", "other"), "other A 10.8.0.2"] });
  const daemon = await discd({ resolvers, server: `server = '${host}',` });
  await printer("ava1", "Laser");
  await isThere();
  expect(await shownBy(daemon)).toMatchObject({ by: "configuration", zone: updateZone });
  const sent = await seen.from(lab.mac("px", "wan"));
  expect([...new Set(sent.map(({ target }) => target))]).toEqual([primaryAddress]);
  await seen.stop();
});

it("the zone of a subdomain that is none is the one around it [UP-15]", async () => {
  await named();
  const daemon = await discd({
    server: `server = '${primaryAddress}', within = { '${updateZone}' },`,
    subdomain: `floor1.${updateZone}`,
    resolvers,
  });
  await printer("ava1", "Laser");
  await untilZone("it is there", lab, () => lists(lab, "Laser._ipp._tcp.floor1"));
  expect(await shownBy(daemon)).toMatchObject({ zone: updateZone });
  expect(published(lab)).toContain("host-ava1.floor1 A 10.1.0.2");
});

it("a server that is away leads to the next one [UP-20]", async () => {
  const records = [
    `_dns-update._tcp SRV 1 0 53 other.${updateZone}.`,
    `_dns-update._tcp SRV 2 0 53 ${host}.`,
    "other A 10.8.0.2",
  ];
  await named({ records });
  const daemon = await discd({ server: "", resolvers });
  await printer("ava1", "Laser");
  await isThere();
  await until("it is told", () => daemon.log.some((line) => line.includes("nothing listens")));
});
