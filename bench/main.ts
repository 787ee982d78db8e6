// `npm run bench`: speed, air time and memory of the built daemon, each against a
// reference or a promise, measured in one run. Needs root for its namespaces.

import { airTime } from "./air.js";
import { coldBrowse } from "./browse.js";
import { codec } from "./decode.js";
import { memory } from "./memory.js";
import { asker, device, echo, load } from "./roles.js";
import type { Row } from "./row.js";
import { warmAnswers } from "./warm.js";

const [flag, role, ...words] = process.argv.slice(2);

function play(): void {
  const [first = "", second = "", third = "", fourth = ""] = words;
  if (role === "echo") echo(first, Number(second), Number(third));
  else if (role === "load") load(first, Number(second), third, Number(fourth));
  else if (role === "device") device(first);
  else if (role === "asker") asker(first, Number(second), words.slice(2));
  else throw new Error(`no role ${role}`);
}

async function measure(): Promise<void> {
  if (process.getuid?.() !== 0) {
    process.stderr.write("bench: needs root, to make network namespaces: sudo npm run bench\n");
    process.exitCode = 1;
    return;
  }
  const rows: Row[] = [];
  const chosen = process.argv.slice(2);
  for (const [name, bench] of Object.entries({ codec, warmAnswers, coldBrowse, airTime, memory })) {
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
