// How long the HTTP listener waits for those who do not get on with it. Apart from
// the other tests, since it takes fifteen seconds of real time.

import { expect, test } from "vitest";
import { host, stageOf, Wire } from "./http-stage.js";

test("who says nothing, or too little, is not waited for", async () => {
  const { port, counts } = await stageOf();
  const silent = await Wire.open(port);
  const slow = await Wire.open(port);
  const stuck = await Wire.open(port);
  slow.socket.write(`GET / HTTP/1.1\r\n${host}\r\nA: `);
  const head = ["POST /v1/reload HTTP/1.1", host, "Content-Length: 4", "", ""];
  stuck.socket.write(head.join("\r\n"));
  const drip = setInterval(() => slow.socket.write("x"), 500);
  await Promise.all([silent, slow, stuck].map((wire) => wire.until((one) => one.isClosed, 50_000)));
  clearInterval(drip);
  expect(slow.status).toBe(408);
  expect(stuck.status).toBe(408);
  expect(counts.of("drops", "http-slow")).toBeGreaterThanOrEqual(2);
}, 60_000);
