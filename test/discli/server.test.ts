// Whom discli asks: --server, and what resolv.conf files hold in the wild.

import { describe, expect, test } from "vitest";
import { findServer, parseServer } from "../../src/discli/server.js";
import { readResolver } from "../../src/os/resolv-conf.js";
import { displayName } from "../../src/wire/name.js";

test.each([
  ["192.0.2.1", "192.0.2.1", 53],
  ["192.0.2.1:5300", "192.0.2.1", 5300],
  ["2001:db8::1", "2001:db8::1", 53],
  ["[2001:db8::1]", "2001:db8::1", 53],
  ["[2001:db8::1]:5300", "2001:db8::1", 5300],
  ["fe80::1%eth0", "fe80::1%eth0", 53],
  ["[fe80::1%eth0]:53", "fe80::1%eth0", 53],
  ["px.example.com", "px.example.com", 53],
  ["px.example.com:5300", "px.example.com", 5300],
])("--server %s", (text, host, port) => expect(parseServer(text)).toEqual({ host, port }));

test.each([
  "",
  ":53",
  "1:2:3",
  "[192.0.2.1]:53",
  "[]:53",
  "192.0.2.1:0",
  "192.0.2.1:65536",
  "192.0.2.1:53x",
  "[2001:db8::1]53",
  "a b",
])("--server %s is refused", (text) => {
  expect(() => parseServer(text)).toThrow(/ADDR:PORT/);
});

test("a host's name is looked up; one without an address is said", async () => {
  expect(await findServer("localhost:5300")).toEqual({
    address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    port: 5300,
  });
  await expect(findServer("no-such-host.invalid")).rejects.toThrow(
    "--server no-such-host.invalid: this host finds no address of no-such-host.invalid; give one",
  );
});

describe("resolv.conf", () => {
  const read = (text: string) => {
    const { servers, search, complaints } = readResolver(text, "resolv.conf");
    return {
      servers: servers.map(({ address }) => address),
      search: search.map(displayName),
      complaints,
    };
  };
  const usual = { servers: ["127.0.0.1"], search: [] as string[], complaints: [] as string[] };

  test.each([
    ["empty", "", usual],
    [
      "as systemd writes it",
      "# comment\n\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n",
      { ...usual, servers: ["127.0.0.53"] },
    ],
    [
      "tabs, comments, both families, the last search line",
      "search a.example\nnameserver\t192.0.2.1 # one\nnameserver fe80::1%eth0\nsearch b.example\tc.example ; c\n",
      { ...usual, servers: ["192.0.2.1", "fe80::1%eth0"], search: ["b.example", "c.example"] },
    ],
    ["domain is a search of one", "domain a.example\n", { ...usual, search: ["a.example"] }],
    [
      "more than three servers",
      "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
      { ...usual, servers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] },
    ],
    [
      "broken",
      "nameserver\nnameserver ns1.example\nsearch a..b c.example\nnonsense\n\u0000\n",
      {
        ...usual,
        search: ["c.example"],
        complaints: [
          'resolv.conf: nameserver "" is no address',
          'resolv.conf: nameserver "ns1.example" is no address',
          'resolv.conf: search domain "a..b": name: empty label',
        ],
      },
    ],
  ])("%s", (_, text, want) => expect(read(text)).toEqual(want));
});
