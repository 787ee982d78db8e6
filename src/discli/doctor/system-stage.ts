// Stage 4: does the system's resolver say what discd says, and in good time?

import { plainWord, shellWord } from "../shell-words.js";
import { check, type Stage } from "./check.js";
import { type Answered, isZoneAnswer, type Reply, replyText } from "./reply.js";
import { type Compared, localZoneOf, type SystemFacts, systemFacts } from "./system-facts.js";
import {
  breaksTheWay,
  judgeTrace,
  type TraceEvidence,
  traceCodes,
  traceFindings,
} from "./trace.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

const systemLines = ({ asked }: SystemFacts): string[] =>
  asked.map(({ server, soa }) => `system ${server}: SOA ${replyText(soa)}`);

const rcodeOf = (reply: Reply | undefined): string | undefined =>
  reply?.kind === "answer" ? reply.rcode : undefined;

/** Whether the system's resolver knows the zone; what is below is worth a look then only. */
const isReached = ({ zone, soa }: SystemFacts): boolean =>
  zone !== undefined && soa !== undefined && isZoneAnswer(soa, zone);

export interface SystemEvidence extends SystemFacts {
  /** The zones above do not lead to discd: no resolver is to blame then. */
  readonly isUndelegated: boolean;
}

const elsewhere = "or name a resolver in resolv.conf that answers: dig @ADDRESS . SOA";

/** What to do about a resolver that does not answer, by how it does not. */
function downRemedy(server: string, soa: Reply): string {
  const code = soa.kind === "failed" ? soa.code : "";
  switch (code) {
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "EADDRNOTAVAIL":
      return `bring up the link, the VPN or the route that leads to ${server}`;
    case "ECONNREFUSED":
      return `start the resolver at ${server}: nothing listens there`;
    case "EACCES":
    case "EPERM":
      return `let this host's own firewall pass queries to ${server}: nft list ruleset`;
    default:
      return `ping ${server}: is it up, and does a firewall on the way drop port 53?`;
  }
}

export function judgeSystem(facts: SystemEvidence): Verdict {
  const { zone, discd, asked, soa, direct, lb } = facts;
  if (zone === undefined) {
    return skip("no zone is known to ask for", ["give one: --zone ZONE, or a search domain"]);
  }
  const evidence = systemLines(facts);
  if (direct !== undefined) evidence.unshift(`discd itself: SOA ${replyText(direct)}`);
  if (soa === undefined) {
    const text = `no resolver of this system answers: ${asked.map(({ server }) => server).join(", ")}`;
    const remedy = [...new Set(asked.map(({ server, soa }) => downRemedy(server, soa)))];
    return fail("RESOLVER-DOWN", text, [...remedy, elsewhere], evidence);
  }
  if (!isReached(facts) && facts.isUndelegated) {
    return skip("the zones above do not lead to discd; see trace", ["mend that first"], evidence);
  }
  if (!isReached(facts)) return judgeUnreached(facts, zone, evidence);
  const [ours, theirs] = [direct, soa].map((one) => (one?.kind === "answer" ? one.primary : ""));
  if (direct !== undefined && ours?.toLowerCase() !== theirs?.toLowerCase()) {
    const text = `the system's resolver has ${zone} from ${theirs}, and discd calls itself ${ours}`;
    const remedy = [`take the zone ${zone} away from ${theirs}, or delegate it to ${ours}`];
    return fail("OTHER-ZONE", text, remedy, evidence);
  }
  if (lb !== undefined) evidence.push(comparedText(lb));
  if (lb !== undefined && isOtherList(lb)) return judgeLists(lb, zone, evidence);
  const isCompared = direct !== undefined && (lb === undefined || lb.system.kind === "answer");
  const text = isCompared ? `says what ${discd[0]} says` : `finds ${zone}`;
  return pass(`the system's resolver ${text}`, evidence);
}

/** Of lists that came whole; their order is nobody's business. */
function isOtherList({ direct, system }: Compared): boolean {
  if (direct.kind !== "answer" || direct.isTruncated) return false;
  if (system.kind !== "answer" || system.isTruncated) return false;
  const list = ({ found }: Answered) => [...found].map((one) => one.toLowerCase()).sort();
  return list(direct).join("\n") !== list(system).join("\n");
}

function judgeLists({ direct, system }: Compared, zone: string, evidence: string[]): Verdict {
  const text = (reply: Reply) => recordsOf(reply).slice(0, 5).join(", ") || "none";
  const decision =
    `discd tells this host to browse ${text(direct)}, and the system's resolver ${text(system)}; ` +
    "right where discd.lua has lists for some clients: the resolver is another client than this host";
  const remedy = [
    `is there a list with \`client\` in \`browse\`? Then what the resolver says is what programs here get`,
    `if not: an old answer goes with its TTL; or is ${plainWord(`lb._dns-sd._udp.${zone}`)} of the resolver's own?`,
  ];
  return warn("LB-DIFFERS", decision, remedy, evidence);
}

