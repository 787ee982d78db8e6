// Do the checkers of copies see? Each rule of sessions, LLQs and copies is broken
// once, by hand, on a link on which a browse answer was told.

import { describe, expect, test } from "vitest";
import { Counts } from "../../src/counts.js";
import { type Instant, instant } from "../../src/time.js";
import { RRType } from "../../src/wire/codes.js";
import { encodeMessage } from "../../src/wire/message.js";
import { parseName } from "../../src/wire/name.js";
import { Output } from "../../src/wire/output.js";
import { encodeRdata } from "../../src/wire/rdata/encode.js";
import type { RR } from "../../src/wire/rr.js";
import { formatRR, parseRR } from "../../src/wire/text.js";
import { Packet } from "./air.js";
import { Checkers } from "./checkers.js";
import { dsoBytes, subscribeBytes, Tlv } from "./dso-bytes.js";
import { Exchanges } from "./exchanges.js";
import { Llq, llqBytes, noId, readLlq } from "./llq-bytes.js";
import { LlqModel } from "./llq-model.js";
import { floor1, floor2, plainWorld, rulesOf } from "./plan.js";
import { Session } from "./session.js";
import { ZoneMap } from "./zones.js";

const apex = "floor2.example.com";
const browse = { name: parseName(`_ipp._tcp.${apex}`), type: RRType.PTR, class: 1 };
const onLink = (name: string) => `_ipp._tcp.local. 4500 IN PTR ${name}._ipp._tcp.local.`;
const shown = (name: string, ttl = 4500) =>
  parseRR(`_ipp._tcp.${apex}. ${ttl} IN PTR ${name}._ipp._tcp.${apex}.`);

class Rig {
  now: Instant = instant(0);
  readonly zones = new ZoneMap([floor1.zones, floor2.zones]);
  readonly exchanges = new Exchanges(this.zones);
  readonly checkers: Checkers;
  readonly session = new Session(this.now);

  constructor() {
    const rules = rulesOf({ ...plainWorld, links: [floor1, floor2] });
    this.checkers = new Checkers(rules, this.zones, this.exchanges, new Counts());
    this.checkers.linkUp("eth2");
    this.checkers.copies.sessions.add(this.session);
  }

  wait(span: number): this {
    this.now = instant(this.now + span);
    return this;
  }

  tell(...lines: string[]): this {
    const bytes = encodeMessage({ isResponse: true, answers: lines.map((one) => parseRR(one)) });
    const source = { address: { family: "ipv4", bytes: Uint8Array.of(192, 0, 2, 9) }, port: 5353 };
    const packet = new Packet("ipv4", source as Packet["source"], "group", bytes);
    this.checkers.ledgers.get("eth2")?.hear(this.now, packet);
    return this;
  }

  /** The client has asked; the server has not answered. */
  asks(id = 1): this {
    this.session.request(id, { kind: "subscribe", rcode: undefined });
    const hold = undefined;
    this.session.subscribes({ id, question: browse, since: this.now, hold, isAccepted: false });
    return this;
  }

  answers(id = 1, rcode = 0): this {
    return this.says(dsoBytes(id, 0, new Uint8Array(), 0xb000 | rcode).subarray(0, 12));
  }

  /** Subscribed, and nothing is known yet. */
  begun(): this {
    return this.asks().answers().stepped();
  }

  push(...changes: RR[]): this {
    return this.says(pushBytes(...changes));
  }

  says(bytes: Uint8Array): this {
    this.session.read(this.now, bytes);
    return this;
  }

  stepped(): this {
    this.checkers.settled(this.now);
    return this;
  }
}

function pushBytes(...changes: RR[]): Uint8Array {
  const output = new Output(0);
  for (const { name, type, ttlSeconds, rdata } of changes) {
    output.name(name, false);
    for (const value of [type, 1]) output.u16(value);
    output.u32(ttlSeconds);
    const start = output.beginLength();
    if (ttlSeconds !== 0xffff_fffe) encodeRdata(output, type, rdata, false);
    output.endLength(start);
  }
  return dsoBytes(0, Tlv.push, output.finish());
}

const gone = 0xffff_ffff;
const allGone = 0xffff_fffe;

