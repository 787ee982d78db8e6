// What devices say there is not (RFC 6762 §6.1): NSEC records and their end.

import { describe, expect, test } from "vitest";
import { nsec, rr, Stage } from "./stage.js";

const a1 = "!h.local. 120 A 192.0.2.1";

describe("denials", () => {
  const denial = nsec("h.local.", 120, "A");

  test("an NSEC denies every type whose bit is clear, for its TTL [DP-62] [DP-63]", () => {
    const stage = Stage.up();
    stage.watch("h.local AAAA");
    stage.at(1).response([denial]);
    expect(stage.changes()).toEqual(["? h.local."]);
    expect(stage.denies("h.local AAAA")).toBe(true);
    expect(stage.denies("H.Local TYPE65280")).toBe(true);
    expect(stage.denies("h.local A")).toBe(false);
    expect(stage.denies("h.local ANY")).toBe(false);
    expect(stage.denies("i.local AAAA")).toBe(false);
    expect(stage.link.denials(stage.now, rr(a1).name)).toEqual([1]);
    // Bits that are set prove nothing, and the NSEC itself is never shown [DP-59].
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.find("h.local NSEC")).toEqual([]);
    expect(stage.find("h.local ANY")).toEqual([]);
    stage.run(120.9);
    expect(stage.denies("h.local AAAA")).toBe(true);
    stage.run(121);
    expect(stage.denies("h.local AAAA")).toBe(false);
    expect(stage.link.denials(stage.now, rr(a1).name)).toBeUndefined();
    expect(stage.link.recordCount).toBe(0);
  });

  test("is not told again while it says the same", () => {
    const stage = Stage.up();
    stage.response([denial]);
    stage.at(50).response([denial]);
    expect(stage.changes()).toEqual(["? h.local."]);
    expect(stage.at(169).denies("h.local AAAA")).toBe(true);
    stage.response([nsec("h.local.", 120, "A TXT")]);
    expect(stage.changes()).toEqual(["? h.local."]);
    expect(stage.denies("h.local TXT")).toBe(false);
  });

  test("gives way to a record of the type [DP-63]", () => {
    const stage = Stage.up();
    stage.response([denial]);
    stage.at(1).response(["!h.local. 10 AAAA 2001:db8::1"]);
    expect(stage.denies("h.local AAAA")).toBe(false);
    // Not even when that record is gone does the older denial come back.
    stage.run(12);
    expect(stage.find("h.local AAAA")).toEqual([]);
    expect(stage.denies("h.local AAAA")).toBe(false);
    expect(stage.denies("h.local TXT")).toBe(true);
  });

  test("that arrives while a record lives counts once the record is gone", () => {
    const stage = Stage.up();
    stage.response(["!h.local. 10 AAAA 2001:db8::1"]);
    stage.at(1).response([denial]);
    expect(stage.denies("h.local AAAA")).toBe(false);
    expect(stage.find("h.local AAAA")).toHaveLength(1);
    stage.run(10);
    expect(stage.denies("h.local AAAA")).toBe(true);
  });

  test("in the packet that affirms the type does not deny it", () => {
    const stage = Stage.up();
    stage.response(["!h.local. 10 AAAA 2001:db8::1", denial]);
    stage.run(11);
    expect(stage.denies("h.local AAAA")).toBe(false);
  });

  test("with TTL 0 ends it", () => {
    const stage = Stage.up();
    stage.response([denial]);
    stage.response([nsec("h.local.", 0, "A")]);
    expect(stage.denies("h.local AAAA")).toBe(false);
  });

  // h.local NSEC, class 0x8001, TTL 120, then RDLENGTH and rdata; and a valid A of i.local.
  const bitmaps = [
    { name: "a foreign next name", rdata: "0178036f7267000001" + "40", denies: true },
    { name: "block 1 only", rdata: "c00c010140", denies: false },
    { name: "a block of length 0", rdata: "c00c0000", denies: false },
    { name: "no block", rdata: "c00c", denies: false },
    { name: "a block of length 33", rdata: `c00c0021${"00".repeat(33)}`, denies: false },
    { name: "a next name that runs out of the packet", rdata: "3f", denies: false },
  ];
  for (const { name, rdata, denies } of bitmaps) {
    test(`of an NSEC with ${name}: the rest of the packet is used [DP-64]`, () => {
      const stage = Stage.up();
      const length = (rdata.length / 2).toString(16).padStart(4, "0");
      const owner = "0168056c6f63616c00" + "002f8001" + "00000078";
      const good = "0169c00e" + "00018001" + "00000078" + "0004c0000209";
      stage.hearBytes(
        Buffer.from(`000084000000000200000000${owner}${length}${rdata}${good}`, "hex"),
      );
      expect(stage.find("i.local A")).toEqual(["i.local. 120 A 192.0.2.9"]);
      expect(stage.denies("h.local AAAA")).toBe(denies);
    });
  }

  test("with more types than any name has is not kept", () => {
    const stage = Stage.up();
    const types = Array.from({ length: 400 }, (_, n) => `TYPE${n + 1}`).join(" ");
    stage.response([nsec("h.local.", 120, types)]);
    expect(stage.denies("h.local TYPE500")).toBe(false);
    stage.response([nsec("h.local.", 120, "A")]);
    for (let n = 300; n < 700; n++) stage.response([`!h.local. 120 TYPE${n} \\# 0`]);
    expect(stage.denies("h.local TYPE999")).toBe(false);
  });
});
