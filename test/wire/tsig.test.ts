// Signatures against the vectors of the specification, each of which was made
// and checked by two other programs, and against hand-made damage. Streams are
// signed here with node:crypto alone, step by step as RFC 8945 §5.3.1 says.

import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { below, seededRandom } from "../../src/random.js";
import { parseName } from "../../src/wire/name.js";
import {
  sign,
  type TsigAlgorithm,
  TsigError,
  type TsigKey,
  TsigStream,
  tsigAlgorithms,
  tsigBytes,
  unsignedMax,
  verify,
} from "../../src/wire/tsig.js";
import { hex, toHex } from "./captures.js";

const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
const key: TsigKey = { name: parseName("discd-link1.example"), algorithm: "hmac-sha256", secret };
const signedAt = 1767225600;

const message = hex(`
  123428000001000000010000056c696e6b3105646973636404746573740000060001
  077072696e746572056c696e6b3105646973636404746573740000010001000000780004c0000205`);
const requestMac = "ccb9e3eac880fafacc7264c09c79f35f9ab67ae76badc3268c8219578e9b1ec0";
const signed = hex(`
  123428000001000000010001056c696e6b3105646973636404746573740000060001
  077072696e746572056c696e6b3105646973636404746573740000010001000000780004c0000205
  0b64697363642d6c696e6b31076578616d706c650000fa00ff00000000003d0b686d61632d73686132353600
  00006955b900012c0020${requestMac}123400000000`);
const answer = hex("1234a8000001000000000000056c696e6b3105646973636404746573740000060001");
const answerMac = "549a96f5f82a9ed92f09a1c601701684471d5e684c479bafcb02bac03826d870";

/** A TSIG record from its fields; the names are the key's own, so that tests can break them. */
function record(fields: {
  name?: string;
  algorithm?: string;
  seconds?: number;
  mac?: string;
  id?: number;
  error?: number;
  other?: string;
  class?: string;
}): string {
  const u16 = (value: number) => value.toString(16).padStart(4, "0");
  const mac = fields.mac ?? "";
  const other = fields.other ?? "";
  const rdata =
    (fields.algorithm ?? "0b686d61632d73686132353600") +
    (fields.seconds ?? signedAt).toString(16).padStart(12, "0") +
    `012c${u16(mac.length / 2)}${mac}${u16(fields.id ?? 0x1234)}${u16(fields.error ?? 0)}` +
    `${u16(other.length / 2)}${other}`;
  const owner = fields.name ?? "0b64697363642d6c696e6b31076578616d706c6500";
  return `${owner}00fa${fields.class ?? "00ff"}00000000${u16(rdata.length / 2)}${rdata}`;
}

/** The answer with records behind it, its ARCOUNT set to how many there are. */
function answering(...records: readonly string[]): Uint8Array {
  const bytes = hex(toHex(answer) + records.join(""));
  bytes[11] = records.length;
  return bytes;
}

const signedAnswer = answering(record({ seconds: signedAt + 1, mac: answerMac }));

/** The digest of an answer, made without the product's code. */
function macOver(parts: readonly (string | Uint8Array)[], algorithm = "sha256"): string {
  const hmac = createHmac(algorithm, secret);
  for (const part of parts) hmac.update(typeof part === "string" ? hex(part) : part);
  return hmac.digest("hex");
}

const variables = (seconds: number, error = "0000", other = "") =>
  `0b64697363642d6c696e6b31076578616d706c650000ff000000000b686d61632d73686132353600` +
  `${seconds.toString(16).padStart(12, "0")}012c${error}` +
  `${(other.length / 2).toString(16).padStart(4, "0")}${other}`;

describe("signing", () => {
  test("the record is the last one, uncompressed, class ANY, TTL 0 [TSIG-1] [TSIG-2]", () => {
    const { bytes, mac } = sign(message, key, signedAt);
    expect(toHex(bytes)).toBe(toHex(signed));
    expect(toHex(mac)).toBe(requestMac);
    expect(bytes.length - message.length).toBe(tsigBytes(key));
  });

  test("the message is digested as sent, compression included [TSIG-5]", () => {
    const compressed = hex(`${toHex(message).slice(0, 68)}077072696e746572c00c
      00010001000000780004c0000205`);
    expect(compressed.length).toBe(58);
    expect(toHex(sign(compressed, key, signedAt).mac)).toBe(
      "0a589fed8bb41ac12c6663f9794e72b0141a1ce0646465eb2d758c23e51c6d70",
    );
  });

  test("capitals of the key's name do not count [TSIG-5]", () => {
    const shouted = { ...key, name: parseName("DISCD-Link1.Example.") };
    expect(toHex(sign(message, shouted, signedAt).mac)).toBe(requestMac);
    expect(verify(signedAnswer, shouted, signedAt, hex(requestMac)).kind).toBe("verified");
  });

  test.each([
    ["hmac-sha1", "10e1eebbfca311aa1175bd446d2f971c7a2db87e"],
    [
      "hmac-sha384",
      "242aa994451888db7de0a34862aeceb122291935f06b92eac43b54a47f24a710" +
        "d54c9dc9a9c3bf8cf20f2a18794ee272",
    ],
    [
      "hmac-sha512",
      "765d91f98084f0906c7ed53a75ebd9d924ef2adebb77891d2ea46e33ad1c5d90" +
        "7e797d055b535e6d06ea8603d3354aaeafa735f80bcd35f4a2030e279b106097",
    ],
  ] as const)("%s [TSIG-6]", (algorithm, mac) => {
    expect(toHex(sign(message, { ...key, algorithm }, signedAt).mac)).toBe(mac);
  });

  test("there is no HMAC-MD5 [TSIG-6]", () => {
    expect(tsigAlgorithms.filter((algorithm) => algorithm.includes("md5"))).toEqual([]);
    expect(tsigAlgorithms).toContain("hmac-sha224" satisfies TsigAlgorithm);
  });

  test("sent again, a message is signed with its new time [TSIG-8]", () => {
    const again = sign(message, key, signedAt + 3);
    expect(toHex(again.mac)).not.toBe(requestMac);
    expect(toHex(again.bytes)).toContain(`00006955b903012c`);
  });
});

