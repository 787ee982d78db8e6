// What is believed and kept (RFC 6762 §10, §6.1): goodbyes, cache-flush,
// denials, what is wanted unasked, and what happens at the limit.

import { describe, expect, test } from "vitest";
import { at, nsec, rr, rrs, Stage, steady } from "./stage.js";

const a1 = "!h.local. 120 A 192.0.2.1";
const a2 = "!h.local. 120 A 192.0.2.2";
const plain = (line: string) => line.replace(/^!/, "");

describe("goodbyes [DP-137]", () => {
  test("a record lives one second more, and goes", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response(["!h.local. 0 A 192.0.2.1"]);
    stage.run(10.999);
    expect(stage.changes()).toEqual([`+ ${plain(a1)}`]);
    expect(stage.find("h.local A")).toEqual([plain(a1)]);
    stage.run(11);
    expect(stage.changes()).toEqual([`- ${plain(a1)}`]);
    expect(stage.find("h.local A")).toEqual([]);
  });

  test("said again after half a second it stays, and nobody hears of it", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response(["!h.local. 0 A 192.0.2.1"]);
    stage.at(10.5).response([a1]);
    stage.run(100);
    expect(stage.changes()).toEqual([`+ ${plain(a1)}`]);
    expect(stage.find("h.local A")).toEqual([plain(a1)]);
  });

  test("a second goodbye does not prolong the first", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response(["!h.local. 0 A 192.0.2.1"]);
    stage.at(10.9).response(["!h.local. 0 A 192.0.2.1"]);
    stage.run(11);
    expect(stage.find("h.local A")).toEqual([]);
  });

  test("for a record that is not held is no answer [DP-85]", () => {
    const stage = Stage.up();
    stage.watch("h.local A");
    stage.response(["!h.local. 0 A 192.0.2.1"]);
    expect(stage.changes()).toEqual([]);
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.link.recordCount).toBe(0);
  });

  test("speaks for its own record only, whatever its flush bit", () => {
    const stage = Stage.up();
    stage.response([a1, a2]);
    stage.at(10).response(["!h.local. 0 A 192.0.2.1"]);
    stage.run(12);
    expect(stage.find("h.local A")).toEqual([plain(a2)]);
  });

  test("a TTL with the top bit set is one (RFC 2181 §8)", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response(["!h.local. 2147483648 A 192.0.2.1", "!x.local. 4294967295 A 192.0.2.3"]);
    stage.run(11);
    expect(stage.find("h.local A")).toEqual([]);
    expect(stage.find("x.local A")).toEqual([]);
  });
});

describe("renewals", () => {
  test("with the same TTL are no change, with another they are [PUSH-30]", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(50).response([a1]);
    expect(stage.changes()).toEqual([`+ ${plain(a1)}`]);
    stage.at(60).response(["!h.local. 4500 A 192.0.2.1"]);
    expect(stage.changes()).toEqual(["+ h.local. 4500 A 192.0.2.1"]);
    stage.run(4559);
    expect(stage.find("h.local A")).toEqual(["h.local. 4500 A 192.0.2.1"]);
    stage.run(4560);
    expect(stage.find("h.local A")).toEqual([]);
  });

  test("the newest TTL counts, not the longest (T-17)", () => {
    const stage = Stage.up();
    stage.response(["!h.local. 4500 A 192.0.2.1"]);
    stage.at(10).response([a1]);
    stage.run(130);
    expect(stage.find("h.local A")).toEqual([]);
  });

  test("the same record from both families, or in other case, is one [DP-43]", () => {
    const stage = Stage.up();
    stage.response([a1], { family: "ipv4" });
    stage.response(["!H.LOCAL. 120 A 192.0.2.1"], { family: "ipv6" });
    stage.asked("_ipp._tcp.local PTR");
    stage.response(["_ipp._tcp.local. 120 PTR Printer._ipp._tcp.local."]);
    stage.response(["_ipp._tcp.local. 120 PTR PRINTER._IPP._tcp.local."]);
    expect(stage.find("h.local A")).toEqual([plain(a1)]);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([
      "_ipp._tcp.local. 120 PTR Printer._ipp._tcp.local.",
    ]);
  });

  test("what is found is the record as it was sent: rdata, TTL, times", () => {
    const stage = new Stage();
    stage.up();
    stage.at(3).response([a1, "h.local. 75 A 192.0.2.9"]);
    stage.run(5);
    const found = stage.link.find(stage.now, rr(a1).name, 1);
    expect(found).toEqual([
      { rr: { ...rr(a1), class: 1 }, receivedAt: at(3), expiresAt: at(123), isUnique: true },
      {
        rr: rr("h.local. 75 A 192.0.2.9"),
        receivedAt: at(3),
        expiresAt: at(78),
        isUnique: false,
      },
    ]);
  });

  const kinds = [
    "h.local. 120 A 192.0.2.1",
    "h.local. 120 AAAA 2001:db8::1",
    'h.local. 120 TXT "a=b" "" "\\000\\255\\""',
    "h.local. 120 SRV 1 2 3 Other.local.",
    "h.local. 120 PTR x.local.",
    "h.local. 120 CNAME x.local.",
    "h.local. 120 MX 10 x.local.",
    'h.local. 120 HINFO "ARM" "LINUX"',
    "h.local. 120 HTTPS 1 x.local. port=8443",
    "h.local. 120 TYPE65280 \\# 7 056C6F63616C00",
  ];
  for (const kind of kinds) {
    test(`any rdata comes out as it went in: ${kind.slice(13, 40)}`, () => {
      const stage = Stage.up();
      stage.response([`!${kind}`]);
      stage.response([`!${kind}`]);
      const found = [...stage.link.records(stage.now)].map((heard) => heard.rr);
      expect(found).toEqual([rr(kind)]);
    });
  }

  test("an empty TXT is one empty string, however it was sent", () => {
    const stage = Stage.up();
    // h.local TXT, class 0x8001, TTL 120, RDLENGTH 0; then with one zero byte.
    const head = "000084000000000100000000" + "0168056c6f63616c00" + "0010800100000078";
    stage.hearBytes(Buffer.from(`${head}0000`, "hex"));
    stage.hearBytes(Buffer.from(`${head}000100`, "hex"));
    expect(stage.find("h.local TXT")).toEqual(['h.local. 120 TXT ""']);
    expect(stage.changes()).toHaveLength(1);
  });
});

