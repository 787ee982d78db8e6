// The SOA of negative answers, the NS set, and the NSEC that is built.

import { describe, expect, test } from "vitest";
import { nsecFor, nsOf, soaOf } from "../../src/proxy/negative.js";
import type { Zone } from "../../src/proxy/zones.js";
import { parseType } from "../../src/wire/codes.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import {
  ldh,
  lines,
  linkOf,
  look,
  names,
  optionsOf,
  reverse4,
  rich,
  text,
  zoneOf,
} from "./floor.js";

const options = optionsOf({ nameservers: names("px2.example.net.") });

test.each([rich, ldh, reverse4])("[DP-48] [DP-95] [DP-96] [DP-97] the SOA of %s", (apex) => {
  const soa = soaOf(zoneOf(options, apex) as Zone, options);
  expect(text([soa])).toEqual(
    lines(`${apex} 10 SOA px.example.net. hostmaster.example.net. 0 7200 3600 86400 10`),
  );
});

test("[DP-98] NS: this proxy and its fellows, each once", () => {
  const twice = optionsOf({ nameservers: names("PX2.example.net.", "px.example.net.") });
  expect(text(nsOf(zoneOf(twice, ldh) as Zone, twice))).toEqual(
    lines(`${ldh} 10 NS px.example.net.`, `${ldh} 10 NS PX2.example.net.`),
  );
});

test("[DP-97] MNAME is one of the NS targets", () => {
  const zone = zoneOf(options, ldh) as Zone;
  const soa = soaOf(zone, options).rdata;
  const targets = nsOf(zone, options).map(({ rdata }) => rdata.kind === "ns" && rdata.target);
  expect(targets).toContain(soa.kind === "soa" && soa.mname);
});

test("[DP-50] a lower cap of the link holds for administrative records too", () => {
  const low = optionsOf({ links: [linkOf({ ttlSeconds: 3 })] });
  const zone = zoneOf(low, ldh) as Zone;
  expect(soaOf(zone, low).ttlSeconds).toBe(3);
  expect(nsOf(zone, low).map((rr) => rr.ttlSeconds)).toEqual([3]);
  const high = optionsOf({ links: [linkOf({ ttlSeconds: 300 })] });
  expect(soaOf(zoneOf(high, ldh) as Zone, high).ttlSeconds).toBe(10);
});

describe("the NSEC of one name", () => {
  /** Bitmaps of the specification, section 3.5, unsigned unicast form. */
  test.each([
    { types: ["A"], bitmap: "000640000000 0001" },
    { types: ["A", "AAAA"], bitmap: "0006400000080001" },
    { types: ["AAAA", "A", "AAAA"], bitmap: "0006400000080001" },
    { types: ["TXT", "SRV"], bitmap: "0006000080004001" },
    { types: [], bitmap: "0006000000000001" },
  ])("[DP-58] [DP-59] the bitmap of $types", ({ types, bitmap }) => {
    const numbers = types.map((type) => parseType(type)!);
    const rr = nsecFor(parseName("prnt.example."), numbers, 10)!;
    const bytes = encodeMessage({ isResponse: true, answers: [rr] });
    const hex = Buffer.from(bytes).toString("hex");
    // The next name, uncompressed, then the bitmap, which ends the message.
    const next = "0100 0470726e74 076578616d706c65 00".replaceAll(" ", "");
    expect(hex.endsWith(next + bitmap.replaceAll(" ", ""))).toBe(true);
  });

  test("[DP-60] the next name is the immediate successor", () => {
    const rr = nsecFor(parseName(`PrnT.${ldh}`), [1], 10)!;
    expect(rr.rdata).toMatchObject({ kind: "nsec", next: parseName(`\\000.prnt.${ldh}`) });
  });

  test("a name without room for a successor has none", () => {
    // 3 × 64, 60 and the root make 253 bytes; the successor has 2 more.
    const long = (last: number) =>
      parseName(`${`${"x".repeat(63)}.`.repeat(3)}${"y".repeat(last)}.`);
    expect(nsecFor(long(59), [1], 10)).toBeDefined();
    expect(nsecFor(long(60), [1], 10)).toBeUndefined();
  });
});

describe("an NSEC question", () => {
  const announced = [
    "prnt.local. 120 A 203.0.113.2",
    "prnt.local. 60 AAAA 2001:db8::2",
    "prnt.local. 120 NSEC prnt.local. A AAAA",
  ];

  test("[DP-58] [DP-59] is answered by one record of that name", () => {
    expect(look({ announced }, `prnt.${ldh} NSEC`).text).toEqual(
      lines(`prnt.${ldh} 60 NSEC \\000.prnt.${ldh} A AAAA NSEC`),
    );
  });

  test("[DP-59] types a client may not see are not in it", () => {
    const linkLocal = ["prnt.local. 120 A 169.254.1.1", "prnt.local. 120 AAAA 2001:db8::2"];
    expect(look({ announced: linkLocal }, `prnt.${ldh} NSEC`).text).toEqual(
      lines(`prnt.${ldh} 120 NSEC \\000.prnt.${ldh} AAAA NSEC`),
    );
  });

  test("[DP-57] nothing to see: no record, but known", () => {
    const hidden = look({ announced: ["prnt.local. 120 A 169.254.1.1"] }, `prnt.${ldh} NSEC`);
    expect(hidden).toMatchObject({ text: [], known: true });
    expect(look({}, `prnt.${ldh} NSEC`)).toMatchObject({ text: [], known: false });
  });

  test("[DP-59] the device's own is never forwarded, not by ANY either", () => {
    expect(look({ announced }, `prnt.${ldh} ANY`).text).toEqual(
      lines(`prnt.${ldh} 120 A 203.0.113.2`, `prnt.${ldh} 60 AAAA 2001:db8::2`),
    );
  });

  test("[DP-61] NSEC3 has no record", () => {
    expect(look({ announced }, `prnt.${ldh} NSEC3`)).toMatchObject({ text: [], known: true });
  });
});
