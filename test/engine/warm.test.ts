// Types that are kept asked for, so that a first query is complete at once.

import { expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { World } from "./story.js";

const rich = "Building\\0321.example.com";
const hosts = "bldg-1.example.com";

const printer = [
  "_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.",
  "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.",
  'p._ipp._tcp.local. 4500 TXT "a=1"',
  "prnt.local. 120 A 203.0.113.7",
  "prnt.local. 120 NSEC prnt.local. A",
];

test("a warm type is complete before anybody asks [DP-8]", () => {
  const w = new World();
  const link = w.link("eth0", { warm: ["_ipp._tcp"] });
  for (const record of printer) link.device(record);
  w.run(seconds(5));
  w.sent();
  const asked = w.ask(`_ipp._tcp.${rich} PTR`);
  expect(asked.took).toBe(0);
  expect(asked.answers).toHaveLength(1);
  expect(asked.message.additionals.map((rr) => rr.type)).toEqual([33, 16, 1]);
  // The type's own series asks again two seconds from now.
  w.run(ms(500));
  expect(w.sent()).toEqual([]);
});

test("and stays so: what is about to run out is asked for again [DP-136]", () => {
  const w = new World();
  const link = w.link("eth0", { warm: ["_ipp._tcp"] });
  for (const record of printer) link.device(record);
  w.run(seconds(300));
  expect(w.ask(`prnt.${hosts} A`).took).toBe(0);
  expect(w.ask(`p._ipp._tcp.${rich} SRV`).took).toBe(0);
});

test("what a type led to is let go with it", () => {
  const w = new World();
  const link = w.link("eth0", { warm: ["_ipp._tcp"] });
  for (const record of printer) link.device(record);
  w.run(seconds(10));
  const warm = () =>
    (w.engine.dump(w.now) as { links: readonly { warm: number }[] }).links[0]?.warm;
  // PTR; SRV, TXT; A, AAAA.
  expect(warm()).toBe(5);
  link.says("_ipp._tcp.local. 0 PTR p._ipp._tcp.local.");
  w.run(ms(1100));
  expect(warm()).toBe(1);
});

test("`true`: every type that is seen", () => {
  const w = new World();
  const link = w.link("eth0", { warm: true });
  link.device("_services._dns-sd._udp.local. 4500 PTR _ipp._tcp.local.");
  for (const record of printer) link.device(record);
  w.run(seconds(5));
  expect(w.ask(`_services._dns-sd._udp.${rich} PTR`).took).toBe(0);
  expect(w.ask(`p._ipp._tcp.${rich} TXT`).took).toBe(0);
});

test("a configuration takes types out and brings others", () => {
  const w = new World();
  const link = w.link("eth0", { warm: ["_ipp._tcp", "_x._tcp"] });
  w.run(seconds(1));
  link.sent();
  link.set({ warm: ["_x._tcp", "_y._tcp"] });
  w.reconfigure();
  w.run(seconds(60));
  const asked = new Set(link.questions());
  expect([...asked].sort()).toEqual(["_x._tcp.local. PTR", "_y._tcp.local. PTR"]);
});

test("types that nobody may see are not kept warm", () => {
  const w = new World();
  const services = { default: "allow", allow: [], deny: ["_ssh._tcp"] } as const;
  const link = w.link("eth0", { warm: true, served: { services } });
  const types = ["_ssh._tcp", "_ipp._tcp"].map(
    (type) => `_services._dns-sd._udp.local. 4500 PTR ${type}.local.`,
  );
  link.device(types.join("\n"));
  w.run(seconds(10));
  const asked = new Set(link.questions());
  expect(asked).toContain("_ipp._tcp.local. PTR");
  expect(asked).not.toContain("_ssh._tcp.local. PTR");
  link.set({ served: {} });
  w.reconfigure();
  w.run(seconds(10));
  expect(link.questions()).toContain("_ssh._tcp.local. PTR");
});

test("instances by the thousand leave room for what clients ask [DP-125]", () => {
  const w = new World();
  const link = w.link("eth0", { warm: ["_ipp._tcp"], mdns: { questionsMax: 40 } });
  for (let n = 0; n < 100; n++) link.says(`_ipp._tcp.local. 4500 PTR p${n}._ipp._tcp.local.`);
  const { links } = w.engine.dump(w.now) as { links: readonly { warm: number }[] };
  expect(links[0]?.warm).toBeLessThanOrEqual(30);
  expect(w.ask(`prnt.${hosts} A`).isAnswered).toBe(false);
  expect(w.counts.of("limits", "warm")).toBeGreaterThan(0);
});
