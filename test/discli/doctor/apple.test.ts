// The steps of an Apple client judged from evidence: each fault by its code.

import { expect, test } from "vitest";
import { parseAddress, parsePrefix } from "../../../src/address.js";
import {
  type BrowseDomainFacts,
  isOnOwnSubnet,
  type Place,
  type PlaceLists,
  reverseNetwork,
} from "../../../src/discli/doctor/apple-facts.js";
import {
  judgeBrowse,
  judgeBrowseDomains,
  judgeConnect,
  judgePlaces,
  judgePushSrv,
  judgeSession,
  judgeTls,
  judgeWalk,
} from "../../../src/discli/doctor/apple-judgement.js";
import type { CertificateFacts, TlsFacts } from "../../../src/discli/doctor/apple-push.js";
import { appleStages } from "../../../src/discli/doctor/apple-stages.js";
import type { Asked } from "../../../src/discli/doctor/asking.js";
import type { Answered, Reply } from "../../../src/discli/doctor/reply.js";
import type { Verdict } from "../../../src/discli/doctor/verdict.js";
import { displayName, parseName } from "../../../src/wire/name.js";

const seen = new Set<string>();

/** `PASS`, or the code. */
function codeOf({ state, code, remedy, decision }: Verdict): string {
  if (state === "PASS" || state === "SKIP") return state;
  expect(remedy.length, decision).toBeGreaterThan(0);
  seen.add(code as string);
  return `${state} ${code}`;
}

const noerror: Answered = {
  ...{ kind: "answer", rcode: "NOERROR", isAuthoritative: false, isRecursive: true },
  ...{ isTruncated: false, ms: 3, bytes: 100, sent: 1, at: 0, found: [] },
};
const rcode = (text: string): Reply => ({ ...noerror, rcode: text });
const silent: Reply = { kind: "silent" };
const asked = (reply: Reply): Asked => ({ question: "x PTR", reply, message: undefined });
const zone = parseName("floor1.example.com");

const place = (kind: Place["kind"], text: string): Place => ({ kind, domain: parseName(text) });

test.each([
  ["zone and search", "floor1.example.com", [place("search", "example.com")], "PASS"],
  ["a network alone", undefined, [place("reverse", "0.0.9.10.in-addr.arpa")], "PASS"],
  ["nothing", undefined, [], "FAIL NO-SEARCH"],
  ["a local zone", "office.LOCAL", [place("search", "example.com")], "FAIL LOCAL-ZONE"],
  ["a local search domain", undefined, [place("search", "corp.local")], "WARN LOCAL-SEARCH"],
] as const)("search: %s", (_, name, places, code) => {
  const facts = { zone: name === undefined ? undefined : parseName(name), places };
  expect(codeOf(judgePlaces(facts))).toBe(code);
});

function lists(text: string, lb: string[], b: string[] = [], reply: Reply = noerror): PlaceLists {
  const list = (names: string[]) => ({ question: "q", reply, names: names.map(parseName) });
  return { ...place("search", text), lb: list(lb), b: list(b) };
}

const own = "floor1.example.com";
const cases: readonly (readonly [string, Partial<BrowseDomainFacts>, string])[] = [
  ["lb", { lists: [lists("example.com", [own])] }, "PASS"],
  [
    "lb in the second place",
    { lists: [lists("a.example", []), lists("b.example", [own])] },
    "PASS",
  ],
  ["by multicast", { lists: [lists("a.example", [])], multicast: [zone] }, "PASS"],
  [
    "any, where no zone is known",
    { zone: undefined, lists: [lists("a.example", ["x.example"])] },
    "PASS",
  ],
  ["case", { lists: [lists("example.com", ["FLOOR1.example.com"])] }, "PASS"],
  [
    "silence in one place",
    { lists: [lists("a.example", [], [], silent), lists("b.example", [own])] },
    "PASS",
  ],
  ["silence", { lists: [lists("example.com", [], [], silent)] }, "FAIL NO-ANSWER"],
  ["b alone", { lists: [lists("example.com", [], [own])] }, "FAIL B-ONLY"],
  ["b alone, no zone", { zone: undefined, lists: [lists("a.example", [], [own])] }, "FAIL B-ONLY"],
  ["nothing", { lists: [lists("example.com", [])] }, "FAIL NO-LB"],
  ["another", { lists: [lists("example.com", ["floor9.example.com"])] }, "FAIL OTHER-DOMAIN"],
  [
    "elsewhere",
    { lists: [lists("a.example", [])], beside: [lists(own, [own]), lists("example.com", [own])] },
    "FAIL WRONG-SEARCH",
  ],
  [
    "another, and elsewhere",
    { lists: [lists("a.example", ["x.example"])], beside: [lists("example.com", [own])] },
    "FAIL WRONG-SEARCH",
  ],
  ["local", { lists: [lists("example.com", ["office.local"])] }, "FAIL LOCAL-DOMAIN"],
];
test.each(cases)("lb: %s", (_, given, code) => {
  const facts = { zone, lists: [], multicast: [], beside: [], ...given };
  expect(codeOf(judgeBrowseDomains(facts))).toBe(code);
});

