// Which packets are believed (RFC 6762 §6, §11, §18): a table of what arrives,
// and whether the one address in it is known afterwards.

import { describe, expect, test } from "vitest";
import type { Message } from "../../src/wire/message.js";
import { encodeMessage } from "../../src/wire/message.js";
import { endpoint, type From, question, rrs, Stage } from "./stage.js";

const a = rrs(["!h.local. 120 A 192.0.2.1"]);
const response: Partial<Message> = { isResponse: true, aa: true, answers: a };

interface Case {
  readonly name: string;
  readonly message: Partial<Message>;
  readonly from?: From;
  /** Why it is not used; absent when it is. */
  readonly drop?: string;
}

const cases: readonly Case[] = [
  { name: "a response", message: response },
  {
    name: "a response over IPv6",
    message: response,
    from: { family: "ipv6", source: endpoint("fe80::10") },
  },
  {
    name: "with an ID and a foreign question [DP-140]",
    message: { ...response, id: 0x1234, questions: [question("x.example MX")] },
  },
  {
    name: "in the authority section [DP-140]",
    message: { isResponse: true, authorities: a },
  },
  {
    name: "in the additional section [DP-140]",
    message: { isResponse: true, additionals: a },
  },
  { name: "with AA clear [DP-144]", message: { ...response, aa: false } },
  {
    name: "with every flag that means nothing [DP-144]",
    message: { ...response, tc: true, rd: true, ra: true, z: true, ad: true, cd: true },
  },
  {
    name: "with RCODE 3 [DP-144]",
    message: { ...response, rcode: 3 },
    drop: "mdns-rcode",
  },
  {
    name: "with OPCODE 5 [DP-144]",
    message: { ...response, opcode: 5 },
    drop: "mdns-opcode",
  },
  {
    name: "from port 5354 [DP-141]",
    message: response,
    from: { source: endpoint("192.0.2.10", 5354) },
    drop: "mdns-source-port",
  },
  {
    name: "by multicast from another subnet [DP-143]",
    message: response,
    from: { source: endpoint("198.51.100.7") },
  },
  {
    name: "by unicast from another subnet [DP-143]",
    message: response,
    from: { source: endpoint("198.51.100.7"), isMulticast: false },
    drop: "mdns-off-link",
  },
  {
    name: "by unicast from this subnet, unasked [DP-142]",
    message: response,
    from: { isMulticast: false },
    drop: "mdns-unasked-unicast",
  },
  {
    name: "with an OPT whose size looks like a flag [DP-145]",
    message: {
      ...response,
      edns: { udpSize: 0x85a0, version: 0, extendedRcode: 0, dnssecOk: false, options: [] },
    },
  },
];

for (const { name, message, from, drop } of cases) {
  test(`${name}: ${drop === undefined ? "used" : "not used"}`, () => {
    const stage = Stage.up();
    stage.watch("h.local A");
    stage.hear(message, from);
    expect(stage.find("h.local A")).toEqual(drop === undefined ? ["h.local. 120 A 192.0.2.1"] : []);
    expect(stage.link.recordCount).toBe(drop === undefined ? 1 : 0);
    const drops = [...stage.counts.all()].filter(([key]) => key.startsWith("drops/"));
    expect(drops).toEqual(drop === undefined ? [] : [[`drops/${drop}`, 1]]);
  });
}

