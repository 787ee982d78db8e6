// Mode 'update' while devices come and go and its parties die: discd killed at any
// moment, the primary away or played in from a backup, a second discd on the link.
// When all is over the zone is as the link is, and what others wrote is untouched.
// Each story has a laboratory of its own, so that they pass at the same time.

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect } from "vitest";
import { run } from "./children.js";
import type { Daemon } from "./daemon.js";
import type { Device, Heard } from "./device.js";
import { Lab } from "./lab.js";
import { needs } from "./needs.js";
import { plainName, type Rec, response, typeNumber } from "./packet.js";
import { secretText } from "./primaries.js";
import { goodbye, service } from "./publishing.js";
import {
  published,
  serial,
  startDiscd,
  startNamed,
  startNamedAgain,
  untilZone,
  updateZone,
} from "./update-lab.js";

const it = needs("named", "dig");
const drawing = `
  wan:  px   10.8.0.53/24
      | px2  10.8.0.54/24
      | ns1  10.8.0.1/24
  net1: px   10.1.0.1/24
      | px2  10.1.0.9/24
      | dev1 10.1.0.4/24
`;

/** Somebody's own, some of it under names that devices of the link use as well. */
const foreign = [
  "wiki A 192.0.2.80",
  'wiki TXT "of the administrator"',
  "By-Hand._ipp._tcp SRV 0 0 631 wiki",
  'By-Hand._ipp._tcp TXT "by=hand"',
  "_ipp._tcp PTR By-Hand._ipp._tcp",
  "Unit5._ipp._tcp SRV 0 0 9100 wiki",
  'Unit5._ipp._tcp TXT "not=yours"',
  "host6 A 192.0.2.86",
];

