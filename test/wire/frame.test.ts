// Messages on a stream (RFC 1035 §4.2.2, RFC 7766 §8), cut in every way.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/wire/errors.js";
import { encodeFrame, FrameReader } from "../../src/wire/frame.js";
import { hex, toHex } from "./captures.js";

/** Everything a reader has to give. */
function drained(reader: FrameReader): string[] {
  const messages: string[] = [];
  for (let message = reader.take(); message !== undefined; message = reader.take()) {
    messages.push(toHex(message));
  }
  return messages;
}

describe("FrameReader", () => {
  test.each([
    ["one message in one piece", ["0003 010203"], ["010203"]],
    ["two in one piece", ["0001 01 0002 0203"], ["01", "0203"]],
    ["byte by byte", ["00", "02", "01", "02"], ["0102"]],
    ["the length alone, then the rest", ["0002", "0102"], ["0102"]],
    ["the end of one and the start of the next", ["0002 01", "02 0001", "03"], ["0102", "03"]],
    ["an empty message", ["0000 0001 01"], ["", "01"]],
    ["empty pieces", ["", "0001", "", "01", ""], ["01"]],
    ["nothing whole", ["0003 0102"], []],
    ["half a length", ["00"], []],
  ])("%s", (_what, pieces, messages) => {
    const reader = new FrameReader();
    for (const piece of pieces) reader.push(hex(piece));
    expect(drained(reader)).toEqual(messages);
  });

  test("any messages, cut anywhere, taken at any time", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 8 });
    const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(messages, cuts, fc.boolean(), (sent, sizes, eagerly) => {
        const stream = Buffer.concat(sent.map(encodeFrame));
        const reader = new FrameReader();
        const taken: Uint8Array[] = [];
        const drain = () => {
          for (let one = reader.take(); one !== undefined; one = reader.take()) taken.push(one);
        };
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] as number;
          // Each piece is a buffer of its own, as from a socket.
          reader.push(Uint8Array.from(stream.subarray(at, at + size)));
          at += size;
          if (eagerly) drain();
        }
        drain();
        // Read only now: what was taken has not been written over since.
        expect(taken.map(toHex)).toEqual(sent.map(toHex));
        expect(reader.size).toBe(0);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test("64 KB that come byte by byte cost what 64 KB cost", () => {
    const reader = new FrameReader();
    const frame = encodeFrame(new Uint8Array(65_535).fill(7));
    for (const byte of frame) {
      expect(reader.take()).toBeUndefined();
      reader.push(Uint8Array.of(byte));
    }
    expect(reader.take()?.length).toBe(65_535);
  });

  test("size is what is held", () => {
    const reader = new FrameReader();
    reader.push(hex("0001 01 00"));
    expect(reader.size).toBe(4);
    reader.take();
    expect(reader.size).toBe(1);
  });
});

describe("encodeFrame", () => {
  test("puts the length in front", () => {
    expect(toHex(encodeFrame(hex("0102")))).toBe("00020102");
    expect(toHex(encodeFrame(new Uint8Array(0x1234)).subarray(0, 2))).toBe("1234");
    expect(encodeFrame(new Uint8Array(65_535)).length).toBe(65_537);
  });

  test("a message of more than 64 KB has no frame", () => {
    expect(() => encodeFrame(new Uint8Array(65_536))).toThrow(FormatError);
  });
});
