// What an OPT says on each way: Padding where nobody reads along (RFC 7830, RFC
// 8467), the idle limit where there is no session (RFC 7828, RFC 8490). Bytes
// are written by hand from the RFCs; read back with dns-packet besides.

import dnsPacket from "dns-packet";
import { describe, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { silentLog } from "../../src/log.js";
import { bare, type Sections } from "../../src/query/answer.js";
import type { Asker } from "../../src/query/asker.js";
import { type Query, receive } from "../../src/query/receive.js";
import { Replies } from "../../src/query/replies.js";
import { seconds } from "../../src/time.js";
import { Rcode } from "../../src/wire/codes.js";
import { parseRRs } from "../../src/wire/text.js";

const hex = (text: string) => Buffer.from(text.replaceAll(/[\s|]/g, ""), "hex");
const same = (text: string) => text.replaceAll(/[\s|]/g, "");

const peer = { address: "192.0.2.7", port: 50_000 };
const udp: Asker = { transport: "udp", listener: "l", peer };
const tcp: Asker = { transport: "tcp", stream: 1, peer };
const tls: Asker = { transport: "tls", stream: 1, peer };

/** lab.example.com SOA IN */
const soa = "036c6162076578616d706c6503636f6d0000060001";

/** A query with an OPT of this size that holds these options. */
function asked(options: string, size = "04d0"): string {
  const length = (same(options).length / 2).toString(16).padStart(4, "0");
  return `0e04 0000 0001 0000 0000 0001 | ${soa} 00 0029 ${size} 00000000 ${length} ${options}`;
}

const padding80 = `000c 0050 ${"00".repeat(80)}`;
const e66 = asked(padding80);

const made = () =>
  new Replies(
    {
      opt: { udpSize: 1232, tcpIdle: seconds(10) },
      rotate: false,
      queryLog: "none",
      instance: "px",
    },
    silentLog,
    new Counts(),
  );

function queryOf(message: string, asker: Asker): Query {
  const received = receive(hex(message), asker.transport !== "udp", { udpSize: 1232 });
  if (received.kind !== "query") throw new Error(received.kind);
  return received.query;
}

function answer(message: string, asker: Asker, sections: Sections = bare(Rcode.REFUSED)): Buffer {
  return Buffer.from(made().answer(asker, queryOf(message, asker), sections));
}

/** The bytes of a response that is an error and nothing else. */
function refusal(message: string, asker: Asker): string {
  const replies = made();
  const received = receive(hex(message), asker.transport !== "udp", { udpSize: 1232 });
  if (received.kind !== "refused") throw new Error(received.kind);
  replies.refuse(asker, received.refusal);
  return Buffer.from(replies.take()[0]?.bytes ?? []).toString("hex");
}

const optionsOf = (bytes: Buffer) => {
  const opts = dnsPacket.decode(bytes).additionals?.filter((one) => one.type === "OPT") ?? [];
  return opts.flatMap((one) => (one.type === "OPT" ? one.options.map(({ code }) => code) : []));
};

const header = "0e04 8005 0001 0000 0000 0001";
const opt = "00 0029 04d0 00000000";

/** An answer with a TXT of this many bytes, in strings of 255 at most. */
function text(bytes: number): Sections {
  const strings: string[] = [];
  for (let left = bytes; left > 0; left -= 255)
    strings.push(`"${"a".repeat(Math.min(left, 255))}"`);
  const answers = parseRRs(`lab.example.com. 10 TXT ${strings.join(" ")}`);
  return { ...bare(Rcode.NOERROR), isAuthoritative: true, answers };
}

describe("Padding", () => {
  test("the query of the standard form is 128 bytes: E66", () => {
    expect(hex(e66)).toHaveLength(0x80);
  });

  test("over TLS E66 is answered with 468 bytes [EDNS-11]", () => {
    // 12 + 21 + 11 + 6 + 4 are 54 bytes, 414 = 0x19e are left; 424 = 0x1a8 are options.
    const want = `${header} ${soa} ${opt} 01a8 000b 0002 0064 000c 019e ${"00".repeat(414)}`;
    expect(answer(e66, tls).toString("hex")).toBe(same(want));
  });

  test("in the clear there is none [EDNS-11]", () => {
    expect(answer(e66, tcp).toString("hex")).toBe(
      same(`${header} ${soa} ${opt} 0006 000b 0002 0064`),
    );
    expect(answer(e66, udp).toString("hex")).toBe(same(`${header} ${soa} ${opt} 0000`));
    const session: Asker = { ...tcp, isSession: true };
    expect(answer(e66, session).toString("hex")).toBe(same(`${header} ${soa} ${opt} 0000`));
  });

  test("nor for a query without it, nor without an OPT [EDNS-11]", () => {
    expect(optionsOf(answer(asked(""), tls))).toEqual([11]);
    const plain = `0e04 0000 0001 0000 0000 0000 ${soa}`;
    expect(answer(plain, tls).toString("hex")).toBe(same(`0e04 8005 0001 0000 0000 0000 ${soa}`));
  });

  test("empty, or asked with twice: one all the same [EDNS-11]", () => {
    for (const options of ["000c 0000", `${padding80} ${padding80}`]) {
      const bytes = answer(asked(options), tls);
      expect(bytes).toHaveLength(468);
      expect(optionsOf(bytes)).toEqual([11, 12]);
    }
  });

  test("whatever the answer's size: a multiple of 468, never above the client's [EDNS-11]", () => {
    const lengths = new Set<number>();
    let left = 0;
    for (let size = 1; size < 1400; size += 3) {
      const bytes = answer(e66, tls, text(size));
      const unpadded = answer(asked(""), tls, text(size));
      if (unpadded.length + 4 <= 936) {
        lengths.add(bytes.length);
        expect(bytes.length - unpadded.length).toBeLessThan(468 + 4);
        expect(optionsOf(bytes)).toEqual([11, 12]);
      } else {
        // The next multiple, 1404, is more than the 1232 of the client's OPT.
        expect(bytes.equals(unpadded)).toBe(true);
        left += 1;
      }
    }
    expect([...lengths]).toEqual([468, 936]);
    expect(left).toBeGreaterThan(100);
  });

  test("a size below 512 counts as 512, one of 65,535 is not exceeded [EDNS-11]", () => {
    expect(answer(asked(padding80, "0000"), tls)).toHaveLength(468);
    expect(optionsOf(answer(asked(padding80, "0000"), tls, text(500)))).toEqual([11]);
    const large = asked(padding80, "ffff");
    expect(answer(large, tls, text(2000))).toHaveLength(5 * 468);
    expect(answer(large, tls, text(65_000))).toHaveLength(65_520);
    expect(optionsOf(answer(large, tls, text(65_000)))).toEqual([11, 12]);
    expect(optionsOf(answer(large, tls, text(65_200)))).toEqual([11]);
  });

  test("errors are padded as well [EDNS-11]", () => {
    const chaos = e66.replace("00060001", "00060003");
    expect(refusal(chaos, tls)).toHaveLength(2 * 468);
    expect(refusal(chaos, tcp)).toMatch(/0006000b00020064$/);
  });

  test("but not BADVERS, which has no options at all [EDNS-03]", () => {
    const wanted = `0e04 8000 0001 0000 0000 0001 ${soa} 00 0029 04d0 01000000 0000`;
    expect(refusal(e66.replace("00000000", "00010000"), tls)).toBe(same(wanted));
  });
});

describe("on a session", () => {
  const session: Asker = { ...tls, isSession: true };

  test("the idle limit is not told, Padding is as before [EDNS-10] [EDNS-11]", () => {
    const want = `${header} ${soa} ${opt} 01a8 000c 01a4 ${"00".repeat(420)}`;
    expect(answer(e66, session).toString("hex")).toBe(same(want));
    expect(optionsOf(answer(asked(""), session))).toEqual([]);
    const chaos = asked("").replace("00060001", "00060003");
    expect(refusal(chaos, session)).toBe(same(refusal(chaos, udp)));
  });

  test("not even to a query that waited since before it [EDNS-10]", () => {
    const stream = { ...tcp, isSession: false };
    const query = queryOf(asked(""), stream);
    const replies = made();
    expect(optionsOf(Buffer.from(replies.answer(stream, query, bare(Rcode.NOERROR))))).toEqual([
      11,
    ]);
    stream.isSession = true;
    expect(optionsOf(Buffer.from(replies.answer(stream, query, bare(Rcode.NOERROR))))).toEqual([]);
  });
});
