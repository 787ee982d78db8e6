// Long-Lived Queries on the real thing (RFC 8764): the four-message set-up, events
// and refreshes over UDP, and over streams what RFC 8766 left open. What the
// specification's examples fix is compared to the byte.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { until } from "./children.js";
import type { Daemon } from "./daemon.js";
import { LlqPeer } from "./llq-peer.js";
import { needs } from "./needs.js";
import { flush, type Rec, rec, types } from "./packet.js";
import { ednsOption, framed, L, type LlqOption, llq, llqOptionsOf } from "./session-bytes.js";
import { secondDaemon, selfSigned, sessionLinks, sessionStage, Z } from "./session-stage.js";
import { type Seen, unpack } from "./unpack.js";
import type { PeerOptions } from "./wire-peer.js";

const it = needs("avahi-daemon", "dig", "tcpdump");
/** Without LLQ, and with leases of a few seconds. */
let without: Daemon;
const s = sessionStage(
  `limits = { llq_unconfirmed_per_client = 200 }\n${selfSigned}\n${sessionLinks}`,
  async (lab) => {
    const brief = "limits = { llq_lease_min = 4, llq_lease_max = 4 }";
    [without] = await Promise.all([
      secondDaemon(lab, 5301, sessionLinks),
      lab.discd(
        `port = { udp = 5401, tcp = 5401, tls = false, push = false, llq = 5402 }
        ${brief}\n${selfSigned}\n${sessionLinks}`,
        { port: 5401, apex: Z },
      ),
    ]);
  },
);

const service = (type: string): string => `${type}._tcp.${Z}`;
const ptr = (type: string, instance: string, ttl = 4500): Rec =>
  rec(`${type}._tcp.local`, "PTR", ttl, `${instance}.${type}._tcp.local`);
const plus = (type: string, instance: string): string =>
  `+ ${service(type)}. PTR ${instance}.${service(type)}.`;
const minus = (type: string, instance: string): string => plus(type, instance).replace("+", "-");

