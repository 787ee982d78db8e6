// discd as a querier on the wire (RFC 6762 §5, §7, §11): when it asks, what its
// packets hold, and when it stops. `warm` types stand for lasting interest.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Frame } from "./capture.js";
import { until } from "./children.js";
import type { Heard } from "./device.js";
import { H } from "./lab.js";
import { needs } from "./needs.js";
import { flush, plainName, query, rec, types } from "./packet.js";
import { now, stage } from "./stage.js";

const it = needs("tcpdump");
const s = stage(`
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com',
    warm = { '_alone._tcp', '_few._tcp', '_many._tcp', '_short._tcp', '_ready._tcp' } },
  { name = 'net2', subdomain = 'floor2.example.com', rate = 4 },
  { name = 'uplink', disable = true },
}
`);

/** Seconds from the first of these frames to each. */
function seconds(frames: readonly Frame[], family: 4 | 6 = 4): number[] {
  const times = frames.filter((frame) => frame.family === family).map(({ at }) => at);
  return times.map((at) => (at - times[0]!) / 1000);
}

function knownAnswers(frames: readonly Frame[]) {
  return frames.flatMap(({ message }) => message?.answers ?? []);
}

it.concurrent("[DP-130] a series without answers has gaps of 1, 2, 4 and 8 seconds", async () => {
  const frames = await until(
    "five queries",
    async () => {
      const seen = await s.ear1.queries(s.mac1, "_alone._tcp.local", "PTR");
      return seen.filter(({ family }) => family === 4).length >= 5 && seen;
    },
    25_000,
    1000,
  );
  const times = seconds(frames);
  const gaps = times.slice(1).map((at, i) => at - times[i]!);
  // A packet that leaves late shortens the gap behind it.
  for (const [i, gap] of gaps.entries()) {
    expect(gap).toBeGreaterThan(2 ** i - 0.1);
    expect(gap).toBeLessThan(2 ** i + 0.9);
  }
});

it.concurrent("[DP-131] known answers are listed for half their life", async () => {
  const type = "_few._tcp.local";
  const instance = `Known.${type}`;
  s.dev1.announce([rec(type, "PTR", 20, instance)]);
  const begin = now();
  await sleep(17_000);
  const frames = await s.ear1.queries(s.mac1, type, "PTR", begin + 100);
  const early = frames.filter(({ at }) => at < begin + 9500);
  const late = frames.filter(({ at }) => at > begin + 10_500);
  expect(early.length).toBeGreaterThan(0);
  expect(late.length).toBeGreaterThan(0);
  for (const { message, at } of early) {
    const [known] = message!.answers.filter(({ name }) => name === `${type}.`);
    expect(known).toMatchObject({ class: 1, type: types.PTR, data: `${plainName(instance)}` });
    expect(Math.abs(known!.ttl - (20 - (at - begin) / 1000))).toBeLessThan(2);
  }
  expect(knownAnswers(late).filter(({ name }) => name === `${type}.`)).toEqual([]);
});

it.concurrent("[DP-132] [DP-146] many known answers continue in further packets", async () => {
  const type = "_many._tcp.local";
  const instance = (i: number) => `Instance number ${i} with a rather long name.${type}`;
  for (let from = 0; from < 150; from += 15) {
    const part = Array.from({ length: 15 }, (_, i) => rec(type, "PTR", 4500, instance(from + i)));
    s.dev1.announce(part);
  }
  const begin = now();
  const first = await until(
    "a truncated query",
    async () => (await s.ear1.queries(s.mac1, type, "PTR", begin + 50)).find((f) => f.message?.tc),
    20_000,
    200,
  );
  await sleep(1000);
  const after = (await s.ear1.from(s.mac1, first.at)).filter(
    ({ message, family }) => family === first.family && message!.answers.length > 0,
  );
  const end = after.findIndex(({ message }) => !message!.tc);
  const packets = after.slice(0, end + 1);
  expect(packets.length).toBeGreaterThan(2);
  for (const { message } of packets.slice(1)) expect(message!.questions).toEqual([]);
  const listed = knownAnswers(packets).filter(({ name }) => name === `${type}.`);
  expect(new Set(listed.map(({ data }) => data)).size).toBe(150);
  for (const frame of await s.ear1.from(s.mac1)) expect(frame.length).toBeLessThanOrEqual(1500);
});

