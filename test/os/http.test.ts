// The HTTP listener: what it serves, and what the bounds of requests, connections
// and event streams do to those who go beyond.

import { request } from "node:http";
import { expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { eventOf } from "../../src/api/events.js";
import { portionSize } from "../../src/api/portions.js";
import {
  bodyBytesMax,
  connectionsMax,
  fieldsMax,
  followersMax,
  followersReserved,
  headerBytesMax,
  pipelinedMax,
} from "../../src/os/http-limits.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { host as apiHost, printer } from "../api/state.js";
import { anyPort, host, type Stage, send, stageOf, Wire } from "./http-stage.js";

const get = (path: string) => [`GET ${path} HTTP/1.1`, host];

const fieldsIn = (text: string) => text.slice(0, text.indexOf("\r\n\r\n")).toLowerCase();
const bodyIn = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4);

/** Body of a chunked response. */
function unchunk(text: string): string {
  let rest = bodyIn(text);
  let body = "";
  for (;;) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return body;
    const bytes = Buffer.from(rest.slice(end + 2));
    body += bytes.subarray(0, size).toString();
    rest = bytes.subarray(size + 2).toString();
  }
}

test("a path is answered, with the fields that keep other origins away", async () => {
  const { port } = await stageOf();
  const { text, status } = await send(port, ...get("/v1/summary"));
  expect(status).toBe(200);
  expect(JSON.parse(bodyIn(text)).hostname).toBe("px.example.net");
  const fields = fieldsIn(text);
  expect(fields).toContain("cache-control: no-store");
  expect(fields).toContain("x-content-type-options: nosniff");
  expect(fields).toContain("cross-origin-resource-policy: same-origin");
  expect(fields).toContain("content-security-policy: default-src 'none'");
  expect(fields).not.toContain("access-control");
  expect(fields).not.toContain("x-powered-by");
});

test("HEAD is answered as GET is, without the body", async () => {
  const { port } = await stageOf();
  const paths = ["/v1/summary", "/v1/services", "/v1/events", "/metrics", "/"];
  for (const path of paths) {
    const { text, status } = await send(port, `HEAD ${path} HTTP/1.1`, host);
    expect(status).toBe(200);
    expect(bodyIn(text)).toBe("");
  }
});

test("a long list arrives whole, a portion a turn of the event loop", async () => {
  const many = Array.from({ length: 2000 }, (_, at) => ({ ...printer, id: String(at) }));
  let turn = 0;
  /** Services made in each turn. */
  const made = new Map<number, number>();
  const { port } = await stageOf({
    *services() {
      for (const one of many) {
        made.set(turn, (made.get(turn) ?? 0) + 1);
        yield one;
      }
    },
  });
  let isOver = false;
  const next = () => {
    turn += 1;
    if (!isOver) setImmediate(next);
  };
  setImmediate(next);
  const both = await Promise.all([
    send(port, ...get("/v1/services")),
    send(port, ...get("/v1/services")),
  ]);
  isOver = true;
  for (const { text } of both) expect(JSON.parse(unchunk(text)).services).toHaveLength(2000);
  // One portion for all connections together.
  expect(Math.max(...made.values())).toBeLessThanOrEqual(portionSize);
});