async function udp(how: { port?: number; local?: string } = {}): Promise<LlqPeer> {
  return LlqPeer.open(await s.lab.agent("cli"), s.lab.server, how);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** An example with another LLQ-ID and lease; the lease stands last, the ID before it. */
function like(id: Parameters<typeof L>[0], llqId: string, lease: number): string {
  return text(L(id)).slice(0, -24) + llqId + lease.toString(16).padStart(8, "0");
}

const only = (seen: Seen): Required<LlqOption> => {
  const options = llqOptionsOf(seen);
  expect(options).toHaveLength(1);
  return options[0]!;
};

it.concurrent("[LLQ-02] [LLQ-06] [LLQ-13] [LLQ-15] [LLQ-16] [LLQ-17] [LLQ-20] [LLQ-21] [DP-90] a whole life: E40 to E49, E52", async () => {
  const warm = await udp();
  warm.isAcknowledging = true;
  const warming = warm.begin(service("_ipp"), "PTR");
  await sleep(300);
  s.dev1.announce([ptr("_ipp", "Lobby")]);
  await warming;
  const peer = await udp();
  const challenge = await peer.exchange(L("E40"));
  const { id } = only(challenge);
  expect(text(challenge.bytes)).toBe(like("E41", id, 7200));
  const confirm = Buffer.from(like("E42", id, 7200), "hex");
  const ack = await peer.exchange(confirm);
  const left = only(ack).lease;
  expect(left).toBeGreaterThan(7195);
  expect(text(ack.bytes)).toBe(like("E43", id, left));
  s.dev1.announce([ptr("_ipp", "Foyer")]);
  await until("an event", () => peer.events.length >= 1);
  const added = peer.events[0]!;
  const messageId = (seen: Seen) => text(seen.bytes.subarray(0, 2));
  expect(text(added.seen.bytes)).toBe(messageId(added.seen) + like("E44", id, 0).slice(4));
  peer.acknowledge(added.seen.bytes);
  s.dev1.announce([ptr("_ipp", "Lobby", 0)]);
  await until("another", () => peer.events.length >= 2);
  const removed = peer.events[1]!;
  expect(text(removed.seen.bytes)).toBe(messageId(removed.seen) + like("E45", id, 0).slice(4));
  const e46 = Buffer.from(messageId(removed.seen) + like("E46", id, 0).slice(4), "hex");
  peer.send(e46);
  for (const event of peer.events) expect(event.from).toBe(`${s.lab.server} 5352`);
  await sleep(2500);
  expect(peer.events).toHaveLength(2);
  const renewed = await peer.exchange(Buffer.from(like("E47", id, 3600), "hex"));
  expect(text(renewed.bytes)).toBe(like("E48", id, 3600));
  const ended = await peer.exchange(Buffer.from(like("E49", id, 0), "hex"));
  expect(text(ended.bytes)).toBe(like("E49", id, 0).replace("4c030100", "4c038500"));
  s.dev1.announce([ptr("_ipp", "Porch")]);
  await warm.change(plus("_ipp", "Porch"));
  expect(peer.events).toHaveLength(2);
  const refused = await peer.exchange(Buffer.from(like("E47", id, 3600), "hex"));
  expect(text(refused.bytes)).toBe(like("E52", id, 0));
});

it.concurrent("[LLQ-07] [LLQ-11] [LLQ-13] a set-up is repeated when asked, and proven to the letter", async () => {
  const question = [{ name: service("_again"), type: "PTR" as const }];
  const request = llq(0x4c01, question, [{ opcode: 1, lease: 7200 }]);
  const peer = await udp();
  const replies = [];
  for (let i = 0; i < 3; i++) replies.push(text((await peer.exchange(request)).bytes));
  expect(new Set(replies).size).toBe(1);
  await sleep(2500);
  expect(peer.socket.arrivals).toHaveLength(3);
  const { id } = only(unpack(Buffer.from(replies[0]!, "hex")));
  const flipped = id.slice(0, -1) + (Number.parseInt(id.slice(-1), 16) ^ 1).toString(16);
  const wrong = [
    llq(0x4c01, question, [{ opcode: 1, id: flipped, lease: 7200 }]),
    llq(0x4c01, question, [{ opcode: 1, id, lease: 7201 }]),
    llq(0x4c01, [{ name: service("_other"), type: "PTR" }], [{ opcode: 1, id, lease: 7200 }]),
  ];
  for (const bytes of wrong) peer.send(bytes);
  const right = llq(0x4c01, question, [{ opcode: 1, id, lease: 7200 }]);
  const stranger = await udp();
  stranger.send(right);
  await sleep(7000);
  expect([peer.socket.arrivals.length, stranger.socket.arrivals.length]).toEqual([3, 0]);
  expect(only(await peer.exchange(right)).id).toBe(id);
});

it.concurrent("[LLQ-02] [LLQ-04] [LLQ-05] [LLQ-08] [LLQ-09] [LLQ-10] faults of the option are told in the option", async () => {
  const peer = await udp();
  const name = service("_fault");
  const good: LlqOption = { opcode: 1, lease: 7200 };
  const ask = async (type: number, rrClass: number, option: LlqOption) => {
    const reply = await peer.exchange(llq(0x4c01, [{ name, type, class: rrClass }], [option]));
    const { error, id, lease } = only(reply);
    return [reply.rcode, error, id, lease];
  };
  const failed = (error: number) => [0, error, "0000000000000000", 0];
  expect(await ask(255, 1, good)).toEqual(failed(3));
  expect(await ask(12, 255, good)).toEqual(failed(3));
  expect(await ask(12, 254, good)).toEqual(failed(3));
  expect(await ask(12, 1, { ...good, opcode: 9 })).toEqual(failed(3));
  expect(await ask(12, 1, { ...good, version: 2 })).toEqual(failed(5));
  const e51 = L("E40");
  e51.writeUInt16BE(2, e51.length - 18);
  expect(text((await peer.exchange(e51)).bytes)).toBe(text(L("E51")));
  const short = L("E40").subarray(0, -1);
  short.writeUInt16BE(21, short.length - 23);
  short.writeUInt16BE(17, short.length - 19);
  const odd = await peer.exchange(short);
  expect(odd.rcode === 1 || only(odd).error === 3).toBe(true);
  const two = [
    { name, type: "PTR" as const },
    { name: service("_fault2"), type: "PTR" as const },
  ];
  const both = llqOptionsOf(await peer.exchange(llq(7, two, [good, { ...good, version: 3 }])));
  expect(both.map(({ error }) => error)).toEqual([0, 5]);
  const one = llqOptionsOf(await peer.exchange(llq(8, two, [good])));
  expect(one.map(({ error }) => error)).toEqual([3, 3]);
});

it.concurrent("[PRX-03] [LLQ-06] [DP-89] an empty link: the challenge at once, one empty ACK after the wait, then events", async () => {
  const peer = await udp();
  const question = [{ name: service("_empty"), type: "PTR" as const }];
  const begin = Date.now();
  const { id } = only(await peer.exchange(llq(1, question, [{ opcode: 1, lease: 7200 }])));
  expect(Date.now() - begin).toBeLessThan(2000);
  const confirm = llq(2, question, [{ opcode: 1, id, lease: 7200 }]);
  const asked = Date.now();
  peer.send(confirm);
  await sleep(2000);
  peer.send(confirm);
  await sleep(2000);
  peer.send(confirm);
  await until("the ACK", () => peer.socket.arrivals.length >= 2);
  const [, ack] = peer.messages;
  expect(ack!.at - asked).toBeGreaterThan(5800);
  expect([ack!.seen.rcode, ack!.seen.answers, ack!.seen.id]).toEqual([0, [], 2]);
  await sleep(1000);
  expect(peer.socket.arrivals).toHaveLength(2);
  s.dev1.announce([ptr("_empty", "A")]);
  await peer.change(plus("_empty", "A"));
});

it.concurrent("[LLQ-19] [LLQ-20] an event at 0, 2 and 6 s, the same each time, and the end at 14 s", async () => {
  const [deaf, other] = await Promise.all([udp(), udp()]);
  const live = deaf.begin(service("_deaf"), "PTR");
  await sleep(300);
  s.dev1.announce([ptr("_deaf", "A")]);
  const { id } = await live;
  s.dev1.announce([ptr("_deaf", "B")]);
  await deaf.change(plus("_deaf", "B"));
  // From another port it is no acknowledgement.
  other.acknowledge(deaf.events[0]!.seen.bytes);
  await sleep(15_000);
  const first = deaf.events[0]!;
  const again = deaf.events.slice(1);
  expect(again.map(({ seen }) => text(seen.bytes))).toEqual(
    [1, 2].map(() => text(first.seen.bytes)),
  );
  // Later on a busy machine, but never sooner.
  for (const [i, wanted] of [2000, 6000].entries()) {
    const gap = again[i]!.at - first.at;
    expect(gap).toBeGreaterThan(wanted - 100);
    expect(gap).toBeLessThan(wanted + 1900);
  }
  s.dev1.announce([ptr("_deaf", "C")]);
  await sleep(800);
  expect(deaf.events).toHaveLength(3);
  expect(only(await deaf.refresh(service("_deaf"), "PTR", id, 3600)).error).toBe(4);
});

it.concurrent("[LLQ-22] [LLQ-23] nothing after the lease; refreshed at half of it, it goes on", async () => {
  const [brief, kept] = await Promise.all([udp({ port: 5402 }), udp({ port: 5402 })]);
  for (const peer of [brief, kept]) peer.isAcknowledging = true;
  const lives = [brief, kept].map((peer) => peer.begin(service("_lease"), "PTR"));
  await sleep(300);
  s.dev1.announce([ptr("_lease", "A")]);
  const [one, two] = await Promise.all(lives);
  expect([one!.lease, two!.lease]).toEqual([4, 4]);
  await sleep(2000);
  const refreshed = only(await kept.refresh(service("_lease"), "PTR", two!.id, 7200));
  expect([refreshed.error, refreshed.lease]).toEqual([0, 4]);
  await sleep(2600);
  s.dev1.announce([ptr("_lease", "B")]);
  await kept.change(plus("_lease", "B"));
  await sleep(300);
  expect(brief.changes).toEqual([]);
  expect(only(await brief.refresh(service("_lease"), "PTR", one!.id, 7200)).error).toBe(4);
});

it.concurrent("[LLQ-14] [LLQ-18] many answers: one packet, the rest as events; many changes in few", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `An-instance-of-some-length-${100 + i}`);
  const announce = (list: readonly string[]) => {
    for (let at = 0; at < list.length; at += 20) {
      s.dev1.announce(list.slice(at, at + 20).map((name) => ptr("_wide", name)));
    }
  };
  const warm = await udp();
  warm.isAcknowledging = true;
  const warming = warm.begin(service("_wide"), "PTR");
  await sleep(300);
  announce(names);
  await warming;
  const peer = await udp();
  peer.isAcknowledging = true;
  const { ack } = await peer.begin(service("_wide"), "PTR");
  expect(ack.answers.length).toBeGreaterThan(5);
  await until("the rest", () => ack.answers.length + peer.changes.length >= 100);
  const told = [...ack.answers.map(({ data }) => data), ...peer.changes.map((one) => one.slice(2))];
  expect(new Set(told.map((one) => one.split(" ").at(-1))).size).toBe(100);
  const more = names.slice(0, 50).map((name) => `B-${name}`);
  for (const name of more) {
    s.dev1.announce([ptr("_wide", name)]);
    await sleep(15);
  }
  await Promise.all(more.map((name) => peer.change(plus("_wide", name))));
  for (const { bytes } of peer.socket.arrivals) expect(bytes.length).toBeLessThanOrEqual(1232);
});

