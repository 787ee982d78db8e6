// What does not leave the link, and for whom.

import { describe, expect, test } from "vitest";
import type { ProxyOptions } from "../../src/proxy/options.js";
import { ldh, lines, linkOf, listOf, look, optionsOf, reverse4, rich, rrs } from "./floor.js";

interface Row {
  readonly id: string;
  readonly announced: string[];
  readonly asked: string;
  readonly want: string[];
  readonly options?: ProxyOptions;
  readonly client?: string;
}

const off = optionsOf({ links: [linkOf({ suppress: false })] });
const realms = [
  { name: "east", prefixes: listOf("10.0.0.0/9", "fd00:1::/32") },
  { name: "west", prefixes: listOf("10.128.0.0/9", "fd00:2::/32") },
];
const east = optionsOf({ links: [linkOf({ realm: "east" })], realms });
const somewhere = optionsOf({ links: [linkOf()], realms });

const ptr = "_ipp._tcp.local. 4500 PTR i._ipp._tcp.local.";
const srv = "i._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.";
const linkLocal = "prnt.local. 120 A 169.254.7.7";
const linkLocal6 = "prnt.local. 120 AAAA fe80::1";
const seenPtr = `_ipp._tcp.${rich} 4500 PTR i._ipp._tcp.${rich}`;
const seenSrv = `i._ipp._tcp.${rich} 120 SRV 0 0 631 prnt.${ldh}`;

/** A host of every kind of private address, and which of them two clients may see. */
const privates = [
  "prnt.local. 120 A 10.1.2.3",
  "prnt.local. 120 A 172.31.255.255",
  "prnt.local. 120 A 192.168.0.1",
  "prnt.local. 120 A 172.32.0.1",
  "prnt.local. 120 A 100.64.0.1",
];
const allPrivates = privates.map((line) => line.replace("local.", ldh));

const addresses: Row[] = [
  {
    id: "[DP-51] [DP-52] an IPv4 link-local address is withheld",
    announced: [linkLocal, "prnt.local. 120 A 203.0.113.2"],
    asked: `prnt.${ldh} A`,
    want: [`prnt.${ldh} 120 A 203.0.113.2`],
  },
  {
    id: "[DP-51] switched off, it is returned",
    announced: [linkLocal],
    asked: `prnt.${ldh} A`,
    want: [`prnt.${ldh} 120 A 169.254.7.7`],
    options: off,
  },
  {
    id: "[DP-52] an IPv6 link-local address is withheld",
    announced: [linkLocal6, "prnt.local. 120 AAAA febf::1", "prnt.local. 120 AAAA 2001:db8::1"],
    asked: `prnt.${ldh} AAAA`,
    want: [`prnt.${ldh} 120 AAAA 2001:db8::1`],
  },
  {
    id: "[DP-52] the neighbours of the link-local blocks are not",
    announced: ["prnt.local. 120 A 169.253.255.255", "prnt.local. 120 A 169.255.0.0"],
    asked: `prnt.${ldh} A`,
    want: [`prnt.${ldh} 120 A 169.253.255.255`, `prnt.${ldh} 120 A 169.255.0.0`],
  },
  {
    id: "[DP-53] a client of another realm gets no private IPv4 address",
    announced: privates,
    asked: `prnt.${ldh} A`,
    want: [`prnt.${ldh} 120 A 172.32.0.1`, `prnt.${ldh} 120 A 100.64.0.1`],
    options: east,
    client: "10.200.0.1",
  },
  ...[
    { who: "a client of the same realm", client: "10.5.0.1", options: east },
    { who: "a client of no known realm", client: "192.0.2.99", options: east },
    {
      who: "every client, when the link's realm is unknown",
      client: "10.200.0.1",
      options: somewhere,
    },
  ].map(({ who, client, options }) => ({
    id: `[DP-53] ${who} gets them all`,
    announced: privates,
    asked: `prnt.${ldh} A`,
    want: allPrivates,
    options,
    client,
  })),
  {
    id: "[DP-54] a client of another realm gets no ULA",
    announced: ["prnt.local. 120 AAAA fd00:1::5", "prnt.local. 120 AAAA 2001:db8::1"],
    asked: `prnt.${ldh} AAAA`,
    want: [`prnt.${ldh} 120 AAAA 2001:db8::1`],
    options: east,
    client: "fd00:2::1",
  },
  {
    id: "[DP-54] a client of the same realm gets it",
    announced: ["prnt.local. 120 AAAA fd00:1::5"],
    asked: `prnt.${ldh} AAAA`,
    want: [`prnt.${ldh} 120 AAAA fd00:1::5`],
    options: east,
    client: "fd00:1::1",
  },
];

