// What a walk down to a zone is judged to be. The right one has no fault; each row
// of the table spoils one thing, and exactly one finding must say so. Walks that
// servers really gave are in test/netns/delegation-verify.test.ts.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Expected,
  isLookedAt,
  judgeWalk,
  toldText,
} from "../../src/discli/delegation-verdict.js";
import type { ChildPlace, Host, Told, Walk } from "../../src/discli/delegation-walk.js";
import { Rcode } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { parseRRs } from "../../src/wire/text.js";

const child = parseName("floor.example.com");
const parent = parseName("example.com");

interface Answer {
  readonly rcode?: number;
  readonly aa?: boolean;
  readonly answers?: string;
  readonly authorities?: string;
  readonly additionals?: string;
}

function answer({ rcode = 0, aa = true, answers = "", authorities = "", ...rest }: Answer): Told {
  return {
    kind: "answer",
    rcode,
    isAuthoritative: aa,
    answers: parseRRs(answers),
    authorities: parseRRs(authorities),
    additionals: parseRRs(rest.additionals ?? ""),
    ms: 1,
  };
}

const silent: Told = { kind: "silent" };
const noRoute: Told = { kind: "failed", code: "ENETUNREACH", reason: "this host has no route" };
const closed: Told = { kind: "failed", code: "ECONNREFUSED", reason: "nothing listens there" };

const host = (address: string, name = "px.example.com"): Host => {
  return { address, port: 53, name: parseName(name) };
};

const soa = answer({ answers: "floor.example.com 10 SOA px.example.com h.example.com 1 2 3 4 5" });
const ns = answer({ answers: "floor.example.com 10 NS px.example.com" });
const referral = answer({ aa: false, authorities: "floor.example.com 60 NS px.example.com" });

const place = (address: string, spoilt: Partial<ChildPlace> = {}): ChildPlace => {
  return { host: host(address), soa, ns, tcp: soa, own: [], ...spoilt };
};

const right: Walk = {
  child,
  steps: [{ zone: parent, asked: [{ host: host("192.0.2.1", "ns.example.com"), told: referral }] }],
  parent,
  ds: [{ host: host("192.0.2.1", "ns.example.com"), told: answer({}) }],
  servers: [
    {
      name: parseName("px.example.com"),
      source: "glue",
      places: [place("192.0.2.53"), place("2001:db8::53")],
    },
  ],
  dnskey: answer({}),
  lists: {
    domain: parent,
    lb: answer({ answers: "lb._dns-sd._udp.example.com 60 PTR floor.example.com" }),
  },
};

const told = (one: Told): Partial<Walk> => ({
  steps: [{ zone: parent, asked: [{ host: host("192.0.2.1", "ns.example.com"), told: one }] }],
  servers: [],
  ds: [],
});

const served = (...some: readonly ChildPlace[]): Partial<Walk> => ({
  servers: [{ name: parseName("px.example.com"), source: "parent", places: some }],
});

const two = (second: Told): Partial<Walk> => ({
  steps: [
    {
      zone: parent,
      asked: [
        { host: host("192.0.2.1", "ns.example.com"), told: referral },
        { host: host("192.0.2.2", "ns2.example.com"), told: second },
      ],
    },
  ],
});

function faults(spoilt: Partial<Walk>, expected?: Expected): string[] {
  return judgeWalk({ ...right, ...spoilt }, expected)
    .filter(({ state }) => state === "FAIL" || state === "WARN")
    .map(({ id, state, code }) => `${state} ${id} ${code}`);
}

test("C1 row 13: nothing is wrong with what is right", () => {
  const findings = judgeWalk(right);
  expect(findings.map(({ state }) => state)).toEqual(findings.map(() => "PASS"));
  expect(findings.map(({ id }) => id)).toEqual(
    [
      "way",
      "delegation",
      "parents",
      "glue",
      "reach",
      "families",
      "tcp",
      "authority",
      "ns",
      "ds",
    ].concat("lb"),
  );
});

const ds = `floor.example.com 60 DS 1 13 2 ${"ab".repeat(32)}`;