describe("verifying an answer", () => {
  test("its digest begins with the request's MAC and its length [TSIG-3]", () => {
    expect(verify(signedAnswer, key, signedAt, hex(requestMac))).toMatchObject({
      kind: "verified",
      error: 0,
      timeSigned: signedAt + 1,
    });
    const other = hex(requestMac.replace("cc", "cd"));
    expect(verify(signedAnswer, key, signedAt, other)).toEqual({ kind: "failed", error: 16 });
    expect(verify(signedAnswer, key, signedAt)).toEqual({ kind: "failed", error: 16 });
  });

  test("ours as well as theirs", () => {
    const ours = sign(answer, key, signedAt + 1, hex(requestMac));
    expect(toHex(ours.bytes)).toBe(toHex(signedAnswer));
  });

  test("under another ID, with the original one in the record [TSIG-4]", () => {
    const forwarded = signedAnswer.slice();
    forwarded.set([0xbe, 0xef]);
    expect(verify(forwarded, key, signedAt, hex(requestMac)).kind).toBe("verified");
  });

  test("in a part of a larger Buffer, which is left as it is", () => {
    const buffer = Buffer.concat([Buffer.from("before"), signedAnswer, Buffer.from("after")]);
    const part = buffer.subarray(6, 6 + signedAnswer.length);
    expect(verify(part, key, signedAt, hex(requestMac)).kind).toBe("verified");
    expect(toHex(part)).toBe(toHex(signedAnswer));
    expect(buffer.subarray(0, 6).toString()).toBe("before");
  });

  test("every changed byte is noticed [TSIG-14]", () => {
    for (let at = 2; at < signedAnswer.length; at++) {
      const damaged = signedAnswer.slice();
      damaged[at] = (damaged[at] as number) ^ 0x01;
      expect(verify(damaged, key, signedAt, hex(requestMac)).kind, `byte ${at}`).not.toBe(
        "verified",
      );
    }
  });

  test("key, MAC and time are judged in this order [TSIG-9]", () => {
    const late = signedAt + 302;
    const mac = answerMac.replace("54", "55");
    const judged = (fields: Parameters<typeof record>[0], seconds: number) =>
      verify(answering(record(fields)), key, seconds, hex(requestMac));
    const unknown = "0b64697363642d6c696e6b32076578616d706c6500";
    const seconds = signedAt + 1;
    expect(judged({ name: unknown, mac, seconds }, late)).toEqual({ kind: "failed", error: 17 });
    const sha1 = "09686d61632d7368613100";
    expect(judged({ algorithm: sha1, mac, seconds }, late)).toEqual({ kind: "failed", error: 17 });
    expect(judged({ mac, seconds }, late)).toEqual({ kind: "failed", error: 16 });
    const outOfTime = { kind: "failed", error: TsigError.BADTIME };
    expect(judged({ mac: answerMac, seconds }, late)).toEqual(outOfTime);
    expect(judged({ mac: answerMac, seconds }, signedAt - 300)).toEqual(outOfTime);
    expect(judged({ mac: answerMac, seconds }, late - 1).kind).toBe("verified");
  });

  test("a shortened MAC is refused, or malformed below half [TSIG-12]", () => {
    const cut = (bytes: number) =>
      verify(
        answering(record({ seconds: signedAt + 1, mac: answerMac.slice(0, bytes * 2) })),
        key,
        signedAt,
        hex(requestMac),
      );
    expect(cut(16)).toEqual({ kind: "failed", error: TsigError.BADTRUNC });
    expect(cut(15).kind).toBe("malformed");
    const long = answering(record({ seconds: signedAt + 1, mac: `${answerMac}00` }));
    expect(verify(long, key, signedAt, hex(requestMac)).kind).toBe("malformed");
  });

  test("BADKEY and BADSIG come without proof [TSIG-9]", () => {
    for (const error of [TsigError.BADKEY, TsigError.BADSIG]) {
      const refusal = answering(record({ error }));
      expect(verify(refusal, key, signedAt, hex(requestMac))).toEqual({ kind: "refused", error });
    }
    const without = answering(record({ error: 0 }));
    expect(verify(without, key, signedAt, hex(requestMac)).kind).toBe("malformed");
  });

  test("BADTIME is signed, and tells the peer's clock [TSIG-10]", () => {
    const other = "00006955baf4";
    const notAuth = toHex(answer).replace("a800", "a809");
    const mac = macOver([`0020${requestMac}`, notAuth, variables(signedAt, "0012", other)]);
    const bytes = hex(notAuth + record({ mac, error: 18, other }));
    bytes[11] = 1;
    expect(verify(bytes, key, signedAt, hex(requestMac))).toMatchObject({
      kind: "verified",
      error: TsigError.BADTIME,
      peerSeconds: 1767226100,
    });
  });

  test("no TSIG, two, one out of place, or bytes behind it [TSIG-1] [TSIG-11]", () => {
    const whole = record({ seconds: signedAt + 1, mac: answerMac });
    const a = "00000100010000000000040a000001";
    const kindOf = (bytes: Uint8Array) => verify(bytes, key, signedAt, hex(requestMac)).kind;
    expect(kindOf(answer)).toBe("unsigned");
    expect(kindOf(answering(whole, whole))).toBe("malformed");
    expect(kindOf(answering(whole, a))).toBe("malformed");
    expect(kindOf(hex(`${toHex(signedAnswer)}00`))).toBe("malformed");
    expect(kindOf(answering(record({ class: "0001", mac: answerMac })))).toBe("malformed");
    const inAuthority = signedAnswer.slice();
    inAuthority[9] = 1;
    inAuthority[11] = 0;
    expect(kindOf(inAuthority)).toBe("malformed");
    for (let end = 0; end < signedAnswer.length; end++) {
      expect(["malformed", "failed"]).toContain(kindOf(signedAnswer.slice(0, end)));
    }
  });
});

