// What subscribers hear when a link changes (RFC 8765 §6.3), and what RECONFIRM
// does there (§6.5): stories in virtual time over a real link.

import { describe, expect, test } from "vitest";
import { parseName } from "../../src/wire/name.js";
import { answerTo } from "../dso/stage.js";
import { lab, labLink, labOptions, Stage } from "./stage.js";
import { nameHex, oneWayHex, type Subscriber } from "./subscriber.js";

const ptr = (instance: string, ttl = 4500) =>
  `_ipp._tcp.local. ${ttl} PTR ${instance}._ipp._tcp.local.`;
const type = `_ipp._tcp.${lab}`;
const instance = `Lobby.${type}`;
const srv = "Lobby._ipp._tcp.local. 120 SRV 0 0 631 printer.local.";
const txt = 'Lobby._ipp._tcp.local. 4500 TXT "txtvers=1"';

/** A stage with one client that has subscribed; what was said so far is forgotten. */
function subscribed(name: string, ...types: readonly string[]): [Stage, Subscriber] {
  const stage = new Stage();
  const client = stage.client();
  types.forEach((one, index) => {
    stage.subscribe(client, 0x102 + index, name, one);
  });
  stage.run(30);
  client.news();
  return [stage, client];
}

describe("adds and removals", () => {
  test("one comes, one comes and one goes, the last goes [PUSH-20] [PUSH-21] [PUSH-22] [PUSH-26]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(ptr("Lobby"));
    expect(client.heard()).toEqual(answerTo("E23"));
    stage.announce(ptr("Lobby", 0), ptr("Foyer"));
    stage.run(30.99);
    expect(client.heard().length).toBe(1);
    stage.run(31);
    expect(client.news().at(-1)).toEqual([`- ${type} PTR ${instance}`]);
    stage.announce(ptr("Foyer", 0)).run(32);
    expect(client.heard()).toEqual(answerTo("E25"));
  });

  test("a goodbye is a removal, one second later [PUSH-21]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(ptr("Lobby"), ptr("Foyer"));
    client.news();
    stage.announce(ptr("Lobby", 0));
    expect(client.news()).toEqual([]);
    stage.run(31);
    expect(client.news()).toEqual([[`- ${type} PTR ${instance}`]]);
  });

  test("what is said again is nothing new [PUSH-30]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(ptr("Lobby"));
    client.news();
    for (let second = 31; second < 200; second += 30) stage.run(second).announce(ptr("Lobby"));
    expect(client.news()).toEqual([]);
  });

  test("another TTL is told [PUSH-30]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(ptr("Lobby"));
    client.news();
    stage.announce(ptr("Lobby", 100));
    expect(client.news()).toEqual([[`+ ${type} 100 PTR ${instance}`]]);
    expect(client.copy).toEqual([`${type} 100 IN PTR ${instance}`]);
  });

  test("a record that nobody repeats runs out [PUSH-35]", () => {
    const [stage, client] = subscribed(instance, "TXT");
    stage.announce('Lobby._ipp._tcp.local. 60 TXT "x"');
    client.news();
    stage.run(89);
    expect(client.news()).toEqual([]);
    stage.run(91);
    expect(client.news()).toEqual([[`-- ${instance} TXT`]]);
  });

  test("a unique record that is replaced: the old one goes and the new one comes", () => {
    const [stage, client] = subscribed(instance, "TXT");
    stage.announce(txt);
    client.news();
    stage.run(40).announce('Lobby._ipp._tcp.local. 4500 TXT "txtvers=2"');
    expect(client.news()).toEqual([[`+ ${instance} 4500 TXT "txtvers=2"`]]);
    stage.run(42);
    expect(client.news()).toEqual([[`- ${instance} TXT "txtvers=1"`]]);
  });

  test("a TTL with the top bit set never leaves [PUSH-24]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(ptr("Lobby", 0x8000_0001));
    stage.run(60);
    expect(client.news()).toEqual([]);
    expect(client.copy).toEqual([]);
  });
});

