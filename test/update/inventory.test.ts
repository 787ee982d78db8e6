// What of a link is fit for a zone, and when: whole services under the zone's
// names, everything else left out and counted.

import { describe, expect, test } from "vitest";
import { isForbidden } from "../../src/update/forbidden.js";
import { linesMax } from "../../src/update/lines.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { prefixes, rrs } from "../mdns/stage.js";
import { device, LinkStage, typeList, zoneName } from "./link-stage.js";

const offered = [
  `_ipp._tcp.${zoneName}. 120 IN PTR Laser._ipp._tcp.${zoneName}.`,
  `_services._dns-sd._udp.${zoneName}. 120 IN PTR _ipp._tcp.${zoneName}.`,
  `Laser._ipp._tcp.${zoneName}. 120 IN SRV 0 0 631 printer.${zoneName}.`,
  `Laser._ipp._tcp.${zoneName}. 120 IN TXT "paper=A4"`,
  `printer.${zoneName}. 120 IN A 192.0.2.5`,
].sort();

describe("a service", () => {
  test("is offered with all that leads to it, under the zone's names [UP-37] [UP-49] [UP-50]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    expect(stage.lines().sort()).toEqual(offered);
  });

  test("is offered once it is whole, piece by piece or not [UP-43]", () => {
    const [ptr = "", srv = "", txt = "", a = ""] = device("Laser");
    const stage = new LinkStage().at(1);
    for (const piece of [typeList(), ptr, a, srv]) {
      stage.at((stage.now - 1_000_000) / 1000 + 1).hear([piece]);
      // Its own question has been asked by then.
      expect(stage.news()).toEqual([]);
    }
    stage.at(10).hear([txt]);
    expect(stage.lines()).toEqual(offered);
  });

  test("what is missing is asked for [UP-43]", () => {
    const [ptr = ""] = device("Laser");
    const stage = new LinkStage().at(1).appear([typeList(), ptr]).at(2);
    const asked = stage.asked.map(([, question]) => question);
    expect(asked).toContain(`_ipp._tcp.local ${RRType.PTR}`);
    expect(asked).toContain(`Laser._ipp._tcp.local ${RRType.SRV}`);
    expect(asked).toContain(`Laser._ipp._tcp.local ${RRType.TXT}`);
  });

  test("what is known of it is not asked for before it grows old [UP-43] [UP-47]", () => {
    const stage = new LinkStage().at(100).appear([typeList(), ...device("Laser")]);
    stage.hear(["!printer.local 120 NSEC printer.local A"]).at(195);
    const asked = stage.asked.map(([, question]) => question);
    expect(asked).toContain(`_ipp._tcp.local ${RRType.PTR}`);
    expect(asked.filter((question) => /^(Laser|printer)\./.test(question))).toEqual([
      // Once, since its denial might be of another time.
      `printer.local ${RRType.AAAA}`,
    ]);
    stage.at(225);
    // At the end of its life the question begins anew; the way to the host is lost by then.
    const after = stage.asked.filter(([second]) => second >= 220).map(([, question]) => question);
    expect(after).toContain(`Laser._ipp._tcp.local ${RRType.SRV}`);
  });

  test("repeats and refreshes say nothing [UP-44]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.news();
    for (let second = 2; second < 12; second++) stage.at(second).hear(device("Laser"));
    expect(stage.news()).toEqual([]);
  });

  test("a goodbye withdraws it after a second; a goodbye of the unknown is nothing [UP-45]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.news();
    stage.at(10).hear(["_ipp._tcp.local 0 PTR Laser._ipp._tcp.local"]);
    stage.hear(["_ipp._tcp.local 0 PTR Ghost._ipp._tcp.local"]);
    expect(stage.at(10.9).news()).toEqual([]);
    expect(stage.at(11.1).news()).toEqual(["- Laser._ipp._tcp.local"]);
  });

  test("a goodbye and a rescue within the second are nothing [UP-45]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.news();
    const goodbyes = device("Laser").map((line) => line.replace(/ (4500|120) /, " 0 "));
    stage.at(10).hear(goodbyes).at(10.5).hear(device("Laser"));
    expect(stage.at(20).news()).toEqual([]);
  });

  test("a new address replaces the old one in one change [UP-46]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.news();
    stage.at(10).hear(["!printer.local 120 A 192.0.2.6"]).at(12);
    expect(stage.changes.map(({ second }) => second)).toEqual([11]);
    const addresses = stage.lines().filter((line) => line.startsWith("printer."));
    expect(addresses).toEqual([`printer.${zoneName}. 120 IN A 192.0.2.6`]);
  });

  test("two packets of one set within a second keep both records [UP-46]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.at(1.5).hear(["!printer.local 120 A 192.0.2.6"]).at(5);
    const addresses = stage.lines().filter((line) => line.startsWith("printer."));
    expect(new Set(addresses).size).toBe(2);
  });

  test("a silent device is asked four times, then it is gone [UP-47]", () => {
    const stage = new LinkStage().at(100).appear([typeList(), ...device("Laser")]);
    stage.at(219);
    const asked = stage.asked.filter(
      ([second, question]) => second > 180 && question === `printer.local ${RRType.A}`,
    );
    const seconds = asked.map(([second]) => second - 100);
    expect(seconds.length).toBe(4);
    for (const [index, point] of [96, 102, 108, 114].entries()) {
      expect(seconds[index]).toBeGreaterThanOrEqual(point);
      expect(seconds[index]).toBeLessThan(point + 2.6);
    }
    stage.news();
    expect(stage.at(221).news()).toEqual(["- Laser._ipp._tcp.local"]);
  });

  test("queries are never believed: neither probes nor known answers [UP-35]", () => {
    const stage = new LinkStage().at(1);
    const known = rrs([typeList(), ...device("Laser")]);
    const questions = [{ name: parseName("Laser._ipp._tcp.local"), type: 255, class: 1 }];
    stage.hearMessage({ questions, authorities: known });
    stage.hearMessage({ questions, answers: known });
    expect(stage.at(20).news()).toEqual([]);
  });
});

