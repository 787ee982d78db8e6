// SipHash-2-4 against the vectors of its authors' reference implementation: the
// key is 00 01 … 0f, the message of n bytes is 00 01 … n-1.

import { expect, test } from "vitest";
import { SipHash } from "../../src/wire/siphash.js";
import { hex, toHex } from "./captures.js";

const counting = (length: number) => Uint8Array.from({ length }, (_, at) => at);

function hashOf(message: Uint8Array, key: Uint8Array = counting(16)): string {
  const target = new Uint8Array(10);
  new SipHash(key).write(message, target, 1);
  expect([target[0], target[9]]).toEqual([0, 0]);
  return toHex(target.subarray(1, 9));
}

test.each([
  [0, "310e0edd47db6f72"],
  [1, "fd67dc93c539f874"],
  [2, "5a4fa9d909806c0d"],
  [3, "2d7efbd796666785"],
  [4, "b7877127e09427cf"],
  [5, "8da699cd64557618"],
  [6, "cee3fe586e46c9cb"],
  [7, "37d1018bf50002ab"],
  [8, "6224939a79f5f593"],
  // The example of the paper's appendix: 0xa129ca6149be45e5.
  [15, "e545be4961ca29a1"],
  [63, "724506eb4c328a95"],
])("%i bytes", (length, want) => {
  expect(hashOf(counting(length))).toBe(want);
  // Wherever they stand in memory.
  const shifted = new Uint8Array(length + 3);
  shifted.set(counting(length), 3);
  expect(hashOf(shifted.subarray(3))).toBe(want);
});

test("one hash leaves nothing behind for the next", () => {
  const hash = new SipHash(counting(16));
  const target = new Uint8Array(8);
  for (let round = 0; round < 3; round++) {
    hash.write(counting(63), target, 0);
    expect(toHex(target)).toBe("724506eb4c328a95");
    hash.write(counting(0), target, 0);
    expect(toHex(target)).toBe("310e0edd47db6f72");
  }
});

test("a message of 20 bytes with high bits set: that of RFC 9018 A.1", () => {
  const message = hex("2464c4abcf10c957010000005cf79f11c6336464");
  const key = hex("e5e973e5a6b2a43f48e7dc849e37bfcf");
  expect(hashOf(message, key)).toBe("1f8130c3eee29480");
});
