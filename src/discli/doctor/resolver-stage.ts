// Stage 1: which resolver this system uses, who says so, and who else might be
// asked. Nothing about the network is worth chasing before that is right.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type ResolverFile, resolverFile, type Server } from "../../os/resolv-conf.js";
import { RRType } from "../../wire/codes.js";
import { formatName, type Name, rootName } from "../../wire/name.js";
import { plainWord } from "../shell-words.js";
import { check, type Stage } from "./check.js";
import { probe } from "./probe.js";
import { runProgram } from "./programs.js";
import { bare, isZoneAnswer, type Reply, replyOf, replyText } from "./reply.js";
import {
  ownersOf,
  type ResolvedScope,
  readResolvedServer,
  readResolvedStatus,
} from "./resolved-status.js";
import type { Scene } from "./scene.js";
import { labelCheck } from "./single-label.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

export interface OwnerEvidence {
  /** In zone-file text without the final dot; undefined: nobody named one. */
  readonly zone: string | undefined;
  readonly resolver: Pick<ResolverFile, "servers"> & { readonly search: readonly string[] };
  /** Of systemd-resolved; undefined where it is not in charge. */
  readonly scopes: readonly ResolvedScope[] | undefined;
  /** It is in charge, but resolvectl could not be asked: why. */
  readonly mute?: string;
  /** Whether the system's resolver finds the zone, whoever it asks. */
  readonly isFound: boolean;
}

const stubs = new Set(["127.0.0.53", "127.0.0.54"]);
const ofResolved = /systemd\/resolve\//;

/** Whether programs of this system end up at systemd-resolved. */
export function usesResolved(servers: ResolverFile["servers"], file: FileFacts): boolean {
  const isLinked = file.link !== undefined && ofResolved.test(file.link);
  return isLinked || servers.some(({ address }) => stubs.has(address));
}

const scopeText = ({ link, servers, domains, current, isDefaultRoute }: ResolvedScope): string => {
  const parts = [`${link ?? "global"}: servers ${servers.join(" ")}`];
  if (current !== undefined) parts.push(`now ${current}`);
  if (domains.length > 0) parts.push(`domains ${domains.join(" ")}`);
  if (link !== undefined && isDefaultRoute) parts.push("takes other names");
  return parts.join(", ");
};

export function judgeOwner({ zone, resolver, scopes, mute, isFound }: OwnerEvidence): Verdict {
  const { servers, search } = resolver;
  const plain = [
    `${resolverFile}: ${servers.map(({ address }) => address).join(" ")}`,
    ...(search.length > 0 ? [`search domains: ${search.join(" ")}`] : []),
  ];
  if (mute !== undefined) {
    const text = `systemd-resolved is in charge, but resolvectl does not say of what: ${mute}`;
    return skip(text, ["run `resolvectl status` as a user who may"], plain);
  }
  if (scopes === undefined) return pass("programs ask the servers of resolv.conf", plain);
  const asked = scopes.filter((scope) => scope.servers.length > 0);
  const evidence = asked.map(scopeText);
  if (asked.length === 0 && isFound) {
    // Those built into systemd-resolved, or named as FallbackDNS=.
    return pass("no link names a server, and the fallback servers know the zone", plain);
  }
  if (asked.length === 0) {
    const remedy = ["resolvectl dns IF ADDRESS, or DNS= in /etc/systemd/resolved.conf"];
    return fail("NO-RESOLVER", "systemd-resolved has no server to ask", remedy, plain);
  }
  if (zone === undefined) return pass("systemd-resolved answers programs", evidence);
  const { byDomain, owners } = ownersOf(asked, zone);
  const named = owners.map(({ link }) => link ?? "global").join(", ");
  if (byDomain) return pass(`systemd-resolved asks the servers of ${named} for ${zone}`, evidence);
  if (isFound) {
    const text = `no link owns ~${zone}, but the servers that get all other names know it`;
    return pass(`${text} (${named})`, evidence);
  }
  const remedy = [
    `resolvectl domain IF ~${plainWord(zone)}, on the link through which discd is reached`,
    "in NetworkManager: nmcli connection modify NAME ipv4.dns-search ~ZONE",
  ];
  const text = `no link owns ~${zone}: it goes to ${named || "nobody"}, where nobody knows it`;
  return fail("NO-ROUTING-DOMAIN", text, remedy, evidence);
}

/** The file that names the resolver, as `ls -l` and `head` show it. */
export interface FileFacts {
  readonly isThere: boolean;
  /** Where it leads, as the link says. */
  readonly link?: string;
  /** Comments at its top, at most five. */
  readonly comments: readonly string[];
}

const commentsMax = 5;

