// What an iPhone needs from a printer: each thing that can be missing is named,
// with what to do about it, and nothing else is.

import { expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import {
  findPrinters,
  isUsable,
  lookAt,
  type PlaceEvidence,
  type PrinterEvidence,
  printersMax,
  type ServiceEvidence,
} from "../../src/discli/airprint/evidence.js";
import { renderPrinter } from "../../src/discli/airprint/report.js";
import { judgePrinter, luaText } from "../../src/discli/airprint/verdict.js";
import type { Resolver } from "../../src/os/resolver.js";
import { RRType } from "../../src/wire/codes.js";
import { labelText, type Name, parseName, under } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { discli } from "./stage.js";

const good: ReadonlyMap<string, string> = new Map([
  ["txtvers", "1"],
  ["rp", "ipp/print"],
  ["ty", "ACME Laser"],
  ["pdl", "application/pdf,image/urf"],
  ["urf", "W8,CP1,RS600"],
  ["note", "Room 7"],
]);
const without = (...keys: string[]) => new Map([...good].filter(([key]) => !keys.includes(key)));
const having = (key: string, value: string) => new Map([...good, [key, value]]);

const open = { text: "10.1.0.2", isUsable: true, connected: "open" } as const;
const place = (...addresses: PlaceEvidence["addresses"]): PlaceEvidence[] => [
  { host: "laser.floor1.example.com", port: 631, addresses },
];
const service: ServiceEvidence = {
  type: "_ipp._tcp",
  isListed: true,
  isUniversal: true,
  places: place(open),
  txt: good,
};
const printer = (...services: Partial<ServiceEvidence>[]): PrinterEvidence => ({
  label: "Laser",
  domain: parseName("floor1.example.com"),
  services: services.map((one) => ({ ...service, ...one })),
});

const refused = { ...open, connected: "refused" } as const;
const silent = { text: "2001:db8:1::2", isUsable: true, connected: "silent" } as const;
const linkLocal = { text: "fe80::1", isUsable: false };

const cases: readonly (readonly [string, Partial<ServiceEvidence>, string, string])[] = [
  ["everything there", {}, "PASS", ""],
  ["not under the subtype", { isUniversal: false }, "FAIL", "NO-SUBTYPE"],
  ["under the subtype only", { isListed: false }, "WARN", "NO-TYPE"],
  ["no SRV", { places: [] }, "FAIL", "NO-SRV"],
  ["no address", { places: place() }, "FAIL", "NO-ADDRESS"],
  ["an address of its link only", { places: place(linkLocal) }, "FAIL", "LOCAL-ADDRESS"],
  ["one of its link as well", { places: place(open, linkLocal) }, "PASS", ""],
  ["a closed port", { places: place(refused) }, "FAIL", "UNREACHABLE"],
  ["no way to one family", { places: place(open, silent) }, "WARN", "HALF-REACHABLE"],
  ["no TXT", { txt: undefined }, "FAIL", "NO-TXT"],
  ["no pdl", { txt: without("pdl") }, "FAIL", "NO-PDL"],
  ["PostScript alone", { txt: having("pdl", "application/postscript") }, "FAIL", "NO-URF-FORMAT"],
  ["spaces and case", { txt: having("pdl", "application/pdf, Image/URF") }, "PASS", ""],
  ["no URF", { txt: without("urf") }, "FAIL", "NO-URF"],
  ["an empty URF", { txt: having("urf", "") }, "FAIL", "NO-URF"],
  ["URF=none", { txt: having("urf", "none") }, "WARN", "URF-NONE"],
  ["no rp", { txt: without("rp") }, "FAIL", "NO-RP"],
  ["no ty", { txt: without("ty") }, "FAIL", "NO-TY"],
  ["no note", { txt: without("note") }, "PASS", ""],
  ["several", { isUniversal: false, txt: without("urf", "ty") }, "FAIL", "NO-SUBTYPE NO-URF NO-TY"],
  ["no answer", { fault: "SERVFAIL", places: [], txt: undefined }, "SKIP", "NO-ANSWER"],
];

test.each(cases)("airprint: %s", (_, given, state, codes) => {
  const verdict = judgePrinter(printer(given));
  expect(verdict.lacks.map(({ code }) => code).join(" ")).toBe(codes);
  expect(verdict.state).toBe(state);
  if (state === "FAIL") expect(verdict.remedy.length).toBeGreaterThan(0);
  if (state === "PASS") expect(verdict.remedy).toEqual([]);
});

test("the better of two services counts: over TLS, or not", () => {
  const both = judgePrinter(printer({ isUniversal: false }, { type: "_ipps._tcp" }));
  expect([both.state, both.service]).toEqual(["PASS", "_ipps._tcp"]);
  expect(both.shows).toBe('"Laser" at "Room 7" (ACME Laser), over TLS');
  const neither = judgePrinter(
    printer({ type: "_ipps._tcp", isUniversal: false, places: [] }, { isUniversal: false }),
  );
  expect([neither.state, neither.service]).toEqual(["FAIL", "_ipp._tcp"]);
});

test("what iOS shows", () => {
  const shows = (given: Partial<ServiceEvidence>) => judgePrinter(printer(given)).shows;
  expect(shows({})).toBe('"Laser" at "Room 7" (ACME Laser)');
  expect(shows({ txt: having("air", "username,password") })).toMatch(/, asks who you are$/);
  expect(shows({ isUniversal: false })).toBe("nothing: it is not in the list");
  expect(shows({ places: place(refused) })).toMatch(/, and cannot print there$/);
  expect(shows({ txt: new Map() })).toBe("nothing: it is not in the list");
});

test("the rule for discd.lua holds all that is missing, whatever the printer is called", () => {
  const evidence = printer({ isUniversal: false, txt: having("pdl", "application/pdf") });
  expect(judgePrinter({ ...evidence, label: "Bob's *\\ \n" }).remedy[0]).toContain(
    "translate = { { type = '_ipp._tcp', instance = 'Bob\\'s ?\\\\ \\010', " +
      "txt = { pdl = 'application/pdf,image/urf' }, subtypes = { '_universal' } } }",
  );
  expect(luaText("a'\\b\0")).toBe("'a\\'\\\\b\\000'");
});

test("a rule is printed whole, however long the list of formats", () => {
  const formats = Array.from({ length: 20 }, (_, at) => `image/x-${at}`)
    .join(",")
    .padEnd(250, "x");
  const txt = having("pdl", formats);
  const text = renderPrinter(judgePrinter(printer({ txt, isUniversal: false })));
  expect(text).toContain(`pdl = '${formats},image/urf' }, subtypes = { '_universal' } } }\n`);
});

test("no control character of a name, a place or a model reaches the terminal", () => {
  const evil = "\u001b[31mred\u009b\u202e";
  const txt = new Map([...good, ["note", evil], ["ty", evil], ["urf", "none"]]);
  const evidence = { ...printer({ txt, isUniversal: false }), label: evil };
  const text = renderPrinter(judgePrinter(evidence));
  expect(text).toContain("red");
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
});

test("a zone that lists printers without end: so many are looked at, and no more", async () => {
  const domain = parseName("floor1.example.com");
  const name = (at: number) => under([labelText(`P${at}`), "_ipp", "_tcp"], domain);
  const rr = (owner: Name, type: number, rdata: RR["rdata"]): RR => {
    return { name: owner, type, class: 1, ttlSeconds: 10, cacheFlush: false, rdata } as RR;
  };
  const resolver = {
    ask: async (asked: Name, type: number) => {
      const many = (count: number, make: (at: number) => RR) =>
        Array.from({ length: count }, (_, i) => make(i));
      const srv = (at: number) => ({ priority: at, weight: 0, port: 9, target: domain });
      const answers: Record<number, () => RR[]> = {
        [RRType.PTR]: () =>
          many(printersMax + 9, (at) => rr(asked, type, { kind: "ptr", target: name(at) })),
        [RRType.SRV]: () => many(30, (at) => rr(asked, type, { kind: "srv", ...srv(at) })),
        // Link-local, so that nobody is connected to.
        [RRType.A]: () =>
          many(30, (at) => rr(asked, type, { kind: "a", address: Uint8Array.of(169, 254, 1, at) })),
      };
      const message = {
        rcode: 0,
        answers: answers[type]?.() ?? [],
        authorities: [],
        additionals: [],
      };
      return { message, server: { address: "192.0.2.1", port: 53 } };
    },
  } as unknown as Resolver;
  const found = await findPrinters(resolver, domain);
  expect(found).toHaveLength(printersMax);
  const [one] = await lookAt(resolver, found.slice(0, 1), 100);
  expect(one?.services[0]?.places).toHaveLength(4);
  expect(one?.services[0]?.places[0]?.addresses).toHaveLength(8);
});

test("addresses that are good for whoever is elsewhere", () => {
  const usable = (text: string) => isUsable(parseAddress(text)!);
  for (const text of ["10.1.0.2", "192.0.2.1", "fd00::1", "2001:db8::1"]) {
    expect(usable(text), text).toBe(true);
  }
  for (const text of ["169.254.1.1", "fe80::1", "127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1"]) {
    expect(usable(text), text).toBe(false);
  }
});

test.each(["Dr. Smith's Printer", "Lobby Printer", "Büro 3"])(
  "%s: the name of a printer alone is no domain",
  async (text) => {
    const { status, err } = await discli(["--server", "127.0.0.1:9", "airprint-check", text]);
    const says = `"${text}": no domain ends so; a printer is written NAME._ipp._tcp.DOMAIN`;
    expect([status, err]).toEqual([2, `${says} (discli airprint-check --help)\n`]);
  },
);

test("one word may be a domain; if it cannot be asked for, it may have been a printer", async () => {
  const { status, err } = await discli(["--server", "127.0.0.1:9", "airprint-check", "Lobby"]);
  expect(status).toBe(2);
  expect(err).toMatch(/127\.0\.0\.1.*; a printer is written NAME\._ipp\._tcp\.DOMAIN\n$/);
  const other = await discli(["--server", "127.0.0.1:9", "airprint-check", "2nd Floor.example"]);
  expect(other.err).not.toContain("is written");
});
