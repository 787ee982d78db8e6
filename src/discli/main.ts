// discli: asks DNS servers what a Bonjour client would ask, and prints what a
// delegating zone needs. Speaks plain DNS; knows discd only through discd.lua.

import packageJson from "../../package.json" with { type: "json" };
import { type ResolverFile, readResolverFile, resolverFile } from "../os/resolv-conf.js";
import { Resolver, ResolverError } from "../os/resolver.js";
import { parseType, RRType, typeName } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import { formatRR } from "../wire/text.js";
import { ConfigurationError, readDelegation } from "./configuration.js";
import { zoneText } from "./delegation.js";
import { shown, typedBrowse, typedInstance, typedName } from "./names.js";
import {
  browse,
  browsedDomains,
  browsedName,
  type DomainLists,
  domainLists,
  faultOf,
  resolve,
} from "./questions.js";
import {
  asJson,
  renderBrowse,
  renderDomains,
  renderInstance,
  renderMessage,
  type Style,
} from "./render.js";
import { findServer } from "./server.js";
import { type CommandLine, ExitStatus, readCommandLine, UsageError, usageText } from "./usage.js";
import { watch } from "./watch.js";

interface Request {
  readonly line: CommandLine;
  readonly style: Style;
}

const print = (text: string): void => void process.stdout.write(text);
const complain = (text: string): void => void process.stderr.write(`discli: ${text}\n`);

function nothing(text: string): ExitStatus {
  complain(text);
  return ExitStatus.nothing;
}

let system: ResolverFile | undefined;

/** What is wrong with the system's file is said, once. */
function systemOnce(): ResolverFile {
  if (system === undefined) {
    system = readResolverFile();
    for (const complaint of system.complaints) complain(complaint);
  }
  return system;
}

async function resolverFor({ line }: Request): Promise<Resolver> {
  if (line.server !== undefined) return new Resolver([await findServer(line.server)]);
  return new Resolver(systemOnce().servers);
}

function searchDomains(): readonly Name[] {
  const { search } = systemOnce();
  if (search.length > 0) return search;
  throw new UsageError(`no DOMAIN given, and ${resolverFile} has no search domain`);
}

/** All that succeeded; what failed is said, and thrown when nothing else is left. */
async function settled<T>(asked: readonly Promise<T>[]): Promise<{ found: T[]; failed: number }> {
  const outcomes = await Promise.allSettled(asked);
  const found = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const faults = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  for (const fault of faults) {
    if (!(fault instanceof ResolverError) || found.length === 0) throw fault;
    complain(fault.message);
  }
  return { found, failed: faults.length };
}

async function listsOf(resolver: Resolver, domains: readonly Name[]) {
  return settled<DomainLists>(domains.map((domain) => domainLists(resolver, domain)));
}

/** Where to browse: what was typed, or what the search domains name. */
async function domainsOf({ style }: Request, resolver: Resolver, domain: Name | undefined) {
  if (domain !== undefined) return { domains: [domain], failed: 0, none: "" };
  const search = searchDomains();
  const { found, failed } = await listsOf(resolver, search);
  const none = `no domain to browse: ${listed(search, style)} names none as b or lb`;
  return { domains: browsedDomains(found), failed, none };
}

async function runBrowse(request: Request): Promise<ExitStatus> {
  const { line, style } = request;
  const typed = typedBrowse(line.words[0], line.words[1]);
  const resolver = await resolverFor(request);
  const { domains, failed, none } = await domainsOf(request, resolver, typed.domain);
  if (domains.length === 0) return nothing(none);
  const names = domains.map((domain) => browsedName(typed.type, domain));
  if (line.watch !== undefined) {
    await watch(names, { resolver, words: line.watch, style, print, complain });
    return ExitStatus.done;
  }
  const asked = await settled(names.map((name) => browse(resolver, name)));
  const found = asked.found.flat();
  print(renderBrowse(found, style));
  if (failed + asked.failed > 0) return ExitStatus.failed;
  if (found.length > 0) return ExitStatus.done;
  const what = typed.type === undefined ? "no service" : `no ${typed.type.join(".")}`;
  return nothing(`${what} in ${listed(domains, style)}`);
}