describe("cache-flush [DP-138]", () => {
  test("ends older members of the set within a second", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response([a2]);
    stage.run(10.999);
    expect(stage.find("h.local A")).toEqual([plain(a1), plain(a2)]);
    stage.run(11);
    expect(stage.find("h.local A")).toEqual([plain(a2)]);
    expect(stage.changes()).toEqual([`+ ${plain(a1)}`, `+ ${plain(a2)}`, `- ${plain(a1)}`]);
  });

  const ages = [
    { age: 0.3, stays: true },
    { age: 1, stays: true },
    { age: 1.001, stays: false },
  ];
  for (const { age, stays } of ages) {
    test(`a member that is ${age} s old ${stays ? "stays" : "goes"}`, () => {
      const stage = Stage.up();
      stage.response([a1]);
      stage.at(age).response([a2]);
      stage.run(age + 5);
      expect(stage.find("h.local A")).toEqual(stays ? [plain(a1), plain(a2)] : [plain(a2)]);
    });
  }

  test("spares what the same packet says, in whatever order (T-16)", () => {
    const stage = Stage.up();
    stage.response([a1, a2]);
    stage.at(10).response([a2, a1]);
    stage.run(20);
    expect(stage.find("h.local A")).toEqual([plain(a1), plain(a2)]);
  });

  test("does not touch other types, names, or what was set to end sooner", () => {
    const stage = Stage.up();
    stage.response([a1, "!h.local. 120 AAAA 2001:db8::1", "!i.local. 120 A 192.0.2.1"]);
    stage.at(119.5).response([a2]);
    stage.run(119.9);
    expect(stage.find("h.local ANY")).toHaveLength(3);
    stage.run(120);
    // Its own end came before the one that flushing gave it.
    expect(stage.find("h.local A")).toEqual([plain(a2)]);
    expect(stage.find("h.local AAAA")).toEqual([]);
  });

  test("a shared record flushes nothing", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response([plain(a2)]);
    stage.run(20);
    expect(stage.find("h.local A")).toEqual([plain(a1), plain(a2)]);
  });

  test("that is flushed and then said again stays", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.at(10).response([a2]);
    stage.at(10.5).response([a1]);
    stage.run(20);
    expect(stage.find("h.local A")).toEqual([plain(a1), plain(a2)]);
  });
});

