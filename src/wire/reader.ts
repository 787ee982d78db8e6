// A bounded cursor over one message (RFC 1035 §4.1). Names are decompressed
// here (§4.1.4): pointers lead backwards only, each target is decoded once, and
// what is made of the bytes is counted, so that no arrangement of them makes a
// message expensive.

import { FormatError } from "./errors.js";
import { latin1 } from "./latin1.js";
import { foldLabel, type Label, mdnsNameBytesMax, type Name, rootName } from "./name.js";

/**
 * What one message may make of its bytes, in steps of some 10 ns: a label or a type number
 * put into a list is one, other things state theirs. Honest messages of 64 KB need up to
 * 80,000; without a bound, 127-label names behind 5,000 pointers would need ten times that.
 */
export const stepsMax = 100_000;

/** Pointers followed for one name. A name has at most 127 labels to put between them. */
const hopsMax = 128;

const headerBytes = 12;
const noBytes = new Uint8Array(0);

/** Up to this size V8 keeps an array's bytes inside the object, at a tenth of the cost. */
const inlineBytesMax = 64;

/** Labels in front of others: few are pushed faster than arrays are joined. */
function joined(labels: Label[], tail: readonly Label[]): readonly Label[] {
  if (tail.length > 16) return labels.concat(tail);
  for (const label of tail) labels.push(label);
  return labels;
}

export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  /** First offset behind what may be read: the message's end, or an rdata's. */
  end: number;
  /** Names by where they begin; made when the first pointer is met. */
  #names: Map<number, Name> | undefined = undefined;
  #steps = 0;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = bytes.length;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Counts work. @throws FormatError when the message has cost enough */
  spend(steps: number, where: string): void {
    this.#steps += steps;
    if (this.#steps > stepsMax) {
      throw new FormatError("takes more work than its size allows", where, this.offset);
    }
  }

  /** Passes over `length` bytes and says where they begin. @throws FormatError at the end */
  claim(length: number, where: string): number {
    const start = this.offset;
    if (length > this.end - start) throw new FormatError("ends too early", where, start);
    this.offset = start + length;
    return start;
  }

  u8(where: string): number {
    return this.bytes[this.claim(1, where)] as number;
  }

  u16(where: string): number {
    const at = this.claim(2, where);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(where: string): number {
    const { bytes } = this;
    const at = this.claim(4, where);
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    return high * 0x1_0000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }

  u48(where: string): number {
    return this.u16(where) * 0x1_0000_0000 + this.u32(where);
  }

  /** A copy, so that a record held for an hour does not hold its whole packet. */
  take(length: number, where: string): Uint8Array {
    const start = this.claim(length, where);
    if (length === 0) return noBytes;
    const taken = new Uint8Array(length);
    const { bytes } = this;
    if (length > inlineBytesMax) taken.set(bytes.subarray(start, start + length));
    else for (let index = 0; index < length; index++) taken[index] = bytes[start + index] as number;
    return taken;
  }

  /** @throws FormatError: label type, pointer, length or end of the bytes is wrong */
  name(where: string): Name {
    const start = this.offset;
    const stop = this.#runEnd(start, this.end, where);
    this.offset = stop + (this.bytes[stop] === 0 ? 1 : 2);
    const name = this.#nameOf(start, stop, where, 0);
    // A pointer alone is followed again as fast as it is remembered.
    if (stop > start) this.#names?.set(start, name);
    return name;
  }

  /** Where the labels that begin at `start` end: the offset of the root byte or pointer. */
  #runEnd(start: number, end: number, where: string): number {
    const { bytes } = this;
    let at = start;
    for (;;) {
      if (at >= end) throw new FormatError("ends inside a name", where, at);
      const size = bytes[at] as number;
      if (size === 0) return at;
      if (size >= 0xc0) {
        if (at + 1 < end) return at;
        throw new FormatError("ends inside a pointer", where, at);
      }
      if (size >= 0x40) throw new FormatError("unknown label type", where, at);
      at += size + 1;
      if (at - start >= mdnsNameBytesMax) throw new FormatError("name is too long", where, start);
    }
  }

  /** The name of the labels from `start` to `stop` and of what follows them there. */
  #nameOf(start: number, stop: number, where: string, hops: number): Name {
    const tail = this.bytes[stop] === 0 ? rootName : this.#tail(start, stop, where, hops);
    if (start === stop) return tail;
    const run = latin1(this.bytes, start, stop);
    const labels: Label[] = [];
    for (let at = 0; at < run.length; ) {
      const next = at + 1 + run.charCodeAt(at);
      labels.push(run.slice(at + 1, next));
      at = next;
    }
    // Length bytes are below 64 and letters above, so that folding the whole is safe.
    const key = foldLabel(run);
    if (tail === rootName) {
      this.spend(labels.length, where);
      return { labels, key };
    }
    if (key.length + tail.key.length >= mdnsNameBytesMax) {
      throw new FormatError("name is too long", where, start);
    }
    this.spend(labels.length + tail.labels.length, where);
    return { labels: joined(labels, tail.labels), key: key + tail.key };
  }

  /** The name that the pointer at `stop` leads to; the labels in front of it begin at `start`. */
  #tail(start: number, stop: number, where: string, hops: number): Name {
    const { bytes } = this;
    const target = (((bytes[stop] as number) & 0x3f) << 8) | (bytes[stop + 1] as number);
    // In front of this run of labels, not only of the pointer: no loop can close.
    if (target < headerBytes || target >= start) {
      throw new FormatError("compression pointer does not lead backwards", where, stop);
    }
    this.#names ??= new Map();
    const known = this.#names.get(target);
    if (known !== undefined) return known;
    if (hops === hopsMax) throw new FormatError("too many compression pointers", where, stop);
    this.spend(1, where);
    const name = this.#nameOf(target, this.#runEnd(target, bytes.length, where), where, hops + 1);
    this.#names.set(target, name);
    return name;
  }
}
