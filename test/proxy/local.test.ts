// What is answered at once, without asking the link.

import { describe, expect, test } from "vitest";
import { outsideRcode } from "../../src/proxy/local.js";
import type { ProxyOptions } from "../../src/proxy/options.js";
import { tablesOf } from "../../src/proxy/tables.js";
import { parseName } from "../../src/wire/name.js";
import {
  ldh,
  lines,
  linkOf,
  listOf,
  local,
  names,
  optionsOf,
  reverse4,
  reverse6,
  rich,
  told,
} from "./floor.js";

interface Row {
  readonly asked: string;
  readonly want: string | string[];
}

const base6 = `${"0.".repeat(16)}${reverse6}`;
const soa = (apex: string) =>
  `${apex} 10 SOA px.example.net. hostmaster.example.net. 0 7200 3600 86400 10`;

function run(options: ProxyOptions, asked: string, client?: string) {
  return told(local(client === undefined ? { options } : { options, client }, asked));
}

const open = optionsOf();
const table = (...rows: [string, string | string[]][]): Row[] =>
  rows.map(([asked, want]) => ({ asked, want }));

describe("at an apex", () => {
  const apexes = [rich, ldh, reverse4, reverse6];
  test.each(apexes)("[DP-1] [DP-100] SOA and NS of %s", (apex) => {
    const ns = `${apex} 10 NS px.example.net.`;
    expect(run(open, `${apex} SOA`)).toEqual(lines(soa(apex)));
    expect(run(open, `${apex} NS`)).toEqual(lines(ns));
    expect(run(open, `${apex} ANY`)).toEqual(lines(soa(apex), ns));
  });

  test.each(
    apexes.flatMap((apex) =>
      ["A", "AAAA", "TXT", "PTR", "MX", "SRV", "NSEC", "TYPE65280"].map((type) => ({ apex, type })),
    ),
  )("[DP-100] [DP-107] [DP-108] everything else is NODATA: $apex $type", ({ apex, type }) => {
    expect(run(open, `${apex} ${type}`)).toBe(`NODATA ${apex}`);
  });

  test.each(["DS"])("[DP-102] %s belongs to the parent", (type) => {
    expect(run(open, `${ldh} ${type}`)).toBe(`NODATA ${ldh}`);
  });

  test.each(["DNSKEY", "CDS", "NSEC3PARAM"])(
    "[DP-117] %s is NODATA in an unsigned zone",
    (type) => {
      expect(run(open, `${ldh} ${type}`)).toBe(`NODATA ${ldh}`);
    },
  );

  test("an alias is a zone with an apex of its own", () => {
    const options = optionsOf({ links: [linkOf({ aliases: names("floor1.mesh.") })] });
    expect(run(options, "floor1.mesh. SOA")).toEqual(lines(soa("floor1.mesh.")));
  });
});

describe("below an apex", () => {
  test.each(
    table(
      [`_ipp._tcp.${rich} SOA`, `NODATA ${rich}`],
      [`_ipp._tcp.${rich} NS`, `NODATA ${rich}`],
      [`_ipp._tcp.${rich} DS`, `NODATA ${rich}`],
      [`a.b.c.${ldh} SOA`, `NODATA ${ldh}`],
      [`2.${reverse4} NS`, `NODATA ${reverse4}`],
    ),
  )("[DP-101] [DP-107] delegation types are negative: $asked", ({ asked, want }) => {
    expect(run(open, asked)).toBe(want);
  });

  test.each([
    `_ipp._tcp.${rich} PTR`,
    `_printer._sub._ipp._tcp.${rich} PTR`,
    `i._ipp._tcp.${rich} SRV`,
    `i._ipp._tcp.${rich} ANY`,
    `prnt.${ldh} A`,
    `prnt.${ldh} NSEC`,
    `prnt.${ldh} NSEC3`,
    `prnt.${ldh} TYPE65280`,
    `2.${reverse4} PTR`,
    `${"f.".repeat(16)}${reverse6} PTR`,
  ])("[DP-6] [DP-15] the link is asked: %s", (asked) => {
    expect(run(open, asked)).toBe("link");
  });

  test("[DP-74] the list of types is asked on the link", () => {
    expect(run(open, `_services._dns-sd._udp.${rich} PTR`)).toBe("link");
  });
});

