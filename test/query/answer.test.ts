// The bytes of a response: flags, echo, what is left out when space is short.
// Read back with dns-packet, which nobody here wrote.

import dnsPacket from "dns-packet";
import { describe, expect, test } from "vitest";
import { bare, encodeAnswer, type Sections, setsOf } from "../../src/query/answer.js";
import type { Way } from "../../src/query/asker.js";
import type { Query } from "../../src/query/receive.js";
import { seconds } from "../../src/time.js";
import { parseType, Rcode } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { parseRRs } from "../../src/wire/text.js";

const rules = { udpSize: 1232, tcpIdle: seconds(10), nsid: Buffer.from("px1") };

function query(text: string, parts: Partial<Query> = {}): Query {
  const [name = "", type = ""] = text.split(" ");
  return {
    id: 0x0e01,
    question: { name: parseName(name), type: parseType(type) ?? 0, class: 1 },
    recursionDesired: false,
    answerMax: 1232,
    isStream: false,
    ...parts,
  };
}

function sections(answers: string, parts: Partial<Sections> = {}): Sections {
  return { ...bare(Rcode.NOERROR), isAuthoritative: true, answers: parseRRs(answers), ...parts };
}

const encode = (asked: Query, parts: Sections, way: Way = "udp") =>
  encodeAnswer(asked, way, parts, rules);

const edns = { dnssecOk: false, wantsNsid: false };

const printers = (count: number, name = "_ipp._tcp.x") =>
  Array.from({ length: count }, (_, index) => `${name}. 10 PTR printer-number-${index}.${name}.`);

const headerBytes = 12;

describe("the header", () => {
  const bytes = (asked: Partial<Query>, parts: Partial<Sections> = {}) =>
    encode(query("a.x A", asked), sections("a.x. 10 A 192.0.2.1", parts));

  test("ID, QR, AA; RA, AD, CD and Z are clear [DP-111]", () => {
    expect(Buffer.from(bytes({}).subarray(0, 4)).toString("hex")).toBe("0e018400");
  });

  test("RD is copied [DP-111]", () => {
    expect(Buffer.from(bytes({ recursionDesired: true }).subarray(2, 4)).toString("hex")).toBe(
      "8500",
    );
  });

  test("REFUSED without AA [DP-109]", () => {
    const refused = encode(query("a.x A"), bare(Rcode.REFUSED));
    expect(Buffer.from(refused.subarray(2, 4)).toString("hex")).toBe("8005");
  });
});

test("the question is echoed byte for byte, and the owner points to it [DP-69] [DP-111]", () => {
  const answer = encode(
    query("_IpP._tCp.X PTR"),
    sections("_ipp._tcp.x. 10 PTR Lobby._ipp._tcp.x."),
  );
  const text = Buffer.from(answer.subarray(headerBytes)).toString("hex");
  expect(text.startsWith("045f497050045f744370015800000c0001")).toBe(true);
  // The next two bytes are the pointer to offset 12; the target keeps the device's letters.
  expect(text.slice(34, 38)).toBe("c00c");
  expect(text).toContain(Buffer.from("\x05Lobby\x04_ipp\x04_tcp\x01x\0", "latin1").toString("hex"));
});

test("an SRV target is not compressed [DP-41]", () => {
  const answer = encode(query("p._ipp._tcp.x SRV"), sections("p._ipp._tcp.x. 10 SRV 0 0 631 h.x."));
  expect(Buffer.from(answer.subarray(-5)).toString("latin1")).toBe("\x01h\x01x\0");
});

describe("OPT", () => {
  const optOf = (asked: Partial<Query>, way: Way = "udp") => {
    const bytes = encode(query("a.x A", asked), sections("a.x. 10 A 192.0.2.1"), way);
    const { additionals = [] } = dnsPacket.decode(Buffer.from(bytes));
    return additionals.find((one) => one.type === "OPT");
  };

  test("none without one [EDNS-01] [DP-113]", () => {
    expect(optOf({})).toBeUndefined();
  });

  test("one for one, with our size and DO copied [EDNS-01] [DP-117]", () => {
    const opt = optOf({ edns: { ...edns, dnssecOk: true } });
    expect(opt).toMatchObject({ udpPayloadSize: 1232, flags: 0x8000, ednsVersion: 0, options: [] });
  });

  test("NSID where it is asked for", () => {
    const opt = optOf({ edns: { ...edns, wantsNsid: true } });
    expect(opt?.type === "OPT" && opt.options).toMatchObject([
      { code: 3, data: Buffer.from("px1") },
    ]);
  });

  test("an NSID that leaves no room for the question is left out", () => {
    const long = { ...rules, nsid: new Uint8Array(400) };
    const name = `${"a".repeat(63)}.${"b".repeat(63)}`;
    const asked = query(`${name} A`, { answerMax: 512, edns: { ...edns, wantsNsid: true } });
    const bytes = encodeAnswer(asked, "udp", sections(""), long);
    expect(dnsPacket.decode(Buffer.from(bytes)).additionals).toMatchObject([{ options: [] }]);
  });

  test("the idle limit, on streams only: 10 s are 100 units [EDNS-09]", () => {
    const opt = optOf({ edns, isStream: true, answerMax: 65_535 }, "tcp");
    const option = opt?.type === "OPT" ? opt.options[0] : undefined;
    expect(option).toMatchObject({ code: 11, timeout: 100 });
  });
});

