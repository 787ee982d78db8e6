// NSEC, NSEC3 and ANY: denials of devices heard and remembered, our own built
// anew (RFC 8766 §5.5.3, RFC 6762 §6.1).

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { H, R } from "./lab.js";
import { needs } from "./needs.js";
import { flush, nameBytes, nsecBytes, rec, response, types } from "./packet.js";
import { dataOf, isNodata, now, stage } from "./stage.js";

const it = needs("tcpdump");
const s = stage();

it.concurrent("[DP-58] [DP-59] [DP-60] NSEC is asked as ANY and built anew", async () => {
  const since = now();
  s.dev1.answers("n58.local", "ANY", [
    flush(rec("n58.local", "A", 120, "10.1.0.58")),
    flush(rec("n58.local", "AAAA", 120, "2001:db8:1::58")),
    flush(rec("n58.local", "NSEC", 120, ["n58.local", "A", "AAAA"])),
  ]);
  const reply = await s.client.ask(`n58.${H}`, "NSEC");
  const bitmap = Buffer.from("0006400000080001", "hex");
  expect(reply.answers.map(({ name, raw }) => [name, raw.toString("hex")])).toEqual([
    [`n58.${H}.`, Buffer.concat([nameBytes(`\\000.n58.${H}`), bitmap]).toString("hex")],
  ]);
  expect(reply.answers[0]?.ttl).toBeLessThanOrEqual(10);
  expect(await s.ear1.queries(s.mac1, "n58.local", "ANY", since)).not.toEqual([]);
  expect(await s.ear1.queries(s.mac1, "n58.local", "NSEC", since)).toEqual([]);
});

it.concurrent("[DP-58] [DP-61] an NSEC3 question is asked as ANY and ends in NODATA", async () => {
  s.dev1.answers("n61.local", "ANY", [flush(rec("n61.local", "A", 120, "10.1.0.61"))]);
  const reply = await s.client.ask(`n61.${H}`, "NSEC3");
  expect(isNodata(reply, H)).toBe(true);
  expect(reply.ms).toBeLessThan(7000);
});

it.concurrent("[DP-62] [DP-63] a denial ends the wait and is remembered", async () => {
  const denial = flush(rec("n62.local", "NSEC", 120, ["n62.local", "A"]));
  s.dev1.answers("n62.local", "AAAA", [denial]);
  s.dev1.answers("n62.local", "A", [flush(rec("n62.local", "A", 120, "10.1.0.62"))]);
  const first = await s.client.ask(`n62.${H}`, "AAAA");
  expect(isNodata(first, H)).toBe(true);
  expect(first.ms).toBeLessThan(2000);
  await sleep(5000);
  const since = now();
  const second = await s.client.ask(`n62.${H}`, "AAAA");
  expect(isNodata(second, H)).toBe(true);
  expect(second.ms).toBeLessThan(500);
  expect(await s.ear1.queries(s.mac1, "n62.local", "AAAA", since)).toEqual([]);
  s.dev1.announce([flush(rec("n62.local", "AAAA", 120, "2001:db8:1::62"))]);
  await sleep(300);
  expect((await s.client.ask(`n62.${H}`, "AAAA")).answers).toHaveLength(1);
});

it.concurrent("[DP-64] odd NSEC records do not spoil the A beside them", async () => {
  const next = nameBytes("foreign.example.org");
  const odd = {
    foreign: nsecBytes("foreign.example.org", ["A"]),
    "block one only": Buffer.concat([next, Buffer.of(1, 1, 0x40)]),
    "length zero": Buffer.concat([next, Buffer.of(0, 0)]),
    "name cut off": Buffer.of(9, 0x61),
  };
  for (const [text, rdata] of Object.entries(odd)) {
    const name = `n64-${text.replaceAll(" ", "-")}.local`;
    s.dev1.answers(name, "A", [], {
      send: () =>
        response([flush(rec(name, "NSEC", 120, rdata)), flush(rec(name, "A", 120, "10.1.0.64"))]),
    });
    const reply = await s.client.ask(name.replace(/local$/, H), "A");
    expect(dataOf(reply.answers, types.A), text).toEqual(["10.1.0.64"]);
  }
});

it.concurrent("[DP-65] ANY is asked as ANY and gives what the device has", async () => {
  const since = now();
  const name = "Any._n65._tcp.local";
  s.dev1.answers(name, "ANY", [
    flush(rec(name, "SRV", 120, [0, 0, 65, "h65.local"])),
    flush(rec(name, "TXT", 4500, ["any=1"])),
  ]);
  const reply = await s.client.ask(`Any._n65._tcp.${R}`, "ANY", { tcp: true });
  expect(reply.answers.map(({ type }) => type).sort()).toEqual([types.TXT, types.SRV]);
  expect(await s.ear1.queries(s.mac1, name, "ANY", since)).not.toEqual([]);
});
