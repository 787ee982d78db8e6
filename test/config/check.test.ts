// What is wrong with a file, line by line: every problem at once, with the line
// of the key or item that is meant, wherever it stands and however it was made.

import { expect, test } from "vitest";
import { problemsText, problemText } from "../../src/config/check-text.js";
import { Report } from "../../src/config/report.js";
import { firstSpot } from "../../src/config/spots.js";
import { entry, linesOf, load } from "./lua.js";

const good = "interfaces = { { name = 'eth0.10', subdomain = 'floor1.example' } }\n";

/** Source and the problems it has, each as the beginning of the printed line. */
type Row = readonly [name: string, source: string, ...want: string[]];

function each(rows: readonly Row[]): void {
  test.each(rows)("%s", (_, source, ...want) => {
    const lines = linesOf(load(source));
    expect(lines.length, lines.join("\n")).toBe(want.length);
    for (const [at, line] of lines.entries()) expect(line).toContain(want[at]);
  });
}

each([
  ["a sound file has no problems", good],
  [
    "an unknown key names the nearest one",
    `${good}hostnmae = 'px.example'`,
    "discd.lua:2: hostnmae: unknown key; the nearest known one is 'hostname'",
  ],
  [
    "an unknown key of the third entry has that entry's line and path",
    [
      "interfaces = {",
      "  { name = 'a', subdomain = 'a.example' },",
      "  { name = 'b', subdomain = 'b.example' },",
      "  { name = 'c',",
      "    subdomian = 'c.example' },",
      "  { name = 'd', subdomain = 'd.example' },",
      "}",
    ].join("\n"),
    "discd.lua:4: warning: interfaces[3].subdomain: not set for interface c, which is served as c.home.arpa",
    "discd.lua:5: interfaces[3].subdomian: unknown key; the nearest known one is 'subdomain'",
  ],
  [
    "a key made by a loop has the line in the loop",
    [
      "interfaces = {}",
      "for floor = 1, 3 do",
      "  interfaces[floor] = {",
      "    name = 'eth' .. floor,",
      "    subdomain = 'floor' .. floor .. '.example',",
      "    wiat = floor,",
      "  }",
      "end",
    ].join("\n"),
    "discd.lua:6: interfaces[1].wiat: unknown key; the nearest known one is 'wait'",
  ],
  [
    "an item of a list has its own line, also the last one",
    `${good}allow = {\n  '10.0.0.0/8',\n  '10.0.0.300',\n  'private',\n  'everybody'\n}`,
    "discd.lua:4: allow[2]: must be an address",
    "discd.lua:6: allow[4]: must be an address",
  ],
  [
    "a value that comes from a variable is blamed where it was written",
    "local list = {\n  'nonsense',\n}\ninterfaces = { { name = 'a', subdomain = 'a.example',\n  allow = list } }",
    "discd.lua:2: interfaces[1].allow[1]",
  ],
  [
    "a key has the line where its value begins, however long that is",
    `${good}alow = {\n  'any',\n  'none',\n}\nwram = function ()\n  return 1\nend`,
    "discd.lua:2: alow: unknown key; the nearest known one is 'allow'",
    "discd.lua:6: wram: unknown key; the nearest known one is 'warm'",
  ],
  [
    "a missing key has the line of its table",
    "interfaces = {\n  -- the first floor\n  { subdomain = 'a.example' },\n}",
    "discd.lua:3: interfaces[1].name: is missing",
  ],
  [
    "a local variable is no key, a global one is",
    `${good}local floors = 3\nfloor_count = 3`,
    "discd.lua:3: floor_count: unknown key; the nearest known one is 'contact'; a variable of your own needs `local`",
  ],
  [
    "all at once, in the order of the lines",
    "port = { udp = 0, tls = '853' }\nhostname = 7\nallow = 'nobody'\ninterfaces = {\n  { name = 'a', subdomain = 'a..example', ttl = -1 },\n  { nam = 'b' },\n}",
    "discd.lua:1: port.udp: must be a whole number from 1 to 65535, not 0",
    "discd.lua:1: port.tls: must be a whole number",
    "discd.lua:2: hostname: must be a name",
    "discd.lua:3: allow: must be an address",
    "discd.lua:5: interfaces[1].subdomain: 'a..example' is not a name",
    "discd.lua:5: interfaces[1].ttl: must be whole seconds from 0 to 3600",
    "discd.lua:6: interfaces[2].nam: unknown key; the nearest known one is 'name'",
    "discd.lua:6: interfaces[2].name: is missing",
  ],
]);

