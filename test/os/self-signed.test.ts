// The certificate of our own making: its bytes against the examples of X.690, its
// structure by a reader that shares no code with the writer, and OpenSSL's view of
// it through Node.

import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { describe, expect, test } from "vitest";
import * as der from "../../src/os/der.js";
import { isWorn, makeSelfSigned, namesMax } from "../../src/os/self-signed.js";
import { day, noon } from "./authority.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

// Those with a clause are the standard's own examples.
const written: readonly (readonly [string, Uint8Array, string])[] = [
  ["true (8.2.2, 11.1)", der.boolean(true), "0101ff"],
  ["false", der.boolean(false), "010100"],
  ["an object id (8.20.5)", der.objectId("2.999.3"), "0603883703"],
  ["rsadsi, as certificates have it", der.objectId("1.2.840.113549"), "06062a864886f70d"],
  ["a bit string (8.6.4.2)", der.bitString(bytes("0a3b5f291cd0"), 4), "0307040a3b5f291cd0"],
  ["zero", der.integer(bytes("0000")), "020100"],
  ["127", der.integer(bytes("7f")), "02017f"],
  ["128 is not negative", der.integer(bytes("80")), "02020080"],
  ["the fewest bytes", der.integer(bytes("00000100")), "02020100"],
  ["text", der.utf8String("Jones"), "0c054a6f6e6573"],
  ["the last second of two digits", der.time(Date.UTC(2049, 11, 31, 23, 59, 59)), utc("49")],
  ["the first second of four", der.time(Date.UTC(2050, 0, 1)), generalized("20500101000000Z")],
];

function utc(year: string): string {
  return `170d${hex(Buffer.from(`${year}1231235959Z`))}`;
}

function generalized(text: string): string {
  return `180f${hex(Buffer.from(text))}`;
}

test.each(written)("DER of %s", (_, got, want) => {
  expect(hex(got)).toBe(want);
});

test("lengths: one byte below 128, then as few as will do (8.1.3)", () => {
  const head = (length: number) => hex(der.octetString(new Uint8Array(length)).subarray(0, 5));
  expect(head(127)).toMatch(/^047f00/);
  expect(head(128)).toMatch(/^048180/);
  expect(head(201)).toMatch(/^0481c9/);
  expect(head(256)).toMatch(/^04820100/);
  expect(head(65_536)).toMatch(/^0483010000/);
});

interface Node {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly inside: readonly Node[];
}

/** A reader of DER: it fails where lengths do not fit or are longer than they need be. */
function read(from: Uint8Array): Node[] {
  const found: Node[] = [];
  for (let at = 0; at < from.length; ) {
    const tag = from[at++]!;
    let length = from[at++]!;
    if (length > 0x80) {
      const count = length - 0x80;
      length = 0;
      for (let byte = 0; byte < count; byte += 1) length = length * 256 + from[at++]!;
      expect(length).toBeGreaterThanOrEqual(count === 1 ? 128 : 256 ** (count - 1));
    }
    const content = from.subarray(at, at + length);
    expect(content.length).toBe(length);
    at += length;
    found.push({ tag, content, inside: (tag & 0x20) === 0 ? [] : read(content) });
  }
  return found;
}

const tagsOf = (nodes: readonly Node[]) => nodes.map(({ tag }) => tag);

describe("a self-signed certificate", () => {
  const names = ["px.example.com", "floor_1.example.com", "bldg-1.example.com"];
  const made = makeSelfSigned(names, noon);
  const { credentials, fingerprint } = made;
  const x509 = new X509Certificate(credentials.cert);

  test("has the fields of RFC 5280 §4.1 and nothing besides", () => {
    const [whole, ...rest] = read(x509.raw);
    expect(rest).toEqual([]);
    const [body, algorithm, signature] = whole!.inside;
    expect(tagsOf(whole!.inside)).toEqual([0x30, 0x30, 0x03]);
    const [version, serial, inner, issuer, times, subject, key, extensions] = body!.inside;
    expect(tagsOf(body!.inside)).toEqual([0xa0, 0x02, 0x30, 0x30, 0x30, 0x30, 0x30, 0xa3]);
    expect(hex(version!.content)).toBe("020102");
    expect(serial!.content.length).toBe(16);
    expect(serial!.content[0]! & 0x80).toBe(0);
    expect(inner!.content).toEqual(algorithm!.content);
    expect(hex(inner!.content)).toBe("06082a8648ce3d040302");
    expect(issuer!.content).toEqual(subject!.content);
    expect(hex(subject!.content)).toBe(`3117301506035504030c0e${hex(Buffer.from(names[0]!))}`);
    expect(times!.inside.map(({ content }) => Buffer.from(content).toString())).toEqual([
      "260614120000Z",
      "270716120000Z",
    ]);
    const spki = createPublicKey(credentials.key).export({ type: "spki", format: "der" });
    expect(hex(spki)).toContain(hex(key!.content));
    expect(signature!.content[0]).toBe(0);
    const list = extensions!.inside[0]!.inside.map(({ inside }) => {
      const value = inside.at(-1)!;
      return [hex(inside[0]!.content), inside.length === 3, hex(value.content)];
    });
    expect(list).toEqual([
      ["551d13", true, "3000"],
      ["551d0f", true, "03020780"],
      ["551d25", false, "300a06082b06010505070301"],
      ["551d11", false, expect.stringContaining(hex(Buffer.from("floor_1.example.com")))],
    ]);
  });

  test("[TLS-05] [TLS-06] names the host and its zones as dNSName", () => {
    expect(x509.subjectAltName).toBe(names.map((name) => `DNS:${name}`).join(", "));
    for (const name of names) expect(x509.checkHost(name, { subject: "never" })).toBe(name);
    expect(x509.checkHost("other.example.com", { subject: "never" })).toBeUndefined();
    expect(credentials.names).toEqual(names);
  });

  test("is signed with its own key and fit for a listener", () => {
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(x509.checkPrivateKey(createPrivateKey(credentials.key))).toBe(true);
    expect(x509.ca).toBe(false);
    expect(x509.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(fingerprint).toBe(x509.fingerprint256);
    createSecureContext({ cert: credentials.cert, key: credentials.key });
  });

  test("is valid from a day ago for 397 days, and remade before it ends", () => {
    expect(Date.parse(x509.validFrom)).toBe(noon - day);
    expect(Date.parse(x509.validTo)).toBe(noon + 396 * day);
    expect(isWorn(made, noon)).toBe(false);
    expect(isWorn(made, noon + 366 * day - 1)).toBe(false);
    expect(isWorn(made, noon + 366 * day)).toBe(true);
    // The clock was wrong when it was made.
    expect(isWorn(made, noon - 2 * day)).toBe(true);
  });

  test("no two have a serial number or a key in common", () => {
    const other = new X509Certificate(makeSelfSigned(names, noon).credentials.cert);
    expect(other.serialNumber).not.toBe(x509.serialNumber);
    expect(other.fingerprint256).not.toBe(x509.fingerprint256);
  });

  test("a long first name leaves the subject to the program's, many names are cut off", () => {
    const long = `${"a".repeat(60)}.example.com`;
    const many = [long, ...Array.from({ length: 300 }, (_, at) => `vlan${at}.example.com`)];
    const { credentials: big } = makeSelfSigned(many, noon);
    const certificate = new X509Certificate(big.cert);
    expect(certificate.subject).toBe("CN=discd");
    expect(certificate.checkHost(long, { subject: "never" })).toBe(long);
    expect(certificate.subjectAltName?.split(", ")).toHaveLength(namesMax);
    expect(big.names).toHaveLength(namesMax);
  });
});