function judgeUnreached(facts: SystemFacts, zone: string, evidence: readonly string[]): Verdict {
  const { discd, soa, unchecked } = facts;
  const server = discd[0] ?? "discd";
  switch (rcodeOf(soa)) {
    case "SERVFAIL":
      return judgeServfail(unchecked, zone, server, evidence);
    case "REFUSED": {
      const remedy = ["access-control (Unbound), allow-query and allow-recursion (BIND)"];
      const text = "the system's resolver does not let this host ask";
      return fail("RESOLVER-REFUSES", text, remedy, evidence);
    }
    default: {
      const text = `the system's resolver does not send ${zone} to ${server}`;
      const remedy = [
        `Unbound: stub-zone: name: "${zone}" stub-addr: ${server}`,
        `dnsmasq: server=/${zone}/${server}`,
        `BIND: zone "${zone}" { type static-stub; server-addresses { ${server}; }; };`,
        `systemd-resolved: resolvectl dns IF ${server}; resolvectl domain IF ~${plainWord(zone)}`,
        "or, for everybody at once, delegate the zone: discli delegation print",
      ];
      return fail("ZONE-NOT-SENT", text, remedy, evidence);
    }
  }
}

function judgeServfail(
  unchecked: Reply | undefined,
  zone: string,
  server: string,
  evidence: readonly string[],
): Verdict {
  const lines = [...evidence];
  if (unchecked !== undefined) lines.push(`unchecked (CD): SOA ${replyText(unchecked)}`);
  if (unchecked !== undefined && isZoneAnswer(unchecked, zone)) {
    const text = `the system's resolver finds ${zone}, and its validation (DNSSEC) fails`;
    const remedy = [
      `no DS for ${zone} may stand in the zone above: discd does not sign`,
      `Unbound: domain-insecure: "${zone}"; BIND: validate-except { "${zone}"; };`,
      "compare the clock of the resolver: signatures are valid for a time only",
    ];
    return fail("DNSSEC-SERVFAIL", text, remedy, lines);
  }
  const text = `the system's resolver tries to find ${zone} and cannot (SERVFAIL)`;
  const remedy = [
    `on the resolver's host: dig @${server} ${plainWord(zone)} SOA +norecurse: may it ask, is there a way?`,
    "add the resolver's address to `allow` in discd.lua",
    `if discd's address is private, Unbound needs private-domain: for the name of its host, too`,
  ];
  return fail("RESOLVER-FAILS", text, remedy, lines);
}

const recordsOf = (reply: Reply): readonly string[] => (reply.kind === "answer" ? reply.found : []);

const comparedText = ({ what, direct, system }: Compared): string =>
  `${what}: discd ${replyText(direct, true)}; system ${replyText(system, true)}`;

export function judgeRebinding(facts: SystemFacts): Verdict {
  const { zone = "", addresses } = facts;
  if (!isReached(facts))
    return skip("the system's resolver does not find the zone; see system-path");
  const told = addresses.filter(({ direct }) => recordsOf(direct).length > 0);
  if (told.length === 0) return skip("no service with an address was found to compare");
  const evidence = addresses.map(comparedText);
  const gone = told.filter(
    ({ system }) => system.kind === "answer" && recordsOf(system).length === 0,
  );
  if (gone.length === 0) {
    const lost = told.filter(({ system }) => system.kind !== "answer");
    if (lost.length === 0) return pass("addresses arrive as discd gives them", evidence);
    const text = `the system's resolver does not answer for ${lost[0]?.what}`;
    return warn("ADDRESS-SILENT", text, ["ask again: its first answer may take 6 s"], evidence);
  }
  const remedy = [
    `Unbound: private-domain: "${zone}"`,
    `dnsmasq, Pi-hole: rebind-domain-ok=/${zone}/`,
    `OpenWrt: uci add_list dhcp.@dnsmasq[0].rebind_domain=${shellWord(zone)}`,
    `Knot Resolver: load the module rebinding for other names than ${zone} only`,
    `PowerDNS Recursor: leave ${zone} out of the script that drops private addresses`,
  ];
  const text = "the resolver takes private addresses out of answers (rebinding protection)";
  return fail("REBIND", text, remedy, evidence);
}

export function judgeReverse(facts: SystemFacts): Verdict {
  const { reverse } = facts;
  if (!isReached(facts))
    return skip("the system's resolver does not find the zone; see system-path");
  if (reverse === undefined) return skip("discd serves no reverse zone of a service's address");
  const evidence = [comparedText(reverse)];
  const { system, what } = reverse;
  if (system.kind !== "answer") return skip("the system's resolver does not answer", [], evidence);
  const zone = what.replace(/\.$/, "");
  if (isZoneAnswer(system, zone)) return pass("reverse names lead to discd, too", evidence);
  const local = localZoneOf(zone);
  const isEaten =
    local !== undefined && system.soa?.toLowerCase() === local && !/\./.test(system.primary ?? ".");
  if (isEaten || /iana\.org$/i.test(system.primary ?? "")) {
    const text = `the resolver answers ${local ?? zone} itself, and nobody else is asked`;
    const remedy = [
      `Unbound: local-zone: "${local ?? zone}." nodefault`,
      `BIND: disable-empty-zone "${(local ?? zone).toUpperCase()}";`,
      `dnsmasq: leave out bogus-priv, and server=/${zone}/ADDRESS`,
    ];
    return warn("REVERSE-EATEN", text, remedy, evidence);
  }
  const text = `nobody sends ${zone} to discd: it is found by search domains only`;
  return pass(text, evidence);
}

