// The policy of a site: the list of endpoints, and what is made of what was seen.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DohFacts, Try } from "../../../src/discli/doctor/doh.js";
import { endpointsMax, listBytesMax, readEndpoints } from "../../../src/discli/doctor/doh-list.js";
import { judgeDoh, judgeLeakRoutes, policyStage } from "../../../src/discli/doctor/policy-stage.js";
import type { Reply } from "../../../src/discli/doctor/reply.js";
import type { Route } from "../../../src/discli/doctor/route-stage.js";
import type { Verdict } from "../../../src/discli/doctor/verdict.js";
import { endpointsFrom } from "../../../src/discli/policy.js";

const read = (text: string) => readEndpoints(text, "doh.txt");

test("A8.9 the list: URLs with and without addresses, remarks, what is wrong", () => {
  expect(
    read(
      [
        "# resolvers that people use",
        "",
        "https://dns.example/dns-query 192.0.2.1 2001:db8::1  # both families",
        "https://dns.example:8443/x?a=b",
        "https://dns.example/dns-query{?dns}",
        "https://192.0.2.7/dns-query#part",
        "tls://dns.example 192.0.2.1",
        "tls://[2001:db8::7]:8853",
      ].join("\r\n"),
    ),
  ).toMatchObject([
    { host: "dns.example", port: 443, path: "/dns-query", addresses: ["192.0.2.1", "2001:db8::1"] },
    { host: "dns.example", port: 8443, path: "/x?a=b", addresses: [] },
    { host: "dns.example", port: 443, path: "/dns-query", addresses: [] },
    { url: "https://192.0.2.7/dns-query#part", path: "/dns-query", addresses: ["192.0.2.7"] },
    { over: "tls", host: "dns.example", port: 853, addresses: ["192.0.2.1"] },
    { over: "tls", host: "2001:db8::7", port: 8853, addresses: ["2001:db8::7"] },
  ]);
  expect(read("")).toEqual([]);
  expect(read("dns.example\nhttp://dns.example/\nhttps://dns.example/ dns\n")).toEqual({
    problems: [
      'doh.txt:1: "dns.example" is no endpoint; one looks like https://dns.example/dns-query or tls://dns.example',
      'doh.txt:2: "http://dns.example/" is no endpoint; one looks like https://dns.example/dns-query or tls://dns.example',
      'doh.txt:3: "dns" is no address',
    ].join("\n"),
  });
  const many = "https://dns.example/\n".repeat(endpointsMax + 1);
  expect(read(many)).toEqual({ problems: `doh.txt: more than ${endpointsMax} endpoints` });
});

const codeOf = ({ state, code, remedy }: Verdict): string => {
  if (state === "FAIL" || state === "WARN") expect(remedy.length).toBeGreaterThan(0);
  return code === undefined ? state : `${state} ${code}`;
};

const answer = (rcode: string, ...found: string[]): Reply => ({
  ...{ kind: "answer", rcode, isAuthoritative: false, isRecursive: true, isTruncated: false },
  ...{ at: 0, ms: 3, bytes: 40, sent: 1, found },
});
const there = [answer("NOERROR", "192.0.2.9"), answer("NOERROR")];
const absent = [answer("NXDOMAIN"), answer("NXDOMAIN")];
const silent: Reply[] = [{ kind: "silent" }, { kind: "silent" }];
const tried = (outcome: Try["outcome"]): Try => {
  return { url: "https://dns.example/dns-query", address: "192.0.2.1", outcome, text: "words" };
};
const blocked = [tried("blocked")];

test.each<[string, Partial<DohFacts>, string]>([
  ["no policy", { policy: undefined, canary: [], tries: undefined }, "SKIP"],
  ["allowed, answers", { policy: "allow", tries: [tried("answers")] }, "PASS"],
  ["allowed, blocked", { policy: "allow", tries: blocked, canary: absent }, "PASS"],
  ["denied, answers", { tries: [...blocked, tried("answers")] }, "FAIL DOH-REACHABLE"],
  ["denied, TLS alone", { tries: [tried("reached")] }, "FAIL DOH-REACHABLE"],
  ["denied, blocked", { tries: blocked, canary: absent }, "PASS"],
  ["denied, blocked, no canary", { tries: blocked, canary: there }, "WARN DOH-CANARY"],
  [
    "denied, blocked, canary without an address",
    { tries: blocked, canary: [answer("NOERROR")] },
    "PASS",
  ],
  ["denied, no list, canary", { canary: absent }, "PASS"],
  ["denied, no list, no canary", { canary: there }, "WARN DOH-CANARY"],
  ["denied, no list, silence", { canary: silent }, "SKIP"],
  ["denied, blocked, silence", { tries: blocked, canary: silent }, "PASS"],
])("A8.9 A8.27 doh: %s", (_, given, code) => {
  const facts: DohFacts = { policy: "deny", zone: "z", tries: undefined, canary: there, ...given };
  expect(codeOf(judgeDoh(facts))).toBe(code);
});

const route = (role: Route["role"], dev: string, isLocal = false): Route => {
  return { address: "192.0.2.53", role, dev, ...(isLocal ? { isLocal } : {}) };
};
test.each([
  ["no policy", undefined, undefined, [], "SKIP"],
  ["internal", "internal", "wg0", [route("resolver", "wlan0")], "PASS"],
  ["all, as meant", "all", "wg0", [route("resolver", "wg0")], "PASS"],
  ["all, elsewhere", "all", "wg0", [route("resolver", "wlan0")], "FAIL NAMES-LEAVE-ELSEWHERE"],
  [
    "all, beside discd's way",
    "all",
    undefined,
    [route("server", "wg0"), route("resolver", "wlan0")],
    "FAIL NAMES-LEAVE-ELSEWHERE",
  ],
  ["all, by a stub", "all", "wg0", [route("resolver", "lo", true)], "SKIP"],
  ["all, nothing meant", "all", undefined, [route("resolver", "wlan0")], "SKIP"],
] as const)("A8.27 leak-policy: %s", (_, leak, expected, routes, code) => {
  expect(codeOf(judgeLeakRoutes({ leak, expected, routes }))).toBe(code);
});

test("every code of the stage is one of those above", () => {
  const codes = policyStage.checks.flatMap((one) => Object.keys(one.codes));
  expect(codes).toEqual(["DOH-REACHABLE", "DOH-CANARY", "NAMES-LEAVE-ELSEWHERE"]);
});

test("a list that is too long to be one is not read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "discd-policy-"));
  writeFileSync(join(folder, "doh.txt"), "#".repeat(listBytesMax + 1));
  const file = join(folder, "doh.txt");
  await expect(endpointsFrom(file)).rejects.toThrow(`${file}: it is larger than ${listBytesMax}`);
  writeFileSync(file, "#".repeat(listBytesMax));
  expect(await endpointsFrom(file)).toEqual([]);
  rmSync(folder, { recursive: true });
});
