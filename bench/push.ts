// Push: how long a change on a link takes to reach one subscriber, and the last
// of a thousand; how often the link is asked. The reference is a bare node:tls
// server that writes as many bytes to as many sockets when a datagram comes.

import { setTimeout as sleep } from "node:timers/promises";
import { median, type Row, spread } from "./row.js";
import { clients, mainThreadMilliseconds, type Part, Stage, server, zone } from "./stage.js";

const type = "_ipp._tcp";
const question = `${type}.${zone}`;
const many = 1000;
const relayPort = 8853;
const link = "10.1.0.1";

/** The number of the first service that is announced: all have four digits. */
const firstSerial = 1000;

/** The PTR of one service in a PUSH, with the length in front. */
const pushBytes = 73;

interface Listeners {
  readonly part: Part;
  /** Who serves them. */
  readonly pid: number;
  /** Where the device sends what they are to hear of. */
  readonly target: string;
}

interface Scene {
  readonly device: Part;
  readonly ours: Listeners;
  readonly bare: Listeners;
}

const toDiscd = "224.0.0.251 5353";
const toRelay = `${link} ${relayPort}`;

async function prepare(stage: Stage, count: number): Promise<Scene> {
  const device = await stage.role("dev1", "device", "10.1.0.3");
  await device.next();
  const discd = await stage.discd("certificate = 'self-signed'\n");
  const relay = await stage.role("px", "relay", server, relayPort, link, pushBytes);
  await relay.next();
  const ours = await open(stage, 853, count);
  const bare = await open(stage, relayPort, count);
  await sleep(2000);
  return {
    device,
    ours: { part: ours, pid: discd.pid, target: toDiscd },
    bare: { part: bare, pid: relay.child.pid, target: toRelay },
  };
}

async function open(stage: Stage, port: number, count: number): Promise<Part> {
  const part = await stage.role("cli", "subscribers", server, port, ...clients);
  await part.next();
  await part.do(`open ${count} ${question}`, 120_000);
  return part;
}

let serial = firstSerial;

/** Milliseconds: from the announcement until all have heard of it, and the server's CPU time. */
interface Round {
  readonly delay: number;
  readonly work: number;
}

async function round(device: Part, { part, pid, target }: Listeners): Promise<Round> {
  await part.do("hear");
  const before = mainThreadMilliseconds(pid);
  const { at } = await device.do<{ at: number }>(`say ${target} ${serial++} ${type}`);
  const { last, bytes } = await part.next<{ last: number; bytes: number }>();
  if (bytes !== pushBytes) throw new Error(`a PUSH of ${bytes} bytes`);
  // What the link asks and tells meanwhile is over before the next round.
  await sleep(20);
  return { delay: last - at, work: mainThreadMilliseconds(pid) - before };
}

async function rounds(scene: Scene, count: number): Promise<{ ours: Round[]; bare: Round[] }> {
  const { device, ours, bare } = scene;
  const all = { ours: [] as Round[], bare: [] as Round[] };
  for (let index = 0; index < count; index++) {
    all.ours.push(await round(device, ours));
    all.bare.push(await round(device, bare));
  }
  return all;
}

/** `1.20 ms (0.90–3.10), 0.50 ms of CPU` */
function show(all: readonly Round[]): string {
  const delays = all.map(({ delay }) => delay);
  const work = median(all.map((one) => one.work));
  return `${median(delays).toFixed(2)} ms (${spread(delays)}), ${work.toFixed(2)} ms of CPU`;
}

async function measured(count: number, times: number, what: string, bound: number): Promise<Row[]> {
  const stage = new Stage();
  try {
    const scene = await prepare(stage, count);
    // Compiled by then, as in a daemon that has run for a while.
    await rounds(scene, 10);
    const { ours, bare } = await rounds(scene, times);
    const delay = (all: readonly Round[]) => median(all.map((one) => one.delay));
    return [
      {
        what,
        value: `${show(ours)}; bare TLS ${show(bare)}; ratio ${(delay(ours) / delay(bare)).toFixed(2)}`,
        promise: `median below ${bound} ms`,
        isKept: delay(ours) < bound,
      },
    ];
  } finally {
    await stage.end();
  }
}

export function pushDelay(): Promise<Row[]> {
  return measured(1, 40, "announcement to PUSH at one subscriber", 2);
}

export function fanOut(): Promise<Row[]> {
  return measured(many, 15, `announcement to PUSH at the last of ${many} subscribers`, 60);
}

/** Query packets about a type in the first seconds of so many subscriptions. */
async function asked(stage: Stage, device: Part, label: string, count: number): Promise<number> {
  await device.do(`answer 20 0 3 ${label}`);
  const part = await stage.role("cli", "subscribers", server, 853, ...clients);
  await part.next();
  const end = sleep(12_000);
  await part.do(`open ${count} ${label}.${zone}`, 60_000);
  await end;
  return (await device.do<{ packets: number }>(`asked ${label}`)).packets;
}

export async function oneQuestion(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    await stage.discd("certificate = 'self-signed'\n");
    const one = await asked(stage, device, "_one._tcp", 1);
    const all = await asked(stage, device, "_many._tcp", many);
    return [
      {
        what: `query packets for ${many} subscribers of one question, 12 s`,
        value: `${all}; for one subscriber ${one}`,
        promise: "as many",
        isKept: all > 0 && all <= one,
      },
    ];
  } finally {
    await stage.end();
  }
}
