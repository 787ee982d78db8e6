// Names of the link in answers: owners, rdata, and what is left alone.

import { describe, expect, test } from "vitest";
import type { ProxyOptions } from "../../src/proxy/options.js";
import { fromLink } from "../../src/proxy/rewrite.js";
import type { LinkZone } from "../../src/proxy/zones.js";
import { parseName } from "../../src/wire/name.js";
import { ldh, lines, linkOf, look, names, optionsOf, reverse4, rich, zoneOf } from "./floor.js";

interface Row {
  readonly id: string;
  readonly announced: string[];
  readonly asked: string;
  readonly want: string[];
  readonly options?: ProxyOptions;
}

const alias = optionsOf({ links: [linkOf({ aliases: names("floor1.mesh.") })] });
const richOnly = optionsOf({ links: [linkOf({ host: parseName(rich) })] });
const instance = "My\\032Printer._ipp._tcp";
const srv = `${instance}.local. 120 SRV 0 0 631 prnt.local.`;
const ptr = `_ipp._tcp.local. 4500 PTR ${instance}.local.`;
const cname = "thing.local. 120 CNAME prnt.local.";
const address = "prnt.local. 120 A 203.0.113.2";
const addressName = `2.${reverse4}`;

const table: Row[] = [
  {
    id: "[DP-7] a question in the host zone gets its owner there",
    announced: [address],
    asked: `prnt.${ldh} A`,
    want: [`prnt.${ldh} 120 A 203.0.113.2`],
  },
  {
    id: "[DP-7] a question in the rich zone gets its owner there",
    announced: [address],
    asked: `prnt.${rich} A`,
    want: [`prnt.${rich} 120 A 203.0.113.2`],
  },
  {
    id: "[DP-11] [DP-13] [DP-38] an SRV target goes to the host zone",
    announced: [srv],
    asked: `${instance}.${rich} SRV`,
    want: [`${instance}.${rich} 120 SRV 0 0 631 prnt.${ldh}`],
  },
  {
    id: "[DP-13] [DP-14] without a host zone, to the rich one",
    announced: [srv],
    asked: `${instance}.${rich} SRV`,
    want: [`${instance}.${rich} 120 SRV 0 0 631 prnt.${rich}`],
    options: richOnly,
  },
  {
    id: "[DP-38] [DP-39] [DP-72] a browse PTR stays in the rich zone",
    announced: [ptr],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [`_ipp._tcp.${rich} 4500 PTR ${instance}.${rich}`],
  },
  {
    id: "[DP-37] a browse PTR asked in the host zone stays there",
    announced: [ptr],
    asked: `_ipp._tcp.${ldh} PTR`,
    want: [`_ipp._tcp.${ldh} 4500 PTR ${instance}.${ldh}`],
  },
  {
    id: "[DP-37] a CNAME asked in the host zone stays there",
    announced: [cname, address],
    asked: `thing.${ldh} A`,
    want: [`thing.${ldh} 120 CNAME prnt.${ldh}`, `prnt.${ldh} 120 A 203.0.113.2`],
  },
  {
    id: "[DP-39] a CNAME leads to a host when an address was asked",
    announced: [cname, address],
    asked: `thing.${rich} A`,
    want: [`thing.${rich} 120 CNAME prnt.${ldh}`, `prnt.${ldh} 120 A 203.0.113.2`],
  },
  {
    id: "[DP-39] a CNAME leads to no host when something else was asked",
    announced: [cname, 'prnt.local. 120 TXT "x"'],
    asked: `thing.${rich} TXT`,
    want: [`thing.${rich} 120 CNAME prnt.${rich}`, `prnt.${rich} 120 TXT "x"`],
  },
  {
    id: "[DP-39] a CNAME asked for by its type leads to no host",
    announced: [cname, address],
    asked: `thing.${rich} CNAME`,
    want: [`thing.${rich} 120 CNAME prnt.${rich}`],
  },
  {
    id: "[DP-39] [DP-40] an MX names a host",
    announced: ["prnt.local. 120 MX 10 mail.local."],
    asked: `prnt.${rich} MX`,
    want: [`prnt.${rich} 120 MX 10 mail.${ldh}`],
  },
  {
    id: "[DP-16] a reverse PTR names a host, its owner stays",
    announced: [`${addressName} 120 PTR prnt.local.`],
    asked: `${addressName} PTR`,
    want: [`${addressName} 120 PTR prnt.${ldh}`],
  },
  {
    id: "[DP-16] a reverse PTR goes to the rich zone where there is no other",
    announced: [`${addressName} 120 PTR prnt.local.`],
    asked: `${addressName} PTR`,
    want: [`${addressName} 120 PTR prnt.${rich}`],
    options: richOnly,
  },
  {
    id: "[DP-35] a last label LOCAL is replaced",
    announced: ["i._ipp._tcp.local. 120 SRV 0 0 631 a.LOCAL."],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [`i._ipp._tcp.${rich} 120 SRV 0 0 631 a.${ldh}`],
  },
  {
    id: "[DP-35] notlocal is another label",
    announced: ["i._ipp._tcp.local. 120 SRV 0 0 631 a.notlocal."],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [`i._ipp._tcp.${rich} 120 SRV 0 0 631 a.notlocal.`],
  },
  {
    id: "[DP-35] an inner local stays",
    announced: ["i._ipp._tcp.local. 120 SRV 0 0 631 a.local.local."],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [`i._ipp._tcp.${rich} 120 SRV 0 0 631 a.local.${ldh}`],
  },
  {
    id: "[DP-36] a target elsewhere passes unchanged",
    announced: ["i._ipp._tcp.local. 120 SRV 0 0 631 host.example.org."],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [`i._ipp._tcp.${rich} 120 SRV 0 0 631 host.example.org.`],
  },
  {
    id: "[DP-36] the root passes unchanged",
    announced: ["i._ipp._tcp.local. 120 SRV 0 0 0 ."],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [`i._ipp._tcp.${rich} 120 SRV 0 0 0 .`],
  },
  {
    id: "[DP-40] HTTPS",
    announced: ['web.local. 120 HTTPS 1 web2.local. alpn="h2"'],
    asked: `web.${ldh} HTTPS`,
    want: [`web.${ldh} 120 HTTPS 1 web2.${ldh} alpn="h2"`],
  },
  ...[
    { type: "RP", given: "a.local. b.local.", moved: `a.${rich} b.${rich}` },
    { type: "AFSDB", given: "1 a.local.", moved: `1 a.${rich}` },
    { type: "RT", given: "10 a.local.", moved: `10 a.${rich}` },
    { type: "KX", given: "10 a.local.", moved: `10 a.${rich}` },
    { type: "PX", given: "10 a.local. b.local.", moved: `10 a.${rich} b.${rich}` },
    {
      type: "NAPTR",
      given: '10 20 "s" "SIP+D2U" "" a.local.',
      moved: `10 20 "s" "SIP+D2U" "" a.${rich}`,
    },
    { type: "MINFO", given: "a.local. b.local.", moved: `a.${rich} b.${rich}` },
    { type: "DNAME", given: "a.local.", moved: `a.${rich}` },
  ].map(({ type, given, moved }) => ({
    id: `[DP-40] ${type}`,
    announced: [`x.local. 120 ${type} ${given}`],
    asked: `x.${rich} ${type}`,
    want: [`x.${rich} 120 ${type} ${moved}`],
  })),
  {
    id: "[DP-40] [DP-71] an unknown type is bytes",
    announced: ["x.local. 120 TYPE65280 \\# 7 056c6f63616c00"],
    asked: `x.${rich} TYPE65280`,
    want: [`x.${rich} 120 TYPE65280 \\# 7 056c6f63616c00`],
  },
  {
    id: "[DP-75] TXT is bytes, in order, doubles and all",
    announced: [
      'i._ipp._tcp.local. 4500 TXT "txtvers=1" "adminurl=http://prnt.local/" "A" "a" "\\000=\\255" "=x"',
    ],
    asked: `i._ipp._tcp.${rich} TXT`,
    want: [
      `i._ipp._tcp.${rich} 4500 TXT "txtvers=1" "adminurl=http://prnt.local/" "A" "a" "\\000=\\255" "=x"`,
    ],
  },
  {
    id: "[DP-75] several TXT records stay several",
    announced: ['i._ipp._tcp.local. 4500 TXT "a"', 'i._ipp._tcp.local. 4500 TXT "b"'],
    asked: `i._ipp._tcp.${rich} TXT`,
    want: [`i._ipp._tcp.${rich} 4500 TXT "a"`, `i._ipp._tcp.${rich} 4500 TXT "b"`],
  },
  {
    id: "[DP-66] [DP-67] labels are bytes: UTF-8, dots, Punycode, anything",
    announced: [
      "_ipp._tcp.local. 4500 PTR Büro\\0322\\.OG\\032(v1\\.0)._ipp._tcp.local.",
      "_ipp._tcp.local. 4500 PTR xn--bcher-kva._ipp._tcp.local.",
      "_ipp._tcp.local. 4500 PTR \\255\\000\\128._ipp._tcp.local.",
    ],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [
      `_ipp._tcp.${rich} 4500 PTR Büro\\0322\\.OG\\032(v1\\.0)._ipp._tcp.${rich}`,
      `_ipp._tcp.${rich} 4500 PTR xn--bcher-kva._ipp._tcp.${rich}`,
      `_ipp._tcp.${rich} 4500 PTR \\255\\000\\128._ipp._tcp.${rich}`,
    ],
  },
  {
    id: "[DP-69] rdata keeps the device's capitals, the owner is the question's",
    announced: ["_ipp._tcp.local. 4500 PTR LaserJET._IPP._Tcp.local."],
    asked: "_iPp._TcP.bUilding\\0321.example.com. PTR",
    want: [`_iPp._TcP.bUilding\\0321.example.com. 4500 PTR LaserJET._IPP._Tcp.${rich}`],
  },
  {
    id: "an alias keeps everything under itself, host names too",
    announced: [srv],
    asked: `${instance}.floor1.mesh. SRV`,
    want: [`${instance}.floor1.mesh. 120 SRV 0 0 631 prnt.floor1.mesh.`],
    options: alias,
  },
  {
    id: "an alias keeps browse answers under itself",
    announced: [ptr],
    asked: "_ipp._tcp.floor1.mesh. PTR",
    want: [`_ipp._tcp.floor1.mesh. 4500 PTR ${instance}.floor1.mesh.`],
    options: alias,
  },
];