it.concurrent("[DP-134] [DP-135] lasting interest asks at 80 to 95 % of the TTL", async () => {
  const type = "_short._tcp.local";
  const instance = `Brief.${type}`;
  const records = [
    rec(type, "PTR", 4500, instance),
    flush(rec(instance, "SRV", 20, [0, 0, 1, "brief.local"])),
    flush(rec(instance, "TXT", 4500, ["t"])),
    flush(rec("brief.local", "A", 4500, "10.1.0.135")),
    flush(rec("brief.local", "NSEC", 4500, ["brief.local", "A"])),
  ];
  // The device answers the first query for each name, if it comes soon, and is silent ever after.
  const ends = [type, instance, "brief.local"].map(
    (name) => s.dev1.answers(name, undefined, records, { times: 1, families: [4] }).end,
  );
  await until("the answer", () =>
    s.ear1.frames.find(({ message }) =>
      message?.answers.some(({ data }) => / brief\.local/.test(data)),
    ),
  );
  await sleep(3000);
  for (const end of ends) end();
  const last = s.ear1.frames.findLast(({ message }) =>
    message?.answers.some(({ data }) => / brief\.local/.test(data)),
  )!.at;
  await sleep(21_000);
  // What had left before the last answer came back does not count.
  const frames = await s.ear1.queries(s.mac1, instance, "SRV", last + 1500);
  const times = frames.filter(({ family }) => family === 4).map(({ at }) => (at - last) / 1000);
  const refreshes = times.filter((at) => at < 19.95);
  expect(refreshes).toHaveLength(4);
  for (const [i, at] of refreshes.entries()) {
    expect(at).toBeGreaterThan(15.9 + i);
    expect(at).toBeLessThan(16.8 + i);
  }
});

it.concurrent("a warm type is complete at the first query, without asking", async () => {
  const type = "_ready._tcp.local";
  const instance = `Ready.${type}`;
  const records = {
    PTR: rec(type, "PTR", 4500, instance),
    SRV: flush(rec(instance, "SRV", 120, [0, 0, 1, "ready.local"])),
    TXT: flush(rec(instance, "TXT", 4500, ["r"])),
    A: flush(rec("ready.local", "A", 120, "10.1.0.200")),
  };
  for (const [kind, record] of Object.entries(records)) {
    s.dev1.answers(String(record.name), kind as keyof typeof records, [record]);
  }
  s.dev1.announce([records.PTR]);
  await sleep(2500);
  for (const [name, kind] of [
    ["_ready._tcp.Building 1.example.com", "PTR"],
    ["Ready._ready._tcp.Building 1.example.com", "SRV"],
    ["Ready._ready._tcp.Building 1.example.com", "TXT"],
    [`ready.${H}`, "A"],
  ] as const) {
    const reply = await s.client.ask(name, kind);
    expect(reply.answers, kind).toHaveLength(1);
    expect(reply.ms, kind).toBeLessThan(150);
    if (kind === "PTR") expect(reply.additionals.map((r) => r.type).sort()).toEqual([1, 16, 33]);
  }
});

it.concurrent("[DP-136] nothing is refreshed for a finished one-shot query", async () => {
  s.dev1.answers("n136.local", "A", [flush(rec("n136.local", "A", 12, "10.1.0.136"))]);
  await s.client.ask(`n136.${H}`, "A");
  const since = now() + 300;
  await sleep(16_000);
  expect(await s.ear1.queries(s.mac1, "n136.local", "A", since)).toEqual([]);
});

it.concurrent("[DP-133] a question that another host has just asked is not repeated", async () => {
  const since = now();
  const asked = s.client.ask(`n133.${H}`, "A");
  const first = await new Promise<Heard>((resolve) => {
    s.dev1.on("query", (heard: Heard) => {
      const isIt = heard.message.questions.some(({ name }) => name === "n133.local.");
      if (isIt && heard.family === 4) resolve(heard);
    });
  });
  await sleep(900 - (now() - first.at));
  s.dev1.say(query([{ name: "n133.local", type: "A" }]));
  await asked;
  const frames = await s.ear1.queries(s.mac1, "n133.local", "A", since);
  expect(frames.filter(({ family }) => family === 6)).toHaveLength(3);
  const times = seconds(frames, 4);
  expect(times).toHaveLength(2);
  expect(times[1]).toBeGreaterThan(2.5);
});

