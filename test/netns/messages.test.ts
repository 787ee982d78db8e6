// Header bits, error codes, sizes and transports of the unicast side
// (RFC 1035, 6891, 7766, 8906), asked with dig, kdig, nsupdate and by hand.

import { spawnSync } from "node:child_process";
import { expect } from "vitest";
import { H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, message, opt, plainName, rec, response, types } from "./packet.js";
import { dataOf, now, stage } from "./stage.js";
import { recordTexts } from "./unpack.js";

const it = needs("tcpdump", "dig");
const withKdig = needs("tcpdump", "dig", "kdig");
const withNsupdate = needs("tcpdump", "dig", "nsupdate");
const s = stage();

/** Forty instances; they fill several packets of the device and no UDP answer. */
function many(type: string) {
  return Array.from({ length: 40 }, (_, i) =>
    rec(`${type}.local`, "PTR", 4500, `Instance number ${i} of forty.${type}.local`),
  );
}

withKdig.concurrent("[DP-4] the same answers over UDP and TCP, from dig and kdig", async () => {
  s.dev1.answers("_n4._tcp.local", "PTR", [
    rec("_n4._tcp.local", "PTR", 4500, "Vier._n4._tcp.local"),
    rec("_n4._tcp.local", "PTR", 4500, "Fünf._n4._tcp.local"),
  ]);
  const name = `_n4._tcp.${R}.`;
  const dugs = [
    await s.lab.dig("+notcp", "PTR", name),
    await s.lab.dig("+tcp", "PTR", name),
    await s.lab.kdig("+notcp", "PTR", name),
    await s.lab.kdig("+tcp", "PTR", name),
  ];
  const sets = dugs.map(({ answer }) => answer.map(({ data }) => plainName(data)).sort());
  expect(sets[0]).toHaveLength(2);
  for (const set of sets) expect(set).toEqual(sets[0]);
});

it.concurrent("[DP-109] [A1.2] names outside the zones are REFUSED without aa and ra", async () => {
  for (const name of ["www.example.org.", "example.com.", "3.10.in-addr.arpa."]) {
    const dug = await s.lab.dig("A", name);
    expect(dug.status, name).toBe("REFUSED");
    expect(dug.flags).toEqual(["qr"]);
    expect([...dug.answer, ...dug.authority]).toEqual([]);
  }
});

it.concurrent("[DP-110] .local and the link-local reverse zones are NXDOMAIN", async () => {
  const since = now();
  for (const name of [
    "prnt110.local",
    "7.1.254.169.in-addr.arpa",
    "1.8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "1.a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
  ]) {
    const reply = await s.client.ask(name, "A");
    expect(reply.rcode, name).toBe(3);
    expect(reply.ms).toBeLessThan(1000);
  }
  expect(await s.ear1.queries(s.mac1, "prnt110.local", undefined, since)).toEqual([]);
});

it.concurrent("[DP-111] [DP-69] header bits, ID and question of an answer", async () => {
  // RD, AD and CD set in the query: RD alone comes back.
  const asked = `bLdG-1.eXaMpLe.CoM`;
  const reply = await s.client.ask(asked, "SOA", { id: 0xbeef, flags: 0x0130 });
  expect(reply.id).toBe(0xbeef);
  expect(reply.flags).toBe(0x8500);
  expect(reply.questions).toEqual([{ name: `${asked}.`, type: types.SOA, class: 1 }]);
  const plain = await s.client.ask(asked, "SOA");
  expect(plain.flags).toBe(0x8400);
});

withNsupdate.concurrent("[DP-112] other opcodes are NOTIMP, dynamic updates too", async () => {
  for (const opcode of ["status", "notify", "5", "15"]) {
    const dug = await s.lab.dig(`+opcode=${opcode}`, H);
    expect(dug.status, opcode).toBe("NOTIMP");
  }
  const update = spawnSync(
    s.lab.enter("cli")[0]!,
    [...s.lab.enter("cli").slice(1), "nsupdate", "-t", "5"],
    {
      input: `server ${s.lab.server}\nzone ${H}\nupdate add x.${H}. 60 A 192.0.2.1\nsend\n`,
      encoding: "utf8",
    },
  );
  expect(`${update.stdout}${update.stderr}`).toContain("NOTIMP");
});