describe("records in answers", () => {
  test.each(table)("$id", ({ announced, asked, want, options }) => {
    const floor = options === undefined ? { announced } : { announced, options };
    expect(look(floor, asked).text).toEqual(lines(...want));
  });

  test("[DP-43] every record leaves with class IN", () => {
    const seen = look({ announced: [ptr, srv] }, `_ipp._tcp.${rich} PTR`);
    expect(seen.rrs.map(({ rr }) => rr.class)).toEqual([1]);
  });

  test("two names of the link that are one name outside leave once", () => {
    const twice = [
      "i._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.",
      `i._ipp._tcp.local. 60 SRV 0 0 631 PRNT.${ldh}`,
    ];
    for (const announced of [twice, twice.toReversed()]) {
      expect(look({ announced }, `i._ipp._tcp.${rich} SRV`).text).toEqual(
        lines(`i._ipp._tcp.${rich} 120 SRV 0 0 631 prnt.${ldh}`),
      );
    }
  });
});

describe("names that become too long", () => {
  const long = "l".repeat(63);
  const deep = `${"d".repeat(63)}.${"e".repeat(63)}.${"f".repeat(60)}.example.`;
  const options = optionsOf({
    links: [linkOf({ service: parseName(deep), host: parseName(deep), reverse: [] })],
  });

  test("[DP-42] such a record is dropped and counted, the others are answered", () => {
    const announced = [
      `_ipp._tcp.local. 4500 PTR ${long}._ipp._tcp.local.`,
      "_ipp._tcp.local. 4500 PTR short._ipp._tcp.local.",
    ];
    const seen = look({ options, announced }, `_ipp._tcp.${deep} PTR`);
    expect(seen.text).toEqual(lines(`_ipp._tcp.${deep} 4500 PTR short._ipp._tcp.${deep}`));
    expect(seen.counts.of("records-dropped", "name-too-long")).toBe(1);
    expect(seen.known).toBe(true);
  });

  test("[DP-42] [DP-70] 255 bytes are the most, also for a name that is not moved", () => {
    const zone = zoneOf(optionsOf(), ldh) as LinkZone;
    // 20 bytes of zone and root; 3 × 64 and 43 fill 255.
    const local = (last: number) => parseName(`${`${long}.`.repeat(3)}${"y".repeat(last)}.local.`);
    expect(fromLink(zone, local(42), "host")).toBeDefined();
    expect(fromLink(zone, local(43), "host")).toBeUndefined();
    const other = (last: number) => parseName(`${`${long}.`.repeat(3)}${"y".repeat(last)}.`);
    expect(fromLink(zone, other(61), "host")).toBeDefined();
    expect(fromLink(zone, other(62), "host")).toBeUndefined();
  });
});
