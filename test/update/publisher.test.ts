// Stories of one zone: what gets into it, in which messages, and what never is
// touched. The primary is scripted and speaks bytes.

import { describe, expect, test } from "vitest";
import { linesMax } from "../../src/update/lines.js";
import { formatRR } from "../../src/wire/text.js";
import { gone, linesOf, printer, ZoneStage } from "./zone-stage.js";

const laser = printer("Laser");
const inkjet = printer("Inkjet", { address: "192.0.2.6" });

/** A stage that has read its zone. */
function ready() {
  const stage = new ZoneStage();
  const proxy = stage.proxy().start();
  stage.at(10);
  return { stage, proxy, primary: stage.primary };
}

describe("publishing", () => {
  test("one service is one message, prerequisites and TIMEOUTs in it [UP-43] [TO-12]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(12);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(primary.updates().length).toBe(1);
    const update = primary.updates()[0]?.message;
    expect(update?.answers.map(formatRR)).toEqual([
      "Laser._ipp._tcp.link1.discd.test. 0 NONE ANY \\# 0",
      "laser.link1.discd.test. 0 NONE ANY \\# 0",
    ]);
    // SRV, TXT, A and two PTRs, each with its lifetime.
    expect(update?.authorities.length).toBe(10);
    expect(proxy.publisher.isSettled).toBe(true);
  });

  test("within 1.5 s of being offered [UP-62]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(11.5);
    expect(primary.updates()[0]?.at).toBeGreaterThanOrEqual(10.3);
    expect(primary.updates()[0]?.at).toBeLessThan(10.5);
  });

  test("the same offer again sends nothing [UP-44]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    proxy.offer(laser, laser);
    stage.at(30);
    expect(primary.updates().length).toBe(1);
  });

  test("withdrawn, everything of it is gone, and its TIMEOUTs [UP-45] [UP-60] [TO-13]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser, inkjet);
    stage.at(15);
    proxy.offer(gone(laser));
    stage.at(20);
    expect(primary.published()).toEqual(linesOf(inkjet));
    const kept = primary.published(true).length;
    expect(kept).toBe(linesOf(inkjet).length * 2);
    proxy.offer(gone(inkjet));
    stage.at(25);
    expect(primary.published(true)).toEqual([]);
    // Single records only: no RRset and no name is ever deleted as such.
    const classes = primary.updates().flatMap(({ message }) => message.authorities);
    expect(classes.filter(({ class: each }) => each === 255)).toEqual([]);
  });

  test("only five types and TIMEOUT are ever named in an update [UP-33] [UP-39]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser, inkjet);
    stage.at(3 * 3600);
    proxy.offer(gone(laser));
    stage.at(3 * 3600 + 60);
    const named = primary.updates().flatMap(({ message }) => message.authorities);
    expect(new Set(named.map(({ type }) => type))).toEqual(new Set([1, 12, 16, 33, 65280]));
  });

  test("a full zone refuses further names, and takes them when there is room [UP-63]", () => {
    const stage = new ZoneStage();
    const proxy = stage.proxy({ recordsMax: 9 }).start();
    stage.at(5);
    const third = printer("Third");
    proxy.offer(laser, inkjet, third);
    stage.at(15);
    expect(stage.primary.published()).toEqual(linesOf(laser, inkjet));
    expect(proxy.counts.of("update-waiting", "limit")).toBe(1);
    expect(proxy.logged.join()).toContain("the zone is full");
    proxy.offer(gone(laser));
    stage.at(25);
    expect(stage.primary.published()).toEqual(linesOf(inkjet, third));
  });

  test("a full zone is told once, however many wait and however much changes [UP-63]", () => {
    const stage = new ZoneStage();
    const proxy = stage.proxy({ recordsMax: 9 }).start();
    stage.at(5);
    const waiting = Array.from({ length: 200 }, (_, index) => printer(`W${index}`));
    proxy.offer(laser, inkjet, ...waiting);
    for (let round = 1; round <= 50; round++) {
      proxy.offer(printer("Laser", { port: round }));
      stage.at(5 + round);
    }
    const lines = proxy.logged.filter((line) => line.startsWith("service-not-published"));
    expect(lines.length).toBe(1);
    expect(proxy.counts.of("update-waiting", "limit")).toBe(200);
    // Of those that wait each has its turn.
    for (const one of waiting.slice(0, 150)) proxy.offer(gone(one));
    proxy.offer(gone(laser));
    stage.at(100);
    expect(stage.primary.published().length).toBe(9);
  });

  test("a link that takes others' names writes some lines, not one for each [UP-57]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(
      ...Array.from({ length: 200 }, (_, index) => printer(`T${index}`, { host: "keep" })),
    );
    stage.at(60);
    expect(primary.published()).toEqual([]);
    const lines = proxy.logged.filter((line) => line.startsWith("name-taken"));
    expect(lines.length).toBe(linesMax);
    expect(proxy.counts.of("update-conflicts")).toBe(200);
    expect(proxy.counts.of("limits", "update-lines")).toBe(200 - linesMax);
  });

  test("opposite changes before a message cancel each other [UP-62]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(10.1);
    proxy.offer(gone(laser));
    stage.at(30);
    expect(primary.updates()).toEqual([]);
  });

  test("another address is one message: delete, then add [UP-27] [UP-46] [UP-59]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    proxy.offer(printer("Laser", { address: "192.0.2.9" }));
    stage.at(20);
    const [, update] = primary.updates();
    expect(update?.message.answers.map(formatRR)).toEqual([
      "laser.link1.discd.test. 0 IN A 192.0.2.5",
    ]);
    expect(update?.message.authorities.map(formatRR)).toEqual([
      "laser.link1.discd.test. 0 NONE A 192.0.2.5",
      "laser.link1.discd.test. 120 IN A 192.0.2.9",
    ]);
    expect(primary.updates().length).toBe(2);
  });

  test("another TTL is a delete and an add in one message [UP-29]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    const shorter = laser.rrs.map((one) =>
      one.rr.type === 1 ? { ...one, rr: { ...one.rr, ttlSeconds: 60 } } : one,
    );
    proxy.offer({ ...laser, rrs: shorter });
    stage.at(20);
    expect(primary.updates()[1]?.message.authorities.map(formatRR)).toEqual([
      "laser.link1.discd.test. 0 NONE A 192.0.2.5",
      "laser.link1.discd.test. 60 IN A 192.0.2.5",
    ]);
  });

  test("500 services: few messages, one a second, bounded, one at a time [UP-62]", () => {
    const { stage, proxy, primary } = ready();
    stage.latency = 0.4;
    proxy.offer(laser);
    stage.at(20);
    const offers = Array.from({ length: 500 }, (_, index) => printer(`P${index}`));
    proxy.offer(...offers);
    stage.at(60);
    expect(primary.published()).toEqual(linesOf(laser, ...offers));
    const updates = primary.updates().slice(1);
    expect(updates.length).toBeLessThanOrEqual(10);
    for (const [index, update] of updates.entries()) {
      const records = update.message.authorities.filter(({ type }) => type !== 65280);
      expect(records.length).toBeLessThanOrEqual(250);
      expect(update.bytes.length).toBeLessThanOrEqual(16 * 1024);
      if (index > 0) expect(update.at - (updates[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(1);
    }
  });

  test("a cold start with 2,000 services takes less than 30 s, and is quiet then [UP-62]", () => {
    const stage = new ZoneStage();
    stage.latency = 0.3;
    const proxy = stage.proxy().start();
    const offers = Array.from({ length: 2000 }, (_, index) => printer(`P${index}`));
    for (const [index, offer] of offers.entries()) {
      stage.plan(index / 500, () => proxy.offer(offer));
    }
    stage.at(30);
    expect(stage.primary.published().length).toBe(2000 * 4 + 1);
    const before = stage.primary.updates().length;
    stage.at(600);
    expect(stage.primary.updates().length).toBe(before);
  });

  test("a slow primary gets no second message meanwhile [UP-62] [UP-18]", () => {
    const { stage, proxy, primary } = ready();
    stage.latency = 5;
    proxy.offer(laser);
    stage.at(12);
    proxy.offer(inkjet);
    stage.at(15);
    expect(primary.updates().length).toBe(1);
    stage.at(40);
    expect(primary.published()).toEqual(linesOf(laser, inkjet));
  });

  test("the connection is used again, and closed when idle [UP-18]", () => {
    const { stage, proxy } = ready();
    const before = proxy.connections;
    for (let index = 0; index < 10; index++) {
      proxy.offer(printer(`P${index}`));
      stage.at(10 + 2 * index + 2);
    }
    expect(proxy.connections - before).toBeLessThanOrEqual(2);
  });
});

describe("others' records", () => {
  test("foreign names are neither replaced nor deleted [UP-57] [UP-58]", () => {
    const { stage, proxy, primary } = ready();
    const before = primary.lines();
    proxy.offer(printer("Trap", { host: "keep" }), laser);
    stage.at(30);
    expect(primary.published()).toEqual(linesOf(laser));
    proxy.offer(gone(laser));
    stage.at(60);
    expect(primary.lines()).toEqual(before);
    expect(proxy.counts.of("update-conflicts")).toBe(1);
    expect(proxy.logged.join()).toContain("name-taken");
  });

  test("a name with a KEY belongs to SRP [UP-57]", () => {
    const { stage, proxy, primary } = ready();
    primary.add("laser.link1.discd.test 120 TYPE25 \\# 4 02000d03");
    proxy.offer(laser);
    stage.at(30);
    expect(primary.published()).toEqual(["laser.link1.discd.test. 120 KEY \\# 4 02000D03"]);
  });

  test("what was changed behind our back is read again, not overwritten [UP-59]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    primary.remove("laser.link1.discd.test 120 A 192.0.2.5");
    primary.add("laser.link1.discd.test 120 A 192.0.2.66");
    proxy.offer(printer("Laser", { address: "192.0.2.9" }));
    stage.at(30);
    const addresses = primary.lines().filter((line) => line.startsWith("laser."));
    expect(addresses).toContain("laser.link1.discd.test. 120 A 192.0.2.66");
    expect(addresses).toContain("laser.link1.discd.test. 120 A 192.0.2.9");
  });

  test("two links disagree about a name: the first stays, the second comes after it [UP-56]", () => {
    const { stage, proxy, primary } = ready();
    const other = printer("Laser", { port: 632, source: "eth1" });
    proxy.offer(laser, other);
    stage.at(15);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(proxy.counts.of("update-waiting", "conflict")).toBe(1);
    proxy.offer(gone(laser));
    stage.at(20);
    expect(primary.published()).toEqual(linesOf(other));
  });

  test("two links agree: a record goes when the last of them lets it go [UP-56]", () => {
    const { stage, proxy, primary } = ready();
    const other = printer("Laser", { source: "eth1" });
    proxy.offer(laser, other);
    stage.at(15);
    proxy.offer(gone(laser));
    stage.at(20);
    expect(primary.published()).toEqual(linesOf(laser));
    proxy.offer(gone(other));
    stage.at(25);
    expect(primary.published()).toEqual([]);
  });
});