describe("metadata names", () => {
  const llq = ["_dns-llq._udp", "_dns-llq._tcp", "_dns-llq-tls._tcp"];
  const push = ["_dns-push-tls._tcp"];
  const update = ["_dns-update._udp", "_dns-update._tcp", "_dns-update-tls._tcp"];
  const zones = [rich, ldh, reverse4, reverse6];
  const all = (list: string[]) => list.flatMap((name) => zones.map((zone) => ({ name, zone })));

  test.each(all(llq))("[DP-103] [DP-106] not offered: $name.$zone", ({ name, zone }) => {
    expect(run(open, `${name}.${zone} SRV`)).toBe(`NODATA ${zone}`);
  });

  test.each(all(push))("[DP-104] [DP-106] not offered: $name.$zone", ({ name, zone }) => {
    expect(run(open, `${name}.${zone} SRV`)).toBe(`NODATA ${zone}`);
  });

  const offering = optionsOf({
    offers: new Map([
      ["_dns-llq._udp", 5352],
      ["_dns-push-tls._tcp", 8853],
      ["_dns-update._tcp", 53],
    ]),
  });

  test("[DP-103] [DP-104] offered: an SRV with the port, its target outside our zones", () => {
    expect(run(offering, `_dns-llq._udp.${rich} SRV`)).toEqual(
      lines(`_dns-llq._udp.${rich} 10 SRV 0 0 5352 px.example.net.`),
    );
    expect(run(offering, `_dns-push-tls._tcp.${reverse4} ANY`)).toEqual(
      lines(`_dns-push-tls._tcp.${reverse4} 10 SRV 0 0 8853 px.example.net.`),
    );
  });

  test.each(all(update))("[DP-105] [DP-106] always negative: $name.$zone", ({ name, zone }) => {
    expect(run(offering, `${name}.${zone} SRV`)).toBe(`NODATA ${zone}`);
  });

  test.each(["TXT", "A", "PTR", "NSEC"])("[DP-106] all types are local: %s", (type) => {
    expect(run(offering, `_dns-push-tls._tcp.${ldh} ${type}`)).toBe(`NODATA ${ldh}`);
  });

  test("[DP-106] they are special directly below the apex only, and as a whole", () => {
    expect(run(open, `_dns-update._udp.foo.${rich} SRV`)).toBe("link");
    expect(run(open, `x._dns-update._udp.${rich} SRV`)).toBe("link");
    expect(run(open, `_dns-updates._udp.${rich} SRV`)).toBe("link");
    expect(run(open, `_dns-update\\._udp.${rich} SRV`)).toBe("link");
    expect(run(open, `_DNS-Update._UDP.${rich} SRV`)).toBe(`NODATA ${rich}`);
  });
});

