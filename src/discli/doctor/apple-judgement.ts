// What the steps of an Apple client come to. Sources: mDNSResponder 2600.100.147
// (uds_daemon.c, mDNSMacOSX.c, dns_push_discovery.c, dso-transport.c).

import { displayName, isWithin, type Name } from "../../wire/name.js";
import { plainWord } from "../shell-words.js";
import {
  type BrowseDomainFacts,
  type BrowseFacts,
  isLocal,
  type PlaceFacts,
  type PlaceLists,
  type PushFacts,
  type WalkFacts,
} from "./apple-facts.js";
import type { ConnectFacts, SessionFacts, TlsFacts } from "./apple-push.js";
import { replyText } from "./reply.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

const listed = (names: readonly Name[]): string => names.map(displayName).join(", ");

const hasName = (names: readonly Name[], name: Name | undefined): boolean =>
  name !== undefined && names.some(({ key }) => key === name.key);

/** Whatever else fails, changes are seen only so often. */
const polls = "Apple's clients ask again only every 15 minutes then";

export function judgePlaces({ zone, places }: PlaceFacts): Verdict {
  const evidence = places.map(({ kind, domain }) => {
    const what = kind === "search" ? "search domain" : "network of this host";
    return `${what}: ${displayName(domain)}`;
  });
  if (zone !== undefined && isLocal(zone)) {
    const text = `${displayName(zone)} is in .local, which Apple's clients ask by multicast only`;
    const remedy = ["name the zone in a domain of yours, or in home.arpa (RFC 8375)"];
    return fail("LOCAL-ZONE", text, remedy, evidence);
  }
  if (places.length === 0) {
    const text = "there is neither a search domain nor an IPv4 network to ask for browse domains";
    const remedy = ["give clients a search domain: DHCP option 119 (and 15), IPv6 RA DNSSL"];
    return fail("NO-SEARCH", text, remedy);
  }
  const local = places.filter(({ kind, domain }) => kind === "search" && isLocal(domain));
  if (local.length > 0) {
    const names = listed(local.map(({ domain }) => domain));
    const text = `the search domain ${names} is asked by multicast, and no name server hears of it`;
    const remedy = ["give clients another search domain: DHCP option 119 (and 15)"];
    return warn("LOCAL-SEARCH", text, remedy, evidence);
  }
  return pass("an Apple client has places to look for browse domains", evidence);
}

function listLines({ lb, b }: PlaceLists): string[] {
  return [lb, b].map(({ question, reply, names }) => {
    const found = names.length === 0 ? "" : `: ${listed(names)}`;
    return `${question}: ${replyText(reply)}${found}`;
  });
}

/** Where an `lb` record can be put so that every client finds it. */
function lbRemedy(lists: readonly PlaceLists[], zone: Name | undefined): string[] {
  const target = zone === undefined ? "ZONE." : `${displayName(zone)}.`;
  const lines = lists.slice(0, 3).map(({ domain, kind }) => {
    const where = kind === "search" ? "search domain" : "reverse zone";
    return `${where}: lb._dns-sd._udp.${displayName(domain)}. PTR ${target}`;
  });
  const all = "one of these records is enough; that of the reverse zone needs no search domain:";
  return lines.length > 0 ? [all, ...lines] : ["discli delegation print prints the records"];
}

export function judgeBrowseDomains(facts: BrowseDomainFacts): Verdict {
  const { zone, lists, multicast, beside } = facts;
  const evidence = lists.flatMap(listLines);
  if (multicast.length > 0)
    evidence.push(`lb._dns-sd._udp.local by multicast: ${listed(multicast)}`);
  const isSilent = lists.every(({ lb }) => lb.reply.kind !== "answer");
  if (isSilent && multicast.length === 0) {
    const text = "the system's resolver does not answer";
    return fail("NO-ANSWER", text, ["see: discli doctor"], evidence);
  }
  const lb = [...lists.flatMap((one) => one.lb.names), ...multicast];
  const b = lists.flatMap((one) => one.b.names);
  const usable = lb.filter((name) => !isLocal(name));
  if (hasName(usable, zone) || (zone === undefined && usable.length > 0)) {
    return pass(`lb names ${listed(zone === undefined ? usable : [zone])}`, evidence);
  }
  if (lb.length > 0 && usable.length === 0) {
    const text = `lb names ${listed(lb)} alone, which Apple's clients ask by multicast only`;
    return fail("LOCAL-DOMAIN", text, ["let lb name a domain that is not in .local"], evidence);
  }
  const where = listed(lists.map(({ domain }) => domain));
  // The outermost: it may name other zones as well.
  const place = beside.findLast((one) => hasName(one.lb.names, zone));
  if (usable.length === 0 && (zone === undefined ? b.length > 0 : hasName(b, zone))) {
    const text = `b names ${listed(b)}, and lb nothing: no app browses there unless it is told to`;
    return fail("B-ONLY", text, lbRemedy(lists, zone ?? b[0]), evidence);
  }
  if (place !== undefined) {
    const text = `lb names the zone in ${displayName(place.domain)}, where nobody here looks`;
    const remedy = [
      `give clients the search domain ${displayName(place.domain)}: DHCP option 119 (and 15)`,
      ...lbRemedy(lists, zone),
    ];
    return fail("WRONG-SEARCH", text, remedy, [...evidence, ...listLines(place)]);
  }
  if (usable.length > 0 && zone !== undefined) {
    const text = `lb names ${listed(usable)}, and not ${displayName(zone)}`;
    return fail("OTHER-DOMAIN", text, lbRemedy(lists, zone), evidence);
  }
  return fail(
    "NO-LB",
    `nobody names a domain to browse: ${where}`,
    lbRemedy(lists, zone),
    evidence,
  );
}

