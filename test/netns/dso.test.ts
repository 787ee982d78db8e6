// Sessions on the real thing (RFC 8490), over TLS and TCP: each line of the
// tables of receive decisions, with the bytes of the specification's examples.
// A reset is a TCP reset, as the client's kernel tells it.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { ExampleId } from "../dso/examples.js";
import { needs } from "./needs.js";
import * as packet from "./packet.js";
import { nameBytes, opt, rec } from "./packet.js";
import {
  dso,
  E,
  framed,
  hex,
  keepalive,
  readDso,
  subscribe,
  tlv,
  tlvTypes,
  u16,
  u32,
  unsubscribe,
} from "./session-bytes.js";
import { sessionStage, Z, Z2 } from "./session-stage.js";
import type { PeerOptions, WirePeer } from "./wire-peer.js";

const it = needs("tcpdump");
const s = sessionStage(`
certificate = 'self-signed'
interfaces = {
  { name = 'net1', subdomain = 'lab.example.com' },
  { name = 'net2', subdomain = 'floor2.example.com', allow = { '!10.9.0.3', 'any' } },
  { name = 'uplink', disable = true },
}
`);

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const hexOf = (id: ExampleId): string => text(E(id));

/** A peer with a session. */
async function session(options: PeerOptions = {}): Promise<WirePeer> {
  const peer = await s.peer(options);
  expect(await peer.exchange(E("E01"))).toBe(hexOf("E02"));
  return peer;
}

/** Sends bytes and expects a reset and not one byte more. */
async function isReset(what: string, peer: WirePeer, bytes: Uint8Array): Promise<void> {
  peer.untaken();
  peer.write(bytes);
  const { how } = await peer.over().catch((error) => {
    throw new Error(`${what}: ${error}`);
  });
  expect([what, how, peer.untaken()]).toEqual([what, "reset", []]);
}

/** The session is alive: a Keepalive is answered, and nothing came before that. */
async function isAlive(what: string, peer: WirePeer): Promise<void> {
  expect([what, await peer.exchange(E("E01"))]).toEqual([what, hexOf("E02")]);
}

const retryDelay = tlv(tlvTypes.retryDelay, u32(60_000));
const padding = tlv(tlvTypes.padding, Buffer.alloc(8));
const someName = nameBytes(`_ipp._tcp.${Z}`);
const someRecord = Buffer.concat([someName, hex("000c0001"), nameBytes(`x.${Z}`)]);

it("[DSO-26] [DSO-09] [DSO-13] [DSO-17] [DSO-20] [DSO-40] [PUSH-17] before a session: resets", async () => {
  const cases: Record<string, Uint8Array> = {
    "a length of 5": hex("00050102030405"),
    "a length of 0": hex("0000"),
    "a length of 11": hex("000b 0102300000000000000000"),
    "a response without ID": hex("000c 0000b0000000000000000000"),
    "a response with an ID": E("E21"),
    "an UNSUBSCRIBE": E("E28"),
    "a RECONFIRM": E("E29"),
    "an unknown one-way message": E("E11"),
    "a Keepalive without ID": E("E12"),
    "a SUBSCRIBE without ID": framed(dso(0, [readDso(E("E20").subarray(2)).tlvs[0]!.bytes])),
    "a Retry Delay without ID": E("E04"),
    "a Retry Delay with an ID": framed(dso(7, [retryDelay])),
    "a PUSH": E("E23"),
    "a PUSH with an ID": framed(dso(7, [tlv(tlvTypes.push, someRecord)])),
    "an UNSUBSCRIBE with an ID": framed(dso(1, [tlv(tlvTypes.unsubscribe, u16(0x102))])),
    "a RECONFIRM with an ID": framed(dso(1, [tlv(tlvTypes.reconfirm, someRecord)])),
  };
  await Promise.all(
    Object.entries(cases).map(async ([what, bytes]) => isReset(what, await s.peer(), bytes)),
  );
});