describe("two proxies on one link [UP-11]", () => {
  function pair() {
    const stage = new ZoneStage();
    const proxies = [stage.proxy({}, 1).start(), stage.proxy({}, 2).start()] as const;
    stage.at(10);
    return { stage, proxies, primary: stage.primary };
  }

  test("publish the same without quarrel, and take it back together", () => {
    const { stage, proxies, primary } = pair();
    for (let round = 0; round < 20; round++) {
      for (const proxy of proxies) proxy.offer(laser);
      stage.at(stage.now + 10);
      expect(primary.published()).toEqual(linesOf(laser));
      const serial = primary.serial;
      stage.at(stage.now + 10);
      expect(primary.serial).toBe(serial);
      for (const proxy of proxies) proxy.offer(gone(laser));
      stage.at(stage.now + 20);
      expect(primary.published(true)).toEqual([]);
    }
    for (const proxy of proxies) expect(proxy.counts.of("update-conflicts")).toBe(0);
  });

  test("a new address takes the old one's place, whoever is first", () => {
    const { stage, proxies, primary } = pair();
    for (const proxy of proxies) proxy.offer(laser);
    stage.at(20);
    const moved = printer("Laser", { address: "192.0.2.9" });
    for (const proxy of proxies) proxy.offer(moved);
    stage.at(40);
    expect(primary.published()).toEqual(linesOf(moved));
  });

  test("what one of them still hears stays [TO-18]", () => {
    const { stage, proxies, primary } = pair();
    proxies[0].offer(laser);
    // Another minute, so that the two lifetimes differ.
    stage.at(80);
    proxies[1].offer(laser);
    stage.at(100);
    proxies[0].offer(gone(laser));
    stage.at(200);
    expect(primary.published()).toEqual(linesOf(laser));
    proxies[1].offer(gone(laser));
    stage.at(400);
    expect(primary.published(true)).toEqual([]);
  });
});

test("two proxies without TIMEOUTs: what is there already is no conflict [UP-11]", () => {
  const stage = new ZoneStage();
  const first = stage.proxy({ lifetime: "none" }, 1).start();
  const second = stage.proxy({ lifetime: "none" }, 2).start();
  stage.at(10);
  first.offer(laser, inkjet);
  stage.at(15);
  second.offer(laser, inkjet);
  stage.at(200);
  expect(stage.primary.published()).toEqual(linesOf(laser, inkjet));
  expect(second.logged.filter((line) => line.startsWith("name-taken"))).toEqual([]);
  expect(second.counts.of("update-conflicts")).toBe(0);
  // What says otherwise is a conflict still.
  second.offer(printer("Laser", { address: "192.0.2.99" }));
  stage.at(210);
  expect(second.logged.join()).toContain("name-taken");
  expect(stage.primary.published()).toEqual(linesOf(laser, inkjet));
  // It is the first one's to take away, down to the PTRs; gone already is no error.
  second.offer(gone(laser), gone(inkjet));
  stage.at(300);
  expect(stage.primary.published()).toEqual(linesOf(laser, inkjet));
  first.offer(gone(laser), gone(inkjet));
  stage.at(400);
  expect(stage.primary.published()).toEqual([]);
});
