// What the daemon is told: defaults, inheritance between the levels of the file,
// interfaces of the host against entries of the file.

import { expect, test } from "vitest";
import { formatPrefix, parseAddress, permits } from "../../src/address.js";
import type { Settings } from "../../src/config/load.js";
import { loadSettings } from "../../src/config/load.js";
import { displayName, formatName } from "../../src/wire/name.js";
import { formatRR } from "../../src/wire/text.js";
import { entry, eth, host, linesOf, load, settingsOf } from "./lua.js";

const linkNamed = (settings: Settings, name: string) => {
  const link = settings.engine.links.find((one) => one.id === name);
  if (link === undefined) throw new Error(`no link ${name}`);
  return link;
};

/** The first link's zones and values under a file. */
const served = (text: string) => {
  const found = settingsOf(text).settings.engine.proxy.links[0];
  if (found === undefined) throw new Error("no link is served");
  return found;
};

async function withoutFile(interfaces = host.interfaces, fqdn = host.fqdn, demo = false) {
  const loaded = await loadSettings({ demo }, { fqdn, interfaces }, {});
  if ("problems" in loaded) throw new Error(linesOf(loaded).join("\n"));
  return loaded;
}

test("a small file gets every default", () => {
  const { settings, warnings } = settingsOf(entry(""));
  expect(warnings).toEqual([]);
  const { proxy } = settings.engine;
  expect(displayName(proxy.hostname)).toBe("px.campus.example");
  expect(formatName(proxy.contact)).toBe("hostmaster.campus.example.");
  expect(settings.listen).toBe("all");
  expect(settings.ports).toEqual({ udp: 53, tcp: 53, tls: 853, llq: 5352, push: 853 });
  expect(settings.defaultPorts).toEqual(["udp", "tcp", "tls", "llq", "push"]);
  expect(settings.log).toEqual({ level: "info", queries: "none", clients: "full" });
  expect(settings.links).toEqual([{ name: "eth0.10", ipv4: true, ipv6: true }]);
  expect(proxy).toMatchObject({ refuse: "answer", rotate: false, zones: [], records: [] });
  expect(proxy.nsid).toBeUndefined();
  expect(proxy.browse).toBeUndefined();
  const link = linkNamed(settings, "eth0.10");
  expect(link.warm).toEqual([]);
  expect(link.mdns).toMatchObject({
    families: ["ipv4", "ipv6"],
    packetsPerSecond: 20,
    cacheRecordsMax: 100_000,
    questionsMax: 5_000,
    announce: { b: [], db: [], lb: [] },
  });
  expect(link.served).toBe(proxy.links[0]);
  expect(link.served).toMatchObject({
    link: "eth0.10",
    reverse: [],
    aliases: [],
    wait: 6000,
    gather: 200,
    ttlSeconds: 10,
    suppress: true,
    translate: [],
    services: { allow: [], deny: [], default: "allow" },
  });
  expect(link.served?.host).toBe(link.served?.service);
});

test("hostname and contact as written", () => {
  const text = `hostname = 'px.example.net'\ncontact = 'jane.doe@example.org'\n${entry("")}`;
  const { proxy } = settingsOf(text).settings.engine;
  expect(displayName(proxy.hostname)).toBe("px.example.net");
  // RFC 1035 §8: the dot of the local part is no border between labels.
  expect(formatName(proxy.contact)).toBe("jane\\.doe.example.org.");
});

test.each([
  ["px.campus.example", "px.campus.example", "hostmaster.campus.example."],
  ["px", "px.home.arpa", "hostmaster.home.arpa."],
  ["px.campus.example.", "px.campus.example", "hostmaster.campus.example."],
  ["", "discd.home.arpa", "hostmaster.home.arpa."],
])("a host called %j is %s", async (fqdn, hostname, contact) => {
  const { proxy } = (await withoutFile([], fqdn)).settings.engine;
  expect(displayName(proxy.hostname)).toBe(hostname);
  expect(formatName(proxy.contact)).toBe(contact);
});

