// Which zone a name belongs to, and which zones a prefix makes.

import { describe, expect, test } from "vitest";
import { parsePrefix } from "../../src/address.js";
import { baseName, isAddressName, reverseApexes } from "../../src/proxy/reverse.js";
import { toLink } from "../../src/proxy/rewrite.js";
import { tablesOf } from "../../src/proxy/tables.js";
import type { LinkZone } from "../../src/proxy/zones.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { ldh, linkOf, names, optionsOf, reverse4, reverse6, rich, zoneOf } from "./floor.js";

const options = optionsOf({
  links: [
    linkOf({ aliases: names("floor1.mesh.") }),
    linkOf({
      link: "net2",
      service: parseName("Annex.Building\\0321.example.com."),
      host: parseName("Annex.Building\\0321.example.com."),
      reverse: [],
    }),
    linkOf({
      link: "net3",
      service: parseName("2nd Floor.Building 3.example.com"),
      host: parseName("2nd Floor.Building 3.example.com"),
      aliases: names("a\\.b.example.com.", "Größe 3.example.com."),
      reverse: [],
    }),
  ],
  zones: names("mesh."),
});

describe("the zone of a name", () => {
  const table: { name: string; want: string }[] = [
    { name: rich, want: "service net1" },
    { name: `_ipp._tcp.${rich}`, want: "service net1" },
    { name: ldh, want: "host net1" },
    { name: `prnt.${ldh}`, want: "host net1" },
    { name: `2.${reverse4}`, want: "reverse net1" },
    { name: reverse6, want: "reverse net1" },
    { name: "prnt.floor1.mesh.", want: "alias net1" },
    { name: "nas.mesh.", want: "records -" },
  ];
  test.each(table)("[DP-1] $name", ({ name, want }) => {
    const zone = zoneOf(options, name);
    expect(`${zone?.kind} ${zone?.link?.link ?? "-"}`).toBe(want);
  });

  test.each([
    "2nd\\032Floor.Building\\0323.example.com.",
    "x.2nd\\032Floor.Building\\0323.example.com.",
    "a\\.b.example.com.",
    "x.a\\.b.example.com.",
    "Größe\\0323.example.com.",
  ])("[DP-2] any bytes make a zone: %s", (name) => {
    expect(zoneOf(options, name)?.link?.link).toBe("net3");
  });

  test("[DP-2] a dot inside a label is not a label boundary", () => {
    expect(zoneOf(options, "a.b.example.com.")).toBeUndefined();
  });

  test.each([
    { name: "x.BLDG-1.Example.COM.", want: "net1" },
    { name: "x.xbldg-1.example.com.", want: undefined },
    { name: "example.com.", want: undefined },
    { name: "printer.annex.building\\0321.EXAMPLE.com.", want: "net2" },
    { name: "x.GRÖSSE\\0323.example.com.", want: undefined },
    { name: "x.grÖße\\0323.example.com.", want: undefined },
    { name: "x.gröSSe\\0323.example.com.", want: undefined },
    { name: "x.GRöße\\0323.example.com.", want: "net3" },
    { name: ".", want: undefined },
  ])("[DP-5] [DP-68] whole labels, ASCII case folded, longest zone: $name", ({ name, want }) => {
    expect(zoneOf(options, name)?.link?.link).toBe(want);
  });

  test.each([
    "local.",
    "prnt.LOCAL.",
    "1.2.254.169.in-addr.arpa.",
    "8.e.f.ip6.arpa.",
    "9.e.f.ip6.arpa.",
    "x.A.e.f.ip6.arpa.",
    "b.e.f.ip6.arpa.",
  ])("[DP-110] never in a zone, not even in a wider one: %s", (name) => {
    const wide = linkOf({
      reverse: [parsePrefix("169.0.0.0/8")!, parsePrefix("fe00::/8")!],
      aliases: names("local."),
    });
    const { zones } = tablesOf(optionsOf({ links: [wide] }));
    expect(zones.find(parseName(name))).toBeUndefined();
    expect(zones.isForbidden(parseName(name))).toBe(true);
  });

  test.each(["notlocal.", "253.169.in-addr.arpa.", "254.16.in-addr.arpa.", "c.e.f.ip6.arpa."])(
    "[DP-110] only those six: %s",
    (name) => {
      expect(tablesOf(optionsOf()).zones.isForbidden(parseName(name))).toBe(false);
    },
  );

  test("[DP-14] a link with a rich zone only has one forward zone", () => {
    const only = linkOf({ host: parseName(rich), reverse: [] });
    const { zones } = tablesOf(optionsOf({ links: [only] })).zones;
    expect(zones.map(({ kind }) => kind)).toEqual(["service"]);
  });

  test("a name of 127 labels costs no more than the depth of the zones", () => {
    expect(zoneOf(options, `${"a.".repeat(110)}${ldh}`)?.kind).toBe("host");
    expect(zoneOf(options, "a.".repeat(127))).toBeUndefined();
  });
});

