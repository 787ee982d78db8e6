// What a hostile server can make of a client: nothing that grows, nothing that
// throws, no storm. Bytes are examples that were damaged by chance.

import { describe, expect, test } from "vitest";
import { Avoided } from "../../src/client/avoided.js";
import { avoidedMax, leaseSecondsMax, reasonsMax, seenEventsMax } from "../../src/client/limits.js";
import { Llq } from "../../src/client/llq-client.js";
import { Subscriber } from "../../src/client/subscriber.js";
import { below, type Random, seededRandom } from "../../src/random.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { parseName } from "../../src/wire/name.js";
import { example, exampleIds } from "../dso/examples.js";
import { at } from "../dso/stage.js";
import { examples } from "../llq/examples.js";
import { hex, toHex } from "../wire/captures.js";
import { lab, pushDoor, Stage, withId } from "./stage.js";

const question = { name: parseName("_ipp._tcp.lab.example.com"), type: 12, class: 1 };
const llqIds = Object.keys(examples) as (keyof typeof examples)[];

/** Some bytes changed, some lost, some doubled. */
function damaged(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = [...bytes];
  for (let turns = below(random, 4); turns > 0 && copy.length > 0; turns--) {
    const place = below(random, copy.length);
    const kind = below(random, 4);
    if (kind < 2) copy[place] = below(random, 256);
    else if (kind === 2) copy.splice(place, 1 + below(random, 4));
    else copy.splice(place, 0, below(random, 256));
  }
  return Uint8Array.from(copy);
}

describe("damaged messages", () => {
  test("a session takes them or is reset, and never throws", () => {
    const random = seededRandom(11);
    const ends = new Map<string, number>();
    for (let round = 0; round < 3000; round++) {
      const subscriber = new Subscriber(at(0));
      subscriber.subscribe(at(0), question);
      subscriber.receive(at(0), encodeFrame(withId(1, example("E02"))));
      subscriber.receive(at(0), encodeFrame(withId(2, example("E21"))));
      for (let turn = 0; turn < 5 && !subscriber.isOver; turn++) {
        const id = exampleIds[below(random, exampleIds.length)] as (typeof exampleIds)[number];
        const outcomes = subscriber.receive(at(1), encodeFrame(damaged(random, example(id))));
        for (const { kind } of outcomes) ends.set(kind, (ends.get(kind) ?? 0) + 1);
      }
    }
    // All of it has happened: the damage is neither too much nor too little.
    expect([...ends.keys()].sort()).toEqual(["abort", "change", "close"]);
  });

  test("an LLQ takes them or passes them over, and never throws", () => {
    const random = seededRandom(12);
    const kinds = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      const llq = new Llq(at(0), random, question, round % 2 === 0);
      const [first] = llq.takePackets();
      const sent = round % 2 === 0 ? first?.slice(2) : first;
      const id = ((sent?.[0] as number) << 8) | (sent?.[1] as number);
      for (let turn = 0; turn < 5; turn++) {
        const name = llqIds[below(random, llqIds.length)] as keyof typeof examples;
        const message = withId(id, damaged(random, hex(examples[name])));
        const bytes = round % 2 === 0 ? encodeFrame(message) : message;
        for (const { kind } of llq.receive(at(1), bytes)) kinds.add(kind);
        // Nobody is made to say more than he is told.
        expect(llq.takePackets().length).toBeLessThanOrEqual(2);
      }
    }
    expect([...kinds].sort()).toEqual(["change", "live", "over"]);
  });
});

test("a server that lets in and drops at once is not stormed", () => {
  const stage = new Stage(lab, { [pushDoor]: "open" }, { takesLlq: false }).follow();
  const seen = new Set<unknown>();
  for (let second = 1; second < 7200; second++) {
    const { last } = stage;
    if (!seen.has(last)) {
      seen.add(last);
      stage.says(last, withId(1, "E02"), withId(2, "E21"), "E23");
      stage.input({ kind: "closed", channel: last.number });
    }
    stage.run(second);
  }
  const tries = stage.channels.map((one) => one.at);
  tries.forEach((second, index) => {
    if (index > 0) expect(second - (tries[index - 1] as number)).toBeGreaterThanOrEqual(1);
  });
  // Each success that does not last makes the next pause longer, up to a quarter of an hour.
  expect(tries.length).toBeGreaterThan(10);
  expect(tries.length).toBeLessThan(60);
});

test("a Retry Delay of 0 is no invitation to a loop [DSO-44]", () => {
  const stage = new Stage(lab, { [pushDoor]: "open" }).follow();
  for (let turn = 0; turn < 50 && stage.last.end === undefined; turn++) {
    stage.says(stage.last, withId(1, "E02"), withId(2, "E21"));
    stage.says(stage.last, hex(`${"00003000"}${"0".repeat(16)}0002000400000000`));
    stage.run(stage.second + 1);
  }
  expect(stage.channels.length).toBeLessThanOrEqual(stage.second + 2);
});

test("a hundred servers are left alone at a time, the soonest goes first", () => {
  const avoided = new Avoided();
  for (let n = 0; n <= avoidedMax; n++) avoided.avoid(`server ${n}`, at(100 + n));
  expect(avoided.find(at(0), "server 0")).toBe(undefined);
  expect(avoided.find(at(0), "server 1")).toBe(at(101));
  expect(avoided.find(at(101), "server 1")).toBe(undefined);
  // A shorter time does not cut a longer one short.
  avoided.avoid("server 9", at(1));
  expect(avoided.find(at(2), "server 9")).toBe(at(109));
  // For ever is not now.
  avoided.avoid("gone", at(Number.POSITIVE_INFINITY));
  expect(avoided.find(at(1e9), "gone")).toBeDefined();
});

test("a lease of a century is refreshed within a day", () => {
  const llq = new Llq(at(0), seededRandom(1), question, true);
  const [packet] = llq.takePackets();
  const id = ((packet?.[2] as number) << 8) | (packet?.[3] as number);
  const long = hex(examples.E43.replace(/00000e0f$/, "ffffffff"));
  llq.receive(at(0), encodeFrame(withId(id, long)));
  expect(llq.nextDeadline()).toBe(at(leaseSecondsMax * 0.8));
});

test("old events are forgotten, new ones are known", () => {
  const llq = new Llq(at(0), seededRandom(1), question, false);
  const idOf = (packet: Uint8Array | undefined) =>
    Number.parseInt(toHex(packet as Uint8Array).slice(0, 4), 16);
  llq.receive(at(0), withId(idOf(llq.takePackets()[0]), "E41"));
  llq.receive(at(0), withId(idOf(llq.takePackets()[0]), "E43"));
  const changes = (id: number) => llq.receive(at(1), withId(id, "E44")).length;
  for (let id = 1; id <= seenEventsMax; id++) expect(changes(id)).toBe(1);
  expect(changes(1)).toBe(0);
  expect(changes(seenEventsMax + 1)).toBe(1);
  expect(changes(1)).toBe(1);
});

test("a server with ever new faults is quoted a hundred times", () => {
  const stage = new Stage(lab, {}, { takesLlq: false });
  for (let turn = 0; turn < 2 * reasonsMax; turn++) {
    stage.doors[pushDoor] = { untrusted: `fault ${turn}` };
    if (turn === 0) stage.follow();
    stage.run(stage.second + 12);
  }
  const quoted = stage.texts().filter((text) => text.startsWith("failed"));
  expect(quoted).toHaveLength(reasonsMax);
});
