// `show`: what a running discd knows.

import type { Summary } from "../../api/shapes.js";
import { ageText } from "../ages.js";
import { Api } from "../api.js";
import { renderFacts, renderList } from "../columns.js";
import { ExitStatus, nothing, type Request } from "../command.js";
import { readFilters } from "../filters.js";
import { type Filter, fits, type Listing, listings } from "../listings.js";
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
  readFilters(rest, what, {});
  const asked = what === "config" ? api.get("/v1/config") : api.get("/v1/summary");
  const body = await request.output.waiting(`asking ${api.place.text}`, asked);
  const isText = what === "summary" && !request.style.json;
  request.output.print(isText ? summaryText(body as Summary, request.output) : asJson(body));
  return ExitStatus.done;
}

type Rows = Readonly<Record<string, readonly unknown[]>>;

async function showList(
  api: Api,
  listing: Listing<unknown>,
  { words, style, output }: ShowRequest,
): Promise<ExitStatus> {
  const [what = "", ...rest] = words;
  const wanted = readFilters(rest, what, listing.filters);
  const body = (await output.waiting(
    `asking ${api.place.text}`,
    bodyOf(api, listing.path),
  )) as Rows;
  const rows = pick(listing, body, wanted);
  const { also } = listing;
  const hasAlso = also !== undefined && [...wanted.keys()].every((key) => key in also.filters);
  const more = hasAlso ? pick(also, body, wanted) : [];
  if (style.json) {
    const parts = { [listing.key]: rows, ...(also === undefined ? {} : { [also.key]: more }) };
    output.print(asJson({ ...body, ...parts }));
  } else {
    output.print(renderList(rows, listing.columns(style), output));
    if (also !== undefined) {
      if (output.isTerminal && rows.length > 0 && more.length > 0) output.print("\n");
      output.print(renderList(more, also.columns(style), output));
    }
  }
  if (rows.length + more.length > 0) return ExitStatus.done;
  const all = (body[listing.key] ?? []).length;
  if (wanted.size === 0 || all === 0) return nothing(output, listing.none);
  const there = all === 1 ? "the one there is" : `the ${all} there are`;
  const remedy = `\`discli show ${what}\` shows ${there}`;
  return nothing(output, `none of the ${what} has ${rest.join(" ")}; ${remedy}`);
}

function pick(
  { key, filters }: Listing<unknown>,
  body: Rows,
  wanted: ReadonlyMap<string, string>,
): readonly unknown[] {
  return (body[key] ?? []).filter((row) =>
    [...wanted].every(([name, value]) => fits(filters[name] as Filter<unknown>, row, value)),
  );
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
      ...reloadFacts(of),
      ...of.problems.map((text) => ["problem", text] as const),
    ],
    output,
  );
}

/** How the configuration fared that was last read again. */
function reloadFacts({ reload }: Summary): readonly (readonly [string, string])[] {
  if (reload === null) return [];
  const outcome = reload.isTaken ? "taken up" : "refused: the one before stays in force";
  return [
    ["configuration", `${outcome}, ${reload.at}`],
    // Those of one that was refused are among the problems of the whole.
    ...(reload.isTaken ? reload.problems : []).map((text) => [" ", text] as const),
  ];
}
