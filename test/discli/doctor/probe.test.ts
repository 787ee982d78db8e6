// Hostile and broken servers on loopback: what is no answer is no answer, and what
// an answer says does no harm.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { probe, tryConnection, type Wish } from "../../../src/discli/doctor/probe.js";
import { isZoneAnswer, replyOf, replyText } from "../../../src/discli/doctor/reply.js";
import { EdnsOption, RRClass, RRType } from "../../../src/wire/codes.js";
import { encodeFrame } from "../../../src/wire/frame.js";
import { decodeMessage, encodeMessage, type Message } from "../../../src/wire/message.js";
import { labelText, nameOf, parseName } from "../../../src/wire/name.js";

const zone = parseName("floor1.example.com");
const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

/** A UDP server; the answers to each query, in their order. */
function udp(answer: (query: Message) => Uint8Array[]): Promise<number> {
  const socket = createSocket("udp4");
  endings.push(() => socket.close());
  socket.on("message", (bytes, from) => {
    for (const one of answer(decodeMessage(bytes))) socket.send(one, from.port, from.address);
  });
  return new Promise((resolve) => {
    socket.bind(0, "127.0.0.1", () => resolve(socket.address().port));
  });
}

const ask = (port: number, more: Partial<Wish> = {}) =>
  probe({
    server: { address: "127.0.0.1", port },
    name: zone,
    type: RRType.SOA,
    patience: 400,
    ...more,
  });

const soa = (query: Message, more: Partial<Message> = {}): Uint8Array =>
  encodeMessage({
    id: query.id,
    isResponse: true,
    aa: true,
    questions: query.questions,
    answers: [
      {
        name: zone,
        type: RRType.SOA,
        class: RRClass.IN,
        ttlSeconds: 1,
        rdata: {
          ...{ kind: "soa", mname: parseName("px.example.com"), rname: parseName("h.example.com") },
          ...{ serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
        },
      },
    ],
    ...more,
  });

test("an answer to another question, under another ID, or no message at all is none", async () => {
  const port = await udp((query) => [
    new Uint8Array(3),
    new Uint8Array(600).fill(0xc0),
    soa({ ...query, id: query.id ^ 1 }),
    soa({ ...query, questions: [{ name: parseName("x.example"), type: 6, class: 1 }] }),
    encodeMessage({ id: query.id, isResponse: true, questions: [] }),
    soa(query, { isResponse: false }),
  ]);
  expect((await ask(port)).kind).toBe("silent");
});

test("the first right answer counts, and how often was asked", async () => {
  let asked = 0;
  const port = await udp((query) => {
    asked += 1;
    return asked < 3 ? [] : [soa(query)];
  });
  const reply = replyOf(await ask(port, { resend: 50 }));
  expect(reply).toMatchObject({
    kind: "answer",
    rcode: "NOERROR",
    sent: 3,
    primary: "px.example.com",
  });
  expect(isZoneAnswer(reply, "FLOOR1.example.com")).toBe(true);
  expect(isZoneAnswer(reply, "example.com")).toBe(false);
});

test("a padded query has the size that was wished for; cookies and NSID are asked for", async () => {
  const sizes: number[] = [];
  const codes: number[][] = [];
  const socket = createSocket("udp4");
  endings.push(() => socket.close());
  socket.on("message", (bytes) => {
    sizes.push(bytes.length);
    codes.push((decodeMessage(bytes).edns?.options ?? []).map(({ code }) => code));
  });
  const port = await new Promise<number>((resolve) => {
    socket.bind(0, "127.0.0.1", () => resolve(socket.address().port));
  });
  const once = { resend: 10_000 };
  await ask(port, { ...once, queryBytes: 1232 });
  await ask(port, { ...once, isCurious: true });
  expect(sizes[0]).toBe(1232);
  expect(codes).toEqual([[EdnsOption.PADDING], [EdnsOption.NSID, EdnsOption.COOKIE]]);
});

test("A8.22 the time of a server's cookie (RFC 9018), and none of other cookies", async () => {
  const cookieOf = (query: Message, half: Uint8Array) => {
    const own = query.edns?.options.find(({ code }) => code === EdnsOption.COOKIE)?.bytes;
    return { code: EdnsOption.COOKIE, bytes: Buffer.concat([own ?? Buffer.alloc(8), half]) };
  };
  const edns = { udpSize: 1232, version: 0, extendedRcode: 0, dnssecOk: false };
  const half = Buffer.from("01000000" + "65920080" + "0011223344556677", "hex");
  const port = await udp((query) => [
    soa(query, { edns: { ...edns, options: [cookieOf(query, half)] } }),
  ]);
  expect(replyOf(await ask(port, { isCurious: true }))).toMatchObject({ clock: 0x65920080 });
  const other = await udp((query) => [
    soa(query, { edns: { ...edns, options: [cookieOf(query, Buffer.alloc(16))] } }),
  ]);
  expect(replyOf(await ask(other, { isCurious: true }))).not.toHaveProperty("clock");
});

test("names and NSIDs that a terminal would obey are spelt out before they are shown", async () => {
  const evil = nameOf([labelText("\u001b[2J\u0007"), "example"]);
  const port = await udp((query) => [
    soa(query, {
      answers: [
        {
          name: zone,
          type: RRType.PTR,
          class: 1,
          ttlSeconds: 1,
          rdata: { kind: "ptr", target: evil },
        },
      ],
    }),
  ]);
  const reply = replyOf(await ask(port, { type: RRType.PTR }), RRType.PTR);
  expect(replyText(reply, true)).not.toMatch(/[\u0000-\u001f]/);
});

test("a closed port, and a server that closes or stalls", async () => {
  const closed = await ask(1);
  expect(closed).toMatchObject({ kind: "failed", code: "ECONNREFUSED" });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      // The first half of an answer, then nothing.
      const frame = encodeFrame(soa(decodeMessage(bytes.subarray(2))));
      socket.write(frame.subarray(0, 10));
    });
  });
  endings.push(() => server.close());
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  expect((await ask(port, { transport: "tcp" })).kind).toBe("silent");
  expect(await tryConnection({ address: "127.0.0.1", port }, 400)).toBe("open");
  expect(await tryConnection({ address: "127.0.0.1", port: 1 }, 400)).toBe("refused");
});
