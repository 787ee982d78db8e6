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

/** What must not be seen of a link: names of hidden types, and records that lead to them. */
export interface Hiding {
  name(name: Name): boolean;
  record(rr: RR): boolean;
}

/**
 * The events that followers of packets get: one for all of them, or, where the rules in
 * `services` hide some of a packet, one for those who may write and one for the others. None
 * for what is no DNS message at all, and for others where everything is hidden.
 */
export function packetEvents(packet: Packet, hiding?: Hiding): readonly ApiEvent[] {
  const read = readable(packet.bytes);
  if (read === undefined) return [];
  const { message, isWhole } = read;
  const whole = eventFor(packet, message, isWhole);
  const open = hiding === undefined ? message : openPart(message, hiding);
  if (sizeOf(open) === sizeOf(message)) return [whole];
  const forAudience = (event: ApiEvent, isForWriters: boolean): ApiEvent => {
    const { subject } = event;
    return subject === undefined ? event : { ...event, subject: { ...subject, isForWriters } };
  };
  const all = forAudience(whole, true);
  if (sizeOf(open) === 0) return [all];
  return [all, forAudience(eventFor(packet, open, isWhole), false)];
}

function openPart(message: Message, hiding: Hiding): Message {
  const open = (rrs: readonly RR[]) =>
    rrs.filter((rr) => !hiding.name(rr.name) && !hiding.record(rr));
  return {
    ...message,
    questions: message.questions.filter(({ name }) => !hiding.name(name)),
    answers: open(message.answers),
    authorities: open(message.authorities),
    additionals: open(message.additionals),
  };
}

const sizeOf = ({ questions, answers, authorities, additionals }: Message): number =>
  questions.length + answers.length + authorities.length + additionals.length;

function eventFor(packet: Packet, message: Message, isWhole: boolean): ApiEvent {
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
