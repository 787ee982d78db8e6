// Who may do what: every door, with and without the token, and what browsers are
// made to send by pages of others.

import { expect, test } from "vitest";
import type { Fields } from "../../src/api/exchange.js";
import { judgeRights, type Want } from "../../src/api/rights.js";
import { elsewhere, loopback, request, rules, unix } from "./state.js";

const doors = { loopback, elsewhere, unix, tls: { ...elsewhere, isTls: true } } as const;
const open = { ...rules, hasToken: false, isToken: () => false };

function judged(
  door: keyof typeof doors,
  want: Want,
  fields: Fields,
  some = rules,
): "read" | "write" | number {
  const all = { host: "127.0.0.1:8053", ...fields };
  const verdict = judgeRights(request("GET /", all, doors[door]), want, some);
  return verdict.kind === "refused" ? verdict.status : verdict.mayWrite ? "write" : "read";
}

const right = { authorization: "Bearer s3cret" };

test("without the token: loopback reads, the Unix socket does all, elsewhere sees pages", () => {
  expect(judged("loopback", "read", {})).toBe("read");
  expect(judged("loopback", "write", {})).toBe(401);
  expect(judged("unix", "read", {})).toBe("write");
  expect(judged("unix", "write", {})).toBe("write");
  expect(judged("elsewhere", "page", {})).toBe("read");
  expect(judged("elsewhere", "read", {})).toBe(401);
  expect(judged("tls", "read", {})).toBe(401);
  expect(judged("elsewhere", "write", {})).toBe(401);
});

test("with the token everything, by every door", () => {
  for (const door of ["loopback", "elsewhere", "tls", "unix"] as const) {
    expect(judged(door, "write", right)).toBe("write");
    expect(judged(door, "read", right)).toBe("write");
  }
  expect(judged("elsewhere", "read", { authorization: "bearer  s3cret " })).toBe("write");
});

test("a wrong token is worse than none", () => {
  const wrong = [
    "Bearer s3creT",
    "Bearer",
    "Bearer ",
    "s3cret",
    "Basic s3cret",
    "Bearer s3cret, Bearer s3cret",
    "Bearer s3cret x",
    "",
  ];
  for (const authorization of wrong) {
    for (const want of ["page", "read", "write"] as const) {
      expect(judged("loopback", want, { authorization })).toBe(401);
      expect(judged("elsewhere", want, { authorization })).toBe(401);
    }
  }
});

test("where none is set nobody elsewhere reads, and nobody writes but by the Unix socket", () => {
  expect(judged("loopback", "read", {}, open)).toBe("read");
  expect(judged("loopback", "write", {}, open)).toBe(403);
  expect(judged("elsewhere", "read", {}, open)).toBe(403);
  expect(judged("elsewhere", "read", { authorization: "Bearer " }, open)).toBe(403);
  expect(judged("elsewhere", "write", { authorization: "Bearer undefined" }, open)).toBe(403);
  expect(judged("unix", "write", {}, open)).toBe("write");
});

test("the remedy thinks of a variable that is not set", () => {
  const asked = request("POST /", { host: "127.0.0.1:8053" }, loopback);
  expect(JSON.stringify(judgeRights(asked, "write", open))).toContain(
    "(and the variable, if it is env('…'))",
  );
});

const ours = [
  "127.0.0.1",
  "127.0.0.1:8053",
  "[::1]:8053",
  "[2001:db8::1]",
  "192.0.2.1:80",
  "localhost:8053",
  "LOCALHOST",
  "px.example.net:8053",
  "PX.Example.Net.",
];
const notOurs = ["evil.example", "px.example.net.evil.example", "127.0.0.1.evil.example", "a"];
const noHosts = ["", "127.0.0.1, evil.example", "a b", "http://127.0.0.1", "[::1", "x@127.0.0.1"];

test("a name that was made to point here is not ours", () => {
  for (const host of ours) expect(judged("loopback", "read", { host })).toBe("read");
  for (const host of notOurs) {
    for (const want of ["page", "read", "write"] as const) {
      expect(judged("loopback", want, { host })).toBe(421);
      expect(judged("elsewhere", want, { host, ...right })).toBe(421);
    }
  }
  for (const host of noHosts) expect(judged("loopback", "read", { host })).toBe(400);
  const verdict = judgeRights(request("GET /", {}, loopback), "read", rules);
  expect(verdict.kind === "refused" && verdict.status).toBe(400);
});

test("pages of other origins are refused, whatever they bring", () => {
  const host = "127.0.0.1:8053";
  const from = (origin: string) => judged("loopback", "read", { host, origin });
  expect(from("http://127.0.0.1:8053")).toBe("read");
  for (const origin of [
    "null",
    "http://evil.example",
    "https://127.0.0.1:8053",
    "http://127.0.0.1:8054",
    "http://127.0.0.1",
    "http://127.0.0.1:8053, http://evil.example",
    "",
  ]) {
    expect(from(origin)).toBe(403);
    expect(judged("loopback", "write", { host, origin, ...right })).toBe(403);
  }
  const tls = { host: "px.example.net", origin: "https://px.example.net", ...right };
  expect(judged("tls", "read", tls)).toBe("write");
});

test("what a browser says of its own accord is believed", () => {
  const sent = (fetchSite: string, fetchMode: string) =>
    judged("loopback", "read", { fetchSite, fetchMode });
  expect(sent("same-origin", "cors")).toBe("read");
  expect(sent("none", "navigate")).toBe("read");
  expect(sent("cross-site", "no-cors")).toBe(403);
  expect(sent("same-site", "cors")).toBe(403);
  expect(sent("none, cross-site", "cors")).toBe(403);
  // A link on another page that somebody has followed.
  expect(sent("cross-site", "navigate")).toBe("read");
  // A form on another page that somebody has sent off.
  const form = { host: "127.0.0.1", fetchSite: "cross-site", fetchMode: "navigate", ...right };
  const posted = judgeRights(request("POST /v1/reload", form, loopback), "write", rules);
  expect(posted).toMatchObject({ status: 403, reason: "origin" });
});

test("A1.20 a tunnel to the Unix socket leads no page of another origin there", () => {
  for (const host of [...ours, "x", "unix:80"]) {
    expect(judged("unix", "write", { host })).toBe("write");
  }
  for (const host of ["evil.example", "evil.example:8053", "127.0.0.1.evil.example", "x.y"]) {
    expect(judged("unix", "read", { host })).toBe(421);
    expect(judged("unix", "write", { host, ...right })).toBe(421);
  }
  for (const host of noHosts) expect(judged("unix", "read", { host })).toBe(400);
  const host = "localhost:9000";
  expect(judged("unix", "write", { host, origin: "http://localhost:9000" })).toBe("write");
  expect(judged("unix", "read", { host, fetchSite: "same-origin", fetchMode: "cors" })).toBe(
    "write",
  );
  expect(judged("unix", "write", { host, origin: "http://evil.example" })).toBe(403);
  expect(judged("unix", "write", { host, origin: "http://localhost" })).toBe(403);
  expect(judged("unix", "write", { host, fetchSite: "cross-site", fetchMode: "no-cors" })).toBe(
    403,
  );
  // Programs of old may leave it out, browsers never do.
  const without = judgeRights(request("POST /v1/reload", {}, unix), "write", rules);
  expect(without).toEqual({ kind: "granted", mayWrite: true });
});
