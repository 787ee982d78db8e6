// What the outcome of an exchange means for the one who asked (RFC 2136 §3.8,
// UP-20, UP-63, UP-64, TSIG-9 to TSIG-11): which of a few ways to go on, and in
// which words an operator is told.

import { Rcode, rcodeName } from "../wire/codes.js";
import { displayName } from "../wire/name.js";
import { TsigError, type TsigKey } from "../wire/tsig.js";
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

/** What is known of the one who gave the answer. */
export interface Witness {
  /** Whether this server ever took an update of ours with this key. */
  readonly hasSucceeded: boolean;
  readonly key: TsigKey | undefined;
}

export function verdictOf(outcome: Outcome, witness: Witness): Verdict {
  switch (outcome.kind) {
    case "copy":
      return { kind: "done" };
    case "clock":
      return { kind: "clock", offsetSeconds: outcome.offsetSeconds };
    case "answer":
      return ofRcode(outcome.rcode, witness);
    case "failed":
      return ofFailure(outcome, witness);
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

/** @param offsetSeconds  server's clock less ours, where it told */
export function clockReason(offsetSeconds: number | undefined): string {
  const direction = (offsetSeconds ?? 0) > 0 ? "ahead of" : "behind";
  const isTold = offsetSeconds !== undefined && offsetSeconds !== 0;
  const offset = isTold ? `is ${Math.abs(offsetSeconds)} s ${direction} ours` : undefined;
  return `the server's clock ${offset ?? "is not ours"} (BADTIME): set both by NTP`;
}

const denials: ReadonlySet<number> = new Set([Rcode.REFUSED, Rcode.NOTAUTH, Rcode.NOTIMP]);

const keyText = ({ key }: Witness) =>
  key === undefined ? "a host without a key" : `the key '${displayName(key.name)}'`;

const noPrimary = "name the zone's primary with update.server";

function ofRcode(rcode: number, witness: Witness): Verdict {
  const key = keyText(witness);
  switch (rcode) {
    case Rcode.NOERROR:
      return { kind: "done" };
    case Rcode.NXDOMAIN:
    case Rcode.YXDOMAIN:
    case Rcode.YXRRSET:
    case Rcode.NXRRSET:
      return { kind: "not-so" };
    case Rcode.NOTIMP:
      return { kind: "not-here", reason: `the server takes no updates (NOTIMP): ${noPrimary}` };
    case Rcode.SERVFAIL:
      return { kind: "failed", reason: "the server failed (SERVFAIL): its own log says why" };
    case Rcode.FORMERR:
      return { kind: "refused", reason: "the server takes it for malformed (FORMERR)" };
    case Rcode.REFUSED:
      return {
        kind: "refused",
        reason: `the server's rules for updates do not allow it (REFUSED): look at what ${key} may do`,
      };
    case Rcode.NOTZONE:
      return { kind: "refused", reason: "the server says it lies outside the zone (NOTZONE)" };
    case Rcode.NOTAUTH:
      return witness.hasSucceeded
        ? { kind: "refused", reason: `the server's rules deny it to ${key} (NOTAUTH)` }
        : {
            kind: "not-here",
            reason: `the server is not the primary of the zone (NOTAUTH): ${noPrimary}`,
          };
    default:
      return { kind: "failed", reason: `the server answered ${rcodeName(rcode)}` };
  }
}

type Failure = Extract<Outcome, { kind: "failed" }>;

function ofFailure(outcome: Failure, witness: Witness): Verdict {
  const { rcode, tsigError, reason, wasSent } = outcome;
  if (rcode === undefined) {
    return wasSent ? { kind: "unknown", reason } : { kind: "failed", reason };
  }
  // Knot says BADKEY where its rules deny something: a key that has worked is a good key.
  if (witness.hasSucceeded && rcode !== Rcode.SERVFAIL && rcode !== Rcode.NOTIMP) {
    const said = tsigError === undefined ? rcodeName(rcode) : `${rcodeName(rcode)}, BADKEY`;
    return {
      kind: "refused",
      reason:
        `the server's rules deny it (${said}), though it has taken ${keyText(witness)} before: ` +
        "look at them (Knot: update-type and update-owner of the acl)",
    };
  }
  return { kind: "failed", reason: keyFault(outcome, rcode, witness) };
}

/** RFC 8945 §5.2 has a word for each; PowerDNS says REFUSED to them all. */
function keyFault({ tsigError, reason }: Failure, rcode: number, witness: Witness): string {
  const key = keyText(witness);
  if (tsigError === TsigError.BADKEY) {
    const algorithm = witness.key?.algorithm ?? "that algorithm";
    return (
      `the server does not know ${key} with ${algorithm} (BADKEY): ` +
      "check its name and algorithm on both sides"
    );
  }
  if (tsigError === TsigError.BADSIG) {
    return `the server has another secret for ${key} (BADSIG): make them the same on both sides`;
  }
  if (rcode === Rcode.REFUSED) {
    return (
      `the server refuses us and signs nothing (REFUSED): check name, algorithm and secret of ${key}, ` +
      "the clocks, and whether it takes updates from this address at all"
    );
  }
  return `the server says ${rcodeName(rcode)} and signs nothing: ${reason}`;
}
