// What is inside records, and how much of it leaves: TXT bytes, additional
// records, TTLs, names too long for unicast DNS (RFC 8766 §5.5, RFC 6763).

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { F2, H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, nameBytes, plainName, rec, response, txtBytes, types } from "./packet.js";
import { dataOf, now, stage } from "./stage.js";

const it = needs("tcpdump", "dig");

// A second service zone of some 200 bytes leaves no room for a 63-byte instance.
const longZone = `${"x".repeat(60)}.${"y".repeat(60)}.${"z".repeat(60)}.example.com`;
const s = stage(`
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com', aliases = { '${longZone}' } },
  { name = 'uplink', disable = true },
}
`);

it.concurrent("[DP-73] subtype browsing gives plain instance names", async () => {
  const name = "_printer._sub._n73._tcp.local";
  s.dev1.answers(name, "PTR", [rec(name, "PTR", 4500, "Sub._n73._tcp.local")]);
  const dug = await s.lab.dig("PTR", `_printer._sub._n73._tcp.${R}.`);
  expect(dug.answer.map(({ data }) => plainName(data))).toEqual([`Sub._n73._tcp.${plainName(R)}`]);
});

it.concurrent("[DP-74] the list of types is asked on the link", async () => {
  const name = "_services._dns-sd._udp.local";
  s.dev1.answers(name, "PTR", [
    rec(name, "PTR", 4500, "_http._tcp.local"),
    rec(name, "PTR", 4500, "_ipp._tcp.local"),
  ]);
  const reply = await s.client.ask(`_services._dns-sd._udp.${R}`, "PTR");
  expect(dataOf(reply.answers, types.PTR).sort()).toEqual([
    `_http._tcp.${plainName(R)}`,
    `_ipp._tcp.${plainName(R)}`,
  ]);
  expect(await s.ear1.queries(s.mac1, name, "PTR")).not.toEqual([]);
});

it.concurrent("[DP-75] [DP-78] TXT passes byte for byte, two records stay two", async () => {
  const name = "T._n75._tcp.local";
  const strings = [
    "Zeta=1",
    "alpha=2",
    "Zeta=1",
    "key\0=\x00\xff",
    "url=http://prnt.local/",
    "=",
    "",
  ];
  const first = txtBytes(strings.map((text) => Buffer.from(text, "latin1")));
  const second = txtBytes(["second record"]);
  s.dev1.answers(name, "TXT", [
    flush(rec(name, "TXT", 4500, first)),
    flush(rec(name, "TXT", 4500, second)),
  ]);
  for (const tcp of [false, true]) {
    const reply = await s.client.ask(`T._n75._tcp.${R}`, "TXT", { tcp });
    const hex = reply.answers.map(({ raw }) => raw.toString("hex")).sort();
    expect(hex).toEqual([first.toString("hex"), second.toString("hex")].sort());
  }
});

it.concurrent("[DP-76] a TXT without rdata leaves as one zero byte", async () => {
  const name = "E._n76._tcp.local";
  s.dev1.answers(name, "TXT", [flush(rec(name, "TXT", 4500, Buffer.alloc(0)))]);
  const dug = await s.lab.dig("TXT", `E._n76._tcp.${R}.`);
  expect(dug.answer.map(({ data }) => data)).toEqual(['""']);
  const reply = await s.client.ask(`E._n76._tcp.${R}`, "TXT");
  expect(reply.answers[0]?.raw).toEqual(Buffer.of(0));
});

const host = [
  flush(rec("h77.local", "A", 120, "10.1.0.77")),
  flush(rec("h77.local", "AAAA", 120, "2001:db8:1::77")),
];

