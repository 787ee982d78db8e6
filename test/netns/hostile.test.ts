// Bad input on streams in quantity: a million bytes of noise and of almost-right
// messages, handshakes cut off at each stage, connections that are opened and left.
// The daemon stays up, a subscriber hears of everything meanwhile, memory returns.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { exampleIds } from "../dso/examples.js";
import { until } from "./children.js";
import { needs } from "./needs.js";
import { type Rec, rec } from "./packet.js";
import { E, framed, L, subscribe } from "./session-bytes.js";
import { selfSigned, sessionLinks, sessionStage, Z } from "./session-stage.js";
import type { WirePeer } from "./wire-peer.js";

const it = needs("tcpdump");
const s = sessionStage(`${selfSigned}\n${sessionLinks}`);

const ptr = (type: string, instance: string): Rec =>
  rec(`${type}._tcp.local`, "PTR", 4500, `${instance}.${type}._tcp.local`);

/** A repeatable source of numbers below a bound. */
function dice(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const good: readonly Buffer[] = [
  ...exampleIds.map(E),
  ...(["E40", "E42", "E46", "E47", "E49"] as const).map((id) => framed(L(id))),
];

/** Some bytes of examples, now and then one byte other, one more, or one less. */
function almost(seed: number, length: number): Buffer {
  const roll = dice(seed);
  const parts: Buffer[] = [];
  for (let size = 0; size < length; ) {
    let bytes = Buffer.from(good[roll(good.length)]!);
    for (let i = roll(4); i > 0; i--) {
      const at = roll(bytes.length);
      // The length prefix is left alone as a rule, or nothing behind it would be read.
      if (at < 2 && roll(10) > 0) continue;
      bytes[at] = roll(2) === 0 ? roll(256) : bytes[at]! ^ (1 << roll(8));
    }
    if (roll(20) === 0) bytes = bytes.subarray(0, roll(bytes.length));
    parts.push(bytes);
    size += bytes.length;
  }
  return Buffer.concat(parts);
}

function noise(seed: number, length: number): Buffer {
  const roll = dice(seed);
  return Buffer.from(Array.from({ length }, () => roll(256)));
}

/** A subscriber who is looked at again and again. */
async function witness(type: string): Promise<() => Promise<void>> {
  const peer = await s.peer();
  const name = `${type}._tcp.${Z}`;
  peer.write(E("E01"));
  peer.send(subscribe(1, name, "PTR"));
  for (let i = 0; i < 2; i++) await peer.next();
  let turn = 0;
  return async () => {
    turn += 1;
    s.dev1.announce([ptr(type, `Turn${turn}`)]);
    await peer.change(`+ ${name}. PTR Turn${turn}.${name}.`);
    expect([peer.ending, s.discd.child.exit]).toEqual([undefined, undefined]);
  };
}

/** One connection after the other, some at a time; each is written to and then left. */
async function hose(total: number, perConnection: number, seed: number): Promise<number> {
  const count = Math.ceil(total / perConnection);
  let next = 0;
  let resets = 0;
  const work = async () => {
    for (let i = next++; i < count; i = next++) {
      const peer: WirePeer = await s.peer({ isClear: i % 4 === 0 });
      const make = i % 3 === 0 ? noise : almost;
      if (i % 2 === 0) peer.write(E("E01"));
      peer.write(make(seed + i, perConnection));
      await Promise.race([peer.over(250).catch(() => undefined), sleep(250)]);
      if (peer.ending === "reset") resets += 1;
      if (i % 5 === 0) peer.socket.reset();
      peer.close();
    }
  };
  await Promise.all(Array.from({ length: 12 }, work));
  return resets;
}

it("[DSO-26] [TLS-13] a million bytes of noise: the daemon and its subscriber go on, memory returns", async () => {
  const look = await witness("_hose");
  await look();
  await hose(200_000, 2000, 1);
  await sleep(1000);
  const before = s.discd.rss;
  const resets = await hose(1_000_000, 2000, 1000);
  expect(resets).toBeGreaterThan(100);
  await look();
  await sleep(1000);
  expect(s.discd.rss - before).toBeLessThan(40 * 2 ** 20);
  // Nobody is left but the subscriber, at the latest after the idle limit.
  const isAlone = async () => (await s.discd.state()).engine.streams === 1;
  await until("the others are gone", isAlone, 12_000, 1000);
  const { push, llq } = (await s.discd.state()).engine;
  expect(push).toEqual({ sessions: 1, subscriptions: 1, topics: 1 });
  expect(llq).toMatchObject({ llqs: 0 });
});

it("[TLS-02] [TLS-13] handshakes cut off at each stage", async () => {
  const look = await witness("_cut");
  const agent = await s.lab.agent("cli");
  const begin = Buffer.concat([E("E01"), E("E20")]);
  const sizes = Array.from({ length: 40 }, (_, i) => 1 + i * 21);
  for (const how of ["reset", "end"] as const) {
    const sockets = await Promise.all(
      sizes.map((after) => agent.cut(s.lab.server, 853, after, how, begin)),
    );
    await sleep(400);
    for (const socket of sockets) socket.close();
    await look();
  }
});

it("[TLS-13] connections that are opened and left: closed in time, others served", async () => {
  const look = await witness("_left");
  const agent = await s.lab.agent("cli");
  const begin = Buffer.concat([E("E01"), E("E20")]);
  const held = await Promise.all([
    ...Array.from({ length: 50 }, () => agent.tcp(s.lab.server, 853)),
    ...Array.from({ length: 50 }, (_, i) =>
      agent.cut(s.lab.server, 853, 20 + i * 10, "silence", begin),
    ),
  ]);
  await look();
  const left = () => held.filter(({ overAt }) => overAt === undefined).length;
  for (let i = 0; i < 40 && left() > 0; i++) await sleep(500);
  expect(left()).toBe(0);
  await look();
});
