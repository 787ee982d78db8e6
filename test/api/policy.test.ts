// Which rule decides: each step of an answer, told in words.

import { expect, test } from "vitest";
import { explain } from "../../src/api/policy.js";
import { mismatch } from "../../src/api/shape.js";
import { policyShape } from "../../src/api/shapes.js";
import { tablesOf } from "../../src/proxy/tables.js";
import { parseName } from "../../src/wire/name.js";
import { linkOf, listOf, names, optionsOf, rrs } from "../proxy/floor.js";

const zone = "Building\\0321.example.com";

const options = optionsOf({
  links: [
    linkOf({
      allow: listOf("10.5.0.0/16"),
      services: {
        allow: ["_ipp*._tcp"],
        deny: ["_ssh._tcp"],
        default: "allow",
        otherwise: { allow: [], deny: [], default: "deny" },
      },
    }),
    linkOf({
      link: "net2",
      service: parseName("f2.example.com"),
      host: parseName("f2.example.com"),
      reverse: [],
    }),
  ],
  allow: listOf("10.0.0.0/8"),
  records: rrs(`intranet.${zone}. 60 A 192.0.2.7`, "x.mesh. 60 A 192.0.2.8"),
  zones: names("mesh"),
});

type Row = readonly [string, string, string, string | RegExp];

const rows: readonly Row[] = [
  [
    `_ipp._tcp.${zone} PTR`,
    "10.5.0.7",
    "link",
    "services: allow '_ipp*._tcp' shows _ipp._tcp; the link is asked",
  ],
  [`_ssh._tcp.${zone} PTR`, "10.5.0.7", "negative", "services: deny '_ssh._tcp' hides _ssh._tcp"],
  [`a._ssh._tcp.${zone} SRV`, "10.5.0.7", "negative", "services: deny '_ssh._tcp' hides _ssh._tcp"],
  [`_http._tcp.${zone} PTR`, "10.5.0.7", "negative", "services: default 'deny' hides _http._tcp"],
  ["_http._tcp.f2.example.com PTR", "10.5.0.7", "link", /default 'allow' shows/],
  ["printer.bldg-1.example.com A", "10.5.0.7", "link", /no rule is about this name/],
  [`${zone} SOA`, "10.5.0.7", "local", /the zone's own records/],
  [`a.${zone} NS`, "10.5.0.7", "negative", /no zone lies below/],
  [`_dns-push-tls._tcp.${zone} SRV`, "10.5.0.7", "negative", /what discd offers/],
  [`intranet.${zone} A`, "10.5.0.7", "local", /a name of 'records'/],
  [`b._dns-sd._udp.${zone} PTR`, "10.5.0.7", "local", /domain enumeration/],
  [`_tcp.${zone} PTR`, "10.5.0.7", "negative", /no device has anything/],
  ["x.mesh A", "10.5.0.7", "local", /a zone of 'records' alone/],
  ["y.mesh A", "10.5.0.7", "negative", /a zone of 'records' alone/],
  [
    `_ipp._tcp.${zone} PTR`,
    "10.6.0.7",
    "refused",
    "the client may ask, but 'allow' of net1 does not have it",
  ],
  ["x.mesh A", "10.6.0.7", "local", /alone/],
  ["www.example.org A", "10.5.0.7", "refused", /in none of the zones/],
  ["printer.local A", "10.5.0.7", "nxdomain", /on links alone/],
];

for (const [line, client, verdict, rule] of rows) {
  test(`${line} from ${client}: ${verdict}`, () => {
    const [name = "", type = ""] = line.split(" ");
    const view = explain(tablesOf(options), { name, type, client });
    if (typeof view === "string") throw new Error(view);
    expect(mismatch(policyShape, view)).toBeUndefined();
    expect(view.verdict).toBe(verdict);
    if (typeof rule === "string") expect(view.rule).toBe(rule);
    else expect(view.rule).toMatch(rule);
  });
}

test("a client that may ask for nothing gets what 'refuse' says", () => {
  const asked = { name: "f3.example.com", type: "A", client: "203.0.113.9" };
  const closed = (refuse: "answer" | "drop") =>
    explain(tablesOf({ ...options, links: [], refuse }), asked);
  expect(closed("answer")).toMatchObject({ verdict: "refused", link: null });
  expect(closed("drop")).toMatchObject({ verdict: "dropped" });
});

test("a zone that is not for a client is as closed to it", () => {
  const asked = { name: `_ipp._tcp.${zone}`, type: "PTR", client: "10.6.0.7" };
  expect(explain(tablesOf({ ...options, refuse: "drop" }), asked)).toMatchObject({
    verdict: "dropped",
    link: "net1",
  });
});

test("a question that is none is refused in words", () => {
  const tables = tablesOf(options);
  const asked = { name: "a", type: "A", client: "10.5.0.7" };
  expect(explain(tables, { ...asked, name: "a..b" })).toMatch(/name is no name/);
  expect(explain(tables, { ...asked, type: "PIG" })).toBe('type: "PIG" is no record type');
  expect(explain(tables, { ...asked, client: "nobody" })).toBe('client: "nobody" is no address');
});