/** Milliseconds; a list of printers takes some ten questions in a row. */
export const farMs = 150;

const medianOf = (sorted: readonly number[]): number | undefined =>
  sorted[Math.floor(sorted.length / 2)];

export function judgeLatency({ directTimes, systemTimes, discd }: SystemFacts): Verdict {
  const direct = medianOf(directTimes);
  const system = medianOf(systemTimes);
  if (direct === undefined && system === undefined)
    return skip("nothing answers that could be timed");
  const text = (what: string, ms: number | undefined) =>
    ms === undefined ? [] : [`${what}: ${Math.round(ms)} ms (median of ${timesText})`];
  const timesText = Math.max(directTimes.length, systemTimes.length);
  const evidence = [...text("discd", direct), ...text("the system's resolver", system)];
  const slow = Math.max(direct ?? 0, system ?? 0);
  if (slow <= farMs) return pass(`answers take ${Math.round(slow)} ms`, evidence);
  const isDiscd = (direct ?? 0) > farMs;
  const who = isDiscd ? `discd (${discd[0]})` : "the system's resolver";
  const remedy = isDiscd
    ? ["put discd, or a resolver that caches its zones, nearer to the clients"]
    : ["name a resolver in resolv.conf that is nearer, or one at this site"];
  return warn(
    "FAR-RESOLVER",
    `${who} takes ${Math.round(slow)} ms for an answer`,
    remedy,
    evidence,
  );
}

export const systemStage: Stage = {
  id: "system",
  title: "does the system's resolver say the same?",
  checks: [
    check<TraceEvidence>({
      id: "trace",
      title: "Does each zone from the root down lead to the next, and at last to discd?",
      codes: traceCodes,
      limit: 9000,
      commands: ({ zone }) => [`dig +trace +nsid ${zone} SOA`, `discli delegation verify ${zone}`],
      gather: async (scene) => {
        const [findings, facts] = await Promise.all([traceFindings(scene), systemFacts(scene)]);
        return { findings, isFound: isReached(facts) };
      },
      judge: judgeTrace,
    }),
    check<SystemEvidence>({
      id: "system-path",
      title: "Does the system's resolver find the zone, with the same content?",
      codes: {
        "ZONE-NOT-SENT": "the resolver answers, and does not ask discd",
        "RESOLVER-DOWN": "no resolver of this system answers",
        "RESOLVER-REFUSES": "the resolver does not let this host ask",
        "RESOLVER-FAILS": "SERVFAIL: the resolver does not get through to discd",
        "DNSSEC-SERVFAIL": "SERVFAIL, and with CD there is an answer",
        "OTHER-ZONE": "another server has a zone of the same name",
        "LB-DIFFERS": "the list of domains to browse (lb) is another than discd's own",
      },
      limit: 9000,
      commands: ({ zone, server }) => [
        `dig ${zone} SOA`,
        `dig @${server} ${zone} SOA +norecurse`,
        `dig lb._dns-sd._udp.${zone} PTR; dig @${server} lb._dns-sd._udp.${zone} PTR +norecurse`,
        `dig ${zone} SOA +cd   (an answer with it and none without: DNSSEC)`,
      ],
      gather: async (scene) => {
        const facts = await systemFacts(scene);
        const isUndelegated = !isReached(facts) && breaksTheWay(await traceFindings(scene));
        return { ...facts, isUndelegated };
      },
      judge: judgeSystem,
    }),
    check<SystemFacts>({
      id: "rebinding",
      title: "Does the resolver take private addresses out of answers?",
      codes: {
        REBIND: "addresses vanish on the way through the resolver, all else arrives",
        "ADDRESS-SILENT": "the resolver does not answer for an address",
      },
      limit: 7000,
      commands: ({ zone, server }) => [`dig @${server} HOST.${zone} A`, `dig HOST.${zone} A`],
      gather: systemFacts,
      judge: judgeRebinding,
    }),
    check<SystemFacts>({
      id: "reverse",
      title: "Do names of private addresses lead to discd?",
      codes: { "REVERSE-EATEN": "the resolver answers private reverse zones itself (RFC 6303)" },
      limit: 7000,
      commands: ({ server }) => [
        `dig @${server} 1.10.in-addr.arpa SOA +norecurse`,
        "dig 1.10.in-addr.arpa SOA",
      ],
      gather: systemFacts,
      judge: judgeReverse,
    }),
    check<SystemFacts>({
      id: "latency",
      title: "How long do answers take?",
      codes: { "FAR-RESOLVER": `answers take more than ${farMs} ms` },
      limit: 7000,
      commands: ({ zone, server }) => [
        `dig @${server} ${zone} SOA +norecurse | grep 'Query time'`,
        `dig ${zone} SOA | grep 'Query time'`,
      ],
      gather: systemFacts,
      judge: judgeLatency,
    }),
  ],
};
