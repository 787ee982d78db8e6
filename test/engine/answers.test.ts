// What an ordinary answer holds (RFC 8766 §5.5): names under the zone that was
// asked, capped TTLs, nothing that is of no use elsewhere, additional records.

import dnsPacket from "dns-packet";
import { describe, expect, test } from "vitest";
import { ms, seconds } from "../../src/time.js";
import { encodeMessage } from "../../src/wire/message.js";
import { nameOf, parseName } from "../../src/wire/name.js";
import { addressList, World } from "./story.js";
import type { LinkSetting } from "./story-link.js";

const rich = "Building\\0321.example.com";
const hosts = "bldg-1.example.com";

/** A world in which the link has said these records. */
function said(records: string, setting: LinkSetting = {}) {
  const w = new World();
  const link = w.link("eth0", setting);
  link.says(records);
  return { w, link };
}

describe("names", () => {
  test("an owner lies in the zone of the question [DP-7]", () => {
    const { w } = said("prnt.local. 120 A 203.0.113.7");
    expect(w.ask(`prnt.${hosts} A`).answers).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
    expect(w.ask(`prnt.${rich} A`).answers).toEqual([`prnt.${rich}. 10 IN A 203.0.113.7`]);
  });

  test("an SRV target is a host, a browse PTR is not [DP-11] [DP-13] [DP-38]", () => {
    const { w } = said("My\\032Printer._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.");
    expect(w.ask(`My\\032Printer._ipp._tcp.${rich} SRV`).answers).toEqual([
      `My\\032Printer._ipp._tcp.${rich}. 10 IN SRV 0 0 631 prnt.${hosts}.`,
    ]);
  });

  test("without a host zone everything stays in the rich one [DP-13] [DP-14]", () => {
    const setting = { service: "Building 1.example.com", host: "Building 1.example.com" };
    const { w } = said(
      "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.\nprnt.local. 120 A 203.0.113.7",
      setting,
    );
    expect(w.ask(`p._ipp._tcp.${rich} SRV`).answers).toEqual([
      `p._ipp._tcp.${rich}. 10 IN SRV 0 0 631 prnt.${rich}.`,
    ]);
    expect(w.ask(`prnt.${rich} A`).answers).toHaveLength(1);
  });

  test("only a whole last label local is replaced [DP-35] [DP-36]", () => {
    const targets = ["a.LOCAL", "a.notlocal", "a.local.local", "host.example.org"];
    const records = targets.map((target, n) => `p${n}._x._tcp.local. 120 SRV 0 0 1 ${target}.`);
    const { w } = said(records.join("\n"));
    const shown = targets.map((_, n) =>
      w.ask(`p${n}._x._tcp.${hosts} SRV`).answers[0]?.split(" ").at(-1),
    );
    expect(shown).toEqual([`a.${hosts}.`, "a.notlocal.", `a.local.${hosts}.`, "host.example.org."]);
  });

  test("the target of an alias is a host when addresses are asked for [DP-39]", () => {
    const { w } = said("thing.local. 120 CNAME prnt.local.\nprnt.local. 120 A 203.0.113.7");
    expect(w.ask(`thing.${rich} A`).answers).toEqual([
      `thing.${rich}. 10 IN CNAME prnt.${hosts}.`,
      `prnt.${hosts}. 10 IN A 203.0.113.7`,
    ]);
    expect(w.ask(`thing.${rich} CNAME`).answers).toEqual([
      `thing.${rich}. 10 IN CNAME prnt.${rich}.`,
    ]);
  });

  test("a reverse name is asked as it is, its target is a host [DP-15] [DP-16]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("7.113.0.203.in-addr.arpa. 120 PTR prnt.local.", { isUnique: true });
    const asked = w.ask("7.113.0.203.in-addr.arpa PTR");
    w.run(seconds(1));
    expect(link.questions()).toEqual(["7.113.0.203.in-addr.arpa. PTR"]);
    expect(asked.answers).toEqual([`7.113.0.203.in-addr.arpa. 10 IN PTR prnt.${hosts}.`]);
    // No gathering: a reverse name has one owner.
    expect(asked.took).toBeLessThan(150);
  });

  test("types with names in them are rewritten, others are bytes [DP-40] [DP-71]", () => {
    const { w } = said(
      [
        "a.local. 120 MX 10 mail.local.",
        "b.local. 120 HTTPS 1 web.local.",
        "c.local. 120 TYPE65280 \\# 7 056C6F63616C00",
      ].join("\n"),
    );
    expect(w.ask(`a.${hosts} MX`).answers[0]).toBe(`a.${hosts}. 10 IN MX 10 mail.${hosts}.`);
    const https = w.ask(`b.${hosts} HTTPS`).message.answers[0]?.rdata;
    expect(https?.kind === "svcb" && https.target).toEqual(parseName(`web.${hosts}`));
    expect(w.ask(`c.${hosts} TYPE65280`).answers[0]).toMatch(/ TYPE65280 \\# 7 056C6F63616C00$/);
  });

  test("names too long for unicast are left out and counted, others told [DP-42]", () => {
    const apex = ["a", "b", "c"].map((letter) => letter.repeat(62)).join(".");
    const w = new World();
    const link = w.link("eth0", { service: apex, host: apex });
    const long = "x".repeat(63);
    link.says(
      `_i._tcp.local. 120 PTR ${long}._i._tcp.local.\n_i._tcp.local. 120 PTR b._i._tcp.local.`,
      {
        isUnique: true,
      },
    );
    const asked = w.ask(`_i._tcp.${apex} PTR`);
    expect(asked.answers).toEqual([`_i._tcp.${apex}. 10 IN PTR b._i._tcp.${apex}.`]);
    expect(w.counts.of("records-dropped", "name-too-long")).toBeGreaterThan(0);
  });

  test("any bytes pass, nothing is converted [DP-2] [DP-66] [DP-67] [DP-69]", () => {
    const w = new World();
    const link = w.link("eth0", { service: "2nd Floor.a\\.b.Büro.example", host: "h.example" });
    const labels = ["\xff\x00\x80", "_sub", "_http", "_tcp"];
    const owner = nameOf([...labels, "local"]);
    const target = nameOf(["B\xc3\xbcro 2.OG (v1.0)", "_http", "_tcp", "LOCAL"]);
    const ptr = {
      name: owner,
      type: 12,
      class: 1,
      ttlSeconds: 120,
      rdata: { kind: "ptr", target },
    } as const;
    link.says("", { message: { answers: [{ ...ptr, class: 0x8001 }] } });
    const apex = parseName("2nd Floor.a\\.b.Büro.example").labels;
    const name = nameOf([...labels, ...apex]);
    const asked = w.askBytes(encodeMessage({ id: 1, questions: [{ name, type: 12, class: 1 }] }));
    expect(asked.message.questions[0]?.name.labels).toEqual(name.labels);
    const rdata = asked.message.answers[0]?.rdata;
    expect(rdata?.kind === "ptr" && rdata.target.labels).toEqual([
      "B\xc3\xbcro 2.OG (v1.0)",
      "_http",
      "_tcp",
      ...apex,
    ]);
  });

  test("case is folded for A to Z only, and kept [DP-5] [DP-68] [DP-69]", () => {
    const { w } = said(
      "_ipp._tcp.local. 120 PTR LoBBy._ipp._tcp.local.\nbüro.local. 120 A 203.0.113.7",
      {},
    );
    w.links
      .get("eth0")
      ?.says("_ipp._tcp.local. 120 PTR LoBBy._ipp._tcp.local.", { isUnique: true });
    const asked = w.ask("_IPP._tCP.bUILDING\\0321.eXAMPLE.COM PTR");
    expect(asked.answers).toEqual([
      `_IPP._tCP.bUILDING\\0321.eXAMPLE.COM. 10 IN PTR LoBBy._ipp._tcp.${rich}.`,
    ]);
    expect(w.ask(`büro.${hosts} A`).answers).toHaveLength(1);
    expect(w.ask(`bÜro.${hosts} A`).isAnswered).toBe(false);
    // U+212A, which toLowerCase would make a k.
    w.links.get("eth0")?.says("k.local. 120 A 203.0.113.8");
    expect(w.ask(`\u212a.${hosts} A`).isAnswered).toBe(false);
  });

  test("who asks under an alias stays there, host names too", () => {
    const aliases = [parseName("floor1.mesh")];
    const { w } = said(
      "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.\nprnt.local. 120 A 203.0.113.7",
      {
        served: { aliases },
      },
    );
    const asked = w.ask("p._ipp._tcp.floor1.mesh SRV");
    expect(asked.answers).toEqual(["p._ipp._tcp.floor1.mesh. 10 IN SRV 0 0 631 prnt.floor1.mesh."]);
    expect(asked.additionals).toEqual(["prnt.floor1.mesh. 10 IN A 203.0.113.7"]);
  });

  test("an added subtype is made from the plain type, which is asked for as well [DP-78]", () => {
    const w = new World();
    const translate = [{ type: "_ipp._tcp", txt: { URF: "none" }, subtypes: ["_universal"] }];
    const link = w.link("eth0", { served: { translate } });
    link.device("_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.");
    const asked = w.ask(`_universal._sub._ipp._tcp.${rich} PTR`);
    w.run(seconds(1));
    expect(new Set(link.questions())).toEqual(
      new Set(["_universal._sub._ipp._tcp.local. PTR", "_ipp._tcp.local. PTR"]),
    );
    expect(asked.answers).toEqual([
      `_universal._sub._ipp._tcp.${rich}. 10 IN PTR p._ipp._tcp.${rich}.`,
    ]);
  });

  test("the list of types is an ordinary name [DP-74]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("_services._dns-sd._udp.local. 4500 PTR _ipp._tcp.local.");
    const asked = w.ask(`_services._dns-sd._udp.${rich} PTR`);
    w.run(seconds(1));
    expect(link.questions()).toEqual(["_services._dns-sd._udp.local. PTR"]);
    expect(asked.answers).toEqual([`_services._dns-sd._udp.${rich}. 10 IN PTR _ipp._tcp.${rich}.`]);
  });

  test("a subtype leads to the plain instance [DP-73]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("_printer._sub._http._tcp.local. 4500 PTR P._http._tcp.local.");
    const asked = w.ask(`_printer._sub._http._tcp.${rich} PTR`);
    w.run(seconds(1));
    expect(asked.answers).toEqual([
      `_printer._sub._http._tcp.${rich}. 10 IN PTR P._http._tcp.${rich}.`,
    ]);
  });
});

