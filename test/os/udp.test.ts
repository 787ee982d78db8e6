// One UDP socket per address: answers leave from the address that was asked.
// Everything twice: with one system call a datagram, and with one for many.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import type { Peer } from "../../src/engine/io.js";
import { loadNative, type Native } from "../../src/os/native.js";
import { type Opened, type UdpEars, UdpSockets } from "../../src/os/udp.js";
import { exchange, until } from "./sockets.js";

const found = await loadNative();
if ("reason" in found) throw new Error(found.reason);
const native: Native = found;

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

const long = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === "::1");

const ways: readonly (readonly [string, Native | undefined])[] = [
  ["one by one", undefined],
  ["many at once", native],
];

describe.each(ways)("%s", (_, calls) => {
  function echo(more: Partial<UdpEars> = {}): UdpSockets {
    const sockets: UdpSockets = new UdpSockets(
      {
        received: (listener, source, bytes) => {
          sockets.send(listener, source, Buffer.from(`${listener} ${bytes}`));
        },
        notSent: () => {},
        failed: () => {},
        ...more,
      },
      calls,
    );
    return sockets;
  }

  async function open(sockets: UdpSockets, address = "127.0.0.1", port = 0): Promise<Opened> {
    const one = await sockets.open(address, port);
    opened.push(one);
    return one;
  }

  async function client(): Promise<Socket> {
    const socket = createSocket("udp4");
    opened.push(socket);
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return socket;
  }

  test("[T-54] each answer comes from the address and port that was asked", async () => {
    const sockets = echo();
    const first = await open(sockets);
    const second = await open(sockets, "127.0.0.2", first.port);
    for (const [address, one] of [
      ["127.0.0.1", first],
      ["127.0.0.2", second],
    ] as const) {
      const answer = await exchange("hello", first.port, address);
      expect(answer).toEqual({ text: `${one.id} hello`, address, port: first.port });
    }
    expect(first.id).toBe(`127.0.0.1:${first.port}/udp`);
  });

  test.skipIf(!long)("IPv4 and IPv6 side by side", async () => {
    const sources: Peer[] = [];
    const sockets = echo({
      received: (listener, source, bytes) => {
        sources.push(source);
        sockets.send(listener, source, bytes);
      },
    });
    const one = await open(sockets, "::1");
    await open(sockets, "127.0.0.1", one.port);
    expect(one.id).toBe(`[::1]:${one.port}/udp`);
    const places = [
      ["udp4", "127.0.0.1"],
      ["udp6", "::1"],
    ] as const;
    for (const [type, address] of [...places, ...places]) {
      const socket = createSocket(type);
      opened.push(socket);
      const heard: string[] = [];
      socket.on("message", (bytes) => heard.push(String(bytes)));
      // Bursts, so that rooms that held one family hold the other afterwards.
      for (let count = 0; count < 8; count++) socket.send("hello", one.port, address);
      await until(() => heard.length === 8);
      expect(new Set(heard)).toEqual(new Set(["hello"]));
      const from = sources.splice(0).map((source) => source.address);
      expect(from).toEqual(Array(8).fill(address));
    }
  });

  test("a burst is answered datagram by datagram, each to its sender", async () => {
    const sockets = echo();
    const one = await open(sockets);
    const clients = await Promise.all(Array.from({ length: 4 }, client));
    const heard = clients.map(() => new Set<string>());
    const count = 50;
    clients.forEach((socket, index) => {
      socket.on("message", (bytes) => heard[index]?.add(String(bytes)));
      for (let serial = 0; serial < count; serial++) {
        socket.send(`${index}/${"x".repeat(serial)}`, one.port, "127.0.0.1");
      }
    });
    await until(() => heard.every((texts) => texts.size === count));
    heard.forEach((texts, index) => {
      for (let serial = 0; serial < count; serial++) {
        expect(texts).toContain(`${one.id} ${index}/${"x".repeat(serial)}`);
      }
    });
  });

  test("what is said outside of an answer leaves with the next flush", async () => {
    const sockets = echo();
    const one = await open(sockets);
    const two = await open(sockets, "127.0.0.2");
    const socket = await client();
    const heard: string[] = [];
    socket.on("message", (bytes, { address }) => heard.push(`${address} ${bytes}`));
    const to = { address: "127.0.0.1", port: socket.address().port };
    const bytes = Buffer.from("0");
    for (let serial = 0; serial < 100; serial++) {
      bytes[0] = serial;
      sockets.send(serial % 2 === 0 ? one.id : two.id, to, bytes);
    }
    bytes[0] = 255;
    sockets.flush();
    await until(() => heard.length === 100);
    const expected = Array.from(
      { length: 100 },
      (__, serial) => `127.0.0.${1 + (serial % 2)} ${Buffer.of(serial)}`,
    );
    expect(heard.sort()).toEqual(expected.sort());
  });

  test("the largest datagrams come and leave whole", async () => {
    const sockets = echo();
    const one = await open(sockets);
    const text = "0123456789".repeat(6500);
    expect((await exchange(text, one.port)).text).toBe(`${one.id} ${text}`);
    const socket = await client();
    const heard: string[] = [];
    socket.on("message", (bytes) => heard.push(String(bytes)));
    // Those after the first are taken in another way.
    for (const size of [9000, 1, 60_000]) {
      socket.send("x".repeat(size), one.port, "127.0.0.1");
    }
    await until(() => heard.length === 3);
    expect(heard.map((each) => each.length - one.id.length - 1).sort()).toEqual([1, 60_000, 9000]);
  });

  test("a port that is taken is refused with its code", async () => {
    const sockets = echo();
    const first = await open(sockets);
    await expect(sockets.open("127.0.0.1", first.port)).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await expect(sockets.open("192.0.2.77", 5300)).rejects.toMatchObject({
      code: "EADDRNOTAVAIL",
    });
    await expect(sockets.open("fe80::77%none0", 5300)).rejects.toMatchObject({
      code: expect.stringMatching(/^E/),
    });
    // The refusals have left the first one alone.
    expect((await exchange("still", first.port)).text).toContain("still");
  });

  test("nobody else gets the address, not even who would share it", async () => {
    const one = await open(echo());
    const other = createSocket({ type: "udp4", reuseAddr: true });
    opened.push(other);
    other.bind(one.port, "127.0.0.1");
    const [error] = await once(other, "error");
    expect(error).toMatchObject({ code: "EADDRINUSE" });
  });

  test("of datagrams that the kernel refuses the first and then a sample is reported", async () => {
    const failures: string[] = [];
    const sockets = echo({ notSent: (listener, code) => failures.push(`${listener} ${code}`) });
    const one = await open(sockets);
    // Too large for anything; and to a broadcast address without the right to it.
    const large = () =>
      sockets.send(one.id, { address: "127.0.0.1", port: 9 }, Buffer.alloc(70_000));
    const wide = () =>
      sockets.send(one.id, { address: "255.255.255.255", port: 9 }, Buffer.from("wide"));
    large();
    await until(() => failures.length === 1);
    for (let count = 0; count < 160; count++) {
      wide();
      sockets.flush();
    }
    await until(() => failures.length > 1);
    expect(new Set(failures)).toEqual(new Set([`${one.id} EMSGSIZE`, `${one.id} EACCES`]));
    expect((await exchange("still", one.port)).text).toContain("still");
  });

  test("one that cannot leave does not keep the others", async () => {
    const sockets = echo({
      received: (listener, source, bytes) => {
        sockets.send(listener, source, Buffer.from(`${bytes} before`));
        sockets.send(listener, { address: "255.255.255.255", port: 9 }, Buffer.from("lost"));
        sockets.send(listener, source, Buffer.from(`${bytes} after`));
      },
    });
    const one = await open(sockets);
    const socket = await client();
    const heard: string[] = [];
    socket.on("message", (bytes) => heard.push(String(bytes)));
    socket.send("a", one.port, "127.0.0.1");
    socket.send("b", one.port, "127.0.0.1");
    await until(() => heard.length === 4);
    expect(heard.sort()).toEqual(["a after", "a before", "b after", "b before"]);
  });

  test("closed, it hears nothing, sends nothing, and the port is free", async () => {
    const sockets = echo();
    const one = await sockets.open("127.0.0.1", 0);
    one.close();
    one.close();
    expect(() =>
      sockets.send(one.id, { address: "127.0.0.1", port: 9 }, Buffer.of(1)),
    ).not.toThrow();
    sockets.flush();
    const again = await open(sockets, "127.0.0.1", one.port);
    expect((await exchange("again", again.port)).text).toContain("again");
  });

  test("closed while it hears, what was said before still leaves", async () => {
    let one: Opened | undefined;
    const sockets = echo({
      received: (listener, source) => {
        sockets.send(listener, source, Buffer.from("last words"));
        one?.close();
        sockets.send(listener, source, Buffer.from("from the grave"));
      },
    });
    one = await open(sockets);
    const socket = await client();
    const heard: string[] = [];
    socket.on("message", (bytes) => heard.push(String(bytes)));
    for (let count = 0; count < 5; count++) socket.send("x", one.port, "127.0.0.1");
    await until(() => heard.length > 0);
    const next = await open(echo(), "127.0.0.1", one.port);
    expect((await exchange("next", next.port)).text).toContain("next");
    expect(heard).toEqual(["last words"]);
  });
});

