// `npm run bench`: speed, air time and memory of the built daemon, each against a
// reference or a promise, measured in one run. Needs root for its namespaces.

import { airTime } from "./air.js";
import { coldBrowse } from "./browse.js";
import { codec } from "./decode.js";
import { discli } from "./discli.js";
import { firstPaint } from "./first-paint.js";
import { handshakes } from "./handshakes.js";
import { idleSubscribers } from "./idle.js";
import { memory } from "./memory.js";
import { greeter, prober } from "./probes.js";
import { fanOut, oneQuestion, pushDelay } from "./push.js";
import { relay } from "./relay.js";
import { asker, device, echo, load } from "./roles.js";
import type { Row } from "./row.js";
import { scraper, scrapes } from "./scrape.js";
import { subscribers } from "./subscribers.js";
import { updateDelay, updateFill } from "./update.js";
import { updateMemory } from "./update-memory.js";
import { warmAnswers } from "./warm.js";

const benches = {
  codec,
  warmAnswers,
  coldBrowse,
  airTime,
  memory,
  pushDelay,
  fanOut,
  oneQuestion,
  idleSubscribers,
  handshakes,
  scrapes,
  updateDelay,
  updateFill,
  updateMemory,
  firstPaint,
  discli,
};

/** The words of a role: an address, then numbers or names, as it says itself. */
const roles: Readonly<Record<string, (at: string, words: readonly string[]) => unknown>> = {
  echo: (at, [port, size]) => echo(at, Number(port), Number(size)),
  load: (at, [port, name = "", seconds]) => load(at, Number(port), name, Number(seconds)),
  device: (at) => device(at),
  asker: (at, [port, ...addresses]) => asker(at, Number(port), addresses),
  relay: (at, [port, link = "", size]) => relay(at, Number(port), link, Number(size)),
  subscribers: (at, [port, ...addresses]) => subscribers(at, Number(port), addresses),
  greeter: (at, [port, rate, seconds, ...addresses]) =>
    greeter(at, Number(port), Number(rate), Number(seconds), addresses),
  scraper: (at, [span]) => scraper(Number(at), Number(span)),
  prober: (at, [port, name = "", rate, seconds]) =>
    prober(at, Number(port), name, Number(rate), Number(seconds)),
};

const [flag, role = "", first = "", ...words] = process.argv.slice(2);

function play(): void {
  const part = roles[role];
  if (part === undefined) throw new Error(`no role ${role}`);
  part(first, words);
}

async function measure(): Promise<void> {
  if (process.getuid?.() !== 0) {
    process.stderr.write("bench: needs root, to make network namespaces: sudo npm run bench\n");
    process.exitCode = 1;
    return;
  }
  const rows: Row[] = [];
  const chosen = process.argv.slice(2);
  for (const [name, bench] of Object.entries(benches)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    rows.push(...(await bench()));
  }
  for (const { what, value, promise, isKept } of rows) {
    process.stdout.write(
      `${isKept ? "kept  " : "MISSED"}  ${what.padEnd(58)} ${value}  (${promise})\n`,
    );
  }
}

if (flag === "--role") play();
else await measure();
