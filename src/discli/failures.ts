// Faults that are told in one line. All others are ours.

import { ResolverError } from "../os/resolver.js";
import { ExitStatus, Failure, UsageError } from "./command.js";

/** @returns undefined for a fault of the program itself */
export function toldOf(
  error: unknown,
): { readonly text: string; readonly status: ExitStatus } | undefined {
  if (error instanceof UsageError) {
    return { text: `${error.message} (discli --help)`, status: ExitStatus.failed };
  }
  if (error instanceof Failure) return { text: error.message, status: error.status };
  if (error instanceof ResolverError) {
    return { text: error.message, status: ExitStatus.failed };
  }
  return undefined;
}