describe("what is kept unasked (Q-4)", () => {
  const ptr = "_ipp._tcp.local. 4500 PTR a._ipp._tcp.local.";
  const other = "_ipp._tcp.local. 4500 PTR b._ipp._tcp.local.";

  test("unique records, always; shared ones not (T-19)", () => {
    const stage = Stage.up();
    stage.response([ptr, a1]);
    expect(stage.changes()).toEqual([`+ ${plain(a1)}`]);
    expect(stage.counts.of("cache", "unasked")).toBe(1);
  });

  test("shared ones while the question is asked, and for 10 s after (T-20)", () => {
    const stage = Stage.up();
    const watch = stage.watch("_ipp._tcp.local PTR");
    stage.at(0.1).response([ptr]);
    stage.unwatch(watch);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([ptr]);

    const late = Stage.up();
    late.asked("_ipp._tcp.local PTR");
    late.at(9.9).response([ptr]);
    expect(late.find("_ipp._tcp.local PTR")).toEqual([ptr]);

    const tooLate = Stage.up();
    tooLate.asked("_ipp._tcp.local PTR");
    tooLate.at(10).response([ptr]);
    expect(tooLate.find("_ipp._tcp.local PTR")).toEqual([]);
  });

  test("shared ones of a name that is held", () => {
    const stage = Stage.up();
    stage.asked("_ipp._tcp.local PTR");
    stage.response([ptr]);
    stage.at(100).response([other]);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([ptr, other]);
    // Once all are gone, it is a stranger again.
    stage.at(4700).response([ptr]);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([]);
  });

  test("shared ones of a type that a question for ANY covers", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local ANY");
    stage.response([ptr]);
    expect(stage.find("_ipp._tcp.local PTR")).toEqual([ptr]);
  });

  test("the names asked of late are bounded, and that is counted", () => {
    const stage = Stage.up();
    for (let n = 0; n <= 10_000; n++) stage.asked(`n${n}.local PTR`);
    expect(stage.counts.of("limits", "recent-names")).toBe(1);
    stage.response(["n0.local. 120 PTR x.local.", "n1.local. 120 PTR x.local."]);
    expect(stage.find("n0.local PTR")).toEqual([]);
    expect(stage.find("n1.local PTR")).toHaveLength(1);
  });
});

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

describe("time", () => {
  test("what has run out is not found, though nobody called expire", () => {
    const stage = Stage.up();
    stage.response([a1, nsec("h.local.", 120, "A")]);
    const { name } = rr(a1);
    expect(stage.link.find(at(119.9), name, 1)).toHaveLength(1);
    expect(stage.link.find(at(120), name, 1)).toHaveLength(0);
    expect(stage.link.find(at(120), name, 255)).toHaveLength(0);
    expect(stage.link.denies(at(119.9), name, 28)).toBe(true);
    expect(stage.link.denies(at(120), name, 28)).toBe(false);
  });

  test("a record that ran out unnoticed and is said again went and came", () => {
    const stage = Stage.up();
    stage.response([a1]);
    stage.now = at(200);
    stage.response([a1]);
    expect(stage.changes()).toEqual([`+ ${plain(a1)}`, `- ${plain(a1)}`, `+ ${plain(a1)}`]);
  });

  test("deadlines beyond 24.8 days are told as they are (T-55)", () => {
    const stage = Stage.up();
    stage.response(["!h.local. 2147483647 A 192.0.2.1"]);
    expect(stage.link.nextDeadline()).toBe(at(2147483647));
  });

  test("changes of one packet are one batch", () => {
    const stage = Stage.up();
    stage.response([a1, "!h.local. 120 AAAA 2001:db8::1", nsec("h.local.", 120, "A AAAA")]);
    expect(stage.batches).toEqual([
      ["? h.local.", `+ ${plain(a1)}`, "+ h.local. 120 AAAA 2001:db8::1"],
    ]);
  });
});

