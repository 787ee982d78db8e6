// `delegation verify`: the way down to each zone, and what is wrong on it.

import { ResolverError } from "../../os/resolver.js";
import { isWithin, type Name, parentName } from "../../wire/name.js";
import type { RR } from "../../wire/rr.js";
import { ExitStatus, Failure, type Request } from "../command.js";
import { readDelegation } from "../configuration.js";
import { type DelegationForm, formed } from "../delegation-forms.js";
import { guidedWalk } from "../delegation-start.js";
import {
  type Expected,
  type Finding,
  isLookedAt,
  judgeWalk,
  toldText,
} from "../delegation-verdict.js";
import type { Walk } from "../delegation-walk.js";
import { shown, typedName } from "../names.js";
import type { delegationVerifyOptions } from "../options.js";
import { domainLists } from "../questions.js";
import { asJson } from "../render.js";
import { resolverFor } from "../resolvers.js";
import { findServer } from "../server.js";

type Verify = Request<typeof delegationVerifyOptions>;

/** Milliseconds for one question, where --timeout does not say it. */
const usualPatience = 3000;
/** Zones that are looked at in one run, and at the same time. */
const zonesMax = 256;
const atOnceMax = 8;

interface Wanted {
  readonly zone: Name;
  readonly expected: Expected;
}

/** What discd.lua says; undefined when there is none, or it says nothing of the domain. */
async function fromFile({ options }: Verify, domain: Name): Promise<Wanted[] | undefined> {
  let rrs: readonly RR[];
  try {
    const { delegation } = await readDelegation(options.config, domain);
    rrs = delegation.parts.flatMap((part) => part.rrs);
  } catch (error) {
    if (options.config === undefined && error instanceof Failure) return undefined;
    throw error;
  }
  const servers = new Map<string, { zone: Name; servers: Name[] }>();
  const browsed = new Set<string>();
  for (const { name, rdata } of rrs) {
    if (rdata.kind === "ptr") browsed.add(rdata.target.key);
    if (rdata.kind !== "ns") continue;
    const known = servers.get(name.key) ?? { zone: name, servers: [] };
    servers.set(name.key, { ...known, servers: [...known.servers, rdata.target] });
  }
  if (servers.size === 0) return undefined;
  // Of a zone of discd's own the file says the delegation alone.
  const isOwn = servers.has(domain.key);
  return [...servers.values()].map(({ zone, servers: names }) => ({
    zone,
    expected: { servers: names, ...(isOwn ? {} : { isBrowsed: browsed.has(zone.key) }) },
  }));
}

/** What the domain names for browsing; without such names the domain itself is the zone. */
async function fromLists(request: Verify, domain: Name): Promise<Wanted[]> {
  const names = new Map<string, Name>();
  try {
    const { lists } = await domainLists(await resolverFor(request), domain);
    for (const { names: some } of lists) {
      for (const name of some) {
        if (isWithin(name, domain) && name.key !== domain.key) names.set(name.key, name);
      }
    }
  } catch (error) {
    // What the walk meets says more.
    if (!(error instanceof ResolverError)) throw error;
  }
  const zones = names.size === 0 ? [domain] : [...names.values()];
  return zones.map((zone) => ({ zone, expected: {} }));
}

interface Result {
  readonly zone: Name;
  readonly walk: Walk | undefined;
  readonly findings: readonly Finding[];
}

async function verifyAll(
  request: Verify,
  domain: Name,
  wanted: readonly Wanted[],
): Promise<Result[]> {
  const { server, timeout, output } = request;
  const patience = timeout ?? usualPatience;
  const resolver = await resolverFor({ ...request, server: undefined, timeout: patience });
  const parent = server === undefined ? undefined : await findServer(server);
  const isAbove = wanted.every(({ zone }) => zone.key !== domain.key);
  const guide = {
    resolver,
    patience,
    ...(parent === undefined ? {} : { parent }),
    ...(isAbove ? { listsAt: domain } : {}),
  };
  const results: Result[] = [];
  for (let at = 0; at < wanted.length; at += atOnceMax) {
    const some = wanted.slice(at, at + atOnceMax).map(async ({ zone, expected }) => {
      const walk = await guidedWalk(zone, guide);
      return { zone, walk, findings: walk === undefined ? [] : judgeWalk(walk, expected) };
    });
    const what = `asking for ${shown(wanted[at]?.zone as Name, request.style)}`;
    results.push(...(await output.waiting(what, Promise.all(some))));
  }
  return results;
}

