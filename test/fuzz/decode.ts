// What must hold for the decoder whatever the bytes: it returns or throws
// FormatError, keeps nothing of the buffer it read, and what it returns can be
// encoded, decoded and printed without changing. And the bytes to try it on:
// noise, records put together at random, captures with something changed.

import fc from "fast-check";
import { FormatError } from "../../src/wire/errors.js";
import {
  decodeHeader,
  decodeMessage,
  decodePartial,
  encodeMessage,
  type Message,
} from "../../src/wire/message.js";
import { equalRRs, mapRdataNames, type RR, rdataKey, rdataNames } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { capturesOf, toHex } from "../wire/captures.js";

/** The value, or undefined for a FormatError; any other error passes through. */
function orRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function claim(condition: boolean, text: string): void {
  if (!condition) throw new Error(text);
}

function rrsOf(message: Message): readonly RR[] {
  return [...message.answers, ...message.authorities, ...message.additionals];
}

/** Text and names of one record: printing and parsing it again changes nothing. */
function judgeRR(rr: RR): void {
  const line = formatRR(rr);
  claim(!/[^\x20-\x7e]/.test(line), `not printable: ${line}`);
  const same = mapRdataNames(rr.type, rr.rdata, (name) => ({ ...name }));
  claim(rdataKey(rr.type, same) === rdataKey(rr.type, rr.rdata), "a mapped copy differs");
  for (const name of [rr.name, ...rdataNames(rr.type, rr.rdata)]) {
    claim(name.key.length <= 255, `name of ${name.key.length} bytes`);
    claim(
      name.labels.every((label) => label.length >= 1 && label.length <= 63),
      "label of a wrong length",
    );
  }
  const parsed = parseRR(line);
  claim(equalRRs(parsed, rr), `the text says something else: ${line}`);
  claim(formatRR(parsed) === line, `the text changes: ${line}`);
}

/** Encoding what was decoded, and decoding that, changes nothing more. */
function judgeEncoding(message: Message, compression: "unicast" | "mdns"): void {
  // What compression hid can need more than a message holds.
  const once = orRefused(() => encodeMessage(message, { compression }));
  if (once === undefined) return;
  const again = decodeMessage(once);
  claim(
    toHex(encodeMessage(again, { compression })) === toHex(once),
    `${compression}: no fixpoint`,
  );
  const [before, after] = [rrsOf(message), rrsOf(again)];
  claim(before.length === after.length, `${compression}: records lost`);
  before.forEach((rr, index) => {
    claim(equalRRs(rr, after[index] as RR), `${compression}: ${formatRR(rr)} changed`);
    claim(rr.ttlSeconds === after[index]?.ttlSeconds, `${compression}: a TTL changed`);
  });
}

/** Throws when anything that must hold does not. */
export function judge(bytes: Uint8Array): void {
  const scratch = Uint8Array.from(bytes);
  orRefused(() => decodeHeader(scratch));
  const partial = orRefused(() => decodePartial(scratch));
  const strict = orRefused(() => decodeMessage(scratch));
  claim((partial === undefined) === bytes.length < 12, "only a short header is beyond hope");
  if (partial === undefined) return;
  const lines = rrsOf(partial.message).map(formatRR);
  scratch.fill(0x5a);
  rrsOf(partial.message).forEach((rr, index) => {
    claim(formatRR(rr) === lines[index], "a record changes with the buffer it was read from");
    judgeRR(rr);
  });
  judgeEncoding(partial.message, "mdns");
  if (strict === undefined) return;
  claim(partial.fault === undefined, "strict decoding takes what partial decoding does not");
  claim(rrsOf(strict).map(formatRR).join("\n") === lines.join("\n"), "two decoders disagree");
  judgeEncoding(strict, "unicast");
}

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

const label = fc.oneof(
  fc.constantFrom("_ipp", "_tcp", "local", "a", "A.b", "x".repeat(63)),
  fc.string({ minLength: 1, maxLength: 63, unit: "binary-ascii" }),
);

