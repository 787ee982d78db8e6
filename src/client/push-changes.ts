// What a PUSH says, as its receiver reads it (RFC 8765 §6.3.1): all changes are
// decoded before the first one counts, so that a broken message changes nothing.
// Which subscription a change belongs to is decided here, too (§6.3.1, PUSH-29).

import type { DsoMessage } from "../dso/messages.js";
import { RRClass, RRType } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import type { Question } from "../wire/message.js";
import { equalNames, type Name } from "../wire/name.js";
import { decodeRdata } from "../wire/rdata/decode.js";
import type { Reader } from "../wire/reader.js";
import type { RR } from "../wire/rr.js";
import { type Tlv, tlvReader } from "../wire/tlv.js";
import { pushBytesMax } from "./limits.js";

/** A TTL up to here adds the record. */
const ttlMax = 0x7fff_ffff;
const removeOne = 0xffff_ffff;
const removeAll = 0xffff_fffe;

export type HeardChange =
  | { readonly kind: "add"; readonly rr: RR }
  | { readonly kind: "remove"; readonly rr: RR }
  /** Class ANY: everything at the name; type ANY: all types of the class (PUSH-23). */
  | {
      readonly kind: "remove-all";
      readonly name: Name;
      readonly type: number;
      readonly class: number;
    };

/**
 * The changes of a PUSH, in their order; without those whose TTL has no meaning yet (PUSH-24).
 *
 * @throws FormatError when the session has to be aborted (PUSH-19, 20, 22, 23, 28)
 */
export function readPush({ bytes }: DsoMessage, tlv: Tlv): readonly HeardChange[] {
  if (bytes.length > pushBytesMax) {
    throw new FormatError(`${bytes.length} bytes, 16,382 are the most`, "PUSH");
  }
  const reader = tlvReader(bytes, tlv);
  if (reader.remaining === 0) throw new FormatError("no change", "PUSH", tlv.start);
  const changes: HeardChange[] = [];
  while (reader.remaining > 0) {
    const change = readChange(reader);
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

function readChange(reader: Reader): HeardChange | undefined {
  const name = reader.name("PUSH");
  const type = reader.u16("PUSH");
  const rrClass = reader.u16("PUSH");
  const ttlSeconds = reader.u32("PUSH");
  const length = reader.u16("PUSH");
  if (ttlSeconds === removeAll) {
    if (length > 0) throw new FormatError("rdata in a collective removal", "PUSH", reader.offset);
    return { kind: "remove-all", name, type, class: rrClass };
  }
  if (ttlSeconds > ttlMax && ttlSeconds !== removeOne) {
    reader.claim(length, "PUSH");
    return undefined;
  }
  if (type === RRType.ANY || rrClass === RRClass.ANY) {
    throw new FormatError("one record of type or class ANY", "PUSH", reader.offset);
  }
  // Empty rdata is rdata like any other here, whatever its type asks for (PUSH-22).
  const rdata =
    length === 0
      ? ({ kind: "opaque", bytes: new Uint8Array(0) } as const)
      : decodeRdata(reader, type, rrClass, length);
  const kind = ttlSeconds === removeOne ? "remove" : "add";
  return { kind, rr: { name, type, class: rrClass, ttlSeconds, rdata } };
}

/** Whether a record answers the question: a CNAME answers any type (PUSH-13). */
export function answers(rr: RR, { name, type, class: rrClass }: Question): boolean {
  return (
    equalNames(rr.name, name) &&
    (rr.type === type || type === RRType.ANY || rr.type === RRType.CNAME) &&
    (rr.class === rrClass || rrClass === RRClass.ANY)
  );
}

/** Whether a collective removal takes the record. */
export function takes(change: HeardChange & { kind: "remove-all" }, rr: RR): boolean {
  if (!equalNames(change.name, rr.name)) return false;
  if (change.class === RRClass.ANY) return true;
  return change.class === rr.class && (change.type === rr.type || change.type === RRType.ANY);
}