it.concurrent("[DP-77] [DP-45] additional records come from the cache, unasked", async () => {
  const since = now();
  const instance = "P._n77._tcp.local";
  const type = "_n77._tcp.local";
  s.dev1.answers(type, "PTR", [], {
    send: () =>
      response([rec(type, "PTR", 4500, instance)], {
        additionals: [
          flush(rec(instance, "SRV", 120, [0, 0, 1, "h77.local"])),
          flush(rec(instance, "TXT", 4500, ["t=1"])),
          ...host,
        ],
      }),
  });
  const ptr = await s.client.ask(`_n77._tcp.${R}`, "PTR");
  expect(ptr.additionals.map(({ type }) => type).sort((a, b) => a - b)).toEqual([1, 16, 28, 33]);
  const all = [...ptr.answers, ...ptr.authorities, ...ptr.additionals];
  expect(all.filter(({ ttl }) => ttl > 10)).toEqual([]);
  expect(all.filter(({ name, data }) => /local\.?$/i.test(`${name} ${data}`))).toEqual([]);
  const srv = await s.client.ask(`P._n77._tcp.${R}`, "SRV");
  expect(srv.additionals.map(({ type }) => type).sort((a, b) => a - b)).toEqual([1, 28]);
  const txt = await s.client.ask(`P._n77._tcp.${R}`, "TXT");
  expect(txt.additionals).toEqual([]);
  for (const [name, of] of [
    [instance, "SRV"],
    ["h77.local", "A"],
    ["h77.local", "AAAA"],
  ] as const) {
    expect(await s.ear1.queries(s.mac1, name, of, since), name).toEqual([]);
  }
});

it.concurrent("[DP-45] [DP-46] cached records age and end", async () => {
  s.dev1.answers("n46.local", "A", [flush(rec("n46.local", "A", 12, "10.1.0.46"))], { times: 2 });
  const first = await s.client.ask(`n46.${H}`, "A");
  const begin = now();
  expect(first.answers[0]?.ttl).toBeLessThanOrEqual(10);
  expect(first.answers[0]?.ttl).toBeGreaterThanOrEqual(8);
  await sleep(6500);
  const second = await s.client.ask(`n46.${H}`, "A");
  expect(second.answers[0]?.ttl).toBeLessThanOrEqual(6);
  await sleep(Math.max(0, begin + 13_000 - now()));
  const since = now();
  await s.client.ask(`n46.${H}`, "A");
  expect(await s.ear1.queries(s.mac1, "n46.local", "A", since)).not.toEqual([]);
});

it.concurrent("[DP-47] records of one set leave with the smallest TTL", async () => {
  const type = "_n47._tcp.local";
  s.dev1.answers(type, "PTR", [
    rec(type, "PTR", 4, "short._n47._tcp.local"),
    rec(type, "PTR", 4000, "long._n47._tcp.local"),
  ]);
  const reply = await s.client.ask(`_n47._tcp.${R}`, "PTR");
  const ttls = reply.answers.map(({ ttl }) => ttl);
  expect(ttls).toHaveLength(2);
  expect(ttls[0]).toBe(ttls[1]);
  expect(ttls[0]).toBeLessThanOrEqual(4);
  expect(ttls[0]).toBeGreaterThanOrEqual(2);
});

it.concurrent("[DP-42] [A9.9] a name over 255 bytes is left out, the rest stays", async () => {
  const type = "_n42._tcp.local";
  const long = `${"i".repeat(63)}._n42._tcp.local`;
  s.dev2.answers(type, "PTR", [
    rec(type, "PTR", 4500, long),
    rec(type, "PTR", 4500, "short._n42._tcp.local"),
  ]);
  const reply = await s.client.ask(`_n42._tcp.${longZone}`, "PTR");
  expect(dataOf(reply.answers, types.PTR)).toEqual([`short._n42._tcp.${longZone}.`]);
  const fits = await s.client.ask(`_n42._tcp.${F2}`, "PTR");
  expect(fits.answers).toHaveLength(2);
  expect(s.discd.child.exit).toBeUndefined();
});

it.concurrent("[DP-70] a 256-byte name in an mDNS packet does no harm", async () => {
  // Three labels of 63, one of 56 and `local`: 4 * 64 - 7 + 6 + 1 = 256 bytes on the wire.
  const parts = [63, 63, 63, 56].map((length) => "n".repeat(length));
  const name = `${parts.join(".")}.local`;
  expect(nameBytes(name)).toHaveLength(256);
  s.dev1.answers("n70.local", "A", [], {
    send: () =>
      response([
        flush(rec(name, "A", 120, "10.1.0.70")),
        flush(rec("n70.local", "A", 120, "10.1.0.71")),
      ]),
  });
  const reply = await s.client.ask(`n70.${H}`, "A");
  expect(dataOf(reply.answers, types.A)).toEqual(["10.1.0.71"]);
});
