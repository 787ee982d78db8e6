// DNS Push on the real thing (RFC 8765): real and scripted devices on a link two
// hops away, and subscribers made of bytes. What is exact in the specification's
// examples is compared to the byte.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "./children.js";
import { needs } from "./needs.js";
import { flush, nameBytes, type Rec, rec, type TypeName } from "./packet.js";
import {
  dso,
  E,
  framed,
  readDso,
  readPush,
  reconfirm,
  subscribe,
  tlv,
  tlvTypes,
  u16,
  unsubscribe,
} from "./session-bytes.js";
import { selfSigned, sessionLinks, sessionStage, Z, Z2 } from "./session-stage.js";
import type { PeerOptions, WirePeer } from "./wire-peer.js";

const it = needs("avahi-daemon", "dig", "tcpdump");
const s = sessionStage(`
${selfSigned}
${sessionLinks}
records = {
  { name = 'www.lab.example.com', type = 'CNAME', data = 'intranet.lab.example.com' },
  { name = 'intranet.lab.example.com', type = 'A', data = '192.0.2.7' },
}
`);

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const ok = (id: number): string => `000c${u16(id).toString("hex")}b0000000000000000000`;
const service = (type: string): string => `${type}._tcp.${Z}`;
const ptr = (type: string, instance: string, ttl = 4500): Rec =>
  rec(`${type}._tcp.local`, "PTR", ttl, `${instance}.${type}._tcp.local`);
const plus = (type: string, instance: string): string =>
  `+ ${service(type)}. PTR ${instance}.${service(type)}.`;
/** The removal of the only one. */
const minus = (type: string): string => `-- ${service(type)}. PTR`;

/** A peer with a session that has subscribed to this. */
async function subscriber(
  name: string,
  type: TypeName,
  options: PeerOptions & { id?: number } = {},
): Promise<WirePeer> {
  const { id = 0x0102, ...how } = options;
  const peer = await s.peer(how);
  expect(await peer.exchange(E("E01"))).toBe(text(E("E02")));
  await subscribed(peer, id, name, type);
  return peer;
}

async function subscribed(peer: WirePeer, id: number, name: string, type: TypeName) {
  peer.send(subscribe(id, name, type));
  await until(`the response to ${name}`, () =>
    peer.messages.find(({ bytes }) => framed(bytes).toString("hex") === ok(id)),
  );
}

it.concurrent("[PUSH-18] [PUSH-19] [PUSH-20] [PUSH-21] [PUSH-23] [PRX-01] [PRX-02] [DP-49] [DP-91] [DP-92] what is known follows the response, and a goodbye removes it: E21, E23, E25", async () => {
  const first = await s.peer();
  expect(await first.exchange(E("E20"))).toBe(text(E("E21")));
  expect(await first.nextHex()).toBe(text(E("E03")));
  s.dev1.announce([ptr("_ipp", "Lobby")]);
  expect(await first.nextHex()).toBe(text(E("E23")));
  await sleep(1200);
  const second = await s.peer();
  second.write(E("E20"));
  const replies = [await second.nextHex(), await second.nextHex(), await second.nextHex()];
  expect(replies[0]).toBe(text(E("E21")));
  expect(replies.slice(1).sort()).toEqual([text(E("E03")), text(E("E23"))].sort());
  second.write(E("E67"));
  const [answer] = (await second.reply(0x0d01)).answers;
  expect(answer!.ttl).toBeLessThanOrEqual(10);
  s.dev1.announce([ptr("_ipp", "Lobby", 0)]);
  expect(await first.nextHex()).toBe(text(E("E25")));
  expect(second.untaken().map(({ bytes }) => text(framed(bytes)))).toContain(text(E("E25")));
});

