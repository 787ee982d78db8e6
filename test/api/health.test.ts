// Health: what was really answered lately, and whose zones a loss takes away.

import { expect, test } from "vitest";
import { foldText, judgeHealth, type Probe } from "../../src/api/health.js";
import { mismatch } from "../../src/api/shape.js";
import { healthShape } from "../../src/api/shapes.js";

const fresh = (name: string): Probe => ({ name, answeredSecondsAgo: 3, askedSecondsAgo: 1 });
const stale = (name: string): Probe => ({ name, answeredSecondsAgo: 10.5, askedSecondsAgo: 1 });

const zones = [
  { zone: "floor1.example.com", link: "net1" },
  { zone: "Floor2.example.com", link: "net2" },
  { zone: "mesh.example.com", link: null },
];

const listeners = [fresh("10.8.0.53:53/udp")];

test("all is well", () => {
  const links = [fresh("net1"), fresh("net2")];
  const view = judgeHealth({ listeners, links, zones });
  expect(mismatch(healthShape, view)).toBeUndefined();
  expect(view.ok).toBe(true);
  expect(view.reasons).toEqual([]);
  expect(view.zones.map(({ ok }) => ok)).toEqual([true, true, true]);
});

test("the loss of one link takes away its zones and no others", () => {
  const probes = { listeners, links: [stale("net1"), fresh("net2")], zones };
  const all = judgeHealth(probes);
  expect(all.ok).toBe(false);
  expect(all.reasons).toEqual(["link net1: no question was answered for 11 s"]);
  expect(all.zones.map(({ ok }) => ok)).toEqual([false, true, true]);
  expect(judgeHealth(probes, "floor1.example.com").ok).toBe(false);
  expect(judgeHealth(probes, foldText("FLOOR2.example.com.")).ok).toBe(true);
  expect(judgeHealth(probes, "mesh.example.com").ok).toBe(true);
});

test("a listener that is silent fails everything", () => {
  const silent = [...listeners, { ...stale("[::1]:53/tcp"), reason: "connection refused" }];
  const probes = { listeners: silent, links: [fresh("net1"), fresh("net2")], zones };
  const view = judgeHealth(probes, "mesh.example.com");
  expect(view.ok).toBe(false);
  expect(view.reasons).toEqual(["listener [::1]:53/tcp: connection refused"]);
  expect(view.zones).toEqual([{ name: "mesh.example.com", ok: false }]);
});

test("ten seconds are still fresh; before the first answer nothing is", () => {
  const at = (answeredSecondsAgo: number | null) =>
    judgeHealth({
      listeners: [{ name: "l", answeredSecondsAgo, askedSecondsAgo: null }],
      links: [],
      zones: [],
    }).ok;
  expect(at(10)).toBe(true);
  expect(at(10.001)).toBe(false);
  expect(at(null)).toBe(false);
});

test("no listener at all, and a zone that is not here, are not healthy", () => {
  expect(judgeHealth({ listeners: [], links: [], zones: [] }).ok).toBe(false);
  const view = judgeHealth({ listeners, links: [], zones }, "other.example.com");
  expect(view.reasons).toEqual(["zone other.example.com is not served here"]);
});

test("a zone that is published needs its link and its primary, and no listener of ours", () => {
  const published = { zone: "floor3.example.com", link: "net1", isPublished: true };
  const other = { zone: "floor1.example.com", link: "net1" };
  const silent = [stale("10.8.0.53:53/udp")];
  const links = [fresh("net1")];
  const probes = { listeners: silent, links, zones: [published, other] };
  expect(judgeHealth(probes, "floor3.example.com").ok).toBe(true);
  expect(judgeHealth(probes, "floor1.example.com").ok).toBe(false);
  const reason = "connection to 192.0.2.1 refused";
  const troubled = { listeners, links, zones: [{ ...published, reason }, other] };
  expect(judgeHealth(troubled, "floor3.example.com").reasons).toEqual([
    `zone floor3.example.com: ${reason}`,
  ]);
  // Neither the other zone nor the whole suffers from it.
  expect(judgeHealth(troubled, "floor1.example.com").ok).toBe(true);
  expect(judgeHealth(troubled)).toMatchObject({ ok: true, reasons: [] });
  expect(judgeHealth(troubled).zones.map(({ ok }) => ok)).toEqual([false, true]);
});

test("a listener that is wanted and not open fails everything; none is wanted where none answers", () => {
  const refused = ["cannot listen on 10.8.0.53:53 (UDP): in use by named (pid 812)"];
  const view = judgeHealth({ listeners, refused, links: [], zones });
  expect(view.reasons).toEqual(refused);
  expect(judgeHealth({ listeners: [], hasClients: false, links: [], zones: [] }).ok).toBe(true);
});
