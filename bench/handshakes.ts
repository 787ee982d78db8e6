// What 300 full TLS handshakes a second do to those who ask over UDP, against
// the same without any handshake.

import { setTimeout as sleep } from "node:timers/promises";
import { median, type Row } from "./row.js";
import { clients, cpuMicroseconds, Stage, server, zone } from "./stage.js";

const rate = 300;
const queryRate = 400;
const seconds = 5;
const rounds = 5;
const type = "_ipp._tcp";

interface Probe {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly lost: number;
}

interface Greeting {
  readonly made: number;
  readonly failed: number;
  readonly seconds: number;
}

interface Beset extends Probe {
  /** Microseconds of CPU for each handshake. */
  readonly each: number;
  /** Handshakes a second that there were in fact. */
  readonly rate: number;
}

async function probe(stage: Stage): Promise<Probe> {
  const name = `${type}.${zone}`;
  const part = await stage.role("cli", "prober", server, 53, name, queryRate, seconds);
  return part.next<Probe>();
}

/** The same while clients come, a second earlier and a second longer than the queries. */
async function beset(stage: Stage, pid: number): Promise<Beset> {
  const words = [server, 853, rate, seconds + 2, ...clients];
  const greeter = await stage.role("cli", "greeter", ...words);
  const before = cpuMicroseconds(pid);
  await sleep(1000);
  const probed = await probe(stage);
  const greeted = await greeter.next<Greeting>();
  const { made, failed } = greeted;
  if (failed > 0) throw new Error(`${made} handshakes made, ${failed} failed`);
  const each = (cpuMicroseconds(pid) - before) / made;
  return { ...probed, each, rate: made / greeted.seconds };
}

export async function handshakes(): Promise<Row[]> {
  const stage = new Stage();
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    await device.do(`answer 20 0 8 ${type}`);
    const discd = await stage.discd(`certificate = 'self-signed'\nwarm = { '${type}' }\n`);
    await sleep(2500);
    await beset(stage, discd.pid);
    const calm: Probe[] = [];
    const busy: Beset[] = [];
    for (let count = 0; count < rounds; count++) {
      calm.push(await probe(stage));
      busy.push(await beset(stage, discd.pid));
    }
    const show = (all: readonly Probe[]) =>
      `p50 ${median(all.map(({ p50 }) => p50)).toFixed(2)}, p99 ${median(all.map(({ p99 }) => p99)).toFixed(2)}, worst ${Math.max(...all.map(({ max }) => max)).toFixed(1)} ms`;
    const p99 = median(busy.map((one) => one.p99));
    const lost = [...calm, ...busy].reduce((sum, one) => sum + one.lost, 0);
    const ratio = p99 / median(calm.map((one) => one.p99));
    return [
      {
        what: `UDP answers while ${Math.round(median(busy.map((one) => one.rate)))} full handshakes a second are accepted`,
        value: `${show(busy)}; without ${show(calm)}, ratio of p99 ${ratio.toFixed(1)}; ${Math.round(median(busy.map(({ each }) => each)))} µs of CPU a handshake, ${lost} lost`,
        promise: "p99 at most 20 ms",
        isKept: p99 <= 20 && lost === 0,
      },
    ];
  } finally {
    await stage.end();
  }
}