const listed = (names: readonly Name[], style: Style): string =>
  names.map((name) => shown(name, style)).join(", ");

async function runResolve(request: Request): Promise<ExitStatus> {
  const [text] = request.line.words;
  if (text === undefined) throw new UsageError("resolve: an INSTANCE is missing");
  const name = typedInstance(text);
  const instance = await resolve(await resolverFor(request), name);
  const isThere = instance.places.length > 0 || instance.texts.length > 0;
  if (isThere || request.style.json) print(renderInstance(instance, request.style));
  if (instance.places.length > 0) return ExitStatus.done;
  return nothing(`${shown(name, request.style)} is not there`);
}

async function runQuery(request: Request): Promise<ExitStatus> {
  const [text, typeText] = request.line.words;
  if (text === undefined) throw new UsageError("query: a NAME is missing");
  const type = typeText === undefined ? RRType.A : parseType(typeText.toUpperCase());
  if (type === undefined) {
    throw new UsageError(`"${typeText}" is no record type; A, PTR, TYPE65280 are`);
  }
  const name = typedName(text);
  const answer = await (await resolverFor(request)).ask(name, type);
  print(renderMessage(answer.message, request.style));
  const fault = faultOf(answer, name);
  if (fault !== undefined) throw new ResolverError(fault);
  if (answer.message.answers.length > 0) return ExitStatus.done;
  return nothing(`no ${typeName(type)} record at ${shown(name, request.style)}`);
}

async function runDomains(request: Request): Promise<ExitStatus> {
  const { line, style } = request;
  const [text] = line.words;
  const domains = text === undefined ? searchDomains() : [typedName(text)];
  const { found, failed } = await listsOf(await resolverFor(request), domains);
  print(renderDomains(found, style));
  if (failed > 0) return ExitStatus.failed;
  const isEmpty = found.every(({ lists }) => lists.every(({ names }) => names.length === 0));
  if (!isEmpty) return ExitStatus.done;
  return nothing(`${listed(domains, style)} names no domain to browse or to register in`);
}

async function runDelegation({ line, style }: Request): Promise<ExitStatus> {
  const [verb, domain] = line.words;
  if (verb === "verify") throw new UsageError("not yet: delegation verify is not built");
  if (verb !== "print" || domain === undefined) {
    throw new UsageError("delegation: write `delegation print DOMAIN`");
  }
  const { delegation, warnings } = await readDelegation(line.config, typedName(domain));
  for (const warning of warnings) complain(warning);
  if (!style.json) print(zoneText(delegation));
  else {
    const { origin, parts } = delegation;
    print(
      asJson({
        zone: shown(origin, style),
        records: parts.flatMap(({ rrs }) => rrs.map(formatRR)),
        remarks: parts.flatMap(({ remarks }) => remarks),
      }),
    );
  }
  return warnings.length > 0 ? ExitStatus.nothing : ExitStatus.done;
}

const commands: Readonly<Record<string, (request: Request) => Promise<ExitStatus>>> = {
  browse: runBrowse,
  resolve: runResolve,
  query: runQuery,
  domains: runDomains,
  delegation: runDelegation,
};

async function run(): Promise<ExitStatus> {
  const line = readCommandLine(process.argv.slice(2));
  if (typeof line === "string") {
    print(line === "help" ? usageText : `discli ${packageJson.version}\n`);
    return ExitStatus.done;
  }
  const { escaped, json } = line;
  const command = commands[line.command] as (typeof commands)[string];
  return command({ line, style: { escaped, json } });
}

/** Not the status of "nothing found", which Node gives to an exception. */
function crash(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(ExitStatus.failed);
}

process.on("uncaughtException", crash);
// Whoever read the output, such as head, has seen enough.
process.stdout.on("error", () => process.exit(ExitStatus.done));
try {
  process.exitCode = await run();
} catch (error) {
  const isExpected = [UsageError, ResolverError, ConfigurationError].some(
    (kind) => error instanceof kind,
  );
  if (!isExpected) crash(error);
  const hint = error instanceof UsageError ? " (discli --help)" : "";
  complain(`${(error as Error).message}${hint}`);
  process.exitCode = ExitStatus.failed;
}
