// What reading 2,000 services over HTTP, and the page of metrics with them, does to
// those who ask over UDP: against the same without anybody who reads.

import { spawnSync } from "node:child_process";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { RRType } from "../src/wire/codes.js";
import { clock, tell } from "./roles.js";
import { median, type Row } from "./row.js";
import { residentBytes, Stage, server, zone } from "./stage.js";

const services = 2000;
const queryRate = 500;
const seconds = 6;
/** Two minutes in all: then addresses run out, since nobody asks for them any more. */
const rounds = 3;
const type = "_ipp._tcp";
const port = 8053;

interface Probe {
  readonly p50: number;
  readonly p999: number;
  readonly max: number;
  readonly lost: number;
}

interface Scraped {
  readonly scrapes: number;
  /** Bytes of the list of services. */
  readonly bytes: number;
  /** Median milliseconds of one list. */
  readonly ms: number;
}

function fetchBytes(at: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: at, path }, (response) => {
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
      });
      response.on("end", () => resolve(bytes));
    }).on("error", reject);
  });
}

/** Reads both pages over and over, one after the other, with a moment between them. */
export async function scraper(at: number, span: number): Promise<void> {
  // Under `chrt -r 1` two cores would be shared by three, in slices of 100 ms.
  spawnSync("chrt", ["--all-tasks", "--other", "--pid", "0", String(process.pid)]);
  const end = clock() + span * 1000;
  const times: number[] = [];
  let bytes = 0;
  while (clock() < end) {
    const began = clock();
    bytes = await fetchBytes(at, "/v1/services");
    times.push(clock() - began);
    await fetchBytes(at, "/metrics");
    await sleep(20);
  }
  tell({ scrapes: times.length, bytes, ms: median(times) });
  process.exit(0);
}

async function probe(stage: Stage): Promise<Probe> {
  const name = `_http._tcp.${zone}`;
  const part = await stage.role("cli", "prober", server, 53, name, queryRate, seconds);
  return part.next<Probe>();
}

async function beset(stage: Stage): Promise<Probe & Scraped> {
  const reading = await stage.role("px", "scraper", port, seconds + 2);
  await sleep(1000);
  const probed = await probe(stage);
  return { ...probed, ...(await reading.next<Scraped>()) };
}

/** Resident memory of a daemon that holds all the services, and the stage that it runs on. */
async function filled(http: string): Promise<{ stage: Stage; bytes: number }> {
  const stage = new Stage();
  try {
    const device = await stage.role("dev1", "device", "10.1.0.3");
    await device.next();
    await device.do(`answer 10 0 20 ${type}`);
    await device.do("answer 10 0 8 _http._tcp");
    const discd = await stage.discd(`http = ${http}\nwarm = { '_http._tcp' }\n`);
    const asker = await stage.role("cli", "asker", server, 53, "10.8.0.2");
    await asker.next();
    await asker.do(JSON.stringify([[0, `${type}.${zone}`, RRType.PTR]]));
    await sleep(2500);
    const slice = 500;
    for (let first = 20; first < services; first += slice) {
      await device.do(`flood ${first} ${Math.min(slice, services - first)} ${type}`);
      await sleep(200);
    }
    await sleep(6000);
    return { stage, bytes: residentBytes(discd.pid) };
  } catch (error) {
    await stage.end();
    throw error;
  }
}

/** The middle of some probes' figures, and the worst of all. */
function show(all: readonly Probe[]): string {
  const middle = (pick: (one: Probe) => number) => median(all.map(pick)).toFixed(2);
  const worst = Math.max(...all.map(({ max }) => max)).toFixed(1);
  return `p50 ${middle(({ p50 }) => p50)}, p99.9 ${middle(({ p999 }) => p999)}, worst ${worst} ms`;
}

export async function scrapes(): Promise<Row[]> {
  const without = await filled("false");
  await without.stage.end();
  const { stage, bytes } = await filled(`{ listen = '127.0.0.1:${port}' }`);
  try {
    await beset(stage);
    const calm: Probe[] = [];
    const busy: (Probe & Scraped)[] = [];
    for (let count = 0; count < rounds; count++) {
      calm.push(await probe(stage));
      busy.push(await beset(stage));
    }
    const worst = (all: readonly Probe[]) => median(all.map(({ max }) => max));
    const delay = worst(busy) - worst(calm);
    const lost = [...calm, ...busy].reduce((sum, one) => sum + one.lost, 0);
    const [last] = busy;
    const rate = median(busy.map((one) => one.scrapes)) / (seconds + 2);
    return [
      {
        what: `UDP answers while ${services} services and the metrics are read`,
        value: `${show(busy)}; without ${show(calm)}; ${rate.toFixed(1)} times a second, ${Math.round((last?.bytes ?? 0) / 1024)} KB in ${median(busy.map(({ ms }) => ms)).toFixed(0)} ms; ${lost} lost`,
        promise: "the worst at most 5 ms later",
        isKept: delay <= 5 && lost === 0,
      },
      {
        what: `resident memory for the API, with ${services} services`,
        value: `${((bytes - without.bytes) / 2 ** 20).toFixed(1)} MB, ${((bytes - without.bytes) / services / 1024).toFixed(1)} KB a service`,
        promise: "for the record",
        isKept: true,
      },
    ];
  } finally {
    await stage.end();
  }
}
