// The packets of a device as bytes: probes and responses, multicast and legacy
// (RFC 6762 §6.7, §8.1, §10.2, §17, §18). What goes into them is decided in
// responder.ts.

import type { Endpoint, Family } from "../address.js";
import type { Instant } from "../time.js";
import type { Question } from "../wire/message.js";
import type { RR } from "../wire/rr.js";
import { MessageWriter } from "../wire/writer.js";
import type { OwnRR } from "./device.js";

/** RFC 6762 §10.2: the other RRs of the set are old. */
export const flushBit = 0x8000;

/** Legacy answers live short, since nobody corrects them (RFC 6762 §6.7). */
const legacyTtlSeconds = 10;

/** UDP payload at an MTU of 1500. */
const payloadMax: Readonly<Record<Family, number>> = { ipv4: 1472, ipv6: 1452 };

export type ReplyTo = "group" | Endpoint;

/** An answer that waits for its time. */
export interface Reply {
  readonly to: ReplyTo;
  /** Whose further known answers count; nobody's, when the device speaks unasked. */
  readonly asker: Endpoint | undefined;
  dueAt: Instant;
  readonly answers: Map<string, OwnRR>;
  /** Keys of RRs that the asker has already. */
  readonly known: Set<string>;
  /** The query was truncated: more known answers follow. */
  awaitsMore: boolean;
  /** Somebody probes for a name of ours. */
  readonly isDefence: boolean;
  readonly legacy?: Legacy;
}

/** Who asked from another port than 5353 gets his ID and question back. */
export interface Legacy {
  readonly id: number;
  readonly questions: readonly Question[];
}

/** A question, and proposed RRs without the flush bit in the authority section. */
export function encodeProbe(
  family: Family,
  questions: readonly Question[],
  claimed: readonly OwnRR[],
): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  // One packet for each name, if they do not fit together.
  const together = probe(family, questions, claimed);
  if (together !== undefined) return [together];
  for (const question of questions) {
    const mine = claimed.filter(({ rr }) => rr.name.key === question.name.key);
    const alone = probe(family, [question], mine);
    if (alone !== undefined) packets.push(alone);
  }
  return packets;
}

function probe(
  family: Family,
  questions: readonly Question[],
  claimed: readonly OwnRR[],
): Uint8Array | undefined {
  const writer = new MessageWriter(payloadMax[family], "mdns");
  writer.header({});
  for (const question of questions) if (!writer.question(question)) return undefined;
  const rrs = claimed.map((own) => own.rr);
  return writer.append("authority", rrs) ? writer.finish() : undefined;
}

/** As many packets as the answers need; additionals that do not fit into the last are left out. */
export function encodeResponses(
  family: Family,
  answers: readonly OwnRR[],
  additionals: readonly OwnRR[],
  legacy: Legacy | undefined,
): readonly Uint8Array[] {
  if (answers.length === 0) return [];
  const packets: Uint8Array[] = [];
  let writer = begin(family, legacy);
  for (const own of answers) {
    if (writer.append("answer", [onWire(own, legacy)])) continue;
    packets.push(writer.finish());
    writer = begin(family, legacy);
    writer.append("answer", [onWire(own, legacy)]);
  }
  for (const own of additionals) writer.append("additional", [onWire(own, legacy)]);
  packets.push(writer.finish());
  return packets;
}

function begin(family: Family, legacy: Legacy | undefined): MessageWriter {
  const writer = new MessageWriter(payloadMax[family], legacy === undefined ? "mdns" : "unicast");
  writer.header({ id: legacy?.id ?? 0, isResponse: true, aa: true });
  for (const question of legacy?.questions ?? []) writer.question(question);
  return writer;
}

function onWire({ rr, isUnique }: OwnRR, legacy: Legacy | undefined): RR {
  if (legacy !== undefined) {
    return { ...rr, ttlSeconds: Math.min(rr.ttlSeconds, legacyTtlSeconds) };
  }
  return isUnique ? { ...rr, class: rr.class | flushBit } : rr;
}