test("a fault of ours while answering is a bug, not an answer", async () => {
  const { port, crashes } = await stageOf({
    *hosts() {
      yield apiHost;
      throw new Error("a bug");
    },
  });
  const caught: unknown[] = [];
  const keep = (error: unknown) => caught.push(error);
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", keep);
  const wire = await Wire.open(port);
  wire.socket.write(`${get("/v1/hosts").join("\r\n")}\r\n\r\n`);
  await wire.until(() => crashes.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.removeListener("uncaughtException", keep);
  for (const one of before) process.on("uncaughtException", one);
  expect(crashes).toEqual([new Error("a bug")]);
});

const malformed: readonly (readonly [string, string, number])[] = [
  ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400],
  ["an unknown version", `GET / HTTP/9.9\r\n${host}\r\n\r\n`, 400],
  ["no Host in an old version", "GET /v1/summary HTTP/1.0\r\n\r\n", 400],
  ["no Host", "GET /v1/summary HTTP/1.1\r\n\r\n", 400],
  ["two Hosts", `GET /v1/summary HTTP/1.1\r\n${host}\r\nHost: evil.example\r\n\r\n`, 400],
  ["a field without a colon", `GET / HTTP/1.1\r\n${host}\r\nnonsense\r\n\r\n`, 400],
  ["a space in a field's name", `GET / HTTP/1.1\r\n${host}\r\nA b: c\r\n\r\n`, 400],
  ["a bare line feed in a field", `GET / HTTP/1.1\r\n${host}\r\nA: b\nc\r\n\r\n`, 400],
  [
    "length and chunks at once",
    `POST /v1/reload HTTP/1.1\r\n${host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
  ],
  [
    "two lengths",
    `POST /v1/reload HTTP/1.1\r\n${host}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n`,
    400,
  ],
  ["a length below zero", `POST / HTTP/1.1\r\n${host}\r\nContent-Length: -1\r\n\r\n`, 400],
  ["fields without end", `GET / HTTP/1.1\r\n${host}\r\nA: ${"a".repeat(headerBytesMax)}`, 431],
  ["a path without end", `GET /${"a".repeat(headerBytesMax)}`, 431],
  ["a path too long", `GET /${"a".repeat(4000)} HTTP/1.1\r\n${host}\r\n\r\n`, 414],
  [
    "fields without number",
    `GET / HTTP/1.1\r\n${host}\r\n${"a: b\r\n".repeat(fieldsMax)}\r\n`,
    431,
  ],
  [
    "a body that is too long",
    `POST /v1/reload HTTP/1.1\r\n${host}\r\nContent-Length: 99999\r\n\r\n`,
    413,
  ],
  [
    "chunks that are too long",
    `POST /v1/reload HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n${"a".repeat(0x2000)}\r\n0\r\n\r\n`,
    413,
  ],
  [
    "a body announced",
    `POST / HTTP/1.1\r\n${host}\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n`,
    417,
  ],
  ["a name of somebody else", "GET /v1/summary HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421],
  [
    "a page of somebody else",
    `GET /v1/summary HTTP/1.1\r\n${host}\r\nOrigin: http://evil.example\r\n\r\n`,
    403,
  ],
  [
    "two origins",
    `GET / HTTP/1.1\r\n${host}\r\nOrigin: http://127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n`,
    403,
  ],
  ["a wrong token", `GET / HTTP/1.1\r\n${host}\r\nAuthorization: Bearer s3cre\r\n\r\n`, 401],
  ["no token to write", `POST /v1/reload HTTP/1.1\r\n${host}\r\n\r\n`, 401],
];

