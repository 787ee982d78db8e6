// What can be typed, and how a wrong command line is told.

import { parseArgs } from "node:util";
import { isPin } from "../pins.js";

/** The command line makes no sense; printed as one line, exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a program has to say by its exit status. */
export const ExitStatus = { done: 0, nothing: 1, failed: 2, untested: 3 } as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

export const usageText = `usage: discli [OPTIONS] COMMAND

  browse [TYPE] [DOMAIN]      service instances of a type; without TYPE the types
         --watch              go on until Ctrl-C: a line with + for what comes, - for what goes
  resolve INSTANCE            where a service is, and what it says of itself
  query NAME [TYPE]           one question, any type (default A)
  domains [DOMAIN]            the browse and registration domains: b, lb, db, r, dr
  delegation print DOMAIN     the records that the zone DOMAIN needs, from discd.lua

options
  --server ADDR[:PORT]        whom to ask; default: the system's resolver
  -c, --config FILE           for delegation: default /etc/discd.lua
  --escaped                   print names as zone files spell them
  --json                      print JSON; with --watch one object a line
  --ca FILE                   with --watch: authorities that vouch for servers of Push (PEM)
  --pin PIN                   the same: sha256/BASE64 of a server's public key, or the SHA-256
                              of its certificate; may be given several times
  --no-push, --no-llq         with --watch: leave out a way of being told of changes
  --help, --version

Names are plain UTF-8; a dot inside a label is written \\. (quote it in the shell).
Without DOMAIN, the domains are browsed that the search domains of /etc/resolv.conf name.
exit status: 0 done, 1 nothing found, 2 failed
`;

/** Commands and options that have a name but no code yet: nobody should look for a typing error. */
const laterCommands = new Set([
  "show",
  "reload",
  "refresh",
  "stats",
  "health",
  "doctor",
  "leakcheck",
  "policy",
  "update",
  "tsig-policy",
]);
const laterOptions = ["api", "zone", "as", "all", "explain", "if", "client"];

/** Words that each command takes after its name. */
const wordsMax: Readonly<Record<string, number>> = {
  browse: 2,
  resolve: 1,
  query: 2,
  domains: 1,
  delegation: 2,
};

export interface CommandLine {
  readonly command: string;
  readonly words: readonly string[];
  readonly server: string | undefined;
  readonly config: string | undefined;
  readonly escaped: boolean;
  readonly json: boolean;
  /** Only for browse. */
  readonly watch?: WatchWords;
}

/** How changes are to be heard of. */
export interface WatchWords {
  /** A file of certificates. */
  readonly ca: string | undefined;
  readonly pins: readonly string[];
  readonly takesPush: boolean;
  readonly takesLlq: boolean;
}

/**
 * Reads the command line.
 *
 * @param args without the program's name
 * @throws UsageError
 */
export function readCommandLine(args: readonly string[]): CommandLine | "help" | "version" {
  const { values, positionals } = parse(args);
  if (values.help === true) return "help";
  if (values.version === true) return "version";
  const [command, ...words] = positionals;
  if (command === undefined) throw new UsageError("a command is missing");
  if (laterCommands.has(command)) throw new UsageError(`not yet: ${command} is not built`);
  const most = wordsMax[command];
  if (most === undefined || !Object.hasOwn(wordsMax, command)) {
    throw new UsageError(`there is no command "${command}"`);
  }
  if (words.length > most)
    throw new UsageError(`${command}: "${words[most]}" is one word too many`);
  const { server, config, escaped = false, json = false } = values;
  if (values.for !== undefined && values.for !== "bind") {
    throw new UsageError(`not yet: --for ${values.for} is not built; --for bind is`);
  }
  const watch = watchWords(command, values);
  const line = { command, words, server, config, escaped, json };
  return watch === undefined ? line : { ...line, watch };
}

const watchOptions = ["ca", "pin", "no-push", "no-llq"] as const;

function watchWords(
  command: string,
  values: ReturnType<typeof parse>["values"],
): WatchWords | undefined {
  if (values.watch !== true) {
    const stray = watchOptions.find((option) => values[option] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} says something only with --watch`);
    return undefined;
  }
  if (command !== "browse") throw new UsageError(`${command}: only browse can --watch`);
  const { ca, pin = [] } = values;
  const wrong = pin.find((one) => !isPin(one));
  if (wrong !== undefined) {
    const forms = "write sha256/ and base64, or the 64 hexadecimal digits of a fingerprint";
    throw new UsageError(`--pin ${wrong}: ${forms}`);
  }
  const takesPush = values["no-push"] !== true;
  return { ca, pins: pin, takesPush, takesLlq: values["no-llq"] !== true };
}

function parse(args: readonly string[]) {
  const later = args.find((word) => laterOptions.includes(word.replace(/^--|=.*$/g, "")));
  if (later?.startsWith("--")) throw new UsageError(`not yet: ${later} is not built`);
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        server: { type: "string" },
        config: { type: "string", short: "c" },
        for: { type: "string" },
        escaped: { type: "boolean" },
        json: { type: "boolean" },
        watch: { type: "boolean" },
        ca: { type: "string" },
        pin: { type: "string", multiple: true },
        "no-push": { type: "boolean" },
        "no-llq": { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    // The first sentence; what follows is about rare ways of quoting.
    const [sentence = ""] = (error as Error).message.split(/\.\s|\n/);
    throw new UsageError(sentence.replace(/\.$/, ""));
  }
}
