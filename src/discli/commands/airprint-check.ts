// `airprint-check`: whether iPhones list the printers of a domain, and what those
// that they do not list lack.

import type { Resolver } from "../../os/resolver.js";
import { type FoundPrinter, findPrinter, findPrinters, lookAt } from "../airprint/evidence.js";
import { printersAsJson, renderPrinter } from "../airprint/report.js";
import { judgePrinter } from "../airprint/verdict.js";
import { ExitStatus, nothing, type Request, UsageError } from "../command.js";
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
  if (text !== undefined) {
    const domain = typedName(text);
    return { found: await findPrinters(resolver, domain), where: shown(domain, style) };
  }
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