test("names hold spaces, accents, escaped dots and any case", () => {
  const link = served("interfaces = { { name = 'x', subdomain = 'Büro ☕.a\\\\.b.Example' } }");
  expect(link.service.labels).toEqual(["B\u00c3\u00bcro \u00e2\u0098\u0095", "a.b", "Example"]);
});

test("ports as written, and closed ones", () => {
  const { settings, printable } = settingsOf(
    `port = { udp = 5353, tcp = false, push = 8854 }\n${entry("")}`,
  );
  const ports = { udp: 5353, tcp: false, tls: 853, llq: 5352, push: 8854 };
  expect(settings.ports).toEqual(ports);
  expect(settings.defaultPorts).toEqual(["tls", "llq"]);
  expect(printable).toMatchObject({ port: ports });
  expect(settings.engine).toMatchObject({ takesPush: true, takesLlq: true });
});

test("closed, Push and LLQ are switched off", () => {
  const { settings } = settingsOf(`port = { llq = false, push = false }\n${entry("")}`);
  expect(settings.ports).toMatchObject({ tls: 853, llq: false, push: false });
  expect(settings.engine).toMatchObject({ takesPush: false, takesLlq: false });
});

test("cookies: on with a secret of each start, with one that is given, or off [EDNS-12]", () => {
  const rfc = "e5e973e5a6b2a43f48e7dc849e37bfcf";
  const bytes = Uint8Array.from(Buffer.from(rfc, "hex"));
  for (const [written, cookies, printed] of [
    ["", {}, { secret: null }],
    ["cookies = {}", {}, { secret: null }],
    [`cookies = { secret = '${rfc}' }`, { secret: bytes }, { secret: "***" }],
    [`cookies = { secret = '${rfc.toUpperCase()}' }`, { secret: bytes }, { secret: "***" }],
    ["cookies = false", false, false],
  ] as const) {
    const { settings, printable } = settingsOf(`${entry("")}\n${written}`);
    expect(settings.engine.cookies).toEqual(cookies);
    expect((printable as { cookies: unknown }).cookies).toEqual(printed);
    expect(JSON.stringify(printable).toLowerCase()).not.toContain(rfc);
  }
});

test("listen takes addresses of both families", () => {
  const { settings } = settingsOf(`listen = { '10.1.0.1', 'fd00::1' }\n${entry("")}`);
  expect(settings.listen).toEqual([parseAddress("10.1.0.1"), parseAddress("fd00::1")]);
});

test("who may ask: the words, the exceptions, the links' own lists", () => {
  const asks = (list: Parameters<typeof permits>[0], address: string) =>
    permits(list, parseAddress(address) as NonNullable<ReturnType<typeof parseAddress>>);
  const { allow } = settingsOf(entry("")).settings.engine.proxy;
  for (const address of ["127.0.0.1", "10.9.9.9", "172.31.0.1", "192.168.1.1", "100.127.0.1"]) {
    expect(asks(allow, address), address).toBe(true);
  }
  for (const address of ["::1", "fd00::1", "fe80::1", "169.254.7.7", "2001:db8:1::99"]) {
    expect(asks(allow, address), address).toBe(true);
  }
  for (const address of ["203.0.113.1", "172.32.0.1", "100.128.0.1", "2001:db8:2::1"]) {
    expect(asks(allow, address), address).toBe(false);
  }
  const own = served(entry("allow = { '!10.9.0.0/16', 'any' }")).allow;
  expect(asks(own, "10.9.1.1")).toBe(false);
  expect(asks(own, "10.8.1.1")).toBe(true);
  expect(asks(own, "2001:db8::1")).toBe(true);
  const none = served(`allow = 'none'\n${entry("")}`).allow;
  expect(asks(none, "127.0.0.1")).toBe(false);
  const notConnected = served(entry("allow = { '!connected', 'private' }")).allow;
  expect(asks(notConnected, "10.1.0.99")).toBe(false);
  expect(asks(notConnected, "10.5.0.1")).toBe(true);
});

