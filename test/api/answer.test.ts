// What each path answers, and that it has the shape that the manual describes.

import { expect, test } from "vitest";
import { type Api, answer, paths, type Reply, targetMax } from "../../src/api/answer.js";
import type { Answer } from "../../src/api/exchange.js";
import type { Page } from "../../src/api/pages.js";
import { reloadAnswer } from "../../src/api/reload.js";
import { mismatch } from "../../src/api/shape.js";
import { bodyShapes, errorShape, eventShapes, refusedReloadShape } from "../../src/api/shapes.js";
import type { ApiState } from "../../src/api/state.js";
import { elsewhere, fakeState, loopback, printer, request, rules, unix } from "./state.js";

const taken = { kind: "taken", file: "/etc/discd.lua", warnings: [] } as const;

const page: Page = { type: "text/html; charset=utf-8", body: Buffer.from("<p>"), tag: '"1"' };

function apiOf(state: ApiState = fakeState()): Api {
  return { state, rights: rules, pages: new Map([["/", page]]) };
}

const get = (target: string, api = apiOf()): Reply => answer(request(`GET ${target}`), api);

function textOf(found: Answer): string {
  if (found.kind === "whole") return Buffer.from(found.body as string).toString();
  if (found.kind === "follow") return found.first;
  if (found.kind === "reload") return textOf(reloadAnswer(taken));
  let text = "";
  for (let next = found.pieces.next(); !next.done; next = found.pieces.next()) text += next.value;
  return text;
}

const statusOf = ({ answer: found }: Reply) => (found.kind === "whole" ? found.status : 200);
const bodyOf = ({ answer: found }: Reply) => JSON.parse(textOf(found));

const queries: Readonly<Record<string, string>> = {
  "/v1/policy": "?name=_ipp._tcp.floor1.example.com&client=10.5.0.7",
};

for (const [path, shape] of Object.entries(bodyShapes)) {
  test(`${path} has the shape of the manual`, () => {
    const method = path === "/v1/reload" || path === "/v1/refresh" ? "POST" : "GET";
    const reply = answer(
      request(`${method} ${path}${queries[path] ?? ""}`, undefined, unix),
      apiOf(),
    );
    expect(statusOf(reply)).toBeLessThan(300);
    expect(mismatch(shape, bodyOf(reply))).toBeUndefined();
  });
}

test("every path has a shape, or is one of those that are no JSON", () => {
  const others = ["/metrics", "/v1/events", "/v1/packets"];
  expect([...paths].sort()).toEqual([...Object.keys(bodyShapes), ...others].sort());
});

test("a missing key, one too many and a wrong type are mismatches", () => {
  const { isShown, ...less } = printer;
  const shape = eventShapes["service-added"];
  expect(mismatch(shape, printer)).toBeUndefined();
  expect(mismatch(shape, less)).toMatch(/isShown/);
  expect(mismatch(shape, { ...printer, more: 1 })).toMatch(/more: not in the schema/);
  expect(mismatch(shape, { ...printer, port: "631" })).toMatch(/port: not a finite number/);
  expect(mismatch(shape, { ...printer, ttlSeconds: Number.NaN })).toMatch(/ttlSeconds/);
  expect(mismatch(shape, { ...printer, addresses: [1] })).toMatch(/addresses\[0\]/);
});

test("services are asked for by zone, link and type, whatever their case", () => {
  const state = fakeState();
  const target = "/v1/services?zone=Floor1.Example.COM.&link=net1&type=_IPP._tcp";
  textOf(get(target, apiOf(state)).answer);
  const filter = { zone: "floor1.example.com", link: "net1", type: "_ipp._tcp", hidden: false };
  expect(state.filters).toEqual([filter]);
});

test("what the operator hides is shown to the operator alone", () => {
  expect(statusOf(get("/v1/services?hidden=true"))).toBe(403);
  expect(statusOf(get("/v1/services?hidden=yes"))).toBe(400);
  const state = fakeState();
  const asked = request("GET /v1/services?hidden=true", {}, unix);
  textOf(answer(asked, apiOf(state)).answer);
  expect(state.filters[0]?.hidden).toBe(true);
});

test("a long list comes in portions of a bounded size, and is whole JSON in the end", () => {
  const many = Array.from({ length: 2000 }, (_, at) => ({ ...printer, id: String(at) }));
  const { answer: found } = get("/v1/services", apiOf(fakeState({ services: () => many })));
  if (found.kind !== "pieces") throw new Error("not in pieces");
  const pieces: string[] = [];
  for (let next = found.pieces.next(); !next.done; next = found.pieces.next()) {
    pieces.push(next.value);
  }
  expect(pieces.length).toBeGreaterThan(70);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(16_384);
  const body = JSON.parse(pieces.join(""));
  expect(body.services).toEqual(many);
  expect(mismatch(bodyShapes["/v1/services"], body)).toBeUndefined();
});

