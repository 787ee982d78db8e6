// Stories of what goes wrong: primaries that refuse, fail, are silent, lie, lose
// their data, or have another clock; proxies that are killed. In each, nothing
// foreign is changed and in the end the zone is as the link is.

import { describe, expect, test } from "vitest";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { epoch } from "./primary.js";
import { gone, linesOf, printer, ZoneStage } from "./zone-stage.js";

const laser = printer("Laser");
const inkjet = printer("Inkjet", { address: "192.0.2.6" });

function ready(settings = {}) {
  const stage = new ZoneStage();
  const proxy = stage.proxy(settings).start();
  stage.at(10);
  return { stage, proxy, primary: stage.primary };
}

describe("a bad record", () => {
  test.each([2, 5, 9, 10])(
    "refused with rcode %i costs its own service alone [UP-63] [UP-53]",
    (rcode) => {
      const { stage, proxy, primary } = ready();
      proxy.offer(laser);
      stage.at(15);
      primary.script = ({ authorities }) =>
        authorities.some((rr) => formatRR(rr).includes("android_12")) ? rcode : undefined;
      const offers = Array.from({ length: 20 }, (_, index) => printer(`P${index}`));
      proxy.offer(
        ...offers.slice(0, 7),
        printer("Phone", { host: "android_12" }),
        ...offers.slice(7),
      );
      stage.at(120);
      expect(primary.published()).toEqual(linesOf(laser, ...offers));
      expect(proxy.publisher.state().aside).toBe(1);
      expect(proxy.logged.join()).toContain("android_12.link1.discd.test");
      // It is tried again after an hour, and published once nobody minds.
      primary.script = () => undefined;
      stage.at(3500);
      expect(proxy.publisher.state().aside).toBe(1);
      stage.at(3900);
      expect(proxy.publisher.state().aside).toBe(0);
      expect(primary.published().join()).toContain("android_12");
    },
  );

  test("when nothing gets through, it is not about records: one message in minutes [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = (_, kind) => (kind === "update" ? 5 : undefined);
    proxy.offer(...Array.from({ length: 40 }, (_, index) => printer(`P${index}`)));
    stage.at(120);
    const before = primary.updates().length;
    stage.at(720);
    expect(primary.updates().length - before).toBeLessThan(40);
    expect(proxy.publisher.state().trouble).toContain("REFUSED");
    primary.script = () => undefined;
    stage.at(1200);
    expect(primary.published().length).toBe(40 * 4 + 1);
  });
});

