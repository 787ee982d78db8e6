// What ends sessions, and what does not: timers, limits, a slow reader, a new
// configuration, the end of the daemon (RFC 8490 §6, §7.2; RFC 8765 §6.2.2). Each
// topic has a daemon of its own on the proxy host.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { Child, until } from "./children.js";
import { configure, type Daemon, discd } from "./daemon.js";
import { needs } from "./needs.js";
import { flush, message, type Rec, rec, response, type TypeName } from "./packet.js";
import {
  dso,
  E,
  framed,
  hex,
  keepalive,
  readDso,
  readPush,
  subscribe,
  tlvTypes,
  unsubscribe,
} from "./session-bytes.js";
import {
  type StagePeerOptions,
  secondDaemon,
  selfSigned,
  sessionLinks,
  sessionStage,
  Z,
  Z2,
} from "./session-stage.js";
import type { Message, WirePeer } from "./wire-peer.js";

const it = needs("tcpdump");
const withStrace = needs("strace", "tcpdump");
const ports = {
  timers: 5501,
  limits: 5511,
  stop: 5521,
  reload: 5531,
  slow: 5541,
  apart: 5551,
  traced: 5561,
};
type Topic = keyof typeof ports;

const daemons = new Map<Topic, Daemon>();
const configs: Readonly<Partial<Record<Topic, string>>> = {
  timers: "limits = { dso_inactivity = 2, dso_keepalive = 10, tcp_idle = 3 }",
  limits: "limits = { subscriptions_per_session = 2, connections_per_client = 4 }",
  slow: "limits = { write_queue = '256k' }",
};
const s = sessionStage(`${selfSigned}\n${sessionLinks}`, async (lab) => {
  // Small kernel buffers, so that what a client there does not read is the daemon's to keep.
  lab.run("dns", "sysctl -qw net.ipv4.tcp_rmem='4096 8192 16384'");
  lab.run("px", "sysctl -qw net.ipv4.tcp_wmem='4096 16384 32768'");
  const started = Object.entries(ports).map(async ([topic, port]) => {
    if (topic === "apart" || topic === "traced") return;
    const config = `${configs[topic as Topic] ?? ""}\n${sessionLinks}`;
    daemons.set(topic as Topic, await secondDaemon(lab, port, config));
  });
  await Promise.all(started);
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const service = (type: string): string => `${type}._tcp.${Z}`;
const ptr = (type: string, instance: string): Rec =>
  rec(`${type}._tcp.local`, "PTR", 4500, `${instance}.${type}._tcp.local`);
const plus = (type: string, instance: string): string =>
  `+ ${service(type)}. PTR ${instance}.${service(type)}.`;
const soa = (id: number) => message({ id, questions: [{ name: Z, type: "SOA" }] });

const peerOf = (topic: Topic, how: StagePeerOptions = {}): Promise<WirePeer> =>
  s.peer({ port: ports[topic] + (how.isClear ? 0 : 1), ...how });

/** A peer with a session, without timeouts being looked at. */
async function session(topic: Topic, how: StagePeerOptions = {}): Promise<WirePeer> {
  const peer = await peerOf(topic, how);
  expect((await peer.exchange(E("E01"))).slice(0, 12)).toBe("00181a2bb000");
  return peer;
}

async function subscribed(
  peer: WirePeer,
  id: number,
  name: string,
  type: TypeName = "PTR",
): Promise<void> {
  peer.send(subscribe(id, name, type));
  const isResponse = ({ bytes }: Message) => bytes.readUInt16BE(0) === id && bytes[2] === 0xb0;
  expect((await until("its response", () => peer.messages.find(isResponse))).bytes).toHaveLength(
    12,
  );
}

/** Seconds from a moment to the end of a stream, which has to be a reset. */
async function secondsToReset(peer: WirePeer, since: number, limit: number): Promise<number> {
  const { how, at } = await peer.over(limit);
  expect(how).toBe("reset");
  return (at - since) / 1000;
}

const every = async (gap: number, times: number, what: () => void): Promise<void> => {
  for (let i = 0; i < times; i++) {
    await sleep(gap);
    what();
  }
};

it.concurrent("[DSO-07] [DSO-26] [DSO-28] [DSO-29] [DSO-30] [DSO-32] the inactivity timer: 2 s granted, a reset after 5", async () => {
  const granted = `00181a2bb000${"0".repeat(16)}00010008000007d000002710`;
  const silent = async () => {
    const peer = await peerOf("timers");
    expect(await peer.exchange(E("E01"))).toBe(granted);
    return secondsToReset(peer, peer.messages[0]!.at, 10_000);
  };
  const keptAlive = async () => {
    const peer = await session("timers");
    const begin = Date.now();
    await every(1400, 3, () => peer.send(keepalive(3)));
    return secondsToReset(peer, begin, 10_000);
  };
  const asking = async () => {
    const peer = await session("timers");
    await every(2500, 3, () => peer.send(soa(9)));
    return secondsToReset(peer, Date.now(), 10_000);
  };
  const subscribing = async () => {
    const peer = await session("timers");
    await subscribed(peer, 1, service("_timer"));
    await every(4000, 3, () => peer.send(keepalive(3)));
    expect(peer.ending).toBeUndefined();
    peer.send(unsubscribe(1));
    return secondsToReset(peer, Date.now(), 10_000);
  };
  const times = await Promise.all([silent(), keptAlive(), asking(), subscribing()]);
  for (const time of times) {
    expect(time).toBeGreaterThan(4.7);
    expect(time).toBeLessThan(8);
  }
});

it.concurrent("[DSO-31] [DSO-38] [DSO-27] a silent session with a subscription: told its values, reset after 20 s", async () => {
  const peer = await peerOf("timers");
  await subscribed(peer, 0x0102, service("_silent"));
  const told = await until("a Keepalive", () => peer.messages[1]);
  expect(text(told.bytes)).toBe(`00003000${"0".repeat(16)}00010008000007d000002710`);
  const time = await secondsToReset(peer, told.at, 26_000);
  expect(time).toBeGreaterThan(19.5);
  expect(time).toBeLessThan(24);
});

it.concurrent("[TLS-12] [TLS-13] a client that closes in order is closed in order, and its subscriptions end", async () => {
  const names = ["_leave1", "_leave2", "_leave3"].map(service);
  const peers = await Promise.all(names.map(() => s.peer()));
  for (const [i, peer] of peers.entries()) await subscribed(peer, 1, names[i]!);
  expect((await s.discd.state()).engine.push.subscriptions).toBe(3);
  const [half, whole, reset] = peers as [WirePeer, WirePeer, WirePeer];
  half.socket.finish();
  whole.close();
  reset.socket.reset();
  expect((await half.over()).how).toBe("end");
  const isGone = async () => (await s.discd.state()).engine.push.subscriptions === 0;
  await until("the subscriptions are gone", isGone, 3000, 200);
});

it.concurrent("[PUSH-16] [PUSH-15] [DSO-45] one subscription too many is refused, the others go on", async () => {
  const peer = await session("limits");
  await subscribed(peer, 1, service("_limit"));
  await subscribed(peer, 2, service("_limit2"));
  peer.untaken();
  const third = framed(subscribe(9, service("_limit3"), "PTR"));
  expect(await peer.exchange(third)).toBe(`00140009b002${"0".repeat(16)}000200040000ea60`);
  s.dev1.announce([ptr("_limit", "A"), ptr("_limit2", "A"), ptr("_limit3", "A")]);
  await Promise.all([peer.change(plus("_limit", "A")), peer.change(plus("_limit2", "A"))]);
  expect(peer.changes).toHaveLength(2);
  peer.send(unsubscribe(1));
  await subscribed(peer, 3, service("_limit3"));
});

it.concurrent("[DSO-43] [TCP-10] one connection too many is turned away at the door, the others stay", async () => {
  const how = { local: "10.9.1.3" };
  const old = await Promise.all(Array.from({ length: 4 }, () => session("limits", how)));
  const late = await peerOf("limits", how);
  expect((await late.exchange(E("E01"))).slice(0, 12)).toBe("00181a2bb000");
  const away = readDso((await late.next()).bytes);
  expect([away.id, away.flags, away.tlvs.map(({ type }) => type)]).toEqual([0, 0x3002, [2]]);
  late.write(E("E67"));
  const time = await secondsToReset(late, Date.now(), 10_000);
  expect(time).toBeGreaterThan(4.5);
  expect(late.untaken()).toEqual([]);
  for (const peer of old) await subscribed(peer, 1, service("_door"));
  old[0]!.close();
  await sleep(300);
  await subscribed(await session("limits", how), 1, service("_door"));
});

it.concurrent("[DSO-25] [DSO-34] [DSO-35] reload: a zone gone ends its subscriptions alone, new values are told", async () => {
  const daemon = daemons.get("reload")!;
  const port = ports.reload;
  const head = `port = { udp = ${port}, tcp = ${port}, tls = ${port + 1}, push = ${port + 1}, llq = false }
    ${selfSigned}`;
  const peer = await session("reload");
  await subscribed(peer, 0x0102, service("_stays"));
  await subscribed(peer, 0x0103, `_gone._tcp.${Z2}`);
  peer.untaken();
  daemon.reload(
    `${head}\n${sessionLinks.replace("{ name = 'net2', subdomain = 'floor2.example.com' },", "{ name = 'net2', disable = true },")}`,
  );
  expect(await peer.nextHex()).toBe(`00140103b009${"0".repeat(16)}00020004000493e0`);
  s.dev1.announce([ptr("_stays", "A")]);
  await peer.change(plus("_stays", "A"));
  const idle = await session("reload");
  await sleep(6000);
  idle.untaken();
  daemon.reload(`${head}\nlimits = { dso_inactivity = 1, dso_keepalive = 20 }\n${sessionLinks}`);
  const told = readDso((await idle.next()).bytes);
  expect([told.id, told.flags, text(told.tlvs[0]!.bytes)]).toEqual([0, 0x3000, "000003e800004e20"]);
  const time = await secondsToReset(idle, Date.now(), 10_000);
  expect(time).toBeGreaterThan(4.7);
  peer.untaken();
  daemon.reload(
    `${head}\nlimits = { dso_inactivity = 'infinite', dso_keepalive = 'infinite' }\n${sessionLinks}`,
  );
  const endless = readDso((await peer.next()).bytes);
  expect(text(endless.tlvs[0]!.bytes)).toBe("ffffffffffffffff");
});

it.concurrent("[PUSH-38] a client that does not read is caught up later, not hoarded for; others hear on", async () => {
  const [slow, quick] = await Promise.all([session("slow", { node: "dns" }), session("slow")]);
  const own = "Slow._slow._tcp.local";
  const name = `Slow.${service("_slow")}`;
  for (const peer of [slow, quick]) await subscribed(peer, 1, name, "TXT");
  slow.socket.pause();
  await sleep(200);
  const long = Array.from({ length: 4 }, () => "x".repeat(250));
  const bytes = response([flush(rec(own, "TXT", 4500, ["n=00000", ...long]))]);
  const socket = await s.dev1.socket({ port: 5353 });
  const offsets = [bytes.indexOf("n=00000") + 2];
  const flood = { count: 500, offsets, digits: 5, perSecond: 60 };
  await socket.flood(bytes, "224.0.0.251", 5353, flood);
  // What is younger than a second survives a flush (RFC 6762 §10.2).
  for (let i = 0; i < 3; i++) {
    await sleep(1200);
    s.dev1.announce([flush(rec(own, "TXT", 4500, ["last"]))]);
  }
  const last = `+ ${name}. TXT 046c617374`;
  await quick.change(last);
  // The link may lose a packet on a busy machine.
  expect(quick.changes.filter(({ kind }) => kind === "add").length).toBeGreaterThan(450);
  slow.socket.resume();
  await slow.change(last);
  await sleep(2000);
  expect([slow, quick].map(held)).toEqual([[last.slice(2)], [last.slice(2)]]);
  const read = slow.messages.reduce((sum, message) => sum + message.bytes.length, 0);
  expect(read).toBeLessThan(400_000);
});

it.concurrent("[PUSH-38] a client that asks and does not read is held, and reset after a minute", async () => {
  const daemon = daemons.get("slow")!;
  const deaf = await session("slow", { node: "dns" });
  deaf.socket.pause();
  // SOA of the zone: 100 bytes of answer each, more in all than the kernels of both ends hold.
  const soa = "0021 0d01 0000 0001 0000 0000 0000 036c6162076578616d706c6503636f6d0000060001";
  const query = Buffer.from(soa.replaceAll(" ", ""), "hex");
  const many = Buffer.concat(Array.from({ length: 1000 }, () => query));
  for (let i = 0; i < 300; i++) {
    deaf.write(many);
    await sleep(5);
  }
  const isGone = async () => JSON.stringify(await daemon.state()).includes("streams/unread");
  await until("it is given up", isGone, 90_000, 1000);
  expect(Number(/"rss":(\d+)/.exec(JSON.stringify(await daemon.state()))?.[1])).toBeLessThan(
    2 ** 28,
  );
  deaf.socket.resume();
  expect((await deaf.over()).how).toBe("reset");
  expect(daemon.child.exit).toBeUndefined();
  await session("slow");
});

/** What a client that applied all changes in order holds now. */
function held(peer: WirePeer): string[] {
  const records = new Set<string>();
  for (const { kind, text: change } of peer.changes) {
    const record = change.slice(change.indexOf(" ") + 1);
    if (kind === "add") records.add(record);
    else if (kind === "remove") records.delete(record);
    else for (const one of records) if (one.startsWith(record)) records.delete(one);
  }
  return [...records];
}

it.concurrent("[DSO-41] [DSO-42] [DSO-43] [DSO-44] SIGTERM: each session is asked to come back, reset after 5 s", async () => {
  const daemon = daemons.get("stop")!;
  const peers = await Promise.all(Array.from({ length: 10 }, () => session("stop")));
  const [stays, leaves, clear] = [peers[0]!, peers[1]!, await session("stop", { isClear: true })];
  await subscribed(stays, 1, service("_stop"));
  for (const peer of [...peers, clear]) peer.untaken();
  daemon.child.kill("SIGTERM");
  const told = await Promise.all([...peers, clear].map((peer) => peer.next()));
  const away = told.map(({ bytes }) => readDso(bytes));
  for (const { id, flags, tlvs } of away) {
    expect([id, flags, tlvs.map(({ type }) => type)]).toEqual([0, 0x3000, [tlvTypes.retryDelay]]);
  }
  expect(new Set(away.map(({ tlvs }) => text(tlvs[0]!.bytes))).size).toBe(11);
  leaves.close();
  stays.write(E("E67"));
  stays.write(E("E01"));
  stays.write(framed(dso(0, [hex("f8000000")])));
  s.dev1.announce([ptr("_stop", "A")]);
  const time = await secondsToReset(stays, told[0]!.at, 10_000);
  expect(time).toBeGreaterThan(4.5);
  expect(time).toBeLessThan(7);
  expect(stays.untaken()).toEqual([]);
  await daemon.child.ended;
  expect(daemon.child.exit).toEqual({ code: 0, signal: null });
});

withStrace.concurrent(
  "[TCP-11] [TCP-12] neither Nagle's algorithm is switched off nor TCP Fast Open on",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "discd-strace-"));
    const file = join(folder, "calls");
    const port = ports.traced;
    const config = configure(
      `port = { udp = ${port}, tcp = ${port}, tls = ${port + 1}, push = ${port + 1}, llq = false }
    ${selfSigned}\n${sessionLinks}`,
    );
    // With -D the tracer stands aside: signals go to discd.
    const strace = ["strace", "-D", "-f", "-qq", "-e", "trace=setsockopt", "-o", file];
    const child = s.lab.keep(new Child([...s.lab.enter("px"), ...strace, discd, "-c", config]));
    await child.says(/"event":"started"/, 40_000);
    for (const how of [{}, { isClear: true }]) await session("traced", how);
    const calls = readFileSync(file, "utf8");
    rmSync(folder, { recursive: true });
    expect(calls).toMatch(/SO_REUSEADDR/);
    expect(calls).not.toMatch(/TCP_NODELAY|TCP_FASTOPEN/);
  },
);

