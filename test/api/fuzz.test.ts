// Requests of every kind, most of them wrong: whatever is sent, nothing is thrown,
// and nobody gets what is not theirs.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Api, answer, paths } from "../../src/api/answer.js";
import type { Door, Fields } from "../../src/api/exchange.js";
import { elsewhere, fakeState, loopback, rules, unix } from "./state.js";

const page = { type: "text/html; charset=utf-8", body: Buffer.from("<p>"), tag: '"1"' };

/** Text of which most means something. */
const mixed = (...words: readonly string[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...words) },
    { weight: 1, arbitrary: fc.string({ maxLength: 40, unit: "binary" }) },
  );

const query = fc
  .array(
    fc.tuple(
      mixed("zone", "link", "type", "hidden", "name", "client", "zone%00", "%ff"),
      mixed("", "true", "_ipp._tcp", "PTR", "TYPE65536", "a".repeat(300), "%5c000", "\\300", "%"),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&"));

const target = fc.oneof(
  fc.constantFrom(...paths, "/"),
  fc.constant("/v1/services?hidden=true"),
  fc.tuple(fc.constantFrom(...paths, "/", "/../etc/passwd"), query).map((two) => two.join("?")),
  mixed("", "*", "//", "http://127.0.0.1/", "/%", "/?&&=", `/${"a".repeat(3000)}`),
);

const ours = ["127.0.0.1:8053", "[::1]", "localhost", "PX.example.net."];
const hosts = [...ours, "evil.example", "127.0.0.1.evil.example", "a, b", "[::1", "::1", "@", ""];
const rightToken = "Bearer s3cret";

const fields: fc.Arbitrary<Fields> = fc.record(
  {
    host: mixed(...ours, ...ours, ...hosts),
    origin: mixed("http://127.0.0.1:8053", "http://evil.example", "null"),
    authorization: mixed(rightToken, "Bearer s3cre", "Basic s3cret", "Bearer"),
    fetchSite: mixed("same-origin", "none", "cross-site"),
    fetchMode: mixed("cors", "navigate", "no-cors"),
    ifNoneMatch: mixed("*", '"1"', 'W/"1"', ","),
  },
  { requiredKeys: ["host"] },
);

const asked = fc.record({
  method: mixed("GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "TRACE", "get"),
  target,
  fields,
  door: fc.constantFrom<Door>(loopback, elsewhere, unix, { ...elsewhere, isTls: true }),
});

test("A1.20 whatever is asked, nothing is thrown and nobody gets what is not theirs", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(asked, (request) => {
      const state = fakeState();
      const api: Api = { state, rights: rules, pages: new Map([["/", page]]) };
      const { answer: found, refusal } = answer(request, api);
      seen.add(found.kind === "whole" ? String(found.status) : found.kind);
      const isRefused = found.kind === "whole" && found.status >= 400;
      expect(refusal === undefined || isRefused).toBe(true);
      const { door, method, fields: said } = request;
      const isPage = found.kind === "whole" && (found.body === page.body || found.status === 304);
      const hasToken = /^bearer +s3cret *$/i.test(said.authorization ?? "");
      const mayWrite = door.kind === "unix" || hasToken;
      if (!mayWrite && !door.isLoopback) expect(isRefused || isPage).toBe(true);
      if (!mayWrite || method !== "POST") expect(state.done).toEqual([]);
      if (!mayWrite) expect(state.filters.filter(({ hidden }) => hidden)).toEqual([]);
      if (/evil|^::1$|^$|[@, ]/.test(said.host ?? "")) expect(isRefused).toBe(true);
      if (/evil|null/.test(said.origin ?? "")) expect(isRefused).toBe(true);
    }),
    { numRuns: 10_000, seed: 8766 },
  );
  // It came far enough to be worth something.
  for (const kind of ["200", "304", "400", "401", "403", "404", "405", "421", "follow", "pieces"]) {
    expect(seen).toContain(kind);
  }
});
