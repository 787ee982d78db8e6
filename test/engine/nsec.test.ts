// What is said of all types of a name (RFC 8766 §5.5.3, RFC 6762 §6.1, §6.5): NSEC
// records that are built, denials that are heard, questions of type ANY.

import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { World } from "./story.js";

const rich = "Building\\0321.example.com";
const hosts = "bldg-1.example.com";

/** A world in which the link has said these records. */
function said(records: string) {
  const w = new World();
  const link = w.link("eth0");
  link.says(records);
  return { w, link };
}

describe("NSEC and ANY", () => {
  test("NSEC asks for ANY and describes one name [DP-58] [DP-59] [DP-60]", () => {
    const w = new World();
    const link = w.link("eth0");
    const host = "prnt.local. 120 A 203.0.113.7\nprnt.local. 120 AAAA 2001:db8:1234:5678::7";
    link.device(host, { additional: "prnt.local. 120 NSEC prnt.local. A AAAA" });
    const asked = w.ask(`prnt.${hosts} NSEC`);
    w.run(seconds(1));
    expect(link.questions()).toEqual(["prnt.local. ANY"]);
    expect(asked.answers).toEqual([`prnt.${hosts}. 10 IN NSEC \\000.prnt.${hosts}. A AAAA NSEC`]);
    const bitmap = Buffer.from(asked.reply ?? [])
      .subarray(-8)
      .toString("hex");
    expect(bitmap).toBe("0006400000080001");
    // Another client's capitals are not this one's.
    expect(w.ask(`PRNT.${hosts} NSEC`).answers).toEqual([
      `PRNT.${hosts}. 10 IN NSEC \\000.prnt.${hosts}. A AAAA NSEC`,
    ]);
  });

  test("NSEC3 is NODATA after the same question [DP-61]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("prnt.local. 120 A 203.0.113.7");
    const asked = w.ask(`prnt.${hosts} NSEC3`);
    w.run(seconds(1));
    expect(link.questions()).toEqual(["prnt.local. ANY"]);
    expect(asked.isNodata).toBe(true);
  });

  test("a denial ends the wait and is remembered [DP-62] [DP-63]", () => {
    const w = new World();
    const link = w.link("eth0");
    const asked = w.ask(`prnt.${hosts} AAAA`);
    w.run(ms(300));
    link.says("prnt.local. 120 NSEC prnt.local. A");
    expect(asked.isNodata).toBe(true);
    w.run(seconds(5));
    w.sent();
    expect(w.ask(`prnt.${hosts} AAAA`).isNodata).toBe(true);
    w.run(seconds(2));
    expect(w.sent()).toEqual([]);
    link.says("prnt.local. 120 AAAA 2001:db8:1234:5678::7");
    expect(w.ask(`prnt.${hosts} AAAA`).answers).toHaveLength(1);
  });

  // prnt.local A 203.0.113.7, and an NSEC of which only the rdata differs.
  const odd: readonly (readonly [string, string])[] = [
    ["a foreign next name", "0561 6c69656e 05 6c6f63616c 00 0001 40"],
    ["block 1 only", "c00c 0101 40"],
    ["a block of length 0", "c00c 0000"],
    ["nothing at all", ""],
  ];
  test.each(odd)("an NSEC with %s does not spoil the address beside it [DP-64]", (_title, text) => {
    const w = new World();
    const link = w.link("eth0");
    const rdata = text.replaceAll(" ", "");
    const length = (rdata.length / 2).toString(16).padStart(4, "0");
    const nsec = `c00c 002f 8001 00000078 ${length} ${rdata}`;
    const address = "0470726e74056c6f63616c00 0001 8001 00000078 0004 cb007107";
    const hears = (records: string) => {
      const message = `0000 8400 0000 0002 0000 0000 ${records}`;
      link.hears(Buffer.from(message.replaceAll(" ", ""), "hex"));
    };
    hears(`${address} ${nsec}`);
    expect(w.ask(`prnt.${hosts} A`).answers).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
    // And in front of it.
    const other = "0470726e75056c6f63616c00 002f 8001 00000078";
    const last = "c00c 0001 8001 00000078 0004 cb007108";
    hears(`${other} ${length} ${rdata} ${last}`);
    expect(w.ask(`prnu.${hosts} A`).answers).toEqual([`prnu.${hosts}. 10 IN A 203.0.113.8`]);
  });

  test("a device's NSEC is not forwarded, not even for ANY [DP-59]", () => {
    const { w } = said("prnt.local. 120 A 203.0.113.7\nprnt.local. 120 NSEC prnt.local. A");
    expect(w.ask(`prnt.${hosts} ANY`).answers).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
  });

  test("ANY is asked as ANY [DP-65]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device('p._x._tcp.local. 120 SRV 0 0 1 h.local.\np._x._tcp.local. 4500 TXT "a"');
    const asked = w.ask(`p._x._tcp.${rich} ANY`);
    w.run(seconds(1));
    expect(link.questions()).toEqual(["p._x._tcp.local. ANY"]);
    expect(asked.message.answers.map((rr) => rr.type).sort()).toEqual([16, 33]);
  });
});
