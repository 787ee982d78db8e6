// What clients send (RFC 8765 §6.2, §6.4, §6.5), read from its TLV, and with
// which delays a SUBSCRIBE is refused. Pointers count from the header.

import type { DsoMessage } from "../dso/messages.js";
import type { Answer } from "../dso/server-session.js";
import { type Duration, seconds } from "../time.js";
import { Rcode, RRClass, RRType } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import type { Question } from "../wire/message.js";
import { nameBytesMax, wireLength } from "../wire/name.js";
import { decodeRdata } from "../wire/rdata/decode.js";
import type { Reader } from "../wire/reader.js";
import type { RR } from "../wire/rr.js";
import { type Tlv, tlvReader } from "../wire/tlv.js";

/** Types that no record has; 255 means all of them (OWN: the RFC does not say). */
function isMetaType(type: number): boolean {
  return type === 0 || type === RRType.OPT || (type >= RRType.TKEY && type < RRType.ANY);
}

/** @returns undefined when it is not exactly a name, a type and a class (PUSH-07) */
export function readSubscribe(message: DsoMessage, tlv: Tlv): Question | undefined {
  const question = whole(message, tlv, readQuestion);
  return question === undefined || isMetaType(question.type) ? undefined : question;
}

/** The ID of the SUBSCRIBE, or what a widely used client says instead: its question (PUSH-33). */
export function readUnsubscribe(message: DsoMessage, tlv: Tlv): number | Question | undefined {
  if (tlv.end - tlv.start === 2) return tlvReader(message.bytes, tlv).u16("UNSUBSCRIBE");
  return whole(message, tlv, readQuestion);
}

/** One record without TTL and length (PUSH-34); undefined for anything else. */
export function readReconfirm(message: DsoMessage, tlv: Tlv): RR | undefined {
  return whole(message, tlv, (reader) => {
    const { name, type, class: rrClass } = readQuestion(reader);
    if (type === RRType.ANY || rrClass === RRClass.ANY) return undefined;
    const rdata = decodeRdata(reader, type, rrClass, reader.remaining);
    return { name, type, class: rrClass, ttlSeconds: 0, rdata };
  });
}

function readQuestion(reader: Reader): Question {
  const name = reader.name("SUBSCRIBE");
  if (wireLength(name) > nameBytesMax) throw new FormatError("name is too long", "SUBSCRIBE");
  const type = reader.u16("SUBSCRIBE");
  return { name, type, class: reader.u16("SUBSCRIBE") };
}

/** Undefined also when something is left over. */
function whole<Value>(
  message: DsoMessage,
  tlv: Tlv,
  read: (reader: Reader) => Value,
): Value | undefined {
  const reader = tlvReader(message.bytes, tlv);
  try {
    const value = read(reader);
    return reader.remaining === 0 ? value : undefined;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

/** RFC 8765 §6.2.2, where the delay is not the five minutes of all others. */
const delays: ReadonlyMap<number, Duration> = new Map([
  [Rcode.SERVFAIL, seconds(60)],
  [Rcode.NOTIMP, seconds(3600)],
  [Rcode.DSOTYPENI, seconds(3600)],
]);

/** A refusal, or an end, with the delay that belongs to its rcode (PUSH-15). */
export function refusal(rcode: number): Required<Answer> {
  return { rcode, retryDelay: delays.get(rcode) ?? seconds(300) };
}
