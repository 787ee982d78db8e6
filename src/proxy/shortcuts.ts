// Names and types inside a link's zone that no device can have, and that
// resolvers ask for all the same when they minimise names (RFC 9156). Answered
// NODATA at once (Q-1, DP-19), since the link would be silent for six seconds.

import { RRType } from "../wire/codes.js";
import type { Question } from "../wire/message.js";
import { foldLabel, type Label } from "../wire/name.js";
import { isAddressName } from "./reverse.js";
import type { LinkZone } from "./zones.js";

/** Whether a type is a question only, or speaks of the message (RFC 6895 §3.1). */
export function isMetaType(type: number): boolean {
  return type === 0 || type === RRType.OPT || (type >= 128 && type <= 254);
}

/**
 * Whether a question is NODATA whatever the link holds.
 *
 * @param below  the question's labels below the apex, at least one
 */
export function isShortcut(zone: LinkZone, below: readonly Label[], question: Question): boolean {
  if (isMetaType(question.type)) return true;
  const isAddress = question.type === RRType.A || question.type === RRType.AAAA;
  if (zone.kind === "reverse") return isAddress || !isAddressName(question.name);
  const [first = "", second = ""] = below.map(foldLabel);
  if (below.length === 1 && (first === "_tcp" || first === "_udp")) return true;
  if (below.length === 2 && first === "_dns-sd" && second === "_udp") return true;
  // `_sub` itself; a subtype may be called `_sub` too, since it can be any label.
  if (first === "_sub" && second !== "_sub") return true;
  // Addresses belong to hosts, never to instances and types (RFC 6763 §4.1.2, §5). Unbound asks
  // A of a name before its SRV, TXT or PTR, and gives up on the name while that one waits.
  const last = foldLabel(below.at(-1) ?? "");
  return isAddress && (first.startsWith("_") || last === "_tcp" || last === "_udp");
}
