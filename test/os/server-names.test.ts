// Which names of this server a TLS client may ask for.

import { expect, test } from "vitest";
import { type ServedNames, serverNames } from "../../src/os/server-names.js";
import type { ServedLink } from "../../src/proxy/options.js";
import { parseName } from "../../src/wire/name.js";

const link = {
  service: parseName("floor1.campus.example"),
  host: parseName("hosts1.campus.example"),
  aliases: [parseName("floor1.mesh")],
} as unknown as ServedLink;

const served: ServedNames = {
  hostname: parseName("px.campus.example"),
  links: [link],
  zones: [parseName("static.example")],
};

const isOwn = serverNames(["dns.example.net", "*.cert.example", "192.0.2.1"], served);

test.each([
  ["the hostname", "px.campus.example", true],
  ["in any case", "PX.Campus.EXAMPLE", true],
  ["with a final dot", "px.campus.example.", true],
  ["a name of the certificate", "dns.example.net", true],
  ["one that its wildcard covers", "a.cert.example", true],
  ["not two labels before it", "a.b.cert.example", false],
  ["nor none", "cert.example", false],
  ["a service zone [TLS-06]", "floor1.campus.example", true],
  ["a zone of host names", "hosts1.campus.example", true],
  ["an alias", "floor1.mesh", true],
  ["a name below a zone", "printer.hosts1.campus.example", true],
  ["a static zone", "static.example", true],
  ["a zone's parent", "campus.example", false],
  ["a name that ends like a zone", "xfloor1.mesh", false],
  ["another one", "nobody.invalid", false],
  ["none at all", "", false],
  ["no name", "a..b", false],
  ["a label too long", `${"a".repeat(64)}.cert.example`, false],
])("[TLS-07] %s", (_, name, expected) => {
  expect(isOwn(name)).toBe(expected);
});