describe("a primary", () => {
  test("that is dead: memory and messages stay bounded by what is wanted [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    proxy.isCut = true;
    for (let round = 0; round < 60; round++) {
      const address = `192.0.2.${round + 1}`;
      proxy.offer(...Array.from({ length: 50 }, (_, index) => printer(`P${index}`, { address })));
      stage.at(10 + round * 10 + 10);
    }
    expect(proxy.publisher.state().waiting).toBe(50);
    proxy.isCut = false;
    stage.at(1300);
    const last = Array.from({ length: 50 }, (_, index) =>
      printer(`P${index}`, { address: "192.0.2.60" }),
    );
    expect(primary.published()).toEqual(linesOf(...last));
    expect(primary.updates().length).toBeLessThanOrEqual(4);
  });

  test("is tried again after 1, 2, 4 … 300 s, a fifth more or less [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = (_, kind) => (kind === "update" ? 2 : undefined);
    proxy.offer(laser);
    stage.at(4000);
    const times = primary.updates().map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - (times[index] as number));
    for (const [index, gap] of gaps.entries()) {
      const usual = Math.min(2 ** index, 300);
      expect(gap).toBeGreaterThanOrEqual(usual * 0.8 - 0.1);
      expect(gap).toBeLessThanOrEqual(usual * 1.2 + 1.1);
    }
    expect(gaps.length).toBeGreaterThan(12);
  });

  test("whose answer is lost: the names are read before anything is said again [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    let isFirst = true;
    primary.script = (_, kind) => {
      if (kind !== "update" || !isFirst) return undefined;
      isFirst = false;
      return "close";
    };
    proxy.offer(laser);
    stage.at(30);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(proxy.counts.of("update-conflicts")).toBe(0);
    proxy.offer(gone(laser));
    stage.at(40);
    expect(primary.published(true)).toEqual([]);
  });

  test("that says nothing: the message is signed anew, with another ID [TSIG-8]", () => {
    const { stage, proxy, primary } = ready();
    let left = 2;
    primary.script = (_, kind) => (kind === "update" && left-- > 0 ? "silence" : undefined);
    proxy.offer(laser);
    stage.at(90);
    expect(primary.published()).toEqual(linesOf(laser));
    const ids = primary.updates().map(({ message }) => message.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("that says yes without proof is not believed [TSIG-11] [UP-32]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = (_, kind) => (kind === "update" ? { rcode: 0, proof: "none" } : undefined);
    proxy.offer(laser);
    stage.at(60);
    expect(proxy.publisher.state().published).toBe(0);
    expect(proxy.publisher.isSettled).toBe(false);
    primary.script = () => undefined;
    stage.at(200);
    expect(proxy.publisher.state().published).toBe(5);
  });

  test("that knows another secret is named in plain words [TSIG-9]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = () => ({ rcode: 9, proof: "badsig" });
    proxy.offer(laser);
    stage.at(60);
    expect(proxy.logged.join()).toContain(
      "the server has another secret for the key 'discd-link1.example' (BADSIG)",
    );
    primary.script = () => ({ rcode: 9, proof: "badkey" });
    stage.at(400);
    expect(proxy.logged.join()).toContain(
      "the server does not know the key 'discd-link1.example' with hmac-sha256 (BADKEY): " +
        "check its name and algorithm on both sides",
    );
    primary.script = () => ({ rcode: 5, proof: "none" });
    stage.at(800);
    expect(proxy.logged.join()).toContain("refuses us and signs nothing (REFUSED)");
  });

  test("with another clock: a minute's rest, and the difference is shown [TSIG-10]", () => {
    const { stage, proxy, primary } = ready();
    primary.skew = 400;
    primary.script = () => ({ rcode: 9, proof: "badtime" });
    proxy.offer(laser);
    stage.at(65);
    expect(primary.updates().length).toBe(1);
    expect(proxy.publisher.state().clockOffset).toBe(400);
    expect(proxy.publisher.state().trouble).toBe(
      "the server's clock is 400 s ahead of ours (BADTIME): set both by NTP",
    );
    primary.script = () => undefined;
    primary.skew = 0;
    stage.at(75);
    expect(primary.published()).toEqual(linesOf(laser));
  });

  test("that takes no updates is left alone for 15 minutes [UP-14]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = (_, kind) => (kind === "update" ? 4 : undefined);
    proxy.offer(laser);
    stage.at(900);
    expect(primary.updates().length).toBe(1);
    stage.at(920);
    expect(primary.updates().length).toBe(2);
  });

  test("that has taken the key denies a name with BADKEY: its rules, not the key [UP-64]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    primary.script = ({ authorities }) =>
      authorities.some(({ name }) => name.key.includes("phone"))
        ? { rcode: 9, proof: "badkey" }
        : undefined;
    proxy.offer(inkjet, printer("Phone"), printer("Third"));
    stage.at(60);
    expect(primary.published()).toEqual(linesOf(laser, inkjet, printer("Third")));
    const [told] = proxy.logged.filter((line) => line.startsWith("update-refused"));
    expect(told).toContain("phone.link1.discd.test");
    expect(told).toContain("rules deny it (NOTAUTH, BADKEY), though it has taken the key");
    expect(proxy.logged.join()).not.toContain("does not know the key");
  });

  test("that refuses every update is marked, and tried one unit at a time [TO-28]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = (_, kind) => (kind === "update" ? 5 : undefined);
    proxy.offer(laser);
    stage.at(30);
    expect(primary.updates().length).toBe(1);
    expect(proxy.publisher.state().trouble).toContain("so it was with every update");
    expect(proxy.publisher.state().trouble).toContain("SRP registrar");
    proxy.offer(...Array.from({ length: 40 }, (_, index) => printer(`P${index}`)));
    stage.at(3630);
    // One every five minutes, each of a single service; and the operator is told once.
    expect(primary.updates().length).toBeLessThanOrEqual(1 + 3600 / 240);
    expect(primary.updates().length).toBeGreaterThan(8);
    const errors = proxy.logged.filter((line) => line.startsWith("update-failed"));
    expect(errors.length).toBe(1);
    primary.script = () => undefined;
    stage.at(4100);
    expect(primary.published().length).toBe(41 * 4 + 1);
    expect(proxy.publisher.state().trouble).toBeUndefined();
  });

  test("that allows one service alone: it is found, however many are refused [TO-28]", () => {
    const { stage, proxy, primary } = ready();
    const bad = (name: string) => name.includes("bad");
    primary.script = ({ authorities }, kind) =>
      kind === "update" && authorities.some(({ name }) => bad(name.key)) ? 5 : undefined;
    const offers = Array.from({ length: 20 }, (_, index) => printer(`Bad${index}`));
    proxy.offer(...offers, laser);
    stage.at(9000);
    expect(primary.published()).toEqual(linesOf(laser));
  });

  test("whose rules change: what may still be renewed is renewed [UP-63] [TO-17]", () => {
    const { stage, proxy, primary } = ready();
    const offers = Array.from({ length: 8 }, (_, index) => printer(`P${index}`));
    proxy.offer(...offers);
    stage.at(20);
    primary.script = ({ authorities }) =>
      authorities.some(({ name }) => name.key.startsWith("\u0002p3")) ? 5 : undefined;
    stage.at(3 * 3600);
    const now = epoch + stage.now;
    const living = primary.published(true).filter((line) => {
      const hex = / TYPE65280 \\# 12 ([0-9A-F]+)/.exec(line)?.[1];
      return hex !== undefined && Number.parseInt(hex.slice(8), 16) > now;
    });
    // Three types for each of the others.
    expect(living.length).toBe(7 * 3);
  });

  test("that knows no TIMEOUT gets none from then on [UP-64]", () => {
    const { stage, proxy, primary } = ready();
    primary.script = ({ authorities }) =>
      authorities.some(({ type }) => type === 65280) ? 1 : undefined;
    proxy.offer(laser);
    stage.at(15);
    expect(primary.published(true)).toEqual(linesOf(laser));
    expect(proxy.publisher.state().lifetime).toBe("none");
    proxy.offer(inkjet);
    stage.at(20);
    expect(primary.updates().length).toBe(3);
    proxy.offer(gone(laser));
    stage.at(25);
    expect(primary.published(true)).toEqual(linesOf(inkjet));
  });

  test("that gives no transfers is read name by name [UP-64]", () => {
    const stage = new ZoneStage();
    stage.primary.script = (_, kind) => (kind === "axfr" ? 5 : undefined);
    const proxy = stage.proxy().start();
    stage.at(10);
    proxy.offer(laser, printer("Trap", { host: "keep" }));
    stage.at(60);
    expect(stage.primary.published()).toEqual(linesOf(laser));
    expect(proxy.logged.join()).toContain("update-without-transfers");
  });

  test("that says yes and does nothing is found out [UP-28]", () => {
    const { stage, proxy, primary } = ready();
    primary.isLying = true;
    proxy.offer(laser);
    stage.at(20);
    expect(primary.published()).toEqual([]);
    primary.isLying = false;
    stage.at(150);
    expect(primary.published()).toEqual(linesOf(laser));
  });

  test("restored from a backup gets its records again [UP-64]", () => {
    const { stage, proxy, primary } = ready();
    const backup = primary.backup();
    proxy.offer(laser, inkjet);
    stage.at(30);
    primary.restore(backup);
    expect(primary.published()).toEqual([]);
    stage.at(120);
    expect(primary.published()).toEqual(linesOf(laser, inkjet));
  });

  test("restored twice: what a device replaced goes twice, beside another proxy [UP-64]", () => {
    const stage = new ZoneStage();
    const { primary } = stage;
    const first = stage.proxy({}, 1).start();
    const second = stage.proxy({}, 2).start();
    first.offer(laser);
    second.offer(laser);
    stage.at(30);
    const backup = primary.backup();
    const moved = printer("Laser", { address: "192.0.2.50" });
    first.offer(moved);
    second.offer(moved);
    stage.at(60);
    for (const end of [300, 600]) {
      primary.restore(backup);
      stage.at(end);
      expect(primary.published()).toEqual(linesOf(moved));
    }
  });

  test("that keeps what only a refused service wants: it goes with the others [UP-63]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    // In one message: the one leaves, and what the other needs belongs to somebody else.
    proxy.offer(gone(laser), printer("Trap", { host: "keep" }));
    stage.at(30);
    expect(primary.published(true)).toEqual([]);
    expect(proxy.publisher.state().aside).toBe(1);
  });

  test.each([
    ["alone", []],
    ["among others", [inkjet]],
  ])("that leaves a name out and says yes: told by name, %s [UP-28]", (_, others) => {
    const { stage, proxy, primary } = ready();
    primary.ignores = ({ name }) => name.key.startsWith("\u0005phone");
    proxy.offer(printer("Phone"), ...others);
    stage.at(3600);
    const told = proxy.logged.filter((line) => line.startsWith("update-not-kept"));
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(3);
    expect(told[0]).toContain("hone");
    expect(proxy.publisher.state().aside).toBe(1);
    expect(primary.updates().length).toBeLessThan(12);
    // It is tried again, and when it is kept at last, all is well.
    primary.ignores = () => false;
    stage.at(9000);
    expect(primary.published()).toEqual(linesOf(printer("Phone"), ...others));
    expect(proxy.publisher.state().aside).toBe(0);
  });

  test("whose serial stays is not transferred again [XFR-4]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    const transfers = () => primary.seen.filter(({ kind }) => kind === "axfr").length;
    stage.at(900);
    expect(transfers()).toBe(1);
    // What our own updates have done is looked at once, a quarter of an hour later.
    stage.at(5000);
    expect(transfers()).toBe(2);
    const kinds = primary.seen.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "query").length).toBeGreaterThan(20);
  });

  test("that lowers capitals: told of once, nothing published twice [UP-54]", () => {
    const { stage, proxy, primary } = ready();
    primary.lowersCase = true;
    proxy.offer(laser);
    stage.at(15);
    primary.add("other.link1.discd.test 120 A 192.0.2.200");
    stage.at(100);
    primary.add("other.link1.discd.test 120 A 192.0.2.201");
    stage.at(200);
    expect(primary.updates().length).toBe(1);
    expect(proxy.logged.filter((line) => line.startsWith("server-lowers-case")).length).toBe(1);
  });

  test.each(["cut", "forged"])("whose transfer is %s: nothing is deleted [XFR-3]", (how) => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    primary.add("other.link1.discd.test 120 A 192.0.2.200");
    const answer = primary.answer.bind(primary);
    primary.answer = (at, request) => {
      const frames = answer(at, request);
      const isTransfer = primary.seen.at(-1)?.kind === "axfr";
      if (!isTransfer || frames === undefined) return frames;
      if (how === "cut") return frames.slice(0, -1);
      const forged = frames.map((frame) => frame.slice());
      const bytes = forged[1] as Uint8Array;
      bytes[20] = (bytes[20] as number) ^ 1;
      return forged;
    };
    stage.at(300);
    expect(primary.published()).toEqual(
      [...linesOf(laser), "other.link1.discd.test. 120 A 192.0.2.200"].sort(),
    );
    expect(primary.updates().length).toBe(1);
  });
});