it.concurrent("[TLS-01] [PUSH-01] [PUSH-02] Push on a port of its own, and switched off", async () => {
  const port = ports.apart;
  const head = (push: string) =>
    `port = { udp = ${port}, tcp = ${port}, tls = ${port + 1}, push = ${push}, llq = false }
    ${selfSigned}\n${sessionLinks}`;
  const daemon = await s.lab.discd(head(String(port + 2)), { port, apex: Z });
  const client = await s.lab.client({ port });
  const srv = async () =>
    (await client.ask(`_dns-push-tls._tcp.${Z}`, "SRV")).answers.map(({ data }) => data);
  expect(await srv()).toEqual([`0 0 ${port + 2} px.example.com.`]);
  const push = await s.peer({ port: port + 2 });
  expect(await push.exchange(E("E20"))).toBe(text(E("E21")));
  const refused = "00140102b005000000000000000000020004000493e0";
  const dot = await s.peer({ port: port + 1 });
  expect(await dot.exchange(E("E20"))).toBe(refused);
  daemon.reload(head("false"));
  await until("the record is gone", async () => (await srv()).length === 0);
  expect(await dot.exchange(E("E20"))).toBe(refused);
  expect(readPush((await dot.quiet(100))[0]?.bytes ?? Buffer.alloc(0))).toBeUndefined();
});
