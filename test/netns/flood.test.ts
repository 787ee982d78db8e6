// Bad input in quantity: junk on every socket, announcements by the 100,000. The
// daemon stays up, keeps answering and keeps its memory bounded.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { F2, H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, message, nameBytes, rec, response, types } from "./packet.js";
import { dataOf, stage } from "./stage.js";

const it = needs("tcpdump");
const s = stage(`
limits = { cache_records = 20000 }
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com' },
  { name = 'uplink', disable = true },
}
`);

/** Repeatable noise. */
function noise(seed: number, length: number): Buffer {
  let state = seed * 2_654_435_761 + 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    }),
  );
}

const header = (counts: string, flags = "0000") => Buffer.from(`0001${flags}${counts}`, "hex");
const question = Buffer.concat([nameBytes(H), Buffer.from("00060001", "hex")]);

/** Packets that are wrong in a way of their own. */
const broken: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  "one byte": Buffer.of(0),
  "header cut": header("0001000000000000").subarray(0, 11),
  "no question after all": header("0001000000000000"),
  "counts of 65,535": Buffer.concat([header("ffffffffffffffff"), question]),
  "pointer to itself": Buffer.concat([
    header("0001000000000000"),
    Buffer.from("c00c00010001", "hex"),
  ]),
  "pointers in a ring": Buffer.concat([
    header("0001000000000000"),
    Buffer.from("c00ec00c00010001", "hex"),
  ]),
  "pointer forwards": Buffer.concat([
    header("0001000000000000"),
    Buffer.from("c0ff00010001", "hex"),
  ]),
  "label of type 01": Buffer.concat([header("0001000000000000"), Buffer.from("4000010001", "hex")]),
  "name of 300 bytes": Buffer.concat([
    header("0001000000000000"),
    Buffer.concat(
      Array.from({ length: 5 }, () => Buffer.concat([Buffer.of(63), Buffer.alloc(63, 97)])),
    ),
    Buffer.from("0000010001", "hex"),
  ]),
  "question cut": Buffer.concat([header("0001000000000000"), question.subarray(0, -3)]),
  "rdata past the end": Buffer.concat([
    header("0000000100000000", "8400"),
    nameBytes("x.local"),
    Buffer.from("0001800100000078ffff0a01", "hex"),
  ]),
  "A of three bytes": response([
    { ...rec("n.local", "A", 120, "10.1.0.1"), rdata: Buffer.alloc(3) },
  ]),
  "SRV cut": response([
    { ...rec("n.local", "A", 120, "10.1.0.1"), type: "SRV", rdata: Buffer.alloc(5) },
  ]),
  "TXT that lies": response([{ ...rec("n.local", "TXT", 120, ["a"]), rdata: Buffer.of(200, 1) }]),
};

it("junk on every socket: a clear error or silence, and service goes on", async () => {
  const strangers = await s.lab.client();
  const samples = [
    ...Object.values(broken),
    ...Array.from({ length: 300 }, (_, i) => noise(i, 1 + ((i * 7) % 700))),
  ];
  for (const [i, bytes] of samples.entries()) {
    s.dev1.say(bytes, i % 2 === 0 ? 4 : 6);
    // With QR set, noise passes for a response and reaches the record parsers.
    if (bytes.length > 12) {
      const answer = Buffer.from(bytes);
      answer.writeUInt16BE(0x8400, 2);
      s.dev1.say(answer);
    }
    await strangers.silence(bytes, 2);
  }
  await sleep(500);
  for (const { bytes } of strangers.arrivals) {
    expect(bytes.length).toBeGreaterThanOrEqual(12);
    expect(bytes[2]! & 0x80).toBe(0x80);
  }
  s.dev1.answers("alive.local", "A", [flush(rec("alive.local", "A", 120, "10.1.0.8"))]);
  expect(dataOf((await s.client.ask(`alive.${H}`, "A")).answers, types.A)).toEqual(["10.1.0.8"]);
  expect(s.discd.child.exit).toBeUndefined();
});

it("each broken query gets FORMERR or nothing", async () => {
  for (const [text, bytes] of Object.entries(broken)) {
    const isResponse = bytes.length > 2 && (bytes[2]! & 0x80) !== 0;
    const client = await s.lab.client();
    const arrivals = await client.silence(bytes, 60);
    const codes = arrivals.map((arrival) => arrival.bytes[3]! & 15);
    expect(codes, text).toEqual(bytes.length < 12 || isResponse ? [] : [1]);
  }
});

it("junk on a TCP connection harms that connection only", async () => {
  const agent = await s.lab.agent("cli");
  const bad = [
    Buffer.of(0, 0),
    Buffer.of(0, 5, 1, 2, 3, 4, 5),
    Buffer.from("ffff", "hex"),
    noise(9, 5000),
    Buffer.concat([Buffer.of(0, 12), header("0001000000000000")]),
  ];
  const sockets = await Promise.all(bad.map(() => agent.tcp(s.lab.server, 53)));
  for (const [i, socket] of sockets.entries()) socket.write(bad[i]!);
  const stream = await s.client.stream();
  const reply = await stream.exchange(message({ id: 7, questions: [{ name: H, type: "SOA" }] }));
  expect(reply.answers).toHaveLength(1);
  for (const socket of sockets) socket.close();
  stream.close();
});

it("[DP-125] 100,000 announcements: memory stays bounded, service continues", async () => {
  const instance = (n: string) => [
    flush(rec(`h${n}.local`, "A", 120, "10.1.0.99")),
    flush(rec(`i${n}._junk._tcp.local`, "SRV", 120, [0, 0, 1, `h${n}.local`])),
    flush(rec(`i${n}._junk._tcp.local`, "TXT", 4500, ["x".repeat(40)])),
    rec("_junk._tcp.local", "PTR", 4500, `i${n}._junk._tcp.local`),
  ];
  // A standing question makes the shared records wanted as well.
  const asked = s.client.ask(`_junk._tcp.${R}`, "PTR", { tcp: true }).catch(() => undefined);
  const parts = Array.from({ length: 5 }, (_, i) => instance(`${i}-00000`)).flat();
  const bytes = response(parts);
  const offsets: number[] = [];
  for (let at = bytes.indexOf("-00000"); at >= 0; at = bytes.indexOf("-00000", at + 1)) {
    offsets.push(at + 1);
  }
  expect(offsets.length).toBe(5 * 5);
  const before = s.discd.rss;
  const socket = await s.dev1.socket({ port: 5353 });
  // 5,000 packets of 20 records.
  const flood = socket.flood(bytes, "224.0.0.251", 5353, {
    count: 5000,
    offsets,
    digits: 5,
    perSecond: 700,
  });
  let worst = 0;
  let isOver = false;
  flood.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const reply = await s.client.ask(F2, "SOA", { limit: 5000 });
    worst = Math.max(worst, reply.ms);
    await sleep(250);
  }
  await asked;
  await sleep(1000);
  expect(worst).toBeLessThan(3000);
  expect(s.discd.rss - before).toBeLessThan(250 * 1024 * 1024);
  s.dev1.answers("after.local", "A", [flush(rec("after.local", "A", 120, "10.1.0.7"))]);
  expect((await s.client.ask(`after.${H}`, "A")).answers).toHaveLength(1);
  expect(s.discd.child.exit).toBeUndefined();
});
