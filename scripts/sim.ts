// The long simulation: `npm run sim -- --seed N --minutes M [--seeds COUNT] [--fault N]`.
// Runs worlds of M virtual minutes from seed N on and prints a line for each. A
// broken rule prints the seed, the step, the last packets and how to replay it.

import { parseArgs } from "node:util";
import { runSeed } from "../test/sim/scenario.js";
import { Violation } from "../test/sim/violation.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "10" },
    seeds: { type: "string", default: "1" },
    /** Number of the effect that fails. */
    fault: { type: "string" },
  },
});

const first = Number(values.seed);
const minutes = Number(values.minutes);
const count = Number(values.seeds);
const fault = values.fault === undefined ? undefined : Number(values.fault);
if (![first, minutes, count].every((number) => Number.isFinite(number) && number > 0)) {
  process.stderr.write("usage: npm run sim -- --seed N --minutes M [--seeds COUNT] [--fault N]\n");
  process.exit(2);
}

let broken = 0;
for (let seed = first; seed < first + count; seed++) {
  const start = performance.now();
  try {
    const { digest, asked, packets, checked, copies } = runSeed(seed, minutes, fault);
    const spent = Math.round(performance.now() - start);
    process.stdout.write(
      `seed ${seed}: ${asked} questions, ${packets} packets, ${checked} answers compared ` +
        `in the end, ${copies} copies, digest ${digest}, ${spent} ms\n`,
    );
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    broken += 1;
    process.stdout.write(`seed ${seed}: ${error.message}\n`);
  }
}
if (broken > 0) process.stdout.write(`${broken} of ${count} seeds broke a rule\n`);
process.exit(broken > 0 ? 1 : 0);
