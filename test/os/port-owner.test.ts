// Who holds a port: this process, for one.

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { expect, test, vi } from "vitest";
import { parseAddress } from "../../src/address.js";
import { findPortOwner, PortWatch } from "../../src/os/port-owner.js";

vi.mock("node:fs", { spy: true });

const me = new RegExp(`\\(pid ${process.pid}\\)$`);
const loopback = parseAddress("127.0.0.1")!;
const longLoopback = parseAddress("::1")!;

test("a UDP socket on one address, on every address", async () => {
  for (const [bound, asked] of [
    ["127.0.0.1", loopback],
    ["0.0.0.0", loopback],
    ["::1", longLoopback],
    ["::", longLoopback],
  ] as const) {
    const socket = createSocket(bound.includes(":") ? "udp6" : "udp4");
    socket.bind(0, bound);
    await once(socket, "listening");
    expect(findPortOwner("udp", asked, socket.address().port), bound).toMatch(me);
    socket.close();
  }
});

test("a TCP listener, not a connection through the port", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  expect(findPortOwner("tcp", loopback, port)).toMatch(me);
  expect(findPortOwner("udp", loopback, port)).toBeUndefined();
  server.close();
  await once(server, "close");
  expect(findPortOwner("tcp", loopback, port)).toBeUndefined();
});

test("alone at a port or not: another program comes and goes [UP-48]", async () => {
  const sockets = [createSocket({ type: "udp4", reuseAddr: true })];
  sockets[0]!.bind(0, "127.0.0.1");
  await once(sockets[0]!, "listening");
  const { port } = sockets[0]!.address();
  const watch = new PortWatch(port);
  expect(watch.isAlone()).toBe(true);
  sockets.push(createSocket({ type: "udp6", reuseAddr: true }));
  sockets[1]!.bind(port, "::1");
  await once(sockets[1]!, "listening");
  expect(watch.isAlone()).toBe(true);
  const code = `const s = require("dgram").createSocket({ type: "udp4", reuseAddr: true });
    s.bind(${port}, "127.0.0.2", () => console.log("bound"));`;
  const other = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(other.stdout, "data");
  expect(watch.isAlone()).toBe(false);
  other.kill();
  await once(other, "exit");
  expect(watch.isAlone()).toBe(true);
  for (const socket of sockets) socket.close();
});

test("what cannot be told counts as not alone; descriptors are read for news only", async () => {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const watch = new PortWatch(socket.address().port);
  const scans = () => vi.mocked(fs.readdirSync).mock.calls.length;
  const before = scans();
  for (let look = 0; look < 5; look++) expect(watch.isAlone()).toBe(true);
  expect(scans() - before).toBe(1);
  vi.mocked(fs.readFileSync).mockImplementationOnce(() => {
    throw new Error("EMFILE");
  });
  expect(watch.isAlone()).toBe(false);
  expect(watch.isAlone()).toBe(true);
  socket.close();
});
