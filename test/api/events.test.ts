// Events as they are framed, and packets for people: decoded, filtered, bounded.

import { expect, test } from "vitest";
import { allEvents, eventOf, frame, packetsLike } from "../../src/api/events.js";
import { type Packet, packetEvents, shownMax } from "../../src/api/packet.js";
import { mismatch } from "../../src/api/shape.js";
import { eventShapes } from "../../src/api/shapes.js";
import { RRType } from "../../src/wire/codes.js";
import { encodeMessage, type Message } from "../../src/wire/message.js";
import { type Name, parseName } from "../../src/wire/name.js";
import type { RR } from "../../src/wire/rr.js";
import { parseRR } from "../../src/wire/text.js";
import { printer } from "./state.js";

function packetOf(message: Partial<Message>, over: Partial<Packet> = {}): Packet {
  return {
    at: "2026-01-02T03:04:05.000Z",
    link: "net1",
    family: "ipv4",
    direction: "in",
    source: "10.1.0.9:5353",
    bytes: encodeMessage(message),
    ...over,
  };
}

const answerOf = (...lines: string[]): Partial<Message> => ({
  isResponse: true,
  answers: lines.map(parseRR),
});

const srv = "Printer._ipp._tcp.local. 120 CLASS32769 SRV 0 0 631 printer.local.";

function viewOf(packet: Packet) {
  const [event] = packetEvents(packet);
  if (event === undefined) throw new Error("no event");
  return { event, view: JSON.parse(event.json) };
}

test("an event is two lines and an empty one, whatever it holds", () => {
  const text = frame(eventOf("service-added", { ...printer, instance: "a\r\nb\n\ndata: c" }));
  const [event, data, ...rest] = text.split(/\r\n|\r|\n/);
  expect(event).toBe("event: service-added");
  expect(JSON.parse((data ?? "").slice("data: ".length)).instance).toBe("a\r\nb\n\ndata: c");
  expect(rest).toEqual(["", ""]);
});

test("a packet is told in words", () => {
  const { view } = viewOf(packetOf(answerOf(srv)));
  expect(mismatch(eventShapes.packet, view)).toBeUndefined();
  expect(view).toMatchObject({
    link: "net1",
    direction: "in",
    isResponse: true,
    isWhole: true,
    answers: ["Printer._ipp._tcp.local. 120 IN SRV 0 0 631 printer.local. ; cache-flush"],
  });
});

test("a question says whether it wants a unicast response", () => {
  const name = parseName("_ipp._tcp.local");
  const questions = [
    { name, type: RRType.PTR, class: 0x8001 },
    { name, type: RRType.PTR, class: 1 },
  ];
  const { view } = viewOf(packetOf({ questions }));
  expect(view.questions.map((one: { isQu: boolean }) => one.isQu)).toEqual([true, false]);
});

test("what cannot be read to its end is told as far as it goes; what is no message is not", () => {
  const whole = packetOf(answerOf(srv, srv.replace("Printer", "Other")));
  const { view } = viewOf({ ...whole, bytes: whole.bytes.subarray(0, whole.bytes.length - 3) });
  expect(view.isWhole).toBe(false);
  expect(view.answers).toHaveLength(1);
  expect(packetEvents({ ...whole, bytes: whole.bytes.subarray(0, 11) })).toEqual([]);
});

test("of a packet with hundreds of records a bounded number is told", () => {
  const lines = Array.from({ length: 400 }, (_, at) => `h${at}.local. 120 IN A 10.1.0.${at % 250}`);
  const { view } = viewOf(packetOf(answerOf(...lines)));
  expect(view.answers).toHaveLength(shownMax);
});

test("followers of packets get what they asked for", () => {
  const { event } = viewOf(packetOf(answerOf(srv)));
  const accepts = (filter: Parameters<typeof packetsLike>[0]) =>
    packetsLike(filter, false).accepts(event);
  expect(accepts({})).toBe(true);
  expect(accepts({ link: "net1" })).toBe(true);
  expect(accepts({ link: "net2" })).toBe(false);
  expect(accepts({ name: "printer._ipp._tcp.local" })).toBe(true);
  expect(accepts({ name: "printer.local" })).toBe(true);
  expect(accepts({ name: "_ipp" })).toBe(true);
  expect(accepts({ name: "_ipps" })).toBe(false);
  expect(accepts({ type: RRType.SRV })).toBe(true);
  expect(accepts({ type: RRType.TXT })).toBe(false);
  expect(accepts({ link: "net1", type: RRType.TXT })).toBe(false);
  expect(packetsLike({}, false).accepts(eventOf("reloaded", {}))).toBe(false);
  expect(allEvents.accepts(event)).toBe(false);
});

test("what the rules hide, only those who may write are shown, and nothing of the rest is lost", () => {
  const isShell = (name: Name) => name.key.includes("_ssh");
  const hiding = {
    name: isShell,
    record: ({ rdata }: RR) => rdata.kind === "ptr" && isShell(rdata.target),
  };
  const told = (message: Partial<Message>, mayWrite: boolean) =>
    packetEvents(packetOf(message), hiding)
      .filter((event) => packetsLike({}, mayWrite).accepts(event))
      .map(({ json }) => JSON.parse(json).answers);
  const [shell, list] = [
    "_ssh._tcp.local. 4500 IN PTR Admin._ssh._tcp.local.",
    "_services._dns-sd._udp.local. 4500 IN PTR _ssh._tcp.local.",
  ];
  const open = "_http._tcp.local. 4500 IN PTR Wiki._http._tcp.local.";
  expect(told(answerOf(shell, open, list), true)).toEqual([[shell, open, list]]);
  expect(told(answerOf(shell, open, list), false)).toEqual([[open]]);
  expect(told(answerOf(shell), false)).toEqual([]);
  expect(told(answerOf(open), false)).toEqual([[open]]);
  expect(told(answerOf(open), true)).toEqual([[open]]);
});
