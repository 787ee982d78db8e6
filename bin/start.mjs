// Starts a built program, or says in one line what it lacks: a newer Node.js, which
// would show as a baffling exception, or `npm run build`. Runs on old versions, too.
import { readFileSync } from "node:fs";

/** The version of Node.js that package.json asks for, when this one is older. */
export function missingNode() {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const needed = JSON.parse(text).engines.node.replace(">=", "");
  const steps = needed.split(".");
  const own = process.versions.node.split(".");
  const at = steps.findIndex((step, index) => Number(step) !== Number(own[index]));
  return at >= 0 && Number(own[at]) < Number(steps[at]) ? needed : undefined;
}

/** @param failed  the exit status of a program that could not be started */
export async function start(program, failed) {
  const refuse = (reason) => {
    process.stderr.write(`${program}: ${reason}\n`);
    process.exitCode = failed;
  };
  const needed = missingNode();
  if (needed !== undefined) {
    refuse(`needs Node.js ${needed} or later; this is ${process.versions.node}`);
    return;
  }
  try {
    await import(`../dist/${program}.js`);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    const [reason] = error.message.split("\n");
    refuse(`${reason}; run \`npm ci && npm run build\` first`);
  }
}
