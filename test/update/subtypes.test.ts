// Lists of instances that no list of the link leads to: those of subtypes, and of
// types that devices do not tell of. They are taken up when a device announces
// them or another host asks for them.

import { describe, expect, test } from "vitest";
import { inquiriesMax } from "../../src/mdns/timing.js";
import { heardListsMax, subtypesMax } from "../../src/update/limits.js";
import { RRType } from "../../src/wire/codes.js";
import { parseName } from "../../src/wire/name.js";
import { question } from "../mdns/stage.js";
import { device, LinkStage, typeList, zoneName } from "./link-stage.js";

const color = "_color._sub._ipp._tcp.local";
const inColor = `${color} 4500 PTR Laser._ipp._tcp.local`;
const published = `_color._sub._ipp._tcp.${zoneName}. 120 IN PTR Laser._ipp._tcp.${zoneName}.`;

const askedTimes = (stage: LinkStage, name: string) =>
  stage.asked.filter(([, asked]) => asked === `${name} ${RRType.PTR}`).map(([second]) => second);

/** Another host asks. */
function foreignQuestion(stage: LinkStage, ...texts: string[]): LinkStage {
  return stage.hearMessage({ questions: texts.map(question) });
}

describe("a subtype that a device announces", () => {
  test("is published like its type, asked for again, and withdrawn with its last instance [UP-49]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.at(10).hear([inColor]);
    expect(stage.lines()).toContain(published);
    expect(askedTimes(stage.at(12), color).length).toBeGreaterThan(0);
    const refreshed = (second: number) => askedTimes(stage.at(second), color).at(-1) ?? 0;
    // 80 % of 4500 s after it was heard.
    expect(refreshed(3605)).toBeLessThan(3600);
    expect(refreshed(3710)).toBeGreaterThan(3600);
    const dying = new LinkStage().at(1).appear([typeList(), ...device("Laser"), inColor]);
    dying.at(10).news();
    dying.hear(["_ipp._tcp.local 0 PTR Laser._ipp._tcp.local"]);
    dying.hear([`${color} 0 PTR Laser._ipp._tcp.local`]).at(12);
    expect(dying.news()).toEqual(["- Laser._ipp._tcp.local"]);
  });

  test("goes alone when the device takes it back [UP-49]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser"), inColor]);
    expect(stage.at(5).lines()).toContain(published);
    stage.hear([`${color} 0 PTR Laser._ipp._tcp.local`]).at(7);
    const lines = stage.lines();
    expect(lines.length).toBeGreaterThan(0);
    expect(lines).not.toContain(published);
  });

  test("may be announced before its type is known [UP-49]", () => {
    const stage = new LinkStage().at(1).hear([inColor]).at(2);
    stage.appear([typeList(), ...device("Laser")]);
    expect(stage.at(4).lines()).toContain(published);
  });

  test("is not published without the type's own list, nor for hidden types [UP-43] [UP-52]", () => {
    const stage = new LinkStage().at(1);
    stage.appear([inColor, ...device("Laser").slice(1)]);
    expect(stage.at(5).news()).toEqual([]);
    const rules = { allow: [], deny: ["_ipp._tcp"], default: "allow" } as const;
    const hiding = new LinkStage({ services: rules }).at(1);
    hiding.appear([typeList(), ...device("Laser"), inColor]);
    expect(hiding.at(5).news()).toEqual([]);
    expect(askedTimes(hiding, color)).toEqual([]);
  });

  test("comes back after the link was away, though nobody announces it anew [UP-12] [UP-49]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser"), inColor]);
    stage.at(20).news();
    stage.inventory.hold(stage.now);
    stage.link.down(stage.now);
    stage.drain();
    stage.at(25).inventory.hold(stage.now);
    stage.link.up(stage.now, { prefixes: [], mtu: 1500 });
    stage.drain();
    expect(askedTimes(stage.at(25.5), color).at(-1)).toBeGreaterThan(25);
    stage.hear([typeList(), inColor]).hear(device("Laser"));
    expect(stage.at(60).news()).toEqual([]);
  });

  test("is asked for no more when it stayed empty for a sweep and a half [UP-49]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser"), inColor]);
    stage.at(30).hear([`${color} 0 PTR Laser._ipp._tcp.local`]);
    stage.at(2100);
    const before = askedTimes(stage, color).length;
    expect(askedTimes(stage.at(6000), color).length).toBe(before);
  });
});

