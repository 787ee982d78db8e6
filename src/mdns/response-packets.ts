// Responses as packets (RFC 6762 §6, §6.7, §18): to the group or to one host,
// within the MTU; and to an ordinary resolver, as it would have it.

import type { Message } from "../wire/message.js";
import type { RR } from "../wire/rr.js";
import { MessageWriter } from "../wire/writer.js";
import { legacyTtlSeconds } from "./timing.js";

/** As few packets as hold them all. */
export function encodeResponses(rrs: readonly RR[], limit: number): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let writer: MessageWriter | undefined;
  for (const rr of rrs) {
    if (writer?.append("answer", [rr])) continue;
    if (writer !== undefined) packets.push(writer.finish());
    writer = new MessageWriter(limit, "mdns");
    writer.header({ isResponse: true, aa: true });
    writer.append("answer", [rr]);
  }
  if (writer !== undefined) packets.push(writer.finish());
  return packets;
}

/**
 * To a query from a port other than 5353: ID, RD and questions repeated, short TTLs, TC
 * and EDNS size as in ordinary DNS.
 */
export function encodeLegacyReply(query: Message, rrs: readonly RR[], limit: number): Uint8Array {
  const size = Math.max(512, Math.min(query.edns?.udpSize ?? 512, limit));
  const writer = new MessageWriter(size, "unicast");
  writer.header({ id: query.id, isResponse: true, aa: true, rd: query.rd });
  for (const question of query.questions) writer.question(question);
  for (const rr of rrs) {
    const ttlSeconds = Math.min(rr.ttlSeconds, legacyTtlSeconds);
    if (!writer.append("answer", [{ ...rr, ttlSeconds }])) {
      writer.setTruncated();
      break;
    }
  }
  return writer.finish();
}
