// What is kept, and until when (RFC 6762 §10): goodbyes, renewals, cache-flush,
// what is wanted unasked.

import { describe, expect, test } from "vitest";
import { at, nsec, rr, rrs, Stage } from "./stage.js";

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
  test("with the same TTL are no change, with another they are", () => {
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

  test("names in rdata keep the letters they came with, whatever the owner's", () => {
    const stage = Stage.up();
    stage.watch("_ipp._tcp.local PTR");
    stage.response([
      "!Printer._ipp._tcp.local. 120 SRV 0 0 631 Host.local.",
      "!HOST.local. 120 A 192.0.2.1",
      "_ipp._tcp.local. 120 PTR PRINTER._ipp._tcp.local.",
    ]);
    stage.response(["!other._ipp._tcp.local. 120 SRV 0 0 631 hOST.local."]);
    expect(stage.changes()).toEqual([
      "+ Printer._ipp._tcp.local. 120 SRV 0 0 631 Host.local.",
      "+ HOST.local. 120 A 192.0.2.1",
      "+ _ipp._tcp.local. 120 PTR PRINTER._ipp._tcp.local.",
      "+ other._ipp._tcp.local. 120 SRV 0 0 631 hOST.local.",
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
