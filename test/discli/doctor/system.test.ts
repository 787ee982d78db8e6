// Stage 4 judged from evidence: what the system's resolver makes of discd's answers.

import { expect, test } from "vitest";
import type { Answered, Reply } from "../../../src/discli/doctor/reply.js";
import {
  effectiveOf,
  localZoneOf,
  type SystemFacts,
} from "../../../src/discli/doctor/system-facts.js";
import {
  judgeLatency,
  judgeRebinding,
  judgeReverse,
  judgeSystem,
  type SystemEvidence,
} from "../../../src/discli/doctor/system-stage.js";
import { judgeTrace, traceCodes } from "../../../src/discli/doctor/trace.js";
import { fail, pass, warn } from "../../../src/discli/doctor/verdict.js";

const zone = "floor1.example.com";
const good: Answered = {
  ...{ kind: "answer", rcode: "NOERROR", isAuthoritative: false, isRecursive: true },
  ...{ isTruncated: false, ms: 3, bytes: 100, sent: 1, at: 0, found: ["x"] },
  ...{ soa: zone, primary: "px.example.com" },
};
const silent: Reply = { kind: "silent" };
const rcode = (text: string): Reply => ({ ...good, rcode: text, found: [], soa: "example.com" });
const found = (...records: string[]): Reply => ({ ...good, found: records });

const facts = (soa: Reply | undefined, more: Partial<SystemEvidence> = {}): SystemEvidence => ({
  zone,
  discd: ["10.8.0.53"],
  asked:
    soa === undefined ? [{ server: "10.7.0.53", soa: silent }] : [{ server: "10.7.0.53", soa }],
  soa,
  unchecked: undefined,
  direct: good,
  lb: undefined,
  addresses: [],
  reverse: undefined,
  directTimes: [],
  systemTimes: [],
  isUndelegated: false,
  ...more,
});

test.each([
  ["ENETUNREACH", /^bring up the link, the VPN or the route that leads to 10\.7\.0\.53$/],
  ["EHOSTUNREACH", /^bring up/],
  ["ECONNREFUSED", /^start the resolver at 10\.7\.0\.53/],
  ["EPERM", /firewall/],
  ["", /^ping 10\.7\.0\.53/],
])("A8.5 a resolver that does not answer (%s): what fits that", (code, first) => {
  const lost: Reply = code === "" ? silent : { kind: "failed", code, reason: code };
  const asked = [{ server: "10.7.0.53", soa: lost }];
  const { code: verdict, remedy } = judgeSystem(facts(undefined, { asked }));
  expect(verdict).toBe("RESOLVER-DOWN");
  expect(remedy).toEqual([
    expect.stringMatching(first) as string,
    "or name a resolver in resolv.conf that answers: dig @ADDRESS . SOA",
  ]);
});

test.each([
  ["the same", facts(good), "PASS"],
  ["denied", facts(rcode("NXDOMAIN")), "ZONE-NOT-SENT"],
  ["the zone above answers", facts({ ...good, found: [], soa: "example.com" }), "ZONE-NOT-SENT"],
  ["denied, since nobody delegates", facts(rcode("NXDOMAIN"), { isUndelegated: true }), "SKIP"],
  ["silence", facts(undefined), "RESOLVER-DOWN"],
  ["REFUSED", facts(rcode("REFUSED")), "RESOLVER-REFUSES"],
  ["SERVFAIL", facts(rcode("SERVFAIL"), { unchecked: rcode("SERVFAIL") }), "RESOLVER-FAILS"],
  ["SERVFAIL, fine with CD", facts(rcode("SERVFAIL"), { unchecked: good }), "DNSSEC-SERVFAIL"],
  ["another server's zone", facts({ ...good, primary: "ns.other.example" }), "OTHER-ZONE"],
  ["no zone", facts(good, { zone: undefined }), "SKIP"],
  ["discd unknown, zone found", facts(good, { direct: undefined }), "PASS"],
] as const)("A8.5 A8.15 system-path: %s", (_, given, expected) => {
  const { code, state, remedy, decision } = judgeSystem(given);
  expect(code ?? state).toBe(expected);
  if (state === "FAIL") expect(remedy).not.toEqual([]);
  if (code === "ZONE-NOT-SENT") {
    expect(decision).toBe(`the system's resolver does not send ${zone} to 10.8.0.53`);
  }
});

test("what is to be typed into a shell stays one word, whatever a zone is called", () => {
  const odd = "a`reboot`'s.$(reboot).example";
  const given = facts(rcode("NXDOMAIN"), { zone: odd });
  expect(judgeSystem(given).remedy).toContain(
    "systemd-resolved: resolvectl dns IF 10.8.0.53; " +
      "resolvectl domain IF ~'a`reboot`'\\''s.$(reboot).example'",
  );
});

test("A8.5 a program gets the first answer that is not evasive", () => {
  const asked = (...replies: Reply[]) =>
    effectiveOf(replies.map((soa, at) => ({ server: String(at), soa })))?.server;
  expect(asked(silent, rcode("SERVFAIL"), good)).toBe("2");
  expect(asked(rcode("NXDOMAIN"), good)).toBe("0");
  expect(asked(rcode("REFUSED"), silent)).toBe("0");
  expect(asked(silent)).toBeUndefined();
});

const lb = (direct: Reply, system: Reply) => {
  return facts(good, { lb: { what: "lb", direct, system } });
};