describe("TXT", () => {
  test("passes byte for byte, several records stay several [DP-75]", () => {
    const strings = ["b=1", "a=\\000\\255", "b=1", "url=http://prnt.local/", "novalue"];
    const text = strings.map((string) => `"${string}"`).join(" ");
    const { w } = said(`p._x._tcp.local. 120 TXT ${text}\np._x._tcp.local. 120 TXT "second"`);
    const asked = w.ask(`p._x._tcp.${rich} TXT`);
    expect(asked.answers).toEqual([
      `p._x._tcp.${rich}. 10 IN TXT ${text}`,
      `p._x._tcp.${rich}. 10 IN TXT "second"`,
    ]);
  });

  test("without a byte leaves with one [DP-76]", () => {
    const w = new World();
    const link = w.link("eth0");
    // p._x._tcp.local TXT, class 0x8001, TTL 120, RDLENGTH 0.
    const record = "0170025f78045f746370056c6f63616c00 0010 8001 00000078 0000";
    link.hears(Buffer.from(`0000 8400 0000 0001 0000 0000 ${record}`.replaceAll(" ", ""), "hex"));
    const asked = w.ask(`p._x._tcp.${rich} TXT`);
    expect(
      Buffer.from(asked.reply ?? [])
        .subarray(-3)
        .toString("hex"),
    ).toBe("000100");
  });
});

