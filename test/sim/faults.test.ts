// Fault loop: one scenario, run as often as it has effects, and each time another
// one of them fails: a send error, a stream that turns out to be gone. Every rule
// holds, and whoever asks again is answered.

import { expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import type { Asking } from "./client.js";
import { browse, instance, office, zone } from "./office.js";
import type { World } from "./world.js";

interface Run {
  readonly world: World;
  readonly datagrams: readonly Asking[];
  readonly streams: readonly Asking[];
}

/** Clients browse and resolve, over UDP and TCP, while a link goes down and comes back. */
function play(failAt?: number): Run {
  const world = office(2, { replay: `effect ${failAt ?? "none"} of the fault loop` });
  world.failAt = failAt === undefined ? undefined : world.effects + failAt;
  const [one, two] = [world.client("198.51.100.1"), world.client("2001:db8:ffff::1")];
  const again = [1, 2, 4, 7, 8].map(seconds);
  const datagrams = [
    one.ask(browse, RRType.PTR, { again, udpSize: 1232 }),
    two.ask(browse, RRType.PTR, { again }),
    two.ask(instance(1), RRType.SRV, { again }),
    one.ask(instance(2), RRType.TXT, { again }),
    one.ask(`nobody.${zone}`, RRType.A, { again }),
    one.ask(zone, RRType.SOA, { again }),
  ];
  const streams: Asking[] = [];
  world.later(ms(20), () => {
    const connection = two.connect();
    streams.push(
      ...connection.ask([
        [`printer-1.${zone}`, RRType.AAAA],
        [`nobody.${zone}`, RRType.A],
        [`_services._dns-sd._udp.${zone}`, RRType.PTR],
        [zone, RRType.NS],
      ]),
    );
  });
  world.later(seconds(8), () => world.linkDown("eth2"));
  world.later(seconds(9), () => world.linkUp("eth2"));
  world.later(seconds(9.5), () => {
    datagrams.push(one.ask(`printer-2.${zone}`, RRType.A, { again }));
  });
  world.run(seconds(40));
  return { world, datagrams, streams };
}

const effectsOf = (run: Run) => run.world.effects;

test("without a fault everything is answered", () => {
  const { datagrams, streams } = play();
  const counts = (list: readonly Asking[]) => list.map(({ reply }) => reply?.answers.length);
  expect(counts(datagrams)).toEqual([2, 2, 1, 1, 0, 1, 1]);
  expect(counts(streams)).toEqual([1, 0, 1, 1]);
});

test("whichever effect fails, the rules hold, and who asks again over UDP is answered", () => {
  const start = office(2).effects;
  const count = effectsOf(play()) - start;
  expect(count).toBeGreaterThan(20);
  for (let failAt = 1; failAt <= count; failAt++) {
    const { world, datagrams } = play(failAt);
    expect(
      world.counts.of("send-failed", "unicast") + world.counts.of("send-failed", "multicast"),
    ).toBeLessThanOrEqual(1);
    const wrong = datagrams.filter(({ reply }) => reply === undefined || reply.rcode !== 0);
    expect({ failAt, wrong }).toEqual({ failAt, wrong: [] });
  }
});