describe("a proxy that is killed", () => {
  test("and comes back deletes nothing that lives, and clears what died [UP-65]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser, inkjet);
    stage.at(30);
    const own = proxy.kill();
    const second = stage.proxy({}, 7).start(own);
    stage.at(45);
    second.offer(laser);
    const before = primary.updates().length;
    stage.at(140);
    // The live one was never touched, the other waits for the grace to end.
    expect(primary.updates().length).toBe(before);
    expect(primary.published()).toEqual(linesOf(laser, inkjet));
    stage.at(160);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(primary.published(true).length).toBe(linesOf(laser).length * 2);
  });

  test("with a state file that was tampered with: only what it could have written goes [UP-57]", () => {
    const foreign = [
      "sub.link1.discd.test 120 NS ns.elsewhere.test",
      "sub.link1.discd.test 120 KEY \\# 4 0000030d",
      "alias.link1.discd.test 120 CNAME keep.link1.discd.test",
    ];
    const stage = new ZoneStage();
    stage.primary.add(...foreign);
    // Nothing but the file tells what is ours.
    stage.primary.script = (_, kind) => (kind === "axfr" ? 5 : undefined);
    const proxy = stage.proxy();
    proxy.start([...foreign, "x.elsewhere.test 120 A 192.0.2.1"].map(parseRR));
    stage.at(300);
    expect(stage.primary.updates()).toEqual([]);
  });

  test("in the middle of a message knows its own afterwards [UP-65]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(10.305);
    expect(primary.published().length).toBe(5);
    const own = proxy.kill();
    stage.proxy({}, 7).start(own);
    stage.at(200);
    expect(primary.published(true)).toEqual([]);
  });

  test("without its state: what is live is taken over, the rest dies of age [UP-57] [TO-19]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser, inkjet);
    stage.at(30);
    proxy.kill();
    const second = stage.proxy({}, 7).start();
    stage.at(45);
    second.offer(laser);
    stage.at(300);
    expect(primary.published()).toEqual(linesOf(laser, inkjet));
    expect(second.counts.of("update-conflicts")).toBe(0);
    second.offer(gone(laser));
    stage.at(400);
    // The former run's TIMEOUTs keep them, until they have passed.
    stage.at(9500);
    expect(primary.lines().slice(-2)).toContain("keep.link1.discd.test. 120 A 192.0.2.77");
  });
});
