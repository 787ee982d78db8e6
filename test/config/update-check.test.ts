// What is wrong with a file in mode 'update', line by line, and that no secret is
// part of what is said.

import { expect, test } from "vitest";
import { Report } from "../../src/config/report.js";
import { firstSpot } from "../../src/config/spots.js";
import { entry, linesOf, load } from "./lua.js";
import { file, key, secret, two, unnamed } from "./update-files.js";

/** Source and the problems it has, each as a part of the printed line. */
type Row = readonly [name: string, source: string, ...want: string[]];

function each(rows: readonly Row[]): void {
  test.each(rows)("%s", (_, source, ...want) => {
    const lines = linesOf(load(source));
    expect(lines.length, lines.join("\n")).toBe(want.length);
    for (const [at, line] of lines.entries()) expect(line).toContain(want[at]);
  });
}

// One wrong value in the global table each.
const wrong: readonly (readonly [string, string])[] = [
  ["server = 53", "update.server: must be an address or a host's name such as"],
  ["server = '192.0.2.300'", "update.server: must be an address or a host's name such as"],
  ["server = 'ns 1.example'", "update.server: must be an address or a host's name such as"],
  ["server = '192.0.2.1:53'", "update.server: must be without a port: that is the key port"],
  ["server = '[2001:db8::1]:53'", "update.server: must be without a port: that is the key port"],
  ["server = 'ns1.example:53'", "update.server: must be without a port: that is the key port"],
  ["server = '::'", "update.server: :: is not one host's address"],
  ["server = '224.0.0.251'", "update.server: 224.0.0.251 is not one host's address"],
  ["port = 0", "update.port: must be a whole number from 1 to 65535, not 0"],
  ["transport = 'udp'", "update.transport: must be 'tcp' or 'tls', not 'udp'"],
  ["tls = true", "update.tls: must be a table { … }, not true"],
  ["tls = { ca = 'a\\0b' }", "update.tls.ca: holds a byte 0, which no path does"],
  ["tls = { name = 'a b' }", "update.tls.name: must be a host's name such as 'ns1.example.com'"],
  ["tls = { pin = 'sha256/abc' }", "update.tls.pin: must be 'sha256/' and base64 of a public"],
  ["tls = { pins = 'x' }", "update.tls.pins: unknown key; the nearest known one is 'pin', of name"],
  ["zone = '.'", "update.zone: must be a name below the root"],
  ["zone = 'example'", "update.zone: has one label: updates never concern a whole top-level"],
  ["within = '.'", "update.within: must be a name below the root"],
  ["within = { 'floor1.example', 'com' }", "update.within[2]: has one label: updates never"],
  ["within = 'local'", "update.within: local is for multicast DNS; no server has it"],
  ["within = 'x.Local'", "update.within: local is for multicast DNS; no server has it"],
  ["allow_unauthenticated = 'yes'", "update.allow_unauthenticated: must be true or false"],
  ["lifetime = 'ttl'", "update.lifetime: must be 'timeout' or 'lease' or 'none', not 'ttl'"],
  ["max_ttl = 0", "update.max_ttl: must be whole seconds from 1 to 86400"],
  ["withdraw_on_exit = 1", "update.withdraw_on_exit: must be true or false, not 1"],
  ["state = 5", "update.state: must be text of 1 to 4095 characters, not 5"],
  ["timeout_type = 16", "update.timeout_type: must be a whole number from 65280 to 65533, not 16"],
  ["trust_clock = 1", "update.trust_clock: must be true or false, not 1"],
  ["timeout = 1", "update.timeout: unknown key; the nearest known one is 'timeout_type'"],
];
each(
  wrong.map(
    ([update, want]): Row => [
      `wrong: ${update}`,
      file(`${key}, ${update}`),
      `discd.lua:2: ${want}`,
    ],
  ),
);

each([
  [
    "BIND's own type cannot be TIMEOUT's [TO-1]",
    file(`${key}, timeout_type = 65534`),
    "discd.lua:2: update.timeout_type: 65534 cannot be: BIND keeps notes of its signer under it; take one from 65280 to 65533",
  ],
  [
    "nor can the reserved one [TO-1]",
    file(`${key}, timeout_type = 65535`),
    "discd.lua:2: update.timeout_type: 65535 cannot be: it is reserved; take one from 65280 to",
  ],
  [
    "the table itself",
    `${entry("mode = 'update'")}\nupdate = 'now'`,
    "update: must be a table { … }, not 'now'",
  ],
  [
    "an entry's own table",
    file(key, "update = { max_tll = 5 }"),
    "discd.lua:1: interfaces[1].update.max_tll: unknown key; the nearest known one is 'max_ttl'",
  ],
  [
    "a folder for one link",
    file(key, "update = { state = '/tmp' }"),
    "interfaces[1].update.state: is one folder for all links; write it into the update table of the top level",
  ],
  ["the folder of everything", `${file(key)}\nstate = true`, "discd.lua:3: state: must be text"],
]);

