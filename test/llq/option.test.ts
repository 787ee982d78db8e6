// What is an LLQ message at all, and that nothing a stranger sends does harm.

import { describe, expect, test } from "vitest";
import { decodeOption, encodeOption, seemsLlq } from "../../src/llq/option.js";
import { receive } from "../../src/llq/receive.js";
import { below, seededRandom } from "../../src/random.js";
import { FormatError } from "../../src/wire/errors.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { question } from "../mdns/stage.js";
import { examples } from "./examples.js";
import { apex, browse, hex, lobby, request, Stage, tcp, udp } from "./stage.js";

describe("the option", () => {
  test("has its fields where they belong [LLQ-02]", () => {
    const bytes = hex("0001 0002 0003 fedcba9876543210 80000001");
    const option = decodeOption(bytes);
    expect(option).toEqual({
      version: 1,
      opcode: 2,
      error: 3,
      id: 0xfedcba9876543210n,
      leaseSeconds: 0x80000001,
    });
    expect(encodeOption(option!)).toEqual({ code: 1, bytes });
  });

  test("is read where it lies in a larger buffer [LLQ-02]", () => {
    const bytes = hex(`ffff${"00".repeat(17)}07ffff`).subarray(2, 20);
    expect(decodeOption(bytes)?.leaseSeconds).toBe(7);
  });

  test.each([0, 1, 17, 19, 36])("has not %i bytes [LLQ-02]", (size) => {
    expect(decodeOption(new Uint8Array(size))).toBeUndefined();
  });
});

describe("what is not for LLQs", () => {
  const e40 = hex(examples.E40);
  const changed = (at: number, value: number) => {
    const bytes = e40.slice();
    bytes[at < 0 ? bytes.length + at : at] = value;
    return bytes;
  };
  const edns = { udpSize: 0, version: 0, extendedRcode: 0, dnssecOk: false };
  const options = [{ code: 1, bytes: new Uint8Array(18) }];
  const long = "x".repeat(60);

  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a short header", e40.subarray(0, 11)],
    ["a header alone", e40.subarray(0, 12)],
    ["no OPT", encodeMessage({ questions: [question(browse)] })],
    ["an OPT without the option", changed(-21, 12)],
    ["another opcode", changed(2, 0x28)],
    ["EDNS version 1", changed(-27, 1)],
    ["no question", encodeMessage({ edns: { ...edns, options } })],
    ["a byte too many", Uint8Array.of(...e40, 0)],
    ["a byte too few", e40.subarray(0, e40.length - 1)],
    ["an option that runs past the OPT", changed(-19, 19)],
    ["a name that runs into itself", hex("4c01 0100 0001 0000 0000 0001 c00c 000c 0001")],
    ["an OPT among the answers", changed(7, 1)],
    ["an OPT with an owner", changed(-33, 1)],
    [
      "more questions than a datagram should have",
      request(Array.from({ length: 17 }, (_, n) => `_${n}._tcp.${apex}. PTR`)),
    ],
    [
      "more bytes than a packet has",
      request(Array.from({ length: 16 }, (_, n) => `${n}.${long}.${long}.${n}. PTR`)),
    ],
  ])("%s", (_, bytes) => {
    const s = new Stage();
    expect(s.say(bytes)).toBe("other");
    expect(s.take()).toEqual([]);
  });

  test("an address that is none", () => {
    expect(new Stage().say(e40, udp("nowhere"))).toBe("other");
  });

  test("two OPTs", () => {
    const bytes = Uint8Array.from([...e40, ...e40.slice(-33)]);
    bytes[11] = 2;
    expect(new Stage().say(bytes)).toBe("other");
  });

  test("the option may stand behind others, the OPT behind other records", () => {
    const padding = { code: 12, bytes: new Uint8Array(3) };
    const message = {
      questions: [question(browse)],
      edns: { ...edns, options: [padding, ...options] },
    };
    const bytes = encodeMessage({
      ...message,
      additionals: decodeMessage(hex(examples.E43)).answers,
    });
    expect(seemsLlq(bytes)).toBe(true);
    expect(receive(bytes, "udp")?.kind).toBe("request");
  });
});

describe("hostile bytes", () => {
  const seeds = Object.values(examples).map(hex);

  function mutated(random: ReturnType<typeof seededRandom>): Uint8Array {
    const bytes = seeds[below(random, seeds.length)]!.slice();
    for (let left = below(random, 4); left >= 0; left--) {
      bytes[below(random, bytes.length)] = below(random, 256);
    }
    const cut = below(random, 8) === 0 ? below(random, bytes.length) : bytes.length;
    return bytes.subarray(0, cut);
  }

  test("the quick look finds every option that decoding finds", () => {
    const random = seededRandom(5);
    for (let n = 0; n < 3000; n++) {
      const bytes = mutated(random);
      let found = false;
      try {
        const { edns, opcode } = decodeMessage(bytes);
        found = opcode === 0 && (edns?.options.some(({ code }) => code === 1) ?? false);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
      if (found) expect(seemsLlq(bytes)).toBe(true);
    }
  });

  test("do nothing but what their form allows", () => {
    const random = seededRandom(11);
    const s = new Stage({ limits: { llq: 20 } });
    s.setUp();
    s.hear(lobby);
    s.take();
    for (let n = 0; n < 3000; n++) {
      const asker = below(random, 3) === 0 ? tcp(below(random, 3)) : udp();
      const bytes = mutated(random);
      const taken = s.say(bytes, asker);
      const replies = s.take().filter(({ reply }) => !reply.isEvent);
      expect(replies.length).toBeLessThanOrEqual(1);
      if (taken !== "answered") expect(replies).toEqual([]);
      for (const { message, reply } of replies) {
        expect(message).toMatchObject({ isResponse: true, rcode: 0, tc: false });
        // No more than what was sent, but for answers to who has proven itself.
        if (message.answers.length === 0)
          expect(reply.bytes.length).toBeLessThan(bytes.length + 45);
      }
      if (n % 50 === 0) s.run(s.seconds + 3).take();
    }
    expect(s.server.size).toBeLessThanOrEqual(20);
    // Everything ends by itself.
    s.run(s.seconds + 7300);
    expect(s.server.size).toBe(0);
    expect(s.link.questionCount).toBe(0);
  });
});
