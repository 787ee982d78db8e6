// What happens when the cache is full, and what keeps its order: the list by
// age, the heap by end.

import { describe, expect, test } from "vitest";
import { AgeList } from "../../src/mdns/age-list.js";
import { ExpiryHeap } from "../../src/mdns/expiry.js";
import { CachedRR, HeardName } from "../../src/mdns/record.js";
import { below, seededRandom } from "../../src/random.js";
import { instant } from "../../src/time.js";
import { parseName } from "../../src/wire/name.js";
import { Stage, steady } from "./stage.js";

const a1 = "!h.local. 120 A 192.0.2.1";
const plain = (line: string) => line.replace(/^!/, "");

describe("the limit [DP-125]", () => {
  const host = (n: number) => `!h${n}.local. 120 A 192.0.2.1`;

  test("the oldest leaves, which is reported and counted", () => {
    const stage = Stage.up({ cacheRecordsMax: 3 });
    for (const n of [1, 2, 3]) stage.response([host(n)]);
    stage.at(1).response([host(1)]);
    stage.changes();
    stage.response([host(4)]);
    expect(stage.changes()).toEqual([`- ${plain(host(2))}`, `+ ${plain(host(4))}`]);
    expect(stage.counts.of("cache", "evicted")).toBe(1);
    expect(stage.link.recordCount).toBe(3);
  });

  test("what somebody asks for leaves last", () => {
    const stage = Stage.up({ cacheRecordsMax: 3 });
    stage.response([host(1)]);
    stage.watch("h1.local A", "standing");
    const watch = stage.watch("h2.local ANY", "standing");
    for (const n of [2, 3, 4, 5]) stage.response([host(n)]);
    expect(stage.find("h1.local A")).toHaveLength(1);
    expect(stage.find("h2.local A")).toHaveLength(1);
    expect(stage.find("h5.local A")).toHaveLength(1);
    // All three wanted: a stranger is refused, another wanted one takes the oldest's place.
    stage.watch("h6.local A");
    stage.response([host(6)]);
    expect(stage.find("h5.local A")).toEqual([]);
    stage.response([host(7)]);
    expect(stage.find("h7.local A")).toEqual([]);
    expect(stage.counts.of("cache", "refused")).toBe(1);
    stage.watch("h8.local A");
    stage.response([host(8)]);
    expect(stage.find("h1.local A")).toEqual([]);
    expect(stage.find("h8.local A")).toHaveLength(1);
    // With its watch the claim ends.
    stage.unwatch(watch);
    stage.response([host(9)]);
    expect(stage.find("h2.local A")).toEqual([]);
    expect(stage.find("h9.local A")).toHaveLength(1);
  });

  test("a record that was evicted is not asked for again because of that", () => {
    const stage = Stage.up({ cacheRecordsMax: 1 });
    stage.watch("h1.local A", "standing");
    stage.response([host(1)]);
    stage.watch("h2.local A", "standing");
    stage.response([host(2)]);
    stage.run(50);
    expect(stage.times("h1.local A")).toEqual([]);
  });

  test("large rdata counts as several records", () => {
    const stage = Stage.up({ cacheRecordsMax: 10 });
    const long = `"${"x".repeat(250)}" `.repeat(5);
    for (const n of [1, 2, 3, 4]) stage.response([`!h${n}.local. 120 TXT ${long}`]);
    // 1,255 bytes each count as three.
    expect(stage.link.recordCount).toBe(3);
    stage.response([`!h9.local. 120 TXT ${`"${"x".repeat(250)}" `.repeat(30)}`]);
    expect(stage.find("h9.local TXT")).toEqual([]);
    expect(stage.counts.of("cache", "refused")).toBe(1);
  });

  test("lowered by new options takes effect at once", () => {
    const stage = Stage.up();
    for (const n of [1, 2, 3]) stage.response([host(n)]);
    stage.changes();
    stage.link.configure(stage.now, {
      families: ["ipv4", "ipv6"],
      packetsPerSecond: 20,
      cacheRecordsMax: 1,
      questionsMax: 10,
      announce: { b: [], db: [], lb: [] },
    });
    stage.drain();
    expect(stage.changes()).toEqual([`- ${plain(host(1))}`, `- ${plain(host(2))}`]);
  });

  test("a hundred thousand random announcements leave as many records as it says", () => {
    const stage = Stage.up({ cacheRecordsMax: 500 }, steady(0.5));
    stage.watch("h.local A", "standing");
    stage.response([a1]);
    let most = 0;
    for (let n = 0; n < 10_000; n++) {
      stage.link.receive(stage.now, {
        family: "ipv4",
        source: { address: { family: "ipv4", bytes: Uint8Array.of(192, 0, 2, 7) }, port: 5353 },
        isMulticast: true,
        bytes: floodPacket(10, n),
      });
      stage.link.takeChanges();
      most = Math.max(most, stage.link.recordCount);
    }
    expect(most).toBe(500);
    expect(stage.counts.of("cache", "evicted")).toBe(10_000 * 10 - 499);
    expect(stage.find("h.local A")).toEqual([plain(a1)]);
  });

  test("a set of ten thousand is taken in, found, renewed and flushed", () => {
    const stage = Stage.up({ cacheRecordsMax: 20_000 });
    stage.watch("_ipp._tcp.local PTR", "standing");
    const set = (from: number) =>
      Array.from(
        { length: 100 },
        (_, n) => `_ipp._tcp.local. 4500 PTR p${from + n}._ipp._tcp.local.`,
      );
    for (let round = 0; round < 2; round++) {
      for (let from = 0; from < 10_000; from += 100) stage.response(set(from));
    }
    expect(stage.find("_ipp._tcp.local PTR")).toHaveLength(10_000);
    expect(stage.changes()).toHaveLength(10_000);
    stage.link.down(stage.now);
    stage.drain();
    expect(stage.changes()).toHaveLength(10_000);
    expect(stage.link.recordCount).toBe(0);
  });
});

