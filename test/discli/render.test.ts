// Text and JSON of what was found; both hold bytes that strangers chose.

import { describe, expect, test } from "vitest";
import { enumerationPrefixes, type Instance } from "../../src/discli/questions.js";
import {
  asJson,
  renderBrowse,
  renderDomains,
  renderInstance,
  renderMessage,
  textOf,
} from "../../src/discli/render.js";
import { Rcode } from "../../src/wire/codes.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR, parseRRs } from "../../src/wire/text.js";

const plain = { escaped: false, json: false };
const escaped = { escaped: true, json: false };
const json = { escaped: false, json: true };

test.each([
  ["key=value", "key=value"],
  ["note=二階", "note=二階"],
  ["a\u001b[2Jb", "a\\x1b[2Jb"],
  // U+009B is CSI in one character; U+202E turns the line around.
  ["\u009b2J\u202e", "\\xc2\\x9b2J\\xe2\\x80\\xae"],
  ["a\nb\r", "a\\x0ab\\x0d"],
])("a TXT string %j", (text, want) => expect(textOf(Buffer.from(text))).toBe(want));

test("a TXT string that is not UTF-8", () => {
  expect(textOf(Uint8Array.of(0x61, 0xff, 0x00, 0x7e))).toBe("a\\xff\\x00~");
});

test.each([
  ["000100000000000069 55b900", "A 0 0 20260101000000"],
  [
    "000c01010000 00006955b900 69d67bcb98e8809702b9dfca6b865558",
    "PTR 1 1 20260101000000 ( 69D67BCB98E8809702B9DFCA6B865558 )",
  ],
])("what a lifetime means is said beside it [TO-10]", (digits, text) => {
  const bytes = Buffer.from(digits.replaceAll(" ", ""), "hex");
  const rr = parseRR(`h.floor1.example TYPE65280 \\# ${bytes.length} ${bytes.toString("hex")}`);
  const message = decodeMessage(encodeMessage({ isResponse: true, answers: [rr] }));
  expect(renderMessage(message, plain)).toContain(`  ; ${text}\n`);
  // Zone files have no word for it.
  expect(renderMessage(message, escaped)).not.toContain("  ; ");
});

test("what is no TIMEOUT is left as it is", () => {
  const rr = parseRR("h.floor1.example TYPE65280 \\# 3 000100");
  const message = decodeMessage(encodeMessage({ isResponse: true, answers: [rr] }));
  expect(renderMessage(message, plain)).not.toContain("  ; ");
});

test("JSON is escaped where a terminal would obey", () => {
  const text = asJson({ a: "\u001b\u009b\u202e☕" });
  expect(text).toBe('{\n  "a": "\\u001b\\u009b\\u202e☕"\n}\n');
  expect(JSON.parse(text)).toEqual({ a: "\u001b\u009b\u202e☕" });
});

const message = decodeMessage(
  encodeMessage({
    isResponse: true,
    aa: true,
    rcode: Rcode.NOERROR,
    answers: parseRRs("_ipp._tcp.a.example. 10 PTR Dr\\.\\032Who._ipp._tcp.a.example."),
    additionals: parseRRs(
      'Dr\\.\\032Who._ipp._tcp.a.example. 10 SRV 0 5 631 h.a.example.\nDr\\.\\032Who._ipp._tcp.a.example. 10 TXT "note=x" ""\nh.a.example. 10 A 192.0.2.1',
    ),
  }),
);

describe("query", () => {
  test("for people", () => {
    expect(renderMessage(message, plain)).toBe(
      [
        "; NOERROR, authoritative",
        "; answer",
        "_ipp._tcp.a.example  10  PTR  Dr\\. Who._ipp._tcp.a.example",
        "; additional",
        "Dr\\. Who._ipp._tcp.a.example  10  SRV  0 5 631 h.a.example",
        'Dr\\. Who._ipp._tcp.a.example  10  TXT  "note=x" ""',
        "h.a.example  10  A  192.0.2.1",
        "",
      ].join("\n"),
    );
  });

  test("as zone files have it", () => {
    expect(renderMessage(message, escaped)).toContain(
      "\n_ipp._tcp.a.example. 10 IN PTR Dr\\.\\032Who._ipp._tcp.a.example.\n",
    );
  });

  test("as JSON", () => {
    expect(JSON.parse(renderMessage(message, json))).toEqual({
      rcode: "NOERROR",
      authoritative: true,
      answer: ["_ipp._tcp.a.example. 10 IN PTR Dr\\.\\032Who._ipp._tcp.a.example."],
      authority: [],
      additional: [
        "Dr\\.\\032Who._ipp._tcp.a.example. 10 IN SRV 0 5 631 h.a.example.",
        'Dr\\.\\032Who._ipp._tcp.a.example. 10 IN TXT "note=x" ""',
        "h.a.example. 10 IN A 192.0.2.1",
      ],
    });
  });
});

