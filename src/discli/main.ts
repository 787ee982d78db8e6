// discli: asks DNS servers what a Bonjour client would ask, and prints what a
// delegating zone needs. Speaks plain DNS; knows discd only through discd.lua.

import { parseArgs } from "node:util";
import packageJson from "../../package.json" with { type: "json" };
import { parseType, RRType, typeName } from "../wire/codes.js";
import type { Name } from "../wire/name.js";
import { ConfigurationError, printDelegation } from "./configuration.js";
import { shown, typedInstance, typedName } from "./names.js";
import { browse, browseDomains, browseTypes, domainLists, query, resolve } from "./questions.js";
import {
  renderBrowse,
  renderDomains,
  renderInstance,
  renderMessage,
  type Style,
} from "./render.js";
import {
  parseServer,
  ResolverError,
  type Server,
  systemSearchDomains,
  systemServer,
} from "./resolver.js";
import { ExitStatus, notYet, UsageError, usageText } from "./usage.js";

interface Request {
  readonly server: Server;
  readonly style: Style;
  readonly config: string | undefined;
}

const print = (text: string): void => void process.stdout.write(text);

function complain(text: string): ExitStatus {
  process.stderr.write(`discli: ${text}\n`);
  return ExitStatus.nothing;
}

async function chosenDomains(request: Request, domain: string | undefined): Promise<Name[]> {
  if (domain !== undefined) return [typedName(domain)];
  return browseDomains(request.server, systemSearchDomains().map(typedName));
}

const noDomains = "no DOMAIN given, and the search domains of /etc/resolv.conf name none to browse";

async function runBrowse(request: Request, words: readonly string[]): Promise<ExitStatus> {
  const [first, second] = words;
  // `browse floor1.example.com`: a word without an underscore is no service type.
  const onlyDomain = first !== undefined && second === undefined && !first.startsWith("_");
  const type = onlyDomain ? undefined : first;
  const domains = await chosenDomains(request, onlyDomain ? first : second);
  if (domains.length === 0) return complain(noDomains);
  const found = new Map<Name, Name[]>();
  for (const domain of domains) {
    found.set(
      domain,
      type === undefined
        ? await browseTypes(request.server, domain)
        : await browse(request.server, type, domain),
    );
  }
  print(renderBrowse(found, request.style));
  if ([...found.values()].some((names) => names.length > 0)) return ExitStatus.done;
  const where = domains.map((domain) => shown(domain, request.style)).join(", ");
  return complain(`nothing found${type === undefined ? "" : ` of type ${type}`} in ${where}`);
}

async function runResolve(request: Request, words: readonly string[]): Promise<ExitStatus> {
  if (words[0] === undefined) throw new UsageError("resolve: an INSTANCE is missing");
  const instance = await resolve(request.server, typedInstance(words[0]));
  if (instance.records.length === 0) return complain(`${words[0]} is not there`);
  print(renderInstance(instance, request.style));
  return ExitStatus.done;
}

async function runQuery(request: Request, words: readonly string[]): Promise<ExitStatus> {
  const [name, typeText] = words;
  if (name === undefined) throw new UsageError("query: a NAME is missing");
  const type = typeText === undefined ? RRType.A : parseType(typeText.toUpperCase());
  if (type === undefined) {
    throw new UsageError(`"${typeText}" is no record type; A, PTR, TYPE65280 are`);
  }
  const message = await query(request.server, typedName(name), type);
  print(renderMessage(message, request.style));
  if (message.rcode !== 0 && message.rcode !== 3) return ExitStatus.failed;
  if (message.answers.length > 0) return ExitStatus.done;
  return complain(`no ${typeName(type)} record at ${name}`);
}

async function runDomains(request: Request, words: readonly string[]): Promise<ExitStatus> {
  const domains =
    words[0] === undefined ? systemSearchDomains().map(typedName) : [typedName(words[0])];
  if (domains.length === 0) return complain(noDomains);
  let isEmpty = true;
  for (const domain of domains) {
    const lists = await domainLists(request.server, domain);
    print(renderDomains(lists, request.style));
    if (lists.some((list) => list.domains.length > 0)) isEmpty = false;
  }
  return isEmpty ? complain("no browse or registration domains found") : ExitStatus.done;
}

async function runDelegation(request: Request, words: readonly string[]): Promise<ExitStatus> {
  const [verb, domain] = words;
  if (verb === "verify") throw new UsageError("delegation verify is not built yet");
  if (verb !== "print" || domain === undefined) {
    throw new UsageError("delegation: `delegation print DOMAIN` is the form");
  }
  print(await printDelegation(request.config, typedName(domain)));
  return ExitStatus.done;
}

const commands: Readonly<
  Record<string, (request: Request, words: readonly string[]) => Promise<ExitStatus>>
> = {
  browse: runBrowse,
  resolve: runResolve,
  query: runQuery,
  domains: runDomains,
  delegation: runDelegation,
};

function parseCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        server: { type: "string" },
        config: { type: "string", short: "c" },
        for: { type: "string" },
        escaped: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        version: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function run(): Promise<ExitStatus> {
  const { values, positionals } = parseCommandLine();
  if (values.help) {
    print(usageText);
    return ExitStatus.done;
  }
  if (values.version) {
    print(`discli ${packageJson.version}\n`);
    return ExitStatus.done;
  }
  const [word, ...words] = positionals;
  if (word === undefined) throw new UsageError("a command is missing");
  if (notYet.has(word)) throw new UsageError(`${word} is not built yet`);
  const command = commands[word];
  if (command === undefined) throw new UsageError(`there is no command "${word}"`);
  if (values.for !== undefined && values.for !== "bind") {
    throw new UsageError(`--for ${values.for} is not built yet; --for bind is`);
  }
  const server = values.server === undefined ? systemServer() : parseServer(values.server);
  if (server === undefined) throw new UsageError(`"${values.server}" is not ADDR or ADDR:PORT`);
  const style = { json: values.json, escaped: values.escaped };
  return command({ server, style, config: values.config }, words);
}

try {
  process.exitCode = await run();
} catch (error) {
  if (
    !(error instanceof UsageError) &&
    !(error instanceof ResolverError) &&
    !(error instanceof ConfigurationError)
  ) {
    throw error;
  }
  const hint = error instanceof UsageError ? " (discli --help)" : "";
  process.stderr.write(`discli: ${error.message}${hint}\n`);
  process.exitCode = ExitStatus.failed;
}