test("[A1.12] a syntax error has Lua's line", () => {
  expect(
    linesOf(load("hostname = 'a.example'\ninterfaces = {\n  { name = 'x' \n  bad }\n")),
  ).toEqual(["discd.lua:4: '}' expected (to close '{' at line 3) near 'bad'"]);
});

test("[A1.12] an error at run time has its line", () => {
  const text = "local function f(x)\n  return x.y.z\nend\nhostname = f({})";
  expect(linesOf(load(text))).toEqual(["discd.lua:2: attempt to index a nil value (field 'y')"]);
});

each([
  ["an error raised with a table", "\nerror({})", "discd.lua:2: an error was raised with a table"],
  ["an error raised without a position", "\n\nerror('stop', 0)", "discd.lua:3: stop"],
  ["an empty file serves nothing", "", "discd.lua:1: warning: there is no zone to serve"],
]);

const later: readonly (readonly [string, string])[] = [
  ["profile = 'campus'", "profile"],
  ["rrl = { rate = 200 }", "rrl"],
  ["feed = { port = 25264 }", "feed"],
  ["record = true", "record"],
  ["source = { git = 'https://example.com' }", "source"],
  ["limits = { record_memory = '16M' }", "limits.record_memory"],
  ["services = { { deny = '_ssh._tcp', client = 'any' }, default = 'allow' }", "services[1]"],
];
each(
  later.map(
    ([source, path]): Row => [
      `not built is "not yet": ${source}`,
      `${good}${source}`,
      `discd.lua:2: ${path}: not yet: `,
    ],
  ),
);

each([
  [
    "false is taken where it means without",
    `${good}certificate = false rrl = false cookies = false feed = false record = false http = false
     port = { tls = false, llq = false, push = false }`,
  ],
]);