export function lookAtFile(file = resolverFile): FileFacts {
  let link: string | undefined;
  try {
    if (lstatSync(file).isSymbolicLink()) link = readlinkSync(file);
  } catch {
    return { isThere: false, comments: [] };
  }
  const found = link === undefined ? {} : { link };
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    const comments = lines.filter((line) => /^\s*[#;]\s*\S/.test(line)).slice(0, commentsMax);
    return { ...found, isThere: true, comments };
  } catch {
    return { ...found, isThere: false, comments: [] };
  }
}

/** Who writes the file, by where it leads or by what it says at its top. */
const writers: readonly (readonly [RegExp, string])[] = [
  [/systemd\/resolve|systemd-resolved/, "systemd-resolved"],
  [/NetworkManager/, "NetworkManager"],
  [/resolvconf/, "resolvconf"],
  [/connman/, "connman"],
  [/dhcpcd/, "dhcpcd"],
  [/dhclient|dhclient-script/, "dhclient"],
  [/tailscale/, "tailscale"],
];

export function writerOf({ link, comments }: FileFacts): string | undefined {
  const of = (text: string) => writers.find(([pattern]) => pattern.test(text))?.[1];
  return (link === undefined ? undefined : of(link)) ?? of(comments.join(" "));
}

export interface FileEvidence {
  readonly file: FileFacts;
  readonly servers: readonly string[];
  readonly complaints: readonly string[];
  /** Whether one of the servers answers; looked at where the file is missing. */
  readonly isAnswered?: boolean;
}

export function judgeFile({ file, servers, complaints, isAnswered }: FileEvidence): Verdict {
  const where = file.link === undefined ? "a plain file" : `a link to ${file.link}`;
  const writer = writerOf(file);
  const evidence = [
    `${resolverFile}: ${file.isThere || file.link !== undefined ? where : "not there"}`,
    ...(writer === undefined ? [] : [`written by ${writer}`]),
    `names ${servers.join(" ")}`,
    ...complaints,
  ];
  if (!file.isThere && isAnswered === true) {
    const text = "the file cannot be read, so that programs ask 127.0.0.1, where a server answers";
    const remedy = ["write `nameserver 127.0.0.1` into it, for those who look before they ask"];
    return warn("RESOLV-CONF-MISSING", text, remedy, evidence);
  }
  if (!file.isThere) {
    const text = "the file cannot be read, so that programs ask 127.0.0.1";
    const remedy = [
      "start the program that writes it, or write `nameserver ADDRESS` into a plain file",
    ];
    return fail("RESOLV-CONF-MISSING", text, remedy, evidence);
  }
  if (complaints.length > 0) {
    const remedy = ["correct these lines, in the program that writes the file"];
    return warn("RESOLV-CONF-BROKEN", "some of its lines do not count", remedy, evidence);
  }
  if (servers.some((server) => stubs.has(server))) {
    const text = "it names the stub of systemd-resolved: `resolvectl status` says who is asked";
    return pass(text, evidence);
  }
  return pass("what it says is what programs use", evidence);
}

/** Programs that decide about resolvers, by their names in /proc/PID/comm. */
const deciders: Readonly<Record<string, string>> = {
  NetworkManager: "NetworkManager",
  "systemd-resolve": "systemd-resolved",
  connmand: "connman",
  dhcpcd: "dhcpcd",
  dhclient: "dhclient",
  tailscaled: "tailscale",
  resolvconf: "resolvconf",
};

export interface RivalsEvidence {
  /** As in `deciders`, those that run in this network namespace. */
  readonly active: readonly string[];
  readonly writer: string | undefined;
  readonly isResolvedAsked: boolean;
}

/** Those that hand what they know to systemd-resolved where it is in charge. */
const obliging = new Set(["NetworkManager", "tailscale", "dhclient", "dhcpcd", "connman"]);

export function judgeRivals({ active, writer, isResolvedAsked }: RivalsEvidence): Verdict {
  const hasResolved = active.includes("systemd-resolved");
  // NetworkManager runs a DHCP client of its own.
  const rivals = active.filter((one) => {
    if (one === "systemd-resolved") return !isResolvedAsked;
    if (one === "dhclient" && active.includes("NetworkManager")) return false;
    return !(hasResolved && isResolvedAsked && obliging.has(one));
  });
  const evidence = [
    active.length === 0 ? "no program manages resolvers" : `active: ${active.join(", ")}`,
    ...(writer === undefined ? [] : [`resolv.conf is written by ${writer}`]),
  ];
  if (rivals.length > 1) {
    const text = `${rivals.join(" and ")} each decide who is asked, and the last to write wins`;
    const remedy = [
      "let one of them decide: `dns=none` or `dns=systemd-resolved` in NetworkManager.conf,",
      "or `systemctl disable --now systemd-resolved`; then write resolv.conf anew",
    ];
    return warn("RESOLVERS-FIGHT", text, remedy, evidence);
  }
  if (hasResolved && !isResolvedAsked) {
    const text =
      "systemd-resolved runs, but resolv.conf leads past it: programs ask different ones";
    const remedy = ["ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf, or stop it"];
    return warn("RESOLVERS-FIGHT", text, remedy, evidence);
  }
  return pass(active.length === 0 ? "nothing rewrites resolv.conf" : "one decides", evidence);
}

/** Names of the programs of `deciders` that live in our network namespace. */
function activeDeciders(): string[] {
  const found = new Set<string>();
  let own = "";
  try {
    own = readlinkSync("/proc/self/ns/net");
  } catch {
    return [];
  }
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const name = deciders[readFileSync(`/proc/${pid}/comm`, "utf8").trim()];
      if (name === undefined || !isOurs(pid, name, own)) continue;
      found.add(name);
    } catch {
      // Ended by now.
    }
  }
  return [...found].sort();
}