each([
  [
    "no key, no updates [UP-19]",
    file("server = '192.0.2.1'"),
    "discd.lua:1: interfaces[1].mode: no key signs the updates of this link; write update.key = { file = 'FILE' }, or update.allow_unauthenticated = true. tsig-keygen NAME makes one",
  ],
  [
    "no table at all [UP-19]",
    entry("\nmode = 'update'"),
    "discd.lua:2: interfaces[1].mode: no key signs the updates of this link",
  ],
  ["none, expressly [UP-19]", file("allow_unauthenticated = true")],
  [
    "keys for other zones alone [UP-19]",
    file(`keys = { ['1.10.in-addr.arpa'] = { name = 'k', secret = '${secret}' } }`),
    "discd.lua:1: interfaces[1].mode: update.keys has none for the zone of floor1.example; write",
  ],
  [
    "a key for the zone around it [UP-19]",
    file(`keys = { ['example'] = { name = 'k', secret = '${secret}' } }`),
  ],
  [
    "a key that is wrong is not missing besides [UP-19]",
    file("key = { name = 'discd' }"),
    "discd.lua:2: update.key.secret: is missing, as is file: one of them has to be there",
  ],
  [
    "an interface that is not there has its problems too [UP-19]",
    "interfaces = { { name = 'wlan*', mode = 'update', subdomain = 'w.example' } }",
    "discd.lua:1: interfaces[1].mode: no key signs the updates of this link",
  ],
]);

// Each gives its secret away in no message: it is looked for below.
const keyRows: readonly (readonly [string, string])[] = [
  [`'${secret}'`, "key: must be a table { name = 'NAME', algorithm = 'hmac-sha256', secret ="],
  [`{ '${secret}' }`, "key[1]: is not a key here; the keys are name, algorithm, secret, file"],
  [`{ secret = '${secret}' }`, "key.name: is missing: the key's name on the server"],
  [
    `{ name = '${secret.repeat(2)}', secret = 'AAAA' }`,
    "key.name: must be the key's name, the same",
  ],
  [
    `{ name = 'k', secret = '${secret.slice(1)}' }`,
    "key.secret: must be a secret of 1 to 512 bytes",
  ],
  [`{ name = 'k', secret = '${secret} ' }`, "key.secret: must be a secret of 1 to 512 bytes"],
  [`{ name = 'k', secret = '' }`, "key.secret: must be a secret of 1 to 512 bytes in base64"],
  [`{ name = 'k', secret = 12345 }`, "key.secret: must be a secret of 1 to 512 bytes in base64"],
  [
    `{ name = 'k', secret = '${"AAAA".repeat(200)}' }`,
    "key.secret: must be a secret of 1 to 512 bytes in base64",
  ],
  [
    `{ name = 'k', algorithm = '${secret}', secret = 'AAAA' }`,
    "key.algorithm: is none of hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512",
  ],
  [`{ name = 'k', algorithm = 256, secret = '${secret}' }`, "key.algorithm: is no text"],
  [`{ file = 'k', secret = '${secret}' }`, "key.secret: stands in the file; leave it out here"],
];
test.each(keyRows)("a key that is none: %s", (written, want) => {
  const loaded = load(file(`key = ${written}`));
  const lines = linesOf(loaded);
  expect(lines, lines.join("\n")).toHaveLength(1);
  expect(lines[0]).toContain(`discd.lua:2: update.${want}`);
  expect(JSON.stringify(loaded)).not.toContain(secret.slice(1, 20));
  const inKeys = linesOf(load(file(`${key}, keys = { ['z.example'] = ${written} }`)));
  expect(inKeys[0]).toContain(`discd.lua:2: update.keys['z.example']${want.slice(3)}`);
});

