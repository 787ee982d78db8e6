// The commands that ask a DNS server: query, browse, resolve, domains. Each
// returns what it found; rendering is in render.ts.

import { Rcode, RRType, rcodeName } from "../wire/codes.js";
import { FormatError } from "../wire/errors.js";
import type { Message } from "../wire/message.js";
import { labelText, type Name, under } from "../wire/name.js";
import type { RR } from "../wire/rr.js";
import { ask, pointersIn, ResolverError, recordsIn, type Server } from "./resolver.js";
import { UsageError } from "./usage.js";

/** The enumeration names of RFC 6763 §11, in the order in which they are shown. */
export const enumerationPrefixes = ["b", "lb", "db", "r", "dr"] as const;
export type EnumerationPrefix = (typeof enumerationPrefixes)[number];

export interface Instance {
  readonly name: Name;
  readonly records: readonly RR[];
}

export interface DomainList {
  readonly prefix: EnumerationPrefix;
  readonly domains: readonly Name[];
}

function requireNoError(message: Message, server: Server, name: string): Message {
  if (message.rcode === Rcode.NOERROR || message.rcode === Rcode.NXDOMAIN) return message;
  const advice =
    message.rcode === Rcode.REFUSED
      ? "; it does not serve that zone, or does not let this client ask (`allow`)"
      : "";
  throw new ResolverError(
    `${server.address} port ${server.port} answered ${rcodeName(message.rcode)} for ${name}${advice}`,
  );
}

/** @throws UsageError when the words do not fit in front of the domain */
function prepend(text: string, domain: Name): Name {
  try {
    return under(
      text.split(".").map((label) => labelText(label)),
      domain,
    );
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(`"${text}": ${error.message}`);
    throw error;
  }
}

/** One question and its answer as it came. */
export function query(server: Server, name: Name, type: number): Promise<Message> {
  return ask(server, name, type);
}

/** The service types of a domain (RFC 6763 §9). */
export async function browseTypes(server: Server, domain: Name): Promise<Name[]> {
  const name = prepend("_services._dns-sd._udp", domain);
  return pointersIn(requireNoError(await ask(server, name, RRType.PTR), server, "the types"), name);
}

/**
 * The instances of one type, as `_ipp._tcp` or `_universal._sub._ipp._tcp`, in one domain.
 *
 * @throws UsageError when it is no service type (RFC 6763 §7)
 */
export async function browse(server: Server, type: string, domain: Name): Promise<Name[]> {
  if (!/(?:^|\.)_[^.]+\._(?:tcp|udp)$/i.test(type)) {
    throw new UsageError(`"${type}" is no service type; one looks like _ipp._tcp`);
  }
  const name = prepend(type, domain);
  return pointersIn(requireNoError(await ask(server, name, RRType.PTR), server, type), name);
}

/** SRV, TXT and the addresses of an instance (RFC 6763 §5 and §6). */
export async function resolve(server: Server, name: Name): Promise<Instance> {
  const [places, texts] = await Promise.all([
    ask(server, name, RRType.SRV),
    ask(server, name, RRType.TXT),
  ]);
  requireNoError(places, server, "the instance");
  const srv = recordsIn(places, name, RRType.SRV);
  const records = [...srv, ...recordsIn(texts, name, RRType.TXT)];
  const hosts = new Map<string, Name>();
  for (const rr of srv) {
    if (rr.rdata.kind === "srv") hosts.set(rr.rdata.target.key, rr.rdata.target);
  }
  for (const host of hosts.values()) {
    for (const type of [RRType.A, RRType.AAAA]) {
      const held = recordsIn(places, host, type);
      records.push(
        ...(held.length > 0 ? held : recordsIn(await ask(server, host, type), host, type)),
      );
    }
  }
  return { name, records };
}

/** The five enumeration lists of one domain (RFC 6763 §11). */
export async function domainLists(server: Server, domain: Name): Promise<DomainList[]> {
  const lists: DomainList[] = [];
  for (const prefix of enumerationPrefixes) {
    const name = prepend(`${prefix}._dns-sd._udp`, domain);
    const message = requireNoError(await ask(server, name, RRType.PTR), server, prefix);
    lists.push({ prefix, domains: pointersIn(message, name) });
  }
  return lists;
}

/** Where the system would browse: the lb and b domains of each search domain (RFC 6763 §11). */
export async function browseDomains(server: Server, search: readonly Name[]): Promise<Name[]> {
  const found = new Map<string, Name>();
  for (const domain of search) {
    for (const list of await domainLists(server, domain)) {
      if (list.prefix !== "lb" && list.prefix !== "b") continue;
      for (const name of list.domains) found.set(name.key, name);
    }
  }
  return [...found.values()];
}