it.concurrent("[DP-112] question counts, classes, transfers", async () => {
  const question = { name: H, type: "SOA" } as const;
  const none = await s.client.exchange(message({ id: 21 }));
  const two = await s.client.exchange(message({ id: 22, questions: [question, question] }));
  expect([none.rcode, two.rcode]).toEqual([1, 1]);
  expect((await s.client.ask(H, "SOA", { class: 3 })).rcode).toBe(5);
  expect((await s.client.ask(H, "SOA", { class: 0x8001 })).rcode).toBe(5);
  expect((await s.client.ask(H, "SOA", { class: 255 })).rcode).toBe(0);
  expect((await s.client.ask(H, "AXFR", { tcp: true })).rcode).toBe(5);
  expect((await s.client.ask(H, "IXFR", { tcp: true })).rcode).toBe(5);
});

it.concurrent("[DP-112] responses and fragments of a header are dropped", async () => {
  const client = await s.lab.client();
  const answer = message({ id: 31, flags: 0x8000, questions: [{ name: H, type: "SOA" }] });
  expect(await client.silence(answer)).toEqual([]);
  expect(await client.silence(Buffer.alloc(11))).toEqual([]);
  expect(await client.silence(Buffer.alloc(0))).toEqual([]);
  expect((await client.ask(H, "SOA")).rcode).toBe(0);
});

it.concurrent("[DP-113] OPT comes back only to who sent one; version 1 is BADVERS", async () => {
  const bare = await s.client.ask(H, "SOA");
  expect(bare.opt).toBeUndefined();
  const edns = await s.client.ask(H, "SOA", { opt: opt(4096) });
  expect(edns.opt).toBeDefined();
  expect(edns.opt!.class).toBeGreaterThanOrEqual(512);
  const version = await s.client.ask(H, "SOA", { opt: opt(1232, { version: 1 }) });
  expect((version.opt!.ttl >>> 24) * 16 + version.rcode).toBe(16);
  expect(version.answers).toEqual([]);
});

it.concurrent("[DP-113] forty instances: TC within each client's size, all over TCP", async () => {
  s.dev1.answers("_n113._tcp.local", "PTR", [], {
    send: () => response(many("_n113._tcp")),
  });
  const name = `_n113._tcp.${R}`;
  const all = await s.client.ask(name, "PTR", { tcp: true });
  expect(all.answers).toHaveLength(40);
  expect(all.tc).toBe(false);
  const plain = await s.client.ask(name, "PTR");
  expect(plain.tc).toBe(true);
  expect(plain.bytes.length).toBeLessThanOrEqual(512);
  for (const [size, limit] of [
    [600, 600],
    [4096, 1232],
    [100, 512],
  ] as const) {
    const reply = await s.client.ask(name, "PTR", { opt: opt(size) });
    expect(reply.tc, String(size)).toBe(true);
    expect(reply.bytes.length).toBeLessThanOrEqual(limit);
  }
  const dug = await s.lab.dig("+ignore", "PTR", `${name}.`);
  expect(dug.flags).toContain("tc");
  const retried = await s.lab.dig("PTR", `${name}.`);
  expect(retried.answer).toHaveLength(40);
});

it.concurrent("[DP-113] additional records go first when space is short", async () => {
  const type = "_n77b._tcp.local";
  const names = Array.from({ length: 6 }, (_, i) => `Device ${i} with a long name.${type}`);
  s.dev1.answers(type, "PTR", [], {
    send: () =>
      response(
        names.map((name) => rec(type, "PTR", 4500, name)),
        {
          additionals: names.map((name) =>
            flush(rec(name, "TXT", 4500, ["x".repeat(120), "y".repeat(120)])),
          ),
        },
      ),
  });
  const reply = await s.client.ask(`_n77b._tcp.${R}`, "PTR", { opt: opt(1232) });
  expect(reply.tc).toBe(false);
  expect(reply.answers).toHaveLength(6);
  expect(reply.additionals.length).toBeLessThan(6);
});

it.concurrent("[DP-111] two questions on one connection, each with its own ID", async () => {
  const stream = await s.client.stream();
  const [first, second] = await Promise.all([
    stream.exchange(message({ id: 101, questions: [{ name: H, type: "SOA" }] })),
    stream.exchange(message({ id: 102, questions: [{ name: H, type: "NS" }] })),
  ]);
  expect(recordTexts(first.answers)[0]).toContain(" SOA ");
  expect(dataOf(second.answers, types.NS)).toEqual(["px.example.com."]);
  stream.close();
});