for (const [what, bytes, status] of malformed) {
  test(`${what}: answered ${status}, counted, and nothing done`, async () => {
    const { port, counts, state } = await stageOf();
    const wire = await Wire.open(port);
    wire.socket.write(bytes);
    await wire.until((one) => one.status !== 0);
    expect(wire.status).toBe(status);
    expect(wire.text).not.toMatch(/at .*:\d+:\d+|node:|\/src\//);
    expect([...counts.all().keys()].some((key) => key.startsWith("drops/http-"))).toBe(true);
    expect(state.done).toEqual([]);
    wire.socket.destroy();
  });
}

test("upgrades and tunnels lead nowhere", async () => {
  const { port } = await stageOf();
  const upgrade = await send(port, ...get("/"), "Upgrade: websocket", "Connection: Upgrade");
  expect(upgrade.status).not.toBe(101);
  const tunnel = await send(port, "CONNECT 127.0.0.1:53 HTTP/1.1", host);
  expect(tunnel.status).not.toBe(200);
});

test("a small body is read and means nothing", async () => {
  const { port, state } = await stageOf();
  const fields = ["Authorization: Bearer s3cret", `Content-Length: ${bodyBytesMax}`];
  const wire = await Wire.open(port);
  const head = ["POST /v1/reload HTTP/1.1", host, ...fields, "Connection: close", "", ""];
  wire.socket.write(head.join("\r\n"));
  wire.socket.write("x".repeat(bodyBytesMax));
  await wire.until((one) => one.isClosed);
  expect(wire.status).toBe(200);
  expect(state.done).toEqual(["reload"]);
});

test("who sends ahead and reads nothing is cut off", async () => {
  const { port, counts } = await stageOf();
  const wire = await Wire.open(port);
  wire.socket.write(`${get("/v1/services").join("\r\n")}\r\n\r\n`.repeat(pipelinedMax + 1));
  await wire.until((one) => one.isClosed);
  expect(counts.of("limits", "http-pipelined")).toBe(1);
});

test("a few requests sent ahead are answered in their order", async () => {
  const { port } = await stageOf();
  const wire = await Wire.open(port);
  const some = ["/v1/services", "/v1/summary", "/v1/config"].map(
    (path) => `${get(path).join("\r\n")}\r\n\r\n`,
  );
  wire.socket.write(some.join(""));
  await wire.until((one) => one.text.includes('"token":"***"'));
  const at = ['"services":', '"hostname":"px', '"token":'].map((text) => wire.text.indexOf(text));
  expect(at).toEqual([...at].sort((a, b) => a - b));
  wire.socket.destroy();
});

async function follow(stage: Stage, path = "/v1/events"): Promise<Wire> {
  const wire = await Wire.open(stage.port);
  wire.socket.write(`${get(path).join("\r\n")}\r\n\r\n`);
  return wire.until((one) => one.text.includes("\r\n\r\n"));
}

test("events arrive at those who follow them, and at nobody else", async () => {
  const stage = await stageOf();
  const [services, packets] = [await follow(stage), await follow(stage, "/v1/packets")];
  await services.until((one) => one.text.includes("event: summary"));
  expect(stage.listeners.hasFollowers("packets")).toBe(true);
  stage.listeners.publish(eventOf("service-added", printer));
  await services.until((one) => one.text.includes("event: service-added"));
  expect(packets.text).not.toContain("service-added");
  packets.socket.destroy();
  await packets.until(() => !stage.listeners.hasFollowers("packets"));
  expect(stage.listeners.followers).toBe(1);
  services.socket.destroy();
});

test("a reader that does not read is dropped, and the others do not wait for it", async () => {
  const stage = await stageOf();
  const [lazy, eager] = [await follow(stage), await follow(stage)];
  lazy.socket.pause();
  const large = eventOf("service-added", { ...printer, instance: "x".repeat(60_000) });
  for (let at = 0; at < 400 && stage.listeners.followers === 2; at++) {
    stage.listeners.publish(large);
    await new Promise((resolve) => setImmediate(resolve));
    await eager.until((one) => one.text.split("event: service-added").length > at + 1);
  }
  expect(stage.counts.of("drops", "http-slow-reader")).toBe(1);
  expect(stage.listeners.followers).toBe(1);
  lazy.socket.destroy();
  eager.socket.destroy();
});

test("a thousand idle event streams: a few are served, the others told so or not let in", async () => {
  const stage = await stageOf();
  const before = process.memoryUsage().rss;
  const wires = await Promise.all(Array.from({ length: 1000 }, () => Wire.open(stage.port)));
  for (const wire of wires) wire.socket.write(`${get("/v1/events").join("\r\n")}\r\n\r\n`);
  const settled = (wire: Wire) => wire.status !== 0 || wire.isClosed;
  await Promise.all(wires.map((wire) => wire.until(settled)));
  const served = wires.filter(({ status }) => status === 200);
  const told = wires.filter(({ status }) => status === 503);
  expect(served).toHaveLength(followersMax - followersReserved);
  expect(stage.listeners.followers).toBe(followersMax - followersReserved);
  expect(stage.counts.of("limits", "http-followers")).toBe(told.length);
  const refused = stage.counts.of("limits", "http-connections");
  expect(refused + told.length + served.length).toBe(1000);
  // Most of it is the thousand sockets of this very test.
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  for (const wire of wires) wire.socket.destroy();
  await wires[0]!.until(() => stage.listeners.followers === 0);
  // There is room again, and nothing is left behind.
  expect((await send(stage.port, ...get("/v1/summary"))).status).toBe(200);
});

test("what is not read is not made", async () => {
  let made = 0;
  const { port } = await stageOf({
    *services() {
      for (; made < 50_000; made++) yield { ...printer, instance: "x".repeat(1000) };
    },
  });
  const wire = await Wire.open(port);
  wire.socket.pause();
  wire.socket.write(`${get("/v1/services").join("\r\n")}\r\n\r\n`);
  let before = -1;
  // Until nothing more is made: what the kernel takes in between is some megabytes.
  while (made !== before) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(made).toBeGreaterThan(0);
  expect(made).toBeLessThan(25_000);
  wire.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(made).toBe(before);
});

test("connections beyond the limit are not let in, and there is room again afterwards", async () => {
  const { port, counts } = await stageOf();
  const wires = await Promise.all(
    Array.from({ length: connectionsMax + 20 }, () => Wire.open(port)),
  );
  await wires[0]!.until(() => wires.filter(({ isClosed }) => isClosed).length === 20);
  expect(counts.of("limits", "http-connections")).toBe(20);
  for (const wire of wires) wire.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect((await send(port, ...get("/v1/summary"))).status).toBe(200);
});

test("closing ends event streams in order", async () => {
  const stage = await stageOf();
  const wire = await follow(stage);
  stage.listeners.close();
  await wire.until((one) => one.isClosed);
  expect(wire.text.endsWith("0\r\n\r\n")).toBe(true);
  await expect(Wire.open(stage.port)).rejects.toThrow(/ECONNREFUSED/);
});

test("listeners follow the settings, and what stays goes on undisturbed", async () => {
  const stage = await stageOf();
  const wire = await follow(stage);
  const other = { ...anyPort, address: parseAddress("127.0.0.2")! };
  expect(await stage.listeners.follow({ listen: [anyPort, other] })).toEqual([]);
  expect(stage.listeners.open.map(({ name }) => name)).toEqual(["127.0.0.1:0", "127.0.0.2:0"]);
  expect(await stage.listeners.follow({ listen: [anyPort] })).toEqual([]);
  expect(stage.listeners.open.map(({ port }) => port)).toEqual([stage.port]);
  expect(stage.listeners.followers).toBe(1);
  wire.socket.destroy();
});

test("a place that cannot be had is named, with its cause and what helps", async () => {
  const stage = await stageOf();
  const taken = { ...anyPort, port: stage.port };
  const strange = { ...anyPort, address: parseAddress("192.0.2.1")! };
  const faults = await stage.listeners.follow({ listen: [anyPort, taken, strange] });
  expect(faults).toHaveLength(2);
  expect(faults[0]).toMatch(/^http\.listen 127\.0\.0\.1:\d+: in use by .*; stop that program/);
  expect(faults[1]).toBe(
    "http.listen 192.0.2.1:0: this host has no such address; give it to an interface, or choose another place",
  );
});

test("with a certificate the listener speaks TLS, and nothing else", async () => {
  const names = ["px.example.net"];
  const { credentials } = makeSelfSigned(names, Date.now());
  const stage = await stageOf({}, { listen: [anyPort], credentials });
  const body = await new Promise<string>((resolve, reject) => {
    const { port } = stage;
    const options = { host: "127.0.0.1", port, path: "/v1/summary", rejectUnauthorized: false };
    import("node:https").then(({ get: getTls }) => {
      getTls(options, (response) => {
        let text = "";
        response.on("data", (some) => {
          text += some;
        });
        response.on("end", () => resolve(text));
      }).on("error", reject);
    });
  });
  expect(JSON.parse(body).hostname).toBe("px.example.net");
  const plain = await send(stage.port, ...get("/v1/summary"));
  expect(plain.status).toBe(0);
  expect(stage.counts.of("drops", "http-tls")).toBe(1);
  // Another certificate, for the next connection.
  const next = makeSelfSigned(names, Date.now()).credentials;
  expect(await stage.listeners.follow({ listen: [anyPort], credentials: next })).toEqual([]);
  expect(stage.listeners.open[0]?.port).toBe(stage.port);
});

test("keep-alive carries one request after the other", async () => {
  const { port } = await stageOf();
  const { Agent } = await import("node:http");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = () =>
    new Promise<boolean>((resolve, reject) => {
      const asked = request(
        { host: "127.0.0.1", port, path: "/v1/services", agent },
        (response) => {
          response.resume().on("end", () => resolve(asked.reusedSocket));
        },
      );
      asked.on("error", reject).end();
    });
  expect([await ask(), await ask(), await ask()]).toEqual([false, true, true]);
  agent.destroy();
});
