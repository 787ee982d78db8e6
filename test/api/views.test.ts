// Zones, domains and questions as they are listed.

import { expect, test } from "vitest";
import { mismatch, type Shape } from "../../src/api/shape.js";
import {
  activeQuestionShape,
  domainShape,
  knownDomainShape,
  zoneShape,
} from "../../src/api/shapes.js";
import { interfaceWith, knownDomains, zoneWith } from "../../src/api/surroundings.js";
import { domainViews, questionView, zoneViews } from "../../src/api/views.js";
import type { ProxyOptions } from "../../src/proxy/options.js";
import { ZoneTable } from "../../src/proxy/zones.js";
import { instant } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { linkOf, names, optionsOf } from "../proxy/floor.js";
import { interfaceView } from "./state.js";

const options = optionsOf({
  links: [linkOf({ aliases: names("b1.example.com"), reverse: [] })],
  zones: names("mesh"),
});

const published = [
  { link: "net2", subdomain: parseName("Etage 2.example.net"), source: "ptr" },
] as const;

const around = (sources: Readonly<Record<string, "ptr" | "generated">>) => ({
  deviceOf: (link: string) =>
    link === "net1" ? { index: 3, flags: [], mtu: 1500, vlan: null, reverse: [] } : undefined,
  faultOf: (link: string) => (link === "net9" ? "there is no such interface" : undefined),
  sourceOf: (link: string) => sources[link],
  learned: [],
});

function checked<T>(shape: Shape, values: readonly T[]): readonly T[] {
  for (const value of values) expect(mismatch(shape, value)).toBeUndefined();
  return values;
}

test("an interface that is down says why, and one that is up nothing of it", () => {
  const { index, flags, mtu, vlan, reverse, ...engine } = interfaceView;
  const problemsOf = (name: string, isUp: boolean) =>
    interfaceWith({ ...engine, name, isUp, problems: ["suspect"] }, around({})).problems;
  expect(problemsOf("net9", false)).toEqual(["there is no such interface", "suspect"]);
  expect(problemsOf("net1", false)[0]).toMatch(/the log says why$/);
  expect(problemsOf("net1", true)).toEqual(["suspect"]);
});

test("every zone is listed with its link, its source and its queries", () => {
  const known = zoneViews({
    zones: new ZoneTable(options),
    published,
    queriesIn: (zone) => (zone === "b1.example.com" ? 7 : 0),
  });
  const views = known.map((one) => zoneWith(one, around({ net1: "generated" })));
  const rows = checked(zoneShape, views).map(({ zone, kind, link, source, queries }) =>
    [zone, kind, link, source, queries].join(" | "),
  );
  expect(rows).toEqual([
    "Building 1.example.com | service | net1 | generated | 0",
    "bldg-1.example.com | host | net1 | config | 0",
    "b1.example.com | alias | net1 | config | 7",
    "mesh | records |  | config | 0",
    "Etage 2.example.net | published | net2 | ptr | 0",
  ]);
  expect(views[0]?.escaped).toBe("Building\\0321.example.com");
});

test("A1.6 a zone that the DNS names comes with the record, the flags and the times", () => {
  const zone = {
    name: "Building 1.example.com",
    record: "lb._dns-sd._udp.0.0.1.10.in-addr.arpa",
    domainPtr: true,
    nsActive: true,
    netRevAddr: true,
    browseable: true,
    refreshed: 12,
    timesOut: 978,
  };
  const learned = [
    { link: "net2", networks: [], listed: [{ ...zone, used: false }], domains: [] },
    { link: "net1", networks: [{}, { zone }], listed: [], domains: [] },
  ];
  const known = zoneViews({ zones: new ZoneTable(options), published, queriesIn: () => 0 });
  const surroundings = { ...around({ net1: "ptr" }), learned };
  const views = checked(
    zoneShape,
    known.map((one) => zoneWith(one, surroundings)),
  );
  const { record, domainPtr, nsActive, netRevAddr, browseable } = zone;
  expect(views[0]).toMatchObject({
    source: "ptr",
    index: 3,
    learned: {
      ...{ record, domainPtr, nsActive, netRevAddr, browseable },
      refreshedSeconds: 12,
      timesOutSeconds: 978,
    },
  });
  expect(views.slice(1).map((one) => one.learned)).toEqual([null, null, null, null]);
});

test("A2.1a domains that this host is in say how they are known, and for how long", () => {
  const domain = { name: "example.com", via: ["hostname", "address-ptr"], browseable: false };
  const learned = [
    { link: "net1", networks: [], listed: [], domains: [{ ...domain, refreshed: 1, timesOut: 9 }] },
  ];
  expect(checked(knownDomainShape, knownDomains({ learned }))).toEqual([
    {
      link: "net1",
      domain: "example.com",
      viaHostname: true,
      viaResolvConf: false,
      viaAddressPtr: true,
      browseable: false,
      refreshedSeconds: 1,
      timesOutSeconds: 9,
    },
  ]);
});

test("domains are those that clients are told, by default or as it is written", () => {
  const told = (over: Partial<ProxyOptions>) => {
    const some = { ...options, ...over };
    const views = domainViews(some, new ZoneTable(some), published);
    return checked(domainShape, views).map(({ link, kind, domain }) => `${link} ${kind} ${domain}`);
  };
  const others = ["net2 b Etage 2.example.net", "net2 lb Etage 2.example.net"];
  const own = "Building 1.example.com";
  expect(told({})).toEqual([`net1 b ${own}`, `net1 db ${own}`, `net1 lb ${own}`, ...others]);
  const browse = { b: names("example.com"), lb: [], r: names("reg.example.com") };
  expect(told({ browse })).toEqual(["net1 b example.com", "net1 r reg.example.com", ...others]);
});

test("a question says for how long it has been asked, once it was", () => {
  const question = { name: parseName("_ipp._tcp.local"), type: RRType.PTR };
  const view = (startedAt: number | undefined) =>
    questionView(instant(5000), "net1", {
      question,
      watches: 2,
      startedAt: startedAt === undefined ? undefined : instant(startedAt),
    });
  expect(mismatch(activeQuestionShape, view(2500))).toBeUndefined();
  expect(view(2500)).toMatchObject({ type: "PTR", name: "_ipp._tcp.local", ageSeconds: 2.5 });
  expect(view(undefined).ageSeconds).toBeNull();
});
