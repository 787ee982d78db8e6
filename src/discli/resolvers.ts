// Whom a command asks, and where it browses: --server, else what resolv.conf says.

import { type ResolverFile, readResolverFile, resolverFile } from "../os/resolv-conf.js";
import { type Patience, Resolver, ResolverError } from "../os/resolver.js";
import type { Name } from "../wire/name.js";
import { type Request, UsageError } from "./command.js";
import { type DomainLists, domainLists } from "./questions.js";
import { findServer } from "./server.js";

type Asking = Pick<Request, "server" | "timeout" | "output">;

let system: ResolverFile | undefined;

/** What is wrong with the system's file is said, once. */
function systemOnce({ output }: Pick<Asking, "output">): ResolverFile {
  if (system === undefined) {
    system = readResolverFile();
    for (const complaint of system.complaints) output.complain(complaint);
  }
  return system;
}

/** A lost datagram is sent again after this, or after a third of a shorter patience. */
const resendAfter = 3000;

function patienceOf(timeout: number | undefined): Patience | undefined {
  if (timeout === undefined) return undefined;
  return { whole: timeout, resend: Math.min(resendAfter, timeout / 3) };
}

/** @throws UsageError when --server is none */
export async function resolverFor(request: Asking): Promise<Resolver> {
  const { server, timeout } = request;
  const servers = server === undefined ? systemOnce(request).servers : [await findServer(server)];
  return new Resolver(servers, patienceOf(timeout));
}

/** @throws UsageError when the system has none */
export function searchDomains(request: Pick<Asking, "output">): readonly Name[] {
  const { search } = systemOnce(request);
  if (search.length > 0) return search;
  const remedy = "name one, or add a line `search DOMAIN`";
  throw new UsageError(`no DOMAIN given, and ${resolverFile} has no search domain; ${remedy}`);
}

/** All that succeeded; what failed is said, and thrown when nothing else is left. */
export async function settled<T>(
  asked: readonly Promise<T>[],
  { output }: Pick<Asking, "output">,
): Promise<{ found: T[]; failed: number }> {
  const outcomes = await Promise.allSettled(asked);
  const found = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const faults = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  for (const fault of faults) {
    if (!(fault instanceof ResolverError) || found.length === 0) throw fault;
    output.complain(fault.message);
  }
  return { found, failed: faults.length };
}

/** The enumeration lists of some domains. */
export const listsOf = (
  resolver: Resolver,
  domains: readonly Name[],
  request: Pick<Asking, "output">,
) =>
  settled<DomainLists>(
    domains.map((domain) => domainLists(resolver, domain)),
    request,
  );
