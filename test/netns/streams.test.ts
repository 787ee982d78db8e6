// The stream transport and EDNS at the edges (RFC 7766, 6891, 7828): framing,
// pieces, pipelines, half-closed and idle connections.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "./children.js";
import { DnsStream } from "./clients.js";
import { H } from "./lab.js";
import { needs } from "./needs.js";
import { message, opt, type Rec } from "./packet.js";
import { stage } from "./stage.js";

const it = needs("tcpdump");
const s = stage();

const soa = (id: number, more: Rec[] = []) =>
  message({ id, questions: [{ name: H, type: "SOA" }], additionals: more });

function framed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

it.concurrent("[TCP-01] UDP and a fresh TCP connection are answered alike", async () => {
  const udp = await s.client.exchange(soa(11));
  const stream = await s.client.stream();
  const tcp = await stream.exchange(soa(11));
  expect(tcp.bytes).toEqual(udp.bytes);
  stream.close();
});

it.concurrent("[TCP-02] a length that holds no header ends the connection", async () => {
  const stream = await s.client.stream();
  stream.socket.write(Buffer.from("00050102030405", "hex"));
  await until("it is closed", () => stream.socket.isClosed, 3000);
  expect(stream.received).toEqual([]);
});

it.concurrent("[TCP-03] a query byte by byte, and three in one write", async () => {
  const stream = await s.client.stream();
  for (const byte of framed(soa(31))) {
    stream.socket.write(Buffer.of(byte));
    await sleep(20);
  }
  stream.socket.write(Buffer.concat([32, 33, 34].map((id) => framed(soa(id)))));
  await until("four answers", () => stream.received.length === 4);
  expect(stream.received.map(({ seen }) => seen.id).sort()).toEqual([31, 32, 33, 34]);
  stream.close();
});

it.concurrent("[TCP-05] fifty queries in one write get fifty answers", async () => {
  const stream = await s.client.stream();
  const ids = Array.from({ length: 50 }, (_, i) => 500 + i);
  stream.socket.write(Buffer.concat(ids.map((id) => framed(soa(id)))));
  await until("all answers", () => stream.received.length === 50);
  expect(stream.received.map(({ seen }) => seen.id).sort()).toEqual(ids);
  stream.close();
});

it.concurrent("[TCP-06] a slow question does not hold up the next", async () => {
  const stream = await s.client.stream();
  const slow = message({ id: 61, questions: [{ name: `t6.${H}`, type: "A" }] });
  stream.socket.write(Buffer.concat([framed(slow), framed(soa(62))]));
  const quick = await until("the quick one", () => stream.received[0], 2000);
  expect(quick.seen.id).toBe(62);
  stream.close();
});

it.concurrent("[TCP-07] [TCP-08] idle connections are closed, dribbling ones too", async () => {
  const [idle, slow] = await Promise.all([s.client.stream(), s.client.stream()]);
  await idle.exchange(soa(71));
  const begin = Date.now();
  const bytes = framed(soa(81));
  for (let i = 0; !slow.socket.isClosed && i < 16; i++) {
    slow.socket.write(bytes.subarray(i, i + 1));
    await sleep(1000);
  }
  await until("both are closed", () => idle.socket.isClosed && slow.socket.isClosed, 3000);
  expect(Date.now() - begin).toBeGreaterThan(8500);
});

it.concurrent("[TCP-09] a half-closed client is answered, a gone one is not", async () => {
  const agent = await s.lab.agent("cli");
  const slow = (id: number) => framed(message({ id, questions: [{ name: `t9.${H}`, type: "A" }] }));
  const [half, gone] = await Promise.all([
    agent.tcp(s.lab.server, 53),
    agent.tcp(s.lab.server, 53),
  ]);
  const stream = new DnsStream(half);
  half.write(slow(91));
  half.finish();
  gone.write(slow(92));
  await sleep(200);
  gone.close();
  await until("the slow answer", () => stream.received.length === 1, 9000);
  expect(stream.received[0]?.seen.id).toBe(91);
  expect((await s.client.exchange(soa(93))).answers).toHaveLength(1);
  expect(s.discd.child.exit).toBeUndefined();
});

it.concurrent("[TCP-10] ten connections from one address all work", async () => {
  const streams = await Promise.all(Array.from({ length: 10 }, () => s.client.stream()));
  const replies = await Promise.all(streams.map((stream, i) => stream.exchange(soa(1000 + i))));
  for (const reply of replies) expect(reply.answers).toHaveLength(1);
  for (const stream of streams) stream.close();
});

it.concurrent("[EDNS-04] unknown options and flags are ignored, DO is copied", async () => {
  const option = Buffer.from("00640003616263", "hex");
  const odd: Rec = { ...opt(1232, { dnssecOk: true }), rdata: option };
  const reply = await s.client.exchange(soa(41, [{ ...odd, ttl: odd.ttl | 0x40 }]));
  expect([reply.rcode, reply.answers.length]).toEqual([0, 1]);
  expect(reply.opt!.ttl).toBe(0x8000);
  expect(reply.opt!.raw.toString("hex")).not.toContain("616263");
});

it.concurrent("[EDNS-02] [EDNS-05] two OPTs, a broken OPT: FORMERR with an OPT", async () => {
  const two = await s.client.exchange(soa(51, [opt(1232), opt(1232)]));
  const broken: Rec = { ...opt(1232), rdata: Buffer.from("000a0009", "hex") };
  const cut = await s.client.exchange(soa(52, [broken]));
  for (const reply of [two, cut]) {
    expect(reply.rcode).toBe(1);
    expect(reply.opt).toBeDefined();
  }
});

it.concurrent("[EDNS-08] [EDNS-09] the keepalive option, over UDP and over TCP", async () => {
  const keepalive: Rec = { ...opt(1232), rdata: Buffer.from("000b0000", "hex") };
  const udp = await s.client.exchange(soa(82, [keepalive]));
  expect(udp.rcode).toBe(0);
  expect(udp.opt!.raw).toHaveLength(0);
  const stream = await s.client.stream();
  const tcp = await stream.exchange(soa(83, [keepalive]));
  // 10 s in units of 100 ms.
  expect(tcp.opt!.raw.toString("hex")).toBe("000b00020064");
  stream.close();
});

it.concurrent("[DSO-01] a session request over UDP is NOTIMP", async () => {
  const request = Buffer.from("1234300000000000000000000001000800003a9800003a98", "hex");
  const reply = await s.client.exchange(request);
  expect(reply.bytes.toString("hex")).toBe("1234b0040000000000000000");
});