describe("what is left out", () => {
  test("a device with ever new names that are not allowed writes some lines, not one for each", () => {
    const stage = new LinkStage().at(1).appear([typeList()]);
    for (let index = 0; index < 100; index++) {
      stage.at(2 + index / 10).hear(device(`Evil${index}`, "_ipp._tcp", "wpad"));
    }
    stage.at(20);
    const lines = stage.logged.filter((line) => line.startsWith("service-left-out"));
    expect(lines.length).toBe(linesMax);
    expect(stage.counts.of("update-left-out")).toBe(100);
    // One that has gone and comes back is told again, a minute later.
    stage.hear(["_ipp._tcp.local 0 PTR Evil0._ipp._tcp.local"]).at(80);
    stage.hear(device("Evil0", "_ipp._tcp", "wpad")).at(90);
    expect(stage.logged.at(-1)).toContain("Evil0");
    expect(stage.counts.of("update-left-out")).toBe(101);
  });

  test("services that can be reached on the link alone [UP-42]", () => {
    const stage = new LinkStage().at(1);
    stage.appear([typeList(), ...device("Laser", "_ipp._tcp", "printer", "AAAA fe80::5")]);
    expect(stage.at(5).news()).toEqual([]);
    stage.hear(["printer.local 120 AAAA 2001:db8::5"]);
    const lines = stage.lines();
    expect(lines).toContain(`printer.${zoneName}. 120 IN AAAA 2001:db8::5`);
    expect(lines.join("\n")).not.toContain("fe80");
  });

  test.each(["127.0.0.1", "0.0.0.0", "224.0.0.251"])(
    "an address %s, whatever is said",
    (address) => {
      const stage = new LinkStage({ suppress: false }).at(1);
      stage.appear([typeList(), ...device("Laser", "_ipp._tcp", "printer", `A ${address}`)]);
      expect(stage.at(5).news()).toEqual([]);
    },
  );

  test("types other than five [UP-39]", () => {
    const stage = new LinkStage()
      .at(1)
      .appear([
        typeList(),
        ...device("Laser"),
        '!printer.local 120 HINFO "x" "y"',
        "!printer.local 120 TYPE65280 \\# 12 00010000000000006955d520",
        "!Laser._ipp._tcp.local 120 TYPE1234 \\# 1 00",
      ]);
    expect(stage.at(5).lines()).toEqual(offered);
  });

  test("types that rules hide; translations are applied [UP-52]", () => {
    const stage = new LinkStage({
      services: { allow: [], deny: ["_ssh._tcp"], default: "allow" },
      translate: [{ type: "_ipp._tcp", txt: { URF: "none" }, subtypes: ["_universal"] }],
    }).at(1);
    stage.appear([
      typeList(),
      typeList("_ssh._tcp"),
      ...device("Laser"),
      ...device("box", "_ssh._tcp"),
    ]);
    const lines = stage.at(5).lines();
    expect(lines.join("\n")).not.toContain("_ssh");
    expect(lines).toContain(`Laser._ipp._tcp.${zoneName}. 120 IN TXT "paper=A4" "URF=none"`);
    expect(lines).toContain(
      `_universal._sub._ipp._tcp.${zoneName}. 120 IN PTR Laser._ipp._tcp.${zoneName}.`,
    );
  });

  test("names too long for unicast DNS, told of once [UP-38]", () => {
    const zone = parseName(Array.from({ length: 3 }, () => "z".repeat(62)).join("."));
    const instance = "i".repeat(60);
    const stage = new LinkStage({ service: zone, host: zone }).at(1);
    stage.appear([typeList(), ...device(instance)]);
    stage.at(5).hear(device(instance)).at(30).hear(["!printer.local 120 A 192.0.2.6"]).at(40);
    expect(stage.news()).toEqual([]);
    expect(stage.logged).toEqual([`service-left-out ${instance}._ipp._tcp.local`]);
  });

  test("names that would seize infrastructure [UP-51]", () => {
    for (const host of ["wpad", "ns1", "*", "ISATAP", "localhost"]) {
      const stage = new LinkStage()
        .at(1)
        .appear([typeList(), ...device("Laser", "_ipp._tcp", host)]);
      expect(stage.at(5).news(), host).toEqual([]);
    }
    const apex = parseName(zoneName);
    const forbids = (below: string) =>
      isForbidden(parseName(below === "" ? zoneName : `${below}.${zoneName}`), apex, new Set());
    const refused = [
      "",
      "*",
      "*._ipp._tcp",
      "ns",
      "NS2",
      "_dns-update._udp",
      "_dns-update-tls._tcp",
      "x._dns-llq._udp",
      "_dns-push-tls._tcp",
      "B._DNS-SD._udp",
      "lb._dns-sd._udp",
      "_acme-challenge.host",
      "k._domainkey",
      "_dmarc",
    ];
    expect(refused.filter((below) => !forbids(below))).toEqual([]);
    const taken = [
      "wpad-printer",
      "nsa",
      "ns2-lab",
      "_services._dns-sd._udp",
      "b._ipp._tcp",
      "printer",
    ];
    expect(taken.filter(forbids)).toEqual([]);
    expect(isForbidden(parseName("elsewhere.test"), apex, new Set())).toBe(true);
  });

  test("an instance of one type in the list of another", () => {
    const stage = new LinkStage().at(1);
    stage.appear([typeList(), "_ipp._tcp.local 4500 PTR Laser._http._tcp.local"]);
    stage.hear(device("Laser", "_http._tcp").slice(1));
    expect(stage.at(5).news()).toEqual([]);
  });
});

