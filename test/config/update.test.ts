// Mode 'update' as the file says it: what the engine is told of it, and under which
// names.

import { expect, test } from "vitest";
import { formatAddress, formatPrefix } from "../../src/address.js";
import { displayName } from "../../src/wire/name.js";
import { eth, host, linesOf, load, settingsOf } from "./lua.js";
import { file, key, publishedIn, secret, two, unnamed } from "./update-files.js";

function targetIn(text: string) {
  const [first] = publishedIn(text);
  if (first === undefined) throw new Error("nothing is published");
  return first.target;
}

test("a small file gets every default", () => {
  const { settings, warnings } = settingsOf(file(key));
  expect(warnings).toEqual([]);
  const [link] = settings.engine.links;
  expect(link?.served).toBeUndefined();
  expect(settings.engine.proxy.links).toEqual([]);
  const [zone] = link?.published ?? [];
  expect(zone).toMatchObject({
    source: "config",
    served: { link: "eth0.10", aliases: [], reverse: [], suppress: true },
    ttlSecondsMax: 120,
    target: {
      primary: { server: undefined, transport: undefined, zone: undefined },
      key: { algorithm: "hmac-sha256" },
      keys: [],
      allowsUnauthenticated: false,
      tls: { pins: [] },
      lifetime: undefined,
      timeoutType: 65_280,
      trustsClock: false,
      withdrawOnExit: false,
    },
  });
  expect(zone?.subnet).toBeUndefined();
  expect(zone?.networks.map(formatPrefix)).toEqual(["10.1.0.0/24", "2001:db8:1::/64"]);
  expect(zone?.served.service).toBe(zone?.target.subdomain);
  expect(zone?.served.host).toBe(zone?.target.subdomain);
  expect(zone?.target.primary.within.map(displayName)).toEqual(["floor1.example"]);
  expect(settings).toMatchObject({ state: "/var/lib/discd", updateState: "/var/lib/discd/update" });
  expect(settings.engine.limits.updateRecords).toBe(20_000);
  // As many questions as records, although a proxied link has 5,000.
  expect(link?.mdns.questionsMax).toBe(20_000);
  expect(settings.links).toEqual([{ name: "eth0.10", ipv4: true, ipv6: true, takesUnicast: true }]);
});

test("every key as written", () => {
  const text = file(`server = 'ns1.example.net', port = 8853, transport = 'tls',
    tls = { name = 'ns.example.net.', pin = 'sha256/${"A".repeat(43)}=' },
    zone = 'example.net', within = { 'Example.net', '1.10.in-addr.arpa' }, ${key},
    keys = { ['1.10.in-addr.arpa'] = { name = 'Rev', algorithm = 'HMAC-SHA512', secret = '${"A".repeat(86)}==' } },
    allow_unauthenticated = true, lifetime = 'lease', max_ttl = '1m', withdraw_on_exit = true,
    state = '/srv/told', timeout_type = 65300, trust_clock = true`).replace(
    "floor1.example",
    "floor1.example.net",
  );
  const { settings, warnings } = settingsOf(`state = '/srv/discd'\n${text}`);
  expect(warnings).toEqual([]);
  const [zone] = settings.engine.links[0]?.published ?? [];
  expect(zone).toMatchObject({
    ttlSecondsMax: 60,
    target: {
      primary: { server: { port: 8853 }, transport: "tls" },
      allowsUnauthenticated: true,
      tls: { name: "ns.example.net", pins: [`sha256/${"A".repeat(43)}=`] },
      lifetime: "lease",
      timeoutType: 65_300,
      trustsClock: true,
      withdrawOnExit: true,
    },
  });
  const { primary, keys } = zone?.target ?? {};
  expect(primary?.zone && displayName(primary.zone)).toBe("example.net");
  const server = primary?.server?.host;
  expect(server && "labels" in server && displayName(server)).toBe("ns1.example.net");
  expect(keys?.map((one) => [displayName(one.zone), displayName(one.key.name)])).toEqual([
    ["1.10.in-addr.arpa", "Rev"],
  ]);
  expect(keys?.[0]?.key).toMatchObject({ algorithm: "hmac-sha512" });
  expect(keys?.[0]?.key.secret).toHaveLength(64);
  expect(settings).toMatchObject({ state: "/srv/discd", updateState: "/srv/told" });
});

test("a server by its address, and states beside the file", () => {
  const text = `state = 'kept'\n${file(`server = '2001:db8::1', ${key}`)}`;
  const found = targetIn(text).primary.server?.host;
  expect(found && "bytes" in found && formatAddress(found)).toBe("2001:db8::1");
  const { state, updateState } = settingsOf(text).settings;
  expect([state, updateState]).toEqual([`${process.cwd()}/kept`, `${process.cwd()}/kept/update`]);
});