test("writing is POST, and does it once", () => {
  const state = fakeState();
  expect(statusOf(answer(request("GET /v1/reload", undefined, unix), apiOf(state)))).toBe(405);
  expect(state.done).toEqual([]);
  const { answer: reload } = answer(request("POST /v1/reload", undefined, unix), apiOf(state));
  expect(reload.kind).toBe("reload");
  expect(statusOf(answer(request("POST /v1/refresh", undefined, unix), apiOf(state)))).toBe(202);
  expect(state.done).toEqual(["refresh"]);
});

test("A9.1 a reload that was refused is 422, with a line for each problem", () => {
  const problems = ["/etc/discd.lua:3: zone is no key; the nearest is zones"];
  const refused = reloadAnswer({ kind: "refused", problems, errors: problems });
  expect(statusOf({ answer: refused })).toBe(422);
  expect(mismatch(refusedReloadShape, bodyOf({ answer: refused }))).toBeUndefined();
  expect(bodyOf({ answer: refused })).toMatchObject({ problems });
});

test("A2.5 packets are picked by interface, type and part of a name, however they are spelled", () => {
  const { answer: found } = get("/v1/packets?if=net1&type=ptr&name=_IPP");
  if (found.kind !== "follow") throw new Error("does not follow");
  const packet = (link: string, names: string, type: number) =>
    found.following.accepts({
      name: "packet",
      json: "{}",
      subject: { link, names, types: new Set([type]) },
    });
  expect(packet("net1", "lobby._ipp._tcp.local", 12)).toBe(true);
  expect(packet("net2", "lobby._ipp._tcp.local", 12)).toBe(false);
  expect(packet("net1", "lobby._http._tcp.local", 12)).toBe(false);
  expect(packet("net1", "lobby._ipp._tcp.local", 16)).toBe(false);
});

test("health of a zone that is not served is 404", () => {
  expect(statusOf(get("/healthz?zone=floor1.example.com"))).toBe(200);
  expect(statusOf(get("/healthz?zone=floor9.example.com"))).toBe(404);
});

test("reading is GET or HEAD, and nothing else", () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
    const reply = answer(request(`${method} /v1/summary`), apiOf());
    expect(statusOf(reply)).toBe(405);
    expect(reply.refusal).toBe("method");
    expect(reply.answer.kind === "whole" && reply.answer.fields?.allow).toBe("GET, HEAD");
  }
  expect(statusOf(answer(request("HEAD /v1/summary"), apiOf()))).toBe(200);
});

test("the page is given without a token, and not twice when it is the same", () => {
  const fields = { host: "10.8.0.53:8053" };
  const first = answer(request("GET /", fields, elsewhere), apiOf());
  expect(statusOf(first)).toBe(200);
  expect(textOf(first.answer)).toBe("<p>");
  const policy = first.answer.kind === "whole" && first.answer.fields?.["content-security-policy"];
  expect(policy).toMatch(/default-src 'none'.*script-src 'self'/);
  expect(policy).toMatch(/require-trusted-types-for 'script'; trusted-types 'none'$/);
  const again = answer(request("GET /", { ...fields, ifNoneMatch: 'W/"1"' }, elsewhere), apiOf());
  expect(statusOf(again)).toBe(304);
  expect(statusOf(answer(request("GET /v1/summary", fields, elsewhere), apiOf()))).toBe(401);
});

const wrong: readonly (readonly [string, number])[] = [
  ["/v1/nothing", 404],
  ["/v1/summary/", 404],
  ["/../etc/passwd", 404],
  ["/%2e%2e/etc/passwd", 404],
  ["//etc/passwd", 404],
  ["http://127.0.0.1/v1/summary", 400],
  ["*", 400],
  ["", 400],
  ["/v1/summary?x=1", 400],
  ["/v1/services?zones=a", 400],
  ["/v1/services?zone=%ff", 400],
  ["/v1/services?zone=%", 400],
  ["/v1/services?zone=a&zone=b", 400],
  ["/v1/policy", 400],
  ["/v1/policy?name=a&client=nobody", 400],
  ["/v1/packets?type=PIG", 400],
  [`/v1/services?zone=${"a".repeat(targetMax)}`, 414],
];

for (const [target, status] of wrong) {
  test(`${target.slice(0, 60)} is answered ${status} with a reason`, () => {
    const reply = get(target);
    expect(statusOf(reply)).toBe(status);
    expect(mismatch(errorShape, bodyOf(reply))).toBeUndefined();
  });
}

test("nothing of a hostile name leaves JSON unescaped, on one line", () => {
  const text = textOf(get("/v1/services").answer);
  expect(text.split("\n")).toHaveLength(2);
  expect(JSON.parse(text).services[0].instance).toBe(printer.instance);
});

test("following begins with the summary", () => {
  const { answer: found } = get("/v1/events");
  if (found.kind !== "follow") throw new Error("does not follow");
  const [event = "", data = "", ...rest] = found.first.split("\n");
  expect(event).toBe("event: summary");
  expect(rest).toEqual(["", ""]);
  const value = JSON.parse(data.replace(/^data: /, ""));
  expect(mismatch(eventShapes.summary, value)).toBeUndefined();
  expect(found.following.feed).toBe("events");
});

test("loopback reads and does not write", () => {
  const reply = answer(request("POST /v1/reload", { host: "localhost" }, loopback), apiOf());
  expect(statusOf(reply)).toBe(401);
});