describe("one PUSH", () => {
  test("for all that one packet brings, whatever it serves [PUSH-25] [PUSH-26] [PUSH-12]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, type, "PTR");
    stage.subscribe(client, 2, type, "ANY");
    stage.subscribe(client, 3, type, "ANY", 255);
    stage.subscribe(client, 4, instance, "ANY");
    client.news();
    stage.announce(ptr("Lobby"), srv, txt);
    expect(client.news()).toEqual([
      [
        `+ ${type} 4500 PTR ${instance}`,
        `+ ${instance} 120 SRV 0 0 631 printer.${lab}`,
        `+ ${instance} 4500 TXT "txtvers=1"`,
      ],
    ]);
    stage.announce(srv.replace(" 120 ", " 0 "), txt.replace(" 4500 ", " 0 ")).run(1);
    expect(client.news()).toEqual([[`-- ${instance} ANY`]]);
    stage.announce(ptr("Lobby", 0)).run(2);
    expect(client.news()).toEqual([[`-- ${type} PTR`]]);
  });

  test("removals stand before adds, also those of another name", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, `a.${lab}`, "A");
    stage.subscribe(client, 2, `b.${lab}`, "A");
    stage.announce("a.local. 120 A 192.0.2.7");
    client.news();
    stage.announce("a.local. 0 A 192.0.2.7");
    // Both fall into the same instant: the goodbye's end, and what comes with its packet.
    stage.link.expire(stage.now);
    stage.run(0.999);
    stage.now = (stage.now + 1) as never;
    stage.link.expire(stage.now);
    stage.announce("b.local. 120 A 192.0.2.8");
    expect(client.news()).toEqual([[`-- a.${lab} A`, `+ b.${lab} 120 A 192.0.2.8`]]);
  });

  test("twenty services at once are few messages [PUSH-26]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(...Array.from({ length: 20 }, (_one, index) => ptr(`P${index}`)));
    expect(client.news().map((news) => news.length)).toEqual([20]);
  });

  test("what ANY still has stays when another type's subscription loses it [PUSH-25]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, `a.${lab}`, "A");
    stage.subscribe(client, 2, `a.${lab}`, "ANY");
    stage.announce("a.local. 120 CNAME b.local.");
    // A conflict on the link: an alias with something beside it.
    stage.announce("a.local. 120 A 192.0.2.7");
    stage.check();
    expect(client.copy.length).toBe(2);
    expect(
      client
        .news()
        .flat()
        .filter((line) => line.startsWith("-")),
    ).toEqual([]);
  });
});

test("the short form for all types is for those alone who subscribed to all [PUSH-26]", () => {
  const stage = new Stage();
  const [one, two] = [stage.client(1), stage.client(2)];
  for (const client of [one, two]) stage.subscribe(client, 1, instance, "ANY");
  stage.subscribe(two, 2, instance, "PTR");
  stage.announce(srv, txt);
  for (const client of [one, two]) client.news();
  stage.announce(srv.replace(" 120 ", " 0 "), txt.replace(" 4500 ", " 0 ")).run(1);
  expect(one.news()).toEqual([[`-- ${instance} ANY`]]);
  expect(two.news()).toEqual([[`-- ${instance} SRV`, `-- ${instance} TXT`]]);
});

