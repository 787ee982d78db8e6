// The client on real sockets: what leaves before a certificate is trusted
// (nothing), what a reset and a graceful close look like to the server, and
// datagrams both ways. Servers on loopback say the examples' bytes.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { ClientDriver, type ClientDriverOptions } from "../../src/os/client.js";
import { hostsOf } from "../../src/os/client-tls.js";
import { makeSelfSigned } from "../../src/os/self-signed.js";
import { isPin } from "../../src/pins.js";
import { RRClass, RRType, typeName } from "../../src/wire/codes.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { formatRR, parseRRs } from "../../src/wire/text.js";
import { ipp, lab, lobby, type Names, withId } from "../client/stage.js";
import { toHex } from "../wire/captures.js";

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

const own = makeSelfSigned(["lab.example.com"], Date.now());
const other = makeSelfSigned(["px.example.com"], Date.now());

interface Heard {
  readonly socket: TLSSocket;
  readonly messages: string[];
  ended: "no" | "closed" | "reset";
}

/** A server of Push; answers the Keepalive and the SUBSCRIBE, then pushes. */
async function pushServer(
  { cert, key } = own.credentials,
  says: (message: Uint8Array, count: number) => readonly Uint8Array[] = usual,
) {
  const heard: Heard[] = [];
  const raws = new Map<number, Socket>();
  const server = createTlsServer({ cert, key, ALPNProtocols: ["dot"] });
  server.on("tlsClientError", () => {});
  server.on("secureConnection", (socket) => {
    const one: Heard = { socket, messages: [], ended: "no" };
    heard.push(one);
    const frames = new FrameReader();
    socket.on("data", (bytes) => {
      frames.push(bytes);
      for (let frame = frames.take(); frame !== undefined; frame = frames.take()) {
        one.messages.push(toHex(frame));
        for (const answer of says(frame, one.messages.length)) socket.write(encodeFrame(answer));
      }
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") one.ended = "reset";
    });
    socket.on("end", () => {
      one.ended = "closed";
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const { socket } of heard) socket.destroy();
    for (const raw of raws.values()) raw.destroy();
    server.close();
  });
  return { heard, port: (server.address() as { port: number }).port };
}

function usual(message: Uint8Array): readonly Uint8Array[] {
  const id = ((message[0] as number) << 8) | (message[1] as number);
  if (message[13] === 1) return [withId(id, "E02")];
  if (message[13] === 0x40) return [withId(id, "E21"), withId(0, "E23")];
  return [];
}

/** A resolver that knows these names. */
function resolver(names: Names): ClientDriverOptions["ask"] {
  return async (name, type) => {
    const told = names[`${formatName(name)} ${typeName(type)}`] ?? {};
    if (told === "silent") throw new Error("no answer");
    const bytes = encodeMessage({
      isResponse: true,
      questions: [{ name, type, class: RRClass.IN }],
      answers: parseRRs(told.answer ?? ""),
      authorities: parseRRs(told.authority ?? ""),
      additionals: parseRRs(told.additional ?? ""),
    });
    return { message: decodeMessage(bytes), from: "127.0.0.1" };
  };
}

/** The zone of the examples, its server on loopback at a port. */
function zone(label: string, port: number): Names {
  const name = `${label}.lab.example.com.`;
  return {
    [`${ipp} SOA`]: lab[`${ipp} SOA`] as Names[string],
    [`${ipp} PTR`]: lab[`${ipp} PTR`] as Names[string],
    [`${name} SRV`]: {
      answer: `${name} 600 SRV 0 0 ${port} px.example.com.`,
      additional: "px.example.com. 600 A 127.0.0.1",
    },
  };
}

function watch(names: Names, options: Partial<ClientDriverOptions> = {}) {
  const texts: string[] = [];
  const driver = new ClientDriver({
    ask: resolver(names),
    resolvers: [],
    trust: { pins: [] },
    takesPush: true,
    takesLlq: true,
    tell: (output) => {
      if (output.kind === "way") texts.push(`way ${output.way}`);
      else if (output.kind === "failed") texts.push(`failed ${output.reason}`);
      else texts.push(`${output.kind === "added" ? "+" : "-"} ${formatRR(output.rr)}`);
    },
    ...options,
  });
  cleanups.push(() => driver.end());
  driver.follow({ name: parseName(ipp), type: RRType.PTR, class: RRClass.IN });
  return { driver, texts };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(condition()).toBe(true);
}

describe("whom it trusts [TLS-08]", () => {
  const push = "_dns-push-tls._tcp";

  test("an authority that is given, and the zone's name in the certificate", async () => {
    const { heard, port } = await pushServer();
    const trust = { ca: own.credentials.cert, pins: [] };
    const { texts } = watch(zone(push, port), { trust });
    await until(() => texts.length >= 2);
    expect(texts).toEqual(["way push", `+ ${lobby()}`]);
    expect(heard[0]?.socket.alpnProtocol).toBe("dot");
    expect(heard[0]?.socket).toMatchObject({ servername: "lab.example.com" });
  });

  test.each<readonly [string, typeof own, Partial<ClientDriverOptions>, RegExp]>([
    ["nobody who vouches", own, {}, /is self-signed; if it is yours: --pin sha256\/[\w+/]{43}=$/],
    ["another authority", own, { trust: { ca: other.credentials.cert, pins: [] } }, /self-signed/],
    [
      "another name than the zone's",
      other,
      { trust: { ca: other.credentials.cert, pins: [] } },
      /its certificate names px\.example\.com, and not lab\.example\.com/,
    ],
    [
      "another key than the pinned one",
      own,
      { trust: { pins: ["a".repeat(64)] } },
      /its key is sha256\/\S+, and none of those given by --pin$/,
    ],
  ])("%s: not a byte, and the question is polled", async (_, server, options, reason) => {
    const { heard, port } = await pushServer(server.credentials);
    const { texts } = watch(zone(push, port), options);
    await until(() => texts.length >= 3);
    expect(texts[0]).toMatch(/^failed no Push at px\.example\.com \(127\.0\.0\.1\) port \d+: /);
    expect(texts[0]).toMatch(reason);
    expect(texts.slice(1)).toEqual(["way poll", `+ ${lobby(10)}`]);
    expect(heard.flatMap(({ messages }) => messages)).toEqual([]);
  });

  test("a pin of the key, or the certificate's fingerprint, is enough", async () => {
    const { port } = await pushServer(other.credentials);
    const refused = watch(zone(push, port));
    await until(() => refused.texts.length > 0);
    const pin = /sha256\/[\w+/]{43}=/.exec(refused.texts[0] as string)?.[0] as string;
    for (const one of [pin, other.fingerprint, other.fingerprint.toLowerCase()]) {
      expect(isPin(one)).toBe(true);
      const { texts, driver } = watch(zone(push, port), { trust: { pins: [one] } });
      await until(() => texts.length >= 2);
      expect(texts[0]).toBe("way push");
      await driver.end();
    }
  });

  test("a server without TLS is told of, and gets nothing but a ClientHello", async () => {
    const got: Buffer[] = [];
    const server = createServer((socket) => {
      socket.on("data", (bytes) => {
        got.push(bytes);
        socket.write("220 hello\r\n");
      });
      socket.on("error", () => {});
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => server.close());
    const { texts } = watch(zone(push, (server.address() as { port: number }).port));
    await until(() => texts.length > 0);
    expect(texts[0]).toMatch(/: no TLS: /);
    expect(Buffer.concat(got)[0]).toBe(22);
  });

  test("names are read only where OpenSSL does not quote them", () => {
    const leaf = (subjectAltName: string) => ({ subjectAltName }) as Parameters<typeof hostsOf>[0];
    expect(hostsOf(leaf("DNS:a.example, DNS:*.b.example, IP Address:192.0.2.1"))).toEqual([
      "a.example",
      "*.b.example",
    ]);
    expect(hostsOf(leaf('DNS:"a.example, DNS:evil.example", DNS:c.example'))).toEqual([
      "c.example",
    ]);
    expect(hostsOf(leaf('URI:"x, DNS:evil.example"'))).toEqual([]);
    expect(["sha256/abc=", "", "0".repeat(63), "sha1/x"].map(isPin)).toEqual(
      Array.from({ length: 4 }, () => false),
    );
  });
});

describe("ends", () => {
  const push = "_dns-push-tls._tcp";
  const trust = { ca: own.credentials.cert, pins: [] };

  test("leaving is UNSUBSCRIBE, close_notify and FIN [TLS-12] [PUSH-31]", async () => {
    const { heard, port } = await pushServer();
    const { texts, driver } = watch(zone(push, port), { trust });
    await until(() => texts.length >= 2);
    await driver.end();
    await until(() => heard[0]?.ended !== "no");
    expect(heard[0]?.ended).toBe("closed");
    expect(heard[0]?.messages.at(-1)).toBe("000030000000000000000000004200020002");
  });

  test("a broken message is answered by a reset [DSO-26] [PUSH-19]", async () => {
    const empty = new Uint8Array(16);
    empty.set([0x30], 2);
    empty.set([0x41], 13);
    const { heard, port } = await pushServer(own.credentials, (message, count) =>
      count === 2 ? [...usual(message), empty] : usual(message),
    );
    const { texts } = watch(zone(push, port), { trust });
    await until(() => heard[0]?.ended !== "no" && texts.includes("way poll"));
    expect(heard[0]?.ended).toBe("reset");
    expect(texts.join("\n")).toContain("it breaks the protocol (broken-push: ");
  });

  test("a server that goes away is found again", async () => {
    const { heard, port } = await pushServer();
    const { texts } = watch(zone(push, port), { trust });
    await until(() => texts.length >= 2);
    heard[0]?.socket.destroy();
    await until(() => texts.length >= 4);
    expect(texts.slice(2)).toEqual([
      expect.stringMatching(/^failed Push at .* ended: the connection was closed$/),
      "way push",
    ]);
  });
});

test("an LLQ over UDP, from the set-up to the lease of 0 [LLQ-15] [LLQ-21]", async () => {
  const server = createSocket("udp4");
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const heard: string[] = [];
  const ports = new Set<number>();
  server.on("message", (bytes, { port }) => {
    heard.push(toHex(bytes));
    ports.add(port);
    const id = bytes.readUInt16BE(0);
    const answer = (["E41", "E43"] as const)[heard.length - 1];
    if (answer !== undefined) server.send(withId(id, answer), port, "127.0.0.1");
  });
  const { texts, driver } = watch(zone("_dns-llq._udp", server.address().port));
  await until(() => texts.length >= 2);
  expect(texts).toEqual(["way llq", `+ ${lobby()}`]);
  await driver.end();
  await until(() => heard.length === 3);
  expect(heard[2]?.slice(-24)).toBe("6553f1005d2c9a7100000000");
  expect(ports.size).toBe(1);
});