it("[DSO-11] [DSO-12] [DSO-13] [DSO-20] [DSO-21] [DSO-40] [EDNS-10] [PUSH-17] on a session: resets", async () => {
  const counting = E("E28");
  counting.writeUInt16BE(1, 2 + 4);
  const cases: Record<string, Uint8Array> = {
    "a length of 11": hex("000b 0102300000000000000000"),
    "an ordinary query with a keepalive option": E("E64"),
    "a response without ID": hex("000c 0000b0000000000000000000"),
    "a response with an ID": E("E21"),
    "an UNSUBSCRIBE as a response": framed(dso(0, [tlv(tlvTypes.unsubscribe, u16(1))], 0xb000)),
    "a RECONFIRM as a response": framed(dso(9, [tlv(tlvTypes.reconfirm, someRecord)], 0xb000)),
    "a one-way message with a count": counting,
    "a one-way message without TLV": framed(dso(0, [])),
    "a one-way message whose TLV overruns": framed(dso(0, [hex("00420003 0102")])),
    "a one-way message with a stray byte": framed(dso(0, [hex("00420002 0102 00")])),
    "a Keepalive without ID": E("E12"),
    "a Retry Delay": E("E04"),
    "a SUBSCRIBE without ID": framed(
      dso(0, [tlv(tlvTypes.subscribe, readDso(E("E20").subarray(2)).tlvs[0]!.bytes)]),
    ),
    "a PUSH": E("E23"),
    "a Padding without ID": framed(dso(0, [padding])),
    "an unknown one-way message": E("E11"),
    "a Retry Delay with an ID": framed(dso(7, [retryDelay])),
    "a PUSH with an ID": framed(dso(7, [tlv(tlvTypes.push, someRecord)])),
    "an UNSUBSCRIBE with an ID": framed(dso(1, [tlv(tlvTypes.unsubscribe, u16(0x102))])),
    "a RECONFIRM with an ID": framed(dso(1, [tlv(tlvTypes.reconfirm, someRecord)])),
  };
  const bystander = await session();
  await Promise.all(
    Object.entries(cases).map(async ([what, bytes]) => isReset(what, await session(), bytes)),
  );
  await isAlive("a neighbour", bystander);
});

it("[DSO-04] [DSO-10] [DSO-14] [DSO-19] [DSO-20] [DSO-21] [DSO-33] [DSO-36] [DSO-39] requests, to the byte", async () => {
  const odd = E("E01");
  odd.writeUInt16BE(0x37f5, 4);
  const overrun = E("E01");
  overrun.writeUInt16BE(12, 2 + 14);
  const id = "1a2b";
  const formerr = `000c${id}b0010000000000000000`;
  const timeouts = hex("00003a980036ee80");
  const cases: Record<string, [Uint8Array, string]> = {
    "E01 → E02": [E("E01"), hexOf("E02")],
    "Z bits and an rcode": [odd, hexOf("E02")],
    "E05 → E06": [E("E05"), hexOf("E06")],
    "E09 → E10": [E("E09"), hexOf("E10")],
    "no TLV": [framed(dso(0x1a2b, [])), formerr],
    "a TLV that overruns": [overrun, formerr],
    "one stray byte": [framed(dso(0x1a2b, [tlv(1, timeouts), Buffer.alloc(1)])), formerr],
    "three stray bytes": [framed(dso(0x1a2b, [tlv(1, timeouts), Buffer.alloc(3)])), formerr],
    "a Keepalive of 7": [framed(dso(0x1a2b, [tlv(1, timeouts.subarray(1))])), formerr],
    "a Keepalive of 9": [
      framed(dso(0x1a2b, [tlv(1, Buffer.concat([timeouts, Buffer.of(0)]))])),
      formerr,
    ],
    "an unknown TLV besides": [
      framed(dso(0x1a2b, [tlv(1, timeouts), tlv(0xf801, hex("abcd"))])),
      hexOf("E02"),
    ],
    "a Retry Delay besides": [framed(dso(0x1a2b, [tlv(1, timeouts), retryDelay])), hexOf("E02")],
    "wishes of nothing": [framed(keepalive(0x1a2b, 0, 0)), hexOf("E02")],
    "wishes of for ever": [framed(keepalive(0x1a2b, 0xffffffff, 0xffffffff)), hexOf("E02")],
  };
  await Promise.all(
    Object.entries(cases).map(async ([what, [bytes, expected]]) => {
      for (const peer of [await s.peer(), await session(), await s.peer({ isClear: true })]) {
        expect([what, await peer.exchange(bytes)]).toEqual([what, expected]);
        await isAlive(what, peer);
      }
    }),
  );
});