const indent = " ".repeat(18);

function findingText({ id, state, decision, evidence, remedy }: Finding): string[] {
  const isTold = id === "way" || state === "WARN" || state === "FAIL";
  return [
    `${id.padEnd(11)} ${state}  ${decision}`,
    ...(isTold ? evidence.map((line) => `${indent}${line}`) : []),
    ...remedy.map((line) => `${indent}* ${line}`),
  ];
}

function resultText({ zone, walk, findings }: Result, { style }: Verify): string {
  if (walk === undefined) return "";
  return [`; ${shown(zone, style)}`, ...findings.flatMap(findingText), ""].join("\n");
}

function resultJson({ zone, walk, findings }: Result, { style }: Verify) {
  const trace = (walk?.steps ?? []).flatMap((step) =>
    step.asked.map(({ host, told }) => ({
      zone: step.zone === undefined ? null : shown(step.zone, style),
      server: host.address,
      port: host.port,
      name: host.name === undefined ? null : shown(host.name, style),
      nsid: told.kind === "answer" ? (told.nsid ?? null) : null,
      said: toldText(told),
    })),
  );
  const told = findings.map(({ id, state, code, decision, evidence, remedy }) => {
    return { id, state, code: code ?? null, decision, evidence, remedy };
  });
  return { zone: shown(zone, style), findings: told, trace };
}

/** The sets that the zones above should have, in the words that were asked for. */
function setsText(results: readonly Result[], form: DelegationForm): string {
  const parents = new Map<string, { origin: Name; rrs: RR[] }>();
  for (const { zone, walk, findings } of results) {
    const origin = walk?.parent ?? parentName(zone);
    const known = parents.get(origin.key) ?? { origin, rrs: [] };
    known.rrs.push(...findings.flatMap(({ wanted = [] }) => wanted));
    parents.set(origin.key, known);
  }
  return [...parents.values()]
    .filter(({ rrs }) => rrs.length > 0)
    .map(({ origin, rrs }) => {
      const remarks = ["as these should be; what is to be removed is told above"];
      return formed({ origin, parts: [{ remarks, rrs }] }, form).text;
    })
    .join("\n");
}

export async function run(request: Verify): Promise<ExitStatus> {
  const { words, options, style, output } = request;
  const domain = typedName(words[0] as string);
  const wanted = (await fromFile(request, domain)) ?? (await fromLists(request, domain));
  if (wanted.length > zonesMax) {
    output.complain(`of ${wanted.length} zones the first ${zonesMax} are looked at`);
  }
  const results = await verifyAll(request, domain, wanted.slice(0, zonesMax));
  if (results.every(({ walk }) => walk === undefined)) {
    const remedy = "name the server of the zone above: --server ADDR";
    throw new Failure(
      `the system's resolver knows no root to begin at; ${remedy}`,
      ExitStatus.untested,
    );
  }
  if (style.json) output.print(asJson(results.map((one) => resultJson(one, request))));
  else output.print(results.map((one) => resultText(one, request)).join("\n"));
  if (options.for !== undefined && !style.json) {
    const text = setsText(results, options.for as DelegationForm);
    if (text !== "") output.print(`\n${text}`);
  }
  const states = new Set(results.flatMap(({ findings }) => findings.map(({ state }) => state)));
  if (states.has("FAIL")) return ExitStatus.failed;
  if (!results.every(({ findings }) => isLookedAt(findings))) return ExitStatus.untested;
  return states.has("WARN") ? ExitStatus.nothing : ExitStatus.done;
}
