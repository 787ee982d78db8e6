// SipHash-2-4 with 64 bits of output, the keyed hash of DNS Cookies (RFC 9018
// §4.4; Aumasson and Bernstein, "SipHash: a fast short-input PRF"). Its 64-bit
// words are kept as two halves of 32 bits: that is what the engine adds and turns
// without making an object, and a cookie is hashed with nearly every query.

/** Bytes of a key, and of a hash. */
export const sipKeyBytes = 16;
export const sipHashBytes = 8;

const blockBytes = 8;

/** "somepseudorandomlygeneratedbytes", as four words of a low and a high half each. */
const start = [
  0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
] as const;

export class SipHash {
  /** The words before the first block: k0, k1, k0, k1 over the constants. */
  readonly #begin = new Int32Array(8);
  /** The four words at work, the low half of each first. */
  readonly #words = new Int32Array(8);

  /** @param key of 16 bytes */
  constructor(key: Uint8Array) {
    for (let half = 0; half < 8; half++) {
      this.#begin[half] = (start[half] as number) ^ half32(key, (half & 3) * 4, sipKeyBytes);
    }
  }

  /** Writes the hash of `message` to `target`, 8 bytes from `at` on, as the paper's code does. */
  write(message: Uint8Array, target: Uint8Array, at: number): void {
    const v = this.#words;
    v.set(this.#begin);
    const size = message.length;
    // The last block holds what is left, and the length in its highest byte.
    for (let from = 0; from <= size; from += blockBytes) {
      const low = half32(message, from, size);
      let high = half32(message, from + 4, size);
      if (size - from < blockBytes) high |= size << 24;
      v[6] = (v[6] as number) ^ low;
      v[7] = (v[7] as number) ^ high;
      round(v);
      round(v);
      v[0] = (v[0] as number) ^ low;
      v[1] = (v[1] as number) ^ high;
    }
    v[4] = (v[4] as number) ^ 0xff;
    for (let left = 4; left > 0; left--) round(v);
    for (let half = 0; half < 2; half++) {
      const [a, b, c, d] = [v[half], v[half + 2], v[half + 4], v[half + 6]] as Four;
      const word = a ^ b ^ c ^ d;
      for (let byte = 0; byte < 4; byte++) target[at + half * 4 + byte] = word >>> (byte * 8);
    }
  }
}

type Four = [number, number, number, number];

/** Four bytes as a little-endian number; those from `end` on count as 0. */
function half32(bytes: Uint8Array, from: number, end: number): number {
  let word = 0;
  for (let at = Math.min(from + 4, end) - 1; at >= from; at--) {
    word = (word << 8) | (bytes[at] as number);
  }
  return word;
}

/** SipRound. A word is named by the place of its low half. */
function round(v: Int32Array): void {
  add(v, 0, 2);
  turn(v, 2, 13, 0);
  swap(v, 0);
  add(v, 4, 6);
  turn(v, 6, 16, 4);
  add(v, 0, 6);
  turn(v, 6, 21, 0);
  add(v, 4, 2);
  turn(v, 2, 17, 4);
  swap(v, 4);
}

function add(v: Int32Array, to: number, from: number): void {
  const low = (v[to] as number) >>> 0;
  const sum = low + ((v[from] as number) >>> 0);
  v[to] = sum;
  v[to + 1] = (v[to + 1] as number) + (v[from + 1] as number) + (sum > 0xffff_ffff ? 1 : 0);
}

/** Turns a word to the left, and takes another one over it. */
function turn(v: Int32Array, word: number, bits: number, over: number): void {
  const low = v[word] as number;
  const high = v[word + 1] as number;
  v[word] = ((low << bits) | (high >>> (32 - bits))) ^ (v[over] as number);
  v[word + 1] = ((high << bits) | (low >>> (32 - bits))) ^ (v[over + 1] as number);
}

/** Turns a word by 32 bits. */
function swap(v: Int32Array, word: number): void {
  const low = v[word] as number;
  v[word] = v[word + 1] as number;
  v[word + 1] = low;
}