const folder = mkdtempSync(join(tmpdir(), "discd-turmoil-"));
const labs: Lab[] = [];
afterAll(async () => {
  for (const lab of labs) await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

function laboratory(): Lab {
  const lab = new Lab(drawing, {});
  labs.push(lab);
  return lab;
}

const fresh = () => mkdtempSync(join(folder, "f"));

/** Devices of one scripted host: what is there is answered for, what is not is not. */
class Fleet {
  readonly #device: Device;
  readonly #live = new Map<string, readonly Rec[]>();

  private constructor(device: Device) {
    this.#device = device;
    device.on("query", (heard: Heard) => this.#answer(heard));
  }

  static async of(lab: Lab): Promise<Fleet> {
    return new Fleet(await lab.device("dev1", "net1", [4]));
  }

  #answer({ message: { questions } }: Heard): void {
    const all = [...this.#live.values()].flat();
    const fits = (record: Rec) =>
      questions.some(
        ({ name, type }) =>
          plainName(record.name).toLowerCase() === name.toLowerCase() &&
          (type === 255 || type === typeNumber(record.type)),
      );
    const answers = all.filter(fits);
    if (answers.length > 0) this.#device.say(response(answers));
  }

  has(unit: number): boolean {
    return this.#live.has(`Unit${unit}`);
  }

  come(unit: number): void {
    const records = service(`Unit${unit}`, {
      host: `host${unit}`,
      address: `10.1.0.${100 + unit}`,
    });
    this.#live.set(`Unit${unit}`, records);
    this.#device.announce(records);
  }

  /** Without a word it leaves as if its plug had been pulled. */
  go(unit: number, word: "goodbye" | "silence" = "goodbye"): void {
    const records = this.#live.get(`Unit${unit}`) ?? [];
    this.#live.delete(`Unit${unit}`);
    if (word === "goodbye") this.#device.announce(goodbye(records));
  }

  /** What the zone has to hold of them, and nothing else; `except`: units whose names are taken. */
  expected(except: readonly number[] = []): string[] {
    const units = [...this.#live.keys()].filter((name) => !except.includes(Number(name.slice(4))));
    const own = units.flatMap((name) => [
      `_ipp._tcp PTR ${name}._ipp._tcp`,
      `${name}._ipp._tcp SRV 0 0 631 host${name.slice(4)}`,
      `${name}._ipp._tcp TXT "a=b"`,
      `host${name.slice(4)} A 10.1.0.${100 + Number(name.slice(4))}`,
    ]);
    const browsing = ["b", "db", "lb"].map((one) => `${one}._dns-sd._udp PTR ${updateZone}.`);
    const kinds = units.length === 0 ? [] : ["_services._dns-sd._udp PTR _ipp._tcp"];
    return [...own, ...browsing, ...kinds].sort();
  }
}

/** What discd keeps in the zone, without TIMEOUTs and without what is `others`'. */
function data(lines: readonly string[], others: readonly string[] = []): string[] {
  return lines.filter((line) => !line.includes("TYPE65280") && !others.includes(line));
}

/** TIMEOUTs at names that have nothing else. */
function orphans(lines: readonly string[]): string[] {
  const owners = new Set(data(lines).map((line) => line.split(" ", 1)[0]));
  return lines.filter((line) => !owners.has(line.split(" ", 1)[0]));
}

async function untilIs(lab: Lab, fleet: Fleet, limit: number, others = [] as readonly string[]) {
  const taken = others.length > 0 ? [5, 6] : [];
  const wanted = fleet.expected(taken).join("\n");
  const holds = (lines: readonly string[]) => data(lines, others).join("\n") === wanted;
  await untilZone(`the zone is\n${wanted}\n--`, lab, holds, limit);
  expect(orphans(published(lab))).toEqual([]);
}

/** All of the zone as it is transferred, TTLs too, but for the serial and what is not `foreign`. */
function foreignLines(lab: Lab): string[] {
  const key = `hmac-sha256:discd-link1.example.:${secretText}`;
  const words = ["dig", "@127.0.0.1", "-y", key, updateZone, "AXFR", "+noall", "+answer"];
  const names = /^(wiki|By-Hand|Unit5|host6|keep|ns1|link1\.discd\.test|_ipp\S+.*By-Hand)\b/;
  return run([...lab.enter("ns1"), ...words, "+onesoa"])
    .split("\n")
    .filter((line) => names.test(line) && !/TYPE65280/.test(line))
    .map((line) => line.replace(/(SOA\s+\S+ \S+) \d+/, "$1").replace(/\s+/g, " "))
    .sort();
}

const trusting = "trust_clock = true,";

/** Units that come and go until told otherwise. */
async function churn(
  fleet: Fleet,
  random: () => number,
  isOver: () => boolean,
  goodbyes: number,
): Promise<void> {
  while (!isOver()) {
    const unit = 1 + Math.floor(random() * 12);
    if (fleet.has(unit)) fleet.go(unit, random() < goodbyes ? "goodbye" : "silence");
    else fleet.come(unit);
    await sleep(300 + random() * 900);
  }
}

/** What a failure can be had again with is in the output. */
function seeded(): () => number {
  const seed = Date.now() >>> 10;
  console.log(`seed ${seed}`);
  return randomFrom(seed);
}

/** A generator with a seed (mulberry32), so that a failure can be had again. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it.concurrent("killed at any moment while devices come and go, nothing live is missing at the end, nothing dead left, nothing foreign changed [UP-57] [UP-65]", async () => {
  const lab = laboratory();
  lab.keep(await startNamed(lab, fresh(), { records: foreign }));
  const before = foreignLines(lab);
  const fleet = await Fleet.of(lab);
  const random = seeded();
  const state = join(fresh(), "state");
  const start = () => startDiscd(lab, { state, update: trusting });
  let isOver = false;
  const churning = churn(fleet, random, () => isOver, 0.7);
  for (let round = 0; round < 6; round += 1) {
    const doomed = await start();
    await sleep(500 + random() * 8500);
    await doomed.child.stop("SIGKILL");
    await sleep(random() * 1500);
  }
  const last = await start();
  await sleep(4000);
  isOver = true;
  await churning;
  // One that is asked for in vain is gone after its TTL of 120 s; what nobody announces
  // again, 120 s after the start.
  await untilIs(lab, fleet, 150_000, foreign);
  expect(foreignLines(lab)).toEqual(before);
  expect(last.log.join("\n")).not.toMatch(/"level":"(error|fatal)"|state-file-faulty/);
}, 240_000);

it.concurrent("what changed while the primary was away is made up for, and what a backup lacks [UP-28] [UP-57]", async () => {
  const lab = laboratory();
  const at = fresh();
  const first = lab.keep(await startNamed(lab, at));
  const fleet = await Fleet.of(lab);
  const daemon = await startDiscd(lab, { state: join(fresh(), "state"), update: trusting });
  for (const unit of [1, 2, 3]) fleet.come(unit);
  await untilIs(lab, fleet, 30_000);
  // A clean end writes the zone into its file: that is the backup.
  await first.stop();
  copyFileSync(join(at, "link1.db"), join(at, "backup.db"));
  fleet.go(2);
  fleet.come(4);
  await sleep(3000);
  fleet.come(5);
  await sleep(3000);
  fleet.go(5);
  await sleep(14_000);
  const second = lab.keep(await startNamedAgain(lab, at));
  // Tries are 1, 2, 4, 8, 16 and 32 s apart, a few more or less.
  await untilIs(lab, fleet, 60_000);
  expect(daemon.log.join("\n")).toMatch(/nothing listens there.*update-failed/);
  for (const unit of [6, 7]) fleet.come(unit);
  await untilIs(lab, fleet, 15_000);
  // Nothing may be under way that would notice it by itself.
  await sleep(5000);
  const told = daemon.log.length;
  const reached = serial(lab);
  await second.stop();
  copyFileSync(join(at, "backup.db"), join(at, "link1.db"));
  rmSync(join(at, "link1.db.jnl"));
  lab.keep(await startNamedAgain(lab, at));
  expect(serial(lab)).toBeLessThan(reached);
  expect(data(published(lab))).not.toEqual(fleet.expected());
  // The serial is looked at every 50 to 70 s.
  await untilIs(lab, fleet, 85_000);
  const faulty = daemon.log.slice(told).filter((line) => /"level":"(error|fatal)"/.test(line));
  expect(faulty.filter((line) => !/nothing listens there|closed/.test(line))).toEqual([]);
}, 240_000);

/** Counts of what went wrong with updates; tries that somebody else was faster with are none. */
async function faults(daemon: Daemon): Promise<readonly string[]> {
  const dump = (await daemon.state()) as unknown as {
    engine: { counts: Readonly<Record<string, number>> };
  };
  return Object.entries(dump.engine.counts).flatMap(([name, count]) =>
    count > 0 && /^(drops\/)?update/.test(name) && !/-(done|not-so)$/.test(name) ? [name] : [],
  );
}

it.concurrent("two discd on one link, with TIMEOUT records: neither minds the other, and one is enough [UP-11] [A3.14]", async () => {
  const lab = laboratory();
  lab.keep(await startNamed(lab, fresh()));
  const fleet = await Fleet.of(lab);
  const start = (node: string) =>
    startDiscd(lab, { state: join(fresh(), "state"), update: trusting, node });
  const daemons = [await start("px"), await start("px2")] as const;
  const [one, other] = daemons;
  let isOver = false;
  const churning = churn(fleet, seeded(), () => isOver, 1);
  await sleep(45_000);
  isOver = true;
  await churning;
  for (const unit of [1, 2, 3]) if (!fleet.has(unit)) fleet.come(unit);
  await untilIs(lab, fleet, 30_000);
  // Whatever was under way comes to its end.
  await sleep(10_000);
  const stable = serial(lab);
  const lives = published(lab);
  for (const daemon of daemons) {
    expect(await faults(daemon)).toEqual([]);
    expect(daemon.log.join("\n")).not.toMatch(/"level":"(warn|error|fatal)"/);
  }
  await one.child.stop("SIGKILL");
  await sleep(60_000);
  expect(serial(lab)).toBe(stable);
  expect(published(lab)).toEqual(lives);
  // What the killed one spoke for stays until its TIMEOUT is over; all else goes on.
  fleet.come(13);
  await untilIs(lab, fleet, 20_000);
  fleet.go(13);
  await untilIs(lab, fleet, 20_000);
  expect(other.log.join("\n")).not.toMatch(/"level":"(warn|error|fatal)"/);
}, 240_000);
