// Options that contradict each other or the RFC.

import { describe, expect, test } from "vitest";
import { parsePrefix } from "../../src/address.js";
import { checkOptions } from "../../src/proxy/check.js";
import type { ProxyOptions, ServedLink } from "../../src/proxy/options.js";
import { parseName } from "../../src/wire/name.js";
import { ldh, linkOf, listOf, names, optionsOf, reverse4, rich, rrs } from "./floor.js";

const other = (over: Partial<ServedLink> = {}): ServedLink =>
  linkOf({
    link: "net2",
    service: parseName("f2.test."),
    host: parseName("f2.test."),
    reverse: [],
    ...over,
  });

/** Findings as `path: text`, warnings with a W in front. */
const found = (over: Partial<ProxyOptions>): string[] =>
  checkOptions(optionsOf(over)).map(
    ({ path, link, text, isWarning }) =>
      `${isWarning ? "W " : ""}${link === undefined ? "" : `${link} `}${path}: ${text}`,
  );

test("[DP-1] [DP-14] nothing is wrong with the ordinary", () => {
  expect(found({})).toEqual([]);
  expect(found({ links: [linkOf({ host: parseName(rich) })] })).toEqual([]);
  expect(found({ links: [] })).toEqual([]);
});

describe("zones", () => {
  test.each([
    {
      what: "service",
      over: { service: parseName(rich), host: parseName("h2.test.") },
      path: "subdomain",
    },
    { what: "host", over: { host: parseName("BLDG-1.example.com.") }, path: "hosts" },
    { what: "service as the other's host", over: { service: parseName(ldh) }, path: "subdomain" },
    { what: "alias", over: { aliases: names("x.test.", ldh) }, path: "aliases[2]" },
    { what: "reverse", over: { reverse: [parsePrefix("203.0.112.0/23")!] }, path: "reverse" },
  ])("[DP-3] one zone on two links: $what", ({ over, path }) => {
    const [finding, ...more] = found({ links: [linkOf(), other(over)] });
    expect(finding).toMatch(`net2 ${path}: the zone `);
    expect(finding).toMatch("is also named by interface net1");
    expect(more).toEqual([]);
  });

  test("[DP-3] a zone of records that is a link's", () => {
    expect(found({ zones: names("mesh.", ldh) })).toEqual([
      "zones[2]: the zone bldg-1.example.com is also named by interface net1",
    ]);
  });

  test("[DP-3] an alias that is the zone itself", () => {
    expect(found({ links: [linkOf({ aliases: names(rich) })] })).toHaveLength(1);
  });

  test("prefixes of one link may overlap, zones may lie inside others", () => {
    const reverse = [parsePrefix("10.1.2.0/23")!, parsePrefix("10.1.3.0/24")!];
    const inner = other({ service: parseName(`inner.${ldh}`), host: parseName(`inner.${ldh}`) });
    expect(found({ links: [linkOf({ reverse }), inner], zones: names("example.com.") })).toEqual(
      [],
    );
  });

  test.each(["local.", "Local.", "x.local.", "254.169.in-addr.arpa.", "1.8.e.f.ip6.arpa."])(
    "[DP-110] %s cannot be a zone",
    (name) => {
      expect(found({ zones: names(name) })).toHaveLength(1);
      const link = other({ service: parseName(name), host: parseName(name) });
      expect(found({ links: [link] })[0]).toMatch("net2 subdomain: ");
    },
  );

  test.each(["169.254.7.0/24", "fe80::/64", "febf::/16"])(
    "[DP-110] nor the prefix %s",
    (prefix) => {
      expect(found({ links: [linkOf({ reverse: [parsePrefix(prefix)!] })] })[0]).toMatch(
        "net1 reverse: ",
      );
    },
  );

  test("the root cannot be a zone", () => {
    expect(found({ zones: names(".") })[0]).toMatch("zones[1]: the root");
  });

  test.each([
    { host: "Room 5.example.com.", warns: true },
    { host: "büro.example.com.", warns: true },
    { host: "a_b.example.com.", warns: true },
    { host: "xn--bro-hoa.example.com.", warns: false },
    { host: "Floor-1.example.com.", warns: false },
  ])("[DP-12] a host zone of other characters is a warning: $host", ({ host, warns }) => {
    const findings = checkOptions(optionsOf({ links: [linkOf({ host: parseName(host) })] }));
    expect(findings.map(({ path, isWarning }) => [path, isWarning])).toEqual(
      warns ? [["hosts", true]] : [],
    );
  });

  test.each([
    { prefix: "10.1.2.0/25", wrong: true },
    { prefix: "10.1.2.3", wrong: true },
    { prefix: "2001:db8::/65", wrong: true },
    { prefix: "0.0.0.0/0", wrong: true },
    { prefix: "10.1.2.0/23", wrong: false },
    { prefix: "10.0.0.0/8", wrong: false },
    { prefix: "2001:db8::/63", wrong: false },
  ])("[DP-17] reverse = $prefix", ({ prefix, wrong }) => {
    const reverse = [parsePrefix("203.0.113.0/24")!, parsePrefix(prefix)!];
    const findings = found({ links: [linkOf({ reverse })] });
    expect(findings.map((line) => line.slice(0, "net1 reverse[2]".length))).toEqual(
      wrong ? ["net1 reverse[2]"] : [],
    );
  });
});