test.each<[string, Partial<Walk>, string]>([
  ["silent parents", told(silent), "FAIL way parent-silent"],
  ["NXDOMAIN", told(answer({ rcode: Rcode.NXDOMAIN })), "FAIL delegation nxdomain"],
  ["NODATA", told(answer({})), "FAIL delegation no-ns"],
  [
    "an alias",
    told(answer({ answers: "floor.example.com 60 CNAME other.example" })),
    "FAIL delegation cname",
  ],
  ["a parent that refuses", told(answer({ rcode: Rcode.REFUSED })), "FAIL delegation parent-lame"],
  ["a second parent without it", two(answer({})), "WARN parents parents-differ"],
  ["a second parent that is silent", two(silent), "WARN parents parents-differ"],
  [
    "a name server without an address",
    { servers: [{ name: parseName("px.example.com"), source: "nobody", places: [] }] },
    "FAIL glue glue-missing",
  ],
  [
    "all addresses dead",
    served(place("192.0.2.53", { soa: silent, ns: silent, tcp: silent })),
    "FAIL reach unreachable",
  ],
  [
    "a closed port",
    served(place("192.0.2.53", { soa: closed, ns: closed, tcp: closed })),
    "FAIL reach unreachable",
  ],
  [
    "one of two addresses dead",
    served(place("192.0.2.53"), place("192.0.2.54", { soa: silent, ns: silent, tcp: silent })),
    "WARN reach partly-unreachable",
  ],
  [
    "IPv6 dead",
    served(place("192.0.2.53"), place("2001:db8::53", { soa: silent, ns: silent, tcp: silent })),
    "WARN families one-family",
  ],
  [
    "IPv4 dead",
    served(place("192.0.2.53", { soa: silent, ns: silent, tcp: silent }), place("2001:db8::53")),
    "WARN families one-family",
  ],
  ["no TCP", served(place("192.0.2.53", { tcp: silent })), "FAIL tcp no-tcp"],
  [
    "REFUSED",
    served(place("192.0.2.53", { soa: answer({ rcode: Rcode.REFUSED }), ns: answer({}) })),
    "FAIL authority lame",
  ],
  [
    "SERVFAIL",
    served(place("192.0.2.53", { soa: answer({ rcode: Rcode.SERVFAIL }), ns: answer({}) })),
    "FAIL authority lame",
  ],
  [
    "an answer without AA",
    served(place("192.0.2.53", { soa: { ...soa, isAuthoritative: false } as Told })),
    "FAIL authority lame",
  ],
  [
    "an answer without SOA",
    served(place("192.0.2.53", { soa: answer({}) })),
    "FAIL authority lame",
  ],
  [
    "a name server that the child does not name",
    served(
      place("192.0.2.53", { ns: answer({ answers: "floor.example.com 1 NS px2.example.com" }) }),
    ),
    "WARN ns ns-differs",
  ],
  [
    "a DS record",
    { ds: [{ host: host("192.0.2.1"), told: answer({ answers: ds }) }] },
    "FAIL ds ds-unsigned",
  ],
  [
    "lb without it",
    { lists: { domain: parent, lb: answer({ rcode: Rcode.NXDOMAIN }) } },
    "WARN lb lb-missing",
  ],
])("C1 row 13: %s is one fault", (_, spoilt, want) => expect(faults(spoilt)).toEqual([want]));

test("what this host cannot ask is nobody's fault", () => {
  const away = { soa: noRoute, ns: noRoute, tcp: noRoute };
  expect(faults(served(place("192.0.2.53"), place("2001:db8::53", away)))).toEqual([]);
  expect(faults(served(place("2001:db8::53", away)))).toEqual([]);
});

test("lists that nobody tells are not missing", () => {
  for (const lb of [silent, answer({ rcode: Rcode.REFUSED }), answer({ rcode: Rcode.SERVFAIL })]) {
    const findings = judgeWalk({ ...right, lists: { domain: parent, lb } });
    expect(findings.find(({ id }) => id === "lb")).toMatchObject({ state: "SKIP" });
  }
});

test("a zone that is signed after all may have a DS record", () => {
  const dnskey = answer({ answers: "floor.example.com 60 DNSKEY 257 3 13 AAAA" });
  expect(
    faults({ ds: [{ host: host("192.0.2.1"), told: answer({ answers: ds }) }], dnskey }),
  ).toEqual([]);
});

test("remedies are records: what discd.lua says, what the child says, what is there besides", () => {
  const expected = { servers: ["px.example.com", "px2.example.com"].map((one) => parseName(one)) };
  const lines = (spoilt: Partial<Walk>, what?: Expected) =>
    judgeWalk({ ...right, ...spoilt }, what).flatMap(({ remedy }) => remedy);
  expect(lines(told(answer({ rcode: Rcode.NXDOMAIN })), expected)).toEqual([
    "add to example.com: floor.example.com. 3600 IN NS px.example.com.",
    "add to example.com: floor.example.com. 3600 IN NS px2.example.com.",
  ]);
  const lb = answer({ answers: "lb._dns-sd._udp.example.com 60 PTR other.example.com" });
  const found = judgeWalk({ ...right, lists: { domain: parent, lb } }).at(-1);
  expect(found?.remedy).toEqual([
    "add to example.com: lb._dns-sd._udp.example.com. 3600 IN PTR floor.example.com.",
  ]);
  // Whole sets, for keepers whose words replace sets.
  expect(found?.wanted).toHaveLength(2);
  expect(lines({ ds: [{ host: host("192.0.2.1"), told: answer({ answers: ds }) }] })).toEqual([
    `remove from example.com: floor.example.com. 60 IN DS 1 13 2 ${"AB".repeat(32)}`,
  ]);
});

test("reverse zones and zones of host names are not browsed", () => {
  const lists = { domain: parent, lb: answer({}) };
  expect(faults({ lists }, { isBrowsed: false })).toEqual([]);
});

test("docs/delegation.md has every finding and what it may find", () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const page = read("docs/delegation.md");
  const source = read("src/discli/delegation-verdict.ts");
  const calls = source.matchAll(/\b(?:fail|warn|failed|judged)\(\s*"([a-z-]+)"/g);
  const codes = new Set([...calls].map(([, code]) => code));
  expect(codes.size).toBeGreaterThan(14);
  for (const code of codes) expect(page).toContain(`\`${code}\``);
  for (const { id } of judgeWalk(right)) expect(page).toContain(`| \`${id}\` |`);
});

test("what a server says of itself cannot write to a terminal", () => {
  expect(toldText({ ...(soa as Told & { kind: "answer" }), nsid: "\u001b[2Jpx" })).toBe(
    "NOERROR, authoritative, NSID ?[2Jpx in 1 ms",
  );
});

test("C1 row 13: a delegation that nobody told of was not looked at", () => {
  const looked = (spoilt: Partial<Walk>) => isLookedAt(judgeWalk({ ...right, ...spoilt }));
  expect(looked({})).toBe(true);
  expect(looked(told(silent))).toBe(false);
  // The zone's own server was asked, which knows nothing of a delegation.
  expect(faults(told(ns))).toEqual([]);
  expect(looked(told(ns))).toBe(false);
  expect(looked(served(place("192.0.2.53", { soa: noRoute, tcp: noRoute })))).toBe(false);
  expect(isLookedAt([])).toBe(false);
});