it.concurrent("[DP-129] the first query of a series waits 20 to 120 ms", async () => {
  const delays: number[] = [];
  for (let i = 0; i < 25; i++) {
    const name = `n129-${i}`;
    const begin = now();
    const reply = s.client.ask(`${name}.${H}`, "A").catch(() => undefined);
    const heard = await new Promise<number>((resolve) => {
      const onQuery = (frame: Heard) => {
        if (frame.message.questions.some((question) => question.name === `${name}.local.`)) {
          s.dev1.off("query", onQuery);
          resolve(frame.at);
        }
      };
      s.dev1.on("query", onQuery);
    });
    delays.push(heard - begin);
    s.dev1.announce([flush(rec(`${name}.local`, "A", 120, "10.1.0.129"))]);
    await reply;
  }
  const sorted = delays.toSorted((a, b) => a - b);
  expect(sorted[0]).toBeGreaterThanOrEqual(18);
  // The middle one: single ones may be late on a busy machine.
  expect(sorted[12]).toBeLessThan(180);
  expect(sorted[22]! - sorted[2]!).toBeGreaterThan(25);
});

/** Some 190 bytes below the zone that no other name shares: a packet holds seven. */
function longName(stem: string, i: number): string {
  return ["a", "b", "c"].map((letter) => `${stem}${i}`.padEnd(60, letter)).join(".");
}

it("[DP-122] [DP-148] never more query packets than `rate` in a second", async () => {
  const since = now();
  const names = Array.from({ length: 300 }, (_, i) => `${longName("n122-", i)}.${H}`);
  const asked = names.map((name) => s.client.ask(name, "A", { limit: 12_000 }).catch(() => 0));
  await Promise.all(asked);
  const frames = (await s.ear1.from(s.mac1, since)).filter(({ message }) => !message?.isResponse);
  const times = frames.map(({ at }) => at);
  // A fifth of the second is room for packets that a busy machine sends late, in a bunch.
  const most = Math.max(...times.map((at) => times.filter((t) => t >= at && t < at + 800).length));
  expect(most).toBeLessThanOrEqual(20);
  expect(frames.some(({ message }) => message!.questions.length > 1)).toBe(true);
});

it.concurrent("[DP-123] what could not be asked is SERVFAIL; clients share", async () => {
  const greedy = await s.lab.client({ local: "10.9.0.3" });
  const zone = "floor2.example.com";
  const asked = Array.from({ length: 300 }, (_, i) =>
    greedy.ask(`${longName("n123-", i)}.${zone}`, "A", { limit: 12_000 }),
  );
  await sleep(1000);
  s.dev2.answers("modest.local", "A", [flush(rec("modest.local", "A", 120, "10.2.0.123"))]);
  const modest = await s.client.ask(`modest.${zone}`, "A");
  expect(modest.answers).toHaveLength(1);
  const codes = (await Promise.all(asked)).map(({ rcode }) => rcode);
  expect(codes.filter((code) => code === 2).length).toBeGreaterThan(50);
  expect(codes.filter((code) => code === 0).length).toBeGreaterThan(5);
});

it("[DP-126] [DP-128] queries leave from 5353 to both groups, header zero", async () => {
  const frames = [...(await s.ear1.from(s.mac1)), ...(await s.ear2.from(s.mac2))];
  expect(frames.length).toBeGreaterThan(20);
  const groups = { 4: "224.0.0.251", 6: "ff02:0000:0000:0000:0000:0000:0000:00fb", 0: "" };
  for (const frame of frames) {
    expect(frame).toMatchObject({ sourcePort: 5353, targetPort: 5353, hops: 255 });
    expect(frame.target).toBe(groups[frame.family]);
    expect(frame.message).toMatchObject({ id: 0, isResponse: false });
    expect(frame.message!.flags & ~0x0200).toBe(0);
  }
  expect(new Set(frames.map(({ family }) => family))).toEqual(new Set([4, 6]));
});