describe("TTL", () => {
  test("at most ten seconds, in every section [DP-45]", () => {
    const { w } = said(
      [
        "_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.",
        "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.",
        'p._ipp._tcp.local. 4500 TXT "a=1"',
        "prnt.local. 120 A 203.0.113.7",
      ].join("\n"),
    );
    w.links.get("eth0")?.says("_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.", { isUnique: true });
    const { answers, additionals } = w.ask(`_ipp._tcp.${rich} PTR`).message;
    expect(answers).toHaveLength(1);
    expect(additionals).toHaveLength(3);
    for (const rr of [...answers, ...additionals]) expect(rr.ttlSeconds).toBe(10);
  });

  test("what is left of a record's life, and then the link is asked again [DP-46]", () => {
    const { w } = said("prnt.local. 12 A 203.0.113.7");
    const ttl = () => w.ask(`prnt.${hosts} A`).message.answers[0]?.ttlSeconds;
    expect(ttl()).toBe(10);
    w.run(seconds(6));
    expect(ttl()).toBe(6);
    w.run(ms(100));
    expect(ttl()).toBe(5);
    w.run(ms(500));
    expect(ttl()).toBe(5);
    w.run(ms(500));
    expect(ttl()).toBe(4);
    w.run(seconds(6));
    w.sent();
    expect(w.ask(`prnt.${hosts} A`).isAnswered).toBe(false);
    w.run(ms(200));
    expect(w.questions()).toContain("prnt.local. A");
  });

  test("a goodbye leaves a record one second, also for those who asked before [DP-46]", () => {
    const { w, link } = said("prnt.local. 120 A 203.0.113.7");
    w.ask(`prnt.${hosts} A`);
    w.run(ms(10));
    expect(w.ask(`prnt.${hosts} A`).message.answers[0]?.ttlSeconds).toBe(10);
    link.says("prnt.local. 0 A 203.0.113.7");
    expect(w.ask(`prnt.${hosts} A`).message.answers[0]?.ttlSeconds).toBeLessThanOrEqual(1);
  });

  test("one for a whole RRset, the smallest [DP-47]", () => {
    const { w, link } = said("_ipp._tcp.local. 4 PTR a._ipp._tcp.local.", {});
    link.says(
      "_ipp._tcp.local. 4 PTR a._ipp._tcp.local.\n_ipp._tcp.local. 4500 PTR b._ipp._tcp.local.",
      { isUnique: true },
    );
    const { answers } = w.ask(`_ipp._tcp.${rich} PTR`).message;
    expect(answers.map((rr) => rr.ttlSeconds)).toEqual([4, 4]);
  });

  test("ttl lower than ten: everything lower, the SOA too [DP-45] [DP-50]", () => {
    const { w } = said("prnt.local. 120 A 203.0.113.7", { served: { ttlSeconds: 3 } });
    expect(w.ask(`prnt.${hosts} A`).message.answers[0]?.ttlSeconds).toBe(3);
    expect(w.ask(`${hosts} NS`).message.answers[0]?.ttlSeconds).toBe(3);
  });
});