test("a sound session passes: the response, what is known, what comes and goes", () => {
  const rig = new Rig().tell(onLink("Lobby"));
  rig.asks().answers().push(shown("Lobby")).stepped();
  rig.wait(5000).tell(onLink("Foyer")).push(shown("Foyer")).stepped();
  rig.wait(5000).tell(onLink("Lobby").replace("4500", "0")).stepped();
  rig.wait(1000).push(shown("Lobby", gone)).stepped();
  rig.tell(onLink("Foyer").replace("4500", "0")).wait(1000).push(shown("Foyer", allGone));
  rig.stepped();
  expect(rig.session.copy.size).toBe(0);
});

describe("what a session says", () => {
  const twice = (rig: Rig) => rig.tell(onLink("Lobby")).push(shown("Lobby")).stepped();
  test.each<[string, (rig: Rig) => unknown, string]>([
    ["PUSH before the response", (r) => r.asks().push(shown("Lobby")), "before the session"],
    ["no response", (r) => r.asks().stepped(), "no response"],
    ["two responses", (r) => r.begun().answers(), "second response"],
    ["a stray response", (r) => r.begun().answers(7), "nobody waits for"],
    ["a refusal without a delay", (r) => r.asks().answers(1, 2), "without Retry Delay"],
    ["an empty PUSH", (r) => r.begun().push(), "an empty PUSH"],
    ["a large PUSH", (r) => r.begun().push(...Array(300).fill(shown("x".repeat(60)))), "bytes"],
    ["told twice", (r) => twice(r.begun()).push(shown("Lobby")), "told twice"],
    ["a removal of nothing", (r) => r.begun().push(shown("Lobby", gone)), "what was not told"],
    ["all of nothing", (r) => r.begun().push(shown("Lobby", allGone)), "removal of nothing"],
    ["a TTL that is none", (r) => r.begun().push(shown("Lobby", 0x8000_0000)), "TTL"],
    [
      "another name",
      (r) => r.begun().push({ ...shown("Lobby"), name: parseName(`_x._tcp.${apex}`) }),
      "not subscribed to",
    ],
    [
      "a PUSH after Retry Delay",
      (r) =>
        r
          .begun()
          .says(dsoBytes(0, Tlv.retryDelay, new Uint8Array(4)))
          .push(shown("Lobby")),
      "after Retry Delay",
    ],
    ["a request", (r) => r.begun().says(subscribeBytes(3, browse)), "a request of the server"],
    [
      "a PUSH to a client that does not read",
      (r) => {
        r.begun().session.isBlocked = true;
        r.push(shown("Lobby"));
      },
      "does not read",
    ],
    [
      "no reset",
      (r) => {
        r.begun().session.mustReset = true;
        r.stepped();
      },
      "not reset",
    ],
  ])("%s", (_, act, claim) => {
    expect(() => act(new Rig())).toThrow(claim);
  });
});

describe("what a copy holds", () => {
  test.each<[string, (rig: Rig) => unknown, string]>([
    ["too little", (r) => r.begun().wait(1).tell(onLink("Lobby")).stepped(), "was not told"],
    ["too much", (r) => r.begun().push(shown("Lobby")).stepped(), "what the link has not"],
    [
      "what has gone",
      (r) => {
        r.begun().wait(1).tell(onLink("Lobby")).push(shown("Lobby")).stepped();
        r.tell(onLink("Lobby").replace("4500", "0")).wait(1001).stepped();
      },
      "what the link has not",
    ],
    [
      "another TTL",
      (r) => r.begun().tell(onLink("Lobby")).push(shown("Lobby", 120)).stepped(),
      "TTL, on the link 4500",
    ],
    [
      "what leads to no usable address",
      (r) => {
        r.tell("Lobby._ipp._tcp.local. 120 CLASS32769 SRV 0 0 631 p.local.");
        r.tell("p.local. 120 CLASS32769 A 169.254.1.1", onLink("Lobby"));
        r.begun().push(shown("Lobby")).stepped();
      },
      "what the link has not",
    ],
    [
      "a zone that is not served any more",
      (r) => {
        r.begun().zones.serve(new Set(["eth1"]), true);
        r.stepped();
      },
      "whose zone is gone",
    ],
  ])("%s", (_, act, claim) => {
    expect(() => act(new Rig())).toThrow(claim);
  });

  test("those who do not read are left in peace, and held to it afterwards", () => {
    const rig = new Rig().begun();
    rig.session.isBlocked = true;
    rig.wait(1).tell(onLink("Lobby")).stepped();
    rig.session.isBlocked = false;
    expect(() => rig.stepped()).toThrow("was not told");
  });
});

