// Server cookies against the examples of RFC 9018 Appendix A, and every way in
// which one can be too old, too new, another's or no cookie at all.

import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { Cookies, cookieBytes, isCookieLength } from "../../src/query/cookies.js";
import { hex, toHex } from "../wire/captures.js";

const secret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const addressOf = (text: string) => parseAddress(text)?.bytes ?? new Uint8Array();

function asked(now: number, address: string, option: string, key = secret) {
  const target = new Uint8Array(cookieBytes).fill(0xee);
  const state = new Cookies(hex(key)).answer(now, addressOf(address), hex(option), target);
  return { state, cookie: toHex(target) };
}

describe("RFC 9018 Appendix A [EDNS-12]", () => {
  const client1 = "198.51.100.100";
  const client3 = "203.0.113.203";
  const client4 = "2001:db8:220:1:59de:d0f4:8769:82b8";
  const a1 = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
  const a2 = "2464c4abcf10c957010000005cf7a871d4a564a1442aca77";
  const a3 = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
  const a4 = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
  const rolled = "445536bcd2513298075a5d379663c962";

  test("A.1: a new server cookie", () => {
    expect(asked(1559731985, client1, "2464c4abcf10c957")).toEqual({ state: "none", cookie: a1 });
  });

  test("A.2: renewed after forty minutes", () => {
    expect(asked(1559734385, client1, a1)).toEqual({ state: "good", cookie: a2 });
  });

  test("A.3: reserved bytes are hashed as they came, and leave as 0", () => {
    const renewed = "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e";
    // The example asks when the cookie is two hours old; §4.3 lets it end after one.
    expect(asked(1559734700, client3, a3)).toEqual({ state: "bad", cookie: renewed });
    expect(asked(1559727985, client3, a3)).toEqual({ state: "good", cookie: a3 });
  });

  test("A.4: a client over IPv6, before the secret was changed and after it", () => {
    const renewed = "22681ab97d52c298010000005cf7c609a6bb79d16625507a";
    const old = "dd3bdf9344b678b185a6f5cb60fca715";
    expect(asked(1559741817, client4, a4, old)).toEqual({ state: "good", cookie: a4 });
    expect(asked(1559741961, client4, a4, rolled)).toEqual({ state: "bad", cookie: renewed });
  });
});

const made = 1559731985;
const client = "198.51.100.100";
const cookie = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

describe("the age of a cookie [EDNS-12]", () => {
  test.each([
    [-301, "bad", false],
    [-300, "good", true],
    [-1, "good", true],
    [0, "good", true],
    [1800, "good", true],
    [1801, "good", false],
    [3600, "good", false],
    [3601, "bad", false],
    [2 ** 31 - 1, "bad", false],
    [2 ** 31 + 5, "bad", false],
    [2 ** 32 - 301, "bad", false],
  ])("%i s: %s, kept: %s", (age, state, isKept) => {
    const now = made + age;
    const answer = asked(now, client, cookie);
    expect(answer.state).toBe(state);
    const timestamp = (now % 2 ** 32).toString(16).padStart(8, "0");
    expect(answer.cookie.slice(0, 32)).toBe(
      isKept ? cookie.slice(0, 32) : `2464c4abcf10c95701000000${timestamp}`,
    );
    if (isKept) expect(answer.cookie).toBe(cookie);
    // What is handed out is good itself.
    expect(asked(now, client, answer.cookie).state).toBe("good");
  });

  test("the count of seconds begins again at 2^32 (RFC 1982)", () => {
    const last = asked(2 ** 32 - 10, client, "2464c4abcf10c957").cookie;
    expect(last.slice(24, 32)).toBe("fffffff6");
    expect(asked(2 ** 32 + 100, client, last)).toEqual({ state: "good", cookie: last });
    expect(asked(2 ** 32 + 3591, client, last).state).toBe("bad");
  });
});

describe("a cookie that is not ours [EDNS-12]", () => {
  test("with any bit of it changed", () => {
    for (let bit = 0; bit < cookieBytes * 8; bit++) {
      const changed = hex(cookie);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(asked(made, client, toHex(changed)).state, `bit ${bit}`).toBe("bad");
    }
  });

  test.each([
    ["another client's", "198.51.100.101"],
    ["that of an address of the other family", "::c633:6464"],
  ])("%s", (_, address) => {
    const answer = asked(made, address, cookie);
    expect(answer.state).toBe("bad");
    expect(answer.cookie.slice(0, 32)).toBe(cookie.slice(0, 32));
    expect(answer.cookie.slice(32)).not.toBe(cookie.slice(32));
  });

  test("of another length, whatever it holds", () => {
    for (let size = 16; size <= 40; size++) {
      const option = toHex(hex(`${cookie}${"00".repeat(16)}`).subarray(0, size));
      expect(asked(made, client, option)).toEqual({
        state: size === 24 ? "good" : "bad",
        cookie,
      });
    }
  });

  test("made with another secret, and then it is known by that one alone", () => {
    const other = "445536bcd2513298075a5d379663c962";
    const { cookie: theirs } = asked(made, client, cookie, other);
    expect(asked(made, client, theirs).state).toBe("bad");
    expect(asked(made, client, theirs, other)).toEqual({ state: "good", cookie: theirs });
  });
});

test("one maker serves clients of both families in turn [EDNS-12]", () => {
  const cookies = new Cookies(hex(secret));
  const target = new Uint8Array(cookieBytes);
  const long = addressOf("2001:db8::1");
  for (let turn = 0; turn < 3; turn++) {
    cookies.answer(made, long, hex("2464c4abcf10c957"), target);
    expect(cookies.answer(made, long, target.slice(), target)).toBe("good");
    cookies.answer(made, addressOf(client), hex("2464c4abcf10c957"), target);
    expect(toHex(target)).toBe(cookie);
  }
});

test("lengths: 8, and 16 to 40 [EDNS-12]", () => {
  const lengths = Array.from({ length: 100 }, (_, size) => size).filter(isCookieLength);
  expect(lengths).toEqual([8, ...Array.from({ length: 25 }, (_, at) => 16 + at)]);
});