it.concurrent("[LLQ-24] [LLQ-17] [DSO-07] over TCP and TLS: no challenge, events on the stream, the end with it", async () => {
  const own = "Stream._ipp._tcp.local";
  const name = `Stream.${service("_ipp")}`;
  const srv = flush(rec(own, "SRV", 120, [0, 0, 631, "printer.local"]));
  const { asked, end } = s.dev1.answers(own, "SRV", [srv]);
  const ways: (PeerOptions & { port: number })[] = [
    { isClear: true, port: 53 },
    { isClear: true, port: 5352 },
    { port: 853 },
  ];
  const peers = await Promise.all(ways.map((how) => s.peer(how)));
  for (const peer of peers) {
    // A stray LLQ-ERROR is a port to some clients, and means nothing here.
    peer.send(llq(0x4c01, [{ name, type: "SRV" }], [{ opcode: 1, error: 4711, lease: 7200 }]));
    const ack = unpack((await peer.next(8000)).bytes);
    const option = only(ack);
    expect([ack.flags, option.error, option.opcode, ack.answers.length]).toEqual([0x8500, 0, 1, 1]);
    expect(option.id).not.toBe("0000000000000000");
    // The target in full, as in every plain message: `printer` and what stands behind it.
    expect(ack.answers[0]!.raw.toString("hex")).toBe(
      text(Buffer.concat([Buffer.from("000000000277", "hex"), nameOf(`printer.${Z}`)])),
    );
  }
  expect(asked.length).toBeLessThanOrEqual(4);
  end();
  s.dev1.announce([{ ...srv, ttl: 0 }]);
  for (const peer of peers) {
    const event = unpack((await peer.next()).bytes);
    expect([only(event).opcode, event.answers[0]!.ttl]).toEqual([3, 0xffffffff]);
    expect(event.answers[0]!.raw).toHaveLength(6 + nameOf(`printer.${Z}`).length);
  }
  // Nothing is sent again, and the idle limit does not run.
  await sleep(11_000);
  for (const peer of peers) expect([peer.untaken(), peer.ending]).toEqual([[], undefined]);
  const queries = () => s.ear1.queries(s.mac1, own, "SRV");
  for (const peer of peers) peer.close();
  await sleep(500);
  const before = (await queries()).length;
  await sleep(6000);
  expect((await queries()).length).toBe(before);
});

