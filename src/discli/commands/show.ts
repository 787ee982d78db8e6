// `show`: what a running discd knows.

import type { Summary } from "../../api/shapes.js";
import { ageText } from "../ages.js";
import { Api } from "../api.js";
import { renderColumns, renderFacts } from "../columns.js";
import { ExitStatus, nothing, type Request } from "../command.js";
import { readFilters } from "../filters.js";
import { fits, type Listing, listings } from "../listings.js";
import type { apiOptions } from "../options.js";
import type { Output } from "../output.js";
import { asJson } from "../render.js";

type ShowRequest = Request<typeof apiOptions>;

export async function run(request: ShowRequest): Promise<ExitStatus> {
  const [what = "", ...rest] = request.words;
  if (what === "packets") return (await import("../packets.js")).showPackets(request);
  const api = new Api(request);
  const listing = listings[what];
  if (listing !== undefined) return showList(api, listing, request);
  readFilters(rest, what, []);
  const asked = what === "config" ? api.get("/v1/config") : api.get("/v1/summary");
  const body = await request.output.waiting(`asking ${api.place.text}`, asked);
  const isText = what === "summary" && !request.style.json;
  request.output.print(isText ? summaryText(body as Summary, request.output) : asJson(body));
  return ExitStatus.done;
}

async function showList<T>(
  api: Api,
  listing: Listing<T>,
  { words, style, output }: ShowRequest,
): Promise<ExitStatus> {
  const { path, key, filters } = listing;
  const wanted = readFilters(words.slice(1), key, Object.keys(filters));
  const body = (await output.waiting(`asking ${api.place.text}`, bodyOf(api, path))) as Readonly<
    Record<string, readonly T[]>
  >;
  const rows = (body[key] ?? []).filter((row) =>
    [...wanted].every(([name, value]) => fits(filters[name] as never, row, value)),
  );
  if (style.json) output.print(asJson({ ...body, [key]: rows }));
  else output.print(renderColumns(rows, listing.columns(style), output));
  if (rows.length > 0) return ExitStatus.done;
  const isPicked = wanted.size > 0 && (body[key] ?? []).length > 0;
  return nothing(output, isPicked ? `none of the ${key} is like that` : listing.none);
}

/** Services that are hidden by a rule are shown to whoever may see them. */
async function bodyOf(api: Api, path: Listing<unknown>["path"]): Promise<object> {
  if (path !== "/v1/services") return api.get(path);
  const all = await api.ask("GET", path, { hidden: "true" });
  return all.status === 403 ? api.get(path) : api.checked(path, all);
}

function summaryText(of: Summary, output: Pick<Output, "isTerminal">): string {
  const { queries, mdns, cache, push } = of;
  const rate = (value: number) => `${Math.round(value * 10) / 10} a second`;
  return renderFacts(
    [
      ["discd", `${of.version} on ${of.hostname}`],
      ["running", `${ageText(of.uptimeSeconds)}, since ${of.startedAt}`],
      ["links", of.links],
      ["zones", of.zones],
      ["services", of.services],
      ["queries", `${queries.total}, ${rate(queries.perSecond)}`],
      ["ready answers", `${cache.hits} used, ${cache.misses} made`],
      ["mDNS packets", `${mdns.in} in, ${mdns.out} out, ${rate(mdns.perSecond)}`],
      ["subscriptions", `${push.subscriptions} in ${push.sessions} sessions, ${of.llq} LLQs`],
      ["health", of.health],
      ...of.problems.map((text) => ["problem", text] as const),
    ],
    output,
  );
}