describe("the daemon's own names", () => {
  test.each([
    { over: { nameservers: names("ok.example.net.", `ns1.${ldh}`) }, path: "nameservers[2]" },
    { over: { nameservers: names(`NS.${rich}`) }, path: "nameservers[1]" },
    { over: { nameservers: names(`1.${reverse4}`) }, path: "nameservers[1]" },
    { over: { hostname: parseName(`px.${ldh}`) }, path: "hostname" },
    { over: { hostname: parseName(ldh) }, path: "hostname" },
    { over: { hostname: parseName("px.mesh."), zones: names("mesh.") }, path: "hostname" },
  ])("[DP-99] inside a zone: $path", ({ over, path }) => {
    expect(found(over).map((line) => line.split(":")[0])).toEqual([path]);
  });

  test("[DP-99] above a zone is outside", () => {
    expect(found({ hostname: parseName("example.com.") })).toEqual([]);
  });
});

describe("browse", () => {
  const b = names("one.test.", "two.test.");
  test.each([
    { lists: { b, db: names("Two.test.") }, want: [] },
    { lists: { b, db: names("two.test.", "three.test.") }, want: ["browse.db[2]"] },
    { lists: { b: [], db: names("one.test.") }, want: ["browse.db[1]"] },
    { lists: { db: names(rich) }, want: [] },
    { lists: { db: names("one.test.") }, want: ["browse.db[1]"] },
    { lists: { b }, want: [] },
  ])("[DP-23] db has to be in b: $want", ({ lists, want }) => {
    expect(found({ browse: lists }).map((line) => line.split(":")[0])).toEqual(want);
  });

  test("[DP-23] both are named", () => {
    expect(found({ browse: { b, db: names("three.test.") } })).toEqual([
      "browse.db[1]: three.test is not a domain of b, which lists one.test, two.test",
    ]);
  });

  test("[DP-23] for some clients too, with the general lists where they say nothing", () => {
    const client = listOf("10.0.0.0/8");
    const browseFor = [
      { client, lists: { db: names("one.test.") } },
      { client, lists: { b: names("three.test."), db: names("one.test.") } },
    ];
    expect(found({ browse: { b }, browseFor }).map((line) => line.split(":")[0])).toEqual([
      "browse[2].db[1]",
    ]);
  });

  // 255 bytes each: 4 labels of 63 less what the root and the number take.
  const longest = (at: number) =>
    parseName(`${`${"x".repeat(63)}.`.repeat(3)}${String(at).padStart(61, "y")}.`);

  test.each([
    { count: 200, want: [] },
    { count: 243, want: [] },
    { count: 244, want: ["browse.lb"] },
    { count: 500, want: ["browse.lb"] },
  ])("[DP-25] $count domains of the greatest length", ({ count, want }) => {
    const lb = Array.from({ length: count }, (_, at) => longest(at));
    expect(found({ browse: { lb } }).map((line) => line.split(":")[0])).toEqual(want);
  });
});

describe("records", () => {
  test.each([
    { line: `nas.${ldh} 300 A 192.0.2.1`, want: [] },
    { line: "nas.mesh. 300 A 192.0.2.1", want: [] },
    { line: `9.${reverse4} 300 PTR nas.${ldh}`, want: [] },
    { line: "nas.elsewhere. 300 A 192.0.2.1", want: ["in no zone served here"] },
    { line: "nas.local. 300 A 192.0.2.1", want: ["in no zone served here"] },
    { line: `nas.${ldh} 300 NS ns.test.`, want: ["type NS cannot be written by hand"] },
    { line: "mesh. 300 SOA a. b. 1 2 3 4 5", want: ["type SOA cannot"] },
    { line: `nas.${ldh} 300 DNAME a.test.`, want: ["type DNAME cannot"] },
    { line: "mesh. 300 CNAME a.test.", want: ["is an apex"] },
    { line: `_dns-update._udp.${ldh} 300 SRV 0 0 53 a.test.`, want: ["answered by discd itself"] },
    { line: "_dns-update._udp.mesh. 300 SRV 0 0 53 a.test.", want: [] },
    { line: `_ipp._tcp.${rich} 300 PTR x._ipp._tcp.${rich}`, want: ["hidden by this PTR"] },
    { line: `b._dns-sd._udp.${rich} 300 PTR x.test.`, want: [] },
  ])("$line", ({ line, want }) => {
    const findings = found({ zones: names("mesh."), records: rrs(`ok.${ldh} 300 TXT x`, line) });
    expect(findings).toHaveLength(want.length);
    want.forEach((text, at) => {
      expect(findings[at]).toMatch(/^(W )?records\[2\]: /);
      expect(findings[at]).toContain(text);
    });
  });

  test("a CNAME stands alone", () => {
    const records = rrs(`a.${ldh} 300 CNAME b.${ldh}`, `A.${ldh} 300 TXT x`);
    expect(found({ records })).toHaveLength(2);
  });
});

describe("translate", () => {
  const of = (txt: Record<string, string | true>, subtypes: string[] = []) =>
    found({ links: [linkOf({ translate: [{ type: "_ipp._tcp", txt, subtypes }] })] });

  test("keys and strings of TXT", () => {
    expect(of({ URF: "none", air: true })).toEqual([]);
    expect(of({ "": "x" })).toHaveLength(1);
    expect(of({ "a=b": "x" })).toHaveLength(1);
    expect(of({ Größe: "x" })).toHaveLength(1);
    expect(of({ k: "v".repeat(253) })).toEqual([]);
    expect(of({ k: "v".repeat(254) })).toEqual([
      "net1 translate[1].txt.k: longer than 255 bytes with its key",
    ]);
  });

  test("subtypes are labels", () => {
    expect(of({}, ["_universal", "x".repeat(63)])).toEqual([]);
    expect(of({}, ["_universal", ""])[0]).toMatch("net1 translate[1].subtypes[2]: ");
    expect(of({}, ["ü".repeat(32)])).toHaveLength(1);
  });
});
