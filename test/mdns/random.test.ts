// A link under random words from devices, neighbours and users, in virtual
// time: what must hold after every step, whatever the order of things.

import { describe, expect, test } from "vitest";
import type { WatchId } from "../../src/mdns/link.js";
import { below, type Random, seededRandom } from "../../src/random.js";
import { at, endpoint, prefixes, rr, Stage } from "./stage.js";

const names = ["a", "b", "c", "d"].map((label) => `${label}.local`);
const types = ["A", "AAAA", "TXT", "ANY", "PTR"];
const ttls = [0, 1, 2, 10, 120, 4500, 0xffff_ffff];
const limits = { packetsPerSecond: 4, cacheRecordsMax: 12, questionsMax: 6 };
const announce = { b: [], db: [], lb: [rr("x. 0 PTR floor1.example.").name] };

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[below(random, values.length)] as Value;
}

function someRecord(random: Random): string {
  const flush = below(random, 3) > 0 ? "!" : "";
  const owner = pick(random, names);
  const ttl = pick(random, ttls);
  const n = below(random, 3);
  const rdata = pick(random, [
    `A 192.0.2.${n}`,
    `AAAA 2001:db8::${n}`,
    `TXT "${"x".repeat(n * 120)}"`,
    `PTR ${pick(random, names)}.`,
    `CNAME ${pick(random, names)}.`,
    `NSEC ${owner}. A TXT`,
  ]);
  return `${flush}${owner}. ${ttl} ${rdata}`;
}

const someQuestion = (random: Random) => `${pick(random, names)} ${pick(random, types)}`;

class World {
  readonly random: Random;
  readonly stage: Stage;
  readonly watches: WatchId[] = [];
  /** What a listener to all changes believes to be held. */
  readonly told = new Set<string>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.stage = Stage.up({ ...limits, announce }, this.random);
  }

  step(): void {
    const { random, stage } = this;
    const from = { family: pick(random, ["ipv4", "ipv6"] as const) };
    switch (below(random, 12)) {
      case 0:
      case 1:
      case 2:
        stage.response(
          Array.from({ length: 1 + below(random, 4) }, () => someRecord(random)),
          from,
        );
        return;
      case 3:
      case 4: {
        const kind = pick(random, ["one-shot", "standing"] as const);
        const watch = stage.watch(someQuestion(random), kind, `${below(random, 3)}`);
        if (watch !== undefined) this.watches.push(watch);
        return;
      }
      case 5:
      case 6: {
        const [watch] = this.watches.splice(below(random, this.watches.length), 1);
        if (watch !== undefined) stage.unwatch(watch);
        return;
      }
      case 7:
      case 8:
        stage.query(
          [someQuestion(random), `lb._dns-sd._udp.local PTR`],
          below(random, 2) === 0 ? [] : [someRecord(random).replace("!", "")],
          {
            ...from,
            tc: below(random, 4) === 0,
            source: endpoint(`192.0.2.${20 + below(random, 3)}`, pick(random, [5353, 5353, 4000])),
          },
        );
        return;
      case 9: {
        const held = [...stage.link.records(stage.now)];
        if (held.length > 0) stage.link.reconfirm(stage.now, pick(random, held).rr);
        return;
      }
      case 10:
        if (below(random, 8) === 0) stage.link.down(stage.now);
        stage.drain();
        return;
      case 11:
        stage.up(pick(random, [1500, 1500, 1500, 9000]), prefixes);
        return;
    }
  }

  check(second: number): void {
    const { stage } = this;
    stage.link.expire(stage.now);
    stage.drain();
    const next = stage.link.nextDeadline();
    if (next !== undefined) expect(next).toBeGreaterThan(at(second));
    expect(stage.link.recordCount).toBeLessThanOrEqual(limits.cacheRecordsMax);
    for (const change of stage.changes()) {
      // Without the TTL, which an addition may change.
      const record = change.slice(2).replace(/^(\S+) \d+ /, "$1 ");
      if (change.startsWith("+")) this.told.add(record);
      if (change.startsWith("-")) expect(this.told.delete(record)).toBe(true);
    }
    const held = [...stage.link.records(stage.now)];
    expect(held.length).toBe(this.told.size);
    for (const { expiresAt } of held) expect(expiresAt).toBeGreaterThan(stage.now);
  }
}

describe("whatever happens", () => {
  for (let seed = 1; seed <= 40; seed++) {
    test(`seed ${seed}: changes tell the cache, limits hold, it comes to rest`, () => {
      const world = new World(seed);
      const { stage, random } = world;
      let second = 0;
      for (let step = 0; step < 150; step++) {
        second =
          Math.round((second + below(random, pick(random, [50, 500, 20_000])) / 1000) * 1000) /
          1000;
        stage.run(second);
        world.step();
        world.check(second);
      }
      const queries = stage.sent.filter((sent) => !sent.message.isResponse);
      queries.forEach((sent, index) => {
        const later = queries[index + limits.packetsPerSecond];
        if (later !== undefined) expect(later.at - sent.at).toBeGreaterThanOrEqual(1);
      });
      for (const watch of world.watches) stage.unwatch(watch);
      stage.link.stop(stage.now);
      // Disputes and the longest TTL that is left take their time.
      stage.run(second + 5000);
      expect(stage.link.questionCount).toBe(0);
      expect(stage.link.recordCount).toBe(0);
      expect(stage.link.nextDeadline()).toBeUndefined();
      expect(stage.startedAt(someQuestion(random))).toBeUndefined();
    });
  }
});
