// The command line of discd, read once: what is to be done, or one line that
// says what is wrong with it.

import { parseArgs } from "node:util";
import { defaultFile } from "../config/files.js";

export type Arguments =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | {
      readonly kind: "check";
      readonly file: string | undefined;
      readonly demo: boolean;
      readonly json: boolean;
    }
  | { readonly kind: "run"; readonly file: string | undefined; readonly demo: boolean }
  | { readonly kind: "wrong"; readonly text: string };

export const usage = `usage: discd [-c FILE] [--check [--print-json]] [--demo]

  -c, --config FILE   the configuration; default ${defaultFile} if it exists, else none
      --check         load and check the configuration, print every problem, exit 0 or 1
      --print-json    with --check: print the configuration with its defaults filled in
      --demo          add a link with made-up devices, zone demo.home.arpa
      --version       print the version and the path of the default configuration file
      --help          print this

signals: SIGHUP loads the configuration again, SIGTERM and SIGINT stop cleanly,
SIGUSR2 writes the state to the log. The log goes to standard error.
`;

/** @param words the command line without the program's name */
export function readArguments(words: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        config: { type: "string", short: "c" },
        check: { type: "boolean" },
        "print-json": { type: "boolean" },
        demo: { type: "boolean" },
        version: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) return { kind: "help" };
    if (values.version === true) return { kind: "version" };
    const { config: file, demo = false, "print-json": json = false } = values;
    if (file === "") return { kind: "wrong", text: "--config needs the path of a file" };
    if (values.check === true) return { kind: "check", file, demo, json };
    if (json) return { kind: "wrong", text: "--print-json goes with --check" };
    return { kind: "run", file, demo };
  } catch (error) {
    // The first sentence; what follows is about rare ways of quoting.
    const [sentence = ""] = (error as Error).message.split(/\.\s|\n/);
    return { kind: "wrong", text: sentence.replace(/\.$/, "") };
  }
}
