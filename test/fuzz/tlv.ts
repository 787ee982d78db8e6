// What must hold for TLVs (RFC 8490 §5.4.4) and for the LLQ option (RFC 8764
// §3.2) whatever the bytes: they are read within their bounds, or refused, and
// written again they are the same. And the bytes to try it on.

import fc from "fast-check";
import { FormatError } from "../../src/wire/errors.js";
import { decodeOption, encodeOption } from "../../src/wire/llq-option.js";
import { headerBytes } from "../../src/wire/message.js";
import { decodeTlvs, encodeDso, type Tlv, tlvReader } from "../../src/wire/tlv.js";
import { toHex } from "../wire/captures.js";

const tlvHeaderBytes = 4;

function claim(condition: boolean, text: string): void {
  if (!condition) throw new Error(text);
}

function tlvsOf(bytes: Uint8Array): readonly Tlv[] | undefined {
  try {
    return decodeTlvs(bytes);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Whether the lengths, walked over by hand, end exactly where the message does. */
function isWhole(bytes: Uint8Array): boolean {
  let at = headerBytes;
  while (at + tlvHeaderBytes <= bytes.length) {
    at += tlvHeaderBytes + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  return at === bytes.length;
}

/** Throws when anything that must hold does not. */
export function judgeTlvs(bytes: Uint8Array): void {
  const tlvs = tlvsOf(bytes);
  claim(
    (tlvs !== undefined) === isWhole(bytes),
    "taken though it is broken, or refused though not",
  );
  let end = headerBytes;
  const values = (tlvs ?? []).map((tlv) => {
    claim(tlv.start === end + tlvHeaderBytes && tlv.end >= tlv.start, "a TLV at a wrong place");
    ({ end } = tlv);
    claim(tlvReader(bytes, tlv).remaining === tlv.end - tlv.start, "a reader with other bounds");
    return { type: tlv.type, bytes: bytes.slice(tlv.start, tlv.end) };
  });
  if (tlvs === undefined) return;
  const again = encodeDso({ id: 0, isResponse: false, rcode: 0 }, values);
  claim(
    toHex(again.subarray(headerBytes)) === toHex(bytes.subarray(headerBytes)),
    "written again it is another one",
  );
}

/** Throws when anything that must hold does not. */
export function judgeOption(bytes: Uint8Array): void {
  const option = decodeOption(bytes);
  claim((option === undefined) === (bytes.length !== 18), "an option of a wrong size");
  if (option === undefined) return;
  claim(toHex(encodeOption(option).bytes) === toHex(bytes), "written again it is another one");
}

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

const tlv = fc
  .tuple(
    fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x40, 0x41, 0x42, 0x43, 0xf800), fc.nat(0xffff)),
    fc.array(fc.nat(255), { maxLength: 40 }),
    fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer() }),
  )
  .map(([type, value, lie]) => [...u16(type), ...u16(value.length + lie), ...value]);

/** A header, TLVs that are sound or nearly so, and perhaps something behind them. */
export const hostileTlvs: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.uint8Array({ minLength: headerBytes, maxLength: headerBytes }),
    fc.array(tlv, { maxLength: 6 }),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(new Uint8Array()) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }) },
    ),
  )
  .map(([header, tlvs, rest]) => Uint8Array.from([...header, ...tlvs.flat(), ...rest]));

export const hostileOptions: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 18, maxLength: 18 }),
  fc.uint8Array({ maxLength: 40, size: "max" }),
);