export function judgeBrowse(facts: readonly BrowseFacts[]): Verdict {
  const evidence = facts.map(({ asked }) => {
    const { reply, question } = asked;
    const count = reply.kind === "answer" ? `, ${reply.found.length} printers` : "";
    return `${question}: ${replyText(reply)}${count}`;
  });
  if (facts.length === 0) return skip("no domain to browse is known");
  for (const { domain, asked } of facts) {
    const { reply } = asked;
    const name = displayName(domain);
    if (reply.kind !== "answer") {
      const remedy = [`see: discli doctor --zone ${plainWord(name)}`];
      return fail("BROWSE-SILENT", `no answer to a browse of ${name}`, remedy, evidence);
    }
    if (reply.rcode === "NXDOMAIN" || reply.rcode === "NOERROR") continue;
    const text = `a browse of ${name} is answered ${reply.rcode}`;
    return fail("BROWSE-REFUSED", text, [`see: discli doctor --zone ${plainWord(name)}`], evidence);
  }
  return pass("the domains can be browsed", evidence);
}

export function judgeWalk(facts: readonly WalkFacts[]): Verdict {
  const evidence = facts.flatMap(({ steps }) =>
    steps.map(({ question, reply }) => `${question}: ${replyText(reply)}`),
  );
  if (facts.length === 0) return skip("no domain to browse is known");
  const lost = facts.find(({ zone }) => zone === undefined);
  if (lost !== undefined) {
    const name = displayName(lost.domain);
    const text = `nobody has an SOA for ${name} or above: the Push server cannot be found; ${polls}`;
    const remedy = [
      `the SOA query for ${name} itself has to be answered: discli doctor --zone ${plainWord(name)}`,
    ];
    return fail("NO-ZONE", text, remedy, evidence);
  }
  const above = facts.find(({ zone, domain }) => zone !== undefined && !isWithin(zone, domain));
  if (above?.zone !== undefined) {
    const text = `${displayName(above.domain)} is no zone of its own: ${displayName(above.zone)} has it`;
    const remedy = [
      `if discd serves ${displayName(above.domain)}, delegate it: discli delegation print`,
    ];
    return warn("ZONE-ABOVE", text, remedy, evidence);
  }
  return pass(`the zone is found: ${listed(facts.flatMap(({ zone }) => zone ?? []))}`, evidence);
}

export function judgePushSrv(facts: readonly PushFacts[]): Verdict {
  const evidence = facts.map(({ asked }) => `${asked.question}: ${replyText(asked.reply, true)}`);
  if (facts.length === 0) return skip("no zone is known");
  const none = facts.find(({ places }) => places.length === 0);
  if (none !== undefined) {
    const name = displayName(none.zone);
    const text = `_dns-push-tls._tcp.${name} has no SRV record that leads anywhere: ${polls}`;
    const remedy = [
      "discd has one where it has a certificate and port.push is not false: see discd.lua",
      `a zone of another server: _dns-push-tls._tcp.${name}. SRV 0 0 853 HOST`,
    ];
    return fail("NO-PUSH-SRV", text, remedy, evidence);
  }
  const lost = facts.flatMap(({ places }) => places).find((one) => one.addresses.length === 0);
  if (lost !== undefined) {
    const text = `${displayName(lost.host)}, where Push is, has no address: ${polls}`;
    const remedy = [`give ${displayName(lost.host)} an A or AAAA record (discd.lua: hostname)`];
    return fail("NO-PUSH-ADDRESS", text, remedy, evidence);
  }
  return pass("SRV says where Push is", evidence);
}

