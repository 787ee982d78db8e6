// What the zones above discd's own are told to hold. Expected lines are written
// from RFC 8766 §5.2.1 and §6.2 and RFC 6763 §11; that BIND accepts and serves
// them is shown in test/netns/delegation.test.ts.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { delegationFor } from "../../src/discli/delegation.js";
import { zoneText } from "../../src/discli/delegation-formats.js";
import { parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { eth, settingsOf } from "../config/lua.js";

const host = {
  fqdn: "px.example.com",
  interfaces: [
    eth("eth0.10", 2, "203.0.113.7/24", "fe80::7/64", "2001:db8:1::7/64"),
    eth("eth0.20", 3, "10.2.1.7/23", "169.254.1.1/16", "10.9.9.9/32"),
  ],
};

const addresses = ["192.0.2.53", "2001:db8::53"].map((text) => parseAddress(text)!);

/** Records and remarks for a zone, without the three lines at the top. */
function linesFor(domain: string, text: string, at = addresses): readonly string[] {
  const { proxy } = settingsOf(text, host).settings.engine;
  const delegation = delegationFor(proxy, parseName(domain), at);
  if (delegation === undefined) return [];
  const lines = zoneText(delegation).split("\n");
  expect(lines.slice(0, 3)).toEqual([
    expect.stringMatching(/^; discd: put these records into the zone /),
    expect.stringMatching(/^\$ORIGIN .*\.$/),
    "$TTL 3600",
  ]);
  return lines.slice(3).filter((line) => line !== "");
}

const records = (domain: string, text: string) =>
  linesFor(domain, text).filter((line) => !line.startsWith(";"));

const floors = `
interfaces = {
  { name = 'eth0.10', subdomain = 'Floor 1.example.com', hosts = 'floor1.example.com' },
  { name = 'eth0.20', subdomain = 'floor2.example.com' },
}
`;

describe("[A1.4] the parent of the floors", () => {
  test("NS, addresses, browse domains", () => {
    expect(linesFor("example.com", floors)).toEqual([
      "; each of these zones is answered by discd",
      "; no DS records: they are not signed, and resolvers that validate would refuse them",
      "Floor\\0321\tIN NS\tpx.example.com.",
      "floor1\tIN NS\tpx.example.com.",
      "floor2\tIN NS\tpx.example.com.",
      "; where discd listens: keep what resolvers can reach and the zone lacks",
      "px\tIN A\t192.0.2.53",
      "px\tIN AAAA\t2001:db8::53",
      "; where clients with this search domain browse; lb is the list they use unasked",
      "b._dns-sd._udp\tIN PTR\t@",
      "b._dns-sd._udp\tIN PTR\tFloor\\0321",
      "b._dns-sd._udp\tIN PTR\tfloor2",
      "lb._dns-sd._udp\tIN PTR\tFloor\\0321",
      "lb._dns-sd._udp\tIN PTR\tfloor2",
      "db._dns-sd._udp\tIN PTR\t@",
    ]);
  });

  test("every line is a record once its names are whole", () => {
    for (const line of records("example.com", floors)) {
      const [owner = "", type = "", data = ""] = line.split("\t");
      const whole = (name: string) => (name === "@" ? "example.com." : `${name}.example.com.`);
      const target = /NS|A/.test(type.slice(3)) ? data : whole(data);
      expect(() => parseRR(`${whole(owner)} 3600 ${type} ${target}`), line).not.toThrow();
    }
  });

  test("every name server of the links; whose name lies elsewhere needs no address here", () => {
    const text = `hostname = 'px.example.net'\nnameservers = { 'px2.example.com', 'px3.example.net' }\n${floors}`;
    const lines = linesFor("example.com", text);
    expect(lines.filter((line) => line.startsWith("floor2"))).toEqual(
      ["px.example.net.", "px2.example.com.", "px3.example.net."].map(
        (server) => `floor2\tIN NS\t${server}`,
      ),
    );
    expect(lines.filter((line) => / (A|AAAA)\t/.test(line))).toEqual([]);
    expect(lines).toContain("; px2.example.com. needs its addresses here, too");
  });

  test("a host without an address that others reach", () => {
    expect(linesFor("example.com", floors, [])).toContain(
      "; add the addresses of px.example.com.: this host has none to tell",
    );
  });

  test("zones inside a zone of discd's need nothing of the parent", () => {
    const text = `interfaces = { { name = 'eth0.10', subdomain = 'floor1.example.com', hosts = 'h.floor1.example.com' } }`;
    expect(records("example.com", text).filter((line) => line.includes("NS"))).toEqual([
      "floor1\tIN NS\tpx.example.com.",
    ]);
  });

  test("an alias is delegated, and browsed where the zone itself lies elsewhere", () => {
    const text = `interfaces = { { name = 'eth0.10', subdomain = 'floor1.example.com', aliases = { 'one.mesh' } } }`;
    expect(records("mesh", text)).toEqual([
      "one\tIN NS\tpx.example.com.",
      "b._dns-sd._udp\tIN PTR\t@",
      "b._dns-sd._udp\tIN PTR\tone",
      "lb._dns-sd._udp\tIN PTR\tone",
      "db._dns-sd._udp\tIN PTR\t@",
    ]);
  });

  test("a zone of static records is delegated and not browsed", () => {
    expect(records("example.com", "zones = { 'static.example.com' }")).toEqual([
      "static\tIN NS\tpx.example.com.",
      "px\tIN A\t192.0.2.53",
      "px\tIN AAAA\t2001:db8::53",
    ]);
  });
});

test("a zone of discd's own: what the zone above needs", () => {
  expect(linesFor("floor2.example.com", floors)).toEqual([
    "; floor2.example.com. is a zone of discd's own: this is for the one above",
    "; each of these zones is answered by discd",
    "; no DS records: they are not signed, and resolvers that validate would refuse them",
    "floor2\tIN NS\tpx.example.com.",
    "; where discd listens: keep what resolvers can reach and the zone lacks",
    "px\tIN A\t192.0.2.53",
    "px\tIN AAAA\t2001:db8::53",
  ]);
  expect(records("mesh", "zones = { 'mesh' }")).toEqual(["mesh.\tIN NS\tpx.example.com."]);
});

describe("reverse zones", () => {
  const served = floors.replace("'floor2.example.com'", "'floor2.example.com', reverse = true");

  test("the parent of those that discd answers: one NS for each /24", () => {
    expect(records("10.in-addr.arpa", served)).toEqual([
      "0.2\tIN NS\tpx.example.com.",
      "1.2\tIN NS\tpx.example.com.",
    ]);
    expect(linesFor("0.2.10.in-addr.arpa", served)).toEqual([
      "; 0.2.10.in-addr.arpa. is a zone of discd's own: this is for the one above",
      "; each of these zones is answered by discd",
      "; no DS records: they are not signed, and resolvers that validate would refuse them",
      "0\tIN NS\tpx.example.com.",
    ]);
  });

  test("those that somebody else answers: browse domains at the base of the subnet", () => {
    expect(linesFor("113.0.203.in-addr.arpa", floors)).toEqual([
      "; where clients of these subnets browse",
      "b._dns-sd._udp.0\tIN PTR\tFloor\\0321.example.com.",
      "lb._dns-sd._udp.0\tIN PTR\tFloor\\0321.example.com.",
      "db._dns-sd._udp.0\tIN PTR\tFloor\\0321.example.com.",
    ]);
    // The base of 10.2.0.0/23, not of its second half; no link-local subnet, no single address.
    expect(records("10.in-addr.arpa", floors)).toEqual(
      ["b", "lb", "db"].map((kind) => `${kind}._dns-sd._udp.0.0.2\tIN PTR\tfloor2.example.com.`),
    );
    expect(linesFor("169.in-addr.arpa", floors)).toEqual([]);
  });

  test("IPv6: all 32 nibbles, not those of link-local addresses", () => {
    const zone = "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    const zeros = "0.".repeat(20).slice(0, -1);
    expect(records(zone, floors)).toEqual(
      ["b", "lb", "db"].map(
        (kind) => `${kind}._dns-sd._udp.${zeros}\tIN PTR\tFloor\\0321.example.com.`,
      ),
    );
    expect(records("8.e.f.ip6.arpa", floors)).toEqual([]);
  });

  test("two links on one subnet", () => {
    const twice = {
      ...host,
      interfaces: [eth("eth0.10", 2, "10.1.0.1/24"), eth("eth0.20", 3, "10.1.0.2/24")],
    };
    const { proxy } = settingsOf(floors, twice).settings.engine;
    const found = delegationFor(proxy, parseName("10.in-addr.arpa"), addresses);
    expect(found?.parts[0]?.rrs).toHaveLength(5);
  });
});

test("a domain that has nothing to do with it", () => {
  expect(linesFor("example.org", floors)).toEqual([]);
  expect(linesFor("below.floor2.example.com", floors)).toEqual([]);
});

test("the README shows what is printed for its discd.lua", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const lua = /```lua\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const shown = /```console\n\$ bin\/discli delegation print example\.com\n([\s\S]*?)```/.exec(
    readme,
  )?.[1];
  const { proxy } = settingsOf(lua, host).settings.engine;
  const delegation = delegationFor(proxy, parseName("example.com"), addresses.slice(0, 1));
  expect(delegation === undefined ? "" : zoneText(delegation)).toBe(shown);
});
