// PUSH messages (RFC 8765 §6.3.1): as many changes in each as fit, compressed
// as in mDNS (PUSH-27), one-way, with one TLV and nothing besides.

import { DsoType, Opcode } from "../wire/codes.js";
import { headerBytes } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { Output } from "../wire/output.js";
import { encodeRdata } from "../wire/rdata/encode.js";
import { mdnsCompressible } from "../wire/rdata/layouts.js";
import type { PushChange } from "./change.js";

/** Largest PUSH without its length prefix (RFC 8765 §6.3.1, PUSH-28). */
export const pushBytesMax = 16_382;

/** Instead of a TTL (RFC 8765 §6.3.1). */
const removeOne = 0xffff_ffff;
const removeAll = 0xffff_fffe;

/** One message in the making. */
interface Draft {
  readonly output: Output;
  /** Where the first change begins. */
  readonly start: number;
}

/**
 * The messages that carry these changes, in order; none when there are none.
 *
 * @param skipped  called for a record that is too large for any PUSH
 */
export function encodePushes(
  changes: readonly PushChange[],
  skipped: () => void,
): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  let draft: Draft | undefined;
  for (const change of changes) {
    draft ??= begin();
    if (append(draft, change)) continue;
    if (draft.output.offset > draft.start) {
      messages.push(finish(draft));
      draft = begin();
      if (append(draft, change)) continue;
    }
    skipped();
  }
  if (draft === undefined) return messages;
  const last = finish(draft);
  if (last.length > draft.start) messages.push(last);
  return messages;
}

function begin(): Draft {
  const output = new Output(headerBytes);
  // One-way: the ID is zero, and so are QR, the rcode and the counts.
  output.bytes[2] = Opcode.DSO << 3;
  output.u16(DsoType.PUSH);
  return { output, start: output.beginLength() };
}

function finish({ output, start }: Draft): Uint8Array {
  output.endLength(start);
  return output.finish();
}

/** @returns false, nothing written, when it does not fit */
function append({ output }: Draft, change: PushChange): boolean {
  const start = output.offset;
  if (change.kind === "remove-all") {
    fixedFields(output, change.name, change.type, change.class, removeAll);
    output.u16(0);
  } else {
    const { name, type, rdata, ttlSeconds } = change.rr;
    const ttl = change.kind === "add" ? ttlSeconds : removeOne;
    fixedFields(output, name, type, change.rr.class, ttl);
    const length = output.beginLength();
    encodeRdata(output, type, rdata, mdnsCompressible.has(type));
    output.endLength(length);
  }
  if (output.offset <= pushBytesMax) return true;
  output.rollBack(start);
  return false;
}

function fixedFields(output: Output, name: Name, type: number, rrClass: number, ttl: number): void {
  output.owner(name);
  output.u16(type);
  output.u16(rrClass);
  output.u32(ttl);
}
