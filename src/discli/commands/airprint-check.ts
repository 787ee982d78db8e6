// `airprint-check`: whether iPhones list the printers of a domain, and what those
// that they do not list lack.

import { type Resolver, ResolverError } from "../../os/resolver.js";
import { displayName, nameOf } from "../../wire/name.js";
import { type FoundPrinter, findPrinter, findPrinters, lookAt } from "../airprint/evidence.js";
import { printersAsJson, renderPrinter } from "../airprint/report.js";
import { judgePrinter } from "../airprint/verdict.js";
import { ExitStatus, Failure, nothing, type Request, type Style, UsageError } from "../command.js";
import { listed, shown, typedInstance, typedName } from "../names.js";
import { browsedDomains } from "../questions.js";
import { listsOf, resolverFor, searchDomains, settled } from "../resolvers.js";

const instancePattern = /^.+?\._ipps?\._tcp\..+/i;

export async function run(request: Request): Promise<ExitStatus> {
  const { style, output, timeout } = request;
  const resolver = await resolverFor(request);
  const finding = find(request, resolver);
  const { found, where } = await output.waiting("looking for printers", finding);
  if (found.length === 0) return nothing(output, `no printer (_ipp._tcp, _ipps._tcp): ${where}`);
  const looking = lookAt(resolver, found, timeout);
  const verdicts = (await output.waiting(`looking at ${found.length} printers`, looking))
    .map(judgePrinter)
    .sort((a, b) => (a.label < b.label ? -1 : 1));
  if (style.json) output.print(printersAsJson(verdicts));
  else output.print(verdicts.map(renderPrinter).join(""));
  const has = (state: string) => verdicts.some((one) => one.state === state);
  if (has("FAIL")) return ExitStatus.failed;
  if (has("SKIP")) return ExitStatus.untested;
  return has("WARN") ? ExitStatus.nothing : ExitStatus.done;
}

interface Listed {
  readonly found: readonly FoundPrinter[];
  /** Where was looked, for people. */
  readonly where: string;
}

const printerForm = "a printer is written NAME._ipp._tcp.DOMAIN";

/** Top-level domains hold nothing else. */
const topPattern = /^[\p{L}\p{M}\p{N}-]+$/u;

/** All printers of a domain. What reads like the name of a printer alone is no domain. */
async function findIn(text: string, resolver: Resolver, style: Style): Promise<Listed> {
  const domain = typedName(text);
  const { labels } = domain;
  const top = displayName(nameOf(labels.slice(-1)));
  if (!topPattern.test(top)) throw new UsageError(`"${text}": no domain ends so; ${printerForm}`);
  const hint = labels.length > 1 ? "" : `; ${printerForm}`;
  try {
    return { found: await findPrinters(resolver, domain), where: `${shown(domain, style)}${hint}` };
  } catch (error) {
    if (hint === "" || !(error instanceof ResolverError)) throw error;
    throw new Failure(`${error.message}${hint}`);
  }
}

/** The printer that was typed, or all of the domain, or of the domains that are browsed. */
async function find(request: Request, resolver: Resolver): Promise<Listed> {
  const { words, style } = request;
  const [text] = words;
  if (text !== undefined && instancePattern.test(text)) {
    const name = typedInstance(text);
    return {
      found: await findPrinter(resolver, name),
      where: `${shown(name, style)} is not there`,
    };
  }
  if (text !== undefined && /(^|\.)_[^.]+\._(tcp|udp)(\.|$)/i.test(text)) {
    throw new UsageError(`"${text}": write a domain, or a printer, NAME._ipp._tcp.DOMAIN`);
  }
  if (text !== undefined) return findIn(text, resolver, style);
  const search = searchDomains(request);
  const lists = await listsOf(resolver, search, request);
  const domains = browsedDomains(lists.found);
  if (domains.length === 0) {
    const where = `${listed(search, style)} names no domain to browse as b or lb`;
    return { found: [], where };
  }
  const asked = domains.map((domain) => findPrinters(resolver, domain));
  const { found } = await settled(asked, request);
  return { found: found.flat(), where: listed(domains, style) };
}
