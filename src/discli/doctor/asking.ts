// One question to the system's resolvers, as any client of this host asks it.

import { RRType } from "../../wire/codes.js";
import type { Message } from "../../wire/message.js";
import { displayName, type Name } from "../../wire/name.js";
import { type Probed, probe } from "./probe.js";
import { type Reply, replyOf } from "./reply.js";
import type { Scene } from "./scene.js";

/** What was asked, what came, and the names or records in it. */
export interface Asked {
  /** As people write it: `lb._dns-sd._udp.example.com PTR`. */
  readonly question: string;
  readonly reply: Reply;
  readonly message: Message | undefined;
}

const patience = 1800;

/** Asks the system's resolvers in their order, as a client does. */
export async function askSystem(
  scene: Scene,
  name: Name,
  type: number,
  whole = patience,
): Promise<Asked> {
  const { servers } = scene.parts.resolver;
  let probed: Probed = { kind: "silent", ms: 0 };
  for (const server of servers) {
    probed = await probe({ server, name, type, isRecursive: true, patience: whole, resend: 700 });
    if (probed.kind === "answer" && [0, 3].includes(probed.message.rcode)) break;
  }
  return {
    question: `${displayName(name)} ${typeText[type] ?? type}`,
    reply: replyOf(probed, type),
    message: probed.kind === "answer" ? probed.message : undefined,
  };
}

const typeText: Readonly<Record<number, string>> = {
  [RRType.PTR]: "PTR",
  [RRType.SOA]: "SOA",
  [RRType.SRV]: "SRV",
  [RRType.A]: "A",
  [RRType.AAAA]: "AAAA",
};
