// The HTTP listener against those who mean it no good: requests that two programs
// may read in two ways, connections that do not end, doors that were closed.

import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { followersMax, followersReserved, pipelinedMax } from "../../src/os/http-limits.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { printer } from "../api/state.js";
import { anyPort, host, type Stage, send, stageOf, Wire } from "./http-stage.js";

const token = "Authorization: Bearer s3cret";
const get = (path: string, ...more: string[]) =>
  `${[`GET ${path} HTTP/1.1`, host, ...more].join("\r\n")}\r\n\r\n`;

async function tell(stage: Stage, bytes: string): Promise<Wire> {
  const wire = await Wire.open(stage.port);
  wire.socket.write(bytes);
  return wire;
}

const follow = async (stage: Stage, ...more: string[]) =>
  (await tell(stage, get("/v1/events", ...more))).until((one) => one.status !== 0);

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

const head = `POST /v1/reload HTTP/1.1\r\n${host}\r\n${token}\r\n`;
const inner = get("/v1/summary");

/** What a proxy in front may read otherwise than we do: none of it is taken for two requests. */
const smuggled: readonly (readonly [string, string])[] = [
  ["CL.TE", `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`],
  ["TE.CL", `${head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${inner}`],
  [
    "a coding after chunked",
    `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
  ],
  ["an unknown coding", `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
  ["a space before the colon", `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`],
  ["a folded line", `${head}Transfer-Encoding:\r\n chunked\r\nX: \r\n y\r\n\r\n0\r\n\r\n${inner}`],
  ["two lengths that differ", `${head}Content-Length: 0\r\nContent-Length: 99\r\n\r\n${inner}`],
  ["two lengths in one field", `${head}Content-Length: 0, 99\r\n\r\n${inner}`],
  ["a length with a sign", `${head}Content-Length: +0\r\n\r\n${inner}`],
  ["a length in hexadecimal", `${head}Content-Length: 0x0\r\n\r\n${inner}`],
  ["a length beyond any number", `${head}Content-Length: ${"9".repeat(40)}\r\n\r\n${inner}`],
  ["a chunk of no size", `${head}Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n${inner}`],
  ["a chunk below zero", `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n${inner}`],
  ["a chunk beyond any number", `${head}Transfer-Encoding: chunked\r\n\r\n${"f".repeat(40)}\r\n`],
  ["bare line feeds", `${head.replaceAll("\r", "")}\nGET /v1/summary HTTP/1.1\n${host}\n\n`],
  ["a bare carriage return", `${head}X: a\rTransfer-Encoding: chunked\r\n\r\n${inner}`],
  ["a zero byte in a field", `${head}X: a\0b\r\n\r\n${inner}`],
  ["a zero byte in the path", `GET /v1/\0summary HTTP/1.1\r\n${host}\r\n\r\n`],
  ["a space in the path", `GET /v1/summary x HTTP/1.1\r\n${host}\r\n\r\n`],
  ["an address for a path", `GET http://127.0.0.1/v1/summary HTTP/1.1\r\n${host}\r\n\r\n`],
  ["a path without a slash", `GET v1/summary HTTP/1.1\r\n${host}\r\n\r\n`],
  ["HTTP/2 from the first byte", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
];

test.each(smuggled)("A1.20 %s: one refusal, and the connection ends", async (_, bytes) => {
  const stage = await stageOf();
  const wire = await tell(stage, bytes);
  await wire.until((one) => one.status !== 0);
  expect(wire.status).toBe(400);
  await pause(50);
  expect(wire.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  expect(stage.state.done).toEqual([]);
  const counted = [...stage.counts.all().keys()];
  expect(counted.some((key) => /^drops\/http-(malformed|target)$/.test(key))).toBe(true);
  wire.socket.destroy();
});

const everyAnswer: readonly (readonly [number, string])[] = [
  [200, get("/")],
  [200, get("/v1/summary")],
  [200, get("/v1/services")],
  [200, get("/v1/events")],
  [400, "nonsense\r\n\r\n"],
  [400, get("/v1/services?hidden=maybe")],
  [401, `POST /v1/reload HTTP/1.1\r\n${host}\r\n\r\n`],
  [403, get("/", "Origin: http://evil.example")],
  [404, get("/../../etc/passwd")],
  [404, get("/%2e%2e/%2e%2e/etc/passwd")],
  [404, get("//evil.example/")],
  [405, `TRACE / HTTP/1.1\r\n${host}\r\n\r\n`],
  [405, `OPTIONS /v1/summary HTTP/1.1\r\n${host}\r\n\r\n`],
  [405, `DELETE /v1/summary HTTP/1.1\r\n${host}\r\n\r\n`],
  [405, `CONNECT 127.0.0.1:53 HTTP/1.1\r\n${host}\r\n\r\n`],
  [413, `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 9999\r\n\r\n`],
  [417, `POST / HTTP/1.1\r\n${host}\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n`],
  [417, get("/", "Expect: a miracle")],
  [421, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"],
  [431, get("/", `X: ${"x".repeat(20_000)}`)],
];

test.each(everyAnswer)("A1.20 an answer %i keeps other origins away: %s", async (status, bytes) => {
  const stage = await stageOf();
  const wire = await tell(stage, bytes);
  await wire.until((one) => one.text.includes("\r\n\r\n"));
  expect(wire.status).toBe(status);
  const fields = wire.text.slice(0, wire.text.indexOf("\r\n\r\n")).toLowerCase();
  expect(fields).toMatch(/content-security-policy: default-src 'none'; .*frame-ancestors 'none'/);
  expect(fields).toContain("x-content-type-options: nosniff");
  expect(fields).toContain("x-frame-options: deny");
  expect(fields).toContain("cross-origin-resource-policy: same-origin");
  expect(fields).toContain("referrer-policy: no-referrer");
  expect(fields).toMatch(/cache-control: no-(store|cache)/);
  expect(fields).not.toMatch(/access-control-|set-cookie|x-powered-by|^server:/m);
  const refusals = [...stage.counts.all().keys()].filter((key) => key.startsWith("drops/http-"));
  const isFree = status === 200 || bytes.includes("hidden=maybe");
  expect(refusals.length > 0).toBe(!isFree);
  wire.socket.destroy();
});

test("who offers another protocol is answered in this one", async () => {
  const { port } = await stageOf();
  for (const other of ["websocket", "h2c", "TLS/1.3"]) {
    const fields = [`Upgrade: ${other}`, "HTTP2-Settings: AAMAAABkAAQAAP__"];
    const { text, status } = await send(port, "GET /v1/summary HTTP/1.1", host, ...fields);
    expect(status).toBe(200);
    expect(text).toContain('"hostname":"px.example.net"');
  }
});

describe("requests sent ahead", () => {
  test("streams of events among them are begun in turn, and end with the connection", async () => {
    const stage = await stageOf();
    const wire = await tell(stage, get("/v1/events").repeat(pipelinedMax));
    await wire.until((one) => one.text.includes("event: summary"));
    await pause(50);
    expect(stage.listeners.followers).toBe(1);
    wire.socket.destroy();
    await wire.until(() => stage.listeners.followers === 0, 2_000);
  });

  test("too many streams at once are none", async () => {
    const stage = await stageOf();
    const wire = await tell(stage, get("/v1/events").repeat(pipelinedMax + 1));
    await wire.until((one) => one.isClosed);
    await pause(50);
    expect(stage.listeners.followers).toBe(0);
    expect(stage.counts.of("limits", "http-pipelined")).toBe(1);
  });

  test("nothing is answered for a connection that has gone", async () => {
    const stage = await stageOf();
    const wire = await tell(stage, get("/v1/services") + get("/v1/events").repeat(3));
    wire.socket.destroy();
    await pause(200);
    expect(stage.listeners.followers).toBe(0);
  });
});

test("A1.20 who goes on sending after a refusal is not listened to for long", async () => {
  const stage = await stageOf();
  for (const bytes of [
    "nonsense\r\n\r\n",
    `CONNECT x:1 HTTP/1.1\r\n${host}\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 999999\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n${"x".repeat(5_000)}`,
    `POST / HTTP/1.1\r\n${host}\r\nExpect: 100-continue\r\nContent-Length: 999999\r\n\r\n`,
  ]) {
    // Its own side stays open, whatever it hears.
    const socket = connect({ port: stage.port, host: "127.0.0.1", allowHalfOpen: true });
    const wire = new Wire(socket);
    socket.write(bytes);
    await wire.until((one) => one.status !== 0);
    const began = Date.now();
    const drip = setInterval(() => socket.write("x"), 50);
    await wire.until((one) => one.isClosed, 4_000);
    clearInterval(drip);
    expect(Date.now() - began).toBeLessThan(3_000);
  }
});

test("what is wrong is counted once, however its client goes", async () => {
  const stage = await stageOf();
  const malformed = () => stage.counts.of("drops", "http-malformed");
  for (const [at, go] of ["end", "destroy", "resetAndDestroy"].entries()) {
    const wire = await tell(stage, "nonsense\r\n\r\n");
    await wire.until((one) => one.status !== 0);
    wire.socket.write("nonsense\r\n\r\n");
    wire.socket[go as "end" | "destroy" | "resetAndDestroy"]();
    await pause(50);
    expect(malformed()).toBe(at + 1);
  }
  // Half a request is none, if whoever sent it goes.
  const wire = await tell(stage, "GET / HTTP/1.1\r\n");
  await pause(20);
  wire.socket.resetAndDestroy();
  await pause(50);
  expect(malformed()).toBe(3);
});

test("other users of the host leave room for the operator", async () => {
  const stage = await stageOf();
  const wires: Wire[] = [];
  for (let at = 0; at < followersMax; at++) wires.push(await follow(stage));
  const refused = wires.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(followersReserved);
  const own: Wire[] = [];
  for (let at = 0; at <= followersReserved; at++) own.push(await follow(stage, token));
  expect(own.map(({ status }) => status)).toEqual([
    ...Array.from({ length: followersReserved }, () => 200),
    503,
  ]);
  for (const { socket } of [...wires, ...own]) socket.destroy();
});

describe("a door that is closed", () => {
  const other = { ...anyPort, address: parseAddress("127.0.0.2")! };

  test("nothing goes on by it, and what comes by others stays", async () => {
    const stage = await stageOf({}, { listen: [other, anyPort] });
    const [gone, stays] = stage.listeners.open.map(({ port }) => port) as [number, number];
    const wires = [
      new Wire(connect({ port: gone, host: "127.0.0.2" })),
      new Wire(connect({ port: stays, host: "127.0.0.1" })),
    ] as const;
    for (const { socket } of wires) socket.write(get("/v1/events"));
    await Promise.all(wires.map((wire) => wire.until((one) => one.status === 200)));
    expect(await stage.listeners.follow({ listen: [anyPort] })).toEqual([]);
    await wires[0].until((one) => one.isClosed, 4_000);
    expect(stage.listeners.followers).toBe(1);
    expect(wires[1].isClosed).toBe(false);
    // Another token: who follows by the old one has to show the new one.
    stage.listeners.endStreams();
    await wires[1].until((one) => one.text.endsWith("0\r\n\r\n"));
    expect(stage.listeners.followers).toBe(0);
    wires[1].socket.destroy();
  });

  test("what is being answered leaves", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stage = await stageOf({
      *services() {
        for (let at = 0; at < 500; at++) {
          if (at === 1) release();
          yield { ...printer, instance: "x".repeat(2_000) };
        }
      },
    });
    const wire = await tell(stage, get("/v1/services"));
    await held;
    expect(await stage.listeners.follow({ listen: [other] })).toEqual([]);
    await wire.until((one) => one.text.endsWith("0\r\n\r\n"), 900);
  });

  test("one that is opened while all are closed does not stay open", async () => {
    const stage = await stageOf();
    const opening = stage.listeners.follow({ listen: [anyPort, other] });
    stage.listeners.close();
    expect(await opening).toEqual([]);
    expect(await stage.listeners.follow({ listen: [anyPort] })).toEqual([]);
    expect(stage.listeners.open).toEqual([]);
  });

  test("settings that follow each other closely are taken up one after the other", async () => {
    const stage = await stageOf();
    const place = { ...other, port: stage.port };
    const turns = [[place], [place], [anyPort], [place]];
    const faults = await Promise.all(turns.map((listen) => stage.listeners.follow({ listen })));
    expect(faults).toEqual([[], [], [], []]);
    expect(stage.listeners.open.map(({ name }) => name)).toEqual([`127.0.0.2:${stage.port}`]);
  });
});

test("where TLS is wanted nothing is said in the clear", async () => {
  const stage = await stageOf();
  const place = { ...anyPort, port: stage.port };
  const fault = "there is no certificate to speak TLS with; set certificate";
  expect(await stage.listeners.follow({ listen: [place], needsTls: true })).toEqual([
    `http.listen 127.0.0.1:${stage.port}: ${fault}`,
  ]);
  expect(stage.listeners.open).toEqual([]);
  await expect(Wire.open(stage.port)).rejects.toThrow(/ECONNREFUSED/);
  // The same port, from clear text to TLS and back.
  const { credentials } = makeSelfSigned(["px.example.net"], Date.now());
  const tls = { listen: [place], needsTls: true, credentials };
  expect(await stage.listeners.follow(tls)).toEqual([]);
  expect((await send(stage.port, "GET /v1/summary HTTP/1.1", host)).status).toBe(0);
  // A certificate that has gone is no reason to close what is open.
  expect(await stage.listeners.follow({ listen: [place], needsTls: true })).toEqual([]);
  expect(await stage.listeners.follow({ listen: [place] })).toEqual([]);
  expect((await send(stage.port, "GET /v1/summary HTTP/1.1", host)).status).toBe(200);
});