test("whatever comes is judged, and never thrown at the caller", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 3000; round++) {
    const bytes = signedAnswer.slice(0, 12 + below(random, signedAnswer.length - 11));
    for (let changes = below(random, 6); changes > 0; changes--) {
      bytes[below(random, bytes.length)] = below(random, 256);
    }
    const verdict = verify(bytes, key, signedAt, hex(requestMac));
    if (toHex(bytes.slice(2)) !== toHex(signedAnswer.slice(2))) {
      expect(verdict.kind).not.toBe("verified");
    }
    new TsigStream(key, hex(requestMac)).take(bytes, signedAt);
  }
});

describe("a stream of answers [TSIG-13]", () => {
  const time = (seconds: number) => `${seconds.toString(16).padStart(12, "0")}012c`;
  const between = hex("123484070000000000000000");
  const first = hex("123484000000000000000000");
  const second = hex("123484800000000000000000");

  function withTsig(message: Uint8Array, mac: string, seconds = signedAt): Uint8Array {
    const bytes = hex(toHex(message) + record({ mac, seconds }));
    bytes[11] = 1;
    return bytes;
  }

  const mac1 = macOver([`0020${requestMac}`, first, variables(signedAt)]);

  test("later messages digest the last MAC and the timers alone", () => {
    const stream = new TsigStream(key, hex(requestMac));
    expect(stream.take(withTsig(first, mac1), signedAt).kind).toBe("verified");
    const mac2 = macOver([`0020${mac1}`, second, time(signedAt + 2)]);
    expect(stream.take(withTsig(second, mac2, signedAt + 2), signedAt).kind).toBe("verified");
    expect(stream.isVouched).toBe(true);
  });

  test("the next signature vouches for unsigned ones before it", () => {
    const stream = new TsigStream(key, hex(requestMac));
    stream.take(withTsig(first, mac1), signedAt);
    expect(stream.take(between, signedAt).kind).toBe("unsigned");
    expect(stream.isVouched).toBe(false);
    const mac2 = macOver([`0020${mac1}`, between, second, time(signedAt)]);
    expect(stream.take(withTsig(second, mac2), signedAt).kind).toBe("verified");
    expect(stream.isVouched).toBe(true);
  });

  test("a message left out is noticed at the next signature", () => {
    const stream = new TsigStream(key, hex(requestMac));
    stream.take(withTsig(first, mac1), signedAt);
    const mac2 = macOver([`0020${mac1}`, between, second, time(signedAt)]);
    expect(stream.take(withTsig(second, mac2), signedAt)).toEqual({ kind: "failed", error: 16 });
  });

  test("the first has to be signed; 99 between may be unsigned, 100 not", () => {
    const stream = new TsigStream(key, hex(requestMac));
    expect(stream.take(first, signedAt).kind).toBe("unsigned");
    expect(stream.isVouched).toBe(false);
    stream.take(withTsig(first, mac1), signedAt);
    for (let count = 0; count < unsignedMax; count++) {
      expect(stream.take(second, signedAt).kind).toBe("unsigned");
    }
    expect(stream.take(second, signedAt).kind).toBe("malformed");
  });
});
