// What decoding costs: packets as they come, and the dearest 64 KB that an
// attacker can make. The latter must stay under a millisecond each once the code
// is warm, whatever they hold; a packet over a limit counts with its refusal.

import dnsPacket from "dns-packet";
import { RRClass, RRType } from "../src/wire/codes.js";
import { decodeMessage, decodePartial, encodeMessage } from "../src/wire/message.js";
import { parseName } from "../src/wire/name.js";
import { parseRR } from "../src/wire/text.js";
import type { Row } from "./row.js";

const messageMax = 65_535;

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];

const header = (questions: number, answers: number): number[] => [
  ...[0, 0x8400, questions, answers, 0, 0].flatMap(u16),
];

/** One label of one byte, 127 times, and the root: the most labels that a name can have. */
const longName = [...Array.from({ length: 127 }, () => [1, 0x61]).flat(), 0];

const pointer = (target: number): number[] => u16(0xc000 | target);

const rr = (owner: readonly number[], type: number, rdata: readonly number[]): number[] => [
  ...owner,
  ...u16(type),
  ...[0, 1, 0, 0, 0, 120],
  ...u16(rdata.length),
  ...rdata,
];

/** `first`, then as many of `more` as fit into 64 KB. */
function filled(first: readonly number[], more: (index: number) => readonly number[]): Uint8Array {
  const bytes = [...first];
  let count = 0;
  for (;;) {
    const next = more(count);
    if (12 + bytes.length + next.length > messageMax) break;
    for (const byte of next) bytes.push(byte);
    count += 1;
  }
  return Uint8Array.from([...header(0, count + (first.length > 0 ? 1 : 0)), ...bytes]);
}

const longOwner = rr(longName, 65_280, []);

/** Rdata of up to 64 KB in one record. */
function single(type: number, rdata: readonly number[]): Uint8Array {
  return Uint8Array.from([...header(0, 1), ...rr([0], type, rdata)]);
}

/** A chain of 4,000 pointers in opaque rdata; then names that begin at each of them. */
function chained(): Uint8Array {
  const start = 12 + 1 + 10;
  const chain = [1, 0x61, 0];
  for (let index = 0; index < 4000; index++) {
    chain.push(...pointer(index === 0 ? start : start + 3 + 2 * (index - 1)));
  }
  const first = rr([0], 65_280, chain);
  return filled(first, (index) => rr(pointer(start + 3 + 2 * (3999 - (index % 4000))), 65_280, []));
}

function manyQuestions(): Uint8Array {
  const bytes = [...longName, 0, 1, 0, 1];
  let count = 1;
  for (; bytes.length + 8 < messageMax - 12; count++) {
    bytes.push(1, 0x61 + (count % 26), ...pointer(14), 0, 1, 0, 1);
  }
  return Uint8Array.from([...header(count, 0), ...bytes]);
}

const repeated = (part: readonly number[], total: number): number[] =>
  Array.from({ length: Math.floor(total / part.length) }, () => part).flat();

const fullBlock = (block: number): number[] => [block, 32, ...new Array<number>(32).fill(0xff)];

const room = messageMax - 12 - 11;

/** The dearest packets that we could think of. */
export const hostile: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ["empty RRs of an unknown type", filled([], () => rr([0], 65_280, []))],
  ["one-byte RRs of an unknown type", filled([], () => rr([0], 65_280, [1]))],
  ["A RRs at the root", filled([], () => rr([0], 1, [1, 2, 3, 4]))],
  ["AAAA RRs at the root", filled([], () => rr([0], 28, new Array<number>(16).fill(7)))],
  ["owners that are pointers to a long name", filled(longOwner, () => rr(pointer(12), 65_280, []))],
  [
    "owners of a label and a long name's rest",
    filled(longOwner, (index) => rr([1, 0x62 + (index % 9), ...pointer(14)], 65_280, [])),
  ],
  [
    "owners of a capital and a long name's rest",
    filled(longOwner, (index) => rr([1, 0x42 + (index % 9), ...pointer(14)], 65_280, [])),
  ],
  [
    "MINFOs with two long names",
    filled(longOwner, () =>
      rr(pointer(12), 14, [1, 0x62, ...pointer(14), 1, 0x63, ...pointer(14)]),
    ),
  ],
  ["PTRs to the root", filled(longOwner, () => rr([0], 12, [0]))],
  [
    "SOAs",
    filled(longOwner, () => rr([0], 6, [...pointer(12), ...pointer(12), ...new Array(20).fill(0)])),
  ],
  [
    "SRVs with pointers",
    filled(longOwner, () => rr(pointer(12), 33, [0, 0, 0, 0, 0, 0, ...pointer(12)])),
  ],
  ["NAPTRs of nothing", filled([], () => rr([0], 35, [0, 0, 0, 0, 0, 0, 0, 0]))],
  ["TSIGs of nothing", filled([], () => rr([0], 250, [0, ...new Array<number>(16).fill(0)]))],
  ["long names uncompressed", filled([], () => rr(longName, 65_280, []))],
  ["questions with a long name's rest", manyQuestions()],
  ["pointers to pointers", chained()],
  ["NSECs with a full first block", filled([], () => rr([0], 47, [0, ...fullBlock(0)]))],
  [
    "NSECs with every block",
    filled([], () =>
      rr([0], 47, [0, ...Array.from({ length: 256 }, (_, block) => fullBlock(block)).flat()]),
    ),
  ],
  ["NSECs with one type", filled([], () => rr([0], 47, [0, 0, 1, 0x40]))],
  ["NSECs that cannot be read", filled([], () => rr([0], 47, [0, 0]))],
  ["a TXT of empty strings", single(16, repeated([0], room))],
  ["a TXT of one-byte strings", single(16, repeated([1, 0x61], room))],
  ["a TXT of ten-byte strings", single(16, repeated([10, ...new Array(10).fill(0x61)], room))],
  ["TXTs of nothing", filled([], () => rr([0], 16, []))],
  ["TXTs of one empty string", filled([], () => rr([0], 16, [0]))],
  ["an OPT of empty options", single(41, repeated([0, 0, 0, 0], room))],
  ["an OPT of one-byte options", single(41, repeated([0, 0, 0, 1, 9], room))],
  ["one large unknown RR", single(65_280, new Array<number>(room).fill(1))],
];

