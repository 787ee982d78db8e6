// Which names a PTR may give to a link. The DNS of a network belongs to whoever
// runs it, and a wrong record must not make this host speak for what is not its
// own (UP-9).

import { displayName, foldLabel, isWithin, type Name, nameOf, wireLength } from "../wire/name.js";
import { zoneBytesMax } from "./limits.js";

/** Domains of which no server is asked, or none ever has anything (RFC 6761 §6, RFC 6762 §3). */
const unreal = new Set(["local", "localhost", "invalid", "onion"]);

const reverseTrees = [nameOf(["in-addr", "arpa"]), nameOf(["ip6", "arpa"])];

/** What a name has to be clear of, or inside of. */
export interface Bounds {
  /** Names that it may not hold. */
  readonly outside: readonly Name[];
  /** Undefined: anywhere. */
  readonly within: readonly Name[] | undefined;
}

/** @returns why the name cannot be a link's zone; undefined when it can */
export function unfitness(zone: Name, { outside, within }: Bounds): string | undefined {
  if (zone.labels.length === 0) return "it is the root";
  const first = foldLabel(zone.labels[0] ?? "");
  const last = foldLabel(zone.labels.at(-1) ?? "");
  if (unreal.has(last)) return `names below ${displayName(nameOf([last]))} are not in the DNS`;
  if (zone.labels.length === 1) return "it has one label only";
  if (reverseTrees.some((tree) => isWithin(zone, tree))) return "it is a reverse name";
  if (first === "*" || first.startsWith("_")) return "it begins like no domain";
  if (wireLength(zone) > zoneBytesMax) return "it leaves no room for the names of services";
  const held = outside.find((name) => isWithin(name, zone));
  if (held !== undefined) return `the server ${displayName(held)} is inside of it`;
  if (within !== undefined && !within.some((top) => isWithin(zone, top))) {
    return "it is not within any name of update.within";
  }
  return undefined;
}