describe("when space is short", () => {
  const decode = (bytes: Uint8Array) =>
    dnsPacket.decode(Buffer.from(bytes)) as dnsPacket.DecodedPacket;

  test("additionals go first, and nobody is told [DP-77] [DP-113]", () => {
    const additionals = [
      parseRRs(`p._ipp._tcp.x. 10 TXT "${"a".repeat(200)}"`),
      parseRRs("h.x. 10 A 192.0.2.1"),
    ];
    const small = query("_ipp._tcp.x PTR", { answerMax: 200, edns });
    const answer = encode(small, sections(printers(3).join("\n"), { additionals }));
    expect(answer.length).toBeLessThanOrEqual(200);
    const { answers = [], additionals: rest = [], flag_tc: tc } = decode(answer);
    expect(tc).toBe(false);
    expect(answers).toHaveLength(3);
    expect(rest.map((one) => one.type)).toEqual(["A", "OPT"]);
  });

  test("an RRset that does not fit is left out: TC, the OPT stays [EDNS-06] [DP-113]", () => {
    const small = query("_ipp._tcp.x PTR", { answerMax: 512, edns });
    const answer = encode(small, sections(printers(40).join("\n")));
    expect(answer.length).toBeLessThanOrEqual(512);
    const { answers = [], additionals: rest = [], flag_tc: tc } = decode(answer);
    expect(tc).toBe(true);
    expect(answers).toHaveLength(0);
    expect(rest.map((one) => one.type)).toEqual(["OPT"]);
  });

  test("whatever the size, it is kept to and the OPT is there [EDNS-06] [DP-113]", () => {
    const additionals = printers(20).map((_, n) => parseRRs(`host-${n}.x. 10 A 192.0.2.1`));
    for (let answerMax = 512; answerMax < 700; answerMax++) {
      const asked = query("_ipp._tcp.x PTR", { answerMax, edns });
      const bytes = encode(asked, sections(printers(9).join("\n"), { additionals }));
      expect(bytes.length).toBeLessThanOrEqual(answerMax);
      expect(decode(bytes).additionals?.at(-1)?.type).toBe("OPT");
    }
  });

  test("sets in front of it stay [DP-113]", () => {
    const both = `a.x. 10 A 192.0.2.1\n${printers(40, "a.x").join("\n")}`;
    const answer = encode(query("a.x ANY", { answerMax: 512 }), sections(both));
    expect(decode(answer).answers).toHaveLength(1);
    expect(decode(answer).flag_tc).toBe(true);
  });

  test("an SOA that does not fit is TC too [DP-113]", () => {
    const authority = parseRRs("x. 10 SOA px.example. host.example. 0 7200 3600 86400 10");
    const answer = encode(query("a.x A", { answerMax: 40 }), sections("", { authority }));
    expect(decode(answer).flag_tc).toBe(true);
  });

  test("on a stream 1,000 leave whole, and a set above 65,535 bytes in part [DP-113]", () => {
    const onStream = query("_ipp._tcp.x PTR", { answerMax: 65_535, isStream: true });
    const whole = decode(encode(onStream, sections(printers(1000).join("\n"))));
    expect([whole.answers?.length, whole.flag_tc]).toEqual([1000, false]);
    const bytes = encode(onStream, sections(printers(3000).join("\n")));
    const part = decode(bytes);
    expect(part.flag_tc).toBe(true);
    expect(part.answers?.length).toBeGreaterThan(1500);
    expect(bytes.length).toBeLessThanOrEqual(65_535);
  });
});

test("RRsets are put together in the order of their first members", () => {
  const rrs = parseRRs("a.x. 1 A 192.0.2.1\na.x. 1 TXT t\nA.x. 1 A 192.0.2.2\nb.x. 1 A 192.0.2.3");
  expect([...setsOf(rrs)].map((set) => set.length)).toEqual([2, 1, 1]);
});
