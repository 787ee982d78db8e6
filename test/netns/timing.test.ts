// When an ordinary query is answered (RFC 8766 §5.6). Measured at the client and
// on the link, with room for a busy machine.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { F2, H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, message, rec, response, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";

const it = needs("tcpdump", "dig");
const s = stage(`
interfaces = {
  { name = 'net1', subdomain = 'Building 1.example.com', hosts = 'bldg-1.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com', gather = 0 },
  { name = 'uplink', disable = true },
}
`);

it.concurrent("[DP-79] [DP-80] [DP-83] three queries in six seconds, NODATA", async () => {
  const since = now();
  const dug = await s.lab.dig("A", `nobody80.${H}.`);
  expect(dug.status).toBe("NOERROR");
  expect(dug.answer).toEqual([]);
  expect(dug.authority.map(({ type }) => type)).toEqual(["SOA"]);
  expect(dug.ms).toBeGreaterThan(5800);
  expect(dug.ms).toBeLessThan(7500);
  await sleep(2500);
  const frames = await s.ear1.queries(s.mac1, "nobody80.local", "A", since);
  for (const family of [4, 6] as const) {
    const times = frames.filter((frame) => frame.family === family).map(({ at }) => at - since);
    expect(times).toHaveLength(3);
    const [first, second, third] = times as [number, number, number];
    expect(first).toBeGreaterThan(15);
    expect(first).toBeLessThan(700);
    // On a busy machine the first packet leaves some milliseconds after it was decided on.
    expect(second - first).toBeGreaterThan(950);
    expect(second - first).toBeLessThan(1600);
    expect(third - second).toBeGreaterThan(1950);
    expect(third - second).toBeLessThan(2800);
  }
});

it.concurrent("[DP-81] the first packet with the answer triggers the reply", async () => {
  const name = "Slow._n81._tcp.local";
  const other = rec("unrelated.local", "A", 120, "10.1.0.1");
  s.dev1.answers(name, "SRV", [], {
    delay: 400,
    send: () =>
      response([flush(other)], {
        additionals: [flush(rec(name, "SRV", 120, [0, 0, 81, "h81.local"]))],
      }),
  });
  const reply = await s.client.ask(`Slow._n81._tcp.${R}`, "SRV");
  expect(dataOf(reply.answers, types.SRV)).toEqual([`0 0 81 h81.${H}.`]);
  expect(reply.ms).toBeGreaterThan(400);
  expect(reply.ms).toBeLessThan(1300);
});

it.concurrent("[DP-82] browse questions gather, unless gather is 0", async () => {
  for (const [device, zone, type, want] of [
    [s.dev1, R, "_n82._tcp", 2],
    [s.dev2, F2, "_n82._tcp", 1],
  ] as const) {
    const record = (name: string) => rec(`${type}.local`, "PTR", 4500, `${name}.${type}.local`);
    device.answers(`${type}.local`, "PTR", [record("A")], { delay: 100 });
    device.answers(`${type}.local`, "PTR", [record("B")], { delay: 200 });
    const first = await s.client.ask(`${type}.${zone}`, "PTR");
    expect(first.answers, zone).toHaveLength(want);
    await sleep(1000);
    const second = await s.client.ask(`${type}.${zone}`, "PTR");
    expect(second.answers, zone).toHaveLength(2);
  }
});

it.concurrent("[DP-84] [DP-9] a second client is answered from the cache", async () => {
  s.dev1.answers("n84.local", "A", [flush(rec("n84.local", "A", 120, "10.1.0.84"))]);
  await s.client.ask(`n84.${H}`, "A");
  await sleep(2000);
  const since = now();
  const other = await s.lab.client({ local: "10.9.0.3" });
  const reply = await other.ask(`n84.${H}`, "A");
  expect(dataOf(reply.answers, types.A)).toEqual(["10.1.0.84"]);
  expect(reply.ms).toBeLessThan(300);
  expect(await s.ear1.queries(s.mac1, "n84.local", undefined, since)).toEqual([]);
});

it.concurrent("[DP-85] a goodbye does not end the wait", async () => {
  s.dev1.answers("n85.local", "A", [flush(rec("n85.local", "A", 0, "10.1.0.85"))]);
  const reply = await s.client.ask(`n85.${H}`, "A");
  expect(isNodata(reply, H)).toBe(true);
  expect(reply.ms).toBeGreaterThan(5500);
});

it.concurrent("[DP-86] [A9.5] ten clients share one series, repeats are not new", async () => {
  const since = now();
  const clients = await Promise.all(Array.from({ length: 10 }, () => s.lab.client()));
  const repeat = message({ id: 860, questions: [{ name: `n86.${H}`, type: "A" }] });
  const replies = await Promise.all([
    ...clients.map((client) => client.ask(`n86.${H}`, "A")),
    clients[0]!.exchange(repeat),
    sleep(3000).then(() => clients[0]!.silence(repeat, 100)),
  ]);
  for (const reply of replies.slice(0, 11)) {
    expect(reply).toMatchObject({ rcode: 0, answers: [] });
    expect((reply as { ms: number }).ms).toBeGreaterThan(5500);
  }
  const repeated = clients[0]!.arrivals.filter(({ bytes }) => bytes.readUInt16BE(0) === 860);
  expect(repeated).toHaveLength(1);
  const frames = await s.ear1.queries(s.mac1, "n86.local", "A", since);
  expect(frames.filter(({ family }) => family === 4)).toHaveLength(3);
  expect(frames.filter(({ family }) => family === 6)).toHaveLength(3);
});

it.concurrent("[DP-87] a timeout is remembered, until the name is heard", async () => {
  await s.client.ask(`n87.${H}`, "A");
  await sleep(500);
  const since = now();
  const again = await s.client.ask(`n87.${H}`, "A");
  expect(isNodata(again, H)).toBe(true);
  expect(again.ms).toBeLessThan(1000);
  expect(await s.ear1.queries(s.mac1, "n87.local", "A", since)).toEqual([]);
  s.dev1.announce([flush(rec("n87.local", "A", 120, "10.1.0.87"))]);
  await sleep(300);
  const heard = await s.client.ask(`n87.${H}`, "A");
  expect(dataOf(heard.answers, types.A)).toEqual(["10.1.0.87"]);
  expect(heard.ms).toBeLessThan(1000);
});

it.concurrent("[DP-114] on one connection the quick answer overtakes the slow one", async () => {
  const stream = await s.client.stream();
  stream.send(message({ id: 1, questions: [{ name: `n114.${H}`, type: "A" }] }));
  stream.send(message({ id: 2, questions: [{ name: H, type: "SOA" }] }));
  await stream.exchange(message({ id: 3, questions: [{ name: H, type: "NS" }] }));
  expect(stream.received.map(({ seen }) => seen.id)).toEqual([2, 3]);
  const slow = await stream.exchange(message({ id: 4, questions: [{ name: H, type: "SOA" }] }));
  expect(slow.ms).toBeLessThan(1000);
  await sleep(7000);
  expect(stream.received.map(({ seen }) => seen.id)).toEqual([2, 3, 4, 1]);
  expect(stream.socket.isClosed).toBe(false);
  stream.close();
});
