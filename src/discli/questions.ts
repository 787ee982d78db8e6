// What browsing and resolving ask (RFC 6763 §4, §5, §6, §9 and §11). Each gives
// what it found; render.ts makes text of it.

import { pointersIn, recordsIn } from "../client/answer.js";
import { adviceFor } from "../client/rcode-text.js";
import { placeOf } from "../os/resolv-conf.js";
import { type Answer, type Resolver, ResolverError } from "../os/resolver.js";
import { Rcode, RRType, rcodeName } from "../wire/codes.js";
import { displayName, type Label, labelText, type Name } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { below } from "./names.js";

/** The enumeration names of RFC 6763 §11, in the order in which they are shown. */
export const enumerationPrefixes = ["b", "lb", "db", "r", "dr"] as const;

/** One place where a service runs. */
export interface Place {
  readonly srv: RR;
  readonly host: Name;
  readonly port: number;
  /** A and AAAA. */
  readonly addresses: readonly RR[];
}

export interface Instance {
  readonly name: Name;
  readonly places: readonly Place[];
  readonly texts: readonly RR[];
}

export interface DomainList {
  readonly prefix: (typeof enumerationPrefixes)[number];
  readonly names: readonly Name[];
}

export interface DomainLists {
  readonly domain: Name;
  /** In the order of the prefixes. */
  readonly lists: readonly DomainList[];
}

/** What is wrong with an answer, in one line; undefined where it says what there is. */
export function faultOf({ message, server }: Answer, name: Name): string | undefined {
  const { rcode } = message;
  if (rcode === Rcode.NOERROR || rcode === Rcode.NXDOMAIN) return undefined;
  return `${placeOf(server)} answers ${rcodeName(rcode)} for ${displayName(name)}${adviceFor(rcode)}`;
}

async function ask(resolver: Resolver, name: Name, type: number): Promise<Answer> {
  const answer = await resolver.ask(name, type);
  const fault = faultOf(answer, name);
  if (fault !== undefined) throw new ResolverError(fault);
  return answer;
}

const metaQuery = ["_services", "_dns-sd", "_udp"];

/** What is asked for the instances of a type in a domain, or without one for the types there. */
export function browsedName(type: readonly Label[] | undefined, domain: Name): Name {
  return below(type ?? metaQuery, domain);
}

/** The instances or types that a name leads to. */
export async function browse(resolver: Resolver, name: Name): Promise<Name[]> {
  const { message } = await ask(resolver, name, RRType.PTR);
  return pointersIn(message, name);
}

/** SRV, TXT and the addresses of an instance. */
export async function resolve(resolver: Resolver, name: Name): Promise<Instance> {
  const [{ message }, texts] = await Promise.all([
    ask(resolver, name, RRType.SRV),
    ask(resolver, name, RRType.TXT),
  ]);
  const places = recordsIn(message, name, RRType.SRV).map(async (srv): Promise<Place[]> => {
    if (srv.rdata.kind !== "srv") return [];
    const { target: host, port } = srv.rdata;
    // The root means that the service is not there (RFC 2782).
    if (host.labels.length === 0) return [];
    const found = [RRType.A, RRType.AAAA].map(async (type) => {
      const held = recordsIn(message, host, type);
      if (held.length > 0) return held;
      return recordsIn((await ask(resolver, host, type)).message, host, type);
    });
    return [{ srv, host, port, addresses: (await Promise.all(found)).flat() }];
  });
  return {
    name,
    places: (await Promise.all(places)).flat(),
    texts: recordsIn(texts.message, name, RRType.TXT),
  };
}

/** The five enumeration lists of one domain. */
export async function domainLists(resolver: Resolver, domain: Name): Promise<DomainLists> {
  const lists = enumerationPrefixes.map(async (prefix): Promise<DomainList> => {
    const name = below([prefix, "_dns-sd", "_udp"].map(labelText), domain);
    const { message } = await ask(resolver, name, RRType.PTR);
    return { prefix, names: pointersIn(message, name) };
  });
  return { domain, lists: await Promise.all(lists) };
}

/** Where a system with these search domains browses: what lb and b name there. */
export function browsedDomains(found: readonly DomainLists[]): Name[] {
  const lists = found.flatMap((one) => one.lists);
  const names = ["lb", "b"].flatMap((wanted) =>
    lists.flatMap(({ prefix, names }) => (prefix === wanted ? names : [])),
  );
  return [...new Map(names.map((name) => [name.key, name])).values()];
}