it("[DSO-05] [DSO-24] [DSO-45] [PUSH-14] [PUSH-15] refusals leave the connection as it was", async () => {
  const peer = await s.peer();
  expect(await peer.exchange(E("E05"))).toBe(hexOf("E06"));
  expect(await peer.exchange(E("E09"))).toBe(hexOf("E10"));
  const outside = framed(subscribe(0x0102, "_ipp._tcp.example.net", "PTR"));
  expect(await peer.exchange(outside)).toBe(hexOf("E22"));
  // No session yet, but a SUBSCRIBE was seen: its UNSUBSCRIBE is dropped, any other one-way is not.
  peer.write(E("E28"));
  await isAlive("after refusals", peer);
  expect(await peer.exchange(outside)).toBe(hexOf("E22"));
  expect(await peer.exchange(E("E20"))).toBe(hexOf("E21"));
});

it("[DSO-18] [DSO-46] [DSO-47] padding under TLS and in the clear", async () => {
  const peer = await s.peer();
  const requests = [
    E("E07"),
    framed(dso(0x1a2b, [tlv(1, hex("00003a980036ee80")), tlv(3, Buffer.alloc(0))])),
    framed(dso(0x1a2b, [tlv(1, hex("00003a980036ee80")), tlv(3, Buffer.alloc(400, 7))])),
    framed(dso(0x0bad, [tlv(0xf800, hex("deadbeef")), padding])),
  ];
  for (const [i, request] of requests.entries()) {
    peer.write(request);
    const reply = readDso((await peer.next()).bytes);
    expect(reply.bytes.length % 468).toBe(0);
    expect(reply.tlvs.at(-1)!.type).toBe(tlvTypes.padding);
    expect(reply.tlvs.at(-1)!.bytes.every((byte) => byte === 0)).toBe(true);
    const before = reply.tlvs.slice(0, -1);
    if (i < 3) expect(text(before[0]!.bytes)).toBe("000075300036ee80");
    else expect([reply.rcode, before]).toEqual([11, []]);
  }
  const alone = readDso(hex(await peer.exchange(framed(dso(0x0033, [padding])))).subarray(2));
  expect([alone.id, alone.flags]).toEqual([0x33, 0xb00b]);
  const clear = await s.peer({ isClear: true });
  expect(await clear.exchange(E("E07"))).toBe(hexOf("E02"));
});

it("[PUSH-01] [PUSH-15] a SUBSCRIBE in the clear is refused, a Keepalive is not", async () => {
  const clear = await s.peer({ isClear: true });
  expect(await clear.exchange(E("E20"))).toBe("00140102b005000000000000000000020004000493e0");
  await isAlive("in the clear", clear);
  expect(await clear.exchange(E("E20"))).toBe("00140102b005000000000000000000020004000493e0");
});

it("[PUSH-06] [PUSH-07] [PUSH-08] [DSO-03] [DSO-37] [DSO-38] SUBSCRIBE first, then what follows", async () => {
  const peer = await s.peer();
  expect(await peer.exchange(E("E20"))).toBe(hexOf("E21"));
  expect(await peer.nextHex()).toBe(hexOf("E03"));
  // The session is there: a one-way message is taken.
  peer.write(E("E28"));
  await isAlive("after UNSUBSCRIBE", peer);
});

