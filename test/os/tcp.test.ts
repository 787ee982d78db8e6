// TCP connections on loopback: what the engine hears of them, and how they end.

import { afterEach, describe, expect, test, vi } from "vitest";
import { Counts } from "../../src/counts.js";
import { TcpStreams } from "../../src/os/tcp.js";
import type { Opened } from "../../src/os/udp.js";
import { Client, until } from "./sockets.js";

const opened: Opened[] = [];
const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.destroy();
  for (const one of opened.splice(0)) one.close();
});

interface Stage {
  streams: TcpStreams;
  counts: Counts;
  client: Client;
  /** What was heard of stream 1, in order. */
  heard: string[];
}

async function stage(writeQueueMax = 1_000_000): Promise<Stage> {
  const heard: string[] = [];
  const counts = new Counts();
  const streams = new TcpStreams(
    {
      opened: (id, source, listener) => heard.push(`${id} opened ${source.address} ${listener}`),
      received: (id, bytes) => heard.push(`${id} received ${Buffer.from(bytes)}`),
      blocked: (id) => heard.push(`${id} blocked`),
      drained: (id) => heard.push(`${id} drained`),
      ended: (id) => heard.push(`${id} ended`),
      closed: (id) => heard.push(`${id} closed`),
      exhausted: (listener, code) => heard.push(`${listener} exhausted ${code}`),
      failed: (listener, code) => heard.push(`${listener} failed ${code}`),
    },
    counts,
    writeQueueMax,
  );
  const listener = await streams.listen("127.0.0.1", 0);
  opened.push(listener);
  const client = await Client.open(listener.port);
  clients.push(client);
  await until(() => heard.length === 1);
  expect(heard.shift()).toBe(`1 opened 127.0.0.1 ${listener.id}`);
  expect(listener.id).toBe(`127.0.0.1:${listener.port}/tcp`);
  return { streams, counts, client, heard };
}

test("bytes in, bytes out", async () => {
  const { streams, client, heard } = await stage();
  client.socket.write("question");
  await until(() => heard.length === 1);
  expect(heard).toEqual(["1 received question"]);
  streams.write(1, Buffer.from("ans"));
  streams.write(1, Buffer.from("wer"));
  await until(() => client.text === "answer");
  // Two answers of one turn are one segment.
  expect(client.heard).toHaveLength(1);
});

test("a client that has shut down its side is still answered", async () => {
  const { streams, client, heard } = await stage();
  client.socket.end("last");
  await until(() => heard.includes("1 ended"));
  streams.write(1, Buffer.from("answer"));
  streams.close(1);
  await until(() => client.isClosed);
  expect(client.text).toBe("answer");
  expect(client.failure).toBeUndefined();
  await until(() => heard.includes("1 closed"));
  expect(heard).toEqual(["1 received last", "1 ended", "1 closed"]);
});

test("close sends everything first; abort is a reset", async () => {
  const graceful = await stage();
  graceful.streams.write(1, Buffer.alloc(100_000, "x"));
  graceful.streams.close(1);
  await until(() => graceful.client.hasEnded);
  expect(graceful.client.text).toHaveLength(100_000);
  const forced = await stage();
  forced.streams.abort(1);
  await until(() => forced.client.isClosed);
  expect(forced.client.failure).toBe("ECONNRESET");
  await until(() => forced.heard.includes("1 closed"));
  expect(forced.streams.size).toBe(0);
});

test("a client that reads nothing is reset when its queue is full", async () => {
  const { streams, counts, client, heard } = await stage(200_000);
  client.socket.pause();
  for (let sent = 0; sent < 20_000_000 && streams.size > 0; sent += 250_000) {
    // Some answers of one turn: the first one too many resets it, the rest is not counted.
    for (let at = 0; at < 5; at++) streams.write(1, Buffer.alloc(50_000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => heard.includes("1 closed"));
  expect(counts.of("limits", "write-queue")).toBe(1);
  // The kernel has forgotten the connection: whatever the client sends now is refused.
  client.socket.resume();
  client.socket.write("hello?");
  await until(() => client.isClosed);
  expect(client.failure).toMatch(/^(ECONNRESET|EPIPE)$/);
});

test("one message larger than the queue is refused as well", async () => {
  const { streams, counts, heard } = await stage(1000);
  streams.write(1, Buffer.alloc(1001));
  await until(() => heard.includes("1 closed"));
  expect(counts.of("limits", "write-queue")).toBe(1);
});

test("paused, it is not read; resumed, it is", async () => {
  const { streams, client, heard } = await stage();
  streams.pause(1);
  client.socket.write("waits");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard).toEqual([]);
  streams.resume(1);
  await until(() => heard.length === 1);
});

test("a reset by the client ends it, and nothing can be done to it any more", async () => {
  const { streams, client, heard } = await stage();
  client.socket.resetAndDestroy();
  await until(() => heard.includes("1 closed"));
  expect(() => {
    streams.write(1, Buffer.of(1));
    streams.close(1);
    streams.abort(1);
    streams.pause(1);
    streams.resume(1);
  }).not.toThrow();
  expect(heard).toEqual(["1 closed"]);
});

test("[TCP-12] Nagle's algorithm is left as it is", async () => {
  const { client, streams } = await stage();
  const { constructor: handles } = (client.socket as unknown as { _handle: object })._handle;
  const noDelay = vi.spyOn(handles.prototype as { setNoDelay(on: boolean): void }, "setNoDelay");
  const second = await Client.open(opened.at(-1)!.port);
  clients.push(second);
  await until(() => streams.size === 2);
  streams.write(2, Buffer.from("answer"));
  await until(() => second.text === "answer");
  expect(noDelay).not.toHaveBeenCalled();
  noDelay.mockRestore();
});

test("a client that does not read is told of once, and again when it reads", async () => {
  const { streams, client, heard } = await stage(100_000_000);
  client.socket.pause();
  for (let sent = 0; sent < 40; sent++) {
    streams.write(1, Buffer.alloc(500_000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => heard.length > 0);
  expect(heard).toEqual(["1 blocked"]);
  client.socket.resume();
  await until(() => client.heard.reduce((sum, { length }) => sum + length, 0) === 20_000_000);
  await until(() => heard.length > 1);
  expect(heard).toEqual(["1 blocked", "1 drained"]);
});

test("a client that reads is never told of, however long the answers", async () => {
  const { streams, client, heard } = await stage();
  for (let sent = 0; sent < 20; sent++) {
    streams.write(1, Buffer.alloc(60_000));
    await until(() => client.heard.reduce((sum, { length }) => sum + length, 0) === 60_000);
    client.heard.length = 0;
  }
  expect(heard).toEqual([]);
});

describe("listening", () => {
  test("a port that is taken is refused with its code", async () => {
    const { streams } = await stage();
    const { port } = opened[0]!;
    const refused = streams.listen("127.0.0.1", port);
    await expect(refused).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("a closed listener leaves its connections alone", async () => {
    const { streams, client } = await stage();
    const [listener] = opened;
    listener!.close();
    listener!.close();
    streams.write(1, Buffer.from("still here"));
    await until(() => client.text === "still here");
    await expect(Client.open(listener!.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
