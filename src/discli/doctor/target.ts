// What a run is about: the zone, and where discd answers for it, as far as that
// was typed or can be learned.

import { formatAddress } from "../../address.js";
import { pointersIn, recordsIn } from "../../client/answer.js";
import { dnsPort, type ResolverFile, type Server } from "../../os/resolv-conf.js";
import { RRType } from "../../wire/codes.js";
import type { Message } from "../../wire/message.js";
import { labelText, type Name, under } from "../../wire/name.js";
import { typedName } from "../names.js";
import { findServer } from "../server.js";
import { probe } from "./probe.js";
import type { SceneParts } from "./scene.js";

/** Milliseconds for one question: all there is to learn here is optional. */
const patience = 1500;
/** Name servers and addresses that are looked at. */
const serversMax = 4;
const searchMax = 6;

async function ask(
  servers: readonly Server[],
  name: Name,
  type: number,
): Promise<Message | undefined> {
  const replies = servers.map(async (server) => {
    const probed = await probe({ server, name, type, isRecursive: true, patience });
    return probed.kind === "answer" && probed.message.rcode === 0 ? probed.message : undefined;
  });
  // In the order of the servers: the first that knows.
  for (const reply of replies) {
    const message = await reply;
    if (message !== undefined && message.answers.length > 0) return message;
  }
  return undefined;
}

/** The first domain that the search domains name for browsing; else the first of them. */
async function findZone({ servers, search }: ResolverFile): Promise<Name | undefined> {
  const found = search.slice(0, searchMax).map(async (domain) => {
    const lists = ["lb", "b"].map(async (prefix) => {
      const name = under([prefix, "_dns-sd", "_udp"].map(labelText), domain);
      const message = await ask(servers, name, RRType.PTR);
      return message === undefined ? [] : pointersIn(message, name);
    });
    const named = (await Promise.all(lists)).flat();
    return named.find(({ key }) => key !== domain.key) ?? named[0];
  });
  const [zone] = (await Promise.all(found)).filter((name) => name !== undefined);
  return zone ?? search[0];
}

/** Addresses of the zone's name servers, by whoever of these knows them. */
async function nameServers(
  zone: Name,
  knowing: readonly Server[],
  system: readonly Server[],
): Promise<string[]> {
  const message = await ask([...knowing, ...system], zone, RRType.NS);
  const records = message === undefined ? [] : recordsIn(message, zone, RRType.NS);
  const hosts = records.flatMap(({ rdata }) => (rdata.kind === "ns" ? [rdata.target] : []));
  const addresses = hosts.slice(0, serversMax).flatMap((host) =>
    [RRType.A, RRType.AAAA].map(async (type): Promise<string[]> => {
      const told = await ask([...system, ...knowing], host, type);
      const rrs = told === undefined ? [] : recordsIn(told, host, type);
      return rrs.flatMap(({ rdata }) => {
        if (rdata.kind === "a") return [formatAddress({ family: "ipv4", bytes: rdata.address })];
        if (rdata.kind !== "aaaa") return [];
        return [formatAddress({ family: "ipv6", bytes: rdata.address })];
      });
    }),
  );
  return (await Promise.all(addresses)).flat();
}

export interface Typed {
  readonly zone: string | undefined;
  /** Several are separated by commas. */
  readonly server: string | undefined;
}

/**
 * What is known of zone and servers.
 *
 * @throws UsageError for what makes no sense as a name or an address
 */
export async function findTarget(
  typed: Typed,
  resolver: ResolverFile,
): Promise<Pick<SceneParts, "zone" | "servers" | "serversFrom">> {
  const words = typed.server === undefined ? [] : typed.server.split(",");
  const given = await Promise.all(words.map(findServer));
  const named = typed.zone === undefined ? undefined : typedName(typed.zone);
  const zone = named ?? (await findZone(resolver));
  const port = given[0]?.port ?? dnsPort;
  const further = zone === undefined ? [] : await nameServers(zone, given, resolver.servers);
  const servers = [...given];
  for (const address of further) {
    if (!servers.some((one) => one.address === address)) servers.push({ address, port });
  }
  return {
    zone,
    servers: servers.slice(0, serversMax),
    serversFrom: given.length > 0 ? "--server" : "the NS records of the zone",
  };
}
