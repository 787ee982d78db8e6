// The fault loop for long-lived questions: one scenario with subscribers and LLQs,
// run as often as it has effects, and each time another one of them fails. Every
// rule holds, and who comes back is told the same as without the fault.

import { expect, test } from "vitest";
import { seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { calm } from "./air.js";
import { LlqClient } from "./llq-client.js";
import { browse, instance, office } from "./office.js";
import { Subscriber } from "./subscriber.js";
import type { World } from "./world.js";

interface Run {
  readonly world: World;
  readonly subscriber: Subscriber;
  readonly llq: LlqClient;
}

const tls = { transport: "tls", takesPush: true } as const;
const printers = { name: parseName(browse), type: RRType.PTR, class: 1 };

/** One subscribes, with an LLQ beside; another one uses UDP. The link goes and comes back. */
function play(failAt?: number): Run {
  const world = office(2, { replay: `effect ${failAt ?? "none"} of the fault loop` });
  world.failAt = failAt === undefined ? undefined : world.effects + failAt;
  let subscriber = new Subscriber(world, "198.51.100.1", tls);
  const subscribe = () => {
    subscriber.keepalive();
    subscriber.subscribe(printers);
    subscriber.subscribe({ name: instance(1), type: RRType.ANY, class: 1 });
    subscriber.setUpLlq({ ...printers, name: instance(2), type: RRType.SRV }, 900);
  };
  subscribe();
  const wish = { question: printers, leaseSeconds: 900, udpSize: 0, road: calm, sloth: 0 };
  const llq = new LlqClient(world, "198.51.100.2", 61_000, wish);
  world.later(seconds(8), () => world.linkDown("eth2"));
  world.later(seconds(9), () => world.linkUp("eth2"));
  // Whoever was cut off comes back.
  world.later(seconds(20), () => {
    if (subscriber.isOpen) return;
    subscriber = new Subscriber(world, "198.51.100.1", tls);
    subscribe();
  });
  world.run(seconds(40));
  return { world, subscriber, llq };
}

const told = ({ subscriber }: Run) => subscriber.session.copy.size;

test("without a fault all is told", () => {
  const run = play();
  expect(told(run)).toBe(4);
  expect(run.llq.copy.size).toBe(2);
});

test("whichever effect fails, the rules hold, and who comes back is told all [TLS-13] [LLQ-19]", () => {
  const start = office(2).effects;
  const count = play().world.effects - start;
  expect(count).toBeGreaterThan(20);
  for (let failAt = 1; failAt <= count; failAt++) {
    const run = play(failAt);
    expect({ failAt, told: told(run), llq: run.llq.copy.size }).toEqual({
      failAt,
      told: 4,
      llq: 2,
    });
  }
});
