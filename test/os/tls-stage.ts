// A TLS listener on loopback whose ears write down what they hear, and clients
// for it.

import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect } from "vitest";
import { Counts } from "../../src/counts.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { TcpStreams } from "../../src/os/tcp.js";
import { TlsListeners } from "../../src/os/tls.js";
import type { Opened } from "../../src/os/udp.js";
import { Client, TlsClient, until } from "./sockets.js";

const { credentials } = makeSelfSigned(["px.campus.example"], Date.now());
export const names = new Set(["px.campus.example", "floor1.campus.example"]);

/** Closed after each test. */
export const opened: { close(): void }[] = [];
export const clients: (Client | TlsClient)[] = [];

export function closeAll(): void {
  for (const client of clients.splice(0)) client.socket.destroy();
  for (const one of opened.splice(0)) one.close();
}

export interface Stage {
  streams: TcpStreams;
  tls: TlsListeners;
  counts: Counts;
  port: number;
  listener: Opened;
  /** What was heard of streams, in order. */
  heard: string[];
}

export async function stage({
  writeQueueMax = 1_000_000,
  perClientMax = 1000,
} = {}): Promise<Stage> {
  const heard: string[] = [];
  const counts = new Counts();
  const ears = {
    opened: (id: number) => heard.push(`${id} opened`),
    received: (id: number, bytes: Uint8Array) => heard.push(`${id} received ${Buffer.from(bytes)}`),
    blocked: (id: number) => heard.push(`${id} blocked`),
    drained: (id: number) => heard.push(`${id} drained`),
    ended: (id: number) => heard.push(`${id} ended`),
    closed: (id: number) => heard.push(`${id} closed`),
    exhausted: (listener: string, code: string) => heard.push(`${listener} exhausted ${code}`),
    failed: (listener: string, code: string) => heard.push(`${listener} failed ${code}`),
    hurried: () => {},
  };
  const streams = new TcpStreams(ears, counts, writeQueueMax);
  const tls = new TlsListeners(streams, ears, counts, perClientMax);
  tls.configure(perClientMax, (name) => names.has(name));
  tls.use(credentials);
  const listener = await tls.listen("127.0.0.1", 0);
  opened.push(listener, tls);
  return { streams, tls, counts, port: listener.port, listener, heard };
}

export async function open(port: number, options: Parameters<typeof TlsClient.open>[1] = {}) {
  const client = await TlsClient.open(port, options);
  clients.push(client);
  return client;
}

/** A handshake that is to fail: the client's error code. */
export async function refused(port: number, options: Parameters<typeof TlsClient.start>[1] = {}) {
  const client = TlsClient.start(port, options);
  clients.push(client);
  let isSecure = false;
  client.socket.on("secureConnect", () => {
    isSecure = true;
  });
  await until(() => client.isClosed);
  expect(isSecure).toBe(false);
  return client.failure;
}

export const isOver = ({ hasEnded, isClosed }: Client): boolean => hasEnded || isClosed;

export async function raw(port: number): Promise<Client> {
  const client = await Client.open(port);
  clients.push(client);
  return client;
}

/** The first flight of a client, as Node writes it. */
export async function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const trap = createServer((socket) => {
      socket.once("data", (bytes) => {
        socket.destroy();
        trap.close();
        resolve(bytes);
      });
    });
    trap.listen(0, "127.0.0.1", () => {
      const { port } = trap.address() as { port: number };
      connectTls({ port, host: "127.0.0.1", ALPNProtocols: ["dot"] }).on("error", () => {});
    });
  });
}
