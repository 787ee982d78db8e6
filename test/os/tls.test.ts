// Connections of DNS over TLS on loopback: how they carry bytes, how they end, and
// the tickets that a next one begins with.

import { connect as connectTcp, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { now } from "../../src/os/clock.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { ticketLifetime } from "../../src/os/tickets.js";
import { after, ms } from "../../src/time.js";
import { TlsClient, until } from "./sockets.js";
import { clients, closeAll, open, opened, stage } from "./tls-stage.js";

afterEach(closeAll);

describe("a connection", () => {
  const versions = ["TLSv1.2", "TLSv1.3"] as const;

  test.each(versions)("[TCP-04] answers of one turn are one record: %s", async (version) => {
    const { port, streams } = await stage();
    const client = await open(port, { minVersion: version, maxVersion: version });
    await until(() => streams.size === 1);
    streams.write(1, Buffer.from("\0\x03one"));
    streams.write(1, Buffer.from("\0\x03two"));
    await until(() => client.text.length === 10);
    expect(client.heard).toHaveLength(1);
  });

  test("comes byte by byte, handshake and all", async () => {
    const { port, heard } = await stage();
    // Between client and server: one byte at a time.
    const relay = createServer((near) => {
      const far = connectTcp({ port, host: "127.0.0.1", noDelay: true });
      const waiting: number[] = [];
      near.on("data", (bytes) => waiting.push(...bytes));
      const pass = () => {
        const byte = waiting.shift();
        if (byte !== undefined) far.write(Buffer.of(byte));
        if (!far.destroyed) setImmediate(pass);
      };
      pass();
      far.on("data", (bytes) => near.write(bytes));
      for (const one of [near, far]) {
        one.on("error", () => {});
        one.on("close", () => [near, far].map((socket) => socket.destroy()));
      }
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    opened.push(relay);
    const client = await open((relay.address() as { port: number }).port);
    client.socket.write("slow");
    await until(() => heard.includes("1 received slow"));
  });

  test("a message in two records comes in two pieces", async () => {
    const { port, heard } = await stage();
    const client = await open(port);
    client.socket.write("que");
    await until(() => heard.length === 2);
    client.socket.write("stion");
    await until(() => heard.length === 3);
    expect(heard).toEqual(["1 opened", "1 received que", "1 received stion"]);
  });

  test.each(versions)("[TLS-12] a close is close_notify, then FIN: %s", async (version) => {
    const { port, streams, heard } = await stage();
    const client = await open(port, { minVersion: version, maxVersion: version });
    await until(() => streams.size === 1);
    streams.write(1, Buffer.alloc(100_000, "x"));
    streams.close(1);
    await until(() => client.isClosed);
    expect(client.text).toHaveLength(100_000);
    expect([client.hasEnded, client.failure]).toEqual([true, undefined]);
    await until(() => heard.includes("1 closed"));
  });

  test.each(versions)("[DSO-26] an abort is a reset of TCP: %s", async (version) => {
    const { port, streams, heard } = await stage();
    const client = await open(port, { minVersion: version, maxVersion: version });
    // A client that still has something to read may take the reset for an end.
    await until(() => streams.size === 1 && client.sessions.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    streams.abort(1);
    streams.abort(1);
    await until(() => client.isClosed);
    expect([client.hasEnded, client.failure]).toEqual([false, "ECONNRESET"]);
    await until(() => heard.includes("1 closed"));
    expect(streams.size).toBe(0);
  });

  test.each(versions)("[TCP-09] half closed by the client it still gets answers: %s", async (v) => {
    const { port, streams, heard } = await stage();
    const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
    const client = TlsClient.start(port, { socket, minVersion: v, maxVersion: v });
    clients.push(client);
    await until(() => streams.size === 1);
    client.socket.end("last");
    await until(() => heard.includes("1 ended"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    streams.write(1, Buffer.from("answer"));
    streams.close(1);
    await until(() => heard.includes("1 closed"));
    await until(() => client.text === "answer");
    expect(client.failure).toBeUndefined();
    expect(heard).toEqual(["1 opened", "1 received last", "1 ended", "1 closed"]);
  });

  test("[TLS-13] a reset by the client ends it, and nothing can be done to it", async () => {
    const { port, streams, heard } = await stage();
    const socket = connectTcp({ port, host: "127.0.0.1" });
    const client = TlsClient.start(port, { socket });
    clients.push(client);
    await until(() => streams.size === 1);
    socket.resetAndDestroy();
    await until(() => heard.includes("1 closed"));
    streams.write(1, Buffer.of(1));
    streams.close(1);
    streams.abort(1);
    streams.pause(1);
    streams.resume(1);
    expect(heard).toEqual(["1 opened", "1 closed"]);
  });

  test("paused, it is not read; resumed, it is", async () => {
    const { port, streams, heard } = await stage();
    const client = await open(port);
    await until(() => streams.size === 1);
    streams.pause(1);
    client.socket.write("waits");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(heard).toEqual(["1 opened"]);
    streams.resume(1);
    await until(() => heard.includes("1 received waits"));
  });

  test("a client that does not read is told of once, and again when it reads", async () => {
    const { port, streams, heard } = await stage({ writeQueueMax: 100_000_000 });
    const client = await open(port);
    await until(() => streams.size === 1);
    client.socket.pause();
    for (let sent = 0; sent < 40; sent++) {
      streams.write(1, Buffer.alloc(500_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => heard.includes("1 blocked"));
    client.socket.resume();
    await until(() => heard.includes("1 drained"));
    await until(() => Buffer.concat(client.heard).length === 20_000_000);
    expect(heard.indexOf("1 blocked")).toBeLessThan(heard.indexOf("1 drained"));
  });

  test("a client that reads is never told of, however long the answers", async () => {
    const { port, streams, heard } = await stage();
    const client = await open(port);
    await until(() => streams.size === 1);
    for (let sent = 0; sent < 10; sent++) {
      client.heard.length = 0;
      streams.write(1, Buffer.alloc(60_000));
      await until(() => Buffer.concat(client.heard).length === 60_000);
    }
    expect(heard).toEqual(["1 opened"]);
  });

  test("what it leaves unread beyond the write queue resets it, counted once", async () => {
    const { port, streams, counts, heard } = await stage({ writeQueueMax: 200_000 });
    const client = await open(port);
    await until(() => streams.size === 1);
    client.socket.pause();
    for (let sent = 0; sent < 400 && streams.size > 0; sent++) {
      // Some answers of one turn, as from one engine call.
      for (let at = 0; at < 5; at++) streams.write(1, Buffer.alloc(50_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => heard.includes("1 closed"));
    expect(counts.of("limits", "write-queue")).toBe(1);
    client.socket.resume();
    await until(() => client.isClosed);
  });
});

describe("sessions of TLS", () => {
  const versions = ["TLSv1.2", "TLSv1.3"] as const;

  /** Connects with the ticket of a connection before; whether it was taken. */
  async function isReused(
    port: number,
    session: Buffer,
    maxVersion: (typeof versions)[number] = "TLSv1.3",
  ): Promise<boolean> {
    const client = await open(port, { session, maxVersion });
    return client.socket.isSessionReused();
  }

  async function ticketOf(port: number, version: (typeof versions)[number]): Promise<Buffer> {
    const client = await open(port, { minVersion: version, maxVersion: version });
    await until(() => client.sessions.length > 0);
    return client.sessions.at(-1)!;
  }

  test.each(versions)("[TLS-09] resume, at other listeners too: %s", async (version) => {
    const { tls, port, counts } = await stage();
    const other = await tls.listen("127.0.0.1", 0);
    opened.push(other);
    const ticket = await ticketOf(port, version);
    expect(await isReused(other.port, ticket, version)).toBe(true);
    await until(() => counts.of("tls", "resumed") === 1);
  });

  test.each(versions)("[TLS-10] not with a ticket of an earlier key: %s", async (version) => {
    const { tls, port } = await stage();
    const ticket = await ticketOf(port, version);
    // A second before it is due nothing changes.
    tls.expire(after(now(), ms(ticketLifetime - 1000)));
    expect(await isReused(port, ticket, version)).toBe(true);
    tls.expire(after(now(), ticketLifetime));
    expect(await isReused(port, ticket, version)).toBe(false);
    const second = await ticketOf(port, version);
    expect(await isReused(port, second, version)).toBe(true);
    tls.expire(after(now(), ms(2 * ticketLifetime)));
    expect(await isReused(port, ticket, version)).toBe(false);
    expect(await isReused(port, second, version)).toBe(false);
  });

  test("another certificate is for new handshakes; connections stay, tickets do not", async () => {
    const { tls, port, streams } = await stage();
    const before = await open(port);
    await until(() => before.sessions.length > 0);
    const other = makeSelfSigned(["px.campus.example"], Date.now());
    tls.use(other.credentials);
    const next = await open(port);
    expect(next.socket.getPeerCertificate().fingerprint256).toBe(other.fingerprint);
    expect(before.socket.getPeerCertificate().fingerprint256).not.toBe(other.fingerprint);
    expect(await isReused(port, before.sessions.at(-1)!)).toBe(false);
    streams.write(1, Buffer.from("still here"));
    await until(() => before.text === "still here");
  });

  test("the next deadline is that of the ticket key when nothing else is under way", async () => {
    const { tls } = await stage();
    const due = tls.nextDeadline()!;
    expect(due - now()).toBeGreaterThan(ticketLifetime - 10_000);
    tls.expire(due);
    expect(tls.nextDeadline()).toBe(after(due, ticketLifetime));
  });
});
