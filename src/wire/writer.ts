// Builds one message of bounded size (RFC 1035 §4.1), name compression included
// (§4.1.4). RRs are appended all or none, so that an RRset is never cut
// (RFC 2181 §9). Suffixes match byte for byte: a client's random capitals must
// not leak into other records' names (RFC 4343 §4.1).

import { type Edns, optOf } from "./edns.js";
import type { Header, Question } from "./message.js";
import type { Name } from "./name.js";
import { encodeField } from "./rdata/encode.js";
import { layoutOf, mdnsCompressible, unicastCompressible } from "./rdata/layouts.js";
import { fieldOf, type RR } from "./rr.js";

/** Which rdata names may be pointers: RFC 3597 §4, or RFC 6762 §18.14. */
export type Compression = "unicast" | "mdns";

export type Section = "answer" | "authority" | "additional";

/** What a pointer can reach: 14 bits. */
const pointerMax = 0x3fff;

const firstSize = 512;
const headerBytes = 12;
const countAt = { question: 4, answer: 6, authority: 8, additional: 10 } as const;

export class MessageWriter {
  readonly #limit: number;
  readonly #compressible: ReadonlySet<number>;
  #bytes = Buffer.alloc(firstSize);
  #offset = headerBytes;
  #reserved = 0;
  /** Exact wire form of a suffix → where it stands; in the order of standing. */
  readonly #suffixes = new Map<string, number>();
  readonly #ttlOffsets: number[] = [];

  /** @param limit  most bytes the message may have */
  constructor(limit: number, compression: Compression) {
    this.#limit = limit;
    this.#compressible = compression === "mdns" ? mdnsCompressible : unicastCompressible;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#offset;
  }

  /** What is left out is zero or false. */
  header(header: Partial<Header>): void {
    let flags = ((header.opcode ?? 0) << 11) | ((header.rcode ?? 0) & 0x0f);
    if (header.isResponse) flags |= 0x8000;
    if (header.aa) flags |= 0x0400;
    if (header.tc) flags |= 0x0200;
    if (header.rd) flags |= 0x0100;
    if (header.ra) flags |= 0x0080;
    if (header.z) flags |= 0x0040;
    if (header.ad) flags |= 0x0020;
    if (header.cd) flags |= 0x0010;
    this.#bytes.writeUInt16BE(header.id ?? 0, 0);
    this.#bytes.writeUInt16BE(flags, 2);
  }

  setTruncated(): void {
    this.#bytes[2] = (this.#bytes[2] as number) | 0x02;
  }

  /** Appends a question. @returns false, nothing written, when it does not fit */
  question(question: Question): boolean {
    const start = this.#offset;
    this.#name(question.name, true);
    this.u16(question.type);
    this.u16(question.class);
    return this.#keep(start, "question", 1);
  }

  /** Appends all of these RRs or, when they do not fit, none. */
  append(section: Section, rrs: readonly RR[]): boolean {
    const start = this.#offset;
    const ttls = this.#ttlOffsets.length;
    for (const rr of rrs) {
      this.#rr(rr);
      if (this.#offset > this.#limit - this.#reserved) break;
    }
    if (this.#keep(start, section, rrs.length)) return true;
    this.#ttlOffsets.length = ttls;
    return false;
  }

  /** Keeps room for what is appended last, such as an OPT. */
  reserve(bytes: number): void {
    this.#reserved += bytes;
  }

  /** Appends the OPT; it uses what was reserved. */
  edns(edns: Edns): void {
    this.#reserved = 0;
    const start = this.#offset;
    this.#rr(optOf(edns));
    this.#ttlOffsets.pop();
    this.#keep(start, "additional", 1);
  }

  /** Where the TTL fields stand, the OPT's not among them. */
  ttlOffsets(): readonly number[] {
    return this.#ttlOffsets;
  }

  /** The message; the writer is not used again. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#offset);
  }

  #keep(start: number, section: keyof typeof countAt, count: number): boolean {
    if (this.#offset > this.#limit - this.#reserved) {
      this.#rollBack(start);
      return false;
    }
    const at = countAt[section];
    this.#bytes.writeUInt16BE(this.#bytes.readUInt16BE(at) + count, at);
    return true;
  }

  #rollBack(start: number): void {
    this.#offset = start;
    for (const [suffix, at] of this.#suffixes) {
      if (at >= start) this.#suffixes.delete(suffix);
    }
  }

  #room(bytes: number): void {
    const needed = this.#offset + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#offset);
    this.#bytes = larger;
  }

  #rr(rr: RR): void {
    this.#name(rr.name, true);
    this.u16(rr.type);
    this.u16(rr.class);
    this.#ttlOffsets.push(this.#offset);
    this.u32(rr.ttlSeconds);
    this.u16(0);
    const start = this.#offset;
    this.#rdata(rr);
    this.#bytes.writeUInt16BE((this.#offset - start) & 0xffff, start - 2);
  }

  #rdata(rr: RR): void {
    const { rdata } = rr;
    const layout = layoutOf(rr.type);
    if (rdata.kind === "opaque" || layout === undefined) {
      if (rdata.kind === "opaque") this.raw(rdata.bytes);
      return;
    }
    const isCompressible = this.#compressible.has(rr.type);
    for (const [field, kind] of layout.fields) {
      const value = fieldOf(rdata, field);
      if (kind === "name") this.#name(value as Name, isCompressible);
      else encodeField(this, kind, value, layout.kind);
    }
  }

  #name(name: Name, isCompressible: boolean): void {
    this.#room(name.key.length + 1);
    let wire = "";
    for (const label of name.labels) wire += String.fromCharCode(label.length) + label;
    let at = 0;
    for (const label of name.labels) {
      const suffix = at === 0 ? wire : wire.slice(at);
      const known = this.#suffixes.get(suffix);
      if (known !== undefined && isCompressible) {
        this.u16(0xc000 | known);
        return;
      }
      // What stands uncompressed may still be pointed to by others.
      if (known === undefined && this.#offset <= pointerMax) {
        this.#suffixes.set(suffix, this.#offset);
      }
      this.#bytes[this.#offset] = label.length;
      this.#bytes.write(label, this.#offset + 1, "latin1");
      this.#offset += label.length + 1;
      at += label.length + 1;
    }
    this.u8(0);
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#offset++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#bytes[this.#offset++] = value >> 8;
    this.#bytes[this.#offset++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#bytes.writeUInt32BE(value, this.#offset);
    this.#offset += 4;
  }

  u48(value: number): void {
    this.#room(6);
    this.#bytes.writeUIntBE(value, this.#offset, 6);
    this.#offset += 6;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }
}