test("a burst takes fewer system calls than it has datagrams", async () => {
  const { many } = native;
  if (many === undefined) throw new Error("this machine lays messages out in another way");
  const taken: number[] = [];
  const sent: number[] = [];
  const counting = {
    findInterface: () => undefined,
    findName: () => undefined,
    isClockKept: () => undefined,
    openOnDevice: () => 0,
    openMulticast: () => -1,
    rejoin: () => {},
    openIgmp: () => -1,
    receive: () => undefined,
    close: () => {},
    sendUnix: () => {},
    openUdp: (place: Uint8Array) => native.openUdp(place),
    keepAlone: (fd: number) => native.keepAlone(fd),
    packets: undefined,
    many: {
      allocate: many.allocate,
      receive: (fd: number, headers: bigint, count: number) => {
        taken.push(many.receive(fd, headers, count));
        return taken.at(-1) as number;
      },
      send: (fd: number, headers: bigint, count: number) => {
        sent.push(many.send(fd, headers, count));
        return sent.at(-1) as number;
      },
    },
  };
  let answered = 0;
  const sockets: UdpSockets = new UdpSockets(
    {
      received: (listener, source, bytes) => {
        answered += 1;
        sockets.send(listener, source, bytes);
      },
      notSent: () => {},
      failed: () => {},
    },
    counting,
  );
  const one = await sockets.open("127.0.0.1", 0);
  opened.push(one);
  const socket = createSocket("udp4");
  opened.push(socket);
  for (let count = 0; count < 100; count++) socket.send("x", one.port, "127.0.0.1");
  await until(() => answered === 100);
  expect(sent.reduce((sum, count) => sum + count)).toBe(100);
  expect(Math.max(...sent)).toBeGreaterThan(20);
  expect(sent.length).toBeLessThan(50);
});