/** Cost of one call, the code being warm: the least mean of a batch, since others only add. */
function cost(run: () => void, forMilliseconds: number): number {
  for (let round = 0; round < 50; round++) run();
  const end = performance.now() + forMilliseconds;
  let least = Number.POSITIVE_INFINITY;
  for (let now = performance.now(); now < end; ) {
    const start = now;
    let rounds = 0;
    for (; now - start < forMilliseconds / 20; now = performance.now()) {
      for (let round = 0; round < 5; round++) run();
      rounds += 5;
    }
    least = Math.min(least, ((now - start) * 1000) / rounds);
  }
  return least;
}

const shown = (microseconds: number): string => `${microseconds.toFixed(2)} µs`;

function hostileRow(): Row {
  let dearest = { what: "", microseconds: 0 };
  for (const [what, bytes] of hostile) {
    const microseconds = cost(() => {
      decodePartial(bytes);
    }, 200);
    if (microseconds > dearest.microseconds) dearest = { what, microseconds };
  }
  return {
    what: `dearest of ${hostile.length} hostile packets of 64 KB: ${dearest.what}`,
    value: shown(dearest.microseconds),
    promise: "no packet above 1000 µs",
    isKept: dearest.microseconds < 1000,
  };
}

const zone = "_ipp._tcp.floor1.example.com.";

/** Twenty PTRs, as a browse is answered. */
const browse = {
  id: 7,
  isResponse: true,
  aa: true,
  questions: [{ name: parseName(zone), type: RRType.PTR, class: RRClass.IN }],
  answers: Array.from({ length: 20 }, (_, index) =>
    parseRR(`${zone} 10 PTR Printer\\032number\\032${index}.${zone}`),
  ),
};

/** What the codec costs, beside dns-packet in the same run. */
export function codec(): Row[] {
  const query = encodeMessage({ id: 7, rd: true, questions: browse.questions });
  const response = Buffer.from(encodeMessage(browse));
  const queryCost = cost(() => {
    decodeMessage(query);
  }, 300);
  const decodeCost = cost(() => {
    decodeMessage(response);
  }, 300);
  const encodeCost = cost(() => {
    encodeMessage(browse);
  }, 300);
  const theirMessage = dnsPacket.decode(response);
  const theirDecodeCost = cost(() => {
    dnsPacket.decode(response);
  }, 300);
  const theirEncodeCost = cost(() => {
    dnsPacket.encode(theirMessage);
  }, 300);
  return [
    {
      what: `decoding a query of ${query.length} bytes`,
      value: shown(queryCost),
      promise: "below 1.5 µs",
      isKept: queryCost < 1.5,
    },
    {
      what: "decoding 20 PTRs",
      value: `${shown(decodeCost)}, dns-packet ${shown(theirDecodeCost)}`,
      promise: "no slower than dns-packet",
      isKept: decodeCost <= theirDecodeCost,
    },
    {
      what: "encoding 20 PTRs, compressed",
      value: `${shown(encodeCost)}, dns-packet ${shown(theirEncodeCost)} without compressing`,
      promise: "no slower than dns-packet",
      isKept: encodeCost <= theirEncodeCost,
    },
    hostileRow(),
  ];
}