each([
  [
    "HMAC-MD5 is refused with a way out [TSIG-6]",
    file(`key = { name = 'k', algorithm = 'hmac-md5', secret = '${secret}' }`),
    "update.key.algorithm: HMAC-MD5 is not secure enough to be offered; make a key with: tsig-keygen -a hmac-sha256 NAME",
  ],
  [
    "under its long name too [TSIG-6]",
    file(`key = { name = 'k', algorithm = 'HMAC-MD5.SIG-ALG.REG.INT.', secret = '${secret}' }`),
    "update.key.algorithm: HMAC-MD5 is not secure enough to be offered",
  ],
  [
    "a short secret is a warning [TSIG-7]",
    file("key = { name = 'k', secret = 'AAECAwQFBgcICQoLDA0ODw==' }"),
    "warning: update.key.secret: the secret has 16 bytes, fewer than the 32 of hmac-sha256 (RFC 8945 §8); make a key with",
  ],
  [
    "one name for two algorithms [TSIG-7]",
    file(
      `${key}, keys = { ['a.example'] = { name = 'Discd', algorithm = 'hmac-sha1', secret = '${secret}' } }`,
    ),
    "warning: update.keys['a.example']: has the name of key and another algorithm; give it another",
  ],
  [
    "keys that are a list",
    file(`${key}, keys = { { file = 'x' } }`),
    "keys[1]: is for no zone; keys",
  ],
  [
    "a zone with two keys",
    file(
      `${key}, keys = { ['a.example'] = { file = 'x' },\n ['A.example'] = { file = 'x' } }`,
    ).replace("mode = 'update',", ""),
    "discd.lua:2: warning: update: has no effect",
    "discd.lua:3: update.keys['A.example']: has a key already, in other capitals",
  ],
  [
    "keys that are a secret",
    file(`${key}, keys = '${secret}'`),
    "update.keys: must be a table { ['1.10.in-addr.arpa'] = { file = 'FILE' } }",
  ],
]);

each([
  [
    "TLS that transport denies",
    file(`${key}, server = 'ns1.example', transport = 'tcp', tls = { name = 'x' }`),
    "update.tls: is for TLS, and transport is 'tcp'; leave one of them out",
  ],
  [
    "TLS that nothing would use",
    file(`${key}, server = 'ns1.example', tls = { name = 'x' }`),
    "update.tls: is for TLS, by which server is reached only with transport = 'tls'",
  ],
  ["TLS where SRV records say so", file(`${key}, tls = { name = 'x' }`)],
  [
    "TLS on the port of TCP",
    file(`${key}, server = 'ns1.example', transport = 'tls', port = 53`),
    "update.port: 53 is for DNS without TLS; 853 is the port for this",
  ],
  [
    "TCP on the port of TLS",
    file(`${key}, server = 'ns1.example', port = 853`),
    "update.port: 853 is for DNS over TLS; write transport = 'tls' as well",
  ],
  [
    "a port without its server",
    file(`${key}, port = 5300`),
    "warning: update.port: is that of server, which is not set: SRV records say the port",
  ],
  [
    "an address that no certificate names",
    file(`${key}, server = '192.0.2.1', transport = 'tls'`),
    "update.server: is an address, for which no certificate is made; write tls.name or tls.pin too",
  ],
  [
    "the link that says it is blamed",
    file(`${key}, server = 'ns1.example'`, "update = {\n transport = 'tls',\n port = 53 }"),
    "discd.lua:3: interfaces[1].update.port: 53 is for DNS without TLS",
  ],
]);

each([
  [
    "a subdomain that may not be changed [UP-9]",
    file(`${key}, within = 'floor2.example'`),
    "discd.lua:1: interfaces[1].subdomain: floor1.example is not published: it is not below a name of update.within; add it there",
  ],
  [
    "a top-level domain as a subdomain [UP-9]",
    file(key).replace("floor1.example", "floor1"),
    "interfaces[1].subdomain: has one label: updates never concern a whole top-level domain",
  ],
  [
    "multicast DNS as a subdomain [UP-9]",
    file(key).replace("floor1.example", "floor1.local"),
    "interfaces[1].subdomain: local is for multicast DNS; no server has it",
  ],
  [
    "a generated name that may not be changed is left out [UP-9]",
    unnamed("within = 'other.example'"),
    "warning: interfaces[1].subdomain: not set for interface eth0.10, which is published as",
    "warning: interfaces[1].subdomain: 0a010000.campus.example is not published: it is not below a name of update.within; add it there",
  ],
  [
    "nothing is allowed where nothing is written [UP-9]",
    unnamed("lifetime = 'none'"),
    "warning: interfaces[1].subdomain: not set for interface eth0.10",
    "interfaces[1].subdomain: is not set, and neither is update.within: generated and learned names are published only below names that stand there",
  ],
  [
    "what is wrong in within is not missing besides [UP-9]",
    unnamed("within = 'com'"),
    "discd.lua:2: warning: interfaces[1].subdomain: not set for interface eth0.10",
    "discd.lua:3: update.within: has one label",
  ],
  ["zone allows what is in it [UP-9]", unnamed("zone = 'campus.example'"), "is published as"],
  [
    "a subdomain outside the zone",
    file(`${key}, zone = 'campus.example'`),
    "discd.lua:2: update.zone: floor1.example is not in this zone; leave zone out, and it is found",
  ],
]);