it.concurrent("[LLQ-01] [LLQ-03] [PRX-04] [DP-88] switched off it is an ordinary query; on, every port takes it", async () => {
  s.dev1.answers("_off._tcp.local", "PTR", [ptr("_off", "A")]);
  const off = await udp({ port: 5301 });
  const question = [{ name: service("_off"), type: "PTR" as const }];
  const reply = await off.exchange(llq(1, question, [{ opcode: 1, lease: 7200 }]));
  expect([reply.answers.length, reply.opt !== undefined]).toEqual([1, true]);
  expect(ednsOption(reply, 1)).toBeUndefined();
  expect(without.child.exit).toBeUndefined();
  const client = await s.lab.client({ port: 5301 });
  const begin = Date.now();
  for (const label of ["_dns-llq._udp", "_dns-llq._tcp", "_dns-llq-tls._tcp"]) {
    const none = await client.ask(`${label}.${Z}`, "SRV");
    expect([none.rcode, none.answers]).toEqual([0, []]);
  }
  expect(Date.now() - begin).toBeLessThan(3000);
  const plain = await udp({ port: 53 });
  const { ack } = await plain.begin(service("_off"), "PTR");
  expect(ack.answers).toHaveLength(1);
  s.dev1.announce([ptr("_off", "B")]);
  await plain.change(plus("_off", "B"));
  expect(plain.events[0]!.from).toBe(`${s.lab.server} 53`);
});

