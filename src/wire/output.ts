// Bytes of a message in the making: numbers, names with compression (RFC 1035
// §4.1.4), and the way back to a mark. Suffixes match byte for byte: a client's
// random capitals must not leak into other records' names (RFC 4343 §4.1).
//
// What is written past the buffer's end is not kept, but counted: whoever
// writes looks at `offset` afterwards and goes back.

import { assert } from "../assert.js";
import type { Label, Name } from "./name.js";

/** What a pointer can reach: 14 bits. */
const pointerMax = 0x3fff;

const bufferBytes = 0x1_0000;

/** The buffer of the last output that was finished: a new one costs more than most messages. */
let spare: Uint8Array | undefined;

/** A name, or the end of one, that stands somewhere in the message. */
interface Suffix {
  readonly offset: number;
  /** Its first label, and the suffix behind it. */
  readonly label: Label;
  readonly shorter: Suffix | undefined;
  /** The suffixes that are longer by one label, by that label. */
  longer: Map<Label, Suffix> | undefined;
}

export class Output {
  readonly bytes: Uint8Array;
  offset: number;
  #isFinished = false;
  readonly #root: Suffix = { offset: 0, label: "", shorter: undefined, longer: undefined };
  /** Suffixes in the order of their adding: for going back. */
  readonly #added: Suffix[] = [];
  #owner: Name | undefined;
  #ownerOffset = 0;

  /** @param offset  where writing begins; the bytes in front of it are zero */
  constructor(offset: number) {
    this.bytes = spare ?? new Uint8Array(bufferBytes);
    spare = undefined;
    this.bytes.fill(0, 0, offset);
    this.offset = offset;
  }

  /** A copy of what was written. The output is not used again. */
  finish(): Uint8Array {
    assert(!this.#isFinished, "a message is finished once");
    this.#isFinished = true;
    spare = this.bytes;
    return this.bytes.slice(0, this.offset);
  }

  /** Forgets everything behind `offset`. */
  rollBack(offset: number): void {
    this.offset = offset;
    this.#owner = undefined;
    for (let last = this.#added.at(-1); last !== undefined; last = this.#added.at(-1)) {
      if (last.offset < offset) return;
      last.shorter?.longer?.delete(last.label);
      this.#added.pop();
    }
  }

  u8(value: number): void {
    this.bytes[this.offset++] = value;
  }

  u16(value: number): void {
    const { bytes, offset } = this;
    bytes[offset] = value >> 8;
    bytes[offset + 1] = value;
    this.offset = offset + 2;
  }

  u32(value: number): void {
    const { bytes, offset } = this;
    bytes[offset] = value >>> 24;
    bytes[offset + 1] = value >>> 16;
    bytes[offset + 2] = value >>> 8;
    bytes[offset + 3] = value;
    this.offset = offset + 4;
  }

  u48(value: number): void {
    this.u16(Math.floor(value / 0x1_0000_0000));
    this.u32(value % 0x1_0000_0000);
  }

  raw(raw: Uint8Array): void {
    const { bytes, offset } = this;
    const { length } = raw;
    this.offset = offset + length;
    if (this.offset > bytes.length) return;
    if (length > 32) bytes.set(raw, offset);
    else for (let index = 0; index < length; index++) bytes[offset + index] = raw[index] as number;
  }

  /** A length to be known later; `endLength` is told what this returns. */
  beginLength(): number {
    this.offset += 2;
    return this.offset;
  }

  endLength(start: number): void {
    const length = this.offset - start;
    this.bytes[start - 2] = length >> 8;
    this.bytes[start - 1] = length;
  }

  /** An owner: nearly always the one of the record before. */
  owner(name: Name): void {
    if (name === this.#owner) {
      this.u16(0xc000 | this.#ownerOffset);
      return;
    }
    const offset = this.name(name, true);
    if (offset === undefined) return;
    this.#owner = name;
    this.#ownerOffset = offset;
  }

  /**
   * Writes a name; as far as it is known from its right end, as a pointer.
   *
   * @param isCompressible  false writes it out; others may still point to it
   * @returns where the whole name can be pointed to, or undefined
   */
  name(name: Name, isCompressible: boolean): number | undefined {
    const { labels } = name;
    let suffix = this.#root;
    let unknown = labels.length;
    while (unknown > 0) {
      const longer = suffix.longer?.get(labels[unknown - 1] as Label);
      if (longer === undefined) break;
      suffix = longer;
      unknown -= 1;
    }
    const written = isCompressible ? unknown : labels.length;
    for (let index = 0; index < written; index++) this.#label(labels[index] as Label);
    let end = this.offset;
    if (isCompressible && suffix !== this.#root) this.u16(0xc000 | suffix.offset);
    else this.u8(0);
    for (let index = written; index > unknown; index--) {
      end -= (labels[index - 1] as Label).length + 1;
    }
    for (; unknown > 0; unknown--) {
      const label = labels[unknown - 1] as Label;
      end -= label.length + 1;
      if (end > pointerMax) return undefined;
      const longer: Suffix = { offset: end, label, shorter: suffix, longer: undefined };
      suffix.longer ??= new Map();
      suffix.longer.set(label, longer);
      this.#added.push(longer);
      suffix = longer;
    }
    return suffix === this.#root ? undefined : suffix.offset;
  }

  #label(label: Label): void {
    const { bytes } = this;
    const { length } = label;
    let at = this.offset;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) bytes[at++] = label.charCodeAt(index);
    this.offset = at;
  }
}
