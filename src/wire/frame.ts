// Messages on a stream: two length bytes, then the message (RFC 1035 §4.2.2,
// RFC 7766 §8). Pieces may arrive cut anywhere, byte by byte if need be.

import { FormatError } from "./errors.js";

const lengthBytes = 2;
const nothing = new Uint8Array(0);
export const frameBytesMax = 65_535;

/**
 * Puts messages together. Holds what was pushed and not taken: whoever takes until there is
 * nothing left keeps that below one frame.
 */
export class FrameReader {
  #buffer: Uint8Array = nothing;
  #start = 0;
  #end = 0;

  /** Bytes that are held and not taken yet. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** The piece is not copied when it comes between two frames; it belongs to the reader then. */
  push(bytes: Uint8Array): void {
    const held = this.size;
    if (held === 0) {
      this.#hold(bytes, bytes.length);
      return;
    }
    const total = held + bytes.length;
    // A piece as it came has no free end: only a buffer of ours is ever written to.
    if (this.#end + bytes.length > this.#buffer.length) {
      // Never moved inside one buffer: messages already taken may still be read there.
      // Not as large as announced: many connections could announce what they never send.
      const larger = new Uint8Array(Math.max(total, 2 * held));
      larger.set(this.#buffer.subarray(this.#start, this.#end));
      this.#hold(larger, held);
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The next whole message without its length, or undefined. */
  take(): Uint8Array | undefined {
    if (this.size < lengthBytes) return undefined;
    const start = this.#start + lengthBytes;
    const high = this.#buffer[start - 2] as number;
    const end = start + ((high << 8) | (this.#buffer[start - 1] as number));
    if (this.#end < end) return undefined;
    const message = this.#buffer.subarray(start, end);
    this.#start = end;
    // Thousands of connections say little: what they said last is not kept for them.
    if (end === this.#end) this.#hold(nothing, 0);
    return message;
  }

  #hold(buffer: Uint8Array, end: number): void {
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = end;
  }
}

/** Length and message in one piece, so that they leave in one segment. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  if (message.length > frameBytesMax) {
    throw new FormatError(`message of ${message.length} bytes, 65,535 are the most`, "frame");
  }
  const frame = new Uint8Array(lengthBytes + message.length);
  frame[0] = message.length >> 8;
  frame[1] = message.length & 0xff;
  frame.set(message, lengthBytes);
  return frame;
}