describe("queries", () => {
  test("teach nothing: neither known answers nor what a probe proposes [DP-139]", () => {
    const stage = Stage.up();
    const watch = stage.watch("h.local A");
    stage.hear({
      questions: [question("h.local ANY"), question("_ipp._tcp.local PTR")],
      answers: rrs(["_ipp._tcp.local. 4500 PTR a._ipp._tcp.local."]),
      authorities: rrs(["h.local. 120 A 192.0.2.1", "!h.local. 120 AAAA 2001:db8::1"]),
      additionals: a,
    });
    expect(stage.link.recordCount).toBe(0);
    expect(stage.changes()).toEqual([]);
    stage.run(0.5);
    expect(stage.times("h.local A")).toEqual([0.02]);
    stage.unwatch(watch);
  });

  test("do not renew what is held [DP-139]", () => {
    const stage = Stage.up();
    stage.response(["!h.local. 120 A 192.0.2.1"]);
    stage.at(100).query(["h.local A"], ["h.local. 120 A 192.0.2.1"]);
    stage.run(120);
    expect(stage.find("h.local A")).toEqual([]);
  });
});

describe("pseudo-records and other classes", () => {
  const lines = [
    "!h.local. 120 TYPE41 \\# 0",
    "!h.local. 120 TYPE24 \\# 2 0000",
    "!h.local. 120 TYPE249 \\# 2 0000",
    "!h.local. 120 TYPE250 \\# 17 00 000000000000 0000 0000 0000 0000 0000",
    "!h.local. 120 TYPE251 \\# 0",
    "!h.local. 120 TYPE255 \\# 0",
    "h.local. 120 CH TXT x",
    "h.local. 120 ANY A 192.0.2.1",
    "h.local. 120 CLASS0 A 192.0.2.1",
  ];
  for (const each of lines) {
    test(`are not kept: ${each} [DP-145]`, () => {
      const stage = Stage.up();
      stage.watch("h.local ANY");
      // In the authority section, where an OPT is a record like others.
      stage.hear({ isResponse: true, authorities: rrs([each]) });
      expect(stage.link.recordCount).toBe(0);
    });
  }
});

describe("sizes", () => {
  test("up to 9000 bytes are taken in, more are not [DP-146]", () => {
    const long = `"${"x".repeat(250)}" `;
    const message = (n: number) => ({
      isResponse: true,
      answers: rrs([`!h.local. 120 A 192.0.2.${n}`, `!h.local. 120 TXT ${long.repeat(n)}`]),
    });
    const stage = Stage.up();
    expect(encodeMessage(message(20)).length).toBeGreaterThan(5000);
    stage.hear(message(20));
    expect(stage.find("h.local A")).toEqual(["h.local. 120 A 192.0.2.20"]);
    expect(stage.find("h.local TXT")).toHaveLength(1);
    stage.hear(message(40));
    expect(stage.find("h.local A")).toEqual(["h.local. 120 A 192.0.2.20"]);
    expect(stage.counts.of("drops", "mdns-long")).toBe(1);
  });

  test("fewer than 12 bytes are no message", () => {
    const stage = Stage.up();
    for (const length of [0, 1, 11]) stage.hearBytes(new Uint8Array(length));
    expect(stage.counts.of("drops", "mdns-short")).toBe(3);
  });

  test("a record that is cut off does not spoil what stands before it", () => {
    const stage = Stage.up();
    const bytes = encodeMessage({
      isResponse: true,
      answers: rrs(["!h.local. 120 A 192.0.2.1", "!i.local. 120 A 192.0.2.2"]),
    });
    stage.hearBytes(bytes.subarray(0, bytes.length - 1));
    expect(stage.find("h.local A")).toHaveLength(1);
    expect(stage.find("i.local A")).toHaveLength(0);
    expect(stage.counts.of("drops", "mdns-broken-record")).toBe(1);
  });

  test("bytes of any kind never throw", () => {
    const stage = Stage.up();
    let seed = 1;
    for (let n = 0; n < 2000; n++) {
      const bytes = Uint8Array.from({ length: n % 90 }, () => {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff;
        return seed >> 16;
      });
      if (bytes.length > 3) {
        bytes[2] = (bytes[2] as number) & 0x80;
        bytes[3] = 0;
        bytes[4] = 0;
      }
      stage.hearBytes(bytes);
    }
    stage.run(1);
    expect(stage.link.isUp).toBe(true);
  });
});
