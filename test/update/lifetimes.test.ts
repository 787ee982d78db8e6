// Lifetimes in a zone, in hours of virtual time: what is written, when it is
// renewed and with how many serials, what expires and what never does.

import { describe, expect, test } from "vitest";
import { RRType } from "../../src/wire/codes.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { decodeTimeout, encodeTimeout } from "../../src/wire/timeout.js";
import { findLease } from "../../src/wire/update-lease.js";
import { epoch } from "./primary.js";
import { gone, linesOf, printer, ZoneStage } from "./zone-stage.js";

const laser = printer("Laser");

function ready(settings = {}) {
  const stage = new ZoneStage();
  const proxy = stage.proxy(settings).start();
  stage.at(10);
  return { stage, proxy, primary: stage.primary };
}

/** The TIMEOUT records of an update: name, what they are about, seconds of life, hashes. */
function livesOf(rrs: readonly RR[], at: number): string[] {
  return rrs
    .filter((rr) => rr.type === 65280 && rr.class === 1)
    .map((rr) => {
      const bytes = rr.rdata.kind === "opaque" ? rr.rdata.bytes : new Uint8Array();
      const timeout = decodeTimeout(bytes) ?? expect.fail("malformed");
      expect(timeout.expiry % 60).toBe(0);
      const life = Math.floor((timeout.expiry - epoch - at) / 60);
      return `${rr.name.labels[0]} ${timeout.represented} ${life} ${timeout.hashes.length} ${rr.ttlSeconds}`;
    })
    .sort();
}

const timeoutLine = (owner: string, type: number, expiry: number): string => {
  const bytes = encodeTimeout({ represented: type, expiry, hashes: [] });
  return `${owner} 120 TYPE65280 \\# ${bytes.length} ${Buffer.from(bytes).toString("hex")}`;
};

describe("TIMEOUT", () => {
  test("an hour, or twice the device's TTL, in full minutes [TO-8] [TO-9] [TO-15] [TO-17]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    const [update] = primary.updates();
    // Types without hashes at names of their own, one hash for each PTR.
    expect(livesOf(update?.message.authorities ?? [], 10)).toEqual([
      `Laser ${RRType.TXT} 150 0 120`,
      `Laser ${RRType.SRV} 150 0 120`,
      `_ipp ${RRType.PTR} 150 1 120`,
      `_services ${RRType.PTR} 150 1 120`,
      `laser ${RRType.A} 150 0 120`,
    ]);
    proxy.offer(printer("Short", { deviceTtlSeconds: 120 }));
    stage.at(20);
    const lives = livesOf(primary.updates()[1]?.message.authorities ?? [], 15);
    expect(lives).toContain(`short ${RRType.A} 60 0 120`);
    proxy.offer(printer("Vain", { deviceTtlSeconds: 0x7fff_ffff }));
    stage.at(25);
    const vain = livesOf(primary.updates()[2]?.message.authorities ?? [], 20);
    expect(vain).toContain(`vain ${RRType.A} 2880 0 120`);
  });

  test("two instances: one TIMEOUT each beside the PTRs, never one without hashes [TO-5] [TO-15]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser, printer("Inkjet"));
    stage.at(15);
    const beside = primary.published(true).filter((line) => line.startsWith("_ipp._tcp"));
    const timeouts = beside.filter((line) => line.includes("TYPE65280"));
    expect(timeouts.length).toBe(2);
    for (const line of timeouts) expect(line).toContain("\\# 28 000C0101");
  });

  test("renewed after 80 to 85 % by a delete and an add, no prerequisite [TO-16] [TO-17]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(printer("Laser", { deviceTtlSeconds: 120 }));
    stage.at(3200);
    const [, renewal] = primary.updates();
    expect(renewal?.at).toBeGreaterThanOrEqual(10 + 0.79 * 3600);
    expect(renewal?.at).toBeLessThan(10 + 0.85 * 3600 + 80);
    expect(renewal?.message.answers).toEqual([]);
    const classes = renewal?.message.authorities.map((rr) => `${rr.class} ${rr.type}`);
    expect(classes).toEqual(Array.from({ length: 5 }, () => ["254 65280", "1 65280"]).flat());
    expect(primary.updates().length).toBe(2);
    expect(primary.published(true).length).toBe(10);
  });

  test.each([100, 1000])("%i idle services cost few serials [TO-17] [TO-25]", (count) => {
    const { stage, proxy, primary } = ready();
    proxy.offer(...Array.from({ length: count }, (_, index) => printer(`P${index}`)));
    stage.at(1000);
    expect(primary.published().length).toBe(count * 4 + 1);
    const before = primary.serial;
    const hours = count > 100 ? 3 : 5;
    stage.at(1000 + hours * 3600);
    expect((primary.serial - before) / hours).toBeLessThanOrEqual(3);
    // Nothing has run out meanwhile.
    const now = epoch + stage.now;
    for (const line of primary.published(true).filter((each) => each.includes("TYPE65280"))) {
      const { rdata } = parseRR(line);
      const timeout = rdata.kind === "opaque" ? decodeTimeout(rdata.bytes) : undefined;
      expect(timeout?.expiry).toBeGreaterThan(now);
    }
  });

  test("no clock to trust: no TIMEOUT, a lease instead [TO-8]", () => {
    const clock = {
      secondsAt: (now: number) => epoch + (now - 1_000_000) / 1000,
      isTrusted: () => false,
    };
    const { stage, proxy, primary } = ready({ clock });
    proxy.offer(laser);
    stage.at(15);
    expect(primary.published(true)).toEqual(linesOf(laser));
    const options = primary.updates()[0]?.message.edns?.options ?? [];
    expect(findLease(options)).toEqual({ leaseSeconds: 7200 });
  });

  test("another type number, where a site has chosen one [TO-1]", () => {
    const { stage, proxy, primary } = ready({ timeoutType: 65400 });
    proxy.offer(laser);
    stage.at(15);
    const types = primary
      .updates()
      .flatMap(({ message }) => message.authorities.map(({ type }) => type));
    expect(types.filter((type) => type === 65400).length).toBe(5);
    expect(types).not.toContain(65280);
  });
});