describe("a list that was published before", () => {
  const known = (...texts: string[]) => new LinkStage({}, {}, 1, texts.map(parseName));

  test("is asked for at the start, and dropped when it stays empty [UP-49] [UP-65]", () => {
    const stage = known(color).at(2);
    expect(askedTimes(stage, color).length).toBeGreaterThan(0);
    stage.at(2100);
    const before = askedTimes(stage, color).length;
    expect(askedTimes(stage.at(6000), color).length).toBe(before);
  });

  test("of a hidden type is not asked for, nor what lists no services [UP-52]", () => {
    const rules = { allow: [], deny: ["_ipp._tcp"], default: "allow" } as const;
    const names = [color, "_ipp._tcp.local", "lb._dns-sd._udp.local", "printer.local"];
    const stage = new LinkStage({ services: rules }, {}, 1, names.map(parseName)).at(10);
    expect(new Set(stage.asked.map(([, asked]) => asked))).toEqual(
      new Set([`_services._dns-sd._udp.local ${RRType.PTR}`]),
    );
  });

  test("is one of as many as may be heard, the first of them", () => {
    const names = Array.from(
      { length: heardListsMax + 5 },
      (_, at) => `_s${at}._sub._ipp._tcp.local`,
    );
    const stage = known(...names, names[0] as string).at(2);
    const asked = names.filter((name) => askedTimes(stage, name).length > 0);
    expect(asked).toEqual(names.slice(0, heardListsMax));
    expect(stage.counts.of("limits", "heard-lists")).toBe(1);
  });
});

describe("what another host asks for", () => {
  test("is asked for by us: its answers may go to that host alone [UP-49]", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.at(10);
    foreignQuestion(stage, `!${color} PTR`);
    expect(askedTimes(stage.at(10.5), color)).toHaveLength(1);
    stage.hear([inColor]);
    expect(stage.lines()).toContain(published);
  });

  test("is forgotten soon when nobody answers, and not asked for again at once", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    for (let second = 10; second < 60; second++) foreignQuestion(stage.at(second), `!${color} PTR`);
    expect(askedTimes(stage, color)).toHaveLength(2);
    foreignQuestion(stage.at(71), `!${color} PTR`);
    expect(askedTimes(stage.at(80), color)).toHaveLength(4);
  });

  test("is asked for at a bounded rate, whoever asks for how much", () => {
    const stage = new LinkStage()
      .at(1)
      .appear([typeList(), ...device("Laser")])
      .at(10);
    const before = stage.link.questionCount;
    for (let turn = 0; turn < 20; turn++) {
      const names = Array.from({ length: 50 }, (_, at) => `_s${turn}x${at}._sub._ipp._tcp.local`);
      foreignQuestion(stage, ...names.map((name) => `${name} PTR`));
    }
    expect(stage.link.questionCount - before).toBe(inquiriesMax);
    expect(stage.at(20).link.questionCount).toBe(before);
  });

  test("a type that no list tells of is taken up too", () => {
    const stage = new LinkStage().at(10);
    foreignQuestion(stage, "_ipp._tcp.local PTR");
    stage.hear(device("Laser"));
    expect(stage.at(12).news()).toEqual(["+ Laser._ipp._tcp.local"]);
  });
});

describe("types", () => {
  test("are taken up from an announcement alone, before anybody lists them", () => {
    const stage = new LinkStage().at(300).hear(device("Laser"));
    expect(stage.at(300.5).news()).toEqual(["+ Laser._ipp._tcp.local"]);
  });

  test("that are listed no more go on while they have instances", () => {
    const stage = new LinkStage().at(1).appear([typeList(), ...device("Laser")]);
    stage.at(10).news();
    stage.hear(["_services._dns-sd._udp.local 0 PTR _ipp._tcp.local"]);
    expect(stage.at(60).news()).toEqual([]);
  });
});

describe("bounds", () => {
  test("so many subtypes of one instance and no more", () => {
    const subtypes = Array.from({ length: subtypesMax + 10 }, (_, at) => `_s${at}._sub`);
    const stage = new LinkStage()
      .at(1)
      .appear([typeList(), ...device("Laser")])
      .at(5);
    for (const subtype of subtypes) {
      stage.hear([`${subtype}._ipp._tcp.local 4500 PTR Laser._ipp._tcp.local`]);
    }
    const last = stage.changes.at(-1)?.offer.rrs ?? [];
    const owners = last.map(({ rr }) => rr.name).filter(({ labels }) => labels[1] === "_sub");
    expect(owners).toHaveLength(subtypesMax);
    expect(stage.counts.of("limits", "subtypes")).toBeGreaterThan(0);
  });

  test("so many lists of a link; an empty one makes room", () => {
    const stage = new LinkStage()
      .at(1)
      .appear([typeList(), ...device("Laser")])
      .at(5);
    const before = stage.link.questionCount;
    const heard = (at: number, ttl = 4500) =>
      stage.hear([`_s${at}._sub._ipp._tcp.local ${ttl} PTR Laser._ipp._tcp.local`]);
    for (let at = 0; at < heardListsMax + 20; at++) heard(at);
    expect(stage.link.questionCount).toBe(before + heardListsMax);
    expect(stage.counts.of("limits", "heard-lists")).toBe(20);
    heard(0, 0);
    stage.at(7);
    heard(heardListsMax + 30);
    expect(stage.link.questionCount).toBe(before + heardListsMax);
    expect(stage.counts.of("limits", "heard-lists")).toBe(20);
  });
});
