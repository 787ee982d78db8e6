// Stage 3 judged from evidence: each fault by its code, and no other.

import { expect, test } from "vitest";
import type { DirectFacts, ServerFacts } from "../../../src/discli/doctor/direct-facts.js";
import { judgeDirect, judgeHijack } from "../../../src/discli/doctor/direct-stage.js";
import type { Answered, Reply } from "../../../src/discli/doctor/reply.js";

const zone = "floor2.example.com";
const soa: Answered = {
  kind: "answer",
  rcode: "NOERROR",
  isAuthoritative: true,
  isRecursive: false,
  isTruncated: false,
  ms: 3,
  bytes: 100,
  sent: 1,
  at: 0,
  found: ["px.example.com. hostmaster.example.com. 1 2 3 4 5"],
  soa: zone,
};
const silent: Reply = { kind: "silent" };
const failed = (code: string): Reply => ({ kind: "failed", code, reason: code });
const refused = failed("ECONNREFUSED");
const rcode = (text: string): Reply => {
  const { soa: _, ...rest } = soa;
  return { ...rest, rcode: text, found: [] };
};

const resolver: Reply = { ...soa, rcode: "NXDOMAIN", isRecursive: true, found: [] };

const v4 = (udp: Reply, tcp: Reply = udp): ServerFacts => {
  return { server: "10.8.0.53", family: "IPv4", udp, tcp };
};
const v6 = (udp: Reply, tcp: Reply = udp): ServerFacts => {
  return { server: "2001:db8:8::53", family: "IPv6", udp, tcp };
};

const facts = (servers: ServerFacts[], more: Partial<DirectFacts> = {}): DirectFacts => ({
  zone,
  servers,
  nowhere: [{ server: "203.0.113.253", reply: silent, isRouted: true }],
  invented: [],
  otherPorts: [{ port: 853, outcome: "silent" }],
  unprivileged: undefined,
  recursive: undefined,
  lb: undefined,
  types: undefined,
  instances: [],
  ...more,
});

const cases: readonly (readonly [string, DirectFacts, string])[] = [
  ["both families well", facts([v4(soa), v6(soa)]), "PASS"],
  ["this host has no IPv6", facts([v4(soa), v6(failed("ENETUNREACH"))]), "PASS"],
  ["letter case of the zone", facts([v4({ ...soa, soa: "Floor2.EXAMPLE.com" })]), "PASS"],
  ["UDP lost", facts([v4(silent, soa)]), "UDP53-BLOCKED"],
  ["TCP lost", facts([v4(soa, silent)]), "TCP53-BLOCKED"],
  ["IPv6 lost", facts([v4(soa), v6(silent)]), "V6-BROKEN"],
  ["IPv4 lost", facts([v4(silent), v6(soa)]), "V4-BROKEN"],
  ["nothing listens", facts([v4(refused), v6(refused)]), "SERVER-DOWN"],
  ["the other port", facts([v4(refused)], { unprivileged: soa }), "NONSTANDARD-PORT"],
  [
    "port 53 silent, the host there",
    facts([v4(silent)], { otherPorts: [{ port: 853, outcome: "refused" }] }),
    "PORT53-BLOCKED",
  ],
  ["all silent", facts([v4(silent), v6(silent)]), "SERVER-SILENT"],
  ["REFUSED", facts([v4(rcode("REFUSED"))]), "CLIENT-REFUSED"],
  ["SERVFAIL", facts([v4(rcode("SERVFAIL"))]), "SERVER-FAILS"],
  ["NXDOMAIN", facts([v4(rcode("NXDOMAIN"))]), "NOT-SERVED"],
  ["the zone above answers", facts([v4({ ...soa, found: [], soa: "example.com" })]), "NOT-SERVED"],
  ["one of two", facts([v4(soa), { ...v4(silent), server: "10.8.0.54" }, v6(soa)]), "SERVER-LAME"],
  ["a resolver", facts([v4({ ...soa, isAuthoritative: false })]), "NOT-AUTHORITATIVE"],
  ["another's resolver", facts([v4(rcode("REFUSED"))], { recursive: resolver }), "NOT-DISCD"],
  [
    "refused by discd",
    facts([v4(rcode("REFUSED"))], { recursive: rcode("REFUSED") }),
    "CLIENT-REFUSED",
  ],
  ["link down", facts([v4(soa)], { types: rcode("SERVFAIL") }), "SERVER-FAILS"],
  ["nothing there", facts([v4(soa)], { types: rcode("NXDOMAIN") }), "PASS"],
  ["no lb", facts([v4(soa)], { lb: { ...soa, found: [] } }), "NO-LB"],
  ["somebody else answers", facts([v4(soa)], { invented: ["192.0.2.1"] }), "SKIP"],
  ["no server", facts([]), "SKIP"],
  ["no zone", { ...facts([v4(soa)]), zone: undefined }, "SKIP"],
];

test.each(cases)("A8.4 A8.15 A8.23 direct: %s", (_, given, expected) => {
  const { code, state, remedy } = judgeDirect(given);
  expect(code ?? state).toBe(expected);
  if (state !== "PASS") expect(remedy).not.toEqual([]);
});

test("A8.4 A8.26 hijack: who answers where nobody is", () => {
  const there = [{ server: "203.0.113.253", reply: rcode("NXDOMAIN"), isRouted: true }];
  expect(judgeHijack(facts([])).state).toBe("PASS");
  expect(judgeHijack(facts([], { nowhere: there })).code).toBe("PORT53-HIJACKED");
  expect(judgeHijack(facts([], { nowhere: there, invented: ["10.0.0.1"] })).code).toBe(
    "CAPTIVE-PORTAL",
  );
});

test("A8.26 hijack: what never left this host proves nothing", () => {
  const lost = failed("ENETUNREACH");
  const judged = (...of: readonly (readonly [Reply, boolean])[]) => {
    const nowhere = of.map(([reply, isRouted]) => ({ server: "192.0.2.1", reply, isRouted }));
    return judgeHijack(facts([], { nowhere })).state;
  };
  expect(judged([lost, false], [lost, false])).toBe("SKIP");
  expect(judged([silent, true], [lost, false])).toBe("PASS");
  // A router said so: the query came as far as there.
  expect(judged([lost, true], [lost, false])).toBe("PASS");
  expect(judged([rcode("REFUSED"), true], [lost, false])).toBe("FAIL");
});

test("A8.4 the evidence is what dig shows: rcode, milliseconds, records", () => {
  const lb = { ...soa, found: [zone] };
  const nsid = { ...soa, nsid: "px1" };
  const { evidence } = judgeDirect(facts([v4(nsid)], { lb }));
  expect(evidence).toEqual([
    "10.8.0.53 UDP: SOA NOERROR in 3 ms, authoritative, NSID px1",
    "10.8.0.53 TCP: SOA NOERROR in 3 ms, authoritative, NSID px1",
    "lb: NOERROR in 3 ms, authoritative: floor2.example.com",
    "no service instance was found on the link so far",
  ]);
});