describe("records of no use elsewhere", () => {
  const both = "prnt.local. 120 AAAA fe80::1\nprnt.local. 120 AAAA 2001:db8:1234:5678::1";

  test("link-local addresses are withheld [DP-51] [DP-52]", () => {
    const { w } = said(both);
    expect(w.ask(`prnt.${hosts} AAAA`).answers).toEqual([
      `prnt.${hosts}. 10 IN AAAA 2001:db8:1234:5678::1`,
    ]);
  });

  test("unless suppress is off [DP-51]", () => {
    const { w } = said(both, { served: { suppress: false } });
    expect(w.ask(`prnt.${hosts} AAAA`).answers).toHaveLength(2);
  });

  test("private addresses go to their own realm and to clients of none [DP-53] [DP-54]", () => {
    const w = new World({
      proxy: {
        realms: [
          { name: "east", prefixes: addressList("10.1.0.0/16") },
          { name: "west", prefixes: addressList("10.2.0.0/16") },
        ],
      },
    });
    const link = w.link("eth0", { served: { realm: "east" } });
    link.says("h.local. 120 A 10.0.0.7\nh.local. 120 A 203.0.113.7\nh.local. 120 AAAA fd00::7");
    const shown = (client: string) => w.ask(`h.${hosts} A`, { client }).answers.length;
    expect([shown("10.1.0.1"), shown("10.2.0.1"), shown("192.0.2.1"), shown("10.1.0.1")]).toEqual([
      2, 1, 2, 2,
    ]);
    const long = (client: string) => w.ask(`h.${hosts} AAAA`, { client });
    expect(long("10.1.0.1").answers).toHaveLength(1);
    expect(long("10.2.0.1").isNodata).toBe(true);
  });

  test("an SRV without a usable address, and the PTR that leads to it [DP-55]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.", {
      additional: "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.\nprnt.local. 120 A 169.254.3.4",
    });
    const browse = w.ask(`_ipp._tcp.${rich} PTR`);
    w.run(seconds(1));
    expect(browse.isNodata).toBe(true);
    expect(w.ask(`p._ipp._tcp.${rich} SRV`).isNodata).toBe(true);
  });

  test("an SRV of which no address is known is told [DP-56]", () => {
    const { w } = said("p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.");
    expect(w.ask(`p._ipp._tcp.${rich} SRV`).answers).toHaveLength(1);
    w.run(seconds(1));
    expect(w.sent()).toEqual([]);
  });

  test("nothing left is NODATA with the first packet [DP-57]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("prnt.local. 120 A 169.254.3.4");
    const asked = w.ask(`prnt.${hosts} A`);
    w.run(seconds(1));
    expect(asked.isNodata).toBe(true);
    expect(asked.took).toBeLessThan(150);
  });

  test("nothing left of a shared set is NODATA when gathering ends [DP-57]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.", {
      additional: "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.\nprnt.local. 120 A 169.254.3.4",
    });
    const asked = w.ask(`_ipp._tcp.${rich} PTR`);
    w.run(seconds(1));
    expect(asked.isNodata).toBe(true);
    expect(asked.took).toBeGreaterThanOrEqual(240);
    expect(asked.took).toBeLessThan(350);
  });
});

