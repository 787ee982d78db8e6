// Which packets of a link are believed at all (RFC 6762 §6, §11, §18; step 2.4
// of the plan). What arrives for the group is on the link by that alone, from
// whatever address; what arrives by unicast has to come from one of its subnets.
// The received hop limit and all flag bits but QR, OPCODE and RCODE mean nothing.

import { contains, type Endpoint, type Family, type Prefix } from "../address.js";
import { mdnsPacketMax } from "../limits.js";
import { decodeHeader, decodePartial, type Message } from "../wire/message.js";
import { mdnsPort } from "./timing.js";

/** A datagram as it arrived on UDP port 5353 of the link. */
export interface MdnsDatagram {
  readonly family: Family;
  readonly source: Endpoint;
  /** Sent to the group, not to one of our addresses. */
  readonly isMulticast: boolean;
  readonly bytes: Uint8Array;
}

export type Verdict =
  | { readonly kind: "query" | "response"; readonly message: Message; readonly isWhole: boolean }
  | { readonly kind: "drop"; readonly reason: DropReason };

/** A word for the counts. */
export type DropReason =
  | "mdns-long"
  | "mdns-short"
  | "mdns-opcode"
  | "mdns-rcode"
  | "mdns-source-port"
  | "mdns-off-link"
  | "mdns-unasked-unicast";

/**
 * Judges one datagram, in the order of the plan, and decodes what is believed.
 *
 * @param awaitsUnicast  whether a question of ours asked for answers by unicast just now
 */
export function judge(
  datagram: MdnsDatagram,
  prefixes: readonly Prefix[],
  awaitsUnicast: boolean,
): Verdict {
  const { bytes, source, isMulticast } = datagram;
  if (bytes.length > mdnsPacketMax) return drop("mdns-long");
  if (bytes.length < 12) return drop("mdns-short");
  const header = decodeHeader(bytes);
  if (header.opcode !== 0) return drop("mdns-opcode");
  if (header.rcode !== 0) return drop("mdns-rcode");
  // To port 0 nothing can be answered either.
  if (source.port === 0) return drop("mdns-source-port");
  if (header.isResponse && source.port !== mdnsPort) return drop("mdns-source-port");
  if (!isMulticast) {
    if (!isOnLink(source, prefixes)) return drop("mdns-off-link");
    // Only an answer to a QU question of ours is believed (DP-142). Where the port is shared
    // we ask none: its owner may be another program (DP-127).
    if (header.isResponse && !awaitsUnicast) return drop("mdns-unasked-unicast");
  }
  const { message, fault } = decodePartial(bytes);
  const kind = header.isResponse ? "response" : "query";
  return { kind, message, isWhole: fault === undefined };
}

/** Whether an address lies in a subnet of the link. */
export function isOnLink(source: Endpoint, prefixes: readonly Prefix[]): boolean {
  return prefixes.some((prefix) => contains(prefix, source.address));
}

function drop(reason: DropReason): Verdict {
  return { kind: "drop", reason };
}
