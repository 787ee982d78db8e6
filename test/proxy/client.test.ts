// Classes of clients: equal rights, equal class; bounded memory.

import { expect, test } from "vitest";
import { parseAddress } from "../../src/address.js";
import { clientClassesMax } from "../../src/limits.js";
import { type ClientClass, Clients } from "../../src/proxy/client.js";
import { ZoneTable } from "../../src/proxy/zones.js";
import { formatName, parseName } from "../../src/wire/name.js";
import { ldh, linkOf, listOf, names, optionsOf } from "./floor.js";

const options = optionsOf({
  allow: listOf("10.0.0.0/8"),
  links: [
    linkOf({ allow: listOf("!10.9.0.0/16", "10.0.0.0/8", "192.0.2.0/24") }),
    linkOf({
      link: "net2",
      service: parseName("f2.test."),
      host: parseName("f2.test."),
      reverse: [],
      allow: listOf("10.0.0.0/8"),
    }),
  ],
  zones: names("mesh."),
  realms: [
    { name: "east", prefixes: listOf("10.0.0.0/9") },
    { name: "all", prefixes: listOf("10.0.0.0/8") },
  ],
  browse: { b: names("b.test.") },
  browseFor: [{ client: listOf("10.5.0.0/16"), lists: { lb: names("five.test.") } }],
});
const clients = new Clients(options);
const zones = new ZoneTable(options);
const of = (text: string): ClientClass => clients.classify(parseAddress(text)!);

function allowed(client: ClientClass): string[] {
  const all = [ldh, "f2.test.", "mesh."];
  return all.filter((name) => client.allows(zones.find(parseName(name))!));
}

test.each([
  { client: "10.1.1.1", want: [ldh, "f2.test.", "mesh."] },
  { client: "10.9.1.1", want: ["f2.test.", "mesh."] },
  { client: "192.0.2.1", want: [ldh] },
  { client: "198.51.100.1", want: [] },
  { client: "2001:db8::1", want: [] },
])("[DP-124] $client may ask for $want", ({ client, want }) => {
  expect(allowed(of(client))).toEqual(want);
  expect(of(client).isAllowed).toBe(want.length > 0);
});

test("an IPv4 address mapped into IPv6 is that IPv4 address", () => {
  expect(of("::ffff:192.0.2.1")).toBe(of("192.0.2.1"));
});

test("[DP-53] the first realm that holds the address", () => {
  expect([of("10.1.1.1").realm, of("10.200.1.1").realm, of("192.0.2.1").realm]).toEqual([
    "east",
    "all",
    undefined,
  ]);
});

test("a client's own lists, and the general ones for the kinds they leave out", () => {
  const { browse } = of("10.5.1.1");
  expect(browse.lb?.map(formatName)).toEqual(["five.test."]);
  expect(browse.b?.map(formatName)).toEqual(["b.test."]);
  expect(of("10.6.1.1").browse.lb).toBeUndefined();
});

test("equal rights are one class, others are not", () => {
  expect(of("10.1.1.1")).toBe(of("10.2.2.2"));
  expect(of("10.1.1.1").id).not.toBe(of("10.5.1.1").id);
  expect(of("10.1.1.1").id).not.toBe(of("10.200.1.1").id);
  expect(of("10.1.1.1").id).not.toBe(of("10.9.1.1").id);
  expect(new Clients(options).classify(parseAddress("10.2.2.2")!).id).toBe(of("10.1.1.1").id);
});

test("however many addresses ask, the answer stays right", () => {
  const first = of("10.1.1.1").id;
  for (let at = 0; at < clientClassesMax + 10; at++) {
    of(`10.1.${(at >> 8) & 255}.${at & 255}`);
  }
  expect(of("10.1.1.1").id).toBe(first);
});