// Types and ranges: every line of the table is one wrong value.
const wrong: readonly (readonly [string, string])[] = [
  ["hostname = 'a b..c'", "hostname: 'a b..c' is not a name"],
  ["hostname = ''", "hostname: '' is not a name"],
  ["hostname = '.'", "hostname: must be a name below the root"],
  ["hostname = '\\228.example'", "hostname: must be a name in UTF-8"],
  [`hostname = '${"a".repeat(64)}.example'`, "63 are the most"],
  [`hostname = '${"abcdefg.".repeat(32)}'`, "255"],
  ["contact = 'nobody'", "contact: must be a mail address"],
  ["contact = '@example.com'", "contact: must be a mail address"],
  ["domain = {}", "domain: must be a name"],
  ["listen = '192.0.2.1/24'", "listen: must be an address"],
  ["listen = { '0.0.0.0' }", "listen[1]: 0.0.0.0 means every address"],
  ["listen = { 10.1 }", "listen[1]: must be an address"],
  ["listen = '224.0.0.251'", "listen: 224.0.0.251 is not one host's address"],
  ["listen = { '255.255.255.255' }", "listen[1]: 255.255.255.255 is not one host's address"],
  ["listen = { 'ff02::fb' }", "listen[1]: ff02::fb is not one host's address"],
  [
    "listen = { 'fe80::1' }",
    "listen[1]: fe80::1 is on every link; name the interface: 'fe80::1%eth0'",
  ],
  ["port = { udp = 65536 }", "port.udp: must be a whole number"],
  ["cookies = true", "cookies: must be a table"],
  [
    "cookies = { secrets = 'x' }",
    "cookies.secrets: unknown key; the nearest known one is 'secret'",
  ],
  ["cookies = { secret = 'e5e973e5' }", "secret: must be 32 hexadecimal digits; it has 8 char"],
  [`cookies = { secret = '${"0".repeat(33)}' }`, "it has 33 characters; make one with: openssl"],
  [`cookies = { secret = '${"0".repeat(31)}g' }`, "there are other characters in it"],
  [`cookies = { secret = '\\xff${"0".repeat(31)}' }`, "there are other characters in it"],
  ["cookies = { secret = 12345678901234567890123456789012 }", "it is no text"],
  ["port = { udp = 53.5 }", "not 53.5"],
  ["port = { tcp = '53' }", "not '53'"],
  ["port = { tcp = true }", "not true"],
  ["port = { tls = 0 }", "port.tls: must be a whole number"],
  ["port = { tls = 53 }", "port.tls: 53 is for DNS without TLS"],
  ["port = { push = 53 }", "port.push: 53 is for DNS without TLS"],
  ["port = { tls = 5301, tcp = 5301 }", "port.tls: 5301 is the port of tcp as well"],
  ["port = { push = 5352 }", "port.push: 5352 is the port of llq as well"],
  ["port = { llq = 853 }", "port.tls: 853 is the port of llq as well"],
  [
    "port = { dot = 853 }",
    "port.dot: unknown key; the nearest known one is 'udp', of udp, tcp, tls, llq, push",
  ],
  [
    "port = 5353",
    "port: must be a table of the ports that differ, as in { udp = 5300, tcp = 5300 }, not 5353",
  ],
  [
    "limits = { dso_keepalive = '1 hour' }",
    "limits.dso_keepalive: must be a time from 10 s to 40 days: seconds or '500ms', '10m', '7d'; or 'infinite', not '1 hour'",
  ],
  ["refuse = 'reject'", "refuse: must be 'answer' or 'drop', not 'reject'"],
  ["nameservers = { 'a..b' }", "nameservers[1]: 'a..b' is not a name"],
  ["nsid = 5", "nsid: must be text"],
  ["realms = { '10.0.0.0/8' }", "realms[1]: a realm needs a name"],
  ["realms = { east = 'nowhere' }", "realms.east: must be an address"],
  ["services = { default = 'maybe' }", "services.default: must be 'allow' or 'deny'"],
  ["services = { deny = 'ssh' }", "services.deny: must be a type"],
  ["services = { deny = { '_ssh._tcp.local' } }", "services.deny[1]: must be a type"],
  ["warm = { '_ipp' }", "warm[1]: must be a type"],
  ["warm = '_ipp._tcp.local'", "warm: must be a type"],
  ["rate = 0", "rate: must be a whole number"],
  ["rate = 0/0", "rate: must be a whole number"],
  ["wait = '6 seconds'", "wait: must be a time"],
  ["wait = 1/0", "wait: must be a time"],
  ["wait = -1", "wait: must be a time"],
  ["gather = '11s'", "gather: must be a time"],
  ["ttl = 0.5", "ttl: must be whole seconds"],
  ["ttl = 0xffffffff", "ttl: must be whole seconds"],
  ["suppress = 'yes'", "suppress: must be true or false, not 'yes'"],
  ["translate = { { instance = 'x' } }", "translate[1].type: is missing"],
  [
    "translate = { { type = '_ipp._tcp', txt = { URF = 5 } } }",
    "translate[1].txt.URF: must be text",
  ],
  ["browse = { b = 'a..b' }", "browse.b: 'a..b' is not a name"],
  ["browse = { { lb = { 'x.example' } } }", "browse[1].client: is missing"],
  ["records = { 'a A 192.0.2.1' }", "records[1]: must be a table"],
  ["records = { { name = 'a.example', type = 'A' } }", "records[1].data: is missing"],
  ["rotate = 1", "rotate: must be true or false"],
  ["log = { level = 'verbose' }", "log.level: must be 'debug' or 'info'"],
  ["log = { queries = true }", "log.queries: must be 'none' or 'names' or 'full'"],
  ["limits = { udp_size = 100 }", "limits.udp_size: must be a whole number from 512"],
  ["limits = { answer_cache = '64X' }", "limits.answer_cache: must be a size"],
  ["limits = { lua_time = '1h' }", "limits.lua_time: must be a time"],
  [
    "limits = { udpsize = 1232 }",
    "limits.udpsize: unknown key; the nearest known one is 'udp_size'",
  ],
  [
    "limits = { llq_lease_min = '3h' }",
    "limits.llq_lease_min: 10800 s is more than llq_lease_max, 7200 s; set both to fit",
  ],
  [
    "limits = { llq_lease_max = 60 }",
    "limits.llq_lease_min: 900 s is more than llq_lease_max, 60 s; set both to fit",
  ],
  ["hostname = function() end", "not a function"],
  ["hostname = coroutine.create(print)", "not a coroutine"],
  ["allow = { 'any', nil, 'none' }", "allow[2]: is nil; is a variable not set?"],
  ["allow = { x = 'any' }", "allow.x: is no item of a list"],
  ["_G[1] = 2", "[1]: is not a key here"],
  ["_G[{}] = 2", "['?']: is not a key here"],
];
each(wrong.map(([source, want]): Row => [source, `${good}${source}`, want]));

