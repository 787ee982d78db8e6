// `domains`: where clients browse and register, as a domain tells them.

import { ExitStatus, nothing, type Request } from "../command.js";
import { listed, typedName } from "../names.js";
import { renderDomains } from "../render.js";
import { listsOf, resolverFor, searchDomains } from "../resolvers.js";
import { domainsTable } from "../tables.js";

export async function run(request: Request): Promise<ExitStatus> {
  const { words, style, output } = request;
  const [text] = words;
  const domains = text === undefined ? searchDomains(request) : [typedName(text)];
  const asked = listsOf(await resolverFor(request), domains, request);
  const { found, failed } = await output.waiting(`asking for ${listed(domains, style)}`, asked);
  const isTable = output.isTerminal && !style.json;
  output.print((isTable ? domainsTable : renderDomains)(found, style));
  if (failed > 0) return ExitStatus.failed;
  const isEmpty = found.every(({ lists }) => lists.every(({ names }) => names.length === 0));
  if (!isEmpty) return ExitStatus.done;
  return nothing(output, `${listed(domains, style)} names no domain to browse or to register in`);
}
