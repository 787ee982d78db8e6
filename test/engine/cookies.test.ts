// DNS Cookies (RFC 7873, RFC 9018) from the first byte to the last, whichever way
// an answer takes: made for one query, ready since another's, waited for, over
// TCP and TLS. The bytes are those of RFC 9018 Appendix A.

import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { Cookies, cookieBytes, isCookieLength } from "../../src/query/cookies.js";
import { below, seededRandom } from "../../src/random.js";
import { after, instant, ms, seconds } from "../../src/time.js";
import { decodeMessage, type Message } from "../../src/wire/message.js";
import { hex, toHex } from "../wire/captures.js";
import { World, type WorldSetting } from "./story.js";
import { type AskOptions, queryBytes } from "./story-clients.js";

const code = 10;
const secret = hex("e5e973e5a6b2a43f48e7dc849e37bfcf");
const client1 = "198.51.100.100";
const fresh1 = "2464c4abcf10c957";
const a1 = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
const a2 = "2464c4abcf10c957010000005cf7a871d4a564a1442aca77";

const apex = "bldg-1.example.com SOA";

/** Milliseconds since 1970 of Appendix A.1. */
const then = 1559731985_000;

/** A world that begins at that second. */
function world(setting: WorldSetting = {}): World {
  const w = new World({ cookies: { secret }, ...setting });
  w.link("eth0").says("prnt.local. 120 A 203.0.113.7");
  w.input({ kind: "wall-clock", origin: then - w.now, isTrusted: false });
  return w;
}

const withCookie = (option: string, more: AskOptions = {}): AskOptions => ({
  ...more,
  edns: { options: [{ code, bytes: hex(option) }] },
});

const cookiesIn = ({ edns }: Message) =>
  (edns?.options ?? []).filter((option) => option.code === code).map(({ bytes }) => toHex(bytes));

describe("the examples of RFC 9018 over UDP [EDNS-12]", () => {
  test("each client has its own cookie, also of an answer that was ready", () => {
    const w = world();
    const ask = (client: string, option: string) => {
      const asked = w.ask(apex, withCookie(option, { client }));
      expect(asked.rcode).toBe("NOERROR");
      expect(asked.answers).toHaveLength(1);
      return cookiesIn(asked.message);
    };
    expect(ask(client1, fresh1)).toEqual([a1]);
    w.runUntil(after(w.began, seconds(2400)));
    expect(ask(client1, a1)).toEqual([a2]);
    w.runUntil(after(w.began, seconds(2715)));
    const reserved = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
    expect(ask("203.0.113.203", reserved)).toEqual([
      "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
    ]);
    expect(ask(client1, a2)).toEqual([a2]);
    expect(w.counts.of("answer-cache-hits")).toBe(3);
    const states = ["none", "good", "bad"].map((state) => w.counts.of("cookies", state));
    expect(states).toEqual([1, 2, 1]);
  });

  test("a client over IPv6, when the secret is changed", () => {
    const old = { secret: hex("dd3bdf9344b678b185a6f5cb60fca715") };
    const w = world({ cookies: old });
    const client = "2001:db8:220:1:59de:d0f4:8769:82b8";
    const asked = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
    w.runUntil(instant(w.began + 1559741961_000 - then));
    expect(cookiesIn(w.ask(apex, withCookie(asked, { client })).message)).toEqual([asked]);
    w.reconfigure({ cookies: { secret: hex("445536bcd2513298075a5d379663c962") } });
    expect(cookiesIn(w.ask(apex, withCookie(asked, { client })).message)).toEqual([
      "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
    ]);
    expect(w.counts.of("cookies", "bad")).toBe(1);
  });

  test("the system's clock may be set while queries are answered", () => {
    const w = world();
    w.input({ kind: "wall-clock", origin: then + 2400_000 - w.now, isTrusted: false });
    expect(cookiesIn(w.ask(apex, withCookie(a1, { client: client1 })).message)).toEqual([a2]);
  });
});

