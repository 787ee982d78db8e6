// Against other people's bytes: named, dig, kdig, nsupdate and avahi-daemon as
// captured in test/data/packets, and named-compilezone's text of the same zone.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Opcode, RRType } from "../../src/wire/codes.js";
import { decodeMessage, decodePartial, encodeMessage } from "../../src/wire/message.js";
import { formatName } from "../../src/wire/name.js";
import { rdataBytes } from "../../src/wire/rdata/text.js";
import { equalRRs, type RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { allCaptures, type Capture, capturesOf, toHex } from "./captures.js";

const named = capturesOf("bind-9.18.49.hex");
const updates = capturesOf("nsupdate-9.18.49.hex");
const avahi = capturesOf("avahi-0.8.hex");

const zone = readFileSync("test/data/packets/bind-types.zone", "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith(";"));

function capture(from: readonly Capture[], title: string): Uint8Array {
  const found = from.find((one) => one.title.endsWith(title));
  if (found === undefined) throw new Error(`no capture ${title}`);
  return found.bytes;
}

/** Types that named gives a text of their own and we print as plain bytes. */
const plainBytes: readonly number[] = [RRType.LOC, RRType.SSHFP, RRType.CAA, RRType.URI];

describe("named's whole zone", () => {
  // An AXFR repeats the SOA at its end.
  const rrs = decodeMessage(capture(named, "response: example.com. AXFR")).answers.slice(0, -1);

  /** named cuts long base64 and hex into words; owners and fields have single spaces. */
  const squeezed = (line: string): string => {
    const match = /^(\S+ \d+ IN (?:DNSKEY|RRSIG|DS) (?:\S+ ){3,8}?)([A-Za-z0-9+/= ]{20,})$/.exec(
      line,
    );
    return match === null ? line : `${match[1]}${match[2]?.replaceAll(" ", "")}`;
  };

  const pairs = zone.map((line) => {
    const parts = line.split(" ");
    const rr = rrs.find((one) => formatRR(one) === squeezed(line) || sameButUnprinted(one, parts));
    return { line, rr };
  });

  function sameButUnprinted(rr: RR, parts: readonly string[]): boolean {
    return plainBytes.includes(rr.type) && formatName(rr.name) === parts[0];
  }

  test("has every record once", () => {
    expect(rrs.length).toBe(zone.length);
    expect(new Set(rrs.map(formatRR)).size).toBe(rrs.length);
  });

  test.each(pairs)("$line", ({ line, rr }) => {
    // The text that we print is the one that named-compilezone prints …
    expect(rr, "no decoded record prints so").toBeDefined();
    if (rr === undefined || plainBytes.includes(rr.type)) return;
    // … and its text means the bytes that named sent.
    const parsed = parseRR(line);
    expect(toHex(rdataBytes(parsed.type, parsed.rdata))).toBe(toHex(rdataBytes(rr.type, rr.rdata)));
    expect(equalRRs(parsed, rr)).toBe(true);
    expect(parsed.ttlSeconds).toBe(rr.ttlSeconds);
  });
});

describe("encoding again", () => {
  // Of several places named points to another one, and misses a suffix now and then;
  // neither it nor nsupdate compresses the owner of a TSIG.
  const differently = [
    /: response: _ipp\._tcp\.EXAMPLE\.com\. PTR$/,
    /: response: (_ipp\._tcp|Dr\\\. Smith's Printer\._ipp\._tcp)\.example\.com\. (PTR|SRV|TXT)$/,
    /: response: \w+\.example\.com\. (RP|AFSDB|RT|NAPTR|KX|NSEC|RRSIG)$/,
    /: response: example\.com\. AXFR$/,
    /nsupdate.*(query|response) opcode 5/,
  ];

  const same = allCaptures().filter(({ title }) => !differently.some((one) => one.test(title)));

  test("most captures are left", () => {
    expect(same.length).toBeGreaterThan(90);
  });

  test.each(same)("gives the same bytes: $title", ({ title, bytes }) => {
    const compression = title.startsWith("avahi") ? "mdns" : "unicast";
    expect(toHex(encodeMessage(decodeMessage(bytes), { compression }))).toBe(toHex(bytes));
  });

  test.each(allCaptures())("gives no more bytes: $title", ({ title, bytes }) => {
    const compression = title.startsWith("avahi") ? "mdns" : "unicast";
    const again = encodeMessage(decodeMessage(bytes), { compression });
    expect(again.length).toBeLessThanOrEqual(bytes.length);
  });
});

describe("queries and answers", () => {
  test("dig +norec with a cookie", () => {
    const query = decodeMessage(capture(named, "query: example.com. SOA"));
    expect(query).toMatchObject({ isResponse: false, opcode: Opcode.QUERY, rd: false, ad: true });
    expect(query.questions.map((one) => [formatName(one.name), one.type, one.class])).toEqual([
      ["example.com.", RRType.SOA, 1],
    ]);
    expect(query.edns).toMatchObject({ udpSize: 1232, version: 0, dnssecOk: false });
    expect(query.edns?.options.map((option) => [option.code, option.bytes.length])).toEqual([
      [10, 8],
    ]);
    expect(query.additionals).toEqual([]);
  });

  test("[DP-69] a question in mixed case, echoed; owners and targets as they are", () => {
    const answer = decodeMessage(capture(named, "response: _ipp._tcp.EXAMPLE.com. PTR"));
    expect(answer.questions.map((one) => formatName(one.name))).toEqual(["_ipp._tcp.EXAMPLE.com."]);
    expect(answer).toMatchObject({ isResponse: true, aa: true, tc: false, ra: false, rcode: 0 });
    const again = decodeMessage(encodeMessage(answer));
    expect(again.answers.map(formatRR)).toEqual(answer.answers.map(formatRR));
    expect(again.answers.length).toBe(4);
  });

  test("BADVERS has its upper bits in the OPT", () => {
    const answers = named.filter((one) => one.title.endsWith("response: example.com. SOA"));
    const edns = answers.map((one) => decodeMessage(one.bytes).edns);
    expect(edns.map((one) => one?.extendedRcode)).toContain(1);
  });
});

describe("UPDATE", () => {
  test("every prerequisite and deletion that nsupdate knows", () => {
    const update = decodeMessage(capture(updates, "query opcode 5: example.com. SOA"));
    expect(update.opcode).toBe(Opcode.UPDATE);
    // RFC 2136 §2.4: prerequisites; §2.5: updates. As its words were typed, in its own order.
    expect(update.answers.map(formatRR)).toEqual([
      "new.example.com. 0 NONE ANY \\# 0",
      "host.example.com. 0 ANY A \\# 0",
      "host.example.com. 0 IN A 192.0.2.7",
      "host.example.com. 0 NONE TXT \\# 0",
      "host.example.com. 0 ANY ANY \\# 0",
    ]);
    expect(update.authorities.map(formatRR)).toEqual([
      "new.example.com. 120 IN A 192.0.2.99",
      "_ipp._tcp.example.com. 120 IN PTR Dr\\.\\032Who._ipp._tcp.example.com.",
      "host.example.com. 0 ANY AAAA \\# 0",
      "mx.example.com. 0 NONE MX 10 mail.example.com.",
      "rp.example.com. 0 ANY ANY \\# 0",
      "txt.example.com. 0 ANY TXT \\# 0",
      "naptr.example.com. 0 ANY SRV \\# 0",
    ]);
  });

  test("a TSIG's fields", () => {
    const signed = updates.map((one) => decodeMessage(one.bytes)).find((one) => one.additionals[0]);
    expect(signed?.additionals[0]).toMatchObject({
      type: RRType.TSIG,
      class: 255,
      rdata: { kind: "tsig", fudge: 300, error: 0, originalId: signed?.id },
    });
    const rdata = signed?.additionals[0]?.rdata;
    if (rdata?.kind !== "tsig") throw new Error("no TSIG");
    expect(formatName(rdata.algorithm)).toBe("hmac-sha256.");
    expect(rdata.mac.length).toBe(32);
    expect(rdata.other.length).toBe(0);
    // Seconds of the day of the capture, as tcpdump noted it.
    expect(Math.floor(rdata.timeSigned / 86_400)).toBe(20_778);
  });
});

describe("avahi-daemon", () => {
  const decoded = avahi.map((one) => decodePartial(one.bytes));

  test("is read without a fault", () => {
    expect(decoded.filter((one) => one.fault !== undefined)).toEqual([]);
  });

  test("[DP-147] compresses its SRV targets; they are resolved", () => {
    const targets = decoded
      .flatMap(({ message }) => message.answers)
      .flatMap((rr) => (rr.rdata.kind === "srv" ? [formatName(rr.rdata.target)] : []));
    expect(new Set(targets)).toEqual(new Set(["printer-7.local."]));
    const announcement = avahi.find((one) => one.title.includes("22 answers")) as Capture;
    // The SRV of "Büro Drucker": 8 bytes of rdata, the last two a pointer.
    expect(toHex(announcement.bytes)).toContain("0021800100000078000800000000" + "0277c087");
  });

  test("its names and its TXT come through byte for byte", () => {
    const lines = decoded.flatMap(({ message }) => message.answers).map(formatRR);
    const owner = "Dr\\.\\032Smith's\\032Printer._ipp._tcp.local.";
    expect(lines).toContain(`_ipp._tcp.local. 4500 IN PTR ${owner}`);
    expect(lines).toContain(`_printer._sub._ipp._tcp.local. 4500 IN PTR ${owner}`);
    // The cache-flush bit is part of the class here.
    expect(lines).toContain(
      `${owner} 4500 CLASS32769 TXT "txtvers=1" "note=2. OG, \\"Ost\\"" ` +
        '"adminurl=http://printer-7.local/" "bin=\\000\\255\\\\=\\000" "Color"',
    );
    expect(lines).toContain(
      "B\\195\\188ro\\032Drucker\\032\\226\\152\\149._ipp._tcp.local. 120 CLASS32769 SRV " +
        "0 0 631 printer-7.local.",
    );
    expect(lines).toContain("_http._tcp.local. 4500 IN PTR Back\\\\slash\\.dot._http._tcp.local.");
  });
});
