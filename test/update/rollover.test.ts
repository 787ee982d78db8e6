// Stories of settings that change while a zone is kept: another key under load,
// a key that was wrong, and another way for records to end.

import { describe, expect, test } from "vitest";
import { parseName } from "../../src/wire/name.js";
import type { TsigKey } from "../../src/wire/tsig.js";
import { secret } from "./primary.js";
import { linesOf, printer, ZoneStage } from "./zone-stage.js";

const keyOf = (bytes: Uint8Array): TsigKey => ({
  name: parseName("discd-link1.example"),
  algorithm: "hmac-sha256",
  secret: bytes,
});
const second = secret.map((byte) => byte ^ 1);
const wishes = { lifetime: "timeout", recordsMax: 20_000 } as const;

const laser = printer("Laser");

describe("another key", () => {
  test("amid a message: its answer counts, the next is signed with the new one [TSIG-16]", () => {
    const stage = new ZoneStage();
    stage.latency = 0.2;
    const { primary } = stage;
    const proxy = stage.proxy({ lifetime: "timeout" }).start();
    stage.at(10);
    const printers = Array.from({ length: 20 }, (_, index) => printer(`P${index}`));
    for (const [index, offer] of printers.entries()) {
      const before = primary.updates().length;
      proxy.offer(offer);
      while (index === 10 && primary.updates().length === before) stage.at(stage.now + 0.01);
      if (index === 10) {
        primary.secret = second;
        proxy.publisher.configure(proxy.now, { key: keyOf(second), ...wishes });
        proxy.drain();
      }
      stage.at(11 + index);
    }
    stage.at(40);
    expect(primary.published()).toEqual(linesOf(...printers));
    expect(proxy.logged).toEqual([]);
    const rcodes = primary.updates().map(({ rcode }) => rcode);
    expect(new Set(rcodes)).toEqual(new Set([0]));
  });

  test("that is right at last is tried at once, whatever pause was on [TSIG-16]", () => {
    const stage = new ZoneStage();
    const { primary } = stage;
    primary.secret = second;
    const proxy = stage.proxy({ lifetime: "timeout" }).start();
    proxy.offer(laser);
    stage.at(400);
    expect(proxy.publisher.state().trouble).toContain("another secret");
    proxy.publisher.configure(proxy.now, { key: keyOf(second), ...wishes });
    proxy.drain();
    stage.at(402);
    expect(primary.published()).toEqual(linesOf(laser));
    expect(proxy.publisher.state().trouble).toBeUndefined();
  });

  test("may do what the other might not: transfers and set-aside names are tried again", () => {
    const stage = new ZoneStage();
    const { primary } = stage;
    primary.script = ({ authorities }, kind) =>
      kind === "axfr" || authorities.some(({ name }) => name.key.includes("phone")) ? 5 : undefined;
    const proxy = stage.proxy({ lifetime: "timeout" }).start();
    stage.at(10);
    const phone = printer("Phone");
    proxy.offer(laser, phone);
    stage.at(60);
    expect(primary.published()).toEqual(linesOf(laser));
    const transfers = primary.seen.filter(({ kind }) => kind === "axfr").length;
    primary.script = () => undefined;
    primary.secret = second;
    proxy.publisher.configure(proxy.now, { key: keyOf(second), ...wishes });
    proxy.drain();
    stage.at(65);
    expect(primary.published()).toEqual(linesOf(laser, phone));
    expect(primary.seen.filter(({ kind }) => kind === "axfr").length).toBe(transfers + 1);
  });

  test("the same key again changes nothing", () => {
    const stage = new ZoneStage();
    const { primary } = stage;
    const proxy = stage.proxy({ lifetime: "timeout" }).start();
    stage.at(10);
    proxy.offer(laser);
    stage.at(20);
    const before = primary.seen.length;
    proxy.publisher.configure(proxy.now, { key: keyOf(secret.slice()), ...wishes });
    proxy.drain();
    stage.at(40);
    expect(primary.seen.length).toBe(before);
  });
});