each([
  [
    "two links may share a subdomain [UP-56]",
    two("mode = 'update'", "mode = 'update'"),
    "discd.lua:3: warning: interfaces[2].subdomain: Floor1.Example is also the subdomain of interface eth0.10: of two services with one name the first is published; better give it its own",
  ],
  [
    "not with tables that contradict each other",
    two("mode = 'update'", "mode = 'update', update = { max_ttl = 5, lifetime = 'none' }"),
    "discd.lua:3: interfaces[2].subdomain: Floor1.Example is also the subdomain of interface eth0.10, whose update table says otherwise; make them the same",
  ],
  [
    "one that discd answers",
    two("mode = 'update'", "mode = 'proxy'"),
    "discd.lua:2: interfaces[1].subdomain: floor1.example cannot be kept on another server: discd answers it itself, since Floor1.Example is a zone of interface eth0.20",
  ],
  [
    "one below a zone of records",
    `hostname = 'px.example.net'\n${file(key)}\nzones = 'example'`,
    "floor1.example cannot be kept on another server: discd answers it itself, since example is a zone of zones",
  ],
]);

const unused: readonly (readonly [string, string])[] = [
  ["hosts = 'h.example'", "host names are published in the subdomain, beside the services that"],
  ["reverse = true", "no reverse names are published"],
  ["reverse = '10.1.0.0/24'", "no reverse names are published"],
  ["aliases = 'a.example'", "what is published has one name, the subdomain"],
  ["allow = 'any'", "the zone's own server answers, and decides who may ask"],
  ["warm = true", "everything on the link is asked for anyway"],
  ["wait = 3", "nobody's query waits for the link"],
  ["gather = 0", "nobody's query waits for the link"],
  ["ttl = 5", "the TTLs that are written are capped by update.max_ttl"],
];
each(
  unused.map(
    ([written, reason]): Row => [
      `of no use in mode 'update': ${written}`,
      file(key, written),
      `warning: interfaces[1].${written.split(" ")[0]}: has no effect in mode 'update': ${reason}`,
    ],
  ),
);

each([
  [
    "an entry that is not used",
    "interfaces = { { name = 'eth0.10', disable = true, mode = 'update', ttl = 5 } }",
  ],
  [
    "nor its function",
    "interfaces = { { name = 'eth0.10', disable = true, mode = 'update', subdomain = function () end } }",
  ],
  [
    "realms",
    `realms = { east = 'any' }\n${file(key, "realm = 'east'")}`,
    "warning: interfaces[1].realm: has no effect in mode 'update': the zone's own server tells",
  ],
  ["what is of use", `rate = 5\nwait = 3\n${file(key, "suppress = false, services = {}")}`],
  [
    "what is added to records is checked once for all subnets",
    file(key, "per_subnet = true, translate = { { type = '*', txt = { ['a=b'] = '1' } } }"),
    'discd.lua:1: interfaces[1].translate[1].txt: "a=b" cannot be a TXT key',
  ],
  [
    "no zone at all",
    "interfaces = { { name = 'eth0.10', mode = 'update', subdomain = false, announce = { b = 'x' } } }",
    "warning: interfaces[1].mode: has no effect: subdomain is false, and nothing is published",
  ],
  [
    "a table that nobody uses",
    `${entry("")}\nupdate = { ${key} }`,
    "discd.lua:2: warning: update: has no effect: no entry of interfaces has mode = 'update'",
  ],
  [
    "an entry's table in the other mode",
    entry("\n per_subnet = true,\n update = { lifetime = 'none' }"),
    "warning: interfaces[1].per_subnet: has no effect without mode = 'update'",
    "warning: interfaces[1].update: has no effect without mode = 'update'",
  ],
]);

test("what was wrong around a key, or inside it, is known", () => {
  const report = new Report(["discd.lua"]);
  report.problem({ path: "update.keys[2].file", spot: firstSpot, report }, "x");
  const asked = ["update", "update.keys", "update.keys[2].file", "update.keys[2].file.x"];
  expect(asked.map((path) => report.hasFailedAt(path))).toEqual([true, true, true, true]);
  for (const path of ["update.key", "update.keys[1]", "update.keys[2].f", "port"]) {
    expect(report.hasFailedAt(path), path).toBe(false);
  }
});
