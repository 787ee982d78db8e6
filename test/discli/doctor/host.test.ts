// Stage 7 judged from evidence: discd's own host, its firewall, clocks, neighbours.

import { expect, test } from "vitest";
import type { Service } from "../../../src/api/shapes.js";
import type { ApiFacts } from "../../../src/discli/doctor/api-facts.js";
import { judgeClock } from "../../../src/discli/doctor/clock.js";
import { judgeFirewall, readRules } from "../../../src/discli/doctor/firewall.js";
import { judgeHolders } from "../../../src/discli/doctor/holders.js";
import { judgeReflector, repeated } from "../../../src/discli/doctor/reflector.js";
import type { Reply } from "../../../src/discli/doctor/reply.js";
import { judgeUpstream } from "../../../src/discli/doctor/upstream.js";

const at = { ok: true, askedSecondsAgo: 2 };
type Health = ApiFacts["health"];
type Update = ApiFacts["updates"][number];

const told = (health: Partial<Health> = {}, updates: Partial<Update>[] = []): ApiFacts => ({
  place: "/run/discd/http",
  health: {
    ...{ ok: true, reasons: [], warnings: [], zones: [] },
    listeners: [{ name: "10.8.0.53 port 53 udp", ...at }],
    links: [{ name: "net1", ...at }],
    ...health,
  },
  updates: updates as Update[],
  services: [],
});

const servfail: Reply = {
  ...{ kind: "answer", rcode: "SERVFAIL", isAuthoritative: false, isRecursive: true },
  ...{ isTruncated: false, ms: 1, bytes: 1, sent: 1, at: 0, found: [] },
};
const parent = { zone: "example.com", soa: servfail };
const failing = { name: "x", ok: false, askedSecondsAgo: 30 };
const posted = { subdomain: "f.example.com", server: "ns1 port 53", trouble: null };

test.each([
  ["all well", told({}, [posted]), undefined, "PASS"],
  ["a listener", told({ listeners: [failing] }), undefined, "LISTENER-FAILS"],
  ["a link", told({ links: [failing] }), undefined, "LINK-FAILS"],
  ["a primary", told({}, [{ ...posted, trouble: "REFUSED" }]), undefined, "UPDATE-FAILS"],
  ["the zone above", told(), parent, "PARENT-SILENT"],
  ["not discd's host", { reason: "nothing listens" }, undefined, "SKIP"],
] as const)("A8.12 upstream: %s", (_, facts, above, expected) => {
  const { code, state } = judgeUpstream({ told: facts, parent: above });
  expect(code ?? state).toBe(expected);
});

/** As nft 1.0.6 prints them. */
const match = (field: string, right: unknown, op = "==") => {
  return { match: { op, left: { payload: { protocol: "udp", field } }, right } };
};
const counter = (packets: number) => ({ counter: { packets, bytes: 1 } });
const ruleset = (...rules: object[][]) =>
  JSON.stringify({
    nftables: [
      { metainfo: { version: "1.0.6" } },
      { set: { family: "inet", name: "ports", table: "filter", elem: [53, 853] } },
      { chain: { family: "inet", table: "filter", name: "input", policy: "drop" } },
      ...rules.map((expr) => ({
        rule: { family: "inet", table: "filter", chain: "input", handle: 3, expr },
      })),
    ],
  });

test.each([
  ["a port", [match("dport", 5353), counter(7), { drop: null }], [5353], "drop", 7],
  ["a set", [match("dport", { set: [53, 853] }), { accept: null }], [53, 853], "accept", undefined],
  [
    "a range",
    [match("sport", { range: [5300, 5360] }), { reject: {} }],
    [5352, 5353],
    "reject",
    undefined,
  ],
  ["a named set", [match("dport", "@ports"), counter(3), { drop: null }], [53, 853], "drop", 3],
] as const)("A8.13 rules of nft: %s", (_, expr, ports, verdict, packets) => {
  expect(readRules(ruleset([...expr]))).toEqual([
    { chain: "inet filter input", ports, verdict, packets },
  ]);
});

