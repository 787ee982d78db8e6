// Questions and known answers as packets (RFC 6762 §5.3, §7.1, §7.2, §17): how
// many questions share one, and how known answers that do not fit go on in
// packets without questions. When they are sent is asking.ts's.

import type { Header, Question } from "../wire/message.js";
import type { Name } from "../wire/name.js";
import { type RR, rdataKey } from "../wire/rr.js";
import { MessageWriter } from "../wire/writer.js";

/** Of every mDNS query (§18): ID and flags zero; TC is added where more follows. */
const queryHeader: Header = {
  id: 0,
  isResponse: false,
  opcode: 0,
  aa: false,
  tc: false,
  rd: false,
  ra: false,
  z: false,
  ad: false,
  cd: false,
  rcode: 0,
};

const headerSize = 12;
/** Type and class of a question; type, class, TTL and RDLENGTH of a record. */
const questionFixed = 4;
const recordFixed = 10;

/** One question and what need not be told in reply. */
export interface Asked {
  readonly question: Question;
  readonly knownAnswers: readonly RR[];
}

/** Foresees the size of a packet with compression, to say what still fits into it. */
export class PacketSize {
  readonly #limit: number;
  readonly #suffixes = new Set<string>();
  #size = headerSize;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Adds a question with its known answers.
   *
   * @returns whether it fits; the first always does. After one that does not, nothing is added.
   */
  add(asked: Asked): boolean {
    const isFirst = this.#size === headerSize;
    let size = this.#nameSize(asked.question.name) + questionFixed;
    for (const rr of asked.knownAnswers) {
      if (!isFirst && this.#size + size > this.#limit) break;
      size += this.#nameSize(rr.name) + recordFixed;
      size +=
        rr.rdata.kind === "ptr"
          ? this.#nameSize(rr.rdata.target)
          : rdataKey(rr.type, rr.rdata).length;
    }
    this.#size += size;
    return isFirst || this.#size <= this.#limit;
  }

  #nameSize(name: Name): number {
    let suffix = "";
    let known = 0;
    let knownSize = 1;
    let size = 1;
    for (let count = 1; count <= name.labels.length; count++) {
      const label = name.labels[name.labels.length - count] as string;
      suffix = `${String.fromCharCode(label.length)}${label}${suffix}`;
      size += 1 + label.length;
      if (known === count - 1 && this.#suffixes.has(suffix)) {
        known = count;
        knownSize = size;
      } else {
        this.#suffixes.add(suffix);
      }
    }
    // A pointer takes two bytes and stands for the root byte too.
    return known === 0 ? size : size - knownSize + 2;
  }
}

/** Packets to be sent back to back, and how many known answers found no room in them. */
export interface QueryPackets {
  readonly packets: readonly Uint8Array[];
  readonly omitted: number;
}

/**
 * @param limit       bytes of message in one packet
 * @param packetsMax  how many packets there may be; known answers beyond are left out,
 *                    which costs superfluous answers but no missing ones
 */
export function encodeQuery(
  asked: readonly Asked[],
  limit: number,
  packetsMax: number,
): QueryPackets {
  const packets: Uint8Array[] = [];
  let omitted = 0;
  let writer = begin(limit);
  for (const { question } of asked) writer.question(question);
  let isFresh = false;
  for (const { knownAnswers } of asked) {
    for (const rr of knownAnswers) {
      if (writer.append("answer", [rr])) {
        isFresh = false;
      } else if (isFresh || packets.length + 1 >= packetsMax) {
        omitted += 1;
      } else {
        writer.setTruncated();
        packets.push(writer.finish());
        writer = begin(limit);
        isFresh = !writer.append("answer", [rr]);
        if (isFresh) omitted += 1;
      }
    }
  }
  packets.push(writer.finish());
  return { packets, omitted };
}

function begin(limit: number): MessageWriter {
  const writer = new MessageWriter(limit, "mdns");
  writer.header(queryHeader);
  return writer;
}
