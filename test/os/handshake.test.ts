// TLS handshakes on loopback: which are done, which are refused and how, and what
// becomes of connections that never finish one. Clients are those of Node;
// openssl and kdig are asked in test/netns.

import { EventEmitter } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Server } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { now } from "../../src/os/clock.js";
import { handshakePatience, handshakesMax } from "../../src/os/tls.js";
import { after, ms } from "../../src/time.js";
import { framed } from "../dso/examples.js";
import { hex } from "../wire/captures.js";
import { until } from "./sockets.js";
import { clientHello, closeAll, isOver, names, open, raw, refused, stage } from "./tls-stage.js";

afterEach(() => {
  vi.restoreAllMocks();
  closeAll();
});

describe("handshakes", () => {
  test("[TLS-01] bytes in, bytes out", async () => {
    const { port, listener, streams, heard, counts } = await stage();
    expect(listener.id).toBe(`127.0.0.1:${port}/tls`);
    const client = await open(port);
    client.socket.write("question");
    await until(() => heard.length === 2);
    expect(heard).toEqual(["1 opened", "1 received question"]);
    streams.write(1, Buffer.from("answer"));
    await until(() => client.text === "answer");
    expect(counts.of("tls", "full")).toBe(1);
  });

  test.each([
    ["dot", ["dot"], "dot"],
    ["dot among others", ["h2", "dot"], "dot"],
    ["none", undefined, false],
  ])("[TLS-04] ALPN: %s", async (_, ALPNProtocols, chosen) => {
    const { port } = await stage();
    const client = await open(port, ALPNProtocols === undefined ? {} : { ALPNProtocols });
    expect(client.socket.alpnProtocol).toBe(chosen);
  });

  test("[TLS-04] ALPN: a list without dot is refused with alert 120", async () => {
    const { port, counts } = await stage();
    const code = await refused(port, { ALPNProtocols: ["h2", "http/1.1"] });
    expect(code).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
    await until(() => counts.of("tls", "alpn") === 1);
  });

  test("[TLS-03] TLS 1.3 by choice, 1.2 when asked for, nothing older", async () => {
    const { port, counts } = await stage();
    const latest = await open(port, { minVersion: "TLSv1.2" });
    expect(latest.socket.getProtocol()).toBe("TLSv1.3");
    const older = await open(port, { maxVersion: "TLSv1.2" });
    expect(older.socket.getProtocol()).toBe("TLSv1.2");
    const oldest = { minVersion: "TLSv1", maxVersion: "TLSv1.1" } as const;
    const code = await refused(port, { ...oldest, ciphers: "DEFAULT@SECLEVEL=0" });
    expect(code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await until(() => counts.of("tls", "version") === 1);
  });

  test("[TLS-03] without forward secrecy, or with ciphers that are broken, there is none", async () => {
    const { port, counts } = await stage();
    const strong = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" } as const;
    await open(port, strong);
    const weak = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA" } as const;
    expect(await refused(port, weak)).toBe("ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
    await until(() => counts.of("tls", "cipher") === 1);
  });

  test("[TLS-07] a server name that is ours, or none", async () => {
    const { port } = await stage();
    for (const servername of ["", ...names]) await open(port, { servername });
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "[TLS-07] another one ends the handshake with alert 112: %s",
    async (version) => {
      const { port, counts, tls, heard } = await stage();
      const only = { minVersion: version, maxVersion: version };
      const code = await refused(port, { servername: "nobody.invalid", ...only });
      expect(code).toBe("ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
      await until(() => tls.size === 0);
      expect(counts.of("tls", "name")).toBe(1);
      expect(heard).toEqual([]);
    },
  );

  test("TLS 1.2 is not renegotiated", async () => {
    const { port } = await stage();
    const client = await open(port, { maxVersion: "TLSv1.2" });
    let isDone = false;
    client.socket.renegotiate({}, (error) => {
      isDone = error === null;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isDone).toBe(false);
  });

  test("many at once are begun a few at a time", async () => {
    const { port, tls } = await stage();
    const emit = EventEmitter.prototype.emit;
    let inTurn = 0;
    let most = 0;
    let begun = 0;
    vi.spyOn(EventEmitter.prototype, "emit").mockImplementation(function (
      this: EventEmitter,
      event: unknown,
      ...rest: unknown[]
    ) {
      if (this instanceof Server && event === "connection") {
        if (inTurn === 0) setImmediate(() => (inTurn = 0));
        inTurn += 1;
        begun += 1;
        most = Math.max(most, inTurn);
      }
      return Reflect.apply(emit, this, [event, ...rest]);
    });
    const hello = await clientHello();
    const all = await Promise.all(Array.from({ length: 60 }, () => raw(port)));
    await until(() => tls.size === 60);
    for (const { socket } of all) socket.write(hello);
    await until(() => all.every(({ heard }) => heard.length > 0));
    expect(begun).toBe(60);
    expect(most).toBe(8);
  });
});

describe("what is no handshake", () => {
  test("[TLS-02] cleartext DNS is closed without a word", async () => {
    const { port, counts, tls, heard } = await stage();
    const client = await raw(port);
    // E67: an ordinary query over TCP.
    client.socket.write(framed("E67"));
    await until(() => isOver(client));
    expect(client.heard).toEqual([]);
    expect(heard).toEqual([]);
    await until(() => tls.size === 0);
    expect(counts.of("tls", "cleartext")).toBe(1);
  });

  test("[TLS-02] nor is there any after a handshake that failed", async () => {
    const { port, counts, tls, heard } = await stage();
    const client = await raw(port);
    client.socket.write(hex("16 0301 0004 ffffffff"));
    client.socket.write(framed("E67"));
    await until(() => isOver(client));
    // At most an alert: record type 21.
    const bytes = Buffer.concat(client.heard);
    expect([undefined, 21]).toContain(bytes[0]);
    expect(bytes.length).toBeLessThanOrEqual(7);
    await until(() => tls.size === 0);
    expect(counts.of("tls", "handshake")).toBe(1);
    expect(heard).toEqual([]);
  });

  const stages: readonly (readonly [string, (client: Socket, hello: Buffer) => void])[] = [
    ["before it began", () => {}],
    ["after one byte", (client, hello) => client.write(hello.subarray(0, 1))],
    ["within the first flight", (client, hello) => client.write(hello.subarray(0, 100))],
    ["after the first flight", (client, hello) => client.write(hello)],
  ];
  for (const [when, begin] of stages) {
    test(`[TLS-13] a client that resets ${when} is forgotten`, async () => {
      const { port, counts, tls, heard } = await stage();
      const client = await raw(port);
      await until(() => tls.size === 1);
      begin(client.socket, await clientHello());
      await new Promise((resolve) => setTimeout(resolve, 50));
      client.socket.resetAndDestroy();
      await until(() => tls.size === 0);
      expect(counts.of("tls", "closed")).toBe(1);
      expect(heard).toEqual([]);
    });

    test(`a client that only ends its side ${when} is gone`, async () => {
      const { port, counts, tls } = await stage();
      const client = await raw(port);
      await until(() => tls.size === 1);
      begin(client.socket, await clientHello());
      await new Promise((resolve) => setTimeout(resolve, 50));
      client.socket.end();
      await until(() => isOver(client) && tls.size === 0);
      expect(counts.of("tls", "closed") + counts.of("tls", "handshake")).toBe(1);
    });

    test(`a client that falls silent ${when} has ten seconds`, async () => {
      const { port, counts, tls, heard } = await stage();
      const early = now();
      const client = await raw(port);
      await until(() => tls.size === 1);
      begin(client.socket, await clientHello());
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(tls.nextDeadline()).toBeGreaterThanOrEqual(after(early, handshakePatience));
      expect(tls.nextDeadline()).toBeLessThanOrEqual(after(now(), handshakePatience));
      tls.expire(after(early, ms(handshakePatience - 1)));
      expect(client.isClosed).toBe(false);
      tls.expire(after(now(), handshakePatience));
      await until(() => isOver(client));
      await until(() => tls.size === 0);
      expect(counts.of("tls", "timeout")).toBe(1);
      expect(heard).toEqual([]);
    });
  }

  test("a client with too many of them: the newest is closed", async () => {
    const { port, counts, tls } = await stage({ perClientMax: 3 });
    const first = await Promise.all([raw(port), raw(port), raw(port)]);
    await until(() => tls.size === 3);
    const fourth = await raw(port);
    await until(() => isOver(fourth));
    expect(first.some(isOver)).toBe(false);
    expect(counts.of("limits", "handshakes")).toBe(1);
    first[0]!.socket.destroy();
    await until(() => tls.size === 2);
    await open(port);
    // Those that are done do not count.
    await until(() => tls.size === 2);
    await open(port);
  });

  test("so is the one beyond those of all clients", async () => {
    const { port, counts, tls } = await stage({ perClientMax: Number.POSITIVE_INFINITY });
    const sockets: Socket[] = [];
    for (let at = 0; at < handshakesMax; at++) {
      const socket = connectTcp({ port, host: "127.0.0.1" });
      socket.on("error", () => {});
      sockets.push(socket);
      if (at % 200 === 199) await until(() => tls.size === at + 1);
    }
    const last = await raw(port);
    await until(() => isOver(last));
    expect(counts.of("limits", "handshakes")).toBe(1);
    for (const socket of sockets) socket.destroy();
    await until(() => tls.size === 0);
  });

  test("a stop ends them", async () => {
    const { port, counts, tls } = await stage();
    const client = await raw(port);
    await until(() => tls.size === 1);
    tls.close();
    await until(() => isOver(client));
    await until(() => tls.size === 0);
    expect(counts.of("tls", "stopped")).toBe(1);
  });
});
