// Multicast DNS packets for people to look at: decoded as far as they can be,
// names and records as text, however broken or large the packet is.

import type { Family } from "../address.js";
import { RRClass, typeName } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import { decodePartial, type Message } from "../wire/message.js";
import { displayName, formatName, type Name } from "../wire/name.js";
import { type RR, rdataNames } from "../wire/rr.js";
import { formatRR } from "../wire/text.js";
import type { ApiEvent } from "./exchange.js";
import { foldText } from "./health.js";
import type { PacketView } from "./shapes.js";

/** Of each section: a packet of 9,000 bytes can hold hundreds, which nobody reads. */
export const shownMax = 100;

/** One packet as it was heard or sent. */
export interface Packet {
  /** RFC 3339. */
  readonly at: string;
  readonly link: string;
  readonly family: Family;
  readonly direction: "in" | "out";
  /** Address and port; empty for our own. */
  readonly source: string;
  readonly bytes: Uint8Array;
}

/** The event that followers of packets get; undefined for what is no DNS message at all. */
export function packetEvent(packet: Packet): ApiEvent | undefined {
  const read = readable(packet.bytes);
  if (read === undefined) return undefined;
  const { message, isWhole } = read;
  const view = viewOf(packet, message, isWhole);
  const rrs = [...message.answers, ...message.authorities, ...message.additionals];
  const owners = [...message.questions.map(({ name }) => name), ...rrs.map(({ name }) => name)];
  const named = rrs.slice(0, shownMax).flatMap(({ type, rdata }) => rdataNames(type, rdata));
  const types = [...message.questions, ...rrs].map(({ type }) => type);
  const subject = {
    link: packet.link,
    names: textOf([...owners, ...named]),
    types: new Set(types),
  };
  return { name: "packet", json: JSON.stringify(view), subject };
}

function textOf(names: readonly Name[]): string {
  const once = new Map(names.map((name) => [name.key, name]));
  const texts = [...once.values()].flatMap((name) => [displayName(name), escapedName(name)]);
  return [...new Set(texts)].map(foldText).join("\n");
}

function readable(bytes: Uint8Array): { message: Message; isWhole: boolean } | undefined {
  try {
    const { message, fault } = decodePartial(bytes);
    return { message, isWhole: fault === undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

function viewOf(packet: Packet, message: Message, isWhole: boolean): PacketView {
  const { at, link, direction, source } = packet;
  const section = (rrs: readonly RR[]) => rrs.slice(0, shownMax).map(recordText);
  return {
    at,
    link,
    direction,
    source,
    isResponse: message.isResponse,
    isWhole,
    questions: message.questions.slice(0, shownMax).map(({ name, type, class: asked }) => ({
      name: displayName(name),
      escaped: escapedName(name),
      type: typeName(type),
      isQu: (asked & 0x8000) !== 0,
    })),
    answers: section(message.answers),
    authorities: section(message.authorities),
    additionals: section(message.additionals),
  };
}

/** The top bit of the class is cache-flush (RFC 6762 §10.2): said behind the record. */
function recordText(rr: RR): string {
  const isFlush = (rr.class & 0x8000) !== 0;
  const text = formatRR({ ...rr, class: rr.class & 0x7fff || RRClass.IN });
  return isFlush ? `${text} ; cache-flush` : text;
}

/** Zone-file text without the final dot. */
export function escapedName(name: Name): string {
  const text = formatName(name);
  return text === "." ? text : text.slice(0, -1);
}
