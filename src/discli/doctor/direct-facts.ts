// What discd answers when it is asked itself, over each transport and family; and
// whether it is discd that answers, and not somebody in between.

import { randomInt } from "node:crypto";
import { pointersIn, recordsIn } from "../../client/answer.js";
import type { Server } from "../../os/resolv-conf.js";
import { RRType } from "../../wire/codes.js";
import {
  displayName,
  formatName,
  labelText,
  type Name,
  nameOf,
  parseName,
  under,
} from "../../wire/name.js";
import { formatRdata } from "../../wire/rdata/text.js";
import { type Connected, type Probed, probe, serverText, tryConnection } from "./probe.js";
import { bare, isZoneAnswer, type Reply, replyOf } from "./reply.js";
import { routeTo } from "./route-stage.js";
import type { Scene } from "./scene.js";

/** One address of discd. */
export interface ServerFacts {
  readonly server: string;
  readonly family: "IPv4" | "IPv6";
  readonly udp: Reply;
  readonly tcp: Reply;
}

/** A service, with all that a client wants to know of it. */
export interface InstanceFacts {
  readonly name: Name;
  readonly text: string;
  readonly host: string;
  readonly hostName: Name;
  readonly port: number;
  readonly isTcp: boolean;
  readonly addresses: readonly string[];
}

export interface Nowhere {
  readonly server: string;
  readonly reply: Reply;
  /** By this host's routes packets to there leave it. */
  readonly isRouted: boolean;
}

export interface DirectFacts {
  readonly zone: string | undefined;
  /** At most four, in the order of the scene. */
  readonly servers: readonly ServerFacts[];
  /** Where no name server is: whoever answers there stands in between. */
  readonly nowhere: readonly Nowhere[];
  /** A name that cannot exist, asked of the system's resolvers and of nowhere: its addresses. */
  readonly invented: readonly string[];
  /** Whether anything answers at the first server, at ports other than 53. */
  readonly otherPorts: readonly { readonly port: number; readonly outcome: Connected }[];
  /** At the port that discd takes without the right to 53. */
  readonly unprivileged: Reply | undefined;
  /** The first server asked as a resolver is, where it did not answer as discd does. */
  readonly recursive: Reply | undefined;
  readonly lb: Reply | undefined;
  /** Which types of service there are: the first question that the link has to answer. */
  readonly types: Reply | undefined;
  /** One of each of a few types, those with addresses first. */
  readonly instances: readonly InstanceFacts[];
}

/** Of a block for documentation, and of the one for packets to be discarded (100::/64). */
const nowhere: readonly Server[] = [
  { address: "203.0.113.253", port: 53 },
  { address: "100::53", port: 53 },
];

const otherPorts = [853, 5352, 80];
/** interface.md's: UDP and TCP without the right to bind 53. */
export const unprivilegedPort = 5300;
const serversMax = 4;
const typesTried = 3;

const asked = async (...wish: Parameters<typeof probe>): Promise<Reply> =>
  replyOf(await probe(...wish), wish[0].type);

async function lookAt(server: Server, zone: Name): Promise<ServerFacts> {
  const wish = { server, name: zone, type: RRType.SOA, isCurious: true };
  const [udp, tcp] = await Promise.all([asked(wish), asked({ ...wish, transport: "tcp" })]);
  const family = server.address.includes(":") ? "IPv6" : "IPv4";
  return { server: serverText(server), family, udp, tcp };
}

/** Nobody has registered it, and nobody can (RFC 6761 §6.4). */
function inventedName(): Name {
  const label = Array.from({ length: 12 }, () => String.fromCharCode(97 + randomInt(26))).join("");
  return nameOf([labelText(label), labelText("invalid")]);
}

async function inventedAddresses(scene: Scene): Promise<string[]> {
  const [first] = scene.parts.resolver.servers;
  const servers = [...(first === undefined ? [] : [first]), ...nowhere];
  const name = inventedName();
  const replies = await Promise.all(
    servers.map((server) =>
      asked({ server, name, type: RRType.A, isRecursive: true, patience: 1200 }),
    ),
  );
  return replies.flatMap((reply) => (reply.kind === "answer" ? reply.found : []));
}

const enumerationName = (prefix: string, zone: Name): Name =>
  under([prefix, "_dns-sd", "_udp"].map(labelText), zone);