/** Where only root may see the namespace, what is in no container is taken for ours. */
function isOurs(pid: string, program: string, own: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === own;
  } catch {
    if (program === "systemd-resolved") return hasStub();
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return /^NSpid:\s+\d+$/m.test(status);
  }
}

/** Whether somebody answers at 127.0.0.53 in our network namespace. */
function hasStub(): boolean {
  return readFileSync("/proc/net/udp", "latin1").includes(" 3500007F:0035 ");
}

export interface FallbackEvidence {
  readonly zone: string | undefined;
  /** Those of systemd-resolved, each with what it says of the zone; absent: it is not in charge. */
  readonly behind?: Asked;
  /** Each server that a name of the zone may be put to, in order. */
  readonly asked: Asked;
}

type Asked = readonly { readonly server: string; readonly soa: Reply }[];

export function judgeFallback({ zone, asked: direct, behind = [] }: FallbackEvidence): Verdict {
  const asked = behind.length > 1 ? behind : direct;
  if (zone === undefined) return skip("no zone is known to ask for", ["give one: --zone ZONE"]);
  const evidence = asked.map(({ server, soa }) => `${server}: ${replyText(soa)}`);
  if (asked.length === 1 && stubs.has(asked[0]?.server ?? "")) {
    return pass(
      "systemd-resolved alone is asked; its own servers stand at resolver-owner",
      evidence,
    );
  }
  if (asked.length < 2) return pass("there is one server only: nothing to fall back to", evidence);
  const knowing = asked.filter(({ soa }) => isZoneAnswer(soa, zone));
  const silent = asked.filter(({ soa }) => soa.kind !== "answer");
  const ignorant = asked.filter(({ soa }) => soa.kind === "answer" && !isZoneAnswer(soa, zone));
  const names = (some: typeof asked) => some.map(({ server }) => server).join(", ");
  if (knowing.length === 0) {
    return pass("no server differs from the others; system-path looks at them", evidence);
  }
  if (ignorant.length > 0) {
    const text = `${names(ignorant)} may be asked for ${zone}, too, and does not know it`;
    const remedy = [
      "list only servers that know the zone, or send it by split DNS (resolvectl domain IF ~ZONE)",
    ];
    return warn("FALLBACK-LEAK", text, remedy, evidence);
  }
  if (silent.length > 0) {
    const text = `${names(silent)} does not answer: lookups wait for it`;
    return warn("RESOLVER-SILENT", text, ["take it out of the list, or start it"], evidence);
  }
  return pass("all servers that may be asked know the zone", evidence);
}

async function gatherOwner(scene: Scene): Promise<OwnerEvidence> {
  const { zone, resolver } = scene.parts;
  const { servers, search } = resolver;
  const isResolved = usesResolved(servers, lookAtFile());
  const told = isResolved ? await askResolved(scene) : undefined;
  const soa = await firstSoa(scene);
  const zoneText = zone && bare(formatName(zone));
  return {
    zone: zoneText,
    resolver: { servers, search: search.map((name) => bare(formatName(name))) },
    scopes: Array.isArray(told) ? told : undefined,
    ...(typeof told === "string" ? { mute: told } : {}),
    isFound: zoneText !== undefined && soa !== undefined && isZoneAnswer(soa, zoneText),
  };
}

async function gatherFile({ parts: { zone, resolver } }: Scene): Promise<FileEvidence> {
  const { servers, complaints } = resolver;
  const file = lookAtFile();
  const found = { file, servers: servers.map(({ address }) => address), complaints };
  const [server] = servers;
  if (file.isThere || server === undefined) return found;
  const wish = { server, name: zone ?? rootName, type: RRType.SOA, isRecursive: true };
  const reply = replyOf(await probe({ ...wish, patience: 1000 }));
  return { ...found, isAnswered: reply.kind === "answer" && reply.rcode !== "REFUSED" };
}