test("an entry's own table differs in the keys that are written there", () => {
  const own = "update = { server = '192.0.2.2', lifetime = 'none', max_ttl = 30 }";
  const text = `interfaces = {
    { name = 'eth0.10', subdomain = 'floor1.example', mode = 'update', ${own} },
    { name = 'eth0.20', subdomain = 'floor2.example', mode = 'update' },
  }
  update = { server = '192.0.2.1', lifetime = 'lease', withdraw_on_exit = true, ${key} }`;
  const [first, second] = publishedIn(text);
  expect(first).toMatchObject({
    ttlSecondsMax: 30,
    target: { lifetime: "none", withdrawOnExit: true, key: { algorithm: "hmac-sha256" } },
  });
  expect(second).toMatchObject({
    ttlSecondsMax: 120,
    target: { lifetime: "lease", withdrawOnExit: true },
  });
  // UP-9: every subdomain of the file, whichever link has it.
  for (const { target } of [first, second].flatMap((one) => one ?? [])) {
    const within = target.primary.within.map(displayName);
    expect(within).toEqual(["floor1.example", "floor2.example"]);
  }
});

/** Subdomain, source, domain, subnet and networks of everything that is published. */
const namesIn = (text: string, on = host) =>
  publishedIn(text, on).map(({ target, source, domain, subnet, networks }) =>
    [
      displayName(target.subdomain),
      source,
      domain === undefined ? "-" : displayName(domain),
      subnet === undefined ? "-" : formatPrefix(subnet),
      networks.map(formatPrefix).join(" "),
    ].join(" | "),
  );

test("a name is made of the first network where none is written [UP-6]", () => {
  const both = "10.1.0.0/24 2001:db8:1::/64";
  const inCampus = unnamed("within = 'campus.example'");
  expect(namesIn(inCampus)).toEqual([
    `0a010000.campus.example | generated | campus.example | - | ${both}`,
  ]);
  expect(linesOf(load(inCampus))).toEqual([
    "discd.lua:2: warning: interfaces[1].subdomain: not set for interface eth0.10, which is published as 0a010000.campus.example; a PTR record at lb._dns-sd._udp.0.0.1.10.in-addr.arpa would name it",
  ]);
  const inDomain = unnamed("within = 'site.example'", "", "domain = 'site.example'");
  expect(namesIn(inDomain)).toEqual([
    `0a010000.site.example | generated | site.example | - | ${both}`,
  ]);
  const longFirst = [eth("eth0.10", 2, "2001:db8::1/64", "192.0.2.1/24", "192.0.3.1/24")];
  expect(namesIn(inCampus, { ...host, interfaces: longFirst })[0]).toContain("c0000200.campus");
  const onlyLong = [eth("eth0.10", 2, "fe80::1/64", "2001:db8:1:2::5/57")];
  expect(namesIn(inCampus, { ...host, interfaces: onlyLong })).toEqual([
    "20010db800010000.campus.example | generated | campus.example | - | 2001:db8:1::/57",
  ]);
});

test.each([
  ["203.0.113.9/24", "cb007100"],
  ["10.9.8.7/22", "0a090800"],
  ["2001:db8:1:2::5/64", "20010db800010002"],
  ["2001:db8:1:2::5/56", "20010db8000100"],
  ["fd00::1/9", "fd00"],
])("the network of %s is %s [UP-6]", (address, label) => {
  const interfaces = [eth("eth0.10", 2, address)];
  const names = namesIn(unnamed("within = 'campus.example'"), { ...host, interfaces });
  expect(names[0]).toContain(`${label}.campus.example | generated`);
});

test("an interface without a network is published when it has one [UP-6]", () => {
  const text = unnamed("within = 'campus.example'");
  for (const interfaces of [
    [eth("eth0.10", 2, "fe80::1/64")],
    [eth("eth0.10", 2)],
    [eth("eth0.20", 3, "10.0.0.1/8")],
  ]) {
    const on = { ...host, interfaces };
    expect(namesIn(text, on)).toEqual([]);
    expect(linesOf(load(text, on))).toEqual(
      interfaces[0]?.name === "eth0.20"
        ? []
        : [
            "discd.lua:2: warning: interfaces[1].subdomain: not set for interface eth0.10, which has no network to be named by: nothing is published there yet",
          ],
    );
  }
});

test("each subnet has a name of its own on request, link-local ones have none [UP-2]", () => {
  const text = unnamed("within = 'campus.example'", "per_subnet = true");
  expect(namesIn(text)).toEqual([
    "0a010000.campus.example | generated | campus.example | 10.1.0.0/24 | 10.1.0.0/24",
    "20010db800010000.campus.example | generated | campus.example | 2001:db8:1::/64 | 2001:db8:1::/64",
  ]);
  const named = file(key, "per_subnet = true, reverse = true");
  expect(namesIn(named)).toEqual([
    "0a010000.floor1.example | generated | floor1.example | 10.1.0.0/24 | 10.1.0.0/24",
    "20010db800010000.floor1.example | generated | floor1.example | 2001:db8:1::/64 | 2001:db8:1::/64",
  ]);
  const reverse = publishedIn(named).map(({ served }) => served.reverse.map(formatPrefix));
  expect(reverse).toEqual([["10.1.0.0/24"], ["2001:db8:1::/64"]]);
});

