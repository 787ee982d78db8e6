// What each path answers. Values in, values out: who asks and what for is in the
// request, what is known comes from the state.

import { parseType } from "../wire/codes.js";
import { allEvents, eventOf, frame, type PacketFilter, packetsLike } from "./events.js";
import { type Answer, failure, json, jsonType, type Request } from "./exchange.js";
import { foldText, judgeHealth } from "./health.js";
import { metricsText, metricsType } from "./metrics.js";
import { type Pages, pageAnswer } from "./pages.js";
import { objectInPortions, type Part } from "./portions.js";
import { judgeRights, type RightsRules, type Want } from "./rights.js";
import type { ApiState } from "./state.js";

export interface Api {
  readonly state: ApiState;
  readonly rights: RightsRules;
  readonly pages: Pages;
}

/** What becomes of a request; `refusal` is the reason by which it is counted. */
export interface Reply {
  readonly answer: Answer;
  readonly refusal?: string;
}

/** Longest path and query: a name of 255 bytes escaped thrice over, and some more. */
export const targetMax = 2048;

interface Asked {
  readonly state: ApiState;
  readonly query: ReadonlyMap<string, string>;
  readonly mayWrite: boolean;
}

interface Route {
  readonly want: Want;
  /** Known keys of the query. */
  readonly keys: readonly string[];
  answer(asked: Asked): Answer;
}

const inPortions = (parts: Readonly<Record<string, Part>>): Answer => ({
  kind: "pieces",
  type: jsonType,
  pieces: objectInPortions(parts),
});

const reading = (answer: (asked: Asked) => Answer, keys: readonly string[] = []): Route => ({
  want: "read",
  keys,
  answer,
});

const writing = (answer: (asked: Asked) => Answer): Route => ({ want: "write", keys: [], answer });

const routes: ReadonlyMap<string, Route> = new Map([
  ["/healthz", reading(health, ["zone"])],
  ["/metrics", reading(metrics)],
  ["/v1/summary", reading(({ state }) => json(200, state.summary()))],
  ["/v1/interfaces", reading(({ state }) => json(200, { interfaces: state.interfaces() }))],
  ["/v1/zones", reading(({ state }) => json(200, { zones: state.zones() }))],
  [
    "/v1/domains",
    reading(({ state }) => json(200, { domains: state.domains(), known: state.knownDomains() })),
  ],
  ["/v1/services", reading(services, ["zone", "link", "type", "hidden"])],
  ["/v1/hosts", reading(({ state }) => inPortions({ hosts: { list: state.hosts() } }))],
  [
    "/v1/subscriptions",
    reading(({ state }) => inPortions({ subscriptions: { list: state.subscriptions() } })),
  ],
  ["/v1/questions", reading(({ state }) => inPortions({ questions: { list: state.questions() } }))],
  ["/v1/updates", reading(({ state }) => json(200, { updates: state.updates() }))],
  ["/v1/config", reading(({ state }) => json(200, state.config()))],
  ["/v1/policy", reading(policy, ["name", "type", "client"])],
  ["/v1/events", reading(events)],
  ["/v1/packets", reading(packets, ["link", "if", "name", "type"])],
  ["/v1/reload", writing(() => ({ kind: "reload" }))],
  ["/v1/refresh", writing(({ state }) => json(202, { done: state.refresh() }))],
]);

/** The paths, for the manual and its test. */
export const paths: readonly string[] = [...routes.keys()];

/** Answers one request. */
export function answer(request: Request, { state, rights, pages }: Api): Reply {
  const target = readTarget(request.target);
  if (typeof target === "string") {
    const status = request.target.length > targetMax ? 414 : 400;
    return { answer: failure(status, target), refusal: "target" };
  }
  const { path, query } = target;
  const route = routes.get(path);
  const page = pages.get(path);
  const verdict = judgeRights(request, route?.want ?? "page", rights);
  if (verdict.kind === "refused") {
    const { status, reason, error, remedy } = verdict;
    const challenge = status === 401 ? { "www-authenticate": "Bearer" } : undefined;
    return { answer: failure(status, error, remedy, challenge), refusal: reason };
  }
  if (route === undefined && page === undefined) {
    const answer = failure(404, "there is no such path", "docs/api.md lists them");
    return { answer, refusal: "path" };
  }
  const allowed = route?.want === "write" ? ["POST"] : ["GET", "HEAD"];
  if (!allowed.includes(request.method)) {
    const allow = allowed.join(", ");
    const error = `this path takes ${allowed.join(" and ")} only`;
    return { answer: failure(405, error, undefined, { allow }), refusal: "method" };
  }
  if (route === undefined) return { answer: pageAnswer(page as NonNullable<typeof page>, request) };
  const odd = [...query.keys()].find((key) => !route.keys.includes(key));
  if (odd !== undefined) {
    const keys = route.keys.join(", ");
    const remedy = keys === "" ? "this path takes none" : `this path takes: ${keys}`;
    return { answer: failure(400, "unknown query parameter", remedy), refusal: "query" };
  }
  return { answer: route.answer({ state, query, mayWrite: verdict.mayWrite }) };
}