describe("reverse zones", () => {
  const table: { prefix: string; want: string[] }[] = [
    { prefix: "203.0.113.0/24", want: ["113.0.203.in-addr.arpa."] },
    { prefix: "203.0.113.77/24", want: ["113.0.203.in-addr.arpa."] },
    { prefix: "2001:db8:1234:5678::/64", want: [reverse6] },
    { prefix: "10.1.2.0/23", want: ["2.1.10.in-addr.arpa.", "3.1.10.in-addr.arpa."] },
    { prefix: "192.168.0.0/16", want: ["168.192.in-addr.arpa."] },
    {
      prefix: "172.16.0.0/14",
      want: ["16", "17", "18", "19"].map((octet) => `${octet}.172.in-addr.arpa.`),
    },
    { prefix: "10.0.0.0/8", want: ["10.in-addr.arpa."] },
    {
      prefix: "2001:db8:1234:5678::/63",
      want: [reverse6, `9${reverse6.slice(1)}`],
    },
    { prefix: "2001:db8::/32", want: ["8.b.d.0.1.0.0.2.ip6.arpa."] },
  ];
  test.each(table)("[DP-17] $prefix", ({ prefix, want }) => {
    expect(reverseApexes(parsePrefix(prefix)!).map(formatName)).toEqual(want);
  });

  test("[DP-17] as many zones as a prefix needs, never more than 128", () => {
    expect(reverseApexes(parsePrefix("128.0.0.0/1")!)).toHaveLength(128);
    expect(reverseApexes(parsePrefix("10.1.2.0/17")!)).toHaveLength(128);
    expect(reverseApexes(parsePrefix("2000::/61")!)).toHaveLength(8);
  });

  test.each([
    { prefix: "203.0.113.77/24", want: "0.113.0.203.in-addr.arpa." },
    { prefix: "192.168.12.34/16", want: "0.0.168.192.in-addr.arpa." },
    { prefix: "10.1.3.9/23", want: "0.2.1.10.in-addr.arpa." },
    { prefix: "2001:db8:1234:5678:1::1/64", want: `${"0.".repeat(16)}${reverse6}` },
  ])("[DP-21] the base address of $prefix", ({ prefix, want }) => {
    expect(formatName(baseName(parsePrefix(prefix)!))).toBe(want);
  });

  test.each([
    { name: `2.${reverse4}`, want: true },
    { name: `255.${reverse4}`, want: true },
    { name: `256.${reverse4}`, want: false },
    { name: `02.${reverse4}`, want: false },
    { name: `x.${reverse4}`, want: false },
    { name: `0/25.${reverse4}`, want: false },
    { name: `1.2.${reverse4}`, want: false },
    { name: "0.203.in-addr.arpa.", want: false },
    { name: `${"0.".repeat(16)}${reverse6}`, want: true },
    { name: `${"F.".repeat(16)}${reverse6}`, want: true },
    { name: `${"g.".repeat(16)}${reverse6}`, want: false },
    { name: `${"0.".repeat(15)}${reverse6}`, want: false },
    { name: `${"0.".repeat(17)}${reverse6}`, want: false },
    { name: "1.2.3.4.ip6.arpa.", want: false },
  ])("[DP-19] $name is an address: $want", ({ name, want }) => {
    expect(isAddressName(parseName(name))).toBe(want);
  });
});

describe("the name to ask the link for", () => {
  const table: { asked: string; want: string }[] = [
    { asked: `_ipp._tcp.${rich}`, want: "_ipp._tcp.local." },
    { asked: `PRNT.${ldh.toUpperCase()}`, want: "PRNT.local." },
    { asked: `foo.local.${ldh}`, want: "foo.local.local." },
    { asked: `Dr\\.\\032Who.${rich}`, want: "Dr\\.\\032Who.local." },
    { asked: `xn--bcher-kva.${ldh}`, want: "xn--bcher-kva.local." },
    { asked: `bücher.${ldh}`, want: "bücher.local." },
    { asked: `\\255\\000\\128.${ldh}`, want: "\\255\\000\\128.local." },
  ];
  test.each(table)("[DP-6] [DP-66] [DP-67] $asked", ({ asked, want }) => {
    const zone = zoneOf(options, asked) as LinkZone;
    expect(toLink(zone, parseName(asked))?.labels).toEqual(parseName(want).labels);
  });

  test.each([`2.${reverse4}`, `${"0.".repeat(16)}${reverse6}`])(
    "[DP-15] a reverse name is asked as it is: %s",
    (asked) => {
      const zone = zoneOf(options, asked) as LinkZone;
      expect(toLink(zone, parseName(asked))).toEqual(parseName(asked));
    },
  );

  test("[DP-70] a name that no link can hold is not asked", () => {
    const short = linkOf({ service: parseName("a."), host: parseName("a."), reverse: [] });
    // 3 × 64, 57, 2 and the root make 252 bytes; with `local` for `a` they are 256, the most.
    const fits = (last: number) => `${`${"x".repeat(63)}.`.repeat(3)}${"y".repeat(last)}.a.`;
    const zone = zoneOf(optionsOf({ links: [short] }), "b.a.") as LinkZone;
    expect(toLink(zone, parseName(fits(56)))).toBeDefined();
    expect(toLink(zone, parseName(fits(57)))).toBeUndefined();
  });
});