describe("domain enumeration", () => {
  const at = (name: string, ...targets: string[]) => targets.map((to) => `${name} 10 PTR ${to}`);
  const named = (kind: string, zone: string) => `${kind}._dns-sd._udp.${zone}`;

  test.each([
    ...["b", "lb", "db"].flatMap((kind) =>
      [rich, ldh, `0.${reverse4}`, base6].map((zone) => ({ kind, zone })),
    ),
  ])(
    "[DP-20] [DP-21] [DP-22] [DP-24] $kind below $zone names the link's zone",
    ({ kind, zone }) => {
      const name = named(kind, zone);
      expect(run(open, `${name} PTR`)).toEqual(lines(...at(name, rich)));
      expect(run(open, `${name} ANY`)).toEqual(lines(...at(name, rich)));
    },
  );

  test.each([
    ...["r", "dr"].flatMap((kind) => [rich, ldh].map((zone) => ({ kind, zone, apex: zone }))),
    ...["r", "dr"].map((kind) => ({ kind, zone: `0.${reverse4}`, apex: reverse4 })),
    ...["r", "dr"].map((kind) => ({ kind, zone: base6, apex: reverse6 })),
  ])("[DP-22] $kind below $zone is NODATA", ({ kind, zone, apex }) => {
    expect(run(open, `${named(kind, zone)} PTR`)).toBe(`NODATA ${apex}`);
  });

  test("[DP-21] another base address of the zone is NODATA", () => {
    expect(run(open, `${named("lb", `16.${reverse4}`)} PTR`)).toBe(`NODATA ${reverse4}`);
    expect(run(open, `${named("lb", `1.${base6.slice(2)}`)} PTR`)).toBe(`NODATA ${reverse6}`);
    expect(run(open, `${named("lb", reverse4)} PTR`)).toBe(`NODATA ${reverse4}`);
  });

  test("[DP-21] a prefix of two zones has its base address in the first", () => {
    const prefix = listOf("10.1.2.0/23")[0]!.prefix;
    const options = optionsOf({ links: [linkOf({ reverse: [prefix] })] });
    const name = named("b", "0.2.1.10.in-addr.arpa.");
    expect(run(options, `${name} PTR`)).toEqual(lines(...at(name, rich)));
    expect(run(options, `${named("b", "0.3.1.10.in-addr.arpa.")} PTR`)).toBe(
      "NODATA 3.1.10.in-addr.arpa.",
    );
  });

  test("[DP-20] other types are NODATA", () => {
    expect(run(open, `${named("b", rich)} A`)).toBe(`NODATA ${rich}`);
    expect(run(open, `${named("b", rich)} TXT`)).toBe(`NODATA ${rich}`);
    expect(run(open, `${named("b", `0.${reverse4}`)} TXT`)).toBe(`NODATA ${reverse4}`);
  });

  test("[DP-24] other depths are ordinary names", () => {
    expect(run(open, `${named("b", `x.${rich}`)} PTR`)).toBe("link");
    expect(run(open, `x.${named("b", rich)} PTR`)).toBe("link");
    expect(run(open, `c._dns-sd._udp.${rich} PTR`)).toBe("link");
  });

  test("who came through an alias browses the alias", () => {
    const options = optionsOf({ links: [linkOf({ aliases: names("floor1.mesh.") })] });
    const name = named("lb", "floor1.mesh.");
    expect(run(options, `${name} PTR`)).toEqual(lines(...at(name, "floor1.mesh.")));
  });

  const written = optionsOf({
    browse: { b: names("one.example.", "two.example."), lb: [], r: names("reg.example.") },
    browseFor: [
      { client: listOf("10.5.0.0/16"), lists: { lb: names("five.example.") } },
      { client: listOf("10.0.0.0/8"), lists: { lb: names("ten.example."), b: [] } },
    ],
  });

  test("[DP-20] [DP-22] browse replaces the lists, an empty one is NODATA", () => {
    const name = named("b", rich);
    expect(run(written, `${name} PTR`)).toEqual(lines(...at(name, "one.example.", "two.example.")));
    expect(run(written, `${named("lb", rich)} PTR`)).toBe(`NODATA ${rich}`);
    const r = named("r", `0.${reverse4}`);
    expect(run(written, `${r} PTR`)).toEqual(lines(...at(r, "reg.example.")));
  });

  test("[DP-23] a zone outside the list to browse is not its default", () => {
    expect(run(written, `${named("db", rich)} PTR`)).toBe(`NODATA ${rich}`);
    const within = optionsOf({ browse: { b: names("one.example.", rich) } });
    const name = named("db", rich);
    expect(run(within, `${name} PTR`)).toEqual(lines(...at(name, rich)));
  });

  test("lists for some clients, kind by kind, the first entry first", () => {
    const lb = named("lb", rich);
    const b = named("b", rich);
    expect(run(written, `${lb} PTR`, "10.5.1.1")).toEqual(lines(...at(lb, "five.example.")));
    expect(run(written, `${lb} PTR`, "10.6.1.1")).toEqual(lines(...at(lb, "ten.example.")));
    expect(run(written, `${b} PTR`, "10.5.1.1")).toBe(`NODATA ${rich}`);
    expect(run(written, `${b} PTR`, "192.0.2.1")).toHaveLength(2);
  });

  test("[DP-25] 200 domains are one answer", () => {
    const many = Array.from({ length: 200 }, (_, at) => `d${at}.example.`);
    const options = optionsOf({ browse: { b: names(...many) } });
    expect(run(options, `${named("b", rich)} PTR`)).toHaveLength(200);
  });
});