const messageOf = (probed: Probed) => (probed.kind === "answer" ? probed.message : undefined);

/** What a browse of the zone finds first. */
async function browse(
  server: Server,
  zone: Name,
): Promise<Pick<DirectFacts, "types" | "instances">> {
  const asking = (name: Name, type: number) =>
    probe({ server, name, type, patience: 2000, resend: 900 });
  const ask = async (name: Name, type: number) => messageOf(await asking(name, type));
  const metaName = enumerationName("_services", zone);
  const meta = await asking(metaName, RRType.PTR);
  const types = messageOf(meta);
  const found = types === undefined ? [] : pointersIn(types, metaName).slice(0, typesTried);
  const tried = found.map(async (type): Promise<InstanceFacts[]> => {
    const list = await ask(type, RRType.PTR);
    const [name] = list === undefined ? [] : pointersIn(list, type);
    if (name === undefined) return [];
    const message = await ask(name, RRType.SRV);
    const srv = message && recordsIn(message, name, RRType.SRV)[0];
    if (srv?.rdata.kind !== "srv") return [];
    const { target, port } = srv.rdata;
    const answers = await Promise.all([ask(target, RRType.A), ask(target, RRType.AAAA)]);
    const addresses = answers.flatMap((one, at) =>
      one === undefined ? [] : recordsIn(one, target, at === 0 ? RRType.A : RRType.AAAA),
    );
    return [
      {
        name,
        text: displayName(name),
        host: displayName(target),
        hostName: target,
        port,
        isTcp: type.labels.some((label) => /^_tcp$/i.test(label)),
        addresses: addresses.map((rr) => formatRdata(rr.type, rr.rdata)),
      },
    ];
  });
  const instances = (await Promise.all(tried)).flat();
  const isReached = ({ addresses }: InstanceFacts) => addresses.length > 0;
  const sorted = [...instances.filter(isReached), ...instances.filter((one) => !isReached(one))];
  return { types: replyOf(meta, RRType.PTR), instances: sorted };
}

/** Once a run; see `DirectFacts`. */
export function directFacts(scene: Scene): Promise<DirectFacts> {
  return scene.once("direct", async () => {
    const { zone } = scene.parts;
    const servers = scene.parts.servers.slice(0, serversMax);
    const [first] = servers;
    const soaName = zone ?? parseName("example.com");
    const [looked, atNowhere, invented, ports, unprivileged] = await Promise.all([
      Promise.all(zone === undefined ? [] : servers.map((server) => lookAt(server, zone))),
      Promise.all(
        nowhere.map(async (server) => {
          const [reply, { dev }] = await Promise.all([
            asked({ server, name: soaName, type: RRType.SOA, patience: 1200 }),
            routeTo(server.address, "server"),
          ]);
          return { server: server.address, reply, isRouted: dev !== undefined };
        }),
      ),
      inventedAddresses(scene),
      Promise.all(
        otherPorts.map(async (port) => {
          const outcome = first && (await tryConnection({ ...first, port }, 1200));
          return { port, outcome: outcome ?? ("silent" as const) };
        }),
      ),
      first &&
        asked({ server: { ...first, port: unprivilegedPort }, name: soaName, type: RRType.SOA }),
    ]);
    const zoneText = zone && bare(formatName(zone));
    const good = servers.find((_, at) => {
      const reply = looked[at]?.udp;
      return zoneText !== undefined && reply !== undefined && isZoneAnswer(reply, zoneText);
    });
    const further = zone !== undefined && good !== undefined;
    const [lb, browsed] = further
      ? await Promise.all([
          asked({ server: good, name: enumerationName("lb", zone), type: RRType.PTR }),
          browse(good, zone),
        ])
      : [];
    const odd = good === undefined && looked[0]?.udp.kind === "answer";
    const recursive =
      odd && zone !== undefined && first !== undefined
        ? await asked({ server: first, name: zone, type: RRType.SOA, isRecursive: true })
        : undefined;
    return {
      zone: zoneText,
      servers: looked,
      nowhere: atNowhere,
      invented,
      otherPorts: ports,
      unprivileged,
      recursive,
      lb,
      types: browsed?.types,
      instances: browsed?.instances ?? [],
    };
  });
}
