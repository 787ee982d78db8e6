// How large packets to discd may be, without any right to raw sockets: queries
// padded to some sizes (RFC 7830), and enough answers on one connection to fill
// segments on the way back.

import { randomInt } from "node:crypto";
import { connect } from "node:net";
import type { Server } from "../../os/resolv-conf.js";
import { RRClass, RRType } from "../../wire/codes.js";
import { encodeFrame, FrameReader } from "../../wire/frame.js";
import { encodeMessage } from "../../wire/message.js";
import type { Name } from "../../wire/name.js";
import { probe } from "./probe.js";
import { routeTo } from "./route-stage.js";
import type { Scene } from "./scene.js";
import { fail, pass, skip, type Verdict, warn } from "./verdict.js";

/** The smallest that everybody takes, what discd states, what a tunnel may not take, fragments. */
export const ladder = [512, 1232, 1452, 4096] as const;

/** What discd says in EDNS, and answers at most over UDP (limits.udp_size). */
const advertised = 1232;

/** Bytes of the IP and UDP headers. */
const headersOf = (server: string): number => (server.includes(":") ? 48 : 28);

export interface PathFacts {
  readonly server: string;
  /** Whether a query of that many bytes was answered, and how often it was sent. */
  readonly steps: readonly { readonly bytes: number; readonly sent: number | undefined }[];
  /** Of the answers wanted on one TCP connection those that came; undefined: no connection. */
  readonly burst: { readonly wanted: number; readonly came: number } | undefined;
  /** What the kernel learned from routers (ICMP). */
  readonly learned: number | undefined;
}

const stepText = ({ bytes, sent }: PathFacts["steps"][number]): string => {
  if (sent === undefined) return `${bytes} lost`;
  return sent > 1 ? `${bytes} after ${sent} tries` : `${bytes} ok`;
};

function evidenceOf(paths: readonly PathFacts[]): string[] {
  return paths.map(({ server, steps, burst, learned }) => {
    const parts = [`${server}: queries of ${steps.map(stepText).join(", ")} bytes`];
    if (burst !== undefined) parts.push(`over TCP ${burst.came} of ${burst.wanted} answers`);
    if (learned !== undefined) parts.push(`path MTU ${learned} by a router's word`);
    return parts.join("; ");
  });
}

const lost = ({ steps }: PathFacts, upTo: number): number | undefined =>
  steps.find(({ bytes, sent }) => bytes <= upTo && sent === undefined)?.bytes;

export function judgeMtu(paths: readonly PathFacts[]): Verdict {
  // Where not even small queries arrive, size is not the matter.
  const usable = paths.filter((path) => lost(path, ladder[0]) === undefined);
  if (usable.length === 0) return skip("discd does not answer, whatever the size; see direct");
  const evidence = evidenceOf(usable);
  const hole = usable.find((path) => lost(path, advertised) !== undefined);
  const stalled = usable.find(({ burst }) => burst !== undefined && burst.came < burst.wanted);
  if (hole !== undefined || stalled !== undefined) {
    const { server } = (hole ?? stalled) as PathFacts;
    const what =
      hole === undefined ? "full TCP segments" : `packets of ${lost(hole, advertised)} bytes`;
    const text = `${what} on the way to ${server} are lost, and no router says so`;
    const remedy = [
      'let ICMP "fragmentation needed" and ICMPv6 "packet too big" through on every router between',
      "or make the tunnel's MTU smaller at both ends, and clamp TCP MSS: tcp option maxseg size set rt mtu",
      "until then: limits = { udp_size = 512 } in discd.lua",
    ];
    return fail("MTU-BLACKHOLE", text, remedy, evidence);
  }
  const small = usable.find(({ server, learned }) => {
    return learned !== undefined && learned < advertised + headersOf(server);
  });
  if (small?.learned !== undefined) {
    const room = small.learned - headersOf(small.server);
    const text = `an answer of ${advertised} bytes would fragment: the path to ${small.server} takes ${small.learned}`;
    const remedy = [
      `limits = { udp_size = ${Math.max(room, 512)} } in discd.lua: longer answers go over TCP`,
    ];
    return warn("SMALL-MTU", text, remedy, evidence);
  }
  const largest = Math.max(...usable.flatMap(({ steps }) => steps.map(({ bytes }) => bytes)));
  const fragments = usable.find((path) => lost(path, largest) !== undefined);
  if (fragments === undefined) return pass(`answers of ${advertised} bytes arrive whole`, evidence);
  const text = `answers of ${advertised} bytes arrive whole; ${lost(fragments, largest)} do not`;
  return pass(`${text}, which discd does not send`, evidence);
}

const patience = 1300;
const burstQueries = 40;

/** Many small queries at once: the answers fill segments to the full. */
function burst(server: Server, name: Name): Promise<PathFacts["burst"]> {
  return new Promise((resolve) => {
    let came = 0;
    let isOpen = false;
    const socket = connect(server.port, server.address, () => {
      isOpen = true;
      const queries = Array.from({ length: burstQueries }, () =>
        encodeFrame(
          encodeMessage({
            id: randomInt(0x10000),
            questions: [{ name, type: RRType.SOA, class: RRClass.IN }],
          }),
        ),
      );
      socket.write(Buffer.concat(queries));
    });
    const reader = new FrameReader();
    const finish = () => {
      clearTimeout(end);
      socket.destroy();
      resolve(isOpen ? { wanted: burstQueries, came } : undefined);
    };
    const end = setTimeout(finish, 2 * patience);
    socket.on("error", finish);
    socket.on("end", finish);
    socket.on("data", (bytes) => {
      reader.push(bytes);
      while (reader.take() !== undefined) came += 1;
      if (came >= burstQueries) finish();
    });
  });
}

async function lookAt(server: Server, name: Name): Promise<PathFacts> {
  const tried = ladder.map(async (queryBytes) => {
    const wish = { server, name, type: RRType.SOA, queryBytes, patience, resend: patience / 4 };
    const probed = await probe(wish);
    return { bytes: queryBytes, sent: probed.kind === "answer" ? probed.sent : undefined };
  });
  const [steps, burstFacts] = await Promise.all([Promise.all(tried), burst(server, name)]);
  const { mtu: learned } = await routeTo(server.address, "server");
  return { server: server.address, steps, burst: burstFacts, learned };
}

export async function gatherMtu({ parts: { zone, servers } }: Scene): Promise<PathFacts[]> {
  if (zone === undefined) return [];
  return Promise.all(servers.map((server) => lookAt(server, zone)));
}
