// `npm run fuzz -- --seconds N [--seed S]`: the decoder on fresh hostile packets
// until the time is over. What breaks it is written, shrunk, to corpus/, where
// the unit tests find it.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { toHex } from "../wire/captures.js";
import { hostileBytes, judge } from "./decode.js";
import { hostileOptions, hostileTlvs, judgeOption, judgeTlvs } from "./tlv.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});

const packetsPerRound = 2000;
const end = Date.now() + Number(values.seconds) * 1000;
let seed = Number(values.seed);
let packets = 0;
while (Date.now() < end) {
  const run = { numRuns: packetsPerRound, seed };
  // These break without a packet to keep: the seed tells which.
  fc.assert(fc.property(hostileTlvs, judgeTlvs), run);
  fc.assert(fc.property(hostileOptions, judgeOption), run);
  const outcome = fc.check(fc.property(hostileBytes, judge), run);
  packets += outcome.numRuns;
  if (outcome.failed) {
    const [bytes] = outcome.counterexample as [Uint8Array];
    const digits = toHex(bytes);
    const name = createHash("sha256").update(digits).digest("hex").slice(0, 12);
    const lines = (digits.match(/.{1,64}/g) ?? []).join("\n");
    const reason = String(outcome.errorInstance).split("\n")[0];
    writeFileSync(`test/fuzz/corpus/${name}.hex`, `# ${reason}\n${lines}\n`);
    process.stderr.write(`seed ${seed}: ${outcome.errorInstance}\n`);
    process.stderr.write(`written to test/fuzz/corpus/${name}.hex\n`);
    process.exit(1);
  }
  seed += 1;
}
process.stdout.write(`${packets} packets, nothing found; the last seed was ${seed - 1}\n`);
