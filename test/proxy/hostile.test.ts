// A device may announce anything: the work stays bounded, nothing is thrown,
// and the neighbours' records are answered.

import { describe, expect, test } from "vitest";
import { additional } from "../../src/proxy/additional.js";
import { localAnswer } from "../../src/proxy/local.js";
import type { HeardRR } from "../../src/proxy/view.js";
import { visible } from "../../src/proxy/visible.js";
import { instant } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { type Name, nameOf, parseName, wireLength } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { ldh, linkOf, look, optionsOf, question, rich, vantage } from "./floor.js";

const x = "x".repeat(63);
/** 256 bytes on the wire, which mDNS allows (RFC 6762 appendix C). */
const longest = `${`${x}.`.repeat(3)}${"y".repeat(56)}.local.`;

describe("names", () => {
  test("[DP-70] a name of 256 bytes spoils nothing", () => {
    const announced = [
      `_ipp._tcp.local. 4500 PTR ${longest}`,
      "_ipp._tcp.local. 4500 PTR ok._ipp._tcp.local.",
      `${longest} 120 SRV 0 0 1 ${longest}`,
    ];
    const seen = look({ announced }, `_ipp._tcp.${rich} PTR`);
    expect(wireLength(question(`${longest} A`).name)).toBe(256);
    expect(seen.rrs).toHaveLength(1);
    expect(seen.counts.of("records-dropped", "name-too-long")).toBe(1);
  });

  test("[DP-35] targets that are nothing but local, or the root", () => {
    const announced = [
      "_ipp._tcp.local. 9 PTR local.",
      "_ipp._tcp.local. 9 PTR .",
      "local. 9 SRV 0 0 1 local.",
      "a.local. 9 CNAME .",
    ];
    const seen = look({ announced }, `_ipp._tcp.${rich} PTR`);
    expect(seen.rrs.map(({ rr }) => rr.rdata)).toMatchObject([
      { kind: "ptr", target: { labels: ["Building 1", "example", "com"] } },
      { kind: "ptr", target: { labels: [] } },
    ]);
    expect(look({ announced }, `a.${ldh} A`).rrs).toHaveLength(1);
  });
});

describe("numbers", () => {
  test.each(["203.0.113", "169.254.3"])(
    "1,000 instances on one host of 100 addresses in %s: the host is judged once",
    (prefix) => {
      const count = 1000;
      const each = (line: (at: number) => string) =>
        Array.from({ length: count }, (_, at) => line(at));
      const announced = [
        ...each((at) => `_ipp._tcp.local. 4500 PTR i${at}._ipp._tcp.local.`),
        ...each((at) => `i${at}._ipp._tcp.local. 120 SRV 0 0 631 h.local.`),
        ...Array.from({ length: 100 }, (_, at) => `h.local. 120 A ${prefix}.${at}`),
      ];
      const asked = question(`_ipp._tcp.${rich} PTR`);
      const at = vantage({}, asked);
      const heard = new Map<string, HeardRR[]>();
      for (const line of announced) {
        const rr = parseRR(line);
        const key = `${rr.name.key} ${rr.type}`;
        const one = { rr, receivedAt: instant(0), expiresAt: instant(9000), isUnique: true };
        heard.set(key, [...(heard.get(key) ?? []), one]);
      }
      const host = parseName("h.local.").key;
      let finds = 0;
      const find = (name: Name, type: number) => {
        if (name.key === host) finds++;
        return heard.get(`${name.key} ${type}`) ?? [];
      };
      const counted = { ...at, view: { find, denies: () => false } };
      const seen = visible(counted, asked);
      expect(seen.rrs).toHaveLength(prefix === "203.0.113" ? count : 0);
      const instance = { ...question(`i0._ipp._tcp.${rich} SRV`) };
      const srv = visible(counted, instance);
      expect(finds).toBeLessThanOrEqual(4);
      additional(counted, [...seen.rrs, ...srv.rrs]);
      expect(finds).toBeLessThanOrEqual(8);
    },
  );

  test("an instance with 100 SRVs, each with a target of its own", () => {
    const announced = [
      "_ipp._tcp.local. 4500 PTR i._ipp._tcp.local.",
      ...Array.from(
        { length: 100 },
        (_, at) => `i._ipp._tcp.local. 120 SRV 0 0 ${at} h${at}.local.`,
      ),
      ...Array.from({ length: 100 }, (_, at) => `h${at}.local. 120 A 169.254.0.${at}`),
    ];
    const asked = question(`_ipp._tcp.${rich} PTR`);
    const at = vantage({ announced }, asked);
    let finds = 0;
    const counted = {
      ...at.view,
      find: (...given: Parameters<typeof at.view.find>) => {
        finds++;
        return at.view.find(...given);
      },
    };
    const seen = visible({ ...at, view: counted }, asked);
    // Too many to judge: shown, without looking at a single target.
    expect(seen.rrs).toHaveLength(1);
    expect(finds).toBeLessThan(5);
  });

  test("a set beyond all measure is cut, and counted", () => {
    const rr = parseRR("_ipp._tcp.local. 4500 PTR i._ipp._tcp.local.");
    const heard = Array.from({ length: 16_385 }, (_, at) => ({
      rr: { ...rr, rdata: { kind: "ptr", target: nameOf([`i${at}`, "local"]) } as const },
      receivedAt: instant(0),
      expiresAt: instant(4_500_000),
      isUnique: false,
    }));
    const asked = question(`_ipp._tcp.${rich} PTR`);
    const at = vantage({}, asked);
    const find = (_: Name, type: number) => (type === RRType.PTR ? heard : []);
    const seen = visible({ ...at, view: { find, denies: () => false } }, asked);
    expect(seen.rrs).toHaveLength(16_384);
    expect(at.counts.of("records-dropped", "set-too-large")).toBe(1);
  });

  test("[DP-77] the additional section ends where a message would", () => {
    const hosts = 90;
    const announced = [
      ...Array.from({ length: hosts }, (_, at) => `i._ipp._tcp.local. 9 SRV 0 0 1 h${at}.local.`),
      ...Array.from({ length: hosts }, (_, at) => at).flatMap((at) =>
        Array.from({ length: 60 }, (_, low) => `h${at}.local. 9 A 203.0.${at}.${low}`),
      ),
    ];
    const asked = question(`i._ipp._tcp.${rich} SRV`);
    const at = vantage({ announced }, asked);
    const count = additional(at, visible(at, asked).rrs).flat().length;
    expect(count).toBeGreaterThanOrEqual(4096);
    expect(count).toBeLessThan(4096 + 60);
  });
});

describe("questions", () => {
  const odd = [
    `${"a.".repeat(100)}${ldh} A`,
    `\\000.\\255.${rich} TXT`,
    `_sub.${rich} PTR`,
    `_sub._sub._sub.${rich} PTR`,
    `.${ldh} A`.slice(1),
    `_._tcp.${rich} PTR`,
    `*.${rich} ANY`,
  ];
  const options = optionsOf({
    links: [
      linkOf({
        services: { allow: ["_a*"], deny: ["*"], default: "deny" },
        translate: [{ type: "*", instance: "*", txt: {}, subtypes: ["_sub"] }],
      }),
    ],
  });
  test.each(odd)("%s is answered one way or the other", (asked) => {
    for (const given of [optionsOf(), options]) {
      const at = vantage({ options: given }, question(asked));
      const answer = localAnswer(at.tables, at.zone, question(asked), at.client);
      expect(answer?.rcode ?? 0).toBe(0);
      expect(look({ options: given }, asked).rrs).toEqual([]);
    }
  });
});
