// What a walk down to a zone means: is its delegation whole, does each part agree
// with the others, and if not, which records are to be added or removed. Pure:
// evidence in, findings out, in the order in which a resolver would stumble.

import { Rcode, RRType, rcodeName } from "../wire/codes.js";
import { displayName, equalNames, isWithin, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { formatRR } from "../wire/text.js";
import { enumerationRR, nameServerRR } from "./delegation.js";
import {
  type Asked,
  addressesIn,
  type ChildPlace,
  type ChildServer,
  type Host,
  isSixth,
  referralOf,
  type Told,
  type Walk,
} from "./delegation-walk.js";
import { fail, pass, skip, type Verdict, warn } from "./doctor/verdict.js";
import { plainWord } from "./shell-words.js";

export type FindingId =
  | "way"
  | "delegation"
  | "parents"
  | "glue"
  | "reach"
  | "families"
  | "tcp"
  | "authority"
  | "ns"
  | "ds"
  | "lb";

export interface Finding extends Verdict {
  readonly id: FindingId;
  /** Whole sets as the zone above should have them, where it should not have what it has. */
  readonly wanted?: readonly RR[];
  /** Records that the zone above should not have. */
  readonly unwanted?: readonly RR[];
}

/** What is known of the child without asking anybody. */
export interface Expected {
  /** Its name servers by discd.lua; undefined: there is none to read. */
  readonly servers?: readonly Name[];
  /** Whether clients are meant to browse it; undefined: as far as is known. */
  readonly isBrowsed?: boolean;
}

type Judged = Omit<Finding, "id">;

const places = ({ servers }: Walk): readonly ChildPlace[] =>
  servers.flatMap((server) => server.places);

const hostText = ({ name, address, port }: Host): string => {
  const at = port === 53 ? address : `${address} port ${port}`;
  return name === undefined ? at : `${at} (${displayName(name)})`;
};

export function toldText(told: Told): string {
  if (told.kind === "silent") return "no answer";
  if (told.kind === "failed") return told.reason;
  const parts = [rcodeName(told.rcode), ...(told.isAuthoritative ? ["authoritative"] : [])];
  // What a server says of itself is for eyes only: no control characters.
  const nsid = told.nsid?.replace(/[^\x20-\x7e]/g, "?");
  if (nsid !== undefined) parts.push(`NSID ${nsid}`);
  return `${parts.join(", ")} in ${Math.round(told.ms)} ms`;
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

const setText = (names: readonly Name[]): string => names.map(displayName).sort().join(", ");

const without = (some: readonly Name[], others: readonly Name[]): Name[] =>
  some.filter((name) => !others.some((other) => equalNames(name, other)));

const targetsIn = (rrs: readonly RR[], owner: Name): Name[] =>
  rrs.flatMap(({ name, rdata }) =>
    rdata.kind === "ns" && equalNames(name, owner) ? [rdata.target] : [],
  );

const add = (rrs: readonly RR[], parent: Name): string[] =>
  rrs.map((rr) => `add to ${displayName(parent)}: ${formatRR(rr)}`);
const remove = (rrs: readonly RR[], parent: Name): string[] =>
  rrs.map((rr) => `remove from ${displayName(parent)}: ${formatRR(rr)}`);

/** By each server of the last step, what it delegates to. */
function delegations({ steps, child }: Walk): { asked: Asked; names: Name[] }[] {
  return (steps.at(-1)?.asked ?? []).flatMap((asked) => {
    const referral = referralOf(asked.told, child);
    if (referral === undefined || !equalNames(referral.cut, child)) return [];
    return [{ asked, names: targetsIn(referral.rrs, child) }];
  });
}

const cutNames = (walk: Walk): readonly Name[] => delegations(walk)[0]?.names ?? [];

/** What the child says of its own name servers. */
function childNames(walk: Walk): Name[] | undefined {
  for (const { ns } of places(walk)) {
    if (ns.kind !== "answer" || !ns.isAuthoritative) continue;
    const names = targetsIn(ns.answers, walk.child);
    if (names.length > 0) return names;
  }
  return undefined;
}

function judgeWay(walk: Walk): Judged {
  const { steps, child } = walk;
  const below = places(walk).map(
    ({ host, soa }) => `${displayName(child)}: ${hostText(host)}: ${toldText(soa)}`,
  );
  const above = steps.flatMap(({ zone, asked }) =>
    asked.map(({ host, told }) => {
      const where = zone === undefined ? "given" : displayName(zone);
      const sent = referralOf(told, child);
      const on = sent === undefined ? "" : ` -> ${displayName(sent.cut)}`;
      return `${where}: ${hostText(host)}: ${toldText(told)}${on}`;
    }),
  );
  const evidence = [...above, ...below];
  const last = steps.at(-1);
  if (last?.asked.some(({ told }) => told.kind === "answer")) {
    return pass(`the way was gone in ${counted(steps.length, "step")}`, evidence);
  }
  const where = last?.zone === undefined ? "the server given" : displayName(last.zone);
  if (last?.asked.length === 0) {
    const remedy = `see to the addresses of the name servers of ${where}`;
    return fail("unknown-servers", `nobody knows an address for ${where}`, [remedy], evidence);
  }
  const remedy =
    "is it running, and does a firewall let UDP port 53 through? Or name another --server";
  return fail("parent-silent", `no server of ${where} answers`, [remedy], evidence);
}

const noDelegation = (walk: Walk, { servers = [] }: Expected): string[] => {
  const { child, parent } = walk;
  if (servers.length > 0) {
    return add(
      servers.map((server) => nameServerRR(child, server)),
      parent,
    );
  }
  return [
    `add NS records for ${displayName(child)} to ${displayName(parent)}`,
    `discli delegation print ${plainWord(displayName(parent))}, on the host of discd, has them`,
  ];
};

function judgeDelegation(walk: Walk, expected: Expected): Judged {
  const { child, parent, steps } = walk;
  const names = cutNames(walk);
  const zone = displayName(child);
  if (names.length > 0) return pass(`${displayName(parent)} delegates it to ${setText(names)}`);
  const told = (steps.at(-1)?.asked ?? []).map((one) => one.told);
  const answers = told.filter((one) => one.kind === "answer");
  if (answers.length === 0) return skip("nobody above could be asked");
  const wanted = (expected.servers ?? []).map((server) => nameServerRR(child, server));
  const evidence = answers.map((one) => `${zone} NS: ${toldText(one)}`);
  const failed = (code: string, decision: string, remedy: readonly string[]): Judged => ({
    ...fail(code, decision, remedy, evidence),
    wanted,
  });
  const cname = answers
    .flatMap((one) => one.answers)
    .find(({ type, name }) => type === RRType.CNAME && equalNames(name, child));
  if (cname !== undefined) {
    const remedy = [...remove([cname], parent), ...noDelegation(walk, expected)];
    return {
      ...failed("cname", `${zone} is an alias there, and no zone`, remedy),
      unwanted: [cname],
    };
  }
  const own = answers.find((one) => targetsIn(one.answers, child).length > 0);
  if (own !== undefined) {
    const remedy = "name the server of the zone above: --server PARENT";
    return skip(
      `who was asked answers for ${zone} itself, and shows no delegation`,
      [remedy],
      evidence,
    );
  }
  if (answers.some(({ rcode }) => rcode === Rcode.NXDOMAIN)) {
    return failed(
      "nxdomain",
      `${displayName(parent)} says that there is no ${zone}`,
      noDelegation(walk, expected),
    );
  }
  if (answers.some(({ rcode }) => rcode === Rcode.NOERROR)) {
    return failed(
      "no-ns",
      `${displayName(parent)} has no NS records for ${zone}`,
      noDelegation(walk, expected),
    );
  }
  const remedy = "do these servers have the zone, and may this host ask them?";
  return fail(
    "parent-lame",
    `no server of ${displayName(parent)} answers for it`,
    [remedy],
    evidence,
  );
}

function judgeParents(walk: Walk): Judged {
  const said = delegations(walk);
  const first = said[0];
  if (first === undefined) return skip("there is no delegation to compare");
  const asked = walk.steps.at(-1)?.asked ?? [];
  const others = asked.filter((one) => {
    const names = said.find((other) => other.asked === one)?.names;
    if (names === undefined) return true;
    return without(names, first.names).length + without(first.names, names).length > 0;
  });
  if (others.length === 0) {
    return pass(
      asked.length === 1 ? "one parent server was asked" : `${asked.length} say the same`,
    );
  }
  const evidence = asked.map(({ host, told }) => {
    const names = said.find((other) => other.asked.host === host)?.names;
    return `${hostText(host)}: ${names === undefined ? toldText(told) : setText(names)}`;
  });
  const remedy =
    "has the serial been raised, and do the secondaries follow? (rndc notify, knotc zone-notify)";
  return warn("parents-differ", "the parent's servers do not say the same", [remedy], evidence);
}

function judgeGlue({ servers, child, parent }: Walk): Judged {
  if (servers.length === 0) return skip("there is no delegation");
  const bare = servers.filter((server) => server.places.length === 0);
  const evidence = servers.map(({ name, source, places: at }) => {
    const addresses = at.map(({ host }) => host.address).join(" ");
    return `${displayName(name)}: ${addresses || "no address"} (${sourceText[source]})`;
  });
  if (bare.length > 0) {
    const remedy = bare.map(({ name }) =>
      isWithin(name, parent)
        ? `add to ${displayName(parent)}: A and AAAA records of ${displayName(name)}`
        : `see to the addresses of ${displayName(name)}, or remove its NS record`,
    );
    const names = setText(bare.map(({ name }) => name));
    const isAll = bare.length === servers.length;
    const judged = isAll ? fail : warn;
    return judged("glue-missing", `nobody knows an address of ${names}`, remedy, evidence);
  }
  const wrong = servers.flatMap((server) => differing(server));
  if (wrong.length > 0) {
    const remedy = wrong.map(({ text }) => text);
    const decision = `addresses above ${displayName(child)} are not those that it tells itself`;
    return warn("glue-differs", decision, remedy, evidence);
  }
  return pass("every name server has an address", evidence);
}

const sourceText = {
  glue: "beside the delegation",
  parent: "in the zone above",
  resolver: "by the resolver",
  nobody: "not found",
} as const;

/** Where a name server inside the child says other addresses of itself than the parent does. */
function differing({ name, places: at, source }: ChildServer): { text: string }[] {
  if (source !== "glue" && source !== "parent") return [];
  const own = at.flatMap((place) => place.own);
  const isKnown = own.some((told) => told.kind === "answer" && told.isAuthoritative);
  const said = new Set(
    own.flatMap((told) => (told.kind === "answer" ? addressesIn(told.answers, name) : [])),
  );
  if (!isKnown || said.size === 0) return [];
  const above = new Set(at.map(({ host }) => host.address));
  const shown = displayName(name);
  return [
    ...[...above]
      .filter((one) => !said.has(one))
      .map((one) => ({ text: `remove above: ${shown} ${one}` })),
    ...[...said]
      .filter((one) => !above.has(one))
      .map((one) => ({ text: `add above: ${shown} ${one}` })),
  ];
}

/** This host cannot even try: that says nothing of the server. */
const isOurs = (told: Told): boolean =>
  told.kind === "failed" && ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(told.code);

const isDead = (told: Told): boolean => told.kind !== "answer" && !isOurs(told);

function judgeReach(walk: Walk): Judged {
  const all = places(walk);
  const tried = all.filter(({ soa }) => !isOurs(soa));
  if (tried.length === 0) {
    if (all.length === 0) return skip("no address to ask");
    return skip("this host has no route to any of the addresses", ["try it from another host"]);
  }
  const dead = tried.filter(({ soa }) => isDead(soa));
  // Where a whole family is dead and the other lives, judgeFamilies says it.
  const single = dead.filter(({ host }) =>
    tried.some((other) => isSixth(other.host) === isSixth(host) && !isDead(other.soa)),
  );
  const evidence = all.map(({ host, soa }) => `${hostText(host)} udp: ${toldText(soa)}`);
  if (dead.length === 0) return pass(`${tried.length} addresses answer`, evidence);
  const remedy = dead.map(
    ({ host }) =>
      `${host.address}: does discd run and listen there, does a firewall let UDP port ${host.port} through? If it is no longer its address, remove the record`,
  );
  if (dead.length === tried.length) {
    return fail("unreachable", "no name server of the zone answers", remedy, evidence);
  }
  if (single.length === 0) return pass(`${tried.length - dead.length} addresses answer`, evidence);
  return warn(
    "partly-unreachable",
    `${dead.length} of ${tried.length} addresses do not answer`,
    remedy,
    evidence,
  );
}

function judgeFamilies(walk: Walk): Judged {
  const families = [false, true].map((sixth) =>
    places(walk).filter(({ host, soa }) => isSixth(host) === sixth && !isOurs(soa)),
  );
  const names = ["IPv4", "IPv6"];
  const isBroken = families.map((one) => one.length > 0 && one.every(({ soa }) => isDead(soa)));
  const works = families.map((one) => one.some(({ soa }) => soa.kind === "answer"));
  const broken = isBroken.indexOf(true);
  if (broken !== -1 && works[1 - broken] === true) {
    const remedy = `make it answer over ${names[broken]}, or remove those addresses`;
    const evidence = (families[broken] ?? []).map(
      ({ host, soa }) => `${hostText(host)}: ${toldText(soa)}`,
    );
    return warn("one-family", `it answers over ${names[1 - broken]} only`, [remedy], evidence);
  }
  const used = names.filter((_, index) => works[index]);
  if (used.length === 0) return skip("nothing answers");
  return pass(`it answers over ${used.join(" and ")}`);
}

function judgeTcp(walk: Walk): Judged {
  const alive = places(walk).filter(({ soa }) => soa.kind === "answer");
  if (alive.length === 0) return skip("nothing answers over UDP");
  const dead = alive.filter(({ tcp }) => tcp.kind !== "answer");
  const evidence = alive.map(({ host, tcp }) => `${hostText(host)} tcp: ${toldText(tcp)}`);
  if (dead.length === 0) return pass("TCP is answered, too", evidence);
  const remedy = dead.map(
    ({ host }) =>
      `let TCP port ${host.port} of ${host.address} through: long lists of services need it`,
  );
  return fail("no-tcp", "long answers cannot be fetched: TCP is not answered", remedy, evidence);
}

/** Why an answer is none of the zone's own server; undefined: it is one. */
function lameness(soa: Told, child: Name): string | undefined {
  if (soa.kind !== "answer") return undefined;
  if (soa.rcode !== Rcode.NOERROR) return rcodeName(soa.rcode);
  if (!soa.isAuthoritative) return "not authoritative";
  const isThere = soa.answers.some(
    ({ type, name }) => type === RRType.SOA && equalNames(name, child),
  );
  return isThere ? undefined : "no SOA record";
}

function judgeAuthority(walk: Walk): Judged {
  const { child } = walk;
  const alive = places(walk).filter(({ soa }) => soa.kind === "answer");
  if (alive.length === 0) return skip("nothing answers");
  const lame = alive.flatMap(({ host, soa }) => {
    const why = lameness(soa, child);
    return why === undefined ? [] : [{ host, why }];
  });
  const zone = displayName(child);
  if (lame.length === 0) return pass(`all that answer are authoritative for ${zone}`);
  const evidence = lame.map(({ host, why }) => `${hostText(host)}: ${zone} SOA: ${why}`);
  const remedy = lame.map(({ host, why }) =>
    why === "REFUSED"
      ? `${hostText(host)}: is ${zone} in its discd.lua, and are you in \`allow\`? If it is not its zone, remove its NS record`
      : `${hostText(host)}: is ${zone} in its discd.lua? If it is not its zone, remove its NS record`,
  );
  const isAll = lame.length === alive.length;
  const decision = isAll
    ? "lame: no name server has the zone"
    : "lame: some name servers do not have the zone";
  return fail("lame", decision, remedy, evidence);
}

function judgeNs(walk: Walk, expected: Expected): Judged {
  const { child, parent } = walk;
  const above = cutNames(walk);
  if (above.length === 0) return skip("there is no delegation");
  const own = childNames(walk) ?? expected.servers;
  if (own === undefined) return skip("the zone itself tells no NS records");
  const missing = without(own, above).map((name) => nameServerRR(child, name));
  const surplus = without(above, own).map((name) => nameServerRR(child, name));
  if (missing.length + surplus.length === 0)
    return pass("the zone and the one above name the same");
  const evidence = [
    `${displayName(parent)}: ${setText(above)}`,
    `${displayName(child)}: ${setText(own)}`,
  ];
  const remedy = [...add(missing, parent), ...remove(surplus, parent)];
  if (surplus.length > 0) remedy.push("or name those servers as `nameservers` in discd.lua");
  const wanted = own.map((name) => nameServerRR(child, name));
  const decision = "the NS records here and there differ";
  return { ...warn("ns-differs", decision, remedy, evidence), wanted, unwanted: surplus };
}

function judgeDs({ ds, dnskey, child, parent }: Walk): Judged {
  const rrs = ds.flatMap(({ told }) =>
    told.kind === "answer"
      ? told.answers.filter(({ type, name }) => type === RRType.DS && equalNames(name, child))
      : [],
  );
  const unique = [...new Map(rrs.map((rr) => [formatRR({ ...rr, ttlSeconds: 0 }), rr])).values()];
  if (ds.length === 0) return skip("there is no delegation");
  if (unique.length === 0) return pass("no DS record: the zone is not signed, and need not be");
  const evidence = unique.map(formatRR);
  const keys = dnskey?.kind === "answer" ? dnskey.answers : undefined;
  if (keys?.some(({ type }) => type === RRType.DNSKEY) === true) {
    return pass(
      "it has a DS record, and DNSKEY records; that they fit is for delv to say",
      evidence,
    );
  }
  const decision =
    "a DS record, but the zone is not signed: resolvers that validate answer SERVFAIL";
  return { ...fail("ds-unsigned", decision, remove(unique, parent), evidence), unwanted: unique };
}

function judgeLb({ lists: { domain, lb }, child, parent }: Walk, expected: Expected): Judged {
  if (expected.isBrowsed === false || /arpa$/i.test(displayName(child))) {
    return skip("nobody browses in it");
  }
  const isTold =
    lb?.kind === "answer" && (lb.rcode === Rcode.NOERROR || lb.rcode === Rcode.NXDOMAIN);
  if (!isTold) return skip(`nobody told what ${displayName(domain)} has`);
  const named = lb.answers.flatMap(({ rdata }) => (rdata.kind === "ptr" ? [rdata.target] : []));
  if (named.some((name) => equalNames(name, child))) {
    return pass(`lb of ${displayName(domain)} names it`);
  }
  const wanted = [...named, child].map((name) => enumerationRR("lb", domain, name));
  const evidence = [`lb._dns-sd._udp.${displayName(domain)}: ${setText(named) || "none"}`];
  const decision = "clients do not browse there unasked: lb does not name it";
  const remedy = add(wanted.slice(-1), isWithin(domain, parent) ? parent : domain);
  return { ...warn("lb-missing", decision, remedy, evidence), wanted };
}

/** Judges a walk; findings in a fixed order, each id once. */
export function judgeWalk(walk: Walk, expected: Expected = {}): readonly Finding[] {
  const judged: readonly (readonly [FindingId, Judged])[] = [
    ["way", judgeWay(walk)],
    ["delegation", judgeDelegation(walk, expected)],
    ["parents", judgeParents(walk)],
    ["glue", judgeGlue(walk)],
    ["reach", judgeReach(walk)],
    ["families", judgeFamilies(walk)],
    ["tcp", judgeTcp(walk)],
    ["authority", judgeAuthority(walk)],
    ["ns", judgeNs(walk, expected)],
    ["ds", judgeDs(walk)],
    ["lb", judgeLb(walk, expected)],
  ];
  return judged.map(([id, one]) => ({ id, ...one }));
}

/** What a delegation is: without a look at these nothing is known of it. */
const essential: readonly FindingId[] = ["delegation", "parents", "authority"];

/** Whether the delegation itself was looked at, well or not. */
export const isLookedAt = (findings: readonly Finding[]): boolean =>
  essential.every((id) => findings.some((one) => one.id === id && one.state !== "SKIP"));
