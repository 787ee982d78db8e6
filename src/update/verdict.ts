// What the outcome of an exchange means for the one who asked (RFC 2136 §3.8,
// UP-20, UP-63, UP-64, TSIG-9 to TSIG-11): which of a few ways to go on, and in
// which words an operator is told.

import { Rcode, rcodeName } from "../wire/codes.js";
import { TsigError } from "../wire/tsig.js";
import type { Outcome } from "./exchange.js";

export type Verdict =
  | { readonly kind: "done" }
  /** What we demanded is not so: read again, plan again. */
  | { readonly kind: "not-so" }
  /** Something in the message is refused; maybe not all of it. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The server did not do it now; nothing is known to be wrong with the message. */
  | { readonly kind: "failed"; readonly reason: string }
  /** No answer to be believed, after the message had left: it may have been carried out. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** There is no UPDATE here. */
  | { readonly kind: "not-here"; readonly reason: string }
  | { readonly kind: "clock"; readonly offsetSeconds: number | undefined };

/** @param hasSucceeded  whether this server ever took an update of ours with this key */
export function verdictOf(outcome: Outcome, hasSucceeded: boolean): Verdict {
  switch (outcome.kind) {
    case "copy":
      return { kind: "done" };
    case "clock":
      return { kind: "clock", offsetSeconds: outcome.offsetSeconds };
    case "answer":
      return ofRcode(outcome.rcode, hasSucceeded);
    case "failed":
      return ofFailure(outcome, hasSucceeded);
  }
}

/**
 * Whether a transfer is not to be had with this key, while updates may be. Knot's rules deny with
 * BADKEY; a wrong secret is another thing, and nothing will be had with it.
 */
export function isDenial(outcome: Outcome): boolean {
  if (!("rcode" in outcome) || outcome.rcode === undefined) return false;
  if (outcome.kind === "failed" && outcome.tsigError === TsigError.BADSIG) return false;
  return denials.has(outcome.rcode);
}

const denials: ReadonlySet<number> = new Set([Rcode.REFUSED, Rcode.NOTAUTH, Rcode.NOTIMP]);

function ofRcode(rcode: number, hasSucceeded: boolean): Verdict {
  switch (rcode) {
    case Rcode.NOERROR:
      return { kind: "done" };
    case Rcode.NXDOMAIN:
    case Rcode.YXDOMAIN:
    case Rcode.YXRRSET:
    case Rcode.NXRRSET:
      return { kind: "not-so" };
    case Rcode.NOTIMP:
      return { kind: "not-here", reason: "the server takes no updates (NOTIMP)" };
    case Rcode.SERVFAIL:
      return { kind: "failed", reason: "the server failed (SERVFAIL)" };
    case Rcode.FORMERR:
    case Rcode.REFUSED:
    case Rcode.NOTZONE:
      return { kind: "refused", reason: `the server refused it (${rcodeName(rcode)})` };
    case Rcode.NOTAUTH:
      return hasSucceeded
        ? { kind: "refused", reason: "the server's rules deny it (NOTAUTH)" }
        : { kind: "not-here", reason: "the server is not the primary of the zone (NOTAUTH)" };
    default:
      return { kind: "failed", reason: `the server answered ${rcodeName(rcode)}` };
  }
}

type Failure = Extract<Outcome, { kind: "failed" }>;

function ofFailure(outcome: Failure, hasSucceeded: boolean): Verdict {
  const { rcode, tsigError, reason, wasSent } = outcome;
  if (rcode === undefined) {
    return wasSent ? { kind: "unknown", reason } : { kind: "failed", reason };
  }
  // Knot says BADKEY where its rules deny something: a key that has worked is a good key.
  if (hasSucceeded && rcode !== Rcode.SERVFAIL && rcode !== Rcode.NOTIMP) {
    return { kind: "refused", reason: `${rcodeName(rcode)}, without proof` };
  }
  const named = tsigError === undefined ? undefined : keyFaults.get(tsigError);
  return { kind: "failed", reason: named ?? `${rcodeName(rcode)}, without proof: ${reason}` };
}

const keyFaults: ReadonlyMap<number, string> = new Map([
  [TsigError.BADKEY, "the server does not know the key, or not with this algorithm (BADKEY)"],
  [TsigError.BADSIG, "the server has another secret for the key (BADSIG)"],
]);