describe("the limit [DP-125]", () => {
  const host = (n: number) => `!h${n}.local. 120 A 192.0.2.1`;

  test("the oldest leaves, which is reported and counted", () => {
    const stage = Stage.up({ cacheRecordsMax: 3 });
    for (const n of [1, 2, 3]) stage.response([host(n)]);
    stage.at(1).response([host(1)]);
    stage.changes();
    stage.response([host(4)]);
    expect(stage.changes()).toEqual([`- ${plain(host(2))}`, `+ ${plain(host(4))}`]);
    expect(stage.counts.of("cache", "evicted")).toBe(1);
    expect(stage.link.recordCount).toBe(3);
  });

  test("what somebody asks for leaves last", () => {
    const stage = Stage.up({ cacheRecordsMax: 3 });
    stage.response([host(1)]);
    stage.watch("h1.local A", "standing");
    const watch = stage.watch("h2.local ANY", "standing");
    for (const n of [2, 3, 4, 5]) stage.response([host(n)]);
    expect(stage.find("h1.local A")).toHaveLength(1);
    expect(stage.find("h2.local A")).toHaveLength(1);
    expect(stage.find("h5.local A")).toHaveLength(1);
    // All three wanted: a stranger is refused, another wanted one takes the oldest's place.
    stage.watch("h6.local A");
    stage.response([host(6)]);
    expect(stage.find("h5.local A")).toEqual([]);
    stage.response([host(7)]);
    expect(stage.find("h7.local A")).toEqual([]);
    expect(stage.counts.of("cache", "refused")).toBe(1);
    stage.watch("h8.local A");
    stage.response([host(8)]);
    expect(stage.find("h1.local A")).toEqual([]);
    expect(stage.find("h8.local A")).toHaveLength(1);
    // With its watch the claim ends.
    stage.unwatch(watch);
    stage.response([host(9)]);
    expect(stage.find("h2.local A")).toEqual([]);
    expect(stage.find("h9.local A")).toHaveLength(1);
  });

  test("a record that was evicted is not asked for again because of that", () => {
    const stage = Stage.up({ cacheRecordsMax: 1 });
    stage.watch("h1.local A", "standing");
    stage.response([host(1)]);
    stage.watch("h2.local A", "standing");
    stage.response([host(2)]);
    stage.run(50);
    expect(stage.times("h1.local A")).toEqual([]);
  });

  test("large rdata counts as several records", () => {
    const stage = Stage.up({ cacheRecordsMax: 10 });
    const long = `"${"x".repeat(250)}" `.repeat(5);
    for (const n of [1, 2, 3, 4]) stage.response([`!h${n}.local. 120 TXT ${long}`]);
    // 1,255 bytes each count as three.
    expect(stage.link.recordCount).toBe(3);
    stage.response([`!h9.local. 120 TXT ${`"${"x".repeat(250)}" `.repeat(30)}`]);
    expect(stage.find("h9.local TXT")).toEqual([]);
    expect(stage.counts.of("cache", "refused")).toBe(1);
  });

  test("lowered by new options takes effect at once", () => {
    const stage = Stage.up();
    for (const n of [1, 2, 3]) stage.response([host(n)]);
    stage.changes();
    stage.link.configure(stage.now, {
      families: ["ipv4", "ipv6"],
      packetsPerSecond: 20,
      cacheRecordsMax: 1,
      questionsMax: 10,
      announce: { b: [], db: [], lb: [] },
    });
    stage.drain();
    expect(stage.changes()).toEqual([`- ${plain(host(1))}`, `- ${plain(host(2))}`]);
  });

  test("a hundred thousand random announcements leave as many records as it says", () => {
    const stage = Stage.up({ cacheRecordsMax: 500 }, steady(0.5));
    stage.watch("h.local A", "standing");
    stage.response([a1]);
    let most = 0;
    for (let n = 0; n < 10_000; n++) {
      stage.link.receive(stage.now, {
        family: "ipv4",
        source: { address: { family: "ipv4", bytes: Uint8Array.of(192, 0, 2, 7) }, port: 5353 },
        isMulticast: true,
        bytes: floodPacket(10, n),
      });
      stage.link.takeChanges();
      most = Math.max(most, stage.link.recordCount);
    }
    expect(most).toBe(500);
    expect(stage.counts.of("cache", "evicted")).toBe(10_000 * 10 - 499);
    expect(stage.find("h.local A")).toEqual([plain(a1)]);
  });

  test("a set of ten thousand is taken in, found, renewed and flushed", () => {
    const stage = Stage.up({ cacheRecordsMax: 20_000 });
    stage.watch("_ipp._tcp.local PTR", "standing");
    const set = (from: number) =>
      Array.from(
        { length: 100 },
        (_, n) => `_ipp._tcp.local. 4500 PTR p${from + n}._ipp._tcp.local.`,
      );
    for (let round = 0; round < 2; round++) {
      for (let from = 0; from < 10_000; from += 100) stage.response(set(from));
    }
    expect(stage.find("_ipp._tcp.local PTR")).toHaveLength(10_000);
    expect(stage.changes()).toHaveLength(10_000);
    stage.link.down(stage.now);
    stage.drain();
    expect(stage.changes()).toHaveLength(10_000);
    expect(stage.link.recordCount).toBe(0);
  });
});

/** A response with `count` A records of names that no other packet holds, made by hand. */
function floodPacket(count: number, serial: number): Uint8Array {
  const parts: Buffer[] = [Buffer.from([0, 0, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0])];
  for (let n = 0; n < count; n++) {
    const label = Buffer.from(`f${serial}-${n}`);
    parts.push(Buffer.from([label.length]), label);
    parts.push(Buffer.from("056c6f63616c00" + "00018001" + "00001194" + "0004c0000201", "hex"));
  }
  return Buffer.concat(parts);
}

test("records of a packet may stand in any section", () => {
  const stage = Stage.up();
  stage.hear({
    isResponse: true,
    answers: rrs([a1]),
    authorities: rrs(["!i.local. 120 A 192.0.2.2"]),
    additionals: rrs(["!j.local. 120 A 192.0.2.3"]),
  });
  expect(stage.changes()).toHaveLength(3);
});