describe("names that resolvers ask for on their way (Q-1)", () => {
  test.each(
    table(
      [`_tcp.${rich} PTR`, `NODATA ${rich}`],
      [`_UDP.${ldh} TXT`, `NODATA ${ldh}`],
      [`_sub._ipp._tcp.${rich} PTR`, `NODATA ${rich}`],
      [`_dns-sd._udp.${rich} PTR`, `NODATA ${rich}`],
      [`_ipp._tcp.${rich} A`, `NODATA ${rich}`],
      [`_ipp._tcp.${rich} AAAA`, `NODATA ${rich}`],
      [`_x.prnt.${ldh} A`, `NODATA ${ldh}`],
      [`Dr\\.\\032Who._ipp._tcp.${rich} A`, `NODATA ${rich}`],
      [`Dr\\.\\032Who._ipp._TCP.${rich} AAAA`, `NODATA ${rich}`],
      [`universal._sub._ntp._udp.${rich} A`, `NODATA ${rich}`],
      [`_ipp._tcp.${rich} OPT`, `NODATA ${rich}`],
      [`prnt.${ldh} TYPE250`, `NODATA ${ldh}`],
    ),
  )("[DP-107] $asked is NODATA", ({ asked, want }) => {
    expect(run(open, asked)).toBe(want);
  });

  test.each([
    `_tcp.x.${rich} PTR`,
    `x._tcp.${rich} TXT`,
    `_sub._sub._ipp._tcp.${rich} PTR`,
    `_ipp._tcp.${rich} TXT`,
    `who._ipp._tcp.${rich} SRV`,
    `who._ipp._tcp.${rich} ANY`,
    `_tcp.who.${rich} TXT`,
    `who._tcp.x.${rich} A`,
    `x_y.${ldh} A`,
  ])("and not more than those: %s", (asked) => {
    expect(run(open, asked)).toBe("link");
  });

  test.each(
    table(
      [`${base6.slice(2)} A`, `NODATA ${reverse6}`],
      [`0.${reverse6} PTR`, `NODATA ${reverse6}`],
      [`1.2.${reverse4} PTR`, `NODATA ${reverse4}`],
      [`prnt.${reverse4} PTR`, `NODATA ${reverse4}`],
      [`7.${reverse4} AAAA`, `NODATA ${reverse4}`],
      [`_services._dns-sd._udp.${reverse4} PTR`, `NODATA ${reverse4}`],
    ),
  )("[DP-19] [DP-107] $asked is no whole address: NODATA", ({ asked, want }) => {
    expect(run(open, asked)).toBe(want);
  });

  test("[DP-19] a wider reverse zone has more of them", () => {
    const prefix = listOf("10.0.0.0/8")[0]!.prefix;
    const options = optionsOf({ links: [linkOf({ reverse: [prefix] })] });
    expect(run(options, "2.1.10.in-addr.arpa. PTR")).toBe("NODATA 10.in-addr.arpa.");
    expect(run(options, "3.2.1.10.in-addr.arpa. PTR")).toBe("link");
  });
});

describe("types that are not shown", () => {
  const services = { allow: [], deny: ["_ssh._tcp", "_raop*"], default: "allow" } as const;
  const options = optionsOf({ links: [linkOf({ services })] });

  test.each([
    `_ssh._tcp.${rich} PTR`,
    `_SSH._TCP.${rich} PTR`,
    `_x._sub._ssh._tcp.${rich} PTR`,
    `i._ssh._tcp.${rich} SRV`,
    `i._ssh._tcp.${rich} TXT`,
    `i._ssh._tcp.${rich} ANY`,
    `_raop._tcp.${rich} PTR`,
  ])("are NODATA at once: %s", (asked) => {
    expect(run(options, asked)).toBe(`NODATA ${rich}`);
  });

  test.each([
    `_ipp._tcp.${rich} PTR`,
    `_ssh._udp.${rich} PTR`,
    `_services._dns-sd._udp.${rich} PTR`,
    `prnt.${ldh} A`,
  ])("the others are asked for: %s", (asked) => {
    expect(run(options, asked)).toBe("link");
  });

  test("with everything denied the list of types and the hosts remain", () => {
    const none = optionsOf({
      links: [linkOf({ services: { allow: [], deny: [], default: "deny" } })],
    });
    expect(run(none, `_ipp._tcp.${rich} PTR`)).toBe(`NODATA ${rich}`);
    expect(run(none, `_services._dns-sd._udp.${rich} PTR`)).toBe("link");
    expect(run(none, `prnt.${ldh} A`)).toBe("link");
  });
});

describe("outside every zone", () => {
  const tables = tablesOf(open);

  test.each(["www.example.org.", "example.com.", ".", "xlocal."])(
    "[DP-109] REFUSED: %s",
    (name) => {
      expect(outsideRcode(tables, parseName(name))).toBe(5);
    },
  );

  test.each(["prnt.local.", "local.", "1.1.254.169.in-addr.arpa.", "0.8.e.f.ip6.arpa."])(
    "[DP-110] NXDOMAIN: %s",
    (name) => {
      expect(outsideRcode(tables, parseName(name))).toBe(3);
    },
  );
});

test("[DP-107] a name that no device can have is NODATA", () => {
  const short = optionsOf({ links: [linkOf({ service: parseName("a."), host: parseName("a.") })] });
  const asked = `${`${"x".repeat(63)}.`.repeat(3)}${"y".repeat(57)}.a. A`;
  expect(run(short, asked)).toBe("NODATA a.");
});

test("[DP-50] a lower cap holds for enumeration and metadata too", () => {
  const low = optionsOf({
    links: [linkOf({ ttlSeconds: 3 })],
    offers: new Map([["_dns-llq._udp", 53]]),
  });
  for (const asked of [`b._dns-sd._udp.${rich} PTR`, `_dns-llq._udp.${rich} SRV`]) {
    expect(local({ options: low }, asked)?.answers.map((rr) => rr.ttlSeconds)).toEqual([3]);
  }
});
