// discd as a responder: the browse domains of `announce`, asked for by multicast
// from scripted queriers (RFC 6762, RFC 8766 §5.2.2).

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Arrival } from "./agent.js";
import type { Frame } from "./capture.js";
import { until } from "./children.js";
import { F2, R } from "./lab.js";
import { needs } from "./needs.js";
import { plainName, query, rec, types } from "./packet.js";
import { now, stage } from "./stage.js";
import { recordTexts, type Seen, unpack } from "./unpack.js";

const it = needs("tcpdump");
const LB = "lb._dns-sd._udp.local";
const B = "b._dns-sd._udp.local";

function config(domain1: string): string {
  return `
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com',
    announce = { lb = { '${domain1}' }, b = { '${domain1}' }, db = { '${domain1}' } } },
  { name = 'net2', subdomain = 'floor2.example.com', announce = { lb = { 'floor2.example.com' } } },
  { name = 'uplink', disable = true },
}
`;
}

const s = stage(config("Building 1.example.com"));

/** Multicast responses of discd on net1 since a moment. */
async function responses(since: number, mac = s.mac1, ear = s.ear1): Promise<Frame[]> {
  return (await ear.from(mac, since)).filter(({ message }) => message?.isResponse === true);
}

it("[DP-27] [DP-33] [DP-34] announcements a second apart, doubling", async () => {
  // What was sent since the daemon started; the fourth would come seven seconds after the first.
  await sleep(3500);
  const frames = await responses(0);
  const own = frames.filter(({ family }) => family === 4);
  expect(own.length).toBeGreaterThanOrEqual(2);
  const gaps = own.slice(1).map((frame, i) => frame.at - own[i]!.at);
  expect(gaps[0]).toBeGreaterThan(900);
  for (const [i, gap] of gaps.slice(1).entries()) expect(gap).toBeGreaterThan(gaps[i]! * 1.8);
  const mine = ["b", "db", "lb"].map((p) => `${p}._dns-sd._udp.local. PTR ${plainName(R)}`);
  for (const { message } of frames) {
    for (const text of recordTexts(message!.answers)) expect(mine).toContain(text);
    for (const record of message!.answers) expect(record).toMatchObject({ class: 1, ttl: 4500 });
    expect(message!.flags).toBe(0x8400);
  }
  const queries = (await s.ear1.from(s.mac1)).filter(({ message }) => !message?.isResponse);
  expect(queries.filter(({ message }) => (message?.authorities.length ?? 0) > 0)).toEqual([]);
});

/** A one-shot query from an ephemeral port of a link, and what came back to it. */
async function oneShot(node: "dev1" | "dev2", name: string, id: number): Promise<Seen[]> {
  const device = node === "dev1" ? s.dev1 : s.dev2;
  const socket = await device.socket({});
  socket.send(query([{ name, type: "PTR" }], { id }), "224.0.0.251", 5353);
  await sleep(1000);
  socket.close();
  return socket.arrivals.map(({ bytes }: Arrival) => unpack(bytes));
}

it("[DP-26] [DP-31] a one-shot query gets the link's own list by unicast", async () => {
  const [one, two] = await Promise.all([oneShot("dev1", LB, 0x1a2b), oneShot("dev2", LB, 0x3c4d)]);
  expect(one).toHaveLength(1);
  expect(two).toHaveLength(1);
  expect(one[0]).toMatchObject({ id: 0x1a2b, rcode: 0, isResponse: true });
  expect(one[0]!.questions.map(({ name }) => name)).toEqual([`${LB}.`]);
  expect(recordTexts(one[0]!.answers)).toEqual([`${LB}. PTR ${plainName(R)}`]);
  expect(recordTexts(two[0]!.answers)).toEqual([`${LB}. PTR ${F2}.`]);
  for (const { answers } of [...one, ...two]) {
    for (const record of answers) {
      expect(record.class).toBe(1);
      expect(record.ttl).toBeLessThanOrEqual(10);
    }
  }
  expect(await oneShot("dev1", "_ipp._tcp.local", 0x0001)).toEqual([]);
});

