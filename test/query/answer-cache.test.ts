// The cache of ready answers: what counts as the same question, when an answer
// is no longer given, how much is held.

import { describe, expect, test } from "vitest";
import { AnswerCache } from "../../src/query/answer-cache.js";
import type { Way } from "../../src/query/asker.js";
import { type Instant, instant } from "../../src/time.js";
import { EdnsOption } from "../../src/wire/codes.js";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const later = instant(10_000);
const at = (milliseconds: number): Instant => instant(milliseconds);

const name = "045f697070045f746370036c616200";
const plain = `0e01 0000 0001 0000 0000 0000 ${name} 000c 0001`;
const withOpt = (opt: string, flags = "0000") =>
  `0e01 ${flags} 0001 0000 0000 0001 ${name} 000c 0001 ${opt}`;
const opt = "00 0029 04d0 00000000 0000";
const padding = "00 0029 04d0 00000000 0008 000c 0004 00000000";
const cookie8 = "00 0029 04d0 00000000 000c 000a0008 0102030405060708";
const response = hex("ffff 8400 0001 0001 0000 0000");

const made = (bytesMax = 100_000, hasCookies = true) =>
  new AnswerCache(bytesMax, 1232, hasCookies, 12345);

interface Sides {
  /** The way of the query that was answered, and of the one that comes after it. */
  readonly from?: Way;
  readonly way?: Way;
  readonly client?: number;
}

function kept(query: string, asked: string, sides: Sides = {}) {
  const cache = made();
  cache.keep(hex(query), sides.from ?? "udp", 1, { response, epoch: { count: 0 }, staleAt: later });
  return cache.find(at(0), hex(asked), sides.way ?? "udp", sides.client ?? 1) !== undefined;
}

describe("the same question", () => {
  test("gets the answer with its own ID", () => {
    const cache = made();
    cache.keep(hex(plain), "udp", 1, { response, epoch: { count: 0 }, staleAt: later });
    const answer = cache.find(at(0), hex(plain.replace("0e01", "4711")), "udp", 1);
    expect(Buffer.from(answer ?? []).toString("hex")).toBe("471184000001000100000000");
    const next = cache.find(at(0), hex(plain.replace("0e01", "0815")), "udp", 1);
    expect(Buffer.from(next ?? []).toString("hex")).toBe("081584000001000100000000");
  });

  test("an answer that outlives the buffer it was kept from", () => {
    const cache = made();
    const query = hex(plain);
    const bytes = Buffer.from(response);
    cache.keep(query, "udp", 1, { response: bytes, epoch: { count: 0 }, staleAt: later });
    bytes.fill(0);
    query.fill(0);
    expect(cache.find(at(0), hex(plain), "udp", 1)?.[2]).toBe(0x84);
  });

  const others: readonly (readonly [string, string, string, boolean])[] = [
    ["CD and AD make no difference", plain, plain.replace("0000", "0030"), true],
    ["RD does: it is echoed", plain, plain.replace("0000", "0100"), false],
    ["another case is another question [DP-69]", plain, plain.replace("697070", "495050"), false],
    ["another type", plain, plain.replace("000c 0001", "0010 0001"), false],
    ["another class", plain, plain.replace("000c 0001", "000c 00ff"), false],
    ["with an OPT and without [EDNS-07]", plain, withOpt(opt), false],
    ["with DO and without [DP-117]", withOpt(opt), withOpt("00 0029 04d0 00008000 0000"), false],
    ["another size [EDNS-07]", withOpt(opt), withOpt("00 0029 0200 00000000 0000"), false],
    ["sizes above our own are alike", withOpt(opt), withOpt("00 0029 1000 00000000 0000"), true],
    [
      "sizes below 512 are alike",
      withOpt("00 0029 0000 00000000 0000"),
      withOpt("00 0029 0100 00000000 0000"),
      true,
    ],
    ["with a cookie and without [EDNS-12]", withOpt(opt), withOpt(cookie8), false],
    ["NSID does", withOpt(opt), withOpt("00 0029 04d0 00000000 0004 00030000"), false],
    [
      "an option cut short is not answered from here",
      withOpt(opt),
      withOpt("00 0029 04d0 00000000 0004 000a0008"),
      false,
    ],
    ["nor one we do not know", withOpt(opt), withOpt("00 0029 04d0 00000000 0004 00640000"), false],
    ["nor version 1", withOpt(opt), withOpt("00 0029 04d0 00010000 0000"), false],
    ["nor two questions", plain, plain.replace("0001 0000 0000", "0002 0000 0000"), false],
    ["nor a NOTIFY", plain, plain.replace("0000", "2000"), false],
    ["nor a response", plain, plain.replace("0000", "8000"), false],
    ["nor trailing bytes", plain, `${plain} 00`, false],
    ["nor less than a question", plain, plain.slice(0, -3), false],
  ];
  test.each(others)("%s", (_title, query, asked, want) => {
    expect(kept(query, asked)).toBe(want);
  });

  test("clients of another class are not told", () => {
    expect(kept(plain, plain, { client: 2 })).toBe(false);
  });

  test("each way has answers of its own [EDNS-10] [EDNS-11]", () => {
    const ways: readonly Way[] = ["udp", "tcp", "tls", "tcp-session", "tls-session"];
    for (const from of ways) {
      for (const asked of [opt, padding]) {
        const hits = ways.filter((way) => kept(withOpt(asked), withOpt(asked), { from, way }));
        expect(hits).toEqual([from]);
      }
    }
  });

  const tls = { from: "tls", way: "tls" } as const;
  const smaller = padding.replace("04d0", "0200");

  test("over TLS padding makes a difference, and so does what the client takes [EDNS-11]", () => {
    expect(kept(withOpt(padding), withOpt(opt), tls)).toBe(false);
    expect(kept(withOpt(opt), withOpt(padding), tls)).toBe(false);
    expect(kept(withOpt(padding), withOpt(smaller), tls)).toBe(false);
  });

  test("in the clear it makes none", () => {
    expect(kept(withOpt(padding), withOpt(opt))).toBe(true);
    expect(kept(withOpt(padding), withOpt(smaller), { from: "tcp", way: "tcp" })).toBe(true);
  });
});

