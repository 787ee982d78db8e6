// discli: asks DNS servers what a Bonjour client would ask, prints what a
// delegating zone needs, and tells what a running discd says of itself. The
// commands are in table.ts; only the code of the one that was typed is read.

import packageJson from "../../package.json" with { type: "json" };
import { ExitStatus } from "./command.js";
import { harmlessLines } from "./harmless.js";
import { Terminal } from "./output.js";
import { commandHelp, helpText, readCommandLine, typedCommand } from "./usage.js";

const output = new Terminal();
const args = process.argv.slice(2);

/** With what a shell reports of a program that one of them ended. */
const signals = { SIGINT: 128 + 2, SIGTERM: 128 + 15, SIGHUP: 128 + 1 } as const;

async function run(): Promise<ExitStatus> {
  const line = readCommandLine(args);
  if ("wish" in line) {
    if (line.wish === "version") output.print(`discli ${packageJson.version}\n`);
    else output.print(line.of === undefined ? helpText() : commandHelp(line.of));
    return ExitStatus.done;
  }
  const { command, ...request } = line;
  const { run } = await command.load();
  return run({ ...request, output });
}

/** Not the status of "nothing found", which Node gives to an exception. */
function crash(error: unknown): never {
  output.stop();
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${harmlessLines(text)}\n`);
  process.exit(ExitStatus.failed);
}

process.on("uncaughtException", crash);
// Commands that go on until Ctrl-C end themselves.
for (const [signal, status] of Object.entries(signals)) {
  process.on(signal, () => {
    if (process.listenerCount(signal) > 1) return;
    output.stop();
    process.exit(status);
  });
}
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  // Whoever read the output, such as head, has seen enough; EIO is of a terminal that went away.
  if (code === "EPIPE" || code === "EIO") process.exit(ExitStatus.done);
  output.complain(`the results cannot be written: ${code}; is there room where they go?`);
  process.exit(ExitStatus.failed);
});
process.stderr.on("error", () => {});
try {
  process.exitCode = await run();
} catch (error) {
  const { toldOf } = await import("./failures.js");
  const told = toldOf(error, typedCommand(args));
  if (told === undefined) crash(error);
  output.complain(told.text);
  process.exitCode = told.status;
}
output.stop();
