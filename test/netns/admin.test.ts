// What discd answers by itself, at once and with the link silent: apexes,
// enumeration, metadata names, static records (RFC 8766 §5.4, §6).

import { expect } from "vitest";
import type { Reply } from "./clients.js";
import { H, R } from "./lab.js";
import { needs } from "./needs.js";
import { plainName, type TypeName, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";
import { recordTexts } from "./unpack.js";

const it = needs("tcpdump", "dig");
const UTF8 = "Büro ☕.example.com";
const DOT = "a\\.b.example.com";
const REV4 = "1.1.10.in-addr.arpa";
const REV6 = "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
const FULL6 = `0.0.0.0.${REV6}`;

const s = stage(`
nameservers = { 'px2.example.com' }
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com',
    aliases = { 'Büro ☕.example.com', 'a\\\\.b.example.com' },
    reverse = { '10.1.0.0/23', '2001:db8:1::/64' } },
  { name = 'net2', subdomain = 'floor2.example.com', reverse = { '10.2.0.0/24' } },
  { name = 'uplink', disable = true },
}
records = {
  { name = 'static.bldg-1.example.com', type = 'A', data = '192.0.2.7', ttl = 300 },
  { name = 'static.bldg-1.example.com', type = 'AAAA', data = '2001:db8::7' },
  { name = '_http._tcp.Building 1.example.com', type = 'PTR',
    data = 'Wiki._http._tcp.Building\\\\0321.example.com.' },
  { name = 'Wiki._http._tcp.Building 1.example.com', type = 'SRV',
    data = '0 0 80 static.bldg-1.example.com.' },
  { name = 'Wiki._http._tcp.Building 1.example.com', type = 'TXT', data = '"path=/" "b=2"' },
  { name = '9.0.1.10.in-addr.arpa', type = 'PTR', data = 'static.bldg-1.example.com.' },
  { name = 'host.mesh', type = 'A', data = '10.99.0.1' },
}
zones = { 'mesh' }
`);

/** Asks all of them; each has to come at once, and none may cost the link a packet. */
async function atOnce(asks: readonly (readonly [string, TypeName])[]): Promise<Reply[]> {
  const since = now();
  const replies: Reply[] = [];
  for (const [name, type] of asks) {
    const reply = await s.client.ask(name, type);
    expect(reply.ms, `${name} ${type}`).toBeLessThan(1000);
    replies.push(reply);
  }
  expect(await s.ear1.from(s.mac1, since)).toEqual([]);
  expect(await s.ear2.from(s.mac2, since)).toEqual([]);
  return replies;
}

const zones = [R, H, UTF8, DOT, REV4, "0.1.10.in-addr.arpa", FULL6, "0.2.10.in-addr.arpa"];

it("[DP-1] [DP-2] [DP-17] every kind of zone has one SOA at its apex", async () => {
  const replies = await atOnce(zones.map((zone) => [zone, "SOA"]));
  for (const [i, reply] of replies.entries()) {
    expect(reply.flags & 0x8400, zones[i]).toBe(0x8400);
    expect(reply.answers.map(({ name, type }) => [name, type])).toEqual([
      [plainName(zones[i]!), types.SOA],
    ]);
  }
  const dug = await s.lab.dig("SOA", "Building\\0321.example.com.");
  expect(dug.flags).toEqual(["qr", "aa"]);
});

it("[DP-50] [DP-95] [DP-96] [DP-97] [A1.8] what the SOA says", async () => {
  const [reply] = await atOnce([[H, "SOA"]]);
  expect(dataOf(reply!.answers, types.SOA)).toEqual([
    "px.example.com. hostmaster.example.com. 0 7200 3600 86400 10",
  ]);
  expect(reply!.answers[0]?.ttl).toBeLessThanOrEqual(10);
});

it("[DP-98] [DP-50] the NS set is this proxy and its fellows, in every zone", async () => {
  for (const reply of await atOnce(zones.map((zone) => [zone, "NS"]))) {
    expect(dataOf(reply.answers, types.NS).sort()).toEqual(["px.example.com.", "px2.example.com."]);
    for (const { ttl } of reply.answers) expect(ttl).toBeLessThanOrEqual(10);
  }
});

it("[DP-100] [DP-102] [DP-108] everything at an apex is answered at once", async () => {
  const kinds = ["A", "AAAA", "TXT", "PTR", "MX", "DS", "SRV", "HTTPS"] as const;
  const replies = await atOnce(zones.flatMap((zone) => kinds.map((type) => [zone, type] as const)));
  for (const [i, reply] of replies.entries()) {
    expect(isNodata(reply, zones[Math.floor(i / kinds.length)]!)).toBe(true);
  }
  const [any] = await atOnce([[H, "ANY"]]);
  expect([...new Set(any!.answers.map(({ type }) => type))].sort()).toEqual([types.NS, types.SOA]);
});

it("[DP-101] [DP-107] [DP-108] [DP-48] SOA, NS, DS below an apex are denied at once", async () => {
  const asks = ["SOA", "NS", "DS"].flatMap((type) =>
    ["_ipp._tcp", "x", "a.b.c"].map((name) => [`${name}.${R}`, type as TypeName] as const),
  );
  for (const reply of await atOnce(asks)) {
    expect(isNodata(reply, R)).toBe(true);
    expect(reply.authorities[0]).toMatchObject({ ttl: 10 });
    expect(reply.authorities[0]?.data.split(" ").at(-1)).toBe("10");
  }
});

const metadata = [
  "_dns-llq._udp",
  "_dns-llq._tcp",
  "_dns-llq-tls._tcp",
  "_dns-push-tls._tcp",
  "_dns-update._udp",
  "_dns-update._tcp",
  "_dns-update-tls._tcp",
];

it("[DP-103] [DP-104] [DP-105] [DP-106] metadata names are answered at once", async () => {
  const asks = zones.flatMap((zone) =>
    metadata.flatMap((name) => [
      [`${name}.${zone}`, "SRV"] as const,
      [`${name}.${zone}`, "TXT"] as const,
    ]),
  );
  const replies = await atOnce(asks);
  // LLQ is offered where its port is; TLS has no certificate here, and so neither has Push.
  for (const [i, reply] of replies.entries()) {
    const [name, type] = asks[i]!;
    if (type === "SRV" && /^_dns-llq\._(udp|tcp)\./.test(name)) {
      expect(reply.answers.map(({ data }) => data)).toEqual(["0 0 5352 px.example.com."]);
    } else {
      expect(isNodata(reply, zones[Math.floor(i / (metadata.length * 2))]!)).toBe(true);
    }
  }
});

it("[DP-106] below the apex a metadata name is an ordinary name", async () => {
  const since = now();
  await s.client.ask(`_dns-update._udp.foo.${H}`, "SRV");
  const frames = await s.ear1.queries(s.mac1, "_dns-update._udp.foo.local", "SRV", since);
  expect(frames).not.toEqual([]);
});

function enumeration(base: string) {
  return ["b", "db", "lb", "r", "dr"].map((p) => [`${p}._dns-sd._udp.${base}`, "PTR"] as const);
}

it("[DP-20] [DP-21] [DP-22] [A1.5] enumeration under the reverse zones", async () => {
  const zeros = Array<string>(16).fill("0").join(".");
  const bases = [
    ["0.0.1.10.in-addr.arpa", "0.1.10.in-addr.arpa", R],
    [`${zeros}.${FULL6}`, FULL6, R],
    ["0.0.2.10.in-addr.arpa", "0.2.10.in-addr.arpa", "floor2.example.com"],
  ] as const;
  for (const [base, zone, target] of bases) {
    const [b, db, lb, r, dr] = await atOnce(enumeration(base));
    for (const reply of [b!, db!, lb!]) {
      expect(dataOf(reply.answers, types.PTR), base).toEqual([plainName(target)]);
      expect(reply.answers[0]?.ttl).toBeLessThanOrEqual(10);
    }
    for (const reply of [r!, dr!]) expect(isNodata(reply, zone)).toBe(true);
  }
  const other = await atOnce([[`lb._dns-sd._udp.7.${REV4}`, "PTR"]]);
  expect(isNodata(other[0]!, REV4)).toBe(true);
});

it("[DP-22] [DP-24] [A1.5] enumeration under the forward zones", async () => {
  for (const zone of [R, H]) {
    const [b, db, lb, r, dr] = await atOnce(enumeration(zone));
    for (const reply of [b!, db!, lb!]) {
      expect(dataOf(reply.answers, types.PTR)).toEqual([plainName(R)]);
    }
    for (const reply of [r!, dr!]) expect(isNodata(reply, zone)).toBe(true);
  }
});

it("[DP-19] [DP-107] partial names are NODATA at once", async () => {
  const asks = [
    [`0.${FULL6}`, "A"],
    [`0.0.0.${FULL6}`, "PTR"],
    [`_tcp.${R}`, "A"],
    [`_udp.${R}`, "PTR"],
    [`_dns-sd._udp.${R}`, "A"],
    [`_sub._http._tcp.${R}`, "A"],
    [`_http._tcp.${R}`, "AAAA"],
  ] as const;
  const replies = await atOnce(asks);
  for (const [i, reply] of replies.entries()) {
    expect(isNodata(reply, i < 2 ? FULL6 : R), asks[i]![0]).toBe(true);
  }
});

it("[DP-18] [A5.4] static records answer in every kind of zone", async () => {
  const replies = await atOnce([
    [`static.${H}`, "A"],
    [`STATIC.${H}`, "AAAA"],
    [`_http._tcp.${R}`, "PTR"],
    [`Wiki._http._tcp.${R}`, "SRV"],
    [`Wiki._http._tcp.${R}`, "TXT"],
    ["9.0.1.10.in-addr.arpa", "PTR"],
    ["host.mesh", "A"],
  ]);
  const texts = replies.map((reply) =>
    recordTexts(reply.answers).map((text) => text.split(/ [A-Z]+ /)[1]),
  );
  expect(texts).toEqual([
    ["192.0.2.7"],
    ["2001:0db8:0000:0000:0000:0000:0000:0007"],
    [`Wiki._http._tcp.${plainName(R)}`],
    [`0 0 80 static.${H}.`],
    [Buffer.from("\x06path=/\x03b=2", "latin1").toString("hex")],
    [`static.${H}.`],
    ["10.99.0.1"],
  ]);
});

it("[DP-117] an unsigned zone echoes DO and has nothing signed", async () => {
  const dug = await s.lab.dig("+dnssec", "A", `static.${H}.`);
  expect(dug.text).toMatch(/EDNS: version: 0, flags: do;/);
  expect(dug.flags).not.toContain("ad");
  expect([...dug.answer, ...dug.authority].map(({ type }) => type)).not.toContain("RRSIG");
  for (const reply of await atOnce([
    [H, "DNSKEY"],
    [H, "CDS"],
    [H, "NSEC3PARAM"],
  ])) {
    expect(isNodata(reply, H)).toBe(true);
  }
});
