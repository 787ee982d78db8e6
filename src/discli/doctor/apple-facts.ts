// What an Apple client asks before it shows a service of another network, step
// by step, as mDNSResponder does it: browse domains in the search domains and in
// the networks' reverse names, then the zone's SOA and the Push server.

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { type Address, contains, formatAddress, type Prefix, parsePrefix } from "../../address.js";
import { pointersIn, recordsIn } from "../../client/answer.js";
import { dnsPort } from "../../os/resolv-conf.js";
import { RRClass, RRType } from "../../wire/codes.js";
import { FormatError } from "../../wire/errors.js";
import { decodeMessage, encodeMessage } from "../../wire/message.js";
import { labelText, type Name, parentName, parseName, under } from "../../wire/name.js";
import { type Asked, askSystem } from "./asking.js";
import type { Reply } from "./reply.js";
import type { Scene } from "./scene.js";

/** A place where browse domains are looked for. */
export interface Place {
  readonly kind: "search" | "reverse" | "multicast" | "zone";
  readonly domain: Name;
}

export interface PlaceLists extends Place {
  /** What Apple asks for; the others only tell why it may be empty. */
  readonly lb: ListFacts;
  readonly b: ListFacts;
}

export interface ListFacts {
  readonly question: string;
  readonly reply: Reply;
  readonly names: readonly Name[];
}

/** A proxy that hears nothing on its link says so after six seconds (RFC 8766 §5.6). */
const browsePatience = 6500;
/** Search domains and networks that are looked at: more are a mistake. */
const placesMax = 8;
/** Browse domains that are followed. */
export const domainsMax = 4;
const parentsMax = 2;

const listName = (prefix: string, domain: Name): Name =>
  under([prefix, "_dns-sd", "_udp"].map(labelText), domain);

export const isLocal = ({ labels }: Name): boolean => /^local$/i.test(labels.at(-1) ?? "");

/** The prefixes on this host's own interfaces, loopback left out. */
export function ownPrefixes(): readonly Prefix[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((one) => {
      const prefix = one?.internal === false && one.cidr ? parsePrefix(one.cidr) : undefined;
      return prefix === undefined ? [] : [prefix];
    });
}

export const isOnOwnSubnet = (address: Address, prefixes: readonly Prefix[]): boolean =>
  prefixes.some((prefix) => contains(prefix, address));

/** `0.0.9.10.in-addr.arpa` for 10.9.0.7/24: the address with all bits of the host cleared. */
export function reverseNetwork({ address, length }: Prefix): Name | undefined {
  if (address.family !== "ipv4" || length < 1 || length > 30) return undefined;
  const bytes = [...address.bytes].map((byte, index) => {
    const kept = Math.min(Math.max(length - index * 8, 0), 8);
    return byte & (0xff00 >> kept) & 0xff;
  });
  return parseName(`${bytes.reverse().join(".")}.in-addr.arpa`);
}

export interface PlaceFacts {
  readonly zone: Name | undefined;
  readonly places: readonly Place[];
}

/** Where the client looks for domains to browse. */
export function placesOf(scene: Scene): PlaceFacts {
  const { zone, resolver } = scene.parts;
  const search = resolver.search.map((domain): Place => ({ kind: "search", domain }));
  const networks = ownPrefixes().flatMap((prefix) => reverseNetwork(prefix) ?? []);
  const byKey = new Map(networks.map((domain) => [domain.key, domain]));
  const reverse = [...byKey.values()].map((domain): Place => ({ kind: "reverse", domain }));
  return { zone, places: [...search, ...reverse].slice(0, placesMax) };
}

export interface BrowseDomainFacts {
  readonly zone: Name | undefined;
  readonly lists: readonly PlaceLists[];
  /** What links tell by multicast (`announce`). */
  readonly multicast: readonly Name[];
  /** The zone and the domains around it, where nobody looks who does not search there. */
  readonly beside: readonly PlaceLists[];
}

async function listsAt(scene: Scene, place: Place): Promise<PlaceLists> {
  const list = async (prefix: string): Promise<ListFacts> => {
    const name = listName(prefix, place.domain);
    const { question, reply, message } = await askSystem(scene, name, RRType.PTR);
    return { question, reply, names: message === undefined ? [] : pointersIn(message, name) };
  };
  const [lb, b] = await Promise.all([list("lb"), list("b")]);
  return { ...place, lb, b };
}

export function browseDomains(scene: Scene): Promise<BrowseDomainFacts> {
  return scene.once("apple-domains", async () => {
    const { zone, places } = placesOf(scene);
    const known = new Set(places.map(({ domain }) => domain.key));
    const around: Place[] = [];
    for (let at = zone; at !== undefined && around.length <= parentsMax; at = parentName(at)) {
      if (at.labels.length < 2) break;
      if (!known.has(at.key)) around.push({ kind: "zone", domain: at });
    }
    const [lists, beside, multicast] = await Promise.all([
      Promise.all(places.filter((one) => !isLocal(one.domain)).map((one) => listsAt(scene, one))),
      Promise.all(around.filter((one) => !isLocal(one.domain)).map((one) => listsAt(scene, one))),
      askLinks(listName("lb", parseName("local"))),
    ]);
    return { zone, lists, beside, multicast };
  });
}

const linkPatience = 1000;

