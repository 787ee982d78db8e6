// Whose each record of a zone is. Expected states from docs/update-mode.md and
// draft-ietf-dnsop-update-timeout: a TIMEOUT without hashes speaks for all records of
// its type, one with hashes for those alone. Real zones are in
// test/netns/update-audit.test.ts.

import { expect, test } from "vitest";
import { lifeText } from "../../src/discli/commands/update-audit.js";
import { auditCounts, auditOf } from "../../src/discli/update-audit.js";
import { RRClass, RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR, parseRRs } from "../../src/wire/text.js";
import { encodeTimeout, timeoutHash } from "../../src/wire/timeout.js";

const apex = parseName("z.example");
const timeoutType = 65_280;
const nowSeconds = 1_700_000_000;

function life(name: string, represented: number, left: number, about: readonly RR[] = []): RR {
  const hashes = about.map(({ type, rdata }) => timeoutHash(type, rdata));
  const bytes = encodeTimeout({ represented, expiry: nowSeconds + left, hashes });
  const rdata = { kind: "opaque" as const, bytes };
  return { name: parseName(name), type: timeoutType, class: RRClass.IN, ttlSeconds: 1, rdata };
}

function audited(lines: string, lives: readonly RR[] = [], own?: string): string[] {
  const rrs = [...parseRRs(lines), ...lives];
  const copy = { apex, serial: 1, primary: parseName("ns.z.example"), rrs };
  const input = { copy, timeoutType, nowSeconds, own: own === undefined ? own : parseRRs(own) };
  return auditOf(input).map(({ rr, state }) => {
    const [name, , , type] = formatRR(rr).split(" ");
    return `${state} ${name} ${type}`;
  });
}

const service = "a._ipp._tcp.z.example SRV 0 0 1 h.z.example";

test("by the state file, by lifetimes, by neither", () => {
  expect(audited(service, [], service)).toEqual(["own a._ipp._tcp.z.example. SRV"]);
  expect(audited(service, [], "")).toEqual(["orphan a._ipp._tcp.z.example. SRV"]);
  // Without a state file nothing is known of it.
  expect(audited(service)).toEqual(["unknown a._ipp._tcp.z.example. SRV"]);
  const at = "a._ipp._tcp.z.example";
  expect(audited(service, [life(at, RRType.SRV, 60)], "")).toEqual([`alive ${at}. SRV`]);
  expect(audited(service, [life(at, RRType.SRV, 60)], service)).toEqual([`own ${at}. SRV`]);
  expect(audited(service, [life(at, RRType.SRV, -301)], service)).toEqual([`expired ${at}. SRV`]);
  // What has just ended is removed in the next round.
  expect(audited(service, [life(at, RRType.SRV, -299)], service)).toEqual([`own ${at}. SRV`]);
});

test("A3.18 of several lifetimes the longest counts; hashes speak for single records", () => {
  const at = "_ipp._tcp.z.example";
  const two = [`${at} PTR a.${at}`, `${at} PTR b.${at}`];
  const [first, second] = two.map(parseRR) as [RR, RR];
  const lives = [life(at, RRType.PTR, -3600, [first]), life(at, RRType.PTR, 3600, [second])];
  expect(audited(two.join("\n"), lives)).toEqual([`expired ${at}. PTR`, `alive ${at}. PTR`]);
  expect(audited(two.join("\n"), [...lives, life(at, RRType.PTR, 60)])).toEqual([
    `alive ${at}. PTR`,
    `alive ${at}. PTR`,
  ]);
});

test("TIMEOUT records that speak for nothing, or cannot be read", () => {
  const idle = life("x.z.example", RRType.A, 60);
  expect(audited("", [idle])).toEqual(["idle x.z.example. TYPE65280"]);
  const broken = { ...idle, rdata: { kind: "opaque" as const, bytes: Uint8Array.of(1, 2, 3) } };
  expect(audited("", [broken])).toEqual(["unreadable x.z.example. TYPE65280"]);
});

test("what was written once, and is gone", () => {
  expect(audited("", [], service)).toEqual(["missing a._ipp._tcp.z.example. SRV"]);
});

test("the zone's own records are nobody else's affair", () => {
  const lines = `
z.example NS ns.z.example
z.example NS ns2.z.example
ns.z.example A 192.0.2.1
ns2.z.example A 192.0.2.2
z.example DNSKEY 257 3 13 AAAA`;
  expect(audited(lines, [], "")).toEqual([]);
});

test("foreign: other types, hosts without a service, delegations, names of registrars", () => {
  const lines = `
mail.z.example MX 0 h.z.example
plain.z.example A 192.0.2.7
z.example TXT "v=spf1"
srp.z.example A 192.0.2.8
srp.z.example KEY \\# 4 0200030d
s._ipp._tcp.z.example SRV 0 0 1 srp.z.example
sub.z.example NS ns.example
host.sub.z.example A 192.0.2.9
t._ipp._tcp.sub.z.example SRV 0 0 1 host.sub.z.example`;
  expect(audited(lines, [], "").filter((one) => !one.startsWith("foreign"))).toEqual([
    "orphan s._ipp._tcp.z.example. SRV",
  ]);
});

test("lists for browsing and hosts of services are discd's kind", () => {
  const lines = `
lb._dns-sd._udp.z.example PTR z.example
_services._dns-sd._udp.z.example PTR _ipp._tcp.z.example
${service}
h.z.example A 192.0.2.10`;
  expect(audited(lines, [], "").every((one) => one.startsWith("orphan"))).toBe(true);
});

test("counts, and times for people", () => {
  const rr = parseRR(service);
  const states = ["own", "expired", "own"] as const;
  expect([...auditCounts(states.map((state) => ({ rr, state })))]).toEqual([
    ["expired", 1],
    ["own", 2],
  ]);
  expect([0, 59, 3600, 7260, -7200, 172_800].map(lifeText)).toEqual([
    "0 min",
    "0 min",
    "1 h 0 min",
    "2 h 1 min",
    "-2 h 0 min",
    "2 d",
  ]);
});