/** A name on the wire, sound or nearly so: labels, then the root, a pointer or junk. */
const wireName = fc
  .tuple(
    fc.array(label, { maxLength: 5 }),
    fc.oneof(
      fc.constant([0]),
      fc.nat(400).map((target) => u16(0xc000 | target)),
      fc.constantFrom([0x40], [0x80, 1], [0xc0], [0xff, 0xff], [63]),
    ),
  )
  .map(([labels, end]) => [
    ...labels.flatMap((text) => [text.length, ...Buffer.from(text, "latin1")]),
    ...end,
  ]);

const layoutTypes = [
  1, 2, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 21, 26, 28, 33, 35, 36, 39, 41, 43, 46, 47, 48, 64, 65,
  250,
];

const wireType = fc.oneof(
  fc.constantFrom(...layoutTypes),
  fc.constantFrom(50, 99, 255, 257, 65_280),
  fc.nat(65_535),
);

const wireRdata = fc.oneof(
  fc.array(fc.nat(255), { maxLength: 40 }),
  wireName,
  fc
    .tuple(wireName, wireName, fc.array(fc.nat(255), { maxLength: 22 }))
    .map((parts) => parts.flat()),
  fc.tuple(fc.array(fc.nat(255), { minLength: 2, maxLength: 6 }), wireName).map((p) => p.flat()),
  fc
    .tuple(
      wireName,
      fc.constantFrom([0, 1, 0x40], [0, 0], [1, 33], [0, 2, 0, 0], [1, 1, 1, 0, 1, 1]),
    )
    .map((parts) => parts.flat()),
);

const wireRR = fc
  .tuple(
    wireName,
    wireType,
    fc.constantFrom(1, 0x8001, 254, 255, 1440, 3),
    fc.nat(0xffff_ffff),
    wireRdata,
    fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -4, max: 4 }) },
    ),
  )
  .map(([owner, type, rrClass, ttl, rdata, lie]) => [
    ...owner,
    ...u16(type),
    ...u16(rrClass),
    ...u16(ttl >>> 16),
    ...u16(ttl & 0xffff),
    ...u16(Math.max(0, rdata.length + lie)),
    ...rdata,
  ]);

const assembled = fc
  .tuple(
    fc.nat(0xffff),
    fc.array(
      fc.tuple(wireName, wireType).map(([name, type]) => [...name, ...u16(type), 0, 1]),
      {
        maxLength: 2,
      },
    ),
    fc.array(wireRR, { maxLength: 4 }),
    fc.array(wireRR, { maxLength: 2 }),
    fc.array(wireRR, { maxLength: 3 }),
  )
  .map(([flags, questions, ...sections]) =>
    Uint8Array.from([
      ...[7, flags, questions.length, ...sections.map((section) => section.length)].flatMap(u16),
      ...questions.flat(),
      ...sections.flat(2),
    ]),
  );

/** One thing done to a packet. */
type Change = (bytes: number[], at: number, value: number) => void;

const changes: readonly Change[] = [
  (bytes, at, value) => {
    bytes[at] = value;
  },
  (bytes, at, value) => {
    bytes[at] = (bytes[at] as number) ^ (1 << (value & 7));
  },
  (bytes, at, value) => bytes.splice(at, 1 + (value & 15)),
  (bytes, at, value) => bytes.splice(at, 0, value),
  (bytes, at, value) => bytes.splice(at, 0, ...bytes.slice(at, at + value)),
  (bytes, at, value) => bytes.splice(at, 2, 0xc0, value),
  (bytes, at) => {
    bytes.length = at;
  },
];

const samples = ["avahi-0.8.hex", "bind-9.18.49.hex", "nsupdate-9.18.49.hex"].flatMap(capturesOf);

const mutated = fc
  .tuple(
    fc.constantFrom(...samples),
    fc.array(
      fc.tuple(
        fc.constantFrom(...changes),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(255),
      ),
      { maxLength: 6 },
    ),
  )
  .map(([sample, steps]) => {
    const bytes = [...sample.bytes];
    for (const [change, place, value] of steps) {
      change(bytes, Math.floor(place * bytes.length), value);
    }
    return Uint8Array.from(bytes);
  });

/** Bytes worth showing to a decoder. */
export const hostileBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }) },
  { weight: 4, arbitrary: assembled },
  { weight: 5, arbitrary: mutated },
);
