// What is withheld, and from whom: link-local addresses, private addresses of
// other realms, denied types, clients outside the lists (RFC 8766 §5.5.2, §9).

import { expect } from "vitest";
import type { DnsClient } from "./clients.js";
import { needs } from "./needs.js";
import { flush, rec, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";

const it = needs("tcpdump");
const A = "floor1.example.com";
const B = "floor2.example.com";

// 10.9.0.2 is a client of no realm, 10.9.0.3 of realm west, 10.9.1.3 may not ask at all.
const s = stage(`
allow = { '!10.9.1.0/24', 'private', 'connected' }
realms = { east = { '10.1.0.0/16' }, west = { '10.9.0.3/32' } }
interfaces = {
  { name = 'net1', subdomain = '${A}', realm = 'east',
    services = { default = 'allow', deny = { '_secret._tcp' } },
    translate = { { type = '_ipp._tcp', instance = 'Old Laser*', txt = { URF = 'none' },
                    subtypes = { '_universal' } } } },
  { name = 'net2', subdomain = '${B}', suppress = false, allow = { '10.9.0.2' } },
  { name = 'uplink', disable = true },
}
`);

function ask(name: string, type: keyof typeof types, client: DnsClient = s.client) {
  return client.ask(name, type);
}

it.concurrent("[DP-51] [DP-52] link-local addresses are withheld, or not", async () => {
  const records = [
    flush(rec("h52.local", "A", 120, "169.254.1.2")),
    flush(rec("h52.local", "A", 120, "10.2.0.52")),
    flush(rec("h52.local", "AAAA", 120, "fe80::1")),
    flush(rec("h52.local", "AAAA", 120, "2001:db8::1")),
  ];
  for (const device of [s.dev1, s.dev2]) device.answers("h52.local", undefined, records);
  expect(dataOf((await ask(`h52.${A}`, "A")).answers, 1)).toEqual(["10.2.0.52"]);
  expect(dataOf((await ask(`h52.${A}`, "AAAA")).answers, 28)).toEqual([
    "2001:0db8:0000:0000:0000:0000:0000:0001",
  ]);
  expect(dataOf((await ask(`h52.${B}`, "A")).answers, 1).sort()).toEqual([
    "10.2.0.52",
    "169.254.1.2",
  ]);
});

it.concurrent("[DP-53] [DP-54] private addresses go to no client of another realm", async () => {
  const west = await s.lab.client({ local: "10.9.0.3" });
  const records = [
    flush(rec("h53.local", "A", 120, "10.1.0.53")),
    flush(rec("h53.local", "AAAA", 120, "fd00::53")),
  ];
  s.dev1.answers("h53.local", undefined, records);
  for (const type of ["A", "AAAA"] as const) {
    expect((await ask(`h53.${A}`, type)).answers, type).toHaveLength(1);
    expect(isNodata(await ask(`h53.${A}`, type, west), A), type).toBe(true);
  }
});

it.concurrent("[DP-55] an instance with a link-local address alone is hidden", async () => {
  const type = "_n55._tcp.local";
  const instance = "Lone._n55._tcp.local";
  const records = [
    flush(rec(instance, "SRV", 120, [0, 0, 1, "h55.local"])),
    flush(rec("h55.local", "A", 120, "169.254.5.5")),
    flush(rec("h55.local", "NSEC", 120, ["h55.local", "A"])),
  ];
  const good = "Good._n55._tcp.local";
  s.dev1.answers(type, "PTR", [
    rec(type, "PTR", 4500, instance),
    rec(type, "PTR", 4500, good),
    ...records,
  ]);
  s.dev1.answers(instance, "SRV", records);
  const ptr = await ask(`_n55._tcp.${A}`, "PTR");
  expect(dataOf(ptr.answers, types.PTR)).toEqual([`Good._n55._tcp.${A}.`]);
  expect(isNodata(await ask(`Lone._n55._tcp.${A}`, "SRV"), A)).toBe(true);
});

it.concurrent("[DP-56] an SRV with an unknown target is given", async () => {
  const since = now();
  const instance = "Early._n56._tcp.local";
  s.dev1.answers(instance, "SRV", [flush(rec(instance, "SRV", 120, [0, 0, 1, "h56.local"]))]);
  const reply = await ask(`Early._n56._tcp.${A}`, "SRV");
  expect(dataOf(reply.answers, types.SRV)).toEqual([`0 0 1 h56.${A}.`]);
  expect(await s.ear1.queries(s.mac1, "h56.local", undefined, since)).toEqual([]);
});

it.concurrent("[DP-57] an answer with everything withheld is NODATA at once", async () => {
  s.dev1.answers("h57.local", "A", [flush(rec("h57.local", "A", 120, "169.254.57.1"))]);
  const reply = await ask(`h57.${A}`, "A");
  expect(isNodata(reply, A)).toBe(true);
  expect(reply.ms).toBeLessThan(3000);
});

it.concurrent("[DP-78] what the configuration adds to a device's records", async () => {
  for (const name of ["Old Laser 4", "New Laser"]) {
    const full = `${name}._ipp._tcp.local`;
    s.dev1.answers(full, "TXT", [flush(rec(full, "TXT", 4500, ["rp=ipp"]))]);
  }
  s.dev1.answers("_ipp._tcp.local", "PTR", [
    rec("_ipp._tcp.local", "PTR", 4500, "Old Laser 4._ipp._tcp.local"),
    rec("_ipp._tcp.local", "PTR", 4500, "New Laser._ipp._tcp.local"),
  ]);
  const text = async (name: string) =>
    (await ask(`${name}._ipp._tcp.${A}`, "TXT")).answers[0]?.raw.toString("latin1");
  expect(await text("Old Laser 4")).toBe("\x06rp=ipp\x08URF=none");
  expect(await text("New Laser")).toBe("\x06rp=ipp");
  await ask(`_ipp._tcp.${A}`, "PTR");
  const subtype = await ask(`_universal._sub._ipp._tcp.${A}`, "PTR");
  expect(dataOf(subtype.answers, types.PTR)).toEqual([`Old\\032Laser\\0324._ipp._tcp.${A}.`]);
});

it.concurrent("[A1.19] a denied type is nowhere to be seen and never asked for", async () => {
  const since = now();
  const list = "_services._dns-sd._udp.local";
  s.dev1.answers(list, "PTR", [
    rec(list, "PTR", 4500, "_secret._tcp.local"),
    rec(list, "PTR", 4500, "_open._tcp.local"),
  ]);
  expect(isNodata(await ask(`_secret._tcp.${A}`, "PTR"), A)).toBe(true);
  expect(isNodata(await ask(`X._secret._tcp.${A}`, "SRV"), A)).toBe(true);
  const listed = await ask(`_services._dns-sd._udp.${A}`, "PTR");
  expect(dataOf(listed.answers, types.PTR)).toEqual([`_open._tcp.${A}.`]);
  const frames = await s.ear1.from(s.mac1, since);
  const asked = frames.flatMap(({ message }) => message?.questions ?? []);
  expect(asked.filter(({ name }) => name.includes("_secret"))).toEqual([]);
});

it.concurrent("[DP-124] who may not ask is REFUSED and costs the link nothing", async () => {
  const since = now();
  const [banned, west] = await Promise.all([
    s.lab.client({ local: "10.9.1.3" }),
    s.lab.client({ local: "10.9.0.3" }),
  ]);
  const replies = await Promise.all([
    ask(`h124.${A}`, "A", banned),
    ask(A, "SOA", banned),
    ask(`h124.${B}`, "A", west),
    ask(B, "SOA", west),
  ]);
  for (const reply of replies) {
    expect(reply.rcode).toBe(5);
    expect(reply.answers).toEqual([]);
  }
  expect((await ask(A, "SOA", west)).rcode).toBe(0);
  expect(await s.ear1.queries(s.mac1, "h124.local", undefined, since)).toEqual([]);
  expect(await s.ear2.queries(s.mac2, "h124.local", undefined, since)).toEqual([]);
});
