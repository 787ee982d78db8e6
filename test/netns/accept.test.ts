// Which packets of a link are believed (RFC 6762 §6, §11, §18): a scripted
// sender says things that are not true, from where it should not.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "./children.js";
import { H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, message, query, type Rec, rec, response, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";

const it = needs("tcpdump");
const s = stage();

const group = "224.0.0.251";

function address(name: string, ttl = 120): Rec {
  return flush(rec(`${name}.local`, "A", ttl, "10.1.0.66"));
}

/** Asks for a name while `speak` runs again and again; the addresses that came. */
async function heard(name: string, speak: () => void): Promise<string[]> {
  const chatter = setInterval(speak, 400);
  const reply = await s.client.ask(`${name}.${H}`, "A");
  clearInterval(chatter);
  expect(reply.rcode).toBe(0);
  return dataOf(reply.answers, types.A);
}

it.concurrent("[DP-139] records in queries are never cached: known answers, probes", async () => {
  const known = query([{ name: "n139.local", type: "A" }], { answers: [address("n139")] });
  const probe = query([{ name: "n139.local", type: "ANY" }], { authorities: [address("n139")] });
  s.dev1.say(known);
  s.dev1.say(probe);
  await sleep(200);
  const since = now();
  const got = await heard("n139", () => {
    s.dev1.say(known);
    s.dev1.say(probe);
  });
  expect(got).toEqual([]);
  expect(await s.ear1.queries(s.mac1, "n139.local", "A", since)).not.toEqual([]);
});

it.concurrent("[DP-140] a response with an ID and a foreign question is used", async () => {
  const bytes = response([], {
    id: 0x1234,
    questions: [{ name: "foreign.local", type: "PTR" }],
    authorities: [address("n140")],
  });
  expect(await heard("n140", () => s.dev1.say(bytes))).toEqual(["10.1.0.66"]);
});

it.concurrent("[DP-141] a response from another port is ignored", async () => {
  const socket = await s.dev1.socket({ port: 5354 });
  const speak = () => socket.send(response([address("n141")]), group, 5353);
  expect(await heard("n141", speak)).toEqual([]);
});

it.concurrent("[DP-142] an unsolicited unicast response is ignored", async () => {
  const speak = () => s.dev1.sayTo(response([address("n142")]), "10.1.0.1");
  expect(await heard("n142", speak)).toEqual([]);
});

it.concurrent("[DP-143] multicast counts from any source, with any TTL", async () => {
  const foreign = await s.dev1.socket({ port: 5353, address: "198.51.100.7", ttl: 64 });
  const speak = () => foreign.send(response([address("n143")]), group, 5353);
  expect(await heard("n143", speak)).toEqual(["10.1.0.66"]);
  const frame = await until("it is captured", () =>
    s.ear1.frames.find(({ source }) => source === "198.51.100.7"),
  );
  expect(frame.hops).toBe(64);
});

it.concurrent("[DP-143] a unicast response from off the link is dropped", async () => {
  const far = await s.lab.agent("cli");
  const socket = await far.udp({ family: 4, port: 5353 });
  const speak = () => socket.send(response([address("n143far")]), "10.1.0.1", 5353);
  expect(await heard("n143far", speak)).toEqual([]);
});

it.concurrent("[DP-144] opcode and error code matter, other bits do not", async () => {
  const bad = [0x8403, 0x8405, 0x8c00, 0xac00];
  const speak = () => {
    for (const flags of bad) s.dev1.say(message({ flags, answers: [address("n144bad")] }));
    // AA clear; TC, RD, RA, Z, AD and CD set.
    s.dev1.say(message({ flags: 0x83f0, answers: [address("n144good")] }));
  };
  const [none, good] = await Promise.all([heard("n144bad", speak), heard("n144good", speak)]);
  expect(none).toEqual([]);
  expect(good).toEqual(["10.1.0.66"]);
});

it.concurrent("[DP-145] an OPT with a class like a flag leaves no trace", async () => {
  const odd: Rec = { name: [], type: "OPT", class: 0x85a0, ttl: 4500, rdata: Buffer.alloc(0) };
  const own: Rec = { ...odd, name: "n145.local" };
  const bytes = response([address("n145")], { additionals: [odd, own] });
  expect(await heard("n145", () => s.dev1.say(bytes))).toEqual(["10.1.0.66"]);
  const any = await s.client.ask(`n145.${H}`, "ANY");
  expect(any.answers.map(({ type }) => type)).toEqual([types.A]);
});

it.concurrent("[DP-146] a response of 5,000 bytes is processed", async () => {
  const name = "Big._n146._tcp.local";
  const filler = Array.from({ length: 20 }, (_, i) =>
    flush(rec(`filler${i}.local`, "TXT", 120, ["x".repeat(230)])),
  );
  const bytes = response([...filler, flush(rec(name, "SRV", 120, [0, 0, 1, "big.local"]))]);
  expect(bytes.length).toBeGreaterThan(5000);
  s.dev1.answers(name, "SRV", [], { send: () => bytes });
  const reply = await s.client.ask(`Big._n146._tcp.${R}`, "SRV");
  expect(dataOf(reply.answers, types.SRV)).toEqual([`0 0 1 big.${H}.`]);
});

it.concurrent("[DP-137] a goodbye takes effect after a second, unless taken back", async () => {
  const type = "_n137._tcp.local";
  const record = (name: string, ttl: number) => rec(type, "PTR", ttl, `${name}.${type}`);
  s.dev1.answers(type, "PTR", [record("gone", 4500), record("back", 4500)], { times: 2 });
  const names = async () =>
    (await s.client.ask(`_n137._tcp.${R}`, "PTR")).answers.map(({ data }) => data.split(".")[0]);
  expect((await names()).sort()).toEqual(["back", "gone"]);
  s.dev1.announce([record("gone", 0), record("back", 0)]);
  await sleep(400);
  expect((await names()).sort(), "within the second").toEqual(["back", "gone"]);
  s.dev1.announce([record("back", 4500)]);
  await sleep(1500);
  expect(await names()).toEqual(["back"]);
});

it.concurrent("[DP-138] the cache-flush bit replaces what is older than a second", async () => {
  const at = (n: number) => flush(rec("n138.local", "A", 120, `10.1.0.${n}`));
  const addresses = async () =>
    dataOf((await s.client.ask(`n138.${H}`, "A")).answers, types.A).sort();
  s.dev1.answers("n138.local", "A", [at(1)], { times: 2 });
  expect(await addresses()).toEqual(["10.1.0.1"]);
  await sleep(1500);
  s.dev1.announce([at(2)]);
  await sleep(300);
  s.dev1.announce([at(3)]);
  await sleep(1800);
  expect(await addresses()).toEqual(["10.1.0.2", "10.1.0.3"]);
});

it.concurrent("[DP-149] two vain queries of others put a record in doubt", async () => {
  const name = "n149.local";
  s.dev1.answers(name, "A", [flush(rec(name, "A", 120, "10.1.0.149"))], { times: 1 });
  expect((await s.client.ask(`n149.${H}`, "A")).answers).toHaveLength(1);
  // The device is dead from here on. Within a second it need not have repeated itself.
  await sleep(1300);
  s.dev1.say(query([{ name, type: "A" }]));
  await sleep(1000);
  s.dev1.say(query([{ name, type: "A" }]));
  await sleep(3000);
  expect((await s.client.ask(`n149.${H}`, "A")).answers).toHaveLength(1);
  await sleep(9500);
  const since = now();
  expect(isNodata(await s.client.ask(`n149.${H}`, "A"), H)).toBe(true);
  expect(await s.ear1.queries(s.mac1, name, "A", since)).not.toEqual([]);
});