test("values at the top level hold for links that do not have their own", () => {
  const text = [
    "wait = '3s' gather = 0 ttl = 5 suppress = false rate = 7 warm = '_ipp._tcp'",
    "interfaces = {",
    "  { name = 'a', subdomain = 'a.example' },",
    "  { name = 'b', subdomain = 'b.example', wait = 2, gather = '50ms', ttl = '1m', suppress = true,",
    "    rate = 40, warm = true },",
    "  { name = 'c', subdomain = 'c.example', warm = false },",
    "}",
  ].join("\n");
  const { settings } = settingsOf(text);
  const [a, b, c] = ["a", "b", "c"].map((name) => linkNamed(settings, name));
  expect(a?.served).toMatchObject({ wait: 3000, gather: 0, ttlSeconds: 5, suppress: false });
  expect(b?.served).toMatchObject({ wait: 2000, gather: 50, ttlSeconds: 60, suppress: true });
  expect([a, b, c].map((link) => link?.mdns.packetsPerSecond)).toEqual([7, 40, 7]);
  expect([a, b, c].map((link) => link?.warm)).toEqual([["_ipp._tcp"], true, []]);
});

test("a link's service rules come before the global ones", () => {
  const text = [
    "services = { default = 'deny', allow = { '_ipp._tcp', '_ipps._tcp' } }",
    "interfaces = {",
    "  { name = 'a', subdomain = 'a.example', services = { deny = '_ipp._tcp' } },",
    "  { name = 'b', subdomain = 'b.example', services = { default = 'allow', deny = '_ssh._tcp' } },",
    "}",
  ].join("\n");
  const { settings } = settingsOf(text);
  expect(linkNamed(settings, "a").served?.services).toMatchObject({
    allow: [],
    deny: ["_ipp._tcp"],
    otherwise: { default: "deny", allow: ["_ipp._tcp", "_ipps._tcp"], deny: [] },
  });
  const final = linkNamed(settings, "b").served?.services;
  expect(final).toEqual({ default: "allow", allow: [], deny: ["_ssh._tcp"] });
});

test("reverse prefixes as written, and all of the interface's", () => {
  const text = (prefixes: string) =>
    served(entry(`reverse = ${prefixes}`)).reverse.map(formatPrefix);
  expect(text("{ '10.1.0.5/24', '2001:db8:1::/64' }")).toEqual(["10.1.0.0/24", "2001:db8:1::/64"]);
  expect(text("'10.2.0.0/23'")).toEqual(["10.2.0.0/23"]);
  // The link-local prefix of the interface is nobody else's.
  expect(text("true")).toEqual(["10.1.0.0/24", "2001:db8:1::/64"]);
});

test("a prefix of the interface that has no zone of its own is left out with a warning", () => {
  const on = { ...host, interfaces: [eth("eth0.10", 2, "10.1.0.7/28", "10.4.0.7/16")] };
  const loaded = settingsOf(entry("reverse = true"), on);
  expect(loaded.settings.engine.proxy.links[0]?.reverse.map(formatPrefix)).toEqual(["10.4.0.0/16"]);
  expect(linesOf(loaded)).toEqual([
    "discd.lua:1: warning: interfaces[1].reverse: 10.1.0.0/28 of eth0.10 is longer than /24 and gets no reverse zone",
  ]);
});

test("a disabled interface is no link", () => {
  const { settings } = settingsOf(
    "interfaces = { { name = 'eth0.10', disable = true, subdomain = 'a.example' }, { name = 'eth0.20', subdomain = 'b.example' } }",
  );
  expect(settings.links.map((link) => link.name)).toEqual(["eth0.20"]);
  expect(settings.engine.links.map((link) => link.id)).toEqual(["eth0.20"]);
});

test("the first entry whose name fits is used; unlisted interfaces and loopback are not", () => {
  const text = [
    "interfaces = {",
    "  { name = 'eth0.20', disable = true },",
    "  { name = '*', subdomain = function (interface) return interface.name:gsub('%.', '-') .. '.example' end },",
    "}",
  ].join("\n");
  const { settings } = settingsOf(text);
  expect(settings.engine.proxy.links.map((link) => displayName(link.service))).toEqual([
    "eth0-10.example",
  ]);
});

