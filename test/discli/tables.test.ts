// What somebody at a terminal sees of an answer.

import { expect, test } from "vitest";
import type { Instance } from "../../src/discli/questions.js";
import { BrowseTable, domainsTable, instanceTable, messageTable } from "../../src/discli/tables.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR, parseRRs } from "../../src/wire/text.js";

const plain = { escaped: false, json: false };
const names = ["Dr\\. Who._ipp._tcp.a.example", "プリンター._ipp._tcp.a.example"].map(parseName);

test("A2.2 browse: instances under each other, whatever their width", () => {
  expect(new BrowseTable(true, plain).add(names)).toBe(
    [
      "INSTANCE    TYPE       DOMAIN",
      "Dr. Who     _ipp._tcp  a.example",
      "プリンター  _ipp._tcp  a.example",
      "",
    ].join("\n"),
  );
});

test("browse: what comes later stands below the first, without another heading", () => {
  const table = new BrowseTable(true, plain);
  table.add(names);
  expect(table.add([])).toBe("");
  const more = table.add(names.slice(0, 1));
  expect(more).toBe("Dr. Who     _ipp._tcp  a.example\n");
});

test("browse: types, and a name that is neither", () => {
  const found = ["_ipp._tcp.a.example", "odd.example"].map(parseName);
  expect(new BrowseTable(false, plain).add(found)).toBe(
    "TYPE         DOMAIN\n_ipp._tcp    a.example\nodd.example  -\n",
  );
});

test("browse: an instance that would write its own lines does not", () => {
  const bad = parseName("a\\010b\\027[2J._ipp._tcp.a.example");
  expect(new BrowseTable(true, plain).add([bad])).toContain("\na\\x0ab\\x1b[2J  _ipp._tcp");
});

const instance: Instance = {
  name: names[0]!,
  places: [
    {
      srv: parseRR("Dr\\.\\032Who._ipp._tcp.a.example. 10 SRV 0 0 631 h.a.example."),
      host: parseName("h.a.example"),
      port: 631,
      addresses: parseRRs("h.a.example. 10 A 192.0.2.1\nh.a.example. 10 AAAA 2001:db8::1"),
    },
  ],
  texts: parseRRs('x. 10 TXT "rp=ipp/print" "note=2nd floor"'),
};

test("A2.2 resolve: host, port, addresses, TXT key by key", () => {
  expect(instanceTable(instance, plain)).toBe(
    [
      "instance   Dr\\. Who._ipp._tcp.a.example",
      "host       h.a.example",
      "port       631",
      "addresses  192.0.2.1, 2001:db8::1",
      "txt        rp=ipp/print",
      "           note=2nd floor",
      "",
    ].join("\n"),
  );
});

test("query: each section under its name, in common columns", () => {
  const message = decodeMessage(
    encodeMessage({
      isResponse: true,
      answers: parseRRs("_ipp._tcp.a.example. 10 PTR Dr\\.\\032Who._ipp._tcp.a.example."),
      additionals: parseRRs('h.a.example. 120 A 192.0.2.1\nh.a.example. 4500 TXT "a"'),
    }),
  );
  expect(messageTable(message, plain)).toBe(
    [
      "; NOERROR",
      "; answer",
      "_ipp._tcp.a.example  10    PTR  Dr\\. Who._ipp._tcp.a.example",
      "; additional",
      "h.a.example          120   A    192.0.2.1",
      'h.a.example          4500  TXT  "a"',
      "",
    ].join("\n"),
  );
});

test("domains: what each list is for, and who tells it where there are several", () => {
  const one = {
    domain: parseName("example.com"),
    lists: [{ prefix: "lb" as const, names: [parseName("Floor 1.example.com")] }],
  };
  expect(domainsTable([one], plain)).toBe(
    "LIST  MEANING         DOMAIN\nlb    browse unasked  Floor 1.example.com\n",
  );
  const text = domainsTable([one, { domain: parseName("b.example"), lists: [] }], plain);
  expect(text).toContain("TOLD BY\n");
});