it.concurrent("[PUSH-12] [PUSH-20] [PUSH-23] [PUSH-26] [PUSH-27] all types of an instance: the form of E30, gone as one", async () => {
  const instance = `Lobby2.${service("_ipp")}`;
  const peer = await subscriber(instance, "ANY");
  const own = "Lobby2._ipp._tcp.local";
  const records = [
    flush(rec(own, "SRV", 120, [0, 0, 631, "printer.local"])),
    flush(rec(own, "TXT", 4500, ["txtvers=1"])),
  ];
  s.dev1.announce([...records, flush(rec("printer.local", "A", 120, "10.1.0.3"))]);
  await peer.change(`+ ${instance}. SRV 0 0 631 printer.${Z}.`);
  const push = peer.messages.find(({ bytes }) => readPush(bytes) !== undefined)!;
  // As E30, but for the longer first label.
  const label = "064c6f6262793204";
  const expected = text(E("E30").subarray(2))
    .replace("00410051", "00410052")
    .replace("054c6f62627904", label)
    .replace("c020c010", "c021c010");
  expect(text(push.bytes)).toBe(expected);
  s.dev1.announce(records.map((record) => ({ ...record, ttl: 0 })));
  await peer.change(`-- ${instance}. ANY`);
  expect(peer.changes.map(({ kind }) => kind)).toEqual(["add", "add", "remove-all"]);
});

it.concurrent("[DP-93] [PUSH-11] [PUSH-21] [PUSH-22] [PUSH-29] a real avahi-daemon comes and goes", async () => {
  const [types, instance] = await Promise.all([
    subscriber(service("_real"), "PTR"),
    subscriber(`Alpha.${service("_real")}`, "ANY"),
  ]);
  expect(types.changes).toEqual([]);
  const begin = Date.now();
  const avahi = await s.lab.avahi("ava1", {
    host: "ava1",
    services: [
      { name: "Alpha", type: "_real._tcp", port: 631, txt: ["rp=lp"] },
      { name: "Beta", type: "_real._tcp", port: 632 },
    ],
  });
  await Promise.all([
    types.change(plus("_real", "Alpha")),
    types.change(plus("_real", "Beta")),
    instance.change(`+ Alpha.${service("_real")}. SRV 0 0 631 ava1.${Z}.`),
    instance.change(`+ Alpha.${service("_real")}. TXT 0572703d6c70`),
  ]);
  const told = await types.change(plus("_real", "Alpha"));
  expect(told.ttl).toBe(4500);
  const heard = await until("the announcement", () =>
    s.ear1.frames.find(
      ({ at, message: seen }) =>
        at >= begin &&
        seen?.isResponse &&
        seen.answers.some(({ data }) => data === "Alpha._real._tcp.local."),
    ),
  );
  expect(told.at - heard.at).toBeLessThan(1000);
  // Heard over IPv4 and IPv6, told once; nothing that was not subscribed to.
  await sleep(1500);
  expect(types.changes.map((change) => change.text).sort()).toEqual([
    plus("_real", "Alpha"),
    plus("_real", "Beta"),
  ]);
  await avahi.stop();
  await Promise.all([
    types.change(minus("_real")),
    instance.change(`-- Alpha.${service("_real")}. ANY`),
  ]);
});

it.concurrent("[PUSH-35] [PUSH-36] [DP-94] [DP-150] RECONFIRM of what died silently: two queries, removals to both", async () => {
  const type = `_dead._tcp.${Z2}`;
  const [ear, avahi] = await Promise.all([
    s.lab.capture("net2"),
    s.lab.avahi("ava2", {
      host: "ava2",
      services: [{ name: "Gone", type: "_dead._tcp", port: 9 }],
    }),
  ]);
  const [one, two] = await Promise.all([subscriber(type, "PTR"), subscriber(type, "PTR")]);
  const add = `+ ${type}. PTR Gone.${type}.`;
  await Promise.all([one.change(add), two.change(add)]);
  await avahi.kill();
  await sleep(300);
  const begin = Date.now();
  const before = one.messages.length;
  one.send(reconfirm(type, "PTR", nameBytes(`Gone.${type}`)));
  const remove = `-- ${type}. PTR`;
  await Promise.all([one.change(remove, 12_000), two.change(remove, 12_000)]);
  const asked = await ear.queries(s.lab.mac("px", "net2"), "_dead._tcp.local", "PTR", begin);
  expect(asked.filter(({ family }) => family === 4).length).toBeGreaterThanOrEqual(2);
  // What came is the removal alone: RECONFIRM has no response.
  const came = one.messages.slice(before);
  expect(came.map(({ bytes }) => readPush(bytes)?.length)).toEqual([1]);
});

