// How long the HTTP listener waits for those who do not get on with it. Apart from
// the other tests, since it takes two thirds of a minute of real time.

import { expect, test } from "vitest";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { printer } from "../api/state.js";
import { anyPort, host, stageOf, Wire } from "./http-stage.js";

const closed = (wire: Wire) => wire.until((one) => one.isClosed, 50_000);

/** Who says nothing, or too little. */
async function sayLittle(): Promise<void> {
  const { port, counts } = await stageOf();
  const wires = await Promise.all(Array.from({ length: 5 }, () => Wire.open(port)));
  const [silent, slow, stuck, thin, done] = wires as [Wire, Wire, Wire, Wire, Wire];
  slow.socket.write(`GET / HTTP/1.1\r\n${host}\r\nA: `);
  const head = ["POST /v1/reload HTTP/1.1", host, "Content-Length: 400", "", ""];
  stuck.socket.write(head.join("\r\n"));
  thin.socket.write(head.join("\r\n"));
  done.socket.write(`GET /v1/summary HTTP/1.1\r\n${host}\r\n\r\n`);
  const drip = setInterval(() => {
    slow.socket.write("x");
    thin.socket.write("x");
  }, 500);
  const began = Date.now();
  await Promise.all([silent, slow, stuck, thin].map(closed));
  clearInterval(drip);
  // 15 s for all of it, and what it takes to notice.
  expect(Date.now() - began).toBeLessThan(20_000);
  for (const wire of [silent, slow, stuck, thin]) expect(wire.status).toBe(408);
  expect(counts.of("drops", "http-slow")).toBe(4);
  // Whoever has been answered and asks for nothing more is no offender.
  await closed(done);
  expect(done.status).toBe(200);
  expect(counts.of("drops", "http-slow")).toBe(4);
  expect(counts.of("drops", "http-stalled")).toBe(0);
}

/** Who asks, and does not read the answer. */
async function readNothing(): Promise<void> {
  const { port, counts } = await stageOf({
    *services() {
      for (;;) yield { ...printer, instance: "x".repeat(4_000) };
    },
  });
  const wire = await Wire.open(port);
  wire.socket.write(`GET /v1/services HTTP/1.1\r\n${host}\r\n\r\n`);
  wire.socket.pause();
  const end = Date.now() + 55_000;
  while (counts.of("drops", "http-stalled") === 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(counts.of("drops", "http-stalled")).toBe(1);
  wire.socket.destroy();
}

/** Who does not begin with TLS. */
async function shakeNoHands(): Promise<void> {
  const { credentials } = makeSelfSigned(["px.example.net"], Date.now());
  const { port, counts } = await stageOf({}, { listen: [anyPort], credentials });
  const silent = await Wire.open(port);
  const slow = await Wire.open(port);
  // A record that announces more than ever comes.
  slow.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
  const began = Date.now();
  await Promise.all([silent, slow].map(closed));
  expect(Date.now() - began).toBeLessThan(15_000);
  expect(counts.of("drops", "http-tls")).toBe(2);
}

/** Whose answer takes long to make: that is not his fault. */
async function waitForUs(): Promise<void> {
  const { port, counts } = await stageOf({}, undefined, 45_000);
  const wire = await Wire.open(port);
  wire.socket.write(`GET /v1/summary HTTP/1.1\r\n${host}\r\n\r\n`);
  await wire.until((one) => one.status !== 0 || one.isClosed, 55_000);
  expect(wire.status).toBe(200);
  expect(counts.of("drops", "http-stalled")).toBe(0);
  wire.socket.destroy();
}

// All at once: each of them takes its time.
test("A1.20 who does not get on is not waited for", async () => {
  await Promise.all([sayLittle(), readNothing(), shakeNoHands(), waitForUs()]);
}, 60_000);
