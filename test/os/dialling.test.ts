// Dials on loopback: what servers see before a certificate is trusted (nothing),
// what is said of servers that refuse, stall, go or read nothing.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import type { DialTls } from "../../src/engine/io.js";
import { Dials, unreadMax } from "../../src/os/dialling.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { day, issue } from "./authority.js";
import { until } from "./sockets.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** What a server got, in the clear or after TLS. */
interface Heard {
  readonly socket: Socket;
  text: string;
  isOver: boolean;
}

async function listen(server: Server, heard: Heard[], event: string, reads = true) {
  const raws: Socket[] = [];
  server.on("connection", (raw: Socket) => raws.push(raw));
  server.on("tlsClientError", () => {});
  server.on(event, (socket: Socket) => {
    const one: Heard = { socket, text: "", isOver: false };
    heard.push(one);
    socket.on("error", () => {});
    if (!reads) return;
    socket.on("data", (bytes) => {
      one.text += bytes;
    });
    socket.on("close", () => {
      one.isOver = true;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const raw of raws) raw.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, heard, raws };
}

const tcpServer = (reads = true) => listen(createServer(), [], "connection", reads);
const tlsServer = (options: TlsOptions) =>
  listen(createTlsServer({ ALPNProtocols: ["dot"], ...options }), [], "secureConnection");

function stage(patience?: number) {
  const said: string[] = [];
  const dials = new Dials(
    {
      opened: (dial) => said.push(`${dial} opened`),
      received: (dial, bytes) => said.push(`${dial} ${Buffer.from(bytes)}`),
      closed: (dial, reason) => said.push(`${dial} closed: ${reason}`),
      left: () => said.push("left"),
    },
    patience,
  );
  cleanups.push(() => dials.abortAll());
  const open = (port: number, tls?: DialTls, host = "127.0.0.1") => {
    const address = parseAddress(host);
    if (address === undefined) throw new Error(host);
    dials.open(1, { address, port }, tls);
  };
  return { dials, said, open };
}

const own = makeSelfSigned(["ns1.example.com"], Date.now());
const valid = { from: Date.now() - day, until: Date.now() + day };
const root = issue({ name: "Test Root", isAuthority: true, ...valid });
const leaf = issue({ name: "server", names: ["ns1.example.com"], issuer: root, ...valid });
const chained = { cert: leaf.pem, key: leaf.key };
const trusting = (more: Partial<DialTls> = {}): DialTls => ({
  serverName: "ns1.example.com",
  pins: [],
  ...more,
});

describe("in the clear", () => {
  test("bytes both ways; what is written leaves whole and in order", async () => {
    const server = await tcpServer();
    const { dials, said, open } = stage();
    open(server.port);
    dials.write(1, Buffer.from("too early"));
    await until(() => said.length === 1);
    dials.write(1, Buffer.from("one "));
    dials.write(1, Buffer.from("two"));
    await until(() => server.heard[0]?.text === "one two");
    server.heard[0]?.socket.write("answer");
    await until(() => said.length === 2);
    expect(said).toEqual(["1 opened", "1 answer"]);
    expect(dials.size).toBe(1);
  });

  test("closed here: what was written arrives, and nothing more is said", async () => {
    const server = await tcpServer();
    const { dials, said, open } = stage();
    open(server.port);
    await until(() => said.length === 1);
    dials.write(1, Buffer.from("last"));
    dials.close(1);
    server.heard[0]?.socket.write("late");
    await until(() => said.includes("left"));
    expect(server.heard[0]?.text).toBe("last");
    expect(said).toEqual(["1 opened", "left"]);
    expect(dials.size).toBe(0);
  });

  test("closed here before it was open", async () => {
    const server = await tcpServer();
    const { dials, said, open } = stage();
    open(server.port);
    dials.close(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(said).toEqual([]);
    expect(dials.size).toBe(0);
  });

  test("a server that does not close its end is left after a second", async () => {
    const server = createServer({ allowHalfOpen: true });
    const { port } = await listen(server, [], "connection");
    const { dials, said, open } = stage();
    open(port);
    await until(() => said.length === 1);
    dials.close(1);
    expect(dials.size).toBe(1);
    await until(() => said.includes("left"));
    expect(dials.size).toBe(0);
  });

  test.each([
    ["end", "the server closed the connection"],
    ["resetAndDestroy", "the connection was reset"],
  ] as const)("the server's %s is told once", async (how, reason) => {
    const server = await tcpServer();
    const { said, open } = stage();
    open(server.port);
    await until(() => server.heard.length === 1 && said.length === 1);
    server.heard[0]?.socket[how]();
    await until(() => said.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(said).toEqual(["1 opened", `1 closed: ${reason}`]);
  });

  test("nobody listens; nothing but silence comes back; no interface leads there", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as { port: number };
    gone.close();
    await once(gone, "close");
    const refused = stage();
    refused.open(port);
    await until(() => refused.said.length === 1);
    expect(refused.said).toEqual(["1 closed: nothing listens there"]);
    const local = stage();
    local.open(53, undefined, "fe80::1");
    await until(() => local.said.length === 1);
    expect(local.said[0]).toMatch(/a link-local address needs its interface|no route/);
  });

  test("a server that reads nothing is given up, and memory with it", async () => {
    const server = await tcpServer(false);
    const { dials, said, open } = stage();
    open(server.port);
    await until(() => said.length === 1);
    server.raws[0]?.pause();
    for (let count = 0; count < 400 && said.length === 1; count++) {
      dials.write(1, Buffer.alloc(unreadMax / 4));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(said).toEqual(["1 opened", "1 closed: the server reads nothing"]);
  });
});

describe("over TLS [UP-17]", () => {
  test.each([
    ["a self-signed one as its own authority", own.credentials, { ca: own.credentials.cert }],
    ["an authority and the name", chained, { ca: root.pem }],
    ["a pin alone", own.credentials, { pins: [own.fingerprint] }],
    [
      "a pin, whatever the name",
      own.credentials,
      { pins: [own.fingerprint], serverName: "x.example" },
    ],
  ])("trusted: %s; ALPN is dot", async (_, { cert, key }, tls) => {
    const server = await tlsServer({ cert, key });
    const { dials, said, open } = stage();
    open(server.port, trusting(tls));
    await until(() => said.length === 1);
    expect(said).toEqual(["1 opened"]);
    dials.write(1, Buffer.from("question"));
    await until(() => server.heard[0]?.text === "question");
    expect(server.heard[0]?.socket).toMatchObject({ alpnProtocol: "dot" });
    server.heard[0]?.socket.write("answer");
    await until(() => said.length === 2);
    expect(said[1]).toBe("1 answer");
    dials.close(1);
    await until(() => said.length === 3);
    expect(server.heard[0]?.isOver).toBe(true);
  });

  test.each([
    [
      "nobody vouches for it",
      own.credentials,
      {},
      /self-signed.*update\.tls\.pin = 'sha256\/\S+'$/,
    ],
    [
      "another authority",
      chained,
      { ca: own.credentials.cert },
      /not trusted here \(update\.tls\.ca\)/,
    ],
    [
      "another name",
      chained,
      { ca: root.pem, serverName: "ns2.example.com" },
      /names ns1\.example\.com, and not ns2\.example\.com \(update\.tls\.name /,
    ],
    [
      "a name that no certificate can bear",
      chained,
      { ca: root.pem, serverName: "ns1.example.com\0.example" },
      /the server's name cannot stand in a certificate/,
    ],
    [
      "only an address is known",
      chained,
      { ca: root.pem, serverName: undefined },
      /not 127\.0\.0\.1/,
    ],
    [
      "another pin",
      own.credentials,
      { pins: ["a".repeat(64)] },
      /none of those given by update\.tls\.pin$/,
    ],
    [
      "no authority at all",
      own.credentials,
      { ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
      /self-signed/,
    ],
  ])("refused: %s; not a byte was said", async (_, { cert, key }, tls, want) => {
    const server = await tlsServer({ cert, key });
    const { dials, said, open } = stage();
    open(server.port, trusting(tls));
    dials.write(1, Buffer.from("question"));
    await until(() => said.length === 1);
    expect(said[0]).toMatch(want);
    dials.write(1, Buffer.from("question"));
    await until(() => server.raws.every((raw) => raw.destroyed));
    expect(server.heard.map(({ text }) => text).join("")).toBe("");
    expect(dials.size).toBe(0);
  });

  test("a server without TLS, silent or not, hears a handshake and no more", async () => {
    const silent = await tcpServer();
    const { dials, said, open } = stage(300);
    open(silent.port, trusting());
    await until(() => silent.heard.length === 1);
    dials.write(1, Buffer.from("question"));
    await until(() => said.length === 1);
    expect(said).toEqual(["1 closed: TLS is not answered within 0.3 s"]);
    expect(silent.heard[0]?.text).not.toContain("question");
    expect(silent.heard).toHaveLength(1);
    const rude = await tcpServer();
    const other = stage();
    other.open(rude.port, trusting());
    await until(() => rude.heard.length === 1);
    rude.heard[0]?.socket.write("220 hello\r\n");
    await until(() => other.said.length === 1);
    expect(other.said[0]).toMatch(/^1 closed: no TLS: /);
  });
});
