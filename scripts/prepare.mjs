// Makes a checkout ready to run: installs what package-lock.json says, unless
// that is done already, then builds. Without anything to install it needs no network.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingNode } from "../bin/start.mjs";

const top = fileURLToPath(new URL("..", import.meta.url));
const lock = join(top, "package-lock.json");
// npm writes this file last, so it also tells of an installation that was cut short.
const installed = join(top, "node_modules", ".package-lock.json");

function isInstalled() {
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

function run(program, words) {
  const { status, error } = spawnSync(program, words, { cwd: top, stdio: "inherit" });
  if (status === 0) return;
  process.stderr.write(`${program} ${words.join(" ")}: ${error?.message ?? "failed"}\n`);
  process.exit(1);
}

const needed = missingNode();
if (needed !== undefined) {
  process.stderr.write(
    `discd needs Node.js ${needed} or later; this is ${process.versions.node}\n`,
  );
  process.exit(1);
}
if (!isInstalled()) {
  process.stdout.write("installing what package-lock.json names ...\n");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}
process.stdout.write("building ...\n");
run(process.execPath, [join("scripts", "build.mjs")]);