it("[PUSH-07] [PUSH-09] [PUSH-14] [DSO-15] SUBSCRIBE: the table of rcodes", async () => {
  const question = Buffer.concat([someName, hex("000c0001")]);
  const long = Buffer.concat(
    Array.from({ length: 4 }, () => Buffer.concat([Buffer.of(63), Buffer.alloc(63, 97)])),
  );
  const sub = (bytes: Uint8Array) => framed(dso(0x0102, [tlv(tlvTypes.subscribe, bytes)]));
  const refused = (rcode: string, delay: string) =>
    `00140102b00${rcode}000000000000000000020004${delay}`;
  const formerr = refused("1", "000493e0");
  const cases: Record<string, [Uint8Array, string]> = {
    "a byte more": [sub(Buffer.concat([question, Buffer.of(0)])), formerr],
    "a byte less": [sub(question.subarray(0, -1)), formerr],
    nothing: [sub(Buffer.alloc(0)), formerr],
    "two questions": [sub(Buffer.concat([question, question])), formerr],
    "a bad label": [sub(hex("4001000c0001")), formerr],
    "a name of 256 and more": [sub(Buffer.concat([long, hex("00000c0001")])), formerr],
    "a pointer to itself": [sub(hex("c010000c0001")), formerr],
    "a pointer past the end": [sub(hex("cfff000c0001")), formerr],
    "a label past the end": [sub(hex("3f61000c0001")), formerr],
    "type OPT": [sub(Buffer.concat([someName, hex("00290001")])), formerr],
    "type AXFR": [sub(Buffer.concat([someName, hex("00fc0001")])), formerr],
    "a name outside": [framed(subscribe(0x0102, "a.example.net", "PTR")), hexOf("E22")],
    "a name that nobody has": [
      framed(subscribe(0x0102, `_nothere._tcp.${Z}`, "PTR")),
      hexOf("E21"),
    ],
    "class CH": [framed(subscribe(0x0102, `_ipp._tcp.${Z}`, "PTR", 3)), hexOf("E21")],
    "all types, all classes": [framed(subscribe(0x0102, `x.${Z}`, "ANY", 255)), hexOf("E21")],
  };
  await Promise.all(
    Object.entries(cases).map(async ([what, [bytes, expected]]) => {
      const peer = await session();
      expect([what, await peer.exchange(bytes)]).toEqual([what, expected]);
      await isAlive(what, peer);
    }),
  );
  const stranger = await session({ local: "10.9.0.3" });
  const forbidden = framed(subscribe(0x0102, `_ipp._tcp.${Z2}`, "PTR"));
  expect(await stranger.exchange(forbidden)).toBe(refused("5", "000493e0"));
  expect(await stranger.exchange(E("E20"))).toBe(hexOf("E21"));
  const twice: Record<string, Uint8Array> = {
    "the same again": subscribe(0x0103, `_IPP._tcp.${Z}`, "PTR"),
    "its ID again": subscribe(0x0102, `_ssh._tcp.${Z}`, "PTR"),
    "its ID for a Keepalive": keepalive(0x0102),
  };
  for (const [what, bytes] of Object.entries(twice)) {
    const peer = await session();
    expect(await peer.exchange(E("E20"))).toBe(hexOf("E21"));
    await isReset(what, peer, framed(bytes));
  }
});

it("[DSO-22] [PUSH-09] [PUSH-31] what is no repetition, and a TLV out of place", async () => {
  const peer = await session();
  expect(await peer.exchange(E("E20"))).toBe(hexOf("E21"));
  const others = [
    subscribe(0x0201, `_ipp._tcp.${Z}`, "TXT"),
    subscribe(0x0202, `_ipp._tcp.${Z}`, "ANY"),
    subscribe(0x0203, `_ipp._tcp.${Z}`, "PTR", 255),
  ];
  for (const message of others) {
    const id = message.readUInt16BE(0).toString(16).padStart(4, "0");
    expect(await peer.exchange(framed(message))).toBe(`000c${id}b0000000000000000000`);
  }
  peer.send(unsubscribe(0x0102));
  expect(await peer.exchange(E("E20"))).toBe(hexOf("E21"));
  const other = await session();
  const placed = dso(0x0102, [
    tlv(tlvTypes.subscribe, Buffer.concat([someName, hex("000c0001")])),
    tlv(tlvTypes.keepalive, hex("0000000000000000")),
  ]);
  expect(await other.exchange(framed(placed))).toBe(hexOf("E21"));
});

