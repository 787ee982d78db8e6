// What an LLQ sees of its link now (RFC 8766 §5.5, §5.6), through the same rules
// as ordinary queries, with the device's own TTLs (§5.5.1).

import type { Counts } from "../counts.js";
import type { Link } from "../mdns/link.js";
import type { Tables, Vantage } from "../proxy/tables.js";
import type { LinkQuestion, LinkView, VisibleRR } from "../proxy/view.js";
import { visible } from "../proxy/visible.js";
import type { Instant } from "../time.js";
import { type Llq, type RRMap, rrMap } from "./llq.js";

export interface Look {
  readonly rrs: RRMap;
  readonly visible: readonly VisibleRR[];
  /** Nothing is left to be waited for: something is known, or denied. */
  readonly isAnswered: boolean;
  /** The end of a CNAME chain that the link has to be asked for. */
  readonly unresolved?: LinkQuestion;
  /** Keys of the names on the link that were looked at. */
  readonly names: readonly string[];
}

/** What may be looked at while there is no link. */
export const blind: Look = { rrs: new Map(), visible: [], isAnswered: false, names: [] };

export function lookAt(at: Vantage, llq: Llq): Look {
  const { rrs, known, denied, unresolved, lookedUp } = visible(at, llq.question);
  return {
    rrs: rrMap(rrs.map(({ rr }) => rr)),
    visible: rrs,
    isAnswered: unresolved === undefined && (known || denied),
    ...(unresolved === undefined ? {} : { unresolved }),
    names: lookedUp.map(({ key }) => key),
  };
}

/** Two LLQs of one key see the same, to the letter. */
export function lookKey({ class: asking, zone, question }: Llq): string {
  // No label has a character above U+00FF.
  const spelt = question.name.labels.join("\u0100");
  return `${zone.link.link} ${zone.kind} ${zone.apex.key} ${asking.id} ${question.type} ${spelt}`;
}

export function vantageOf(
  now: Instant,
  tables: Tables,
  link: Link,
  llq: Llq,
  counts: Counts,
): Vantage {
  const view: LinkView = {
    find: (name, type) => link.find(now, name, type),
    denies: (name, type) => link.denies(now, name, type),
  };
  return { tables, view, zone: llq.zone, client: llq.class, counts };
}