describe("only what was subscribed to", () => {
  test("PTR alone: no SRV, TXT or address beside it [PUSH-29]", () => {
    const [stage, client] = subscribed(type, "PTR");
    stage.announce(ptr("Lobby"), srv, txt, "printer.local. 120 A 192.0.2.10");
    expect(client.news()).toEqual([[`+ ${type} 4500 PTR ${instance}`]]);
  });

  test("an asterisk is a label like others [PUSH-10]", () => {
    const [stage, client] = subscribed(`*._tcp.${lab}`, "PTR");
    stage.announce(ptr("Lobby"));
    expect(client.news()).toEqual([]);
    stage.announce("*._tcp.local. 4500 PTR x._ipp._tcp.local.");
    expect(client.copy.length).toBe(1);
  });

  test("a name that does not exist yet [PUSH-11]", () => {
    const [stage, client] = subscribed(`_nothere._tcp.${lab}`, "PTR");
    expect(client.isReset).toBe(false);
    stage.announce("_nothere._tcp.local. 4500 PTR x._nothere._tcp.local.");
    expect(client.copy.length).toBe(1);
  });

  test("type and class ANY: everything at the name, and no NSEC [PUSH-12]", () => {
    const stage = new Stage();
    const client = stage.client();
    stage.subscribe(client, 1, instance, "ANY", 255);
    stage.announce(srv, txt, "Lobby._ipp._tcp.local. 120 NSEC Lobby._ipp._tcp.local. SRV TXT");
    expect(client.copy.map((line) => line.split(" ")[3])).toEqual(["SRV", "TXT"]);
  });

  test("an alias, whatever type is asked for; its target is another name [PUSH-13]", () => {
    const [stage, client] = subscribed(`alias.${lab}`, "A");
    stage.announce("alias.local. 120 CNAME host.local.", "host.local. 120 A 192.0.2.7");
    expect(client.news()).toEqual([[`+ alias.${lab} 120 CNAME host.${lab}`]]);
    const [other, reader] = subscribed(`alias.${lab}`, "CNAME");
    other.announce("alias.local. 120 TXT x");
    expect(reader.news()).toEqual([]);
  });

  test("the owner is spelled as the client spelled it", () => {
    const [stage, client] = subscribed("_IPP._tcp.LAB.example.com.", "PTR");
    stage.announce(ptr("Lobby"));
    expect(client.news()).toEqual([[`+ _IPP._tcp.LAB.example.com. 4500 PTR Lobby.${type}`]]);
  });
});

describe("what is of use", () => {
  test("an SRV whose target becomes usable later [PUSH-25]", () => {
    const [stage, client] = subscribed(instance, "SRV");
    stage.announce("printer.local. 120 A 169.254.7.7", srv);
    // The address is known only while somebody asks for it.
    stage.subscribe(client, 9, `printer.${lab}`, "A");
    stage.announce("printer.local. 120 A 169.254.7.7");
    expect(client.copy).toEqual([]);
    stage.run(40).announce("printer.local. 120 A 192.0.2.10").run(42);
    expect(client.copy).toEqual([
      `${instance} 120 IN SRV 0 0 631 printer.${lab}`,
      `printer.${lab} 120 IN A 192.0.2.10`,
    ]);
    stage.run(50).announce("printer.local. 120 A 169.254.7.7").run(52);
    expect(client.copy).toEqual([]);
    stage.check();
  });
});