describe("bytes", () => {
  test("labels keep dots, backslashes, capitals and UTF-8 [UP-38]", () => {
    const instance = "a\\.b\\\\c\\032\\195\\156n\\195\\175";
    const stage = new LinkStage().at(1).appear([typeList(), ...device(instance)]);
    expect(stage.lines().join("\n")).toContain(`${instance}._ipp._tcp.${zoneName}. 120 IN SRV`);
  });

  test("the class is masked, an empty TXT stays one empty string [UP-40] [UP-41]", () => {
    const stage = new LinkStage().at(1);
    stage.appear([typeList(), ...device("Laser").map((line) => line.replace('"paper=A4"', '""'))]);
    const found = stage.changes.flatMap(({ offer }) => offer.rrs);
    expect(new Set(found.map(({ rr }) => rr.class))).toEqual(new Set([1]));
    expect(stage.lines()).toContain(`Laser._ipp._tcp.${zoneName}. 120 IN TXT ""`);
  });

  test("`.local` inside a TXT stays as it is [UP-37]", () => {
    const txt = '"adminurl=http://printer.local"';
    const stage = new LinkStage().at(1);
    stage.appear([typeList(), ...device("Laser").map((line) => line.replace('"paper=A4"', txt))]);
    expect(stage.lines()).toContain(`Laser._ipp._tcp.${zoneName}. 120 IN TXT ${txt}`);
  });

  test("a short TTL of one member is the TTL of the set [UP-50]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.at(1.5).hear(["printer.local 60 A 192.0.2.6"]).at(3);
    const addresses = stage.lines().filter((line) => line.startsWith("printer."));
    expect(addresses).toContain(`printer.${zoneName}. 60 IN A 192.0.2.5`);
    expect(addresses).toContain(`printer.${zoneName}. 60 IN A 192.0.2.6`);
  });
});