describe("browse", () => {
  const names = ["Dr\\. Who._ipp._tcp.a.example", "_ipp._tcp.a.example", "odd.example"];
  const found = names.map(parseName);

  test("for people, for zone files", () => {
    expect(renderBrowse(found, plain)).toBe(`${names.join("\n")}\n`);
    expect(renderBrowse(found, escaped).split("\n")[0]).toBe("Dr\\.\\032Who._ipp._tcp.a.example.");
    expect(renderBrowse([], plain)).toBe("");
  });

  test("as JSON", () => {
    const domain = "a.example";
    const type = "_ipp._tcp";
    expect(JSON.parse(renderBrowse(found, json))).toEqual([
      { name: names[0], instance: "Dr. Who", type, domain },
      { name: names[1], type, domain },
      { name: names[2] },
    ]);
    expect(JSON.parse(renderBrowse([], json))).toEqual([]);
  });
});

describe("resolve", () => {
  const instance: Instance = {
    name: parseName("Dr\\. Who._ipp._tcp.a.example"),
    places: [
      {
        srv: parseRR("Dr\\.\\032Who._ipp._tcp.a.example. 10 SRV 0 0 631 h.a.example."),
        host: parseName("h.a.example"),
        port: 631,
        addresses: parseRRs("h.a.example. 10 A 192.0.2.1\nh.a.example. 10 AAAA 2001:db8::1"),
      },
    ],
    texts: parseRRs('Dr\\.\\032Who._ipp._tcp.a.example. 10 TXT "rp=ipp/print" "note=2nd floor"'),
  };

  test("for people", () => {
    expect(renderInstance(instance, plain)).toBe(
      [
        "Dr\\. Who._ipp._tcp.a.example",
        "  at h.a.example port 631",
        "  A 192.0.2.1",
        "  AAAA 2001:db8::1",
        "  txt rp=ipp/print",
        "  txt note=2nd floor",
        "",
      ].join("\n"),
    );
  });

  test("an empty TXT record is nothing to show", () => {
    const bare = { ...instance, texts: parseRRs('x. 10 TXT ""') };
    expect(renderInstance(bare, plain)).not.toContain("txt");
  });

  test("as JSON", () => {
    expect(JSON.parse(renderInstance(instance, json))).toMatchObject({
      name: "Dr\\. Who._ipp._tcp.a.example",
      places: [{ host: "h.a.example", port: 631, addresses: ["192.0.2.1", "2001:db8::1"] }],
      txt: ["rp=ipp/print", "note=2nd floor"],
    });
    expect(JSON.parse(renderInstance(instance, json)).records).toHaveLength(4);
  });
});

describe("domains", () => {
  const of = (domain: string, floors: readonly string[]) => ({
    domain: parseName(domain),
    lists: enumerationPrefixes.map((prefix) => ({
      prefix,
      names: prefix === "lb" || prefix === "b" ? floors.map(parseName) : [],
    })),
  });

  test("for people; more than one domain is told apart", () => {
    const one = of("example.com", ["Floor 1.example.com"]);
    const lines = [
      "b  browse               Floor 1.example.com",
      "lb browse unasked       Floor 1.example.com",
    ];
    expect(renderDomains([one], plain)).toBe(`${lines.join("\n")}\n`);
    expect(renderDomains([one, of("example.net", [])], plain)).toBe(
      `; example.com\n${lines.join("\n")}\n; example.net\n`,
    );
  });

  test("as JSON: one text however many domains", () => {
    const two = [of("example.com", ["floor1.example.com"]), of("example.net", [])];
    const none = { b: [], lb: [], db: [], r: [], dr: [] };
    expect(JSON.parse(renderDomains(two, json))).toEqual([
      { ...none, domain: "example.com", b: ["floor1.example.com"], lb: ["floor1.example.com"] },
      { ...none, domain: "example.net" },
    ]);
  });
});