/** A response with `count` A records of names that no other packet holds, made by hand. */
function floodPacket(count: number, serial: number): Uint8Array {
  const parts: Buffer[] = [Buffer.from([0, 0, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0])];
  for (let n = 0; n < count; n++) {
    const label = Buffer.from(`f${serial}-${n}`);
    parts.push(Buffer.from([label.length]), label);
    parts.push(Buffer.from("056c6f63616c00" + "00018001" + "00001194" + "0004c0000201", "hex"));
  }
  return Buffer.concat(parts);
}

describe("order", () => {
  const owner = new HeardName(parseName("h.local"));
  const record = (end: number) => {
    const made = new CachedRR(owner, 1, "x", 120, instant(0));
    made.expiresAt = instant(end);
    return made;
  };

  test("the heap knows the first to end, whatever was moved or taken out", () => {
    const random = seededRandom(11);
    const heap = new ExpiryHeap();
    const held: CachedRR[] = [];
    for (let step = 0; step < 5000; step++) {
      const choice = below(random, 10);
      const index = below(random, Math.max(held.length, 1));
      const some = held[index];
      if (some === undefined || choice < 4) {
        const made = record(below(random, 1000));
        heap.place(made);
        held.push(made);
      } else if (choice < 7) {
        some.expiresAt = instant(below(random, 1000));
        heap.place(some);
      } else {
        heap.remove(some);
        heap.remove(some);
        held.splice(index, 1);
      }
      const ends = held.map((each) => each.expiresAt);
      expect(heap.size).toBe(held.length);
      expect(heap.next()).toBe(ends.length === 0 ? undefined : Math.min(...ends));
    }
  });

  test("the list begins with the one that came first and is still there", () => {
    const list = new AgeList();
    const [a, b, c] = [record(1), record(2), record(3)] as const;
    for (const each of [a, b, c]) list.append(each);
    list.remove(b);
    list.append(b);
    const order: CachedRR[] = [];
    for (let oldest = list.oldest; oldest !== undefined; oldest = list.oldest) {
      order.push(oldest);
      list.remove(oldest);
    }
    expect(order.map((each) => each.expiresAt)).toEqual([1, 3, 2]);
    list.append(a);
    expect(list.oldest).toBe(a);
  });

  test("a name finds, lists and loses its records, few or many", () => {
    for (const count of [3, 16, 17, 40]) {
      const name = new HeardName(parseName("h.local"));
      const made = Array.from(
        { length: count },
        (_, n) => new CachedRR(name, n % 2 === 0 ? 1 : 16, `${n}`, 120, instant(0)),
      );
      const denial = new CachedRR(name, 47, "\x01", 120, instant(0));
      name.add(denial);
      expect(name.isPositive).toBe(false);
      for (const each of made) name.add(each);
      expect(name.denial).toBe(denial);
      expect(name.isPositive).toBe(true);
      expect(new Set(name.list(255))).toEqual(new Set(made));
      expect(name.list(1).map((each) => each.kept)).toEqual(
        made.filter((each) => each.type === 1).map((each) => each.kept),
      );
      expect(name.find(1, "2")).toBe(made[2]);
      expect(name.find(16, "2")).toBeUndefined();
      for (const each of [...made].reverse()) name.remove(each);
      expect(name.isPositive).toBe(false);
      expect(name.isEmpty).toBe(false);
      name.remove(denial);
      expect(name.isEmpty).toBe(true);
      expect(name.denial).toBeUndefined();
    }
  });
});