describe("the link", () => {
  test("goes and comes back within ten seconds: nothing is said [UP-12]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.news();
    stage.at(20).inventory.hold(stage.now);
    stage.link.down(stage.now);
    stage.drain();
    stage.at(25).inventory.hold(stage.now);
    stage.link.up(stage.now, { prefixes: [], mtu: 1500 });
    stage.drain();
    stage.at(26).hear([typeList()]).at(27).hear(device("Laser"));
    expect(stage.at(60).news()).toEqual([]);
  });

  test("goes and stays away: all is withdrawn after ten seconds [UP-12]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.news();
    stage.at(20).inventory.hold(stage.now);
    stage.link.down(stage.now);
    stage.drain();
    expect(stage.at(29.9).news()).toEqual([]);
    expect(stage.at(30.1).news()).toEqual(["- Laser._ipp._tcp.local"]);
  });

  test("types are asked for at the start, after 20 s, and every 15 minutes [UP-48]", () => {
    const stage = new LinkStage().at(3700);
    const times = stage.asked
      .filter(([, question]) => question.startsWith("_services._dns-sd._udp.local "))
      .map(([second]) => second);
    expect(times[0]).toBeLessThan(0.2);
    expect(times.some((second) => second >= 20 && second < 20.2)).toBe(true);
    // Only a series that begins asks twice within 1.3 s.
    const begun = times.filter((second, index) => {
      const next = times[index + 1] ?? Number.POSITIVE_INFINITY;
      return second > 21.5 && next - second < 1.3;
    });
    for (const [index, second] of begun.slice(1).entries()) {
      const gap = second - (begun[index] as number);
      expect(gap).toBeGreaterThan(800);
      expect(gap).toBeLessThan(1000);
    }
    expect(begun.length).toBeGreaterThanOrEqual(3);
  });

  test("first questions and refreshes ask for unicast where the port is ours alone [UP-47] [UP-48]", () => {
    const stage = new LinkStage();
    const classes = (from: number, until: number) => {
      stage.questions.length = 0;
      stage.at(from).questions.length = 0;
      stage.at(until);
      return [...new Set(stage.questions.map((one) => one.class))];
    };
    expect(classes(0, 0.5)).toEqual([1]);
    stage.link.up(stage.now, { prefixes, mtu: 1500, mayAskUnicast: true });
    stage.drain();
    // The second sweep; then what the device has to be asked for.
    expect(classes(20, 20.5)).toEqual([0x8001]);
    stage.at(300).appear([typeList(), ...device("Laser")]);
    expect(classes(395.9, 419)).toEqual([0x8001]);
    // The link is asked by multicast where questions go on without an answer.
    expect(classes(421.5, 424)).toEqual([1]);
  });

  test("a hundred services leave no question behind when they go", () => {
    const stage = new LinkStage().at(1).hear([typeList()]);
    for (let index = 0; index < 100; index++) {
      stage.hear(device(`D${index}`, "_ipp._tcp", `h${index % 10}`));
    }
    stage.at(3);
    expect(stage.inventory.size).toBe(100);
    stage.news();
    stage.at(4);
    for (let index = 0; index < 100; index++) {
      stage.hear([`_ipp._tcp.local 0 PTR D${index}._ipp._tcp.local`]);
    }
    stage.at(6);
    expect(stage.news().length).toBe(100);
    // The list of types, of instances, and of the one known subtype.
    expect(stage.link.questionCount).toBe(3);
  });
});