test.each([
  ["floor1.campus.example", "", "campus.example"],
  ["a.b.campus.example", "domain = 'campus.example'", "campus.example"],
  ["floor1.campus.example", "domain = 'other.example'", "campus.example"],
  ["campus.example", "domain = 'campus.example'", "-"],
  ["floor1.lan", "", "-"],
])("the domain around %s with %j is %s", (subdomain, top, domain) => {
  const text = `${top}\n${file(key).replace("floor1.example", subdomain)}`;
  expect(namesIn(text)[0]).toContain(`${subdomain} | config | ${domain} |`);
});

test("names by a function, and what it leaves to the default", () => {
  const text = `interfaces = { { name = 'eth0.*', mode = 'update', subdomain = function (interface)
    if interface.vlan == 10 then return 'ten.campus.example' end
  end } }
  update = { within = 'campus.example', ${key} }`;
  expect(namesIn(text).map((one) => one.split(" |")[0])).toEqual([
    "ten.campus.example",
    "0a020000.campus.example",
  ]);
});

test.each(["hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"])(
  "%s is taken where it is written [TSIG-6]",
  (algorithm) => {
    const long = "A".repeat(88).replace(/..$/, "==");
    const text = file(`key = { name = 'k', algorithm = '${algorithm}', secret = '${long}' }`);
    expect(targetIn(text).key?.algorithm).toBe(algorithm);
    expect(linesOf(load(text))).toEqual([]);
  },
);

test("a name that is not allowed is not published [UP-9]", () => {
  expect(namesIn(unnamed("within = 'other.example'"))).toEqual([]);
});

test("subnets that share a label share a name [UP-2]", () => {
  const interfaces = [eth("eth0.10", 2, "2001:db8::1/64", "2001:db8::1/60")];
  const text = file(key, "per_subnet = true");
  const names = namesIn(text, { ...host, interfaces });
  expect(names.map((name) => name.split(" | ")[0])).toEqual([
    "20010db800000000.floor1.example",
    "20010db800000000.floor1.example",
  ]);
  expect(linesOf(load(text, { ...host, interfaces }))).toEqual([]);
});

test("a link that is not used is not published", () => {
  const text = file(key, "disable = true");
  expect(publishedIn(text)).toEqual([]);
  expect(linesOf(load(text))).toEqual([]);
  const other = two("mode = 'update'", "mode = 'update', disable = true");
  const [first] = publishedIn(other.replace("Floor1.Example", "floor2.example"));
  // Nor may its name be changed.
  expect(first?.target.primary.within.map(displayName)).toEqual(["floor1.example"]);
});

test("where nothing is answered, nothing is listened to", () => {
  const { listen, certificate } = settingsOf(file(key)).settings;
  expect(listen).toEqual([]);
  expect(certificate.choice).toMatchObject({ kind: "none", reason: "discd listens on no address" });
  expect(linesOf(load(`listen = {}\n${file(key)}`))).toEqual([]);
  expect(linesOf(load(file(key)))).toEqual([]);
  expect(settingsOf(`${file(key)}\nzones = 'other'`).settings.listen).toBe("all");
  const both = two("mode = 'update'", "").replace("Floor1.Example", "floor2.example");
  expect(settingsOf(both).settings.listen).toBe("all");
  const waiting = `${file(key)}\ninterfaces[2] = { name = 'wlan*' }`;
  expect(settingsOf(waiting).settings.listen).toBe("all");
  const demo = load(file(key), host, {}, { file: "discd.lua", demo: true });
  expect("problems" in demo || demo.settings.listen).toBe("all");
  const [address] = settingsOf(`listen = '10.1.0.7'\n${file(key)}`).settings.listen;
  expect(address).toBeDefined();
});

test("what is printed has no secret in it, and all that was worked out", () => {
  const { printable } = settingsOf(
    file(
      `${key}, keys = { ['10.in-addr.arpa'] = { name = 'r', secret = '${secret}' } }`,
      "update = { server = '192.0.2.1' }",
    ),
  );
  expect(JSON.stringify(printable)).not.toContain(secret.slice(0, 12));
  const printed = { name: "discd", algorithm: "hmac-sha256", secret: "***" };
  expect(printable).toMatchObject({
    state: "/var/lib/discd",
    update: {
      server: null,
      port: null,
      transport: null,
      key: printed,
      state: "/var/lib/discd/update",
    },
    limits: { update_records: 20_000 },
    interfaces: [
      {
        mode: "update",
        subdomain: "floor1.example",
        update: {
          server: "192.0.2.1",
          port: 53,
          transport: "tcp",
          within: ["floor1.example"],
          key: printed,
          keys: { "10.in-addr.arpa": { name: "r", algorithm: "hmac-sha256", secret: "***" } },
        },
        published: [
          {
            subdomain: "floor1.example",
            source: "config",
            subnet: null,
            networks: ["10.1.0.0/24", "2001:db8:1::/64"],
          },
        ],
      },
    ],
  });
});