describe("RECONFIRM", () => {
  function scene(): [Stage, Subscriber, Subscriber] {
    const stage = new Stage();
    const clients = [stage.client(1), stage.client(2)] as const;
    for (const client of clients) stage.subscribe(client, 1, instance, "SRV");
    stage.announce(srv.replace(" 120 ", " 4500 "));
    stage.run(20);
    for (const client of clients) client.news();
    stage.asked = [];
    return [stage, ...clients];
  }

  const uncompressed = oneWayHex(
    0x43,
    `${nameHex(instance)}00210001000000000277${nameHex(`printer.${lab}`)}`,
  );

  test.each([
    ["compressed", "E29"],
    ["uncompressed", uncompressed],
  ])(
    "%s: the link is asked, and every subscriber hears the removal [PUSH-34] [PUSH-35] [PUSH-36]",
    (_form, message) => {
      const [stage, one, two] = scene();
      stage.says(one, message);
      expect(one.heard()).toEqual([]);
      stage.run(25);
      expect(stage.asked.length).toBeGreaterThan(0);
      stage.run(31);
      expect(one.news()).toEqual([[`-- ${instance} SRV`]]);
      expect(two.news()).toEqual([[`-- ${instance} SRV`]]);
    },
  );

  test("a device that says it again: nothing happens [PUSH-35]", () => {
    const [stage, one] = scene();
    stage.says(one, "E29");
    stage.run(22).announce(srv.replace(" 120 ", " 4500 ")).run(60);
    expect(one.news()).toEqual([]);
    expect(one.copy.length).toBe(1);
  });

  const body = (rest: string) => oneWayHex(0x43, `${nameHex(instance)}${rest}`);

  test.each([
    ["type ANY", body("00ff0001")],
    ["class ANY", body("002100ff000000000277c010")],
    ["another class", body("00210003000000000277c010")],
    ["rdata that is cut", body("0021000100000000")],
    ["rdata with a length in front", body("00210001000800000000027707c0")],
    ["a name outside", oneWayHex(0x43, `${nameHex("a.example.org.")}00010001c0000201`)],
    ["an apex alone", oneWayHex(0x43, nameHex(lab))],
    ["a record that is not held", body(`00210001000000000050${nameHex("x.lab.example.com.")}`)],
  ])("%s: ignored, and never answered [PUSH-34] [PUSH-36]", (_what, message) => {
    const [stage, one] = scene();
    stage.says(one, message);
    stage.run(40);
    expect(stage.asked).toEqual([]);
    expect(one.heard()).toEqual([]);
    expect(one.isReset).toBe(false);
  });

  test("of a TXT that the operator adds to: the device's own is meant", () => {
    const translate = [{ type: "_ipp._tcp", txt: { air: "none" }, subtypes: [] }];
    const stage = new Stage(labOptions({ links: [labLink({ translate })] }));
    const client = stage.client();
    stage.subscribe(client, 1, instance, "TXT");
    stage.announce(txt);
    expect(client.copy).toEqual([`${instance} 4500 IN TXT "txtvers=1" "air=none"`]);
    stage.run(20);
    stage.says(client, body("00100001" + "09747874766572733d31" + "086169723d6e6f6e65"));
    stage.run(31);
    expect(client.copy).toEqual([]);
  });

  test.each([
    ["on cleartext", { isSecure: false }],
    ["by a client that may not ask", { address: "nowhere" }],
  ])("%s: ignored", (_what, opening) => {
    const [stage] = scene();
    const other = stage.client(3, opening);
    stage.says(other, "E01");
    stage.says(other, "E29");
    stage.run(40);
    expect(stage.asked).toEqual([]);
  });

  test("a hidden type is not asked about, and nothing is while the link is not used", () => {
    const services = { allow: [], deny: ["_ipp._tcp"], default: "allow" } as const;
    const [stage, one] = scene();
    stage.configure(labOptions({ links: [labLink({ services })] }));
    expect(one.copy).toEqual([]);
    stage.says(one, "E29");
    stage.isUsed = false;
    stage.says(one, "E29");
    stage.run(40);
    expect(stage.asked).toEqual([]);
    expect(stage.counts.of("push-reconfirms", "ignored")).toBe(2);
  });

  test("a reverse name, and a target in another zone, are taken as they are", () => {
    const stage = new Stage();
    const client = stage.client();
    const reverse = "7.113.0.203.in-addr.arpa.";
    stage.subscribe(client, 1, reverse, "PTR");
    stage.announce(`${reverse} 4500 PTR printer.local.`);
    expect(client.copy).toEqual([`${reverse} 4500 IN PTR printer.${lab}`]);
    stage.run(20);
    stage.says(client, oneWayHex(0x43, `${nameHex(reverse)}000c0001${nameHex(`printer.${lab}`)}`));
    stage.run(31);
    expect(client.copy).toEqual([]);
    expect(parseName(reverse).labels.length).toBe(6);
  });
});
