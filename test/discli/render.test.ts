// What discli prints of words that a device wrote.

import { expect, it } from "vitest";
import { textOf } from "../../src/discli/render.js";

const cases: readonly (readonly [string, Uint8Array, string])[] = [
  ["plain UTF-8 stays", Buffer.from("note=二階 ☕"), "note=二階 ☕"],
  ["an escape sequence does not reach the terminal", Buffer.from("a=\x1b[2J"), "a=\\x1b[2J"],
  ["nor one of the eight-bit controls", Buffer.from("a=\u009b2J"), "a=\\xc2\\x9b2J"],
  ["no line is forged", Buffer.from("a=b\n  A 192.0.2.66"), "a=b\\x0a  A 192.0.2.66"],
  ["no text is turned round", Buffer.from("a=\u202egpj"), "a=\\xe2\\x80\\xaegpj"],
  ["what is not UTF-8 is bytes", Uint8Array.of(0x61, 0x3d, 0xff, 0x1b), "a=\\xff\\x1b"],
];

for (const [title, bytes, want] of cases) {
  it(title, () => {
    expect(textOf(bytes)).toBe(want);
  });
}
