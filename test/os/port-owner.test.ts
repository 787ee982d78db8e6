// Who holds a port: this process, for one.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { findPortOwner } from "../../src/os/port-owner.js";

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