/** @returns why it could not be asked, as a text */
function askResolved(scene: Scene): Promise<ResolvedScope[] | string> {
  return scene.once("resolvectl", async () => {
    const ran = await runProgram("resolvectl", ["status", "--no-pager"]);
    if (ran === undefined) return "the program resolvectl is not there";
    if (ran.status !== 0) return ran.err.trim().split("\n")[0] || `status ${ran.status}`;
    return readResolvedStatus(ran.out);
  });
}

/** The SOA of the zone from each server that the system may ask. */
export function everySoa(scene: Scene): Promise<FallbackEvidence["asked"]> {
  return scene.once("resolver-soas", async () => {
    const { zone, resolver } = scene.parts;
    return zone === undefined ? [] : soasOf(resolver.servers, zone);
  });
}

function soasOf(servers: readonly Server[], zone: Name): Promise<Asked> {
  const asked = servers.map(async (server) => {
    const wish = { server, name: zone, type: RRType.SOA, isRecursive: true, isCurious: true };
    return { server: server.address, soa: replyOf(await probe({ ...wish, patience: 1800 })) };
  });
  return Promise.all(asked);
}

/** Servers of systemd-resolved that are asked; more than a few for one zone have other owners. */
const behindMax = 8;

/** The SOA of the zone from each server that systemd-resolved may ask for it. */
async function gatherFallback(scene: Scene): Promise<FallbackEvidence> {
  const { zone, resolver } = scene.parts;
  if (zone === undefined) return { zone, asked: [] };
  const text = bare(formatName(zone));
  const isResolved = usesResolved(resolver.servers, lookAtFile());
  const told = isResolved ? await askResolved(scene) : [];
  const { owners } = ownersOf(Array.isArray(told) ? told : [], text);
  const names = [...new Set(owners.flatMap(({ servers }) => servers))];
  const servers = names.flatMap((name) => readResolvedServer(name) ?? []).slice(0, behindMax);
  const [asked, behind] = await Promise.all([everySoa(scene), soasOf(servers, zone)]);
  return { zone: text, asked, behind };
}

async function firstSoa(scene: Scene): Promise<Reply | undefined> {
  const asked = await everySoa(scene);
  return asked.find(({ soa }) => soa.kind === "answer")?.soa;
}

export const resolverStage: Stage = {
  id: "resolver",
  title: "which resolver does this system use?",
  checks: [
    check<OwnerEvidence>({
      id: "resolver-owner",
      title: "Which link and which servers get names of the zone?",
      codes: {
        "NO-RESOLVER": "systemd-resolved knows no server at all",
        "NO-ROUTING-DOMAIN": "no link owns the zone, and those that take the rest do not know it",
      },
      limit: 4000,
      commands: ({ zone }) => ["resolvectl status", `resolvectl query ${zone}`],
      gather: gatherOwner,
      judge: judgeOwner,
    }),
    check<FileEvidence>({
      id: "resolv-conf",
      title: "Whose is /etc/resolv.conf, and is it what programs use?",
      codes: {
        "RESOLV-CONF-MISSING": "the file is not there, or a link that leads nowhere",
        "RESOLV-CONF-BROKEN": "lines in it make no sense and do not count",
      },
      limit: 2000,
      commands: () => [`ls -l ${resolverFile}`, `cat ${resolverFile}`],
      gather: gatherFile,
      judge: judgeFile,
    }),
    check<RivalsEvidence>({
      id: "managers",
      title: "Do several programs decide who is asked?",
      codes: { "RESOLVERS-FIGHT": "two programs manage resolvers, and neither knows of the other" },
      limit: 2000,
      commands: () => [
        "ps -e -o comm= | grep -E 'NetworkManager|systemd-resolve|connmand|dhcpcd|dhclient'",
        `ls -l ${resolverFile}`,
      ],
      gather: async ({ parts: { resolver } }) => {
        const file = lookAtFile();
        const isResolvedAsked = usesResolved(resolver.servers, file);
        return { active: activeDeciders(), writer: writerOf(file), isResolvedAsked };
      },
      judge: judgeRivals,
    }),
    check<FallbackEvidence>({
      id: "fallback",
      title: "Which servers may get names of the zone when the first is slow?",
      codes: {
        "FALLBACK-LEAK": "a server that may be asked, too, does not know the zone",
        "RESOLVER-SILENT": "one of several servers does not answer",
      },
      limit: 4000,
      commands: ({ zone }) => [
        `for each server of ${resolverFile}, or of resolvectl status: dig @ADDRESS ${zone} SOA`,
      ],
      gather: gatherFallback,
      judge: judgeFallback,
    }),
    labelCheck,
  ],
};