test("A8.13 rules about other ports, about all but one, and nonsense are passed over", () => {
  const rules = ruleset(
    [match("dport", 22), { drop: null }],
    [match("dport", 53, "!="), { drop: null }],
    [match("daddr", "10.0.0.1"), { drop: null }],
    [{ counter: null }],
  );
  expect(readRules(rules)).toEqual([]);
  expect(readRules("[]")).toEqual([]);
  expect(readRules('{"nftables":[null,7,{"rule":{"expr":[null]}}]}')).toEqual([]);
});

const rule = (verdict: string, packets: number | undefined) => {
  return { chain: "inet filter input", ports: [53], verdict, packets };
};

test.each([
  ["none", [], "PASS"],
  ["accepts", [rule("accept", 9)], "PASS"],
  ["drops, none so far", [rule("drop", 0)], "PASS"],
  ["has dropped", [rule("accept", 1), rule("drop", 3)], "FIREWALL-DROPS"],
  ["rejects, uncounted", [rule("reject", undefined)], "PASS"],
  ["uncounted before one that has", [rule("drop", undefined), rule("drop", 1)], "FIREWALL-DROPS"],
] as const)("A8.13 firewall: %s", (_, rules, expected) => {
  const { code, state } = judgeFirewall({ rules });
  expect(code ?? state).toBe(expected);
});

test("A8.13 a rule without a counter may never have matched: it is named, and no fault", () => {
  const { decision, evidence } = judgeFirewall({ rules: [rule("drop", undefined)] });
  expect(decision).toBe("no rule is known to have dropped any");
  expect(evidence[0]).toMatch(/ drop, has no counter$/);
  expect(judgeFirewall({ rules: [rule("drop", 0)] }).decision).toBe("no rule has dropped any");
});

test("A8.13 without rights: skipped, with the command", () => {
  const verdict = judgeFirewall({ reason: "Operation not permitted", rules: [] });
  expect([verdict.state, verdict.remedy[0]]).toEqual(["SKIP", expect.stringMatching(/nft list/)]);
});

const service = (link: string, more: Partial<Service> = {}): Service =>
  ({
    ...{ instance: "Printer", type: "_ipp._tcp", host: `p.${link}.example.com`, port: 631 },
    ...{ addresses: ["10.1.0.2"], link },
    ...more,
  }) as Service;

test("C1 row 4 reflector: the same service, host and address on two links", () => {
  const both = [service("net1"), service("net2")];
  expect(repeated(both)).toEqual([
    { text: "Printer (_ipp._tcp) at 10.1.0.2", links: ["net1", "net2"] },
  ]);
  const facts = (services: Service[]) => judgeReflector({ ...told(), services });
  expect(facts(both).code).toBe("REFLECTOR");
  // Equal names on two floors are two printers.
  const other = service("net2", { addresses: ["10.2.0.2"] });
  expect(facts([service("net1"), other]).state).toBe("PASS");
  expect(facts([service("net1")]).state).toBe("SKIP");
  expect(judgeReflector({ reason: "no" }).state).toBe("SKIP");
});

test("A8.22 clocks: more than 60 s apart warns", () => {
  const judge = (...seconds: number[]) =>
    judgeClock(seconds.map((one, i) => ({ whose: `server ${i}`, seconds: one })));
  expect(judge(0.4, -59).state).toBe("PASS");
  expect(judge(61)).toMatchObject({ state: "WARN", code: "CLOCK-SKEW" });
  expect(judge(0, -61).remedy[0]).toMatch(/^set the clock of server 1:/);
  // All agree but we: ours is wrong.
  expect(judge(3600, 3601).remedy[0]).toMatch(/^set the clock of this host:/);
  expect(judge().state).toBe("SKIP");
});

test("C1 row 21 port 5353: who is there, and who quarrels", () => {
  const holder = (program: string | undefined) => ({ program, pids: [1], sockets: 2 });
  expect(judgeHolders([]).state).toBe("PASS");
  expect(judgeHolders([holder("node"), holder("avahi-daemon")]).state).toBe("PASS");
  const both = judgeHolders([holder("systemd-resolve"), holder("avahi-daemon")]);
  expect(both.code).toBe("MDNS-STACKS");
  expect(both.remedy.join()).toMatch(/disallow-other-stacks/);
  expect(judgeHolders([{ program: undefined, pids: [], sockets: 1 }]).evidence).toEqual([
    "programs of others (root sees which): 1 socket",
  ]);
});
