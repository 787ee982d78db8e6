// The engine's state as the API shows it, over a link with devices.

import { expect, test } from "vitest";
import { mismatch, type Shape } from "../../src/api/shape.js";
import {
  activeQuestionShape,
  domainShape,
  hostShape,
  interfaceShape,
  type Service,
  serviceShape,
  zoneShape,
} from "../../src/api/shapes.js";
import { interfaceWith, zoneWith } from "../../src/api/surroundings.js";
import { ms, seconds } from "../../src/time.js";
import { RRClass, RRType } from "../../src/wire/codes.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { World } from "./story.js";

const zone = "Building\\0321.example.com";

const nothingAround = {
  deviceOf: () => undefined,
  faultOf: () => undefined,
  sourceOf: () => undefined,
  learned: [],
};

function world(): World {
  const w = new World();
  w.engine.survey.keepDirectory(w.now);
  const link = w.link("eth0");
  link.device("_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.", { delay: ms(50) });
  link.device("Lobby._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.", { delay: ms(50) });
  link.device("prnt.local. 120 A 203.0.113.7", { delay: ms(50) });
  return w;
}

function checked<T>(shape: Shape, values: Iterable<T>): T[] {
  const all = [...values];
  for (const value of all) expect(mismatch(shape, value)).toBeUndefined();
  return all;
}

const servicesOf = (w: World): Service[] =>
  [...w.engine.survey.directory.services({ hidden: false })].map((text) => JSON.parse(text));

test("what a client has asked for is listed, and every number is what happened", () => {
  const w = world();
  const { survey } = w.engine;
  for (const line of [`_ipp._tcp.${zone} PTR`, `Lobby._ipp._tcp.${zone} SRV`]) w.ask(line);
  w.ask("prnt.bldg-1.example.com A");
  w.run(seconds(2));
  const [service] = checked(serviceShape, servicesOf(w));
  expect(service).toMatchObject({
    instance: "Lobby",
    host: "prnt.bldg-1.example.com",
    port: 631,
    addresses: ["203.0.113.7"],
    isShown: true,
  });
  const [host, ...others] = checked(hostShape, survey.hosts(w.now));
  expect(others).toEqual([]);
  expect(host?.mdns.queriesOut).toBe(0);
  const [link] = checked(
    interfaceShape,
    survey.interfaces(w.now).map((one) => interfaceWith(one, nothingAround)),
  );
  expect(link).toMatchObject({ name: "eth0", isUp: true, mode: "proxy", services: 1 });
  expect(link?.addresses).toContain("203.0.113.0/24");
  // Every packet of ours comes back, and is not counted as somebody else's.
  const sent = w.effects.filter(({ kind }) => kind === "multicast").length;
  expect(link?.mdns.out).toBe(sent);
  expect(link?.mdns.in).toBeGreaterThan(0);
  expect(w.engine.survey.packets).toEqual({ in: link?.mdns.in, out: sent });
  expect(link?.mdns.in).toBe(
    w.counts.of("mdns-packets", "in-ipv4") +
      w.counts.of("mdns-packets", "in-ipv6") -
      w.counts.of("mdns-packets", "echo"),
  );
  const zones = checked(
    zoneShape,
    survey.zones().map((one) => zoneWith(one, nothingAround)),
  );
  expect(zones.find(({ kind }) => kind === "service")?.queries).toBe(2);
  expect(zones.find(({ kind }) => kind === "host")?.queries).toBe(1);
  expect(checked(domainShape, survey.domains()).length).toBeGreaterThan(0);
});

test("the sums over all links do not fall when one of them is given up", () => {
  const w = world();
  w.ask(`_ipp._tcp.${zone} PTR`);
  w.run(seconds(2));
  const before = { ...w.engine.survey.packets };
  expect(before.in).toBeGreaterThan(0);
  expect(before.out).toBeGreaterThan(0);
  w.unlink("eth0");
  expect(w.engine.survey.interfaces(w.now)).toEqual([]);
  const left = w.engine.survey.packets;
  expect(left.in).toBe(before.in);
  expect(left.out).toBeGreaterThanOrEqual(before.out);
});

test("questions are listed while they are asked", () => {
  const w = world();
  w.ask(`_http._tcp.${zone} PTR`);
  w.run(seconds(1));
  const [question] = checked(activeQuestionShape, w.engine.survey.questions(w.now));
  expect(question).toMatchObject({ link: "eth0", name: "_http._tcp.local", watches: 1 });
  w.run(seconds(10));
  expect([...w.engine.survey.questions(w.now)]).toEqual([]);
});

test("a link that goes takes its services along", () => {
  const w = world();
  w.ask(`_ipp._tcp.${zone} PTR`);
  w.run(seconds(2));
  const { survey } = w.engine;
  expect(survey.directory.size).toBe(1);
  w.unlink("eth0");
  w.run(seconds(1));
  expect(survey.directory.held).toBe(0);
  expect(survey.interfaces(w.now)).toEqual([]);
});

test("what was heard before anybody wanted the directory is in it, and costs nothing until then", () => {
  const w = new World();
  const link = w.link("eth0");
  link.device("_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.", { delay: ms(50) });
  w.ask(`_ipp._tcp.${zone} PTR`);
  w.run(seconds(2));
  const { directory } = w.engine.survey;
  expect([directory.held, directory.nextDeadline()]).toEqual([0, undefined]);
  w.engine.survey.keepDirectory(w.now);
  link.says("_ipp._tcp.local. 4500 PTR Hall._ipp._tcp.local.");
  w.run(seconds(1));
  const names = servicesOf(w).map(({ instance }) => instance);
  expect(names.sort()).toEqual(["Hall", "Lobby"]);
});

test("a refresh asks for lists and for what has no answer, and for nothing else", () => {
  const w = new World();
  const link = w.link("eth0", { warm: ["_ipp._tcp"] });
  link.device("_ipp._tcp.local. 4500 PTR Lobby._ipp._tcp.local.", { delay: ms(50) });
  link.device("Lobby._ipp._tcp.local. 120 SRV 0 0 631 prnt.local.", { delay: ms(50) });
  link.device("prnt.local. 120 A 203.0.113.7", { delay: ms(50) });
  w.run(seconds(10));
  w.sent();
  w.run(seconds(1));
  expect(w.questions()).toEqual([]);
  w.input({ kind: "refresh" });
  w.run(ms(500));
  // The device has said nothing of TXT and AAAA records.
  expect([...new Set(w.questions())].sort()).toEqual([
    "Lobby._ipp._tcp.local. TXT",
    "_ipp._tcp.local. PTR",
    "prnt.local. AAAA",
  ]);
});

test("questions to ourselves are answered as others are, and counted nowhere", () => {
  const w = world();
  w.ask(`${zone} SOA`);
  const numbers = () => JSON.stringify([...w.counts.all(), ...w.engine.queryTallies.queries.all()]);
  const before = numbers();
  const bytes = encodeMessage({
    id: 7,
    questions: [{ name: parseName(zone), type: RRType.SOA, class: RRClass.IN }],
  });
  const source = { address: "10.9.9.9", port: 4000 };
  const datagram = { kind: "datagram", listener: "udp", source, bytes } as const;
  const replies = w.input({ ...datagram, isProbe: true });
  expect(replies.map(({ kind }) => kind)).toEqual(["datagram"]);
  expect(numbers()).toBe(before);
  expect(w.input(datagram)).toHaveLength(1);
  expect(numbers()).not.toBe(before);
});
