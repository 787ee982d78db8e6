// The state file as lines (UP-57, UP-65): what became ours, `+`, and what is not
// ours any more, `-`, each a zone-file line. Lines are only ever appended, those
// of an update before it is sent, so that a run that is killed at any moment
// knows its own when it comes back. Reading, writing and shortening files is os/'s.

import { FormatError } from "../wire/errors.js";
import type { RR } from "../wire/rr.js";
import { formatRR, parseRR } from "../wire/text.js";
import { recordKey } from "./offer.js";

/** One record that became ours, or ceased to be. */
export interface Note {
  readonly sign: "+" | "-";
  readonly rr: RR;
}

/** A note as a line, without its end. */
export const formatNote = ({ sign, rr }: Note): string => `${sign} ${formatRR(rr)}`;

/** A whole journal in its shortest form: what is ours now. */
export const snapshotOf = (own: Iterable<RR>): string[] =>
  Array.from(own, (rr) => formatNote({ sign: "+", rr }));

/**
 * What is ours according to a journal. A line that cannot be read is passed over: the last one
 * may have been cut by whatever ended the run.
 *
 * @returns the records, and how many lines were passed over
 */
export function readJournal(lines: Iterable<string>): {
  readonly own: readonly RR[];
  readonly faults: number;
} {
  const own = new Map<string, RR>();
  let faults = 0;
  for (const line of lines) {
    if (line === "") continue;
    const rr = /^[+-] /.test(line) ? readLine(line.slice(2)) : undefined;
    if (rr === undefined) faults += 1;
    else if (line.startsWith("+")) own.set(recordKey(rr), rr);
    else own.delete(recordKey(rr));
  }
  return { own: [...own.values()], faults };
}

function readLine(line: string): RR | undefined {
  try {
    return parseRR(line);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}