it("[DSO-11] [PUSH-32] [PUSH-33] [PUSH-34] [PUSH-36] one-way messages are never answered", async () => {
  const peer = await session();
  peer.send(
    unsubscribe(0xffff),
    dso(0, [tlv(tlvTypes.unsubscribe, hex("0102ff"))]),
    dso(0, [tlv(tlvTypes.unsubscribe, Buffer.alloc(0))]),
    dso(0, [tlv(tlvTypes.reconfirm, Buffer.concat([someName, hex("00ff0001")]))]),
    dso(0, [tlv(tlvTypes.reconfirm, Buffer.concat([someName, hex("000c00ff")]))]),
    dso(0, [tlv(tlvTypes.reconfirm, hex("3f61"))]),
    dso(0, [tlv(tlvTypes.reconfirm, someRecord), padding]),
  );
  peer.write(E("E29"));
  await isAlive("after one-way messages", peer);
  expect(await peer.quiet(300)).toEqual([]);
});

it("[DSO-08] [DSO-16] [PUSH-05] [EDNS-10] [TCP-04] ordinary queries on a session", async () => {
  s.dev1.answers("_ipp._tcp.local", "PTR", [
    rec("_ipp._tcp.local", "PTR", 4500, "Lobby._ipp._tcp.local"),
  ]);
  const peer = await session();
  peer.write(E("E67"));
  const reply = await peer.reply(0x0d01);
  expect(reply.flags & 0x0400).toBe(0x0400);
  expect(reply.answers.map(({ data }) => data)).toEqual([`Lobby._ipp._tcp.${Z}.`]);
  // No keepalive option once there is a session, where there is one before.
  const soa = packet.message({
    id: 5,
    questions: [{ name: Z, type: "SOA" }],
    additionals: [opt(1232)],
  });
  peer.send(soa);
  expect((await peer.reply(5)).opt!.raw.toString("hex")).not.toContain("000b0002");
  const fresh = await s.peer();
  fresh.send(soa);
  expect((await fresh.reply(5)).opt!.raw.toString("hex")).toContain("000b0002");
  // Every record of the stream began a message and held all of it.
  for (const { bytes } of peer.socket.arrivals) {
    expect(bytes.readUInt16BE(0)).toBe(bytes.length - 2);
  }
});

it("[TCP-03] [TCP-05] messages of a session in any pieces", async () => {
  const single = await s.peer();
  await single.pieces(
    [...E("E01")].map((byte) => Buffer.of(byte)),
    4,
  );
  expect(await single.nextHex()).toBe(hexOf("E02"));
  const halves = await s.peer();
  await halves.pieces([E("E01").subarray(0, 2), E("E01").subarray(2)], 60);
  expect(await halves.nextHex()).toBe(hexOf("E02"));
  const odd = await s.peer();
  const whole = Buffer.concat([E("E01"), E("E05"), E("E20")]);
  await odd.pieces([whole.subarray(0, 31), whole.subarray(31)], 60);
  const replies = [await odd.nextHex(), await odd.nextHex(), await odd.nextHex()];
  expect(replies).toEqual([hexOf("E02"), hexOf("E06"), hexOf("E21")]);
});

it("[DSO-02] [TLS-12] a silent connection hears nothing and is closed in order", async () => {
  const begin = Date.now();
  const peers = await Promise.all([s.peer(), s.peer({ isClear: true })]);
  for (const peer of peers) {
    const { how, at } = await peer.over(14_000);
    expect([how, peer.socket.arrivals]).toEqual(["end", []]);
    expect(at - begin).toBeGreaterThan(9000);
  }
  await sleep(0);
});