describe("whoever waits for a link has its own cookie [EDNS-12]", () => {
  test("two clients with one question", () => {
    const w = world();
    w.links.get("eth0")?.device("slow.local. 120 A 203.0.113.8", { delay: ms(900) });
    const name = "slow.bldg-1.example.com A";
    const one = w.ask(name, withCookie(fresh1, { client: client1 }));
    const other = w.ask(name, withCookie("1122334455667788", { client: "192.0.2.9" }));
    const without = w.ask(name, { edns: {} });
    w.run(seconds(3));
    expect(one.answers).toHaveLength(1);
    expect(cookiesIn(one.message)).toEqual([a1]);
    expect(cookiesIn(other.message)[0]).toMatch(/^1122334455667788010000005cf79f11/);
    expect(cookiesIn(without.message)).toEqual([]);
  });
});

describe("over TCP and TLS [EDNS-12]", () => {
  const queries = [fresh1, "1122334455667788", a2, a1].map((option, id) =>
    queryBytes(apex, withCookie(option, { id })),
  );
  const shown = [a1, "1122334455667788010000005cf79f11", "2464c4abcf10c957010000005cf79f11", a1];

  test.each(["tcp", "tls"] as const)("%s: answers that are ready in one turn", (transport) => {
    const w = world();
    const client = w.connect(client1, { transport });
    client.send(...queries);
    const got = client.received.flatMap(({ message }) => cookiesIn(message));
    for (const [at, want] of shown.entries()) expect(got[at]?.slice(0, want.length)).toBe(want);
    // A cookie of the future, by forty minutes, is as good as none.
    expect(client.received.every(({ message }) => message.rcode === 0)).toBe(true);
    expect(w.counts.of("cookies", "bad")).toBe(1);
    expect(w.counts.of("answer-cache-hits")).toBe(3);
  });

  test("padding stays what it was, made or ready", () => {
    const w = world();
    const client = w.connectTls(client1);
    const options = [
      { code, bytes: hex(a1) },
      { code: 12, bytes: new Uint8Array(40) },
    ];
    client.send(...[1, 2].map((id) => queryBytes(apex, { id, edns: { options } })));
    expect(w.counts.of("answer-cache-hits")).toBe(1);
    expect(client.writes.map((bytes) => bytes.length)).toEqual([470, 470]);
    for (const { message } of client.received) {
      expect(cookiesIn(message)).toEqual([a1]);
      expect(message.edns?.options.map((option) => option.code)).toEqual([11, 12, 10]);
    }
  });
});

