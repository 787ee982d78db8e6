// Builds one message of bounded size (RFC 1035 §4.1). RRs are appended all or
// none, so that an RRset is never cut (RFC 2181 §9), and so is the OPT, for
// which room is kept. Which RRs, and in which order, is the caller's affair.

import { assert } from "../assert.js";
import { type Edns, optOf } from "./edns.js";
import { FormatError } from "./errors.js";
import type { Header, Question } from "./message.js";
import { Output } from "./output.js";
import { encodeRdata } from "./rdata/encode.js";
import { mdnsCompressible, unicastCompressible } from "./rdata/layouts.js";
import type { RR } from "./rr.js";

/** Which rdata names may be pointers: RFC 3597 §4, or RFC 6762 §18.14. */
export type Compression = "unicast" | "mdns";

export type Section = "answer" | "authority" | "additional";

const headerBytes = 12;
const messageMax = 65_535;

/** Where the count of a section stands in the header; also the order of the sections. */
const countAt = { question: 4, answer: 6, authority: 8, additional: 10 } as const;

export class MessageWriter {
  readonly #output = new Output(headerBytes);
  readonly #limit: number;
  readonly #compressible: ReadonlySet<number>;
  #section: number = countAt.question;
  #reserved = 0;
  readonly #ttlOffsets: number[] = [];

  /** @param limit  most bytes the message may have, up to 65,535 */
  constructor(limit: number, compression: Compression) {
    assert(limit >= headerBytes && limit <= messageMax, `no message has ${limit} bytes`);
    this.#limit = limit;
    this.#compressible = compression === "mdns" ? mdnsCompressible : unicastCompressible;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#output.offset;
  }

  /** Writes the header's fields; one that is left out is zero or false. */
  header(header: Partial<Header>): void {
    const { bytes } = this.#output;
    const id = header.id ?? 0;
    let flags = ((header.opcode ?? 0) << 11) | ((header.rcode ?? 0) & 0x0f);
    if (header.isResponse) flags |= 0x8000;
    if (header.aa) flags |= 0x0400;
    if (header.tc) flags |= 0x0200;
    if (header.rd) flags |= 0x0100;
    if (header.ra) flags |= 0x0080;
    if (header.z) flags |= 0x0040;
    if (header.ad) flags |= 0x0020;
    if (header.cd) flags |= 0x0010;
    bytes[0] = id >> 8;
    bytes[1] = id;
    bytes[2] = flags >> 8;
    bytes[3] = flags;
  }

  setTruncated(): void {
    const { bytes } = this.#output;
    bytes[2] = (bytes[2] as number) | 0x02;
  }

  /** Appends a question. @returns false, nothing written, when it does not fit */
  question(question: Question): boolean {
    const output = this.#output;
    const start = output.offset;
    output.owner(question.name);
    output.u16(question.type);
    output.u16(question.class);
    return this.#keep(start, "question", 1);
  }

  /**
   * Appends all of these RRs or, when they do not fit, none.
   *
   * @throws FormatError for an RR that has no encoding; nothing is appended then
   */
  append(section: Section, rrs: readonly RR[]): boolean {
    const start = this.#output.offset;
    const ttls = this.#ttlOffsets.length;
    let isWhole = false;
    try {
      for (const rr of rrs) {
        this.#rr(rr);
        if (!this.#fits()) break;
      }
      isWhole = this.#keep(start, section, rrs.length);
    } finally {
      if (!isWhole) {
        this.#output.rollBack(start);
        this.#ttlOffsets.length = ttls;
      }
    }
    return isWhole;
  }

  /** Keeps room for what is appended last, such as an OPT. */
  reserve(bytes: number): void {
    this.#reserved += bytes;
  }

  /** Appends the OPT; it uses what was reserved. @throws FormatError when it does not fit */
  edns(edns: Edns): void {
    const start = this.#output.offset;
    this.#rr(optOf(edns));
    this.#ttlOffsets.pop();
    this.#reserved = Math.max(0, this.#reserved - (this.#output.offset - start));
    if (!this.#keep(start, "additional", 1)) throw new FormatError("no room is left", "OPT");
  }

  /** Where the TTL fields stand, the OPT's not among them. */
  ttlOffsets(): readonly number[] {
    return this.#ttlOffsets;
  }

  /** The message; the writer is not used again. */
  finish(): Uint8Array {
    return this.#output.finish();
  }

  #fits(): boolean {
    return this.#output.offset <= this.#limit - this.#reserved;
  }

  #keep(start: number, section: keyof typeof countAt, count: number): boolean {
    const at = countAt[section];
    assert(at >= this.#section, `${section} records come too late`);
    if (!this.#fits()) {
      this.#output.rollBack(start);
      return false;
    }
    if (count > 0) this.#section = at;
    const { bytes } = this.#output;
    const total = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) + count;
    bytes[at] = total >> 8;
    bytes[at + 1] = total;
    return true;
  }

  #rr(rr: RR): void {
    const output = this.#output;
    output.owner(rr.name);
    output.u16(rr.type);
    output.u16(rr.class);
    this.#ttlOffsets.push(output.offset);
    output.u32(rr.ttlSeconds);
    const start = output.beginLength();
    encodeRdata(output, rr.type, rr.rdata, this.#compressible.has(rr.type));
    output.endLength(start);
  }
}