describe("cookies [EDNS-12]", () => {
  const cookie = "2464c4abcf10c957 010000005cf79f11 1f8130c3eee29480";
  /** An OPT with these options, of so many bytes. */
  const holding = (options: string) => {
    const length = hex(options).length.toString(16).padStart(4, "0");
    return withOpt(`00 0029 04d0 00000000 ${length} ${options}`);
  };
  const baked = hex(`ffff 8400 0000 0000 0000 0001 00 0029 04d0 00000000 001c 000a0018 ${cookie}`);
  const good = { epoch: { count: 0 }, staleAt: later };

  function found(cache: AnswerCache, query: string, bytes = baked) {
    cache.keep(hex(holding("000a0008 1111111111111111")), "udp", 1, { response: bytes, ...good });
    const asked = hex(query);
    const answer = cache.find(at(0), asked, "udp", 1);
    return answer && { answer, option: cache.cookieOf(asked) };
  }

  test("whatever they hold, the answer is one; its cookie is still to be written", () => {
    for (const option of ["0102030405060708", cookie, `${cookie} 00`, "22".repeat(40)]) {
      const bytes = hex(option);
      const size = bytes.length.toString(16).padStart(4, "0");
      for (const query of [`000a${size} ${option}`, `000c0000 000a${size} ${option} 0008 0000`]) {
        const { answer, option } = found(made(), holding(query)) ?? {};
        expect(answer).toHaveLength(baked.length);
        expect(Buffer.from(option ?? [])).toEqual(bytes);
      }
    }
    const cache = made();
    cache.keep(hex(plain), "udp", 1, { response, ...good });
    expect(cache.find(at(0), hex(plain), "udp", 1)).toBeDefined();
    expect(cache.cookieOf(hex(plain))).toBeUndefined();
  });

  test("of a length that none has, or two of them, are not answered from here", () => {
    const lengths = Array.from({ length: 50 }, (_, size) => size);
    const answered = lengths.filter((size) => {
      const option = `000a${size.toString(16).padStart(4, "0")} ${"11".repeat(size)}`;
      return found(made(), holding(option)) !== undefined;
    });
    expect(answered).toEqual([8, ...lengths.filter((size) => size >= 16 && size <= 40)]);
    const one = "000a0008 1111111111111111";
    expect(found(made(), holding(`${one} ${one}`))).toBeUndefined();
  });

  test("a response without one, for want of room, is not kept", () => {
    expect(found(made(), holding("000a0008 1111111111111111"), response)).toBeUndefined();
    const other = Buffer.from(baked);
    other[baked.length - 27] = EdnsOption.NSID;
    expect(found(made(), holding("000a0008 1111111111111111"), other)).toBeUndefined();
  });

  test("where they are off, one makes no difference, whatever its length", () => {
    const cache = made(100_000, false);
    cache.keep(hex(withOpt(opt)), "udp", 1, { response, ...good });
    for (const option of ["000a0008 1111111111111111", "000a0001 11", `000a0018 ${cookie}`]) {
      const query = hex(holding(option));
      expect(cache.find(at(0), query, "udp", 1)).toBeDefined();
      expect(cache.cookieOf(query)).toBeUndefined();
    }
    cache.configure(100_000, 1232, true);
    expect(found(cache, holding("000a0001 11"))).toBeUndefined();
    expect(found(cache, withOpt(cookie8))?.option).toHaveLength(8);
  });
});

describe("an answer ends", () => {
  test("when its link changes", () => {
    const cache = made();
    const epoch = { count: 0 };
    cache.keep(hex(plain), "udp", 1, { response, epoch, staleAt: later });
    epoch.count += 1;
    expect(cache.find(at(0), hex(plain), "udp", 1)).toBeUndefined();
  });

  test("when a TTL in it would be lower [DP-46]", () => {
    const cache = made();
    cache.keep(hex(plain), "udp", 1, { response, epoch: { count: 0 }, staleAt: later });
    expect(cache.find(at(9_999), hex(plain), "udp", 1)).toBeDefined();
    expect(cache.find(later, hex(plain), "udp", 1)).toBeUndefined();
  });
});

test("the oldest answers leave when there are too many bytes [DP-125]", () => {
  const cache = made(10_000);
  const query = (index: number) =>
    hex(`0e01 0000 0001 0000 0000 0000 04${index.toString(16).padStart(8, "0")}00 000c 0001`);
  for (let index = 0; index < 1000; index++) {
    cache.keep(query(index), "udp", 1, { response, epoch: { count: 0 }, staleAt: later });
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
  }
  expect(cache.find(at(0), query(999), "udp", 1)).toBeDefined();
  expect(cache.find(at(0), query(0), "udp", 1)).toBeUndefined();
  // Keeping an answer again does not count it twice.
  const { bytes } = cache;
  cache.keep(query(999), "udp", 1, { response, epoch: { count: 0 }, staleAt: later });
  expect(cache.bytes).toBe(bytes);
});
