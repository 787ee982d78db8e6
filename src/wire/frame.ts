// Messages on a stream: two length bytes, then the message (RFC 1035 §4.2.2,
// RFC 7766 §8). Pieces may arrive cut anywhere.

import { FormatError } from "./errors.js";

const lengthBytes = 2;
export const frameBytesMax = 65_535;

/** Puts messages together. Holds at most one unfinished message and what came with it. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #size = 0;

  /** Bytes that are held and not taken yet. */
  get size(): number {
    return this.#size;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
  }

  /** The next whole message without its length, or undefined. */
  take(): Uint8Array | undefined {
    if (this.#size < lengthBytes) return undefined;
    const length = (this.#byte(0) << 8) | this.#byte(1);
    const whole = lengthBytes + length;
    if (this.#size < whole) return undefined;
    const first = this.#join();
    this.#size -= whole;
    this.#pieces = this.#size === 0 ? [] : [first.subarray(whole)];
    return first.subarray(lengthBytes, whole);
  }

  #byte(index: number): number {
    let rest = index;
    for (const piece of this.#pieces) {
      if (rest < piece.length) return piece[rest] as number;
      rest -= piece.length;
    }
    return 0;
  }

  #join(): Uint8Array {
    const [only] = this.#pieces;
    return this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
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