const id = "00000000000000aa";

class LlqRig extends Rig {
  readonly model: LlqModel;

  constructor() {
    super();
    const setting = { question: browse, isAcknowledged: true, lag: 0 };
    this.model = new LlqModel(this.exchanges, this.now, setting);
    this.checkers.copies.llqs.add(this.model);
  }

  /** Set up, with these first answers. */
  live(...answers: RR[]): this {
    this.model.begin(this.now);
    this.model.answers(this.#heard(Llq.setup, 7, answers).heard, instant(this.now + 900_000));
    return this;
  }

  event(messageId: number, ...answers: RR[]): this {
    const { bytes, heard } = this.#heard(Llq.event, messageId, answers);
    this.model.event(this.now, bytes, heard);
    return this;
  }

  #heard(opcode: number, messageId: number, answers: readonly RR[]) {
    const fields = { opcode, error: 0, id, leaseSeconds: 0 };
    const bytes = llqBytes({ messageId, question: browse, fields, isResponse: true });
    const heard = readLlq(bytes)!;
    const message = { ...heard.message, answers };
    const told = Buffer.from(answers.map((rr) => formatRR(rr)).join());
    return { bytes: Buffer.concat([bytes, told]), heard: { ...heard, message } };
  }
}

describe("what an LLQ is told", () => {
  test("a sound one passes: sent again at 2 and 6 s, acknowledged, and equal then", () => {
    const rig = new LlqRig().live();
    rig.wait(1).tell(onLink("Lobby"));
    rig.event(5, shown("Lobby")).stepped();
    rig.wait(2000).stepped();
    rig.event(5, shown("Lobby"));
    expect(rig.model.acknowledged(rig.now, 6, id)).toBe(false);
    expect(rig.model.acknowledged(rig.now, 5, noId)).toBe(false);
    rig.wait(4000).event(5, shown("Lobby"));
    expect(rig.model.acknowledged(rig.now, 5, id)).toBe(true);
    rig.stepped();
  });

  test.each<[string, (rig: LlqRig) => unknown, string]>([
    ["before it lives", (r) => r.event(5, shown("Lobby")), "that is new"],
    ["after the lease", (r) => r.live().wait(900_000).event(5, shown("x")), "after the lease"],
    ["nothing", (r) => r.live().event(5), "an empty event"],
    ["a second event", (r) => r.live().event(5, shown("x")).event(6, shown("y")), "before the ack"],
    [
      "again too soon",
      (r) => r.live().event(5, shown("x")).wait(1999).event(5, shown("x")),
      "1999",
    ],
    ["again too late", (r) => r.live().event(5, shown("x")).wait(2001).stepped(), "not sent again"],
    ["twice", (r) => r.live(shown("x")).event(5, shown("x")), "told twice"],
    ["a removal", (r) => r.live().event(5, shown("x", gone)), "what was not told"],
    ["too little", (r) => r.live().wait(1).tell(onLink("x")).stepped(), "was not told"],
    ["too much", (r) => r.live(shown("x")).stepped(), "what the link has not"],
    [
      "first answers too late",
      (r) => {
        r.model.begin(r.now);
        r.wait(6001).stepped();
      },
      "no first answers",
    ],
    [
      "first answers, in spite of what is known",
      (r) => {
        r.model.begin(r.now);
        r.wait(1).tell(onLink("Lobby")).stepped();
      },
      "known, not answered",
    ],
  ])("%s", (_, act, claim) => {
    expect(() => act(new LlqRig())).toThrow(claim);
  });

  test("given up after the third sending, it is told nothing more [LLQ-19]", () => {
    const rig = new LlqRig().live().event(5, shown("x"));
    rig.wait(2000).event(5, shown("x")).wait(4000).event(5, shown("x")).wait(8001);
    rig.stepped();
    expect(() => rig.event(5, shown("x"))).toThrow("that is ended");
  });
});