test.each([
  ["equal", lb(found(zone), found(zone)), "PASS"],
  ["in another order and case", lb(found("a.example", zone), found(zone, "A.example")), "PASS"],
  ["neither has one", lb(found(), rcode("NXDOMAIN")), "PASS"],
  ["another domain", lb(found(zone), found("floor2.example.com")), "LB-DIFFERS"],
  ["fewer", lb(found("a.example", zone), found(zone)), "LB-DIFFERS"],
  ["the resolver denies it", lb(found(zone), rcode("NXDOMAIN")), "LB-DIFFERS"],
  ["one was cut off", lb(found(zone, "a.example"), { ...good, isTruncated: true }), "PASS"],
  ["the resolver is silent", lb(found(zone), silent), "PASS"],
] as const)("A8.5 system-path, the lists of browse domains: %s", (_, given, expected) => {
  const { code, state, decision, evidence, remedy } = judgeSystem(given);
  expect(code ?? state).toBe(expected);
  expect(evidence.at(-1)).toMatch(/^lb: discd .*; system /);
  if (state !== "WARN") return;
  // Lists for some clients are no fault, and nobody can tell from here.
  expect(decision).toMatch(/^discd tells this host to browse .*; right where discd\.lua has lists/);
  expect(remedy).toHaveLength(2);
});

const a = (direct: Reply, system: Reply) => [{ what: "A of p", direct, system }];

test.each([
  ["all arrive", a(found("10.1.0.2"), found("10.1.0.2")), "PASS"],
  ["they vanish", a(found("10.1.0.2"), found()), "REBIND"],
  ["they are denied", a(found("10.1.0.2"), rcode("NXDOMAIN")), "REBIND"],
  ["no answer", a(found("10.1.0.2"), silent), "ADDRESS-SILENT"],
  ["the host has none", a(found(), found()), "SKIP"],
  ["no service", [], "SKIP"],
] as const)("C1 row 11 rebinding: %s", (_, addresses, expected) => {
  const { code, state, remedy } = judgeRebinding(facts(good, { addresses }));
  expect(code ?? state).toBe(expected);
  if (code !== "REBIND") return;
  expect(remedy).toContain(`Unbound: private-domain: "${zone}"`);
  expect(remedy.join("\n")).toContain(`rebind-domain-ok=/${zone}/`);
});

const reverseOf = (system: Reply): Partial<SystemFacts> => {
  return { reverse: { what: "0.1.10.in-addr.arpa.", direct: good, system } };
};

test.each([
  ["through to discd", { ...good, soa: "0.1.10.in-addr.arpa" }, "PASS"],
  [
    "eaten by Unbound",
    { ...good, found: [], soa: "10.in-addr.arpa", primary: "localhost" },
    "REVERSE-EATEN",
  ],
  [
    "eaten by AS112",
    { ...good, found: [], soa: "10.in-addr.arpa", primary: "prisoner.iana.org" },
    "REVERSE-EATEN",
  ],
  [
    "the site's own",
    { ...good, found: [], soa: "10.in-addr.arpa", primary: "ns.example.com" },
    "PASS",
  ],
  ["silence", silent, "SKIP"],
] as const)("C1 row 11 reverse: %s", (_, system, expected) => {
  const { code, state } = judgeReverse(facts(good, reverseOf(system as Reply)));
  expect(code ?? state).toBe(expected);
});

test("RFC 6303: the zones that resolvers keep to themselves", () => {
  expect(localZoneOf("0.1.10.in-addr.arpa.")).toBe("10.in-addr.arpa");
  expect(localZoneOf("5.20.172.in-addr.arpa.")).toBe("20.172.in-addr.arpa");
  expect(localZoneOf("5.40.172.in-addr.arpa.")).toBeUndefined();
  expect(localZoneOf("2.0.192.in-addr.arpa.")).toBeUndefined();
});

test.each([
  ["near", [1, 2, 3], [2, 3, 400], "PASS", ""],
  ["discd far", [1, 160, 170], [1, 160, 160], "FAR-RESOLVER", "discd (10.8.0.53)"],
  ["the resolver far", [1, 2, 3], [151, 152, 153], "FAR-RESOLVER", "the system's resolver"],
  ["nothing timed", [], [], "SKIP", ""],
] as const)("A8.15 latency: %s", (_, directTimes, systemTimes, expected, who) => {
  const { code, state, decision } = judgeLatency(facts(good, { directTimes, systemTimes }));
  expect(code ?? state).toBe(expected);
  if (who !== "") expect(decision.startsWith(who)).toBe(true);
});

test("A8.10 trace: the first that fails is told, with the way that led there", () => {
  const way = { id: "way", ...pass("it leads down", ["root", "example.com"]) } as const;
  const none = {
    id: "delegation",
    ...fail("no-ns", "no NS", ["add it"], ["example.com NS"]),
  } as const;
  const differs = { id: "ns", ...warn("ns-differs", "they differ", ["mend"], []) } as const;
  expect(judgeTrace({ findings: [way], isFound: true })).toMatchObject({ state: "PASS" });
  expect(judgeTrace({ findings: [way, differs, none], isFound: false })).toMatchObject({
    ...{ state: "FAIL", code: "NO-NS", remedy: ["add it"] },
    evidence: ["root", "example.com", "example.com NS"],
  });
  expect(judgeTrace({ findings: [way, none], isFound: true }).state).toBe("PASS");
  expect(judgeTrace({ findings: [way, differs], isFound: true }).code).toBe("NS-DIFFERS");
  expect(judgeTrace({ findings: undefined, isFound: true }).state).toBe("SKIP");
  expect(Object.keys(traceCodes)).toContain("NO-NS");
});