/** Text: what is wrong with it. */
function readTarget(target: string) {
  if (target.length > targetMax) return `the path is longer than ${targetMax} characters`;
  if (!/^\/[\x21-\x7e]*$/.test(target)) return "the request names no path";
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new Map<string, string>();
  if (mark < 0) return { path, query };
  for (const pair of target.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? "" : pair.slice(equals + 1));
    if (key === undefined || value === undefined) return "the query is not UTF-8 behind its %";
    if (query.has(key)) return "the query has a parameter twice";
    query.set(key, value);
  }
  return { path, query };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function health({ state, query }: Asked): Answer {
  const zone = query.get("zone");
  const view = judgeHealth(state.probes(), zone === undefined ? undefined : foldText(zone));
  if (zone !== undefined && view.zones.length === 0) {
    return failure(404, `zone ${zone} is not served here`, "/v1/zones lists those that are");
  }
  return json(view.ok ? 200 : 503, view);
}

function metrics({ state }: Asked): Answer {
  const pieces = metricsText({
    counts: state.counts(),
    queries: state.queries(),
    latency: state.latency(),
    gauges: state.gauges(),
  });
  return { kind: "pieces", type: metricsType, pieces };
}

function services({ state, query, mayWrite }: Asked): Answer {
  const hidden = query.get("hidden") ?? "false";
  if (hidden !== "true" && hidden !== "false") return failure(400, "hidden is true or false");
  if (hidden === "true" && !mayWrite) {
    const remedy = "ask over the Unix socket, or send the token";
    return failure(403, "what the operator hides is shown to the operator", remedy);
  }
  const folded = (key: string) => {
    const value = query.get(key);
    return value === undefined ? {} : { [key]: foldText(value) };
  };
  const link = query.get("link");
  const filter = {
    ...folded("zone"),
    ...folded("type"),
    ...(link === undefined ? {} : { link }),
    hidden: hidden === "true",
  };
  return inPortions({
    services: { list: state.services(filter) },
    types: { value: () => state.typeCounts(filter) },
  });
}

function policy({ state, query }: Asked): Answer {
  const [name, type, client] = [query.get("name"), query.get("type"), query.get("client")];
  if (name === undefined || client === undefined) {
    const remedy = "/v1/policy?name=_ipp._tcp.floor1.example.com&type=PTR&client=10.5.0.7";
    return failure(400, "name and client are needed", remedy);
  }
  const view = state.policy({ name, type: type ?? "PTR", client });
  return typeof view === "string" ? failure(400, view) : json(200, view);
}

function events({ state, mayWrite }: Asked): Answer {
  const first = frame(eventOf("summary", state.summary()));
  return { kind: "follow", following: allEvents, first, mayWrite };
}

function packets({ query, mayWrite }: Asked): Answer {
  const filter = packetFilter(query);
  if (typeof filter === "string") return failure(400, filter);
  return { kind: "follow", following: packetsLike(filter, mayWrite), first: "", mayWrite };
}

/** Text: what is wrong with it. */
function packetFilter(query: ReadonlyMap<string, string>): PacketFilter | string {
  const [name, type] = [query.get("name"), query.get("type")];
  const link = query.get("if") ?? query.get("link");
  const number = type === undefined ? undefined : parseType(type.toUpperCase());
  if (type !== undefined && number === undefined) return `type: "${type}" is no record type`;
  return {
    ...(link === undefined ? {} : { link }),
    ...(name === undefined ? {} : { name: foldText(name) }),
    ...(number === undefined ? {} : { type: number }),
  };
}