it.concurrent("[LLQ-07] [LLQ-08] [LLQ-12] 10,000 set-ups of one address: SERV-FULL, others served, memory bounded", async () => {
  const flooder = await udp({ local: "10.9.1.3" });
  const name = `x00000._tcp.${Z}`;
  const bytes = llq(0x4c01, [{ name, type: "PTR" }], [{ opcode: 1, lease: 7200 }]);
  const before = s.discd.rss;
  await flooder.socket.flood(bytes, s.lab.server, 5352, {
    count: 10_000,
    offsets: [bytes.indexOf("x00000") + 1],
    digits: 5,
    perSecond: 2500,
  });
  const neighbour = await udp({ local: "10.9.0.3" });
  await neighbour.exchange(L("E40"));
  await sleep(500);
  const options = flooder.messages.map(({ seen }) => only(seen));
  const granted = options.filter(({ error }) => error === 0);
  const full = options.filter(({ error }) => error === 1);
  expect(granted.length).toBeGreaterThan(150);
  expect(granted.length).toBeLessThanOrEqual(200);
  expect(new Set(granted.map(({ id }) => id)).size).toBe(granted.length);
  expect(full.length).toBeGreaterThan(5000);
  expect(full.length + granted.length).toBe(options.length);
  for (const { id, lease } of full) expect([id, lease]).toEqual(["0000000000000000", 300]);
  expect(s.discd.rss - before).toBeLessThan(60 * 2 ** 20);
});

it.concurrent("[LLQ-12] 11,000 set-ups from 250 forged addresses: memory bounded, an open challenge stays good", async () => {
  s.lab.run("cli", "ip route add local 10.9.64.0/24 dev lo");
  s.lab.run("rt", "ip route add 10.9.64.0/24 via 10.9.0.2");
  const peer = await udp({ local: "10.9.0.3" });
  const question = [{ name: service("_forged"), type: "PTR" as const }];
  const challenge = await peer.exchange(llq(1, question, [{ opcode: 1, lease: 7200 }]));
  const { id } = only(challenge);
  const name = `y00000._tcp.${Z}`;
  const bytes = llq(0x4c01, [{ name, type: "PTR" }], [{ opcode: 1, lease: 7200 }]);
  const before = s.discd.rss;
  const how = { count: 44, offsets: [bytes.indexOf("y00000") + 1], digits: 5, perSecond: 2500 };
  const forged: LlqPeer[] = [];
  for (let i = 1; i <= 250; i++) {
    const one = await udp({ local: `10.9.64.${i}` });
    await one.socket.flood(bytes, s.lab.server, 5352, how);
    forged.push(one);
  }
  const ack = await peer.exchange(llq(2, question, [{ opcode: 1, id, lease: 7200 }]), 9000);
  expect([only(ack).id, only(ack).error]).toEqual([id, 0]);
  expect(s.discd.rss - before).toBeLessThan(60 * 2 ** 20);
  const granted = forged.flatMap(({ messages }) => messages.map(({ seen }) => only(seen).error));
  expect(granted.length).toBeGreaterThan(10_000);
  expect(new Set(granted)).toEqual(new Set([0]));
  for (const one of forged) one.socket.close();
});

it.concurrent("[LLQ-16] [LLQ-17] a real avahi-daemon comes and goes", async () => {
  const stream = await s.peer();
  const peer = await udp();
  peer.isAcknowledging = true;
  const [live] = await Promise.all([
    peer.begin(service("_live"), "PTR"),
    stream.exchange(
      framed(llq(9, [{ name: service("_live"), type: "PTR" }], [{ opcode: 1, lease: 900 }])),
      8000,
    ),
  ]);
  expect(live.ack.answers).toEqual([]);
  const avahi = await s.lab.avahi("ava1", {
    host: "ava1",
    services: [{ name: "Real", type: "_live._tcp", port: 80 }],
  });
  await peer.change(plus("_live", "Real"));
  const added = unpack((await stream.next()).bytes);
  expect(added.answers.map(({ ttl, type }) => [ttl, type])).toEqual([[4500, types.PTR]]);
  await avahi.stop();
  await peer.change(minus("_live", "Real"));
  expect(unpack((await stream.next()).bytes).answers[0]!.ttl).toBe(0xffffffff);
});

function nameOf(name: string): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([...labels, Buffer.of(0)]);
}