describe("what has expired", () => {
  test("of a proxy that died: the other one removes it, and keeps what it hears [TO-18] [TO-19]", () => {
    const stage = new ZoneStage();
    const first = stage.proxy({}, 1).start();
    const second = stage.proxy({}, 2).start();
    stage.at(10);
    const inkjet = printer("Inkjet");
    first.offer(laser, inkjet);
    second.offer(laser, inkjet);
    stage.at(90);
    expect(stage.primary.published()).toEqual(linesOf(laser, inkjet));
    first.kill();
    stage.at(100);
    // The survivor lets one go; the dead one's TIMEOUTs keep it for a while.
    second.offer(gone(inkjet));
    stage.at(3 * 3600);
    expect(stage.primary.published()).toEqual(linesOf(laser));
    expect(stage.primary.published(true).length).toBe(10);
  });

  test("an expired pair of ours is gone within 70 s, unless it is renewed [TO-19]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    // Another proxy's record beside ours, long dead.
    primary.add(
      "laser.link1.discd.test 120 AAAA 2001:db8::5",
      timeoutLine("laser.link1.discd.test", RRType.AAAA, epoch - 100),
      'laser.link1.discd.test 120 TXT "x"',
      timeoutLine("laser.link1.discd.test", RRType.TXT, epoch - 100),
      timeoutLine("laser.link1.discd.test", RRType.TXT, epoch + 100_000),
    );
    stage.at(15 + 72);
    const left = primary.published().filter((line) => line.startsWith("laser."));
    expect(left).toEqual([
      "laser.link1.discd.test. 120 A 192.0.2.5",
      'laser.link1.discd.test. 120 TXT "x"',
    ]);
    expect(primary.published(true).filter((line) => line.startsWith("laser.")).length).toBe(4);
    const removal = primary.updates().at(-1);
    // The whole TIMEOUT RRset as it was read: who renews meanwhile wins.
    expect(removal?.message.answers.length).toBe(4);
    expect(removal?.message.answers.every((rr) => rr.type === 65280 && rr.class === 1)).toBe(true);
  });

  test("a TIMEOUT that somebody puts beside a foreign record is not acted on [TO-21]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    primary.add(timeoutLine("keep.link1.discd.test", RRType.A, epoch - 100));
    stage.at(600);
    expect(primary.lines()).toContain("keep.link1.discd.test. 120 A 192.0.2.77");
  });

  test("malformed TIMEOUTs are nobody's, and stay [TO-2]", () => {
    const { stage, proxy, primary } = ready();
    proxy.offer(laser);
    stage.at(15);
    primary.add("laser.link1.discd.test 120 TYPE65280 \\# 3 000100");
    stage.at(300);
    proxy.offer(gone(laser));
    stage.at(600);
    expect(primary.published()).toEqual([]);
  });
});

