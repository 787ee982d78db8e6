// Zones that the DNS names for links: which of them are taken into use beside what
// a file says, and which interfaces the DNS is asked about.

import { expect, test } from "vitest";
import { formatPrefix } from "../../src/address.js";
import type { Host } from "../../src/config/load.js";
import { loadSettings } from "../../src/config/load.js";
import type { LearnedLink } from "../../src/learn/learned.js";
import { displayName, parseName } from "../../src/wire/name.js";
import { host, linesOf, load } from "./lua.js";

const record = parseName("lb._dns-sd._udp.0.0.1.10.in-addr.arpa");

/** `eth0.10 floor1.example.com`: what was learned of a link. */
const learn = (...texts: string[]): LearnedLink[] =>
  texts.map((text) => {
    const [link = "", zone] = text.split(" ");
    const name = zone === undefined ? {} : { name: { zone: parseName(zone), record } };
    return { link, hasEnded: true, networks: [], ...name };
  });

function outcomeOf(judged: ReturnType<typeof load>) {
  if ("problems" in judged) throw new Error(linesOf(judged).join("\n"));
  const { links } = judged.settings.engine.proxy;
  const zones = links.map(({ link, service }) => `${link} ${displayName(service)}`);
  return { zones, lines: linesOf(judged), settings: judged.settings };
}

const withFile = (text: string, ...texts: string[]) =>
  outcomeOf(load(text, { ...host, learned: learn(...texts) } as Host & typeof host));

async function withoutFile(...texts: string[]) {
  return outcomeOf(await loadSettings({ demo: true }, { ...host, learned: learn(...texts) }, {}));
}

const lineOf = (link: string, zone: string, why: string) =>
  `interface ${link} does not get ${zone}, which ${displayName(record)} names for it: ${why}`;

test("[A1.6] no file: a link has the zone that the DNS names, else its own", async () => {
  const { zones, lines, settings } = await withoutFile("eth0.10 floor1.example.com", "eth0.20");
  expect(settings.sources.map(({ link, source }) => [link, source])).toEqual([
    ["eth0.10", "ptr"],
    ["eth0.20", "generated"],
  ]);
  expect(settings.sources[0]?.record).toBe(record);
  expect(zones).toEqual([
    "eth0.10 floor1.example.com",
    "eth0.20 eth0-20.home.arpa",
    "demo demo.home.arpa",
  ]);
  expect(lines).toEqual([
    "warning: interface eth0.20 is served as eth0-20.home.arpa; a PTR record at lb._dns-sd._udp.0.0.2.10.in-addr.arpa would name it",
  ]);
});

test("an entry without subdomain takes what is learned, one with it does not", () => {
  const file = `interfaces = { { name = 'eth0.10' }, { name = 'eth0.20', subdomain = 'b.example' } }`;
  const { zones } = withFile(file, "eth0.10 floor1.example.com", "eth0.20 floor2.example.com");
  expect(zones).toEqual(["eth0.10 floor1.example.com", "eth0.20 b.example"]);
});

test("so does an entry whose function returned nil, and one that gave a name does not", () => {
  const file = `interfaces = { { name = 'eth0.*', subdomain = function (interface)
    if interface.vlan == 20 then return 'b.example' end
  end } }`;
  const { zones } = withFile(file, "eth0.10 floor1.example.com", "eth0.20 floor2.example.com");
  expect(zones).toEqual(["eth0.10 floor1.example.com", "eth0.20 b.example"]);
});

test("an interface that the file does not list: where the DNS names a zone, and only there", () => {
  const file = "interfaces = { { name = 'eth0.10', subdomain = 'a.example' } }";
  expect(withFile(file).zones).toEqual(["eth0.10 a.example"]);
  const { zones, settings } = withFile(file, "eth0.20 floor2.example.com");
  expect(zones).toEqual(["eth0.10 a.example", "eth0.20 floor2.example.com"]);
  expect(settings.links.map(({ name }) => name)).toEqual(["eth0.10", "eth0.20"]);
});

test("disable takes one out, or all the others", () => {
  for (const name of ["eth0.20", "*"]) {
    const file = `interfaces = { { name = 'eth0.10', subdomain = 'a.example' },
      { name = '${name}', disable = true } }`;
    const { zones, settings } = withFile(file, "eth0.20 floor2.example.com");
    expect(zones).toEqual(["eth0.10 a.example"]);
    expect(settings.search.subjects).toEqual([]);
  }
});