const services: Row[] = [
  {
    id: "[DP-55] an SRV whose only address is link-local is withheld",
    announced: [srv, linkLocal],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [],
  },
  {
    id: "[DP-55] and so is the PTR that leads to it",
    announced: [ptr, srv, linkLocal, linkLocal6],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [],
  },
  {
    id: "[DP-55] not the PTR of its neighbour",
    announced: [ptr, srv, linkLocal, "_ipp._tcp.local. 4500 PTR j._ipp._tcp.local."],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [`_ipp._tcp.${rich} 4500 PTR j._ipp._tcp.${rich}`],
  },
  {
    id: "[DP-55] also under a subtype",
    announced: ["_color._sub._ipp._tcp.local. 4500 PTR i._ipp._tcp.local.", srv, linkLocal],
    asked: `_color._sub._ipp._tcp.${rich} PTR`,
    want: [],
  },
  {
    id: "[DP-55] for a client of another realm, private addresses are no use either",
    announced: [srv, "prnt.local. 120 A 10.1.2.3"],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [],
    options: east,
    client: "10.200.0.1",
  },
  {
    id: "[DP-55] one usable address is enough",
    announced: [ptr, srv, linkLocal, linkLocal6, "prnt.local. 120 AAAA 2001:db8::1"],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [seenPtr],
  },
  {
    id: "[DP-55] one usable SRV of an instance is enough",
    announced: [
      ptr,
      srv,
      linkLocal,
      "i._ipp._tcp.local. 120 SRV 0 0 631 other.local.",
      "other.local. 120 A 203.0.113.3",
    ],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [seenPtr],
  },
  {
    id: "[DP-56] no address known: the SRV stays",
    announced: [srv],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [seenSrv],
  },
  {
    id: "[DP-56] no SRV known: the PTR stays",
    announced: [ptr],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [seenPtr],
  },
  {
    id: "[DP-56] a denial of one family proves nothing",
    announced: [srv, "- prnt.local. AAAA"],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [seenSrv],
  },
  {
    id: "[DP-56] a denial of both families does",
    announced: [srv, "- prnt.local. A AAAA"],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [],
  },
  {
    id: "a target outside the link is not judged",
    announced: ["i._ipp._tcp.local. 120 SRV 0 0 631 host.example.org."],
    asked: `i._ipp._tcp.${rich} SRV`,
    want: [`i._ipp._tcp.${rich} 120 SRV 0 0 631 host.example.org.`],
  },
  {
    id: "an operator's own address for the host is usable",
    announced: [ptr, srv, linkLocal],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [seenPtr],
    options: optionsOf({ records: rrs(`prnt.${ldh} 300 A 192.0.2.7`) }),
  },
  {
    id: "a reverse PTR is not a browse PTR",
    announced: [
      `2.${reverse4} 120 PTR prnt.local.`,
      "prnt.local. 120 SRV 0 0 1 a.local.",
      "- a.local. A AAAA",
    ],
    asked: `2.${reverse4} PTR`,
    want: [`2.${reverse4} 120 PTR prnt.${ldh}`],
  },
  {
    id: "[DP-51] switched off, SRV and PTR stay",
    announced: [ptr, srv, linkLocal],
    asked: `_ipp._tcp.${rich} PTR`,
    want: [seenPtr],
    options: off,
  },
];

describe.each([
  ["addresses", addresses],
  ["SRV and PTR", services],
])("%s", (_, table) => {
  test.each(table)("$id", ({ announced, asked, want, options, client }) => {
    const seen = look(
      {
        announced,
        ...(options === undefined ? {} : { options }),
        ...(client === undefined ? {} : { client }),
      },
      asked,
    );
    expect(seen.text).toEqual(lines(...want));
    expect(seen.known).toBe(true);
  });
});

test("[DP-55] what was consulted is named, so that its changes are noticed", () => {
  const seen = look({ announced: [ptr, srv] }, `_ipp._tcp.${rich} PTR`);
  expect(seen.lookedUp.map(({ labels }) => labels.join("."))).toEqual([
    "_ipp._tcp.local",
    "i._ipp._tcp.local",
    "prnt.local",
  ]);
});
