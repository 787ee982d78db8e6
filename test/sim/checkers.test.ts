// Do the checkers see? Each rule is broken once, by hand, in a world of two
// links on which `printer.local` has told its address.

import { describe, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { type Instant, instant } from "../../src/time.js";
import { parseType, RRType } from "../../src/wire/codes.js";
import { encodeMessage, type Message } from "../../src/wire/message.js";
import { nameOf, parseName } from "../../src/wire/name.js";
import { parseRR } from "../../src/wire/text.js";
import { Packet } from "./air.js";
import { Checkers } from "./checkers.js";
import { Exchanges } from "./exchanges.js";
import { floor1, floor2, plainWorld, rulesOf } from "./plan.js";
import { ZoneMap } from "./zones.js";

const plan = { ...plainWorld, links: [floor1, floor2] };
const soa = "floor2.example.com. 10 IN SOA px.example.net. hm.example.net. 0 7200 3600 86400 10";
const rrs = (...lines: string[]) => lines.map((line) => parseRR(line));

class Rig {
  now: Instant = instant(0);
  readonly exchanges: Exchanges;
  readonly checkers: Checkers;

  constructor() {
    const zones = new ZoneMap([floor1.zones, floor2.zones]);
    this.exchanges = new Exchanges(zones);
    this.checkers = new Checkers(rulesOf(plan), zones, this.exchanges, new Counts());
    this.checkers.linkUp("eth1");
    this.checkers.linkUp("eth2");
  }

  wait(span: number): void {
    this.now = instant(this.now + span);
  }

  /** A device tells something on a link. */
  tell(link: string, ...lines: string[]): void {
    const answers = rrs(...lines).map((rr) => ({ ...rr, class: rr.class | 0x8000 }));
    const bytes = encodeMessage({ isResponse: true, answers });
    const source = { address: { family: "ipv4", bytes: Uint8Array.of(192, 0, 2, 9) }, port: 5353 };
    const packet = new Packet("ipv4", source as Packet["source"], "group", bytes);
    this.checkers.ledgers.get(link)?.hear(this.now, packet);
  }

  ask(name: string, type: string, sizeMax = 1232, key = "c"): void {
    const question = { name: parseName(name), type: parseType(type)!, class: 1 };
    this.exchanges.arrive(this.now, { key, question, recursionDesired: true, sizeMax });
  }

  reply(name: string, type: string, message: Partial<Message>): void {
    const question = { name: parseName(name), type: parseType(type)!, class: 1 };
    const flags = { isResponse: true, aa: true, rd: true };
    const bytes = encodeMessage({ ...flags, questions: [question], ...message });
    this.checkers.reply(this.now, "c", bytes);
  }

  /** The engine sends a query on eth2. */
  send(name: string, message: Partial<Message> = {}): void {
    const questions = [{ name: parseName(name), type: RRType.A, class: 1 }];
    const bytes = encodeMessage({ questions, ...message });
    const effect = { kind: "multicast", link: "eth2", family: "ipv4", to: "group", bytes } as const;
    this.checkers.effects(this.now, [effect]);
  }
}

const printer = "printer.floor2.example.com.";
const told = "printer.local. 120 IN A 192.0.2.7";

function asked(): Rig {
  const rig = new Rig();
  rig.tell("eth2", told);
  rig.tell("eth1", "printer.local. 120 IN A 192.0.2.8");
  rig.wait(2000);
  rig.ask(printer, "A");
  return rig;
}

describe("replies", () => {
  test("a good one passes", () => {
    asked().reply(printer, "A", { answers: rrs(`${printer} 10 IN A 192.0.2.7`) });
  });

  test.each([
    ["of another link", { answers: rrs(`${printer} 10 IN A 192.0.2.8`) }, "does not say so"],
    ["too long a TTL", { answers: rrs(`${printer} 11 IN A 192.0.2.7`) }, "TTL too long"],
    ["NXDOMAIN", { rcode: 3, authorities: rrs(soa) }, "NXDOMAIN"],
    ["SERVFAIL", { rcode: 2, aa: false }, "without a reason"],
    ["no SOA", {}, "without SOA"],
    ["a .local name", { answers: rrs(told.replace("120", "10")) }, ".local has leaked"],
    ["class", { answers: [{ ...rrs(`${printer} 9 IN A 192.0.2.7`)[0]!, class: 0x8001 }] }, "class"],
    [
      "twice",
      { answers: rrs(`${printer} 9 IN A 192.0.2.7`, `${printer} 9 IN A 192.0.2.7`) },
      "twice",
    ],
    ["another question", { questions: [] }, "not echoed"],
    ["AA missing", { aa: false, answers: rrs(`${printer} 10 IN A 192.0.2.7`) }, "AA"],
    ["RD missing", { rd: false, answers: rrs(`${printer} 10 IN A 192.0.2.7`) }, "RD"],
    [
      "of another zone",
      { additionals: rrs("printer.floor1.example.com. 10 IN A 192.0.2.8"), authorities: rrs(soa) },
      "from another link",
    ],
  ])("%s", (_, message, claim) => {
    expect(() => asked().reply(printer, "A", message)).toThrow(claim);
  });

  test("an expired one, one that expires sooner, one after its goodbye", () => {
    const answers = rrs(`${printer} 10 IN A 192.0.2.7`);
    const late = asked();
    late.wait(118_001);
    expect(() => late.reply(printer, "A", { answers })).toThrow("does not say so");
    const soon = asked();
    soon.wait(110_000);
    expect(() => soon.reply(printer, "A", { answers })).toThrow("8000 ms left");
    const gone = asked();
    gone.tell("eth2", told.replace("120", "0"));
    gone.wait(1001);
    expect(() => gone.reply(printer, "A", { answers })).toThrow("does not say so");
  });

  test("a set that was flushed, a link-local address, an uneven set", () => {
    const rig = asked();
    rig.tell("eth2", told.replace("2.7", "2.6"), "printer.local. 120 IN A 169.254.1.1");
    const both = [`${printer} 1 IN A 192.0.2.7`, `${printer} 1 IN A 192.0.2.6`];
    const uneven = [both[0]!, both[1]!.replace(" 1 ", " 9 ")];
    expect(() => rig.reply(printer, "A", { answers: rrs(...uneven) })).toThrow("uneven");
    rig.ask(printer, "A");
    const local = rrs(`${printer} 1 IN A 169.254.1.1`);
    expect(() => rig.reply(printer, "A", { answers: local })).toThrow("link-local");
    rig.wait(1001);
    rig.ask(printer, "A");
    expect(() => rig.reply(printer, "A", { answers: rrs(...both) })).toThrow("does not say so");
  });

  test("the wrong zone inside rdata", () => {
    const rig = new Rig();
    const service = "x._ipp._tcp.Floor\\0321.Büro\\.Nord.example.com.";
    rig.tell("eth1", "x._ipp._tcp.local. 120 IN SRV 0 0 1 printer.local.");
    rig.ask(service, "SRV");
    const srv = (zone: string) => rrs(`${service} 9 IN SRV 0 0 1 printer.${zone}`);
    expect(() => rig.reply(service, "SRV", { answers: srv("f1.mesh.") })).toThrow("expected");
    rig.ask(service, "SRV");
    rig.reply(service, "SRV", { answers: srv("floor1.example.com.") });
  });

  test("more than the client takes; a reply to nobody", () => {
    const rig = asked();
    rig.exchanges.release(() => true);
    rig.ask(printer, "A", 40);
    const answers = rrs(`${printer} 10 IN A 192.0.2.7`);
    expect(() => rig.reply(printer, "A", { answers })).toThrow("the client takes 40");
    expect(() => rig.reply(printer, "A", { answers })).toThrow("nobody waits for");
  });
});

describe("what is owed", () => {
  test.each([
    ["nothing after six seconds", "nobody.floor2.example.com.", 6001, "no answer after"],
    ["not at once for the apex", "floor2.example.com.", 0, "at once"],
    ["not at once for what is known", printer, 0, "told on the link"],
  ])("%s", (_, name, span, claim) => {
    const rig = asked();
    rig.exchanges.release(() => true);
    rig.ask(name, "A");
    if (span > 0) rig.checkers.settled(rig.now);
    rig.wait(span);
    expect(() => rig.checkers.settled(rig.now)).toThrow(claim);
  });

  test("a denial that is not passed on", () => {
    const rig = new Rig();
    rig.ask("printer.floor2.example.com.", "AAAA");
    rig.checkers.settled(rig.now);
    rig.tell("eth2", "printer.local. 120 IN NSEC printer.local. A");
    expect(() => rig.checkers.settled(rig.now)).toThrow("denied");
  });
});

describe("packets on a link", () => {
  test("a question that nobody waits for", () => {
    expect(() => asked().send("other.local")).toThrow("nobody waits for");
    asked().send("printer.local");
  });

  test("gaps: a second, then two", () => {
    const rig = asked();
    rig.send("printer.local");
    rig.wait(999);
    expect(() => rig.send("printer.local")).toThrow("asked again");
    const good = asked();
    good.send("printer.local");
    good.wait(1000);
    good.send("printer.local");
    good.wait(1999);
    expect(() => good.send("printer.local")).toThrow("asked again");
  });

  test("the rate: twenty in any second", () => {
    const burst = () => {
      const rig = new Rig();
      const send = (number: number) => {
        rig.ask(`host-${number}.floor2.example.com`, "A", 512, `c${number}`);
        rig.send(`host-${number}.local`);
      };
      for (let number = 0; number < 20; number++, rig.wait(49)) send(number);
      return { rig, send };
    };
    const fast = burst();
    expect(() => fast.send(20)).toThrow("more than 20 packets");
    const slow = burst();
    slow.rig.wait(20);
    slow.send(20);
  });

  test("known answers that belong to no question", () => {
    expect(() => asked().send("printer.local", { questions: [] })).toThrow("without a question");
  });

  test.each([
    ["an ID", { id: 1 }, "ID"],
    ["flags", { rd: true }, "flags"],
    ["a response", { isResponse: true }, "a response"],
    ["a dead known answer", { answers: rrs("x.local. 9 IN A 192.0.2.1") }, "not on the link"],
    ["a unique known answer", { answers: rrs(told) }, "unique"],
  ])("%s", (_, message, claim) => {
    expect(() => asked().send("printer.local", message)).toThrow(claim);
  });
});

test("streams: nothing after the end, no end with answers due", () => {
  const rig = new Rig();
  const { checkers } = rig;
  const effect = (kind: "write" | "close") =>
    checkers.effects(rig.now, [{ kind, stream: 1, bytes: new Uint8Array() } as never]);
  expect(() => effect("write")).toThrow("unknown");
  checkers.streamOpened(1);
  const question = { name: nameOf(["x", "floor2", "example", "com"]), type: RRType.A, class: 1 };
  rig.exchanges.arrive(rig.now, { key: "1~1", question, recursionDesired: true, sizeMax: 65_535 });
  effect("close");
  expect(() => checkers.streamClosing(1)).toThrow("1 answers are due");
  expect(() => effect("write")).toThrow("closing");
  checkers.streamClosed(1);
  expect(() => effect("close")).toThrow("closed");
});

test("sizes", () => {
  const { checkers } = new Rig();
  const link = { id: "eth1", records: 0, questionCount: 0 };
  const queries = { waiting: 0, readyBytes: 0 };
  const dump = { links: [link], queries, push: { subscriptions: 0 }, llq: { llqs: 0 } };
  checkers.sizes(dump);
  const over = plan.limits.cacheRecords + 1;
  expect(() => checkers.sizes({ ...dump, links: [{ ...link, records: over }] })).toThrow("RRs");
  const waiting = { ...queries, waiting: plan.limits.queriesWaiting + 1 };
  expect(() => checkers.sizes({ ...dump, queries: waiting })).toThrow("waiting");
  const llqs = plan.limits.llq + 1;
  expect(() => checkers.sizes({ ...dump, llq: { llqs } })).toThrow("LLQs");
  const forgotten = { subscriptions: 1 };
  expect(() => checkers.sizes({ ...dump, push: forgotten })).toThrow("the clients have 0");
});