it.concurrent("[PUSH-34] RECONFIRM in E29's form, compressed: what still lives stays", async () => {
  const own = "Lobby._ipp._tcp.local";
  const srv = flush(rec(own, "SRV", 120, [0, 0, 631, "printer.local"]));
  const { asked } = s.dev1.answers(own, "SRV", [srv]);
  const peer = await subscriber(`Lobby.${service("_ipp")}`, "SRV");
  const add = `+ Lobby.${service("_ipp")}. SRV 0 0 631 printer.${Z}.`;
  await peer.change(add);
  await sleep(2500);
  const before = asked.length;
  peer.write(E("E29"));
  await until("the link is asked", () => asked.length > before, 5000);
  await sleep(4000);
  expect(peer.changes.map((change) => change.text)).toEqual([add]);
});

it.concurrent("[PUSH-30] [PUSH-24] a refresh is nothing, another TTL is an add, a TTL of the other half none", async () => {
  const peer = await subscriber(service("_fresh"), "PTR");
  const plain = ptr("_fresh", "A");
  for (let i = 0; i < 5; i++) {
    s.dev1.announce([plain]);
    await sleep(300);
  }
  // Nor is it told again beside another one.
  s.dev1.announce([plain, ptr("_fresh", "C")]);
  await peer.change(plus("_fresh", "C"));
  s.dev1.announce([ptr("_fresh", "A", 600)]);
  s.dev1.announce([ptr("_fresh", "B", 0x8000_0001)]);
  await until("the second TTL", () => peer.changes.length >= 3);
  await sleep(500);
  const told = peer.changes.map((change) => [change.text, change.ttl]);
  expect(told.slice(0, 3)).toEqual([
    [plus("_fresh", "A"), 4500],
    [plus("_fresh", "C"), 4500],
    [plus("_fresh", "A"), 600],
  ]);
  for (const { ttl } of peer.changes) expect(ttl).toBeLessThan(0x8000_0000);
});

it.concurrent("[PUSH-25] [PUSH-10] overlapping subscriptions hear a change once, wildcards are literal", async () => {
  const peer = await subscriber(service("_over"), "PTR");
  await subscribed(peer, 2, service("_over"), "ANY");
  await subscribed(peer, 3, service("_OVER"), "TXT");
  const wild = await subscriber(`*._tcp.${Z}`, "PTR");
  s.dev1.announce([ptr("_over", "A")]);
  await peer.change(plus("_over", "A"));
  await sleep(800);
  expect(peer.changes).toHaveLength(1);
  expect(wild.changes).toEqual([]);
});

it.concurrent("[PUSH-31] [PUSH-32] [PUSH-33] [DSO-23] UNSUBSCRIBE by ID, by name, and at once", async () => {
  const [byId, byName, control] = await Promise.all(
    [1, 2, 3].map(() => subscriber(service("_unsub"), "PTR")),
  );
  const question = subscribe(1, service("_UNSUB"), "PTR").subarray(16);
  byId!.send(unsubscribe(0x0102));
  byName!.send(dso(0, [tlv(tlvTypes.unsubscribe, question)]));
  const both = await s.peer();
  both.send(subscribe(0x0102, service("_unsub"), "PTR"), unsubscribe(0x0102));
  await until("its one response", () => both.messages.length >= 1);
  await sleep(200);
  s.dev1.announce([ptr("_unsub", "A")]);
  await control!.change(plus("_unsub", "A"));
  await sleep(300);
  expect([byId!.changes, byName!.changes, both.changes]).toEqual([[], [], []]);
  const responses = both.messages.filter(({ bytes }) => readDso(bytes).isResponse);
  expect(responses.map(({ bytes }) => text(framed(bytes)))).toEqual([ok(0x0102)]);
  // The IDs are free, and so is the question.
  for (const peer of [byId!, byName!, both]) {
    peer.untaken();
    await subscribed(peer, 0x0102, service("_unsub"), "PTR");
    await peer.change(plus("_unsub", "A"));
  }
});

