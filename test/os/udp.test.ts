// One UDP socket per address: answers leave from the address that was asked.

import { afterEach, expect, test } from "vitest";
import { type Opened, type UdpEars, UdpSockets } from "../../src/os/udp.js";
import { exchange, until } from "./sockets.js";

const opened: Opened[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function echo(more: Partial<UdpEars> = {}): UdpSockets {
  const sockets: UdpSockets = new UdpSockets({
    received: (listener, source, bytes) => {
      sockets.send(listener, source, Buffer.from(`${listener} ${bytes}`));
    },
    notSent: () => {},
    failed: () => {},
    ...more,
  });
  return sockets;
}

test("[T-54] each answer comes from the address and port that was asked", async () => {
  const sockets = echo();
  const first = await sockets.open("127.0.0.1", 0);
  const second = await sockets.open("127.0.0.2", first.port);
  opened.push(first, second);
  for (const [address, one] of [
    ["127.0.0.1", first],
    ["127.0.0.2", second],
  ] as const) {
    const answer = await exchange("hello", first.port, address);
    expect(answer).toEqual({ text: `${one.id} hello`, address, port: first.port });
  }
  expect(first.id).toBe(`127.0.0.1:${first.port}/udp`);
});

test("a port that is taken is refused with its code", async () => {
  const sockets = echo();
  const first = await sockets.open("127.0.0.1", 0);
  opened.push(first);
  await expect(sockets.open("127.0.0.1", first.port)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await expect(sockets.open("192.0.2.77", 5300)).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
  // The refusals have left the first one alone.
  expect((await exchange("still", first.port)).text).toContain("still");
});

test("of datagrams that the kernel refuses the first and then a sample is reported", async () => {
  const failures: string[] = [];
  const sockets = echo({ notSent: (listener, code) => failures.push(`${listener} ${code}`) });
  const one = await sockets.open("127.0.0.1", 0);
  opened.push(one);
  const refused = () =>
    sockets.send(one.id, { address: "127.0.0.1", port: 9 }, Buffer.alloc(70_000));
  refused();
  await until(() => failures.length === 1);
  for (let count = 0; count < 160; count++) refused();
  await until(() => failures.length > 1);
  expect(new Set(failures)).toEqual(new Set([`${one.id} EMSGSIZE`]));
  expect((await exchange("still", one.port)).text).toContain("still");
});

test("closed, it hears nothing, sends nothing, and the port is free", async () => {
  const sockets = echo();
  const one = await sockets.open("127.0.0.1", 0);
  one.close();
  one.close();
  expect(() => sockets.send(one.id, { address: "127.0.0.1", port: 9 }, Buffer.of(1))).not.toThrow();
  const again = await sockets.open("127.0.0.1", one.port);
  opened.push(again);
  expect((await exchange("again", one.port)).text).toContain("again");
});