describe("additional records", () => {
  test("SRV, TXT and addresses behind a PTR, from the cache alone [DP-77]", () => {
    const w = new World();
    const link = w.link("eth0");
    link.device("_ipp._tcp.local. 4500 PTR p._ipp._tcp.local.", {
      additional: [
        "p._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.",
        'p._ipp._tcp.local. 4500 TXT "a=1"',
        "prnt.local. 120 A 203.0.113.7",
        "prnt.local. 120 AAAA fe80::1",
      ].join("\n"),
    });
    const asked = w.ask(`_ipp._tcp.${rich} PTR`);
    w.run(seconds(1));
    expect(asked.additionals).toEqual([
      `p._ipp._tcp.${rich}. 10 IN SRV 0 0 631 prnt.${hosts}.`,
      `p._ipp._tcp.${rich}. 10 IN TXT "a=1"`,
      `prnt.${hosts}. 10 IN A 203.0.113.7`,
    ]);
    const srv = w.ask(`p._ipp._tcp.${rich} SRV`);
    expect(srv.additionals).toEqual([`prnt.${hosts}. 10 IN A 203.0.113.7`]);
    expect(w.ask(`p._ipp._tcp.${rich} TXT`).additionals).toEqual([]);
    expect(w.ask(`prnt.${hosts} A`).additionals).toEqual([]);
    link.sent();
    w.run(seconds(5));
    expect(link.sent()).toEqual([]);
  });
});

test("the class is IN, without the cache-flush bit, and a record is told once [DP-43]", () => {
  const w = new World();
  const link = w.link("eth0");
  link.device("prnt.local. 120 A 203.0.113.7", { family: "ipv4" });
  link.device("prnt.local. 120 A 203.0.113.7", { family: "ipv6" });
  w.ask(`prnt.${hosts} A`);
  w.run(seconds(2));
  const decoded = dnsPacket.decode(Buffer.from(w.ask(`prnt.${hosts} A`).reply ?? []));
  expect(decoded.answers).toEqual([
    { name: `prnt.${hosts}`, type: "A", class: "IN", ttl: 10, flush: false, data: "203.0.113.7" },
  ]);
});