it.concurrent("[PUSH-13] a CNAME answers any type and is not followed", async () => {
  const peer = await subscriber(`www.${Z}`, "A");
  await peer.change(`+ www.${Z}. CNAME intranet.${Z}.`);
  await subscribed(peer, 2, `alias.${Z}`, "A");
  const other = await subscriber(`alias.${Z}`, "CNAME");
  const plain = await subscriber(`target.${Z}`, "CNAME");
  s.dev1.announce([
    flush(rec("alias.local", "CNAME", 120, "target.local")),
    flush(rec("target.local", "A", 120, "10.1.0.3")),
  ]);
  await peer.change(`+ alias.${Z}. CNAME target.${Z}.`);
  await other.change(`+ alias.${Z}. CNAME target.${Z}.`);
  await sleep(300);
  expect(peer.changes.map(({ type }) => type)).toEqual([5, 5]);
  expect(plain.changes).toEqual([]);
});

it.concurrent("[PUSH-26] [PUSH-28] 1,500 instances: no message above 16,382, none lost, a packet in one PUSH", async () => {
  const peer = await subscriber(service("_many"), "PTR");
  const count = (size: number, text: string) =>
    Array.from({ length: size }, (_, i) => `${text}${1000 + i}`);
  // Short ones too, so that a message can be filled to the last bytes.
  const names = [...count(600, "Instance-with-a-rather-long-name-"), ...count(900, "i")];
  for (let at = 0; at < names.length; at += 20) {
    s.dev1.announce(names.slice(at, at + 20).map((name) => ptr("_many", name)));
    await sleep(15);
  }
  await until("all of them", () => peer.changes.length >= names.length, 20_000, 200);
  const pushes = peer.messages.filter(({ bytes }) => readPush(bytes) !== undefined);
  expect(pushes.length).toBeLessThanOrEqual(names.length / 20);
  const late = await subscriber(service("_many"), "PTR");
  await until("all of them at once", () => late.changes.length >= names.length, 9000, 100);
  expect(new Set(late.changes.map((change) => change.text)).size).toBe(names.length);
  const sizes = late.messages.map(({ bytes }) => bytes.length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(16_382);
  expect(Math.max(...sizes)).toBeGreaterThan(16_350);
});

it.concurrent("[DP-55] an SRV whose host becomes usable is told then", async () => {
  const own = "Later._later._tcp.local";
  const name = `Later.${service("_later")}`;
  const peer = await subscriber(name, "SRV");
  const host = (address: string) => flush(rec("later.local", "A", 120, address));
  const srv = flush(rec(own, "SRV", 120, [0, 0, 80, "later.local"]));
  s.dev1.announce([srv, host("169.254.7.7")]);
  await sleep(1500);
  expect(peer.changes).toEqual([]);
  s.dev1.announce([host("10.1.0.77")]);
  await peer.change(`+ ${name}. SRV 0 0 80 later.${Z}.`);
});

it.concurrent("[TCP-01] [PUSH-06] over IPv6 and with TLS 1.2 the same", async () => {
  const peer = await s.peer({ host: s.lab.server6, max: "TLSv1.2" });
  expect(peer.socket.handshake!.protocol).toBe("TLSv1.2");
  await subscribed(peer, 0x0102, service("_six"), "PTR");
  s.dev1.announce([ptr("_six", "A")]);
  await peer.change(plus("_six", "A"));
});

it.concurrent("[PUSH-02] [PUSH-03] [PRX-04] [LLQ-03] the SRV records of what is on, and the zone's SOA, at once", async () => {
  const begin = Date.now();
  const ports = { "_dns-push-tls._tcp": 853, "_dns-llq-tls._tcp": 853, "_dns-llq._tcp": 5352 };
  for (const [label, port] of Object.entries({ ...ports, "_dns-llq._udp": 5352 })) {
    const reply = await s.client.ask(`${label}.${Z}`, "SRV");
    expect(reply.answers.map(({ data }) => data)).toEqual([`0 0 ${port} px.example.com.`]);
    expect(reply.flags & 0x0400).toBe(0x0400);
  }
  const never = ["_dns-update._udp", "_dns-update-tls._tcp", "_dns-push._tcp"];
  for (const label of never.slice(0, 2)) {
    const reply = await s.client.ask(`${label}.${Z}`, "SRV");
    expect([label, reply.rcode, reply.answers]).toEqual([label, 0, []]);
  }
  const apex = await s.client.ask(Z, "SOA");
  expect(apex.answers).toHaveLength(1);
  const below = await s.client.ask(service("_ipp"), "SOA");
  expect([below.rcode, below.answers]).toEqual([0, []]);
  expect(below.authorities.map((soa) => [soa.name, soa.data.split(" ")[2]])).toEqual([
    [`${Z}.`, "0"],
  ]);
  expect(Date.now() - begin).toBeLessThan(4000);
  for (const label of [...Object.keys(ports), ...never]) {
    expect(await s.ear1.queries(s.mac1, `${label}.local`, undefined, begin)).toEqual([]);
  }
});

it.concurrent("[TLS-13] [DP-93] [PRX-01] the link is asked once for all, and no more after the last", async () => {
  const begin = Date.now();
  const [ends, crowd, alone] = await Promise.all([
    subscriber(service("_ends"), "PTR"),
    Promise.all(Array.from({ length: 20 }, () => subscriber(service("_crowd"), "PTR"))),
    subscriber(service("_alone"), "PTR"),
  ]);
  const [left] = await Promise.all([
    subscriber(service("_left"), "PTR"),
    until(
      "a query",
      async () => (await s.ear1.queries(s.mac1, "_ends._tcp.local", "PTR", begin)).length > 0,
    ),
  ]);
  ends.socket.reset();
  left.send(unsubscribe(0x0102));
  const gone = Date.now() + 150;
  await sleep(8000);
  for (const type of ["_ends", "_left"]) {
    expect(await s.ear1.queries(s.mac1, `${type}._tcp.local`, "PTR", gone)).toEqual([]);
  }
  const asked = await s.ear1.queries(s.mac1, "_alone._tcp.local", "PTR", begin);
  const askedCrowd = await s.ear1.queries(s.mac1, "_crowd._tcp.local", "PTR", begin);
  expect(asked.filter(({ at }) => at > gone).length).toBeGreaterThan(0);
  expect(Math.abs(askedCrowd.length - asked.length)).toBeLessThanOrEqual(2);
  expect([crowd.length, alone.ending]).toEqual([20, undefined]);
});

it.concurrent("[TLS-09] a resumed TLS session is a new session", async () => {
  const first = await subscriber(service("_ticket"), "PTR");
  await until("a ticket", () => first.socket.tickets.length > 0);
  const session = first.socket.tickets.at(-1)!;
  first.close();
  await sleep(300);
  const second = await s.peer({ session });
  expect(second.socket.handshake!.isResumed).toBe(true);
  s.dev1.announce([ptr("_ticket", "A")]);
  expect(await second.quiet(700)).toEqual([]);
  await subscribed(second, 0x0102, service("_ticket"), "PTR");
});