each([
  [
    "interfaces of one entry without its braces",
    "interfaces = { name = 'a' }",
    "put braces around",
  ],
  ["disable", entry("disable = 1"), "interfaces[1].disable: must be true or false"],
  ["hosts", entry("hosts = true"), "interfaces[1].hosts: must be a name"],
  ["aliases", entry("aliases = { 5 }"), "interfaces[1].aliases[1]: must be a name"],
  ["[DP-17] reverse /25", entry("reverse = '10.1.0.0/25'"), "10.1.0.0/25 is longer than /24"],
  ["[DP-17] reverse /65", entry("reverse = { '2001:db8::/65' }"), "is longer than /64"],
  ["reverse false", entry("reverse = false"), "interfaces[1].reverse: must be a list"],
  ["mode", entry("mode = 'relay'"), "interfaces[1].mode: must be 'proxy' or 'update'"],
  [
    "announce",
    entry("announce = { r = 'x' }"),
    "announce.r: unknown key; the nearest known one is",
  ],
  [
    "realm",
    `realms = { east = 'any' }\n${entry("realm = 'eats'")}`,
    "interfaces[1].realm: 'eats' is not one of realms; the nearest is 'east'",
  ],
  ["no family", entry("ipv4 = false, ipv6 = false"), "interfaces[1].ipv6: with ipv4 and ipv6 both"],
  [
    "a zone is needed for host names",
    "interfaces = { { name = 'a', subdomain = false, hosts = 'h.example', announce = { b = 'x' } } }",
    "interfaces[1].hosts: needs a subdomain",
  ],
  [
    "an entry behind one that fits the same interfaces",
    "interfaces = { { name = 'eth*', disable = true },\n { name = 'eth0', subdomain = 'a.example' } }",
    "discd.lua:2: warning: interfaces[2].name: is never used: interfaces[1] fits 'eth0'",
  ],
  [
    "both ports closed",
    `${good}port = { udp = false, tcp = false }`,
    "discd.lua:2: warning: port: udp and tcp are both false",
  ],
  [
    "the port of multicast DNS",
    `${good}port = { udp = 5353,\n tcp = 5353, llq = 5353 }`,
    "discd.lua:2: warning: port.udp: 5353 is the port of multicast DNS, whose packets would arrive here as well; take another",
    "discd.lua:3: warning: port.llq: 5353 is the port of multicast DNS",
  ],
  [
    "nowhere to listen",
    `${good}listen = {}`,
    "discd.lua:2: warning: listen: is empty: no query will arrive",
  ],
  [
    "names that no interface has",
    ["averyveryverylong", "eth0:1", "eth 0", "eth0/1", "*:1", ".."]
      .map((name, at) => `{ name = '${name}', subdomain = '${at}.example' },`)
      .join("\n")
      .replace(/^/, "interfaces = {\n")
      .concat("}"),
    ...[1, 2, 3, 4, 5, 6].map(
      (at) => `discd.lua:${at + 1}: interfaces[${at}].name: is no name of an interface`,
    ),
  ],
]);