test("an entry for an interface that is not there yet is served when it comes", () => {
  const { settings } = settingsOf(
    "interfaces = { { name = 'wlan0', subdomain = 'wlan.example' } }",
  );
  expect(settings.links.map((link) => link.name)).toEqual(["wlan0"]);
  expect(settings.engine.proxy.links[0]?.networks).toEqual([]);
});

test("a function gets name, vlan and prefixes, and may give nil or false", () => {
  const text = [
    "interfaces = {",
    "  { name = 'eth0.10', subdomain = function (interface)",
    "      local first = interface.prefixes[1]",
    "      return interface.name .. '.' .. interface.vlan .. '.' .. first .. '.' .. #interface.prefixes",
    "    end },",
    "  { name = 'eth0.20', subdomain = function () return nil end },",
    "  { name = 'eth2', subdomain = function () return false end, announce = { b = 'x.example' } },",
    "}",
  ].join("\n");
  const on = { ...host, interfaces: [...host.interfaces, eth("eth2", 4, "10.5.0.1/24")] };
  const loaded = settingsOf(text, on);
  const { proxy, links } = loaded.settings.engine;
  expect(proxy.links.map((link) => displayName(link.service))).toEqual([
    "eth0.10.10.10.1.0.0/24.2",
    "eth0-20.home.arpa",
  ]);
  expect(links.map((link) => [link.id, link.served !== undefined])).toEqual([
    ["eth0.10", true],
    ["eth0.20", true],
    ["eth2", false],
  ]);
});

test("no subdomain: served below domain, and the operator is told", () => {
  const loaded = settingsOf(
    "domain = 'campus.example'\ninterfaces = { { name = 'eth0.10' } }\nhostname = 'px.example'",
  );
  const [link] = loaded.settings.engine.proxy.links;
  expect(link && displayName(link.service)).toBe("eth0-10.campus.example");
  expect(linesOf(loaded)).toEqual([
    "discd.lua:2: warning: interfaces[1].subdomain: not set for interface eth0.10, which is served as eth0-10.campus.example; a PTR record at lb._dns-sd._udp.0.0.1.10.in-addr.arpa would name it",
  ]);
});

test("subdomain = false leaves announce, aliases and the rest as written", () => {
  const text =
    "interfaces = { { name = 'a', subdomain = false, announce = { lb = { 'x.example' } }, ipv6 = false } }";
  const { settings } = settingsOf(text);
  const link = linkNamed(settings, "a");
  expect(link.served).toBeUndefined();
  expect(link.mdns.families).toEqual(["ipv4"]);
  expect(link.mdns.announce.lb.map(displayName)).toEqual(["x.example"]);
  expect(settings.links).toEqual([{ name: "a", ipv4: true, ipv6: false }]);
});

test("aliases, host names and realms of a link", () => {
  const text = `realms = { east = { '10.0.0.0/9' }, west = '10.128.0.0/9' }\n${entry(
    "hosts = 'h.example', aliases = { 'floor1.mesh', 'f1.example' }, realm = 'west'",
  )}`;
  const { proxy } = settingsOf(text).settings.engine;
  expect(proxy.realms.map(({ name }) => name)).toEqual(["east", "west"]);
  expect(proxy.links[0]).toMatchObject({ realm: "west" });
  expect(proxy.links[0]?.aliases.map(displayName)).toEqual(["floor1.mesh", "f1.example"]);
  expect(proxy.links[0] && displayName(proxy.links[0].host)).toBe("h.example");
});

test("translations, with TXT keys that have no value", () => {
  const link = served(
    entry(
      "translate = { { type = '_ipp._tcp', instance = 'Old*', txt = { URF = 'none', air = true }, subtypes = '_universal' } }",
    ),
  );
  expect(link.translate).toEqual([
    {
      type: "_ipp._tcp",
      instance: "Old*",
      txt: { URF: "none", air: true },
      subtypes: ["_universal"],
    },
  ]);
});