describe("what has a cookie, and what has none [EDNS-12]", () => {
  const optionsOf = (message: Message) => message.edns?.options.map((option) => option.code);

  test.each([0, 1, 7, 9, 15, 41, 100])(
    "%i bytes are FORMERR, also once an answer is ready",
    (size) => {
      const w = world();
      const before = w.ask(apex, withCookie(fresh1));
      expect(before.rcode).toBe("NOERROR");
      const asked = w.ask(apex, withCookie("11".repeat(size)));
      expect(asked.rcode).toBe("FORMERR");
      expect(asked.message.questions).toHaveLength(1);
      expect(optionsOf(asked.message)).toEqual([]);
      // Only the first of several counts.
      const both = (sizes: readonly number[]) =>
        sizes.map((length) => ({ code, bytes: new Uint8Array(length) }));
      expect(w.ask(apex, { edns: { options: both([8, size]) } }).rcode).toBe("NOERROR");
      expect(w.ask(apex, { edns: { options: both([size, 8]) } }).rcode).toBe("FORMERR");
    },
  );

  test("a cookie that is bad, too old or of another kind is served all the same", () => {
    const w = world();
    for (const option of [`${fresh1}${"ff".repeat(8)}`, a2, a1.replace("1f81", "1f80")]) {
      const asked = w.ask("prnt.bldg-1.example.com A", withCookie(option, { client: client1 }));
      expect(asked.rcode).toBe("NOERROR");
      expect(asked.answers).toHaveLength(1);
      expect(cookiesIn(asked.message)).toEqual([a1]);
    }
    expect(w.counts.of("cookies", "bad")).toBe(3);
  });

  test("refusals have one; BADVERS and what cannot be read have none", () => {
    const w = world();
    const ask = (text: string, options: AskOptions = {}) =>
      w.ask(text, { ...withCookie(fresh1, { client: client1 }), ...options });
    const outside = ask("www.example.org A");
    expect(outside.rcode).toBe("REFUSED");
    expect(cookiesIn(outside.message)).toEqual([a1]);
    expect(cookiesIn(ask("bldg-1.example.com AXFR").message)).toEqual([a1]);
    const options = [{ code, bytes: hex(fresh1) }];
    const newer = ask(apex, { edns: { version: 1, options } });
    expect(newer.rcode).toBe("BADVERS");
    expect(optionsOf(newer.message)).toEqual([]);
    expect(optionsOf(ask(apex, { opcode: 4 }).message) ?? []).toEqual([]);
  });

  test("without a cookie, or an OPT, an answer has none [EDNS-01]", () => {
    const w = world();
    w.ask(apex, withCookie(fresh1));
    expect(optionsOf(w.ask(apex, { edns: {} }).message)).toEqual([]);
    expect(w.ask(apex).message.edns).toBeUndefined();
    expect(w.ask(apex).reply).toHaveLength(w.ask(apex, { edns: {} }).reply!.length - 11);
  });

  test("a truncated answer has one, and is no longer for it", () => {
    const w = world();
    const addresses = Array.from({ length: 40 }, (_, at) => `203.0.113.${at + 10}`);
    w.links.get("eth0")?.says(addresses.map((one) => `many.local. 120 A ${one}`).join("\n"));
    const edns = { udpSize: 512, options: [{ code, bytes: hex(fresh1) }] };
    const asked = w.ask("many.bldg-1.example.com A", { client: client1, edns });
    expect(asked.message.tc).toBe(true);
    expect(asked.reply!.length).toBeLessThanOrEqual(512);
    expect(cookiesIn(asked.message)).toEqual([a1]);
  });

  test("where they are off, the option is one that we do not know [EDNS-04]", () => {
    const w = world({ cookies: false });
    for (const option of [fresh1, a1, "11".repeat(9), ""]) {
      const asked = w.ask(apex, withCookie(option));
      expect(asked.rcode).toBe("NOERROR");
      expect(optionsOf(asked.message)).toEqual([]);
    }
    expect(w.counts.of("answer-cache-hits")).toBe(3);
    w.reconfigure({ cookies: { secret } });
    expect(w.ask(apex, withCookie("11".repeat(9))).rcode).toBe("FORMERR");
    expect(cookiesIn(w.ask(apex, withCookie(fresh1, { client: client1 })).message)).toEqual([a1]);
  });
});

describe("a cookie alone (RFC 7873 §5.4) [EDNS-12]", () => {
  const only = (option: string) => {
    const size = (option.length / 2).toString(16).padStart(4, "0");
    const rest = (option.length / 2 + 4).toString(16).padStart(4, "0");
    return hex(
      `0e01 0000 0000 0000 0000 0001 00 0029 04d0 00000000 ${rest} 000a ${size} ${option}`,
    );
  };
  const replied = (rcode: string, extended: string) =>
    toHex(hex(`0e01 800${rcode} 0000 0000 0000 0001 00 0029 04d0 ${extended}000000 001c 000a0018`));
  const answer = (w: World, option: string) => {
    const asked = w.askBytes(only(option), { client: client1 });
    return toHex(asked.reply ?? new Uint8Array());
  };

  test("is given, and confirmed", () => {
    const w = world();
    expect(answer(w, fresh1)).toBe(replied("0", "00") + a1);
    expect(answer(w, a1)).toBe(replied("0", "00") + a1);
  });

  test("is BADCOOKIE, which is 23, when it is not good", () => {
    expect(answer(world(), a2)).toBe(replied("7", "01") + a1);
  });

  test("without one, with a broken one, or where they are off: FORMERR [DP-112]", () => {
    const formerr = toHex(hex("0e01 8001 0000 0000 0000 0001 00 0029 04d0 00000000 0000"));
    expect(answer(world(), "11".repeat(9))).toBe(formerr);
    expect(answer(world({ cookies: false }), fresh1)).toBe(formerr);
    const bare = world().askBytes(hex("0e01 0000 0000 0000 0000 0001 00 0029 04d0 00000000 0000"));
    expect(toHex(bare.reply!)).toBe(formerr);
    const newer = only(fresh1);
    newer[18] = 1;
    expect(world().askBytes(newer).rcode).not.toBe("NOERROR");
  });
});