describe("leases [TO-22] [TO-23]", () => {
  test("every update asks for 7200 s; no TIMEOUT is written", () => {
    const { stage, proxy, primary } = ready({ lifetime: "lease" });
    proxy.offer(laser);
    stage.at(15);
    proxy.offer(gone(laser));
    stage.at(20);
    for (const { message } of primary.updates()) {
      expect(findLease(message.edns?.options ?? [])).toEqual({ leaseSeconds: 7200 });
      expect(message.authorities.some(({ type }) => type === 65280)).toBe(false);
    }
    expect(primary.updates().length).toBe(2);
  });

  test("refreshed after 80 to 85 %: all records, no prerequisite [TO-25] [TO-26]", () => {
    const { stage, proxy, primary } = ready({ lifetime: "lease" });
    proxy.offer(laser);
    stage.at(6500);
    const [, refresh] = primary.updates();
    expect(refresh?.at).toBeGreaterThanOrEqual(10 + 0.8 * 7200);
    expect(refresh?.at).toBeLessThan(12 + 0.85 * 7200);
    expect(refresh?.message.answers).toEqual([]);
    const added = refresh?.message.authorities.map((rr) => formatRR(rr).replace(" IN ", " "));
    expect(added?.sort()).toEqual(linesOf(laser));
    expect(primary.updates().length).toBe(2);
    stage.at(13_000);
    expect(primary.updates().length).toBe(3);
  });

  test("of a day, where that is what the server grants [TO-24] [TO-27]", () => {
    const { stage, proxy, primary } = ready({ lifetime: "lease" });
    primary.grants = () => 86_400;
    proxy.offer(laser);
    stage.at(86_400);
    const [first, second] = primary.updates();
    const gap = (second?.at ?? 0) - (first?.at ?? 0);
    expect(gap).toBeGreaterThanOrEqual(0.8 * 86_400);
    expect(gap).toBeLessThanOrEqual(0.85 * 86_400 + 2);
    expect(primary.updates().length).toBe(2);
  });

  test("no answer to a refresh: tried again until the lease is over [TO-25]", () => {
    const { stage, proxy, primary } = ready({ lifetime: "lease" });
    primary.grants = (asked) => asked;
    proxy.offer(laser);
    stage.at(5000);
    primary.script = (_, kind) => (kind === "update" ? "silence" : undefined);
    stage.at(10 + 7200);
    const tries = primary.updates().slice(1);
    expect(tries.length).toBeGreaterThanOrEqual(6);
    expect(tries.length).toBeLessThanOrEqual(10);
    primary.script = () => undefined;
    stage.at(8000);
    expect(primary.published()).toEqual(linesOf(laser));
  });

  test("the lease that is granted counts [TO-24]", () => {
    const { stage, proxy, primary } = ready({ lifetime: "lease" });
    primary.grants = () => 60;
    proxy.offer(laser);
    stage.at(70);
    const [first, second] = primary.updates();
    const gap = (second?.at ?? 0) - (first?.at ?? 0);
    expect(gap).toBeGreaterThanOrEqual(48);
    expect(gap).toBeLessThanOrEqual(51.1);
  });
});

test("lifetime none: no TIMEOUT, no lease", () => {
  const { stage, proxy, primary } = ready({ lifetime: "none" });
  proxy.offer(laser);
  stage.at(7200);
  expect(primary.published(true)).toEqual(linesOf(laser));
  expect(primary.updates().length).toBe(1);
  expect(primary.updates()[0]?.message.edns).toBeUndefined();
});

test.each([0, 1])(
  "a lease of %i s is no reason to say all of it each second [TO-23]",
  (granted) => {
    const { stage, proxy, primary } = ready({ lifetime: "lease" });
    primary.grants = () => granted;
    primary.endsLeases = false;
    proxy.offer(laser);
    stage.at(250);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(primary.updates().length).toBeLessThanOrEqual(12);
  },
);
