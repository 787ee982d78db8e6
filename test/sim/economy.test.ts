// What browsing costs a link, in mDNS query packets of both families together.
// The numbers here are the documented ones.

import { describe, expect, test } from "vitest";
import { type Duration, ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { Asking, Client } from "./client.js";
import { browse, instance, office } from "./office.js";
import { floor2 } from "./plan.js";
import type { World } from "./world.js";

const packets = (world: World) => world.checkers.packetsOn(floor2.id);

const clientsOf = (world: World, count: number): Client[] =>
  Array.from({ length: count }, (_, at) => world.client(`198.51.100.${at + 1}`));

/** Each client asks at once and again whenever the answer's TTL has run out. */
function poll(world: World, clients: readonly Client[], span: Duration, name = browse): Asking[] {
  const askings: Asking[] = [];
  for (const client of clients) {
    for (let at = 0; at < span; at += 10_000) {
      const wobble = world.chance.below(500);
      world.later(ms(at + wobble), () => {
        askings.push(client.ask(name, RRType.PTR, { udpSize: 1232 }));
      });
    }
  }
  return askings;
}

describe("a hundred clients, ten minutes, one type [A9.5]", () => {
  const span = seconds(600);

  test("five printers: one query a family, then nothing for as long as the PTRs live [A9.5]", () => {
    const world = office(5);
    const before = packets(world);
    const askings = poll(world, clientsOf(world, 100), span);
    world.run(span);
    expect(packets(world) - before).toBe(2);
    expect(askings.length).toBe(6000);
    expect(askings.every(({ reply }) => reply?.answers.length === 5)).toBe(true);
  });

  test("nothing there: three queries a family, then silence is remembered [A9.5]", () => {
    const world = office(0);
    const askings = poll(world, clientsOf(world, 100), span);
    world.run(span);
    // Asking takes 6 s and silence counts for 10 s, so that of these clients, who come every
    // 10 s, each second time makes the link be asked: 30 times, six packets each.
    expect(packets(world)).toBe(30 * 6);
    world.run(seconds(10));
    expect(askings.every(({ reply }) => reply?.answers.length === 0)).toBe(true);
  });

  test("resolving, too: an SRV that lives 120 s costs one query a family in that time [A9.5]", () => {
    const world = office(1);
    const before = packets(world);
    for (const client of clientsOf(world, 100)) {
      for (let at = 0; at < span; at += 10_000) {
        const wobble = world.chance.below(500);
        world.later(ms(at + wobble), () => client.ask(instance(1), RRType.SRV));
      }
    }
    world.run(span);
    expect(packets(world) - before).toBeLessThanOrEqual(6 * 2);
  });
});

describe("a thousand queries of one PTR and four SRV names from ten clients", () => {
  /** 10 clients, 20 times each, all five names, over two seconds. */
  function ask(world: World): Asking[] {
    const askings: Asking[] = [];
    for (const client of clientsOf(world, 10)) {
      for (let turn = 0; turn < 20; turn++) {
        world.later(ms(turn * 100 + world.chance.below(50)), () => {
          askings.push(client.ask(browse, RRType.PTR, { udpSize: 1232 }));
          for (let number = 1; number <= 4; number++) {
            askings.push(client.ask(instance(number), RRType.SRV));
          }
        });
      }
    }
    world.run(seconds(10));
    return askings;
  }

  const isAnswered = ({ question, reply }: Asking) =>
    reply?.answers.length === (question.type === RRType.PTR ? 4 : 1);

  test.each([1, 2, 3, 4, 5])("cold: at most six packets; warm: none (seed %i)", (seed) => {
    const world = office(4, { seed });
    const start = packets(world);
    const cold = ask(world);
    expect(cold.length).toBe(1000);
    expect(cold.filter((one) => !isAnswered(one))).toEqual([]);
    const spent = packets(world) - start;
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(6);
    const warm = ask(world);
    expect(warm.length).toBe(1000);
    expect(warm.filter((one) => !isAnswered(one))).toEqual([]);
    expect(packets(world) - start).toBe(spent);
  });
});

test("a world in which nobody asks sends nothing, whatever happens on the link [DP-8]", () => {
  const world = office(5);
  world.run(seconds(4600));
  expect(packets(world)).toBe(0);
});