test("browse lists, general and for some clients", () => {
  const text = [
    "browse = {",
    "  b = { 'a.example', 'b.example' }, db = 'a.example', r = {},",
    "  { client = '10.5.0.0/16', lb = 'c.example' },",
    "}",
    entry(""),
  ].join("\n");
  const { proxy } = settingsOf(text).settings.engine;
  expect(Object.keys(proxy.browse ?? {}).sort()).toEqual(["b", "db", "r"]);
  expect(proxy.browse?.b?.map(displayName)).toEqual(["a.example", "b.example"]);
  expect(proxy.browse?.r).toEqual([]);
  expect(proxy.browseFor).toHaveLength(1);
  expect(proxy.browseFor[0]?.lists.lb?.map(displayName)).toEqual(["c.example"]);
});

test("[A5.4] records of every kind, their names in plain text", () => {
  const text = [
    entry(""),
    "zones = { 'mesh' }",
    "records = {",
    "  { name = 'intranet.floor1.example', type = 'A', data = '192.0.2.7' },",
    "  { name = 'intranet.floor1.example', type = 'AAAA', data = '2001:db8::7', ttl = '1h' },",
    "  { name = 'Büro.mesh', type = 'SRV', data = '0 0 631 printer.mesh' },",
    "  { name = 'Büro.mesh', type = 'txt', data = '\"a=b\" \"c d\"' },",
    "}",
  ].join("\n");
  const { records, zones } = settingsOf(text).settings.engine.proxy;
  expect(zones.map(displayName)).toEqual(["mesh"]);
  expect(records.map(formatRR)).toEqual([
    "intranet.floor1.example. 300 IN A 192.0.2.7",
    "intranet.floor1.example. 3600 IN AAAA 2001:db8::7",
    "B\\195\\188ro.mesh. 300 IN SRV 0 0 631 printer.mesh.",
    'B\\195\\188ro.mesh. 300 IN TXT "a=b" "c d"',
  ]);
});

test("nsid: text, the host's name, nothing", () => {
  const nsid = (text: string) => settingsOf(`${text}\n${entry("")}`).settings.engine.proxy.nsid;
  expect(nsid("nsid = 'px1'")).toEqual(new TextEncoder().encode("px1"));
  expect(nsid("nsid = true")).toEqual(new TextEncoder().encode("px.campus.example"));
  expect(nsid("nsid = false")).toBeUndefined();
});

test("limits in their units", () => {
  const { limits, engine } = settingsOf(
    `limits = { udp_size = 1400, answer_cache = '2M', tcp_idle = '500ms', cache_records = 5000, questions = 9 }\n${entry("")}`,
  ).settings;
  expect(limits).toMatchObject({ udpSize: 1400, answerCache: 2_097_152, tcpIdle: 500 });
  expect(engine.limits).toBe(limits);
  expect(engine.links[0]?.mdns).toMatchObject({ cacheRecordsMax: 5000, questionsMax: 9 });
});

test("no file: every interface that is up, can multicast and is not loopback", async () => {
  const interfaces = [
    ...host.interfaces,
    { ...eth("eth1", 4, "10.5.0.1/24"), isUp: false },
    { ...eth("tun0", 5, "10.6.0.1/24"), canMulticast: false },
    { ...eth("dummy", 6, "127.0.0.2/8") },
  ];
  const loaded = await withoutFile(interfaces);
  expect(loaded.settings.engine.proxy.links.map((link) => displayName(link.service))).toEqual([
    "eth0-10.home.arpa",
    "eth0-20.home.arpa",
  ]);
  expect(linesOf(loaded)).toEqual([
    "warning: interface eth0.10 is served as eth0-10.home.arpa; a PTR record at lb._dns-sd._udp.0.0.1.10.in-addr.arpa would name it",
    "warning: interface eth0.20 is served as eth0-20.home.arpa; a PTR record at lb._dns-sd._udp.0.0.2.10.in-addr.arpa would name it",
  ]);
  expect(loaded.settings.defaultPorts).toHaveLength(5);
});

test("an interface cannot share its name with the demo link", async () => {
  const one = "interfaces = { { name = 'demo', subdomain = 'a.example', disable = DISABLE } }";
  const run = (disable: string) =>
    load(one.replace("DISABLE", disable), host, {}, { file: "discd.lua", demo: true });
  expect(linesOf(run("false"))).toEqual([
    "discd.lua:1: interfaces[1].name: is the name of the link of --demo; leave that option out",
  ]);
  expect(linesOf(run("true"))).toEqual([]);
});