test("browse and the walk to the zone", () => {
  const browse = (reply: Reply) => codeOf(judgeBrowse([{ domain: zone, asked: asked(reply) }]));
  expect([noerror, rcode("NXDOMAIN"), rcode("REFUSED"), silent].map(browse)).toEqual([
    ...["PASS", "PASS", "FAIL BROWSE-REFUSED", "FAIL BROWSE-SILENT"],
  ]);
  const walk = (found: string | undefined) =>
    codeOf(
      judgeWalk([
        {
          domain: zone,
          steps: [asked(noerror)],
          zone: found === undefined ? found : parseName(found),
        },
      ]),
    );
  expect([own, "example.com", undefined].map(walk)).toEqual([
    ...["PASS", "WARN ZONE-ABOVE", "FAIL NO-ZONE"],
  ]);
  expect([judgeBrowse([]), judgeWalk([])].map(codeOf)).toEqual(["SKIP", "SKIP"]);
});

test("the Push server: SRV, address, connection, subscription", () => {
  const host = parseName("px.example.com");
  const address = parseAddress("10.8.0.53")!;
  const srv = (...addresses: (typeof address)[]) =>
    codeOf(
      judgePushSrv([{ zone, asked: asked(noerror), places: [{ host, port: 853, addresses }] }]),
    );
  expect(srv(address)).toBe("PASS");
  expect(srv()).toBe("FAIL NO-PUSH-ADDRESS");
  expect(codeOf(judgePushSrv([{ zone, asked: asked(noerror), places: [] }]))).toBe(
    "FAIL NO-PUSH-SRV",
  );
  const connect = (...outcomes: ("open" | "refused" | "silent")[]) => {
    const tries = outcomes.map((outcome) => ({ place: "a", outcome, isOwnSubnet: false }));
    return codeOf(judgeConnect([{ zone: own, host: "px", tries }]));
  };
  expect(connect("silent", "open")).toBe("PASS");
  expect(connect("silent", "refused")).toBe("FAIL PUSH-UNREACHABLE");
  const session = { question: "q", isSubscribed: true, text: "t" };
  expect(codeOf(judgeSession(session))).toBe("PASS");
  expect(codeOf(judgeSession({ ...session, isSubscribed: false }))).toBe("FAIL PUSH-REFUSED");
  const none = [judgePushSrv([]), judgeConnect([]), judgeTls([]), judgeSession(undefined)];
  expect(none.map(codeOf)).toEqual(["SKIP", "SKIP", "SKIP", "SKIP"]);
});

const certificate: CertificateFacts = {
  ...{ isTrusted: true, names: ["px.example.com"], isForHost: true, isForZone: false },
  ...{ validTo: "Nov 21 2027", pin: "sha256/x", protocol: "TLSv1.3" },
};
const untrusted = (error: string) => ({ ...certificate, isTrusted: false, error });
test.each<[string, CertificateFacts | undefined, string, string]>([
  ["trusted, for the host", certificate, "PASS", "PASS"],
  ["for the zone", { ...certificate, isForHost: false, isForZone: true }, "PASS", "PASS"],
  ["for neither", { ...certificate, isForHost: false }, "FAIL CERT-NAME", "WARN CERT-NAME"],
  ["self-signed", untrusted("DEPTH_ZERO_SELF_SIGNED_CERT"), "FAIL SELF-SIGNED", "WARN SELF-SIGNED"],
  [
    "a stranger's",
    untrusted("SELF_SIGNED_CERT_IN_CHAIN"),
    "FAIL CERT-UNTRUSTED",
    "WARN CERT-UNTRUSTED",
  ],
  ["too old", untrusted("CERT_HAS_EXPIRED"), "FAIL CERT-EXPIRED", "FAIL CERT-EXPIRED"],
  ["none", undefined, "FAIL NO-TLS", "FAIL NO-TLS"],
])("certificate %s, far away and on the client's own network", (_, given, far, near) => {
  const judge = (isOwnSubnet: boolean) => {
    const facts: TlsFacts = { zone: own, host: "px.example.com", place: "10.8.0.53", isOwnSubnet };
    return codeOf(judgeTls([{ ...facts, ...(given ? { certificate: given } : { fault: "x" }) }]));
  };
  expect([judge(false), judge(true)]).toEqual([far, near]);
});

test("networks: the reverse name of the network address, and what is on them", () => {
  const reverse = (text: string) => {
    const name = reverseNetwork(parsePrefix(text)!);
    return name && displayName(name);
  };
  expect(reverse("10.9.0.7/24")).toBe("0.0.9.10.in-addr.arpa");
  expect(reverse("10.9.7.200/20")).toBe("0.0.9.10.in-addr.arpa");
  expect(reverse("192.0.2.130/25")).toBe("128.2.0.192.in-addr.arpa");
  expect(reverse("2001:db8::1/64")).toBeUndefined();
  expect(reverse("192.0.2.1/32")).toBeUndefined();
  const prefixes = [parsePrefix("10.9.0.7/24")!];
  expect(isOnOwnSubnet(parseAddress("10.9.0.53")!, prefixes)).toBe(true);
  expect(isOnOwnSubnet(parseAddress("10.9.1.53")!, prefixes)).toBe(false);
});

test("every code of the manual can come of some evidence, and no other can", () => {
  const codes = appleStages.flatMap(({ checks }) =>
    checks.flatMap((one) => Object.keys(one.codes)),
  );
  expect([...seen].sort()).toEqual(codes.sort());
});
