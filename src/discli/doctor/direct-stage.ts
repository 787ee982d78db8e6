// Stage 3: does discd answer for the zone when it is asked itself, and is it
// discd that answers?

import { check, type Stage } from "./check.js";
import {
  type DirectFacts,
  directFacts,
  type ServerFacts,
  unprivilegedPort,
} from "./direct-facts.js";
import { isZoneAnswer, type Reply, replyText } from "./reply.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

/** What this system has no way to ask over is no fault of the server's. */
const isFamilyAbsent = (reply: Reply): boolean =>
  reply.kind === "failed" && /^(ENETUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(reply.code);

const isRefused = (reply: Reply): boolean =>
  reply.kind === "failed" && reply.code === "ECONNREFUSED";

const strangers = ({ nowhere }: DirectFacts) =>
  nowhere.filter(({ reply }) => reply.kind === "answer");

export function judgeHijack(facts: DirectFacts): Verdict {
  const { nowhere, invented } = facts;
  const evidence = nowhere.map(({ server, reply }) => {
    return `${server}, where no name server is: ${replyText(reply)}`;
  });
  if (invented.length > 0) {
    evidence.push(`a name that cannot exist has the address ${invented.slice(0, 3).join(", ")}`);
    const text = "every name leads to one address: a portal wants you to log in first";
    return fail(
      "CAPTIVE-PORTAL",
      text,
      ["open http://example.com in a browser and log in"],
      evidence,
    );
  }
  if (strangers(facts).length > 0) {
    const text = "somebody between here and there answers all of port 53 in others' names";
    const remedy = [
      "reach discd through a VPN, or over TLS: port 853 is not touched by such networks as a rule",
      "ask whoever runs this network to leave port 53 to discd's address alone",
    ];
    return fail("PORT53-HIJACKED", text, remedy, evidence);
  }
  if (!nowhere.some(({ isRouted }) => isRouted)) {
    const why = "this host has no way to an address where no name server is";
    return skip(why, ["where a default route is missing: add it, and ask again"], evidence);
  }
  return pass("nobody answers where no name server is", evidence);
}

/** How an address of discd does. */
type Standing = "good" | "half" | "bad" | "absent";

function standingOf({ udp, tcp }: ServerFacts, zone: string): Standing {
  if (isFamilyAbsent(udp) && isFamilyAbsent(tcp)) return "absent";
  const isGood = [udp, tcp].map((reply) => isZoneAnswer(reply, zone));
  if (isGood.every(Boolean)) return "good";
  return isGood.some(Boolean) ? "half" : "bad";
}

function evidenceOf(facts: DirectFacts): string[] {
  const { servers, lb, types, instances, unprivileged, otherPorts } = facts;
  const lines = servers.flatMap(({ server, udp, tcp }) => [
    `${server} UDP: SOA ${replyText(udp)}`,
    `${server} TCP: SOA ${replyText(tcp)}`,
  ]);
  if (lb !== undefined) lines.push(`lb: ${replyText(lb, true)}`);
  const [instance] = instances;
  if (instance !== undefined) {
    const { text, host, port, addresses } = instance;
    lines.push(`instance ${text}: ${host} port ${port}, ${addresses.join(" ") || "no address"}`);
  } else if (types?.kind === "answer" && types.rcode !== "NOERROR") {
    lines.push(`types of service: ${replyText(types)}`);
  } else if (lb !== undefined) lines.push("no service instance was found on the link so far");
  if (servers.every(({ udp, tcp }) => udp.kind !== "answer" && tcp.kind !== "answer")) {
    const outcome = (one: (typeof otherPorts)[number]["outcome"]) =>
      typeof one === "string" ? one : one.reason;
    lines.push(...otherPorts.map((one) => `TCP port ${one.port}: ${outcome(one.outcome)}`));
    if (unprivileged !== undefined) {
      lines.push(`UDP port ${unprivilegedPort}: ${replyText(unprivileged)}`);
    }
  }
  return lines;
}

export function judgeDirect(facts: DirectFacts): Verdict {
  const { zone, servers } = facts;
  if (zone === undefined) {
    return skip("no zone is known to ask for", ["give one: --zone ZONE, or a search domain"]);
  }
  if (servers.length === 0) {
    const text = `nobody says where discd answers for ${zone}`;
    return skip(text, ["give its address: --server ADDRESS"]);
  }
  const evidence = evidenceOf(facts);
  if (strangers(facts).length > 0 || facts.invented.length > 0) {
    return skip("others answer in discd's name; see hijack", ["mend that first"], evidence);
  }
  const standing = new Map(servers.map((one) => [one, standingOf(one, zone)]));
  const some = (wanted: Standing) => servers.filter((one) => standing.get(one) === wanted);
  if (some("good").length === 0 && some("half").length === 0) {
    return judgeNoAnswer(facts, servers, evidence);
  }
  const [half] = some("half");
  if (half !== undefined) return judgeHalf(half, zone, evidence);
  const [bad] = some("bad");
  if (bad !== undefined) return judgeOneBad(bad, servers, standing, evidence);
  const present = servers.filter((one) => standing.get(one) !== "absent");
  const resolver = present.find(({ udp }) => udp.kind === "answer" && !udp.isAuthoritative);
  if (resolver !== undefined) {
    const text = `${resolver.server} passes on what others know: it is a resolver, not discd`;
    const remedy = ["give the address of discd itself: --server ADDRESS", inItsPlace];
    return warn("NOT-AUTHORITATIVE", text, remedy, evidence);
  }
  return judgeContent(facts, evidence);
}

/** Servers are well; is what they say? */
function judgeContent({ zone, lb, types }: DirectFacts, evidence: readonly string[]): Verdict {
  // The apex is answered from what is configured, the types by the link alone.
  if (types?.kind === "answer" && types.rcode === "SERVFAIL") {
    const text = `discd serves ${zone}, and cannot ask its link now`;
    const remedy = [`discli health ${zone} on its host says what fails: the link may be down`];
    return fail("SERVER-FAILS", text, remedy, evidence);
  }
  if (lb?.kind === "answer" && lb.found.length === 0) {
    const text = `lb._dns-sd._udp.${zone} names no domain: Apple's clients browse nothing unasked`;
    const remedy = ["give `browse` in discd.lua an lb list, or leave it out"];
    return warn("NO-LB", text, remedy, evidence);
  }
  return pass("discd answers for the zone when it is asked itself", evidence);
}

function judgeHalf({ server, udp }: ServerFacts, zone: string, evidence: string[]): Verdict {
  if (!isZoneAnswer(udp, zone)) {
    const text = `${server} answers over TCP and not over UDP: something drops UDP port 53`;
    const remedy = [
      `allow UDP port 53 to and from ${server}, on this host and on the routers between`,
      "until then: `options use-vc` in resolv.conf asks over TCP",
    ];
    return fail("UDP53-BLOCKED", text, remedy, evidence);
  }
  const text = `${server} answers over UDP and not over TCP: long answers do not arrive`;
  const remedy = [`allow TCP port 53 to ${server}; if port.tcp is false in discd.lua, open it`];
  return fail("TCP53-BLOCKED", text, remedy, evidence);
}

/** Another address does answer. */
function judgeOneBad(
  bad: ServerFacts,
  servers: readonly ServerFacts[],
  standing: ReadonlyMap<ServerFacts, Standing>,
  evidence: readonly string[],
): Verdict {
  const { server, family } = bad;
  const isWholeFamily = servers
    .filter((one) => one.family === family)
    .every((one) => standing.get(one) === "bad");
  const other = family === "IPv6" ? "IPv4" : "IPv6";
  if (isWholeFamily && servers.some((one) => one.family === other)) {
    const text = `${server} does not answer over ${family}, while ${other} works`;
    const remedy = [
      `mend routing and firewalls for ${family} between here and there: ping ${server}`,
      `or take the ${family === "IPv6" ? "AAAA" : "A"} record of discd's host away`,
    ];
    return fail(family === "IPv6" ? "V6-BROKEN" : "V4-BROKEN", text, remedy, evidence);
  }
  const text = `${server} does not answer for the zone, another of its servers does`;
  const remedy = ["start discd there, or take it out of `nameservers` and of the delegation"];
  return fail("SERVER-LAME", text, remedy, evidence);
}

/** Servers are named without their port where it is the usual. */
const placeText = (server: string): string =>
  / port \d+$/.test(server) ? server : `${server} port 53`;

function judgeNoAnswer(
  facts: DirectFacts,
  servers: readonly ServerFacts[],
  evidence: readonly string[],
): Verdict {
  const { zone = "", otherPorts, unprivileged, recursive } = facts;
  const replies = servers.flatMap(({ udp, tcp }) => [udp, tcp]);
  const answered = replies.find((reply) => reply.kind === "answer");
  const names = servers.map(({ server }) => server).join(", ");
  const places = servers.map(({ server }) => placeText(server)).join(", ");
  if (recursive?.kind === "answer" && recursive.isRecursive) {
    const text = `a resolver answers at ${names}, and not discd`;
    const remedy = ["give the address of discd itself: --server ADDRESS", inItsPlace];
    return fail("NOT-DISCD", text, remedy, evidence);
  }
  if (answered?.kind === "answer") return judgeRcode(answered.rcode, names, zone, evidence);
  if (unprivileged !== undefined && isZoneAnswer(unprivileged, zone)) {
    const text = `discd answers at port ${unprivilegedPort}, and clients and resolvers ask port 53`;
    const remedy = [
      "let discd bind port 53: AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit,",
      `or name the port where resolvers allow it: forward-addr: ${servers[0]?.server}@${unprivilegedPort}`,
    ];
    return fail("NONSTANDARD-PORT", text, remedy, evidence);
  }
  if (replies.some(isRefused)) {
    const text = `nothing listens at ${places}`;
    const remedy = ["systemctl status discd; journalctl -u discd says why it ended"];
    return fail("SERVER-DOWN", text, remedy, evidence);
  }
  const isAlive = otherPorts.some(({ outcome }) => outcome === "open" || outcome === "refused");
  if (isAlive) {
    const text = `the host is there, but nothing comes back from ${places}`;
    const remedy = ["look for rules about port 53 on this host, the routers between, and there"];
    return fail("PORT53-BLOCKED", text, remedy, evidence);
  }
  const text = `nothing at all comes back from ${names}`;
  const remedy = [
    `ping ${servers[0]?.server}, then traceroute: is the host up, does every router know the way?`,
    "say which interface leads there, to have the route judged: --expect-if IF",
  ];
  return fail("SERVER-SILENT", text, remedy, evidence);
}

/** What a resolver's answer may mean where discd's was expected. */
const inItsPlace =
  "if it is discd's: somebody on the way answers in its place (nft, a router, a proxy)";

function judgeRcode(rcode: string, names: string, zone: string, evidence: readonly string[]) {
  if (rcode === "REFUSED") {
    const text = `${names} refuses: it does not serve ${zone}, or does not let this host ask`;
    const remedy = [
      "add this host's network to `allow` in discd.lua: discli policy test NAME --client ADDRESS",
      "discli show zones lists the zones that discd serves",
    ];
    return fail("CLIENT-REFUSED", text, remedy, evidence);
  }
  if (rcode === "SERVFAIL") {
    const text = `${names} cannot answer for ${zone} now`;
    const remedy = ["discli health on its host says what fails: the link may be down"];
    return fail("SERVER-FAILS", text, remedy, evidence);
  }
  const text = `${names} answers ${rcode} and does not serve ${zone}`;
  const remedy = ["compare --zone with `discli show zones`, and --server with discd's address"];
  return fail("NOT-SERVED", text, remedy, evidence);
}

export const directStage: Stage = {
  id: "direct",
  title: "does the name resolve when discd is asked directly?",
  checks: [
    check<DirectFacts>({
      id: "hijack",
      title: "Does somebody between here and there answer port 53 for others?",
      codes: {
        "CAPTIVE-PORTAL": "every name has the address of a portal",
        "PORT53-HIJACKED": "an address without a name server answers",
      },
      limit: 7000,
      commands: () => [
        "dig @203.0.113.253 example.com SOA +norecurse   (no answer is right)",
        "dig NAME-THAT-CANNOT-EXIST.invalid   (NXDOMAIN is right)",
      ],
      gather: directFacts,
      judge: judgeHijack,
    }),
    check<DirectFacts>({
      id: "direct",
      title: "Does discd answer: SOA, lb PTR, one instance, over UDP and TCP, in both families?",
      codes: {
        "UDP53-BLOCKED": "TCP works, UDP does not",
        "TCP53-BLOCKED": "UDP works, TCP does not",
        "PORT53-BLOCKED": "the host is there, port 53 is silent",
        "SERVER-DOWN": "nothing listens at port 53",
        "SERVER-SILENT": "nothing comes back from the host",
        "NONSTANDARD-PORT": "discd answers at port 5300 only",
        "CLIENT-REFUSED": "REFUSED: not among those who may ask, or not its zone",
        "SERVER-FAILS": "SERVFAIL: discd cannot answer now",
        "NOT-SERVED": "the server does not serve the zone",
        "V6-BROKEN": "IPv4 works, IPv6 does not",
        "V4-BROKEN": "IPv6 works, IPv4 does not",
        "SERVER-LAME": "one of several servers does not answer for the zone",
        "NOT-AUTHORITATIVE": "a resolver answers, and passes on what discd knows",
        "NOT-DISCD": "a resolver answers that does not know the zone",
        "NO-LB": "there is no browse domain for Apple's clients",
      },
      limit: 7000,
      commands: ({ zone, server }) => [
        `dig @${server} ${zone} SOA +norecurse +nsid`,
        `dig @${server} ${zone} SOA +norecurse +tcp`,
        `dig @${server} lb._dns-sd._udp.${zone} PTR +norecurse`,
        `discli --server ${server} browse ${zone}`,
      ],
      gather: directFacts,
      judge: judgeDirect,
    }),
  ],
};