test("two links that are named the same: the first has it, and the operator is told", async () => {
  const { zones, lines } = await withoutFile("eth0.10 f.example.com", "eth0.20 f.example.com");
  expect(zones.slice(0, 2)).toEqual(["eth0.10 f.example.com", "eth0.20 eth0-20.home.arpa"]);
  expect(lines).toContain(
    `warning: ${lineOf("eth0.20", "f.example.com", "interface eth0.10 has it already")}`,
  );
});

test("a zone that the file names for another link, or that holds this server", () => {
  const file = `hostname = 'px.example.com'
    nameservers = { 'px2.example.net' }
    zones = { 'mesh.example' }
    interfaces = { { name = 'eth0.10' }, { name = 'eth9', subdomain = 'floor9.example.com',
      hosts = 'hosts9.example.com', aliases = 'alias9.example.com' } }`;
  for (const [zone, why] of [
    ["floor9.example.com", "the configuration has it already"],
    ["hosts9.example.com", "the configuration has it already"],
    ["ALIAS9.example.com", "the configuration has it already"],
    ["mesh.example", "the configuration has it already"],
    ["example.com", "the server px.example.com is inside of it"],
    ["example.net", "the server px2.example.net is inside of it"],
  ] as const) {
    const { zones, lines } = withFile(file, `eth0.10 ${zone}`);
    expect(zones[0], zone).toBe("eth0.10 eth0-10.home.arpa");
    expect(lines.join("\n"), zone).toContain(lineOf("eth0.10", zone, why));
  }
});

test("the demo link keeps its zone", async () => {
  const { zones } = await withoutFile("eth0.10 demo.home.arpa");
  expect(zones).toContain("demo demo.home.arpa");
  expect(zones).toContain("eth0.10 eth0-10.home.arpa");
});

test("a learned zone that breaks the file: the file counts, with a warning", () => {
  const file = `zones = { 'example.com' }
    records = { { name = 'floor1.example.com', type = 'CNAME', data = 'x.example.com.' } }
    hostname = 'px.example.net'
    interfaces = { { name = 'eth0.10' } }`;
  expect(withFile(file).zones).toEqual(["eth0.10 eth0-10.home.arpa"]);
  const { zones, lines } = withFile(file, "eth0.10 floor1.example.com");
  expect(zones).toEqual(["eth0.10 eth0-10.home.arpa"]);
  expect(lines.join("\n")).toMatch(
    /zones that the DNS names are left out, since with them: records\[1\]: .*cannot be a CNAME/,
  );
});

test("[UP-4] what is searched: open and unlisted links, never link-local networks", async () => {
  const { search } = (await withoutFile()).settings;
  expect(
    search.subjects.map(({ link, networks, takesListed }) => [
      link,
      networks.map(formatPrefix),
      takesListed,
    ]),
  ).toEqual([
    ["eth0.10", ["10.1.0.0/24", "2001:db8:1::/64"], true],
    ["eth0.20", ["10.2.0.0/23"], true],
  ]);
  expect(displayName(search.hostname)).toBe("px.campus.example");
  expect(search.addresses).toHaveLength(3);
  const file = "interfaces = { { name = 'eth0.10', subdomain = 'a.example' } }";
  const { subjects, claimed } = withFile(file).settings.search;
  expect(subjects.map(({ link, takesListed }) => [link, takesListed])).toEqual([
    ["eth0.20", false],
  ]);
  expect(claimed.map(displayName)).toEqual(["a.example"]);
});

test("an interface that is down is searched on, and called the same when it is up again", async () => {
  const [lo, eth10, eth20] = host.interfaces;
  const interfaces = [lo, eth10, { ...eth20, isUp: false }] as typeof host.interfaces;
  const learned = learn("eth0.20 floor2.example.com");
  const down = outcomeOf(await loadSettings({ demo: false }, { ...host, interfaces, learned }, {}));
  expect(down.zones).toEqual(["eth0.10 eth0-10.home.arpa"]);
  expect(down.settings.search.subjects.map(({ link, takesListed }) => [link, takesListed])).toEqual(
    [
      ["eth0.10", true],
      ["eth0.20", true],
    ],
  );
});

test("what discd itself answers in a reverse zone is no source of a name", () => {
  const file = (keys: string) => `domain = 'new.example'
    interfaces = { { name = 'eth0.10'${keys} } }`;
  const echo = "eth0.10 eth0-10.old.example";
  expect(withFile(file(", reverse = true"), echo).zones).toEqual(["eth0.10 eth0-10.new.example"]);
  expect(withFile(file(", reverse = '10.1.0.0/24'"), "eth0.10 floor1.example.com").zones).toEqual([
    "eth0.10 floor1.example.com",
  ]);
  // A zone may be called like the interface where somebody else says so.
  expect(withFile(file(""), echo).zones).toEqual(["eth0.10 eth0-10.old.example"]);
});
