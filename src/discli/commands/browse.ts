// `browse`: the instances of a type, or the types there are.

import type { Resolver } from "../../os/resolver.js";
import type { Name } from "../../wire/name.js";
import { ExitStatus, nothing, type Request, UsageError } from "../command.js";
import { listed, shown, typedBrowse } from "../names.js";
import type { browseOptions } from "../options.js";
import { browse, browsedDomains, browsedName } from "../questions.js";
import { renderBrowse } from "../render.js";
import { listsOf, resolverFor, searchDomains, settled } from "../resolvers.js";
import { BrowseTable } from "../tables.js";
import { checkPins } from "../trust.js";
import type { WatchWords } from "../watch.js";

type BrowseRequest = Request<typeof browseOptions>;

/** Where to browse: what was typed, or what the search domains name. */
async function domainsOf(request: BrowseRequest, resolver: Resolver, domain: Name | undefined) {
  if (domain !== undefined) return { domains: [domain], failed: 0, none: "" };
  const search = searchDomains(request);
  const asked = listsOf(resolver, search, request);
  const what = `asking where to browse in ${listed(search, request.style)}`;
  const { found, failed } = await request.output.waiting(what, asked);
  const none = `no domain to browse: ${listed(search, request.style)} names none as b or lb`;
  return { domains: browsedDomains(found), failed, none };
}

/** @throws UsageError */
function watchWords({ options }: BrowseRequest): WatchWords | undefined {
  const { watch, ca, pin, "no-push": noPush, "no-llq": noLlq } = options;
  if (!watch) {
    const given = { ca: ca !== undefined, pin: pin.length > 0, "no-push": noPush, "no-llq": noLlq };
    const stray = Object.entries(given).find(([, isGiven]) => isGiven)?.[0];
    if (stray !== undefined) throw new UsageError(`--${stray} says something only with --watch`);
    return undefined;
  }
  checkPins(pin);
  return { ca, pins: pin, takesPush: !noPush, takesLlq: !noLlq };
}

/** Prints what one domain has as soon as it is known, whatever the others take. */
function shower(hasInstances: boolean, { style, output }: BrowseRequest) {
  if (style.json) return () => {};
  if (!output.isTerminal || style.escaped) {
    return (found: readonly Name[]) => output.print(renderBrowse(found, style));
  }
  const table = new BrowseTable(hasInstances, style);
  return (found: readonly Name[]) => output.print(table.add(found));
}

export async function run(request: BrowseRequest): Promise<ExitStatus> {
  const { words, style, output } = request;
  const typed = typedBrowse(words[0], words[1]);
  const watched = watchWords(request);
  const resolver = await resolverFor(request);
  const { domains, failed, none } = await domainsOf(request, resolver, typed.domain);
  if (domains.length === 0) return nothing(output, none);
  const names = domains.map((domain) => browsedName(typed.type, domain));
  if (watched !== undefined) {
    const { watch } = await import("../watch.js");
    await watch(names, { resolver, words: watched, style, output });
    return ExitStatus.done;
  }
  const show = shower(typed.type !== undefined, request);
  const asked = await settled(
    names.map(async (name) => {
      const some = await output.waiting(`asking for ${shown(name, style)}`, browse(resolver, name));
      show(some);
      return some;
    }),
    request,
  );
  const found = asked.found.flat();
  if (style.json) output.print(renderBrowse(found, style));
  if (failed + asked.failed > 0) return ExitStatus.failed;
  if (found.length > 0) return ExitStatus.done;
  const what = typed.type === undefined ? "no service" : `no ${typed.type.join(".")}`;
  return nothing(output, `${what} in ${listed(domains, style)}`);
}
