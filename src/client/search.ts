// Who could answer a question for long, best first (RFC 8765 §6.1, RFC 8764 §4):
// Push at the resolver itself, Push at the zone's server, LLQ over TLS, TCP and
// UDP. A generator, because the next name to ask about follows from the answers.

import type { Random } from "../random.js";
import { displayName, type Name } from "../wire/name.js";
import type { Lookup } from "./lookup.js";
import {
  type Ask,
  findAddresses,
  findServers,
  findZone,
  hostText,
  type ServerKind,
  type Target,
} from "./soa-walk.js";

/** Where a DNS server takes TLS when nothing else is said (RFC 7858 §3.1). */
const tlsPort = 853;

export interface Candidate {
  readonly kind: "candidate";
  readonly way: "push" | "llq";
  readonly transport: "tls" | "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  /** What its certificate has to name; absent when that cannot stand in one. */
  readonly identity?: string;
  /** For people. */
  readonly place: string;
  /** Key of the server's name; absent where it was found by its address. */
  readonly host?: string;
  /** Absent at the resolver, which may serve any zone. */
  readonly zone?: Name;
  /** Nothing says that somebody listens there. */
  readonly isGuess: boolean;
}

/** What the search came to, when no candidate was good enough. */
export interface SearchEnd {
  readonly zone?: Name;
  /** Why there is no zone. */
  readonly reason?: string;
}

export interface SearchOptions {
  readonly random: Random;
  /** Addresses of the configured resolvers. */
  readonly resolvers: readonly string[];
  readonly takesPush: boolean;
  readonly takesLlq: boolean;
}

const pushKinds: readonly ServerKind[] = ["push"];
const llqKinds: readonly ServerKind[] = ["llq-tls", "llq-tcp", "llq-udp"];

/**
 * Yields what has to be asked, and goes on once `lookup` knows it; yields candidates, and goes
 * on when one was in vain.
 */
export function* search(
  lookup: Lookup,
  name: Name,
  options: SearchOptions,
): Generator<Ask | Candidate, SearchEnd, void> {
  if (options.takesPush) for (const address of options.resolvers) yield guessAt(address);
  const kinds = [...(options.takesPush ? pushKinds : []), ...(options.takesLlq ? llqKinds : [])];
  if (kinds.length === 0) return {};
  const walked = yield* asking(() => findZone(lookup, name));
  if (walked.kind === "none") return { reason: walked.reason };
  const { zone } = walked;
  for (const kind of kinds) {
    const { targets, found } = yield* asking(() => findServers(lookup, options.random, zone, kind));
    for (const target of targets) {
      const { addresses } = yield* asking(() => findAddresses(lookup, target.host, found));
      for (const address of addresses) yield candidateAt(kind, zone, target, address);
    }
  }
  return { zone };
}

function* asking<T extends { readonly kind: string }>(step: () => Ask | T): Generator<Ask, T> {
  for (;;) {
    const outcome = step();
    if (outcome.kind !== "ask") return outcome as T;
    yield outcome as Ask;
  }
}

/** A resolver may take Push itself (RFC 8765 §6.1); its certificate has to name its address. */
function guessAt(address: string): Candidate {
  return {
    kind: "candidate",
    way: "push",
    transport: "tls",
    address,
    port: tlsPort,
    identity: address,
    place: `${address} port ${tlsPort}`,
    isGuess: true,
  };
}

/**
 * The certificate has to name the zone, since nothing proves that the SRV record is the zone's
 * own: a liar could name a host whose certificate he has (RFC 7673 §4.1, TLS-06).
 */
function candidateAt(
  kind: ServerKind,
  zone: Name,
  { host, port }: Target,
  address: string,
): Candidate {
  const identity = hostText(zone);
  return {
    kind: "candidate",
    way: kind === "push" ? "push" : "llq",
    transport: kind === "llq-udp" ? "udp" : kind === "llq-tcp" ? "tcp" : "tls",
    address,
    port,
    ...(identity === undefined ? {} : { identity }),
    place: `${displayName(host)} (${address}) port ${port}`,
    host: host.key,
    zone,
    isGuess: false,
  };
}
