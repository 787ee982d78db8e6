// discd, the program: reads the command line, loads the configuration and runs
// the daemon until a signal ends it. Exit status: 0 stopped, 1 configuration or
// start-up error, 70 a bug.

import packageJson from "../../package.json" with { type: "json" };
import { problemsText } from "../config/check-text.js";
import { defaultFile } from "../config/files.js";
import { Counts } from "../counts.js";
import { InterfaceWatch } from "../os/links.js";
import { StartError } from "../os/listening.js";
import { openLog } from "../os/log.js";
import { findInterfaceInFiles, loadNative } from "../os/native.js";
import { systemRandom } from "../os/random.js";
import { SystemResolver } from "../os/system-resolver.js";
import { type Arguments, readArguments, usage } from "./arguments.js";
import { bugStatus, Daemon, demoLink, load, loadLearned, type Wish } from "./daemon.js";
import { printFound } from "./find-certificate.js";
import { Learning } from "./learning.js";
import { tryLines } from "./try-lines.js";

async function main(args: Arguments): Promise<void> {
  switch (args.kind) {
    case "help":
      process.stdout.write(usage);
      break;
    case "version":
      process.stdout.write(`discd ${packageJson.version}\n`);
      process.stdout.write(`default configuration file: ${defaultFile}\n`);
      break;
    case "wrong":
      fail(`discd: ${args.text}; discd --help lists what there is\n`);
      break;
    case "check":
      await check(args, args.json);
      break;
    case "run":
      await run(args);
      break;
  }
}

function fail(text: string): void {
  process.stderr.write(text);
  process.exitCode = 1;
}

/** Without a native library the same facts come from files. */
async function openGround() {
  const found = await loadNative();
  const native = "reason" in found ? undefined : found;
  const find = native === undefined ? findInterfaceInFiles : native.findInterface.bind(native);
  const missing = "reason" in found ? found.reason : undefined;
  return { native, missing, watch: new InterfaceWatch(find) };
}

async function check(wish: Wish, json: boolean): Promise<void> {
  const { watch } = await openGround();
  const loaded = await load(wish, watch);
  const problems =
    "problems" in loaded ? loaded.problems : [...loaded.warnings, ...loaded.found.problems];
  // Standard output belongs to the JSON where that was asked for.
  (json ? process.stderr : process.stdout).write(problemsText(problems));
  if ("problems" in loaded) process.exitCode = 1;
  else if (json) {
    const printable = { ...loaded.printable, certificate: printFound(loaded.found) };
    process.stdout.write(`${JSON.stringify(printable, undefined, 2)}\n`);
  }
}

async function run(wish: Wish): Promise<void> {
  const handOver = obeySignals();
  const { native, missing, watch } = await openGround();
  const loaded = await load(wish, watch, []);
  if ("problems" in loaded) {
    fail(problemsText(loaded.problems));
    return;
  }
  const log = await openLog(loaded.settings.log);
  if (missing !== undefined) {
    log.event("warn", "links-guessed", {
      reason: missing,
      effect: "IPv4 mDNS packets are told apart by the sender's subnet only",
    });
  }
  const counts = new Counts();
  const resolver = new SystemResolver({ log, counts });
  const learning = new Learning({ resolver, random: systemRandom(), log, counts });
  const learned = await loadLearned(loaded, { watch, learning });
  // What fits without the DNS fits with it, unless an interface has gone meanwhile.
  const accepted = "problems" in learned ? loaded : learned;
  const { settings, origin } = accepted;
  const { version } = packageJson;
  const ground = { version, watch, native, log, counts, resolver, learning };
  const daemon = new Daemon(accepted, wish, ground);
  process.removeListener("uncaughtException", crash);
  process.on("uncaughtException", (error) => daemon.crash(error));
  try {
    await daemon.start(accepted);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    watch.stop();
    fail(`discd: ${error.message}\n`);
    // What was opened already must not keep the program alive.
    process.exit();
  }
  const file = origin.source.file ?? "none";
  log.event("info", "started", { version, node: process.version, pid: process.pid, file });
  handOver(daemon);
  const demo = settings.engine.proxy.links.find(({ link }) => link === demoLink);
  if (wish.demo && demo !== undefined) {
    process.stdout.write(tryLines(demo.service, daemon.listeners, daemon.pages));
  }
}

/**
 * Listens to signals from the first moment, since their defaults would end a program that
 * is still starting, and not with status 0.
 *
 * @returns to be called with the daemon once it runs
 */
function obeySignals(): (daemon: Daemon) => void {
  let running: Daemon | undefined;
  let isStopping = false;
  let isReloadWanted = false;
  const stop = async (signal: NodeJS.Signals) => {
    // Asked twice, it does not wait for anybody.
    if (isStopping || running === undefined) process.exit(0);
    isStopping = true;
    await running.stop(signal);
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGUSR2", () => running?.dump());
  process.on("SIGHUP", () => {
    isReloadWanted = true;
    running?.reload();
  });
  return (daemon) => {
    running = daemon;
    // The file may have been read before it was edited.
    if (isReloadWanted) daemon.reload();
  };
}

/** A bug where no daemon runs yet: there is no state to tell. */
function crash(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(bugStatus);
}

process.on("uncaughtException", crash);
// Whoever read the output has gone away: no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
await main(readArguments(process.argv.slice(2)));