test("no file: two interfaces whose names would make one zone", async () => {
  const loaded = await withoutFile([
    eth("eth0.1", 1, "10.1.0.1/24"),
    eth("eth0-1", 2, "10.2.0.1/24"),
  ]);
  expect(loaded.settings.links.map((link) => link.name)).toEqual(["eth0.1"]);
});

test.each(["demo", "eth0.home.arpa"])(
  "no file: a host called %s is not inside a zone",
  async (fqdn) => {
    const loaded = await withoutFile([eth("eth0", 1, "10.1.0.1/24")], fqdn, true);
    expect(displayName(loaded.settings.engine.proxy.hostname)).toBe("discd.home.arpa");
  },
);

test("the demo link has a zone and no socket", async () => {
  const { settings } = await withoutFile(host.interfaces, host.fqdn, true);
  expect(settings.links.map((link) => link.name)).toEqual(["eth0.10", "eth0.20"]);
  const demo = linkNamed(settings, "demo");
  expect(demo.served && displayName(demo.served.service)).toBe("demo.home.arpa");
  expect(demo.warm).toBe(true);
});

test("[A1.12] the printed configuration has every default filled in, and is plain JSON", () => {
  const { printable } = settingsOf(
    `hostname = 'px.example.net'\nlimits = { lua_memory = '32M' }\n${entry("reverse = true, ttl = 7")}`,
  );
  const printed = JSON.parse(JSON.stringify(printable));
  expect(printed).toEqual(printable);
  expect(printed).toMatchObject({
    hostname: "px.example.net",
    contact: "hostmaster@example.net",
    domain: "home.arpa",
    listen: "all",
    port: { udp: 53, tcp: 53, tls: 853, llq: 5352, push: 853 },
    allow: ["private", "connected"],
    wait: 6,
    gather: 0.2,
    ttl: 10,
    limits: { udp_size: 1232, tcp_idle: 10, lua_memory: 33_554_432 },
  });
  expect(printed.interfaces).toEqual([
    {
      name: "eth0.10",
      present: true,
      disable: false,
      subdomain: "floor1.example",
      hosts: "floor1.example",
      aliases: [],
      reverse: ["10.1.0.0/24", "2001:db8:1::/64"],
      mode: "proxy",
      allow: ["private", "connected"],
      services: { allow: [], deny: [], default: "allow" },
      translate: [],
      warm: [],
      rate: 20,
      wait: 6,
      gather: 0.2,
      ttl: 7,
      suppress: true,
      announce: { b: [], db: [], lb: [] },
      realm: null,
      ipv4: true,
      ipv6: true,
      per_subnet: false,
    },
  ]);
});

test("[A1.12] patterns and functions are printed for the interfaces that are there", () => {
  const { printable } = settingsOf(
    [
      "interfaces = {",
      "  { name = 'eth0.*', subdomain = function (i) return 'v' .. i.vlan .. '.example' end },",
      "  { name = 'wlan*' },",
      "  { name = 'usb0', subdomain = function () return 'usb.example' end },",
      "}",
    ].join("\n"),
  );
  const { interfaces } = printable as { interfaces: { name: string; subdomain: unknown }[] };
  expect(interfaces.map(({ name, subdomain }) => [name, subdomain])).toEqual([
    ["eth0.10", "v10.example"],
    ["eth0.20", "v20.example"],
    ["wlan*", null],
    ["usb0", null],
  ]);
});

test("100 interfaces are put together in no time", () => {
  const interfaces = Array.from({ length: 100 }, (_, at) =>
    eth(`eth0.${at}`, at + 1, `10.1.${at}.1/24`),
  );
  const text =
    "interfaces = { { name = 'eth0.*', reverse = true, subdomain = function (i) return 'v' .. i.vlan .. '.example' end } }";
  load(text, { ...host, interfaces });
  const started = performance.now();
  const loaded = load(text, { ...host, interfaces });
  expect(performance.now() - started).toBeLessThan(500);
  if ("problems" in loaded) throw new Error(linesOf(loaded).join("\n"));
  expect(loaded.settings.engine.proxy.links).toHaveLength(100);
});