// What proxy/check.ts finds comes out with lines of the file.
each([
  [
    "[DP-3] one zone for two links",
    "interfaces = {\n { name = 'a', subdomain = 'x.example' },\n { name = 'b', subdomain = 'X.Example' },\n}",
    "discd.lua:3: interfaces[2].subdomain: the zone X.Example is also named by interface a",
  ],
  [
    "[DP-12] a host zone with a space is a warning",
    entry("\n hosts = 'floor 1.example'"),
    "discd.lua:2: warning: interfaces[1].hosts: floor 1.example should hold letters",
  ],
  [
    "[DP-23] a default domain that is not browsed",
    `${good}browse = { b = { 'a.example' },\n  db = 'b.example' }`,
    "discd.lua:3: browse.db",
  ],
  [
    "[DP-25] more domains than a message holds",
    `${good}local many = {}\nfor i = 1, 500 do many[i] = string.rep('abcdefg.', 30) .. i .. '.example' end\nbrowse = {\n  lb = many }`,
    "discd.lua:5: browse.lb: 500 domains do not fit",
  ],
  [
    "[DP-99] a name server inside a zone",
    `${good}nameservers = {\n 'ns.example',\n 'ns1.floor1.example' }`,
    "discd.lua:4: nameservers[2]: ns1.floor1.example lies inside the zone floor1.example",
  ],
  [
    "[DP-110] a zone that nobody answers",
    `${good}zones = {\n 'local' }`,
    "discd.lua:3: zones[1]: local is not for any server",
  ],
  [
    "[A5.4] a record outside every zone",
    `${good}records = {\n  { name = 'a.floor1.example', type = 'A', data = '192.0.2.1' },\n  { name = 'www.example.com', type = 'A', data = '192.0.2.7' },\n}`,
    "discd.lua:4: records[2]: www.example.com is in no zone served here; name its zone in zones",
  ],
  [
    "[A5.4] the same record with its zone named",
    `${good}zones = 'example.com'\nrecords = { { name = 'www.example.com', type = 'A', data = '192.0.2.7' } }`,
  ],
  [
    "data that is not of the type",
    `${good}records = { { name = 'a.floor1.example', type = 'A', data = '192.0.2' } }`,
    "discd.lua:2: records[1]: '192.0.2' is no data of type A",
  ],
  [
    "a type that nobody knows",
    `${good}records = { { name = 'a.floor1.example', type = 'NOPE', data = 'x' } }`,
    "discd.lua:2: records[1]: 'x' is no data of type NOPE",
  ],
  [
    "the host's own name inside a zone served here",
    "interfaces = { { name = 'eth0.10', subdomain = 'campus.example' } }",
    "discd.lua:1: hostname: px.campus.example lies inside the zone campus.example",
  ],
]);

each([
  [
    "a TXT key that cannot be one, in an entry and at the top level",
    `translate = {\n  { type = '*', txt = { ['a=b'] = '1' } } }\n${entry("\n translate = {\n { type = '*', txt = { ['c=d'] = '1' } } }")}\ninterfaces[2] = { name = 'b', subdomain = 'b.example' }`,
    'discd.lua:2: translate[1].txt: "a=b" cannot be a TXT key',
    'discd.lua:5: interfaces[1].translate[1].txt: "c=d" cannot be a TXT key',
  ],
  [
    "an error inside a function has the line inside it",
    "interfaces = { { name = 'eth0.*', subdomain = function (interface)\n  return interface.floor .. '.example'\nend } }",
    "discd.lua:2: interfaces[1].subdomain, for eth0.10: attempt to concatenate a nil value (field 'floor')",
  ],
  [
    "a function that returns a table",
    "interfaces = { { name = 'eth0.10',\n subdomain = function () return {} end } }",
    "discd.lua:2: interfaces[1].subdomain, for eth0.10: must be a name, or nil",
  ],
  [
    "a function that returns no name",
    "interfaces = { { name = 'eth0.10',\n subdomain = function () return 'a..b' end } }",
    "discd.lua:2: interfaces[1].subdomain, for eth0.10: 'a..b' is not a name",
  ],
  [
    "one name for two interfaces",
    "interfaces = { { name = 'eth0.*',\n subdomain = 'both.example' } }",
    "discd.lua:2: interfaces[1].subdomain: the zone both.example is also named by interface eth0.10",
  ],
]);

test("print is a warning with its line", () => {
  expect(linesOf(load(`${good}print('floors', 3, nil)`))).toEqual([
    "discd.lua:2: warning: print: floors 3 nil",
  ]);
});

test("a problem stays on one line, whatever the file holds", () => {
  const report = new Report(["discd.lua"]);
  report.problem({ path: "x", spot: firstSpot, report }, "a\n\u001b[2Jb");
  expect(report.problems.map(problemText)).toEqual(["discd.lua:1: x: a [2Jb"]);
  expect(problemsText(report.problems)).toBe("discd.lua:1: x: a [2Jb\n");
  expect(problemText({ file: "", line: 1, path: "", text: "t", isWarning: true })).toBe(
    "warning: t",
  );
});

test.each([
  ["text that turns direction", "a.lua", "a\u202eb", "a.lua:1: a b"],
  ["separators of lines", "a.lua", "a\u2028\u2029b", "a.lua:1: a b"],
  ["the name of a file", "a\n\u001b[2J.lua", "t", "a [2J.lua:1: t"],
])("a problem reads as it is: %s", (_, file, text, want) => {
  expect(problemText({ file, line: 1, path: "", text, isWarning: false })).toBe(want);
});