const subnetText = (isOwn: boolean): string =>
  isOwn ? "on a network of this host" : "on another network than this host";

export function judgeConnect(facts: readonly ConnectFacts[]): Verdict {
  const evidence = facts.flatMap(({ host, tries }) =>
    tries.map(({ place, outcome, isOwnSubnet }) => {
      const text = typeof outcome === "string" ? outcome : outcome.reason;
      return `${host}, ${place}: ${text}, ${subnetText(isOwnSubnet)}`;
    }),
  );
  if (facts.length === 0) return skip("no Push server is known");
  const closed = facts.find(({ tries }) => !tries.some(({ outcome }) => outcome === "open"));
  if (closed !== undefined) {
    const text = `nobody takes connections at ${closed.host}: ${polls}`;
    const remedy = [
      "allow TCP to that port from the clients' networks, on discd's host and on the way",
      "see port.push and port.tls in discd.lua: the SRV record names the port that is open",
    ];
    return fail("PUSH-UNREACHABLE", text, remedy, evidence);
  }
  return pass("the Push server takes connections", evidence);
}

export function judgeTls(facts: readonly TlsFacts[]): Verdict {
  const evidence = facts.flatMap(({ host, place, fault, certificate, isOwnSubnet }) => {
    const where = `${host}, ${place}, ${subnetText(isOwnSubnet)}`;
    if (certificate === undefined) return [`${where}: ${fault ?? "no TLS"}`];
    const { protocol, names, validTo, isTrusted, error } = certificate;
    const trust = isTrusted ? "trusted by this system" : `not trusted (${error})`;
    const hosts = names.join(", ") || "no host";
    return [`${where}: ${protocol}, a certificate for ${hosts} until ${validTo}, ${trust}`];
  });
  if (facts.length === 0) return skip("no Push server was reached");
  for (const one of facts) {
    const verdict = tlsFault(one, evidence);
    if (verdict !== undefined) return verdict;
  }
  return pass("the Push server has a certificate that this system trusts", evidence);
}

const remedyOfTrust = [
  "a certificate of a public authority for discd's host name: certificate in discd.lua",
  "or one of your own authority, which a profile (MDM) puts on the clients",
];

function tlsFault(facts: TlsFacts, evidence: readonly string[]): Verdict | undefined {
  const { host, zone, certificate, isOwnSubnet, fault } = facts;
  if (certificate === undefined) {
    const text = `no TLS with ${host}: ${fault ?? "no certificate"}; ${polls}`;
    return fail("NO-TLS", text, ["see the log of discd, and its certificate"], evidence);
  }
  const { isTrusted, error = "", isForHost, isForZone, names } = certificate;
  if (isTrusted && (isForHost || isForZone)) return undefined;
  if (/EXPIRED|NOT_YET_VALID/.test(error)) {
    const text = `the certificate of ${host} is not valid at this time; ${polls}`;
    return fail("CERT-EXPIRED", text, ["renew it, or set this host's clock"], evidence);
  }
  const [code, what] = isTrusted
    ? ["CERT-NAME", `is for ${names.join(", ") || "no host"}, not for ${host} or ${zone}`]
    : error === "DEPTH_ZERO_SELF_SIGNED_CERT"
      ? ["SELF-SIGNED", "is self-signed"]
      : ["CERT-UNTRUSTED", "is of an authority that this system does not know"];
  const known = "which certificates Apple takes for Push is not published";
  if (isOwnSubnet) {
    const text = `the certificate of ${host} ${what}; the server is on the client's own network`;
    const remedy = [...remedyOfTrust, `${known}: see on a device whether changes come at once`];
    return warn(code as string, text, remedy, evidence);
  }
  const text = `the certificate of ${host} ${what}: expect polling, every 15 minutes`;
  return fail(code as string, text, [...remedyOfTrust, known], evidence);
}

export function judgeSession(facts: SessionFacts | undefined): Verdict {
  if (facts === undefined) return skip("no Push server was reached");
  const { question, isSubscribed, text } = facts;
  const evidence = [`${question}: ${text}`];
  if (isSubscribed) return pass("a subscription is accepted: changes come at once", evidence);
  const decision = `the Push server does not take a subscription; ${polls}`;
  return fail("PUSH-REFUSED", decision, ["see the log of discd, and its rules"], evidence);
}
