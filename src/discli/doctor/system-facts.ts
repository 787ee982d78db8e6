// What the system's resolver says of the same names that discd was asked for.

import { parseAddress } from "../../address.js";
import type { Server } from "../../os/resolv-conf.js";
import { reverseApexes } from "../../proxy/reverse.js";
import { RRType } from "../../wire/codes.js";
import { formatName, labelText, type Name, parentName, parseName, under } from "../../wire/name.js";
import { type DirectFacts, directFacts } from "./direct-facts.js";
import { probe, serverText } from "./probe.js";
import { isZoneAnswer, type Reply, replyOf } from "./reply.js";
import { everySoa } from "./resolver-stage.js";
import type { Scene } from "./scene.js";

/** One question, by both ways. */
export interface Compared {
  readonly what: string;
  readonly direct: Reply;
  readonly system: Reply;
}

export interface SystemFacts {
  readonly zone: string | undefined;
  readonly discd: readonly string[];
  /** The SOA of the zone from each of the system's servers, in order. */
  readonly asked: readonly { readonly server: string; readonly soa: Reply }[];
  /** What a program gets: from the first server that is not evasive. */
  readonly soa: Reply | undefined;
  /** The same with CD, where it was SERVFAIL. */
  readonly unchecked: Reply | undefined;
  /** discd itself on the zone. */
  readonly direct: Reply | undefined;
  readonly lb: Compared | undefined;
  /** A and AAAA of a service's host. */
  readonly addresses: readonly Compared[];
  /** The reverse zone of such an address, if discd serves it. */
  readonly reverse: Compared | undefined;
  /** Milliseconds of some answers in a row, sorted. */
  readonly directTimes: readonly number[];
  readonly systemTimes: readonly number[];
}

/** A resolver library takes what the next server says for these (resolv.conf(5)). */
const evasive = new Set(["SERVFAIL", "REFUSED", "NOTIMP"]);
const timesTaken = 3;

interface Asked {
  readonly server: string;
  readonly soa: Reply;
}

/** Which of the answers a program ends up with. */
export function effectiveOf(asked: readonly Asked[]): Asked | undefined {
  const answered = asked.filter(({ soa }) => soa.kind === "answer");
  const plain = answered.find(({ soa }) => soa.kind === "answer" && !evasive.has(soa.rcode));
  return plain ?? answered[0];
}

async function compare(
  what: string,
  name: Name,
  type: number,
  discd: Server,
  system: Server,
): Promise<Compared> {
  const wish = { name, type, patience: 2000 };
  const [direct, other] = await Promise.all([
    probe({ ...wish, server: discd }),
    probe({ ...wish, server: system, isRecursive: true }),
  ]);
  return { what, direct: replyOf(direct, type), system: replyOf(other, type) };
}

/** The reverse zone that an address of a service is in, by discd's own word. */
async function compareReverse(
  address: string | undefined,
  discd: Server,
  system: Server,
): Promise<Compared | undefined> {
  const parsed = address === undefined ? undefined : parseAddress(address);
  if (parsed?.family !== "ipv4") return undefined;
  const [apex] = reverseApexes({ address: parsed, length: 24 });
  if (apex === undefined) return undefined;
  const found = await compare(formatName(apex), apex, RRType.SOA, discd, system);
  return found.direct.kind === "answer" && found.direct.isAuthoritative ? found : undefined;
}

async function timesOf(server: Server, name: Name, isRecursive: boolean): Promise<number[]> {
  const times: number[] = [];
  for (let left = timesTaken; left > 0; left--) {
    const probed = await probe({ server, name, type: RRType.SOA, isRecursive });
    if (probed.kind !== "answer") break;
    times.push(probed.ms);
  }
  return times.sort((a, b) => a - b);
}

/** Of discd's addresses the first that answers for the zone. */
function goodServer(scene: Scene, { zone, servers }: DirectFacts): Server | undefined {
  if (zone === undefined) return undefined;
  const good = servers.find(({ udp }) => isZoneAnswer(udp, zone));
  return scene.parts.servers.find((server) => serverText(server) === good?.server);
}

/** Once a run; see `SystemFacts`. */
export function systemFacts(scene: Scene): Promise<SystemFacts> {
  return scene.once("system", async () => {
    const { zone, resolver } = scene.parts;
    const [facts, asked] = await Promise.all([directFacts(scene), everySoa(scene)]);
    const discd = goodServer(scene, facts);
    const effective = effectiveOf(asked);
    const system = resolver.servers.find(({ address }) => address === effective?.server);
    const shared = {
      zone: facts.zone,
      discd: facts.servers.map(({ server }) => server),
      asked,
      soa: effective?.soa,
      direct: facts.servers
        .map(({ udp }) => udp)
        .find((udp) => isZoneAnswer(udp, facts.zone ?? "")),
    };
    if (zone === undefined || system === undefined || discd === undefined) {
      const none = { unchecked: undefined, lb: undefined, addresses: [], reverse: undefined };
      return { ...shared, ...none, directTimes: [], systemTimes: [] };
    }
    const soaWish = { server: system, name: zone, type: RRType.SOA, isRecursive: true };
    const isFailing = effective?.soa.kind === "answer" && effective.soa.rcode === "SERVFAIL";
    const lbName = under(["lb", "_dns-sd", "_udp"].map(labelText), zone);
    const [instance] = facts.instances;
    const [unchecked, lb, addresses, reverse, directTimes, systemTimes] = await Promise.all([
      isFailing ? probe({ ...soaWish, isUnchecked: true }) : undefined,
      compare("lb", lbName, RRType.PTR, discd, system),
      Promise.all(
        instance === undefined
          ? []
          : [
              compare(`A of ${instance.host}`, instance.hostName, RRType.A, discd, system),
              compare(`AAAA of ${instance.host}`, instance.hostName, RRType.AAAA, discd, system),
            ],
      ),
      compareReverse(
        instance?.addresses.find((one) => !one.includes(":")),
        discd,
        system,
      ),
      timesOf(discd, zone, false),
      timesOf(system, zone, true),
    ]);
    return {
      ...shared,
      unchecked: unchecked && replyOf(unchecked),
      lb,
      addresses,
      reverse,
      directTimes,
      systemTimes,
    };
  });
}

/** `10.in-addr.arpa`: the zone that resolvers answer themselves by default (RFC 6303). */
export function localZoneOf(reverse: string): string | undefined {
  let name = parseName(reverse);
  while (name.labels.length > 2) {
    const text = formatName(name).replace(/\.$/, "").toLowerCase();
    if (eaten.has(text)) return text;
    name = parentName(name);
  }
  return undefined;
}

/** Of RFC 6303, as far as links have such addresses. */
const eaten = new Set([
  "10.in-addr.arpa",
  ...Array.from({ length: 16 }, (_, at) => `${16 + at}.172.in-addr.arpa`),
  "168.192.in-addr.arpa",
  "254.169.in-addr.arpa",
]);