it("[DP-28] answers wait 20 to 120 ms, and 400 to 500 ms after a truncated query", async () => {
  const delays: number[] = [];
  for (let round = 0; round < 12; round++) {
    await sleep(1050);
    const flags = round < 9 ? 0 : 0x0200;
    const begin = now();
    s.dev1.say(query([{ name: B, type: "PTR" }], { flags }));
    const frame = await until("an answer", async () => (await responses(begin))[0], 3000);
    const [asked] = s.ear1.frames.filter(({ at, mac }) => at >= begin && mac !== s.mac1);
    delays.push(frame.at - asked!.at);
  }
  for (const delay of delays.slice(0, 9)) {
    expect(delay).toBeGreaterThanOrEqual(19);
    expect(delay).toBeLessThan(300);
  }
  for (const delay of delays.slice(9)) {
    expect(delay).toBeGreaterThanOrEqual(399);
    expect(delay).toBeLessThan(800);
  }
});

it("[DP-29] a known answer of at least half the TTL silences, a younger one does not", async () => {
  for (const [ttl, want] of [
    [2250, 0],
    [2249, 1],
  ] as const) {
    await sleep(1200);
    const begin = now();
    const known = rec(LB, "PTR", ttl, plainName(R));
    s.dev1.say(query([{ name: LB, type: "PTR" }], { answers: [known] }));
    await sleep(700);
    expect(await responses(begin), String(ttl)).toHaveLength(want);
  }
});

it("[DP-30] the same record is multicast once a second at most", async () => {
  await sleep(1200);
  const begin = now();
  for (let i = 0; i < 5; i++) {
    s.dev1.say(query([{ name: B, type: "PTR" }]));
    await sleep(100);
  }
  await sleep(1800);
  const times = (await responses(begin)).filter(({ family }) => family === 4).map(({ at }) => at);
  expect(times.length).toBeGreaterThanOrEqual(1);
  for (const [i, at] of times.slice(1).entries()) expect(at - times[i]!).toBeGreaterThan(950);
});

it("[DP-32] a QU question just after a multicast is answered by unicast", async () => {
  const begin = now();
  const before = s.dev1.heard.length;
  s.dev1.say(query([{ name: LB, type: "PTR", class: 0x8001 }]));
  await sleep(800);
  const frames = await responses(begin);
  expect(frames.map(({ target }) => target)).toEqual(["10.1.0.3"]);
  expect(frames[0]).toMatchObject({ targetPort: 5353, sourcePort: 5353, hops: 255 });
  const heard = s.dev1.heard.slice(before).filter(({ message }) => message.isResponse);
  expect(heard.flatMap(({ message }) => recordTexts(message.answers))).toEqual([
    `${LB}. PTR ${plainName(R)}`,
  ]);
});

it("[DP-33] a changed list says goodbye to the old record, a stop to all", async () => {
  let begin = now();
  s.discd.reload(config("New 1.example.com"));
  await until("the new domain is announced", async () =>
    (await responses(begin)).some(({ message }) =>
      message!.answers.some(({ data, ttl }) => data === "New\\0321.example.com." && ttl === 4500),
    ),
  );
  const gone = (await responses(begin)).flatMap(({ message }) => message!.answers);
  expect(gone.filter(({ ttl }) => ttl === 0).map(({ data }) => data)).toContain(plainName(R));
  begin = now();
  await s.discd.stop();
  const last = (await responses(begin)).flatMap(({ message }) => message!.answers);
  const ends = last.filter(({ ttl }) => ttl === 0);
  expect([...new Set(ends.map(({ name }) => name))].sort()).toEqual([
    "b._dns-sd._udp.local.",
    "db._dns-sd._udp.local.",
    "lb._dns-sd._udp.local.",
  ]);
  for (const record of ends) expect(record).toMatchObject({ type: types.PTR, class: 1 });
  expect(s.discd.child.exit).toEqual({ code: 0, signal: null });
});