describe("secrets [EDNS-12]", () => {
  const first = (w: World) =>
    cookiesIn(w.ask(apex, withCookie(fresh1, { client: client1 })).message)[0] ?? "";

  test("two daemons with one secret know each other's cookies", () => {
    const others = first(world({ seed: 2 }));
    const w = world({ seed: 3 });
    w.ask(apex, withCookie(others, { client: client1 }));
    expect(w.counts.of("cookies", "good")).toBe(1);
  });

  test("without one, each start has its own, and keeps it", () => {
    const others = first(world({ cookies: {}, seed: 2 }));
    const w = world({ cookies: {}, seed: 3 });
    const own = first(w);
    expect(own.slice(0, 32)).toBe(others.slice(0, 32));
    expect(own).not.toBe(others);
    w.reconfigure();
    w.ask(apex, withCookie(own, { client: client1 }));
    expect(w.counts.of("cookies", "good")).toBe(1);
    w.reconfigure({ cookies: false });
    w.reconfigure({ cookies: {} });
    expect(first(w)).toBe(own);
    w.ask(apex, withCookie(others, { client: client1 }));
    expect(w.counts.of("cookies", "bad")).toBe(1);
  });
});

test.each([1, 2, 3, 4])(
  "options of any bytes, seed %i: nobody has another's cookie [EDNS-12]",
  (seed) => {
    const random = seededRandom(seed);
    const pick = <Item>(items: readonly Item[]) => items[below(random, items.length)] as Item;
    const w = world({ seed });
    const judge = new Cookies(secret);
    const clients = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "::ffff:192.0.2.3"];
    const names = [apex, "bldg-1.example.com NS", "www.example.org A"];
    const streams = clients.map((client) => w.connect(client));
    let handedOut = new Uint8Array(cookieBytes);
    for (let step = 0; step < 500; step++) {
      const option = new Uint8Array(pick([8, 16, 24, 24, 40, below(random, 60)]));
      for (let at = 0; at < option.length; at++) option[at] = below(random, 256);
      const isOld = option.length === cookieBytes && below(random, 2) === 0;
      if (isOld) option.set(handedOut);
      const asked = queryBytes(pick(names), { ...withCookie(toHex(option)), id: step });
      const at = below(random, clients.length);
      const stream = streams[at]!;
      const client = clients[at]!;
      let message: Message | undefined;
      if (below(random, 3) === 0) {
        stream.send(asked);
        message = stream.received.at(-1)?.message;
      } else message = decodeMessage(w.askBytes(asked, { client }).reply!);
      expect(message?.id).toBe(step);
      const [cookie] = cookiesIn(message!);
      if (!isCookieLength(option.length)) {
        expect([message?.rcode, cookie]).toEqual([1, undefined]);
        continue;
      }
      expect(cookie?.slice(0, 16)).toBe(toHex(option).slice(0, 16));
      handedOut = hex(cookie ?? "") as Uint8Array<ArrayBuffer>;
      const now = Math.floor((then + w.now - w.began) / 1000);
      const address = parseAddress(client)!.bytes;
      expect(judge.answer(now, address, handedOut, new Uint8Array(cookieBytes))).toBe("good");
      w.run(ms(below(random, 20) === 0 ? 1_200_000 : 400));
      for (const [index, { closed }] of streams.entries()) {
        if (closed !== undefined) streams[index] = w.connect(clients[index]);
      }
    }
    expect(w.counts.of("answer-cache-hits")).toBeGreaterThan(50);
    for (const state of ["none", "good", "bad"]) {
      expect(w.counts.of("cookies", state)).toBeGreaterThan(10);
    }
  },
);
