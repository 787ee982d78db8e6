// A bounded cursor over one message. Names are decompressed here (RFC 1035
// §4.1.4): pointers lead backwards only, and what is copied is counted, so that
// no arrangement of pointers makes a message expensive.

import { FormatError } from "./errors.js";
import { type Label, mdnsNameBytesMax, type Name, rootName, soundName } from "./name.js";

/**
 * Labels and pointers followed in one message. An honest 64 KB message of 4,000 RRs needs
 * some 30,000; one made of 127-label names behind pointers would need 600,000.
 */
export const nameStepsMax = 65_536;

export class Reader {
  readonly bytes: Buffer;
  offset: number;
  /** First offset behind what may be read: the message's end, or an rdata's. */
  end: number;
  readonly #names = new Map<number, Name>();
  #steps = 0;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
    this.end = bytes.length;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  #claim(length: number, where: string): number {
    const start = this.offset;
    if (length > this.end - start) throw new FormatError("ends too early", where, start);
    this.offset = start + length;
    return start;
  }

  u8(where: string): number {
    return this.bytes[this.#claim(1, where)] as number;
  }

  u16(where: string): number {
    const at = this.#claim(2, where);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(where: string): number {
    return this.bytes.readUInt32BE(this.#claim(4, where));
  }

  u48(where: string): number {
    return this.bytes.readUIntBE(this.#claim(6, where), 6);
  }

  /** A copy, so that a record held for an hour does not hold its whole packet. */
  take(length: number, where: string): Uint8Array {
    const start = this.#claim(length, where);
    return Uint8Array.prototype.slice.call(this.bytes, start, start + length);
  }

  /** @throws FormatError: label type, pointer, length or end of the bytes is wrong */
  name(where: string): Name {
    const start = this.offset;
    const pointer = this.#pointerAt(start, this.end);
    if (pointer !== undefined) {
      this.offset = start + 2;
      return this.#nameAt(this.#backwards(pointer, start, where), where);
    }
    const name = this.#labelsFrom(start, this.end, where, (end) => {
      this.offset = end;
    });
    this.#names.set(start, name);
    return name;
  }

  #pointerAt(at: number, end: number): number | undefined {
    const first = this.bytes[at] as number;
    if (at + 1 >= end || first < 0xc0) return undefined;
    return ((first & 0x3f) << 8) | (this.bytes[at + 1] as number);
  }

  #backwards(target: number, from: number, where: string): number {
    if (target < 12 || target >= from) {
      throw new FormatError("compression pointer does not lead backwards", where, from);
    }
    return target;
  }

  #step(count: number, where: string, at: number): void {
    this.#steps += count;
    if (this.#steps > nameStepsMax) throw new FormatError("too much compression", where, at);
  }

  /** The name at a pointer's target; each target is decoded once. */
  #nameAt(target: number, where: string): Name {
    this.#step(1, where, target);
    const known = this.#names.get(target);
    if (known !== undefined) return known;
    // Pointers to pointers: a loop, since 64 KB hold more of them than the stack.
    let at = target;
    for (;;) {
      const next = this.#pointerAt(at, this.bytes.length);
      if (next === undefined) break;
      at = this.#backwards(next, at, where);
      this.#step(1, where, at);
    }
    const name = this.#names.get(at) ?? this.#labelsFrom(at, this.bytes.length, where, () => {});
    this.#names.set(at, name);
    this.#names.set(target, name);
    return name;
  }

  /**
   * Labels up to the root or a pointer, each border's tail remembered only when asked for.
   *
   * @param ended  told where the bytes of this name end
   */
  #labelsFrom(start: number, end: number, where: string, ended: (end: number) => void): Name {
    const labels: Label[] = [];
    const { bytes } = this;
    let length = 1;
    let limit = end;
    let from = start;
    let at = start;
    let isInside = true;
    for (;;) {
      if (at >= limit) throw new FormatError("ends inside a name", where, at);
      const size = bytes[at] as number;
      if (size === 0) {
        if (isInside) ended(at + 1);
        return labels.length === 0 ? rootName : soundName(labels);
      }
      if (size < 64) {
        if (at + 1 + size >= limit) throw new FormatError("ends inside a label", where, at);
        length += size + 1;
        if (length > mdnsNameBytesMax) throw new FormatError("name is too long", where, at);
        labels.push(bytes.toString("latin1", at + 1, at + 1 + size));
        at += size + 1;
        this.#step(1, where, at);
        continue;
      }
      const pointer = size >= 0xc0 ? this.#pointerAt(at, limit) : undefined;
      if (pointer === undefined) throw new FormatError("unknown label type", where, at);
      if (isInside) ended(at + 2);
      isInside = false;
      // A target before the beginning of this run of labels: a loop cannot close.
      const target = this.#backwards(pointer, from, where);
      const known = this.#names.get(target);
      this.#step(1, where, at);
      if (known !== undefined) {
        this.#step(known.labels.length, where, at);
        labels.push(...known.labels);
        const name = labels.length === 0 ? rootName : soundName(labels);
        if (name.key.length + 1 > mdnsNameBytesMax) {
          throw new FormatError("name is too long", where, at);
        }
        return name;
      }
      from = target;
      at = target;
      limit = bytes.length;
    }
  }
}
