// The specification's LLQ messages, in the order in which a client and a server
// would exchange them: what comes out must be theirs to the last byte.

import { describe, expect, test } from "vitest";
import { decodeOption, encodeOption } from "../../src/llq/option.js";
import { seconds } from "../../src/time.js";
import { decodeMessage } from "../../src/wire/message.js";
import { examples } from "./examples.js";
import { foyer, hex, lobby, type Setting, Stage, toHex } from "./stage.js";

/** Makes the LLQ-ID of the examples, 6553f1005d2c9a71: the start is minute 1000, 0xe8. */
const mac = (bytes: Uint8Array) => (bytes.length === 7 ? hex("99") : hex("6553f1005d2c9a00"));

/** Message IDs as in the examples: E44, E45. */
function messageIds() {
  const ids = [0x9e37, 0x9e38];
  return { uint32: () => ids.shift() ?? 0 };
}

const setting = (limits: Setting["limits"] = {}): Setting => ({
  mac,
  random: messageIds(),
  limits: { llqLeaseMax: seconds(3600), ...limits },
});

const stage = (limits?: Setting["limits"]) => new Stage(setting(limits));

const came = (at: Stage) => at.take().map(({ reply }) => toHex(reply.bytes));

describe("examples", () => {
  test("set-up, events, refresh and end [LLQ-02] [LLQ-06] [LLQ-13] [LLQ-16] [LLQ-17] [LLQ-21]", () => {
    const s = stage();
    s.say(hex(examples.E40));
    expect(came(s)).toEqual([examples.E41]);
    s.run(1).say(hex(examples.E42));
    s.hear(lobby);
    expect(came(s)).toEqual([examples.E43]);
    s.run(2).hear(foyer);
    expect(came(s)).toEqual([examples.E44]);
    s.say(hex(examples.E46.replace(/^9e38/, "9e37")));
    s.hear(lobby.replace("4500", "0"));
    s.run(3.5);
    expect(came(s)).toEqual([examples.E45]);
    s.say(hex(examples.E46));
    s.run(20);
    expect(came(s)).toEqual([]);
    s.say(hex(examples.E47));
    expect(came(s)).toEqual([examples.E48]);
    s.say(hex(examples.E49));
    s.say(hex(examples.E47));
    const [ended, unknown] = came(s);
    expect(ended).toBe(examples.E49.replace("4c030100", "4c038500"));
    expect(unknown).toBe(examples.E52);
  });

  test("no room is told with the time after which to come again [LLQ-08]", () => {
    const s = stage({ llq: 0 });
    s.say(hex(examples.E40));
    expect(came(s)).toEqual([examples.E50]);
  });

  test("another version is told so [LLQ-08] [LLQ-10]", () => {
    const s = stage();
    s.say(hex(examples.E40.replace("000100120001", "000100120002")));
    expect(came(s)).toEqual([examples.E51]);
  });

  test.each(Object.entries(examples))("the option of %s survives [LLQ-02]", (_, text) => {
    const { edns } = decodeMessage(hex(text));
    expect(edns?.options).toHaveLength(1);
    const [{ code, bytes }] = edns!.options as [{ code: number; bytes: Uint8Array }];
    const option = decodeOption(bytes)!;
    expect(encodeOption(option)).toEqual({ code, bytes: Uint8Array.from(bytes) });
    expect(text.slice(-36)).toBe(toHex(bytes));
  });
});
