// Faults that are told in one line. All others are ours.

import { ResolverError } from "../os/resolver.js";
import { ExitStatus, Failure, UsageError } from "./command.js";

/**
 * @param typed  the command that it happened to, as far as one was typed
 * @returns undefined for a fault of the program itself
 */
export function toldOf(
  error: unknown,
  typed?: string,
): { readonly text: string; readonly status: ExitStatus } | undefined {
  if (error instanceof UsageError) {
    const help = typed === undefined ? "discli --help" : `discli ${typed} --help`;
    return { text: `${error.message} (${help})`, status: ExitStatus.failed };
  }
  if (error instanceof Failure) return { text: error.message, status: error.status };
  if (error instanceof ResolverError) {
    return { text: error.message, status: ExitStatus.failed };
  }
  // A command's own code is read when it is typed: later than bin/start.mjs can look.
  if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
    const [reason] = error.message.split("\n");
    const text = `${reason}; run \`npm ci && npm run build\` first`;
    return { text, status: ExitStatus.failed };
  }
  return undefined;
}