/** One question by multicast on each link, IPv4, answered to its port (RFC 6762 §6.7). */
async function askLinks(name: Name): Promise<readonly Name[]> {
  const own = Object.values(networkInterfaces())
    .flat()
    .flatMap((one) => (one?.internal === false && one.family === "IPv4" ? [one.address] : []));
  const question = { name, type: RRType.PTR, class: RRClass.IN };
  const found = own.map(
    (address) =>
      new Promise<Name[]>((resolve) => {
        const id = randomInt(0x10000);
        const socket = createSocket("udp4");
        const names: Name[] = [];
        const finish = () => {
          clearTimeout(end);
          socket.close();
          resolve(names);
        };
        const end = setTimeout(finish, linkPatience);
        socket.on("error", finish);
        socket.on("message", (bytes) => names.push(...namesToldIn(bytes, name)));
        socket.bind(0, address, () => {
          try {
            socket.setMulticastInterface(address);
            socket.send(encodeMessage({ id, questions: [question] }), 5353, "224.0.0.251");
          } catch {
            // The address is gone, or the link carries no multicast.
            finish();
          }
        });
      }),
  );
  const names = (await Promise.all(found)).flat();
  return [...new Map(names.map((one) => [one.key, one])).values()].slice(0, domainsMax);
}

function namesToldIn(bytes: Uint8Array, name: Name): Name[] {
  try {
    const message = decodeMessage(bytes);
    return message.isResponse ? pointersIn(message, name) : [];
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

/** The domains that an app gets when it names none: the zone alone, if one was asked about. */
export async function followedDomains(scene: Scene): Promise<readonly Name[]> {
  const { zone, lists, multicast } = await browseDomains(scene);
  const names = [...lists.flatMap(({ lb }) => lb.names), ...multicast];
  const wanted = zone !== undefined && names.some(({ key }) => key === zone.key) ? [zone] : names;
  const distinct = new Map(wanted.filter((name) => !isLocal(name)).map((name) => [name.key, name]));
  return [...distinct.values()].slice(0, domainsMax);
}

/** What any app could look for: printers. */
export const browsedName = (domain: Name): Name => under(["_ipp", "_tcp"].map(labelText), domain);

export interface BrowseFacts {
  readonly domain: Name;
  readonly asked: Asked;
}

export function browseFacts(scene: Scene): Promise<readonly BrowseFacts[]> {
  return scene.once("apple-browse", async () => {
    const domains = await followedDomains(scene);
    return Promise.all(
      domains.map(async (domain) => ({
        domain,
        asked: await askSystem(scene, browsedName(domain), RRType.PTR, browsePatience),
      })),
    );
  });
}

export interface WalkFacts {
  readonly domain: Name;
  /** SOA questions, from the browsed name towards the root. */
  readonly steps: readonly Asked[];
  /** Whose SOA came; undefined: none, to the end. */
  readonly zone: Name | undefined;
}

const stepsMax = 20;

/** Only a positive answer ends the walk, at the name that was asked (dns_push_discovery.c). */
async function walk(scene: Scene, domain: Name): Promise<WalkFacts> {
  const steps: Asked[] = [];
  for (let at = browsedName(domain); at.labels.length > 0; at = parentName(at)) {
    if (steps.length >= stepsMax) break;
    const asked = await askSystem(scene, at, RRType.SOA);
    steps.push(asked);
    if (asked.message === undefined) break;
    if (recordsIn(asked.message, at, RRType.SOA).length > 0) return { domain, steps, zone: at };
  }
  return { domain, steps, zone: undefined };
}

export function walkFacts(scene: Scene): Promise<readonly WalkFacts[]> {
  return scene.once("apple-walk", async () =>
    Promise.all((await followedDomains(scene)).map((domain) => walk(scene, domain))),
  );
}

export interface PushPlace {
  readonly host: Name;
  readonly port: number;
  readonly addresses: readonly Address[];
}

export interface PushFacts {
  readonly zone: Name;
  readonly asked: Asked;
  /** Where SRV records lead; empty where they say that there is no such service. */
  readonly places: readonly PushPlace[];
}

const targetsMax = 2;
const addressesMax = 4;

async function pushAt(scene: Scene, zone: Name): Promise<PushFacts> {
  const name = under(["_dns-push-tls", "_tcp"].map(labelText), zone);
  const asked = await askSystem(scene, name, RRType.SRV);
  const srvs = asked.message === undefined ? [] : recordsIn(asked.message, name, RRType.SRV);
  const places = srvs.slice(0, targetsMax).map(async ({ rdata }): Promise<PushPlace[]> => {
    if (rdata.kind !== "srv" || rdata.target.labels.length === 0) return [];
    const { target: host, port } = rdata;
    const both = await Promise.all(
      [RRType.A, RRType.AAAA].map(async (type) => {
        const { message } = await askSystem(scene, host, type);
        return message === undefined ? [] : recordsIn(message, host, type);
      }),
    );
    const addresses = both.flat().flatMap(({ rdata: one }): Address[] => {
      if (one.kind === "a") return [{ family: "ipv4", bytes: one.address }];
      return one.kind === "aaaa" ? [{ family: "ipv6", bytes: one.address }] : [];
    });
    return [{ host, port, addresses: addresses.slice(0, addressesMax) }];
  });
  return { zone, asked, places: (await Promise.all(places)).flat() };
}

export function pushFacts(scene: Scene): Promise<readonly PushFacts[]> {
  return scene.once("apple-push", async () => {
    const zones = (await walkFacts(scene)).flatMap(({ zone }) =>
      zone === undefined ? [] : [zone],
    );
    const distinct = [...new Map(zones.map((zone) => [zone.key, zone])).values()];
    return Promise.all(distinct.map((zone) => pushAt(scene, zone)));
  });
}

export const addressText = (address: Address, port: number): string =>
  port === dnsPort ? formatAddress(address) : `${formatAddress(address)} port ${port}`;
